/** @file
 * Matrices of the RBF kernel, exp(-gamma |x - y|^2) for each two samples, laid out as libsvm reads them.
 */
#ifndef DIGITS_KERNEL_H
#define DIGITS_KERNEL_H

#include "digits/dataset.h"
#include <libsvm/svm.h>

/**
 * All matrices are cut into slabs of rows. A slab has these rows of every matrix, since they need the same distances;
 * the slabs lie one behind the other. They have no pointers: any rank can use them, wherever they lie.
 */
int kernel_slabs(int samples);

/** Bytes of a slab with rows of `gammas` matrices; a multiple of 16. */
size_t kernel_slab_bytes(int samples, int gammas);

/** Computes slab number `number`, for these gammas. */
void kernel_fill_slab(void *slab, int number, const struct dataset *dataset, const double *gammas, int count);

/** One of the matrices. */
struct kernel {
    const void *slabs; /**< the first of all slabs */
    int samples;
    int gammas; /**< how many matrices there are */
    int gamma;  /**< which of them this is, from 0 */
};

/** The row of a sample, as libsvm wants it: node 0 has the row's number, from 1; node j the kernel with sample j-1. */
struct svm_node *kernel_row(const struct kernel *kernel, int sample);

#endif
