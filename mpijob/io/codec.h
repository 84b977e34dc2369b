/* Blosc buffers. Nobody else calls Blosc. Only its context functions are used: they keep no global state. */
#ifndef MPJ_IO_CODEC_H
#define MPJ_IO_CODEC_H

#include <mpijob/error.h>
#include <stddef.h>
#include <stdint.h>

typedef enum mpj_codec {
    MPJ_BLOSCLZ,
    MPJ_LZ4,
    MPJ_LZ4HC,
    MPJ_ZLIB,
    MPJ_ZSTD,
    MPJ_CODEC_COUNT
} mpj_codec;

/* Name ("lz4") to number and back; -1 / NULL for what is unknown or not built into this Blosc. */
int mpj_codec_find(const char *name);
const char *mpj_codec_name(int codec);

typedef struct mpj_codec_options {
    int codec;   /* mpj_codec */
    int level;   /* 0..9 */
    int shuffle; /* 0 none, 1 byte, 2 bit: Blosc's and numcodecs' numbers */
    size_t type_bytes;
    size_t block_bytes; /* 0: Blosc chooses */
} mpj_codec_options;

#define MPJ_CODEC_MAX_BYTES ((size_t)2147483631) /* of one buffer before compression */

size_t mpj_codec_bound(size_t bytes); /* room that compressing needs */
/* *out_bytes: room on entry, at least mpj_codec_bound; bytes used on success. MPIJOB_EINVAL: options, more than
 * MPJ_CODEC_MAX_BYTES, or too little room. A type of more than 255 bytes is taken for bytes, as Blosc's format has it. */
int mpj_codec_compress(void *out, size_t *out_bytes, const void *from, size_t bytes, const mpj_codec_options *options,
                       mpijob_error *err);

/* What the 16-byte header of a buffer says; MPIJOB_ECORRUPT unless it is one that Blosc 1 reads, of exactly
 * `buffer_bytes` bytes, with blocks that begin inside it; MPIJOB_EUNSUPPORTED for a compressor that this Blosc was
 * built without. */
typedef struct mpj_codec_header {
    size_t bytes, block_bytes, type_bytes;
    int codec;           /* LZ4HC reads as LZ4, their format is one; -1: one that is not written here (Snappy) */
    int shuffle, stored; /* stored: bytes as they are */
} mpj_codec_header;
int mpj_codec_inspect(mpj_codec_header *header, const void *buffer, size_t buffer_bytes, const char *what,
                      mpijob_error *err);

/* Decompresses a buffer that must hold exactly `bytes` bytes. Safe on hostile buffers: reads nothing outside
 * buffer_bytes, writes nothing outside bytes. `what`: file and chunk, for messages. The buffer must not change
 * meanwhile (Blosc reads its header again): no map of a file that others may write. */
int mpj_codec_decompress(void *out, size_t bytes, const void *buffer, size_t buffer_bytes, const char *what,
                         mpijob_error *err);

/* XXH3, 64 bits. */
uint64_t mpj_checksum(const void *bytes, size_t count);

#endif
