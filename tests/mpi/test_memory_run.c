/* Runs over cached functions: what is found, what is computed how often, in what order it comes. */
#include "memory_suite.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- Jobs ---- */

typedef struct point {
    double x;
    int32_t exponent;
    int32_t fails;
} point;

static const mpijob_field point_fields[] = {MPIJOB_FIELD(point, x, MPIJOB_FLOAT64),
                                            MPIJOB_FIELD(point, exponent, MPIJOB_INT32),
                                            MPIJOB_FIELD(point, fails, MPIJOB_INT32)};
static const mpijob_record point_record = MPIJOB_RECORD_OF(point, point_fields);
static const mpijob_type number = {.kind = MPIJOB_FLOAT64};

static int power(void *result, const void *args, mpijob_job *job)
{
    const point *p = args;
    double value = 1;
    computed++;
    if (p->fails)
        return mpijob_job_fail(job, "told to fail");
    for (int i = 0; i < p->exponent; i++)
        value *= p->x;
    memcpy(result, &value, sizeof value);
    return 0;
}

static int roots(void *result, const void *args, mpijob_job *job)
{
    const point *p = args;
    computed++;
    size_t bytes = (size_t)p->exponent * sizeof(double);
    double *values = mpijob_job_result(job, bytes);
    (void)result;
    if (!values)
        return mpijob_job_fail(job, "no room");
    for (int i = 0; i < p->exponent; i++)
        values[i] = p->x + i;
    return 0;
}

static const mpijob_function power_function = {.name = "power",
                                               .call = power,
                                               .args_size = sizeof(point),
                                               .args = &point_record,
                                               .result_size = sizeof(double),
                                               .result = &number};
static const mpijob_function roots_function = {.name = "roots",
                                               .call = roots,
                                               .args_size = sizeof(point),
                                               .args = &point_record,
                                               .result_size = MPIJOB_ANY_SIZE,
                                               .result = &number};

#define MOST 20000
static point points[MOST];
static double values[MOST];

static double right_value(const point *p)
{
    double value = 1;
    for (int i = 0; i < p->exponent; i++)
        value *= p->x;
    return value;
}

/* `different`: how many of them are; they come in turns. */
static void fill_points(uint64_t count, uint64_t different)
{
    for (uint64_t i = 0; i < count; i++)
        points[i] = (point){.x = 1 + 1e-3 * (double)(i % different), .exponent = 5};
    memset(values, 0, sizeof values);
}

static bool all_right(uint64_t count)
{
    bool right = true;
    for (uint64_t i = 0; i < count; i++)
        right = right && (points[i].fails ? values[i] == 0 : values[i] == right_value(&points[i]));
    return right;
}

/* ---- Lists ---- */

START_TEST(computed_once_and_found_ever_after)
{
    mpijob_function f;
    const uint64_t count = 5000;
    mpijob_stats stats = {0};
    mpijob_parallel_options options = {.stats = &stats};
    mpijob_inputs inputs = mpijob_arguments(points, count);
    memory_cache(&f, &power_function);
    fill_points(count, count);
    int status = run(values, &f, &inputs, &options, NULL);
    ck_assert_int_eq(status, MPIJOB_OK);
    rank0(all_right(count));
    ck_assert_int_eq(computed_by_all(), 5000);
    rank0(stats.computed == count && stats.hits == 0 && stats.duplicates == 0 && stats.jobs == count);
    for (int again = 0; again < 2; again++) {
        fill_points(count, count);
        status = run(values, &f, &inputs, &options, NULL);
        ck_assert_int_eq(status, MPIJOB_OK);
        rank0(all_right(count));
        ck_assert_int_eq(computed_by_all(), 0);
        rank0(stats.computed == 0 && stats.hits == count && stats.duplicates == 0 && stats.jobs == count);
        rank0(stats.batches == 0 && stats.busy_s == 0);
        memory_reopen();
        memory_cache(&f, &power_function);
    }
}
END_TEST

START_TEST(equal_jobs_are_computed_once)
{
    mpijob_function f;
    const uint64_t count = 6000;
    mpijob_stats stats = {0};
    mpijob_parallel_options options = {.stats = &stats, .batch_size = _i ? 3 : 0};
    mpijob_inputs inputs = mpijob_arguments(points, count);
    memory_cache(&f, &power_function);
    fill_points(count, 7);
    int status = run(values, &f, &inputs, &options, NULL);
    ck_assert_int_eq(status, MPIJOB_OK);
    rank0(all_right(count));
    ck_assert_int_eq(computed_by_all(), 7);
    rank0(stats.computed == 7 && stats.hits + stats.duplicates == count - 7);
}
END_TEST

START_TEST(found_and_computed_together)
{
    mpijob_function f;
    const uint64_t count = 4000;
    int8_t statuses[4000];
    mpijob_parallel_options options = {.statuses = statuses};
    memory_cache(&f, &power_function);
    fill_points(count, count);
    mpijob_inputs some = mpijob_arguments(points + 1000, 1500);
    int status = run(values, &f, &some, NULL, NULL);
    ck_assert_int_eq(status, MPIJOB_OK);
    ck_assert_int_eq(computed_by_all(), 1500);
    memset(values, 0, sizeof values);
    memset(statuses, 77, sizeof statuses);
    mpijob_inputs all = mpijob_arguments(points, count);
    status = run(values, &f, &all, &options, NULL);
    ck_assert_int_eq(status, MPIJOB_OK);
    rank0(all_right(count));
    ck_assert_int_eq(computed_by_all(), 2500);
    bool fine = true;
    for (uint64_t i = 0; i < count; i++)
        fine = fine && statuses[i] == MPIJOB_OK;
    rank0(fine);
}
END_TEST

/* ---- Consumers ---- */

typedef struct taken {
    uint64_t count, next;
    uint64_t enough; /* 0: never */
    bool ordered, right;
    bool seen[MOST];
} taken;

static int take(const void *result, size_t bytes, uint64_t index, const mpijob_error *failure, void *payload,
                mpijob_error *err)
{
    taken *t = payload;
    double value = 0;
    (void)err;
    t->right = t->right && index < MOST && !t->seen[index] && (!t->ordered || index == t->next);
    t->seen[index] = true;
    t->next++;
    t->count++;
    if (failure) {
        t->right = t->right && points[index].fails;
        return MPIJOB_GO_ON;
    }
    t->right = t->right && bytes == sizeof value;
    memcpy(&value, result, sizeof value);
    t->right = t->right && value == right_value(&points[index]) && !points[index].fails;
    return t->enough && t->count >= t->enough ? MPIJOB_ENOUGH : MPIJOB_GO_ON;
}

static int draw(void *args, double *cost, uint64_t index, void *payload, mpijob_error *err)
{
    (void)cost, (void)err;
    if (index == *(const uint64_t *)payload)
        return MPIJOB_END;
    memcpy(args, &points[index], sizeof points[index]);
    return MPIJOB_MORE;
}

static const struct {
    bool ordered, generator, known;
    const char *pre_dispatch;
    uint64_t different;
} streams[] = {
    {true, false, true, NULL, 3000}, {false, false, true, NULL, 3000},       {true, true, true, NULL, 3000},
    {true, true, false, NULL, 3000}, {false, true, false, "3*n_jobs", 3000}, {true, false, true, "1", 300},
    {true, true, false, "4", 11},    {true, false, true, "all", 11},
};

START_TEST(results_for_a_consumer)
{
    static taken t;
    mpijob_function f;
    uint64_t count = 3000;
    memory_cache(&f, &power_function);
    fill_points(count, streams[_i].different);
    /* A third of them is there before. */
    mpijob_inputs some = mpijob_arguments(points, count / 3);
    int status = run(values, &f, &some, NULL, NULL);
    ck_assert_int_eq(status, MPIJOB_OK);
    uint64_t before = (uint64_t)computed_by_all();
    for (int again = 0; again < 2; again++) {
        t = (taken){.ordered = streams[_i].ordered, .right = true};
        mpijob_inputs inputs = streams[_i].generator
                                   ? mpijob_generator(draw, &count, streams[_i].known ? count : MPIJOB_UNKNOWN)
                                   : mpijob_arguments(points, count);
        mpijob_parallel_options options = {.return_as =
                                               streams[_i].ordered ? MPIJOB_GENERATOR : MPIJOB_GENERATOR_UNORDERED,
                                           .consume = take,
                                           .consume_payload = &t,
                                           .pre_dispatch = streams[_i].pre_dispatch};
        status = run(NULL, &f, &inputs, &options, NULL);
        ck_assert_int_eq(status, MPIJOB_OK);
        rank0(t.right && t.count == count);
        uint64_t now = (uint64_t)computed_by_all();
        ck_assert_uint_eq(now, again ? 0 : streams[_i].different - before);
    }
}
END_TEST

START_TEST(a_consumer_that_has_enough)
{
    static taken t;
    mpijob_function f;
    const uint64_t count = 3000;
    memory_cache(&f, &power_function);
    fill_points(count, count);
    mpijob_inputs inputs = mpijob_arguments(points, count);
    for (int again = 0; again < 2; again++) {
        t = (taken){.ordered = true, .right = true, .enough = 100};
        mpijob_parallel_options options = {
            .return_as = MPIJOB_GENERATOR, .consume = take, .consume_payload = &t, .max_batch_size = 20};
        int status = run(NULL, &f, &inputs, &options, NULL);
        ck_assert_int_eq(status, MPIJOB_OK);
        rank0(t.right && t.count == 100);
    }
}
END_TEST

static int take_roots(const void *result, size_t bytes, uint64_t index, const mpijob_error *failure, void *payload,
                      mpijob_error *err)
{
    taken *t = payload;
    const point *p = &points[index];
    (void)err;
    t->right = t->right && !failure && index == t->next && bytes == (size_t)p->exponent * sizeof(double) &&
               (uintptr_t)result % 16 == 0;
    for (int i = 0; t->right && i < p->exponent; i++) {
        double value;
        memcpy(&value, (const char *)result + (size_t)i * sizeof value, sizeof value);
        t->right = value == p->x + i;
    }
    t->next++;
    t->count++;
    return MPIJOB_GO_ON;
}

/* -- Results without a byte -- */

static int nothing(void *result, const void *args, mpijob_job *job)
{
    (void)result;
    (void)args;
    (void)job;
    computed++;
    return 0;
}

static int take_nothing(const void *result, size_t bytes, uint64_t index, const mpijob_error *failure, void *payload,
                        mpijob_error *err)
{
    (void)result;
    (void)index;
    (void)err;
    *(int *)payload += bytes == 0 && !failure;
    return MPIJOB_GO_ON;
}

START_TEST(empty_results)
{
    const mpijob_function function = {.name = "nothing", .call = nothing, .result_size = MPIJOB_ANY_SIZE};
    mpijob_function f;
    mpijob_inputs inputs = mpijob_range(100);
    memory_cache(&f, &function);
    for (int again = 0; again < 2; again++) {
        int count = 0;
        mpijob_parallel_options options = {
            .return_as = MPIJOB_GENERATOR, .consume = take_nothing, .consume_payload = &count};
        int status = run(NULL, &f, &inputs, &options, NULL);
        ck_assert_int_eq(status, MPIJOB_OK);
        rank0(count == 100);
        ck_assert_int_eq(computed_by_all(), again ? 0 : 100);
        memory_reopen();
        memory_cache(&f, &function);
    }
}
END_TEST

/* -- References that nobody takes -- */

static int take_one(const void *result, size_t bytes, uint64_t index, const mpijob_error *failure, void *payload,
                    mpijob_error *err)
{
    mpijob_reference reference;
    (void)index;
    (void)err;
    if (failure || bytes != sizeof reference)
        return MPIJOB_ENOUGH;
    memcpy(&reference, result, sizeof reference);
    *(bool *)payload = !mpijob_reference_is_portable(&reference);
    mpijob_reference_free(&reference);
    return MPIJOB_ENOUGH;
}

/* The leak checker of a sanitizer build sees what is not released. */
START_TEST(references_that_nobody_takes)
{
    mpijob_memory *none = NULL;
    mpijob_function f;
    mpijob_error err = {.text = ""};
    bool held = false;
    fill_points(500, 500);
    mpijob_inputs inputs = mpijob_arguments(points, 500);
    mpijob_parallel_options options = {
        .return_as = MPIJOB_GENERATOR, .consume = take_one, .consume_payload = &held, .shelve = 1};
    int status = mpijob_memory_open(&none, NULL, NULL, &err);
    ck_assert_int_eq(status, MPIJOB_OK);
    status = mpijob_memory_cache(&f, none, &power_function, NULL, &err);
    ck_assert_int_eq(status, MPIJOB_OK);
    status = run(NULL, &f, &inputs, &options, NULL);
    ck_assert_int_eq(status, MPIJOB_OK);
    rank0(held);
    mpijob_memory_close(none);
}
END_TEST

START_TEST(results_of_any_size)
{
    static taken t;
    mpijob_function f;
    const uint64_t count = 1500;
    memory_cache(&f, &roots_function);
    for (uint64_t i = 0; i < count; i++)
        points[i] = (point){.x = (double)(i % 700), .exponent = (int32_t)(i % 700 % 50 ? i % 700 % 50 : 40000)};
    mpijob_inputs inputs = mpijob_arguments(points, count);
    for (int again = 0; again < 3; again++) {
        t = (taken){.right = true};
        mpijob_parallel_options options = {.return_as = MPIJOB_GENERATOR, .consume = take_roots, .consume_payload = &t};
        int status = run(NULL, &f, &inputs, &options, NULL);
        ck_assert_int_eq(status, MPIJOB_OK);
        rank0(t.right && t.count == count);
        ck_assert_int_eq(computed_by_all(), again ? 0 : 700);
        if (again == 1) {
            memory_reopen();
            memory_cache(&f, &roots_function);
        }
    }
}
END_TEST

static int add(void *accumulator, const void *result, size_t bytes, uint64_t index, void *payload, mpijob_error *err)
{
    double sum, value;
    (void)bytes, (void)payload, (void)err;
    memcpy(&sum, accumulator, sizeof sum);
    memcpy(&value, result, sizeof value);
    sum = sum * 0.999 + value * (double)(index % 13);
    memcpy(accumulator, &sum, sizeof sum);
    return MPIJOB_GO_ON;
}

START_TEST(a_reduction_is_the_same_to_the_last_bit)
{
    mpijob_function f;
    double plain = 0;
    const uint64_t count = 2000;
    mpijob_parallel_options options = {.reduce = add, .accumulator_size = sizeof plain, .everywhere = 1};
    fill_points(count, 900);
    mpijob_inputs inputs = mpijob_arguments(points, count);
    mpijob_inputs some = mpijob_arguments(points + 100, 300);
    int status = run(&plain, &power_function, &inputs, &options, NULL);
    ck_assert_int_eq(status, MPIJOB_OK);
    memory_cache(&f, &power_function);
    status = run(values, &f, &some, NULL, NULL);
    ck_assert_int_eq(status, MPIJOB_OK);
    for (int again = 0; again < 2; again++) {
        double sum = 0;
        status = run(&sum, &f, &inputs, &options, NULL);
        ck_assert_int_eq(status, MPIJOB_OK);
        everyone(memcmp(&sum, &plain, sizeof sum) == 0);
    }
}
END_TEST

/* ---- Failures ---- */

START_TEST(failures_are_not_stored)
{
    mpijob_function f;
    const uint64_t count = 3000;
    mpijob_parallel_options options = {.on_error = MPIJOB_CONTINUE};
    memory_cache(&f, &power_function);
    fill_points(count, 1000);
    for (uint64_t i = 0; i < count; i++)
        points[i].fails = i % 1000 % 10 == 3;
    mpijob_inputs inputs = mpijob_arguments(points, count);
    for (int again = 0; again < 2; again++) {
        memset(values, 77, sizeof values);
        int status = run(values, &f, &inputs, &options, NULL);
        ck_assert_int_eq(status, MPIJOB_EJOB);
        rank0(all_right(count));
        /* Each of the failing ones fails by itself. */
        int expected = 3 * 100 + (again ? 0 : 900);
        ck_assert_int_eq(computed_by_all(), expected);
    }
}
END_TEST

START_TEST(a_failure_stops_the_run)
{
    mpijob_function f;
    mpijob_error err;
    const uint64_t count = 3000;
    memory_cache(&f, &power_function);
    fill_points(count, count);
    points[1700].fails = 1;
    mpijob_inputs inputs = mpijob_arguments(points, count);
    for (int again = 0; again < 2; again++) {
        int status = run(values, &f, &inputs, NULL, &err);
        ck_assert_int_eq(status, MPIJOB_EJOB);
        rank0(err.job == 1700);
    }
    points[1700].fails = 0;
    computed_by_all();
    memset(values, 0, sizeof values);
    int status = run(values, &f, &inputs, NULL, &err);
    ck_assert_int_eq(status, MPIJOB_OK);
    rank0(all_right(count));
    ck_assert_int_lt(computed_by_all(), 3000);
}
END_TEST

/* ---- What a job sees ---- */

typedef struct seen {
    uint64_t index, seed, random;
} seen;

static int look_around(void *result, const void *args, mpijob_job *job)
{
    mpijob_random random;
    (void)args;
    computed++;
    mpijob_job_random(job, &random);
    seen s = {job->index, job->seed, mpijob_random_u64(&random)};
    memcpy(result, &s, sizeof s);
    return 0;
}

START_TEST(a_job_sees_what_its_key_covers)
{
    mpijob_function f;
    mpijob_function with_args = power_function;
    with_args.call = look_around;
    with_args.result = NULL;
    with_args.result_size = sizeof(seen);
    with_args.name = "look_around";
    const uint64_t count = 500;
    static seen first[500], second[500];
    memory_cache(&f, &with_args);
    fill_points(count, count);
    mpijob_inputs inputs = mpijob_arguments(points, count);
    mpijob_inputs shifted = mpijob_arguments(points + 100, count - 100);
    mpijob_parallel_options options = {.seed = 1};
    run(first, &f, &inputs, &options, NULL);
    ck_assert_int_eq(computed_by_all(), 500);
    /* In other places, with another seed, by whoever computes it: found, or all computed again. */
    if (_i == 1 && suite_rank == 0)
        mpijob_memory_clear(memory, 1, NULL, NULL);
    options.seed = 2;
    run(second, &f, &shifted, &options, NULL);
    ck_assert_int_eq(computed_by_all(), _i ? 400 : 0);
    bool right = true;
    for (uint64_t i = 0; i < count; i++)
        right = right && first[i].index == 0 && (i == 0 || first[i].seed != first[i - 1].seed);
    for (uint64_t i = 0; i < count - 100; i++)
        right = right && memcmp(&second[i], &first[i + 100], sizeof second[i]) == 0;
    rank0(right);
}
END_TEST

static int square_index(void *result, const void *args, mpijob_job *job)
{
    double value = (double)(job->index * job->index);
    (void)args;
    computed++;
    memcpy(result, &value, sizeof value);
    return 0;
}

START_TEST(jobs_without_arguments_go_by_their_index)
{
    mpijob_function f;
    mpijob_function squares = {
        .name = "squares", .call = square_index, .result_size = sizeof(double), .result = &number};
    memory_cache(&f, &squares);
    for (int again = 0; again < 2; again++) {
        mpijob_inputs inputs = mpijob_range(again ? 3000 : 2000);
        memset(values, 0, sizeof values);
        int status = run(values, &f, &inputs, NULL, NULL);
        ck_assert_int_eq(status, MPIJOB_OK);
        bool right = true;
        for (uint64_t i = 0; i < inputs.count; i++)
            right = right && values[i] == (double)(i * i);
        rank0(right);
        ck_assert_int_eq(computed_by_all(), again ? 1000 : 2000);
    }
}
END_TEST

/* ---- Shared inputs ---- */

static int scale_by_shared(void *result, const void *args, mpijob_job *job)
{
    double factor;
    memcpy(&factor, mpijob_shared_data(job->shared[0]), sizeof factor);
    double value = factor * ((const point *)args)->x;
    computed++;
    memcpy(result, &value, sizeof value);
    return 0;
}

static const struct {
    double factor;
    const char *version;
    int computed;
} shares[] = {{2, NULL, 300}, {3, NULL, 300}, {2, NULL, 0},  {4, "four", 300},
              {4, NULL, 300}, {5, "four", 0}, {4, "4", 300}, {4, "four", 0}};

START_TEST(shared_inputs_count_by_their_digest)
{
    mpijob_function scale = power_function;
    mpijob_function f;
    scale.name = "scale";
    scale.call = scale_by_shared;
    memory_cache(&f, &scale);
    fill_points(300, 300);
    mpijob_inputs inputs = mpijob_arguments(points, 300);
    for (int i = 0; i < COUNT_OF(shares); i++) {
        mpijob_shared *shared;
        mpijob_share_options how = {.version = shares[i].version};
        int status = mpijob_share(&shared, &shares[i].factor, sizeof shares[i].factor, MPI_COMM_WORLD, &how, NULL);
        ck_assert_int_eq(status, MPIJOB_OK);
        const mpijob_shared *list[] = {shared};
        mpijob_parallel_options options = {.shared = list, .shared_count = 1};
        status = run(values, &f, &inputs, &options, NULL);
        ck_assert_int_eq(status, MPIJOB_OK);
        int done = computed_by_all();
        ck_assert_msg(done == shares[i].computed, "share %d: computed %d", i, done);
        /* A version stands for the contents: the caller's promise, broken here on purpose. */
        double factor = i == 5 ? 4 : shares[i].factor;
        rank0(values[299] == factor * points[299].x);
        mpijob_share_free(shared);
    }
}
END_TEST

/* ---- What is refused ---- */

typedef struct named {
    const char *name;
} named;
static const mpijob_field named_fields[] = {MPIJOB_FIELD(named, name, MPIJOB_STRING)};
static const mpijob_record named_record = MPIJOB_RECORD_OF(named, named_fields);

START_TEST(strings_cannot_be_sent)
{
    mpijob_function f;
    mpijob_function greet = {.name = "greet",
                             .call = square_index,
                             .args_size = sizeof(named),
                             .args = &named_record,
                             .result_size = sizeof(double),
                             .result = &number};
    named people[] = {{"Ada"}, {"Blaise"}, {"Ada"}};
    mpijob_inputs inputs = mpijob_arguments(people, 3);
    mpijob_parallel_options one = {.n_jobs = 1};
    mpijob_error err;
    memory_cache(&f, &greet);
    int status = run(values, &f, &inputs, NULL, &err);
    ck_assert_int_eq(status, suite_size > 1 ? MPIJOB_EINVAL : MPIJOB_OK);
    everyone(suite_size == 1 || strstr(err.text, "strings or pointers"));
    computed_by_all();
    if (suite_size > 1) {
        status = run(values, &f, &inputs, &one, &err);
        ck_assert_int_eq(status, MPIJOB_OK);
        ck_assert_int_eq(computed_by_all(), 2);
    }
}
END_TEST

START_TEST(a_context_needs_a_promise)
{
    mpijob_function f;
    mpijob_function free_of_it = power_function;
    mpijob_error err;
    int something = 0;
    mpijob_parallel_options options = {.context = suite_rank == suite_size - 1 ? &something : NULL};
    mpijob_inputs inputs = mpijob_arguments(points, 10);
    fill_points(10, 10);
    memory_cache(&f, &power_function);
    int status = run(values, &f, &inputs, &options, &err);
    ck_assert_int_eq(status, MPIJOB_EINVAL);
    everyone(strstr(err.text, "context") != NULL);
    free_of_it.context_free = 1;
    memory_cache(&f, &free_of_it);
    status = run(values, &f, &inputs, &options, &err);
    ck_assert_int_eq(status, MPIJOB_OK);
    rank0(all_right(10));
}
END_TEST

/* One rank has another version, or did not cache at all. */
START_TEST(ranks_must_agree)
{
    mpijob_function other = power_function;
    mpijob_function f;
    mpijob_error err;
    mpijob_inputs inputs = mpijob_arguments(points, 10);
    other.version = suite_rank == 1 ? 7 : 0;
    fill_points(10, 10);
    memory_cache(&f, &other);
    if (_i == 1 && suite_rank == 1)
        f = power_function;
    int status = run(values, &f, &inputs, NULL, &err);
    ck_assert_int_eq(status, suite_size > 1 ? MPIJOB_EMISMATCH : MPIJOB_OK);
    everyone(suite_size == 1 || strstr(err.text, "rank 1 differs"));
}
END_TEST

/* A rank without Memory takes part; rank 0 without it makes the run an ordinary one. */
START_TEST(memory_is_what_rank_0_has)
{
    mpijob_function f;
    mpijob_memory *none;
    const uint64_t count = 600;
    mpijob_inputs inputs = mpijob_arguments(points, count);
    bool without = _i == 0 ? suite_rank != 0 : suite_rank == 0;
    int status = mpijob_memory_open(&none, NULL, NULL, NULL);
    ck_assert_int_eq(status, MPIJOB_OK);
    status = mpijob_memory_cache(&f, without ? none : memory, &power_function, NULL, NULL);
    ck_assert_int_eq(status, MPIJOB_OK);
    for (int again = 0; again < 2; again++) {
        fill_points(count, count);
        status = run(values, &f, &inputs, NULL, NULL);
        ck_assert_int_eq(status, MPIJOB_OK);
        rank0(all_right(count));
        ck_assert_int_eq(computed_by_all(), _i == 0 && again ? 0 : 600);
    }
    mpijob_memory_close(none);
}
END_TEST

/* ---- Progress ---- */

typedef struct heard {
    uint64_t done, hits;
    bool right;
} heard;

static void hear(const mpijob_progress *p, void *payload)
{
    heard *h = payload;
    h->right = h->right && p->hits >= h->hits && p->hits <= p->done && p->done >= h->done;
    h->hits = p->hits;
    h->done = p->done;
}

START_TEST(progress_tells_hits)
{
    mpijob_function f;
    const uint64_t count = 1000;
    heard h = {.right = true};
    mpijob_parallel_options options = {.verbose = 5, .on_progress = hear, .on_progress_payload = &h};
    suite_capture capture;
    mpijob_inputs some = mpijob_arguments(points, 400);
    mpijob_inputs inputs = mpijob_arguments(points, count);
    fill_points(count, count);
    memory_cache(&f, &power_function);
    run(values, &f, &some, NULL, NULL);
    suite_capture_begin(&capture, STDERR_FILENO);
    int status = run(values, &f, &inputs, &options, NULL);
    char *text = suite_capture_end(&capture);
    ck_assert_int_eq(status, MPIJOB_OK);
    rank0(strstr(text, "finished (400 from Memory)\n") != NULL);
    rank0(h.right && h.hits == 400 && h.done == count);
    free(text);
}
END_TEST

/* Large results have files of their own, written by the ranks that computed them; what is shelved is only referred to. */
START_TEST(large_results)
{
    static taken t;
    mpijob_function f;
    const uint64_t count = 40;
    memory_options.large_bytes = 100000;
    memory_reopen();
    memory_cache(&f, &roots_function);
    for (uint64_t i = 0; i < count; i++)
        points[i] = (point){.x = (double)i, .exponent = i % 2 ? 20000 : 10};
    mpijob_inputs inputs = mpijob_arguments(points, count);
    for (int again = 0; again < 3; again++) {
        t = (taken){.right = true};
        mpijob_parallel_options options = {.return_as = MPIJOB_GENERATOR, .consume = take_roots, .consume_payload = &t};
        int status = run(NULL, &f, &inputs, &options, NULL);
        ck_assert_int_eq(status, MPIJOB_OK);
        rank0(t.right && t.count == count);
        ck_assert_int_eq(computed_by_all(), again ? 0 : 40);
        ck_assert_int_eq(memory_files(".npy"), 20);
        if (again == 1) {
            memory_reopen();
            memory_cache(&f, &roots_function);
        }
    }
}
END_TEST

/* ---- References ---- */

static bool refers(const mpijob_reference *reference, const point *p)
{
    mpijob_array got;
    mpijob_error err;
    if (mpijob_reference_get(&got, reference, memory, &err) != MPIJOB_OK)
        return false;
    double last = 0;
    size_t count = mpijob_array_count(&got);
    memcpy(&last, (const double *)got.data + count - 1, sizeof last);
    bool right = count == (size_t)p->exponent && last == p->x + p->exponent - 1 &&
                 reference->bytes == count * sizeof last && reference->compute_s >= 0;
    mpijob_array_free(&got);
    return right;
}

static int take_reference(const void *result, size_t bytes, uint64_t index, const mpijob_error *failure, void *payload,
                          mpijob_error *err)
{
    mpijob_reference *list = payload;
    (void)err;
    if (failure || bytes != sizeof *list)
        return mpijob_callback_fail(err, "no reference");
    memcpy(&list[index], result, sizeof *list);
    return MPIJOB_GO_ON;
}

static const struct {
    size_t large_bytes;
    bool list, without;
} shelves[] = {{0, true, false},     {1000, true, false}, {0, false, false},
               {1000, false, false}, {1000, true, true},  {0, false, true}};

START_TEST(shelved_results)
{
    mpijob_function f;
    mpijob_memory *none;
    const uint64_t count = 60;
    static mpijob_reference references[60];
    memory_options.large_bytes = shelves[_i].large_bytes;
    memory_reopen();
    int status = mpijob_memory_open(&none, NULL, NULL, NULL);
    ck_assert_int_eq(status, MPIJOB_OK);
    status = mpijob_memory_cache(&f, shelves[_i].without ? none : memory, &roots_function, NULL, NULL);
    ck_assert_int_eq(status, MPIJOB_OK);
    for (uint64_t i = 0; i < count; i++)
        points[i] = (point){.x = (double)(i % 40), .exponent = i % 2 ? 2000 : 10};
    mpijob_inputs inputs = mpijob_arguments(points, count);
    for (int again = 0; again < 2; again++) {
        mpijob_parallel_options options = {.shelve = 1};
        if (!shelves[_i].list) {
            options.return_as = MPIJOB_GENERATOR;
            options.consume = take_reference;
            options.consume_payload = references;
        }
        mpijob_stats stats = {0};
        options.stats = &stats;
        memset(references, 0, sizeof references);
        status = run(shelves[_i].list ? references : NULL, &f, &inputs, &options, NULL);
        ck_assert_int_eq(status, MPIJOB_OK);
        ck_assert_int_eq(computed_by_all(), shelves[_i].without ? 60 : again ? 0 : 40);
        bool right = true;
        for (uint64_t i = 0; suite_rank == 0 && i < count; i++)
            right = right && refers(&references[i], &points[i]) &&
                    mpijob_reference_is_portable(&references[i]) == !shelves[_i].without;
        everyone(right);
        /* Half of them are large: they were not sent. */
        rank0(again || shelves[_i].without || shelves[_i].large_bytes == 0 ||
              stats.received_bytes <= 20 * (10 * sizeof(double) + 16));
        for (uint64_t i = 0; suite_rank == 0 && i < count; i++)
            mpijob_reference_free(&references[i]);
    }
    mpijob_memory_close(none);
}
END_TEST

START_TEST(shelving_is_for_cached_functions)
{
    mpijob_function f;
    mpijob_error err;
    mpijob_inputs inputs = mpijob_arguments(points, 3);
    mpijob_parallel_options options = {.shelve = 1};
    int status = run(values, &power_function, &inputs, &options, &err);
    ck_assert_int_eq(status, MPIJOB_EINVAL);
    memory_cache(&f, &power_function);
    options.everywhere = 1;
    status = run(values, &f, &inputs, &options, &err);
    ck_assert_int_eq(status, MPIJOB_EINVAL);
}
END_TEST

int main(int argc, char **argv)
{
    Suite *suite = suite_create("memory_run");
    TCase *lists = suite_group(suite, "runs");
    tcase_add_checked_fixture(lists, memory_set_up, memory_tear_down);
    tcase_add_test(lists, computed_once_and_found_ever_after);
    tcase_add_loop_test(lists, equal_jobs_are_computed_once, 0, 2);
    tcase_add_test(lists, found_and_computed_together);
    tcase_add_loop_test(lists, results_for_a_consumer, 0, COUNT_OF(streams));
    tcase_add_test(lists, a_consumer_that_has_enough);
    tcase_add_test(lists, results_of_any_size);
    tcase_add_test(lists, empty_results);
    tcase_add_test(lists, references_that_nobody_takes);
    tcase_add_test(lists, a_reduction_is_the_same_to_the_last_bit);
    tcase_add_test(lists, failures_are_not_stored);
    tcase_add_test(lists, a_failure_stops_the_run);
    tcase_add_loop_test(lists, a_job_sees_what_its_key_covers, 0, 2);
    tcase_add_test(lists, jobs_without_arguments_go_by_their_index);
    tcase_add_test(lists, shared_inputs_count_by_their_digest);
    tcase_add_test(lists, strings_cannot_be_sent);
    tcase_add_test(lists, a_context_needs_a_promise);
    tcase_add_loop_test(lists, ranks_must_agree, 0, 2);
    tcase_add_loop_test(lists, memory_is_what_rank_0_has, 0, 2);
    tcase_add_test(lists, progress_tells_hits);
    tcase_add_test(lists, large_results);
    tcase_add_loop_test(lists, shelved_results, 0, COUNT_OF(shelves));
    tcase_add_test(lists, shelving_is_for_cached_functions);
    return memory_main(argc, argv, suite);
}
