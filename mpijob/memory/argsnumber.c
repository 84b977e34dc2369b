#include "memory/argsnumber.h"

#include <math.h>
#include <mpijob/type.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FLOAT_END 0x1.ffffffp127 /* from here on a double is rounded to infinity */

/* ---- Real numbers ---------------------------------------------------------------------------------------------- */

static int is_integer_text(const char *text)
{
    text += *text == '-';
    return *text != '\0' && strspn(text, "0123456789") == strlen(text);
}

/* 0 or -1. Integers of more than 63 bits come as texts, as do the numbers that JSON has not. */
static int get_real(double *number, const json_t *value)
{
    const char *text = json_string_value(value);
    if (json_is_number(value))
        *number = json_number_value(value);
    else if (text == NULL)
        return -1;
    else if (strcmp(text, "NaN") == 0)
        *number = (double)NAN;
    else if (strcmp(text, "Infinity") == 0 || strcmp(text, "-Infinity") == 0)
        *number = text[0] == '-' ? -(double)INFINITY : (double)INFINITY;
    else if (is_integer_text(text))
        *number = strtod(text, NULL);
    else
        return -1;
    return 0;
}

/* Of a text rounded to double and then to float the last digit may be wrong; texts of at most 9 digits are those that
 * are written, and can be told again from the double. */
static float to_float(double number)
{
    char text[64];
    snprintf(text, sizeof text, "%.9g", number);
    return strtod(text, NULL) == number ? strtof(text, NULL) : (float)number;
}

static const char *put_real(void *place, int is_float, const json_t *value)
{
    double number;
    if (get_real(&number, value) != 0)
        return "a number is wanted";
    if (!is_float) {
        memcpy(place, &number, sizeof number);
        return NULL;
    }
    if (isfinite(number) && fabs(number) >= FLOAT_END)
        return "the number is too large for float32";
    float single = isfinite(number) ? to_float(number) : (float)number;
    memcpy(place, &single, sizeof single);
    return NULL;
}

static const char *put_complex(char *place, int is_float, const json_t *value)
{
    if (!json_is_array(value) || json_array_size(value) != 2)
        return "[real, imaginary] is wanted";
    const char *why = put_real(place, is_float, json_array_get(value, 0));
    return why != NULL
               ? why
               : put_real(place + (is_float ? sizeof(float) : sizeof(double)), is_float, json_array_get(value, 1));
}

/* ---- Integers -------------------------------------------------------------------------------------------------- */

/* 0 or -1: sign and size of an integer. */
static int get_integer(int *negative, uint64_t *size, const json_t *value)
{
    const char *text = json_string_value(value);
    *size = 0;
    if (json_is_integer(value)) {
        *negative = json_integer_value(value) < 0;
        *size = *negative ? -(uint64_t)json_integer_value(value) : (uint64_t)json_integer_value(value);
        return 0;
    }
    if (text == NULL || !is_integer_text(text))
        return -1;
    *negative = *text == '-';
    for (text += *negative; *text != '\0'; text++) {
        if (__builtin_mul_overflow(*size, (uint64_t)10, size) ||
            __builtin_add_overflow(*size, (uint64_t)(*text - '0'), size))
            *size = UINT64_MAX, *negative = 1; /* fits nowhere */
    }
    return 0;
}

static void put_bits(void *place, size_t bytes, uint64_t bits)
{
    const uint8_t one = (uint8_t)bits;
    const uint16_t two = (uint16_t)bits;
    const uint32_t four = (uint32_t)bits;
    memcpy(place,
           bytes == 1   ? (const void *)&one
           : bytes == 2 ? (const void *)&two
           : bytes == 4 ? (const void *)&four
                        : &bits,
           bytes);
}

/* 0 or -1: it does not fit. */
static int put_sized(void *place, int kind, int negative, uint64_t size)
{
    const mpijob_type type = mpijob_type_of(kind);
    size_t bytes = mpijob_type_size(&type);
    int is_signed = kind <= MPIJOB_INT64;
    uint64_t most = UINT64_MAX >> (64 - 8 * bytes + (size_t)is_signed);
    uint64_t least = is_signed ? most + 1 : 0; /* without its sign */
    if (size > (negative ? least : most))
        return -1;
    put_bits(place, bytes, negative ? -size : size);
    return 0;
}

int mpj_put_length(void *place, int kind, uint64_t length)
{
    return put_sized(place, kind, 0, length);
}

const char *mpj_json_get_number(void *place, int kind, const json_t *value)
{
    int negative;
    uint64_t size;
    switch (kind) {
    case MPIJOB_BOOL:
        if (!json_is_boolean(value))
            return "true or false is wanted";
        *(unsigned char *)place = json_is_true(value);
        return NULL;
    case MPIJOB_FLOAT32:
    case MPIJOB_FLOAT64:
        return put_real(place, kind == MPIJOB_FLOAT32, value);
    case MPIJOB_COMPLEX64:
    case MPIJOB_COMPLEX128:
        return put_complex(place, kind == MPIJOB_COMPLEX64, value);
    default:
        if (get_integer(&negative, &size, value) != 0)
            return "an integer is wanted";
        return put_sized(place, kind, negative, size) == 0 ? NULL : "the integer is out of range";
    }
}
