/* A job's random stream depends on the run's seed and its index, on nothing else. */
#include "suite.h"

#include <string.h>

#define JOBS 500

typedef struct drawn {
    uint64_t whole, below;
    double fraction, normal;
} drawn;

static drawn draw_some(mpijob_random *random)
{
    drawn d;
    d.whole = mpijob_random_u64(random);
    d.below = mpijob_random_below(random, 1000);
    d.fraction = mpijob_random_double(random);
    d.normal = mpijob_random_normal(random);
    return d;
}

static int draw_in_job(void *result, const void *args, mpijob_job *job)
{
    mpijob_random random;
    (void)args;
    if (job->seed != *(const uint64_t *)job->context)
        return mpijob_job_fail(job, "another seed");
    mpijob_job_random(job, &random);
    drawn d = draw_some(&random);
    memcpy(result, &d, sizeof d);
    return 0;
}

static const struct {
    uint64_t seed;
    int n_jobs;
    uint64_t batch_size;
    int rank0;
    bool costs;
} ways[] = {
    {0, 0, 0, MPIJOB_RANK0_AUTO, false},          {1, 0, 0, MPIJOB_RANK0_AUTO, false},
    {1, 1, 0, MPIJOB_RANK0_AUTO, false},          {1, 0, 1, MPIJOB_RANK0_SCHEDULES, false},
    {UINT64_MAX, 0, 13, MPIJOB_RANK0_WORKS, true}, {1, -2, 0, MPIJOB_RANK0_AUTO, true},
};

START_TEST(streams_are_those_of_a_serial_program)
{
    drawn results[JOBS];
    double costs[JOBS];
    uint64_t seed = ways[_i].seed;
    for (int i = 0; i < JOBS; i++)
        costs[i] = i * 7919 % 101;
    mpijob_function f = {.call = draw_in_job, .result_size = sizeof(drawn)};
    mpijob_inputs inputs = mpijob_range(JOBS);
    inputs.costs = ways[_i].costs ? costs : NULL;
    mpijob_parallel_options options = {.seed = seed,
                                       .context = &seed,
                                       .n_jobs = ways[_i].n_jobs,
                                       .batch_size = ways[_i].batch_size,
                                       .rank0 = ways[_i].rank0,
                                       .everywhere = 1};
    int status = run(results, &f, &inputs, &options, NULL);
    ck_assert_int_eq(status, MPIJOB_OK);
    bool right = true;
    for (uint64_t i = 0; i < JOBS; i++) {
        mpijob_random random;
        mpijob_random_init(&random, seed, i);
        drawn d = draw_some(&random);
        right = right && memcmp(&d, &results[i], sizeof d) == 0 && (i == 0 || d.whole != results[i - 1].whole);
    }
    everyone(right);
}
END_TEST

int main(int argc, char **argv)
{
    Suite *suite = suite_create("random_streams");
    TCase *group = suite_group(suite, "random streams");
    tcase_add_loop_test(group, streams_are_those_of_a_serial_program, 0, COUNT_OF(ways));
    return suite_main(argc, argv, suite);
}
