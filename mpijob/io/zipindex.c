#include "io/zipindex.h"

#include "base/alloc.h"
#include "base/error.h"
#include "io/zipsource.h"

#include <stdlib.h>
#include <string.h>

static int compare(const void *left, const void *right)
{
    const mpj_zip_entry *a = left, *b = right;
    int order = strcmp(a->name, b->name);
    return order ? order : (a->number > b->number) - (a->number < b->number);
}

/* A folder's own entry has a '/' at its end. */
static int is_sound(const char *name)
{
    char part[MPJ_PATH_BYTES];
    size_t length = strlen(name);
    if (length == 0 || length >= sizeof part)
        return 0;
    if (name[length - 1] != '/')
        return mpj_tree_name_is_sound(name);
    memcpy(part, name, length);
    part[length - 1] = '\0';
    return mpj_tree_name_is_sound(part);
}

static int add(mpj_zip_index *index, zip_t *zip, uint64_t number, const char *path, mpijob_error *err)
{
    zip_stat_t said;
    if (zip_stat_index(zip, number, 0, &said) != 0)
        return mpj_zip_fail(err, zip_get_error(zip), path, NULL);
    if (!is_sound(said.name))
        return MPIJOB_OK;
    index->entries[index->count++] = (mpj_zip_entry){.name = said.name,
                                                     .number = number,
                                                     .bytes = said.size,
                                                     .packed_bytes = said.comp_size,
                                                     .method = said.comp_method,
                                                     .encryption = said.encryption_method};
    return MPIJOB_OK;
}

static void keep_last_of_each_name(mpj_zip_index *index)
{
    size_t kept = 0;
    for (size_t i = 0; i < index->count; i++) {
        if (i + 1 < index->count && strcmp(index->entries[i].name, index->entries[i + 1].name) == 0)
            continue;
        index->entries[kept++] = index->entries[i];
    }
    index->count = kept;
}

int mpj_zip_index_make(mpj_zip_index *index, zip_t *zip, const char *path, mpijob_error *err)
{
    *index = (mpj_zip_index){0};
    uint64_t count = (uint64_t)zip_get_num_entries(zip, 0);
    index->entries = mpj_calloc(count, sizeof *index->entries);
    if (!index->entries)
        return mpj_fail_memory(err, "the names in a zip file", count * sizeof *index->entries);
    for (uint64_t i = 0; i < count; i++) {
        int status = add(index, zip, i, path, err);
        if (status != MPIJOB_OK) {
            mpj_zip_index_free(index);
            return status;
        }
    }
    qsort(index->entries, index->count, sizeof *index->entries, compare);
    keep_last_of_each_name(index);
    return MPIJOB_OK;
}

void mpj_zip_index_free(mpj_zip_index *index)
{
    mpj_free(index->entries);
    *index = (mpj_zip_index){0};
}

/* ---- Looking up -------------------------------------------------------------------------------------------------- */

/* The first entry that is not before `name`. */
static size_t lower_bound(const mpj_zip_index *index, const char *name)
{
    size_t first = 0, end = index->count;
    while (first < end) {
        size_t middle = first + (end - first) / 2;
        if (strcmp(index->entries[middle].name, name) < 0)
            first = middle + 1;
        else
            end = middle;
    }
    return first;
}

const mpj_zip_entry *mpj_zip_index_find(const mpj_zip_index *index, const char *name)
{
    size_t at = lower_bound(index, name);
    return at < index->count && strcmp(index->entries[at].name, name) == 0 ? &index->entries[at] : NULL;
}

int mpj_zip_index_has_folder(const mpj_zip_index *index, const char *folder)
{
    char name[MPJ_PATH_BYTES + 1];
    size_t length = strlen(folder);
    memcpy(name, folder, length);
    memcpy(name + length, "/", 2);
    size_t at = lower_bound(index, name);
    return at < index->count && strncmp(index->entries[at].name, name, length + 1) == 0;
}

int mpj_zip_index_list(const mpj_zip_index *index, const char *folder, mpj_tree_each_fn *each, void *payload)
{
    char name[MPJ_PATH_BYTES];
    size_t skip = strlen(folder);
    size_t at = lower_bound(index, folder), before = 0;
    int there = skip == 0;
    for (; at < index->count && strncmp(index->entries[at].name, folder, skip) == 0; at++) {
        const char *rest = index->entries[at].name + skip;
        size_t length = strcspn(rest, "/");
        there = 1;
        if (rest[0] == '\0')
            continue;
        int is_folder = rest[length] == '/';
        if (is_folder && before == length + 1 && strncmp(name, rest, before) == 0)
            continue;
        before = length + (size_t)is_folder;
        memcpy(name, rest, before);
        name[before] = '\0';
        if (each(name, is_folder ? 0 : index->entries[at].bytes, payload))
            break;
    }
    return there;
}
