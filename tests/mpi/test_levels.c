/* The same results whatever thread level MPI has: test_levels [single|funneled|serialized|multiple] */
#include "suite.h"

#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int level;

static int count_up(void *result, const void *args, mpijob_job *job)
{
    (void)args;
    *(uint64_t *)result = job->index + 1;
    return 0;
}

/* Jobs that talk to MPI themselves, each in its own process. */
static int use_mpi(void *result, const void *args, mpijob_job *job)
{
    uint64_t sent = job->index + 1;
    uint64_t received = 0;
    uint64_t sum = 0;
    (void)args;
    MPI_Sendrecv(&sent, 1, MPI_UINT64_T, 0, 5, &received, 1, MPI_UINT64_T, 0, 5, MPI_COMM_SELF, MPI_STATUS_IGNORE);
    MPI_Allreduce(&received, &sum, 1, MPI_UINT64_T, MPI_SUM, MPI_COMM_SELF);
    if (job->index % 64 == 0)
        suite_sleep(5e-3);
    *(uint64_t *)result = sum;
    return 0;
}

/* One in a hundred is long: on rank 0 a thread of the library serves the others meanwhile, if it may. */
static int sometimes_long(void *result, const void *args, mpijob_job *job)
{
    if (job->index % 100 == 0)
        suite_sleep(20e-3);
    return count_up(result, args, job);
}

static const struct {
    mpijob_call *call;
    int rank0, jobs_call_mpi;
    uint64_t batch_size;
} ways[] = {
    {count_up, MPIJOB_RANK0_AUTO, 0, 0},
    {count_up, MPIJOB_RANK0_SCHEDULES, 0, 0},
    {count_up, MPIJOB_RANK0_WORKS, 0, 0},
    {sometimes_long, MPIJOB_RANK0_AUTO, 0, 0},
    {sometimes_long, MPIJOB_RANK0_SCHEDULES, 0, 0},
    {sometimes_long, MPIJOB_RANK0_WORKS, 0, 5},
    {use_mpi, MPIJOB_RANK0_AUTO, 1, 0},
    {use_mpi, MPIJOB_RANK0_SCHEDULES, 1, 0},
    {use_mpi, MPIJOB_RANK0_WORKS, 1, 3},
    {use_mpi, MPIJOB_RANK0_WORKS, 1, 0},
};

/* How many jobs rank 0 executed, on all ranks. */
static uint64_t run_a_way(int at)
{
    uint64_t results[1000] = {0};
    mpijob_rank_stats ranks[1] = {{.jobs = 0}};
    mpijob_stats stats = {.ranks = ranks, .ranks_capacity = 1};
    mpijob_function f = {.call = ways[at].call, .result_size = sizeof(uint64_t)};
    mpijob_inputs inputs = mpijob_range(1000);
    mpijob_parallel_options options = {.rank0 = ways[at].rank0,
                                       .jobs_call_mpi = ways[at].jobs_call_mpi,
                                       .batch_size = ways[at].batch_size,
                                       .everywhere = 1,
                                       .stats = &stats};
    int status = run(results, &f, &inputs, &options, NULL);
    ck_assert_int_eq(status, MPIJOB_OK);
    bool right = true;
    for (uint64_t i = 0; i < 1000; i++)
        right = right && results[i] == i + 1;
    everyone(right);
    suite_spread(ranks, sizeof ranks, 0);
    return ranks[0].jobs;
}

START_TEST(results_are_the_same)
{
    uint64_t own = run_a_way(_i);
    ck_assert(ways[_i].rank0 != MPIJOB_RANK0_SCHEDULES || suite_size == 1 || own == 0);
    /* Rank 0 takes jobs when it gets to run, and the others may have done them all by then. */
    bool works = ways[_i].rank0 == MPIJOB_RANK0_WORKS;
    for (int i = 0; i < 20 && works && own == 0; i++)
        own = run_a_way(_i);
    ck_assert(!works || own > 0);
}
END_TEST

/* -- A long job on rank 0 -- */

#define JOBS_TILL_STOP 20 /* then each of the other ranks asks for a stop */
#define PATIENCE_S 20

typedef struct patient {
    uint64_t executed;
    bool waits, starved;
} patient;

/* Rank 0's first job lasts until rank 0 has heard of a stop. That takes somebody who sends the others their jobs, and
 * receives, meanwhile. */
static int long_on_rank0(void *result, const void *args, mpijob_job *job)
{
    patient *p = job->context;
    (void)result, (void)args;
    bool first = p->executed++ == 0;
    double began = mpj_now();
    while (p->waits && first && !mpijob_stop_requested() && mpj_now() - began < PATIENCE_S)
        suite_sleep(1e-3);
    p->starved = p->starved || (p->waits && !mpijob_stop_requested());
    if (job->rank > 0 && p->executed == JOBS_TILL_STOP)
        mpijob_request_stop();
    suite_sleep(1e-3);
    return 0;
}

START_TEST(a_long_job_on_rank_0_starves_nobody)
{
    patient p = {.waits = suite_rank == 0 && suite_size > 1 && level >= MPI_THREAD_SERIALIZED};
    mpijob_function f = {.call = long_on_rank0};
    mpijob_inputs inputs = mpijob_range(suite_size == 1 ? 10 : 1000000);
    mpijob_parallel_options options = {.context = &p, .batch_size = 1};
    int status = run(NULL, &f, &inputs, &options, NULL);
    mpijob_clear_stop();
    ck_assert_int_eq(status, suite_size == 1 ? MPIJOB_OK : MPIJOB_ECANCELED);
    everyone(!p.starved);
}
END_TEST

int main(int argc, char **argv)
{
    static const char *const names[] = {"single", "funneled", "serialized", "multiple"};
    static const int levels[] = {MPI_THREAD_SINGLE, MPI_THREAD_FUNNELED, MPI_THREAD_SERIALIZED, MPI_THREAD_MULTIPLE};
    int asked = 2;
    if (argc > 1)
        for (asked = 0; asked < COUNT_OF(names) && strcmp(argv[1], names[asked]) != 0;)
            asked++;
    if (asked == COUNT_OF(names)) {
        fprintf(stderr, "test_levels: unknown level '%s'\n", argv[1]);
        return 2;
    }
    MPI_Init_thread(&argc, &argv, levels[asked], &level);
    Suite *suite = suite_create(names[asked]);
    TCase *group = suite_group(suite, "levels");
    tcase_add_loop_test(group, results_are_the_same, 0, COUNT_OF(ways));
    tcase_add_test(group, a_long_job_on_rank_0_starves_nobody);
    int result = suite_run(suite);
    return mpijob_finalize(NULL) == MPIJOB_OK ? result : EXIT_FAILURE;
}
