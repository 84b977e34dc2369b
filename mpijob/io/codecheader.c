/* Checks a buffer before Blosc sees it: Blosc 1 believes much of what a header says. */
#include "io/codecheader.h"

#include "base/error.h"

#define FORMAT_VERSION 2
#define CODEC_VERSION 1
#define FLAG_SHUFFLE 0x01
#define FLAG_STORED 0x02
#define FLAG_BIT_SHUFFLE 0x04
#define FLAG_RESERVED 0x08
#define FLAG_NOT_SPLIT 0x10

/* BloscLZ adds up a match's length, 255 for each byte of 255, in an int without looking: this many of them make it
 * negative, and it then writes outside the output. No match in a buffer of 31 bits is as long. */
#define LONGEST_RUN_OF_255 ((size_t)8000000)

typedef struct fields {
    uint64_t bytes, block_bytes, buffer_bytes;
    unsigned version, codec_version, flags, type_bytes;
} fields;

static uint64_t little_endian_32(const unsigned char *at)
{
    return (uint64_t)at[0] | (uint64_t)at[1] << 8 | (uint64_t)at[2] << 16 | (uint64_t)at[3] << 24;
}

static fields read_fields(const unsigned char *at)
{
    return (fields){.version = at[0],
                    .codec_version = at[1],
                    .flags = at[2],
                    .type_bytes = at[3],
                    .bytes = little_endian_32(at + 4),
                    .block_bytes = little_endian_32(at + 8),
                    .buffer_bytes = little_endian_32(at + 12)};
}

static int damaged(const char *what, const char *why, mpijob_error *err)
{
    return mpj_fail(err, MPIJOB_ECORRUPT, "%s is no Blosc buffer that can be read: %s", what, why);
}

static int check_fields(const fields *said, const char *what, mpijob_error *err)
{
    if (said->version != FORMAT_VERSION)
        return mpj_fail(err, MPIJOB_ECORRUPT,
                        "%s is no Blosc buffer that can be read: its format version is %u, not %d%s", what,
                        said->version, FORMAT_VERSION, said->version > FORMAT_VERSION ? " (Blosc 2?)" : "");
    if (said->flags & FLAG_RESERVED)
        return damaged(what, "flags that Blosc 1 does not have", err);
    if ((said->flags & FLAG_SHUFFLE) && (said->flags & FLAG_BIT_SHUFFLE))
        return damaged(what, "shuffled in two ways at once", err);
    if (said->bytes > MPJ_CODEC_MAX_BYTES)
        return damaged(what, "it claims to hold more than 2 GiB", err);
    if (said->type_bytes == 0 && said->bytes > 0)
        return damaged(what, "elements of 0 bytes", err);
    if (said->bytes > 0 &&
        (said->block_bytes == 0 || said->block_bytes > said->bytes || said->block_bytes > MPJ_CODEC_MAX_BLOCK_BYTES))
        return damaged(what, "an impossible block length", err);
    return MPIJOB_OK;
}

/* ---- What follows the header ------------------------------------------------------------------------------------- */

static int check_block_table(const fields *said, const unsigned char *buffer, const char *what, mpijob_error *err)
{
    uint64_t blocks = (said->bytes + said->block_bytes - 1) / said->block_bytes;
    uint64_t begin = MPJ_CODEC_HEADER_BYTES + 4 * blocks;
    if (begin + 4 > said->buffer_bytes)
        return damaged(what, "more blocks than have room in it", err);
    for (uint64_t i = 0; i < blocks; i++) {
        uint64_t start = little_endian_32(buffer + MPJ_CODEC_HEADER_BYTES + 4 * i);
        if (start < begin || start > said->buffer_bytes - 4)
            return damaged(what, "a block that begins outside", err);
    }
    return MPIJOB_OK;
}

static int has_run_of_255(const unsigned char *bytes, size_t count)
{
    for (size_t probe = LONGEST_RUN_OF_255 - 1; probe < count; probe += LONGEST_RUN_OF_255) {
        size_t first = probe, last = probe;
        while (bytes[first] == 255 && first > 0 && bytes[first - 1] == 255 && probe - first < LONGEST_RUN_OF_255)
            first--;
        while (bytes[last] == 255 && last + 1 < count && bytes[last + 1] == 255 && last - first < LONGEST_RUN_OF_255)
            last++;
        if (last - first + 1 >= LONGEST_RUN_OF_255)
            return 1;
    }
    return 0;
}

/* How many streams a block consists of. */
static uint64_t streams_of(const fields *said, uint64_t block_bytes)
{
    int split = !(said->flags & FLAG_NOT_SPLIT) && said->type_bytes <= 16 && block_bytes / said->type_bytes >= 128 &&
                block_bytes == said->block_bytes;
    return split ? said->type_bytes : 1;
}

static int has_impossible_stream(const fields *said, const unsigned char *buffer, uint64_t start, uint64_t block_bytes)
{
    uint64_t streams = streams_of(said, block_bytes);
    for (uint64_t i = 0; i < streams && start + 4 <= said->buffer_bytes; i++) {
        uint64_t bytes = little_endian_32(buffer + start);
        start += 4;
        if (bytes > said->buffer_bytes - start)
            return 0; /* which Blosc notices */
        if (bytes > block_bytes / streams)
            return 1; /* such a stream is stored instead; and blocks that share a long one would take for ever */
        if (bytes < block_bytes / streams && has_run_of_255(buffer + start, bytes))
            return 1;
        start += bytes;
    }
    return 0;
}

static int check_long_matches(const fields *said, const unsigned char *buffer, const char *what, mpijob_error *err)
{
    if (said->buffer_bytes < LONGEST_RUN_OF_255)
        return MPIJOB_OK;
    for (uint64_t at = 0, i = 0; at < said->bytes; at += said->block_bytes, i++) {
        uint64_t start = little_endian_32(buffer + MPJ_CODEC_HEADER_BYTES + 4 * i);
        uint64_t left = said->bytes - at;
        if (has_impossible_stream(said, buffer, start, left < said->block_bytes ? left : said->block_bytes))
            return damaged(what, "data longer than their block", err);
    }
    return MPIJOB_OK;
}

/* Compressors by their number in the flags. */
static const struct {
    const char *name;
    int codec;
} formats[] = {{"blosclz", MPJ_BLOSCLZ}, {"lz4", MPJ_LZ4}, {"snappy", -1}, {"zlib", MPJ_ZLIB}, {"zstd", MPJ_ZSTD}};

static int check_compressed(const fields *said, const unsigned char *buffer, const char *what, mpijob_error *err)
{
    unsigned format = said->flags >> 5;
    if (format >= sizeof formats / sizeof formats[0])
        return damaged(what, "an unknown compressor", err);
    if (!mpj_codec_built_in(formats[format].name))
        return mpj_fail(err, MPIJOB_EUNSUPPORTED, "%s is compressed with %s, which this Blosc was built without", what,
                        formats[format].name);
    if (said->codec_version != CODEC_VERSION)
        return damaged(what, "an unknown version of its compressor's format", err);
    int status = check_block_table(said, buffer, what, err);
    if (status == MPIJOB_OK && formats[format].codec == MPJ_BLOSCLZ)
        status = check_long_matches(said, buffer, what, err);
    return status;
}

int mpj_codec_inspect(mpj_codec_header *header, const void *buffer, size_t buffer_bytes, const char *what,
                      mpijob_error *err)
{
    if (buffer_bytes < MPJ_CODEC_HEADER_BYTES)
        return mpj_fail(err, MPIJOB_ECORRUPT, "%s is no Blosc buffer: it has %zu bytes, fewer than a header", what,
                        buffer_bytes);
    fields said = read_fields(buffer);
    if (said.version == FORMAT_VERSION && said.buffer_bytes != buffer_bytes)
        return mpj_fail(err, MPIJOB_ECORRUPT, "%s has %zu bytes, but was written with %llu", what, buffer_bytes,
                        (unsigned long long)said.buffer_bytes);
    int status = check_fields(&said, what, err);
    if (status != MPIJOB_OK)
        return status;
    int stored = (said.flags & FLAG_STORED) || said.bytes == 0;
    if ((said.flags & FLAG_STORED) && said.bytes + MPJ_CODEC_HEADER_BYTES != buffer_bytes)
        return damaged(what, "stored as it is, but of another length", err);
    status = stored ? MPIJOB_OK : check_compressed(&said, buffer, what, err);
    if (status != MPIJOB_OK)
        return status;
    unsigned format = said.flags >> 5;
    *header = (mpj_codec_header){
        .bytes = (size_t)said.bytes,
        .block_bytes = (size_t)said.block_bytes,
        .type_bytes = said.type_bytes,
        .codec = format < sizeof formats / sizeof formats[0] ? formats[format].codec : -1,
        .shuffle = said.flags & FLAG_SHUFFLE       ? 1
                   : said.flags & FLAG_BIT_SHUFFLE ? 2
                                                   : 0,
        .stored = stored,
    };
    return MPIJOB_OK;
}
