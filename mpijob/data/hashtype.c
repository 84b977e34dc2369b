/* What is said of types: headers, and how elements lie in the stream. */
#include "data/hash.h"

#include "data/convert.h"

#include <string.h>

#define VERSION 1

static void put_text(mpj_hash_bytes *b, const char *text)
{
    size_t bytes = text == NULL ? 0 : strlen(text);
    mpj_hash_put_u64(b, bytes);
    mpj_hash_put(b, text, bytes);
}

static int is_ignored(const mpijob_field *field)
{
    return (field->flags & MPIJOB_IGNORED) != 0;
}

static void put_type(mpj_hash_bytes *b, const mpijob_type *type);

static void put_field(mpj_hash_bytes *b, const mpijob_field *field)
{
    put_text(b, field->name);
    if (field->holding == MPIJOB_POINTER) {
        mpj_hash_put_u8(b, 2);
    } else {
        mpj_hash_put_u8(b, field->count > 0);
        if (field->count > 0)
            mpj_hash_put_u64(b, field->count);
    }
    put_type(b, &field->type);
}

static void put_fields(mpj_hash_bytes *b, const mpijob_record *record)
{
    uint64_t counted = 0;
    for (size_t i = 0; i < record->field_count; i++)
        counted += !is_ignored(&record->fields[i]);
    mpj_hash_put_u64(b, counted);
    for (size_t i = 0; i < record->field_count; i++)
        if (!is_ignored(&record->fields[i]))
            put_field(b, &record->fields[i]);
}

static void put_type(mpj_hash_bytes *b, const mpijob_type *type)
{
    mpj_hash_put_u8(b, (unsigned)type->kind);
    if (type->kind == MPIJOB_BYTES || type->kind == MPIJOB_OPAQUE)
        mpj_hash_put_u64(b, type->bytes);
    if (type->kind == MPIJOB_OPAQUE)
        put_text(b, type->dtype);
    if (type->kind == MPIJOB_RECORD)
        put_fields(b, type->record);
}

static void put_beginning(mpj_hash_bytes *b, char form)
{
    mpj_hash_put(b, "mpjhash", 7);
    mpj_hash_put_u8(b, VERSION);
    mpj_hash_put(b, &form, 1);
}

void mpj_hash_header_array(mpj_hash_bytes *header, const mpijob_type *type, int ndim, const size_t *shape, int order)
{
    put_beginning(header, 'A');
    mpj_hash_put_u8(header, order == 'F' ? 'F' : 'C');
    mpj_hash_put_u8(header, (unsigned)ndim);
    for (int i = 0; i < ndim; i++)
        mpj_hash_put_u64(header, shape[i]);
    put_type(header, type);
}

void mpj_hash_header_record(mpj_hash_bytes *header, const mpijob_record *record)
{
    mpijob_type type = {.kind = MPIJOB_RECORD, .record = record};
    put_beginning(header, 'R');
    put_text(header, record->name);
    put_type(header, &type);
}

static size_t elements_of(const mpijob_field *field)
{
    return field->count == 0 ? 1 : field->count;
}

int mpj_canonical_bytes(const mpijob_type *type, size_t *bytes)
{
    *bytes = 0;
    if (type->kind == MPIJOB_STRING)
        return -1;
    if (type->kind != MPIJOB_RECORD) {
        *bytes = mpijob_type_size(type);
        return 0;
    }
    for (size_t i = 0; i < type->record->field_count; i++) {
        const mpijob_field *field = &type->record->fields[i];
        size_t element;
        if (is_ignored(field))
            continue;
        if (field->holding != MPIJOB_INLINE || mpj_canonical_bytes(&field->type, &element) != 0 ||
            __builtin_mul_overflow(element, elements_of(field), &element) ||
            __builtin_add_overflow(*bytes, element, bytes))
            return -1;
    }
    return 0;
}

/* Returns where the next element goes in the stream. */
static size_t build(mpj_convert_builder *builder, const mpijob_type *type, size_t from, size_t to);

static size_t build_field(mpj_convert_builder *builder, const mpijob_field *field, size_t from, size_t to)
{
    size_t count = elements_of(field);
    if (count == 1)
        return build(builder, &field->type, from, to);
    mpj_convert_loop loop = mpj_convert_loop_begin(builder, from, to, count);
    size_t step = build(builder, &field->type, 0, 0);
    mpj_convert_loop_end(builder, loop, mpijob_type_size(&field->type), step);
    return to + count * step;
}

static size_t build(mpj_convert_builder *builder, const mpijob_type *type, size_t from, size_t to)
{
    if (type->kind != MPIJOB_RECORD) {
        size_t bytes = mpijob_type_size(type);
        mpj_convert_leaf(builder, from, to, bytes, MPJ_LITTLE_ENDIAN ? 1 : mpj_swap_unit(type));
        return to + bytes;
    }
    for (size_t i = 0; i < type->record->field_count; i++) {
        const mpijob_field *field = &type->record->fields[i];
        if (!is_ignored(field))
            to = build_field(builder, field, from + field->offset, to);
    }
    return to;
}

int mpj_canonical_convert(mpj_convert *convert, const mpijob_type *type, mpijob_error *err)
{
    *convert = (mpj_convert){.from_bytes = mpijob_type_size(type)};
    mpj_convert_builder builder = {.convert = convert};
    convert->to_bytes = build(&builder, type, 0, 0);
    return mpj_convert_finish(&builder, err);
}
