/* The scheduler's decisions: which jobs go to which worker in which batch, when results may be handed out, when the
 * run is over. Events in, decisions out; no clock, no messages, no files. What it does is deterministic.
 *
 * Life of a job: drawn -> waiting -> out (in a batch at a worker) -> done or failed -> released. A failed attempt goes
 * back to waiting as long as attempts are left; so does the unfinished part of a batch that a worker returns or that is
 * lost with it. Indices are given out by drawing: 0, 1, 2, ...
 *
 * In a run over a cached function jobs are looked up first: drawn -> asked -> missed: waiting, as above, or found: done at
 * once. One that waits may be asked again. What is found is in no batch, and nothing is learned from it. */
#ifndef MPJ_SCHED_PLAN_H
#define MPJ_SCHED_PLAN_H

#include "sched/batchrule.h"
#include "sched/span.h"

#include <stddef.h>

typedef struct mpj_plan mpj_plan;

typedef struct mpj_plan_config {
    uint32_t workers;      /* at least 1; worker 0 is the scheduler's own rank */
    uint64_t total;        /* jobs; MPJ_UNKNOWN */
    uint64_t window;       /* drawn and unreleased at most; MPJ_UNKNOWN: no bound; 0: automatic (two automatic batches a
                              worker) */
    uint64_t batch_size;   /* 0: automatic */
    uint64_t max_batch;    /* for automatic ones; 0: none */
    uint64_t batch_bytes;  /* bound on inputs or results in a batch; 0: none */
    uint64_t args_bytes;   /* a job */
    uint64_t result_bytes; /* a job; MPJ_UNKNOWN: any size */
    uint64_t unread_bytes; /* soft bound on results that came and were not released: above it nothing is given out but
                              the job that everyone waits for; 0: none */
    uint32_t max_attempts; /* 0 means 1 */
    bool stop_on_failure;  /* a job that failed for good stops the run */
    bool ordered;          /* results are released in index order; else as they come */
    bool costs;            /* jobs are drawn with costs: larger ones start first */
    bool own_works;        /* worker 0 executes jobs */
    bool helper;           /* while worker 0 executes, somebody else serves the messages */
    bool may_dedicate;     /* worker 0 may stop executing when that serves the run better */
    double own_limit_s;    /* see batchrule.h */
    uint64_t look_ahead;   /* jobs are looked up first, and so many at most are asked or wait; 0: they are not. A window
                              of 0 then is at least this large */
} mpj_plan_config;

/* A decision: these jobs, in this order, to this worker. `spans` belong to the plan, valid until the batch is done. */
typedef struct mpj_batch {
    uint64_t id; /* never used twice in a plan */
    uint32_t worker;
    uint32_t span_count;
    const mpj_span *spans;
    uint64_t jobs; /* sum of the spans' counts */
    double cost;   /* sum of the costs; jobs without costs */
} mpj_batch;

/* What happened to a batch: of its jobs, in its order, the first `executed` were executed, those at the positions in
 * `failed` (ascending, all < executed) with failure; the rest was not executed. */
typedef struct mpj_outcome {
    uint64_t id;
    uint64_t executed;
    const uint64_t *failed;
    size_t failed_count;
    uint64_t result_bytes; /* of the executed jobs */
    void *results;         /* the caller's handle, given back with each release */
} mpj_outcome;

/* Results that may be handed out now: jobs first .. first + count - 1, which are `position` .. in batch `results`. */
typedef struct mpj_release {
    mpj_span jobs;
    bool failed;        /* these jobs failed for good: holes */
    uint64_t position;  /* of the first one in its batch */
    void *results;      /* the outcome's handle */
    bool last;          /* nothing of this handle is unreleased after this */
} mpj_release;

/* NULL: no memory. */
mpj_plan *mpj_plan_new(const mpj_plan_config *config);
void mpj_plan_free(mpj_plan *plan);

/* All functions that return int return 0, or MPIJOB_ENOMEM, MPIJOB_EINTERNAL (an event that cannot be: unknown batch,
 * more executed than sent, ...), with the plan as it was. */

/* -- Events -- */

/* `count` more jobs are there, with their costs (NULL unless config.costs). */
int mpj_plan_drawn(mpj_plan *plan, uint64_t count, const double *costs);

/* The same, but the jobs are looked up first (config.look_ahead). */
int mpj_plan_asked(mpj_plan *plan, uint64_t count);

/* These asked jobs have to be executed. cost: of each, as far as it is known relative to the mean; 1: not known, or
 * without costs. The first other cost makes the plan one with costs. */
int mpj_plan_missed(mpj_plan *plan, mpj_span jobs, double cost);

/* These asked jobs are done: their results are in `results`, one behind the other in the order of the spans. Returns as
 * mpj_plan_done. */
int mpj_plan_found(mpj_plan *plan, const mpj_span *spans, size_t count, void *results, uint64_t result_bytes);

/* Whether results that wait for a consumer leave room for more. */
bool mpj_plan_has_room(const mpj_plan *plan);

/* A job that waits, and was missed, is asked once more: 1; 0: it does not wait (any more), or the run ends. */
int mpj_plan_ask_again(mpj_plan *plan, uint64_t index);

/* No more will come. Implied once `total` are drawn. */
void mpj_plan_exhausted(mpj_plan *plan);

/* A worker answered: it has one batch less before it, and says how its time went. Comes before or with
 * mpj_plan_done of the same batch, since results may still be on their way. */
int mpj_plan_answered(mpj_plan *plan, uint64_t id, uint64_t executed, double busy_s, double gap_s);

/* The batch is complete here. Returns 1: outcome->results is kept until a release with `last`, or mpj_plan_abandoned;
 * 0: nothing of it will be released, the caller may drop it; or an error. */
int mpj_plan_done(mpj_plan *plan, const mpj_outcome *outcome);

/* A worker is gone with all that it had: its jobs wait again, counted as an attempt if they may have begun (the batch
 * in hand). It gets nothing any more. Worker 0 cannot be lost (MPIJOB_EINTERNAL). */
int mpj_plan_worker_lost(mpj_plan *plan, uint32_t worker);

/* Give out nothing more. What is out may finish or be returned; then the run is over. */
void mpj_plan_drain(mpj_plan *plan);

void mpj_plan_message_cost(mpj_plan *plan, double seconds);

/* -- Decisions -- */

/* How many jobs should be drawn now, at most; 0: none (window full, exhausted or draining). Never more than `total`
 * in all. */
uint64_t mpj_plan_wanted(const mpj_plan *plan);

/* The next batch for one of the workers other than 0: returns 1 and sets *batch, 0: nothing to send now, or an error.
 * Workers that have nothing come before those that would get a batch ahead. */
int mpj_plan_next(mpj_plan *plan, mpj_batch *batch);

/* The same for worker 0, which never has a batch ahead. */
int mpj_plan_next_own(mpj_plan *plan, mpj_batch *batch);

/* The next results to hand out: returns 1 and sets *release, or 0. Each executed job is released once; in index order
 * when `ordered`, where a failed one appears as a hole. When the run ends early what is in order is still released;
 * what is behind a gap never is: mpj_plan_abandoned gives it. */
int mpj_plan_release(mpj_plan *plan, mpj_release *release);

/* After the end: the handles of results that will not be released, one at a time: 1 and *results, or 0. */
int mpj_plan_abandoned(mpj_plan *plan, void **results);

/* -- Questions -- */

/* Nothing is out, and nothing more will be given out. */
bool mpj_plan_over(const mpj_plan *plan);
bool mpj_plan_draining(const mpj_plan *plan);

/* A batch that is out, NULL when there is none of this id; valid until it is done. */
const mpj_batch *mpj_plan_find(const mpj_plan *plan, uint64_t id);

/* Whether worker 0 executes jobs (see may_dedicate). */
bool mpj_plan_own_works(const mpj_plan *plan);

typedef struct mpj_plan_counts {
    uint64_t drawn;
    uint64_t asked;       /* of these, neither found nor missed yet */
    uint64_t found;       /* done without being executed */
    uint64_t waiting;     /* drawn, given to nobody */
    uint64_t out;         /* in batches that are not complete */
    uint64_t done;        /* executed for good, failed ones included, or found */
    uint64_t failed;      /* of these, with failure */
    uint64_t released;    /* holes included */
    uint64_t batches;     /* completed ones that executed something */
    uint64_t unread_bytes;
    uint32_t busy_workers; /* having at least one batch */
    double cost_drawn, cost_done; /* without those asked or found */
} mpj_plan_counts;
void mpj_plan_count(const mpj_plan *plan, mpj_plan_counts *counts);

/* For tests: 1 when all invariants hold, else 0 and *what says which does not. O(everything). */
int mpj_plan_check(const mpj_plan *plan, const char **what);

#endif
