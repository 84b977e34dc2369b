/* Rank 0: jobs of a cached function are looked up before they are given out, and stored when they are done. The
 * decisions are those of sched/lookup.h and sched/plan.h; here are the keys, the store thread's answers and what is
 * given to it. Everything with link->lock held. Page: doc/memory-runs.md.
 *
 *   looks.c    drawing and answers -> events of the plan
 *   lookset.c  jobs that are missed or found together
 *   lookagain.c what other programs did meanwhile
 *   lookdone.c executed jobs: stored, and given to those of equal key
 *   mailbox.c  questions to the store thread, and its answers
 *   storing.c  results to the store thread
 *   shelving.c results -> references */
#ifndef MPJ_MPI_LOOKS_H
#define MPJ_MPI_LOOKS_H

#include "base/pages.h"
#include "mpi/mailbox.h"
#include "mpi/run.h"
#include "mpi/storing.h"
#include "sched/lookup.h"
#include "sched/plan.h"

struct mpj_scheduler;
struct mpj_arrival;

typedef struct mpj_looks {
    bool on;
    bool tells; /* what is found, and above what is looked for */
    mpj_lookup lookup;
    mpj_mailbox *mail;
    mpj_question *question; /* being written; NULL: none */
    mpj_storing storing;
    mpijob_reference *references; /* shelved runs: of the batch in hand */
    mpj_pages costs;              /* a generator's, of jobs that are not done */
    mpj_span *spans;              /* of what is found together ... */
    size_t span_count;
    size_t spans_capacity;
    double watch_at;            /* when to look again what others stored */
    mpijob_digest *news;        /* of it: keys ... */
    size_t news_count, news_at; /* ... and how far they were dealt with */
    double hear_at;             /* when to go on with it */
    uint64_t found;             /* in Memory */
    uint64_t duplicates;        /* that got an equal job's result */
    uint64_t beats;             /* of the store thread, when it was last seen to do something */
    uint64_t answers;
    double answer_bytes; /* of all of them */
    double seconds;      /* of computing, as far as it is known ... */
    uint64_t timed;      /* ... of so many results */
    double unit_s;       /* what cost 1 is in recorded seconds; 0: none were seen */
    double saved_s;
} mpj_looks;

#define MPJ_FLUSH_S 1.0 /* that the end of a run waits for what is to be written */
/* For tests, which a busy machine must not make impatient: seconds that a store thread, or rank 0, may be silent in
 * addition. */
extern double mpj_patience_more_s;

#define MPJ_LOOK_AHEAD (UINT64_C(1) << 18)

/* Whether jobs of this run are looked up; if so, all that takes. MPIJOB_ENOMEM. */
int mpj_looks_open(struct mpj_scheduler *s, mpijob_error *err);
/* Nothing is looked up any more; what is not written yet gets so long at most. Without the lock. */
void mpj_looks_finish(struct mpj_scheduler *s, double seconds);
void mpj_looks_free(mpj_looks *looks);

/* How far the plan may look ahead. */
uint64_t mpj_looks_ahead(const mpj_run *run);

/* How many jobs should be drawn now. */
uint64_t mpj_looks_wanted(const struct mpj_scheduler *s);

/* So many jobs more are drawn, and their arguments are there. costs: a generator's, or NULL. */
void mpj_looks_drawn(struct mpj_scheduler *s, uint64_t count, const double *costs);

/* Takes the answers that are there; returns how many. */
int mpj_looks_serve(struct mpj_scheduler *s);

/* A batch is done; before the plan hears of it. `failed`: positions, ascending. Its results are stored, and duplicates
 * of its jobs are settled. */
void mpj_looks_executed(struct mpj_scheduler *s, const struct mpj_arrival *arrival, const mpj_batch *batch,
                        const uint64_t *failed);

/* Shelved runs. References for a batch, before mpj_looks_executed, which fills them; and in place of its results. */
int mpj_shelve_begin(struct mpj_scheduler *s, const struct mpj_arrival *arrival);
void mpj_shelve_end(struct mpj_scheduler *s, struct mpj_arrival *arrival, const mpj_batch *batch);
/* What references of this batch hold still. */
void mpj_shelve_free(const struct mpj_arrival *arrival);
/* The result that is stored is referred to; else the reference holds it. Whether the latter. */
bool mpj_shelve_one(struct mpj_scheduler *s, uint64_t position, const mpj_stored *result, bool stored);

#endif
