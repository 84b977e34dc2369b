/* The n-th allocation fails on one rank, in whatever thread, for every n: a run over a cached function ends on all ranks
 * alike, with right results or for want of memory, and the next run works. */
#include "memory_suite.h"

#include "base/alloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define JOBS 40
#define SHORTAGES 260 /* more than such a run makes allocations */

typedef struct point {
    double x;
    int32_t length;
    int32_t reserved;
} point;

static const mpijob_field fields[] = {MPIJOB_FIELD(point, x, MPIJOB_FLOAT64),
                                      MPIJOB_FIELD(point, length, MPIJOB_INT32)};
static const mpijob_record record = MPIJOB_RECORD_OF(point, fields);
static const mpijob_type number = {.kind = MPIJOB_FLOAT64};

static int twice(void *result, const void *args, mpijob_job *job)
{
    double value = 2 * ((const point *)args)->x;
    (void)job;
    memcpy(result, &value, sizeof value);
    return 0;
}

static int many(void *result, const void *args, mpijob_job *job)
{
    const point *p = args;
    double *values = mpijob_job_result(job, (size_t)p->length * sizeof *values);
    (void)result;
    if (!values)
        return mpijob_job_fail(job, "no room");
    for (int i = 0; i < p->length; i++)
        values[i] = 2 * p->x + i;
    return 0;
}

static const mpijob_function functions[] = {{.name = "twice",
                                             .call = twice,
                                             .args_size = sizeof(point),
                                             .args = &record,
                                             .result_size = sizeof(double),
                                             .result = &number},
                                            {.name = "many",
                                             .call = many,
                                             .args_size = sizeof(point),
                                             .args = &record,
                                             .result_size = MPIJOB_ANY_SIZE,
                                             .result = &number}};

static point points[JOBS];
static double values[JOBS];
static suite_log heard;
static int taken;
static bool right;

static int take(const void *result, size_t bytes, uint64_t index, const mpijob_error *failure, void *payload,
                mpijob_error *err)
{
    double last = 0;
    (void)payload, (void)err;
    taken++;
    if (failure || bytes != (size_t)points[index].length * sizeof last) {
        right = false;
        return MPIJOB_GO_ON;
    }
    memcpy(&last, (const char *)result + bytes - sizeof last, sizeof last);
    right = right && last == 2 * points[index].x + points[index].length - 1;
    return MPIJOB_GO_ON;
}

/* Every third job equals another one, and half of them are found from the second run of the same points on. */
static void fill(uint64_t number_of_run)
{
    for (int i = 0; i < JOBS; i++)
        points[i] = (point){.x = (double)(i % 3 ? i : 3) + (i % 2 ? 0 : 1000 * (double)number_of_run), .length = 1 + i};
    for (int i = 0; i < JOBS; i += 3)
        points[i].length = 4;
}

static int run_once(int kind, const mpijob_function *f, mpijob_error *err)
{
    mpijob_inputs inputs = mpijob_arguments(points, JOBS);
    mpijob_parallel_options options = {0};
    memset(values, 0, sizeof values);
    taken = 0;
    right = true;
    if (kind == 1)
        options = (mpijob_parallel_options){.return_as = MPIJOB_GENERATOR, .consume = take};
    options.log = suite_listen;
    options.log_payload = &heard;
    memset(err, 0, sizeof *err);
    int status = mpijob_parallel(kind == 1 ? NULL : values, f, &inputs, MPI_COMM_WORLD, &options, err);
    for (int i = 0; kind == 0 && i < JOBS; i++)
        right = right && values[i] == 2 * points[i].x;
    return status;
}

START_TEST(every_allocation_may_fail)
{
    int kind = _i % 2;
    int rank = _i / 2;
    mpijob_function f;
    suite_log log = {0};
    if (rank >= suite_size)
        return;
    memory_options.log = suite_listen;
    memory_options.log_payload = &log;
    memory_reopen();
    memory_cache(&f, &functions[kind]);
    for (uint64_t n = 0; n < SHORTAGES; n++) {
        mpijob_error err;
        fill(n);
        if (suite_rank == rank)
            mpj_alloc_fail_after(n);
        int status = run_once(kind, &f, &err);
        mpj_alloc_fail_after(UINT64_MAX);
        suite_same(status, &err);
        bool fine = status == MPIJOB_OK ? right : status == MPIJOB_ENOMEM || status == MPIJOB_EJOB;
        if (suite_rank == 0 && !fine)
            fprintf(stderr, "allocation %d: status %d: %s\n", (int)n, status, err.text);
        rank0(fine);
        status = run_once(kind, &f, &err);
        suite_same(status, &err);
        ck_assert_int_eq(status, MPIJOB_OK);
        rank0(right);
    }
}
END_TEST

int main(int argc, char **argv)
{
    Suite *suite = suite_create("memory_short");
    TCase *cases = suite_group(suite, "allocations that fail");
    tcase_add_checked_fixture(cases, memory_set_up, memory_tear_down);
    tcase_add_loop_test(cases, every_allocation_may_fail, 0, 4);
    return suite_main(argc, argv, suite);
}
