/* XXH3, 128 bits, of bytes that come piece by piece. Much faster than the digest, and unlike it in every respect: that
 * two values have both in common does not happen. */
#ifndef MPJ_DATA_CHECK_H
#define MPJ_DATA_CHECK_H

#include <mpijob/hash.h>
#include <stdalign.h>

/* Begin with mpj_check_begin. Holds no memory of its own. */
typedef struct mpj_check {
    alignas(64) unsigned char state[576];
} mpj_check;

void mpj_check_begin(mpj_check *check);
void mpj_check_add(mpj_check *check, const void *bytes, size_t count);
void mpj_check_end(mpijob_digest *out, const mpj_check *check);

/* All three at once. */
void mpj_check_of(mpijob_digest *out, const void *bytes, size_t count);

#endif
