/** @file
 * Random numbers that belong to a job, not to a process.
 *
 * The generator is Philox4x32-10 (Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC'11;
 * Debian's librandom123). It is counter-based: block number b of stream number s under seed k is a pure function of
 * (k, s, b). So the stream of job i needs no state of other jobs, costs nothing to set up, never overlaps with the
 * stream of another job, and is the same for any number of ranks, in any order, and when the job is run again.
 * It passes TestU01's BigCrush; a period of 2^64 blocks of four words a stream, 2^64 streams a seed.
 *
 * Exactly: key = { low, high 32 bits of seed }, counter = { low, high 32 bits of block, low, high 32 bits of stream };
 * block 0 is used first, its words in the order 0, 1, 2, 3. 64-bit numbers are two words, the first one low.
 *
 * No call here fails, allocates or shares state: a mpijob_random may be copied, and used on any rank and thread.
 */
#ifndef MPIJOB_RANDOM_H
#define MPIJOB_RANDOM_H

#include <mpijob/export.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A stream and the place in it. Plain data, the caller's; treat the members as private. */
typedef struct mpijob_random {
    uint64_t seed;
    uint64_t stream;
    uint64_t block;    /**< the next block to be made */
    uint32_t words[4]; /**< the block in use */
    uint32_t used;     /**< how many of its words are used, 0..4 */
    uint32_t reserved;
} mpijob_random;

/**
 * Sets `random` to the beginning of a stream. Inside a job, mpijob_job_random() does this with the run's seed and the
 * job's index.
 */
MPIJOB_API void mpijob_random_init(mpijob_random *random, uint64_t seed, uint64_t stream);

/** 64 random bits. */
MPIJOB_API uint64_t mpijob_random_u64(mpijob_random *random);

/** A number in [0, 1): 53 random bits times 2^-53. */
MPIJOB_API double mpijob_random_double(mpijob_random *random);

/**
 * A whole number in [0, bound), each equally likely (Lemire's multiplication with rejection). For a bound of 0 or 1 it
 * is 0, and nothing is taken from the stream.
 */
MPIJOB_API uint64_t mpijob_random_below(mpijob_random *random, uint64_t bound);

/**
 * A number of the standard normal distribution: sqrt(-2 log(1 - u)) cos(2 pi v) of Box and Muller, where u and v are
 * the next two doubles of the stream. It uses the C library's log, cos and sqrt: equal on equal C libraries.
 */
MPIJOB_API double mpijob_random_normal(mpijob_random *random);

#ifdef __cplusplus
}
#endif

#endif
