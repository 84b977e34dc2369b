#include "array/place.h"

#include "base/error.h"

static int load_from(mpijob_array *array, mpj_place *place, const mpj_load_plan *plan, mpijob_error *err)
{
    if (place->form == MPJ_FORM_NPY)
        return mpj_npy_load(array, place->path, plan, err);
    if (plan->mmap_mode)
        return mpj_fail(
            err, MPIJOB_EUNSUPPORTED,
            "%s holds a Zarr array, whose chunks cannot be mapped; load it without mmap_mode, or convert it to "
            "NPY (mpijob array convert) and map that",
            place->path);
    return mpj_zarr_load(array, place->tree, place->prefix, plan, err);
}

static int load(mpijob_array *array, const char *path, const mpj_load_plan *plan, mpijob_error *err)
{
    mpj_place place;
    if (plan->mmap_mode == 'w')
        return path && *path ? mpj_npy_create(array, path, plan, err)
                             : mpj_fail(err, MPIJOB_EINVAL, "the path to map is %s", path ? "empty" : "NULL");
    int status = mpj_place_find(&place, path, plan->options.name, err);
    if (status != MPIJOB_OK)
        return status;
    status = load_from(array, &place, plan, err);
    mpj_place_close(&place);
    return status;
}

static int load_told(mpijob_array *array, const char *path, const mpijob_load_options *options, mpijob_error *err)
{
    mpj_load_plan plan;
    mpijob_array loaded = {0};
    if (!array)
        return mpj_fail(err, MPIJOB_EINVAL, "the array to load into is NULL");
    int status = mpj_load_plan_make(&plan, options, err);
    if (status == MPIJOB_OK)
        status = load(&loaded, path, &plan, err);
    if (status == MPIJOB_OK)
        *array = loaded;
    return status;
}

int mpijob_load(mpijob_array *array, const char *path, const mpijob_load_options *options, mpijob_error *err)
{
    mpijob_error own;
    int status, tries = 0;
    do
        status = load_told(array, path, options, &own);
    while (mpj_replaced_meanwhile(status, &own, &tries));
    return mpj_told(err, status, &own);
}
