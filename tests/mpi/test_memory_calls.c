/* Cached calls inside jobs: on any rank, stored by rank 0, found by all. */
#include "memory_suite.h"

#include "mpi/looks.h"

#include <stdlib.h>
#include <string.h>

typedef struct question {
    uint64_t number;
    int32_t length;
    int32_t fails;
} question;

static const mpijob_field question_fields[] = {MPIJOB_FIELD(question, number, MPIJOB_UINT64),
                                               MPIJOB_FIELD(question, length, MPIJOB_INT32),
                                               MPIJOB_FIELD(question, fails, MPIJOB_INT32)};
static const mpijob_record question_record = MPIJOB_RECORD_OF(question, question_fields);
static const mpijob_type number = {.kind = MPIJOB_FLOAT64};

static int inner(void *result, const void *args, mpijob_job *job)
{
    const question *q = args;
    double value = (double)q->number * 1.5;
    computed++;
    if (q->fails)
        return mpijob_job_fail(job, "told to fail");
    memcpy(result, &value, sizeof value);
    return 0;
}

static int inner_any(void *result, const void *args, mpijob_job *job)
{
    const question *q = args;
    const size_t shape[] = {2, (size_t)q->length};
    double *values = mpijob_job_result_array(job, 2, shape);
    (void)result;
    computed++;
    if (!values)
        return mpijob_job_fail(job, "no room");
    for (int i = 0; i < 2 * q->length; i++)
        values[i] = (double)q->number + i;
    return 0;
}

static const mpijob_function inner_function = {.name = "inner",
                                               .call = inner,
                                               .args_size = sizeof(question),
                                               .args = &question_record,
                                               .result_size = sizeof(double),
                                               .result = &number};
static const mpijob_function any_function = {.name = "inner_any",
                                             .call = inner_any,
                                             .args_size = sizeof(question),
                                             .args = &question_record,
                                             .result_size = MPIJOB_ANY_SIZE,
                                             .result = &number};

static mpijob_function cached_inner, cached_any;

typedef struct plan {
    uint64_t different;
    int32_t length;
} plan;

/* Job i wants answer i modulo `different`, twice. */
static int outer(void *result, const void *args, mpijob_job *job)
{
    const plan *p = job->context;
    question q = {.number = job->index % p->different};
    mpijob_error err;
    double first, second;
    (void)args;
    if (mpijob_function_call(&first, &cached_inner, &q, job, &err) != MPIJOB_OK ||
        mpijob_function_call(&second, &cached_inner, &q, job, &err) != MPIJOB_OK)
        return mpijob_job_fail(job, "%s", err.text);
    if (first != second)
        return mpijob_job_fail(job, "two answers to one question");
    memcpy(result, &first, sizeof first);
    return 0;
}

static int outer_any(void *result, const void *args, mpijob_job *job)
{
    const plan *p = job->context;
    question q = {.number = job->index % p->different, .length = p->length};
    mpijob_error err;
    mpijob_array values;
    (void)args;
    if (mpijob_function_call_array(&values, &cached_any, &q, job, &err) != MPIJOB_OK)
        return mpijob_job_fail(job, "%s", err.text);
    bool right = values.ndim == 2 && values.shape[0] == 2 && values.shape[1] == (size_t)p->length;
    double last = 0;
    if (right)
        memcpy(&last, (const char *)values.data + (size_t)(2 * p->length - 1) * sizeof last, sizeof last);
    right = right && last == (double)q.number + 2 * p->length - 1;
    mpijob_array_free(&values);
    memcpy(result, &last, sizeof last);
    return right ? 0 : mpijob_job_fail(job, "the wrong array");
}

static double results[5000];

static void cache_both(void)
{
    memory_cache(&cached_inner, &inner_function);
    memory_cache(&cached_any, &any_function);
}

START_TEST(calls_are_found_by_all_ranks)
{
    plan p = {.different = 50};
    mpijob_function f = {.name = "outer", .call = outer, .result_size = sizeof(double)};
    mpijob_inputs inputs = mpijob_range(2000);
    mpijob_parallel_options options = {.context = &p, .batch_size = _i ? 1 : 0};
    cache_both();
    for (int again = 0; again < 3; again++) {
        memset(results, 0, sizeof results);
        mpijob_error err;
        int status = run(results, &f, &inputs, &options, &err);
        ck_assert_msg(status == MPIJOB_OK, "%s", err.text);
        bool right = true;
        for (uint64_t i = 0; i < inputs.count; i++)
            right = right && results[i] == (double)(i % 50) * 1.5;
        rank0(right);
        int count = computed_by_all();
        /* Nobody waits for a key in flight: a few may be computed by several ranks. */
        ck_assert_int_le(count, again ? 0 : 50 * suite_size);
        ck_assert_int_ge(count, again ? 0 : 50);
        /* All results of all ranks in one segment: rank 0 is the only writer. */
        if (again == 1) {
            memory_reopen();
            ck_assert_int_eq(memory_files(".seg"), 1);
            cache_both();
        }
    }
}
END_TEST

/* One rank computes the first answer in one job, the second one in the next. The others wait until the second one is
 * there, and then call for the first one, of which they know nothing yet. */
typedef struct sharing {
    int32_t maker;
    int jobs; /* that this rank executed */
} sharing;

#define LOOKS_UNTIL_GIVEN_UP 20000 /* then the test fails; each takes 1 ms or more */

static int outer_sharing(void *result, const void *args, mpijob_job *job)
{
    sharing *s = job->context;
    question first = {.number = 1}, second = {.number = 2};
    mpijob_error err = {.text = ""};
    double other;
    (void)args;
    s->jobs++;
    for (int i = 0; job->rank != s->maker && i < LOOKS_UNTIL_GIVEN_UP; i++) {
        if (mpijob_function_check_call_in_cache(&cached_inner, &second, job, NULL) == 1)
            break;
        suite_sleep(1e-3);
    }
    int status = mpijob_function_call(result, &cached_inner, &first, job, &err);
    if (status == MPIJOB_OK && (job->rank != s->maker || s->jobs > 1))
        status = mpijob_function_call(&other, &cached_inner, &second, job, &err);
    return status == MPIJOB_OK ? 0 : mpijob_job_fail(job, "%s", err.text);
}

/* maker: -1: the last rank. Without its watchdog rank 0 would wait for what it does not receive meanwhile. */
static const struct {
    int32_t maker;
    int rank0;
} sharings[] = {{0, MPIJOB_RANK0_WORKS}, {-1, MPIJOB_RANK0_WORKS}, {-1, MPIJOB_RANK0_SCHEDULES}};

START_TEST(one_rank_computes_and_the_others_find)
{
    int level;
    MPI_Query_thread(&level);
    sharing s = {.maker = sharings[_i].maker < 0 ? suite_size - 1 : sharings[_i].maker};
    bool works = sharings[_i].rank0 == MPIJOB_RANK0_WORKS && (s.maker == 0 || level >= MPI_THREAD_SERIALIZED);
    mpijob_function f = {.name = "outer_sharing", .call = outer_sharing, .result_size = sizeof(double)};
    mpijob_inputs inputs = mpijob_range(40);
    mpijob_parallel_options options = {
        .context = &s, .batch_size = 1, .rank0 = works ? MPIJOB_RANK0_WORKS : MPIJOB_RANK0_SCHEDULES};
    mpijob_error err;
    cache_both();
    int status = run(results, &f, &inputs, &options, &err);
    ck_assert_msg(status == MPIJOB_OK, "%s", err.text);
    bool right = true;
    for (uint64_t i = 0; i < inputs.count; i++)
        right = right && results[i] == 1.5;
    rank0(right);
    everyone(s.jobs > 0 || (suite_rank == 0 && !works));
    everyone(computed == (suite_rank == s.maker ? 2 : 0));
}
END_TEST

/* All of 20 answers in each job, for so long that the store thread gets to work meanwhile. */
static int outer_all(void *result, const void *args, mpijob_job *job)
{
    mpijob_error err;
    (void)args;
    for (uint64_t i = 0; i < 20; i++) {
        question q = {.number = i};
        suite_sleep(5e-4);
        if (mpijob_function_call(result, &cached_inner, &q, job, &err) != MPIJOB_OK)
            return mpijob_job_fail(job, "%s", err.text);
    }
    return 0;
}

/* Also while the location is only being made, and what the first job computed is half stored. */
START_TEST(one_rank_alone_computes_each_once)
{
    mpijob_function f = {.name = "outer_all", .call = outer_all, .result_size = sizeof(double)};
    mpijob_inputs inputs = mpijob_range(6);
    mpijob_parallel_options options = {.n_jobs = 1, .batch_size = 1};
    cache_both();
    int status = run(results, &f, &inputs, &options, NULL);
    ck_assert_int_eq(status, MPIJOB_OK);
    ck_assert_int_eq(computed_by_all(), 20);
}
END_TEST

static const struct {
    int32_t length;
    size_t large_bytes;
} sizes[] = {{3, 0}, {2000, 0}, {60000, 0}, {2000, 1000}};

START_TEST(arrays_of_any_size)
{
    plan p = {.different = 20, .length = sizes[_i].length};
    mpijob_function f = {.name = "outer_any", .call = outer_any, .result_size = sizeof(double)};
    mpijob_inputs inputs = mpijob_range(300);
    mpijob_parallel_options options = {.context = &p};
    memory_options.large_bytes = sizes[_i].large_bytes;
    memory_reopen();
    cache_both();
    for (int again = 0; again < 3; again++) {
        mpijob_error err;
        int status = run(results, &f, &inputs, &options, &err);
        ck_assert_msg(status == MPIJOB_OK, "%s", err.text);
        int count = computed_by_all();
        ck_assert_int_le(count, again ? 0 : 20 * suite_size);
        if (again == 1) {
            memory_reopen();
            cache_both();
        }
    }
    ck_assert_int_eq(memory_files(".npy") > 0, sizes[_i].large_bytes > 0);
}
END_TEST

/* An answer of more bytes than travel in one piece. */
START_TEST(long_answers)
{
    plan p = {.different = 1, .length = 1310720};
    mpijob_function f = {.name = "outer_any", .call = outer_any, .result_size = sizeof(double)};
    mpijob_inputs inputs = mpijob_range(8);
    mpijob_parallel_options options = {.context = &p, .batch_size = 1};
    memory_options.large_bytes = (size_t)64 << 20;
    memory_options.compress = MPIJOB_UNCOMPRESSED;
    memory_reopen();
    cache_both();
    for (int again = 0; again < 2; again++) {
        mpijob_error err;
        int status = run(results, &f, &inputs, &options, &err);
        ck_assert_msg(status == MPIJOB_OK, "%s", err.text);
        int count = computed_by_all();
        ck_assert_int_le(count, again ? 0 : 8); /* too long to be remembered by who asked */
        memory_reopen();
        cache_both();
    }
    ck_assert_int_eq(memory_files(".npy"), 0);
}
END_TEST

/* The cached function is called in a run over a cached function. */
static int outer_cached(void *result, const void *args, mpijob_job *job)
{
    question q = *(const question *)args;
    mpijob_error err;
    q.number /= 10;
    computed += 1000;
    return mpijob_function_call(result, &cached_inner, &q, job, &err) == MPIJOB_OK
               ? 0
               : mpijob_job_fail(job, "%s", err.text);
}

START_TEST(cached_calls_in_cached_runs)
{
    static question questions[1000];
    mpijob_function f, plain = inner_function;
    plain.name = "outer_cached";
    plain.call = outer_cached;
    cache_both();
    memory_cache(&f, &plain);
    for (uint64_t i = 0; i < 1000; i++)
        questions[i] = (question){.number = i};
    mpijob_inputs inputs = mpijob_arguments(questions, 1000);
    for (int again = 0; again < 2; again++) {
        mpijob_error err;
        int status = run(results, &f, &inputs, NULL, &err);
        ck_assert_msg(status == MPIJOB_OK, "%s", err.text);
        bool right = true;
        for (uint64_t i = 0; i < 1000; i++)
            right = right && results[i] == (double)(i / 10) * 1.5;
        rank0(right);
        int count = computed_by_all();
        ck_assert_int_eq(count / 1000, again ? 0 : 1000 + count % 1000 / 1000);
        ck_assert_int_le(count % 1000, 100 * suite_size);
    }
}
END_TEST

static int outer_failing(void *result, const void *args, mpijob_job *job)
{
    question q = {.number = job->index, .fails = 1};
    mpijob_error err;
    (void)args;
    return mpijob_function_call(result, &cached_inner, &q, job, &err) == MPIJOB_EJOB && strstr(err.text, "told to fail")
               ? 0
               : mpijob_job_fail(job, "it should have failed");
}

START_TEST(calls_that_fail_are_not_stored)
{
    mpijob_function f = {.name = "outer_failing", .call = outer_failing, .result_size = sizeof(double)};
    mpijob_inputs inputs = mpijob_range(100);
    cache_both();
    for (int again = 0; again < 2; again++) {
        int status = run(results, &f, &inputs, NULL, NULL);
        ck_assert_int_eq(status, MPIJOB_OK);
        ck_assert_int_eq(computed_by_all(), 100);
    }
}
END_TEST

/* What a rank stored may be new to the others until they open the location again. */
static void reopen_except_on_rank_0(void)
{
    if (suite_rank != 0)
        mpijob_memory_close(memory);
    suite_least(0);
    if (suite_rank != 0 && mpijob_memory_open(&memory, memory_folder, NULL, NULL) != MPIJOB_OK)
        abort();
    cache_both();
}

/* Rank 0 has another location open, or none: the others look and store for themselves. */
START_TEST(functions_that_rank_0_does_not_have)
{
    plan p = {.different = 10};
    mpijob_memory *none;
    mpijob_function f = {.name = "outer", .call = outer, .result_size = sizeof(double)};
    mpijob_inputs inputs = mpijob_range(200);
    mpijob_parallel_options options = {.context = &p, .rank0 = MPIJOB_RANK0_SCHEDULES};
    int status = mpijob_memory_open(&none, NULL, NULL, NULL);
    ck_assert_int_eq(status, MPIJOB_OK);
    if (suite_rank == 0) {
        mpijob_memory_close(memory);
        memory = none;
        none = NULL;
    }
    cache_both();
    for (int again = 0; again < 2; again++) {
        status = run(results, &f, &inputs, &options, NULL);
        ck_assert_int_eq(status, MPIJOB_OK);
        bool right = true;
        for (uint64_t i = 0; i < inputs.count; i++)
            right = right && results[i] == (double)(i % 10) * 1.5;
        rank0(right);
        everyone(suite_rank == 0 || computed <= (again ? 0 : 10));
        computed = 0;
        reopen_except_on_rank_0();
    }
    mpijob_memory_close(none);
}
END_TEST

/* ---- Shared inputs ---- */

static int scaled(void *result, const void *args, mpijob_job *job)
{
    double factor, value;
    computed++;
    if (job->shared_count != 1)
        return mpijob_job_fail(job, "no shared input");
    memcpy(&factor, mpijob_shared_data(job->shared[0]), sizeof factor);
    value = factor * (double)((const question *)args)->number;
    memcpy(result, &value, sizeof value);
    return 0;
}

static mpijob_function cached_scaled;

static int outer_scaled(void *result, const void *args, mpijob_job *job)
{
    question q = {.number = job->index % 20};
    mpijob_error err;
    (void)args;
    return mpijob_function_call(result, &cached_scaled, &q, job, &err) == MPIJOB_OK
               ? 0
               : mpijob_job_fail(job, "%s", err.text);
}

/* The run itself is not over a cached function: what the calls see is covered by their keys all the same. */
START_TEST(shared_inputs_count_in_calls_too)
{
    static const double factors[] = {2, 3, 2};
    mpijob_function f = {.name = "outer_scaled", .call = outer_scaled, .result_size = sizeof(double)};
    mpijob_function plain = inner_function;
    mpijob_inputs inputs = mpijob_range(200);
    plain.name = "scaled";
    plain.call = scaled;
    memory_cache(&cached_scaled, &plain);
    for (int i = 0; i < COUNT_OF(factors); i++) {
        mpijob_shared *shared;
        int status = mpijob_share(&shared, &factors[i], sizeof factors[i], MPI_COMM_WORLD, NULL, NULL);
        ck_assert_int_eq(status, MPIJOB_OK);
        const mpijob_shared *list[] = {shared};
        mpijob_parallel_options options = {.shared = list, .shared_count = 1};
        status = run(results, &f, &inputs, &options, NULL);
        ck_assert_int_eq(status, MPIJOB_OK);
        bool right = true;
        for (uint64_t j = 0; j < inputs.count; j++)
            right = right && results[j] == factors[i] * (double)(j % 20);
        rank0(right);
        int count = computed_by_all();
        ck_assert_int_eq(count > 0, i < 2);
        mpijob_share_free(shared);
    }
}
END_TEST

/* Memory is opened only when the run is under way: no key covers what is shared, so nothing is looked up or stored. */
static int outer_late(void *result, const void *args, mpijob_job *job)
{
    question q = {.number = job->index % 20};
    mpijob_memory *late;
    mpijob_function f = {.name = "late",
                         .call = scaled,
                         .args_size = sizeof(question),
                         .args = &question_record,
                         .result_size = sizeof(double),
                         .result = &number};
    mpijob_function cached;
    mpijob_reference reference = {.bytes = 0};
    mpijob_array array = {0};
    mpijob_digest key;
    double called = 0, shelved = 0;
    (void)args;
    int status = mpijob_memory_open(&late, memory_folder, NULL, NULL);
    if (status != MPIJOB_OK)
        return mpijob_job_fail(job, "Memory cannot be opened");
    bool right = mpijob_memory_cache(&cached, late, &f, NULL, NULL) == MPIJOB_OK &&
                 mpijob_function_call(&called, &cached, &q, job, NULL) == MPIJOB_OK &&
                 mpijob_function_call_and_shelve(&reference, &cached, &q, job, NULL) == MPIJOB_OK &&
                 mpijob_reference_get(&array, &reference, late, NULL) == MPIJOB_OK &&
                 mpijob_function_check_call_in_cache(&cached, &q, job, NULL) == 0 &&
                 mpijob_function_key(&key, &cached, &q, job, NULL) == MPIJOB_EINVAL;
    if (right)
        memcpy(&shelved, array.data, sizeof shelved);
    mpijob_array_free(&array);
    mpijob_reference_free(&reference);
    mpijob_memory_close(late);
    memcpy(result, &called, sizeof called);
    return right && called == shelved ? 0 : mpijob_job_fail(job, "a call of a function without a key went wrong");
}

START_TEST(without_digests_nothing_is_looked_up)
{
    mpijob_function f = {.name = "outer_late", .call = outer_late, .result_size = sizeof(double)};
    mpijob_inputs inputs = mpijob_range(40);
    mpijob_memory_close(memory);
    memory = NULL;
    for (int i = 2; i < 4; i++) {
        mpijob_shared *shared;
        double factor = i;
        int status = mpijob_share(&shared, &factor, sizeof factor, MPI_COMM_WORLD, NULL, NULL);
        ck_assert_int_eq(status, MPIJOB_OK);
        const mpijob_shared *list[] = {shared};
        mpijob_parallel_options options = {.shared = list, .shared_count = 1};
        mpijob_error err = {.text = ""};
        status = run(results, &f, &inputs, &options, &err);
        ck_assert_msg(status == MPIJOB_OK, "%s", err.text);
        bool right = true;
        for (uint64_t j = 0; j < inputs.count; j++)
            right = right && results[j] == factor * (double)(j % 20);
        rank0(right);
        ck_assert_int_eq(computed_by_all(), 80);
        mpijob_share_free(shared);
    }
}
END_TEST

/* The value tells in which round it was computed. */
static int rounds;

static int in_this_round(void *result, const void *args, mpijob_job *job)
{
    if (scaled(result, args, job) != 0)
        return MPIJOB_EJOB;
    double value;
    memcpy(&value, result, sizeof value);
    value += 1000 * rounds;
    memcpy(result, &value, sizeof value);
    return 0;
}

/* What a job's calls gave; a number of its own for each job. */
typedef struct keyed_calls {
    int32_t there_before, there_after, there_shelved;
    double called, recomputed, called_then;
    mpijob_reference reference, shelved;
} keyed_calls;

static int outer_keyed(void *result, const void *args, mpijob_job *job)
{
    keyed_calls *c = result;
    question called = {.number = job->index}, shelved = {.number = 100 + job->index};
    mpijob_error err;
    (void)args;
    memset(c, 0, sizeof *c);
    c->there_before = mpijob_function_check_call_in_cache(&cached_scaled, &called, job, NULL);
    c->there_shelved = mpijob_function_check_call_in_cache(&cached_scaled, &shelved, job, NULL);
    int status = mpijob_function_call(&c->called, &cached_scaled, &called, job, &err);
    c->there_after = mpijob_function_check_call_in_cache(&cached_scaled, &called, job, NULL);
    if (status == MPIJOB_OK)
        status = mpijob_function_recompute(&c->recomputed, &cached_scaled, &called, job, &err);
    if (status == MPIJOB_OK)
        status = mpijob_function_call(&c->called_then, &cached_scaled, &called, job, &err);
    if (status == MPIJOB_OK)
        status = mpijob_function_call_and_shelve(&c->reference, &cached_scaled, &called, job, &err);
    if (status == MPIJOB_OK)
        status = mpijob_function_call_and_shelve(&c->shelved, &cached_scaled, &shelved, job, &err);
    return status == MPIJOB_OK ? 0 : mpijob_job_fail(job, "%s", err.text);
}

/* With other shared inputs nothing is there; what is computed again is what is found from then on. */
static const struct {
    double factor;
    bool found;
    int called_in, shelved_in; /* the rounds in which what is found was computed */
} keyed_rounds[] = {{2, false, 0, 0}, {2, true, 0, 0}, {3, false, 2, 2}, {2, true, 1, 0}};

static bool refers(const mpijob_reference *reference, double expected)
{
    mpijob_array array;
    double value;
    if (mpijob_reference_is_portable(reference) != 1 || reference->bytes != sizeof value ||
        mpijob_reference_get(&array, reference, memory, NULL) != MPIJOB_OK)
        return false;
    memcpy(&value, array.data, sizeof value);
    mpijob_array_free(&array);
    return value == expected;
}

static bool keyed_calls_are_right(const keyed_calls *c, uint64_t index)
{
    bool found = keyed_rounds[rounds].found;
    double factor = keyed_rounds[rounds].factor;
    double called = factor * (double)index + 1000 * keyed_rounds[rounds].called_in;
    double recomputed = factor * (double)index + 1000 * rounds;
    double shelved = factor * (double)(100 + index) + 1000 * keyed_rounds[rounds].shelved_in;
    return c->there_before == found && c->there_shelved == found && c->there_after == 1 && c->called == called &&
           c->recomputed == recomputed && c->called_then == recomputed && refers(&c->reference, recomputed) &&
           refers(&c->shelved, shelved);
}

START_TEST(keyed_calls_of_all_kinds)
{
    static keyed_calls list[60];
    mpijob_function f = {.name = "outer_keyed", .call = outer_keyed, .result_size = sizeof(keyed_calls)};
    mpijob_function plain = inner_function;
    mpijob_inputs inputs = mpijob_range(COUNT_OF(list));
    plain.name = "in_this_round";
    plain.call = in_this_round;
    for (rounds = 0; rounds < COUNT_OF(keyed_rounds); rounds++) {
        mpijob_shared *shared;
        double factor = keyed_rounds[rounds].factor;
        memory_cache(&cached_scaled, &plain);
        int status = mpijob_share(&shared, &factor, sizeof factor, MPI_COMM_WORLD, NULL, NULL);
        ck_assert_int_eq(status, MPIJOB_OK);
        const mpijob_shared *shares[] = {shared};
        mpijob_parallel_options options = {.shared = shares, .shared_count = 1, .batch_size = 1};
        mpijob_error err = {.text = ""};
        status = run(list, &f, &inputs, &options, &err);
        ck_assert_msg(status == MPIJOB_OK, "%s", err.text);
        ck_assert_int_eq(computed_by_all(), (keyed_rounds[rounds].found ? 1 : 3) * COUNT_OF(list));
        memory_reopen();
        bool right = true;
        for (int i = 0; suite_rank == 0 && i < COUNT_OF(list); i++)
            right = right && keyed_calls_are_right(&list[i], (uint64_t)i);
        rank0(right);
        mpijob_share_free(shared);
    }
}
END_TEST

/* While rank 0 is in a long job, and nobody else there may call MPI, it answers no question: askers compute then. */
static int long_on_rank_0(void *result, const void *args, mpijob_job *job)
{
    question q = {.number = job->index % 5};
    mpijob_error err;
    (void)args;
    if (job->rank == 0)
        suite_sleep(0.3);
    return mpijob_function_call(result, &cached_inner, &q, job, &err) == MPIJOB_OK
               ? 0
               : mpijob_job_fail(job, "%s", err.text);
}

START_TEST(nobody_waits_for_a_deaf_rank_0)
{
    mpj_patience_more_s = 0;
    mpijob_function f = {.name = "long", .call = long_on_rank_0, .result_size = sizeof(double)};
    mpijob_inputs inputs = mpijob_range(suite_size == 1 ? 3 : 60);
    mpijob_parallel_options options = {.batch_size = 1};
    cache_both();
    for (int again = 0; again < 2; again++) {
        int status = run(results, &f, &inputs, &options, NULL);
        ck_assert_int_eq(status, MPIJOB_OK);
        bool right = true;
        for (uint64_t i = 0; i < inputs.count; i++)
            right = right && results[i] == (double)(i % 5) * 1.5;
        rank0(right);
    }
}
END_TEST

int main(int argc, char **argv)
{
    int level;
    if (argc > 1 && strcmp(argv[1], "funneled") == 0)
        MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &level);
    Suite *suite = suite_create("memory_calls");
    TCase *calls = suite_group(suite, "calls inside jobs");
    tcase_add_checked_fixture(calls, memory_set_up, memory_tear_down);
    tcase_add_loop_test(calls, calls_are_found_by_all_ranks, 0, 2);
    tcase_add_loop_test(calls, one_rank_computes_and_the_others_find, 0, COUNT_OF(sharings));
    tcase_add_test(calls, one_rank_alone_computes_each_once);
    tcase_add_loop_test(calls, arrays_of_any_size, 0, COUNT_OF(sizes));
    tcase_add_test(calls, long_answers);
    tcase_add_test(calls, cached_calls_in_cached_runs);
    tcase_add_test(calls, calls_that_fail_are_not_stored);
    tcase_add_test(calls, functions_that_rank_0_does_not_have);
    tcase_add_test(calls, shared_inputs_count_in_calls_too);
    tcase_add_test(calls, without_digests_nothing_is_looked_up);
    tcase_add_test(calls, keyed_calls_of_all_kinds);
    tcase_add_test(calls, nobody_waits_for_a_deaf_rank_0);
    return memory_main(argc, argv, suite);
}
