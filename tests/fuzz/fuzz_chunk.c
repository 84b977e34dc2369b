/* Blosc buffers: inspected and decompressed. */
#include "fuzz.h"
#include "io/codec.h"

#include <string.h>

static void decompress(const fuzz_input *input, const void *buffer, const mpj_codec_header *header)
{
    mpijob_error err;
    void *out = fuzz_room(1, header->bytes, input->data[input->size - 1]);
    if (!out)
        return;
    (void)fuzz_good(input, mpj_codec_decompress(out, header->bytes, buffer, input->size, "fuzz", &err), &err);
    int status = mpj_codec_decompress(out, header->bytes + 1, buffer, input->size, "fuzz", &err);
    FUZZ_CHECK(status == MPIJOB_ECORRUPT);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    mpj_codec_header header;
    mpijob_error err;
    fuzz_input input = fuzz_begin(data, size);
    void *buffer = fuzz_room(0, input.size, (int)input.size);
    if (!buffer)
        return -1;
    if (input.size > 0)
        memcpy(buffer, input.data, input.size);
    if (fuzz_good(&input, mpj_codec_inspect(&header, buffer, input.size, "fuzz", &err), &err)) {
        FUZZ_CHECK(header.bytes <= MPJ_CODEC_MAX_BYTES && (header.stored || header.block_bytes <= header.bytes));
        decompress(&input, buffer, &header);
    } else {
        FUZZ_CHECK(mpj_codec_decompress(NULL, 0, buffer, input.size, "fuzz", &err) != MPIJOB_OK);
    }
    fuzz_end(&input, 4 * FUZZ_ROOM_BYTES, 0); /* Blosc's scratch memory: of the length that the caller expects */
    return 0;
}
