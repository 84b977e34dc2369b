/* The records and tables of an index (format.h). */
#include "memory/format.h"

#define LENGTH_SHIFT 4 /* lengths are counted in 16 bytes */

void mpj_index_record_encode(unsigned char out[MPJ_INDEX_RECORD_BYTES], const mpj_index_record *record)
{
    memcpy(out, record->key.bytes, 16);
    mpj_put_u64(out + 16, record->offset);
    mpj_put_u32(out + 24, (uint32_t)(record->total_bytes >> LENGTH_SHIFT));
    mpj_put_u32(out + 28, (uint32_t)record->kind | (record->version & MPJ_RECORD_VERSION_MASK) << 8);
}

void mpj_index_record_decode(mpj_index_record *record, const unsigned char in[MPJ_INDEX_RECORD_BYTES])
{
    uint32_t flags = mpj_get_u32(in + 28);
    memcpy(record->key.bytes, in, 16);
    record->offset = mpj_get_u64(in + 16);
    record->total_bytes = (uint64_t)mpj_get_u32(in + 24) << LENGTH_SHIFT;
    record->kind = (uint8_t)(flags & 0xff);
    record->version = flags >> 8;
}

int mpj_index_record_compare(const void *left, const void *right)
{
    const mpj_index_record *a = left, *b = right;
    int order = memcmp(a->key.bytes, b->key.bytes, sizeof a->key.bytes);
    if (order)
        return order;
    return a->offset < b->offset ? 1 : a->offset > b->offset ? -1 : 0;
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
