/* CPU that a waiting rank uses, as a share of a core, while another rank is in a job of 3 s:
 *   idle-worker    rank 0 has the job, the others have nothing left to do
 *   idle-rank0     rank 1 has it, rank 0 waits
 *   idle-left-out  rank 0 has it, and n_jobs = 1 leaves the others out
 *   idle-between   rank 0 computes outside of any run, the others are in the next call already
 * The time of the waiting ranks' own jobs is subtracted; the largest share of a waiting rank counts. */
#include "bench.h"

#include <math.h>
#include <stdio.h>

#define JOBS 100
#define SHORT_S 1e-3
#define REPEATS 3

typedef struct load {
    double long_s, own_s; /* own_s: CPU of this rank's jobs */
    int long_rank;        /* its first job is the long one; -1: none is */
    bool long_done;
} load;

static void compute_until(double end)
{
    while (MPI_Wtime() < end) {
        bench_keep(bench_spin(1, 10000));
    }
}

static int job(void *result, const void *args, mpijob_job *job)
{
    (void)result;
    (void)args;
    load *l = job->context;
    bool is_long = job->rank == l->long_rank && !l->long_done;
    l->long_done = l->long_done || is_long;
    double cpu = bench_cpu_s();
    compute_until(MPI_Wtime() + (is_long ? l->long_s : SHORT_S));
    l->own_s += bench_cpu_s() - cpu;
    return 0;
}

static const mpijob_function function = {.name = "idle", .call = job};

typedef struct idle_case {
    const char *row;
    int long_rank, n_jobs;
    bool between;
} idle_case;

static const idle_case cases[] = {
    {"idle-worker", 0, 0, false},
    {"idle-rank0", 1, 0, false},
    {"idle-left-out", 0, 1, false},
    {"idle-between", -1, 0, true},
};

/* The share of a core that the busiest waiting rank used. */
static double measure(const bench *b, const idle_case *c, double long_s)
{
    load l = {long_s, 0, c->long_rank, false};
    mpijob_error err;
    mpijob_inputs inputs = mpijob_range(JOBS);
    mpijob_parallel_options options = {.context = &l, .n_jobs = c->n_jobs};
    MPI_Barrier(MPI_COMM_WORLD);
    double cpu = bench_cpu_s();
    if (c->between && b->rank == 0) {
        compute_until(MPI_Wtime() + long_s);
    }
    bench_require(mpijob_parallel(NULL, &function, &inputs, MPI_COMM_WORLD, &options, &err), &err, "run");
    double waiting = bench_cpu_s() - cpu - l.own_s;
    bool computes = c->between ? b->rank == 0 : b->rank == c->long_rank;
    return bench_max(computes ? 0 : waiting) / long_s;
}

int main(int argc, char **argv)
{
    bench b;
    bench_start(&b, argc, argv);
    double long_s = b.quick ? 0.3 : 3;
    int repeats = bench_repeats(&b, REPEATS);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double share[REPEATS];
        if (!bench_wants(&b, cases[i].row) && !bench_wants(&b, "idle")) {
            continue;
        }
        for (int r = 0; r < repeats; r++) {
            share[r] = measure(&b, &cases[i], long_s);
        }
        bench_print(&b, &(bench_result){cases[i].row, "core_share", share, repeats, BENCH_AT_MOST, 0.03}, "long_s=%g",
                    long_s);
    }
    return bench_end();
}
