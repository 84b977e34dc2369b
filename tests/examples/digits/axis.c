#include "digits/axis.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FORMS "give a list as in 0.1,1,10, or a range as in 0.01:1e4:7 (7 values)"

/* Takes a number above 0 that ends at `stop` (or at the end of the text); returns what follows, NULL: none. */
static const char *take(double *value, const char *text, char stop)
{
    char *end;
    *value = strtod(text, &end);
    if (end == text || !isfinite(*value) || *value <= 0)
        return NULL;
    if (*end == '\0')
        return end;
    return *end == stop ? end + 1 : NULL;
}

/* Twelve digits, so that a range over powers of ten has these very numbers, and not some last bit beside them. */
static double round_digits(double value)
{
    char text[32];
    snprintf(text, sizeof text, "%.12g", value);
    return strtod(text, NULL);
}

static int parse_range(struct axis *axis, const char *name, const char *text, struct problem *problem)
{
    double low;
    double high;
    const char *rest = take(&low, text, ':');
    rest = rest ? take(&high, rest, ':') : NULL;
    char *end = NULL;
    long count = rest ? strtol(rest, &end, 10) : 0;
    if (!rest || end == rest || *end)
        return problem_say(problem, "--%s %s: not a range of numbers above 0; " FORMS, name, text);
    if (count < 2 || count > AXIS_MAX)
        return problem_say(problem, "--%s %s: a range has 2 to %d values", name, text, AXIS_MAX);
    axis->count = (int)count;
    for (int i = 0; i < axis->count; i++)
        axis->values[i] = round_digits(pow(10, log10(low) + (log10(high) - log10(low)) * i / (double)(count - 1)));
    axis->values[0] = low;
    axis->values[count - 1] = high;
    return 0;
}

static int parse_list(struct axis *axis, const char *name, const char *text, struct problem *problem)
{
    axis->count = 0;
    for (const char *rest = text;;) {
        if (axis->count == AXIS_MAX)
            return problem_say(problem, "--%s: more than %d values; run twice", name, AXIS_MAX);
        const char *next = take(&axis->values[axis->count++], rest, ',');
        if (!next)
            return problem_say(problem, "--%s %s: not a number above 0 at '%s'; " FORMS, name, text, rest);
        if (*next == '\0' && (next == rest || next[-1] != ','))
            return 0;
        rest = next;
    }
}

int axis_parse(struct axis *axis, const char *name, const char *text, struct problem *problem)
{
    if (strchr(text, ':'))
        return parse_range(axis, name, text, problem);
    return parse_list(axis, name, text, problem);
}
