/* A run over a cached function that may be killed at any moment: memory_kill LOCATION JOBS FOLDER [small|steady].
 *
 * What is computed is noted in FOLDER/computed.PID (one number a line, before the job returns), what reached rank 0 in
 * FOLDER/received (number and seconds since 1970), what came out in FOLDER/results at the end. tests/mpi/memory-kills
 * reads these. small: no result has a file of its own; steady: jobs take ten times as long. */
#include <fcntl.h>
#include <mpijob.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

typedef struct {
    int64_t number;
} work_args;

static const mpijob_field work_fields[] = {MPIJOB_FIELD(work_args, number, MPIJOB_INT64)};
static const mpijob_record work_record = MPIJOB_RECORD_OF(work_args, work_fields);
static const mpijob_type number_type = {.kind = MPIJOB_FLOAT64};

static int computed_fd, received_fd;
static bool small, steady;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void note(int fd, const char *format, int64_t number, double value)
{
    char line[100];
    int bytes = snprintf(line, sizeof line, format, (long long)number, value);
    if (write(fd, line, (size_t)bytes) != bytes)
        abort();
}

/* Some results are large, with a file of their own; some take long, and are written at once. */
static int64_t elements(int64_t number)
{
    return !small && number % 50 == 7 ? 200000 : 1 + number % 5;
}

static double element(int64_t number, int64_t i)
{
    return (double)number * 1.5 + (double)i * 0.25;
}

static int work(void *result, const void *args, mpijob_job *job)
{
    (void)result;
    int64_t number = ((const work_args *)args)->number;
    const long usual = 1000000 + number % 7 * 500000;
    struct timespec pause = {0, number % 40 == 3 ? 250000000 : steady ? 10 * usual : usual};
    nanosleep(&pause, NULL);
    double *values = mpijob_job_result(job, (size_t)elements(number) * sizeof *values);
    if (!values)
        return mpijob_job_fail(job, "no memory");
    for (int64_t i = 0; i < elements(number); i++)
        values[i] = element(number, i);
    note(computed_fd, "%lld\n", number, 0);
    return 0;
}

static int take(const void *result, size_t bytes, uint64_t index, const mpijob_error *failure, void *payload,
                mpijob_error *err)
{
    const double *values = result;
    char *right = payload;
    int64_t count = elements((int64_t)index);
    if (failure || bytes != (size_t)count * sizeof *values)
        return mpijob_callback_fail(err, "result %llu has %zu bytes", (unsigned long long)index, bytes);
    for (int64_t i = 0; i < count; i++)
        if (values[i] != element((int64_t)index, i))
            return mpijob_callback_fail(err, "element %lld of result %llu is wrong", (long long)i,
                                        (unsigned long long)index);
    note(received_fd, "%lld %.6f\n", (int64_t)index, now());
    right[index] = 1;
    return MPIJOB_GO_ON;
}

static int open_note(const char *folder, const char *name, int number)
{
    char path[1000];
    snprintf(path, sizeof path, number ? "%s/%s.%d" : "%s/%s", folder, name, number);
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (fd < 0)
        perror(path);
    return fd;
}

static int run_all(const char *location, int64_t jobs, const char *folder, int rank)
{
    mpijob_error err;
    mpijob_memory *memory;
    mpijob_function cached, plain = {.name = "work", .call = work, .args_size = sizeof(work_args), .args = &work_record,
                                     .result_size = MPIJOB_ANY_SIZE, .result = &number_type, .version = 1};
    work_args *args = calloc((size_t)jobs, sizeof *args);
    char *right = calloc((size_t)jobs, 1);
    for (int64_t i = 0; i < jobs; i++)
        args[i].number = i;
    int status = mpijob_memory_open(&memory, location, NULL, &err);
    if (status == MPIJOB_OK)
        status = mpijob_memory_cache(&cached, memory, &plain, NULL, &err);
    mpijob_inputs inputs = mpijob_arguments(args, (uint64_t)jobs);
    mpijob_parallel_options options = {
        .return_as = MPIJOB_GENERATOR_UNORDERED, .consume = take, .consume_payload = right, .max_batch_size = 8};
    if (status == MPIJOB_OK)
        status = mpijob_parallel(NULL, &cached, &inputs, MPI_COMM_WORLD, &options, &err);
    mpijob_memory_close(memory);
    if (status != MPIJOB_OK && rank == 0)
        fprintf(stderr, "memory_kill: %s\n", err.text);
    if (status == MPIJOB_OK && rank == 0 && !memchr(right, 0, (size_t)jobs))
        note(open_note(folder, "results", 0), "%lld right\n", jobs, 0);
    free(args);
    free(right);
    return status != MPIJOB_OK;
}

int main(int argc, char **argv)
{
    int rank;
    if (argc < 4 || mpijob_init(&argc, &argv, 0, NULL) != MPIJOB_OK)
        return 2;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    small = argc > 4 && strcmp(argv[4], "small") == 0;
    steady = argc > 4 && strcmp(argv[4], "steady") == 0;
    computed_fd = open_note(argv[3], "computed", (int)getpid());
    received_fd = open_note(argv[3], "received", 0);
    int status = run_all(argv[1], atoll(argv[2]), argv[3], rank);
    mpijob_finalize(NULL);
    return status;
}
