/* Fill values: JSON to an element and back. */
#include "array/base64.h"
#include "array/zarrmeta.h"
#include "base/error.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LARGE_ELEMENT_BYTES 4096 /* above, the fill value is null: its text would be larger than all the rest */

/* Puts the low `bytes` bytes of a number where the element lies, in the file's byte order. */
static void put(void *element, const void *native, size_t bytes, int swapped)
{
    unsigned char *to = element;
    const unsigned char *from = native;
    for (size_t i = 0; i < bytes; i++)
        to[i] = from[swapped ? bytes - 1 - i : i];
}

static void put_integer(void *element, uint64_t value, size_t bytes, int swapped)
{
    if (bytes == 1) {
        *(unsigned char *)element = (unsigned char)value;
    } else if (bytes == 2) {
        put(element, &(uint16_t){(uint16_t)value}, bytes, swapped);
    } else if (bytes == 4) {
        put(element, &(uint32_t){(uint32_t)value}, bytes, swapped);
    } else {
        put(element, &value, bytes, swapped);
    }
}

/* ---- Integers ---- */

/* A text: what is too long for JSON's integers here (jsontext.h). */
static int read_long_integer(const char *text, uint64_t *value, int *negative)
{
    char *end;
    *negative = text[0] == '-';
    errno = 0;
    *value = strtoull(text + *negative, &end, 10);
    int is_digits = text[*negative] >= '0' && text[*negative] <= '9';
    return is_digits && *end == '\0' && errno == 0 ? 0 : -1;
}

/* Magnitude and sign. numpy takes 3.0 for an integer, so this does. */
static int read_integer(const json_t *value, uint64_t *magnitude, int *negative)
{
    if (json_is_string(value))
        return read_long_integer(json_string_value(value), magnitude, negative);
    if (json_is_boolean(value)) {
        *magnitude = json_is_true(value);
        *negative = 0;
        return 0;
    }
    if (json_is_real(value)) {
        double real = json_real_value(value);
        *negative = real < 0;
        if (real != floor(real) || fabs(real) >= 18446744073709551616.0)
            return -1;
        *magnitude = (uint64_t)fabs(real);
        return 0;
    }
    if (!json_is_integer(value))
        return -1;
    json_int_t integer = json_integer_value(value);
    *negative = integer < 0;
    *magnitude = *negative ? 0 - (uint64_t)integer : (uint64_t)integer;
    return 0;
}

static int fits(uint64_t magnitude, int negative, size_t bytes, int is_signed)
{
    uint64_t most = bytes == 8 ? UINT64_MAX : ((uint64_t)1 << (8 * bytes)) - 1;
    if (is_signed)
        most = most / 2 + (uint64_t)negative;
    else if (negative)
        most = 0;
    return magnitude <= most;
}

static int fill_integer(void *element, const json_t *value, size_t bytes, int is_signed, int swapped)
{
    uint64_t magnitude;
    int negative;
    if (read_integer(value, &magnitude, &negative) != 0 || !fits(magnitude, negative, bytes, is_signed))
        return -1;
    put_integer(element, negative ? 0 - magnitude : magnitude, bytes, swapped);
    return 0;
}

/* ---- Floating point ---- */

static int read_real(const json_t *value, double *real)
{
    const char *text = json_string_value(value);
    if (json_is_number(value))
        *real = json_number_value(value);
    else if (json_is_boolean(value))
        *real = json_is_true(value);
    else if (text && strcmp(text, "NaN") == 0)
        *real = (double)NAN;
    else if (text && strcmp(text, "Infinity") == 0)
        *real = (double)INFINITY;
    else if (text && strcmp(text, "-Infinity") == 0)
        *real = -(double)INFINITY;
    else {
        uint64_t magnitude;
        int negative;
        if (!text || read_long_integer(text, &magnitude, &negative) != 0)
            return -1;
        *real = negative ? -(double)magnitude : (double)magnitude;
    }
    return 0;
}

/* float16, to nearest, ties to even. */
static uint16_t half_of(double real)
{
    uint16_t sign = signbit(real) ? 0x8000 : 0;
    double size = fabs(real);
    if (isnan(real))
        return sign | 0x7e00;
    if (size >= 65520)
        return sign | 0x7c00;
    int exponent = -14;
    if (size >= 0x1p-14) {
        (void)frexp(size, &exponent);
        exponent -= 1;
    }
    /* Halves of one exponent are as far apart as 2^(exponent - 10); a rounding up carries into the exponent by itself. */
    int steps = (int)nearbyint(ldexp(size, 10 - exponent));
    int base = size >= 0x1p-14 ? (exponent + 14) * 1024 : 0;
    return (uint16_t)(sign | (base + steps));
}

static int fill_real(void *element, const json_t *value, size_t bytes, int swapped)
{
    double real;
    if (read_real(value, &real) != 0)
        return -1;
    if (bytes == 2) {
        put(element, &(uint16_t){half_of(real)}, bytes, swapped);
    } else if (bytes == sizeof(float)) {
        put(element, &(float){(float)real}, bytes, swapped);
    } else if (bytes == sizeof(double)) {
        put(element, &real, bytes, swapped);
    } else if (real != 0 || signbit(real)) {
        long double wide = (long double)real;
        if (bytes != sizeof wide)
            return -1;
        put(element, &wide, bytes, swapped);
    }
    return 0;
}

static int fill_complex(void *element, const json_t *value, size_t bytes, int swapped)
{
    if (!json_is_array(value) || json_array_size(value) != 2)
        return fill_real(element, value, bytes / 2, swapped);
    if (fill_real(element, json_array_get(value, 0), bytes / 2, swapped) != 0)
        return -1;
    return fill_real((char *)element + bytes / 2, json_array_get(value, 1), bytes / 2, swapped);
}

/* ---- Bytes and texts ---- */

/* Base64 of at most the element's bytes; 0, as early zarr versions wrote it, is all zero. */
static int fill_bytes(void *element, const json_t *value, size_t bytes)
{
    if (json_is_integer(value) && json_integer_value(value) == 0)
        return 0;
    if (!json_is_string(value))
        return -1;
    return mpj_base64_decode(element, bytes, json_string_value(value), json_string_length(value)) < 0 ? -1 : 0;
}

/* numpy's U: one code point in four bytes. jansson has made sure that the text is UTF-8. */
static int fill_unicode(void *element, const json_t *value, size_t bytes, int swapped)
{
    const unsigned char *text = (const unsigned char *)json_string_value(value);
    size_t used = 0;
    if (json_is_integer(value) && json_integer_value(value) == 0)
        return 0;
    if (!text)
        return -1;
    while (*text) {
        uint32_t point = *text < 0x80   ? *text
                         : *text < 0xe0 ? *text & 0x1fu
                         : *text < 0xf0 ? *text & 0x0fu
                                        : *text & 7u;
        for (text++; (*text & 0xc0) == 0x80; text++)
            point = point << 6 | (*text & 0x3fu);
        if (bytes - used < 4)
            return -1;
        put((char *)element + used, &point, 4, swapped);
        used += 4;
    }
    return 0;
}

/* The letter of numpy's name, "<M8[ns]" say. */
static char letter_of(const mpijob_type *type)
{
    const char *text = type->dtype ? type->dtype : "";
    return text[0] && strchr("<>|=", text[0]) ? text[1] : text[0];
}

/* Opaque types are kept in the file's byte order, so it is their name that says which. */
static int is_foreign_order(const mpijob_type *type)
{
    const uint16_t one = 1;
    char other = *(const unsigned char *)&one ? '>' : '<';
    return type->dtype && type->dtype[0] == other;
}

static int fill_opaque(void *element, const mpijob_type *type, const json_t *value, size_t bytes)
{
    int swapped = is_foreign_order(type);
    switch (letter_of(type)) {
    case 'f':
        return fill_real(element, value, bytes, swapped);
    case 'c':
        return fill_complex(element, value, bytes, swapped);
    case 'M':
    case 'm':
        return bytes == 8 ? fill_integer(element, value, bytes, 1, swapped) : -1;
    case 'U':
        return fill_unicode(element, value, bytes, swapped);
    default:
        return fill_bytes(element, value, bytes);
    }
}

static int fill_any(void *element, const mpj_dtype *dtype, size_t bytes, const json_t *value)
{
    int swapped = dtype->swap_count > 0 && dtype->swapped[0];
    switch (dtype->type.kind) {
    case MPIJOB_BOOL:
        return json_is_boolean(value) || json_is_number(value)
                   ? fill_integer(element,
                                  json_is_true(value) || json_number_value(value) != 0 ? json_true() : json_false(), 1,
                                  0, 0)
                   : -1;
    case MPIJOB_INT8:
    case MPIJOB_INT16:
    case MPIJOB_INT32:
    case MPIJOB_INT64:
        return fill_integer(element, value, bytes, 1, swapped);
    case MPIJOB_UINT8:
    case MPIJOB_UINT16:
    case MPIJOB_UINT32:
    case MPIJOB_UINT64:
        return fill_integer(element, value, bytes, 0, swapped);
    case MPIJOB_FLOAT32:
    case MPIJOB_FLOAT64:
        return fill_real(element, value, bytes, swapped);
    case MPIJOB_COMPLEX64:
    case MPIJOB_COMPLEX128:
        return fill_complex(element, value, bytes, swapped);
    case MPIJOB_OPAQUE:
        return fill_opaque(element, &dtype->type, value, bytes);
    default:
        return fill_bytes(element, value, bytes);
    }
}

int mpj_zarr_fill_read(void *element, const mpj_dtype *dtype, size_t element_bytes, const json_t *value,
                       const char *what, mpijob_error *err)
{
    if (json_is_null(value) || fill_any(element, dtype, element_bytes, value) == 0)
        return MPIJOB_OK;
    return mpj_fail(err, MPIJOB_ECORRUPT, "%s: fill_value is none of the array's type", what);
}

/* ---- Zero ---- */

static json_t *zero_bytes(size_t bytes)
{
    if (bytes > LARGE_ELEMENT_BYTES)
        return json_null();
    size_t rest = bytes % 3;
    size_t length = (bytes + 2) / 3 * 4;
    char text[(LARGE_ELEMENT_BYTES + 2) / 3 * 4];
    memset(text, 'A', length);
    if (rest)
        memset(text + length - (3 - rest), '=', 3 - rest);
    return json_stringn(text, length);
}

json_t *mpj_zarr_fill_zero(const mpijob_type *type, size_t element_bytes)
{
    char letter = type->kind == MPIJOB_OPAQUE ? letter_of(type) : '\0';
    if (type->kind == MPIJOB_BOOL)
        return json_false();
    if (type->kind >= MPIJOB_INT8 && type->kind <= MPIJOB_UINT64)
        return json_integer(0);
    if (type->kind == MPIJOB_FLOAT32 || type->kind == MPIJOB_FLOAT64 || letter == 'f')
        return json_real(0);
    if (type->kind == MPIJOB_COMPLEX64 || type->kind == MPIJOB_COMPLEX128 || letter == 'c')
        return json_pack("[f, f]", 0.0, 0.0);
    if (letter == 'M' || letter == 'm')
        return json_integer(0);
    return letter == 'U' ? json_string("") : zero_bytes(element_bytes);
}
