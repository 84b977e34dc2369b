/* What a run over a cached function says, as joblib's workers and its calls do: each rank of the jobs that it computes,
 * rank 0 of those that are found. */
#include "memory_suite.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define JOBS 30

static const mpijob_type number = {.kind = MPIJOB_FLOAT64};
static double results[JOBS];

static int half(void *result, const void *args, mpijob_job *job)
{
    double value = (double)job->index / 2;
    (void)args;
    computed++;
    memcpy(result, &value, sizeof value);
    return 0;
}

static const mpijob_function function = {
    .name = "half", .call = half, .result_size = sizeof(double), .result = &number, .context_free = 1};

static int count(const char *text, const char *part)
{
    int found = 0;
    for (const char *at = strstr(text, part); at; at = strstr(at + 1, part))
        found++;
    return found;
}

static int all_of(int own)
{
    int all = 0;
    MPI_Allreduce(&own, &all, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
    return all;
}

/* What this rank says in a run. To be freed. */
static char *heard(int verbose)
{
    suite_capture capture;
    mpijob_error err = {.text = ""};
    mpijob_function cached;
    mpijob_inputs inputs = mpijob_range(JOBS);
    mpijob_cache_options options = {.verbose = verbose};
    mpijob_parallel_options in_ones = {.batch_size = 1};
    int status = mpijob_memory_cache(&cached, memory, &function, &options, &err);
    ck_assert_msg(status == MPIJOB_OK, "%s", err.text);
    suite_capture_begin(&capture, STDOUT_FILENO);
    status = run(results, &cached, &inputs, &in_ones, &err);
    char *text = suite_capture_end(&capture);
    ck_assert_msg(status == MPIJOB_OK, "%s", err.text);
    return text;
}

START_TEST(silent_by_default)
{
    for (int again = 0; again < 2; again++) {
        char *text = heard(0);
        bool silent = text[0] == '\0';
        free(text);
        everyone(silent);
        memory_reopen();
    }
}
END_TEST

static const int levels[] = {1, 2, 11, 20};

START_TEST(what_is_computed_and_what_is_found)
{
    int level = levels[_i];
    computed = 0;
    char *text = heard(level);
    bool own = count(text, "[Memory] Calling half...\nhalf(index=") == computed &&
               count(text, "_half - ") == computed &&
               count(text, "Computing func half, argument hash ") == (level > 10 ? computed : 0);
    int queries = all_of(count(text, "Querying half with signature half(index="));
    bool loaded = strstr(text, "Loading") != NULL;
    free(text);
    everyone(own);
    everyone(!loaded);
    ck_assert_int_eq(computed_by_all(), JOBS);
    ck_assert_int_eq(queries, level >= 20 ? JOBS : 0);

    memory_reopen();
    text = heard(level);
    int loads = count(text, "Loading half") - count(text, "Loading half from ");
    int places = count(text, "Loading half from ");
    bool calls = strstr(text, "Calling") != NULL;
    free(text);
    everyone(!calls);
    everyone(loads == (suite_rank == 0 && level > 1 && level <= 10 ? JOBS : 0));
    everyone(places == (suite_rank == 0 && level > 10 ? JOBS : 0));
    ck_assert_int_eq(computed_by_all(), 0);
}
END_TEST

int main(int argc, char **argv)
{
    Suite *suite = suite_create("memory_messages");
    TCase *group = suite_group(suite, "messages");
    tcase_add_checked_fixture(group, memory_set_up, memory_tear_down);
    tcase_add_test(group, silent_by_default);
    tcase_add_loop_test(group, what_is_computed_and_what_is_found, 0, COUNT_OF(levels));
    return suite_main(argc, argv, suite);
}
