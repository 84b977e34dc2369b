#include "array/zarrwalk.h"

#include "array/jsontext.h"
#include "array/zarrread.h"
#include "base/alloc.h"
#include "base/error.h"
#include "data/limits.h"

#include <stdio.h>
#include <string.h>

typedef struct walk {
    mpj_tree *tree;
    mpj_zarr_array_fn *array;
    mpj_zarr_damage_fn *damage;
    void *payload;
    mpijob_error *err;
} walk;

/* ---- Names of inner folders -------------------------------------------------------------------------------------- */

typedef struct names {
    char *text; /* "a/\0b/\0" */
    size_t used, capacity;
    int no_memory;
} names;

static int add_folder(const char *name, uint64_t bytes, void *payload)
{
    names *list = payload;
    size_t length = strlen(name);
    void *text = list->text;
    (void)bytes;
    if (name[length - 1] != '/')
        return 0;
    if (mpj_grow(&text, &list->capacity, list->used + length + 1, 1) != 0)
        return list->no_memory = 1;
    list->text = text;
    memcpy(list->text + list->used, name, length + 1);
    list->used += length + 1;
    return 0;
}

static int list_folders(names *list, mpj_tree *tree, const char *prefix, mpijob_error *err)
{
    *list = (names){0};
    int status = mpj_tree_list(tree, prefix, add_folder, list, err);
    if (list->no_memory)
        status = mpj_fail_memory(err, "names", list->used);
    return status;
}

/* ---- Attributes -------------------------------------------------------------------------------------------------- */

/* What Python writes and JSON has not is made texts, so that every JSON reader can have it; else the text stays as it is. */
static int take_strict(char **text, size_t bytes, const char *what, mpijob_error *err)
{
    json_t *object;
    int status = mpj_json_parse_object(&object, *text, bytes, what, err);
    if (status != MPIJOB_OK)
        return status;
    json_decref(object);
    size_t strict_bytes;
    char *strict = mpj_json_strict(*text, bytes, &strict_bytes);
    if (!strict)
        return mpj_fail_memory(err, what, bytes);
    mpj_free(*text);
    *text = strict;
    return MPIJOB_OK;
}

static int read_attributes(char **text, mpj_tree *tree, const char *prefix, const mpj_sums *sums, mpijob_error *err)
{
    char what[MPJ_WHAT_BYTES];
    size_t bytes;
    mpj_zarr_what(what, tree, prefix, MPJ_ZATTRS);
    int status = mpj_zarr_read_text(text, &bytes, tree, prefix, MPJ_ZATTRS, MPJ_ZATTRS_LIMIT, sums, err);
    if (status != MPIJOB_OK)
        return status == MPIJOB_ENOTFOUND ? MPIJOB_OK : status;
    status = take_strict(text, bytes, what, err);
    if (status != MPIJOB_OK) {
        mpj_free(*text);
        *text = NULL;
    }
    return status;
}

int mpj_zarr_attributes(char **text, mpj_tree *tree, const char *prefix, mpijob_error *err)
{
    mpj_sums sums;
    *text = NULL;
    int status = mpj_sums_read(&sums, tree, prefix, err);
    if (status != MPIJOB_OK)
        return status;
    status = read_attributes(text, tree, prefix, &sums, err);
    mpj_sums_free(&sums);
    return status;
}

/* ---- A group's own files ----------------------------------------------------------------------------------------- */

static int check_version(const char *text, size_t bytes, const char *what, mpijob_error *err)
{
    json_t *object;
    int status = mpj_json_parse_object(&object, text, bytes, what, err);
    if (status != MPIJOB_OK)
        return status;
    const json_t *version = json_object_get(object, "zarr_format");
    json_int_t number = json_is_integer(version) ? json_integer_value(version) : 0;
    json_decref(object);
    if (number == 2)
        return MPIJOB_OK;
    return mpj_fail(err, number > 2 ? MPIJOB_EVERSION : MPIJOB_ECORRUPT, "%s: no group of Zarr version 2", what);
}

static int check_zgroup(mpj_tree *tree, const char *prefix, const mpj_sums *sums, mpijob_error *err)
{
    char what[MPJ_WHAT_BYTES];
    char *text;
    size_t bytes;
    mpj_zarr_what(what, tree, prefix, MPJ_ZGROUP);
    int status = mpj_zarr_read_text(&text, &bytes, tree, prefix, MPJ_ZGROUP, MPJ_ZARRAY_LIMIT, sums, err);
    if (status != MPIJOB_OK)
        return status;
    status = check_version(text, bytes, what, err);
    mpj_free(text);
    return status;
}

/* The lists of the members, which the group's own list has: each is the sum over all of a member. */
static int check_members(mpj_tree *tree, const char *prefix, const mpj_sums *sums, mpijob_error *err)
{
    int status = MPIJOB_OK;
    for (size_t i = 0; i < sums->count && status == MPIJOB_OK; i++) {
        char *text = NULL;
        size_t bytes;
        if (!strchr(sums->entries[i].name, '/'))
            continue;
        status = mpj_zarr_read_text(&text, &bytes, tree, prefix, sums->entries[i].name, MPJ_SUMS_LIMIT, sums, err);
        if (status == MPIJOB_OK)
            mpj_free(text);
    }
    return status;
}

static int check_group(mpj_tree *tree, const char *prefix, const mpj_sums *sums, mpijob_error *err)
{
    char *attributes = NULL;
    int status = check_zgroup(tree, prefix, sums, err);
    if (status == MPIJOB_OK)
        status = read_attributes(&attributes, tree, prefix, sums, err);
    mpj_free(attributes);
    return status == MPIJOB_OK ? check_members(tree, prefix, sums, err) : status;
}

/* ---- Walking ----------------------------------------------------------------------------------------------------- */

static int has(const walk *w, const char *prefix, const char *name, int *found, mpijob_error *err)
{
    char path[MPJ_PATH_BYTES];
    uint64_t bytes;
    *found = 0;
    if ((size_t)snprintf(path, sizeof path, "%s%s", prefix, name) >= sizeof path)
        return mpj_fail(err, MPIJOB_ECORRUPT, "%s: names inside are too long", mpj_tree_path(w->tree));
    int status = mpj_tree_stat(w->tree, path, &bytes, err);
    *found = status == MPIJOB_OK;
    return status == MPIJOB_ENOTFOUND ? MPIJOB_OK : status;
}

static int walk_at(const walk *w, const char *prefix, int depth);

/* damaged: whether the walk goes on is for the caller to say. */
static int tell_damage(const walk *w, const char *prefix, int status, mpijob_error *why)
{
    if (status == MPIJOB_ECORRUPT && w->damage && w->damage(prefix, why, w->payload) == MPIJOB_OK)
        return MPIJOB_OK;
    if (status != MPIJOB_OK && w->err)
        *w->err = *why;
    return status;
}

/* Neither array nor group: someone else's folder, unless the list says otherwise. */
static int check_stranger(const walk *w, const char *prefix, const char *folder, const mpj_sums *sums)
{
    char name[MPJ_PATH_BYTES];
    mpijob_error why = {0};
    snprintf(name, sizeof name, "%s%s", folder, MPJ_SUMS_NAME);
    if (!mpj_sums_find(sums, name))
        return MPIJOB_OK;
    mpj_fail(&why, MPIJOB_ECORRUPT, "%s/%s%s has neither .zarray nor .zgroup any more: damaged", mpj_tree_path(w->tree),
             prefix, folder);
    return tell_damage(w, prefix, MPIJOB_ECORRUPT, &why);
}

static int walk_folder(const walk *w, const char *prefix, const char *folder, const mpj_sums *sums, int depth)
{
    char inner[MPJ_PATH_BYTES];
    int is_array = 0, is_group = 0;
    if ((size_t)snprintf(inner, sizeof inner, "%s%s", prefix, folder) >= sizeof inner)
        return mpj_fail(w->err, MPIJOB_ECORRUPT, "%s: names inside are too long", mpj_tree_path(w->tree));
    mpijob_error why = {0};
    int status = has(w, inner, MPJ_ZARRAY, &is_array, &why);
    if (status == MPIJOB_OK && !is_array)
        status = has(w, inner, MPJ_ZGROUP, &is_group, &why);
    if (status != MPIJOB_OK)
        return tell_damage(w, inner, status, &why);
    if (is_array)
        return w->array(inner, w->payload, w->err);
    return is_group ? walk_at(w, inner, depth + 1) : check_stranger(w, prefix, folder, sums);
}

static int walk_members(const walk *w, const char *prefix, const mpj_sums *sums, int depth)
{
    names list;
    int status = list_folders(&list, w->tree, prefix, w->err);
    for (size_t at = 0; at < list.used && status == MPIJOB_OK; at += strlen(list.text + at) + 1)
        status = walk_folder(w, prefix, list.text + at, sums, depth);
    mpj_free(list.text);
    return status;
}

static int walk_at(const walk *w, const char *prefix, int depth)
{
    mpj_sums sums;
    mpijob_error why = {0};
    if (depth > MPJ_MAX_GROUP_DEPTH)
        return mpj_fail(w->err, MPIJOB_ECORRUPT, "%s: more than %d groups inside each other", mpj_tree_path(w->tree),
                        MPJ_MAX_GROUP_DEPTH);
    int status = mpj_sums_read(&sums, w->tree, prefix, &why);
    if (status == MPIJOB_OK)
        status = check_group(w->tree, prefix, &sums, &why);
    status = tell_damage(w, prefix, status, &why);
    if (status == MPIJOB_OK)
        status = walk_members(w, prefix, &sums, depth);
    mpj_sums_free(&sums);
    return status;
}

int mpj_zarr_walk(mpj_tree *tree, mpj_zarr_array_fn *array, mpj_zarr_damage_fn *damage, void *payload,
                  mpijob_error *err)
{
    walk w = {tree, array, damage, payload, err};
    int is_array;
    int status = has(&w, "", MPJ_ZARRAY, &is_array, err);
    if (status != MPIJOB_OK)
        return status;
    return is_array ? array("", payload, err) : walk_at(&w, "", 0);
}
