/* The stream cut into blocks, each hashed as soon as it is full. */
#include "data/hash.h"

#include "base/error.h"

void mpj_hash_stream_init(mpj_hash_stream *s, mpijob_error *err)
{
    mpj_hash_bytes_init(&s->outer);
    mpj_hash_bytes_init(&s->block);
    s->length = 0;
    s->status = MPIJOB_OK;
    s->err = err;
    s->check = NULL;
}

void mpj_hash_stream_dispose(mpj_hash_stream *s)
{
    mpj_hash_bytes_dispose(&s->outer);
    mpj_hash_bytes_dispose(&s->block);
}

static void end_block(mpj_hash_stream *s, const void *bytes, size_t count)
{
    mpijob_digest digest;
    if (s->length / MPJ_HASH_BLOCK >= MPJ_HASH_BLOCKS_MAX) {
        s->status = mpj_fail(s->err, MPIJOB_EINVAL, "more than 2 PiB cannot be hashed");
        return;
    }
    mpj_digest_of(&digest, bytes, count);
    mpj_hash_put(&s->outer, digest.bytes, sizeof digest.bytes);
    if (s->outer.no_memory)
        s->status = mpj_fail_memory(s->err, "the digests of the blocks", s->outer.used);
}

static size_t collect(mpj_hash_stream *s, const void *bytes, size_t count)
{
    size_t room = MPJ_HASH_BLOCK - s->block.used;
    size_t now = count < room ? count : room;
    mpj_hash_put(&s->block, bytes, now);
    if (s->block.no_memory) {
        s->status = mpj_fail_memory(s->err, "a block to hash", MPJ_HASH_BLOCK);
    } else if (s->block.used == MPJ_HASH_BLOCK) {
        end_block(s, s->block.bytes, MPJ_HASH_BLOCK);
        s->block.used = 0;
    }
    return now;
}

void mpj_hash_append(mpj_hash_stream *s, const void *bytes, size_t count)
{
    const unsigned char *at = bytes;
    if (s->check != NULL)
        mpj_check_add(s->check, bytes, count);
    while (count > 0 && s->status == MPIJOB_OK) {
        size_t now = MPJ_HASH_BLOCK;
        if (s->block.used == 0 && count >= MPJ_HASH_BLOCK)
            end_block(s, at, now);
        else
            now = collect(s, at, count);
        at += now;
        count -= now;
        s->length += now;
    }
}

int mpj_hash_outer_digest(mpijob_digest *digest, mpj_hash_bytes *outer, uint64_t length, mpijob_error *err)
{
    size_t used = outer->used;
    mpj_hash_put_u64(outer, length);
    if (outer->no_memory)
        return mpj_fail_memory(err, "the header and the digests of the blocks", used);
    mpj_digest_of(digest, outer->bytes, outer->used);
    outer->used = used;
    return MPIJOB_OK;
}

int mpj_hash_stream_digest(mpijob_digest *digest, mpj_hash_stream *s)
{
    size_t used = s->outer.used;
    if (s->status == MPIJOB_OK && s->block.used > 0)
        end_block(s, s->block.bytes, s->block.used);
    if (s->status == MPIJOB_OK)
        s->status = mpj_hash_outer_digest(digest, &s->outer, s->length, s->err);
    s->outer.used = used;
    return s->status;
}
