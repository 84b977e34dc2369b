/* Options of Memory in runs: what counts as missing, what comes first then, how results lie in files and come back. */
#include "memory_suite.h"

#include "array/own.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define JOBS 60

/* ---- Jobs ---- */

typedef struct task {
    int32_t number;
    int32_t naps; /* how long it takes: so many ms */
    int32_t note; /* ignored where a test says so */
} task;

static const mpijob_field task_fields[] = {MPIJOB_FIELD(task, number, MPIJOB_INT32),
                                           MPIJOB_FIELD(task, naps, MPIJOB_INT32),
                                           MPIJOB_FIELD(task, note, MPIJOB_INT32)};
static const mpijob_record task_record = MPIJOB_RECORD_OF(task, task_fields);
static const mpijob_type number = {.kind = MPIJOB_FLOAT64};

static task tasks[JOBS];
static double results[JOBS];
static int32_t started[JOBS]; /* by this rank: numbers, in the order in which they were started */
static int started_count;

static int nap(void *result, const void *args, mpijob_job *job)
{
    const task *t = args;
    double value = t->number * 1.5;
    (void)job;
    computed++;
    started[started_count++ % JOBS] = t->number;
    if (t->naps > 0)
        suite_sleep(1e-3 * t->naps);
    memcpy(result, &value, sizeof value);
    return 0;
}

#define LONG_RESULT 20000 /* elements */

static int count_up(void *result, const void *args, mpijob_job *job)
{
    const task *t = args;
    double *values = mpijob_job_result(job, LONG_RESULT * sizeof *values);
    (void)result;
    computed++;
    if (!values)
        return mpijob_job_fail(job, "no room");
    for (int i = 0; i < LONG_RESULT; i++)
        values[i] = t->number + i;
    return 0;
}

static const mpijob_function nap_function = {.name = "nap",
                                             .call = nap,
                                             .args_size = sizeof(task),
                                             .args = &task_record,
                                             .result_size = sizeof(double),
                                             .result = &number,
                                             .version = 1};
static const mpijob_function count_function = {.name = "count_up",
                                               .call = count_up,
                                               .args_size = sizeof(task),
                                               .args = &task_record,
                                               .result_size = MPIJOB_ANY_SIZE,
                                               .result = &number};

static void fill_tasks(int32_t most_naps)
{
    for (int32_t i = 0; i < JOBS; i++)
        tasks[i] = (task){.number = i, .naps = most_naps ? i * 5 % most_naps : 0};
    memset(results, 0, sizeof results);
    started_count = 0;
}

static bool all_right(void)
{
    bool right = true;
    for (int i = 0; i < JOBS; i++)
        right = right && results[i] == tasks[i].number * 1.5;
    return right;
}

static void cache_with(mpijob_function *cached, const mpijob_function *function, const mpijob_cache_options *options)
{
    mpijob_error err = {.text = ""};
    int status = mpijob_memory_cache(cached, memory, function, options, &err);
    ck_assert_msg(status == MPIJOB_OK, "%s", err.text);
}

static void run_tasks(const mpijob_function *cached, const mpijob_parallel_options *options)
{
    mpijob_inputs inputs = mpijob_arguments(tasks, JOBS);
    mpijob_error err = {.text = ""};
    int status = run(results, cached, &inputs, options, &err);
    ck_assert_msg(status == MPIJOB_OK, "%s", err.text);
    rank0(all_right());
}

/* ---- Longest first ---- */

/* As they are stored: what the jobs took when they were computed, however busy the machine was. */
static void recorded_seconds(double seconds[JOBS], const mpijob_function *cached)
{
    static mpijob_reference references[JOBS];
    mpijob_inputs inputs = mpijob_arguments(tasks, JOBS);
    mpijob_parallel_options options = {.shelve = 1};
    int status = run(references, cached, &inputs, &options, NULL);
    ck_assert_int_eq(status, MPIJOB_OK);
    for (int i = 0; suite_rank == 0 && i < JOBS; i++) {
        seconds[i] = references[i].compute_s;
        mpijob_reference_free(&references[i]);
    }
    suite_spread(seconds, JOBS * sizeof *seconds, 0);
}

static bool started_longest_first(const double *seconds)
{
    for (int i = 1; i < started_count; i++)
        if (seconds[started[i - 1]] < seconds[started[i]])
            return false;
    return true;
}

/* Stored by another version of the function, or expired. Each rank gets its jobs in falling order. */
START_TEST(recorded_seconds_are_costs)
{
    double seconds[JOBS];
    mpijob_function f, next = nap_function;
    const mpijob_cache_options expired = {.expires_after_s = 1e-9};
    mpijob_parallel_options in_ones = {.batch_size = 1};
    bool rising = false;
    cache_with(&f, &nap_function, NULL);
    fill_tasks(8);
    run_tasks(&f, NULL);
    ck_assert_int_eq(computed_by_all(), JOBS);
    recorded_seconds(seconds, &f);
    ck_assert_int_eq(computed_by_all(), 0);
    for (int i = 1; i < JOBS; i++)
        rising = rising || seconds[i - 1] < seconds[i];
    ck_assert(rising); /* else the order would say nothing */
    next.version = _i ? 1 : 2;
    cache_with(&f, &next, _i ? &expired : NULL);
    fill_tasks(8);
    run_tasks(&f, &in_ones);
    everyone(started_longest_first(seconds));
    ck_assert_int_eq(computed_by_all(), JOBS);
}
END_TEST

/* ---- What counts as missing ---- */

typedef struct judging {
    atomic_int asked, wrong;
    int answer;
} judging;

static int judge(const mpijob_entry *entry, void *payload)
{
    judging *j = payload;
    j->asked++;
    if (strcmp(entry->function, "nap") != 0 || !strstr(entry->args_json, "\"number\"") ||
        entry->bytes != sizeof(double) || entry->compute_s < 0)
        j->wrong++;
    return j->answer;
}

enum {
    REFUSED,
    ALLOWED,
    EXPIRED,
    NOT_EXPIRED
};

START_TEST(results_that_may_not_be_used)
{
    judging j = {.answer = _i == ALLOWED};
    mpijob_cache_options options = {.expires_after_s = _i == EXPIRED ? 1e-9 : _i == NOT_EXPIRED ? 1e6 : 0};
    mpijob_function f;
    bool used = _i == ALLOWED || _i == NOT_EXPIRED;
    if (_i == REFUSED || _i == ALLOWED) {
        options.cache_validation_callback = judge;
        options.validation_payload = &j;
    }
    cache_with(&f, &nap_function, &options);
    for (int again = 0; again < 3; again++) {
        fill_tasks(0);
        run_tasks(&f, NULL);
        ck_assert_int_eq(computed_by_all(), again && used ? 0 : JOBS);
    }
    /* Rank 0 asks for all, of each result that is there. */
    rank0(j.asked >= (options.cache_validation_callback ? 2 * JOBS : 0) && j.wrong == 0);
    everyone(suite_rank == 0 || j.asked == 0);
}
END_TEST

static const char *const ignored[] = {"note", NULL};

/* In one run they are duplicates; in the next they are found. */
START_TEST(jobs_that_differ_in_what_is_ignored)
{
    const mpijob_cache_options options = {.ignore = _i ? ignored : NULL};
    mpijob_function f;
    mpijob_stats stats = {0};
    mpijob_parallel_options with_stats = {.stats = &stats};
    cache_with(&f, &nap_function, &options);
    for (int32_t again = 0; again < 2; again++) {
        fill_tasks(0);
        for (int32_t i = 0; i < JOBS; i++)
            tasks[i] = (task){.number = i / 4, .note = again * JOBS + i};
        run_tasks(&f, &with_stats);
        ck_assert_int_eq(computed_by_all(), _i == 0 ? JOBS : again ? 0 : JOBS / 4);
        rank0(_i == 0 || stats.hits + stats.duplicates == (again ? JOBS : JOBS - JOBS / 4));
    }
}
END_TEST

/* ---- Results in files of their own ---- */

static int take_long(const void *result, size_t bytes, uint64_t index, const mpijob_error *failure, void *payload,
                     mpijob_error *err)
{
    int *taken = payload;
    double first, last;
    if (failure || bytes != LONG_RESULT * sizeof first)
        return mpijob_callback_fail(err, "the wrong size");
    memcpy(&first, result, sizeof first);
    memcpy(&last, (const char *)result + bytes - sizeof last, sizeof last);
    if (first != (double)index || last != (double)index + LONG_RESULT - 1)
        return mpijob_callback_fail(err, "the wrong result");
    ++*taken;
    return MPIJOB_GO_ON;
}

START_TEST(compressed_files)
{
    mpijob_function f;
    mpijob_inputs inputs = mpijob_arguments(tasks, 20);
    memory_options.large_bytes = 1000;
    memory_options.compress = 5;
    fill_tasks(0);
    for (int again = 0; again < 2; again++) {
        int taken = 0;
        mpijob_parallel_options options = {
            .return_as = MPIJOB_GENERATOR, .consume = take_long, .consume_payload = &taken};
        mpijob_error err = {.text = ""};
        memory_reopen();
        memory_cache(&f, &count_function);
        int status = run(NULL, &f, &inputs, &options, &err);
        ck_assert_msg(status == MPIJOB_OK, "%s", err.text);
        rank0(taken == 20);
        ck_assert_int_eq(computed_by_all(), again ? 0 : 20);
        ck_assert_int_eq(memory_files(".zip"), 20);
        ck_assert_int_eq(memory_files(".npy"), 0);
        ck_assert_int_lt(memory_bytes(".zip"), 20 * LONG_RESULT * (long)sizeof(double) / 4);
    }
}
END_TEST

static const char *const modes[] = {NULL, "r", "c"};

static bool is_mapped(const mpijob_array *array)
{
    return ((const mpj_own *)array->own)->block == NULL;
}

/* Computed by any rank, got by rank 0 from its reference. */
START_TEST(shelved_results_are_mapped)
{
    static mpijob_reference references[20];
    mpijob_function f;
    mpijob_inputs inputs = mpijob_arguments(tasks, 20);
    mpijob_parallel_options options = {.shelve = 1};
    memory_options.large_bytes = 1000;
    memory_options.mmap_mode = modes[_i];
    memory_reopen();
    memory_cache(&f, &count_function);
    fill_tasks(0);
    int status = run(references, &f, &inputs, &options, NULL);
    ck_assert_int_eq(status, MPIJOB_OK);
    bool right = true;
    for (int i = 0; suite_rank == 0 && i < 20; i++) {
        mpijob_array array;
        right = right && mpijob_reference_get(&array, &references[i], memory, NULL) == MPIJOB_OK;
        if (!right)
            break;
        right = is_mapped(&array) == (modes[_i] != NULL) && array.shape[0] == LONG_RESULT &&
                ((const double *)array.data)[LONG_RESULT - 1] == i + LONG_RESULT - 1;
        if (_i != 1)
            ((double *)array.data)[0] = -1; /* in this process alone */
        mpijob_array_free(&array);
        right = right && mpijob_reference_get(&array, &references[i], memory, NULL) == MPIJOB_OK &&
                ((const double *)array.data)[0] == i;
        mpijob_array_free(&array);
        mpijob_reference_free(&references[i]);
    }
    rank0(right);
    ck_assert_int_eq(computed_by_all(), 20);
}
END_TEST

/* ---- References on other ranks ---- */

static bool gets(const mpijob_reference *reference, int32_t expected)
{
    mpijob_array array;
    if (mpijob_reference_get(&array, reference, memory, NULL) != MPIJOB_OK)
        return false;
    bool right = array.ndim == 1 && array.shape[0] == LONG_RESULT && ((const double *)array.data)[0] == expected;
    mpijob_array_free(&array);
    return right;
}

/* Made by one rank, got by all, cleared by another. Large and small; by ranks that have the function cached or not. */
static const struct {
    size_t large_bytes;
    bool cached_by_all;
} kinds[] = {{0, true}, {0, false}, {1000, true}, {1000, false}};

START_TEST(references_travel)
{
    mpijob_function f;
    memory_options.large_bytes = kinds[_i].large_bytes;
    for (int maker = 0; maker < suite_size; maker++) {
        mpijob_reference reference = {.bytes = 0};
        const task t = {.number = 100 + maker};
        bool made = true;
        memory_reopen();
        if (suite_rank == maker || kinds[_i].cached_by_all)
            cache_with(&f, &count_function, NULL);
        if (suite_rank == maker)
            made = mpijob_function_call_and_shelve(&reference, &f, &t, NULL, NULL) == MPIJOB_OK &&
                   mpijob_memory_sync(memory, NULL) == MPIJOB_OK;
        everyone(made);
        suite_spread(&reference, sizeof reference, maker);
        everyone(mpijob_reference_is_portable(&reference) == 1);
        everyone(gets(&reference, t.number));
        bool cleared =
            suite_rank != (maker + 1) % suite_size || mpijob_reference_clear(&reference, memory, NULL) == MPIJOB_OK;
        everyone(cleared);
        memory_reopen();
        mpijob_array array;
        everyone(mpijob_reference_get(&array, &reference, memory, NULL) == MPIJOB_ENOTFOUND);
    }
    ck_assert_int_eq(computed_by_all(), suite_size);
}
END_TEST

int main(int argc, char **argv)
{
    Suite *suite = suite_create("memory_options");
    TCase *group = suite_group(suite, "options");
    tcase_add_checked_fixture(group, memory_set_up, memory_tear_down);
    tcase_add_loop_test(group, recorded_seconds_are_costs, 0, 2);
    tcase_add_loop_test(group, results_that_may_not_be_used, 0, 4);
    tcase_add_loop_test(group, jobs_that_differ_in_what_is_ignored, 0, 2);
    tcase_add_test(group, compressed_files);
    tcase_add_loop_test(group, shelved_results_are_mapped, 0, COUNT_OF(modes));
    tcase_add_loop_test(group, references_travel, 0, COUNT_OF(kinds));
    return memory_main(argc, argv, suite);
}
