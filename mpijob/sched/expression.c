#include "sched/expression.h"

#include "base/error.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#define LONGEST 30
#define LARGEST 1e15
#define NAME "n_jobs"

/* Doubles hold every whole number up to LARGEST exactly. A reader that has met an error stands at the end of the text,
 * so that nothing more is read, and every level of the recursion returns. */
typedef struct reader {
    const char *text;
    const char *at;
    double n_jobs;
    mpijob_error *err;
    bool failed;
} reader;

static double sum(reader *in);
static double signed_power(reader *in);

static double fail(reader *in, const char *place, const char *why)
{
    if (!in->failed && *place)
        mpj_fail(in->err, MPIJOB_EINVAL, "pre_dispatch \"%s\": %s at character %d, \"%s\"", in->text, why,
                 (int)(place - in->text) + 1, place);
    else if (!in->failed)
        mpj_fail(in->err, MPIJOB_EINVAL, "pre_dispatch \"%s\": %s at the end", in->text, why);
    in->failed = true;
    in->at = in->text + strlen(in->text);
    return 0;
}

static void skip_blanks(reader *in)
{
    in->at += strspn(in->at, " \t");
}

static bool take(reader *in, const char *symbol)
{
    size_t length = strlen(symbol);
    if (strncmp(in->at, symbol, length) != 0)
        return false;
    in->at += length;
    skip_blanks(in);
    return true;
}

static double bounded(reader *in, const char *place, double value)
{
    return fabs(value) <= LARGEST ? value : fail(in, place, "a value beyond 1e15");
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Not strtod: it would obey the locale's decimal point, and take hexadecimal numbers and "inf". */
static double number(reader *in)
{
    const char *place = in->at;
    double digits = 0;
    double scale = 1;
    for (; is_digit(*in->at); in->at++)
        digits = digits * 10 + (*in->at - '0');
    if (*in->at == '.')
        in->at++;
    for (; is_digit(*in->at); in->at++, scale *= 10)
        digits = digits * 10 + (*in->at - '0');
    skip_blanks(in);
    return bounded(in, place, digits / scale);
}

static double atom(reader *in)
{
    if (take(in, NAME))
        return in->n_jobs;
    if (is_digit(*in->at) || (*in->at == '.' && is_digit(in->at[1])))
        return number(in);
    if (!take(in, "("))
        return fail(in, in->at, "expected a number, n_jobs or \"(\"");
    double value = sum(in);
    if (!in->failed && !take(in, ")"))
        return fail(in, in->at, "expected \")\"");
    return value;
}

static bool whole(double value)
{
    return floor(value) == value;
}

static double to_the(reader *in, const char *place, double base, double exponent)
{
    if (base == 0 && exponent < 0)
        return fail(in, place, "division by zero");
    if (base < 0 && !whole(exponent))
        return fail(in, place, "a root of a negative number");
    double value = bounded(in, place, pow(base, exponent));
    return whole(base) && whole(exponent) && exponent >= 0 ? round(value) : value;
}

static double power(reader *in)
{
    double base = atom(in);
    const char *place = in->at;
    if (!take(in, "**"))
        return base;
    double exponent = signed_power(in);
    return in->failed ? 0 : to_the(in, place, base, exponent);
}

static double signed_power(reader *in)
{
    if (take(in, "-"))
        return -signed_power(in);
    if (take(in, "+"))
        return signed_power(in);
    return power(in);
}

/* By way of the remainder, which fmod gives exactly: a rounded quotient could lie on the wrong side of a whole one. */
static double remainder_down(double a, double b)
{
    double rest = fmod(a, b);
    return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}

static double divide_down(double a, double b)
{
    return round((a - remainder_down(a, b)) / b);
}

static double quotient(reader *in, char operation, double a)
{
    const char *place = in->at;
    double b = signed_power(in);
    if (in->failed)
        return 0;
    if (b == 0)
        return fail(in, place, "division by zero");
    if (operation == '%')
        return remainder_down(a, b);
    return bounded(in, place, operation == '/' ? a / b : divide_down(a, b));
}

static double product(reader *in)
{
    double value = signed_power(in);
    for (;;) {
        const char *place = in->at;
        if (take(in, "//"))
            value = quotient(in, 'd', value);
        else if (take(in, "/"))
            value = quotient(in, '/', value);
        else if (take(in, "%"))
            value = quotient(in, '%', value);
        else if (take(in, "*"))
            value = bounded(in, place, value * signed_power(in));
        else
            return value;
    }
}

static double sum(reader *in)
{
    double value = product(in);
    for (;;) {
        const char *place = in->at;
        if (take(in, "+"))
            value = bounded(in, place, value + product(in));
        else if (take(in, "-"))
            value = bounded(in, place, value - product(in));
        else
            return value;
    }
}

static int evaluate(const char *text, int n_jobs, double *value, mpijob_error *err)
{
    reader in = {.text = text, .at = text, .n_jobs = n_jobs, .err = err};
    skip_blanks(&in);
    *value = sum(&in);
    if (!in.failed && *in.at)
        fail(&in, in.at, "expected an operator or the end");
    return in.failed ? MPIJOB_EINVAL : MPIJOB_OK;
}

int mpj_expression_pre_dispatch(const char *text, int n_jobs, uint64_t *value, mpijob_error *err)
{
    if (strcmp(text, "all") == 0) {
        *value = MPJ_UNKNOWN;
        return MPIJOB_OK;
    }
    if (strlen(text) > LONGEST)
        return mpj_fail(err, MPIJOB_EINVAL, "pre_dispatch \"%.*s...\": longer than %d characters", LONGEST, text,
                        LONGEST);
    double result;
    if (evaluate(text, n_jobs, &result, err) != MPIJOB_OK)
        return MPIJOB_EINVAL;
    if (result < 1)
        return mpj_fail(err, MPIJOB_EINVAL, "pre_dispatch \"%s\" is %g with n_jobs=%d: it must be at least 1", text,
                        result, n_jobs);
    *value = (uint64_t)result;
    return MPIJOB_OK;
}
