/* An array on its way into Zarr files: how it is cut, and the making of a chunk. */
#ifndef MPJ_ARRAY_ZARRPART_H
#define MPJ_ARRAY_ZARRPART_H

#include "array/sums.h"
#include "array/zarrmeta.h"

typedef struct mpj_zarr_part {
    mpijob_array array; /* a view of the caller's elements */
    mpj_zarr_meta meta;
    mpj_convert convert; /* memory to file */
    ptrdiff_t chunk_strides[MPIJOB_MAX_DIMS];
    int straight;   /* a whole chunk lies in the array as it does in the file */
    int gathers;    /* some chunks have to be collected in a buffer first */
    uint64_t bytes; /* of all elements in memory */
} mpj_zarr_part;

/* Checks the array and what the plan says for it. MPIJOB_EINVAL, MPIJOB_EUNSUPPORTED, MPIJOB_ENOMEM. On failure there is
 * nothing to free. */
int mpj_zarr_part_init(mpj_zarr_part *part, const mpijob_array *array, const mpj_dump_plan *plan, mpijob_error *err);
void mpj_zarr_part_dispose(mpj_zarr_part *part);

/* What making a chunk needs: a thread's own. */
typedef struct mpj_zarr_scratch {
    void *gathered;
    void *packed;
} mpj_zarr_scratch;
size_t mpj_zarr_scratch_bytes(const mpj_zarr_part *part);
/* How many of these a cache has room for, at least 1, at most `wanted`. */
size_t mpj_zarr_scratch_count(const mpj_zarr_part *part, size_t cache_bytes, uint64_t wanted);
int mpj_zarr_scratch_make(mpj_zarr_scratch *scratch, const mpj_zarr_part *part, mpijob_error *err);
void mpj_zarr_scratch_free(mpj_zarr_scratch *scratch);

/* Makes a chunk's file. What is returned lies in the scratch, or in the array itself. */
int mpj_zarr_encode(const mpj_zarr_part *part, uint64_t number, mpj_zarr_scratch *scratch, const void **content,
                    size_t *bytes, mpijob_error *err);

#endif
