#include "data/check.h"

#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

_Static_assert(sizeof(mpj_check) >= sizeof(XXH3_state_t) && _Alignof(mpj_check) >= _Alignof(XXH3_state_t),
               "the state is kept in the caller's mpj_check");

static void put(mpijob_digest *out, XXH128_hash_t hash)
{
    XXH128_canonical_t canonical;
    XXH128_canonicalFromHash(&canonical, hash);
    memcpy(out->bytes, canonical.digest, sizeof out->bytes);
}

/* The functions that take a state fail for NULL alone. */
void mpj_check_begin(mpj_check *check)
{
    XXH3_state_t *state = (XXH3_state_t *)(void *)check->state;
    XXH3_INITSTATE(state);
    (void)XXH3_128bits_reset(state);
}

void mpj_check_add(mpj_check *check, const void *bytes, size_t count)
{
    if (count > 0)
        (void)XXH3_128bits_update((XXH3_state_t *)(void *)check->state, bytes, count);
}

void mpj_check_end(mpijob_digest *out, const mpj_check *check)
{
    put(out, XXH3_128bits_digest((const XXH3_state_t *)(const void *)check->state));
}

void mpj_check_of(mpijob_digest *out, const void *bytes, size_t count)
{
    put(out, XXH3_128bits(bytes, count));
}
