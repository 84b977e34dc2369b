/* A main for one process, and a cached function: rank 0 alone runs it, the other ranks serve. Each job that is computed
 * leaves a byte in a file. */
#include "suite.h"

#include <fcntl.h>
#include <mpijob/memory.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define JOBS 400

static char folder[] = "mpijob-serve-XXXXXX"; /* in the current folder, which all hosts see */
static char marks[64];

typedef struct question {
    uint64_t number;
} question;

static const mpijob_field question_fields[] = {MPIJOB_FIELD(question, number, MPIJOB_UINT64)};
static const mpijob_record question_record = MPIJOB_RECORD_OF(question, question_fields);
static const mpijob_type number = {.kind = MPIJOB_FLOAT64};

static int half(void *result, const void *args, mpijob_job *job)
{
    double value = (double)((const question *)args)->number / 2;
    int fd = open(marks, O_WRONLY | O_APPEND | O_CLOEXEC);
    bool marked = fd >= 0 && write(fd, "+", 1) == 1;
    if (fd >= 0)
        close(fd);
    memcpy(result, &value, sizeof value);
    return marked ? 0 : mpijob_job_fail(job, "no mark in %s", marks);
}

static const mpijob_function plain = {.name = "half",
                                      .call = half,
                                      .args_size = sizeof(question),
                                      .args = &question_record,
                                      .result_size = sizeof(double),
                                      .result = &number};
static mpijob_memory *memory;
static mpijob_function cached;

/* Since the last call. */
static long count_computed(void)
{
    struct stat info;
    int status = stat(marks, &info);
    ck_assert_int_eq(status, 0);
    status = truncate(marks, 0);
    ck_assert_int_eq(status, 0);
    return (long)info.st_size;
}

static void run_half(uint64_t first, uint64_t count, long missing)
{
    static question questions[2 * JOBS];
    static double results[2 * JOBS];
    mpijob_error err = {.text = ""};
    mpijob_stats stats = {0};
    mpijob_parallel_options options = {.stats = &stats};
    for (uint64_t i = 0; i < count; i++)
        questions[i].number = first + i;
    memset(results, 0xff, sizeof results);
    mpijob_inputs inputs = mpijob_arguments(questions, count);
    int status = mpijob_parallel(results, &cached, &inputs, MPI_COMM_WORLD, &options, &err);
    ck_assert_msg(status == MPIJOB_OK, "%s", err.text);
    for (uint64_t i = 0; i < count; i++)
        ck_assert_double_eq(results[i], (double)(first + i) / 2);
    ck_assert_int_eq(count_computed(), missing);
    ck_assert_uint_eq(stats.hits, count - (uint64_t)missing);
}

START_TEST(served_runs_are_computed_once)
{
    run_half(0, JOBS, JOBS);
    run_half(0, JOBS, 0);
    run_half(JOBS / 2, JOBS, JOBS / 2);
    run_half(0, 2 * JOBS, JOBS / 2);
    run_half(0, 2 * JOBS, 0);
}
END_TEST

/* As another program would find them. */
START_TEST(what_was_served_is_found_without_a_run)
{
    mpijob_memory *other;
    mpijob_function again;
    double result;
    mpijob_memory_sync(memory, NULL);
    int status = mpijob_memory_open(&other, folder, NULL, NULL);
    ck_assert_int_eq(status, MPIJOB_OK);
    status = mpijob_memory_cache(&again, other, &plain, NULL, NULL);
    ck_assert_int_eq(status, MPIJOB_OK);
    status = mpijob_function_call(&result, &again, &(question){.number = 7}, NULL, NULL);
    ck_assert_int_eq(status, MPIJOB_OK);
    ck_assert_double_eq(result, 3.5);
    ck_assert_int_eq(count_computed(), 0);
    mpijob_memory_close(other);
}
END_TEST

static int go_through_tests(void)
{
    Suite *suite = suite_create("serve_memory");
    TCase *group = tcase_create("serve");
    tcase_add_test(group, served_runs_are_computed_once);
    tcase_add_test(group, what_was_served_is_found_without_a_run);
    suite_add_tcase(suite, group);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed;
}

static int begin(mpijob_error *err)
{
    if (suite_rank == 0 && !mkdtemp(folder))
        return -1;
    suite_spread(folder, sizeof folder, 0);
    snprintf(marks, sizeof marks, "%s.marks", folder);
    int fd = suite_rank == 0 ? open(marks, O_WRONLY | O_CREAT | O_CLOEXEC, 0600) : -1;
    if (fd >= 0)
        close(fd);
    int status = mpijob_memory_open(&memory, folder, NULL, err);
    return status == MPIJOB_OK ? mpijob_memory_cache(&cached, memory, &plain, NULL, err) : status;
}

static int end(void)
{
    char command[200];
    snprintf(command, sizeof command, "rm -rf '%s' '%s'", folder, marks);
    return suite_rank == 0 && system(command) != 0;
}

int main(int argc, char **argv)
{
    mpijob_error err = {.text = ""};
    const mpijob_function *functions[] = {&cached, NULL};
    if (mpijob_init(&argc, &argv, 0, &err) != MPIJOB_OK)
        return EXIT_FAILURE;
    MPI_Comm_rank(MPI_COMM_WORLD, &suite_rank);
    MPI_Comm_size(MPI_COMM_WORLD, &suite_size);
    if (begin(&err) != MPIJOB_OK) {
        fprintf(stderr, "rank %d: %s\n", suite_rank, err.text);
        return EXIT_FAILURE;
    }
    int role = mpijob_serve(functions, NULL, MPI_COMM_WORLD, &err);
    int failed = role != (suite_rank == 0 ? MPIJOB_LEADS : MPIJOB_SERVED);
    if (failed)
        fprintf(stderr, "rank %d: mpijob_serve returned %d: %s\n", suite_rank, role, err.text);
    if (role == MPIJOB_LEADS) {
        failed = go_through_tests() || failed;
        failed = mpijob_serve_end(MPI_COMM_WORLD, &err) != MPIJOB_OK || failed;
    }
    mpijob_memory_close(memory);
    MPI_Barrier(MPI_COMM_WORLD);
    failed = end() || failed;
    failed = mpijob_finalize(&err) != MPIJOB_OK || failed;
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
