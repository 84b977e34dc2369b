/* Memory: results of all kinds, small and with files of their own; references to them. */
#include "memory_functions.h"

#include <glob.h>
#include <sys/wait.h>
#include <unistd.h>

static scratch area;

static void make_area(void)
{
    scratch_make(&area);
}

static void remove_area(void)
{
    scratch_remove(&area);
}

/* ---- Structs ---- */

typedef struct score {
    char grade; /* padding behind it */
    double value;
    int16_t parts[3];
} score;

static const mpijob_field score_fields[] = {
    MPIJOB_FIELD(score, grade, MPIJOB_INT8),
    MPIJOB_FIELD(score, value, MPIJOB_FLOAT64),
    MPIJOB_FIELD_ARRAY(score, parts, MPIJOB_INT16, int16_t),
};
static const mpijob_record score_record = MPIJOB_RECORD_OF(score, score_fields);
static int score_calls;

static int score_call(void *result, const void *args, mpijob_job *job)
{
    (void)job;
    score *s = result;
    score_calls++;
    memset(s, 0xAB, 2 * sizeof *s);
    for (int i = 0; i < 2; i++) {
        s[i].grade = (char)(i + 1);
        s[i].value = ((const fit_args *)args)->c;
        for (int j = 0; j < 3; j++)
            s[i].parts[j] = (int16_t)(i * 10 + j);
    }
    return 0;
}

START_TEST(structs)
{
    const mpijob_type type = mpijob_type_record(&score_record);
    const mpijob_function plain = {.name = "score", .call = score_call, .args_size = sizeof(fit_args),
                                   .args = &fit_record, .result_size = 2 * sizeof(score), .result = &type};
    mpijob_memory_options options = {.large_bytes = _i == 0 ? 0 : 1};
    mpijob_memory *memory = open_memory(area.folder, &options);
    mpijob_function cached = cache(memory, &plain, NULL);
    fit_args args = {.c = 2.5};
    score_calls = 0;
    for (int i = 0; i < 3; i++) {
        score got[2];
        mpijob_error err = {.text = ""};
        memset(got, 0, sizeof got);
        ck_assert_msg(mpijob_function_call(got, &cached, &args, NULL, &err) == MPIJOB_OK, "%s", err.text);
        ck_assert_int_eq(score_calls, 1);
        for (int j = 0; j < 2; j++) {
            ck_assert_int_eq(got[j].grade, j + 1);
            ck_assert_double_eq(got[j].value, 2.5);
            ck_assert_int_eq(got[j].parts[2], j * 10 + 2);
        }
    }
    mpijob_memory_close(memory);
}
END_TEST

/* ---- Any size, large, mapped ---- */

static const struct {
    int rows, compress;
    size_t large_bytes;
    const char *mode;
} kinds[] = {
    {0, 0, 0, NULL},       {1, 0, 0, NULL},     {1000, 0, 0, NULL},  {1000, 9, 0, NULL},  {1000, -1, 0, NULL},
    {100000, 0, 0, NULL},  {100000, 5, 0, NULL}, {100000, 0, 0, "r"}, {100000, 0, 0, "c"}, {100000, 5, 0, "r"},
    {100000, 0, 0, "r+"},  {10, 0, 1, NULL},     {10, 1, 1, "c"},
};

static void check_table(const mpijob_array *array, int rows, double c)
{
    ck_assert_int_eq(array->ndim, 2);
    ck_assert_uint_eq(array->shape[0], (size_t)rows);
    ck_assert_uint_eq(array->shape[1], 3);
    ck_assert_int_eq(array->type.kind, MPIJOB_FLOAT64);
    const double *values = array->data;
    for (int i = 0; i < 3 * rows; i++)
        ck_assert_double_eq(values[i], c + i);
}

static int warnings;

static void count_warning(int level, const char *text, void *payload)
{
    (void)level, (void)text, (void)payload;
    warnings++;
}

START_TEST(arrays)
{
    mpijob_memory_options options = {.compress = kinds[_i].compress,
                                     .large_bytes = kinds[_i].large_bytes,
                                     .mmap_mode = kinds[_i].mode,
                                     .log = count_warning};
    fit_args args = {.c = 0.5, .fold = kinds[_i].rows};
    warnings = table_calls = 0;
    for (int round = 0; round < 2; round++) {
        mpijob_memory *memory = open_memory(area.folder, &options);
        mpijob_function cached = cache(memory, &table, NULL);
        for (int i = 0; i < 3; i++) {
            mpijob_array array;
            mpijob_error err = {.text = ""};
            ck_assert_msg(mpijob_function_call_array(&array, &cached, &args, NULL, &err) == MPIJOB_OK, "%s", err.text);
            check_table(&array, kinds[_i].rows, 0.5);
            if (kinds[_i].mode && kinds[_i].mode[0] == 'c' && kinds[_i].rows)
                *(double *)array.data = 77; /* stays in this process */
            mpijob_array_free(&array);
        }
        mpijob_memory_close(memory);
    }
    ck_assert_int_eq(table_calls, 1);
    ck_assert_int_eq(warnings, kinds[_i].mode && strcmp(kinds[_i].mode, "r+") == 0 ? 2 : 0);
}
END_TEST

/* ---- Damaged files ---- */

static void only_large_file(char *path, size_t bytes)
{
    char pattern[MPJ_PATH_BYTES];
    glob_t found;
    snprintf(pattern, sizeof pattern, "%s/mpijob/table/large/*/*", area.folder);
    ck_assert_int_eq(glob(pattern, 0, NULL, &found), 0);
    ck_assert_uint_eq(found.gl_pathc, 1);
    snprintf(path, bytes, "%s", found.gl_pathv[0]);
    globfree(&found);
}

static const struct {
    const char *mode, *rights;
} modes[] = {{"r", "r--s"}, {"c", "rw-p"}, {"r+", "rw-p"}, {"w+", "rw-p"}};

/* As /proc/self/maps has it; "": it is not mapped. */
static void rights_of(char rights[8], const char *path)
{
    char line[MPJ_PATH_BYTES + 200];
    FILE *maps = fopen("/proc/self/maps", "r");
    ck_assert_ptr_nonnull(maps);
    rights[0] = '\0';
    while (fgets(line, sizeof line, maps))
        if (strstr(line, path))
            sscanf(line, "%*s %7s", rights);
    fclose(maps);
}

/* What is written through a map of a stored result stays in this process. */
START_TEST(mapped_results)
{
    char path[MPJ_PATH_BYTES], rights[8];
    const mpijob_memory_options options = {.mmap_mode = modes[_i].mode, .log = count_warning};
    const fit_args args = {.c = 0.5, .fold = 100000};
    mpijob_array array;
    mpijob_store *store;
    mpijob_memory *memory = open_memory(area.folder, &options);
    mpijob_function cached = cache(memory, &table, NULL);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(mpijob_function_call_array(&array, &cached, &args, NULL, NULL), MPIJOB_OK);
        check_table(&array, 100000, 0.5);
        only_large_file(path, sizeof path);
        rights_of(rights, path);
        ck_assert_str_eq(rights, i == 0 ? "" : modes[_i].rights); /* the first is what was computed */
        if (modes[_i].rights[1] == 'w')
            memset(array.data, 0xff, 1000);
        mpijob_array_free(&array);
    }
    mpijob_memory_close(memory);
    ck_assert_int_eq(mpijob_store_open(&store, area.folder, NULL, NULL), MPIJOB_OK);
    ck_assert_int_eq(mpijob_store_verify(NULL, store, NULL, NULL, NULL, NULL, NULL), MPIJOB_OK);
    mpijob_store_close(store);
}
END_TEST

enum { FLIPPED, CUT, GONE, FLIPPED_MAPPED };

START_TEST(damaged_large_files)
{
    mpijob_memory_options options = {
        .log = count_warning, .mmap_mode = _i == FLIPPED_MAPPED ? "r" : NULL, .check_mapped = 1};
    mpijob_memory *memory = open_memory(area.folder, &options);
    mpijob_function cached = cache(memory, &table, NULL);
    fit_args args = {.c = 1, .fold = 100000};
    mpijob_array array;
    char path[MPJ_PATH_BYTES];
    table_calls = warnings = 0;
    ck_assert_int_eq(mpijob_function_call_array(&array, &cached, &args, NULL, NULL), MPIJOB_OK);
    mpijob_array_free(&array);
    only_large_file(path, sizeof path);
    if (_i == GONE) {
        ck_assert_int_eq(unlink(path), 0);
    } else if (_i == CUT) {
        ck_assert_int_eq(truncate(path, 1000000), 0);
    } else {
        FILE *file = fopen(path, "r+");
        ck_assert_int_eq(fseek(file, 1234567, SEEK_SET), 0);
        fputc(0x5A, file);
        fclose(file);
    }
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(mpijob_function_call_array(&array, &cached, &args, NULL, NULL), MPIJOB_OK);
        check_table(&array, 100000, 1);
        mpijob_array_free(&array);
        ck_assert_int_eq(table_calls, 2);
    }
    ck_assert_int_eq(warnings, _i != GONE);
    mpijob_memory_close(memory);
}
END_TEST

/* ---- References ---- */

START_TEST(references)
{
    mpijob_memory *memory = open_memory(_i == 2 ? NULL : area.folder, NULL);
    mpijob_function cached = cache(memory, &table, NULL);
    fit_args args = {.c = 3, .fold = _i == 1 ? 100000 : 5};
    mpijob_reference first, second;
    mpijob_error err = {.text = ""};
    mpijob_array array;
    table_calls = 0;
    ck_assert_int_eq(mpijob_function_call_and_shelve(&first, &cached, &args, NULL, &err), MPIJOB_OK);
    ck_assert_int_eq(mpijob_function_call_and_shelve(&second, &cached, &args, NULL, &err), MPIJOB_OK);
    ck_assert_int_eq(table_calls, _i == 2 ? 2 : 1);
    ck_assert_int_eq(mpijob_reference_is_portable(&second), _i != 2);
    ck_assert_uint_eq(first.bytes, (size_t)args.fold * 24);
    for (int i = 0; i < 2; i++) {
        ck_assert_msg(mpijob_reference_get(&array, i ? &second : &first, memory, &err) == MPIJOB_OK, "%s", err.text);
        check_table(&array, args.fold, 3);
        mpijob_array_free(&array);
    }
    ck_assert_int_eq(mpijob_reference_clear(&first, memory, &err), MPIJOB_OK);
    if (_i != 2)
        ck_assert_int_eq(mpijob_reference_get(&array, &second, memory, &err), MPIJOB_ENOTFOUND);
    mpijob_reference_free(&first);
    mpijob_reference_free(&second);
    mpijob_memory_close(memory);
}
END_TEST

/* By a process that never cached the function. */
START_TEST(references_elsewhere)
{
    fit_args args = {.c = 3, .fold = _i ? 100000 : 5};
    mpijob_reference reference;
    mpijob_memory *memory = open_memory(area.folder, NULL);
    mpijob_function cached = cache(memory, &table, NULL);
    ck_assert_int_eq(mpijob_function_call_and_shelve(&reference, &cached, &args, NULL, NULL), MPIJOB_OK);
    mpijob_memory_close(memory);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        mpijob_array array;
        mpijob_error err = {.text = ""};
        memory = open_memory(area.folder, NULL);
        if (mpijob_reference_get(&array, &reference, memory, &err) != MPIJOB_OK)
            ck_abort_msg("%s", err.text);
        check_table(&array, args.fold, 3);
        mpijob_array_free(&array);
        mpijob_memory_close(memory);
        _exit(0);
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("memory_results");
    TCase *group = tcase_create("results");
    tcase_add_checked_fixture(group, make_area, remove_area);
    tcase_set_timeout(group, 120);
    tcase_add_loop_test(group, structs, 0, 2);
    tcase_add_loop_test(group, arrays, 0, UNIT_COUNT(kinds));
    tcase_add_loop_test(group, mapped_results, 0, UNIT_COUNT(modes));
    tcase_add_loop_test(group, damaged_large_files, 0, 4);
    tcase_add_loop_test(group, references, 0, 3);
    tcase_add_loop_test(group, references_elsewhere, 0, 2);
    suite_add_tcase(suite, group);
    return unit_run(suite);
}
