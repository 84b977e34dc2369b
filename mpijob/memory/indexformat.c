/* The records and tables of an index (format.h). */
#include "memory/format.h"

#define LENGTH_SHIFT 4 /* lengths are counted in 16 bytes */

void mpj_index_record_encode(mpj_coded_record *out, const mpj_index_record *record)
{
    out->key = record->key;
    mpj_put_u64(out->rest, record->offset);
    mpj_put_u32(out->rest + 8, (uint32_t)(record->total_bytes >> LENGTH_SHIFT));
    mpj_put_u32(out->rest + 12, (uint32_t)record->kind | (record->version & MPJ_RECORD_VERSION_MASK) << 8);
}

uint64_t mpj_coded_offset(const mpj_coded_record *record)
{
    return mpj_get_u64(record->rest);
}

void mpj_index_record_decode(mpj_index_record *record, const mpj_coded_record *in)
{
    uint32_t flags = mpj_get_u32(in->rest + 12);
    record->key = in->key;
    record->offset = mpj_coded_offset(in);
    record->total_bytes = (uint64_t)mpj_get_u32(in->rest + 8) << LENGTH_SHIFT;
    record->kind = (uint8_t)(flags & 0xff);
    record->version = flags >> 8;
}

int mpj_coded_compare(const void *left, const void *right)
{
    const mpj_coded_record *a = left, *b = right;
    int order = memcmp(a->key.bytes, b->key.bytes, sizeof a->key.bytes);
    if (order)
        return order;
    uint64_t offset_a = mpj_coded_offset(a), offset_b = mpj_coded_offset(b);
    return offset_a < offset_b ? 1 : offset_a > offset_b ? -1 : 0;
}

uint32_t mpj_index_bucket(const mpijob_digest *key, uint32_t fanout_bits)
{
    const uint8_t *k = key->bytes;
    uint32_t first = (uint32_t)k[0] << 24 | (uint32_t)k[1] << 16 | (uint32_t)k[2] << 8 | k[3];
    return fanout_bits ? first >> (32 - fanout_bits) : 0;
}

/* ---- Filter: the second half of the key chooses the block, 9 bits of the first half each probe ------------------- */

static size_t block_of(uint32_t blocks, const mpijob_digest *key)
{
    uint64_t high = mpj_get_u32(key->bytes + 12);
    return (size_t)(high * blocks >> 32) * MPJ_FILTER_BLOCK_BYTES;
}

void mpj_filter_add(unsigned char *filter, uint32_t blocks, const mpijob_digest *key)
{
    unsigned char *block = filter + block_of(blocks, key);
    uint64_t bits = mpj_get_u64(key->bytes);
    for (int i = 0; i < MPJ_FILTER_PROBES; i++, bits >>= 9)
        block[(bits & 511) >> 3] |= (unsigned char)(1u << (bits & 7));
}

bool mpj_filter_may_have(const unsigned char *filter, uint32_t blocks, const mpijob_digest *key)
{
    const unsigned char *block = filter + block_of(blocks, key);
    uint64_t bits = mpj_get_u64(key->bytes);
    for (int i = 0; i < MPJ_FILTER_PROBES; i++, bits >>= 9)
        if (!(block[(bits & 511) >> 3] >> (bits & 7) & 1))
            return false;
    return true;
}
