/* What a .zarray says. */
#ifndef MPJ_ARRAY_ZARRMETA_H
#define MPJ_ARRAY_ZARRMETA_H

#include "array/chunkgrid.h"
#include "array/forms.h"

#define MPJ_ZARRAY ".zarray"
#define MPJ_ZATTRS ".zattrs"
#define MPJ_ZGROUP ".zgroup"
#define MPJ_ZARRAY_LIMIT ((uint64_t)16 << 20) /* bytes; .zgroup's too */
#define MPJ_ZATTRS_LIMIT ((uint64_t)64 << 20)

typedef struct mpj_zarr_meta {
    mpj_dtype dtype;
    size_t element_bytes; /* in the file */
    mpj_grid grid;
    size_t chunk_bytes; /* of a whole chunk, not compressed */
    int order;          /* 'C' or 'F' */
    char separator;     /* between the indices of a chunk's name: '.' or '/' */
    int compressed;     /* by Blosc; codec says how */
    mpj_codec_options codec;
    void *fill; /* an element as it lies in the file; zeros where the file says null. NULL: zeros, of a large element */
    char dtype_text[4096];
} mpj_zarr_meta;

/* what: the file, for messages. On failure nothing is left to free. MPIJOB_ECORRUPT, MPIJOB_EUNSUPPORTED, MPIJOB_EVERSION,
 * MPIJOB_ENOMEM. */
int mpj_zarr_meta_parse(mpj_zarr_meta *meta, const char *text, size_t bytes, const char *what, mpijob_error *err);
void mpj_zarr_meta_free(mpj_zarr_meta *meta); /* zeroed: without effect */

/* The text for an array of a caller's type (dtype is what is written of it; fill is not looked at: zero is written). Free
 * with mpj_free. */
int mpj_zarr_meta_print(char **text, size_t *bytes, const mpj_zarr_meta *meta, mpijob_error *err);

/* ---- Fill values (zarrfill.c) ---- */
/* Sets an element, as it lies in the file, from a fill_value. element: zeroed, meta->element_bytes. */
int mpj_zarr_fill_read(void *element, const mpj_dtype *dtype, size_t element_bytes, const json_t *value,
                       const char *what, mpijob_error *err);
/* Zero of a type, as a fill_value. NULL: no memory. */
json_t *mpj_zarr_fill_zero(const mpijob_type *type, size_t element_bytes);

#endif
