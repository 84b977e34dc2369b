/* A result, and arguments, of more than 2 GiB: no number on the way may be an int. Needs 5 GB of memory. */
#include "suite.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

#define HUGE_BYTES (((size_t)2 << 30) + ((size_t)200 << 20) + 13)

/* A mark in every page, which tells where it is. */
static void mark(unsigned char *data, size_t bytes)
{
    for (size_t at = 0; at + sizeof at <= bytes; at += 4096)
        memcpy(data + at, &at, sizeof at);
    data[bytes - 1] = 77;
}

static bool is_marked(const unsigned char *data, size_t bytes)
{
    for (size_t at = 0; at + sizeof at <= bytes; at += 4096)
        if (memcmp(data + at, &at, sizeof at) != 0)
            return false;
    return data[bytes - 1] == 77;
}

static int make_huge(void *result, const void *args, mpijob_job *job)
{
    (void)result, (void)args;
    unsigned char *data = mpijob_job_result(job, HUGE_BYTES);
    if (!data)
        return mpijob_job_fail(job, "no memory");
    mark(data, HUGE_BYTES);
    return 0;
}

static int check_huge(const void *result, size_t bytes, uint64_t index, const mpijob_error *failure, void *payload,
                      mpijob_error *err)
{
    (void)index, (void)failure;
    ++*(int *)payload;
    return bytes == HUGE_BYTES && is_marked(result, bytes) ? MPIJOB_GO_ON : mpijob_callback_fail(err, "damaged");
}

/* Made on another rank where there is one. */
START_TEST(a_result)
{
    int consumed = 0;
    mpijob_function f = {.call = make_huge, .result_size = MPIJOB_ANY_SIZE};
    mpijob_inputs inputs = mpijob_range(1);
    mpijob_parallel_options options = {.return_as = MPIJOB_GENERATOR,
                                       .consume = check_huge,
                                       .consume_payload = &consumed,
                                       .rank0 = MPIJOB_RANK0_SCHEDULES};
    int status = run(NULL, &f, &inputs, &options, NULL);
    ck_assert_int_eq(status, MPIJOB_OK);
    rank0(consumed == 1);
}
END_TEST

static int check_args(void *result, const void *args, mpijob_job *job)
{
    (void)job;
    *(int *)result = is_marked(args, HUGE_BYTES);
    return 0;
}

START_TEST(arguments)
{
    int right = 0;
    unsigned char *data = suite_rank == 0 ? malloc(HUGE_BYTES) : NULL;
    if (data)
        mark(data, HUGE_BYTES);
    mpijob_function f = {.call = check_args, .args_size = HUGE_BYTES, .result_size = sizeof(int)};
    mpijob_inputs inputs = mpijob_arguments(data, 1);
    mpijob_parallel_options options = {.rank0 = MPIJOB_RANK0_SCHEDULES};
    int status = run(&right, &f, &inputs, &options, NULL);
    free(data);
    ck_assert_int_eq(status, MPIJOB_OK);
    rank0(right);
}
END_TEST

/* -- No memory for it, on either side: what then travels in pieces needs some more, and nobody may wait for ever -- */

#define IN_PIECES (((size_t)1 << 30) + 5)
#define MOST_ALLOCATIONS 200 /* a run here makes fewer */

static int leave_untouched(void *result, const void *args, mpijob_job *job)
{
    (void)result, (void)args;
    return mpijob_job_result(job, IN_PIECES) ? 0 : mpijob_job_fail(job, "no memory");
}

static int ignore_args(void *result, const void *args, mpijob_job *job)
{
    (void)result, (void)job;
    return args ? 0 : -1;
}

static int count(const void *result, size_t bytes, uint64_t index, const mpijob_error *failure, void *payload,
                 mpijob_error *err)
{
    (void)result, (void)index, (void)failure, (void)err;
    *(int *)payload += bytes == IN_PIECES;
    return MPIJOB_GO_ON;
}

static int run_large(bool large_args, const void *data, mpijob_error *err)
{
    int consumed = 0;
    mpijob_function makes = {.call = leave_untouched, .result_size = MPIJOB_ANY_SIZE};
    mpijob_function takes = {.call = ignore_args, .args_size = IN_PIECES};
    mpijob_inputs inputs = large_args ? mpijob_arguments(data, 1) : mpijob_range(1);
    mpijob_parallel_options options = {.rank0 = MPIJOB_RANK0_SCHEDULES};
    if (!large_args) {
        options.return_as = MPIJOB_GENERATOR;
        options.consume = count;
        options.consume_payload = &consumed;
    }
    int status = run(NULL, large_args ? &takes : &makes, &inputs, &options, err);
    rank0(status != MPIJOB_OK || large_args || consumed == 1);
    return status;
}

START_TEST(without_memory_for_it)
{
    bool large_args = _i % 2 != 0;
    int victim = _i / 2 % suite_size;
    mpijob_error err;
    void *data = large_args && suite_rank == 0 ? malloc(IN_PIECES) : NULL;
    rank0(!large_args || data);
    int status = MPIJOB_ENOMEM;
    uint64_t n = 0;
    for (; status != MPIJOB_OK && n < MOST_ALLOCATIONS; n++) {
        mpj_alloc_fail_from(suite_rank == victim ? n : UINT64_MAX);
        status = run_large(large_args, data, &err);
        mpj_alloc_fail_after(UINT64_MAX);
        bool told = status == MPIJOB_ENOMEM || (status == MPIJOB_EJOB && strstr(err.text, "no memory"));
        ck_assert_msg(status == MPIJOB_OK || (told && err.rank == victim), "allocation %d: status %d, rank %d, '%s'",
                      (int)n, status, err.rank, err.text);
    }
    free(data);
    ck_assert_int_eq(status, MPIJOB_OK);
    ck_assert_uint_gt(n, 1);
}
END_TEST

int main(int argc, char **argv)
{
    Suite *suite = suite_create("huge_result");
    TCase *group = suite_group(suite, "more than 2 GiB");
    tcase_set_timeout(group, 600);
    tcase_add_test(group, a_result);
    tcase_add_test(group, arguments);
    tcase_add_loop_test(group, without_memory_for_it, 0, 4);
    return suite_main(argc, argv, suite);
}
