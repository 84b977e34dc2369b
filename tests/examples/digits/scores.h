/** @file
 * What the search found, for people and for programs.
 */
#ifndef DIGITS_SCORES_H
#define DIGITS_SCORES_H

#include "digits/axis.h"
#include "digits/fit.h"
#include "digits/problem.h"
#include <stdio.h>

/** The scores of all fits: C by C, in these gamma by gamma, in these fold by fold. */
struct scores {
    const struct axis *c;
    const struct axis *gamma;
    int folds;
    const struct fit_score *fits;
};

/** Prints the table of mean scores and the best pair; of equal ones the first. */
void scores_print(FILE *stream, const struct scores *scores);

/** Opens a file for scores_write; before the search, so that a name that cannot be written is known in time. */
int scores_open(FILE **stream, const char *path, struct problem *problem);

/** Writes a CSV file: for each pair the mean score, and the correct predictions of each fold. */
void scores_write(FILE *stream, const struct scores *scores);

/** Closes it; NULL is allowed. @return 0, or -1 (see errno): not everything could be written. */
int scores_close(FILE *stream);

#endif
