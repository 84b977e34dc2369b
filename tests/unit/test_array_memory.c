/* Public calls that read, with each allocation failing in turn: no memory and nothing else, and nothing left over. Those that
 * write, and whole loads, have such tests beside their others. */
#include "failing.h"
#include "files.h"

#include <mpijob/array.h>
#include <mpijob/hash.h>

#include <string.h>

static const size_t shape[] = {20, 6}, chunks[] = {7, 4};
static double elements[20 * 6];

static mpijob_array block(void)
{
    for (int i = 0; i < UNIT_COUNT(elements); i++)
        elements[i] = i;
    return mpijob_array_of(elements, mpijob_type_of(MPIJOB_FLOAT64), 2, shape);
}

static char paths[5][MPJ_PATH_BYTES];
enum {
    NPY,
    FOLDER,
    ZIP,
    GROUP,
    GROUP_ZIP
};

static void make_files(void)
{
    static const char *const names[] = {"a.npy", "a.zarr", "a.zip", "g.zarr", "g.zip"};
    mpijob_array array = block();
    mpijob_dump_options dump = {.compress = 1, .chunks = chunks, .attributes = "{\"unit\": [\"mm\", 1.5]}"};
    mpijob_dump_options group_dump = {.compress = 1};
    files_begin();
    for (int i = 0; i < UNIT_COUNT(names); i++)
        strcpy(paths[i], scratch_path(&files, names[i]));
    ck_assert_int_eq(mpijob_dump(&array, paths[NPY], NULL, NULL), MPIJOB_OK);
    ck_assert_int_eq(mpijob_dump(&array, paths[FOLDER], &dump, NULL), MPIJOB_OK);
    ck_assert_int_eq(mpijob_dump(&array, paths[ZIP], &dump, NULL), MPIJOB_OK);
    const mpijob_member member = {"inner/a", array, "{\"of\": \"a\"}"};
    for (int i = GROUP; i <= GROUP_ZIP; i++)
        ck_assert_int_eq(mpijob_dump_group(&member, 1, "{\"of\": \"all\"}", paths[i], &group_dump, NULL), MPIJOB_OK);
}

/* ---- The calls ------------------------------------------------------------------------------------------------------ */

typedef int call(const char *path, mpijob_error *err);

static int inspect(const char *path, mpijob_error *err)
{
    mpijob_array_info info;
    int status = mpijob_array_inspect(&info, path, NULL, err);
    ck_assert(status != MPIJOB_OK || (info.ndim == 2 && info.shape[1] == 6));
    return status;
}

static int verify(const char *path, mpijob_error *err)
{
    mpijob_verify_result result;
    int status = mpijob_verify(&result, path, NULL, NULL, NULL, NULL, err);
    ck_assert_uint_eq(result.damaged, 0);
    return status;
}

static int list(const char *path, mpijob_error *err)
{
    mpijob_group *group;
    int status = mpijob_list_group(&group, path, err);
    if (status != MPIJOB_OK)
        return status;
    ck_assert_uint_eq(mpijob_group_count(group), 1);
    mpijob_group_free(group);
    return status;
}

static int load_with(const char *path, const mpijob_load_options *options, mpijob_error *err)
{
    mpijob_array back;
    int status = mpijob_load(&back, path, options, err);
    if (status != MPIJOB_OK)
        return status;
    ck_assert(back.shape[1] == 6);
    mpijob_array_free(&back);
    return status;
}

static int load_only(const char *path, mpijob_error *err)
{
    return load_with(path, &(mpijob_load_options){.threads = 1}, err);
}

static int load_named(const char *path, mpijob_error *err)
{
    return load_with(path, &(mpijob_load_options){.threads = 1, .name = "inner/a"}, err);
}

static int load_rows(const char *path, mpijob_error *err)
{
    mpijob_region rows = {.ndim = 1, .start = {5}, .count = {10}};
    return load_with(path, &(mpijob_load_options){.threads = 1, .region = &rows}, err);
}

static int map_r(const char *path, mpijob_error *err)
{
    return load_with(path, &(mpijob_load_options){.mmap_mode = "r"}, err);
}

static int map_r_plus(const char *path, mpijob_error *err)
{
    return load_with(path, &(mpijob_load_options){.mmap_mode = "r+"}, err);
}

static int map_w_plus(const char *path, mpijob_error *err)
{
    mpijob_array like = block();
    return load_with(path, &(mpijob_load_options){.mmap_mode = "w+", .like = &like}, err);
}

static int hash(const char *path, mpijob_error *err)
{
    mpijob_digest digest;
    mpijob_array back;
    int status = mpijob_load(&back, path, &(mpijob_load_options){.threads = 1}, err);
    if (status != MPIJOB_OK)
        return status;
    back.strides[0] *= 2; /* not in place */
    back.shape[0] /= 2;
    status = mpijob_hash_array(&digest, &back, &(mpijob_hash_options){.threads = 1}, err);
    mpijob_array_free(&back);
    return status;
}

static const struct {
    const char *name;
    call *make;
    int files; /* a bit each */
} calls[] = {{"inspect", inspect, 1 << NPY | 1 << FOLDER | 1 << ZIP | 1 << GROUP | 1 << GROUP_ZIP},
             {"verify", verify, 1 << NPY | 1 << FOLDER | 1 << ZIP | 1 << GROUP | 1 << GROUP_ZIP},
             {"list", list, 1 << NPY | 1 << FOLDER | 1 << ZIP | 1 << GROUP | 1 << GROUP_ZIP},
             {"load a group's only array", load_only, 1 << GROUP | 1 << GROUP_ZIP},
             {"load by name", load_named, 1 << GROUP | 1 << GROUP_ZIP},
             {"load rows", load_rows, 1 << NPY | 1 << FOLDER | 1 << ZIP},
             {"map r", map_r, 1 << NPY},
             {"map r+", map_r_plus, 1 << NPY},
             {"map w+", map_w_plus, 1 << NPY},
             {"hash", hash, 1 << NPY | 1 << ZIP}};

START_TEST(a_shortage_of_memory_is_said_and_loses_nothing)
{
    for (int file = NPY; file <= GROUP_ZIP; file++) {
        if (!(calls[_i].files & 1 << file))
            continue;
        int shortages = 0;
        for (failing f = failing_begin(); failing_next(&f);) {
            mpijob_error err = {0};
            int names = scratch_names(&files);
            int status = calls[_i].make(paths[file], &err);
            failing_stop(&f);
            ck_assert_msg(status == MPIJOB_OK || status == MPIJOB_ENOMEM, "%s: %d %s", calls[_i].name, status,
                          err.text);
            ck_assert_int_eq(err.status, status);
            ck_assert_int_eq(scratch_names(&files), names);
            shortages += status == MPIJOB_ENOMEM;
        }
        ck_assert_int_gt(shortages, 0);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("array_memory");
    TCase *tests = tcase_create("array_memory");
    tcase_add_checked_fixture(tests, make_files, files_end);
    tcase_add_loop_test(tests, a_shortage_of_memory_is_said_and_loses_nothing, 0, UNIT_COUNT(calls));
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
