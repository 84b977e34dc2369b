#include <mpijob/type.h>

#include <stdbool.h>
#include <stddef.h>

_Static_assert(sizeof(bool) == 1 && sizeof(float) == 4 && sizeof(double) == 8, "elements are what C has");

mpijob_type mpijob_type_of(int kind)
{
    return (mpijob_type){kind, 0, 0, NULL, NULL};
}

mpijob_type mpijob_type_bytes(size_t bytes)
{
    return (mpijob_type){MPIJOB_BYTES, 0, bytes, NULL, NULL};
}

mpijob_type mpijob_type_record(const mpijob_record *record)
{
    return (mpijob_type){MPIJOB_RECORD, 0, 0, record, NULL};
}

static size_t kind_size(int kind)
{
    switch (kind) {
#define SIZE_CASE(name, number, bytes, text)                                                                           \
    case number:                                                                                                       \
        return bytes;
        MPIJOB_KIND_LIST(SIZE_CASE)
#undef SIZE_CASE
    default:
        return 0;
    }
}

size_t mpijob_type_size(const mpijob_type *type)
{
    if (!type)
        return 0;
    switch (type->kind) {
    case MPIJOB_BYTES:
    case MPIJOB_OPAQUE:
        return type->bytes;
    case MPIJOB_RECORD:
        return type->record ? type->record->bytes : 0;
    case MPIJOB_STRING:
        return sizeof(char *);
    default:
        return kind_size(type->kind);
    }
}

const char *mpijob_kind_name(int kind)
{
    switch (kind) {
#define NAME_CASE(name, number, bytes, text)                                                                           \
    case number:                                                                                                       \
        return text;
        MPIJOB_KIND_LIST(NAME_CASE)
#undef NAME_CASE
    default:
        return "?";
    }
}
