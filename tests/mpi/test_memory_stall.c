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
    bool is_here;
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

/* On rank 0, or on every rank. */
static void begin_stall(holder *h, const mpijob_function *f, bool everywhere)
{
    *h = (holder){.cached = f->cached, .is_here = everywhere || suite_rank == 0};
    if (!h->is_here)
        return;
    if (pthread_create(&h->thread, NULL, hold, h) != 0)
        abort();
    while (!h->holds)
        suite_sleep(1e-3);
}

static void end_stall(holder *h)
{
    if (!h->is_here)
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
    begin_stall(&h, &f, false);
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
    begin_stall(&h, &f, false);
    mpijob_request_stop();
    int status = run(values, &f, &inputs, NULL, NULL);
    mpijob_clear_stop();
    ck_assert_int_eq(status, MPIJOB_ECANCELED);
    end_stall(&h);
}
END_TEST

/* -- Large results: their ranks write them -- */

#define LARGE_JOBS 60
#define LARGE_BYTES ((size_t)100000)

static int fill(void *result, const void *args, mpijob_job *job)
{
    (void)args;
    computed++;
    memset(result, (int)job->index + 1, LARGE_BYTES);
    return 0;
}

static const mpijob_function large = {.name = "fill", .call = fill, .result_size = LARGE_BYTES, .context_free = 1};

/* Every third is large. */
static size_t bytes_of(uint64_t index)
{
    return index % 3 == 1 ? LARGE_BYTES : 8;
}

static int fill_some(void *result, const void *args, mpijob_job *job)
{
    (void)args;
    (void)result;
    computed++;
    void *room = mpijob_job_result(job, bytes_of(job->index));
    if (!room)
        return 1;
    memset(room, (int)job->index + 1, bytes_of(job->index));
    return 0;
}

static const mpijob_function mixed = {
    .name = "fill_some", .call = fill_some, .result_size = MPIJOB_ANY_SIZE, .context_free = 1};

static int count_right(const void *result, size_t bytes, uint64_t index, const mpijob_error *failure, void *payload,
                       mpijob_error *err)
{
    (void)err;
    bool right = !failure && bytes == bytes_of(index);
    for (size_t i = 0; i < bytes; i++)
        right = right && ((const unsigned char *)result)[i] == index + 1;
    *(int *)payload += right;
    return MPIJOB_GO_ON;
}

static bool is_filled(const unsigned char *result, uint64_t index)
{
    bool right = true;
    for (size_t i = 0; i < LARGE_BYTES; i++)
        right = right && result[i] == index + 1;
    return right;
}

static bool all_filled(const unsigned char *results)
{
    bool right = true;
    for (uint64_t i = 0; suite_rank == 0 && i < LARGE_JOBS; i++)
        right = right && is_filled(results + i * LARGE_BYTES, i);
    return right;
}

static void begin_large(mpijob_function *f, const mpijob_function *plain)
{
    mpj_patience_more_s = 0;
    memory_on_network = true;
    memory_options.large_bytes = LARGE_BYTES / 2;
    memory_reopen();
    memory_cache(f, plain);
}

static void found_by_the_next(unsigned char *results)
{
    mpijob_function f;
    mpijob_inputs inputs = mpijob_range(LARGE_JOBS);
    mpj_patience_more_s = 60;
    memory_reopen();
    memory_cache(&f, &large);
    memset(results, 0, LARGE_JOBS * LARGE_BYTES);
    int status = run(results, &f, &inputs, NULL, NULL);
    ck_assert_int_eq(status, MPIJOB_OK);
    rank0(all_filled(results));
    ck_assert_int_eq(computed_by_all(), 0);
    ck_assert_int_eq(memory_files(".npy"), LARGE_JOBS);
    memory_on_network = false;
}

START_TEST(large_results_are_written_later)
{
    mpijob_function f;
    holder h;
    mpijob_inputs inputs = mpijob_range(LARGE_JOBS);
    unsigned char *results = malloc(LARGE_JOBS * LARGE_BYTES);
    begin_large(&f, &large);
    begin_stall(&h, &f, true);
    int status = run(results, &f, &inputs, NULL, NULL);
    ck_assert_int_eq(status, MPIJOB_OK);
    rank0(all_filled(results));
    ck_assert_int_eq(computed_by_all(), LARGE_JOBS);
    end_stall(&h);
    found_by_the_next(results);
    free(results);
}
END_TEST

START_TEST(some_large_results_are_written_later)
{
    mpijob_function f;
    holder h;
    int right = 0;
    mpijob_inputs inputs = mpijob_range(LARGE_JOBS);
    mpijob_parallel_options options = {
        .return_as = MPIJOB_GENERATOR, .consume = count_right, .consume_payload = &right, .batch_size = 5};
    begin_large(&f, &mixed);
    begin_stall(&h, &f, true);
    int status = run(NULL, &f, &inputs, &options, NULL);
    ck_assert_int_eq(status, MPIJOB_OK);
    rank0(right == LARGE_JOBS);
    ck_assert_int_eq(computed_by_all(), LARGE_JOBS);
    end_stall(&h);
    mpj_patience_more_s = 60;
    memory_reopen();
    memory_cache(&f, &mixed);
    status = run(NULL, &f, &inputs, &options, NULL);
    ck_assert_int_eq(status, MPIJOB_OK);
    rank0(right == 2 * LARGE_JOBS);
    ck_assert_int_eq(computed_by_all(), 0);
    ck_assert_int_eq(memory_files(".npy"), LARGE_JOBS / 3);
    memory_on_network = false;
}
END_TEST

START_TEST(large_references_hold_their_results)
{
    mpijob_function f;
    holder h;
    mpijob_inputs inputs = mpijob_range(LARGE_JOBS);
    mpijob_reference references[LARGE_JOBS];
    mpijob_parallel_options options = {.shelve = 1};
    bool right = true;
    begin_large(&f, &large);
    begin_stall(&h, &f, true);
    int status = run(references, &f, &inputs, &options, NULL);
    ck_assert_int_eq(status, MPIJOB_OK);
    for (uint64_t i = 0; suite_rank == 0 && i < LARGE_JOBS; i++) {
        mpijob_array result;
        mpijob_error err;
        right = right && !mpijob_reference_is_portable(&references[i]) &&
                mpijob_reference_get(&result, &references[i], memory, &err) == MPIJOB_OK && is_filled(result.data, i);
        mpijob_array_free(&result);
        mpijob_reference_free(&references[i]);
    }
    rank0(right);
    ck_assert_int_eq(computed_by_all(), LARGE_JOBS);
    end_stall(&h);
    unsigned char *results = malloc(LARGE_JOBS * LARGE_BYTES);
    found_by_the_next(results);
    free(results);
}
END_TEST

/* -- Calls inside jobs -- */

static int call_square(void *result, const void *args, mpijob_job *job)
{
    (void)args;
    return mpijob_function_call(result, job->context, NULL, job, NULL);
}

START_TEST(calls_inside_jobs)
{
    mpijob_function f;
    const mpijob_function caller = {.name = "caller", .call = call_square, .result_size = sizeof(double)};
    holder h;
    mpijob_inputs inputs = mpijob_range(JOBS);
    mpijob_parallel_options options = {.context = &f};
    mpj_patience_more_s = 0;
    memory_on_network = true;
    memory_reopen();
    memory_cache(&f, &function);
    begin_stall(&h, &f, true);
    int status = run(values, &caller, &inputs, &options, NULL);
    ck_assert_int_eq(status, MPIJOB_OK);
    rank0(all_right());
    ck_assert_int_eq(computed_by_all(), JOBS);
    end_stall(&h);
    mpj_patience_more_s = 60;
    memory_reopen();
    memory_cache(&f, &function);
    memset(values, 0, sizeof values);
    status = run(values, &caller, &inputs, &options, NULL);
    ck_assert_int_eq(status, MPIJOB_OK);
    rank0(all_right());
    ck_assert_int_eq(computed_by_all(), 0);
    memory_on_network = false;
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
    tcase_add_test(stalls, large_results_are_written_later);
    tcase_add_test(stalls, some_large_results_are_written_later);
    tcase_add_test(stalls, large_references_hold_their_results);
    tcase_add_test(stalls, calls_inside_jobs);
    return suite_main(argc, argv, suite);
}
