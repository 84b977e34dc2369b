/** @file
 * The samples as every job wants them, in one block of memory without pointers, so that it can be shared between ranks.
 */
#ifndef DIGITS_DATASET_H
#define DIGITS_DATASET_H

#include "digits/problem.h"
#include <stddef.h>

/**
 * The samples ordered by label: the samples of a label lie side by side, in the order of the file. libsvm puts them in
 * that order anyway, and so reads neighbours in memory.
 */
struct dataset {
    int samples;
    int features;
    int folds;
    int reserved;
    double numbers[]; /**< feature by feature: `samples` values of it; then `samples` labels, then `samples` folds */
};

/**
 * Makes the block from a file (csv.h tells its form).
 *
 * @param made   set on success; free() it
 * @param bytes  set on success
 * @param scale  every feature is multiplied by it
 *
 * @return 0, or -1 with the problem.
 */
int dataset_read(struct dataset **made, size_t *bytes, const char *path, double scale, int folds,
                 struct problem *problem);

/** One feature of all samples. */
const double *dataset_feature(const struct dataset *dataset, int feature);

/** The labels of all samples, ascending. */
const double *dataset_labels(const struct dataset *dataset);

/** For each sample, the fold in which it is a test. */
const double *dataset_folds(const struct dataset *dataset);

#endif
