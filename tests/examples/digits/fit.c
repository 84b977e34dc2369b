#include "digits/fit.h"

#include <stdlib.h>

#define CACHE_MIB 100
#define STOP_BELOW 1e-3

static void print_nothing(const char *text)
{
    (void)text;
}

/* libsvm takes rows by pointer: the samples that are left out cost nothing, and no row is copied. */
static void choose_rows(struct svm_problem *chosen, const struct dataset *dataset, const struct kernel *kernel,
                        int fold)
{
    const double *labels = dataset_labels(dataset);
    const double *folds = dataset_folds(dataset);
    for (int i = 0; i < dataset->samples; i++) {
        if (folds[i] == fold)
            continue;
        chosen->x[chosen->l] = kernel_row(kernel, i);
        chosen->y[chosen->l++] = labels[i];
    }
}

static struct fit_score test(const struct svm_model *model, const struct dataset *dataset, const struct kernel *kernel,
                             int fold)
{
    const double *labels = dataset_labels(dataset);
    const double *folds = dataset_folds(dataset);
    struct fit_score score = {0, 0};
    for (int i = 0; i < dataset->samples; i++) {
        if (folds[i] != fold)
            continue;
        score.tested++;
        score.correct += svm_predict(model, kernel_row(kernel, i)) == labels[i];
    }
    return score;
}

static int train_and_test(struct fit_score *score, const struct svm_problem *chosen, const struct dataset *dataset,
                          const struct kernel *kernel, double c, int fold, struct problem *problem)
{
    struct svm_parameter parameter = {.svm_type = C_SVC,
                                      .kernel_type = PRECOMPUTED,
                                      .C = c,
                                      .eps = STOP_BELOW,
                                      .cache_size = CACHE_MIB,
                                      .shrinking = 1};
    const char *refusal = svm_check_parameter(chosen, &parameter);
    if (refusal)
        return problem_say(problem, "libsvm refuses the fit: %s", refusal);
    svm_set_print_string_function(print_nothing);
    struct svm_model *model = svm_train(chosen, &parameter);
    *score = test(model, dataset, kernel, fold);
    svm_free_and_destroy_model(&model);
    return 0;
}

int fit_fold(struct fit_score *score, const struct dataset *dataset, const struct kernel *kernel, double c, int fold,
             struct problem *problem)
{
    size_t samples = (size_t)dataset->samples;
    struct svm_problem chosen = {.x = malloc(samples * sizeof *chosen.x), .y = malloc(samples * sizeof *chosen.y)};
    int status;
    if (chosen.x && chosen.y) {
        choose_rows(&chosen, dataset, kernel, fold);
        status = train_and_test(score, &chosen, dataset, kernel, c, fold, problem);
    } else {
        status = problem_say(problem, "no memory for %d samples", dataset->samples);
    }
    free(chosen.x);
    free(chosen.y);
    return status;
}
