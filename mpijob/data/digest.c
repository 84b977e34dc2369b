#include "data/digest.h"

#include "base/error.h"

#include <murmurhash.h>

#define WORD 8

static void put_word(uint8_t *out, uint64_t word)
{
    for (int i = 0; i < WORD; i++)
        out[i] = (uint8_t)(word >> 8 * i);
}

void mpj_digest_of(mpijob_digest *digest, const void *bytes, size_t count)
{
    uint64_t out[2];
    lmmh_x64_128(bytes, (unsigned)count, 0, out);
    put_word(digest->bytes, out[0]);
    put_word(digest->bytes + WORD, out[1]);
}

void mpijob_digest_text(char text[MPIJOB_DIGEST_TEXT_BYTES], const mpijob_digest *digest)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < sizeof digest->bytes; i++) {
        text[2 * i] = digits[digest->bytes[i] >> 4];
        text[2 * i + 1] = digits[digest->bytes[i] & 15];
    }
    text[MPIJOB_DIGEST_TEXT_BYTES - 1] = '\0';
}

static int digit_value(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    if (digit >= 'a' && digit <= 'f')
        return digit - 'a' + 10;
    return digit >= 'A' && digit <= 'F' ? digit - 'A' + 10 : -1;
}

static int parse_digits(mpijob_digest *digest, const char *text)
{
    for (size_t i = 0; i < sizeof digest->bytes; i++) {
        int high = digit_value(text[2 * i]);
        int low = high < 0 ? -1 : digit_value(text[2 * i + 1]);
        if (low < 0)
            return -1;
        digest->bytes[i] = (uint8_t)(high << 4 | low);
    }
    return text[MPIJOB_DIGEST_TEXT_BYTES - 1] == '\0' ? 0 : -1;
}

int mpijob_digest_parse(mpijob_digest *digest, const char *text, mpijob_error *err)
{
    mpijob_digest parsed;
    if (text == NULL || parse_digits(&parsed, text) != 0)
        return mpj_fail(err, MPIJOB_EINVAL, "a digest is 32 hexadecimal digits, not '%.40s'", text == NULL ? "" : text);
    *digest = parsed;
    return MPIJOB_OK;
}
