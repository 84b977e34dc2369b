/* The workers other than the scheduler's own: who has nothing to do, who could take a batch ahead. */
#ifndef MPJ_SCHED_ROSTER_H
#define MPJ_SCHED_ROSTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MPJ_DEPTH 2 /* batches before a worker: one in hand, one ahead */

typedef struct mpj_worker {
    uint64_t last_jobs; /* size of the last batch it got */
    uint8_t batches;    /* before it */
    bool queued[MPJ_DEPTH]; /* in the queue of those that have 0, 1 batches */
    bool lost;
} mpj_worker;

/* Workers in the order in which they came to have so many batches; each at most once. */
typedef struct mpj_queue {
    uint32_t *ring;
    size_t first;
    size_t count;
} mpj_queue;

typedef struct mpj_roster {
    mpj_worker *workers;
    uint32_t count;
    uint32_t alive;
    uint32_t busy; /* having at least one batch, worker 0 included */
    mpj_queue with[MPJ_DEPTH];
} mpj_roster;

/* All workers but 0 begin with nothing, in order. 0, or -1: no memory. */
int mpj_roster_open(mpj_roster *roster, uint32_t workers);
void mpj_roster_free(mpj_roster *roster);

/* The first worker that has `batches` (0 or 1), or -1. */
int64_t mpj_roster_first(mpj_roster *roster, unsigned batches);

/* It leaves that queue without getting anything, until its number of batches changes. */
void mpj_roster_skip(mpj_roster *roster, unsigned batches);

void mpj_roster_gave(mpj_roster *roster, uint32_t worker, uint64_t jobs);
void mpj_roster_answered(mpj_roster *roster, uint32_t worker);
void mpj_roster_lost(mpj_roster *roster, uint32_t worker);

#endif
