/* What the parts of NPY share. */
#ifndef MPJ_ARRAY_NPY_H
#define MPJ_ARRAY_NPY_H

#include "array/forms.h"

typedef struct mpj_npy_file {
    int fd;
    const char *path; /* the caller's */
    uint64_t bytes;
    mpj_npy_header header;
} mpj_npy_file;

/* Opens (update: for writing too), reads the header, and sees that the file has bytes for all elements. */
int mpj_npy_open(mpj_npy_file *file, const char *path, int update, mpijob_error *err);
void mpj_npy_close(mpj_npy_file *file);

/* A region of the file's array with every dimension limited; of all of it for NULL. MPIJOB_EINVAL: it is not inside. */
int mpj_npy_region(mpijob_region *whole, const mpj_npy_file *file, const mpijob_region *region, mpijob_error *err);

/* Which dimension of the array is number `i` in the file, from the slowest to the fastest varying? */
static inline int mpj_file_dim(int i, int ndim, int order)
{
    return order == 'F' ? ndim - 1 - i : i;
}

int mpj_npy_map(mpijob_array *array, mpj_npy_file *file, const mpj_load_plan *plan, mpijob_error *err);

#endif
