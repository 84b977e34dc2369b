/* Jobs of log-normal length (sigma 1.5, mean 1 ms, 2000 jobs): the time of a run over what no schedule can beat, the
 * larger of total / ranks and the longest job; without costs, and with the lengths given as costs.
 *
 * Total and longest are timed right before each run, every job once, all ranks computing at once. */
#include "bench.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define SIGMA 1.5
#define MEAN_S 1e-3
#define REPEATS 5

typedef struct tail {
    uint64_t jobs;
    uint64_t *iterations; /* a job */
    double *costs;
} tail;

static int job(void *result, const void *args, mpijob_job *job)
{
    (void)args;
    const tail *t = job->context;
    *(uint64_t *)result = bench_spin(job->index, t->iterations[job->index]);
    return 0;
}

static const mpijob_function function = {.name = "tail", .call = job, .result_size = sizeof(uint64_t)};

static tail make_tail(const bench *b)
{
    tail t = {.jobs = b->quick ? 200 : 2000};
    t.iterations = bench_memory(t.jobs * sizeof *t.iterations);
    t.costs = bench_memory(t.jobs * sizeof *t.costs);
    for (uint64_t i = 0; i < t.jobs; i++) {
        mpijob_random random;
        mpijob_random_init(&random, 20, i);
        t.costs[i] = MEAN_S * exp(SIGMA * mpijob_random_normal(&random) - SIGMA * SIGMA / 2);
        t.iterations[i] = bench_iterations(b, t.costs[i]);
    }
    return t;
}

/* Every job once, dealt out in turn. */
static double ideal(const bench *b, const tail *t)
{
    double busy = 0, longest = 0;
    MPI_Barrier(MPI_COMM_WORLD);
    for (uint64_t i = (uint64_t)b->rank; i < t->jobs; i += (uint64_t)b->ranks) {
        double began = MPI_Wtime();
        bench_keep(bench_spin(i, t->iterations[i]));
        double seconds = MPI_Wtime() - began;
        busy += seconds;
        longest = fmax(longest, seconds);
    }
    return fmax(bench_sum(busy) / b->ranks, bench_max(longest));
}

static double run(uint64_t *results, tail *t, bool costs)
{
    mpijob_error err;
    mpijob_inputs inputs = mpijob_range(t->jobs);
    inputs.costs = costs ? t->costs : NULL;
    mpijob_parallel_options options = {.context = t};
    MPI_Barrier(MPI_COMM_WORLD);
    double began = MPI_Wtime();
    bench_require(mpijob_parallel(results, &function, &inputs, MPI_COMM_WORLD, &options, &err), &err, "run");
    double seconds = MPI_Wtime() - began;
    MPI_Bcast(&seconds, 1, MPI_DOUBLE, 0, MPI_COMM_WORLD);
    return seconds;
}

static void measure(const bench *b, tail *t, const char *row, bool costs, double target)
{
    double ratio[REPEATS], ideals[REPEATS], seconds[REPEATS];
    int repeats = bench_repeats(b, REPEATS);
    uint64_t *results = bench_memory(t->jobs * sizeof *results);
    run(results, t, costs);
    for (int i = 0; i < repeats; i++) {
        ideals[i] = ideal(b, t);
        seconds[i] = run(results, t, costs);
        ratio[i] = seconds[i] / ideals[i];
    }
    free(results);
    bench_print(b, &(bench_result){row, "makespan_ratio", ratio, repeats, BENCH_AT_MOST, target},
                "jobs=%llu sigma=1.5 mean_ms=1 seconds=%.4g ideal_s=%.4g", (unsigned long long)t->jobs,
                bench_median(seconds, repeats), bench_median(ideals, repeats));
}

int main(int argc, char **argv)
{
    bench b;
    bench_start(&b, argc, argv);
    tail t = make_tail(&b);
    if (bench_wants(&b, "tail")) {
        measure(&b, &t, "tail", false, 1.04);
    }
    if (bench_wants(&b, "tail-costs")) {
        measure(&b, &t, "tail-costs", true, 1.02);
    }
    free(t.iterations);
    free(t.costs);
    return bench_end();
}
