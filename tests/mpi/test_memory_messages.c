/* What a run over a cached function says, as joblib's workers and its calls do: each rank of the jobs that it computes,
 * rank 0 of those that are found. */
#include "memory_suite.h"

#include <pty.h>
#include <stdatomic.h>
#include <stdio.h>
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

/* ---- A changed function ---- */

#define ROW 250 /* elements */

static int row(void *result, const void *args, mpijob_job *job)
{
    double *values = result;
    (void)args;
    for (int i = 0; i < ROW; i++)
        values[i] = (double)job->index + i;
    return 0;
}

static mpijob_function called;

static int call_it(void *result, const void *args, mpijob_job *job)
{
    mpijob_error err;
    return mpijob_function_call(result, &called, args, job, &err) == MPIJOB_OK ? 0
                                                                               : mpijob_job_fail(job, "%s", err.text);
}

static atomic_int notes, warnings;

static void count_notes(int level, const char *text, void *payload)
{
    (void)payload;
    if (level == MPIJOB_LOG_NOTE && strstr(text, "row has changed"))
        notes++;
    else
        warnings++;
}

/* Jobs of the function, or jobs that call it; results in segments, or in files of their own. */
static const struct {
    size_t large_bytes;
    bool calls;
} places[] = {{0, false}, {1000, false}, {0, true}, {1000, true}};

/* Told once, by whichever rank it is, with the first result of the new version. Some results of each program are new. */
START_TEST(a_change_is_told_once)
{
    static const struct {
        uint64_t version;
        int notes;
    } programs[] = {{1, 0}, {1, 0}, {2, 1}, {2, 0}, {1, 0}, {3, 1}};
    static double rows[JOBS][ROW];
    mpijob_function f = {.name = "row", .call = row, .result_size = sizeof rows[0], .result = &number};
    const mpijob_function caller = {.name = "call_it", .call = call_it, .result_size = sizeof rows[0]};
    const mpijob_parallel_options in_ones = {.batch_size = 1};
    memory_options.log = count_notes;
    memory_options.large_bytes = places[_i].large_bytes;
    memory_reopen();
    for (int i = 0; i < COUNT_OF(programs); i++) {
        mpijob_inputs inputs = mpijob_range((uint64_t)(5 + 5 * i));
        notes = warnings = 0;
        f.version = programs[i].version;
        memory_cache(&called, &f);
        int status = run(rows, places[_i].calls ? &caller : &called, &inputs, &in_ones, NULL);
        ck_assert_int_eq(status, MPIJOB_OK);
        memory_reopen(); /* all is stored then */
        int told = all_of(notes);
        ck_assert_msg(told == programs[i].notes, "program %d: %d notes", i, told);
        ck_assert_int_eq(all_of(warnings), 0);
    }
}
END_TEST

/* ---- Progress ---- */

#define HITS 12

/* A run that finds so many of its results. */
static int run_with_hits(int style)
{
    mpijob_function f;
    mpijob_inputs some = mpijob_range(HITS), all = mpijob_range(JOBS);
    mpijob_parallel_options options = {.verbose = 11, .progress = style};
    memory_cache(&f, &function);
    int status = mpijob_parallel(results, &f, &some, MPI_COMM_WORLD, NULL, NULL);
    return status == MPIJOB_OK ? mpijob_parallel(results, &f, &all, MPI_COMM_WORLD, &options, NULL) : status;
}

START_TEST(json_tells_hits)
{
    suite_capture capture;
    suite_capture_begin(&capture, STDERR_FILENO);
    int status = run_with_hits(MPIJOB_PROGRESS_JSON);
    char *text = suite_capture_end(&capture);
    bool right = strstr(text, "{\"event\":\"start\",\"done\":0,\"failed\":0,\"hits\":0,") &&
                 strstr(text, "{\"event\":\"finished\",\"done\":30,\"failed\":0,\"hits\":12,");
    free(text);
    everyone(status == MPIJOB_OK);
    rank0(right);
}
END_TEST

/* The terminal's other end takes what is said; it is small enough to wait there. */
START_TEST(a_bar_tells_hits)
{
    struct winsize size = {.ws_col = 120, .ws_row = 25};
    static char said[10001];
    int master, slave;
    if (openpty(&master, &slave, NULL, NULL, &size) != 0)
        abort();
    fflush(NULL);
    int kept = dup(STDERR_FILENO);
    dup2(slave, STDERR_FILENO);
    int status = run_with_hits(MPIJOB_PROGRESS_BAR);
    fflush(NULL);
    dup2(kept, STDERR_FILENO);
    close(kept);
    close(slave);
    size_t bytes = 0;
    for (ssize_t got; bytes < sizeof said - 1 && (got = read(master, said + bytes, sizeof said - 1 - bytes)) > 0;)
        bytes += (size_t)got;
    said[bytes] = '\0';
    close(master);
    everyone(status == MPIJOB_OK);
    rank0(strstr(said, "30/30 jobs") && strstr(said, " | 12 from Memory | "));
}
END_TEST

int main(int argc, char **argv)
{
    Suite *suite = suite_create("memory_messages");
    TCase *group = suite_group(suite, "messages");
    tcase_add_checked_fixture(group, memory_set_up, memory_tear_down);
    tcase_add_test(group, silent_by_default);
    tcase_add_loop_test(group, what_is_computed_and_what_is_found, 0, COUNT_OF(levels));
    tcase_add_loop_test(group, a_change_is_told_once, 0, COUNT_OF(places));
    tcase_add_test(group, json_tells_hits);
    tcase_add_test(group, a_bar_tells_hits);
    return suite_main(argc, argv, suite);
}
