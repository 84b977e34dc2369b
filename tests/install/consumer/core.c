/* A program without MPI, valid as C11 and as C++: random numbers, arrays, groups and digests. */
#include <mpijob/core.h>
#include <stdio.h>
#include <string.h>

#define COUNT 1000

static int same(int status, const mpijob_error *err, const double *values, const mpijob_array *array)
{
    if (status != MPIJOB_OK)
        fprintf(stderr, "%s\n", err->text);
    else if (mpijob_array_count(array) != COUNT || memcmp(array->data, values, COUNT * sizeof *values) != 0)
        fprintf(stderr, "what was loaded differs from what was dumped\n");
    else
        return 0;
    return 1;
}

/* Written compressed, read back, and equal to itself by its digest too. */
static int try_array(const double *values, const char *path)
{
    mpijob_error err;
    mpijob_digest before, after;
    mpijob_dump_options options;
    mpijob_array loaded;
    size_t shape[] = {COUNT};
    mpijob_array array = mpijob_array_of(values, mpijob_type_of(MPIJOB_FLOAT64), 1, shape);
    memset(&options, 0, sizeof options);
    options.compress = 5;
    int status = mpijob_dump(&array, path, &options, &err);
    if (status == MPIJOB_OK)
        status = mpijob_load(&loaded, path, NULL, &err);
    if (same(status, &err, values, &loaded))
        return 1;
    status = mpijob_hash_array(&before, &array, NULL, &err);
    if (status == MPIJOB_OK)
        status = mpijob_hash_array(&after, &loaded, NULL, &err);
    mpijob_array_free(&loaded);
    return status != MPIJOB_OK || memcmp(before.bytes, after.bytes, sizeof before.bytes) != 0;
}

static int try_group(const double *values, const char *path)
{
    mpijob_error err;
    mpijob_group *group = NULL;
    size_t shape[] = {COUNT};
    mpijob_member member = {"values", mpijob_array_of(values, mpijob_type_of(MPIJOB_FLOAT64), 1, shape), NULL};
    int status = mpijob_dump_group(&member, 1, "{\"made\": \"by a consumer\"}", path, NULL, &err);
    if (status == MPIJOB_OK)
        status = mpijob_load_group(&group, path, NULL, &err);
    const mpijob_member *found = status == MPIJOB_OK ? mpijob_group_find(group, "values") : NULL;
    int failed = same(status, &err, values, found != NULL ? &found->array : NULL);
    mpijob_group_free(group);
    return failed;
}

int main(int argc, char **argv)
{
    char array_path[4096], group_path[4096];
    double values[COUNT];
    mpijob_random random;
    (void)argc;
    mpijob_random_init(&random, 1, 2);
    for (int i = 0; i < COUNT; i++)
        values[i] = mpijob_random_double(&random);
    snprintf(array_path, sizeof array_path, "%s.zarr", argv[0]);
    snprintf(group_path, sizeof group_path, "%s.zip", argv[0]);
    printf("mpijob %s: %s, %g\n", mpijob_version(), mpijob_strerror(MPIJOB_OK), values[0]);
    return values[0] < 0 || values[0] >= 1 || try_array(values, array_path) || try_group(values, group_path);
}
