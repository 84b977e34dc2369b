/* memory_fault run|calls small|large log|silent LOCATION [FAULT]: results through a location with which something is wrong.
 *
 * run: two runs over all ranks; calls: every rank calls directly. large: some of the results have files of their own.
 * log: warnings go to a function, and the last line says how many came to all ranks, and to one of them at most: "warnings
 * N, M by one rank"; silent: there is none, and they go to standard error. Status 0: all results are right, and no call failed.
 *
 * FAULT, besides what was done to the location before:
 *   ERROR KIND AFTER   as faulty_files.h has it; ERROR is a number
 *   rights             the rights of root are given up until it ends; the second half of the results is other ones
 *   files              no further file can be opened
 *   gone               in the middle the location is removed */
#include "faulty_files.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <mpijob.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define JOBS 300
#define FIRST_JOBS 200
#define GONE_AT 150
#define NOBODY 65534
#define LARGE_ELEMENTS 20000
#define LARGE_BYTES 65536

typedef struct {
    int64_t number;
} work_args;

static const mpijob_field work_fields[] = {MPIJOB_FIELD(work_args, number, MPIJOB_INT64)};
static const mpijob_record work_record = MPIJOB_RECORD_OF(work_args, work_fields);
static const mpijob_type number_type = {.kind = MPIJOB_FLOAT64};

static work_args arguments[JOBS];
static bool large, goes;
static const char *location;
static atomic_int warnings;

/* ---- What is computed -- */

static int64_t elements(int64_t number)
{
    return large && number % 25 == 7 ? LARGE_ELEMENTS : 1 + number % 5;
}

static double element(int64_t number, int64_t i)
{
    return (double)number * 1.5 + (double)i * 0.25;
}

static bool is_right(int64_t number, const double *values, size_t bytes)
{
    bool right = bytes == (size_t)elements(number) * sizeof *values;
    for (int64_t i = 0; right && i < elements(number); i++)
        right = values[i] == element(number, i);
    return right;
}

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *where)
{
    (void)info, (void)kind, (void)where;
    return remove(path) != 0 && errno != ENOENT && errno != ENOTEMPTY;
}

static int work(void *result, const void *args, mpijob_job *job)
{
    (void)result;
    int64_t number = ((const work_args *)args)->number;
    struct timespec pause = {0, 1000000};
    nanosleep(&pause, NULL);
    double *values = mpijob_job_result(job, (size_t)elements(number) * sizeof *values);
    if (!values)
        return mpijob_job_fail(job, "no memory");
    for (int64_t i = 0; i < elements(number); i++)
        values[i] = element(number, i);
    if (goes && number == GONE_AT)
        nftw(location, remove_one, 10, FTW_DEPTH | FTW_PHYS);
    return 0;
}

/* ---- By a run, or call by call -- */

static int take(const void *result, size_t bytes, uint64_t index, const mpijob_error *failure, void *payload,
                mpijob_error *err)
{
    if (failure || !is_right(arguments[index].number, result, bytes))
        return mpijob_callback_fail(err, "result %llu is wrong", (unsigned long long)index);
    ++*(int *)payload;
    return MPIJOB_GO_ON;
}

static int run(const mpijob_function *function, int jobs, int rank, mpijob_error *err)
{
    int right = 0;
    mpijob_inputs inputs = mpijob_arguments(arguments, (uint64_t)jobs);
    mpijob_parallel_options options = {
        .return_as = MPIJOB_GENERATOR_UNORDERED, .consume = take, .consume_payload = &right, .max_batch_size = 8};
    int status = mpijob_parallel(NULL, function, &inputs, MPI_COMM_WORLD, &options, err);
    return status == MPIJOB_OK && rank == 0 && right != jobs
               ? mpijob_callback_fail(err, "%d of %d results came", right, jobs)
               : status;
}

static int call(const mpijob_function *function, int jobs, int rank, mpijob_error *err)
{
    int status = MPIJOB_OK;
    (void)rank;
    for (int i = 0; i < jobs && status == MPIJOB_OK; i++) {
        mpijob_array result = {0};
        status = mpijob_function_call_array(&result, function, &arguments[i], NULL, err);
        if (status == MPIJOB_OK && !is_right(arguments[i].number, result.data, mpijob_array_count(&result) * sizeof(double)))
            status = mpijob_callback_fail(err, "result %d is wrong", i);
        mpijob_array_free(&result);
    }
    return status;
}

/* ---- What goes wrong -- */

static struct rlimit files_before;
static int plugs[1000], plug_count;

static bool no_more_files(void)
{
    if (getrlimit(RLIMIT_NOFILE, &files_before) != 0)
        return false;
    struct rlimit fewer = {200, files_before.rlim_max};
    if (setrlimit(RLIMIT_NOFILE, &fewer) != 0)
        return false;
    while (plug_count < 1000 && (plugs[plug_count] = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0)
        plug_count++;
    return errno == EMFILE;
}

static void files_again(void)
{
    while (plug_count > 0)
        close(plugs[--plug_count]);
    if (files_before.rlim_max)
        setrlimit(RLIMIT_NOFILE, &files_before);
}

/* Some of the results are there, others would have to be stored. */
static bool give_up_rights(void)
{
    for (int i = 0; i < JOBS; i++)
        arguments[i].number += JOBS / 2;
    return setegid(NOBODY) == 0 && seteuid(NOBODY) == 0;
}

static bool rights_again(void)
{
    return seteuid(getuid()) == 0 && setegid(getgid()) == 0;
}

static bool begin_fault(int count, char **fault)
{
    if (count == 0)
        return true;
    if (count == 3)
        return faulty_files_begin(location, fault[1], atoi(fault[0]), atoi(fault[2]));
    if (strcmp(fault[0], "rights") == 0)
        return give_up_rights();
    if (strcmp(fault[0], "files") == 0)
        return no_more_files();
    goes = strcmp(fault[0], "gone") == 0;
    return goes;
}

static void end_fault(void)
{
    faulty_files_end();
    files_again();
    if (!rights_again())
        abort();
}

/* ---- All of it -- */

static void listen(int level, const char *text, void *payload)
{
    (void)payload;
    if (level == MPIJOB_LOG_WARNING) {
        fprintf(stderr, "memory_fault: warned: %s\n", text);
        atomic_fetch_add(&warnings, 1);
    }
}

/* Connections between ranks are made now, before files run out. */
static int meet(const mpijob_function *function, mpijob_error *err)
{
    int right = 0;
    mpijob_inputs inputs = mpijob_arguments(arguments, 20);
    mpijob_parallel_options options = {.return_as = MPIJOB_GENERATOR, .consume = take, .consume_payload = &right};
    return mpijob_parallel(NULL, function, &inputs, MPI_COMM_WORLD, &options, err);
}

static int go(const mpijob_function *plain, bool direct, bool log, int rank, mpijob_error *err)
{
    mpijob_memory *memory = NULL;
    mpijob_function cached;
    mpijob_memory_options options = {.log = log ? listen : NULL, .large_bytes = LARGE_BYTES};
    int status = mpijob_memory_open(&memory, location, &options, err);
    if (status == MPIJOB_OK)
        status = mpijob_memory_cache(&cached, memory, plain, NULL, err);
    if (status == MPIJOB_OK)
        status = (direct ? call : run)(&cached, FIRST_JOBS, rank, err);
    if (status == MPIJOB_OK)
        status = (direct ? call : run)(&cached, JOBS, rank, err);
    mpijob_memory_close(memory);
    return status;
}

static int all_of_it(int argc, char **argv, int rank)
{
    mpijob_error err = {.text = ""};
    mpijob_function plain = {.name = "work", .call = work, .args_size = sizeof(work_args), .args = &work_record,
                             .result_size = MPIJOB_ANY_SIZE, .result = &number_type, .version = 1};
    large = strcmp(argv[2], "large") == 0;
    bool log = strcmp(argv[3], "log") == 0;
    int status = meet(&plain, &err);
    if (status == MPIJOB_OK && !begin_fault(argc - 5, argv + 5))
        return 2;
    if (status == MPIJOB_OK)
        status = go(&plain, strcmp(argv[1], "calls") == 0, log, rank, &err);
    end_fault();
    if (status != MPIJOB_OK)
        fprintf(stderr, "memory_fault: %s\n", err.text);
    int own = atomic_load(&warnings), all = 0, most = 0;
    MPI_Reduce(&own, &all, 1, MPI_INT, MPI_SUM, 0, MPI_COMM_WORLD);
    MPI_Reduce(&own, &most, 1, MPI_INT, MPI_MAX, 0, MPI_COMM_WORLD);
    if (rank == 0 && log)
        printf("warnings %d, %d by one rank\n", all, most);
    return status != MPIJOB_OK;
}

int main(int argc, char **argv)
{
    int rank;
    if (argc < 5 || mpijob_init(&argc, &argv, 0, NULL) != MPIJOB_OK)
        return 2;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    location = argv[4];
    for (int i = 0; i < JOBS; i++)
        arguments[i].number = i;
    int status = all_of_it(argc, argv, rank);
    mpijob_finalize(NULL);
    return status;
}
