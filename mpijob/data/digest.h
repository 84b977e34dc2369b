/* MurmurHash3 x64 128 of bytes, the same on every host. */
#ifndef MPJ_DATA_DIGEST_H
#define MPJ_DATA_DIGEST_H

#include <mpijob/hash.h>

#define MPJ_LITTLE_ENDIAN (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)

/* With seed 0. count: below 4 GiB. */
void mpj_digest_of(mpijob_digest *digest, const void *bytes, size_t count);

#endif
