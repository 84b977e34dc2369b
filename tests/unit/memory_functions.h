/* Functions for the suites of Memory, which count how often they are called. */
#ifndef MPJ_TESTS_MEMORY_FUNCTIONS_H
#define MPJ_TESTS_MEMORY_FUNCTIONS_H

#include "scratch.h"

#include <mpijob/core.h>
#include <stdbool.h>

typedef struct fit_args {
    double c, gamma;
    int32_t fold;
    int32_t verbose; /* ignored where a test says so */
} fit_args;

static const mpijob_field fit_fields[] = {
    MPIJOB_FIELD(fit_args, c, MPIJOB_FLOAT64),
    MPIJOB_FIELD(fit_args, gamma, MPIJOB_FLOAT64),
    MPIJOB_FIELD(fit_args, fold, MPIJOB_INT32),
    MPIJOB_FIELD(fit_args, verbose, MPIJOB_INT32),
};
static const mpijob_record fit_record = MPIJOB_RECORD_OF(fit_args, fit_fields);
static const mpijob_type float64 = {.kind = MPIJOB_FLOAT64};

static int fit_calls;

static int fit_call(void *result, const void *args, mpijob_job *job)
{
    const fit_args *a = args;
    fit_calls++;
    if (a->fold < 0)
        return mpijob_job_fail(job, "fold %d is negative", a->fold);
    *(double *)result = a->c * 100 + a->gamma * 10 + a->fold;
    return 0;
}

static const mpijob_function fit = {.name = "fit",
                                    .call = fit_call,
                                    .args_size = sizeof(fit_args),
                                    .args = &fit_record,
                                    .result_size = sizeof(double),
                                    .result = &float64,
                                    .version = 1};

static inline double fit_value(const fit_args *a)
{
    return a->c * 100 + a->gamma * 10 + a->fold;
}

/* Of any size: `fold` rows of 3 elements. */
static int table_calls;

static int table_call(void *result, const void *args, mpijob_job *job)
{
    (void)result;
    const fit_args *a = args;
    const size_t shape[2] = {(size_t)a->fold, 3};
    table_calls++;
    double *values = mpijob_job_result_array(job, 2, shape);
    if (!values)
        return mpijob_job_fail(job, "no memory");
    for (size_t i = 0; i < shape[0] * 3; i++)
        values[i] = a->c + (double)i;
    return 0;
}

static const mpijob_function table = {.name = "table",
                                      .call = table_call,
                                      .args_size = sizeof(fit_args),
                                      .args = &fit_record,
                                      .result_size = MPIJOB_ANY_SIZE,
                                      .result = &float64,
                                      .version = 1};

static inline mpijob_memory *open_memory(const char *location, const mpijob_memory_options *options)
{
    mpijob_memory *memory = NULL;
    mpijob_error err;
    ck_assert_int_eq(mpijob_memory_open(&memory, location, options, &err), MPIJOB_OK);
    return memory;
}

static inline mpijob_function cache(mpijob_memory *memory, const mpijob_function *function,
                                    const mpijob_cache_options *options)
{
    mpijob_function cached;
    mpijob_error err = {.text = ""};
    ck_assert_msg(mpijob_memory_cache(&cached, memory, function, options, &err) == MPIJOB_OK, "%s", err.text);
    return cached;
}

/* Calls fit and checks its result; whether it was computed. */
static inline bool computes(const mpijob_function *function, fit_args args)
{
    int before = fit_calls;
    double result = -1;
    mpijob_error err = {.text = ""};
    ck_assert_msg(mpijob_function_call(&result, function, &args, NULL, &err) == MPIJOB_OK, "%s", err.text);
    ck_assert_double_eq(result, fit_value(&args));
    return fit_calls > before;
}

#endif
