/* Types and structs out of func.json. */
#include "memory/funcreader.h"

#include "data/arena.h"
#include "data/limits.h"

#include <string.h>

#define ALIGNMENT 8

static int kind_of(const char *name)
{
    for (int kind = MPIJOB_BOOL; kind <= MPIJOB_OPAQUE; kind++) {
        if (strcmp(name, mpijob_kind_name(kind)) == 0)
            return kind;
    }
    return 0;
}

static int read_opaque(const mpj_func_reader *r, mpijob_type *type, const json_t *value)
{
    mpj_dtype dtype;
    int status = mpj_func_text(r, &type->dtype, json_object_get(value, "dtype"), "an opaque field has no dtype");
    if (status != MPIJOB_OK)
        return status;
    status = mpj_dtype_parse(&dtype, json_object_get(value, "dtype"), r->what, r->err);
    if (status != MPIJOB_OK)
        return mpj_func_as_corrupt(r, status);
    type->bytes = dtype.type.bytes;
    mpj_dtype_free(&dtype);
    return MPIJOB_OK;
}

int mpj_func_type(const mpj_func_reader *r, mpijob_type *type, const json_t *value, int depth)
{
    uint64_t bytes;
    const char *name = json_string_value(json_object_get(value, "type"));
    *type = mpijob_type_of(name != NULL ? kind_of(name) : 0);
    switch (type->kind) {
    case 0:
        return mpj_func_corrupt(r, "a field or the result has no type, or one that is unknown");
    case MPIJOB_BYTES:
        if (mpj_func_number(&bytes, json_object_get(value, "bytes")) != 0 || bytes > MPJ_MAX_ELEMENT_BYTES)
            return mpj_func_corrupt(r, "a field of bytes has no length, or one above 2^31 - 1");
        type->bytes = (size_t)bytes;
        return MPIJOB_OK;
    case MPIJOB_OPAQUE:
        return read_opaque(r, type, value);
    case MPIJOB_RECORD:
        type->bytes = 0;
        return mpj_func_struct(r, &type->record, value, depth + 1);
    default:
        return MPIJOB_OK;
    }
}

static int read_count(const mpj_func_reader *r, mpijob_field *field, const json_t *value)
{
    uint64_t count;
    if (value == NULL)
        return MPIJOB_OK;
    if (mpj_func_number(&count, value) != 0 || count == 0 || count > MPJ_MAX_ELEMENT_BYTES)
        return mpj_func_corrupt(r, "the count of a field is none, or above 2^31 - 1");
    field->count = (size_t)count;
    return MPIJOB_OK;
}

static int read_flag(const mpj_func_reader *r, int *flag, const json_t *value)
{
    *flag = json_is_true(value);
    return value == NULL || json_is_boolean(value) ? MPIJOB_OK
                                                   : mpj_func_corrupt(r, "a flag of a field is not true or false");
}

static int read_field(const mpj_func_reader *r, mpijob_field *field, const json_t *value, int depth)
{
    int pointer, ignored;
    int status = mpj_func_text(r, &field->name, json_object_get(value, "name"), "a field has no name");
    if (status == MPIJOB_OK)
        status = mpj_func_type(r, &field->type, value, depth);
    if (status == MPIJOB_OK)
        status = read_count(r, field, json_object_get(value, "count"));
    if (status == MPIJOB_OK)
        status = read_flag(r, &pointer, json_object_get(value, "pointer"));
    if (status == MPIJOB_OK)
        status = read_flag(r, &ignored, json_object_get(value, "ignored"));
    if (status != MPIJOB_OK)
        return status;
    field->flags = ignored ? MPIJOB_IGNORED : 0;
    field->holding = pointer ? MPIJOB_POINTER : MPIJOB_INLINE;
    field->length_kind = pointer ? MPIJOB_UINT64 : 0;
    return MPIJOB_OK;
}

/* Where it lies in a struct of ours, whose `end` moves on. A pointer's length lies behind it. */
static int place_field(const mpj_func_reader *r, mpijob_field *field, size_t *end)
{
    size_t bytes = field->count > 0 ? field->count : 1;
    field->offset = *end;
    if (field->holding == MPIJOB_POINTER) {
        field->length_offset = *end + sizeof(void *);
        bytes = sizeof(void *) + sizeof(uint64_t);
    } else if (__builtin_mul_overflow(bytes, mpijob_type_size(&field->type), &bytes)) {
        bytes = SIZE_MAX;
    }
    if (bytes > MPJ_MAX_ELEMENT_BYTES - ALIGNMENT || *end > MPJ_MAX_ELEMENT_BYTES - ALIGNMENT - bytes)
        return mpj_func_corrupt(r, "a struct has more than 2^31 - 1 bytes");
    *end = (*end + bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    return MPIJOB_OK;
}

static int read_fields(const mpj_func_reader *r, mpijob_record *record, mpijob_field *fields, const json_t *list,
                       int depth)
{
    int status = MPIJOB_OK;
    for (size_t i = 0; i < json_array_size(list) && status == MPIJOB_OK; i++) {
        status = read_field(r, &fields[i], json_array_get(list, i), depth);
        if (status == MPIJOB_OK)
            status = place_field(r, &fields[i], &record->bytes);
    }
    record->fields = fields;
    record->field_count = json_array_size(list);
    return status;
}

int mpj_func_struct(const mpj_func_reader *r, const mpijob_record **record, const json_t *value, int depth)
{
    const json_t *list = json_object_get(value, "fields");
    if (depth >= MPJ_MAX_RECORD_DEPTH)
        return mpj_func_corrupt(r, "too many structs are inside each other");
    if (!json_is_array(list) || json_array_size(list) == 0)
        return mpj_func_corrupt(r, "a struct has no fields");
    mpijob_record *made = mpj_arena_alloc(&r->s->own, 1, sizeof *made);
    mpijob_field *fields = mpj_arena_alloc(&r->s->own, json_array_size(list), sizeof *fields);
    if (made == NULL || fields == NULL)
        return mpj_func_no_memory(r);
    *record = made;
    int status = mpj_func_text(r, &made->name, json_object_get(value, "struct"), "a struct has no name");
    return status == MPIJOB_OK ? read_fields(r, made, fields, list, depth) : status;
}
