#include "array/forms.h"
#include "array/recordfile.h"
#include "base/alloc.h"
#include "base/error.h"

#include <string.h>

/* A group whose members become a struct. */
typedef struct loading {
    const char *path;
    const mpijob_group *group;
    json_t *counts; /* from the attributes; NULL: none */
    json_t *found;  /* names of members that belong to fields */
    mpijob_error *err;
} loading;

static int no_memory(const loading *load)
{
    return mpj_fail_memory(load->err, "the fields of a struct", sizeof(void *));
}

static const mpijob_array *find_member(loading *load, const char *name, const mpijob_field *field, int *status)
{
    const mpijob_member *member = mpijob_group_find(load->group, name);
    int ndim = field->count > 0 || field->holding == MPIJOB_POINTER;
    *status = MPIJOB_OK;
    if (!member)
        *status = mpj_fail(load->err, MPIJOB_EINVAL, "%s has no field \"%s\"", load->path, name);
    else if (member->array.ndim != ndim)
        *status = mpj_fail(load->err, MPIJOB_EINVAL, "%s: field \"%s\" has %d dimensions, and that of the struct %d",
                           load->path, name, member->array.ndim, ndim);
    else if (field->count > 0 && member->array.shape[0] != field->count)
        *status = mpj_fail(load->err, MPIJOB_EINVAL, "%s: field \"%s\" has %zu elements, and that of the struct %zu",
                           load->path, name, member->array.shape[0], field->count);
    else if (json_object_set_new(load->found, name, json_null()) != 0)
        *status = no_memory(load);
    return *status == MPIJOB_OK ? &member->array : NULL;
}

/* Where the elements of a field belong. */
static char *place_of(loading *load, char *value, const mpijob_record *record, const mpijob_field *field,
                      const char *name, size_t count, int *status)
{
    *status = MPIJOB_OK;
    if (field->holding != MPIJOB_POINTER)
        return value + field->offset;
    char *elements = NULL;
    *status = mpj_record_point(&elements, value, record, field, count, load->path, name, load->err);
    return elements;
}

/* ---- Fields ---------------------------------------------------------------------------------------------------- */

static int load_strings(loading *load, char *to, const mpijob_array *from, size_t count, const char *name)
{
    if (from->type.kind != MPIJOB_BYTES)
        return mpj_fail(load->err, MPIJOB_EINVAL, "%s: field \"%s\" holds %s, and that of the struct is a string",
                        load->path, name, mpijob_kind_name(from->type.kind));
    size_t width = mpijob_type_size(&from->type);
    for (size_t i = 0; i < count; i++) {
        const char *text = (const char *)from->data + i * width;
        size_t length = strnlen(text, width);
        char *string = mpj_calloc(1, length + 1);
        if (!string)
            return no_memory(load);
        memcpy(string, text, length);
        memcpy(to + i * sizeof string, &string, sizeof string);
    }
    return MPIJOB_OK;
}

static int load_record(loading *load, const char *outer, char *value, const mpijob_record *record);

static int load_array(loading *load, char *value, const mpijob_record *record, const mpijob_field *field,
                      const char *name)
{
    int status;
    const mpijob_array *from = find_member(load, name, field, &status);
    if (!from)
        return status;
    size_t count = from->ndim ? from->shape[0] : 1;
    char *to = place_of(load, value, record, field, name, count, &status);
    if (status != MPIJOB_OK)
        return status;
    if (field->type.kind == MPIJOB_STRING)
        return load_strings(load, to, from, count, name);
    return mpj_record_convert(to, &field->type, from, count, load->path, name, load->err);
}

/* Each element has at least one member, so that the file bounds what is allocated. */
static int count_groups(const loading *load, const mpijob_field *field, const char *name, size_t *count)
{
    const json_t *number = json_object_get(load->counts, name);
    json_int_t value = json_is_integer(number) ? json_integer_value(number) : -1;
    if (value < 0)
        return mpj_fail(load->err, MPIJOB_EINVAL, "%s has no field \"%s\" (no count of it in its attributes)",
                        load->path, name);
    *count = (size_t)value;
    if (*count > mpijob_group_count(load->group) || (field->count > 0 && *count != field->count))
        return mpj_fail(load->err, MPIJOB_EINVAL,
                        "%s: field \"%s\" says %zu elements, which are not there, or too many", load->path, name,
                        *count);
    return MPIJOB_OK;
}

static int load_groups(loading *load, const char *outer, char *value, const mpijob_record *record,
                       const mpijob_field *field, const char *name)
{
    size_t count = 0;
    int status = count_groups(load, field, name, &count);
    char *to = status == MPIJOB_OK ? place_of(load, value, record, field, name, count, &status) : NULL;
    for (size_t i = 0; status == MPIJOB_OK && i < count; i++) {
        char *inner = mpj_record_path_at(outer, field->name, i);
        status = inner ? load_record(load, inner, to + i * mpijob_type_size(&field->type), field->type.record)
                       : no_memory(load);
        mpj_free(inner);
    }
    return status;
}

static int load_field(loading *load, const char *outer, char *value, const mpijob_record *record,
                      const mpijob_field *field)
{
    int is_group = mpj_field_is_group(field);
    char *name = mpj_record_path(outer, field->name, is_group ? "/" : "");
    if (!name)
        return no_memory(load);
    int status = is_group                     ? load_record(load, name, value + field->offset, field->type.record)
                 : mpj_field_is_groups(field) ? load_groups(load, outer, value, record, field, name)
                                              : load_array(load, value, record, field, name);
    mpj_free(name);
    return status;
}

static int load_record(loading *load, const char *outer, char *value, const mpijob_record *record)
{
    int status = MPIJOB_OK;
    for (size_t i = 0; status == MPIJOB_OK && i < record->field_count; i++)
        status = load_field(load, outer, value, record, &record->fields[i]);
    return status;
}

/* ---- The two forms --------------------------------------------------------------------------------------------- */

static int check_all_used(const loading *load, const mpijob_record *record)
{
    for (size_t i = 0; i < mpijob_group_count(load->group); i++) {
        const char *name = mpijob_group_member(load->group, i)->name;
        if (!json_object_get(load->found, name))
            return mpj_fail(load->err, MPIJOB_EINVAL, "%s has a field \"%s\" that the struct %s has not", load->path,
                            name, record->name);
    }
    return MPIJOB_OK;
}

static int from_group(char *value, const mpijob_record *record, const char *path, const mpijob_load_options *options,
                      mpijob_error *err)
{
    mpijob_group *group = NULL;
    int status = mpijob_load_group(&group, path, options, err);
    if (status != MPIJOB_OK)
        return status;
    json_t *attributes = json_loads(mpijob_group_attributes(group), 0, NULL);
    loading load = {.path = path, .group = group, .found = json_object(), .err = err};
    load.counts = json_object_get(json_object_get(attributes, MPJ_RECORD_ATTRIBUTE), MPJ_RECORD_COUNTS);
    status = load.found && attributes ? load_record(&load, "", value, record) : no_memory(&load);
    if (status == MPIJOB_OK)
        status = check_all_used(&load, record);
    json_decref(load.found);
    json_decref(attributes);
    mpijob_group_free(group);
    return status;
}

static int from_array(char *value, const mpijob_record *record, const char *path, const mpijob_load_options *options,
                      mpijob_error *err)
{
    mpijob_array array;
    mpijob_type type = mpijob_type_record(record);
    int status = mpijob_load(&array, path, options, err);
    if (status != MPIJOB_OK)
        return status;
    if (array.ndim != 0)
        status = mpj_fail(err, MPIJOB_EINVAL, "%s holds an array of %d dimensions, not one struct", path, array.ndim);
    else if (array.type.kind != MPIJOB_RECORD)
        status = mpj_fail(err, MPIJOB_EINVAL, "%s holds %s, not a struct", path, mpijob_kind_name(array.type.kind));
    else
        status = mpj_record_convert(value, &type, &array, 1, path, record->name, err);
    mpijob_array_free(&array);
    return status;
}

static int check_options(const mpijob_load_options *options, mpijob_error *err)
{
    mpj_load_plan plan;
    int status = mpj_load_plan_make(&plan, options, err);
    if (status != MPIJOB_OK || !options)
        return status;
    const char *what = options->mmap_mode ? "mmap_mode"
                       : options->record  ? "record"
                       : options->region  ? "region"
                       : options->name    ? "name"
                       : options->into    ? "into"
                                          : NULL;
    return what ? mpj_fail(err, MPIJOB_EINVAL, "option %s cannot be used when a struct is loaded", what) : MPIJOB_OK;
}

static int find_form(char *found, const mpijob_record *record, const char *path, mpijob_error *err)
{
    mpj_form form;
    mpj_tree *tree;
    int status, tries = 0;
    do
        status = mpj_recognise(&form, found, &tree, path, err);
    while (mpj_replaced_meanwhile(status, err, &tries));
    if (status != MPIJOB_OK)
        return status;
    if (tree)
        mpj_tree_close(tree);
    int is_group = form == MPJ_FORM_ZARR_GROUP;
    if (is_group == !mpijob_record_is_flat(record))
        return MPIJOB_OK;
    return mpj_fail(err, MPIJOB_EINVAL,
                    is_group ? "%s is a group, and the struct %s, without strings and pointers, is one array"
                             : "%s is one array, and the struct %s, with strings or pointers, is a group",
                    path, record->name);
}

static int load_new(char *value, const mpijob_record *record, const char *path, const mpijob_load_options *options,
                    mpijob_error *err)
{
    char found[MPJ_PATH_BYTES];
    int status = find_form(found, record, path, err);
    if (status != MPIJOB_OK)
        return status;
    return mpijob_record_is_flat(record) ? from_array(value, record, found, options, err)
                                         : from_group(value, record, found, options, err);
}

static int load_record_told(void *value, const mpijob_record *record, const char *path,
                            const mpijob_load_options *options, mpijob_error *err)
{
    if (!value || !record)
        return mpj_fail(err, MPIJOB_EINVAL, "the struct to load into is NULL, or its description");
    mpijob_type type = mpijob_type_record(record);
    int status = mpijob_type_check(&type, err);
    if (status == MPIJOB_OK)
        status = check_options(options, err);
    if (status != MPIJOB_OK)
        return status;
    char *loaded = mpj_calloc(1, record->bytes);
    if (!loaded)
        return mpj_fail_memory(err, "a struct", record->bytes);
    status = load_new(loaded, record, path, options, err);
    if (status == MPIJOB_OK)
        mpj_record_hand_over(value, loaded, record);
    else
        mpijob_record_dispose(loaded, record);
    mpj_free(loaded);
    return status;
}

int mpijob_load_record(void *value, const mpijob_record *record, const char *path, const mpijob_load_options *options,
                       mpijob_error *err)
{
    mpijob_error own;
    return mpj_told(err, load_record_told(value, record, path, options, &own), &own);
}
