#include "data/walk.h"

#include "base/error.h"

#include <string.h>

int mpj_is_integer_kind(int kind)
{
    return kind >= MPIJOB_INT8 && kind <= MPIJOB_UINT64;
}

void *mpj_pointer_at(const void *place)
{
    void *pointer;
    memcpy(&pointer, place, sizeof pointer);
    return pointer;
}

#define READ_CASE(kind, c_type)                                                                                        \
    case kind: {                                                                                                       \
        c_type number;                                                                                                 \
        memcpy(&number, place, sizeof number);                                                                         \
        return number < 1 && number != 0 ? UINT64_MAX : (uint64_t)number;                                              \
    }

/* UINT64_MAX for a negative number. */
static uint64_t unsigned_at(const void *place, int kind)
{
    switch (kind) {
        READ_CASE(MPIJOB_INT8, int8_t)
        READ_CASE(MPIJOB_INT16, int16_t)
        READ_CASE(MPIJOB_INT32, int32_t)
        READ_CASE(MPIJOB_INT64, int64_t)
        READ_CASE(MPIJOB_UINT8, uint8_t)
        READ_CASE(MPIJOB_UINT16, uint16_t)
        READ_CASE(MPIJOB_UINT32, uint32_t)
        READ_CASE(MPIJOB_UINT64, uint64_t)
    default:
        return UINT64_MAX;
    }
}

int mpj_field_length(size_t *length, const void *value, const mpijob_field *field, mpijob_error *err)
{
    const char *at = value;
    uint64_t number = unsigned_at(at + field->length_offset, field->length_kind);
    if (number > (uint64_t)PTRDIFF_MAX / mpijob_type_size(&field->type))
        return mpj_fail(err, MPIJOB_EINVAL, "field '%s': its length is negative or larger than memory", field->name);
    if (number > 0 && !mpj_pointer_at(at + field->offset))
        return mpj_fail(err, MPIJOB_EINVAL, "field '%s' is NULL, and its length is not 0", field->name);
    *length = (size_t)number;
    return MPIJOB_OK;
}
