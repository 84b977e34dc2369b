/* How many ranks take part, how large batches are, how many jobs are drawn ahead. */
#include "suite.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

static int who(void *result, const void *args, mpijob_job *job)
{
    (void)args;
    *(int32_t *)result = job->rank;
    return 0;
}

static const mpijob_function who_did = {.name = "who", .call = who, .result_size = sizeof(int32_t)};

/* ---- n_jobs ---------------------------------------------------------------------------------------------------- */

static const int n_jobs_values[] = {0, 1, -1, -2, -3, -100, 2, 3};

START_TEST(as_many_ranks_as_asked_for)
{
    int n_jobs = n_jobs_values[_i] > suite_size ? suite_size : n_jobs_values[_i];
    int wanted = n_jobs > 0 ? n_jobs : suite_size + 1 + (n_jobs ? n_jobs : -1);
    int32_t ranks[600];
    suite_log log = {.messages = 0};
    mpijob_stats stats = {.jobs = 0};
    mpijob_inputs inputs = mpijob_range(COUNT_OF(ranks));
    mpijob_parallel_options options = {
        .n_jobs = n_jobs, .batch_size = 3, .stats = &stats, .log = suite_listen, .log_payload = &log};
    int status = run(ranks, &who_did, &inputs, &options, NULL);
    ck_assert_int_eq(status, MPIJOB_OK);
    if (wanted < 1)
        wanted = 1;
    ck_assert_int_eq(mpijob_effective_n_jobs(n_jobs, suite_size), wanted);
    bool inside = true;
    for (int i = 0; i < COUNT_OF(ranks); i++)
        inside = inside && ranks[i] >= 0 && ranks[i] < wanted;
    rank0(inside);
    rank0(stats.ranks_used == (uint32_t)wanted);
    everyone(stats.ranks_total == (uint32_t)suite_size);
    everyone(log.messages == 0);
}
END_TEST

START_TEST(no_number_of_ranks_without_ranks)
{
    ck_assert_int_eq(mpijob_effective_n_jobs(3, 0), 0);
    ck_assert_int_eq(mpijob_effective_n_jobs(-1, -5), 0);
}
END_TEST

START_TEST(more_than_there_are)
{
    int32_t ranks[50];
    char expected[200];
    char advice[100];
    suite_log log = {.messages = 0};
    mpijob_stats stats = {.jobs = 0};
    mpijob_inputs inputs = mpijob_range(50);
    mpijob_parallel_options options = {
        .n_jobs = suite_size + 4, .stats = &stats, .log = suite_listen, .log_payload = &log};
    int status = run(ranks, &who_did, &inputs, &options, NULL);
    ck_assert_int_eq(status, MPIJOB_OK);
    snprintf(expected, sizeof expected, "n_jobs is %d and there are %d ranks", suite_size + 4, suite_size);
    snprintf(advice, sizeof advice, "mpirun -n %d", suite_size + 4);
    rank0(log.messages == 1 && strstr(log.last, expected) && strstr(log.last, advice));
    rank0(stats.ranks_used == (uint32_t)suite_size);
    everyone(suite_rank == 0 || log.messages == 0);
}
END_TEST

/* ---- Ranks that wait ------------------------------------------------------------------------------------------- */

static double cpu_seconds(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e-6;
}

static int rest(void *result, const void *args, mpijob_job *job)
{
    (void)result, (void)args, (void)job;
    suite_sleep(1);
    return 0;
}

/* One job that needs no processor: a rank that is left out, one that has nothing to do, and the scheduler all sleep. */
START_TEST(ranks_that_wait_are_asleep)
{
    mpijob_function f = {.call = rest};
    mpijob_inputs inputs = mpijob_range(1);
    mpijob_parallel_options options = {.n_jobs = _i == 0 ? 1 : -1,
                                       .rank0 = _i == 2 ? MPIJOB_RANK0_SCHEDULES : MPIJOB_RANK0_AUTO};
    double before = cpu_seconds();
    double began = MPI_Wtime();
    int status = run(NULL, &f, &inputs, &options, NULL);
    double used = cpu_seconds() - before;
    double passed = MPI_Wtime() - began;
    ck_assert_int_eq(status, MPIJOB_OK);
    everyone(used < 0.4 * passed);
}
END_TEST

/* ---- Batches --------------------------------------------------------------------------------------------------- */

static const struct {
    uint64_t jobs, batch_size, most, batches_least, batches_most;
} batches[] = {
    {100, 7, 0, 15, 15},  {100, 1, 0, 100, 100},        {100, 100, 0, 1, 1}, {100, 1000, 0, 1, 1},
    {3000, 0, 3, 1000, 3000}, {3000, 0, 1, 3000, 3000}, {100, 7, 2, 15, 15},
};

START_TEST(batches_are_as_large_as_asked_for)
{
    int32_t ranks[3000];
    mpijob_stats stats = {.jobs = 0};
    mpijob_inputs inputs = mpijob_range(batches[_i].jobs);
    mpijob_parallel_options options = {
        .batch_size = batches[_i].batch_size, .max_batch_size = batches[_i].most, .stats = &stats};
    int status = run(ranks, &who_did, &inputs, &options, NULL);
    ck_assert_int_eq(status, MPIJOB_OK);
    rank0(stats.jobs == batches[_i].jobs);
    rank0(stats.batches >= batches[_i].batches_least && stats.batches <= batches[_i].batches_most);
}
END_TEST

START_TEST(as_many_single_jobs_as_ranks)
{
    int32_t ranks[64];
    mpijob_function f = {.name = "rest", .call = who, .result_size = sizeof(int32_t)};
    mpijob_inputs inputs = mpijob_range((uint64_t)suite_size);
    mpijob_parallel_options options = {.batch_size = 1};
    int status = run(ranks, &f, &inputs, &options, NULL);
    ck_assert_int_eq(status, MPIJOB_OK);
    bool inside = true;
    for (int i = 0; i < suite_size; i++)
        inside = inside && ranks[i] >= 0 && ranks[i] < suite_size;
    rank0(inside);
}
END_TEST

/* ---- pre_dispatch ---------------------------------------------------------------------------------------------- */

#define DRAWN 150 /* with a narrow window each job waits for a message */

/* Counts what is drawn and not yet handed out. */
typedef struct window {
    uint64_t drawn, handed_out, widest, end;
} window;

static int draw(void *args, double *cost, uint64_t index, void *payload, mpijob_error *err)
{
    window *w = payload;
    (void)cost, (void)err;
    if (index == w->end)
        return MPIJOB_END;
    *(uint64_t *)args = index;
    w->drawn++;
    if (w->drawn - w->handed_out > w->widest)
        w->widest = w->drawn - w->handed_out;
    return MPIJOB_MORE;
}

static int hand(const void *result, size_t bytes, uint64_t index, const mpijob_error *failure, void *payload,
                mpijob_error *err)
{
    window *w = payload;
    (void)result, (void)bytes, (void)index, (void)failure, (void)err;
    w->handed_out++;
    return MPIJOB_GO_ON;
}

static const struct {
    const char *text;
    int factor, constant; /* of n_jobs */
} windows[] = {
    {"1", 0, 1},          {"5", 0, 5},           {"n_jobs", 1, 0},           {"2*n_jobs", 2, 0},
    {"3 * n_jobs - 1", 3, -1}, {"(n_jobs+1)**2//(n_jobs+1)", 1, 1}, {"1.5+n_jobs", 1, 1}, {"all", 0, DRAWN},
};

static void check_window(int at, int return_as, uint64_t batch_size)
{
    window w = {.end = DRAWN};
    mpijob_function f = {.call = who, .args_size = sizeof(uint64_t), .result_size = sizeof(int32_t)};
    mpijob_inputs inputs = mpijob_generator(draw, &w, MPIJOB_UNKNOWN);
    mpijob_parallel_options options = {.pre_dispatch = windows[at].text,
                                       .batch_size = batch_size,
                                       .return_as = return_as,
                                       .consume = hand,
                                       .consume_payload = &w};
    int status = run(NULL, &f, &inputs, &options, NULL);
    ck_assert_int_eq(status, MPIJOB_OK);
    uint64_t bound = (uint64_t)(windows[at].factor * suite_size + windows[at].constant);
    rank0(w.drawn == DRAWN && w.handed_out == DRAWN);
    rank0(w.widest <= bound);
    rank0(bound > 5 || w.widest == bound);
}

START_TEST(no_more_are_drawn_than_allowed)
{
    check_window(_i, MPIJOB_GENERATOR, 0);
    check_window(_i, MPIJOB_GENERATOR_UNORDERED, 0);
    check_window(_i, MPIJOB_GENERATOR, 4);
}
END_TEST

static int have_enough(const void *result, size_t bytes, uint64_t index, const mpijob_error *failure, void *payload,
                       mpijob_error *err)
{
    hand(result, bytes, index, failure, payload, err);
    return index >= 20 ? MPIJOB_ENOUGH : MPIJOB_GO_ON;
}

static int short_rest(void *result, const void *args, mpijob_job *job)
{
    (void)args;
    suite_sleep(1e-3);
    return who(result, NULL, job);
}

START_TEST(generators_are_lazy_by_default)
{
    window w = {.end = UINT64_MAX};
    mpijob_function f = {.call = short_rest, .args_size = sizeof(uint64_t), .result_size = sizeof(int32_t)};
    mpijob_inputs inputs = mpijob_generator(draw, &w, MPIJOB_UNKNOWN);
    mpijob_parallel_options options = {
        .return_as = MPIJOB_GENERATOR, .consume = have_enough, .consume_payload = &w};
    int status = run(NULL, &f, &inputs, &options, NULL);
    ck_assert_int_eq(status, MPIJOB_OK);
    rank0(w.drawn < 100000);
}
END_TEST

static const char *const bad_expressions[] = {
    "",        "0",    "-1",       "n_jobs-100", "2*",     "foo",   "1/0",
    "2*n_jobs)", "(2", "n_jobs n", "all+1",      "n_jobs/1000000", "0123456789+0123456789+0123456789",
};

START_TEST(expressions_that_make_no_sense)
{
    mpijob_function f = {.call = rest};
    mpijob_inputs inputs = mpijob_range(1);
    mpijob_parallel_options options = {.pre_dispatch = bad_expressions[_i]};
    mpijob_error err;
    int status = run(NULL, &f, &inputs, &options, &err);
    ck_assert_int_eq(status, MPIJOB_EINVAL);
    ck_assert_msg(strstr(err.text, "pre_dispatch") != NULL, "%s", err.text);
}
END_TEST

/* -- Stopping -- */

static int wait_a_millisecond(void *result, const void *args, mpijob_job *job)
{
    (void)result, (void)args, (void)job;
    suite_sleep(1e-3);
    return 0;
}

/* The last rank asks, also as one that n_jobs leaves out. There is work for minutes, however late it is heard. */
START_TEST(any_rank_can_ask_for_a_stop)
{
    static int8_t statuses[1000000];
    mpijob_error err;
    mpijob_function f = {.call = wait_a_millisecond};
    mpijob_inputs inputs = mpijob_range(COUNT_OF(statuses));
    mpijob_parallel_options options = {.n_jobs = _i, .statuses = suite_rank == 0 ? statuses : NULL};
    if (suite_rank == suite_size - 1)
        mpijob_request_stop();
    int status = run(NULL, &f, &inputs, &options, &err);
    ck_assert_int_eq(status, MPIJOB_ECANCELED);
    ck_assert_ptr_nonnull(strstr(err.text, "of 1000000 jobs were not run"));
    rank0(statuses[COUNT_OF(statuses) - 1] == MPIJOB_ECANCELED);
    everyone(mpijob_stop_requested());
    mpijob_clear_stop();
    inputs = mpijob_range(10);
    ck_assert_int_eq(run(NULL, &f, &inputs, &options, NULL), MPIJOB_OK);
}
END_TEST

int main(int argc, char **argv)
{
    Suite *suite = suite_create("njobs");
    TCase *group = suite_group(suite, "n_jobs");
    tcase_add_loop_test(group, as_many_ranks_as_asked_for, 0, COUNT_OF(n_jobs_values));
    tcase_add_test(group, no_number_of_ranks_without_ranks);
    tcase_add_test(group, more_than_there_are);
    tcase_add_loop_test(group, ranks_that_wait_are_asleep, 0, 3);
    tcase_add_loop_test(group, any_rank_can_ask_for_a_stop, 0, 3);
    group = suite_group(suite, "batches");
    tcase_add_loop_test(group, batches_are_as_large_as_asked_for, 0, COUNT_OF(batches));
    tcase_add_test(group, as_many_single_jobs_as_ranks);
    group = suite_group(suite, "pre_dispatch");
    tcase_add_loop_test(group, no_more_are_drawn_than_allowed, 0, COUNT_OF(windows));
    tcase_add_test(group, generators_are_lazy_by_default);
    tcase_add_loop_test(group, expressions_that_make_no_sense, 0, COUNT_OF(bad_expressions));
    return suite_main(argc, argv, suite);
}
