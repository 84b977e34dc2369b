/* A main for one process: rank 0 alone goes through the tests, the other ranks serve.
 * test_serve [finalize|end|plain]: how rank 0 lets them go, at the end. */
#include "suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *ending = "finalize";
static int own_context;
static mpijob_shared *kept;                 /* released when nobody serves any more */
static mpijob_shared *begun, *begun_before; /* while the others served, and before */

static int square(void *result, const void *args, mpijob_job *job)
{
    (void)args;
    *(uint64_t *)result = job->index * job->index;
    return 0;
}

static int place(void *result, const void *args, mpijob_job *job)
{
    (void)args;
    ((int *)result)[0] = job->rank;
    ((int *)result)[1] = *(const int *)job->context;
    return 0;
}

static int look(void *result, const void *args, mpijob_job *job)
{
    uint64_t at = *(const uint64_t *)args;
    if (job->shared_count != 2)
        return mpijob_job_fail(job, "%zu shared inputs", job->shared_count);
    const uint64_t *first = mpijob_shared_data(job->shared[0]);
    const uint64_t *second = mpijob_shared_data(job->shared[1]);
    *(uint64_t *)result = first[at] * 1000 + second[at % (mpijob_shared_bytes(job->shared[1]) / 8)];
    return 0;
}

static int fail_one(void *result, const void *args, mpijob_job *job)
{
    (void)result, (void)args;
    return job->index == 70 ? mpijob_job_fail(job, "seventy") : 0;
}

static const mpijob_function squares = {.name = "square", .call = square, .result_size = sizeof(uint64_t)};
static const mpijob_function places = {.name = "place", .call = place, .result_size = 2 * sizeof(int)};
static const mpijob_function looking = {
    .name = "look", .call = look, .args_size = sizeof(uint64_t), .result_size = sizeof(uint64_t)};
static const mpijob_function failing = {.name = "fail", .call = fail_one};
static const mpijob_function unlisted = {.name = "square", .call = square, .result_size = sizeof(uint64_t)};
static const mpijob_function *const functions[] = {&squares, &places, &looking, &failing, NULL};

START_TEST(runs_of_rank_0)
{
    uint64_t results[500];
    mpijob_inputs inputs = mpijob_range(500);
    mpijob_parallel_options options = {.batch_size = (uint64_t)_i,
                                       .pre_dispatch = _i == 1 ? "2*n_jobs" : NULL,
                                       .n_jobs = _i == 2 ? -2 : 0,
                                       .everywhere = _i == 3,
                                       .seed = 5};
    int status = mpijob_parallel(results, &squares, &inputs, MPI_COMM_WORLD, _i ? &options : NULL, NULL);
    ck_assert_int_eq(status, MPIJOB_OK);
    for (uint64_t i = 0; i < 500; i++)
        ck_assert_uint_eq(results[i], i * i);
}
END_TEST

static int add(void *accumulator, const void *result, size_t bytes, uint64_t index, void *payload, mpijob_error *err)
{
    (void)bytes, (void)index, (void)payload, (void)err;
    *(uint64_t *)accumulator += *(const uint64_t *)result;
    return MPIJOB_GO_ON;
}

static int consume(const void *result, size_t bytes, uint64_t index, const mpijob_error *failure, void *payload,
                   mpijob_error *err)
{
    uint64_t *sum = payload;
    (void)failure;
    return add(sum, result, bytes, index, NULL, err);
}

START_TEST(reductions_and_consumers)
{
    uint64_t sum = 0;
    mpijob_inputs inputs = mpijob_range(10);
    mpijob_parallel_options options = {.reduce = add, .accumulator_size = sizeof sum, .everywhere = _i};
    int status = mpijob_parallel(&sum, &squares, &inputs, MPI_COMM_WORLD, &options, NULL);
    ck_assert_int_eq(status, MPIJOB_OK);
    ck_assert_uint_eq(sum, 285);
    mpijob_parallel_options streaming = {
        .return_as = MPIJOB_GENERATOR_UNORDERED, .consume = consume, .consume_payload = &sum};
    status = mpijob_parallel(NULL, &squares, &inputs, MPI_COMM_WORLD, &streaming, NULL);
    ck_assert_int_eq(status, MPIJOB_OK);
    ck_assert_uint_eq(sum, 570);
}
END_TEST

START_TEST(every_rank_has_its_context)
{
    int results[100][2];
    int other = 4711;
    mpijob_inputs inputs = mpijob_range(100);
    mpijob_parallel_options options = {.context = &other, .batch_size = 1};
    int status = mpijob_parallel(results, &places, &inputs, MPI_COMM_WORLD, &options, NULL);
    ck_assert_int_eq(status, MPIJOB_OK);
    for (int i = 0; i < 100; i++)
        ck_assert_int_eq(results[i][1], results[i][0] == 0 ? other : 100 + results[i][0]);
}
END_TEST

static mpijob_shared *share(uint64_t count, uint64_t factor, int kind)
{
    mpijob_shared *shared;
    mpijob_error err;
    mpijob_share_options options = {.kind = kind};
    uint64_t *data = malloc(count * sizeof *data);
    for (uint64_t i = 0; i < count; i++)
        data[i] = i * factor;
    int status = mpijob_share(&shared, data, count * sizeof *data, MPI_COMM_WORLD, kind ? &options : NULL, &err);
    free(data);
    ck_assert_msg(status == MPIJOB_OK, "%s", err.text);
    return shared;
}

START_TEST(shared_inputs)
{
    uint64_t args[50];
    uint64_t results[50];
    const mpijob_shared *both[2];
    mpijob_shared *before = share(10, 1, 0);
    mpijob_shared *first = share(1000, 3, _i);
    mpijob_shared *second = share(7, 1, _i);
    mpijob_share_free(before);
    both[0] = first;
    both[1] = second;
    for (uint64_t i = 0; i < 50; i++)
        args[i] = i * 20;
    mpijob_inputs inputs = mpijob_arguments(args, 50);
    mpijob_parallel_options options = {.shared = both, .shared_count = 2};
    int status = mpijob_parallel(results, &looking, &inputs, MPI_COMM_WORLD, &options, NULL);
    ck_assert_int_eq(status, MPIJOB_OK);
    for (uint64_t i = 0; i < 50; i++)
        ck_assert_uint_eq(results[i], args[i] * 3000 + args[i] % 7);
    mpijob_share_free(first);
    if (_i == 2)
        kept = second;
    else
        mpijob_share_free(second);
}
END_TEST

/* The results of one run are the shared input of the next, and rank 0 alone says so. */
START_TEST(an_input_filled_by_a_run)
{
    uint64_t args[50], results[50];
    mpijob_shared *shared;
    void *memory;
    mpijob_error err;
    mpijob_share_options options = {.kind = _i};
    mpijob_inputs inputs = mpijob_range(1000);
    int status = mpijob_share_begin(&shared, &memory, 1000 * sizeof(uint64_t), MPI_COMM_WORLD, &options, &err);
    ck_assert_int_eq(status, MPIJOB_OK);
    mpijob_shared *unsealed = shared;
    status = mpijob_share_begin(&unsealed, &(void *){NULL}, 100, MPI_COMM_WORLD, &options, &err);
    ck_assert_int_eq(status, MPIJOB_OK);
    status = mpijob_parallel(memory, &squares, &inputs, MPI_COMM_WORLD, NULL, &err);
    ck_assert_int_eq(status, MPIJOB_OK);
    const mpijob_shared *both[2] = {shared, shared};
    mpijob_parallel_options with = {.shared = both, .shared_count = 2};
    for (uint64_t i = 0; i < 50; i++)
        args[i] = i * 20;
    inputs = mpijob_arguments(args, 50);
    status = mpijob_parallel(results, &looking, &inputs, MPI_COMM_WORLD, &with, &err);
    ck_assert_int_eq(status, MPIJOB_EINVAL);
    ck_assert_ptr_nonnull(strstr(err.text, "mpijob_share_seal"));
    status = mpijob_share_seal(shared, &err);
    ck_assert_int_eq(status, MPIJOB_OK);
    status = mpijob_share_seal(shared, &err);
    ck_assert_int_eq(status, MPIJOB_EINVAL);
    status = mpijob_parallel(results, &looking, &inputs, MPI_COMM_WORLD, &with, &err);
    ck_assert_int_eq(status, MPIJOB_OK);
    for (uint64_t i = 0; i < 50; i++)
        ck_assert_uint_eq(results[i], args[i] * args[i] * 1001);
    mpijob_share_free(unsealed);
    mpijob_share_free(shared);
}
END_TEST

START_TEST(what_goes_wrong_reaches_rank_0)
{
    uint64_t results[1];
    mpijob_error err;
    mpijob_inputs inputs = mpijob_range(100);
    int status = mpijob_parallel(NULL, &failing, &inputs, MPI_COMM_WORLD, NULL, &err);
    ck_assert_int_eq(status, MPIJOB_EJOB);
    ck_assert_int_eq(err.job, 70);
    ck_assert_ptr_nonnull(strstr(err.text, "seventy"));
    inputs = mpijob_range(1);
    status = mpijob_parallel(results, &unlisted, &inputs, MPI_COMM_WORLD, NULL, &err);
    ck_assert_int_eq(status, MPIJOB_EINVAL);
    ck_assert_ptr_nonnull(strstr(err.text, "mpijob_serve"));
    mpijob_parallel_options bad = {.verbose = -1};
    status = mpijob_parallel(results, &squares, &inputs, MPI_COMM_WORLD, &bad, &err);
    ck_assert_int_eq(status, MPIJOB_EINVAL);
    mpijob_parallel_options expression = {.pre_dispatch = "2*"};
    status = mpijob_parallel(results, &squares, &inputs, MPI_COMM_WORLD, &expression, &err);
    ck_assert_int_eq(status, MPIJOB_EINVAL);
}
END_TEST

/* A communicator of which nobody else knows is none of the serving ranks' business. */
START_TEST(runs_of_rank_0_alone)
{
    uint64_t results[100];
    mpijob_inputs inputs = mpijob_range(100);
    int status = mpijob_parallel(results, &unlisted, &inputs, MPI_COMM_SELF, NULL, NULL);
    ck_assert_int_eq(status, MPIJOB_OK);
    ck_assert_uint_eq(results[9], 81);
}
END_TEST

START_TEST(an_input_begun_at_another_time)
{
    void *memory;
    mpijob_error err;
    int status = mpijob_share_seal(begun_before, &err);
    ck_assert_int_eq(status, MPIJOB_EINVAL);
    ck_assert_ptr_nonnull(strstr(err.text, "before the other ranks served"));
    status = mpijob_share_begin(&begun, &memory, 8, MPI_COMM_WORLD, NULL, &err);
    ck_assert_int_eq(status, MPIJOB_OK);
}
END_TEST

/* Sealing what only rank 0 still has. */
static int seals(const char *text)
{
    mpijob_error err = {.text = ""};
    return mpijob_share_seal(begun, &err) != MPIJOB_EINVAL || !strstr(err.text, text);
}

static int go_through_tests(void)
{
    SRunner *runner;
    Suite *suite = suite_create("serve");
    TCase *group = tcase_create("serve");
    tcase_add_loop_test(group, runs_of_rank_0, 0, 4);
    tcase_add_loop_test(group, reductions_and_consumers, 0, 2);
    tcase_add_test(group, every_rank_has_its_context);
    tcase_add_loop_test(group, shared_inputs, 0, 4);
    tcase_add_loop_test(group, an_input_filled_by_a_run, 0, 4);
    tcase_add_test(group, what_goes_wrong_reaches_rank_0);
    tcase_add_test(group, an_input_begun_at_another_time);
    tcase_add_test(group, runs_of_rank_0_alone);
    /* After an error as before it. */
    tcase_add_loop_test(group, runs_of_rank_0, 0, 4);
    suite_add_tcase(suite, group);
    runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed;
}

/* All ranks again: what follows is collective. */
static int after_serving(void)
{
    uint64_t results[300];
    mpijob_inputs inputs = mpijob_range(300);
    mpijob_parallel_options options = {.everywhere = 1};
    int status = mpijob_parallel(results, &unlisted, &inputs, MPI_COMM_WORLD, &options, NULL);
    return status != MPIJOB_OK || results[299] != 299 * 299;
}

int main(int argc, char **argv)
{
    mpijob_error err;
    int failed = 0;
    if (argc > 1)
        ending = argv[1];
    if (mpijob_init(&argc, &argv, 0, &err) != MPIJOB_OK)
        return EXIT_FAILURE;
    MPI_Comm_rank(MPI_COMM_WORLD, &suite_rank);
    MPI_Comm_size(MPI_COMM_WORLD, &suite_size);
    own_context = 100 + suite_rank;
    void *memory;
    failed = mpijob_share_begin(&begun_before, &memory, 8, MPI_COMM_WORLD, NULL, &err) != MPIJOB_OK;
    int role = mpijob_serve(functions, &own_context, MPI_COMM_WORLD, &err);
    if (role != (suite_rank == 0 ? MPIJOB_LEADS : MPIJOB_SERVED)) {
        fprintf(stderr, "rank %d: mpijob_serve returned %d\n", suite_rank, role);
        failed = 1;
    }
    if (role == MPIJOB_LEADS)
        failed = go_through_tests() || failed;
    if (strcmp(ending, "end") == 0) {
        failed = failed || mpijob_serve_end(MPI_COMM_WORLD, &err) != MPIJOB_OK || after_serving();
        failed = failed || mpijob_share_seal(begun_before, &err) != MPIJOB_OK;
        failed = failed || (suite_rank == 0 && seals("while the other ranks served"));
        /* Once more, and it has no effect elsewhere or twice. */
        if (mpijob_serve(functions, &own_context, MPI_COMM_WORLD, &err) == MPIJOB_LEADS) {
            failed = failed || (suite_size > 1 && seals("has released the input"));
            failed = failed || mpijob_serve_end(MPI_COMM_WORLD, &err) != MPIJOB_OK;
        }
        failed = failed || mpijob_serve_end(MPI_COMM_WORLD, &err) != MPIJOB_OK || after_serving();
    }
    if (strcmp(ending, "plain") == 0)
        MPI_Finalize();
    failed = mpijob_finalize(&err) != MPIJOB_OK || failed;
    mpijob_share_free(kept);
    mpijob_share_free(begun);
    mpijob_share_free(begun_before);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
