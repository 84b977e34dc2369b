/** @file
 * Which samples test which fit: stratified folds, exactly as scikit-learn's StratifiedKFold without shuffling.
 */
#ifndef DIGITS_FOLDS_H
#define DIGITS_FOLDS_H

#include "digits/problem.h"

/**
 * Gives each sample the fold that it tests, 0 .. folds-1, so that every fold has each label's share.
 *
 * @param fold     `samples` numbers, written
 * @param labels   `samples` labels
 * @param folds    2 or more
 * @param problem  says why not
 *
 * @return 0, or -1: fewer than 2 different labels, a label with fewer samples than folds, or no memory.
 */
int folds_assign(int *fold, const int *labels, int samples, int folds, struct problem *problem);

#endif
