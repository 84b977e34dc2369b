/* What lies behind mpijob_array.own. */
#ifndef MPJ_ARRAY_OWN_H
#define MPJ_ARRAY_OWN_H

#include "data/dtype.h"
#include "io/mapping.h"

#include <mpijob/array.h>

typedef struct mpj_own {
    mpj_dtype dtype; /* what the array's type refers to: records, names, texts */
    void *block;     /* the elements, or NULL */
    mpj_mapping mapping;
    char *path; /* of the file that is mapped for writing, else NULL */
} mpj_own;

/* An array's description without elements: everything but data is set. MPIJOB_OK or MPIJOB_ENOMEM, MPIJOB_EINVAL. */
int mpj_own_begin(mpijob_array *array, const mpijob_type *type, int ndim, const size_t *shape, int order,
                  mpijob_error *err);

/* A copy (mpj_free); NULL: no memory. */
char *mpj_copy_text(const char *text);

/* What is called between pieces of work: MPIJOB_OK or MPIJOB_ECANCELED. fn NULL: MPIJOB_OK. */
int mpj_tell_progress(mpijob_bytes_fn *fn, void *payload, uint64_t done, uint64_t total, mpijob_error *err);

#endif
