/* Where jobs come from: ranges, arrays, generators. */
#include "suite.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A rank's own context: which jobs it executed, and what they were given. */
typedef struct notes {
    int rank;
    size_t args_bytes;
    uint8_t *executed;
    bool wrong;
} notes;

static notes take_notes(uint64_t count, size_t args_bytes)
{
    return (notes){.rank = suite_rank, .args_bytes = args_bytes, .executed = calloc(1, count + 1)};
}

/* Every job was executed once, on whatever rank, and nothing was wrong. Frees. */
static void check_notes(notes *n, uint64_t count)
{
    bool once = true;
    uint8_t *sum = calloc(1, count + 1);
    MPI_Allreduce(n->executed, sum, (int)count, MPI_UINT8_T, MPI_SUM, MPI_COMM_WORLD);
    for (uint64_t i = 0; i < count; i++)
        once = once && sum[i] == 1;
    free(sum);
    free(n->executed);
    everyone(once);
    everyone(!n->wrong);
}

/* The result is a hash of the arguments, or of the index where there are none. */
static int digest(void *result, const void *args, mpijob_job *job)
{
    notes *n = job->context;
    n->executed[job->index]++;
    if (n->rank != job->rank || job->attempt != 1 || (args == NULL) != (n->args_bytes == 0))
        n->wrong = true;
    if (n->args_bytes % 16 == 0 && (uintptr_t)args % 16 != 0)
        n->wrong = true;
    if (result)
        *(uint64_t *)result = n->args_bytes ? pattern_hash(args, n->args_bytes) : job->index * 3 + 1;
    return 0;
}

static uint64_t expected(uint64_t index, size_t args_bytes)
{
    if (args_bytes == 0)
        return index * 3 + 1;
    unsigned char *args = malloc(args_bytes);
    pattern_fill(args, args_bytes, index);
    uint64_t hash = pattern_hash(args, args_bytes);
    free(args);
    return hash;
}

static void check_results(const uint64_t *results, uint64_t count, size_t args_bytes)
{
    bool right = true;
    for (uint64_t i = 0; suite_rank == 0 && i < count; i++)
        right = right && results[i] == expected(i, args_bytes);
    everyone(right);
}

static mpijob_function digest_of(size_t args_bytes)
{
    return (mpijob_function){
        .name = "digest", .call = digest, .args_size = args_bytes, .result_size = sizeof(uint64_t)};
}

static const uint64_t range_counts[] = {0, 1, 2, 3, 7, 1000, 100000};

START_TEST(a_range)
{
    uint64_t count = range_counts[_i];
    uint64_t *results = calloc(count + 1, sizeof *results);
    mpijob_function f = digest_of(0);
    mpijob_inputs inputs = mpijob_range(count);
    notes n = take_notes(count, 0);
    mpijob_parallel_options options = {.context = &n};
    int status = run(results, &f, &inputs, &options, NULL);
    ck_assert_int_eq(status, MPIJOB_OK);
    check_notes(&n, count);
    check_results(results, count, 0);
    free(results);
}
END_TEST

static const struct {
    size_t bytes;
    uint64_t count;
    bool costs; /* in no order: the jobs of a batch do not lie side by side */
} arrays[] = {{1, 5000, false},       {1, 5000, true},         {24, 3000, false},   {24, 3000, true},
              {4000, 100, false},     {4000, 100, true},       {48, 1, false},      {100 << 10, 40, false},
              {100 << 10, 40, true},  {1 << 20, 6, false},     {8, 0, false},       {16, 2, true}};

START_TEST(an_array_of_structs)
{
    size_t bytes = arrays[_i].bytes;
    uint64_t count = arrays[_i].count;
    uint64_t *results = calloc(count + 1, sizeof *results);
    double *costs = calloc(count + 1, sizeof *costs);
    unsigned char *args = malloc(count * bytes + 1);
    for (uint64_t i = 0; i < count; i++) {
        pattern_fill(args + i * bytes, bytes, i);
        costs[i] = (double)(i * 7919 % 101);
    }
    mpijob_function f = digest_of(bytes);
    mpijob_inputs inputs = mpijob_arguments(args, count);
    inputs.costs = arrays[_i].costs ? costs : NULL;
    notes n = take_notes(count, bytes);
    mpijob_parallel_options options = {.context = &n};
    /* Only rank 0's count. */
    const mpijob_inputs nonsense = {.count = 3, .reserved = {1}};
    int status = run(results, &f, suite_rank == 0 ? &inputs : suite_rank == 1 ? NULL : &nonsense, &options, NULL);
    ck_assert_int_eq(status, MPIJOB_OK);
    check_notes(&n, count);
    check_results(results, count, bytes);
    free(args);
    free(costs);
    free(results);
}
END_TEST

/* ---- Generators ------------------------------------------------------------------------------------------------ */

typedef struct source {
    size_t args_bytes;
    uint64_t ends_at; /* that many jobs */
    uint64_t calls;
    double cost;
    bool ended, wrong;
} source;

static int draw(void *args, double *cost, uint64_t index, void *payload, mpijob_error *err)
{
    source *s = payload;
    (void)err;
    s->wrong = s->wrong || s->ended || suite_rank != 0 || index != s->calls || *cost != 0 ||
               (args == NULL) != (s->args_bytes == 0);
    s->calls++;
    s->ended = index == s->ends_at;
    if (s->ended)
        return MPIJOB_END;
    if (s->args_bytes)
        pattern_fill(args, s->args_bytes, index);
    *cost = s->cost;
    return MPIJOB_MORE;
}

static const struct {
    size_t bytes;
    uint64_t count;
    bool known;
    const char *pre_dispatch;
} generators[] = {{8, 2000, true, NULL},      {8, 2000, false, NULL},      {0, 500, true, NULL},
                  {0, 500, false, NULL},      {100 << 10, 50, false, NULL}, {100 << 10, 50, true, NULL},
                  {1 << 20, 5, false, NULL},  {8, 1, false, NULL},         {8, 0, true, NULL},
                  {8, 0, false, NULL},        {24, 300, false, "2*n_jobs"}, {24, 300, true, "all"},
                  {5000, 2000, false, "all"}, {1, 300, true, "1"}};

typedef struct received {
    uint64_t *results;
    uint64_t count;
} received;

static int receive(const void *result, size_t bytes, uint64_t index, const mpijob_error *failure, void *payload,
                   mpijob_error *err)
{
    received *r = payload;
    (void)err;
    if (bytes != sizeof(uint64_t) || failure || index != r->count)
        return -1;
    memcpy(&r->results[r->count++], result, bytes);
    return MPIJOB_GO_ON;
}

START_TEST(a_generator)
{
    size_t bytes = generators[_i].bytes;
    uint64_t count = generators[_i].count;
    received r = {.results = calloc(count + 1, sizeof(uint64_t))};
    source s = {.args_bytes = bytes, .ends_at = count};
    mpijob_function f = digest_of(bytes);
    mpijob_inputs inputs = mpijob_generator(draw, &s, generators[_i].known ? count : MPIJOB_UNKNOWN);
    notes n = take_notes(count, bytes);
    mpijob_parallel_options options = {.context = &n,
                                       .return_as = MPIJOB_GENERATOR,
                                       .consume = receive,
                                       .consume_payload = &r,
                                       .pre_dispatch = generators[_i].pre_dispatch};
    int status = run(NULL, &f, &inputs, &options, NULL);
    ck_assert_int_eq(status, MPIJOB_OK);
    check_notes(&n, count);
    rank0(r.count == count);
    check_results(r.results, count, bytes);
    rank0(!s.wrong && s.calls == count + !generators[_i].known);
    free(r.results);
}
END_TEST

START_TEST(a_generator_of_known_count_into_a_list)
{
    uint64_t results[300];
    source s = {.args_bytes = 24, .ends_at = 300};
    mpijob_function f = digest_of(24);
    mpijob_inputs inputs = mpijob_generator(draw, &s, 300);
    notes n = take_notes(300, 24);
    mpijob_parallel_options options = {.context = &n};
    int status = run(results, &f, &inputs, &options, NULL);
    ck_assert_int_eq(status, MPIJOB_OK);
    check_notes(&n, 300);
    check_results(results, 300, 24);
}
END_TEST

static const struct {
    const char *name;
    uint64_t count, ends_at, limit;
    double cost;
    int status;
    const char *text;
} bad_generators[] = {
    {"ends early", 10, 7, 0, 0, MPIJOB_EINPUT, "ended after 7 of 10 jobs"},
    {"ends at once", 10, 0, 0, 0, MPIJOB_EINPUT, "ended after 0 of 10 jobs"},
    {"has no end", MPIJOB_UNKNOWN, UINT64_MAX, 1000, 0, MPIJOB_EINPUT, "more than 1000 jobs"},
    {"ends at the limit", MPIJOB_UNKNOWN, 1000, 1000, 0, MPIJOB_OK, ""},
    {"goes one beyond it", MPIJOB_UNKNOWN, 1001, 1000, 0, MPIJOB_EINPUT, "more than 1000 jobs"},
    {"gives no number", 10, 10, 0, NAN, MPIJOB_EINPUT, "cost"},
    {"gives a negative cost", MPIJOB_UNKNOWN, 10, 0, -1, MPIJOB_EINPUT, "cost"},
};

START_TEST(a_generator_that_does_not_keep_its_word)
{
    source s = {.ends_at = bad_generators[_i].ends_at, .cost = bad_generators[_i].cost};
    mpijob_function f = {.call = digest};
    mpijob_inputs inputs = mpijob_generator(draw, &s, bad_generators[_i].count);
    inputs.limit = bad_generators[_i].limit;
    notes n = take_notes(2000, 0);
    mpijob_parallel_options options = {.context = &n};
    mpijob_error err;
    int status = run(NULL, &f, &inputs, &options, &err);
    free(n.executed);
    ck_assert_int_eq(status, bad_generators[_i].status);
    if (status != MPIJOB_OK) {
        ck_assert_ptr_nonnull(strstr(err.text, bad_generators[_i].text));
        ck_assert_int_eq(err.rank, 0);
    }
    rank0(!s.wrong);
}
END_TEST

/* ---- Counts ---------------------------------------------------------------------------------------------------- */

static int do_nothing(void *result, const void *args, mpijob_job *job)
{
    (void)result, (void)args, (void)job;
    return 0;
}

static const struct {
    mpijob_inputs inputs;
    size_t args_bytes;
    const char *text;
} bad_inputs[] = {
    {{.count = UINT64_MAX - 1}, 0, "number of jobs is negative"},
    {{.count = (UINT64_C(1) << 62) + 1}, 0, "beyond 2^62"},
    {{.count = MPIJOB_UNKNOWN}, 0, "unknown number of jobs"},
    {{.count = 1, .array = "x"}, 0, "args_size"},
    {{.count = 1}, 8, "the inputs give none"},
    {{.count = 1, .array = "x", .next = draw}, 1, "both an array and a generator"},
    {{.count = 1, .costs = (const double[]){-1}}, 0, "the cost of job 0"},
    {{.count = 2, .costs = (const double[]){1, INFINITY}}, 0, "the cost of job 1"},
    {{.count = 1, .next = draw, .costs = (const double[]){1}}, 0, "inputs.costs"},
    {{.count = 1, .reserved = {0, 0, 0, 1}}, 0, "reserved"},
};

START_TEST(inputs_that_make_no_sense)
{
    mpijob_function f = {.call = do_nothing, .args_size = bad_inputs[_i].args_bytes};
    mpijob_error err;
    int status = run(NULL, &f, &bad_inputs[_i].inputs, NULL, &err);
    ck_assert_int_eq(status, MPIJOB_EINVAL);
    ck_assert_int_eq(err.rank, 0);
    ck_assert_msg(strstr(err.text, bad_inputs[_i].text) != NULL, "%s", err.text);
}
END_TEST

int main(int argc, char **argv)
{
    Suite *suite = suite_create("inputs");
    TCase *group = suite_group(suite, "inputs");
    tcase_add_loop_test(group, a_range, 0, COUNT_OF(range_counts));
    tcase_add_loop_test(group, an_array_of_structs, 0, COUNT_OF(arrays));
    tcase_add_loop_test(group, a_generator, 0, COUNT_OF(generators));
    tcase_add_test(group, a_generator_of_known_count_into_a_list);
    tcase_add_loop_test(group, a_generator_that_does_not_keep_its_word, 0, COUNT_OF(bad_generators));
    tcase_add_loop_test(group, inputs_that_make_no_sense, 0, COUNT_OF(bad_inputs));
    return suite_main(argc, argv, suite);
}
