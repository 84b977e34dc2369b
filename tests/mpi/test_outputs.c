/* Where results go: lists, consumers, reductions, statuses and failures. */
#include "suite.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- Lists ----------------------------------------------------------------------------------------------------- */

/* The job's context is the size of its result. */
static int make_fixed(void *result, const void *args, mpijob_job *job)
{
    size_t bytes = *(const size_t *)job->context;
    if (args || (bytes % 16 == 0 && (uintptr_t)result % 16 != 0) || mpijob_job_result(job, 8))
        return mpijob_job_fail(job, "given the wrong things");
    pattern_fill(result, bytes, job->index);
    return 0;
}

static const struct {
    size_t bytes;
    uint64_t count;
    bool costs;
} lists[] = {{1, 20000, false},    {1, 5000, true},    {8, 20000, false},   {8, 1, false},
             {1000, 2000, false},  {1000, 2000, true}, {1 << 20, 24, false}, {1 << 20, 24, true},
             {3840, 50, false}};

START_TEST(a_list_of_fixed_size)
{
    size_t bytes = lists[_i].bytes;
    uint64_t count = lists[_i].count;
    unsigned char *results = suite_rank == 0 ? malloc(count * bytes) : NULL;
    double *costs = calloc(count, sizeof *costs);
    for (uint64_t i = 0; i < count; i++)
        costs[i] = (double)(i * 7919 % 101);
    mpijob_function f = {.call = make_fixed, .result_size = bytes};
    mpijob_inputs inputs = mpijob_range(count);
    inputs.costs = lists[_i].costs ? costs : NULL;
    mpijob_parallel_options options = {.context = &bytes};
    int status = run(results, &f, &inputs, &options, NULL);
    ck_assert_int_eq(status, MPIJOB_OK);
    bool right = true;
    for (uint64_t i = 0; results && i < count; i++)
        right = right && pattern_is(results + i * bytes, bytes, i);
    everyone(right);
    free(results);
    free(costs);
}
END_TEST

static int make_nothing(void *result, const void *args, mpijob_job *job)
{
    (void)args;
    ++*(uint64_t *)job->context;
    return result ? mpijob_job_fail(job, "there should be no result") : 0;
}

START_TEST(no_results)
{
    uint64_t executed = 0;
    mpijob_function f = {.call = make_nothing};
    mpijob_inputs inputs = mpijob_range(1234);
    mpijob_parallel_options options = {.context = &executed};
    int status = run(NULL, &f, &inputs, &options, NULL);
    ck_assert_int_eq(status, MPIJOB_OK);
    MPI_Allreduce(MPI_IN_PLACE, &executed, 1, MPI_UINT64_T, MPI_SUM, MPI_COMM_WORLD);
    ck_assert_uint_eq(executed, 1234);
}
END_TEST

START_TEST(a_list_that_reaches_every_rank)
{
    uint32_t results[3000] = {0};
    int8_t statuses[3000];
    size_t bytes = sizeof results[0];
    memset(statuses, 77, sizeof statuses);
    mpijob_function f = {.call = make_fixed, .result_size = bytes};
    mpijob_inputs inputs = mpijob_range(3000);
    mpijob_parallel_options options = {.context = &bytes, .everywhere = 1, .statuses = statuses};
    int status = run(results, &f, &inputs, &options, NULL);
    ck_assert_int_eq(status, MPIJOB_OK);
    bool right = true;
    for (uint64_t i = 0; i < 3000; i++)
        right = right && pattern_is(&results[i], bytes, i) && statuses[i] == MPIJOB_OK;
    everyone(right);
}
END_TEST

/* ---- Consumers ------------------------------------------------------------------------------------------------- */

/* Sizes of all kinds: inside the reply, behind it, and far too large for a batch. */
static size_t size_of(uint64_t index)
{
    static const size_t sizes[] = {0, 1, 4096, 16, 70 << 10, 0, 3000, 17};
    return index == 100 || index == 55 ? (size_t)20 << 20 : sizes[index * 7 % 8];
}

/* In two steps, so that the first one's content must survive. */
static int make_any_size(void *result, const void *args, mpijob_job *job)
{
    size_t bytes = size_of(job->index);
    if (result || args)
        return mpijob_job_fail(job, "there should be no place for a result");
    if (bytes == 0 && job->index % 2)
        return 0;
    unsigned char *first = mpijob_job_result(job, bytes / 2 + 100);
    if (!first)
        return mpijob_job_fail(job, "no memory");
    pattern_fill(first, bytes / 2, job->index);
    unsigned char *whole = mpijob_job_result(job, bytes);
    if (!whole || (uintptr_t)whole % 16 != 0 || !pattern_is(whole, bytes / 2, job->index))
        return mpijob_job_fail(job, "lost what was there");
    pattern_fill(whole, bytes, job->index);
    return 0;
}

typedef struct shelf {
    uint8_t seen[3000];
    uint64_t count, enough, failures;
    bool ordered, wrong;
    size_t (*size)(uint64_t index);
} shelf;

static int shelve(const void *result, size_t bytes, uint64_t index, const mpijob_error *failure, void *payload,
                  mpijob_error *err)
{
    shelf *s = payload;
    (void)err;
    if (suite_rank != 0 || index >= sizeof s->seen || (s->ordered && index != s->count))
        s->wrong = true;
    else
        s->seen[index]++;
    s->count++;
    if (failure) {
        s->failures++;
        s->wrong = s->wrong || result || bytes || failure->job != (int64_t)index;
    } else {
        s->wrong = s->wrong || !result || (s->size == size_of && bytes > 0 && (uintptr_t)result % 16 != 0) ||
                   bytes != s->size(index) || !pattern_is(result, bytes, index);
    }
    return s->enough && s->count == s->enough ? MPIJOB_ENOUGH : MPIJOB_GO_ON;
}

static bool shelf_is_full(const shelf *s, uint64_t count)
{
    bool full = !s->wrong && s->count == count;
    for (uint64_t i = 0; i < count; i++)
        full = full && s->seen[i] == 1;
    return full;
}

static const struct {
    int return_as;
    uint64_t batch_size;
    const char *pre_dispatch;
} consumers[] = {{MPIJOB_GENERATOR, 0, NULL},          {MPIJOB_GENERATOR_UNORDERED, 0, NULL},
                 {MPIJOB_GENERATOR, 16, NULL},         {MPIJOB_GENERATOR_UNORDERED, 16, NULL},
                 {MPIJOB_GENERATOR, 0, "2*n_jobs"},    {MPIJOB_GENERATOR_UNORDERED, 1, "1"}};

START_TEST(results_of_any_size)
{
    shelf s = {.ordered = consumers[_i].return_as == MPIJOB_GENERATOR, .size = size_of};
    mpijob_function f = {.call = make_any_size, .result_size = MPIJOB_ANY_SIZE};
    mpijob_inputs inputs = mpijob_range(400);
    mpijob_parallel_options options = {.return_as = consumers[_i].return_as,
                                       .batch_size = consumers[_i].batch_size,
                                       .pre_dispatch = consumers[_i].pre_dispatch,
                                       .consume = shelve,
                                       .consume_payload = &s};
    int status = run(NULL, &f, &inputs, &options, NULL);
    ck_assert_int_eq(status, MPIJOB_OK);
    rank0(shelf_is_full(&s, 400));
}
END_TEST

static size_t forty(uint64_t index)
{
    (void)index;
    return 40;
}

static size_t zero(uint64_t index)
{
    (void)index;
    return 0;
}

START_TEST(results_of_fixed_size_to_a_consumer)
{
    size_t bytes = 40;
    shelf s = {.ordered = _i < 2, .size = forty};
    mpijob_function f = {.call = make_fixed, .result_size = bytes};
    mpijob_inputs inputs = mpijob_range(3000);
    mpijob_parallel_options options = {.return_as = s.ordered ? MPIJOB_GENERATOR : MPIJOB_GENERATOR_UNORDERED,
                                       .context = &bytes,
                                       .batch_size = _i % 2 ? 0 : 13,
                                       .consume = shelve,
                                       .consume_payload = &s};
    int status = run(NULL, &f, &inputs, &options, NULL);
    ck_assert_int_eq(status, MPIJOB_OK);
    rank0(shelf_is_full(&s, 3000));
}
END_TEST

START_TEST(a_consumer_of_no_results)
{
    uint64_t executed = 0;
    shelf s = {.ordered = true, .size = zero};
    mpijob_function f = {.call = make_nothing};
    mpijob_inputs inputs = mpijob_range(500);
    mpijob_parallel_options options = {
        .return_as = MPIJOB_GENERATOR, .context = &executed, .consume = shelve, .consume_payload = &s};
    int status = run(NULL, &f, &inputs, &options, NULL);
    ck_assert_int_eq(status, MPIJOB_OK);
    rank0(shelf_is_full(&s, 500));
}
END_TEST

/* It stops a run that would go on for ever. */
static int draw_for_ever(void *args, double *cost, uint64_t index, void *payload, mpijob_error *err)
{
    (void)args, (void)cost, (void)index, (void)payload, (void)err;
    return MPIJOB_MORE;
}

START_TEST(a_consumer_that_has_enough)
{
    size_t bytes = 40;
    shelf s = {.ordered = _i == 0, .size = forty, .enough = 250};
    mpijob_function f = {.call = make_fixed, .result_size = bytes};
    mpijob_inputs inputs = mpijob_generator(draw_for_ever, NULL, MPIJOB_UNKNOWN);
    mpijob_parallel_options options = {.return_as = _i == 0 ? MPIJOB_GENERATOR : MPIJOB_GENERATOR_UNORDERED,
                                       .context = &bytes,
                                       .pre_dispatch = "100",
                                       .consume = shelve,
                                       .consume_payload = &s};
    int status = run(NULL, &f, &inputs, &options, NULL);
    ck_assert_int_eq(status, MPIJOB_OK);
    rank0(s.count == 250 && !s.wrong);
}
END_TEST

/* ---- Reductions ------------------------------------------------------------------------------------------------ */

static int term(void *result, const void *args, mpijob_job *job)
{
    (void)args;
    *(double *)result = sin((double)job->index) / (double)(job->index + 1);
    return job->index % 97 == 96 && job->context ? mpijob_job_fail(job, "no term") : 0;
}

typedef struct series {
    double sum;
    uint64_t terms, next_least;
} series;

static int add_term(void *accumulator, const void *result, size_t bytes, uint64_t index, void *payload,
                    mpijob_error *err)
{
    series *s = accumulator;
    (void)payload, (void)err;
    if (bytes != sizeof(double) || index < s->next_least)
        return -1;
    s->next_least = index + 1;
    s->terms++;
    s->sum += *(const double *)result;
    return MPIJOB_GO_ON;
}

/* What one process gets in a loop: to the last bit. */
static series in_a_loop(uint64_t count, bool holes)
{
    series s = {.sum = 0};
    for (uint64_t i = 0; i < count; i++) {
        if (holes && i % 97 == 96)
            continue;
        s.sum += sin((double)i) / (double)(i + 1);
        s.terms++;
        s.next_least = i + 1;
    }
    return s;
}

static const struct {
    uint64_t count, batch_size;
    bool costs, everywhere, holes;
} reductions[] = {{5000, 0, false, false, false}, {5000, 7, false, true, false}, {5000, 0, true, true, false},
                  {5000, 1, true, false, true},   {0, 0, false, true, false},    {5000, 0, false, true, true}};

START_TEST(a_reduction)
{
    uint64_t count = reductions[_i].count;
    double *costs = calloc(count + 1, sizeof *costs);
    for (uint64_t i = 0; i < count; i++)
        costs[i] = (double)(i * 7919 % 101);
    series s = {.sum = 0};
    mpijob_function f = {.call = term, .result_size = sizeof(double)};
    mpijob_inputs inputs = mpijob_range(count);
    inputs.costs = reductions[_i].costs ? costs : NULL;
    mpijob_parallel_options options = {.reduce = add_term,
                                       .accumulator_size = sizeof s,
                                       .batch_size = reductions[_i].batch_size,
                                       .everywhere = reductions[_i].everywhere,
                                       .context = reductions[_i].holes ? &s : NULL,
                                       .on_error = reductions[_i].holes ? MPIJOB_CONTINUE : MPIJOB_STOP};
    int status = run(&s, &f, &inputs, &options, NULL);
    free(costs);
    ck_assert_int_eq(status, reductions[_i].holes ? MPIJOB_EJOB : MPIJOB_OK);
    series serial = in_a_loop(count, reductions[_i].holes);
    everyone((suite_rank != 0 && !reductions[_i].everywhere) || memcmp(&s, &serial, sizeof s) == 0);
}
END_TEST

static int gather_bytes(void *accumulator, const void *result, size_t bytes, uint64_t index, void *payload,
                        mpijob_error *err)
{
    uint64_t *hash = accumulator;
    (void)payload, (void)err;
    *hash = *hash * 31 + pattern_hash(result, bytes) + index;
    return MPIJOB_GO_ON;
}

START_TEST(a_reduction_of_results_of_any_size)
{
    uint64_t hash = 1;
    uint64_t serial = 1;
    unsigned char *data = malloc((size_t)20 << 20);
    mpijob_function f = {.call = make_any_size, .result_size = MPIJOB_ANY_SIZE};
    mpijob_inputs inputs = mpijob_range(120);
    mpijob_parallel_options options = {.reduce = gather_bytes};
    int status = run(&hash, &f, &inputs, &options, NULL);
    for (uint64_t i = 0; i < 120; i++) {
        pattern_fill(data, size_of(i), i);
        gather_bytes(&serial, data, size_of(i), i, NULL, NULL);
    }
    free(data);
    ck_assert_int_eq(status, MPIJOB_OK);
    rank0(hash == serial);
}
END_TEST

int main(int argc, char **argv)
{
    Suite *suite = suite_create("outputs");
    TCase *group = suite_group(suite, "lists");
    tcase_add_loop_test(group, a_list_of_fixed_size, 0, COUNT_OF(lists));
    tcase_add_test(group, no_results);
    tcase_add_test(group, a_list_that_reaches_every_rank);
    group = suite_group(suite, "consumers");
    tcase_add_loop_test(group, results_of_any_size, 0, COUNT_OF(consumers));
    tcase_add_loop_test(group, results_of_fixed_size_to_a_consumer, 0, 4);
    tcase_add_test(group, a_consumer_of_no_results);
    tcase_add_loop_test(group, a_consumer_that_has_enough, 0, 2);
    group = suite_group(suite, "reductions");
    tcase_add_loop_test(group, a_reduction, 0, COUNT_OF(reductions));
    tcase_add_test(group, a_reduction_of_results_of_any_size);
    return suite_main(argc, argv, suite);
}
