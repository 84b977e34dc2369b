/* What dispatch costs: the rate of empty jobs against the plain ways of doing it, the efficiency at several job
 * lengths, and the shortest job with 50 % efficiency (METG).
 *
 * Efficiency: time of the same jobs dealt out beforehand in equal blocks (slowest rank, all ranks computing at once),
 * over the time of the run; so 1 is what no schedule can beat. */
#include "bench.h"
#include "peers/master_worker.h"
#include "peers/static_split.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct load {
    uint64_t iterations;
} load;

static int job(void *result, const void *args, mpijob_job *job)
{
    (void)args;
    const load *l = job->context;
    *(uint64_t *)result = bench_spin(job->index, l->iterations);
    return 0;
}

static const mpijob_function function = {.name = "spin", .call = job, .result_size = sizeof(uint64_t)};

static double run(uint64_t *results, uint64_t jobs, load *l)
{
    mpijob_error err;
    mpijob_inputs inputs = mpijob_range(jobs);
    mpijob_parallel_options options = {.context = l};
    MPI_Barrier(MPI_COMM_WORLD);
    double began = MPI_Wtime();
    bench_require(mpijob_parallel(results, &function, &inputs, MPI_COMM_WORLD, &options, &err), &err, "run");
    double seconds = MPI_Wtime() - began;
    MPI_Bcast(&seconds, 1, MPI_DOUBLE, 0, MPI_COMM_WORLD);
    return seconds;
}

static void verify(const uint64_t *results, uint64_t jobs, const load *l)
{
    for (uint64_t i = 0; results && i < jobs; i += jobs / 97 + 1) {
        if (results[i] != bench_spin(i, l->iterations)) {
            bench_require(MPIJOB_EINTERNAL, NULL, "a result is wrong");
        }
    }
}

/* Seconds that the slowest rank needs for its block, without any message. */
static double ideal(const bench *b, uint64_t *scratch, uint64_t jobs, load *l)
{
    return bench_max(static_split_compute(&function, l, scratch, jobs, b->rank, b->ranks));
}

typedef struct measured {
    double efficiency[BENCH_REPEATS_MAX];
    double seconds[BENCH_REPEATS_MAX];
    double ideal_s[BENCH_REPEATS_MAX];
    int repeats;
} measured;

static void measure(const bench *b, measured *m, uint64_t jobs, uint64_t iterations, int repeats)
{
    load l = {iterations};
    uint64_t *results = b->rank == 0 ? bench_memory(jobs * sizeof *results) : NULL;
    uint64_t *scratch = bench_memory((jobs / (uint64_t)b->ranks + 1) * sizeof *scratch);
    m->repeats = bench_repeats(b, repeats);
    run(results, jobs, &l);
    for (int i = 0; i < m->repeats; i++) {
        m->ideal_s[i] = ideal(b, scratch, jobs, &l);
        m->seconds[i] = run(results, jobs, &l);
        m->efficiency[i] = m->ideal_s[i] / m->seconds[i];
    }
    verify(results, jobs, &l);
    free(results);
    free(scratch);
}

/* ---- Rows ---- */

typedef struct length {
    const char *row;
    double job_s;
    uint64_t jobs;
    int repeats;
    double target, target_tcp; /* 0: none */
} length;

static const length lengths[] = {
    {"1us", 1e-6, 1000000, 9, 0.97, 0}, {"10us", 10e-6, 100000, 9, 0.98, 0.96}, {"100us", 100e-6, 10000, 9, 0, 0},
    {"1ms", 1e-3, 1000, 9, 0, 0.97},    {"10ms", 10e-3, 100, 9, 0.98, 0},
};

static void row_length(const bench *b, const length *row)
{
    static measured m;
    uint64_t iterations = bench_iterations(b, row->job_s);
    uint64_t jobs = b->quick ? row->jobs / 10 : row->jobs;
    measure(b, &m, jobs, iterations, row->repeats);
    double target = b->tcp ? row->target_tcp : row->target;
    bench_sense sense = target > 0 ? BENCH_AT_LEAST : BENCH_NO_TARGET;
    bench_result result = {row->row, "efficiency", m.efficiency, m.repeats, sense, target};
    double ideal_s = bench_median(m.ideal_s, m.repeats);
    bench_print(b, &result, "jobs=%llu job_us=%.4g seconds=%.4g ideal_s=%.4g peer=static-split",
                (unsigned long long)jobs, ideal_s * b->ranks / (double)jobs * 1e6, bench_median(m.seconds, m.repeats),
                ideal_s);
}

/* The peers' rates are measured between this program's own runs, in this launch. */
static void row_empty(const bench *b)
{
    enum {
        REPEATS = 9
    };
    double rate[REPEATS], against_master[REPEATS], against_static[REPEATS];
    uint64_t jobs = b->quick ? 1000000 : 10000000, few = jobs / 50;
    load l = {0};
    uint64_t *results = b->rank == 0 ? bench_memory(jobs * sizeof *results) : NULL;
    int repeats = bench_repeats(b, REPEATS);
    run(results, jobs, &l);
    verify(results, jobs, &l);
    for (int i = 0; i < repeats; i++) {
        rate[i] = (double)jobs / run(results, jobs, &l);
        against_master[i] = rate[i] / ((double)few / master_worker(&function, &l, results, few));
        against_static[i] = rate[i] / ((double)jobs / static_split(&function, &l, results, jobs));
    }
    free(results);
    bench_print(b, &(bench_result){"empty", "jobs_per_s", rate, repeats, BENCH_NO_TARGET, 0}, "jobs=%llu",
                (unsigned long long)jobs);
    bench_sense sense = b->tcp || b->ranks != 2 ? BENCH_NO_TARGET : BENCH_AT_LEAST;
    bench_print(b, &(bench_result){"empty-master-worker", "ratio", against_master, repeats, sense, 50},
                "peer=master-worker peer_jobs=%llu", (unsigned long long)few);
    bench_print(b, &(bench_result){"empty-static", "ratio", against_static, repeats, BENCH_NO_TARGET, 0},
                "peer=static-split+gather peer_jobs=%llu", (unsigned long long)jobs);
}

/* Shorter and shorter jobs, in runs of at least 40 ms, until the efficiency is below one half. */
static void row_metg(const bench *b)
{
    static const uint64_t iterations[] = {1000, 300, 100, 30, 20, 12, 8, 5, 3, 2, 1, 0};
    static measured m;
    double shortest_ns = 1e9, last = 0, below_ns = 0, below = 0;
    for (size_t i = 0; i < sizeof iterations / sizeof *iterations && below_ns <= 0; i++) {
        double jobs = 0.04 * b->ranks / (b->iteration_s * (double)(iterations[i] + 1));
        uint64_t count = (uint64_t)(jobs > 2e7 ? 2e7 : jobs) / (b->quick ? 10 : 1);
        measure(b, &m, count, iterations[i], 5);
        double job_ns = bench_median(m.ideal_s, m.repeats) * b->ranks / (double)count * 1e9;
        double efficiency = bench_median(m.efficiency, m.repeats);
        if (efficiency >= 0.5) {
            shortest_ns = job_ns;
            last = efficiency;
        } else {
            below_ns = job_ns;
            below = efficiency;
        }
    }
    bench_result result = {"metg", "ns", &shortest_ns, 1, BENCH_AT_MOST, b->tcp ? 50 : 20};
    bench_print(b, &result, "efficiency=%.3f next_ns=%.3g next_efficiency=%.3f runs=5", last, below_ns, below);
}

int main(int argc, char **argv)
{
    bench b;
    bench_start(&b, argc, argv);
    if (bench_wants(&b, "empty")) {
        row_empty(&b);
    }
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        if (bench_wants(&b, lengths[i].row)) {
            row_length(&b, &lengths[i]);
        }
    }
    if (bench_wants(&b, "metg")) {
        row_metg(&b);
    }
    return bench_end();
}
