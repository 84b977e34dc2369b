#include "io/codec.h"

#include "base/alloc.h"
#include "base/error.h"
#include "io/codecheader.h"

#include <blosc.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

_Static_assert(BLOSC_MIN_HEADER_LENGTH == MPJ_CODEC_HEADER_BYTES, "another header than is checked here");
_Static_assert(BLOSC_MAX_BUFFERSIZE == MPJ_CODEC_MAX_BYTES, "another limit than is documented here");
_Static_assert(BLOSC_MAX_BLOCKSIZE == MPJ_CODEC_MAX_BLOCK_BYTES, "another limit than is checked here");

static const char *const codec_names[MPJ_CODEC_COUNT] = {
    [MPJ_BLOSCLZ] = BLOSC_BLOSCLZ_COMPNAME, [MPJ_LZ4] = BLOSC_LZ4_COMPNAME,   [MPJ_LZ4HC] = BLOSC_LZ4HC_COMPNAME,
    [MPJ_ZLIB] = BLOSC_ZLIB_COMPNAME,       [MPJ_ZSTD] = BLOSC_ZSTD_COMPNAME,
};

int mpj_codec_built_in(const char *name)
{
    return blosc_compname_to_compcode(name) >= 0;
}

int mpj_codec_find(const char *name)
{
    for (int codec = 0; codec < MPJ_CODEC_COUNT; codec++) {
        if (strcmp(codec_names[codec], name) == 0)
            return mpj_codec_built_in(name) ? codec : -1;
    }
    return -1;
}

const char *mpj_codec_name(int codec)
{
    if (codec < 0 || codec >= MPJ_CODEC_COUNT || !mpj_codec_built_in(codec_names[codec]))
        return NULL;
    return codec_names[codec];
}

size_t mpj_codec_bound(size_t bytes)
{
    return bytes + BLOSC_MAX_OVERHEAD;
}

uint64_t mpj_checksum(const void *bytes, size_t count)
{
    return XXH3_64bits(bytes, count);
}

/* ---- Compressing ------------------------------------------------------------------------------------------------- */

/* Blosc uses its scratch memory without asking whether it got it. So ask for as much first: what fails here would have
 * ended the program there. */
static int scratch_is_there(size_t block_bytes, mpijob_error *err)
{
    size_t bytes = 2 * block_bytes + BLOSC_MAX_TYPESIZE * sizeof(int32_t);
    void *scratch = mpj_alloc(bytes);
    if (!scratch)
        return mpj_fail_memory(err, "Blosc's scratch memory", bytes);
    mpj_free(scratch);
    return MPIJOB_OK;
}

static int check_options(const mpj_codec_options *options, size_t bytes, size_t room, mpijob_error *err)
{
    if (!mpj_codec_name(options->codec))
        return mpj_fail(err, MPIJOB_EINVAL, "compressor %d is unknown, or not built into this Blosc", options->codec);
    if (options->level < 0 || options->level > 9)
        return mpj_fail(err, MPIJOB_EINVAL, "compression level %d is not one of 0 to 9", options->level);
    if (options->shuffle < 0 || options->shuffle > 2)
        return mpj_fail(err, MPIJOB_EINVAL, "shuffle %d is not 0 (none), 1 (byte) or 2 (bit)", options->shuffle);
    if (options->block_bytes > MPJ_CODEC_MAX_BLOCK_BYTES)
        return mpj_fail(err, MPIJOB_EINVAL, "a Blosc block of %zu bytes: the most is %zu", options->block_bytes,
                        MPJ_CODEC_MAX_BLOCK_BYTES);
    if (bytes > MPJ_CODEC_MAX_BYTES)
        return mpj_fail(err, MPIJOB_EINVAL, "%zu bytes in one Blosc buffer: the most is %zu; use smaller chunks", bytes,
                        MPJ_CODEC_MAX_BYTES);
    if (room < mpj_codec_bound(bytes))
        return mpj_fail(err, MPIJOB_EINVAL, "room for %zu bytes: compressing %zu may need %zu", room, bytes,
                        mpj_codec_bound(bytes));
    return MPIJOB_OK;
}

static size_t type_bytes_of(const mpj_codec_options *options)
{
    size_t type_bytes = options->type_bytes;
    return type_bytes == 0 || type_bytes > BLOSC_MAX_TYPESIZE ? 1 : type_bytes;
}

/* The largest that Blosc chooses by itself, or makes of a smaller choice, is 2 MiB. */
static size_t largest_block(const mpj_codec_options *options, size_t bytes)
{
    size_t most = (size_t)2 << 20;
    if (options->block_bytes > most)
        most = options->block_bytes;
    return most < bytes ? most : bytes;
}

int mpj_codec_compress(void *out, size_t *out_bytes, const void *from, size_t bytes, const mpj_codec_options *options,
                       mpijob_error *err)
{
    int status = check_options(options, bytes, *out_bytes, err);
    if (status == MPIJOB_OK)
        status = scratch_is_there(largest_block(options, bytes), err);
    if (status != MPIJOB_OK)
        return status;
    /* Never less room than this: into 16 to 19 bytes, Blosc writes 20. */
    int used = blosc_compress_ctx(options->level, options->shuffle, type_bytes_of(options), bytes, from, out,
                                  mpj_codec_bound(bytes), mpj_codec_name(options->codec), options->block_bytes, 1);
    if (used <= 0)
        return mpj_fail(err, MPIJOB_EINTERNAL, "Blosc failed to compress %zu bytes (%d)", bytes, used);
    *out_bytes = (size_t)used;
    return MPIJOB_OK;
}

/* ---- Decompressing ----------------------------------------------------------------------------------------------- */

int mpj_codec_decompress(void *out, size_t bytes, const void *buffer, size_t buffer_bytes, const char *what,
                         mpijob_error *err)
{
    mpj_codec_header header;
    int status = mpj_codec_inspect(&header, buffer, buffer_bytes, what, err);
    if (status != MPIJOB_OK)
        return status;
    if (header.bytes != bytes)
        return mpj_fail(err, MPIJOB_ECORRUPT, "%s holds %zu bytes, not %zu", what, header.bytes, bytes);
    if (header.stored) {
        if (bytes)
            memcpy(out, (const unsigned char *)buffer + MPJ_CODEC_HEADER_BYTES, bytes);
        return MPIJOB_OK;
    }
    status = scratch_is_there(header.block_bytes, err);
    if (status != MPIJOB_OK)
        return status;
    int made = blosc_decompress_ctx(buffer, out, bytes, 1);
    if (made < 0 || (size_t)made != bytes)
        return mpj_fail(err, MPIJOB_ECORRUPT, "%s is damaged: its compressed data cannot be read", what);
    return MPIJOB_OK;
}
