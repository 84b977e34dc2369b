/* Results of 8 MB a job.
 *   payload         all jobs on the other ranks (rank 0 only schedules), results into the caller's array: the time over
 *                   that of bare messages of the same bytes received in place. Its target is half the cost of one more
 *                   copy at rank 0, measured in the same launch, but at least 10 %: below it, there is no copy.
 *   payload-memory  to a consumer, in order, the first job being slow so that all others wait: growth of rank 0's peak
 *                   memory in results, for several values of pre_dispatch. */
#include "bench.h"

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BYTES ((size_t)8 << 20)
#define PAGE 4096
#define REPEATS 7
#define JOBS_MAX 40

/* A mark in each page: a job that costs next to nothing, so that rank 0 is what limits the rate. */
static void produce(void *result, uint64_t index)
{
    unsigned char *bytes = result;
    for (size_t i = 0; i < BYTES; i += PAGE) {
        bytes[i] = (unsigned char)(index + i / PAGE);
    }
}

static void expect(const unsigned char *result, uint64_t index)
{
    bool good = true;
    for (size_t i = 0; i < BYTES; i += PAGE) {
        good = good && result[i] == (unsigned char)(index + i / PAGE);
    }
    bench_require(good ? 0 : MPIJOB_EINTERNAL, NULL, "a result is wrong");
}

/* ---- payload ---- */

static int fixed_job(void *result, const void *args, mpijob_job *job)
{
    (void)args;
    produce(result, job->index);
    return 0;
}

static double run(unsigned char *results, uint64_t jobs)
{
    static const mpijob_function function = {.name = "8 MB", .call = fixed_job, .result_size = BYTES};
    mpijob_error err;
    mpijob_inputs inputs = mpijob_range(jobs);
    mpijob_parallel_options options = {.rank0 = MPIJOB_RANK0_SCHEDULES};
    MPI_Barrier(MPI_COMM_WORLD);
    double began = MPI_Wtime();
    bench_require(mpijob_parallel(results, &function, &inputs, MPI_COMM_WORLD, &options, &err), &err, "run");
    double seconds = MPI_Wtime() - began;
    MPI_Bcast(&seconds, 1, MPI_DOUBLE, 0, MPI_COMM_WORLD);
    return seconds;
}

static void receive_all(const bench *b, unsigned char *results, uint64_t jobs, unsigned char *extra)
{
    for (uint64_t i = 0; i < jobs; i++) {
        unsigned char *place = results + i * BYTES;
        int source = 1 + (int)(i % (uint64_t)(b->ranks - 1));
        MPI_Recv(extra ? extra : place, (int)BYTES, MPI_BYTE, source, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
        if (extra) {
            memcpy(place, extra, BYTES);
        }
    }
}

/* Two buffers, so that a rank computes while its last message leaves, as a run's workers do. */
static void send_mine(const bench *b, unsigned char *two, uint64_t jobs)
{
    MPI_Request leaving[2] = {MPI_REQUEST_NULL, MPI_REQUEST_NULL};
    unsigned turn = 0;
    for (uint64_t i = (uint64_t)b->rank - 1; i < jobs; i += (uint64_t)(b->ranks - 1)) {
        MPI_Wait(&leaving[turn], MPI_STATUS_IGNORE);
        produce(two + turn * BYTES, i);
        MPI_Isend(two + turn * BYTES, (int)BYTES, MPI_BYTE, 0, 0, MPI_COMM_WORLD, &leaving[turn]);
        turn = 1 - turn;
    }
    MPI_Waitall(2, leaving, MPI_STATUSES_IGNORE);
}

static double bare(const bench *b, unsigned char *results, uint64_t jobs, unsigned char *buffer, bool copy)
{
    MPI_Barrier(MPI_COMM_WORLD);
    double began = MPI_Wtime();
    if (b->rank == 0) {
        receive_all(b, results, jobs, copy ? buffer : NULL);
    } else {
        send_mine(b, buffer, jobs);
    }
    double seconds = MPI_Wtime() - began;
    MPI_Bcast(&seconds, 1, MPI_DOUBLE, 0, MPI_COMM_WORLD);
    return seconds;
}

static void row_payload(const bench *b)
{
    double ratio[REPEATS], copied[REPEATS], seconds[REPEATS];
    uint64_t jobs = b->quick ? 4 : JOBS_MAX;
    unsigned char *results = b->rank == 0 ? bench_memory(jobs * BYTES) : NULL;
    unsigned char *buffer = bench_memory(2 * BYTES);
    int repeats = bench_repeats(b, REPEATS);
    run(results, jobs);
    bare(b, results, jobs, buffer, false);
    for (int i = 0; i < repeats; i++) {
        double floor_s = bare(b, results, jobs, buffer, false);
        copied[i] = bare(b, results, jobs, buffer, true) / floor_s;
        if (b->rank == 0) {
            memset(results, 0, jobs * BYTES);
        }
        seconds[i] = run(results, jobs);
        ratio[i] = seconds[i] / floor_s;
        for (uint64_t j = 0; results && j < jobs; j++) {
            expect(results + j * BYTES, j);
        }
    }
    free(results);
    free(buffer);
    double with_copy = bench_median(copied, repeats);
    bench_print(b, &(bench_result){"payload", "ratio", ratio, repeats, BENCH_AT_MOST, fmax(1.1, (1 + with_copy) / 2)},
                "jobs=%llu result_mb=8 ms_a_job=%.3g with_one_copy=%.3g peer=bare-messages", (unsigned long long)jobs,
                bench_median(seconds, repeats) / (double)jobs * 1e3, with_copy);
}

/* ---- payload-memory ---- */

static int sized_job(void *result, const void *args, mpijob_job *job)
{
    (void)result;
    (void)args;
    if (job->index == 0) {
        usleep(300000);
    }
    void *room = mpijob_job_result(job, BYTES);
    if (!room) {
        return mpijob_job_fail(job, "no memory for a result of %zu bytes", BYTES);
    }
    produce(room, job->index);
    return 0;
}

static int consume(const void *result, size_t bytes, uint64_t index, const mpijob_error *failure, void *payload,
                   mpijob_error *err)
{
    (void)failure;
    (void)payload;
    if (bytes != BYTES) {
        return mpijob_callback_fail(err, "result %llu has %zu bytes", (unsigned long long)index, bytes);
    }
    expect(result, index);
    return MPIJOB_GO_ON;
}

/* Resident bytes now (VmRSS) or their peak since the last reset (VmHWM); 0 where Linux does not tell. */
static double resident_bytes(const char *which)
{
    double kilobytes = 0;
    char line[256];
    FILE *status = fopen("/proc/self/status", "r");
    while (status && fgets(line, sizeof line, status)) {
        if (strncmp(line, which, strlen(which)) == 0) {
            kilobytes = strtod(line + strlen(which), NULL);
        }
    }
    if (status) {
        fclose(status);
    }
    return kilobytes * 1024;
}

static void reset_peak(void)
{
    int file = open("/proc/self/clear_refs", O_WRONLY);
    if (file >= 0) {
        if (write(file, "5", 1) != 1) {
            fprintf(stderr, "the peak of memory could not be reset\n");
        }
        close(file);
    }
}

/* Over what there was before the first run: what a run keeps for the next one counts. */
static double growth(double before, const char *pre_dispatch, uint64_t jobs)
{
    static const mpijob_function function = {.name = "sized", .call = sized_job, .result_size = MPIJOB_ANY_SIZE};
    mpijob_error err;
    mpijob_inputs inputs = mpijob_range(jobs);
    mpijob_parallel_options options = {.pre_dispatch = pre_dispatch, .return_as = MPIJOB_GENERATOR, .consume = consume};
    MPI_Barrier(MPI_COMM_WORLD);
    reset_peak();
    bench_require(mpijob_parallel(NULL, &function, &inputs, MPI_COMM_WORLD, &options, &err), &err, "run");
    double grown = resident_bytes("VmHWM:") - before;
    MPI_Bcast(&grown, 1, MPI_DOUBLE, 0, MPI_COMM_WORLD);
    return grown / (double)BYTES;
}

static void row_memory(const bench *b)
{
    static const char *const windows[] = {"4", "8", "16", "32"};
    uint64_t jobs = b->quick ? 40 : 100;
    double before = resident_bytes("VmRSS:");
    for (size_t i = 0; i < sizeof windows / sizeof *windows; i++) {
        double results = growth(before, windows[i], jobs);
        bench_print(b, &(bench_result){"payload-memory", "results", &results, 1, BENCH_AT_MOST, atof(windows[i]) + 2},
                    "pre_dispatch=%s jobs=%llu result_mb=8", windows[i], (unsigned long long)jobs);
    }
}

int main(int argc, char **argv)
{
    bench b;
    bench_start(&b, argc, argv);
    if (bench_wants(&b, "payload-memory")) {
        row_memory(&b);
    }
    if (bench_wants(&b, "payload")) {
        row_payload(&b);
    }
    return bench_end();
}
