/* Batches that are out: at a worker, or answered while their results are still on the way. */
#ifndef MPJ_SCHED_INFLIGHT_H
#define MPJ_SCHED_INFLIGHT_H

#include "sched/plan.h"

#define MPJ_BATCH_SPANS 200 /* in one batch at most: its message stays small */

typedef struct mpj_slot {
    mpj_batch batch;  /* id 0: free */
    double *costs;    /* of a job, for each span; own memory when there is more than one span */
    mpj_span *spans;  /* the same */
    mpj_span single;
    double single_cost;
    uint64_t given;   /* how many batches were given out before this one */
    bool answered;
} mpj_slot;

typedef struct mpj_inflight {
    mpj_slot **slots;
    size_t count;
    size_t capacity;
    uint32_t *free_slots;
    size_t free_count;
    size_t free_capacity;
    uint64_t given;
} mpj_inflight;

void mpj_inflight_free(mpj_inflight *inflight);

/* A slot for a batch with room for `spans` spans, its id set. NULL: no memory. */
mpj_slot *mpj_inflight_open(mpj_inflight *inflight, size_t spans);

/* NULL: no such batch is out. */
mpj_slot *mpj_inflight_find(const mpj_inflight *inflight, uint64_t id);

void mpj_inflight_close(mpj_inflight *inflight, mpj_slot *slot);

#endif
