#include "array/forms.h"

#include "base/error.h"

static int check_elements(const mpijob_array *array, mpijob_error *err)
{
    int status = mpj_array_check(array, NULL, err);
    if (status != MPIJOB_OK || array->type.kind != MPIJOB_RECORD || mpijob_record_is_flat(array->type.record))
        return status;
    return mpj_fail(err, MPIJOB_EUNSUPPORTED,
                    "an array of %s cannot be dumped: its elements have strings or pointers; one such struct can, with "
                    "mpijob_dump_record",
                    array->type.record->name);
}

static int dump_told(const mpijob_array *array, const char *path, const mpijob_dump_options *options, mpijob_error *err)
{
    mpj_dump_plan plan;
    int status = mpj_dump_plan_make(&plan, path, options, err);
    if (status == MPIJOB_OK)
        status = check_elements(array, err);
    if (status != MPIJOB_OK)
        return status;
    return plan.format == MPIJOB_NPY ? mpj_npy_dump(array, path, &plan, err) : mpj_zarr_dump(array, path, &plan, err);
}

int mpijob_dump(const mpijob_array *array, const char *path, const mpijob_dump_options *options, mpijob_error *err)
{
    mpijob_error own;
    return mpj_told(err, dump_told(array, path, options, &own), &own);
}
