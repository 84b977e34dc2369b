/* cachestore COMMAND DIR ...: makes locations of Memory for cache.py, as a program of a user does, and says how many
 * calls were computed.
 *
 *     fit DIR VERSION FROM TO     a small result of each number
 *     table DIR FROM TO COMPRESS  a result with a file of its own
 *     index DIR TO                a function without arguments, in another folder
 *     forget DIR NUMBER           clears one call of fit
 *     limited DIR ITEMS TO        fit, with an automatic limit */
#include <mpijob/core.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct fit_args {
    double c;
    int32_t fold;
} fit_args;

static const mpijob_field fit_fields[] = {MPIJOB_FIELD(fit_args, c, MPIJOB_FLOAT64),
                                          MPIJOB_FIELD(fit_args, fold, MPIJOB_INT32)};
static const mpijob_record fit_record = MPIJOB_RECORD_OF(fit_args, fit_fields);
static const mpijob_type float64 = {.kind = MPIJOB_FLOAT64};
static int computed;

static int fit_call(void *result, const void *args, mpijob_job *job)
{
    const fit_args *a = args;
    (void)job;
    computed++;
    *(double *)result = a->c * 2 + a->fold;
    return 0;
}

static int table_call(void *result, const void *args, mpijob_job *job)
{
    const fit_args *a = args;
    const size_t shape[2] = {100, 30};
    double *elements = mpijob_job_result_array(job, 2, shape);
    (void)result;
    computed++;
    for (size_t i = 0; elements && i < 3000; i++)
        elements[i] = a->c + (double)i;
    return elements ? 0 : mpijob_job_fail(job, "no memory");
}

static int index_call(void *result, const void *args, mpijob_job *job)
{
    (void)args;
    computed++;
    *(double *)result = (double)job->index;
    return 0;
}

static void must(int status, const mpijob_error *err)
{
    if (status == MPIJOB_OK)
        return;
    fprintf(stderr, "cachestore: %s\n", err->text);
    exit(1);
}

static void call_fit(const mpijob_function *cached, int number)
{
    fit_args args = {number, number % 3};
    double result = -1;
    mpijob_error err;
    must(mpijob_function_call(&result, cached, &args, NULL, &err), &err);
    if (result != args.c * 2 + args.fold)
        exit(3);
}

static void call_table(const mpijob_function *cached, int number)
{
    fit_args args = {number, 0};
    mpijob_array array;
    mpijob_error err;
    must(mpijob_function_call_array(&array, cached, &args, NULL, &err), &err);
    const double *elements = array.data;
    if (elements[2999] != number + 2999)
        exit(3);
    mpijob_array_free(&array);
}

static int number_of(int argc, char **argv, int i)
{
    return i < argc ? atoi(argv[i]) : 0;
}

int main(int argc, char **argv)
{
    const char *command = argc > 2 ? argv[1] : "";
    mpijob_function fit = {.name = "fit",
                           .call = fit_call,
                           .args_size = sizeof(fit_args),
                           .args = &fit_record,
                           .result_size = sizeof(double),
                           .result = &float64,
                           .version = 1};
    mpijob_function table = fit,
                    by_index = {
                        .name = "By Index", .call = index_call, .result_size = sizeof(double), .result = &float64};
    mpijob_memory_options options = {.large_bytes = 10000, .durability = MPIJOB_DURABLE_NONE};
    mpijob_memory *memory;
    mpijob_error err;
    table.name = "table";
    table.call = table_call;
    table.result_size = MPIJOB_ANY_SIZE;
    if (strcmp(command, "fit") == 0)
        fit.version = (uint64_t)number_of(argc, argv, 3);
    if (strcmp(command, "table") == 0)
        options.compress = number_of(argc, argv, 5);
    if (strcmp(command, "limited") == 0)
        options.max_items = (uint64_t)number_of(argc, argv, 3);
    if (argc < 3)
        return 2;
    must(mpijob_memory_open(&memory, argv[2], &options, &err), &err);
    must(mpijob_memory_cache(&fit, memory, &fit, NULL, &err), &err);
    must(mpijob_memory_cache(&table, memory, &table, NULL, &err), &err);
    must(mpijob_memory_cache(&by_index, memory, &by_index, NULL, &err), &err);
    if (strcmp(command, "fit") == 0)
        for (int i = number_of(argc, argv, 4); i < number_of(argc, argv, 5); i++)
            call_fit(&fit, i);
    else if (strcmp(command, "limited") == 0)
        for (int i = 0; i < number_of(argc, argv, 4); i++)
            call_fit(&fit, i);
    else if (strcmp(command, "table") == 0)
        for (int i = number_of(argc, argv, 3); i < number_of(argc, argv, 4); i++)
            call_table(&table, i);
    else if (strcmp(command, "forget") == 0)
        must(mpijob_function_clear_call(&fit, &(fit_args){number_of(argc, argv, 3), number_of(argc, argv, 3) % 3}, NULL,
                                        NULL, &err),
             &err);
    else if (strcmp(command, "index") == 0) {
        double result;
        must(mpijob_function_call(&result, &by_index, NULL, NULL, &err), &err);
    } else {
        return 2;
    }
    mpijob_memory_close(memory);
    printf("%d\n", computed);
    return 0;
}
