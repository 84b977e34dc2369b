/* Peer: what people write by hand. Rank 0 hands out one index a message and computes nothing itself. */
#ifndef PEER_MASTER_WORKER_H
#define PEER_MASTER_WORKER_H

#include <mpijob.h>
#include <stdint.h>

/* Results of 8 bytes to `results` on rank 0. Seconds on rank 0, the same value on all ranks. Needs two ranks. */
double master_worker(const mpijob_function *function, void *context, uint64_t *results, uint64_t jobs);

#endif
