#include "digits/dataset.h"

#include "digits/csv.h"
#include "digits/folds.h"
#include <stdlib.h>

static double *row(struct dataset *dataset, int number)
{
    return dataset->numbers + (size_t)number * (size_t)dataset->samples;
}

const double *dataset_feature(const struct dataset *dataset, int feature)
{
    return dataset->numbers + (size_t)feature * (size_t)dataset->samples;
}

const double *dataset_labels(const struct dataset *dataset)
{
    return dataset_feature(dataset, dataset->features);
}

const double *dataset_folds(const struct dataset *dataset)
{
    return dataset_feature(dataset, dataset->features + 1);
}

/* A sample's label and place in the file. */
struct place {
    int label;
    int sample;
};

static int compare_places(const void *left, const void *right)
{
    const struct place *a = left;
    const struct place *b = right;
    if (a->label != b->label)
        return a->label < b->label ? -1 : 1;
    return a->sample < b->sample ? -1 : 1;
}

static void fill(struct dataset *dataset, const struct csv *csv, const struct place *order, const int *fold,
                 double scale)
{
    for (int i = 0; i < csv->samples; i++) {
        int sample = order[i].sample;
        const double *values = csv->values + (size_t)sample * (size_t)csv->features;
        for (int f = 0; f < csv->features; f++)
            row(dataset, f)[i] = values[f] * scale;
        row(dataset, csv->features)[i] = order[i].label;
        row(dataset, csv->features + 1)[i] = fold[sample];
    }
}

static int make(struct dataset **made, size_t *bytes, const struct csv *csv, double scale, int folds,
                struct problem *problem)
{
    size_t samples = (size_t)csv->samples;
    size_t size = sizeof(struct dataset) + samples * ((size_t)csv->features + 2) * sizeof(double);
    int *fold = malloc(samples * sizeof *fold);
    struct place *order = malloc(samples * sizeof *order);
    struct dataset *block = malloc(size);
    int status = 0;
    if (!fold || !order || !block)
        status = problem_say(problem, "no memory for %d samples", csv->samples);
    if (status == 0)
        status = folds_assign(fold, csv->labels, csv->samples, folds, problem);
    if (status == 0) {
        for (int i = 0; i < csv->samples; i++)
            order[i] = (struct place){.label = csv->labels[i], .sample = i};
        qsort(order, samples, sizeof *order, compare_places);
        *block = (struct dataset){.samples = csv->samples, .features = csv->features, .folds = folds};
        fill(block, csv, order, fold, scale);
        *made = block;
        *bytes = size;
        block = NULL;
    }
    free(block);
    free(order);
    free(fold);
    return status;
}

int dataset_read(struct dataset **made, size_t *bytes, const char *path, double scale, int folds,
                 struct problem *problem)
{
    struct csv csv = {0};
    int status = csv_read(&csv, path, problem);
    if (status == 0)
        status = make(made, bytes, &csv, scale, folds, problem);
    csv_free(&csv);
    return status;
}
