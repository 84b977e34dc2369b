#include "array/base64.h"

static int digit(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Four digits, of which the last one or two may be '='. Returns the bytes they hold (1 to 3), or -1. */
static int decode_four(unsigned char out[3], const char *text, int is_last)
{
    int padding = is_last && text[3] == '=' ? 1 + (text[2] == '=') : 0;
    unsigned long value = 0;
    for (int i = 0; i < 4; i++) {
        int d = i < 4 - padding ? digit(text[i]) : 0;
        if (d < 0)
            return -1;
        value = value << 6 | (unsigned long)d;
    }
    for (int i = 0; i < 3; i++)
        out[i] = (unsigned char)(value >> (16 - 8 * i));
    return 3 - padding;
}

ptrdiff_t mpj_base64_decode(void *out, size_t room, const char *text, size_t length)
{
    unsigned char *to = out;
    size_t used = 0;
    if (length % 4 != 0)
        return -1;
    for (size_t i = 0; i < length; i += 4) {
        unsigned char three[3];
        int count = decode_four(three, text + i, i + 4 == length);
        if (count < 0 || (size_t)count > room - used)
            return -1;
        for (int k = 0; k < count; k++)
            to[used++] = three[k];
    }
    return (ptrdiff_t)used;
}
