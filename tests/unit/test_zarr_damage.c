/* Damage: each byte changed, each file cut at each length, each file removed; what comes back is the right array or an
 * error. Replacing a folder while being killed. */
#include "array/sums.h"
#include "base/alloc.h"

#include "zarr_values.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static const size_t small_shape[] = {7, 5};
static const size_t small_chunks[] = {4, 3};

static mpijob_array make_small(void)
{
    return zarr_array(zarr_type(MPIJOB_INT32), 2, small_shape, 'C');
}

static const mpijob_dump_options small_options = {.compress = 1, .chunks = small_chunks, .attributes = "{\"a\": 1}"};

/* Whatever the status: never a wrong array. Returns the status. */
static int load_is_right(const char *path)
{
    mpijob_array back;
    mpijob_error err = {0};
    mpijob_type type = zarr_type(MPIJOB_INT32);
    int status = mpijob_load(&back, path, &(mpijob_load_options){.threads = 1}, &err);
    if (status == MPIJOB_OK) {
        ck_assert_int_eq(back.ndim, 2);
        ck_assert_mem_eq(back.shape, small_shape, sizeof small_shape);
        ck_assert_int_eq(back.type.kind, MPIJOB_INT32);
        ck_assert_uint_eq(zarr_differences(&back, &type, small_shape, NULL), 0);
        mpijob_array_free(&back);
    } else {
        ck_assert_str_ne(err.text, "");
    }
    return status;
}

/* Verification finds all that loading finds. */
static void check(const char *path)
{
    mpijob_verify_result result;
    int status = load_is_right(path);
    int verified = mpijob_verify(&result, path, NULL, NULL, NULL, NULL, NULL);
    if (status != MPIJOB_OK)
        ck_assert_int_ne(verified, MPIJOB_OK);
}

static void damage_file(const char *name, const char *path)
{
    char file[512];
    snprintf(file, sizeof file, "%s/%s", files.folder, name);
    size_t count;
    unsigned char *bytes = files_read(file, &count);
    for (size_t i = 0; i < count; i++) {
        static const unsigned char masks[] = {1, 0x80, 0xff, 0x10};
        for (int m = 0; m < UNIT_COUNT(masks); m++) {
            bytes[i] ^= masks[m];
            files_write(file, bytes, count);
            check(path);
            bytes[i] ^= masks[m];
        }
    }
    for (size_t i = 0; i < count; i++) {
        files_write(file, bytes, i);
        check(path);
    }
    unsigned char *longer = malloc(count + 1);
    memcpy(longer, bytes, count);
    longer[count] = '\n';
    files_write(file, longer, count + 1);
    check(path);
    free(longer);
    ck_assert_int_eq(remove(file), 0);
    check(path);
    files_write(file, bytes, count);
    ck_assert_int_eq(load_is_right(path), MPIJOB_OK);
    free(bytes);
}

static const char *const folder_files[] = {"x.zarr/.zarray", "x.zarr/.zattrs", "x.zarr/.mpijob-sums",
                                           "x.zarr/0.0",     "x.zarr/1.1",     "x.zarr/0.1"};

START_TEST(test_folder)
{
    mpijob_array array = make_small();
    char path[512];
    snprintf(path, sizeof path, "%s/x.zarr", files.folder);
    ck_assert_int_eq(mpijob_dump(&array, path, &small_options, NULL), 0);
    damage_file(folder_files[_i], path);
    free(array.data);
}
END_TEST

START_TEST(test_zip)
{
    mpijob_array array = make_small();
    char path[512];
    snprintf(path, sizeof path, "%s/x.zarr.zip", files.folder);
    ck_assert_int_eq(mpijob_dump(&array, path, &small_options, NULL), 0);
    damage_file("x.zarr.zip", path);
    free(array.data);
}
END_TEST

/* A change of a chunk is always noticed, uncompressed too. */
START_TEST(test_every_flip_of_a_chunk_is_noticed)
{
    mpijob_array array = make_small();
    mpijob_dump_options options = {.format = MPIJOB_ZARR, .chunks = small_chunks, .compress = _i};
    char path[512], chunk[600];
    snprintf(path, sizeof path, "%s/x.zarr", files.folder);
    snprintf(chunk, sizeof chunk, "%s/1.0", path);
    ck_assert_int_eq(mpijob_dump(&array, path, &options, NULL), 0);
    size_t count;
    unsigned char *bytes = files_read(chunk, &count);
    for (size_t i = 0; i < 8 * count; i++) {
        bytes[i / 8] ^= (unsigned char)(1 << i % 8);
        files_write(chunk, bytes, count);
        ck_assert_int_eq(load_is_right(path), MPIJOB_ECORRUPT);
        bytes[i / 8] ^= (unsigned char)(1 << i % 8);
    }
    free(bytes);
    free(array.data);
}
END_TEST

/* Foreign: without the list, what a flip does to the values cannot be seen; but nothing else may happen. */
START_TEST(test_unsummed_survives)
{
    mpijob_array array = make_small();
    char path[512], name[600];
    snprintf(path, sizeof path, "%s/x.zarr", files.folder);
    ck_assert_int_eq(mpijob_dump(&array, path, &small_options, NULL), 0);
    snprintf(name, sizeof name, "%s/.mpijob-sums", path);
    ck_assert_int_eq(remove(name), 0);
    for (int f = 0; f < UNIT_COUNT(folder_files); f++) {
        if (strstr(folder_files[f], "sums"))
            continue;
        size_t count;
        snprintf(name, sizeof name, "%s/%s", files.folder, folder_files[f]);
        unsigned char *bytes = files_read(name, &count);
        for (size_t i = 0; i < 8 * count; i++) {
            mpijob_array back;
            mpijob_array_info info;
            bytes[i / 8] ^= (unsigned char)(1 << i % 8);
            files_write(name, bytes, count);
            if (mpijob_load(&back, path, &(mpijob_load_options){.threads = 1}, NULL) == MPIJOB_OK)
                mpijob_array_free(&back);
            mpijob_array_inspect(&info, path, NULL, NULL);
            bytes[i / 8] ^= (unsigned char)(1 << i % 8);
        }
        files_write(name, bytes, count);
        free(bytes);
    }
    free(array.data);
}
END_TEST

/* ---- What is said ------------------------------------------------------------------------------------------------- */

typedef struct told {
    int count;
    char chunk[8][32], reason[8][512];
} told;

static void tell(const char *file, const char *chunk, const char *reason, void *payload)
{
    told *t = payload;
    ck_assert_ptr_nonnull(strstr(file, "x.zarr"));
    ck_assert_int_lt(t->count, 8);
    snprintf(t->chunk[t->count], sizeof t->chunk[0], "%s", chunk);
    snprintf(t->reason[t->count++], sizeof t->reason[0], "%s", reason);
}

START_TEST(test_verify_goes_on)
{
    mpijob_array array = make_small();
    mpijob_verify_result result;
    mpijob_error err = {0};
    told t = {0};
    char path[512], name[600];
    snprintf(path, sizeof path, "%s/x.zarr", files.folder);
    ck_assert_int_eq(mpijob_dump(&array, path, &small_options, NULL), 0);
    files_write(scratch_path(&files, "x.zarr/0.0"), "none", 4);
    snprintf(name, sizeof name, "%s/1.1", path);
    ck_assert_int_eq(remove(name), 0);
    files_write(scratch_path(&files, "x.zarr/.zattrs"), "{\"a\": 2}", 8);
    ck_assert_int_eq(mpijob_verify(&result, path, tell, &t, NULL, NULL, &err), MPIJOB_ECORRUPT);
    ck_assert_int_eq(t.count, 3);
    ck_assert_str_eq(t.chunk[0], "0.0");
    ck_assert_str_eq(t.chunk[1], "1.1");
    ck_assert_ptr_nonnull(strstr(t.reason[1], "missing"));
    ck_assert_str_eq(t.chunk[2], "");
    ck_assert_ptr_nonnull(strstr(t.reason[2], ".zattrs"));
    ck_assert_str_eq(err.text, t.reason[0]);
    ck_assert_uint_eq(result.arrays, 1);
    ck_assert_uint_eq(result.chunks, 5);
    ck_assert_uint_eq(result.damaged, 3);
    ck_assert_uint_eq(result.unsummed, 0);
    ck_assert_uint_eq(result.bytes, 7 * 5 * 4);
    free(array.data);
}
END_TEST

/* Another program changed a chunk on purpose: the message says what to do, and doing it helps. */
START_TEST(test_advice)
{
    mpijob_array array = make_small(), back;
    mpijob_error err = {0};
    size_t count;
    ck_assert_int_eq(mpijob_dump(&array, scratch_path(&files, "x.zarr"), &small_options, NULL), 0);
    unsigned char *bytes = files_read(scratch_path(&files, "x.zarr/0.0"), &count);
    files_write(scratch_path(&files, "x.zarr/0.1"), bytes, count);
    ck_assert_int_eq(mpijob_load(&back, scratch_path(&files, "x.zarr"), NULL, &err), MPIJOB_ECORRUPT);
    ck_assert_ptr_nonnull(strstr(err.text, "x.zarr/0.1"));
    ck_assert_ptr_nonnull(strstr(err.text, "remove .mpijob-sums"));
    ck_assert_int_eq(remove(scratch_path(&files, "x.zarr/.mpijob-sums")), 0);
    ck_assert_int_eq(mpijob_load(&back, scratch_path(&files, "x.zarr"), NULL, &err), MPIJOB_OK);
    mpijob_array_free(&back);
    free(bytes);
    free(array.data);
}
END_TEST

START_TEST(test_bad_lists)
{
    static const char *const bad[] = {"",
                                      "mpijob-sums 1 xxh3-64\n",
                                      "mpijob-sums 1 xxh3-64\n0123456789abcdef 0 end\n",
                                      "mpijob-sums 2 xxh3-64\n0123456789abcdef 0 end\n",
                                      "hello\n",
                                      "mpijob-sums 1 xxh3-64\n\n\n\n"};
    for (int i = 0; i < UNIT_COUNT(bad); i++) {
        mpj_sums sums;
        size_t bytes = strlen(bad[i]);
        char *text = mpj_alloc(bytes + 1);
        memcpy(text, bad[i], bytes);
        ck_assert_int_ne(mpj_sums_parse(&sums, text, bytes, "x", NULL), MPIJOB_OK);
    }
}
END_TEST

/* ---- Killed ------------------------------------------------------------------------------------------------------- */

/* Whole arrays of one value each; the value says which. -1: neither. */
static int64_t value_at(const char *path)
{
    mpijob_array back;
    mpijob_error err = {0};
    int status = mpijob_load(&back, path, NULL, &err);
    ck_assert_msg(status == MPIJOB_OK, "%s", err.text);
    const int64_t *values = back.data;
    int64_t value = values[0];
    for (size_t i = 0; i < mpijob_array_count(&back); i++)
        value = values[i] == value ? value : -1;
    mpijob_array_free(&back);
    return value;
}

static void dump_value(const char *path, int64_t value)
{
    enum {
        count = 3000
    };
    static int64_t values[count];
    for (int i = 0; i < count; i++)
        values[i] = value;
    mpijob_array array = mpijob_array_of(values, mpijob_type_of(MPIJOB_INT64), 1, (size_t[]){count});
    if (mpijob_dump(&array, path, &(mpijob_dump_options){.compress = 1, .chunks = (size_t[]){100}, .threads = 2},
                    NULL) != 0)
        _exit(1);
}

START_TEST(test_killed_while_replacing)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", files.folder, _i ? "x.zarr.zip" : "x.zarr");
    dump_value(path, 0);
    int64_t last = 0;
    /* Longer from round to round, until there was time for a dump. */
    for (int round = 0; round < 20 || last == 0; round++) {
        pid_t child = fork();
        if (child == 0) {
            for (int64_t value = last + 1;; value++)
                dump_value(path, value);
        }
        usleep((useconds_t)(2000 + round * 1700));
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        int64_t value = value_at(path);
        ck_assert_int_ge(value, last);
        last = value;
    }
    dump_value(path, last + 1);
    ck_assert_int_eq(value_at(path), last + 1);
    ck_assert_int_gt(last, 0);
    ck_assert_int_eq(scratch_names(&files), 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("zarr_damage");
    TCase *tests = tcase_create("damage");
    tcase_add_checked_fixture(tests, files_begin, files_end);
    tcase_add_loop_test(tests, test_folder, 0, UNIT_COUNT(folder_files));
    tcase_add_test(tests, test_zip);
    tcase_add_loop_test(tests, test_every_flip_of_a_chunk_is_noticed, 0, 2);
    tcase_add_test(tests, test_unsummed_survives);
    tcase_add_test(tests, test_verify_goes_on);
    tcase_add_test(tests, test_advice);
    tcase_add_test(tests, test_bad_lists);
    tcase_add_loop_test(tests, test_killed_while_replacing, 0, 2);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
