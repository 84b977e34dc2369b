/* One run, as one rank sees it. */
#ifndef MPJ_MPI_RUN_H
#define MPJ_MPI_RUN_H

#include "mpi/link.h"
#include "sched/span.h"

#include <mpijob/hash.h>
#include <mpijob/parallel.h>

typedef struct mpj_run {
    mpj_link *link;
    const mpijob_function *function;
    mpijob_inputs inputs;            /* rank 0 */
    mpijob_parallel_options options; /* all zero where the caller gave none */
    unsigned char *results;          /* the caller's */
    int rank;                        /* in the link */
    int shown_rank;                  /* what jobs see: in a nested run, the outer run's */
    int used;                        /* ranks that take part: 0 .. used - 1 */
    uint64_t window;                 /* pre_dispatch: jobs; MPJ_UNKNOWN: all; 0: automatic */
    size_t result_bytes;             /* of a result as it is handed out; MPIJOB_ANY_SIZE */
    bool kept;                       /* the function is cached, and rank 0 has Memory; the same on all ranks */
    bool keyed;                      /* cached functions may be called: keys need the shared inputs' digests */
    mpijob_digest *shared_digests;   /* these; NULL: there are none, or they are not needed */
    double began;
} mpj_run;

/* How a run ended: equal on all ranks after the closing. */
typedef struct mpj_ending {
    int32_t status;
    int32_t stop_requested;
    int32_t spread; /* the results are worth spreading */
    int32_t reserved;
    double wall_s;
    mpijob_error error;
} mpj_ending;

/* What the caller gave, checked as far as this rank can: MPIJOB_OK, or MPIJOB_EINVAL with a text that says what to do.
 * Sets run->function, inputs, options, results. */
int mpj_run_check(mpj_run *run, void *results, const mpijob_function *function, const mpijob_inputs *inputs,
                  const mpijob_parallel_options *options, int rank, mpijob_error *err);

/* Sets what follows from the number of ranks: used, window. Equal on all ranks. */
int mpj_run_resolve(mpj_run *run, mpijob_error *err);

/* Of everything that must be equal on all ranks. */
uint64_t mpj_run_digest(const mpj_run *run);

/* A message to the caller's log. */
void mpj_run_warn(const mpj_run *run, const char *format, ...) MPIJOB_PRINTF(2, 3);

/* The run's protocol on rank 0, and on all others; everything between opening and closing. On return no
 * message of it is left. On rank 0 *ending says how it went. */
void mpj_schedule(mpj_run *run, mpj_ending *ending);
void mpj_work_for(mpj_run *run);

#endif
