/** @file
 * A matrix of the RBF kernel, exp(-gamma |x - y|^2) for each two samples, laid out as libsvm reads it.
 */
#ifndef DIGITS_KERNEL_H
#define DIGITS_KERNEL_H

#include "digits/dataset.h"
#include <libsvm/svm.h>

/** Bytes of a matrix; a multiple of 16. */
size_t kernel_bytes(int samples);

/** Computes the matrix of a gamma. The block has no pointers: any rank can use it, wherever it lies. */
void kernel_fill(void *kernel, const struct dataset *dataset, double gamma);

/** The row of a sample, as libsvm wants it: node 0 has the row's number, from 1; node j the kernel with sample j-1. */
struct svm_node *kernel_row(const void *kernel, int samples, int sample);

#endif
