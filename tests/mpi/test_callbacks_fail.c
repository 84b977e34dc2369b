/* Generators, consumers and reductions that fail, at each point: every rank learns it with the text that was said. */
#include "suite.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define JOBS 300

static int number(void *result, const void *args, mpijob_job *job)
{
    (void)job;
    memcpy(result, args, sizeof(uint64_t));
    return 0;
}

static int index_of(void *result, const void *args, mpijob_job *job)
{
    (void)args;
    *(uint64_t *)result = job->index;
    return 0;
}

static const mpijob_function numbers = {
    .name = "numbers", .call = number, .args_size = sizeof(uint64_t), .result_size = sizeof(uint64_t)};
static const mpijob_function indices = {.name = "indices", .call = index_of, .result_size = sizeof(uint64_t)};

/* What comes out, whatever happens: in order, each once. */
typedef struct taken {
    uint64_t next;
    bool wrong;
    uint64_t fail_at;
    int fail_with;
    bool silent;
} taken;

static int take(const void *result, size_t bytes, uint64_t index, const mpijob_error *failure, void *payload,
                mpijob_error *err)
{
    taken *t = payload;
    t->wrong = t->wrong || failure || bytes != sizeof(uint64_t) || index != t->next ||
               memcmp(result, &index, sizeof index) != 0;
    if (t->next++ != t->fail_at)
        return MPIJOB_GO_ON;
    if (!t->silent)
        mpijob_callback_fail(err, "no room for result %d", (int)index);
    return t->fail_with;
}

static int fold(void *accumulator, const void *result, size_t bytes, uint64_t index, void *payload, mpijob_error *err)
{
    (void)accumulator;
    return take(result, bytes, index, NULL, payload, err);
}

/* -- Generators -- */

typedef struct source {
    uint64_t end;     /* jobs it gives before it does as `then` says */
    int then;         /* what it returns */
    double cost;      /* of job `end` */
    bool silent;
    uint64_t calls_after;
    uint64_t expected;
    bool wrong;
} source;

static int give(void *args, double *cost, uint64_t index, void *payload, mpijob_error *err)
{
    source *s = payload;
    s->calls_after += s->expected > s->end;
    s->wrong = s->wrong || index != s->expected || *cost != 0;
    s->expected++;
    memcpy(args, &index, sizeof index);
    if (index != s->end)
        return MPIJOB_MORE;
    *cost = s->cost;
    if (s->then < 0 && !s->silent)
        mpijob_callback_fail(err, "line %d is torn", (int)index);
    return s->then;
}

typedef struct failing_source {
    int then;
    double cost;
    bool silent;
    bool known; /* the number of jobs */
    const char *says;
} failing_source;

static const failing_source failing_sources[] = {
    {-1, 0, false, false, "is torn"},
    {-1, 0, false, true, "is torn"},
    {-77, 0, true, false, "gave no reason"},
    {7, 0, false, false, "returned 7"},
    {2, 0, false, true, "returned 2"},
    {MPIJOB_MORE, NAN, false, false, "cost is nan"},
    {MPIJOB_MORE, -1, false, true, "cost is -1"},
    {MPIJOB_MORE, INFINITY, false, false, "cost is inf"},
    {MPIJOB_END, 0, false, true, "ended after"},
};

START_TEST(a_generator_fails)
{
    static const uint64_t ends[] = {0, 1, 17, JOBS / 2, JOBS - 1};
    static const char *const windows[] = {NULL, "all", "1", "3*n_jobs"};
    const failing_source *f = &failing_sources[_i];
    for (int i = 0; i < COUNT_OF(ends) * COUNT_OF(windows); i++) {
        source s = {.end = ends[i % COUNT_OF(ends)], .then = f->then, .cost = f->cost, .silent = f->silent};
        taken t = {.fail_at = UINT64_MAX};
        mpijob_error err;
        mpijob_parallel_options options = {.return_as = MPIJOB_GENERATOR,
                                           .consume = take,
                                           .consume_payload = &t,
                                           .pre_dispatch = windows[i / COUNT_OF(ends)]};
        mpijob_inputs inputs = mpijob_generator(give, &s, f->known ? JOBS : MPIJOB_UNKNOWN);
        int status = run(NULL, &numbers, &inputs, &options, &err);
        ck_assert_int_eq(status, MPIJOB_EINPUT);
        ck_assert_msg(strstr(err.text, f->says), "'%s' does not say '%s'", err.text, f->says);
        ck_assert_int_eq(err.rank, 0);
        char at[32];
        snprintf(at, sizeof at, "%d", (int)s.end);
        ck_assert_msg(strstr(err.text, at), "'%s' does not say where: %s", err.text, at);
        rank0(!s.wrong && s.calls_after == 0);
        rank0(!t.wrong && t.next <= s.end);
    }
}
END_TEST

START_TEST(a_generator_without_end)
{
    source s = {.end = UINT64_MAX};
    taken t = {.fail_at = UINT64_MAX};
    mpijob_error err;
    mpijob_parallel_options options = {.return_as = MPIJOB_GENERATOR, .consume = take, .consume_payload = &t};
    mpijob_inputs inputs = mpijob_generator(give, &s, MPIJOB_UNKNOWN);
    inputs.limit = 1000;
    ck_assert_int_eq(run(NULL, &numbers, &inputs, &options, &err), MPIJOB_EINPUT);
    ck_assert_msg(strstr(err.text, "more than 1000 jobs") && strstr(err.text, "MPIJOB_END"), "'%s'", err.text);
    rank0(!s.wrong && !t.wrong);
    /* Exactly as many are fine. */
    s = (source){.end = 1000, .then = MPIJOB_END};
    t = (taken){.fail_at = UINT64_MAX};
    ck_assert_int_eq(run(NULL, &numbers, &inputs, &options, &err), MPIJOB_OK);
    rank0(!s.wrong && !t.wrong && t.next == 1000);
}
END_TEST

START_TEST(a_generator_into_a_list_fails)
{
    source s = {.end = 200, .then = -1};
    static uint64_t results[JOBS];
    static int8_t statuses[JOBS];
    mpijob_error err;
    mpijob_parallel_options options = {.statuses = statuses, .pre_dispatch = "20"};
    mpijob_inputs inputs = mpijob_generator(give, &s, JOBS);
    ck_assert_int_eq(run(results, &numbers, &inputs, &options, &err), MPIJOB_EINPUT);
    bool right = true;
    for (uint64_t i = 0; i < JOBS; i++)
        right = right && (statuses[i] == MPIJOB_ECANCELED || (statuses[i] == MPIJOB_OK && i < 200 && results[i] == i));
    rank0(right);
}
END_TEST

/* -- Consumers and reductions -- */

START_TEST(a_consumer_fails)
{
    static const uint64_t points[] = {0, 1, 63, 64, 65, JOBS / 2, JOBS - 1};
    static const int values[] = {-1, MPIJOB_EJOB, 5, -1};
    for (int i = 0; i < COUNT_OF(points) * COUNT_OF(values); i++) {
        taken t = {.fail_at = points[i % COUNT_OF(points)], .fail_with = values[i / COUNT_OF(points)]};
        t.silent = i / COUNT_OF(points) == COUNT_OF(values) - 1;
        uint64_t accumulator = 0;
        mpijob_error err;
        mpijob_inputs inputs = mpijob_range(JOBS);
        mpijob_parallel_options options = {.return_as = MPIJOB_GENERATOR, .consume = take, .consume_payload = &t};
        if (_i == 1)
            options = (mpijob_parallel_options){.reduce = fold, .reduce_payload = &t};
        int status = run(_i == 1 ? &accumulator : NULL, &indices, &inputs, &options, &err);
        ck_assert_int_eq(status, MPIJOB_ECONSUMER);
        ck_assert_msg(strstr(err.text, t.silent ? "gave no reason" : "no room for result"), "'%s'", err.text);
        ck_assert_msg(strstr(err.text, _i == 1 ? "the reduction failed" : "the consumer failed"), "'%s'", err.text);
        ck_assert_int_eq(err.rank, 0);
        ck_assert_uint_eq((uint64_t)err.job, t.fail_at);
        /* It is never called again. */
        rank0(!t.wrong && t.next == t.fail_at + 1);
    }
}
END_TEST

START_TEST(an_unordered_consumer_fails)
{
    for (uint64_t at = 0; at < JOBS; at += 59) {
        taken t = {.fail_at = at, .fail_with = -1, .wrong = true}; /* the order is any */
        mpijob_error err;
        mpijob_inputs inputs = mpijob_range(JOBS);
        mpijob_parallel_options options = {
            .return_as = MPIJOB_GENERATOR_UNORDERED, .consume = take, .consume_payload = &t};
        ck_assert_int_eq(run(NULL, &indices, &inputs, &options, &err), MPIJOB_ECONSUMER);
        rank0(t.next == at + 1);
    }
}
END_TEST

static int fail_late(void *result, const void *args, mpijob_job *job)
{
    (void)args;
    *(uint64_t *)result = job->index;
    return job->index > 10 ? mpijob_job_fail(job, "late") : 0;
}

/* A consumer that has enough ends the run well, whatever jobs do that are still running. */
START_TEST(enough_is_enough)
{
    static const mpijob_function function = {.name = "late", .call = fail_late, .result_size = sizeof(uint64_t)};
    for (int i = 0; i < 50; i++) {
        taken t = {.fail_at = 10, .fail_with = MPIJOB_ENOUGH};
        mpijob_error err;
        mpijob_inputs inputs = mpijob_range(JOBS);
        mpijob_parallel_options options = {.return_as = MPIJOB_GENERATOR,
                                           .consume = take,
                                           .consume_payload = &t,
                                           .on_error = MPIJOB_CONTINUE,
                                           .batch_size = 1,
                                           .pre_dispatch = "20"};
        int status = run(NULL, &function, &inputs, &options, &err);
        ck_assert_msg(status == MPIJOB_OK, "%d", status);
        rank0(!t.wrong && t.next == 11);
    }
}
END_TEST

/* Two fail: the first one counts, on all ranks alike. */
START_TEST(a_generator_and_a_consumer_fail)
{
    for (int i = 0; i < 50; i++) {
        source s = {.end = 20, .then = -1};
        taken t = {.fail_at = 10, .fail_with = -1};
        mpijob_error err;
        mpijob_inputs inputs = mpijob_generator(give, &s, MPIJOB_UNKNOWN);
        mpijob_parallel_options options = {
            .return_as = MPIJOB_GENERATOR, .consume = take, .consume_payload = &t, .pre_dispatch = "10"};
        int status = run(NULL, &numbers, &inputs, &options, &err);
        ck_assert(status == MPIJOB_EINPUT || status == MPIJOB_ECONSUMER);
        rank0(!s.wrong && !t.wrong);
    }
}
END_TEST

int main(int argc, char **argv)
{
    Suite *suite = suite_create("callbacks that fail");
    TCase *group = suite_group(suite, "generators");
    tcase_set_timeout(group, 600);
    tcase_add_loop_test(group, a_generator_fails, 0, COUNT_OF(failing_sources));
    tcase_add_test(group, a_generator_without_end);
    tcase_add_test(group, a_generator_into_a_list_fails);
    group = suite_group(suite, "consumers");
    tcase_set_timeout(group, 600);
    tcase_add_loop_test(group, a_consumer_fails, 0, 2);
    tcase_add_test(group, an_unordered_consumer_fails);
    tcase_add_test(group, enough_is_enough);
    tcase_add_test(group, a_generator_and_a_consumer_fail);
    return suite_main(argc, argv, suite);
}
