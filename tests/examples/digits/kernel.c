#include "digits/kernel.h"

#include <math.h>
#include <string.h>

/*
 * Of the nodes of a precomputed kernel libsvm reads the values only, never the indexes, and a node is as large as two
 * doubles. So two rows are woven into one: one lies in the values, the other where the indexes would be. That halves
 * the memory, and the time to hand it around.
 */
_Static_assert(sizeof(struct svm_node) == 2 * sizeof(double) && offsetof(struct svm_node, value) == sizeof(double),
               "an svm_node is an int, padded to the size of a double, and a double");

/* Before the first row: room for the unused half of its first node. */
#define LEAD 2

static size_t row_start(int samples, int sample)
{
    return LEAD + (size_t)(sample / 2) * 2 * ((size_t)samples + 1) + (size_t)(sample % 2);
}

size_t kernel_bytes(int samples)
{
    return row_start(samples, samples + samples % 2) * sizeof(double);
}

struct svm_node *kernel_row(const void *kernel, int samples, int sample)
{
    const double *value = (const double *)kernel + row_start(samples, sample);
    return (struct svm_node *)(value - 1);
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

/* The matrix is symmetric: each value is computed once, and goes to its sample's row and to its column. */
static void fill_row(double *values, const struct dataset *dataset, int sample, double gamma)
{
    int samples = dataset->samples;
    double *row = values + row_start(samples, sample);
    double square[COLUMNS];
    row[0] = sample + 1;
    for (int first = sample; first < samples; first += COLUMNS) {
        int count = samples - first < COLUMNS ? samples - first : COLUMNS;
        distances(square, dataset, sample, first, count);
        for (int j = 0; j < count; j++) {
            double value = exp(-gamma * square[j]);
            row[2 * (first + j + 1)] = value;
            values[row_start(samples, first + j) + 2 * ((size_t)sample + 1)] = value;
        }
    }
}

void kernel_fill(void *kernel, const struct dataset *dataset, double gamma)
{
    double *values = kernel;
    int samples = dataset->samples;
    memset(values, 0, LEAD * sizeof *values);
    for (int i = 0; i < samples; i++)
        fill_row(values, dataset, i, gamma);
    /* The last row of an odd number has no partner; what travels between ranks should be defined all the same. */
    for (int j = 0; samples % 2 == 1 && j <= samples; j++)
        values[row_start(samples, samples) + 2 * (size_t)j] = 0;
}
