/* Segments: header, scan, every entry read and decompressed. The sums are made right first, as far as the lengths lead,
 * since no flipped bit gets past them. */
#include "base/alloc.h"
#include "fuzz.h"
#include "io/checksum.h"
#include "io/codec.h"
#include "io/file.h"
#include "memory/segment.h"

#include <string.h>

#define MOST_RAW_BYTES ((uint64_t)1 << 20)

typedef struct reading {
    const fuzz_input *input;
    int fd;
    uint64_t segment, before;
    mpj_room room, plain;
} reading;

/* Also of entries that claim more than there is. */
static void make_right(unsigned char *bytes, size_t size)
{
    uint64_t at = MPJ_SEGMENT_HEADER_BYTES;
    if (size < at)
        return;
    mpj_put_u64(bytes + at - 8, mpj_checksum(bytes, at - 8));
    uint64_t segment = mpj_get_u64(bytes + 8);
    while (at <= size && size - at >= MPJ_ENTRY_HEADER_BYTES) {
        unsigned char *entry = bytes + at;
        uint64_t total = mpj_get_u64(entry + 8);
        mpj_put_u64(entry + 104, at);
        if (total >= MPJ_ENTRY_HEADER_BYTES && total <= size - at)
            mpj_put_u64(entry + 112,
                        mpj_checksum(entry + MPJ_ENTRY_HEADER_BYTES, (size_t)total - MPJ_ENTRY_HEADER_BYTES));
        mpj_put_u64(entry + 120, mpj_checksum_seeded(entry, 120, segment));
        if (total < MPJ_ENTRY_HEADER_BYTES || total > size - at)
            return;
        at += total;
    }
}

static int read_one(const mpj_entry_header *scanned, void *payload)
{
    reading *r = payload;
    mpj_entry_header header;
    mpijob_error err;
    FUZZ_CHECK(scanned->offset == r->before && scanned->offset + scanned->total_bytes <= r->input->size);
    r->before += scanned->total_bytes;
    int status = mpj_segment_read_entry(&r->room, &header, r->fd, "fuzz", r->segment, scanned->offset,
                                        scanned->total_bytes, &err);
    if (status < 0) {
        (void)fuzz_good(r->input, status, &err);
        return MPIJOB_OK;
    }
    FUZZ_CHECK(status == 1);
    FUZZ_CHECK(mpj_entry_payload_at(&header) + header.stored_bytes <= header.total_bytes);
    const unsigned char *raw;
    size_t raw_bytes = 0;
    if (header.raw_bytes > MOST_RAW_BYTES && header.coded != MPJ_CODED_RAW)
        return MPIJOB_OK;
    status = mpj_entry_payload(&raw, &raw_bytes, &r->plain, &header, r->room.bytes);
    if (status == 1 && raw_bytes > 0)
        (void)mpj_checksum(raw, raw_bytes);
    return MPIJOB_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    mpijob_error err;
    mpj_segment_header header;
    fuzz_input input = fuzz_begin(data, size);
    unsigned char *bytes = fuzz_room(0, input.size, 0);
    if (!bytes)
        return -1;
    if (input.size > 0)
        memcpy(bytes, input.data, input.size);
    make_right(bytes, input.size);
    reading r = {.input = &input, .before = MPJ_SEGMENT_HEADER_BYTES};
    FUZZ_CHECK(mpj_file_open(&r.fd, fuzz_file(bytes, input.size), NULL, NULL) == MPIJOB_OK);
    int status = mpj_segment_read_header(&header, r.fd, "fuzz", &err);
    if (fuzz_good(&input, status, &err)) {
        uint64_t good = MPJ_SEGMENT_HEADER_BYTES;
        r.segment = header.id;
        status = mpj_segment_scan(r.fd, "fuzz", header.id, &good, input.size, read_one, &r, &err);
        if (fuzz_good(&input, status, &err))
            FUZZ_CHECK(good == r.before && good <= input.size);
    }
    mpj_free(r.room.bytes);
    mpj_free(r.plain.bytes);
    mpj_file_close(&r.fd);
    fuzz_end(&input, 4 * FUZZ_ROOM_BYTES, 4);
    return 0;
}
