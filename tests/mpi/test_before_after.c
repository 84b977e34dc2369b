/* Calls before MPI is initialised and after it is finalised: a status and a text that says what to do, never a crash.
 * test_before_after [plain]: by mpijob_init and mpijob_finalize, or by MPI's own. */
#include "suite.h"

#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define JOBS 20

static const char text[] = "shared while MPI was there";

static int work(void *result, const void *args, mpijob_job *job)
{
    (void)args;
    *(uint64_t *)result = job->index + 1;
    return 0;
}

static const mpijob_function function = {.name = "work", .call = work, .result_size = sizeof(uint64_t)};
static const mpijob_function *const functions[] = {&function, NULL};

/* -- The calls that need MPI; `err` may be NULL -- */

static int call_parallel(mpijob_error *err)
{
    uint64_t results[JOBS];
    mpijob_inputs inputs = mpijob_range(JOBS);
    return mpijob_parallel(results, &function, &inputs, MPI_COMM_WORLD, NULL, err);
}

static int call_parallel_on_null(mpijob_error *err)
{
    uint64_t results[JOBS];
    mpijob_inputs inputs = mpijob_range(JOBS);
    return mpijob_parallel(results, &function, &inputs, MPI_COMM_NULL, NULL, err);
}

static int call_share(mpijob_error *err)
{
    mpijob_shared *shared;
    return mpijob_share(&shared, text, sizeof text, MPI_COMM_WORLD, NULL, err);
}

static int call_serve(mpijob_error *err)
{
    return mpijob_serve(functions, NULL, MPI_COMM_WORLD, err);
}

static int call_serve_end(mpijob_error *err)
{
    return mpijob_serve_end(MPI_COMM_WORLD, err);
}

static int (*const calls[])(mpijob_error *err) = {call_parallel, call_parallel_on_null, call_share, call_serve,
                                                  call_serve_end};

/* What the text must say. */
static const char *expected;

START_TEST(calls_that_need_mpi_say_so)
{
    mpijob_error err;
    memset(&err, 0xab, sizeof err);
    ck_assert_int_eq(calls[_i](&err), MPIJOB_EINVAL);
    ck_assert_int_eq(err.status, MPIJOB_EINVAL);
    ck_assert_int_eq(err.rank, -1);
    ck_assert_int_eq(err.job, -1);
    ck_assert_msg(strstr(err.text, expected), "'%s' does not say '%s'", err.text, expected);
    ck_assert_int_eq(calls[_i](NULL), MPIJOB_EINVAL);
}
END_TEST

START_TEST(the_others_work)
{
    mpijob_random random;
    ck_assert_int_eq(mpijob_effective_n_jobs(-1, 5), 5);
    ck_assert_int_eq(mpijob_stop_requested(), 0);
    mpijob_request_stop();
    ck_assert_int_eq(mpijob_stop_requested(), 1);
    mpijob_clear_stop();
    ck_assert_int_eq(mpijob_stop_requested(), 0);
    mpijob_random_init(&random, 1, 2);
    mpijob_share_free(NULL);
    ck_assert_int_eq(mpijob_finalize(NULL), MPIJOB_OK);
}
END_TEST

/* -- Afterwards -- */

static mpijob_shared *kept;

START_TEST(mpi_cannot_be_started_again)
{
    mpijob_error err;
    ck_assert_int_eq(mpijob_init(NULL, NULL, 0, &err), MPIJOB_EINVAL);
    ck_assert_msg(strstr(err.text, expected), "'%s' does not say '%s'", err.text, expected);
    ck_assert_int_eq(mpijob_init(NULL, NULL, 0, NULL), MPIJOB_EINVAL);
}
END_TEST

START_TEST(a_shared_input_stays)
{
    ck_assert_ptr_nonnull(kept);
    ck_assert_uint_eq(mpijob_shared_bytes(kept), sizeof text);
    ck_assert_str_eq(mpijob_shared_data(kept), text);
    mpijob_share_free(kept);
}
END_TEST

/* -- One time after the other; MPI is none of Check's business here -- */

static bool passes(const char *when, const char *said, bool after)
{
    Suite *suite = suite_create(when);
    TCase *group = tcase_create(when);
    expected = said;
    suite_add_tcase(suite, group);
    tcase_add_loop_test(group, calls_that_need_mpi_say_so, 0, COUNT_OF(calls));
    tcase_add_test(group, the_others_work);
    if (after) {
        tcase_add_test(group, mpi_cannot_be_started_again);
        tcase_add_test(group, a_shared_input_stays);
    }
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    bool passed = srunner_ntests_failed(runner) == 0 && srunner_ntests_run(runner) > COUNT_OF(calls);
    srunner_free(runner);
    return passed;
}

static bool say_unless(bool right, const char *what)
{
    if (!right)
        fprintf(stderr, "test_before_after: %s\n", what);
    return right;
}

/* Something is made in between, so that there is something to be left over. */
static bool use(void)
{
    int status = mpijob_share(&kept, text, sizeof text, MPI_COMM_WORLD, NULL, NULL);
    return say_unless(call_parallel(NULL) == MPIJOB_OK && status == MPIJOB_OK, "calls in between fail");
}

int main(int argc, char **argv)
{
    bool plain = argc > 1 && strcmp(argv[1], "plain") == 0;
    bool passed = passes("before MPI", "not initialised", false);
    int status = plain ? MPI_Init(&argc, &argv) : mpijob_init(&argc, &argv, 0, NULL);
    passed = say_unless(status == 0, "MPI cannot be started") && use() && passed;
    status = plain ? MPI_Finalize() : mpijob_finalize(NULL);
    passed = say_unless(status == 0, "MPI cannot be ended") && passed;
    passed = passes("after MPI", "finalised already", true) && passed;
    return passed ? EXIT_SUCCESS : EXIT_FAILURE;
}
