/* mpijob_parallel: opening, protocol, closing. */
#include <mpijob/parallel.h>
#include <mpijob/start.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "memory/opened.h"
#include "mpi/agree.h"
#include "mpi/memo.h"
#include "mpi/parallel.h"
#include "mpi/run.h"
#include "mpi/serve.h"
#include "mpi/share.h"
#include "mpi/transfer.h"

#include <stdatomic.h>
#include <string.h>

#define TIMER_SLACK_NS 1000

/* A run in progress in this process, and the rank that its jobs see: one inside a job executes where it is. */
static atomic_int runs_in_progress;
static int outer_rank;

static int check_process(mpijob_error *err)
{
    int initialised = 0;
    int finalised = 0;
    MPI_Initialized(&initialised);
    MPI_Finalized(&finalised);
    if (!initialised)
        return mpj_fail(err, MPIJOB_EINVAL, "MPI is not initialised: call mpijob_init (or MPI_Init_thread) first");
    if (finalised)
        return mpj_fail(err, MPIJOB_EINVAL, "MPI is finalised already: runs come before mpijob_finalize");
    return MPIJOB_OK;
}

bool mpj_is_in_run(void)
{
    return atomic_load(&runs_in_progress) > 0;
}

void mpj_run_begins(int rank)
{
    if (atomic_fetch_add(&runs_in_progress, 1) == 0)
        outer_rank = rank;
}

void mpj_run_ends(void)
{
    atomic_fetch_sub(&runs_in_progress, 1);
}

int mpj_check_comm(MPI_Comm comm, mpijob_error *err)
{
    int inter = 0;
    int status = check_process(err);
    if (status != MPIJOB_OK)
        return status;
    if (comm == MPI_COMM_NULL)
        return mpj_fail(err, MPIJOB_EINVAL, "the communicator is MPI_COMM_NULL: a rank that has none must not call");
    int code = MPI_Comm_test_inter(comm, &inter);
    if (code != MPI_SUCCESS)
        return mpj_fail_mpi(err, code, "looking at the communicator");
    if (inter)
        return mpj_fail(err, MPIJOB_EINVAL,
                        "the communicator is an inter-communicator: merge it first (MPI_Intercomm_merge)");
    return MPIJOB_OK;
}

/* -- Alone -- */

/* Room for the digests of shared inputs, before anything is agreed on. */
static int prepare_keys(mpj_run *run, mpijob_error *err)
{
    size_t count = run->options.shared_count;
    if (count == 0)
        return MPIJOB_OK;
    run->shared_digests = mpj_calloc(count, sizeof *run->shared_digests);
    return run->shared_digests ? MPIJOB_OK : mpj_fail_memory(err, "digests", count * sizeof *run->shared_digests);
}

static int agree_on_keys(mpj_run *run, mpijob_error *err)
{
    if (run->options.shared_count == 0)
        return MPIJOB_OK;
    if (!run->keyed) {
        mpj_free(run->shared_digests);
        run->shared_digests = NULL;
        return MPIJOB_OK;
    }
    return mpj_shared_digests(run->shared_digests, run->link, run->options.shared, run->options.shared_count, err);
}

static int run_alone(mpj_run *run, mpijob_error *err)
{
    mpj_link link;
    mpj_ending ending;
    mpj_link_open_local(&link);
    run->link = &link;
    run->rank = 0;
    int status = mpj_run_resolve(run, err);
    run->kept = mpj_memo_keeps(run->function);
    run->keyed = run->function->cached || mpj_memory_is_any_open();
    if (status == MPIJOB_OK)
        status = prepare_keys(run, err);
    if (status == MPIJOB_OK)
        status = agree_on_keys(run, err);
    if (status == MPIJOB_OK) {
        mpj_schedule(run, &ending);
        status = ending.status;
        *err = ending.error;
    }
    mpj_free(run->shared_digests);
    mpj_link_close(&link);
    return status;
}

static int run_nested(void *results, const mpijob_function *function, const mpijob_inputs *inputs,
                      const mpijob_parallel_options *options, mpijob_error *err)
{
    mpj_run run = {.began = mpj_now(), .shown_rank = outer_rank};
    int status = mpj_run_check(&run, results, function, inputs, options, 0, err);
    return status == MPIJOB_OK ? run_alone(&run, err) : status;
}

/* -- All together -- */

static void warn_of_cap(const mpj_run *run)
{
    if (run->rank == 0 && run->options.n_jobs > run->link->size)
        mpj_run_warn(run,
                     "n_jobs is %d and there are %d ranks: all are used; start more with `mpirun -n %d` or "
                     "`srun -n %d`",
                     run->options.n_jobs, run->link->size, run->options.n_jobs, run->options.n_jobs);
}

/* Everyone hears how it went, and on request gets the results. */
static int close_run(mpj_run *run, mpj_ending *ending, mpijob_error *err)
{
    mpj_link *link = run->link;
    const mpijob_parallel_options *o = &run->options;
    mpj_spread(link, ending, sizeof *ending);
    if (o->everywhere && ending->spread) {
        size_t bytes = o->reduce ? o->accumulator_size : run->inputs.count * run->function->result_size;
        mpj_spread(link, run->results, bytes);
        if (o->statuses)
            mpj_spread(link, o->statuses, run->inputs.count);
    }
    if (ending->stop_requested)
        mpijob_request_stop();
    if (run->rank != 0 && o->stats) {
        mpijob_rank_stats *ranks = o->stats->ranks;
        size_t capacity = o->stats->ranks_capacity;
        *o->stats = (mpijob_stats){.ranks = ranks, .ranks_capacity = capacity};
        o->stats->wall_s = ending->wall_s;
        o->stats->ranks_total = (uint32_t)link->size;
    }
    *err = ending->error;
    return ending->status;
}

static int run_agreed(mpj_run *run, mpijob_error *err)
{
    mpj_ending ending;
    memset(&ending, 0, sizeof ending);
    int status = mpj_run_resolve(run, err);
    if (status == MPIJOB_OK)
        status = agree_on_keys(run, err);
    if (status != MPIJOB_OK) {
        memset(err->host, 0, sizeof err->host);
        return status; /* from what all ranks have in common: the same on all */
    }
    warn_of_cap(run);
    if (run->rank == 0)
        mpj_schedule(run, &ending);
    else
        mpj_work_for(run);
    return close_run(run, &ending, err);
}

int mpj_run_over(mpj_link *link, void *results, const mpijob_function *function, const mpijob_inputs *inputs,
                 const mpijob_parallel_options *options, int problem, bool *agreed, mpijob_error *err)
{
    mpj_run run = {.link = link, .rank = link->rank, .shown_rank = link->rank, .began = mpj_now()};
    mpj_vote vote = {.status = problem};
    if (problem == MPIJOB_OK)
        vote.status = mpj_run_check(&run, results, function, inputs, options, link->rank, err);
    if (vote.status == MPIJOB_OK)
        vote.status = prepare_keys(&run, err);
    if (vote.status == MPIJOB_OK)
        vote.digest = mpj_run_digest(&run);
    vote.root[1] = vote.status == MPIJOB_OK && mpj_memo_keeps(function);
    vote.root[2] = vote.status == MPIJOB_OK && (function->cached || mpj_memory_is_any_open());
    /* Counts are below 2^62, or unknown. */
    vote.root[0] = run.inputs.count == MPIJOB_UNKNOWN ? -1 : (int64_t)run.inputs.count;
    int status = mpj_agree(link, &vote, err);
    *agreed = status == MPIJOB_OK;
    run.kept = vote.root[1] == 1;
    run.keyed = vote.root[2] == 1;
    if (*agreed && link->rank != 0)
        run.inputs = (mpijob_inputs){.count = vote.root[0] < 0 ? MPIJOB_UNKNOWN : (uint64_t)vote.root[0]};
    if (*agreed)
        status = run_agreed(&run, err);
    mpj_free(run.shared_digests);
    return status;
}

/* Serving ranks need to hear only of runs that rank 0 can begin. */
static int check_to_announce(void *results, const mpijob_function *function, const mpijob_inputs *inputs,
                             const mpijob_parallel_options *options, mpijob_error *err)
{
    mpj_run run = {.rank = 0};
    int status = mpj_run_check(&run, results, function, inputs, options, 0, err);
    if (status != MPIJOB_OK)
        mpj_name_rank(err, 0);
    return status;
}

static int run_collectively(void *results, const mpijob_function *function, const mpijob_inputs *inputs, MPI_Comm comm,
                            const mpijob_parallel_options *options, mpijob_error *err)
{
    mpj_link spare;
    mpj_link *link;
    bool fresh;
    int problem;
    int status = mpj_link_get(&link, &spare, &fresh, &problem, comm, err);
    if (status != MPIJOB_OK)
        mpj_abort(comm, err);
    mpijob_parallel_options served;
    if (link->serving) {
        status = check_to_announce(results, function, inputs, options, err);
        if (status == MPIJOB_OK)
            status = mpj_serve_announce_run(link, function, options, err);
        if (status != MPIJOB_OK)
            return status;
        /* The serving ranks have no place for results. */
        served = options ? *options : (mpijob_parallel_options){0};
        served.everywhere = 0;
        options = &served;
    }
    bool agreed;
    status = mpj_run_over(link, results, function, inputs, options, problem, &agreed, err);
    if (fresh && !agreed)
        mpj_link_drop(link, &spare, comm);
    return status;
}

int mpijob_parallel(void *results, const mpijob_function *function, const mpijob_inputs *inputs, MPI_Comm comm,
                    const mpijob_parallel_options *options, mpijob_error *err)
{
    mpijob_error record;
    int status;
    int rank;
    if (mpj_is_in_run()) {
        status = run_nested(results, function, inputs, options, &record);
    } else if ((status = mpj_check_comm(comm, &record)) == MPIJOB_OK) {
        unsigned long slack = mpj_timer_slack(TIMER_SLACK_NS);
        MPI_Comm_rank(comm, &rank);
        mpj_run_begins(rank);
        status = run_collectively(results, function, inputs, comm, options, &record);
        mpj_run_ends();
        if (slack)
            mpj_timer_slack(slack);
    }
    if (status != MPIJOB_OK && err)
        *err = record;
    return status;
}
