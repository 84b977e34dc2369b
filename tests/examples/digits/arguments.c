#include "digits/arguments.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <math.h>
#include <mpijob.h>
#include <stdlib.h>
#include <string.h>

const char arguments_help[] =
    "Usage: mpirun -n RANKS gridsearch --data FILE [OPTION]...\n"
    "Search the best C and gamma of a support-vector machine (RBF kernel) by cross-validation, on all ranks.\n"
    "\n"
    "  --data FILE       samples: a line each, numbers and a whole-number label, with commas; plain or gzip\n"
    "  --c VALUES        values of C: a list (0.1,1,10) or a range (0.01:1e4:7, the default, is 7 values)\n"
    "  --gamma VALUES    values of gamma, likewise (default 1e-4:10:6)\n"
    "  --folds K         parts of the data, each of which tests one fit (default 5)\n"
    "  --scale X         multiply the numbers of the samples by X (default 0.0625)\n"
    "  --n-jobs N        ranks to use: -1 all (default), -2 all but one, ...\n"
    "  --verbose N       show progress: more lines for a larger N (default 0; 10 with --progress)\n"
    "  --progress STYLE  how: lines, bar (on a terminal) or json\n"
    "  --stats           print at the end where the time went\n"
    "  --counts FILE     write the table to FILE too, as CSV, with the correct predictions of each fold\n"
    "  --memory DIR      keep the scores of all fits in this folder, and make no fit twice\n"
    "  --help            print this\n"
    "\n"
    "SIGTERM, SIGINT and SIGUSR1 stop the search when the fits that are running are done.\n"
    "Exit status: 0 found; 1 failed; 2 wrong option; 75 stopped by a signal (run it again).\n";

static int parse_int(int *number, const char *name, const char *text, int least, struct problem *problem)
{
    char *end;
    errno = 0;
    long value = strtol(text, &end, 10);
    if (end == text || *end || errno || value > INT_MAX || value < INT_MIN)
        return problem_say(problem, "--%s %s: not a whole number", name, text);
    if (value < least)
        return problem_say(problem, "--%s %s: too small; give %d or more", name, text, least);
    *number = (int)value;
    return 0;
}

static int parse_n_jobs(int *n_jobs, const char *text, struct problem *problem)
{
    if (parse_int(n_jobs, "n-jobs", text, -INT_MAX, problem) != 0)
        return -1;
    if (*n_jobs == 0)
        return problem_say(problem, "--n-jobs 0: no rank would work; give -1 for all ranks, or 1 or more");
    return 0;
}

static int parse_scale(double *scale, const char *text, struct problem *problem)
{
    char *end;
    *scale = strtod(text, &end);
    if (end == text || *end || !isfinite(*scale) || *scale == 0)
        return problem_say(problem, "--scale %s: not a number other than 0; give 0.0625 for pixels of 0 to 16", text);
    return 0;
}

static int parse_progress(int *progress, const char *text, struct problem *problem)
{
    static const char *const styles[] = {"lines", "bar", "json"};
    static const int values[] = {MPIJOB_PROGRESS_LINES, MPIJOB_PROGRESS_BAR, MPIJOB_PROGRESS_JSON};
    for (int i = 0; i < 3; i++) {
        if (strcmp(text, styles[i]) == 0) {
            *progress = values[i];
            return 0;
        }
    }
    return problem_say(problem, "--progress %s: not a style; give lines, bar or json", text);
}

static const struct option options[] = {
    {"data", required_argument, NULL, 'd'},    {"c", required_argument, NULL, 'c'},
    {"gamma", required_argument, NULL, 'g'},   {"folds", required_argument, NULL, 'k'},
    {"scale", required_argument, NULL, 'x'},   {"n-jobs", required_argument, NULL, 'n'},
    {"verbose", required_argument, NULL, 'v'}, {"progress", required_argument, NULL, 'p'},
    {"stats", no_argument, NULL, 's'},         {"counts", required_argument, NULL, 'o'},
    {"memory", required_argument, NULL, 'm'},  {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static int parse_option(struct arguments *arguments, int option, const char *value, struct problem *problem)
{
    switch (option) {
    case 'd':
        arguments->data = value;
        return 0;
    case 'c':
        return axis_parse(&arguments->c, "c", value, problem);
    case 'g':
        return axis_parse(&arguments->gamma, "gamma", value, problem);
    case 'k':
        return parse_int(&arguments->folds, "folds", value, 2, problem);
    case 'x':
        return parse_scale(&arguments->scale, value, problem);
    case 'n':
        return parse_n_jobs(&arguments->n_jobs, value, problem);
    case 'v':
        return parse_int(&arguments->verbose, "verbose", value, 0, problem);
    case 'p':
        return parse_progress(&arguments->progress, value, problem);
    case 's':
        arguments->stats = 1;
        return 0;
    case 'o':
        arguments->counts = value;
        return 0;
    case 'm':
        arguments->memory = value;
        return 0;
    default:
        arguments->help = 1;
        return 0;
    }
}

static int set_defaults(struct arguments *arguments, struct problem *problem)
{
    memset(arguments, 0, sizeof *arguments);
    arguments->scale = 1.0 / 16;
    arguments->folds = 5;
    arguments->n_jobs = -1;
    arguments->verbose = -1;
    arguments->progress = -1;
    if (axis_parse(&arguments->c, "c", "1e-2:1e4:7", problem) != 0)
        return -1;
    return axis_parse(&arguments->gamma, "gamma", "1e-4:1e1:6", problem);
}

/* Progress that was asked for is shown, whichever of its two options asked. */
static void settle_progress(struct arguments *arguments)
{
    if (arguments->verbose < 0)
        arguments->verbose = arguments->progress < 0 ? 0 : 10;
    if (arguments->progress < 0)
        arguments->progress = MPIJOB_PROGRESS_LINES;
}

int arguments_parse(struct arguments *arguments, int argc, char **argv, struct problem *problem)
{
    if (set_defaults(arguments, problem) != 0)
        return -1;
    opterr = 0;
    for (int option; (option = getopt_long(argc, argv, ":", options, NULL)) != -1;) {
        if (option == '?')
            return problem_say(problem, "%s: no such option, or one that takes no value; see --help", argv[optind - 1]);
        if (option == ':')
            return problem_say(problem, "%s: needs a value; see --help", argv[optind - 1]);
        if (parse_option(arguments, option, optarg, problem) != 0)
            return -1;
    }
    if (arguments->help)
        return 0;
    if (optind < argc)
        return problem_say(problem, "%s: not an option; see --help", argv[optind]);
    if (!arguments->data)
        return problem_say(problem, "no data; name a file with --data, such as tests/data/digits.csv.gz");
    settle_progress(arguments);
    return 0;
}
