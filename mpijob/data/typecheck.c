/* Is a description complete and free of contradictions? */
#include "base/error.h"
#include "data/limits.h"
#include "data/names.h"
#include "data/scalar.h"
#include "data/utf8.h"
#include "data/walk.h"

#include <string.h>

/* Where the check is: the structs around, innermost first. */
typedef struct place {
    const mpijob_record *record;
    const mpijob_field *field; /* NULL: the struct itself */
    const struct place *outer;
    int depth;
} place;

static int wrong(const place *at, mpijob_error *err, const char *why)
{
    if (!at)
        return mpj_fail(err, MPIJOB_EINVAL, "type: %s", why);
    if (!at->field)
        return mpj_fail(err, MPIJOB_EINVAL, "struct '%.80s': %s", at->record->name ? at->record->name : "(no name)",
                        why);
    return mpj_fail(err, MPIJOB_EINVAL, "struct '%.80s', field '%.80s': %s", at->record->name, at->field->name, why);
}

static int wrong_size(const place *at, const mpijob_type *type, size_t size, mpijob_error *err)
{
    return mpj_fail(err, MPIJOB_EINVAL, "%s%.80s%s%s has %zu bytes, not %zu",
                    at ? "field '" : "type: ", at ? at->field->name : "", at ? "': " : "", mpijob_kind_name(type->kind),
                    size, type->bytes);
}

static int check_opaque(const mpijob_type *type, const place *at, mpijob_error *err)
{
    mpj_scalar scalar;
    const char *why;
    if (!type->dtype)
        return wrong(at, err, "an opaque type needs numpy's text for it in `dtype`");
    int status = mpj_scalar_parse(&scalar, type->dtype, &why);
    if (status != MPIJOB_OK || scalar.kind != MPIJOB_OPAQUE || strcmp(scalar.text, type->dtype) != 0)
        return wrong(at, err,
                     "`dtype` is not numpy's text of a type that is opaque here, with its byte order in front");
    if (scalar.bytes != type->bytes)
        return wrong_size(at, type, scalar.bytes, err);
    return MPIJOB_OK;
}

static int check_record(const mpijob_record *record, const place *outer, mpijob_error *err);

static int check_struct_type(const mpijob_type *type, const place *at, mpijob_error *err)
{
    if (!type->record)
        return wrong(at, err, "a struct needs its description in `record`");
    if (type->bytes && type->bytes != type->record->bytes)
        return wrong_size(at, type, type->record->bytes, err);
    return check_record(type->record, at, err);
}

/* at: the field that has the type, NULL for none. */
static int check_type(const mpijob_type *type, const place *at, mpijob_error *err)
{
    if (type->reserved != 0)
        return wrong(at, err, "`reserved` of the type is not 0");
    if (mpijob_kind_name(type->kind)[0] == '?')
        return wrong(at, err, "`kind` is no mpijob_kind");
    if ((type->record && type->kind != MPIJOB_RECORD) || (type->dtype && type->kind != MPIJOB_OPAQUE))
        return wrong(at, err, "`record` is for structs and `dtype` for opaque types only");
    if (type->kind == MPIJOB_RECORD)
        return check_struct_type(type, at, err);
    if (type->kind == MPIJOB_OPAQUE)
        return check_opaque(type, at, err);
    if (type->kind == MPIJOB_STRING && !at)
        return wrong(at, err, "a string is for fields of structs only");
    if (type->kind == MPIJOB_BYTES && (type->bytes == 0 || type->bytes > MPJ_MAX_ELEMENT_BYTES))
        return wrong(at, err, "bytes need a length from 1 to 2^31 - 1");
    if (type->bytes && type->bytes != mpijob_type_size(type))
        return wrong_size(at, type, mpijob_type_size(type), err);
    return MPIJOB_OK;
}

static int check_name(const place *at, mpijob_error *err)
{
    const char *name = at->field->name;
    size_t length = name ? strnlen(name, MPJ_MAX_NAME_BYTES + 1) : 0;
    const place structure = {at->record, NULL, NULL, 0};
    if (length == 0)
        return wrong(&structure, err, "a field has no name");
    if (length > MPJ_MAX_NAME_BYTES)
        return wrong(at, err, "its name is longer than 1023 bytes");
    return mpj_utf8_valid(name, length) ? MPIJOB_OK : wrong(&structure, err, "the name of a field is not UTF-8");
}

static int lies_inside(size_t offset, size_t bytes, const mpijob_record *record)
{
    return offset <= record->bytes && bytes <= record->bytes - offset;
}

/* Bytes that the field itself takes in its struct, whose type is checked; SIZE_MAX: too many. */
static size_t extent(const mpijob_field *field)
{
    size_t bytes = mpijob_type_size(&field->type), count = field->count ? field->count : 1;
    if (field->holding == MPIJOB_POINTER)
        return sizeof(void *);
    return count > SIZE_MAX / bytes ? SIZE_MAX : count * bytes;
}

static int check_length(const place *at, mpijob_error *err)
{
    const mpijob_field *field = at->field;
    if (field->holding == MPIJOB_INLINE)
        return field->length_kind || field->length_offset ? wrong(at, err, "a length is for pointers only") : MPIJOB_OK;
    if (field->count != 0)
        return wrong(at, err, "`count` is for fields that lie in the struct");
    if (!mpj_is_integer_kind(field->length_kind))
        return wrong(at, err, "`length_kind` is no integer kind");
    const mpijob_type length = mpijob_type_of(field->length_kind);
    if (!lies_inside(field->length_offset, mpijob_type_size(&length), at->record))
        return wrong(at, err, "its length lies outside of the struct");
    return MPIJOB_OK;
}

static int check_field(const place *at, mpijob_error *err)
{
    const mpijob_field *field = at->field;
    int status = check_name(at, err);
    if (status != MPIJOB_OK)
        return status;
    if (field->reserved != 0 || (field->flags & ~(uint32_t)MPIJOB_IGNORED) != 0)
        return wrong(at, err, "`reserved` is not 0, or `flags` has an unknown one");
    if (field->holding != MPIJOB_INLINE && field->holding != MPIJOB_POINTER)
        return wrong(at, err, "`holding` is no mpijob_holding");
    status = check_type(&field->type, at, err);
    if (status == MPIJOB_OK)
        status = check_length(at, err);
    if (status == MPIJOB_OK && !lies_inside(field->offset, extent(field), at->record))
        status = wrong(at, err, "it lies outside of the struct, or is larger");
    return status;
}

static int check_order(const place *at, size_t end_of_previous, mpijob_error *err)
{
    return at->field->offset >= end_of_previous
               ? MPIJOB_OK
               : wrong(at, err,
                       "it begins before the end of the field listed before it (list fields in the order of members)");
}

static int overlap(size_t a, size_t a_bytes, size_t b, size_t b_bytes)
{
    return a < b + b_bytes && b < a + a_bytes;
}

static size_t length_bytes(const mpijob_field *field)
{
    const mpijob_type length = mpijob_type_of(field->length_kind);
    return mpijob_type_size(&length);
}

static int share_partly(const mpijob_field *a, const mpijob_field *b)
{
    int same = a->length_offset == b->length_offset && a->length_kind == b->length_kind;
    return !same && b->holding == MPIJOB_POINTER &&
           overlap(a->length_offset, length_bytes(a), b->length_offset, length_bytes(b));
}

/* A length that is a field as well could say two things, and so could one that is a part of another. */
static int check_length_alone(const place *at, mpijob_error *err)
{
    const mpijob_field *field = at->field;
    if (field->holding != MPIJOB_POINTER)
        return MPIJOB_OK;
    for (size_t i = 0; i < at->record->field_count; i++) {
        const mpijob_field *other = &at->record->fields[i];
        if (overlap(field->length_offset, length_bytes(field), other->offset, extent(other)))
            return wrong(at, err, "its length is described a second time, as a field");
        if (share_partly(field, other))
            return wrong(at, err, "its length is a part of another's, or has another kind there");
    }
    return MPIJOB_OK;
}

static int check_fields(place *at, mpijob_error *err)
{
    const mpijob_record *record = at->record;
    size_t end = 0;
    int status = MPIJOB_OK;
    for (size_t i = 0; i < record->field_count && status == MPIJOB_OK; i++) {
        at->field = &record->fields[i];
        status = check_field(at, err);
        if (status == MPIJOB_OK)
            status = check_order(at, end, err);
        if (status == MPIJOB_OK)
            end = at->field->offset + extent(at->field);
    }
    for (size_t i = 0; i < record->field_count && status == MPIJOB_OK; i++) {
        at->field = &record->fields[i];
        status = check_length_alone(at, err);
    }
    return status;
}

static int check_names(place *at, mpijob_error *err)
{
    size_t twice = mpj_names_twice(at->record->fields, at->record->field_count);
    if (twice == SIZE_MAX)
        return MPIJOB_OK;
    at->field = &at->record->fields[twice];
    return wrong(at, err, "its name is given twice");
}

static int check_header(const place *at, mpijob_error *err)
{
    const mpijob_record *record = at->record;
    size_t length = record->name ? strnlen(record->name, MPJ_MAX_NAME_BYTES + 1) : 0;
    if (!record->name || length > MPJ_MAX_NAME_BYTES || !mpj_utf8_valid(record->name, length))
        return mpj_fail(err, MPIJOB_EINVAL, "the name of a struct is NULL, longer than 1023 bytes or not UTF-8");
    if (record->bytes == 0 || record->bytes > MPJ_MAX_ELEMENT_BYTES)
        return wrong(at, err, "its size is 0 or above 2^31 - 1 bytes");
    if (record->field_count == 0 || !record->fields)
        return wrong(at, err, "it has no fields");
    if (at->depth > MPJ_MAX_RECORD_DEPTH)
        return wrong(at, err, "more than 32 structs are inside each other");
    for (const place *outer = at->outer; outer; outer = outer->outer) {
        if (outer->record == record)
            return wrong(at, err, "it contains itself");
    }
    return MPIJOB_OK;
}

static int check_record(const mpijob_record *record, const place *outer, mpijob_error *err)
{
    place at = {record, NULL, outer, outer ? outer->depth + 1 : 1};
    int status = check_header(&at, err);
    if (status == MPIJOB_OK)
        status = check_fields(&at, err);
    if (status == MPIJOB_OK)
        status = check_names(&at, err);
    return status;
}

int mpijob_type_check(const mpijob_type *type, mpijob_error *err)
{
    return type ? check_type(type, NULL, err) : mpj_fail(err, MPIJOB_EINVAL, "there is no type: it is NULL");
}
