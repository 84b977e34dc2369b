#include "array/place.h"

#include "base/alloc.h"
#include "base/error.h"

#include <stdio.h>
#include <string.h>

/* "a" becomes "a/"; "" stays. */
static int set_prefix(mpj_place *place, const char *name, mpijob_error *err)
{
    size_t bytes = strlen(name) + 2;
    place->prefix = mpj_alloc(bytes);
    if (!place->prefix)
        return mpj_fail_memory(err, "the name of an array", bytes);
    snprintf(place->prefix, bytes, *name ? "%s/" : "%s", name);
    return MPIJOB_OK;
}

static int fail_several(const mpj_place *place, const mpijob_group *group, mpijob_error *err)
{
    char names[400] = "";
    size_t used = 0;
    size_t count = mpijob_group_count(group);
    for (size_t i = 0; i < count && used < sizeof names - 1; i++) {
        int added =
            snprintf(names + used, sizeof names - used, "%s%s", i ? ", " : ": ", mpijob_group_member(group, i)->name);
        used += added > 0 ? (size_t)added : 0;
    }
    if (used >= sizeof names)
        memcpy(names + sizeof names - 4, "...", 4);
    return mpj_fail(err, MPIJOB_EUNSUPPORTED,
                    "%s is a group of %zu arrays%s; choose one by option name, or use mpijob_load_group", place->path,
                    count, names);
}

/* A group stands for its array when it has just one. */
static int only_member(mpj_place *place, mpijob_error *err)
{
    mpijob_group *group;
    int status = mpijob_list_group(&group, place->path, err);
    if (status != MPIJOB_OK)
        return status;
    status = mpijob_group_count(group) == 1 ? set_prefix(place, mpijob_group_member(group, 0)->name, err)
                                            : fail_several(place, group, err);
    mpijob_group_free(group);
    return status;
}

static int named_member(mpj_place *place, const char *name, mpijob_error *err)
{
    char file[MPJ_PATH_BYTES];
    if (snprintf(file, sizeof file, "%s/.zarray", name) >= (int)sizeof file)
        return mpj_fail(err, MPIJOB_ENOTFOUND, "%s has no array of so long a name", place->path);
    int status = mpj_tree_stat(place->tree, file, NULL, err);
    if (status == MPIJOB_ENOTFOUND)
        return mpj_fail(err, MPIJOB_ENOTFOUND, "the group %s has no array \"%.200s\"", place->path, name);
    return status == MPIJOB_OK ? set_prefix(place, name, err) : status;
}

static int find_member(mpj_place *place, const char *name, mpijob_error *err)
{
    int named = name && *name;
    int status;
    if (place->form == MPJ_FORM_ZARR_GROUP)
        status = named ? named_member(place, name, err) : only_member(place, err);
    else if (named)
        status = mpj_fail(err, MPIJOB_ENOTFOUND, "%s is a single array, no group with an array \"%.200s\"", place->path,
                          name);
    else
        status = place->form == MPJ_FORM_NPY ? MPIJOB_OK : set_prefix(place, "", err);
    if (place->form == MPJ_FORM_ZARR_GROUP)
        place->form = MPJ_FORM_ZARR_ARRAY;
    return status;
}

int mpj_place_find(mpj_place *place, const char *path, const char *name, mpijob_error *err)
{
    place->prefix = NULL;
    int status = mpj_name_check(name, err);
    if (status == MPIJOB_OK)
        status = mpj_recognise(&place->form, place->path, &place->tree, path, err);
    if (status != MPIJOB_OK)
        return status;
    status = find_member(place, name, err);
    if (status != MPIJOB_OK)
        mpj_place_close(place);
    return status;
}

void mpj_place_close(mpj_place *place)
{
    if (place->tree)
        mpj_tree_close(place->tree);
    mpj_free(place->prefix);
    place->tree = NULL;
    place->prefix = NULL;
}
