#include "digits/folds.h"

#include <stdlib.h>

/* Numbers the labels by first appearance, as scikit-learn does: code[i] for sample i, counts[c] samples of code c. */
static int encode(int *code, int *counts, int *names, const int *labels, int samples)
{
    int classes = 0;
    for (int i = 0; i < samples; i++) {
        int c = 0;
        while (c < classes && names[c] != labels[i])
            c++;
        if (c == classes) {
            names[classes] = labels[i];
            counts[classes++] = 0;
        }
        counts[c]++;
        code[i] = c;
    }
    return classes;
}

/* Of the positions below `end` in the line of samples, how many belong to fold f: every folds-th one does. */
static int positions(int end, int f, int folds)
{
    return (end + folds - 1 - f) / folds;
}

/* A class stands at positions first .. first+count-1; its samples fill the shares of fold 0, 1, ... in file order. */
static void fill_class(int *fold, const int *code, int c, int first, int count, int folds)
{
    int end = first + count;
    int f = -1;
    int share = 0;
    for (int i = 0; count > 0; i++) {
        if (code[i] != c)
            continue;
        while (share == 0) {
            f++;
            share = positions(end, f, folds) - positions(first, f, folds);
        }
        fold[i] = f;
        share--;
        count--;
    }
}

static int check_counts(const int *counts, const int *names, int classes, int folds, struct problem *problem)
{
    if (classes < 2)
        return problem_say(problem, "all samples have the label %d; needed are two different ones at least", names[0]);
    for (int c = 0; c < classes; c++)
        if (counts[c] < folds)
            return problem_say(problem, "label %d has %d samples, too few for %d folds; use fewer folds (--folds)",
                               names[c], counts[c], folds);
    return 0;
}

int folds_assign(int *fold, const int *labels, int samples, int folds, struct problem *problem)
{
    int *code = malloc(3 * (size_t)samples * sizeof *code);
    if (!code)
        return problem_say(problem, "no memory for the folds of %d samples", samples);
    int *counts = code + samples;
    int *names = counts + samples;
    int classes = encode(code, counts, names, labels, samples);
    int status = check_counts(counts, names, classes, folds, problem);
    for (int c = 0, first = 0; status == 0 && c < classes; first += counts[c++])
        fill_class(fold, code, c, first, counts[c], folds);
    free(code);
    return status;
}
