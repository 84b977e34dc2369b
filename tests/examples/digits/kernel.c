#include "digits/kernel.h"

#include <math.h>
#include <string.h>

/* Rows of a slab, an even number: fine enough for an even load on many ranks. */
#define ROWS 32

/*
 * Of the nodes of a precomputed kernel libsvm reads the values only, never the indexes, and a node is as large as two
 * doubles. So two rows are woven into one: one lies in the values, the other where the indexes would be. That halves
 * the memory, and the time to hand it around.
 */
_Static_assert(sizeof(struct svm_node) == 2 * sizeof(double) && offsetof(struct svm_node, value) == sizeof(double),
               "an svm_node is an int, padded to the size of a double, and a double");

/* Before the first row: room for the unused half of its first node. */
#define LEAD 2

/* All these in doubles: one matrix's part of a slab, and where in it a row starts. */
static size_t part_size(int samples)
{
    return LEAD + ROWS * ((size_t)samples + 1);
}

static size_t row_start(int samples, int row)
{
    return LEAD + (size_t)(row / 2) * 2 * ((size_t)samples + 1) + (size_t)(row % 2);
}

int kernel_slabs(int samples)
{
    return (samples + ROWS - 1) / ROWS;
}

size_t kernel_slab_bytes(int samples, int gammas)
{
    return (size_t)gammas * part_size(samples) * sizeof(double);
}

struct svm_node *kernel_row(const struct kernel *kernel, int sample)
{
    size_t part = (size_t)(sample / ROWS) * (size_t)kernel->gammas + (size_t)kernel->gamma;
    const double *values = (const double *)kernel->slabs + part * part_size(kernel->samples);
    return (struct svm_node *)(values + row_start(kernel->samples, sample % ROWS) - 1);
}

/* So many columns at a time: their squared distances stay in the nearest cache. */
#define COLUMNS 256

/* Squared distances of a sample to samples first .. first+count-1; in this order the compiler can vectorise. */
static void distances(double *square, const struct dataset *dataset, int sample, int first, int count)
{
    memset(square, 0, (size_t)count * sizeof *square);
    for (int f = 0; f < dataset->features; f++) {
        const double *values = dataset_feature(dataset, f);
        const double *x = values + first;
        for (int j = 0; j < count; j++)
            square[j] += (x[j] - values[sample]) * (x[j] - values[sample]);
    }
}

static void fill_row(double *slab, int row, int sample, const struct dataset *dataset, const double *gammas, int count)
{
    int samples = dataset->samples;
    double square[COLUMNS];
    for (int first = 0; first < samples; first += COLUMNS) {
        int columns = samples - first < COLUMNS ? samples - first : COLUMNS;
        distances(square, dataset, sample, first, columns);
        for (int g = 0; g < count; g++) {
            double *values = slab + (size_t)g * part_size(samples) + row_start(samples, row);
            values[0] = sample + 1;
            for (int j = 0; j < columns; j++)
                values[2 * (first + j + 1)] = exp(-gammas[g] * square[j]);
        }
    }
}

void kernel_fill_slab(void *slab, int number, const struct dataset *dataset, const double *gammas, int count)
{
    int first = number * ROWS;
    int rows = dataset->samples - first < ROWS ? dataset->samples - first : ROWS;
    /* The last slab need not be full; what travels between ranks should be defined all the same. */
    if (rows < ROWS)
        memset(slab, 0, kernel_slab_bytes(dataset->samples, count));
    for (int g = 0; g < count; g++)
        memset((double *)slab + (size_t)g * part_size(dataset->samples), 0, LEAD * sizeof(double));
    for (int row = 0; row < rows; row++)
        fill_row(slab, row, first + row, dataset, gammas, count);
}
