/* Structs out of JSON. */
#include "memory/argsjson.h"

#include "array/jsontext.h"
#include "base/alloc.h"
#include "base/error.h"
#include "data/walk.h"
#include "memory/argsnumber.h"
#include "memory/jsonbytes.h"

#include <string.h>

#define WHAT "the arguments"

static int fill_record(char *value, const mpijob_record *record, const json_t *object, mpijob_error *err);

static int wrong(const char *field, const char *why, mpijob_error *err)
{
    return mpj_fail(err, MPIJOB_EINVAL, WHAT ": field '%.80s': %s", field, why);
}

/* ---- Elements -------------------------------------------------------------------------------------------------- */

static int fill_bytes(char *place, const mpijob_type *type, const char *name, const json_t *value, mpijob_error *err)
{
    size_t room = mpijob_type_size(type);
    if (mpj_json_bytes_room(value) < 0 || (type->kind == MPIJOB_OPAQUE && json_is_string(value)))
        return wrong(name, type->kind == MPIJOB_OPAQUE ? "{\"base64\": ...} is wanted" : "a text is wanted", err);
    ptrdiff_t bytes = mpj_json_bytes_get(place, room, value);
    if (bytes < 0)
        return wrong(name, "it is no base64, or longer than the field", err);
    if (type->kind == MPIJOB_OPAQUE && (size_t)bytes != room)
        return wrong(name, "it is shorter than the field", err);
    return MPIJOB_OK;
}

static int fill_string(char *place, const char *name, const json_t *value, mpijob_error *err)
{
    ptrdiff_t room = mpj_json_bytes_room(value);
    if (room < 0)
        return wrong(name, "a text is wanted", err);
    char *text = mpj_calloc((size_t)room + 1, 1);
    if (text == NULL)
        return mpj_fail_memory(err, WHAT, (unsigned long long)room);
    ptrdiff_t bytes = mpj_json_bytes_get(text, (size_t)room, value);
    memcpy(place, &text, sizeof text); /* from here on released with the struct */
    return bytes < 0 || memchr(text, '\0', (size_t)bytes) != NULL ? wrong(name, "it is no text without zero bytes", err)
                                                                  : MPIJOB_OK;
}

static int fill_element(char *place, const mpijob_type *type, const char *name, const json_t *value, mpijob_error *err)
{
    switch (type->kind) {
    case MPIJOB_RECORD:
        return json_is_object(value) ? fill_record(place, type->record, value, err)
                                     : wrong(name, "an object is wanted", err);
    case MPIJOB_BYTES:
    case MPIJOB_OPAQUE:
        return fill_bytes(place, type, name, value, err);
    case MPIJOB_STRING:
        return fill_string(place, name, value, err);
    default:
        break;
    }
    const char *why = mpj_json_get_number(place, type->kind, value);
    return why == NULL ? MPIJOB_OK : wrong(name, why, err);
}

static int fill_list(char *elements, const mpijob_field *field, const json_t *list, mpijob_error *err)
{
    size_t bytes = mpijob_type_size(&field->type);
    int status = MPIJOB_OK;
    for (size_t i = 0; i < json_array_size(list) && status == MPIJOB_OK; i++)
        status = fill_element(elements + i * bytes, &field->type, field->name, json_array_get(list, i), err);
    return status;
}

/* ---- Fields ---------------------------------------------------------------------------------------------------- */

/* Two pointers may share one length: then the lists must be as long as each other. The length is there before the
 * elements, so that what has been made of them can be released. */
static int fill_pointer(char *value, const mpijob_record *record, const mpijob_field *field, const json_t *list,
                        mpijob_error *err)
{
    size_t count = json_array_size(list), length;
    for (const mpijob_field *other = record->fields; other < field; other++) {
        if (other->holding == MPIJOB_POINTER && other->length_offset == field->length_offset &&
            mpj_pointer_at(value + other->offset) != NULL &&
            (mpj_field_length(&length, value, other, NULL) != MPIJOB_OK || length != count))
            return wrong(field->name, "it shares its length with another field, and is not as long", err);
    }
    void *elements = mpj_calloc(count, mpijob_type_size(&field->type));
    if (elements == NULL)
        return mpj_fail_memory(err, WHAT, (unsigned long long)count * mpijob_type_size(&field->type));
    if (mpj_put_length(value + field->length_offset, field->length_kind, count) != 0) {
        mpj_free(elements);
        return wrong(field->name, "it is longer than its length can say", err);
    }
    memcpy(value + field->offset, &elements, sizeof elements);
    return fill_list(elements, field, list, err);
}

static int fill_field(char *value, const mpijob_record *record, const mpijob_field *field, const json_t *given,
                      mpijob_error *err)
{
    int is_list = field->holding == MPIJOB_POINTER || field->count > 0;
    if (given == NULL)
        return (field->flags & MPIJOB_IGNORED) != 0 ? MPIJOB_OK : wrong(field->name, "it is missing", err);
    if (!is_list)
        return fill_element(value + field->offset, &field->type, field->name, given, err);
    if (!json_is_array(given))
        return wrong(field->name, "a list is wanted", err);
    if (field->holding == MPIJOB_POINTER)
        return fill_pointer(value, record, field, given, err);
    if (json_array_size(given) != field->count)
        return mpj_fail(err, MPIJOB_EINVAL, WHAT ": field '%.80s': a list of %zu is wanted, not of %zu", field->name,
                        field->count, json_array_size(given));
    return fill_list(value + field->offset, field, given, err);
}

static int find_unknown(const mpijob_record *record, const json_t *object, mpijob_error *err)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)object, key, value)
    {
        size_t i = 0;
        while (i < record->field_count && strcmp(record->fields[i].name, key) != 0)
            i++;
        if (i == record->field_count)
            return mpj_fail(err, MPIJOB_EINVAL, WHAT ": struct '%.80s' has no field '%.80s'", record->name, key);
    }
    return MPIJOB_OK;
}

static int fill_record(char *value, const mpijob_record *record, const json_t *object, mpijob_error *err)
{
    int status = MPIJOB_OK;
    size_t found = 0;
    for (size_t i = 0; i < record->field_count && status == MPIJOB_OK; i++) {
        const json_t *given = json_object_get(object, record->fields[i].name);
        found += given != NULL;
        status = fill_field(value, record, &record->fields[i], given, err);
    }
    if (status == MPIJOB_OK && found < json_object_size(object))
        status = find_unknown(record, object, err);
    return status;
}

/* ---- All of it ------------------------------------------------------------------------------------------------- */

int mpj_args_from_json(void **value, const mpijob_record *record, const char *text, size_t bytes, mpijob_error *err)
{
    json_t *object;
    int status = mpj_json_parse_object(&object, text, bytes, WHAT, err);
    if (status == MPIJOB_ECORRUPT && err != NULL)
        err->status = MPIJOB_EINVAL;
    if (status != MPIJOB_OK)
        return status == MPIJOB_ECORRUPT ? MPIJOB_EINVAL : status;
    void *made = mpj_calloc(1, record->bytes);
    status = made != NULL ? fill_record(made, record, object, err) : mpj_fail_memory(err, WHAT, record->bytes);
    json_decref(object);
    if (status == MPIJOB_OK)
        *value = made;
    else
        mpj_args_free(made, record);
    return status;
}

void mpj_args_free(void *value, const mpijob_record *record)
{
    if (value != NULL)
        mpijob_record_dispose(value, record);
    mpj_free(value);
}

static int parse_index(uint64_t *index, const char *text, size_t bytes, mpijob_error *err)
{
    *index = 0;
    while (bytes > 0 && strchr(" \t\r\n", text[bytes - 1]) != NULL)
        bytes--;
    for (size_t i = 0; i < bytes; i++) {
        if (text[i] < '0' || text[i] > '9' || __builtin_mul_overflow(*index, (uint64_t)10, index) ||
            __builtin_add_overflow(*index, (uint64_t)(text[i] - '0'), index))
            bytes = 0;
    }
    return bytes > 0
               ? MPIJOB_OK
               : mpj_fail(err, MPIJOB_EINVAL, "the function has no arguments: give the index of the job, a number");
}

int mpj_key_from_json(mpj_name *name, const mpj_signature *signature, const char *text, size_t bytes,
                      const mpijob_digest *shared, size_t shared_count, mpijob_error *err)
{
    void *value = NULL;
    uint64_t index = 0;
    int status = signature->args != NULL ? mpj_args_from_json(&value, signature->args, text, bytes, err)
                                         : parse_index(&index, text, bytes, err);
    if (status == MPIJOB_OK)
        status = mpj_key(name, signature, value, index, shared, shared_count, err);
    if (signature->args != NULL)
        mpj_args_free(value, signature->args);
    return status;
}
