#include "digits/scores.h"

#include <errno.h>
#include <string.h>

static const struct fit_score *pair(const struct scores *scores, int c, int gamma)
{
    return scores->fits + ((size_t)c * (size_t)scores->gamma->count + (size_t)gamma) * (size_t)scores->folds;
}

static double mean(const struct scores *scores, int c, int gamma)
{
    const struct fit_score *fits = pair(scores, c, gamma);
    double sum = 0;
    for (int k = 0; k < scores->folds; k++)
        sum += (double)fits[k].correct / fits[k].tested;
    return sum / scores->folds;
}

static void print_best(FILE *stream, const struct scores *scores)
{
    int best_c = 0;
    int best_gamma = 0;
    for (int c = 0; c < scores->c->count; c++) {
        for (int gamma = 0; gamma < scores->gamma->count; gamma++) {
            if (mean(scores, c, gamma) > mean(scores, best_c, best_gamma)) {
                best_c = c;
                best_gamma = gamma;
            }
        }
    }
    fprintf(stream, "best: C = %g, gamma = %g, mean score %.5f\n", scores->c->values[best_c],
            scores->gamma->values[best_gamma], mean(scores, best_c, best_gamma));
}

void scores_print(FILE *stream, const struct scores *scores)
{
    fprintf(stream, "%10s", "C \\ gamma");
    for (int gamma = 0; gamma < scores->gamma->count; gamma++)
        fprintf(stream, " %9g", scores->gamma->values[gamma]);
    fputc('\n', stream);
    for (int c = 0; c < scores->c->count; c++) {
        fprintf(stream, "%10g", scores->c->values[c]);
        for (int gamma = 0; gamma < scores->gamma->count; gamma++)
            fprintf(stream, " %9.5f", mean(scores, c, gamma));
        fputc('\n', stream);
    }
    print_best(stream, scores);
}

int scores_open(FILE **stream, const char *path, struct problem *problem)
{
    *stream = fopen(path, "w");
    return *stream ? 0
                   : problem_say(problem, "--counts %s: %s; name a file that can be written", path, strerror(errno));
}

int scores_close(FILE *stream)
{
    if (!stream)
        return 0;
    int failed = ferror(stream);
    return fclose(stream) != 0 || failed ? -1 : 0;
}

void scores_write(FILE *stream, const struct scores *scores)
{
    fputs("C,gamma,mean_score", stream);
    for (int k = 0; k < scores->folds; k++)
        fprintf(stream, ",correct_fold%d", k);
    fputc('\n', stream);
    for (int c = 0; c < scores->c->count; c++) {
        for (int gamma = 0; gamma < scores->gamma->count; gamma++) {
            fprintf(stream, "%.12g,%.12g,%.17g", scores->c->values[c], scores->gamma->values[gamma],
                    mean(scores, c, gamma));
            for (int k = 0; k < scores->folds; k++)
                fprintf(stream, ",%d", pair(scores, c, gamma)[k].correct);
            fputc('\n', stream);
        }
    }
}
