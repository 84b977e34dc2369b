/* XXH3, 64 bits, in the two ways that mpj_checksum (io/codec.h) is not. */
#ifndef MPJ_IO_CHECKSUM_H
#define MPJ_IO_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

uint64_t mpj_checksum_seeded(const void *bytes, size_t count, uint64_t seed);

/* Of the parts as if they stood one behind the other. */
uint64_t mpj_checksum_parts(const void *const *parts, const size_t *part_bytes, int part_count);

#endif
