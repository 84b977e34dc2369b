/* Jobs that wait to be given out. Without costs: lowest index first; with costs: largest cost first, then lowest
 * index. Returned jobs come before fresh ones. */
#ifndef MPJ_SCHED_JOBPOOL_H
#define MPJ_SCHED_JOBPOOL_H

#include "sched/span.h"

#include <stdbool.h>
#include <stddef.h>

/* Jobs of equal cost. */
typedef struct mpj_lot {
    mpj_span jobs;
    double cost; /* each */
} mpj_lot;

typedef struct mpj_jobpool {
    bool costs;
    mpj_span fresh; /* without costs: drawn and never given out */
    mpj_lot *heap;  /* the first to go on top: returned jobs, and with costs all of them */
    size_t heap_count;
    size_t heap_capacity;
    uint64_t waiting; /* jobs */
    double waiting_cost;
    uint64_t absent; /* 1 + an index that was looked for, and is not in the heap; 0: none */
} mpj_jobpool;

void mpj_jobpool_free(mpj_jobpool *pool);

/* Jobs are there for the first time: `count` from index `first` on, which continues the last call. costs: NULL unless
 * pool->costs. 0 or MPIJOB_ENOMEM (nothing changed). */
int mpj_jobpool_add(mpj_jobpool *pool, uint64_t first, uint64_t count, const double *costs);

/* Makes room for `lots` returned ones, so that mpj_jobpool_return cannot fail. */
int mpj_jobpool_reserve(mpj_jobpool *pool, size_t lots);
void mpj_jobpool_return(mpj_jobpool *pool, mpj_lot lot);

/* Takes up to `jobs` jobs (at least 1 when one waits), in at most `lots` lots, and stops before the sum of costs
 * passes `cost` once there is one. Returns the number of lots. */
size_t mpj_jobpool_take(mpj_jobpool *pool, uint64_t jobs, double cost, mpj_lot *out, size_t lots);

/* Takes just the job with this index: 1, or 0 when it does not wait here. O(waiting lots), but asking again while
 * nothing was added or returned costs nothing. */
int mpj_jobpool_take_index(mpj_jobpool *pool, uint64_t index, mpj_lot *out);

#endif
