/* The n-th allocation fails on one rank, alone or with all that follow it, for every n and every rank: the run ends on
 * all ranks with the same record, and the next run works.
 *
 * With up to two ranks, or the argument "whole": every n. With more ranks each of them takes a share of the n. */
#include "suite.h"

#include "base/alloc.h"

#include <stdio.h>
#include <string.h>

#define JOBS 60
#define MOST_ALLOCATIONS 2000 /* no kind of run here makes so many */
#define LARGE_ARGS 6000       /* do not fit into a message */

/* -- Jobs -- */

static int square(void *result, const void *args, mpijob_job *job)
{
    (void)args;
    *(uint64_t *)result = job->index * job->index;
    return 0;
}

static int any_size(void *result, const void *args, mpijob_job *job)
{
    (void)result, (void)args;
    size_t bytes = (size_t)(job->index * 97 % 5000);
    unsigned char *room = mpijob_job_result(job, bytes);
    if (!room)
        return mpijob_job_fail(job, "no room");
    pattern_fill(room, bytes, job->index);
    return 0;
}

static int first_of_args(void *result, const void *args, mpijob_job *job)
{
    (void)job;
    memcpy(result, args, sizeof(uint64_t));
    return 0;
}

static int fail_some(void *result, const void *args, mpijob_job *job)
{
    (void)args;
    *(uint64_t *)result = job->index;
    return job->index % 3 == 0 ? mpijob_job_fail(job, "job %d of many that fail", (int)job->index) : 0;
}

static const mpijob_function squares = {.name = "squares", .call = square, .result_size = sizeof(uint64_t)};
static const mpijob_function of_any_size = {.name = "any size", .call = any_size, .result_size = MPIJOB_ANY_SIZE};
static const mpijob_function small_args = {
    .name = "small", .call = first_of_args, .args_size = sizeof(uint64_t), .result_size = sizeof(uint64_t)};
static const mpijob_function large_args = {
    .name = "large", .call = first_of_args, .args_size = LARGE_ARGS, .result_size = sizeof(uint64_t)};
static const mpijob_function failing = {.name = "failing", .call = fail_some, .result_size = sizeof(uint64_t)};

/* -- Kinds of runs: each returns a status, and whether its results were right in *right -- */

static uint64_t results[JOBS];

static bool squares_are_right(void)
{
    for (uint64_t i = 0; i < JOBS; i++)
        if (results[i] != i * i)
            return false;
    return true;
}

static int run_list(MPI_Comm comm, bool *right, mpijob_error *err)
{
    mpijob_inputs inputs = mpijob_range(JOBS);
    memset(results, 0, sizeof results);
    int status = mpijob_parallel(results, &squares, &inputs, comm, NULL, err);
    *right = suite_rank != 0 || squares_are_right();
    return status;
}

static int run_everywhere(MPI_Comm comm, bool *right, mpijob_error *err)
{
    static const mpijob_parallel_options options = {.everywhere = 1, .batch_size = 3};
    mpijob_inputs inputs = mpijob_range(JOBS);
    memset(results, 0, sizeof results);
    int status = mpijob_parallel(results, &squares, &inputs, comm, &options, err);
    *right = squares_are_right();
    return status;
}

static int run_with_costs(MPI_Comm comm, bool *right, mpijob_error *err)
{
    static const mpijob_parallel_options options = {.batch_size = 4};
    static double costs[JOBS];
    mpijob_inputs inputs = mpijob_range(JOBS);
    for (int i = 0; i < JOBS; i++)
        costs[i] = i * 7 % 11;
    inputs.costs = costs;
    memset(results, 0, sizeof results);
    int status = mpijob_parallel(results, &squares, &inputs, comm, &options, err);
    *right = suite_rank != 0 || squares_are_right();
    return status;
}

static int run_array(MPI_Comm comm, bool *right, mpijob_error *err)
{
    static unsigned char array[JOBS][LARGE_ARGS];
    mpijob_inputs inputs = mpijob_arguments(array, JOBS);
    for (uint64_t i = 0; i < JOBS; i++) {
        uint64_t square_of = i * i;
        memcpy(array[i], &square_of, sizeof square_of);
    }
    memset(results, 0, sizeof results);
    int status = mpijob_parallel(results, &large_args, &inputs, comm, NULL, err);
    *right = suite_rank != 0 || squares_are_right();
    return status;
}

static int next_square(void *args, double *cost, uint64_t index, void *payload, mpijob_error *err)
{
    (void)payload, (void)err;
    if (index == JOBS)
        return MPIJOB_END;
    uint64_t square_of = index * index;
    memcpy(args, &square_of, sizeof square_of);
    *cost = (double)(index % 5);
    return MPIJOB_MORE;
}

static int consume_square(const void *result, size_t bytes, uint64_t index, const mpijob_error *failure, void *payload,
                          mpijob_error *err)
{
    (void)bytes, (void)failure, (void)payload, (void)err;
    memcpy(&results[index], result, sizeof results[index]);
    return MPIJOB_GO_ON;
}

static int run_generator_of(const mpijob_function *function, int return_as, MPI_Comm comm, bool *right,
                            mpijob_error *err)
{
    mpijob_parallel_options options = {.return_as = return_as, .consume = consume_square, .pre_dispatch = "7*n_jobs"};
    mpijob_inputs inputs = mpijob_generator(next_square, NULL, MPIJOB_UNKNOWN);
    memset(results, 0, sizeof results);
    int status = mpijob_parallel(NULL, function, &inputs, comm, &options, err);
    *right = suite_rank != 0 || squares_are_right();
    return status;
}

static int run_generator(MPI_Comm comm, bool *right, mpijob_error *err)
{
    return run_generator_of(&small_args, MPIJOB_GENERATOR, comm, right, err);
}

static int run_large_generator(MPI_Comm comm, bool *right, mpijob_error *err)
{
    return run_generator_of(&large_args, MPIJOB_GENERATOR_UNORDERED, comm, right, err);
}

static bool consumed_right;
static uint64_t consumed;

static int consume_any_size(const void *result, size_t bytes, uint64_t index, const mpijob_error *failure,
                            void *payload, mpijob_error *err)
{
    (void)failure, (void)payload, (void)err;
    consumed_right = consumed_right && index == consumed && bytes == index * 97 % 5000 &&
                     pattern_is(result, bytes, index);
    consumed++;
    return MPIJOB_GO_ON;
}

static int run_any_size(MPI_Comm comm, bool *right, mpijob_error *err)
{
    static const mpijob_parallel_options options = {.return_as = MPIJOB_GENERATOR, .consume = consume_any_size};
    mpijob_inputs inputs = mpijob_range(JOBS);
    consumed_right = true;
    consumed = 0;
    int status = mpijob_parallel(NULL, &of_any_size, &inputs, comm, &options, err);
    *right = suite_rank != 0 || (consumed_right && consumed == JOBS);
    /* Here it is the job that is told, and the job says so. */
    if (status == MPIJOB_EJOB && strstr(err->text, "no room"))
        status = err->status = MPIJOB_ENOMEM;
    return status;
}

static int run_with_failures(MPI_Comm comm, bool *right, mpijob_error *err)
{
    static const mpijob_parallel_options options = {.on_error = MPIJOB_CONTINUE, .batch_size = 10};
    mpijob_inputs inputs = mpijob_range(JOBS);
    int status = mpijob_parallel(results, &failing, &inputs, comm, &options, err);
    *right = true;
    for (uint64_t i = 0; suite_rank == 0 && i < JOBS; i++)
        *right = *right && results[i] == (i % 3 == 0 ? 0 : i);
    /* What this run comes to when nothing is short. */
    return status == MPIJOB_EJOB && err->job == 0 ? MPIJOB_OK : status;
}

static int run_share(MPI_Comm comm, bool *right, mpijob_error *err)
{
    static const char text[] = "a large input";
    mpijob_shared *shared;
    int status = mpijob_share(&shared, suite_rank == 0 ? text : NULL, sizeof text, comm, NULL, err);
    *right = status == MPIJOB_OK && strcmp(mpijob_shared_data(shared), text) == 0;
    if (status == MPIJOB_OK)
        mpijob_share_free(shared);
    return status;
}

/* The first run on a communicator. */
static int run_fresh(MPI_Comm comm, bool *right, mpijob_error *err)
{
    MPI_Comm fresh;
    MPI_Comm_dup(comm, &fresh);
    int status = run_list(fresh, right, err);
    MPI_Comm_free(&fresh);
    return status;
}

/* The other ranks hear of rank 0's status only here. */
static int run_serve(MPI_Comm comm, bool *right, mpijob_error *err)
{
    static const mpijob_function *const functions[] = {&squares, NULL};
    static const char text[] = "shared by rank 0";
    mpijob_shared *shared;
    const mpijob_shared *list[1];
    mpijob_parallel_options options = {.shared = list, .shared_count = 1};
    mpijob_inputs inputs = mpijob_range(JOBS);
    *right = true;
    int status = mpijob_serve(functions, NULL, comm, err);
    if (status == MPIJOB_LEADS) {
        memset(results, 0, sizeof results);
        status = mpijob_share(&shared, text, sizeof text, comm, NULL, err);
        if (status == MPIJOB_OK) {
            list[0] = shared;
            status = mpijob_parallel(results, &squares, &inputs, comm, &options, err);
            mpijob_share_free(shared);
        }
        mpijob_serve_end(comm, NULL);
        *right = squares_are_right();
    }
    if (status == MPIJOB_SERVED)
        status = MPIJOB_OK;
    suite_spread(&status, sizeof status, 0);
    suite_spread(err, sizeof *err, 0);
    return status;
}

static const struct kind {
    const char *name;
    int (*go)(MPI_Comm comm, bool *right, mpijob_error *err);
} kinds[] = {
    {"list", run_list},           {"everywhere", run_everywhere},
    {"costs", run_with_costs},    {"array", run_array},
    {"generator", run_generator}, {"large generator", run_large_generator},
    {"any size", run_any_size},   {"failures", run_with_failures},
    {"share", run_share},         {"fresh communicator", run_fresh},
    {"serve", run_serve},
};

/* -- The test -- */

/* What fails: one allocation, or that one and all after it. */
enum { ONE, ALL_FROM, SHORTAGES };

static bool whole;

/* From when on memory is short, and where. */
typedef struct fault {
    const struct kind *kind;
    int shortage;
    int victim;
    uint64_t n;
} fault;

static void arm(const fault *f)
{
    uint64_t n = suite_rank == f->victim ? f->n : UINT64_MAX;
    if (f->shortage == ONE)
        mpj_alloc_fail_after(n);
    else
        mpj_alloc_fail_from(n);
}

/* One run; whether an allocation did fail. All ranks return the same. */
static bool go_with_fault(const fault *f)
{
    mpijob_error err;
    bool right = false;
    char where[100];
    snprintf(where, sizeof where, "%s: allocation %d%s on rank %d", f->kind->name, (int)f->n,
             f->shortage == ONE ? "" : " and later", f->victim);
    memset(&err, 0, sizeof err);
    arm(f);
    int status = f->kind->go(MPI_COMM_WORLD, &right, &err);
    int failed = mpj_alloc_fail_after(UINT64_MAX) > f->n;
    suite_spread(&failed, sizeof failed, f->victim);
    int least = suite_least(status);
    int most = -suite_least(-status);
    ck_assert_msg(least == most, "%s: statuses are %d to %d", where, least, most);
    ck_assert_msg(status == MPIJOB_ENOMEM || status == MPIJOB_OK, "%s: status %d", where, status);
    ck_assert_msg(failed || status == MPIJOB_OK, "%s: none failed and the status is %d", where, status);
    if (status == MPIJOB_OK) {
        everyone(right);
        return failed;
    }
    suite_same(status, &err);
    ck_assert_msg(err.status == status && err.text[0] && err.rank == f->victim,
                  "%s: the record has status %d, rank %d, '%s'", where, err.status, err.rank, err.text);
    return failed;
}

/* Ranks other than 0 are alike, and what rank 0 allocates hardly depends on how many there are. */
static uint64_t first_n(int victim)
{
    return whole || suite_size <= 2 || victim == 0 ? 0 : (uint64_t)victim - 1;
}

static uint64_t next_n(uint64_t n)
{
    return whole || suite_size <= 2 ? n + 1 : n + (uint64_t)suite_size - 1;
}

/* The last of them are the first that no run gets to: how many allocations a run makes is a matter of speed, too. */
static void every_n(fault *f)
{
    mpijob_error err;
    bool right;
    int failed = 0;
    int passed = 0; /* in a row */
    for (f->n = first_n(f->victim); passed < 3 && f->n < MOST_ALLOCATIONS; f->n = next_n(f->n)) {
        bool any = go_with_fault(f);
        failed += any;
        passed = any ? 0 : passed + 1;
        everyone(run_list(MPI_COMM_WORLD, &right, &err) == MPIJOB_OK);
        everyone(right);
        everyone(suite_is_quiet(MPI_COMM_WORLD));
    }
    ck_assert_msg(passed == 3, "%s: rank %d never runs out of allocations", f->kind->name, f->victim);
    ck_assert_msg(failed > 0 || f->victim > 0, "%s: rank 0 allocates nothing", f->kind->name);
}

START_TEST(every_rank_learns_that_memory_is_short)
{
    fault f = {.kind = &kinds[_i / SHORTAGES], .shortage = _i % SHORTAGES};
    for (f.victim = 0; f.victim < suite_size; f.victim++)
        every_n(&f);
}
END_TEST

int main(int argc, char **argv)
{
    whole = argc > 1 && strcmp(argv[1], "whole") == 0;
    Suite *suite = suite_create("memory faults");
    TCase *group = suite_group(suite, "each allocation");
    tcase_add_loop_test(group, every_rank_learns_that_memory_is_short, 0, COUNT_OF(kinds) * SHORTAGES);
    tcase_set_timeout(group, 600);
    return suite_main(argc, argv, suite);
}
