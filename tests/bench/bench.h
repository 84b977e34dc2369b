/* What the benchmark programs share: a job of known length, repeats, and lines of key=value.
 *
 * Clocks drift and cores share caches and power, so nothing is compared with a figure from another moment: each repeat
 * measures the ideal (the same jobs, dealt out beforehand, all ranks computing at once) right before the run. */
#ifndef BENCH_H
#define BENCH_H

#include <mpi.h>
#include <mpijob.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BENCH_REPEATS_MAX 1000

typedef struct bench {
    int rank, ranks;
    bool quick;  /* --quick: a tenth of the work, to see that the program works */
    bool tcp;    /* --tcp: the ranks are on different hosts: other targets */
    char **rows; /* those asked for; none: all */
    int row_count;
    double iteration_s; /* of bench_spin, all ranks computing */
} bench;

/* Reads the command line, starts MPI, calibrates. */
void bench_start(bench *b, int argc, char **argv);
/* The same for a program that needs one rank only; without calibration. */
void bench_start_alone(bench *b, int argc, char **argv);
int bench_end(void);

bool bench_wants(const bench *b, const char *row);
int bench_repeats(const bench *b, int repeats);

/* `iterations` dependent multiply-adds. */
uint64_t bench_spin(uint64_t seed, uint64_t iterations);
/* Stores the value where the compiler cannot see that nobody reads it, so that the work is not left out. */
extern volatile uint64_t bench_sink;
void bench_keep(uint64_t value);
uint64_t bench_iterations(const bench *b, double seconds);

/* Ends the program on all ranks when status is negative. */
void bench_require(int status, const mpijob_error *err, const char *what);
void *bench_memory(size_t bytes);

double bench_max(double mine);
double bench_sum(double mine);
double bench_cpu_s(void); /* of this process, all its threads */

double bench_median(const double *values, int count);

/* Prints, on rank 0: row=.. value=.. low=.. high=.. repeats=.. target=.. met=yes|no, and what `format` says.
 * `value` is the median of the values. */
typedef enum bench_sense {
    BENCH_AT_LEAST,
    BENCH_AT_MOST,
    BENCH_NO_TARGET
} bench_sense;
typedef struct bench_result {
    const char *row;
    const char *key; /* what the value is: efficiency, ratio, ... */
    const double *values;
    int count;
    bench_sense sense;
    double target;
} bench_result;
void bench_print(const bench *b, const bench_result *result, const char *format, ...) MPIJOB_PRINTF(3, 4);

#endif
