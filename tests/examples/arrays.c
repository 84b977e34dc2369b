/* Arrays on disk: written and read, compressed and mapped, one and several, without MPI. */
#include <mpijob/core.h>
#include <stdio.h>
#include <stdlib.h>

#define ROWS 100000
#define COLUMNS 20

/* What every call here ends with when it fails. */
static void check(int status, const mpijob_error *err)
{
    if (status == MPIJOB_OK)
        return;
    fprintf(stderr, "arrays: %s\n", err->text);
    exit(1);
}

/* A walk in each column: neighbours are alike, as in measured data. */
static double *make_walk(void)
{
    mpijob_random random;
    double *walk = calloc(ROWS * COLUMNS, sizeof *walk);
    if (walk == NULL)
        exit(1);
    mpijob_random_init(&random, 1, 0);
    for (size_t i = COLUMNS; i < ROWS * COLUMNS; i++)
        walk[i] = walk[i - COLUMNS] + (mpijob_random_double(&random) < 0.5 ? -1 : 1);
    return walk;
}

static void dump_and_load(const double *walk)
{
    mpijob_error err;
    size_t shape[] = {ROWS, COLUMNS};
    mpijob_array array = mpijob_array_of(walk, mpijob_type_of(MPIJOB_FLOAT64), 2, shape);
    check(mpijob_dump(&array, "walk.npy", NULL, &err), &err);
    check(mpijob_dump(&array, "walk.zarr", &(mpijob_dump_options){.compress = 5}, &err), &err);

    mpijob_array mapped, rows;
    check(mpijob_load(&mapped, "walk.npy", &(mpijob_load_options){.mmap_mode = "r"}, &err), &err);
    mpijob_region region = {.ndim = 1, .start = {5000}, .count = {10}};
    check(mpijob_load(&rows, "walk.zarr", &(mpijob_load_options){.region = &region}, &err), &err);
    printf("row 5000 begins with %g in the map, %g in the rows\n", ((double *)mapped.data)[5000 * COLUMNS],
           ((double *)rows.data)[0]);
    mpijob_array_free(&mapped);
    mpijob_array_free(&rows);
}

static void compare(const double *walk)
{
    mpijob_error err;
    mpijob_array loaded;
    mpijob_digest before, after;
    char text[MPIJOB_DIGEST_TEXT_BYTES];
    size_t shape[] = {ROWS, COLUMNS};
    mpijob_array array = mpijob_array_of(walk, mpijob_type_of(MPIJOB_FLOAT64), 2, shape);
    check(mpijob_load(&loaded, "walk.zarr", NULL, &err), &err);
    check(mpijob_hash_array(&before, &array, NULL, &err), &err);
    check(mpijob_hash_array(&after, &loaded, NULL, &err), &err);
    mpijob_digest_text(text, &before);
    printf("%s before\n", text);
    mpijob_digest_text(text, &after);
    printf("%s after\n", text);
    mpijob_array_free(&loaded);
}

/* What describes a struct once serves files, hashes and JSON. */
typedef struct fit {
    double c, gamma;
    int32_t folds;
    char kernel[8];
} fit;

static const mpijob_field fit_fields[] = {
    MPIJOB_FIELD(fit, c, MPIJOB_FLOAT64),
    MPIJOB_FIELD(fit, gamma, MPIJOB_FLOAT64),
    MPIJOB_FIELD(fit, folds, MPIJOB_INT32),
    MPIJOB_FIELD(fit, kernel, MPIJOB_BYTES),
};
static const mpijob_record fit_record = MPIJOB_RECORD_OF(fit, fit_fields);

static void group(const double *walk)
{
    mpijob_error err;
    mpijob_group *group;
    fit fits[] = {{10, 0.1, 5, "rbf"}, {1, 0.01, 5, "rbf"}};
    size_t fit_shape[] = {2}, walk_shape[] = {ROWS, COLUMNS};
    mpijob_member members[] = {
        {"fits", mpijob_array_of(fits, mpijob_type_record(&fit_record), 1, fit_shape), NULL},
        {"walk", mpijob_array_of(walk, mpijob_type_of(MPIJOB_FLOAT64), 2, walk_shape), "{\"unit\": \"mm\"}"},
    };
    check(mpijob_dump_group(members, 2, NULL, "study.zip", &(mpijob_dump_options){.compress = 3}, &err), &err);

    check(mpijob_load_group(&group, "study.zip", &(mpijob_load_options){.record = NULL}, &err), &err);
    for (size_t i = 0; i < mpijob_group_count(group); i++) {
        const mpijob_member *member = mpijob_group_member(group, i);
        printf("%s: %zu rows, attributes %s\n", member->name, member->array.shape[0],
               member->attributes != NULL ? member->attributes : "none");
    }
    mpijob_group_free(group);
}

static void as_json(void)
{
    mpijob_error err;
    char *text;
    fit best = {10, 0.1, 5, "rbf"};
    check(mpijob_record_to_json(&text, &best, &fit_record, &err), &err);
    puts(text);
    mpijob_text_free(text);
}

int main(void)
{
    double *walk = make_walk();
    dump_and_load(walk);
    compare(walk);
    group(walk);
    as_json();
    free(walk);
    return 0;
}
