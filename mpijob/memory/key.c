#include "memory/key.h"

#include "base/error.h"
#include "data/check.h"
#include "data/hash.h"

#include <string.h>

#define FAST_BYTES 1024                         /* head, shared inputs, and stream or outer digest: on the stack */
#define OUTER_BYTES (sizeof(mpijob_digest) + 8) /* behind the head: digest of the one block, length */

static void put_u64(unsigned char *to, uint64_t number)
{
    for (int i = 0; i < 8; i++)
        to[i] = (unsigned char)(number >> 8 * i);
}

/* Bytes of the head with the shared inputs. */
static size_t head_bytes(const mpj_signature *s, size_t shared_count)
{
    return s->head_bytes + 8 + shared_count * sizeof(mpijob_digest);
}

static size_t put_head(unsigned char *to, const mpj_signature *s, const mpijob_digest *shared, size_t shared_count)
{
    size_t used = s->head_bytes;
    memcpy(to, s->head, used);
    put_u64(to + used, shared_count);
    if (shared_count > 0)
        memcpy(to + used + 8, shared, shared_count * sizeof *shared);
    return head_bytes(s, shared_count);
}

static int is_fast(const mpj_signature *s, size_t shared_count)
{
    size_t behind = s->stream_bytes > OUTER_BYTES ? s->stream_bytes : OUTER_BYTES;
    return s->stream_bytes <= FAST_BYTES && shared_count < FAST_BYTES / sizeof(mpijob_digest) &&
           s->head_bytes <= FAST_BYTES && head_bytes(s, shared_count) + behind <= FAST_BYTES;
}

/* All of it behind one another for the check; then the digest of the stream in the stream's place. */
static void fast_key(mpj_name *name, const mpj_signature *s, const void *args, uint64_t index,
                     const mpijob_digest *shared, size_t shared_count)
{
    unsigned char bytes[FAST_BYTES];
    size_t head = put_head(bytes, s, shared, shared_count), used = head;
    if (s->args != NULL)
        mpj_convert_elements(&s->convert, bytes + head, args, 1);
    else
        put_u64(bytes + head, index);
    mpj_check_of(&name->check, bytes, head + s->stream_bytes);
    if (s->stream_bytes > 0) {
        mpijob_digest block;
        mpj_digest_of(&block, bytes + head, s->stream_bytes);
        memcpy(bytes + head, &block, sizeof block);
        used += sizeof block;
    }
    put_u64(bytes + used, s->stream_bytes);
    mpj_digest_of(&name->key, bytes, used + 8);
}

static int slow_key(mpj_name *name, const mpj_signature *s, const void *args, uint64_t index,
                    const mpijob_digest *shared, size_t shared_count, mpijob_error *err)
{
    mpj_hash_stream stream;
    mpj_check check;
    mpj_hash_stream_init(&stream, err);
    unsigned char *head = mpj_hash_extend(&stream.outer, head_bytes(s, shared_count));
    int status = head != NULL ? MPIJOB_OK : mpj_fail_memory(err, "the beginning of a key", head_bytes(s, shared_count));
    if (status == MPIJOB_OK) {
        mpj_check_begin(&check);
        mpj_check_add(&check, head, put_head(head, s, shared, shared_count));
        stream.check = &check;
        unsigned char number[8];
        put_u64(number, index);
        if (s->args != NULL)
            mpj_hash_values(&stream, &s->args_own.type, args, 1);
        else
            mpj_hash_append(&stream, number, sizeof number);
        status = mpj_hash_stream_digest(&name->key, &stream);
        mpj_check_end(&name->check, &check);
    }
    mpj_hash_stream_dispose(&stream);
    return status;
}

int mpj_key(mpj_name *name, const mpj_signature *signature, const void *args, uint64_t index,
            const mpijob_digest *shared, size_t shared_count, mpijob_error *err)
{
    if (signature->args != NULL && args == NULL)
        return mpj_fail(err, MPIJOB_EINVAL, "%s has arguments, and none are given", signature->name);
    name->version = signature->version;
    if (!is_fast(signature, shared_count))
        return slow_key(name, signature, args, index, shared, shared_count, err);
    fast_key(name, signature, args, index, shared, shared_count);
    return MPIJOB_OK;
}
