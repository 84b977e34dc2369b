#include "data/scalar.h"

#include "data/limits.h"

#include <stdio.h>
#include <string.h>

/* letter and size in the file -> kind. */
static const struct {
    char letter;
    size_t bytes;
    int kind;
} scalars[] = {
    {'b', 1, MPIJOB_BOOL},        {'i', 1, MPIJOB_INT8},    {'i', 2, MPIJOB_INT16},   {'i', 4, MPIJOB_INT32},
    {'i', 8, MPIJOB_INT64},       {'u', 1, MPIJOB_UINT8},   {'u', 2, MPIJOB_UINT16},  {'u', 4, MPIJOB_UINT32},
    {'u', 8, MPIJOB_UINT64},      {'f', 4, MPIJOB_FLOAT32}, {'f', 8, MPIJOB_FLOAT64}, {'c', 8, MPIJOB_COMPLEX64},
    {'c', 16, MPIJOB_COMPLEX128}, {'f', 2, MPIJOB_OPAQUE},  {'f', 12, MPIJOB_OPAQUE}, {'f', 16, MPIJOB_OPAQUE},
    {'c', 24, MPIJOB_OPAQUE},     {'c', 32, MPIJOB_OPAQUE}, {'M', 8, MPIJOB_OPAQUE},  {'m', 8, MPIJOB_OPAQUE},
};

#define MAX_UNIT_BYTES 32

static int fail(const char **why, int status, const char *reason)
{
    *why = reason;
    return status;
}

/* The number at *at; SIZE_MAX when there is none or it is too large. */
static size_t read_number(const char **at)
{
    size_t value = 0;
    const char *c = *at;
    for (; *c >= '0' && *c <= '9'; c++) {
        value = 10 * value + (size_t)(*c - '0');
        if (value > MPJ_MAX_ELEMENT_BYTES)
            return SIZE_MAX;
    }
    if (c == *at)
        return SIZE_MAX;
    *at = c;
    return value;
}

/* "[ns]" or "[25us]", or nothing: of dates. */
static int is_unit(const char *text)
{
    size_t length = strlen(text);
    if (length == 0)
        return 1;
    if (length < 3 || length > MAX_UNIT_BYTES || text[0] != '[' || text[length - 1] != ']')
        return 0;
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/";
    return strspn(text + 1, allowed) == length - 2;
}

static int kind_of(char letter, size_t bytes)
{
    if (letter == 'S' || letter == 'a')
        return MPIJOB_BYTES;
    if (letter == 'U' || letter == 'V')
        return MPIJOB_OPAQUE;
    for (size_t i = 0; i < sizeof scalars / sizeof scalars[0]; i++) {
        if (scalars[i].letter == letter && scalars[i].bytes == bytes)
            return scalars[i].kind;
    }
    return 0;
}

static int is_one_byte_unit(char letter, size_t bytes)
{
    return letter == 'S' || letter == 'a' || letter == 'V' || (bytes == 1 && letter != 'U');
}

/* `rest`: what stands behind the order, letter and number. */
static int settle(mpj_scalar *scalar, char letter, size_t number, const char *rest, const char **why)
{
    if (number == SIZE_MAX || (letter == 'U' && number > MPJ_MAX_ELEMENT_BYTES / 4))
        return fail(why, MPIJOB_ECORRUPT, "no size, or one above 2^31 - 1 bytes");
    scalar->kind = kind_of(letter, number);
    int dated = letter == 'M' || letter == 'm';
    if (scalar->kind == 0 || !(dated ? is_unit(rest) : rest[0] == '\0'))
        return fail(why, MPIJOB_ECORRUPT, "no type of numpy's");
    if (number == 0)
        return fail(why, MPIJOB_EUNSUPPORTED, "elements of no bytes cannot be held");
    scalar->bytes = letter == 'U' ? 4 * number : number;
    if (is_one_byte_unit(letter, number))
        scalar->order = '|';
    snprintf(scalar->text, sizeof scalar->text, "%c%c%zu%s", scalar->order, letter, number, rest);
    return MPIJOB_OK;
}

int mpj_scalar_parse(mpj_scalar *scalar, const char *text, const char **why)
{
    *scalar = (mpj_scalar){.order = MPJ_NATIVE_ORDER};
    if (*text != '\0' && strchr("<>=|", *text)) {
        if (*text == '<' || *text == '>')
            scalar->order = *text;
        text++;
    }
    char letter = *text;
    if (letter == 'O')
        return fail(why, MPIJOB_EUNSUPPORTED,
                    "Python objects can be read by Python alone: save numbers, texts or structs");
    if (letter == 'T')
        return fail(why, MPIJOB_EUNSUPPORTED,
                    "texts of variable length cannot be read: save them as fixed ones (S or U)");
    if (letter == '\0')
        return fail(why, MPIJOB_ECORRUPT, "no type of numpy's");
    text++;
    size_t number = read_number(&text);
    return settle(scalar, letter, number, text, why);
}

static char letter_of(int kind)
{
    for (size_t i = 0; i < sizeof scalars / sizeof scalars[0]; i++) {
        if (scalars[i].kind == kind)
            return scalars[i].letter;
    }
    return 'S';
}

void mpj_scalar_text(char out[MPJ_SCALAR_TEXT_BYTES], const mpijob_type *type)
{
    size_t bytes = mpijob_type_size(type);
    if (type->kind == MPIJOB_OPAQUE) {
        snprintf(out, MPJ_SCALAR_TEXT_BYTES, "%s", type->dtype);
        return;
    }
    char letter = letter_of(type->kind);
    snprintf(out, MPJ_SCALAR_TEXT_BYTES, "%c%c%zu", is_one_byte_unit(letter, bytes) ? '|' : MPJ_NATIVE_ORDER, letter,
             bytes);
}
