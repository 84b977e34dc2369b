#include "data/jsonvalue.h"

#include "data/utf8.h"

#include <jansson.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Texts ----------------------------------------------------------------------------------------------------- */

static int add_dumped(const char *text, size_t bytes, void *payload)
{
    mpj_textbuf *out = payload;
    mpj_textbuf_add(out, text, bytes);
    return out->failed ? -1 : 0;
}

/* Nothing of it has to be escaped, as in names of fields. */
static bool is_simple(const char *text, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        if (text[i] < 0x20 || text[i] > 0x7e || text[i] == '"' || text[i] == '\\')
            return false;
    return true;
}

void mpj_json_text(mpj_textbuf *out, const char *text, size_t bytes)
{
    if (is_simple(text, bytes)) {
        mpj_textbuf_add(out, "\"", 1);
        mpj_textbuf_add(out, text, bytes);
        mpj_textbuf_add(out, "\"", 1);
        return;
    }
    json_t *value = json_stringn_nocheck(text, bytes);
    if (!value || json_dump_callback(value, add_dumped, out, JSON_ENCODE_ANY) != 0)
        out->failed = 1;
    json_decref(value);
}

void mpj_json_base64(mpj_textbuf *out, const void *bytes, size_t count)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned char *at = bytes;
    mpj_textbuf_puts(out, "{\"base64\": \"");
    for (size_t i = 0; i < count; i += 3) {
        size_t here = count - i < 3 ? count - i : 3;
        uint32_t group = (uint32_t)at[i] << 16;
        if (here > 1)
            group |= (uint32_t)at[i + 1] << 8;
        if (here > 2)
            group |= at[i + 2];
        char four[4] = {digits[group >> 18], digits[group >> 12 & 63], '=', '='};
        if (here > 1)
            four[2] = digits[group >> 6 & 63];
        if (here > 2)
            four[3] = digits[group & 63];
        mpj_textbuf_add(out, four, sizeof four);
    }
    mpj_textbuf_puts(out, "\"}");
}

void mpj_json_bytes(mpj_textbuf *out, const void *bytes, size_t count)
{
    const char *text = bytes;
    size_t length = count;
    while (length > 0 && text[length - 1] == '\0')
        length--;
    if (memchr(text, '\0', length) || !mpj_utf8_valid(text, length))
        mpj_json_base64(out, bytes, count);
    else
        mpj_json_text(out, text, length);
}

/* ---- Numbers --------------------------------------------------------------------------------------------------- */

static double read_back(const char *text, int is_float)
{
    return is_float ? (double)strtof(text, NULL) : strtod(text, NULL);
}

void mpj_json_real_text(mpj_textbuf *out, const char *text)
{
    int fraction = 0;
    while (*text) {
        size_t plain = strspn(text, "0123456789+-e");
        fraction |= memchr(text, 'e', plain) != NULL;
        mpj_textbuf_add(out, text, plain);
        text += plain;
        size_t point = strcspn(text, "0123456789+-e");
        if (point > 0) {
            mpj_textbuf_puts(out, ".");
            fraction = 1;
        }
        text += point;
    }
    if (!fraction)
        mpj_textbuf_puts(out, ".0");
}

static void add_real(mpj_textbuf *out, double value, int is_float)
{
    char text[64];
    if (isnan(value) || isinf(value)) {
        mpj_textbuf_puts(out, isnan(value) ? "\"NaN\"" : value > 0 ? "\"Infinity\"" : "\"-Infinity\"");
        return;
    }
    int most = is_float ? 9 : 17;
    int digits = is_float ? 6 : 15;
    do {
        snprintf(text, sizeof text, "%.*g", digits, value);
    } while (digits++ < most && !(read_back(text, is_float) == value));
    mpj_json_real_text(out, text);
}

static void add_reals(mpj_textbuf *out, const void *place, int is_float, size_t count)
{
    mpj_textbuf_puts(out, count > 1 ? "[" : "");
    for (size_t i = 0; i < count; i++) {
        float single;
        double value;
        if (is_float) {
            memcpy(&single, (const char *)place + i * sizeof single, sizeof single);
            value = (double)single;
        } else {
            memcpy(&value, (const char *)place + i * sizeof value, sizeof value);
        }
        mpj_textbuf_puts(out, i > 0 ? ", " : "");
        add_real(out, value, is_float);
    }
    mpj_textbuf_puts(out, count > 1 ? "]" : "");
}

static int64_t signed_at(const void *place, size_t bytes)
{
    int8_t one;
    int16_t two;
    int32_t four;
    int64_t eight;
    switch (bytes) {
    case 1:
        memcpy(&one, place, bytes);
        return one;
    case 2:
        memcpy(&two, place, bytes);
        return two;
    case 4:
        memcpy(&four, place, bytes);
        return four;
    default:
        memcpy(&eight, place, sizeof eight);
        return eight;
    }
}

static uint64_t unsigned_at(const void *place, size_t bytes)
{
    uint64_t mask = bytes < 8 ? (UINT64_C(1) << (8 * bytes)) - 1 : UINT64_MAX;
    return (uint64_t)signed_at(place, bytes) & mask;
}

static void add_integer(mpj_textbuf *out, bool negative, uint64_t size)
{
    char text[24];
    size_t at = sizeof text;
    do {
        text[--at] = (char)('0' + size % 10);
        size /= 10;
    } while (size > 0);
    if (negative)
        text[--at] = '-';
    mpj_textbuf_add(out, text + at, sizeof text - at);
}

static void add_signed(mpj_textbuf *out, int64_t value)
{
    add_integer(out, value < 0, value < 0 ? -(uint64_t)value : (uint64_t)value);
}

void mpj_json_number(mpj_textbuf *out, const void *place, int kind)
{
    const mpijob_type type = mpijob_type_of(kind);
    size_t bytes = mpijob_type_size(&type);
    switch (kind) {
    case MPIJOB_BOOL:
        mpj_textbuf_puts(out, *(const unsigned char *)place ? "true" : "false");
        return;
    case MPIJOB_FLOAT32:
    case MPIJOB_FLOAT64:
        add_reals(out, place, kind == MPIJOB_FLOAT32, 1);
        return;
    case MPIJOB_COMPLEX64:
    case MPIJOB_COMPLEX128:
        add_reals(out, place, kind == MPIJOB_COMPLEX64, 2);
        return;
    default:
        if (kind <= MPIJOB_INT64)
            add_signed(out, signed_at(place, bytes));
        else
            add_integer(out, false, unsigned_at(place, bytes));
    }
}
