/* Loading arrays one after another. */
#ifndef MPJ_ARRAY_ZARRLOAD_H
#define MPJ_ARRAY_ZARRLOAD_H

#include "array/forms.h"
#include "array/meter.h"

/* As mpj_zarr_load. The meter's total is not changed; done grows by the array's bytes. */
int mpj_zarr_load_metered(mpijob_array *array, mpj_tree *tree, const char *prefix, const mpj_load_plan *plan,
                          mpj_meter *meter, mpijob_error *err);

#endif
