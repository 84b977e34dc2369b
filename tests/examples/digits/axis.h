/** @file
 * One axis of the grid: the values of a parameter.
 */
#ifndef DIGITS_AXIS_H
#define DIGITS_AXIS_H

#include "digits/problem.h"

#define AXIS_MAX 1000

struct axis {
    int count;
    double values[AXIS_MAX];
};

/**
 * Reads "0.1,1,10", or "0.01:1e4:7", which is 7 values from 0.01 to 1e4, each the same multiple of the one before.
 *
 * @param name  what to call the axis in the problem
 *
 * @return 0, or -1 with the problem: not a number, not above 0, no value, or more than AXIS_MAX.
 */
int axis_parse(struct axis *axis, const char *name, const char *text, struct problem *problem);

#endif
