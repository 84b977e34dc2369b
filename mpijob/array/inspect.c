#include "array/place.h"

#include "base/error.h"

static int array_inspect_told(mpijob_array_info *info, const char *path, const char *name, mpijob_error *err)
{
    mpj_place place;
    mpijob_array_info found = {0};
    if (!info)
        return mpj_fail(err, MPIJOB_EINVAL, "the place for what is found is NULL");
    int status = mpj_place_find(&place, path, name, err);
    if (status != MPIJOB_OK)
        return status;
    status = place.form == MPJ_FORM_NPY ? mpj_npy_inspect(&found, place.path, err)
                                        : mpj_zarr_inspect(&found, place.tree, place.prefix, err);
    mpj_place_close(&place);
    if (status == MPIJOB_OK)
        *info = found;
    return status;
}

int mpijob_array_inspect(mpijob_array_info *info, const char *path, const char *name, mpijob_error *err)
{
    mpijob_error own;
    int status, tries = 0;
    do
        status = array_inspect_told(info, path, name, &own);
    while (mpj_replaced_meanwhile(status, &own, &tries));
    return mpj_told(err, status, &own);
}

/* A file that is too damaged to be recognised is damaged as a whole. */
static int fail_unrecognised(mpijob_verify_result *result, int status, const char *path, const mpijob_error *why,
                             mpijob_damage_fn *damage, void *payload, mpijob_error *err)
{
    if (status == MPIJOB_ECORRUPT) {
        result->damaged = 1;
        if (damage)
            damage(path, "", why->text, payload);
    }
    if (err)
        *err = *why;
    return status;
}

static int verify_told(mpijob_verify_result *result, const char *path, mpijob_damage_fn *damage, void *payload,
                       mpijob_bytes_fn *progress, void *progress_payload, mpijob_error *err)
{
    mpj_form form;
    mpj_tree *tree;
    char found[MPJ_PATH_BYTES];
    mpijob_error why = {0};
    if (!result)
        return mpj_fail(err, MPIJOB_EINVAL, "the place for the result is NULL");
    *result = (mpijob_verify_result){0};
    int status = mpj_recognise(&form, found, &tree, path, &why);
    if (status != MPIJOB_OK)
        return fail_unrecognised(result, status, path, &why, damage, payload, err);
    if (form == MPJ_FORM_NPY)
        return mpj_npy_verify(result, found, damage, payload, progress, progress_payload, err);
    status = mpj_zarr_verify(result, tree, damage, payload, progress, progress_payload, err);
    mpj_tree_close(tree);
    return status;
}

int mpijob_verify(mpijob_verify_result *result, const char *path, mpijob_damage_fn *damage, void *payload,
                  mpijob_bytes_fn *progress, void *progress_payload, mpijob_error *err)
{
    mpijob_error own;
    return mpj_told(err, verify_told(result, path, damage, payload, progress, progress_payload, &own), &own);
}
