/* A location that does not answer: whoever looks up or stores there hangs. The test hangs it by holding the lock under
 * which the store thread uses it, until the run is over: a run that waited for the location would never end. */
#include "memory_suite.h"

#include "mpi/looks.h"

#include "memory/cached.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static const mpijob_type number = {.kind = MPIJOB_FLOAT64};

static int square(void *result, const void *args, mpijob_job *job)
{
    double value = (double)(job->index * job->index);
    (void)args;
    computed++;
    if (job->context)
        suite_sleep(*(const double *)job->context);
    memcpy(result, &value, sizeof value);
    return 0;
}

static const mpijob_function function = {
    .name = "square", .call = square, .result_size = sizeof(double), .result = &number, .context_free = 1};

#define JOBS 600
static double values[JOBS];

static bool all_right(void)
{
    bool right = true;
    for (uint64_t i = 0; i < JOBS; i++)
        right = right && values[i] == (double)(i * i);
    return right;
}

/* -- The one who holds the lock -- */

typedef struct holder {
    const mpijob_cached *cached;
    pthread_t thread;
    atomic_bool holds, release;
} holder;

static void *hold(void *payload)
{
    holder *h = payload;
    mpj_cached_lock(h->cached);
    h->holds = true;
    while (!h->release)
        suite_sleep(1e-3);
    mpj_cached_unlock(h->cached);
    return NULL;
}

static void begin_stall(holder *h, const mpijob_function *f)
{
    *h = (holder){.cached = f->cached};
    if (suite_rank != 0)
        return;
    if (pthread_create(&h->thread, NULL, hold, h) != 0)
        abort();
    while (!h->holds)
        suite_sleep(1e-3);
}

static void end_stall(holder *h)
{
    if (suite_rank != 0)
        return;
    h->release = true;
    pthread_join(h->thread, NULL);
}

/* -- Tests -- */

START_TEST(a_stall_delays_storing_not_jobs)
{
    mpj_patience_more_s = 0;
    mpijob_function f;
    holder h;
    mpijob_inputs inputs = mpijob_range(JOBS);
    memory_cache(&f, &function);
    begin_stall(&h, &f);
    int status = run(values, &f, &inputs, NULL, NULL);
    ck_assert_int_eq(status, MPIJOB_OK);
    rank0(all_right());
    ck_assert_int_eq(computed_by_all(), JOBS);
    end_stall(&h);
    /* Stored later: all of it is there for the next one. */
    memory_reopen();
    memory_cache(&f, &function);
    memset(values, 0, sizeof values);
    status = run(values, &f, &inputs, NULL, NULL);
    ck_assert_int_eq(status, MPIJOB_OK);
    rank0(all_right());
    ck_assert_int_eq(computed_by_all(), 0);
}
END_TEST

/* It stops answering when a part is found, and is back before the end. */
static void *hang_for_a_while(void *payload)
{
    holder *h = payload;
    suite_sleep(0.02);
    mpj_cached_lock(h->cached);
    suite_sleep(1.5);
    mpj_cached_unlock(h->cached);
    return NULL;
}

START_TEST(a_stall_in_the_middle)
{
    mpj_patience_more_s = 0;
    mpijob_function f;
    mpijob_inputs some = mpijob_range(JOBS / 2);
    mpijob_inputs inputs = mpijob_range(JOBS);
    double pause = 0.008;
    mpijob_parallel_options options = {.context = &pause};
    pthread_t thread;
    memory_cache(&f, &function);
    int status = run(values, &f, &some, NULL, NULL);
    ck_assert_int_eq(status, MPIJOB_OK);
    computed_by_all();
    memset(values, 0, sizeof values);
    holder h = {.cached = f.cached};
    if (suite_rank == 0 && pthread_create(&thread, NULL, hang_for_a_while, &h) != 0)
        abort();
    status = run(values, &f, &inputs, &options, NULL);
    ck_assert_int_eq(status, MPIJOB_OK);
    rank0(all_right());
    if (suite_rank == 0)
        pthread_join(thread, NULL);
    int count = computed_by_all();
    ck_assert_int_ge(count, JOBS / 2);
    ck_assert_int_le(count, JOBS);
    memory_reopen();
    memory_cache(&f, &function);
    status = run(values, &f, &inputs, NULL, NULL);
    ck_assert_int_eq(status, MPIJOB_OK);
    ck_assert_int_eq(computed_by_all(), 0);
}
END_TEST

/* A run that ends early does not wait either. */
START_TEST(a_failure_while_it_stalls)
{
    mpj_patience_more_s = 0;
    mpijob_function f;
    holder h;
    mpijob_inputs inputs = mpijob_range(JOBS);
    memory_cache(&f, &function);
    begin_stall(&h, &f);
    mpijob_request_stop();
    int status = run(values, &f, &inputs, NULL, NULL);
    mpijob_clear_stop();
    ck_assert_int_eq(status, MPIJOB_ECANCELED);
    end_stall(&h);
}
END_TEST

int main(int argc, char **argv)
{
    Suite *suite = suite_create("memory_stall");
    TCase *stalls = suite_group(suite, "a location that does not answer");
    tcase_add_checked_fixture(stalls, memory_set_up, memory_tear_down);
    tcase_add_test(stalls, a_stall_delays_storing_not_jobs);
    tcase_add_test(stalls, a_stall_in_the_middle);
    tcase_add_test(stalls, a_failure_while_it_stalls);
    return suite_main(argc, argv, suite);
}
