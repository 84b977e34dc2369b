/** @file
 * One fit: a support-vector machine trained on all folds but one, and tested on that one.
 */
#ifndef DIGITS_FIT_H
#define DIGITS_FIT_H

#include "digits/kernel.h"
#include <stdint.h>

/** How the test went. */
struct fit_score {
    int32_t correct; /**< samples of the fold whose label was predicted */
    int32_t tested;  /**< samples of the fold */
};

/**
 * Fits and tests, with the defaults of scikit-learn's SVC.
 *
 * @param kernel  a matrix whose slabs are all filled
 *
 * @return 0, or -1 with the problem: no memory, or parameters that libsvm refuses.
 */
int fit_fold(struct fit_score *score, const struct dataset *dataset, const struct kernel *kernel, double c, int fold,
             struct problem *problem);

#endif
