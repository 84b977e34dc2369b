/* One Zarr array in a tree, opened for reading: what load, verify and inspect share. */
#ifndef MPJ_ARRAY_ZARRREAD_H
#define MPJ_ARRAY_ZARRREAD_H

#include "array/sums.h"
#include "array/zarrmeta.h"

typedef struct mpj_zarr_reading {
    mpj_tree *tree;
    const char *prefix; /* "" or "a/"; the caller's */
    mpj_zarr_meta meta;
    mpj_sums sums;
    ptrdiff_t chunk_strides[MPIJOB_MAX_DIMS];
} mpj_zarr_reading;

/* "tree/prefix" "name", for messages. */
#define MPJ_WHAT_BYTES (2 * MPJ_PATH_BYTES)
void mpj_zarr_what(char what[MPJ_WHAT_BYTES], const mpj_tree *tree, const char *prefix, const char *name);

/* A small file, checked against the list; zero-terminated, in *text: free with mpj_free. MPIJOB_ENOTFOUND: there is none,
 * and none is expected. */
int mpj_zarr_read_text(char **text, size_t *bytes, mpj_tree *tree, const char *prefix, const char *name, uint64_t limit,
                       const mpj_sums *sums, mpijob_error *err);

/* Reads .zarray and the list of checksums. On failure there is nothing to close. */
int mpj_zarr_open(mpj_zarr_reading *reading, mpj_tree *tree, const char *prefix, mpijob_error *err);
void mpj_zarr_close(mpj_zarr_reading *reading);

/* What reading chunks needs: a thread's own. Zeroed: empty. */
typedef struct mpj_zarr_buffers {
    mpj_tree_buffer file;
    void *elements; /* room for a chunk */
} mpj_zarr_buffers;
void mpj_zarr_buffers_free(mpj_zarr_buffers *buffers);
/* How many of these a cache has room for: 1 to `wanted`. scatters: `elements` is needed. */
size_t mpj_zarr_buffers_count(const mpj_zarr_reading *reading, size_t cache_bytes, int scatters, uint64_t wanted);

/* Reads a chunk and decompresses it to `to` (meta.chunk_bytes), or with NULL to *elements in the buffers.
 * MPIJOB_ENOTFOUND: it is missing, and may be (then err is not filled). */
int mpj_zarr_read_chunk(const mpj_zarr_reading *reading, const size_t *at, void *to, mpj_zarr_buffers *buffers,
                        mpijob_error *err);

/* Elements that a chunk's file of so many bytes can hold at most. */
uint64_t mpj_zarr_justified(const mpj_zarr_reading *reading, uint64_t file_bytes);

/* The chunks that exist, in no order. Nonzero from `each` ends. */
typedef int mpj_zarr_each_fn(uint64_t number, uint64_t file_bytes, void *payload);
int mpj_zarr_list_chunks(const mpj_zarr_reading *reading, mpj_zarr_each_fn *each, void *payload, mpijob_error *err);

#endif
