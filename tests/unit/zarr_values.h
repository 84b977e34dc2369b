/* Arrays with known values, for the Zarr suites. */
#ifndef MPJ_TESTS_ZARR_VALUES_H
#define MPJ_TESTS_ZARR_VALUES_H

#include "files.h"

#include <mpijob/array.h>
#include <stdint.h>
#include <string.h>

/* Padding inside and behind: what is written is packed. */
typedef struct pair {
    uint8_t a;
    double b;
    int16_t c[3];
} pair;
static const mpijob_field pair_fields[] = {
    MPIJOB_FIELD(pair, a, MPIJOB_UINT8),
    MPIJOB_FIELD(pair, b, MPIJOB_FLOAT64),
    MPIJOB_FIELD_ARRAY(pair, c, MPIJOB_INT16, int16_t),
};
static const mpijob_record pair_record = MPIJOB_RECORD_OF(pair, pair_fields);

static inline mpijob_type zarr_type(int kind)
{
    switch (kind) {
    case MPIJOB_BYTES:
        return mpijob_type_bytes(5);
    case MPIJOB_RECORD:
        return mpijob_type_record(&pair_record);
    case MPIJOB_OPAQUE:
        return (mpijob_type){.kind = MPIJOB_OPAQUE, .bytes = 8, .dtype = "<M8[ns]"};
    default:
        return mpijob_type_of(kind);
    }
}

/* Element number n: its bytes follow from n; in structs the padding does not. */
static inline void zarr_value(void *element, const mpijob_type *type, size_t n)
{
    unsigned char *bytes = element;
    if (type->kind == MPIJOB_RECORD) {
        pair value = {0};
        value.a = (uint8_t)n;
        value.b = (double)n * 0.5;
        value.c[0] = (int16_t)n;
        value.c[2] = (int16_t)-n;
        memcpy(element, &value, sizeof value);
        return;
    }
    size_t size = mpijob_type_size(type);
    for (size_t i = 0; i < size; i++)
        bytes[i] =
            type->kind == MPIJOB_BOOL ? (unsigned char)(n % 3 == 0) : (unsigned char)((n >> (8 * (i % 3))) + 37 * i);
}

/* Elements 0, 1, 2, ... in C order of the indices, whatever the order in memory. free() data. */
static inline mpijob_array zarr_array(mpijob_type type, int ndim, const size_t *shape, int order)
{
    mpijob_array array =
        order == 'F' ? mpijob_array_fortran(NULL, type, ndim, shape) : mpijob_array_of(NULL, type, ndim, shape);
    size_t count = mpijob_array_count(&array), size = mpijob_type_size(&type);
    array.data = malloc(count * size + 1);
    ck_assert_ptr_nonnull(array.data);
    for (size_t n = 0; n < count; n++) {
        char *at = array.data;
        size_t rest = n;
        for (int i = ndim - 1; i >= 0; i--) {
            at += (ptrdiff_t)(rest % shape[i]) * array.strides[i];
            rest /= shape[i];
        }
        zarr_value(at, &type, n);
    }
    return array;
}

/* How many elements of a part, which begins at `start` of an array of `shape` made by zarr_array, differ from it. */
static inline size_t zarr_differences(const mpijob_array *part, const mpijob_type *type, const size_t *shape,
                                      const size_t *start)
{
    size_t differ = 0, count = mpijob_array_count(part), size = mpijob_type_size(type);
    unsigned char expected[64];
    for (size_t n = 0; n < count; n++) {
        const char *at = part->data;
        size_t rest = n, index[MPIJOB_MAX_DIMS], number = 0;
        for (int i = part->ndim - 1; i >= 0; i--) {
            index[i] = rest % part->shape[i];
            at += (ptrdiff_t)index[i] * part->strides[i];
            rest /= part->shape[i];
        }
        for (int i = 0; i < part->ndim; i++)
            number = number * shape[i] + index[i] + (start ? start[i] : 0);
        zarr_value(expected, type, number);
        differ += memcmp(at, expected, size) != 0;
    }
    return differ;
}

#endif
