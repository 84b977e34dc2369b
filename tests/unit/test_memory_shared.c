/* Memory between threads, between processes, and between the calls of one program. */
#include "memory/memory.h"

#include "memory_functions.h"

#include "base/clock.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATIENCE 3000 /* looks, 10 ms apart: far beyond what is promised, for machines that are busy */

static scratch area;

static void make_area(void)
{
    scratch_make(&area);
}

static void remove_area(void)
{
    scratch_remove(&area);
}

/* ---- Processes --------------------------------------------------------------------------------------------------- */

/* Runs `main` in another process, which ends when the pipe is closed; true: all was right there. */
typedef struct other {
    pid_t pid;
    int to[2], from[2];
} other;

static void other_start(other *o, bool (*main)(const other *o))
{
    ck_assert_int_eq(pipe(o->to) | pipe(o->from), 0);
    o->pid = fork();
    ck_assert_int_ge(o->pid, 0);
    if (o->pid == 0)
        _exit(main(o) ? 0 : 3);
}

static void tell(int fd)
{
    char byte = 'x';
    ck_assert_int_eq(write(fd, &byte, 1), 1);
}

static void hear(int fd)
{
    char byte;
    ck_assert_int_eq(read(fd, &byte, 1), 1);
}

static void other_end(other *o)
{
    int status;
    tell(o->to[1]);
    ck_assert_int_eq(waitpid(o->pid, &status, 0), o->pid);
    ck_assert_int_eq(status, 0);
}

/* Stores a result that took no time, and then does nothing. */
static bool stores_and_idles(const other *o)
{
    mpijob_memory *memory = open_memory(area.folder, NULL);
    mpijob_function cached = cache(memory, &fit, NULL);
    bool computed = computes(&cached, (fit_args){.c = 3});
    tell(o->from[1]);
    hear(o->to[0]);
    return computed;
}

START_TEST(seen_while_its_writer_is_idle)
{
    other o;
    fit_args args = {.c = 3};
    other_start(&o, stores_and_idles);
    mpijob_memory *memory = open_memory(area.folder, NULL);
    mpijob_function cached = cache(memory, &fit, NULL);
    hear(o.from[0]);
    int seen = 0;
    for (int i = 0; i < PATIENCE && !seen; i++) {
        seen = mpijob_function_check_call_in_cache(&cached, &args, NULL, NULL);
        usleep(seen ? 0 : 10000);
    }
    ck_assert_int_eq(seen, 1);
    ck_assert(!computes(&cached, args));
    other_end(&o);
    mpijob_memory_close(memory);
}
END_TEST

#define ROUNDS 10
#define PROMISED_S 0.5

/* Stores a result whenever it is told to, and says when it had it. */
static bool stores_and_tells(const other *o)
{
    mpijob_memory *memory = open_memory(area.folder, NULL);
    mpijob_function cached = cache(memory, &fit, NULL);
    bool right = true;
    for (int i = 0; i < ROUNDS; i++) {
        hear(o->to[0]);
        right = right && computes(&cached, (fit_args){.c = i, .fold = 1});
        double at = mpj_now();
        right = right && write(o->from[1], &at, sizeof at) == sizeof at;
    }
    hear(o->to[0]);
    return right;
}

/* How long it took until the result was found; less what this process was made to wait longer than it slept. */
static double seconds_until_found(const mpijob_function *cached, int round, double stored)
{
    const fit_args args = {.c = round, .fold = 1};
    double late = 0;
    for (int i = 0; i < PATIENCE; i++) {
        if (mpijob_function_check_call_in_cache(cached, &args, NULL, NULL) == 1)
            return mpj_now() - stored - late;
        double began = mpj_now();
        usleep(5000);
        late += mpj_now() - began - 0.005;
    }
    return INFINITY;
}

/* What the manual promises for one machine. The best of ten: a machine that is busy ten times in a row for all of it is
 * what the writer's thread waits for. */
START_TEST(found_in_the_time_that_is_promised)
{
    other o;
    double best = INFINITY, stored;
    other_start(&o, stores_and_tells);
    mpijob_memory *memory = open_memory(area.folder, NULL);
    mpijob_function cached = cache(memory, &fit, NULL);
    for (int i = 0; i < ROUNDS; i++) {
        tell(o.to[1]);
        ck_assert_int_eq(read(o.from[0], &stored, sizeof stored), sizeof stored);
        double seconds = seconds_until_found(&cached, i, stored);
        best = seconds < best ? seconds : best;
    }
    ck_assert_double_le(best, PROMISED_S);
    other_end(&o);
    mpijob_memory_close(memory);
}
END_TEST

static const mpijob_function plain_fit = {
    .name = "fit", .call = fit_call, .args_size = sizeof(fit_args), .result_size = sizeof(double), .result = &float64};

/* ---- References -------------------------------------------------------------------------------------------------- */

static mpijob_reference sent;

/* Holds its result itself: nobody else can get it, nor release it. */
static bool cannot_get(const other *o)
{
    mpijob_array array;
    hear(o->to[0]);
    if (read(o->to[0], &sent, sizeof sent) != (ssize_t)sizeof sent)
        return false;
    mpijob_memory *memory = open_memory(area.folder, NULL);
    bool refused = mpijob_reference_get(&array, &sent, memory, NULL) == MPIJOB_EINVAL;
    mpijob_reference_free(&sent);
    tell(o->from[1]);
    hear(o->to[0]);
    mpijob_memory_close(memory);
    return refused && sent.value == NULL;
}

START_TEST(held_by_another_process)
{
    other o;
    mpijob_reference reference;
    mpijob_array array;
    fit_args args = {.c = 3, .fold = 5};
    other_start(&o, cannot_get);
    ck_assert_int_eq(mpijob_function_call_and_shelve(&reference, &table, &args, NULL, NULL), MPIJOB_OK);
    ck_assert_int_eq(mpijob_reference_is_portable(&reference), 0);
    tell(o.to[1]);
    ck_assert_int_eq(write(o.to[1], &reference, sizeof reference), sizeof reference);
    hear(o.from[0]);
    other_end(&o);
    mpijob_memory *memory = open_memory(area.folder, NULL);
    ck_assert_int_eq(mpijob_reference_get(&array, &reference, memory, NULL), MPIJOB_OK);
    ck_assert_double_eq(((double *)array.data)[14], 17);
    mpijob_array_free(&array);
    mpijob_reference_free(&reference);
    mpijob_memory_close(memory);
}
END_TEST

static bool gets(const other *o)
{
    mpijob_array array;
    hear(o->to[0]);
    if (read(o->to[0], &sent, sizeof sent) != (ssize_t)sizeof sent)
        return false;
    mpijob_memory *memory = open_memory(area.folder, NULL);
    bool right = mpijob_reference_get(&array, &sent, memory, NULL) == MPIJOB_OK && array.ndim == 2 &&
                 ((double *)array.data)[14] == 17;
    if (right)
        mpijob_array_free(&array);
    tell(o->from[1]);
    hear(o->to[0]);
    mpijob_memory_close(memory);
    return right;
}

/* Read by a program that has the location open and never cached the function. */
START_TEST(sent_through_a_pipe)
{
    other o;
    mpijob_reference reference;
    fit_args args = {.c = 3, .fold = 5};
    other_start(&o, gets);
    mpijob_memory *memory = open_memory(area.folder, NULL);
    mpijob_function cached = cache(memory, &table, NULL);
    ck_assert_int_eq(mpijob_function_call_and_shelve(&reference, &cached, &args, NULL, NULL), MPIJOB_OK);
    ck_assert_int_eq(mpijob_reference_is_portable(&reference), 1);
    ck_assert_int_eq(mpijob_memory_sync(memory, NULL), MPIJOB_OK);
    tell(o.to[1]);
    ck_assert_int_eq(write(o.to[1], &reference, sizeof reference), sizeof reference);
    hear(o.from[0]);
    other_end(&o);
    mpijob_reference_free(&reference);
    mpijob_memory_close(memory);
}
END_TEST

/* What a reference says of a function is not the function: its arguments lie elsewhere in the struct. */
START_TEST(referred_to_before_it_is_called)
{
    static const mpijob_field last_fields[] = {
        MPIJOB_FIELD(fit_args, gamma, MPIJOB_FLOAT64),
        MPIJOB_FIELD(fit_args, fold, MPIJOB_INT32),
    };
    static const mpijob_record last_record = MPIJOB_RECORD_OF(fit_args, last_fields);
    mpijob_function partly = plain_fit;
    partly.args = &last_record;
    mpijob_reference reference;
    mpijob_array array;
    double result;
    fit_args args = {.c = 3, .fold = 5};
    mpijob_memory *memory = open_memory(area.folder, NULL);
    mpijob_function cached = cache(memory, &partly, NULL);
    ck_assert_int_eq(mpijob_function_call_and_shelve(&reference, &cached, &args, NULL, NULL), MPIJOB_OK);
    mpijob_memory_close(memory);
    memory = open_memory(area.folder, NULL);
    ck_assert_int_eq(mpijob_reference_get(&array, &reference, memory, NULL), MPIJOB_OK);
    ck_assert_int_eq(array.ndim, 0);
    ck_assert_double_eq(*(double *)array.data, fit_value(&args));
    mpijob_array_free(&array);
    int before = fit_calls;
    ck_assert_int_eq(mpijob_memory_eval(&result, memory, &partly, &args, NULL), MPIJOB_OK);
    ck_assert_int_eq(fit_calls, before);
    for (int i = 0; i < 2; i++) {
        args.gamma = 7;
        ck_assert_int_eq(mpijob_memory_eval(&result, memory, &partly, &args, NULL), MPIJOB_OK);
        ck_assert_double_eq(result, fit_value(&args));
        ck_assert_int_eq(fit_calls, before + 1);
    }
    mpijob_memory_close(memory);
}
END_TEST

/* ---- Threads ----------------------------------------------------------------------------------------------------- */

#define THREADS 4
#define ARGUMENTS 200

static atomic_int square_calls;

static int square_call(void *result, const void *args, mpijob_job *job)
{
    (void)job;
    double c = ((const fit_args *)args)->c;
    atomic_fetch_add(&square_calls, 1);
    *(double *)result = c * c;
    return 0;
}

static const mpijob_function square = {.name = "square",
                                       .call = square_call,
                                       .args_size = sizeof(fit_args),
                                       .args = &fit_record,
                                       .result_size = sizeof(double),
                                       .result = &float64};

static mpijob_function shared_square;
static atomic_int wrong;

static void *call_all(void *payload)
{
    for (int round = 0; round < 5; round++)
        for (int i = 0; i < ARGUMENTS; i++) {
            double result = -1, c = (i + *(int *)payload * 50) % ARGUMENTS;
            int status = mpijob_function_call(&result, &shared_square, &(fit_args){.c = c}, NULL, NULL);
            wrong += status != MPIJOB_OK || result != c * c;
        }
    return NULL;
}

START_TEST(threads)
{
    pthread_t thread[THREADS];
    int number[THREADS];
    mpijob_memory_stats stats;
    mpijob_memory *memory = open_memory(area.folder, NULL);
    shared_square = cache(memory, &square, NULL);
    for (int i = 0; i < THREADS; i++) {
        number[i] = i;
        ck_assert_int_eq(pthread_create(&thread[i], NULL, call_all, &number[i]), 0);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(thread[i], NULL);
    ck_assert_int_eq(wrong, 0);
    /* Two may compute the same at once; each of them stores it. */
    ck_assert_int_ge(square_calls, ARGUMENTS);
    ck_assert_int_le(square_calls, THREADS * ARGUMENTS);
    mpijob_memory_get_stats(memory, &stats);
    ck_assert_uint_eq(stats.misses, (uint64_t)square_calls);
    ck_assert_uint_eq(stats.stored, (uint64_t)square_calls);
    ck_assert_uint_eq(stats.hits, (uint64_t)(THREADS * ARGUMENTS * 5 - square_calls));
    mpijob_memory_close(memory);
}
END_TEST

/* ---- Functions that share nothing -------------------------------------------------------------------------------- */

typedef struct misspelt_args {
    double c, gama;
    int32_t fold, verbose;
} misspelt_args;

static const mpijob_field renamed_fields[] = {
    MPIJOB_FIELD(misspelt_args, c, MPIJOB_FLOAT64),
    MPIJOB_FIELD(misspelt_args, gama, MPIJOB_FLOAT64),
    MPIJOB_FIELD(misspelt_args, fold, MPIJOB_INT32),
    MPIJOB_FIELD(misspelt_args, verbose, MPIJOB_INT32),
};
static const mpijob_record renamed = MPIJOB_RECORD_OF(misspelt_args, renamed_fields);
static const mpijob_field retyped_fields[] = {
    MPIJOB_FIELD(fit_args, c, MPIJOB_FLOAT64),
    MPIJOB_FIELD(fit_args, gamma, MPIJOB_FLOAT64),
    MPIJOB_FIELD(fit_args, fold, MPIJOB_UINT32),
    MPIJOB_FIELD(fit_args, verbose, MPIJOB_INT32),
};
static const mpijob_record retyped = MPIJOB_RECORD_OF(fit_args, retyped_fields);
static const mpijob_type bits = {.kind = MPIJOB_UINT64};
static const size_t one[] = {1};
static const mpijob_source source = {.file = "fit.c", .text = "int fit;"},
                           edited = {.file = "fit.c", .text = "int fat;"};
static const char *const ignored[] = {"verbose", NULL};

#define FIT(...)                                                                                                       \
    {                                                                                                                  \
        .name = "fit", .call = fit_call, .args_size = sizeof(fit_args), .result_size = sizeof(double), __VA_ARGS__     \
    }

static const struct {
    mpijob_function function;
    const char *const *ignore;
} variants[] = {
    {FIT(.args = &fit_record, .result = &float64), NULL},
    {FIT(.args = &fit_record, .result = &float64), ignored},
    {FIT(.args = &fit_record, .result = &float64, .version = 1), NULL},
    {FIT(.args = &fit_record, .result = &float64, .source = &source), NULL},
    {FIT(.args = &fit_record, .result = &float64, .source = &edited), NULL},
    {FIT(.args = &fit_record, .result = &bits), NULL},
    {FIT(.args = &fit_record), NULL},
    {FIT(.args = &fit_record, .result = &float64, .result_shape = one, .result_ndim = 1), NULL},
    {FIT(.args = &renamed, .result = &float64), NULL},
    {FIT(.args = &retyped, .result = &float64), NULL},
    {{.name = "fit2",
      .call = fit_call,
      .args_size = sizeof(fit_args),
      .result_size = sizeof(double),
      .args = &fit_record,
      .result = &float64},
     NULL},
};

/* In one program, and in a later one. */
START_TEST(differences)
{
    const fit_args args = {.c = 4, .gamma = 5, .fold = 6};
    for (int round = 0; round < 2; round++) {
        mpijob_memory *memory = open_memory(area.folder, NULL);
        for (int again = 0; again < 2; again++)
            for (int i = 0; i < UNIT_COUNT(variants); i++) {
                mpijob_cache_options options = {.ignore = variants[i].ignore};
                mpijob_function cached = cache(memory, &variants[i].function, &options);
                ck_assert_msg(computes(&cached, args) == (round + again == 0), "variant %d", i);
            }
        mpijob_memory_close(memory);
    }
}
END_TEST

/* ---- Calls inside calls ------------------------------------------------------------------------------------------ */

static mpijob_function inner;

/* A cached function that calls another one in the same location. */
static int outer_call(void *result, const void *args, mpijob_job *job)
{
    double sum = 0, value;
    for (int i = 0; i < 3; i++) {
        fit_args inner_args = *(const fit_args *)args;
        mpijob_error err;
        inner_args.fold = i;
        if (mpijob_function_call(&value, &inner, &inner_args, job, &err) != MPIJOB_OK)
            return mpijob_job_fail(job, "%s", err.text);
        sum += value;
    }
    *(double *)result = sum;
    return 0;
}

static const mpijob_function outer = {.name = "outer",
                                      .call = outer_call,
                                      .args_size = sizeof(fit_args),
                                      .args = &fit_record,
                                      .result_size = sizeof(double),
                                      .result = &float64};

START_TEST(nested_calls)
{
    fit_args args = {.c = 1, .fold = 9}, other_args = {.c = 1, .fold = 8};
    double result;
    mpijob_memory *memory = open_memory(area.folder, NULL);
    inner = cache(memory, &fit, NULL);
    mpijob_function cached = cache(memory, &outer, NULL);
    int before = fit_calls;
    ck_assert_int_eq(mpijob_function_call(&result, &cached, &args, NULL, NULL), MPIJOB_OK);
    ck_assert_double_eq(result, 303);
    ck_assert_int_eq(fit_calls, before + 3);
    ck_assert_int_eq(mpijob_function_call(&result, &cached, &args, NULL, NULL), MPIJOB_OK);
    ck_assert_int_eq(mpijob_function_call(&result, &cached, &other_args, NULL, NULL), MPIJOB_OK);
    ck_assert_double_eq(result, 303);
    ck_assert_int_eq(fit_calls, before + 3);
    mpijob_memory_close(memory);
}
END_TEST

/* ---- What a function is told ------------------------------------------------------------------------------------- */

static int draw_call(void *result, const void *args, mpijob_job *job)
{
    (void)args;
    mpijob_random random;
    mpijob_job_random(job, &random);
    ck_assert_ptr_null(job->context);
    *(uint64_t *)result = mpijob_random_u64(&random);
    return 0;
}

static const mpijob_function draw = {
    .name = "draw", .call = draw_call, .args_size = sizeof(fit_args), .args = &fit_record, .result_size = 8};

/* Random numbers depend on the key alone: computed again, the result is the same. */
START_TEST(random_numbers)
{
    uint64_t first, again, others;
    fit_args args = {.c = 1}, different = {.c = 2};
    mpijob_memory *memory = open_memory(area.folder, NULL);
    mpijob_function cached = cache(memory, &draw, NULL);
    mpijob_job caller = {.index = 5, .seed = 6, .rank = 7, .attempt = 8, .context = &first};
    ck_assert_int_eq(mpijob_function_call(&first, &cached, &args, NULL, NULL), MPIJOB_OK);
    ck_assert_int_eq(mpijob_function_recompute(&again, &cached, &args, &caller, NULL), MPIJOB_OK);
    ck_assert_int_eq(mpijob_function_call(&others, &cached, &different, NULL, NULL), MPIJOB_OK);
    ck_assert_uint_eq(first, again);
    ck_assert_uint_ne(first, others);
    mpijob_memory_close(memory);
}
END_TEST

/* ---- How results stand in entries -------------------------------------------------------------------------------- */

typedef struct score {
    char grade; /* padding behind it */
    uint32_t value;
} score;

static int score_call(void *result, const void *args, mpijob_job *job)
{
    (void)args, (void)job;
    memset(result, 0xAB, 2 * sizeof(score));
    ((score *)result)[0].grade = 1;
    ((score *)result)[0].value = 0x01020304;
    ((score *)result)[1].grade = 2;
    ((score *)result)[1].value = 0x05060708;
    return 0;
}

/* Packed and little-endian, whatever this machine is. */
START_TEST(payload)
{
    static const mpijob_field score_fields[] = {
        MPIJOB_FIELD(score, grade, MPIJOB_INT8),
        MPIJOB_FIELD(score, value, MPIJOB_UINT32),
    };
    static const mpijob_record score_record = MPIJOB_RECORD_OF(score, score_fields);
    static const unsigned char expected[] = {1, 4, 3, 2, 1, 2, 8, 7, 6, 5};
    static const unsigned char meta[] = {1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0};
    const mpijob_type type = mpijob_type_record(&score_record);
    const mpijob_function function = {
        .name = "score", .call = score_call, .result_size = 2 * sizeof(score), .result = &type};
    score result[2];
    mpj_name name;
    mpj_entry entry;
    mpijob_memory *memory = open_memory(area.folder, NULL);
    mpijob_function cached = cache(memory, &function, NULL);
    ck_assert_int_eq(mpijob_function_call(result, &cached, NULL, NULL, NULL), MPIJOB_OK);
    ck_assert_int_eq(mpj_key(&name, mpj_cached_signature(cached.cached), NULL, 0, NULL, 0, NULL), MPIJOB_OK);
    mpj_cached_lock(cached.cached);
    ck_assert_int_eq(mpj_shelf_find(cached.cached->shelf, &name, &entry), 1);
    ck_assert_uint_eq(entry.bytes, sizeof expected);
    ck_assert_mem_eq(entry.payload, expected, sizeof expected);
    ck_assert_uint_eq(entry.meta_bytes, sizeof meta);
    ck_assert_mem_eq(entry.meta, meta, sizeof meta);
    mpj_cached_unlock(cached.cached);
    mpijob_memory_close(memory);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("memory_shared");
    TCase *group = tcase_create("sharing");
    tcase_add_checked_fixture(group, make_area, remove_area);
    tcase_set_timeout(group, 120);
    tcase_add_test(group, seen_while_its_writer_is_idle);
    tcase_add_test(group, found_in_the_time_that_is_promised);
    tcase_add_test(group, held_by_another_process);
    tcase_add_test(group, sent_through_a_pipe);
    tcase_add_test(group, referred_to_before_it_is_called);
    tcase_add_test(group, threads);
    tcase_add_test(group, differences);
    tcase_add_test(group, nested_calls);
    tcase_add_test(group, random_numbers);
    tcase_add_test(group, payload);
    suite_add_tcase(suite, group);
    return unit_run(suite);
}
