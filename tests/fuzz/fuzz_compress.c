/* Blosc there and back: any bytes, any settings. */
#include "base/alloc.h"
#include "fuzz.h"
#include "io/codec.h"

#include <string.h>

#define RULES 5

static mpj_codec_options options_of(const uint8_t *rules)
{
    return (mpj_codec_options){.codec = rules[0] % 8 - 1,
                               .level = rules[1] % 12 - 1,
                               .shuffle = rules[2] % 5 - 1,
                               .type_bytes = rules[3],
                               .block_bytes = rules[4] == 255 ? SIZE_MAX
                                              : rules[4]      ? (size_t)1 << rules[4] % 24
                                                              : 0};
}

static void check_back(const fuzz_input *input, const void *packed, size_t packed_bytes, const void *from, size_t bytes)
{
    mpijob_error err;
    void *out = fuzz_room(1, bytes, (int)packed_bytes);
    FUZZ_CHECK(out != NULL);
    if (fuzz_good(input, mpj_codec_decompress(out, bytes, packed, packed_bytes, "fuzz", &err), &err) && bytes > 0)
        FUZZ_CHECK(memcmp(out, from, bytes) == 0 && mpj_checksum(out, bytes) == mpj_checksum(from, bytes));
}

static void check_names(int codec)
{
    const char *name = mpj_codec_name(codec);
    FUZZ_CHECK(!name || mpj_codec_find(name) == codec);
    FUZZ_CHECK(mpj_codec_find("gzip") == -1);
}

/* What cannot be done is refused before a byte is looked at. */
static void check_refused(const mpj_codec_options *options, void *packed, const void *from, size_t bytes)
{
    size_t no_room = mpj_codec_bound(bytes) - 1, room = SIZE_MAX;
    FUZZ_CHECK(mpj_codec_compress(packed, &no_room, from, bytes, options, NULL) == MPIJOB_EINVAL);
    FUZZ_CHECK(mpj_codec_compress(packed, &room, from, MPJ_CODEC_MAX_BYTES + 1, options, NULL) == MPIJOB_EINVAL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    mpijob_error err;
    fuzz_input input = fuzz_begin(data, size);
    if (input.size < RULES || input.size > FUZZ_ROOM_BYTES / 2) {
        fuzz_end(&input, 0, 0);
        return -1;
    }
    mpj_codec_options options = options_of(input.data);
    size_t bytes = input.size - RULES, packed_bytes = mpj_codec_bound(bytes);
    void *packed = fuzz_room(0, packed_bytes, options.level);
    FUZZ_CHECK(packed != NULL);
    check_names(options.codec);
    check_refused(&options, packed, input.data + RULES, bytes);
    int status = mpj_codec_compress(packed, &packed_bytes, input.data + RULES, bytes, &options, &err);
    if (status == MPIJOB_OK)
        check_back(&input, packed, packed_bytes, input.data + RULES, bytes);
    else
        FUZZ_CHECK(status == MPIJOB_EINVAL || (status == MPIJOB_ENOMEM && input.fails));
    fuzz_end(&input, 4 * FUZZ_ROOM_BYTES, 4);
    return 0;
}
