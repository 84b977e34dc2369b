/* One array at a path: a file's only one, or one of a group. */
#ifndef MPJ_ARRAY_PLACE_H
#define MPJ_ARRAY_PLACE_H

#include "array/forms.h"

typedef struct mpj_place {
    mpj_form form; /* of the array: MPJ_FORM_NPY or MPJ_FORM_ZARR_ARRAY */
    char path[MPJ_PATH_BYTES];
    mpj_tree *tree; /* NULL for NPY */
    char *prefix;   /* as mpj_zarr_load takes it */
} mpj_place;

/* name: NULL or "" for the only array. Errors as mpijob_load. */
int mpj_place_find(mpj_place *place, const char *path, const char *name, mpijob_error *err);
void mpj_place_close(mpj_place *place);

#endif
