#include "digits/axis.h"
#include "digits/csv.h"
#include "digits/dataset.h"
#include "digits/folds.h"

#include "unit.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#ifndef TEST_DATA
#error "TEST_DATA is the folder of the test data"
#endif

static char path[] = "/tmp/mpijob-csv-XXXXXX";
static struct problem problem;

static void make_file(void)
{
    strcpy(path + strlen(path) - 6, "XXXXXX");
    int file = mkstemp(path);
    ck_assert_int_ge(file, 0);
    close(file);
}

static void remove_file(void)
{
    unlink(path);
}

static void write_bytes(const void *bytes, size_t count)
{
    FILE *file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, count, file), count);
    ck_assert_int_eq(fclose(file), 0);
}

/* ---- csv ---- */

static const struct {
    const char *text;
    const char *place; /* what the problem's text begins with, after the file's name */
    const char *why;   /* and what it contains */
} refused[] = {
    {"", ":", "empty"},
    {"1,2,0\n\n1,2,1\n", ", line 2:", "line is empty"},
    {"1,2,0\n1,2,1\n\n", ", line 3:", "line is empty"},
    {"1,2,0\n1,x,1\n", ", line 2:", "'x' is not a number"},
    {"1,2,0\n1,,1\n", ", line 2:", "'' is not a number"},
    {"1,2,0\n1,2,\n", ", line 2:", "'' is not a number"},
    {"1,2,0\n1, 2,1\n", ", line 2:", "' 2' is not a number"},
    {"1,2 ,0\n", ", line 1:", "'2 ' is not a number"},
    {"1,2,0\n1,nan,1\n", ", line 2:", "'nan' is not a number"},
    {"1,2,0\n1,inf,1\n", ", line 2:", "'inf' is not a number"},
    {"1,2,0\n1,1e999,1\n", ", line 2:", "'1e999' is not a number"},
    {"1,2,0\n1,0x10,1\n", ", line 2:", "'0x10' is not a number"},
    {"pixel,label\n1,0\n", ", line 1:", "'pixel' is not a number"},
    {"1,2,0\n1,2,3,1\n", ", line 2:", "4 numbers, where the lines before have 3"},
    {"1,2,0\n1,2,1\n1,2\n", ", line 3:", "2 numbers, where the lines before have 3"},
    {"7\n", ", line 1:", "one number only"},
    {"1,2,0\n1,2,1.5\n", ", line 2:", "1.5, is not a whole number"},
    {"1,2,0\n1,2,one\n", ", line 2:", "'one' is not a number"},
    {"1,2,3000000000\n", ", line 1:", "3e+09, is not a whole number"},
};

START_TEST(a_malformed_file_is_refused_with_its_place)
{
    write_bytes(refused[_i].text, strlen(refused[_i].text));
    struct csv csv = {0};
    ck_assert_int_eq(csv_read(&csv, path, &problem), -1);
    ck_assert_int_eq(strncmp(problem.text, path, strlen(path)), 0);
    const char *rest = problem.text + strlen(path);
    ck_assert_msg(strncmp(rest, refused[_i].place, strlen(refused[_i].place)) == 0, "%s", problem.text);
    ck_assert_msg(strstr(rest, refused[_i].why) != NULL, "%s", problem.text);
    csv_free(&csv);
}
END_TEST

static const char *const accepted[] = {
    "1,2.5,0\n-3,4e1,7\n",
    "1,2.5,0\n-3,4e1,7",
    "1,2.5,0\r\n-3,4e1,7\r\n",
};

START_TEST(line_ends_do_not_matter)
{
    write_bytes(accepted[_i], strlen(accepted[_i]));
    struct csv csv = {0};
    ck_assert_int_eq(csv_read(&csv, path, &problem), 0);
    ck_assert_int_eq(csv.samples, 2);
    ck_assert_int_eq(csv.features, 2);
    const double values[] = {1, 2.5, -3, 40};
    ck_assert_mem_eq(csv.values, values, sizeof values);
    ck_assert_int_eq(csv.labels[0], 0);
    ck_assert_int_eq(csv.labels[1], 7);
    csv_free(&csv);
}
END_TEST

START_TEST(a_missing_file_is_named)
{
    struct csv csv = {0};
    ck_assert_int_eq(csv_read(&csv, "/nonexistent/digits.csv", &problem), -1);
    ck_assert_ptr_nonnull(strstr(problem.text, "/nonexistent/digits.csv: No such file"));
    csv_free(&csv);
}
END_TEST

START_TEST(a_folder_is_no_file)
{
    struct csv csv = {0};
    ck_assert_int_eq(csv_read(&csv, "/tmp", &problem), -1);
    ck_assert_ptr_nonnull(strstr(problem.text, "/tmp: Is a directory"));
    csv_free(&csv);
}
END_TEST

START_TEST(zero_bytes_are_no_text)
{
    write_bytes("1,2\n\0001,2\n", 9);
    struct csv csv = {0};
    ck_assert_int_eq(csv_read(&csv, path, &problem), -1);
    ck_assert_ptr_nonnull(strstr(problem.text, "zero bytes"));
    csv_free(&csv);
}
END_TEST

/* Writes the first `keep` bytes of the digits, with the bits of byte `flip` turned round. */
static void damage(size_t keep, size_t flip)
{
    static char bytes[100000];
    FILE *digits = fopen(TEST_DATA "/digits.csv.gz", "rb");
    ck_assert_ptr_nonnull(digits);
    size_t count = fread(bytes, 1, sizeof bytes, digits);
    fclose(digits);
    ck_assert_uint_ge(count, keep);
    bytes[flip] = (char)~bytes[flip];
    write_bytes(bytes, keep);
    bytes[flip] = (char)~bytes[flip];
}

START_TEST(a_truncated_gzip_file_is_refused)
{
    damage(30000, 40000);
    struct csv csv = {0};
    ck_assert_int_eq(csv_read(&csv, path, &problem), -1);
    ck_assert_msg(strstr(problem.text, "ends too early") != NULL, "%s", problem.text);
    csv_free(&csv);
}
END_TEST

START_TEST(a_damaged_gzip_file_is_refused)
{
    damage(57512, 20000);
    struct csv csv = {0};
    ck_assert_int_eq(csv_read(&csv, path, &problem), -1);
    ck_assert_msg(strstr(problem.text, "damaged gzip file") != NULL, "%s", problem.text);
    csv_free(&csv);
}
END_TEST

START_TEST(a_long_file_is_read_whole)
{
    gzFile file = gzopen(path, "wb1");
    ck_assert_ptr_nonnull(file);
    enum {
        LINES = 700,
        FIELDS = 1000
    };
    for (int i = 0; i < LINES; i++) {
        for (int f = 0; f < FIELDS; f++)
            gzprintf(file, "%d,", i + f);
        gzprintf(file, "%d\n", i % 3);
    }
    ck_assert_int_eq(gzclose(file), Z_OK);
    struct csv csv = {0};
    ck_assert_int_eq(csv_read(&csv, path, &problem), 0);
    ck_assert_int_eq(csv.samples, LINES);
    ck_assert_int_eq(csv.features, FIELDS);
    for (int i = 0; i < LINES; i++) {
        for (int f = 0; f < FIELDS; f++)
            ck_assert(csv.values[i * FIELDS + f] == i + f);
        ck_assert_int_eq(csv.labels[i], i % 3);
    }
    csv_free(&csv);
}
END_TEST

/* ---- folds: the expected ones were printed by scikit-learn 1.2 ---- */

static const struct {
    int folds;
    int samples;
    int labels[16];
    int expected[16];
} stratified[] = {
    {2, 4, {0, 0, 1, 1}, {0, 1, 0, 1}},
    {3, 7, {1, 0, 1, 0, 1, 0, 1}, {0, 0, 0, 1, 1, 2, 2}},
    {3, 12, {5, 5, 5, 5, -2, -2, -2, 9, 9, 9, 9, 9}, {0, 0, 1, 2, 0, 1, 2, 0, 1, 1, 2, 2}},
    {2, 12, {2, 1, 0, 2, 1, 0, 2, 1, 0, 0, 0, 1}, {0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1}},
    {5, 13, {3, 3, 3, 3, 3, 3, 3, 1, 1, 1, 1, 1, 1}, {0, 0, 1, 1, 2, 3, 4, 0, 1, 2, 2, 3, 4}},
    {3, 13, {1, 1, 2, 1, 2, 2, 1, 1, 1, 2, 7, 7, 7}, {0, 0, 0, 1, 0, 1, 1, 2, 2, 2, 0, 1, 2}},
};

START_TEST(folds_are_those_of_scikit_learn)
{
    int fold[16];
    ck_assert_int_eq(folds_assign(fold, stratified[_i].labels, stratified[_i].samples, stratified[_i].folds, &problem),
                     0);
    for (int i = 0; i < stratified[_i].samples; i++)
        ck_assert_int_eq(fold[i], stratified[_i].expected[i]);
}
END_TEST

START_TEST(folds_of_the_digits_are_those_of_scikit_learn)
{
    struct csv csv = {0};
    ck_assert_int_eq(csv_read(&csv, TEST_DATA "/digits.csv.gz", &problem), 0);
    ck_assert_int_eq(csv.samples, 1797);
    ck_assert_int_eq(csv.features, 64);
    int fold[1797];
    ck_assert_int_eq(folds_assign(fold, csv.labels, csv.samples, 5, &problem), 0);
    csv_free(&csv);

    FILE *file = fopen(TEST_DATA "/digits-folds-sklearn.csv", "r");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_ne(fscanf(file, "sample,test_fold\n"), EOF);
    for (int i = 0; i < 1797; i++) {
        int sample;
        int expected;
        ck_assert_int_eq(fscanf(file, "%d,%d\n", &sample, &expected), 2);
        ck_assert_int_eq(sample, i);
        ck_assert_int_eq(fold[i], expected);
    }
    fclose(file);
}
END_TEST

START_TEST(impossible_folds_are_refused)
{
    int fold[4];
    ck_assert_int_eq(folds_assign(fold, (const int[]){1, 1, 2, 2}, 4, 3, &problem), -1);
    ck_assert_ptr_nonnull(strstr(problem.text, "label 1 has 2 samples, too few for 3 folds"));
    ck_assert_int_eq(folds_assign(fold, (const int[]){6, 6, 6, 6}, 4, 2, &problem), -1);
    ck_assert_ptr_nonnull(strstr(problem.text, "all samples have the label 6"));
}
END_TEST

/* ---- dataset ---- */

START_TEST(samples_lie_ordered_by_label)
{
    static const char text[] = "1,2,5\n3,4,-1\n5,6,5\n7,8,-1\n";
    write_bytes(text, strlen(text));
    struct dataset *dataset;
    size_t bytes;
    ck_assert_int_eq(dataset_read(&dataset, &bytes, path, 0.5, 2, &problem), 0);
    ck_assert_int_eq(dataset->samples, 4);
    ck_assert_int_eq(dataset->features, 2);
    ck_assert_int_eq(dataset->folds, 2);
    ck_assert_uint_eq(bytes, sizeof *dataset + 4 * 4 * sizeof(double));
    ck_assert_mem_eq(dataset_feature(dataset, 0), ((const double[]){1.5, 3.5, 0.5, 2.5}), 32);
    ck_assert_mem_eq(dataset_feature(dataset, 1), ((const double[]){2, 4, 1, 3}), 32);
    ck_assert_mem_eq(dataset_labels(dataset), ((const double[]){-1, -1, 5, 5}), 32);
    ck_assert_mem_eq(dataset_folds(dataset), ((const double[]){0, 1, 0, 1}), 32);
    free(dataset);
}
END_TEST

/* ---- axis ---- */

static const struct {
    const char *text;
    int count; /* -1: refused */
    double values[7];
} axes[] = {
    {"3", 1, {3}},
    {"1,10,100", 3, {1, 10, 100}},
    {"1e-2:1e4:7", 7, {1e-2, 1e-1, 1, 10, 100, 1000, 10000}},
    {"1e-4:10:6", 6, {1e-4, 1e-3, 1e-2, 1e-1, 1, 10}},
    {"1:4:3", 3, {1, 2, 4}},
    {"100:1:3", 3, {100, 10, 1}},
    {"0.3:0.7:2", 2, {0.3, 0.7}},
    {"", -1, {0}},
    {",1", -1, {0}},
    {"1,", -1, {0}},
    {"1,,2", -1, {0}},
    {"1;2", -1, {0}},
    {"0", -1, {0}},
    {"1,-1", -1, {0}},
    {"nan", -1, {0}},
    {"inf", -1, {0}},
    {"1:10", -1, {0}},
    {"1:10:", -1, {0}},
    {"1:10:1", -1, {0}},
    {"1:10:2x", -1, {0}},
    {"1:10:1001", -1, {0}},
    {"1:10:99999999999999999999", -1, {0}},
    {"0:10:3", -1, {0}},
    {":10:3", -1, {0}},
    {"1::3", -1, {0}},
    {"1:2:3:4", -1, {0}},
};

START_TEST(an_axis_is_a_list_or_a_range)
{
    static struct axis axis;
    int status = axis_parse(&axis, "c", axes[_i].text, &problem);
    ck_assert_int_eq(status, axes[_i].count < 0 ? -1 : 0);
    if (status != 0) {
        ck_assert_ptr_nonnull(strstr(problem.text, "--c"));
        return;
    }
    ck_assert_int_eq(axis.count, axes[_i].count);
    ck_assert_mem_eq(axis.values, axes[_i].values, (size_t)axis.count * sizeof(double));
}
END_TEST

START_TEST(an_axis_has_a_bound)
{
    static struct axis axis;
    static char text[2 * AXIS_MAX + 2];
    for (int i = 0; i < AXIS_MAX; i++)
        strcpy(text + 2 * i, "1,");
    text[2 * AXIS_MAX - 1] = '\0';
    ck_assert_int_eq(axis_parse(&axis, "c", text, &problem), 0);
    ck_assert_int_eq(axis.count, AXIS_MAX);
    strcat(text, ",1");
    ck_assert_int_eq(axis_parse(&axis, "c", text, &problem), -1);
    ck_assert_ptr_nonnull(strstr(problem.text, "more than 1000 values"));
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("gridsearch_data");
    TCase *files = tcase_create("csv");
    tcase_add_checked_fixture(files, make_file, remove_file);
    tcase_add_loop_test(files, a_malformed_file_is_refused_with_its_place, 0, UNIT_COUNT(refused));
    tcase_add_loop_test(files, line_ends_do_not_matter, 0, UNIT_COUNT(accepted));
    tcase_add_test(files, a_missing_file_is_named);
    tcase_add_test(files, a_folder_is_no_file);
    tcase_add_test(files, zero_bytes_are_no_text);
    tcase_add_test(files, a_truncated_gzip_file_is_refused);
    tcase_add_test(files, a_damaged_gzip_file_is_refused);
    tcase_add_test(files, a_long_file_is_read_whole);
    tcase_add_test(files, samples_lie_ordered_by_label);
    suite_add_tcase(suite, files);
    TCase *folds = tcase_create("folds");
    tcase_add_loop_test(folds, folds_are_those_of_scikit_learn, 0, UNIT_COUNT(stratified));
    tcase_add_test(folds, folds_of_the_digits_are_those_of_scikit_learn);
    tcase_add_test(folds, impossible_folds_are_refused);
    suite_add_tcase(suite, folds);
    TCase *axis = tcase_create("axis");
    tcase_add_loop_test(axis, an_axis_is_a_list_or_a_range, 0, UNIT_COUNT(axes));
    tcase_add_test(axis, an_axis_has_a_bound);
    suite_add_tcase(suite, axis);
    return suite;
}

int main(void)
{
    return unit_run(make_suite());
}
