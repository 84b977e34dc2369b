/* Failures spread over a run: holes among the results, statuses, kept failures, statistics. Which failure is told, and
 * what a consumer sees of it, is in test_job_failure.c. */
#include "suite.h"

#include <stdio.h>
#include <string.h>

#define JOBS 700

static bool is_bad(uint64_t index)
{
    return index % 50 == 3;
}

static int most_of_them(void *result, const void *args, mpijob_job *job)
{
    (void)args;
    if (is_bad(job->index)) {
        memset(result, 0xee, sizeof(uint64_t));
        return mpijob_job_fail(job, "%llu is unlucky", (unsigned long long)job->index);
    }
    *(uint64_t *)result = job->index + 1;
    return 0;
}

static const mpijob_function mostly = {.name = "mostly", .call = most_of_them, .result_size = sizeof(uint64_t)};

static bool tells(const mpijob_error *err, uint64_t index)
{
    char said[64];
    snprintf(said, sizeof said, "%llu is unlucky", (unsigned long long)index);
    return err->status == MPIJOB_EJOB && err->job == (int64_t)index && err->rank >= 0 && err->rank < suite_size &&
           err->attempt == 1 && err->host[0] && strstr(err->text, said) && strstr(err->text, err->host);
}

START_TEST(holes_when_the_run_goes_on)
{
    uint64_t results[JOBS];
    int8_t statuses[JOBS];
    mpijob_error failures[5];
    size_t failures_count = 99;
    mpijob_error err;
    mpijob_stats stats = {.jobs = 0};
    memset(results, 0xab, sizeof results);
    mpijob_inputs inputs = mpijob_range(JOBS);
    mpijob_parallel_options options = {.on_error = MPIJOB_CONTINUE,
                                       .batch_size = _i ? 9 : 0,
                                       .rank0 = _i,
                                       .statuses = statuses,
                                       .failures = failures,
                                       .failures_capacity = 5,
                                       .failures_count = &failures_count,
                                       .stats = &stats};
    int status = run(results, &mostly, &inputs, &options, &err);
    ck_assert_int_eq(status, MPIJOB_EJOB);
    everyone(tells(&err, 3));
    bool right = true;
    for (uint64_t i = 0; i < JOBS; i++)
        right = right && results[i] == (is_bad(i) ? 0 : i + 1) && statuses[i] == (is_bad(i) ? MPIJOB_EJOB : MPIJOB_OK);
    rank0(right);
    rank0(failures_count == 5);
    for (size_t i = 0; i < 5; i++)
        rank0(is_bad((uint64_t)failures[i].job) && tells(&failures[i], (uint64_t)failures[i].job));
    rank0(stats.jobs == JOBS && stats.failed == JOBS / 50 && stats.left == 0);
}
END_TEST

START_TEST(the_first_failure_ends_the_run)
{
    uint64_t results[JOBS];
    int8_t statuses[JOBS];
    mpijob_error err;
    mpijob_stats stats = {.jobs = 0};
    memset(results, 0xab, sizeof results);
    mpijob_inputs inputs = mpijob_range(JOBS);
    mpijob_parallel_options options = {.statuses = statuses, .stats = &stats, .batch_size = _i ? 9 : 0, .rank0 = _i};
    int status = run(results, &mostly, &inputs, &options, &err);
    ck_assert_int_eq(status, MPIJOB_EJOB);
    everyone(is_bad((uint64_t)err.job) && tells(&err, (uint64_t)err.job));
    uint64_t untouched = 0;
    uint64_t done = 0;
    bool right = true;
    memset(&untouched, 0xab, sizeof untouched);
    for (uint64_t i = 0; i < JOBS; i++) {
        uint64_t expected = statuses[i] == MPIJOB_OK ? i + 1 : statuses[i] == MPIJOB_EJOB ? 0 : untouched;
        right = right && results[i] == expected && (statuses[i] != MPIJOB_EJOB || is_bad(i)) &&
                (statuses[i] == MPIJOB_OK || statuses[i] == MPIJOB_EJOB || statuses[i] == MPIJOB_ECANCELED);
        done += statuses[i] != MPIJOB_ECANCELED;
    }
    rank0(right);
    rank0(statuses[err.job] == MPIJOB_EJOB);
    rank0(stats.jobs == done && stats.left == JOBS - done && stats.failed >= 1);
}
END_TEST

typedef struct taker {
    uint64_t next;
    bool wrong;
} taker;

static int fail_by_size(void *result, const void *args, mpijob_job *job)
{
    (void)result, (void)args;
    unsigned char *room = mpijob_job_result(job, 5000);
    if (!room)
        return mpijob_job_fail(job, "no memory");
    pattern_fill(room, 5000, job->index);
    return is_bad(job->index) ? mpijob_job_fail(job, "%llu is unlucky", (unsigned long long)job->index) : 0;
}

static int take_any(const void *result, size_t bytes, uint64_t index, const mpijob_error *failure, void *payload,
                    mpijob_error *err)
{
    taker *t = payload;
    (void)err;
    if (is_bad(index))
        t->wrong = t->wrong || !failure || result || bytes || !tells(failure, index);
    else
        t->wrong = t->wrong || failure || bytes != 5000 || !pattern_is(result, bytes, index);
    t->next++;
    return MPIJOB_GO_ON;
}

START_TEST(holes_among_results_of_any_size)
{
    taker t = {.next = 0};
    mpijob_function f = {.call = fail_by_size, .result_size = MPIJOB_ANY_SIZE};
    mpijob_inputs inputs = mpijob_range(JOBS);
    mpijob_parallel_options options = {.on_error = MPIJOB_CONTINUE,
                                       .return_as = MPIJOB_GENERATOR,
                                       .batch_size = 20,
                                       .consume = take_any,
                                       .consume_payload = &t};
    int status = run(NULL, &f, &inputs, &options, NULL);
    ck_assert_int_eq(status, MPIJOB_EJOB);
    rank0(!t.wrong && t.next == JOBS);
}
END_TEST

int main(int argc, char **argv)
{
    Suite *suite = suite_create("failed_jobs");
    TCase *group = suite_group(suite, "failed jobs");
    tcase_add_loop_test(group, holes_when_the_run_goes_on, 0, 3);
    tcase_add_loop_test(group, the_first_failure_ends_the_run, 0, 3);
    tcase_add_test(group, holes_among_results_of_any_size);
    return suite_main(argc, argv, suite);
}
