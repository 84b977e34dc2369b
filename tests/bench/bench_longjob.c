/* One job of 2 s, which rank 0 gets, among 399 jobs of 10 ms: the other ranks must not run dry while rank 0 is in it.
 * The first job executed on rank 0 is the long one, whichever index it has.
 *
 * The ideal is timed right before each run: the long job and as many short ones as make the ranks even. */
#include "bench.h"

#include <stdio.h>

#define JOBS 400
#define REPEATS 3

typedef struct load {
    uint64_t long_iterations, short_iterations;
    bool long_done;
} load;

static int job(void *result, const void *args, mpijob_job *job)
{
    (void)args;
    load *l = job->context;
    bool is_long = job->rank == 0 && !l->long_done;
    l->long_done = l->long_done || is_long;
    *(uint64_t *)result = bench_spin(job->index, is_long ? l->long_iterations : l->short_iterations);
    return 0;
}

static const mpijob_function function = {.name = "long job", .call = job, .result_size = sizeof(uint64_t)};

/* Seconds of all jobs over the ranks: rank 0 computes the long one, and the short ones are dealt out so that all ranks
 * compute about as long. */
static double ideal(const bench *b, const load *l)
{
    double in_short = (double)l->long_iterations / (double)l->short_iterations;
    int each = (int)((JOBS - 1 + in_short) / b->ranks);
    int others = each * (b->ranks - 1);
    int mine = b->rank == 0 ? JOBS - 1 - others : each;
    MPI_Barrier(MPI_COMM_WORLD);
    double began = MPI_Wtime();
    if (b->rank == 0) {
        bench_keep(bench_spin(0, l->long_iterations));
    }
    for (int i = 0; i < mine; i++) {
        bench_keep(bench_spin((uint64_t)i, l->short_iterations));
    }
    return bench_sum(MPI_Wtime() - began) / b->ranks;
}

static double run(load *l)
{
    static uint64_t results[JOBS];
    mpijob_error err;
    mpijob_inputs inputs = mpijob_range(JOBS);
    mpijob_parallel_options options = {.context = l};
    l->long_done = false;
    MPI_Barrier(MPI_COMM_WORLD);
    double began = MPI_Wtime();
    bench_require(mpijob_parallel(results, &function, &inputs, MPI_COMM_WORLD, &options, &err), &err, "run");
    double seconds = MPI_Wtime() - began;
    int had_it = l->long_done;
    MPI_Bcast(&had_it, 1, MPI_INT, 0, MPI_COMM_WORLD);
    bench_require(had_it ? 0 : MPIJOB_EINTERNAL, NULL, "rank 0 executed no job");
    MPI_Bcast(&seconds, 1, MPI_DOUBLE, 0, MPI_COMM_WORLD);
    return seconds;
}

int main(int argc, char **argv)
{
    bench b;
    bench_start(&b, argc, argv);
    double ratio[REPEATS], ideals[REPEATS], seconds[REPEATS];
    double scale = b.quick ? 0.1 : 1;
    load l = {bench_iterations(&b, 2 * scale), bench_iterations(&b, 0.01 * scale), false};
    int repeats = bench_repeats(&b, REPEATS);
    for (int i = 0; i < repeats; i++) {
        ideals[i] = ideal(&b, &l);
        seconds[i] = run(&l);
        ratio[i] = seconds[i] / ideals[i];
    }
    bench_print(&b, &(bench_result){"longjob", "ratio", ratio, repeats, BENCH_AT_MOST, 1.03},
                "jobs=%d long_s=%g short_s=%g seconds=%.4g ideal_s=%.4g", JOBS, 2 * scale, 0.01 * scale,
                bench_median(seconds, repeats), bench_median(ideals, repeats));
    return bench_end();
}
