#include "memory/segment.h"

#include "base/alloc.h"
#include "base/error.h"
#include "io/below.h"
#include "io/codec.h"
#include "io/identity.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#define BLOCK_BYTES ((size_t)1 << 20)
#define UNSURE_BYTES ((uint64_t)1 << 20) /* longer entries: the header is believed first, then memory is asked for */
#define HOST_SHOWN 24

/* ---- Names ------------------------------------------------------------------------------------------------------- */

void mpj_writer_name(char out[MPJ_WRITER_BYTES])
{
    char host[MPIJOB_ERROR_HOST_BYTES];
    mpj_host_name(host);
    for (char *c = host; *c; c++)
        if (!isalnum((unsigned char)*c) && *c != '-')
            *c = '_';
    snprintf(out, MPJ_WRITER_BYTES, "%.*s-%ld-%llu-%016" PRIx64, HOST_SHOWN, host[0] ? host : "host", (long)getpid(),
             mpj_process_start("self"), mpj_random_token());
}

void mpj_writer_file(char out[MPJ_WRITER_BYTES + 8], const char *writer, const char *suffix)
{
    snprintf(out, MPJ_WRITER_BYTES + 8, "%s%s", writer, suffix);
}

bool mpj_writer_of(char out[MPJ_WRITER_BYTES], const char *file, const char *suffix)
{
    size_t length = strlen(file), tail = strlen(suffix);
    if (length <= tail || length - tail >= MPJ_WRITER_BYTES || strcmp(file + length - tail, suffix) != 0)
        return false;
    memcpy(out, file, length - tail);
    out[length - tail] = '\0';
    return true;
}

/* ---- Header ------------------------------------------------------------------------------------------------------ */

/* MPIJOB_EOS, filled from what mpj_file_read_some returned. */
static int cannot_read(long got, const char *path, mpijob_error *err)
{
    return mpj_fail_os(err, (int)-got, "cannot read a segment in %s", path);
}

int mpj_segment_read_header(mpj_segment_header *header, int fd, const char *path, mpijob_error *err)
{
    unsigned char bytes[MPJ_SEGMENT_HEADER_BYTES];
    long got = mpj_file_read_some(fd, bytes, sizeof bytes, 0);
    if (got < 0)
        return cannot_read(got, path, err);
    if (got < (long)sizeof bytes)
        return mpj_fail(err, MPIJOB_ECORRUPT, "a segment in %s has no header yet", path);
    int status = mpj_segment_header_decode(header, bytes);
    return status == MPIJOB_OK ? status : mpj_fail(err, status, "a segment in %s has a header that is not one", path);
}

/* ---- Scanning ---------------------------------------------------------------------------------------------------- */

/* The entries whose headers lie in the block that was read from *good on. *good moves on; false: at one that is not
 * whole. */
static bool scan_block(const unsigned char *block, size_t block_bytes, uint64_t segment, uint64_t *good, uint64_t size,
                       mpj_segment_each_fn *each, void *payload, int *status)
{
    uint64_t base = *good;
    while (*good - base + MPJ_ENTRY_HEADER_BYTES <= block_bytes) {
        mpj_entry_header header;
        if (!mpj_entry_header_decode(&header, block + (*good - base), segment, *good) ||
            header.total_bytes > size - *good)
            return false;
        *status = each(&header, payload);
        if (*status != MPIJOB_OK)
            return false;
        *good += header.total_bytes;
        if (*good - base > block_bytes)
            return true;
    }
    return *good > base;
}

int mpj_segment_scan(int fd, const char *path, uint64_t segment, uint64_t *good, uint64_t size,
                     mpj_segment_each_fn *each, void *payload, mpijob_error *err)
{
    if (*good >= size || size - *good < MPJ_ENTRY_HEADER_BYTES)
        return MPIJOB_OK;
    size_t room = size - *good < BLOCK_BYTES ? (size_t)(size - *good) : BLOCK_BYTES;
    unsigned char *block = mpj_alloc(room);
    if (!block)
        return mpj_fail_memory(err, "a block of a segment", room);
    int status = MPIJOB_OK;
    bool more = true;
    while (status == MPIJOB_OK && more && size - *good >= MPJ_ENTRY_HEADER_BYTES) {
        size_t wanted = size - *good < room ? (size_t)(size - *good) : room;
        long got = mpj_file_read_some(fd, block, wanted, *good);
        if (got < 0)
            status = cannot_read(got, path, err);
        else
            more = scan_block(block, (size_t)got, segment, good, size, each, payload, &status);
    }
    mpj_free(block);
    return status;
}

/* ---- One entry --------------------------------------------------------------------------------------------------- */

int mpj_room_reserve(mpj_room *room, uint64_t bytes)
{
    if (bytes <= room->capacity)
        return 0;
    if (bytes > SIZE_MAX / 2)
        return -1;
    size_t wanted = (size_t)bytes + (size_t)bytes / 4 + 256;
    unsigned char *made = mpj_alloc(wanted);
    if (!made)
        return -1;
    mpj_free(room->bytes);
    *room = (mpj_room){made, wanted};
    return 0;
}

int mpj_segment_read_entry_header(mpj_entry_header *header, int fd, const char *path, uint64_t segment, uint64_t offset,
                                  mpijob_error *err)
{
    unsigned char bytes[MPJ_ENTRY_HEADER_BYTES];
    long got = mpj_file_read_some(fd, bytes, sizeof bytes, offset);
    if (got < 0)
        return cannot_read(got, path, err);
    return got == (long)sizeof bytes && mpj_entry_header_decode(header, bytes, segment, offset);
}

/* A length that only a damaged index can claim costs no memory: the entry's own header has to say the same, and the
 * file has to be so long. */
static int believable(int fd, const char *path, uint64_t segment, uint64_t offset, uint64_t total_bytes,
                      mpijob_error *err)
{
    mpj_entry_header header;
    int status = mpj_segment_read_entry_header(&header, fd, path, segment, offset, err);
    if (status != 1)
        return status;
    int64_t length = mpj_file_length(fd);
    if (length < 0)
        return cannot_read((long)length, path, err);
    return header.total_bytes == total_bytes && total_bytes <= (uint64_t)length - offset;
}

int mpj_segment_entry_is_whole(mpj_entry_header *header, const unsigned char *bytes, uint64_t segment, uint64_t offset,
                               uint64_t total_bytes)
{
    return total_bytes >= MPJ_ENTRY_HEADER_BYTES && mpj_entry_header_decode(header, bytes, segment, offset) &&
           header->total_bytes == total_bytes && mpj_entry_rest_is_whole(header, bytes + MPJ_ENTRY_HEADER_BYTES);
}

int mpj_segment_read_entry(mpj_room *room, mpj_entry_header *header, int fd, const char *path, uint64_t segment,
                           uint64_t offset, uint64_t total_bytes, mpijob_error *err)
{
    if (total_bytes < MPJ_ENTRY_HEADER_BYTES || total_bytes % MPJ_ALIGN || offset % MPJ_ALIGN)
        return 0;
    int status = total_bytes > UNSURE_BYTES ? believable(fd, path, segment, offset, total_bytes, err) : 1;
    if (status != 1)
        return status;
    if (mpj_room_reserve(room, total_bytes) != 0)
        return mpj_fail_memory(err, "an entry", total_bytes);
    long got = mpj_file_read_some(fd, room->bytes, (size_t)total_bytes, offset);
    if (got < 0)
        return cannot_read(got, path, err);
    return (uint64_t)got == total_bytes &&
           mpj_segment_entry_is_whole(header, room->bytes, segment, offset, total_bytes);
}

int mpj_entry_payload(const unsigned char **raw, size_t *raw_bytes, mpj_room *plain, const mpj_entry_header *header,
                      const unsigned char *entry)
{
    const unsigned char *stored = entry + mpj_entry_payload_at(header);
    if (header->coded == MPJ_CODED_RAW) {
        *raw = stored;
        *raw_bytes = (size_t)header->stored_bytes;
        return 1;
    }
    mpj_codec_header codec;
    if (mpj_codec_inspect(&codec, stored, (size_t)header->stored_bytes, "an entry", NULL) != MPIJOB_OK ||
        codec.bytes != header->raw_bytes)
        return 0;
    if (mpj_room_reserve(plain, header->raw_bytes) != 0)
        return MPIJOB_ENOMEM;
    int status = mpj_codec_decompress(plain->bytes, (size_t)header->raw_bytes, stored, (size_t)header->stored_bytes,
                                      "an entry", NULL);
    *raw = plain->bytes;
    *raw_bytes = (size_t)header->raw_bytes;
    return status == MPIJOB_OK ? 1 : status == MPIJOB_ENOMEM ? status : 0;
}
