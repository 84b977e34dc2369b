/* Executing the jobs of one batch, in slices, on whatever rank. No messages here. */
#ifndef MPJ_MPI_EXECUTE_H
#define MPJ_MPI_EXECUTE_H

#include "data/job.h"
#include "mpi/entries.h"
#include "sched/span.h"

#include <mpijob/parallel.h>
#include <stdbool.h>

/* Results of any size, one behind the other, each aligned to MPJ_RESULT_ALIGN. */
#define MPJ_RESULT_ALIGN 16

typedef struct mpj_arena {
    unsigned char *data;
    size_t used; /* bytes of finished results, padded */
    size_t capacity;
    size_t current; /* bytes of the result that the job in hand asked for */
} mpj_arena;

/* Failures of a batch as they travel (wire.h): the host's name, then each failure. */
typedef struct mpj_failures {
    unsigned char *data;
    size_t bytes;
    size_t capacity;
    uint64_t count;
} mpj_failures;

/* What stays the same for a run on this rank. */
typedef struct mpj_executor {
    mpj_job_own own; /* first: what job.own points to */
    const mpijob_function *function;
    bool stop_on_failure;
    mpijob_job job; /* index changes */
    char host[MPIJOB_ERROR_HOST_BYTES];
    struct mpj_work *work; /* in hand */
    const mpijob_cached *cached; /* of a cached function: jobs see what their key covers, and are timed; NULL: not */
    bool files;                  /* large results get files of their own here */
    bool shelve;                 /* and are wanted nowhere else then */
} mpj_executor;

/* A batch being executed, or executed. Reused from batch to batch; zeroed to begin with. */
typedef struct mpj_work {
    uint64_t id;
    const mpj_span *spans;
    uint32_t span_count;
    uint64_t jobs;
    const unsigned char *args;  /* packed in the batch's order, or by index; NULL: none */
    bool args_by_index;
    unsigned char *results;     /* fixed size: packed or by index; NULL: none or any size */
    bool results_by_index;

    uint64_t executed; /* so far */
    uint32_t span;     /* the one in hand */
    uint64_t offset;   /* in it */
    bool ended;        /* all executed, or it stops here */
    double busy_s;
    mpj_arena arena;   /* any size: all results */
    uint64_t *sizes;   /* any size: bytes of each */
    size_t sizes_capacity;
    mpj_failures failures;
    double *seconds;   /* runs over cached functions: of each executed job */
    size_t seconds_capacity;
    mpj_entries entries;
    uint64_t shelved;  /* jobs whose result is in its file and nowhere else */
} mpj_work;

void mpj_executor_open(mpj_executor *executor, const mpijob_function *function, const mpijob_parallel_options *options,
                       int rank);

/* What a run over a cached function adds: after mpj_executor_open. kept: rank 0 keeps the results. */
void mpj_executor_keys(mpj_executor *executor, const mpijob_digest *shared_digests, bool kept, bool shelve);

/* Begins a batch: sets what the caller did not (spans, args, results are set before). 0, or MPIJOB_ENOMEM. */
int mpj_work_begin(mpj_executor *executor, mpj_work *work);

/* Executes jobs for about slice_s seconds, at least one job, until the batch is executed (work->ended). Returns 0, or
 * MPIJOB_ENOMEM when a result or failure could not be kept: the batch then ends before that job. */
int mpj_work_slice(mpj_executor *executor, mpj_work *work, double slice_s);

/* Frees what the work owns: arena, sizes, failures. */
void mpj_work_free(mpj_work *work);

/* Where the first failure is. */
#define MPJ_FIRST_FAILURE ((size_t)MPIJOB_ERROR_HOST_BYTES)

/* Reads the failure at *at in `bytes` bytes of failures and steps on: 1 and *failure (rank and host are not set), 0 at
 * the end, MPIJOB_EINTERNAL when these are no failures. */
int mpj_failures_next(const unsigned char *data, size_t bytes, size_t *at, uint64_t *position, mpijob_error *failure);

#endif
