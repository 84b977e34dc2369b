/* A run of 1 ms in all: 100 jobs of 20 us. What starting and ending a run costs. */
#include "bench.h"

#include <stdio.h>

#define JOBS 100
#define JOB_S 20e-6
#define REPEATS 301

static int job(void *result, const void *args, mpijob_job *job)
{
    (void)args;
    *(uint64_t *)result = bench_spin(job->index, *(const uint64_t *)job->context);
    return 0;
}

static const mpijob_function function = {.name = "short", .call = job, .result_size = sizeof(uint64_t)};

static double ideal(const bench *b, uint64_t iterations)
{
    MPI_Barrier(MPI_COMM_WORLD);
    double began = MPI_Wtime();
    for (int i = b->rank; i < JOBS; i += b->ranks) {
        bench_keep(bench_spin((uint64_t)i, iterations));
    }
    return bench_max(MPI_Wtime() - began);
}

/* Until rank 0 has its results; *all_s: until every rank has left the call. */
static double run(uint64_t iterations, double *all_s)
{
    static uint64_t results[JOBS];
    mpijob_error err;
    mpijob_inputs inputs = mpijob_range(JOBS);
    mpijob_parallel_options options = {.context = &iterations};
    MPI_Barrier(MPI_COMM_WORLD);
    double began = MPI_Wtime();
    bench_require(mpijob_parallel(results, &function, &inputs, MPI_COMM_WORLD, &options, &err), &err, "run");
    double seconds = MPI_Wtime() - began;
    *all_s = bench_max(seconds);
    MPI_Bcast(&seconds, 1, MPI_DOUBLE, 0, MPI_COMM_WORLD);
    return seconds;
}

int main(int argc, char **argv)
{
    bench b;
    bench_start(&b, argc, argv);
    double efficiency[REPEATS], ideals[REPEATS], seconds[REPEATS], all[REPEATS];
    uint64_t iterations = bench_iterations(&b, JOB_S);
    int repeats = bench_repeats(&b, REPEATS);
    for (int i = 0; i < 3; i++) {
        run(iterations, &all[0]);
    }
    for (int i = 0; i < repeats; i++) {
        ideals[i] = ideal(&b, iterations);
        seconds[i] = run(iterations, &all[i]);
        efficiency[i] = ideals[i] / seconds[i];
    }
    bench_sense sense = b.tcp ? BENCH_NO_TARGET : BENCH_AT_LEAST;
    bench_print(&b, &(bench_result){"short", "efficiency", efficiency, repeats, sense, 0.8},
                "jobs=%d job_us=20 seconds=%.4g all_ranks_s=%.4g ideal_s=%.4g", JOBS, bench_median(seconds, repeats),
                bench_median(all, repeats), bench_median(ideals, repeats));
    return bench_end();
}
