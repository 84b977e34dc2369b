/** @file
 * Reads labelled samples: a sample a line, numbers with commas between them, the last one its label.
 */
#ifndef DIGITS_CSV_H
#define DIGITS_CSV_H

#include "digits/problem.h"

/** What a file holds. Zero it before the first use. */
struct csv {
    int samples;
    int features;   /**< numbers before the label; the same on every line */
    double *values; /**< `features` of each sample, sample after sample */
    int *labels;    /**< any whole numbers */
};

/**
 * Reads a file, compressed by gzip or plain.
 *
 * @return 0, or -1 with the problem: the file's name, the line's number where a line is to blame, and what to do.
 */
int csv_read(struct csv *csv, const char *path, struct problem *problem);

/** Frees what csv_read allocated, also after it failed. */
void csv_free(struct csv *csv);

#endif
