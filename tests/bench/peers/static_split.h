/* Peer: no scheduler. Each rank executes one block of consecutive jobs, and a gather collects the results. */
#ifndef PEER_STATIC_SPLIT_H
#define PEER_STATIC_SPLIT_H

#include <mpijob.h>
#include <stdint.h>

/* Executes this rank's block alone, after a barrier; results of 8 bytes to `mine`. Seconds on this rank. */
double static_split_compute(const mpijob_function *function, void *context, uint64_t *mine, uint64_t jobs, int rank,
                            int ranks);

/* With the gather; `results` on rank 0. Seconds on rank 0, the same value on all ranks. */
double static_split(const mpijob_function *function, void *context, uint64_t *results, uint64_t jobs);

#endif
