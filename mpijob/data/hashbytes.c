/* Bytes that grow: headers, digests of blocks, a block begun. */
#include "data/hash.h"

#include "base/alloc.h"

#include <string.h>

void mpj_hash_bytes_init(mpj_hash_bytes *b)
{
    b->bytes = b->fixed;
    b->used = 0;
    b->capacity = sizeof b->fixed;
    b->no_memory = 0;
}

void mpj_hash_bytes_dispose(mpj_hash_bytes *b)
{
    if (b->bytes != b->fixed)
        mpj_free(b->bytes);
    mpj_hash_bytes_init(b);
}

static int leave_fixed(mpj_hash_bytes *b, size_t need)
{
    size_t capacity = need < 2 * sizeof b->fixed ? 2 * sizeof b->fixed : need;
    unsigned char *grown = mpj_alloc(capacity);
    if (grown == NULL)
        return -1;
    memcpy(grown, b->fixed, b->used);
    b->bytes = grown;
    b->capacity = capacity;
    return 0;
}

static int grow(mpj_hash_bytes *b, size_t need)
{
    if (b->bytes == b->fixed)
        return leave_fixed(b, need);
    void *bytes = b->bytes;
    if (mpj_grow(&bytes, &b->capacity, need, 1) != 0)
        return -1;
    b->bytes = bytes;
    return 0;
}

unsigned char *mpj_hash_extend(mpj_hash_bytes *b, size_t more)
{
    if (b->no_memory || more > SIZE_MAX - b->used || (b->used + more > b->capacity && grow(b, b->used + more) != 0)) {
        b->no_memory = 1;
        return NULL;
    }
    b->used += more;
    return b->bytes + b->used - more;
}

void mpj_hash_put(mpj_hash_bytes *b, const void *bytes, size_t count)
{
    unsigned char *to = mpj_hash_extend(b, count);
    if (to != NULL && count > 0)
        memcpy(to, bytes, count);
}

void mpj_hash_put_u8(mpj_hash_bytes *b, unsigned number)
{
    unsigned char byte = (unsigned char)number;
    mpj_hash_put(b, &byte, 1);
}

void mpj_hash_put_u64(mpj_hash_bytes *b, uint64_t number)
{
    unsigned char bytes[8];
    for (int i = 0; i < 8; i++)
        bytes[i] = (unsigned char)(number >> 8 * i);
    mpj_hash_put(b, bytes, sizeof bytes);
}
