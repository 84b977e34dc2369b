/* Blosc buffers of many megabytes, that a small input stands for: its first three bytes say where how many bytes of 255
 * are put in, and the header's length is set right. */
#include "fuzz.h"
#include "io/codec.h"

#include <string.h>

#define MEGABYTE ((size_t)1000000)
#define MOST (10 * MEGABYTE)
#define RULES 3
#define HEADER 16

static void put_32(unsigned char *at, size_t value)
{
    for (int i = 0; i < 4; i++, value >>= 8)
        at[i] = (unsigned char)value;
}

/* rules: megabytes (0 to 9), their last digits, at which byte. */
static size_t expand(unsigned char *out, const uint8_t *rules, const uint8_t *buffer, size_t size)
{
    size_t run = rules[0] % 10 * MEGABYTE + rules[1];
    size_t before = rules[2] < size ? rules[2] : size;
    memcpy(out, buffer, before);
    memset(out + before, 255, run);
    memcpy(out + before + run, buffer + before, size - before);
    if (size + run >= HEADER)
        put_32(out + 12, size + run);
    return size + run;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    mpj_codec_header header;
    mpijob_error err;
    if (size < RULES || size > MEGABYTE / 2)
        return -1;
    fuzz_input input = {data, size, 0};
    unsigned char *out = malloc(MOST);
    FUZZ_CHECK(out != NULL);
    size_t bytes = expand(out, data, data + RULES, size - RULES);
    unsigned char *exact = realloc(out, bytes ? bytes : 1);
    FUZZ_CHECK(exact != NULL);
    if (fuzz_good(&input, mpj_codec_inspect(&header, exact, bytes, "fuzz", &err), &err) && header.bytes <= 4 * MOST) {
        void *to = malloc(header.bytes ? header.bytes : 1);
        FUZZ_CHECK(to != NULL);
        (void)fuzz_good(&input, mpj_codec_decompress(to, header.bytes, exact, bytes, "fuzz", &err), &err);
        free(to);
    }
    free(exact);
    return 0;
}
