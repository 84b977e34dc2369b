/* The files of a memo store, byte by byte. Page: store.md, which is the specification; here are its numbers, and the
 * functions that turn structs into bytes and back. Everything is little-endian. Decoding believes nothing: it says no
 * to whatever encoding could not have written. */
#ifndef MPJ_MEMORY_FORMAT_H
#define MPJ_MEMORY_FORMAT_H

#include "memory/store.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define MPJ_STORE_FORMAT 1 /* of format.json: which versions of this library read the location */
#define MPJ_SEGMENT_FORMAT 1
#define MPJ_INDEX_FORMAT 1
#define MPJ_USE_FORMAT 1

/* Names below <location>/mpijob/<function>/. */
#define MPJ_SEGMENTS_FOLDER "segments"
#define MPJ_VERSIONS_FOLDER "versions"
#define MPJ_LARGE_FOLDER "large"
#define MPJ_USE_FOLDER "use"
#define MPJ_TRASH_FOLDER "trash"
#define MPJ_CLEANER_FOLDER "cleaner"
#define MPJ_SEGMENT_SUFFIX ".seg"
#define MPJ_INDEX_SUFFIX ".idx"
#define MPJ_USE_SUFFIX ".use"
#define MPJ_TEMPORARY_SUFFIX ".tmp" /* being written; nobody reads it, the cleaner removes old ones */

/* ---- Bytes ------------------------------------------------------------------------------------------------------- */

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define MPJ_LITTLE_16(value) (value)
#define MPJ_LITTLE_32(value) (value)
#define MPJ_LITTLE_64(value) (value)
#else
#define MPJ_LITTLE_16(value) __builtin_bswap16(value)
#define MPJ_LITTLE_32(value) __builtin_bswap32(value)
#define MPJ_LITTLE_64(value) __builtin_bswap64(value)
#endif

static inline void mpj_put_u16(unsigned char *out, uint16_t value)
{
    value = MPJ_LITTLE_16(value);
    memcpy(out, &value, sizeof value);
}
static inline void mpj_put_u32(unsigned char *out, uint32_t value)
{
    value = MPJ_LITTLE_32(value);
    memcpy(out, &value, sizeof value);
}
static inline void mpj_put_u64(unsigned char *out, uint64_t value)
{
    value = MPJ_LITTLE_64(value);
    memcpy(out, &value, sizeof value);
}
static inline uint16_t mpj_get_u16(const unsigned char *in)
{
    uint16_t value;
    memcpy(&value, in, sizeof value);
    return MPJ_LITTLE_16(value);
}
static inline uint32_t mpj_get_u32(const unsigned char *in)
{
    uint32_t value;
    memcpy(&value, in, sizeof value);
    return MPJ_LITTLE_32(value);
}
static inline uint64_t mpj_get_u64(const unsigned char *in)
{
    uint64_t value;
    memcpy(&value, in, sizeof value);
    return MPJ_LITTLE_64(value);
}

/* ---- Segment: one header, then entries, each at a multiple of 16 ------------------------------------------------- */

#define MPJ_ALIGN 16
#define MPJ_SEGMENT_HEADER_BYTES 128
#define MPJ_SEGMENT_HOST_BYTES 40

typedef struct mpj_segment_header {
    uint64_t id;                       /* random: the seed of the header sums of its entries */
    int64_t created_ns;                /* since 1970 */
    uint64_t pid, start;               /* of the process that writes it; start: clock ticks since boot, 0: unknown */
    uint64_t place;                    /* of its host and container (io/identity.h) */
    uint64_t function;                 /* XXH3 of the function's name */
    char host[MPJ_SEGMENT_HOST_BYTES]; /* for people */
} mpj_segment_header;

void mpj_segment_header_encode(unsigned char out[MPJ_SEGMENT_HEADER_BYTES], const mpj_segment_header *header);
/* MPIJOB_OK; MPIJOB_ECORRUPT; MPIJOB_EVERSION: of a later format, and whole. */
int mpj_segment_header_decode(mpj_segment_header *header, const unsigned char in[MPJ_SEGMENT_HEADER_BYTES]);

/* ---- Entry: header, arguments as JSON, meta, payload, each at a multiple of 16 ----------------------------------- */

#define MPJ_ENTRY_HEADER_BYTES 128
#define MPJ_META_MOST 512
#define MPJ_CODED_RAW 0
#define MPJ_CODED_BLOSC 1
#define MPJ_TIME_MOST INT64_C(8000000000000000000) /* in the year 2223: sums and differences of times are times */

typedef struct mpj_entry_header {
    uint64_t total_bytes; /* header and padding included: the next entry is at offset + total_bytes */
    mpj_name name;
    uint64_t stored_bytes; /* of the payload, here */
    uint64_t raw_bytes;    /* VALUE: of the payload, decompressed. LARGE: of the large file. TOMBSTONE: 0 */
    int64_t time_ns;
    double compute_s;
    uint32_t json_bytes, meta_bytes;
    uint8_t kind;  /* mpj_entry_kind */
    uint8_t coded; /* MPJ_CODED_... */
    uint16_t type_bytes;
    uint64_t offset;   /* own, in the segment */
    uint64_t rest_sum; /* XXH3 of all behind the header */
} mpj_entry_header;

static inline uint64_t mpj_aligned(uint64_t bytes)
{
    return (bytes + (MPJ_ALIGN - 1)) & ~(uint64_t)(MPJ_ALIGN - 1);
}

/* Where the parts begin, counted from the entry. */
static inline uint64_t mpj_entry_meta_at(const mpj_entry_header *header)
{
    return MPJ_ENTRY_HEADER_BYTES + mpj_aligned(header->json_bytes);
}
static inline uint64_t mpj_entry_payload_at(const mpj_entry_header *header)
{
    return mpj_entry_meta_at(header) + mpj_aligned(header->meta_bytes);
}
/* What total_bytes has to be. */
static inline uint64_t mpj_entry_total(const mpj_entry_header *header)
{
    return mpj_entry_payload_at(header) + mpj_aligned(header->stored_bytes);
}

/* `segment`: its id, the seed of the sum. */
void mpj_entry_header_encode(unsigned char out[MPJ_ENTRY_HEADER_BYTES], const mpj_entry_header *header,
                             uint64_t segment);
/* true: whole, of this segment and this offset, its lengths fit together, and its times
 * are some. Whether the segment is long enough is
 * the caller's to compare. */
bool mpj_entry_header_decode(mpj_entry_header *header, const unsigned char in[MPJ_ENTRY_HEADER_BYTES], uint64_t segment,
                             uint64_t offset);
/* Is what stands behind the header (total_bytes - MPJ_ENTRY_HEADER_BYTES) whole? */
bool mpj_entry_rest_is_whole(const mpj_entry_header *header, const void *rest);

bool mpj_name_equal(const mpj_name *left, const mpj_name *right);

/* ---- Index: head, fan-out, filter, records sorted by key --------------------------------------------------------- */

#define MPJ_INDEX_HEAD_BYTES 128
#define MPJ_INDEX_RECORD_BYTES 32
#define MPJ_FILTER_BLOCK_BYTES 64
#define MPJ_FANOUT_BITS_MOST 26

typedef struct mpj_index_head {
    uint64_t segment;       /* its id */
    uint64_t covered_bytes; /* of the segment; what was written behind it is not in the index */
    uint64_t count;         /* of records */
    uint32_t fanout_bits;
    uint32_t filter_blocks;
    int64_t oldest_ns, newest_ns; /* times of its entries; 0 where it has none */
    uint64_t payload_bytes;       /* of its entries in all, total_bytes together */
    uint64_t tables_sum;          /* XXH3 of fan-out and filter */
    uint64_t records_sum;         /* XXH3 of the records: for verification */
} mpj_index_head;

void mpj_index_head_encode(unsigned char out[MPJ_INDEX_HEAD_BYTES], const mpj_index_head *head);
/* MPIJOB_OK; MPIJOB_ECORRUPT; MPIJOB_EVERSION. Counts and bits fit together; the length of the file is the caller's to
 * compare with mpj_index_bytes. */
int mpj_index_head_decode(mpj_index_head *head, const unsigned char in[MPJ_INDEX_HEAD_BYTES]);

static inline uint64_t mpj_index_fanout_bytes(const mpj_index_head *head)
{
    return 4 * (((uint64_t)1 << head->fanout_bits) + 1);
}
/* The filter begins at a multiple of its block. */
static inline uint64_t mpj_index_filter_at(const mpj_index_head *head)
{
    uint64_t end = MPJ_INDEX_HEAD_BYTES + mpj_index_fanout_bytes(head);
    return (end + (MPJ_FILTER_BLOCK_BYTES - 1)) & ~(uint64_t)(MPJ_FILTER_BLOCK_BYTES - 1);
}
static inline uint64_t mpj_index_records_at(const mpj_index_head *head)
{
    return mpj_index_filter_at(head) + (uint64_t)MPJ_FILTER_BLOCK_BYTES * head->filter_blocks;
}
static inline uint64_t mpj_index_bytes(const mpj_index_head *head)
{
    return mpj_index_records_at(head) + MPJ_INDEX_RECORD_BYTES * head->count;
}

/* How many bits of the key the fan-out has: buckets of 32 to 64 records; and how many blocks the filter: at least 10
 * bits a key. */
uint32_t mpj_index_fanout_bits_for(uint64_t count);
uint32_t mpj_index_filter_blocks_for(uint64_t count);

typedef struct mpj_index_record {
    mpijob_digest key;
    uint64_t offset;      /* of the entry */
    uint64_t total_bytes; /* a multiple of 16, below 64 GiB */
    uint8_t kind;
    uint32_t version; /* the low 24 bits of the entry's */
} mpj_index_record;

#define MPJ_RECORD_VERSION_MASK 0xffffffu

/* As it stands in the file. */
typedef struct mpj_coded_record {
    mpijob_digest key;
    unsigned char rest[MPJ_INDEX_RECORD_BYTES - sizeof(mpijob_digest)];
} mpj_coded_record;

void mpj_index_record_encode(mpj_coded_record *out, const mpj_index_record *record);
uint64_t mpj_coded_offset(const mpj_coded_record *record);
void mpj_index_record_decode(mpj_index_record *record, const mpj_coded_record *in);
/* The order of an index: by key, of equal keys the one written last first. As for qsort. */
int mpj_coded_compare(const void *left, const void *right);

/* The bucket of a key: the first bits of it. */
uint32_t mpj_index_bucket(const mpijob_digest *key, uint32_t fanout_bits);

/* The filter: each key sets MPJ_FILTER_PROBES bits in one of its blocks. */
#define MPJ_FILTER_PROBES 6
void mpj_filter_add(unsigned char *filter, uint32_t blocks, const mpijob_digest *key);
bool mpj_filter_may_have(const unsigned char *filter, uint32_t blocks, const mpijob_digest *key);

/* ---- Records of use ---------------------------------------------------------------------------------------------- */

#define MPJ_USE_HEAD_BYTES 64
#define MPJ_USE_RECORD_BYTES 32

typedef struct mpj_use_head {
    uint64_t count;
    int64_t written_ns;
    uint64_t records_sum; /* XXH3 of the records */
    uint64_t hits;        /* how often something was found ... */
    double saved_s;       /* ... and what computing it had taken, together */
} mpj_use_head;

void mpj_use_head_encode(unsigned char out[MPJ_USE_HEAD_BYTES], const mpj_use_head *head);
int mpj_use_head_decode(mpj_use_head *head, const unsigned char in[MPJ_USE_HEAD_BYTES]);

typedef struct mpj_use_record {
    mpijob_digest key;
    uint64_t version;
    uint32_t check; /* the first 4 bytes of the second digest, little-endian */
    uint32_t hour;  /* since 1970, of the last use */
} mpj_use_record;

void mpj_use_record_encode(unsigned char out[MPJ_USE_RECORD_BYTES], const mpj_use_record *record);
void mpj_use_record_decode(mpj_use_record *record, const unsigned char in[MPJ_USE_RECORD_BYTES]);
uint32_t mpj_use_check_of(const mpj_name *name);

#endif
