/* Longest first: jobs with higher cost start earlier, and results come in order all the same. */
#include "suite.h"

#include <stdlib.h>

#define JOBS 1000

/* The jobs of this rank, in the order in which they were started. */
typedef struct started {
    uint64_t index[JOBS];
    uint64_t count;
} started;

static int note(void *result, const void *args, mpijob_job *job)
{
    started *s = job->context;
    (void)args;
    s->index[s->count++] = job->index;
    *(uint64_t *)result = job->index + 1;
    return 0;
}

static double cost_of(uint64_t index)
{
    return (double)(index * 7919 % 1009) / 8;
}

static bool is_descending(const started *s)
{
    for (uint64_t i = 1; i < s->count; i++)
        if (cost_of(s->index[i - 1]) < cost_of(s->index[i]))
            return false;
    return true;
}

static int in_order(const void *result, size_t bytes, uint64_t index, const mpijob_error *failure, void *payload,
                    mpijob_error *err)
{
    uint64_t *next = payload;
    (void)bytes, (void)failure, (void)err;
    return index == (*next)++ && *(const uint64_t *)result == index + 1 ? MPIJOB_GO_ON : -1;
}

static const uint64_t batch_sizes[] = {0, 1, 7};

/* Each rank gets its jobs in falling order; with one rank that is the order of all. */
START_TEST(larger_costs_start_first)
{
    double costs[JOBS];
    uint64_t next = 0;
    uint64_t total = 0;
    started *s = calloc(1, sizeof *s);
    for (uint64_t i = 0; i < JOBS; i++)
        costs[i] = cost_of(i);
    mpijob_function f = {.call = note, .result_size = sizeof(uint64_t)};
    mpijob_inputs inputs = mpijob_range(JOBS);
    inputs.costs = costs;
    mpijob_parallel_options options = {.context = s,
                                       .batch_size = batch_sizes[_i],
                                       .return_as = MPIJOB_GENERATOR,
                                       .consume = in_order,
                                       .consume_payload = &next};
    int status = run(NULL, &f, &inputs, &options, NULL);
    ck_assert_int_eq(status, MPIJOB_OK);
    rank0(next == JOBS);
    everyone(is_descending(s));
    MPI_Allreduce(&s->count, &total, 1, MPI_UINT64_T, MPI_SUM, MPI_COMM_WORLD);
    ck_assert_uint_eq(total, JOBS);
    free(s);
}
END_TEST

static int draw(void *args, double *cost, uint64_t index, void *payload, mpijob_error *err)
{
    (void)args, (void)payload, (void)err;
    *cost = cost_of(index);
    return MPIJOB_MORE;
}

/* Of the jobs that are drawn, the largest one; so few are drawn at once. */
START_TEST(costs_from_a_generator)
{
    uint64_t results[16];
    started *s = calloc(1, sizeof *s);
    mpijob_function f = {.call = note, .result_size = sizeof(uint64_t)};
    mpijob_inputs inputs = mpijob_generator(draw, NULL, 16);
    mpijob_parallel_options options = {.context = s, .n_jobs = 1, .pre_dispatch = "all"};
    int status = run(results, &f, &inputs, &options, NULL);
    ck_assert_int_eq(status, MPIJOB_OK);
    rank0(s->count == 16 && is_descending(s));
    bool right = true;
    for (uint64_t i = 0; i < 16; i++)
        right = right && results[i] == i + 1;
    rank0(right);
    free(s);
}
END_TEST

START_TEST(equal_and_zero_costs)
{
    uint64_t results[JOBS];
    double costs[JOBS];
    started *s = calloc(1, sizeof *s);
    for (uint64_t i = 0; i < JOBS; i++)
        costs[i] = _i;
    mpijob_function f = {.call = note, .result_size = sizeof(uint64_t)};
    mpijob_inputs inputs = mpijob_range(JOBS);
    inputs.costs = costs;
    mpijob_parallel_options options = {.context = s};
    int status = run(results, &f, &inputs, &options, NULL);
    free(s);
    ck_assert_int_eq(status, MPIJOB_OK);
    bool right = true;
    for (uint64_t i = 0; i < JOBS; i++)
        right = right && results[i] == i + 1;
    rank0(right);
}
END_TEST

int main(int argc, char **argv)
{
    Suite *suite = suite_create("cost");
    TCase *group = suite_group(suite, "cost");
    tcase_add_loop_test(group, larger_costs_start_first, 0, COUNT_OF(batch_sizes));
    tcase_add_test(group, costs_from_a_generator);
    tcase_add_loop_test(group, equal_and_zero_costs, 0, 2);
    return suite_main(argc, argv, suite);
}
