/* Peer: OpenMP's schedule(dynamic, 1), one process with OMP_NUM_THREADS threads, empty jobs called through a pointer,
 * results of 8 bytes into an array that is faulted in before. Prints the median rate. */
#include <omp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REPEATS 9

static int job(uint64_t *result, uint64_t index)
{
    *result = index | 1;
    return 0;
}

static int (*volatile call)(uint64_t *, uint64_t) = job;

static double run(uint64_t *results, int64_t jobs)
{
    int (*function)(uint64_t *, uint64_t) = call;
    double began = omp_get_wtime();
#pragma omp parallel for schedule(dynamic, 1)
    for (int64_t i = 0; i < jobs; i++) {
        function(&results[i], (uint64_t)i);
    }
    return (double)jobs / (omp_get_wtime() - began);
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
    int64_t jobs = argc > 1 ? strtoll(argv[1], NULL, 10) : 10000000;
    double rates[REPEATS];
    uint64_t *results = malloc((size_t)jobs * sizeof *results);
    if (!results) {
        fprintf(stderr, "openmp_dynamic: no memory for %lld jobs\n", (long long)jobs);
        return 1;
    }
    memset(results, 0, (size_t)jobs * sizeof *results);
    run(results, jobs);
    for (int i = 0; i < REPEATS; i++) {
        rates[i] = run(results, jobs);
    }
    qsort(rates, REPEATS, sizeof *rates, ascending);
    printf("peer=openmp-dynamic jobs_per_s=%.4g jobs=%lld threads=%d\n", rates[REPEATS / 2], (long long)jobs,
           omp_get_max_threads());
    free(results);
    return 0;
}
