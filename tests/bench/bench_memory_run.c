/* Memory in runs: a million jobs that are all found, and jobs of 10 us that all miss, with and without Memory. */
#include "bench.h"

#include <mpijob/memory.h>
#include <mpijob/store.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WARM_JOBS 1000000
#define WARM_REPEATS 5
#define MISS_JOBS 100000
#define MISS_S 10e-6
#define MISS_REPEATS 11

typedef struct point {
    uint64_t number, iterations;
} point;

static const mpijob_field fields[] = {MPIJOB_FIELD(point, number, MPIJOB_UINT64),
                                      MPIJOB_FIELD(point, iterations, MPIJOB_UINT64)};
static const mpijob_record record = MPIJOB_RECORD_OF(point, fields);
static const mpijob_type type = {.kind = MPIJOB_FLOAT64};

static int spin(void *result, const void *args, mpijob_job *job)
{
    const point *p = args;
    double value = (double)bench_spin(p->number, p->iterations);
    (void)job;
    memcpy(result, &value, sizeof value);
    return 0;
}

static const mpijob_function plain = {.name = "spin",
                                      .call = spin,
                                      .args_size = sizeof(point),
                                      .args = &record,
                                      .result_size = sizeof(double),
                                      .result = &type};

static char folder[64];

static void begin(mpijob_memory **memory, mpijob_function *cached)
{
    mpijob_error err;
    bench_require(mpijob_memory_open(memory, folder, NULL, &err), &err, "memory");
    bench_require(mpijob_memory_cache(cached, *memory, &plain, NULL, &err), &err, "cache");
}

static double run(const mpijob_function *function, const point *points, double *results, uint64_t jobs,
                  mpijob_stats *stats)
{
    mpijob_error err;
    mpijob_inputs inputs = mpijob_arguments(points, jobs);
    mpijob_parallel_options options = {.stats = stats};
    MPI_Barrier(MPI_COMM_WORLD);
    double began = MPI_Wtime();
    bench_require(mpijob_parallel(results, function, &inputs, MPI_COMM_WORLD, &options, &err), &err, "run");
    double seconds = MPI_Wtime() - began;
    MPI_Bcast(&seconds, 1, MPI_DOUBLE, 0, MPI_COMM_WORLD);
    return seconds;
}

/* Numbers that no run before had. */
static void fresh(point *points, uint64_t jobs, uint64_t iterations)
{
    static uint64_t next;
    for (uint64_t i = 0; i < jobs; i++)
        points[i] = (point){next++, iterations};
}

static void warm(const bench *b, point *points, double *results)
{
    mpijob_memory *memory;
    mpijob_function cached;
    mpijob_stats stats = {0};
    double seconds[WARM_REPEATS];
    uint64_t jobs = b->quick ? WARM_JOBS / 10 : WARM_JOBS;
    int repeats = bench_repeats(b, WARM_REPEATS);
    fresh(points, jobs, 0);
    begin(&memory, &cached);
    double cold = run(&cached, points, results, jobs, &stats);
    mpijob_memory_close(memory);
    /* As another program would: what this one has in memory is gone. Opening counts. */
    for (int i = 0; i < repeats; i++) {
        double began = MPI_Wtime();
        begin(&memory, &cached);
        double opening = MPI_Wtime() - began;
        seconds[i] = opening + run(&cached, points, results, jobs, &stats);
        mpijob_memory_close(memory);
    }
    mpijob_store_stats kept = {0};
    mpijob_store *store = NULL;
    mpijob_error err;
    if (b->rank == 0) {
        bench_require(mpijob_store_open(&store, folder, NULL, &err), &err, "store");
        bench_require(mpijob_store_get_stats(&kept, store, NULL, &err), &err, "statistics");
        mpijob_store_close(store);
    }
    bench_print(b, &(bench_result){"memory-warm", "seconds", seconds, repeats, BENCH_AT_MOST, 1.5},
                "jobs=%llu hits=%llu first_s=%.4g files=%llu", (unsigned long long)jobs, (unsigned long long)stats.hits,
                cold, (unsigned long long)(kept.files + kept.folders));
}

static void misses(const bench *b, point *points, double *results)
{
    mpijob_memory *memory;
    mpijob_function cached;
    mpijob_stats stats = {0};
    double cost[MISS_REPEATS], without[MISS_REPEATS], with[MISS_REPEATS];
    uint64_t jobs = b->quick ? MISS_JOBS / 10 : MISS_JOBS;
    uint64_t iterations = bench_iterations(b, MISS_S);
    int repeats = bench_repeats(b, MISS_REPEATS);
    begin(&memory, &cached);
    for (int i = 0; i < repeats; i++) {
        fresh(points, jobs, iterations);
        without[i] = run(&plain, points, results, jobs, &stats);
        with[i] = run(&cached, points, results, jobs, &stats);
        cost[i] = with[i] / without[i] - 1;
    }
    mpijob_memory_close(memory);
    bench_print(b, &(bench_result){"memory-miss", "cost", cost, repeats, BENCH_AT_MOST, 0.2},
                "jobs=%llu job_us=%.4g computed=%llu seconds=%.4g without=%.4g", (unsigned long long)jobs, 1e6 * MISS_S,
                (unsigned long long)stats.computed, bench_median(with, repeats), bench_median(without, repeats));
}

int main(int argc, char **argv)
{
    bench b;
    char command[100];
    bench_start(&b, argc, argv);
    snprintf(folder, sizeof folder, "/tmp/mpijob-bench-%ld", (long)MPI_Wtime());
    MPI_Bcast(folder, sizeof folder, MPI_CHAR, 0, MPI_COMM_WORLD);
    point *points = bench_memory(WARM_JOBS * sizeof *points);
    double *results = bench_memory(WARM_JOBS * sizeof *results);
    if (bench_wants(&b, "memory-miss"))
        misses(&b, points, results);
    if (bench_wants(&b, "memory-warm"))
        warm(&b, points, results);
    MPI_Barrier(MPI_COMM_WORLD);
    snprintf(command, sizeof command, "rm -rf %s", folder);
    int failed = b.rank == 0 ? system(command) : 0;
    free(points);
    free(results);
    return bench_end() || failed;
}
