#include "array/npytext.h"

#include "base/alloc.h"

#include <stdint.h>

char *mpj_latin1_to_utf8(const char *text, size_t bytes, size_t *out_bytes)
{
    char *out = bytes < SIZE_MAX / 2 ? mpj_alloc(2 * bytes) : NULL;
    if (!out)
        return NULL;
    size_t used = 0;
    for (size_t i = 0; i < bytes; i++) {
        unsigned c = (unsigned char)text[i];
        if (c >= 0x80)
            out[used++] = (char)(0xc0 | c >> 6);
        out[used++] = (char)(c >= 0x80 ? 0x80 | (c & 0x3f) : c);
    }
    *out_bytes = used;
    return out;
}

/* U+0080 to U+00FF begin with C2 or C3; everything above with a larger byte. */
static int is_latin1(const char *text, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        if ((unsigned char)text[i] > 0xc3)
            return 0;
    }
    return 1;
}

int mpj_utf8_to_latin1(char *text, size_t *bytes)
{
    if (!is_latin1(text, *bytes))
        return 0;
    size_t used = 0;
    for (size_t i = 0; i < *bytes; i++) {
        unsigned c = (unsigned char)text[i];
        if (c >= 0xc0 && i + 1 < *bytes)
            c = (c & 0x03) << 6 | ((unsigned char)text[++i] & 0x3f);
        text[used++] = (char)c;
    }
    *bytes = used;
    return 1;
}
