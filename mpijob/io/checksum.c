#include "io/checksum.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

uint64_t mpj_checksum_seeded(const void *bytes, size_t count, uint64_t seed)
{
    return XXH3_64bits_withSeed(bytes, count, seed);
}

uint64_t mpj_checksum_parts(const void *const *parts, const size_t *part_bytes, int part_count)
{
    XXH3_state_t state;
    XXH3_64bits_reset(&state);
    for (int i = 0; i < part_count; i++)
        XXH3_64bits_update(&state, parts[i], part_bytes[i]);
    return XXH3_64bits_digest(&state);
}
