/** @file
 * Parallel: run a function over many inputs on all ranks.
 *
 * The shortest use, called by every rank:
 *
 *     mpijob_function f = {.call = my_function, .result_size = sizeof(double)};
 *     mpijob_inputs inputs = mpijob_range(1000);
 *     int status = mpijob_parallel(results, &f, &inputs, MPI_COMM_WORLD, NULL, &err);
 *
 * Words: a *job* is one call of your function; a *batch* is the jobs sent in one message; a *run* is one call of
 * mpijob_parallel, executing all jobs. Rank 0 of the communicator schedules and also executes jobs.
 *
 * In every struct here zero means "the default", so `{0}`, NULL for the whole struct and designated members all work.
 */
#ifndef MPIJOB_PARALLEL_H
#define MPIJOB_PARALLEL_H

#include <mpi.h>
#include <mpijob/error.h>
#include <mpijob/export.h>
#include <mpijob/function.h>
#include <mpijob/log.h>
#include <mpijob/share.h>
#include <mpijob/stats.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Inputs ---------------------------------------------------------------------------------------------------- */

/** What a generator returns. */
enum {
    MPIJOB_END = 0, /**< there was no further job: `args` was not filled */
    MPIJOB_MORE = 1 /**< one more job is in `args` */
};

/**
 * A lazy generator of jobs, called on rank 0 only, by the thread that called mpijob_parallel, never after it returned
 * something other than MPIJOB_MORE, and never again once `count` jobs are drawn (when count is known).
 *
 * @param args     `args_size` bytes to fill; NULL when args_size is 0
 * @param cost     may be set to the job's expected cost; 0 on entry
 * @param index    the index that this job will have: 0, 1, 2, ...
 * @param payload  mpijob_inputs.payload
 * @param err      to be filled (mpijob_callback_fail) before a negative return
 *
 * @return MPIJOB_MORE, MPIJOB_END, or a negative number: the input cannot be made; the run stops with MPIJOB_EINPUT.
 */
typedef int mpijob_next_fn(void *args, double *cost, uint64_t index, void *payload, mpijob_error *err);

/** For generators and consumers: writes a text to `err` and returns a negative number to be returned. */
MPIJOB_API int mpijob_callback_fail(mpijob_error *err, const char *format, ...) MPIJOB_PRINTF(2, 3);

/** For mpijob_inputs.count: the generator's end is not known in advance. */
#define MPIJOB_UNKNOWN UINT64_MAX

/**
 * The jobs. Significant on rank 0 only; the other ranks may pass the same, something else, or NULL.
 * Made best by mpijob_range, mpijob_arguments or mpijob_generator.
 */
typedef struct mpijob_inputs {
    uint64_t count;       /**< number of jobs; MPIJOB_UNKNOWN (with `next` only) */
    const void *array;    /**< `count` argument structs of args_size bytes; must stay unchanged during the run */
    mpijob_next_fn *next; /**< or a generator of them */
    void *payload;        /**< the generator's */
    const double *costs;  /**< for a range or an array: `count` expected costs in any unit (finite, >= 0); NULL: alike */
    uint64_t limit;       /**< with an unknown count: drawing more jobs than this is an error, the guard against a
                               generator that never returns MPIJOB_END; 0: 1e12 */
    uint64_t reserved[4]; /**< zero, else MPIJOB_EINVAL */
} mpijob_inputs;

/** Jobs 0 .. count-1 without arguments. */
static inline mpijob_inputs mpijob_range(uint64_t count)
{
    mpijob_inputs inputs = {count, 0, 0, 0, 0, 0, {0, 0, 0, 0}};
    return inputs;
}

/** A job for each of `count` argument structs. */
static inline mpijob_inputs mpijob_arguments(const void *array, uint64_t count)
{
    mpijob_inputs inputs = {count, array, 0, 0, 0, 0, {0, 0, 0, 0}};
    return inputs;
}

/** Jobs made one by one when they are needed; `count` may be MPIJOB_UNKNOWN. */
static inline mpijob_inputs mpijob_generator(mpijob_next_fn *next, void *payload, uint64_t count)
{
    mpijob_inputs inputs = {count, 0, next, payload, 0, 0, {0, 0, 0, 0}};
    return inputs;
}

/* ---- Outputs --------------------------------------------------------------------------------------------------- */

/** How results are handed out (joblib's return_as). */
typedef enum mpijob_return_as {
    MPIJOB_LIST = 0,               /**< into the caller's array, in index order; fixed-size results only */
    MPIJOB_GENERATOR = 1,          /**< to `consume`, one by one in index order */
    MPIJOB_GENERATOR_UNORDERED = 2 /**< to `consume`, one by one as they come */
} mpijob_return_as;

/** What a consumer returns to go on or to end the run early. */
enum {
    MPIJOB_GO_ON = 0,
    MPIJOB_ENOUGH = 1 /**< no further results are wanted: the run ends, with MPIJOB_OK */
};

/**
 * Takes one result, on rank 0, in the thread that called mpijob_parallel.
 *
 * @param result   its bytes, aligned to 16, valid during the call; NULL when the job failed
 * @param bytes    how many
 * @param index    the job's
 * @param failure  NULL, or why this job failed (on_error MPIJOB_CONTINUE): a hole
 * @param payload  mpijob_parallel_options.consume_payload
 * @param err      to be filled (mpijob_callback_fail) before a negative return
 *
 * @return MPIJOB_GO_ON, MPIJOB_ENOUGH, or a negative number: the run stops with MPIJOB_ECONSUMER.
 */
typedef int mpijob_consume_fn(const void *result, size_t bytes, uint64_t index, const mpijob_error *failure,
                              void *payload, mpijob_error *err);

/**
 * Folds one result into `results`, the accumulator, on rank 0, in index order: so the outcome is the same, to the last
 * bit, for any number of ranks. Not called for failed jobs. Parameters and return value as for mpijob_consume_fn.
 */
typedef int mpijob_reduce_fn(void *accumulator, const void *result, size_t bytes, uint64_t index, void *payload,
                             mpijob_error *err);

/** What happens when a job fails. */
typedef enum mpijob_on_error {
    MPIJOB_STOP = 0,    /**< no further job is started; running ones are finished; the run returns MPIJOB_EJOB */
    MPIJOB_CONTINUE = 1 /**< a marked hole; every other job is executed; then the run returns MPIJOB_EJOB */
} mpijob_on_error;

/* ---- Progress -------------------------------------------------------------------------------------------------- */

/** A moment of a run. Numbers are of finished jobs, never of batches. */
typedef struct mpijob_progress {
    uint64_t done;       /**< jobs finished, failed ones included */
    uint64_t failed;     /**< of these, how many failed */
    uint64_t hits;       /**< of these, how many were not computed: found in Memory, or equal to another job */
    uint64_t total;      /**< of how many; MPIJOB_UNKNOWN */
    double elapsed_s;    /**< since the run began */
    double remaining_s;  /**< estimate: work left (by cost where given) over the measured rate; negative: unknown. What is
                              found in Memory is no work */
    double jobs_per_s;   /**< mean rate so far */
    uint32_t ranks_used; /**< ranks that take part */
    uint32_t ranks_busy; /**< of these, how many have work at this moment */
    int32_t finished;    /**< 1 in the last call of a run that finished */
    int32_t reserved;
} mpijob_progress;

/** Takes a moment, on rank 0, in the thread that called mpijob_parallel, at most once per finished batch. */
typedef void mpijob_progress_fn(const mpijob_progress *progress, void *payload);

/** In what form `verbose` shows progress. */
typedef enum mpijob_progress_style {
    MPIJOB_PROGRESS_LINES = 0, /**< joblib's lines */
    MPIJOB_PROGRESS_BAR = 1,   /**< one line rewritten in place, when the stream is a terminal; else lines */
    MPIJOB_PROGRESS_JSON = 2   /**< one JSON object a line, at the same moments as lines */
} mpijob_progress_style;

/* ---- The run --------------------------------------------------------------------------------------------------- */

/** What rank 0 does besides scheduling. */
typedef enum mpijob_rank0 {
    MPIJOB_RANK0_AUTO = 0,     /**< it executes jobs too; with a thread level below MPI_THREAD_SERIALIZED it stops doing
                                    so when jobs longer than 10 ms are seen and 8 or more ranks take part */
    MPIJOB_RANK0_WORKS = 1,    /**< it executes jobs too, always */
    MPIJOB_RANK0_SCHEDULES = 2 /**< it only schedules (ignored with one rank) */
} mpijob_rank0;

/**
 * How to run. Must be the same on every rank, except for the members marked (own) and, on ranks other than 0, (0):
 * significant on rank 0 only.
 */
typedef struct mpijob_parallel_options {
    int n_jobs;  /**< ranks to use: 0 or -1: all; -2: all but one; -3: ...; never fewer than one; more than there are: all,
                      with a warning that says how to start more. The ranks left out sleep until the run ends */
    int verbose; /**< 0: silent; larger: more lines; above 10: every finished job
                      (of jobs that come in one reply, the last); below 50 to stderr, from 50 to stdout */
    const char *pre_dispatch;    /**< jobs drawn and unfinished at most: "all", a number, or an expression in n_jobs with
                                      + - * / // % ** ( ), at most 30 characters, such as "2*n_jobs". NULL: "all" for
                                      ranges and arrays, two automatic batches a rank for generators. A job is finished
                                      when its result has been handed out. A hard bound, so it also caps batches: at N
                                      a rank gets N/2 jobs a rank at once, and short jobs pay a message each for small N */
    uint64_t batch_size;         /**< jobs in a batch; 0: automatic, by measured time */
    uint64_t max_batch_size;     /**< upper bound for automatic batches; 0: none */
    int return_as;               /**< mpijob_return_as */
    mpijob_consume_fn *consume;  /**< (0) required for both generator forms */
    void *consume_payload;       /**< (0) */
    mpijob_reduce_fn *reduce;    /**< (0) fold results into `results` instead (return_as must be 0); set it on all ranks
                                      or on none */
    void *reduce_payload;        /**< (0) */
    size_t accumulator_size;     /**< bytes of `results` when reducing; needed with `everywhere` only */
    int everywhere;              /**< 1: when the run has ended, `results` (and `statuses`) reach every rank: each passes
                                      its own. Fixed-size lists and reductions only */
    int on_error;                /**< mpijob_on_error */
    int8_t *statuses;            /**< (0) `count` of them are set: MPIJOB_OK, MPIJOB_EJOB, or MPIJOB_ECANCELED for a job
                                      that was not run; known count only. With `everywhere`: on all ranks or on none */
    mpijob_error *failures;      /**< (0) the first `failures_capacity` failures to come are stored here ... */
    size_t failures_capacity;    /**< (0) */
    size_t *failures_count;      /**< (0) ... and how many were */
    void *context;               /**< (own) what jobs find in job->context */
    const mpijob_shared *const *shared; /**< shared inputs for job->shared; the same ones, in the same order, on all ranks */
    size_t shared_count;
    uint64_t seed;               /**< of the jobs' random streams (those of a cached function come from its keys) */
    int rank0;                   /**< mpijob_rank0 */
    int jobs_call_mpi;           /**< 1: jobs call MPI, on communicators of their own. Below MPI_THREAD_MULTIPLE the
                                      library then keeps its thread away from MPI, as with MPI_THREAD_FUNNELED */
    int progress;                /**< mpijob_progress_style */
    mpijob_progress_fn *on_progress; /**< (0) also called, whatever `verbose` is, after each finished batch */
    void *on_progress_payload;   /**< (0) */
    mpijob_stats *stats;         /**< (own) filled at the end */
    int print_stats;             /**< 1: rank 0 prints the statistics to the progress stream at the end */
    int shelve;                  /**< 1: of a cached function: results are mpijob_reference structs (memory.h), in the list
                                      or for `consume`, to be released by mpijob_reference_free; large ones are not sent.
                                      Not with `reduce` or `everywhere` */
    mpijob_log_fn *log;          /**< (own) takes warnings; NULL: standard error */
    void *log_payload;           /**< (own) */
    uint64_t reserved[8];        /**< zero, else MPIJOB_EINVAL */
} mpijob_parallel_options;

/**
 * Executes every job once, over the ranks of `comm`. Collective: every rank of `comm` calls it, with the same function
 * and options (see above), and all return the same status and the same error record.
 *
 * @param results   (rank 0, or all ranks with `everywhere`) return_as list: `count` results of result_size bytes, by
 *                  index; a hole (failed or not run) is zero bytes when it failed, untouched when not run; a generator
 *                  of unknown count cannot have a list. Reducing: the accumulator. Otherwise NULL
 * @param function  what a job executes
 * @param inputs    (rank 0) the jobs
 * @param comm      an intra-communicator of any size. The first run on it makes a duplicate of it, kept until it is freed
 * @param options   NULL or all zero: the defaults
 *
 * **A cached function** (mpijob_memory_cache). Jobs whose results are in Memory are not executed; rank 0 finds them, and
 * they are handed out like the others. Jobs of equal key are executed once. New results are stored, failures are not.
 * Every rank caches the function in a location that it has opened; rank 0's says whether there is Memory in this run.
 * Arguments with strings or pointers are for one rank only. A `context` needs function.context_free. What a job finds in
 * job->index and job->seed, and what is found again: see function.h and memory.h; how it works: the page memory-runs.md.
 *
 * A run with 0 jobs is fine. Runs may follow one another, and sub-communicators may run at the same time. Inside a job,
 * a consumer or a generator, a call executes in the calling rank alone, as if `comm` had one rank, and is not collective.
 * While it lasts, no other thread of the process may call MPI (unless the level is MPI_THREAD_MULTIPLE) or
 * mpijob_parallel. Error handlers, signal handlers and other settings of the caller are not touched.
 *
 * With MPI_THREAD_SERIALIZED or more, a thread of the library on rank 0 keeps the other ranks supplied while a long job
 * runs there. It draws nothing from a generator and hands nothing to a consumer, for these are yours and run in your
 * thread only: with a generator, a long job on rank 0 and a small pre_dispatch the others can run dry; a larger
 * pre_dispatch or MPIJOB_RANK0_SCHEDULES cures it.
 *
 * @return the same on every rank:
 *   MPIJOB_OK;
 *   MPIJOB_EJOB        a job failed: the record has its index, rank, host and text (with several, the one first noticed
 *                      under MPIJOB_STOP, the lowest index under MPIJOB_CONTINUE);
 *   MPIJOB_ECANCELED   mpijob_request_stop was called; the text says how many jobs were not run;
 *   MPIJOB_EINVAL      a bad argument on some rank (named), or MPI is not initialised;
 *   MPIJOB_EMISMATCH   ranks called with different functions or options (the ranks are named);
 *   MPIJOB_EINPUT      the generator failed;
 *   MPIJOB_ECONSUMER   the consumer or reduction failed;
 *   MPIJOB_ENOMEM      no memory on some rank (named);
 *   MPIJOB_EMPI        an MPI call failed and the ranks could still be told. When they cannot be told, MPI_Abort is
 *                      called on the run's communicator: no rank is left waiting.
 * A rank whose `comm` is MPI_COMM_NULL or an inter-communicator gets MPIJOB_EINVAL, it alone.
 */
MPIJOB_API int mpijob_parallel(void *results, const mpijob_function *function, const mpijob_inputs *inputs,
                               MPI_Comm comm, const mpijob_parallel_options *options, mpijob_error *err);

/**
 * How many ranks a run with this n_jobs uses on a communicator of `ranks` ranks; 0 when ranks is not positive.
 */
MPIJOB_API int mpijob_effective_n_jobs(int n_jobs, int ranks);

/* ---- A serial main --------------------------------------------------------------------------------------------- */

/** What mpijob_serve returns, besides errors. */
enum {
    MPIJOB_LEADS = 0, /**< on rank 0: go on with main */
    MPIJOB_SERVED = 1 /**< on the other ranks, at the end: rank 0 has left; go to the end of main */
};

/**
 * For programs whose main is written for one process: the ranks other than 0 stay in this call, asleep, and take part
 * in every run that rank 0 makes on `comm`, until rank 0 calls mpijob_finalize, MPI_Finalize or mpijob_serve_end.
 * Collective. In rank 0's main, mpijob_parallel, mpijob_share, mpijob_share_begin and mpijob_share_seal on `comm` are
 * then called by rank 0 alone.
 *
 *     mpijob_init(&argc, &argv, 0, NULL);
 *     int role = mpijob_serve(functions, NULL, MPI_COMM_WORLD, NULL);
 *     if (role != MPIJOB_LEADS)
 *         return mpijob_finalize(NULL) != MPIJOB_OK || role != MPIJOB_SERVED;
 *
 * @param functions  NULL-terminated array of the functions that runs may use, the same on every rank; kept, not copied
 * @param context    (own) what jobs on this rank find in job->context. (On rank 0 a run's options may say another)
 * @param comm       an intra-communicator
 *
 * A run with a function that is not in the list is MPIJOB_EINVAL on rank 0 and reaches no other rank.
 * With `everywhere`, results reach rank 0 only: the others have no place for them.
 *
 * @return MPIJOB_LEADS, MPIJOB_SERVED, or, the same on every rank, MPIJOB_EINVAL, MPIJOB_EMISMATCH, MPIJOB_ENOMEM,
 * MPIJOB_EMPI.
 */
MPIJOB_API int mpijob_serve(const mpijob_function *const *functions, void *context, MPI_Comm comm, mpijob_error *err);

/** Rank 0: lets the serving ranks of `comm` go. Without effect elsewhere, or when none serve. */
MPIJOB_API int mpijob_serve_end(MPI_Comm comm, mpijob_error *err);

#ifdef __cplusplus
}
#endif

#endif
