/* What lies in a group. */
#ifndef MPJ_ARRAY_ZARRWALK_H
#define MPJ_ARRAY_ZARRWALK_H

#include "array/forms.h"

/* Called for each array below: prefix "" (the tree's root is one) or "a/", "inner/a/". A status other than MPIJOB_OK ends
 * the walk with it. */
typedef int mpj_zarr_array_fn(const char *prefix, void *payload, mpijob_error *err);
/* Called for damage of a group's own files or list of members; MPIJOB_OK: go on all the same. */
typedef int mpj_zarr_damage_fn(const char *prefix, const mpijob_error *why, void *payload);

/* In no particular order; damage NULL: the first one is the walk's end. */
int mpj_zarr_walk(mpj_tree *tree, mpj_zarr_array_fn *array, mpj_zarr_damage_fn *damage, void *payload,
                  mpijob_error *err);

/* The attributes of the array or group with this prefix, strict JSON, checked to be an object and against the list of
 * checksums; *text NULL where there are none. Free with mpj_free. */
int mpj_zarr_attributes(char **text, mpj_tree *tree, const char *prefix, mpijob_error *err);

#endif
