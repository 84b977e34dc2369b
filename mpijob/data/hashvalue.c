/* Values of any type into the stream, with what lies behind strings and pointers. */
#include "data/hash.h"

#include "data/convert.h"
#include "data/walk.h"

#include <string.h>

#define PIECE_BYTES 1024 /* swapped at a time; all units divide it */

static void append_u64(mpj_hash_stream *s, uint64_t number)
{
    unsigned char bytes[8];
    for (int i = 0; i < 8; i++)
        bytes[i] = (unsigned char)(number >> 8 * i);
    mpj_hash_append(s, bytes, sizeof bytes);
}

static void append_swapped(mpj_hash_stream *s, const unsigned char *at, size_t bytes, size_t unit)
{
    unsigned char piece[PIECE_BYTES];
    for (size_t done = 0; done < bytes && s->status == MPIJOB_OK; done += sizeof piece) {
        size_t now = bytes - done < sizeof piece ? bytes - done : sizeof piece;
        for (size_t i = 0; i < now; i++)
            piece[i] = at[done + i / unit * unit + (unit - 1 - i % unit)];
        mpj_hash_append(s, piece, now);
    }
}

static void append_scalars(mpj_hash_stream *s, const mpijob_type *type, const unsigned char *at, size_t n)
{
    size_t unit = MPJ_LITTLE_ENDIAN ? 1 : mpj_swap_unit(type);
    if (unit == 1)
        mpj_hash_append(s, at, n * mpijob_type_size(type));
    else
        append_swapped(s, at, n * mpijob_type_size(type), unit);
}

static void append_string(mpj_hash_stream *s, const unsigned char *at)
{
    const char *text = mpj_pointer_at(at);
    size_t bytes = text == NULL ? 0 : strlen(text);
    append_u64(s, bytes);
    mpj_hash_append(s, text, bytes);
}

static void append_pointer(mpj_hash_stream *s, const mpijob_field *field, const unsigned char *value)
{
    size_t length;
    s->status = mpj_field_length(&length, value, field, s->err);
    if (s->status != MPIJOB_OK)
        return;
    append_u64(s, length);
    mpj_hash_values(s, &field->type, mpj_pointer_at(value + field->offset), length);
}

static void append_field(mpj_hash_stream *s, const mpijob_field *field, const unsigned char *value)
{
    if ((field->flags & MPIJOB_IGNORED) != 0)
        return;
    if (field->holding == MPIJOB_POINTER)
        append_pointer(s, field, value);
    else
        mpj_hash_values(s, &field->type, value + field->offset, field->count == 0 ? 1 : field->count);
}

static void append_record(mpj_hash_stream *s, const mpijob_record *record, const unsigned char *value)
{
    for (size_t i = 0; i < record->field_count && s->status == MPIJOB_OK; i++)
        append_field(s, &record->fields[i], value);
}

void mpj_hash_values(mpj_hash_stream *s, const mpijob_type *type, const unsigned char *at, size_t n)
{
    size_t bytes = mpijob_type_size(type);
    if (n == 0)
        return;
    if (type->kind != MPIJOB_RECORD && type->kind != MPIJOB_STRING) {
        append_scalars(s, type, at, n);
        return;
    }
    for (size_t i = 0; i < n && s->status == MPIJOB_OK; i++, at += bytes) {
        if (type->kind == MPIJOB_RECORD)
            append_record(s, type->record, at);
        else
            append_string(s, at);
    }
}
