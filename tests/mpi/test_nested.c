/* Runs inside runs, after one another, and beside one another. */
#include "suite.h"

#include <stdlib.h>
#include <string.h>

static int square(void *result, const void *args, mpijob_job *job)
{
    (void)args;
    *(uint64_t *)result = job->index * job->index;
    return 0;
}

static const mpijob_function squares = {.name = "square", .call = square, .result_size = sizeof(uint64_t)};

static uint64_t sum_of_squares(uint64_t count)
{
    uint64_t sum = 0;
    for (uint64_t i = 0; i < count; i++)
        sum += i * i;
    return sum;
}

static int add(void *accumulator, const void *result, size_t bytes, uint64_t index, void *payload, mpijob_error *err)
{
    (void)bytes, (void)index, (void)payload, (void)err;
    *(uint64_t *)accumulator += *(const uint64_t *)result;
    return MPIJOB_GO_ON;
}

/* The sum of the first `count` squares, by a run on `comm`. */
static int sum_by_run(uint64_t *sum, uint64_t count, MPI_Comm comm, mpijob_error *err)
{
    mpijob_inputs inputs = mpijob_range(count);
    mpijob_parallel_options options = {.reduce = add};
    *sum = 0;
    return mpijob_parallel(sum, &squares, &inputs, comm, &options, err);
}

/* ---- Inside ---------------------------------------------------------------------------------------------------- */

static int inner_rank(void *result, const void *args, mpijob_job *job)
{
    (void)args;
    *(int *)result = job->rank;
    return 0;
}

static int nest(void *result, const void *args, mpijob_job *job)
{
    mpijob_error err;
    (void)args;
    int ranks[10];
    mpijob_function f = {.call = inner_rank, .result_size = sizeof(int)};
    mpijob_inputs inputs = mpijob_range(10);
    mpijob_parallel_options options = {.n_jobs = -2, .on_error = job->index % 2 ? MPIJOB_CONTINUE : MPIJOB_STOP};
    if (mpijob_parallel(ranks, &f, &inputs, MPI_COMM_WORLD, &options, &err) != MPIJOB_OK)
        return mpijob_job_fail(job, "%s", err.text);
    for (int i = 0; i < 10; i++)
        if (ranks[i] != job->rank)
            return mpijob_job_fail(job, "the inner job was on rank %d, the outer on %d", ranks[i], job->rank);
    MPI_Comm comm = job->index % 3 ? MPI_COMM_WORLD : MPI_COMM_SELF;
    if (sum_by_run(result, job->index % 40, comm, &err) != MPIJOB_OK)
        return mpijob_job_fail(job, "%s", err.text);
    return 0;
}

/* Two levels further down. */
static int nest_deeper(void *result, const void *args, mpijob_job *job)
{
    mpijob_error err;
    uint64_t sums[5];
    (void)args;
    mpijob_function f = {.call = nest, .result_size = sizeof(uint64_t)};
    mpijob_inputs inputs = mpijob_range(5);
    if (mpijob_parallel(sums, &f, &inputs, MPI_COMM_WORLD, NULL, &err) != MPIJOB_OK)
        return mpijob_job_fail(job, "%s", err.text);
    *(uint64_t *)result = sums[4];
    return 0;
}

START_TEST(a_run_inside_a_job)
{
    uint64_t results[200];
    mpijob_function f = {.call = _i ? nest_deeper : nest, .result_size = sizeof(uint64_t)};
    mpijob_inputs inputs = mpijob_range(200);
    int status = run(results, &f, &inputs, NULL, NULL);
    ck_assert_int_eq(status, MPIJOB_OK);
    bool right = true;
    for (uint64_t i = 0; i < 200; i++)
        right = right && results[i] == sum_of_squares(_i ? 4 : i % 40);
    rank0(right);
}
END_TEST

static int fail_inside(void *result, const void *args, mpijob_job *job)
{
    (void)result, (void)args;
    return mpijob_job_fail(job, "inside");
}

/* The outer job lives on, and tells what it saw. */
static int survive(void *result, const void *args, mpijob_job *job)
{
    mpijob_error err;
    (void)args;
    mpijob_function f = {.call = fail_inside};
    mpijob_inputs inputs = mpijob_range(3);
    int status = mpijob_parallel(NULL, &f, &inputs, MPI_COMM_WORLD, NULL, &err);
    *(int *)result = status == MPIJOB_EJOB && err.job == 0 && err.rank == job->rank && strstr(err.text, "inside");
    mpijob_parallel_options bad = {.verbose = -1};
    *(int *)result += mpijob_parallel(NULL, &f, &inputs, MPI_COMM_WORLD, &bad, &err) == MPIJOB_EINVAL;
    return 0;
}

START_TEST(a_failure_inside_stays_inside)
{
    int results[50];
    mpijob_function f = {.call = survive, .result_size = sizeof(int)};
    mpijob_inputs inputs = mpijob_range(50);
    int status = run(results, &f, &inputs, NULL, NULL);
    ck_assert_int_eq(status, MPIJOB_OK);
    bool right = true;
    for (int i = 0; i < 50; i++)
        right = right && results[i] == 2;
    rank0(right);
}
END_TEST

static int draw(void *args, double *cost, uint64_t index, void *payload, mpijob_error *err)
{
    (void)cost, (void)payload;
    uint64_t *sum = args;
    return index == 100 ? MPIJOB_END
           : sum_by_run(sum, index, MPI_COMM_WORLD, err) == MPIJOB_OK ? MPIJOB_MORE
                                                                      : -1;
}

static int pass_on(void *result, const void *args, mpijob_job *job)
{
    (void)job;
    memcpy(result, args, sizeof(uint64_t));
    return 0;
}

static int consume(const void *result, size_t bytes, uint64_t index, const mpijob_error *failure, void *payload,
                   mpijob_error *err)
{
    uint64_t sum;
    uint64_t *count = payload;
    (void)bytes, (void)failure;
    ++*count;
    if (sum_by_run(&sum, index, MPI_COMM_WORLD, err) != MPIJOB_OK)
        return -1;
    return sum == *(const uint64_t *)result ? MPIJOB_GO_ON : mpijob_callback_fail(err, "a wrong sum");
}

START_TEST(a_run_inside_generator_and_consumer)
{
    uint64_t count = 0;
    mpijob_function f = {.call = pass_on, .args_size = sizeof(uint64_t), .result_size = sizeof(uint64_t)};
    mpijob_inputs inputs = mpijob_generator(draw, NULL, MPIJOB_UNKNOWN);
    mpijob_parallel_options options = {
        .return_as = MPIJOB_GENERATOR, .consume = consume, .consume_payload = &count};
    int status = run(NULL, &f, &inputs, &options, NULL);
    ck_assert_int_eq(status, MPIJOB_OK);
    rank0(count == 100);
}
END_TEST

/* ---- Beside, and after one another ----------------------------------------------------------------------------- */

START_TEST(runs_after_one_another)
{
    bool right = true;
    for (uint64_t i = 0; i < 100; i++) {
        uint64_t sum;
        right = right && sum_by_run(&sum, i * 10, MPI_COMM_WORLD, NULL) == MPIJOB_OK;
        right = right && (suite_rank != 0 || sum == sum_of_squares(i * 10));
    }
    everyone(right);
}
END_TEST

/* Whether some runs on `comm` are right; each communicator has its own numbers of jobs and of runs. */
static bool some_runs(MPI_Comm comm, uint64_t which)
{
    int rank;
    bool right = true;
    MPI_Comm_rank(comm, &rank);
    for (uint64_t i = 0; i < 5 + 3 * which; i++) {
        uint64_t sum;
        uint64_t count = 100 * i + 1000 * which;
        right = right && sum_by_run(&sum, count, comm, NULL) == MPIJOB_OK;
        right = right && (rank != 0 || sum == sum_of_squares(count));
    }
    return right;
}

START_TEST(runs_beside_one_another)
{
    MPI_Comm half;
    MPI_Comm_split(MPI_COMM_WORLD, suite_rank % 2, -suite_rank, &half);
    bool right = some_runs(half, (uint64_t)suite_rank % 2);
    bool quiet = suite_is_quiet(half);
    MPI_Comm_free(&half);
    everyone(right);
    everyone(quiet);
}
END_TEST

START_TEST(every_rank_for_itself)
{
    bool right = some_runs(MPI_COMM_SELF, (uint64_t)suite_rank);
    everyone(right);
}
END_TEST

START_TEST(one_communicator_after_the_other)
{
    for (int i = 0; i < 20; i++) {
        MPI_Comm copy;
        uint64_t sum;
        MPI_Comm_dup(MPI_COMM_WORLD, &copy);
        int status = sum_by_run(&sum, 100, copy, NULL);
        MPI_Comm_free(&copy);
        everyone(status == MPIJOB_OK);
        rank0(sum == sum_of_squares(100));
    }
}
END_TEST

/* What the caller set stays as it is. */
static void ignore(MPI_Comm *comm, int *code, ...)
{
    (void)comm, (void)code;
}

START_TEST(the_callers_communicator_is_left_alone)
{
    MPI_Comm copy;
    MPI_Errhandler mine, after;
    uint64_t sum;
    int flag = 0;
    MPI_Comm_dup(MPI_COMM_WORLD, &copy);
    MPI_Comm_create_errhandler(ignore, &mine);
    MPI_Comm_set_errhandler(copy, mine);
    int next = (suite_rank + 1) % suite_size;
    int sent = suite_rank;
    int message = -1;
    MPI_Request request;
    /* A message of the caller's own that is on its way during the run. */
    MPI_Isend(&sent, 1, MPI_INT, next, 2, copy, &request);
    int status = sum_by_run(&sum, 1000, copy, NULL);
    MPI_Recv(&message, 1, MPI_INT, MPI_ANY_SOURCE, MPI_ANY_TAG, copy, MPI_STATUS_IGNORE);
    MPI_Wait(&request, MPI_STATUS_IGNORE);
    MPI_Comm_get_errhandler(copy, &after);
    flag = after == mine;
    MPI_Errhandler_free(&after);
    MPI_Errhandler_free(&mine);
    MPI_Comm_free(&copy);
    everyone(status == MPIJOB_OK);
    everyone(message == (suite_rank + suite_size - 1) % suite_size);
    everyone(flag);
}
END_TEST

int main(int argc, char **argv)
{
    Suite *suite = suite_create("nested");
    TCase *group = suite_group(suite, "inside");
    tcase_add_loop_test(group, a_run_inside_a_job, 0, 2);
    tcase_add_test(group, a_failure_inside_stays_inside);
    tcase_add_test(group, a_run_inside_generator_and_consumer);
    group = suite_group(suite, "beside");
    tcase_add_test(group, runs_after_one_another);
    tcase_add_test(group, runs_beside_one_another);
    tcase_add_test(group, every_rank_for_itself);
    tcase_add_test(group, one_communicator_after_the_other);
    tcase_add_test(group, the_callers_communicator_is_left_alone);
    return suite_main(argc, argv, suite);
}
