/* Stores large results in a location: results FOLDER. */
#include <mpijob/core.h>

#include <stdio.h>
#include <stdlib.h>

typedef struct shape_args {
    int32_t rows, columns;
} shape_args;

static const mpijob_field shape_fields[] = {
    MPIJOB_FIELD(shape_args, rows, MPIJOB_INT32),
    MPIJOB_FIELD(shape_args, columns, MPIJOB_INT32),
};
static const mpijob_record shape_record = MPIJOB_RECORD_OF(shape_args, shape_fields);

typedef struct pair {
    char grade; /* padding behind it */
    double value;
} pair;

static const mpijob_field pair_fields[] = {
    MPIJOB_FIELD(pair, grade, MPIJOB_INT8),
    MPIJOB_FIELD(pair, value, MPIJOB_FLOAT64),
};
static const mpijob_record pair_record = MPIJOB_RECORD_OF(pair, pair_fields);

static void check(int status, const mpijob_error *err)
{
    if (status == MPIJOB_OK)
        return;
    fprintf(stderr, "results: %s\n", err->text);
    exit(1);
}

static int fill_grid(void *result, const void *args, mpijob_job *job)
{
    (void)result;
    const shape_args *a = args;
    const size_t shape[] = {(size_t)a->rows, (size_t)a->columns};
    double *values = mpijob_job_result_array(job, 2, shape);
    for (size_t i = 0; values && i < shape[0] * shape[1]; i++)
        values[i] = (double)i / 4;
    return values ? 0 : mpijob_job_fail(job, "no memory");
}

static int fill_pairs(void *result, const void *args, mpijob_job *job)
{
    (void)result;
    const size_t count = (size_t)((const shape_args *)args)->rows;
    pair *pairs = mpijob_job_result(job, count * sizeof *pairs);
    for (size_t i = 0; pairs && i < count; i++)
        pairs[i] = (pair){(char)(i % 100), (double)i / 2};
    return pairs ? 0 : mpijob_job_fail(job, "no memory");
}

static void store(mpijob_memory *memory, const char *name, mpijob_call *call, mpijob_type type, int compress)
{
    mpijob_error err;
    mpijob_array array;
    const shape_args args = {300, 7};
    mpijob_function function = {.name = name,
                                .call = call,
                                .args_size = sizeof args,
                                .args = &shape_record,
                                .result_size = MPIJOB_ANY_SIZE,
                                .result = &type};
    check(mpijob_memory_cache(&function, memory, &function, &(mpijob_cache_options){.compress = compress}, &err), &err);
    check(mpijob_function_call_array(&array, &function, &args, NULL, &err), &err);
    mpijob_array_free(&array);
    check(mpijob_function_check_call_in_cache(&function, &args, NULL, &err) == 1 ? MPIJOB_OK : MPIJOB_ENOTFOUND, &err);
}

int main(int argc, char **argv)
{
    mpijob_memory *memory;
    mpijob_error err = {.text = "not stored"};
    if (argc != 2)
        return 2;
    check(mpijob_memory_open(&memory, argv[1], &(mpijob_memory_options){.large_bytes = 1}, &err), &err);
    store(memory, "raw_grid", fill_grid, mpijob_type_of(MPIJOB_FLOAT64), 0);
    store(memory, "packed_grid", fill_grid, mpijob_type_of(MPIJOB_FLOAT64), 5);
    store(memory, "raw_pairs", fill_pairs, mpijob_type_record(&pair_record), 0);
    store(memory, "packed_pairs", fill_pairs, mpijob_type_record(&pair_record), 5);
    mpijob_memory_close(memory);
    return 0;
}
