#include "array/recordfile.h"

#include "array/forms.h"
#include "base/alloc.h"
#include "base/error.h"
#include "data/limits.h"
#include "data/walk.h"

#include <stdio.h>
#include <string.h>

/* ---- Names ----------------------------------------------------------------------------------------------------- */

char *mpj_record_path(const char *outer, const char *name, const char *end)
{
    size_t bytes = strlen(outer) + strlen(name) + strlen(end) + 1;
    char *path = mpj_alloc(bytes);
    if (path)
        snprintf(path, bytes, "%s%s%s", outer, name, end);
    return path;
}

char *mpj_record_path_at(const char *outer, const char *name, size_t index)
{
    char end[32];
    snprintf(end, sizeof end, "/%zu/", index);
    return mpj_record_path(outer, name, end);
}

/* ---- Members of the group -------------------------------------------------------------------------------------- */

/* The struct as members; `blocks` are what was allocated for them. */
typedef struct members {
    mpijob_member *list;
    size_t count, capacity;
    void **blocks;
    size_t block_count, block_capacity;
    json_t *names, *counts;
    mpijob_error *err;
} members;

static int no_memory(members *all)
{
    return mpj_fail_memory(all->err, "the members of a struct", sizeof(mpijob_member));
}

/* Takes the block over, also when it fails. */
static int keep(members *all, void *block)
{
    void *grown = all->blocks;
    if (!block || mpj_grow(&grown, &all->block_capacity, all->block_count + 1, sizeof *all->blocks) != 0) {
        mpj_free(block);
        return no_memory(all);
    }
    all->blocks = grown;
    all->blocks[all->block_count++] = block;
    return MPIJOB_OK;
}

static void release(members *all)
{
    for (size_t i = 0; i < all->block_count; i++)
        mpj_free(all->blocks[i]);
    mpj_free(all->blocks);
    mpj_free(all->list);
    json_decref(all->names);
    json_decref(all->counts);
}

static int add_member(members *all, const char *outer, const char *name, const mpijob_array *array)
{
    void *grown = all->list;
    char *path = mpj_record_path(outer, name, "");
    int status = keep(all, path);
    if (status != MPIJOB_OK)
        return status;
    if (mpj_grow(&grown, &all->capacity, all->count + 1, sizeof *all->list) != 0)
        return no_memory(all);
    all->list = grown;
    all->list[all->count++] = (mpijob_member){.name = path, .array = *array};
    return json_array_append_new(all->names, json_string(path)) == 0 ? MPIJOB_OK : no_memory(all);
}

/* ---- Fields ---------------------------------------------------------------------------------------------------- */

/* The elements of a field: where, how many, and as an array of how many dimensions. */
typedef struct elements {
    const char *at;
    size_t count;
    int ndim;
} elements;

static int find_elements(elements *found, const char *value, const mpijob_field *field, mpijob_error *err)
{
    if (field->holding == MPIJOB_INLINE) {
        *found = (elements){value + field->offset, field->count ? field->count : 1, field->count > 0};
        return MPIJOB_OK;
    }
    found->ndim = 1;
    found->at = mpj_pointer_at(value + field->offset);
    return mpj_field_length(&found->count, value, field, err);
}

static const char *string_at(const elements *strings, size_t index)
{
    const char *string = mpj_pointer_at(strings->at + index * sizeof(char *));
    return string ? string : "";
}

/* numpy has texts of one length only, and none of length 0. */
static int add_strings(members *all, const char *outer, const mpijob_field *field, const elements *strings)
{
    size_t width = 1, bytes;
    for (size_t i = 0; i < strings->count; i++) {
        size_t length = strlen(string_at(strings, i));
        width = length > width ? length : width;
    }
    if (width > MPJ_MAX_ELEMENT_BYTES || mpj_shape_bytes(&bytes, 1, &strings->count, width) != 0)
        return mpj_fail(all->err, MPIJOB_EINVAL, "field %s%s: its strings are too long for an array", outer,
                        field->name);
    char *text = mpj_calloc(1, bytes);
    int status = keep(all, text);
    if (status != MPIJOB_OK)
        return status;
    for (size_t i = 0; i < strings->count; i++)
        memcpy(text + i * width, string_at(strings, i), strlen(string_at(strings, i)));
    mpijob_array array = mpijob_array_of(text, mpijob_type_bytes(width), strings->ndim, &strings->count);
    return add_member(all, outer, field->name, &array);
}

static int add_record(members *all, const char *outer, const char *value, const mpijob_record *record);

static int add_groups(members *all, const char *outer, const mpijob_field *field, const elements *structs)
{
    char *path = mpj_record_path(outer, field->name, "");
    int failed = !path || json_object_set_new(all->counts, path, json_integer((json_int_t)structs->count)) != 0;
    mpj_free(path);
    int status = failed ? no_memory(all) : MPIJOB_OK;
    for (size_t i = 0; status == MPIJOB_OK && i < structs->count; i++) {
        char *inner = mpj_record_path_at(outer, field->name, i);
        status = inner ? add_record(all, inner, structs->at + i * mpijob_type_size(&field->type), field->type.record)
                       : no_memory(all);
        mpj_free(inner);
    }
    return status;
}

static int add_group(members *all, const char *outer, const mpijob_field *field, const elements *one)
{
    char *inner = mpj_record_path(outer, field->name, "/");
    int status = inner ? add_record(all, inner, one->at, field->type.record) : no_memory(all);
    mpj_free(inner);
    return status;
}

static int add_field(members *all, const char *outer, const char *value, const mpijob_field *field)
{
    elements found;
    if (strchr(field->name, '/'))
        return mpj_fail(all->err, MPIJOB_EINVAL, "field %s%s: its name has a '/', which separates groups", outer,
                        field->name);
    int status = find_elements(&found, value, field, all->err);
    if (status != MPIJOB_OK)
        return status;
    if (field->type.kind == MPIJOB_STRING)
        return add_strings(all, outer, field, &found);
    if (mpj_field_is_groups(field))
        return add_groups(all, outer, field, &found);
    if (mpj_field_is_group(field))
        return add_group(all, outer, field, &found);
    mpijob_array array = mpijob_array_of(found.at, field->type, found.ndim, &found.count);
    return add_member(all, outer, field->name, &array);
}

static int add_record(members *all, const char *outer, const char *value, const mpijob_record *record)
{
    int status = MPIJOB_OK;
    for (size_t i = 0; status == MPIJOB_OK && i < record->field_count; i++)
        status = add_field(all, outer, value, &record->fields[i]);
    return status;
}

/* ---- The file -------------------------------------------------------------------------------------------------- */

static int make_attributes(members *all, const mpijob_record *record, char **text)
{
    json_t *json = json_pack("{s:{s:s, s:O, s:O}}", MPJ_RECORD_ATTRIBUTE, MPJ_RECORD_NAME, record->name,
                             MPJ_RECORD_FIELDS, all->names, MPJ_RECORD_COUNTS, all->counts);
    size_t bytes = json ? json_dumpb(json, NULL, 0, 0) : 0;
    *text = bytes ? mpj_calloc(1, bytes + 1) : NULL;
    int status = *text ? keep(all, *text) : no_memory(all);
    if (status == MPIJOB_OK && json_dumpb(json, *text, bytes, 0) != bytes)
        status = no_memory(all);
    json_decref(json);
    return status;
}

static int dump_group(const void *value, const mpijob_record *record, const char *path,
                      const mpijob_dump_options *options, mpijob_error *err)
{
    members all = {.names = json_array(), .counts = json_object(), .err = err};
    char *attributes = NULL;
    int status = all.names && all.counts ? add_record(&all, "", value, record) : no_memory(&all);
    if (status == MPIJOB_OK)
        status = make_attributes(&all, record, &attributes);
    if (status == MPIJOB_OK)
        status = mpj_group_dump(all.list, all.count, attributes, path, options, err);
    release(&all);
    return status;
}

static int dump_record_told(const void *value, const mpijob_record *record, const char *path,
                            const mpijob_dump_options *options, mpijob_error *err)
{
    if (!value || !record)
        return mpj_fail(err, MPIJOB_EINVAL, "the struct to dump is NULL, or its description");
    mpijob_type type = mpijob_type_record(record);
    int status = mpijob_type_check(&type, err);
    if (status != MPIJOB_OK)
        return status;
    if (!mpijob_record_is_flat(record))
        return dump_group(value, record, path, options, err);
    mpijob_array one = mpijob_array_of(value, type, 0, NULL);
    return mpijob_dump(&one, path, options, err);
}

int mpijob_dump_record(const void *value, const mpijob_record *record, const char *path,
                       const mpijob_dump_options *options, mpijob_error *err)
{
    mpijob_error own;
    return mpj_told(err, dump_record_told(value, record, path, options, &own), &own);
}
