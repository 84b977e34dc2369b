/* Arrays that lie over ranks by rows: dumped and loaded together. */
#include "base/alloc.h"
#include "suite.h"

#include <mpijob/hash.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define COLUMNS 7

static char folder[200], path[300], other[300];

/* A folder that all ranks see, made by rank 0 below the current one: hosts may have a /tmp of their own. */
static void begin(void)
{
    if (suite_rank == 0) {
        char here[150];
        if (getcwd(here, sizeof here))
            snprintf(folder, sizeof folder, "%s/mpijob-rows-XXXXXX", here);
        if (!mkdtemp(folder))
            folder[0] = '\0';
    }
    suite_spread(folder, sizeof folder, 0);
    ck_assert(folder[0] != '\0');
}

static void end(void)
{
    char command[300];
    everyone(true);
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    if (suite_rank == 0 && system(command) != 0)
        fprintf(stderr, "%s failed\n", command);
}

static const char *in_folder(char *out, const char *name)
{
    snprintf(out, sizeof path, "%s/%s", folder, name);
    return out;
}

/* How many rows each rank has. */
typedef enum spread {
    EVEN,
    FIRST,
    LAST,
    GROWING,
    EVERY_OTHER,
    FEW,
    NONE
} spread;

static size_t rows_of(spread how, int rank)
{
    switch (how) {
    case EVEN:
        return 40;
    case FIRST:
        return rank == 0 ? 101 : 0;
    case LAST:
        return rank == suite_size - 1 ? 101 : 0;
    case GROWING:
        return (size_t)(rank * rank * 9 + 1);
    case EVERY_OTHER:
        return rank % 2 ? 0 : 33;
    case FEW:
        return rank % 3 == 1 ? 2 : 1;
    default:
        return 0;
    }
}

static size_t rows_before(spread how, int rank)
{
    size_t sum = 0;
    for (int q = 0; q < rank; q++)
        sum += rows_of(how, q);
    return sum;
}

static double value_at(size_t row, size_t column)
{
    return (double)row * 100 + (double)column;
}

/* Rows first, first + 1, ... in a block of the caller's; layout: 'C', 'F', or 'S' with a gap behind each row. */
static mpijob_array make_rows(double **block, size_t first, size_t rows, char layout)
{
    size_t width = layout == 'S' ? COLUMNS + 3 : COLUMNS;
    size_t shape[] = {rows, COLUMNS};
    *block = calloc(rows * width + 1, sizeof **block);
    mpijob_array array = layout == 'F' ? mpijob_array_fortran(*block, mpijob_type_of(MPIJOB_FLOAT64), 2, shape)
                                       : mpijob_array_of(*block, mpijob_type_of(MPIJOB_FLOAT64), 2, shape);
    if (layout == 'S')
        array.strides[0] = (ptrdiff_t)(width * sizeof **block);
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < COLUMNS; c++)
            *(double *)(void *)((char *)*block + (ptrdiff_t)r * array.strides[0] + (ptrdiff_t)c * array.strides[1]) =
                value_at(first + r, c);
    return array;
}

static bool has_rows(const mpijob_array *array, size_t first, size_t rows)
{
    if (array->ndim != 2 || array->shape[0] != rows || array->shape[1] != COLUMNS)
        return false;
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < COLUMNS; c++)
            if (*(const double *)(const void *)((const char *)array->data + (ptrdiff_t)r * array->strides[0] +
                                                (ptrdiff_t)c * array->strides[1]) != value_at(first + r, c))
                return false;
    return true;
}

static const struct {
    const char *name;
    int format, compress, order;
    size_t chunk_rows; /* 0: chosen */
} forms[] = {
    {"a.npy", 0, 0, 0, 0},
    {"a.zarr", 0, 5, 0, 0},
    {"a.zarr", 0, 5, 'F', 16},
    {"a.zarr", MPIJOB_ZARR, 0, 0, 16},
    {"a.zarr", 0, 1, 0, 1},
    {"a.zip", 0, 5, 0, 16},
    {"a.zip", MPIJOB_ZARR, 0, 0, 5},
    {"a.zarr", 0, 3, 0, 64},
    {"a.zarr", MPIJOB_ZARR, 0, 'C', 1000},
};

static mpijob_dump_options form_options(int form, size_t chunks[2])
{
    chunks[0] = forms[form].chunk_rows;
    chunks[1] = forms[form].chunk_rows == 16 ? 3 : COLUMNS;
    return (mpijob_dump_options){.compress = forms[form].compress,
                                 .format = forms[form].format,
                                 .order = forms[form].order,
                                 .chunks = chunks[0] ? chunks : NULL,
                                 .threads = 1};
}

static int dump(spread how, char layout, const char *to, const mpijob_dump_options *options, mpijob_error *err)
{
    double *block;
    mpijob_array rows = make_rows(&block, rows_before(how, suite_rank), rows_of(how, suite_rank), layout);
    int status = mpijob_dump_rows(&rows, to, MPI_COMM_WORLD, options, err);
    free(block);
    return suite_same(status, err);
}

/* One rank alone reads it, finds no damage, and every chunk has a checksum where the form has them. */
static bool is_whole(const char *at, size_t rows)
{
    mpijob_array loaded;
    mpijob_verify_result result;
    mpijob_error err = {.text = ""};
    if (mpijob_load(&loaded, at, NULL, &err) != MPIJOB_OK) {
        fprintf(stderr, "%s\n", err.text);
        return false;
    }
    bool same = has_rows(&loaded, 0, rows);
    mpijob_array_free(&loaded);
    bool npy = strstr(at, ".npy") != NULL;
    return same && mpijob_verify(&result, at, NULL, NULL, NULL, NULL, &err) == MPIJOB_OK &&
           (npy || result.unsummed == 0);
}

START_TEST(dumped_by_all)
{
    int form = _i % COUNT_OF(forms);
    spread how = (spread)(_i / COUNT_OF(forms));
    mpijob_error err = {.text = ""};
    size_t chunks[2];
    mpijob_dump_options options = form_options(form, chunks);
    in_folder(path, forms[form].name);
    ck_assert_int_eq(dump(how, "CFS"[_i % 3], path, &options, &err), MPIJOB_OK);
    rank0(is_whole(path, rows_before(how, suite_size)));

    /* The same files as one process writes of the whole, but for the order in which zip files were made. */
    double *block;
    in_folder(other, forms[form].format == MPIJOB_NPY || forms[form].compress == 0 ? "b.npy" : "b.zarr");
    mpijob_array whole = make_rows(&block, 0, rows_before(how, suite_size), 'C');
    if (strcmp(forms[form].name, "a.npy") == 0) {
        char command[700];
        snprintf(command, sizeof command, "cmp '%s' '%s'", path, other);
        rank0(mpijob_dump(&whole, other, &options, &err) == MPIJOB_OK && system(command) == 0);
    } else if (strcmp(forms[form].name, "a.zarr") == 0) {
        char command[700];
        in_folder(other, "b.zarr");
        snprintf(command, sizeof command, "diff -r '%s' '%s'", path, other);
        rank0(mpijob_dump(&whole, other, &options, &err) == MPIJOB_OK && system(command) == 0);
    }
    free(block);
    /* Nothing is left over. */
    char command[700];
    snprintf(command, sizeof command, "test $(ls -A '%s' | grep -c '^[.]') = 0", folder);
    rank0(system(command) == 0);
}
END_TEST

START_TEST(loaded_by_all)
{
    static const struct {
        const char *name, *mode;
    } ways[] = {{"a.npy", NULL}, {"a.npy", "r"}, {"a.npy", "c"}, {"a.zarr", NULL}, {"a.zip", NULL}};
    mpijob_error err = {.text = ""};
    size_t total = rows_before(GROWING, suite_size), first = 12345;
    mpijob_array rows;
    in_folder(path, ways[_i].name);
    mpijob_dump_options dump_options = {.compress = strstr(path, ".npy") ? 0 : 3, .chunks = NULL};
    ck_assert_int_eq(dump(GROWING, 'C', path, &dump_options, &err), MPIJOB_OK);

    mpijob_load_options options = {.mmap_mode = ways[_i].mode};
    everyone(mpijob_load_rows(&rows, &first, path, MPI_COMM_WORLD, &options, &err) == MPIJOB_OK);
    size_t from = total * (size_t)suite_rank / (size_t)suite_size;
    size_t to = total * (size_t)(suite_rank + 1) / (size_t)suite_size;
    everyone(first == from && has_rows(&rows, from, to - from));
    mpijob_array_free(&rows);

    /* Parts of the caller's choice, overlapping here. */
    mpijob_region region = {
        .ndim = 1, .start = {suite_rank % 2 ? total / 2 : 0}, .count = {total - (suite_rank % 2 ? total / 2 : 0)}};
    options.region = &region;
    everyone(mpijob_load_rows(&rows, NULL, path, MPI_COMM_WORLD, &options, &err) == MPIJOB_OK);
    everyone(has_rows(&rows, region.start[0], region.count[0]));
    mpijob_array_free(&rows);
}
END_TEST

START_TEST(differences_are_told)
{
    double *block;
    mpijob_error err = {.text = ""};
    size_t chunks[] = {8, COLUMNS};
    int last = suite_size - 1;
    if (suite_size == 1)
        return;
    mpijob_array rows = make_rows(&block, 0, 10, 'C');
    mpijob_dump_options options = {.compress = 1, .chunks = chunks};
    in_folder(path, "differ.zarr");
    in_folder(other, "other.zarr");
    for (int what = 0; what < 6; what++) {
        mpijob_array mine = rows;
        mpijob_dump_options my_options = options;
        size_t my_chunks[] = {4, COLUMNS};
        if (suite_rank == last && what == 0)
            my_options.compress = 2;
        if (suite_rank == last && what == 1)
            my_options.chunks = my_chunks;
        if (suite_rank == last && what == 2)
            mine.shape[1] = 3;
        if (suite_rank == last && what == 3)
            mine.type = mpijob_type_of(MPIJOB_INT64);
        if (suite_rank == last && what == 4)
            my_options.attributes = "{\"a\": 1}";
        const char *to = suite_rank == last && what == 5 ? other : path;
        int status = mpijob_dump_rows(&mine, to, MPI_COMM_WORLD, &my_options, &err);
        ck_assert_int_eq(suite_same(status, &err), MPIJOB_EMISMATCH);
        char name[20];
        snprintf(name, sizeof name, "rank %d", last);
        ck_assert_msg(strstr(err.text, name) != NULL, "%s", err.text);
        everyone(access(path, F_OK) != 0 && access(other, F_OK) != 0);
    }
    free(block);
}
END_TEST

START_TEST(wrong_use)
{
    double *block, scalar = 0;
    size_t first = 77;
    mpijob_error err = {.text = ""};
    mpijob_array rows = make_rows(&block, 0, 10, 'C'), loaded = {.ndim = 17};
    mpijob_array none = mpijob_array_of(&scalar, mpijob_type_of(MPIJOB_FLOAT64), 0, NULL);
    in_folder(path, "wrong.npy");
    int last = suite_rank == suite_size - 1;
#define DUMP(array, to, ...)                                                                                           \
    suite_same(mpijob_dump_rows(array, to, MPI_COMM_WORLD, &(mpijob_dump_options){__VA_ARGS__}, &err), &err)
#define LOAD(from, ...)                                                                                                \
    suite_same(mpijob_load_rows(&loaded, &first, from, MPI_COMM_WORLD, &(mpijob_load_options){__VA_ARGS__}, &err), &err)
    ck_assert_int_eq(DUMP(last ? NULL : &rows, path, .compress = 0), MPIJOB_EINVAL);
    ck_assert_int_eq(DUMP(&rows, last ? NULL : path, .compress = 0), MPIJOB_EINVAL);
    ck_assert_int_eq(DUMP(&rows, path, .compress = last ? 10 : 0), MPIJOB_EINVAL);
    ck_assert_int_eq(DUMP(&none, path, .compress = 0), MPIJOB_EINVAL);
    ck_assert_int_eq(DUMP(&rows, path, .order = 'F'), MPIJOB_EUNSUPPORTED);
    ck_assert_int_eq(DUMP(&rows, "/nowhere/at/all.npy", .compress = 0), MPIJOB_EOS);
    ck_assert_int_eq(DUMP(&rows, "/nowhere/at/all.zarr", .compress = 1), MPIJOB_EOS);
    ck_assert_int_eq(LOAD(path, .threads = 1), MPIJOB_ENOTFOUND);
    ck_assert_int_eq(dump(EVEN, 'C', path, NULL, &err), MPIJOB_OK);
    ck_assert_int_eq(LOAD(last ? NULL : path, .threads = 1), MPIJOB_EINVAL);
    ck_assert_int_eq(LOAD(path, .mmap_mode = "w+"), MPIJOB_EINVAL);
    ck_assert_int_eq(LOAD(path, .mmap_mode = last ? "x" : NULL), MPIJOB_EINVAL);
    /* One rank alone asks for too much: none gets anything. */
    mpijob_region region = {.ndim = 1, .start = {0}, .count = {last ? 1000000 : 1}};
    ck_assert_int_eq(LOAD(path, .region = &region), MPIJOB_EINVAL);
    rank0(mpijob_dump(&none, in_folder(other, "none.npy"), NULL, NULL) == MPIJOB_OK);
    ck_assert_int_eq(LOAD(in_folder(other, "none.npy"), .threads = 1), MPIJOB_EINVAL);
    everyone(loaded.ndim == 17 && first == 77);
    everyone(mpijob_dump_rows(&rows, path, MPI_COMM_NULL, NULL, &err) == MPIJOB_EINVAL);
    everyone(mpijob_load_rows(&loaded, NULL, path, MPI_COMM_NULL, NULL, &err) == MPIJOB_EINVAL);
    free(block);
}
END_TEST

/* Damage that only the last rank reads is an error for all. */
START_TEST(damage_is_told)
{
    mpijob_error err = {.text = ""};
    mpijob_array loaded;
    size_t chunks[] = {10, COLUMNS};
    char chunk[400];
    mpijob_dump_options options = {.compress = 1, .chunks = chunks};
    ck_assert_int_eq(dump(EVEN, 'C', in_folder(path, "d.zarr"), &options, &err), MPIJOB_OK);
    snprintf(chunk, sizeof chunk, "%s/%d.0", path, suite_size * 4 - 1);
    rank0(truncate(chunk, 30) == 0);
    int status = mpijob_load_rows(&loaded, NULL, path, MPI_COMM_WORLD, NULL, &err);
    ck_assert_int_eq(suite_same(status, &err), MPIJOB_ECORRUPT);
    ck_assert_msg(strstr(err.text, chunk + strlen(path) + 1) != NULL, "%s", err.text);
}
END_TEST

static int call_inside(void *result, const void *args, mpijob_job *job)
{
    double *block;
    (void)args, (void)job;
    mpijob_array loaded, rows = make_rows(&block, 0, 1, 'C');
    int *statuses = result;
    statuses[0] = mpijob_dump_rows(&rows, path, MPI_COMM_WORLD, NULL, NULL);
    statuses[1] = mpijob_load_rows(&loaded, NULL, path, MPI_COMM_WORLD, NULL, NULL);
    free(block);
    return 0;
}

START_TEST(not_inside_a_run)
{
    int statuses[20][2];
    mpijob_error err;
    mpijob_function function = {.call = call_inside, .result_size = sizeof statuses[0]};
    mpijob_inputs inputs = mpijob_range(20);
    in_folder(path, "inside.npy");
    everyone(mpijob_parallel(statuses, &function, &inputs, MPI_COMM_WORLD, NULL, &err) == MPIJOB_OK);
    for (int i = 0; i < 20; i++)
        rank0(statuses[i][0] == MPIJOB_EINVAL && statuses[i][1] == MPIJOB_EINVAL);
}
END_TEST

typedef struct watched {
    uint64_t last, total;
    int wrong;
} watched;

static int watch(uint64_t done, uint64_t total, void *payload)
{
    watched *w = payload;
    w->wrong |= done < w->last || done > total || (w->total && w->total != total);
    w->last = done;
    w->total = total;
    return 0;
}

/* Each rank is told of what it writes itself: all rows in the sum, each rank to its own end, and never back. */
START_TEST(progress_is_told)
{
    int form = _i % COUNT_OF(forms);
    spread how = (spread)(_i / COUNT_OF(forms));
    mpijob_error err = {.text = ""};
    size_t chunks[2];
    watched seen = {0};
    mpijob_dump_options options = form_options(form, chunks);
    options.progress = watch;
    options.progress_payload = &seen;
    in_folder(path, forms[form].name);
    ck_assert_int_eq(dump(how, 'C', path, &options, &err), MPIJOB_OK);
    everyone(!seen.wrong && seen.last == seen.total);
    uint64_t sum = 0;
    MPI_Allreduce(&seen.total, &sum, 1, MPI_UINT64_T, MPI_SUM, MPI_COMM_WORLD);
    ck_assert_uint_eq(sum, rows_before(how, suite_size) * COLUMNS * sizeof(double));
}
END_TEST

/* One rank has no memory at one place after the other: all hear of it, what was there stays, and nobody waits. */
START_TEST(memory_faults)
{
    static const char *const names[] = {"m.npy", "m.zarr", "m.zip"};
    mpijob_error err = {.text = ""};
    mpijob_array loaded;
    size_t chunks[] = {16, COLUMNS};
    mpijob_dump_options options = {.format = _i == 0 ? MPIJOB_NPY : MPIJOB_ZARR,
                                   .compress = _i == 0 ? 0 : 1,
                                   .chunks = _i == 0 ? NULL : chunks,
                                   .threads = 1};
    int victim = suite_size - 1, failed = 1;
    in_folder(path, names[_i]);
    ck_assert_int_eq(dump(EVEN, 'C', path, &options, &err), MPIJOB_OK);
    for (uint64_t n = 0; failed && n < 400; n += n < 30 ? 1 : 7) {
        double *block;
        mpijob_array rows = make_rows(&block, rows_before(GROWING, suite_rank), rows_of(GROWING, suite_rank), 'C');
        mpj_alloc_fail_after(suite_rank == victim ? n : UINT64_MAX);
        int status = mpijob_dump_rows(&rows, path, MPI_COMM_WORLD, &options, &err);
        failed = suite_rank == victim && mpj_alloc_fail_after(UINT64_MAX) > n;
        free(block);
        suite_spread(&failed, sizeof failed, victim);
        status = suite_same(status, &err);
        ck_assert_msg(status == MPIJOB_OK || (failed && status == MPIJOB_ENOMEM), "%d: %s", (int)n, err.text);
        rank0(is_whole(path, rows_before(status == MPIJOB_OK ? GROWING : EVEN, suite_size)));
        if (status == MPIJOB_OK)
            ck_assert_int_eq(dump(EVEN, 'C', path, &options, &err), MPIJOB_OK);
    }
    ck_assert(!failed);
    for (uint64_t n = 0, again = 1; again && n < 400; n += n < 30 ? 1 : 7) {
        mpj_alloc_fail_after(suite_rank == victim ? n : UINT64_MAX);
        int status = mpijob_load_rows(&loaded, NULL, path, MPI_COMM_WORLD, NULL, &err);
        again = suite_rank == victim && mpj_alloc_fail_after(UINT64_MAX) > n;
        suite_spread(&again, sizeof again, victim);
        if (status == MPIJOB_OK)
            mpijob_array_free(&loaded);
        status = suite_same(status, &err);
        ck_assert(status == MPIJOB_OK || (again && status == MPIJOB_ENOMEM));
    }
}
END_TEST

int main(int argc, char **argv)
{
    Suite *suite = suite_create("rows");
    TCase *group = suite_group(suite, "rows");
    tcase_add_unchecked_fixture(group, begin, end);
    tcase_add_loop_test(group, dumped_by_all, 0, (NONE + 1) * COUNT_OF(forms));
    tcase_add_loop_test(group, loaded_by_all, 0, 5);
    tcase_add_test(group, differences_are_told);
    tcase_add_test(group, wrong_use);
    tcase_add_test(group, damage_is_told);
    tcase_add_test(group, not_inside_a_run);
    tcase_add_loop_test(group, progress_is_told, 0, (NONE + 1) * COUNT_OF(forms));
    tcase_add_loop_test(group, memory_faults, 0, 3);
    return suite_main(argc, argv, suite);
}
