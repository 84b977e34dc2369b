/* Rank 0's side of a run: the shell around sched/plan.h. The state here, the plan, and MPI itself are touched only with
 * link->lock held, by the main thread or by the helper thread; the caller's callbacks run in the main thread without
 * the lock.
 *
 *   receive.c   messages in      -> events of the plan
 *   dispatch.c  decisions of the plan -> messages out, and rank 0's own batches
 *   draw.c      inputs           -> events of the plan
 *   handout.c   releases         -> the caller's array, consumer, reduction
 *   looks.c     what is in Memory -> events of the plan; results -> Memory
 *   scheduler.c the loop, the end of a run */
#ifndef MPJ_MPI_SCHEDULER_H
#define MPJ_MPI_SCHEDULER_H

#include "base/pages.h"
#include "mpi/asked.h"
#include "mpi/asker.h"
#include "mpi/buffers.h"
#include "mpi/execute.h"
#include "mpi/looks.h"
#include "mpi/outbox.h"
#include "mpi/report.h"
#include "mpi/run.h"
#include "mpi/wire.h"
#include "sched/plan.h"

#include <stdatomic.h>

#define MPJ_LOOK_S 3e-5       /* rank 0 looks at its messages this often */
#define MPJ_OWN_LIMIT_S 1e-4  /* its own batches last so long */
#define MPJ_BATCH_BYTES (256 << 10) /* inputs or results in a batch */
#define MPJ_UNREAD_BYTES (UINT64_C(1) << 30)

/* A part of a reply (wire.h). */
typedef struct mpj_part {
    unsigned char *data;
    size_t bytes;
    size_t capacity;
    bool borrowed; /* data is the caller's array */
    mpj_transfer transfer;
} mpj_part;

/* The results of one batch at rank 0: coming, waiting for their turn, or being handed out. */
typedef struct mpj_arrival {
    struct mpj_arrival *next; /* in the list it is in */
    uint64_t id;
    uint32_t worker;
    uint64_t executed;
    uint64_t failed;
    mpj_part parts[MPJ_PARTS];
    size_t *offsets; /* where each result begins in the results part; NULL: side by side */
    bool lost;       /* a part could not be taken: nothing of it counts */
    bool shelved;    /* its results are references */
} mpj_arrival;

typedef struct mpj_scheduler {
    mpj_run *run;
    mpj_link *link;
    mpj_plan *plan;
    bool alone;       /* there is no other rank */
    bool helped;      /* the watchdog is at work */
    uint64_t outstanding; /* batches that other ranks have not answered */
    mpj_outbox outbox;
    mpj_arrival *coming;  /* answered, parts on their way */
    mpj_buffers buffers;  /* for results */

    mpj_executor executor; /* rank 0's own work */
    mpj_asker *asker;      /* for cached calls inside its jobs; NULL: they look in files */
    mpj_work own;
    mpj_batch own_batch;
    bool own_active;
    unsigned char *own_args;
    size_t own_args_capacity;
    size_t own_results_capacity;

    mpj_pages args; /* of jobs from a generator */
    uint64_t drawn_by_generator;
    bool generator_ended;
    mpj_looks looks;
    mpj_asked asked;

    atomic_bool handing_out; /* results are still wanted; read by the main thread without the lock */
    bool enough;             /* the consumer has what it wants: jobs that fail from here on are nobody's concern */
    mpj_report report;

    int status;           /* how the run ends */
    mpijob_error error;   /* why, when not MPIJOB_OK */
    bool survived;        /* MPIJOB_CONTINUE: a job failed ... */
    mpijob_error failure; /* ... of these, the one with the lowest index */
    bool broken;        /* the plan cannot be trusted to end: wait for the answers only */
    atomic_bool handback_sent; /* read by the main thread without the lock */
    bool stopped;       /* mpijob_request_stop */
    size_t byes;
    mpijob_stats stats;
    mpijob_rank_stats *ranks;
} mpj_scheduler;

/* receive.c. Takes every message that is there; returns how many. */
int mpj_receive(mpj_scheduler *s);
/* Arrivals whose parts have all come become events; returns how many. */
int mpj_complete_arrivals(mpj_scheduler *s);
/* The own batch is executed. */
void mpj_own_done(mpj_scheduler *s);
/* NULL is allowed. */
void mpj_arrival_free(mpj_scheduler *s, mpj_arrival *arrival);

/* dispatch.c. Sends what the plan decides; returns how many batches. */
int mpj_dispatch(mpj_scheduler *s);
/* Begins an own batch if the plan has one. */
void mpj_begin_own(mpj_scheduler *s);
/* A message without content to every other rank that takes part. */
void mpj_tell_all(mpj_scheduler *s, uint32_t kind);

/* draw.c. What needs no callback; with the lock. */
void mpj_draw_known(mpj_scheduler *s);
/* The generator; without the lock. Whether anything was drawn. */
bool mpj_draw_from_generator(mpj_scheduler *s);

/* handout.c. What needs no callback; with the lock. */
void mpj_hand_out_silently(mpj_scheduler *s);
/* To consumer or reduction; without the lock. Whether anything was handed out. */
bool mpj_hand_out(mpj_scheduler *s);
/* The positions of a completed arrival's failed jobs. */
void mpj_find_failed(const mpj_arrival *arrival, uint64_t *positions);
/* Jobs of it failed. */
void mpj_note_failures(mpj_scheduler *s, const mpj_arrival *arrival, const mpj_batch *batch);
/* The failure at this position of its batch. */
void mpj_failure_at(const mpj_scheduler *s, const mpj_arrival *arrival, uint64_t position, uint64_t index,
                    mpijob_error *failure);

/* scheduler.c. The run cannot go on for this reason (described in *err); the first one counts. `broken`: the plan may
 * have missed an event. */
void mpj_stop_run(mpj_scheduler *s, int status, const mpijob_error *err, bool broken);

#endif
