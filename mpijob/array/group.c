/* Groups as they are read. */
#include "array/npy.h"
#include "array/own.h"
#include "array/zarrload.h"
#include "array/zarrread.h"
#include "array/zarrwalk.h"
#include "base/alloc.h"
#include "base/error.h"

#include <stdlib.h>
#include <string.h>

struct mpijob_group {
    mpijob_member *members; /* sorted by name; names and attributes are owned */
    size_t count, capacity;
    char *attributes; /* or NULL */
};

/* ---- What is found --------------------------------------------------------------------------------------------- */

/* A new member, in the group at once, so that it is released with it whatever happens. */
static mpijob_member *add_member(mpijob_group *group, const char *prefix, mpijob_error *err)
{
    void *members = group->members;
    size_t length = strlen(prefix);
    if (length > 0)
        length--;
    char *name = mpj_alloc(length + 1);
    if (!name || mpj_grow(&members, &group->capacity, group->count + 1, sizeof *group->members) != 0) {
        mpj_free(name);
        mpj_fail_memory(err, "the members of a group", (group->count + 1) * sizeof *group->members);
        return NULL;
    }
    memcpy(name, prefix, length);
    name[length] = '\0';
    group->members = members;
    mpijob_member *member = &group->members[group->count++];
    *member = (mpijob_member){.name = name};
    return member;
}

static int describe_zarr(mpijob_member *member, mpj_tree *tree, const char *prefix, mpijob_error *err)
{
    mpj_zarr_reading reading;
    int status = mpj_zarr_open(&reading, tree, prefix, err);
    if (status != MPIJOB_OK)
        return status;
    const mpj_zarr_meta *meta = &reading.meta;
    status = mpj_own_begin(&member->array, &meta->dtype.type, meta->grid.ndim, meta->grid.shape, meta->order, err);
    mpj_zarr_close(&reading);
    char *attributes = NULL;
    if (status == MPIJOB_OK)
        status = mpj_zarr_attributes(&attributes, tree, prefix, err);
    member->attributes = attributes;
    return status;
}

typedef struct listing {
    mpijob_group *group;
    mpj_tree *tree;
} listing;

static int list_array(const char *prefix, void *payload, mpijob_error *err)
{
    listing *l = payload;
    mpijob_member *member = add_member(l->group, prefix, err);
    return member ? describe_zarr(member, l->tree, prefix, err) : MPIJOB_ENOMEM;
}

static int list_npy(mpijob_group *group, const char *path, mpijob_error *err)
{
    mpj_npy_file file;
    mpijob_member *member = add_member(group, "", err);
    int status = member ? mpj_npy_open(&file, path, 0, err) : MPIJOB_ENOMEM;
    if (status != MPIJOB_OK)
        return status;
    const mpj_npy_header *header = &file.header;
    status = mpj_own_begin(&member->array, &header->dtype.type, header->ndim, header->shape, header->order, err);
    mpj_npy_close(&file);
    return status;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const mpijob_member *)a)->name, ((const mpijob_member *)b)->name);
}

static int list_zarr(mpijob_group *group, mpj_form form, mpj_tree *tree, mpijob_error *err)
{
    int status = mpj_zarr_walk(tree, list_array, NULL, &(listing){group, tree}, err);
    if (status == MPIJOB_OK && form == MPJ_FORM_ZARR_GROUP)
        status = mpj_zarr_attributes(&group->attributes, tree, "", err);
    if (group->count > 1)
        qsort(group->members, group->count, sizeof *group->members, by_name);
    return status;
}

/* ---- Loading --------------------------------------------------------------------------------------------------- */

typedef struct source {
    mpj_form form;
    char path[MPJ_PATH_BYTES];
    mpj_tree *tree; /* NULL for NPY */
} source;

static int load_member(mpijob_member *member, const source *from, const mpj_load_plan *plan, mpj_meter *meter,
                       mpijob_error *err)
{
    char prefix[MPJ_PATH_BYTES] = "";
    mpijob_array loaded = {0};
    size_t length = strlen(member->name);
    if (length > 0 && length + 2 <= sizeof prefix) {
        memcpy(prefix, member->name, length);
        memcpy(prefix + length, "/", 2);
    }
    int status = from->form == MPJ_FORM_NPY ? mpj_npy_load(&loaded, from->path, plan, err)
                                            : mpj_zarr_load_metered(&loaded, from->tree, prefix, plan, meter, err);
    if (status != MPIJOB_OK)
        return status;
    mpijob_array_free(&member->array);
    member->array = loaded;
    return MPIJOB_OK;
}

static uint64_t bytes_of(const mpijob_array *array, const mpijob_record *record)
{
    size_t bytes = 0;
    mpijob_type type = record ? mpijob_type_record(record) : array->type;
    mpj_shape_bytes(&bytes, array->ndim, array->shape, mpijob_type_size(&type));
    return bytes;
}

static int load_members(mpijob_group *group, const source *from, const mpj_load_plan *plan, mpijob_error *err)
{
    mpj_meter meter = {.progress = plan->options.progress, .payload = plan->options.progress_payload};
    int status = MPIJOB_OK;
    for (size_t i = 0; i < group->count; i++)
        meter.total += bytes_of(&group->members[i].array, plan->options.record);
    for (size_t i = 0; i < group->count && status == MPIJOB_OK; i++)
        status = load_member(&group->members[i], from, plan, &meter, err);
    return status;
}

/* plan NULL: a list only. */
static int read_group(mpijob_group **out, const char *path, const mpj_load_plan *plan, mpijob_error *err)
{
    source from;
    int status = mpj_recognise(&from.form, from.path, &from.tree, path, err);
    if (status != MPIJOB_OK)
        return status;
    mpijob_group *group = mpj_calloc(1, sizeof *group);
    if (!group)
        status = mpj_fail_memory(err, "a group", sizeof *group);
    else if (from.form == MPJ_FORM_NPY)
        status = list_npy(group, from.path, err);
    else
        status = list_zarr(group, from.form, from.tree, err);
    if (status == MPIJOB_OK && plan)
        status = load_members(group, &from, plan, err);
    if (from.tree)
        mpj_tree_close(from.tree);
    if (status == MPIJOB_OK)
        *out = group;
    else
        mpijob_group_free(group);
    return status;
}

static int check_options(const mpijob_load_options *options, mpijob_error *err)
{
    const char *what = !options             ? NULL
                       : options->mmap_mode ? "mmap_mode"
                       : options->into      ? "into"
                       : options->region    ? "region"
                       : options->name      ? "name"
                                            : NULL;
    return what ? mpj_fail(err, MPIJOB_EINVAL, "option %s is not for groups", what) : MPIJOB_OK;
}

static int load_group_told(mpijob_group **group, const char *path, const mpijob_load_options *options,
                           mpijob_error *err)
{
    mpj_load_plan plan;
    int status = check_options(options, err);
    if (status == MPIJOB_OK)
        status = mpj_load_plan_make(&plan, options, err);
    if (status != MPIJOB_OK)
        return status;
    return group ? read_group(group, path, &plan, err)
                 : mpj_fail(err, MPIJOB_EINVAL, "the place for the group is NULL");
}

int mpijob_load_group(mpijob_group **group, const char *path, const mpijob_load_options *options, mpijob_error *err)
{
    mpijob_error own;
    int status, tries = 0;
    do
        status = load_group_told(group, path, options, &own);
    while (mpj_replaced_meanwhile(status, &own, &tries));
    return mpj_told(err, status, &own);
}

static int list_group_told(mpijob_group **group, const char *path, mpijob_error *err)
{
    return group ? read_group(group, path, NULL, err) : mpj_fail(err, MPIJOB_EINVAL, "the place for the group is NULL");
}

int mpijob_list_group(mpijob_group **group, const char *path, mpijob_error *err)
{
    mpijob_error own;
    int status, tries = 0;
    do
        status = list_group_told(group, path, &own);
    while (mpj_replaced_meanwhile(status, &own, &tries));
    return mpj_told(err, status, &own);
}

/* ---- Looking into one ------------------------------------------------------------------------------------------ */

size_t mpijob_group_count(const mpijob_group *group)
{
    return group ? group->count : 0;
}

const mpijob_member *mpijob_group_member(const mpijob_group *group, size_t index)
{
    return group && index < group->count ? &group->members[index] : NULL;
}

const mpijob_member *mpijob_group_find(const mpijob_group *group, const char *name)
{
    mpijob_member key = {.name = name};
    return group && name && group->count ? bsearch(&key, group->members, group->count, sizeof key, by_name) : NULL;
}

const char *mpijob_group_attributes(const mpijob_group *group)
{
    return group && group->attributes ? group->attributes : "{}";
}

void mpijob_group_free(mpijob_group *group)
{
    if (!group)
        return;
    for (size_t i = 0; i < group->count; i++) {
        mpj_free((void *)(uintptr_t)group->members[i].name);
        mpj_free((void *)(uintptr_t)group->members[i].attributes);
        mpijob_array_free(&group->members[i].array);
    }
    mpj_free(group->members);
    mpj_free(group->attributes);
    mpj_free(group);
}
