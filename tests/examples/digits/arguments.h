/** @file
 * The command line of gridsearch.
 */
#ifndef DIGITS_ARGUMENTS_H
#define DIGITS_ARGUMENTS_H

#include "digits/axis.h"
#include "digits/problem.h"

struct arguments {
    const char *data;
    const char *memory; /**< folder of results to keep; NULL: none is kept */
    const char *counts; /**< where to write the table as CSV; NULL: nowhere */
    struct axis c;
    struct axis gamma;
    double scale;
    int folds;
    int n_jobs;
    int verbose;
    int progress; /**< a mpijob_progress_style */
    int stats;
    int help;
};

/**
 * Reads main's arguments; every rank does, with the same outcome. Prints nothing.
 *
 * @return 0, or -1 with the problem.
 */
int arguments_parse(struct arguments *arguments, int argc, char **argv, struct problem *problem);

/** The text of --help. */
extern const char arguments_help[];

#endif
