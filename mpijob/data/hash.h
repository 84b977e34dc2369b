/* The parts of the digest that mpijob/doc/hash.md specifies. */
#ifndef MPJ_DATA_HASH_H
#define MPJ_DATA_HASH_H

#include "data/check.h"
#include "data/digest.h"
#include "data/layout.h"

#define MPJ_HASH_BLOCK ((size_t)1 << 24)
#define MPJ_HASH_BLOCKS_MAX ((size_t)1 << 27)

/* ---- Bytes that grow (hashbytes.c) ---- */
#define MPJ_HASH_FIXED 512 /* enough for most headers and argument structs: no allocation */

typedef struct mpj_hash_bytes {
    unsigned char *bytes; /* `fixed`, or allocated */
    size_t used, capacity;
    int no_memory; /* stays set; what is added afterwards is lost */
    unsigned char fixed[MPJ_HASH_FIXED];
} mpj_hash_bytes;

void mpj_hash_bytes_init(mpj_hash_bytes *b);
void mpj_hash_bytes_dispose(mpj_hash_bytes *b);
/* Room for `more` bytes behind those used, which count as used now; NULL: no memory. */
unsigned char *mpj_hash_extend(mpj_hash_bytes *b, size_t more);
void mpj_hash_put(mpj_hash_bytes *b, const void *bytes, size_t count);
void mpj_hash_put_u8(mpj_hash_bytes *b, unsigned number);
void mpj_hash_put_u64(mpj_hash_bytes *b, uint64_t number);

/* ---- Headers and canonical elements (hashtype.c) ---- */
void mpj_hash_header_array(mpj_hash_bytes *header, const mpijob_type *type, int ndim, const size_t *shape, int order);
void mpj_hash_header_record(mpj_hash_bytes *header, const mpijob_record *record);

/* Bytes of an element in the stream. 0, or -1 where these differ from element to element (strings, pointers). */
int mpj_canonical_bytes(const mpijob_type *type, size_t *bytes);
/* From memory to the stream, for those that have a fixed size. */
int mpj_canonical_convert(mpj_convert *convert, const mpijob_type *type, mpijob_error *err);

/* ---- The stream, given piece by piece (hashstream.c) ---- */
typedef struct mpj_hash_stream {
    mpj_hash_bytes outer; /* header, digests of the blocks so far */
    mpj_hash_bytes block; /* begun */
    uint64_t length;
    int status;        /* of the first failure, which stays; what is appended afterwards is lost */
    mpijob_error *err; /* of the call in progress */
    mpj_check *check;  /* is given the same bytes; NULL (so it begins): none */
} mpj_hash_stream;

void mpj_hash_stream_init(mpj_hash_stream *s, mpijob_error *err);
void mpj_hash_stream_dispose(mpj_hash_stream *s);
void mpj_hash_append(mpj_hash_stream *s, const void *bytes, size_t count);
/* The digest of what there is so far; more may follow. Returns status. */
int mpj_hash_stream_digest(mpijob_digest *digest, mpj_hash_stream *s);
/* The last step: of header and digests, with the length behind them. MPIJOB_ENOMEM. */
int mpj_hash_outer_digest(mpijob_digest *digest, mpj_hash_bytes *outer, uint64_t length, mpijob_error *err);

/* ---- Values into the stream (hashvalue.c) ---- */
/* n elements, one behind the other. Failures are in the stream's status. */
void mpj_hash_values(mpj_hash_stream *s, const mpijob_type *type, const unsigned char *at, size_t n);

/* ---- Elements of arrays in the order of the stream (hashgather.c) ---- */
/* `count` elements from number `first` on, in C order (memory order of a contiguous array), in canonical form. */
void mpj_hash_gather(unsigned char *to, const mpijob_array *array, size_t first, size_t count,
                     const mpj_convert *convert);
/* All elements into the stream; progress as in mpijob_hash_array. */
void mpj_hash_array_values(mpj_hash_stream *s, const mpijob_array *array, const mpijob_hash_options *options);

#endif
