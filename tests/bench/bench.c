#include "bench.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define CALIBRATION_ITERATIONS 20000000u

volatile uint64_t bench_sink;

void bench_keep(uint64_t value)
{
    bench_sink = value;
}

uint64_t bench_spin(uint64_t seed, uint64_t iterations)
{
    uint64_t x = seed | 1;
    for (uint64_t i = 0; i < iterations; i++) {
        x = x * 6364136223846793005ULL + 1442695040888963407ULL;
    }
    return x;
}

static double calibrate(bool quick)
{
    double fastest = INFINITY;
    uint64_t iterations = CALIBRATION_ITERATIONS / (quick ? 20 : 1);
    for (int i = 0; i < 5; i++) {
        MPI_Barrier(MPI_COMM_WORLD);
        double began = MPI_Wtime();
        bench_keep(bench_spin((uint64_t)i, iterations));
        fastest = fmin(fastest, bench_max(MPI_Wtime() - began));
    }
    return fastest / (double)iterations;
}

void bench_start_alone(bench *b, int argc, char **argv)
{
    mpijob_error err;
    *b = (bench){0};
    bench_require(mpijob_init(&argc, &argv, 0, &err), &err, "mpijob_init");
    MPI_Comm_rank(MPI_COMM_WORLD, &b->rank);
    MPI_Comm_size(MPI_COMM_WORLD, &b->ranks);
    b->rows = argv + 1;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--quick") == 0) {
            b->quick = true;
        } else if (strcmp(argv[i], "--tcp") == 0) {
            b->tcp = true;
        } else if (argv[i][0] != '-') {
            b->rows[b->row_count++] = argv[i];
        } else {
            if (b->rank == 0) {
                fprintf(stderr, "usage: %s [--quick] [--tcp] [ROW ...]\n", argv[0]);
            }
            MPI_Abort(MPI_COMM_WORLD, 2);
        }
    }
}

void bench_start(bench *b, int argc, char **argv)
{
    bench_start_alone(b, argc, argv);
    if (b->ranks < 2) {
        fprintf(stderr, "%s: start it with mpirun -n 2\n", argv[0]);
        MPI_Abort(MPI_COMM_WORLD, 2);
    }
    b->iteration_s = calibrate(b->quick);
}

int bench_end(void)
{
    return mpijob_finalize(NULL) == MPIJOB_OK ? 0 : 1;
}

bool bench_wants(const bench *b, const char *row)
{
    for (int i = 0; i < b->row_count; i++) {
        if (strcmp(b->rows[i], row) == 0) {
            return true;
        }
    }
    return b->row_count == 0;
}

int bench_repeats(const bench *b, int repeats)
{
    if (!b->quick) {
        return repeats;
    }
    return repeats > 10 ? repeats / 10 : 1;
}

uint64_t bench_iterations(const bench *b, double seconds)
{
    return (uint64_t)(seconds / b->iteration_s + 0.5);
}

void bench_require(int status, const mpijob_error *err, const char *what)
{
    if (status >= 0) {
        return;
    }
    fprintf(stderr, "%s: %s: %s\n", what, mpijob_strerror(status), err ? err->text : "");
    int initialized = 0;
    MPI_Initialized(&initialized);
    if (initialized) {
        MPI_Abort(MPI_COMM_WORLD, 1);
    }
    exit(1);
}

void *bench_memory(size_t bytes)
{
    void *block = malloc(bytes ? bytes : 1);
    if (!block) {
        bench_require(MPIJOB_ENOMEM, NULL, "benchmark");
    } else {
        memset(block, 0, bytes); /* faulted in here, not in what is measured */
    }
    return block;
}

double bench_max(double mine)
{
    double most;
    MPI_Allreduce(&mine, &most, 1, MPI_DOUBLE, MPI_MAX, MPI_COMM_WORLD);
    return most;
}

double bench_sum(double mine)
{
    double all;
    MPI_Allreduce(&mine, &all, 1, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD);
    return all;
}

static double seconds_of(struct timeval t)
{
    return (double)t.tv_sec + (double)t.tv_usec * 1e-6;
}

double bench_cpu_s(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime);
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double bench_median(const double *values, int count)
{
    double sorted[BENCH_REPEATS_MAX];
    memcpy(sorted, values, (size_t)count * sizeof *sorted);
    qsort(sorted, (size_t)count, sizeof *sorted, ascending);
    return count % 2 ? sorted[count / 2] : (sorted[count / 2 - 1] + sorted[count / 2]) / 2;
}

static void print_target(const bench_result *result, double value)
{
    if (result->sense == BENCH_NO_TARGET) {
        return;
    }
    bool least = result->sense == BENCH_AT_LEAST;
    bool met = least ? value >= result->target : value <= result->target;
    printf(" target%s%g met=%s", least ? ">=" : "<=", result->target, met ? "yes" : "no");
}

void bench_print(const bench *b, const bench_result *result, const char *format, ...)
{
    if (b->rank != 0) {
        return;
    }
    double value = bench_median(result->values, result->count), low = value, high = value;
    for (int i = 0; i < result->count; i++) {
        low = result->values[i] < low ? result->values[i] : low;
        high = result->values[i] > high ? result->values[i] : high;
    }
    printf("row=%s%s %s=%.4g low=%.4g high=%.4g repeats=%d", result->row, b->tcp ? "-tcp" : "", result->key, value, low,
           high, result->count);
    print_target(result, value);
    printf(" ranks=%d ", b->ranks);
    va_list arguments;
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    printf("\n");
    fflush(stdout);
}
