/** @file
 * What is wrong with an input, as one line for people. The caller owns the text; whoever finds the problem writes it.
 */
#ifndef DIGITS_PROBLEM_H
#define DIGITS_PROBLEM_H

struct problem {
    char text[512];
};

/** Writes the text, and returns -1, to be returned. */
int problem_say(struct problem *problem, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
