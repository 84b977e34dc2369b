/* Groups: several arrays and their attributes, inner groups, and what can go wrong with them. */
#include "array/forms.h"
#include "base/alloc.h"

#include "failing.h"
#include "zarr_values.h"

#include <stdio.h>

static const size_t shape_a[] = {20, 3}, shape_b[] = {7};

static void make_members(mpijob_member members[2])
{
    members[0] = (mpijob_member){"b", zarr_array(zarr_type(MPIJOB_FLOAT64), 2, shape_a, 'F'), "{\"unit\": \"m\"}"};
    members[1] = (mpijob_member){"a", zarr_array(zarr_type(MPIJOB_RECORD), 1, shape_b, 'C'), NULL};
}

static void free_members(mpijob_member members[2])
{
    free(members[0].array.data);
    free(members[1].array.data);
}

static const char *group_name(int i)
{
    return i ? "g.zarr.zip" : "g.zarr";
}

static void assert_member(const mpijob_member *member, const char *name, int kind, const size_t *shape)
{
    ck_assert_ptr_nonnull(member);
    ck_assert_str_eq(member->name, name);
    mpijob_type type = zarr_type(kind);
    ck_assert_int_eq(member->array.type.kind, kind);
    ck_assert_uint_eq(member->array.shape[0], shape[0]);
    if (kind != MPIJOB_RECORD && member->array.data)
        ck_assert_uint_eq(zarr_differences(&member->array, &type, shape, NULL), 0);
}

START_TEST(test_round_trip)
{
    mpijob_member members[2];
    mpijob_group *group;
    mpijob_error err = {0};
    mpijob_verify_result result;
    const char *path = scratch_path(&files, group_name(_i));
    make_members(members);
    ck_assert_msg(mpijob_dump_group(members, 2, "{\"g\": [1]}", path, &(mpijob_dump_options){.compress = 3}, &err) == 0,
                  "%s", err.text);
    for (int list = 0; list < 2; list++) {
        int status = list ? mpijob_list_group(&group, path, &err) : mpijob_load_group(&group, path, NULL, &err);
        ck_assert_msg(status == 0, "%s", err.text);
        ck_assert_uint_eq(mpijob_group_count(group), 2);
        ck_assert_str_eq(mpijob_group_attributes(group), "{\"g\": [1]}");
        assert_member(mpijob_group_member(group, 0), "a", MPIJOB_RECORD, shape_b);
        assert_member(mpijob_group_find(group, "b"), "b", MPIJOB_FLOAT64, shape_a);
        ck_assert_str_eq(mpijob_group_find(group, "b")->attributes, "{\"unit\": \"m\"}");
        ck_assert_ptr_null(mpijob_group_find(group, "a")->attributes);
        ck_assert_int_eq(mpijob_group_find(group, "a")->array.data == NULL, list);
        ck_assert_ptr_null(mpijob_group_find(group, "c"));
        ck_assert_ptr_null(mpijob_group_member(group, 2));
        mpijob_group_free(group);
    }
    mpijob_array one;
    ck_assert_int_eq(mpijob_load(&one, path, &(mpijob_load_options){.name = "b"}, NULL), 0);
    ck_assert_uint_eq(zarr_differences(&one, &members[0].array.type, shape_a, NULL), 0);
    mpijob_array_free(&one);
    ck_assert_int_eq(mpijob_load(&one, path, &(mpijob_load_options){.name = "c"}, NULL), MPIJOB_ENOTFOUND);
    ck_assert_int_eq(mpijob_verify(&result, path, NULL, NULL, NULL, NULL, NULL), 0);
    ck_assert_uint_eq(result.arrays, 2);
    ck_assert_uint_eq(result.unsummed, 0);
    free_members(members);
}
END_TEST

START_TEST(test_inner_groups)
{
    int32_t values[] = {1, 2, 3};
    mpijob_array array = mpijob_array_of(values, mpijob_type_of(MPIJOB_INT32), 1, (size_t[]){3});
    mpijob_member members[] = {{"in/x", array, NULL}, {"in/deep/y", array, "{\"k\": 1}"}, {"in-z", array, NULL}};
    static const char *const names[] = {"in-z", "in/deep/y", "in/x"};
    mpijob_group *group;
    mpijob_error err = {0};
    const char *path = scratch_path(&files, group_name(_i));
    ck_assert_msg(mpj_group_dump(members, 3, NULL, path, NULL, &err) == 0, "%s", err.text);
    ck_assert_msg(mpijob_load_group(&group, path, NULL, &err) == 0, "%s", err.text);
    ck_assert_uint_eq(mpijob_group_count(group), 3);
    ck_assert_str_eq(mpijob_group_attributes(group), "{}");
    for (size_t i = 0; i < 3; i++) {
        ck_assert_str_eq(mpijob_group_member(group, i)->name, names[i]);
        ck_assert_mem_eq(mpijob_group_member(group, i)->array.data, values, sizeof values);
    }
    ck_assert_str_eq(mpijob_group_find(group, "in/deep/y")->attributes, "{\"k\": 1}");
    mpijob_group_free(group);
}
END_TEST

START_TEST(test_empty_and_single)
{
    mpijob_group *group;
    const char *path = scratch_path(&files, group_name(_i));
    ck_assert_int_eq(mpijob_dump_group(NULL, 0, NULL, path, NULL, NULL), 0);
    ck_assert_int_eq(mpijob_load_group(&group, path, NULL, NULL), 0);
    ck_assert_uint_eq(mpijob_group_count(group), 0);
    mpijob_group_free(group);
    double x[] = {1, 2};
    mpijob_array array = mpijob_array_of(x, mpijob_type_of(MPIJOB_FLOAT64), 1, (size_t[]){2});
    ck_assert_int_eq(mpijob_dump(&array, scratch_path(&files, "x.npy"), NULL, NULL), 0);
    ck_assert_int_eq(mpijob_dump(&array, scratch_path(&files, "x.zarr"), &(mpijob_dump_options){.compress = 1}, NULL),
                     0);
    for (int npy = 0; npy < 2; npy++) {
        path = scratch_path(&files, npy ? "x.npy" : "x.zarr");
        ck_assert_int_eq(mpijob_list_group(&group, path, NULL), 0);
        ck_assert_uint_eq(mpijob_group_count(group), 1);
        ck_assert_str_eq(mpijob_group_member(group, 0)->name, "");
        ck_assert_ptr_null(mpijob_group_member(group, 0)->array.data);
        ck_assert_uint_eq(mpijob_group_member(group, 0)->array.shape[0], 2);
        mpijob_group_free(group);
        ck_assert_int_eq(mpijob_load_group(&group, path, NULL, NULL), 0);
        ck_assert_mem_eq(mpijob_group_find(group, "")->array.data, x, sizeof x);
        mpijob_group_free(group);
    }
}
END_TEST

/* Groups inside, there and back; and what a call that succeeds leaves in the record. */
START_TEST(test_nested_and_silent)
{
    double x[] = {1, 2};
    mpijob_group *group;
    mpijob_array loaded;
    mpijob_error err = {.text = "untouched"};
    mpijob_array array = mpijob_array_of(x, mpijob_type_of(MPIJOB_FLOAT64), 1, (size_t[]){2});
    mpijob_member members[] = {{"inner/deep/y", array, NULL}, {"x", array, "{\"unit\": \"mm\"}"}};
    const char *path = scratch_path(&files, group_name(_i));
    ck_assert_int_eq(mpijob_dump_group(members, 2, NULL, path, NULL, &err), 0);
    ck_assert_int_eq(mpijob_load_group(&group, path, NULL, &err), 0);
    ck_assert_int_eq(
        mpijob_dump_group(mpijob_group_member(group, 0), 2, mpijob_group_attributes(group), path, NULL, &err), 0);
    mpijob_group_free(group);
    ck_assert_int_eq(mpijob_load(&loaded, path, &(mpijob_load_options){.name = "inner/deep/y"}, &err), 0);
    ck_assert_mem_eq(loaded.data, x, sizeof x);
    mpijob_array_free(&loaded);
    ck_assert_int_eq(mpijob_dump_group(members + 1, 1, NULL, path, NULL, &err), 0);
    ck_assert_int_eq(mpijob_load(&loaded, path, NULL, &err), 0);
    mpijob_array_free(&loaded);
    ck_assert_str_eq(err.text, "untouched");
}
END_TEST

START_TEST(test_refused)
{
    double x[] = {1};
    mpijob_array array = mpijob_array_of(x, mpijob_type_of(MPIJOB_FLOAT64), 0, NULL);
    static char long_name[202];
    memset(long_name, 'n', 201);
    mpijob_member bad[][2] = {
        {{"a", array, NULL}, {"a", array, NULL}},  {{"", array, NULL}, {"b", array, NULL}},
        {{".a", array, NULL}, {"b", array, NULL}}, {{"a//b", array, NULL}, {"b", array, NULL}},
        {{NULL, array, NULL}, {"b", array, NULL}}, {{long_name, array, NULL}, {"b", array, NULL}},
        {{"a", array, "[1]"}, {"b", array, NULL}}, {{"a", array, "{"}, {"b", array, NULL}},
        {{"a", {0}, NULL}, {"b", array, NULL}},
    };
    const char *path = scratch_path(&files, "g.zarr");
    mpijob_member good[] = {{"a", array, NULL}};
    for (int i = 0; i < UNIT_COUNT(bad); i++)
        ck_assert_msg(mpijob_dump_group(bad[i], 2, NULL, path, NULL, NULL) == MPIJOB_EINVAL, "%d", i);
    mpijob_dump_options options[] = {
        {.format = MPIJOB_NPY}, {.format = 3}, {.chunks = (size_t[]){1}}, {.attributes = "{}"}, {.compress = 10}};
    for (int i = 0; i < UNIT_COUNT(options); i++)
        ck_assert_int_eq(mpijob_dump_group(good, 1, NULL, path, &options[i], NULL), MPIJOB_EINVAL);
    ck_assert_int_eq(mpijob_dump_group(good, 1, "7", path, NULL, NULL), MPIJOB_EINVAL);
    mpijob_member clash[] = {{"a", array, NULL}, {"a/b", array, NULL}};
    ck_assert_int_eq(mpj_group_dump(clash, 2, NULL, path, NULL, NULL), MPIJOB_EINVAL);
    ck_assert_int_eq(scratch_names(&files), 0);
    mpijob_group *group;
    mpijob_load_options load[] = {
        {.mmap_mode = "r"}, {.into = x, .into_bytes = 8}, {.region = &(mpijob_region){0}}, {.name = "a"}};
    ck_assert_int_eq(mpijob_dump_group(good, 1, NULL, path, NULL, NULL), 0);
    for (int i = 0; i < UNIT_COUNT(load); i++)
        ck_assert_int_eq(mpijob_load_group(&group, path, &load[i], NULL), MPIJOB_EINVAL);
}
END_TEST

/* Each file gone or changed: all members as they were, or an error. A member that vanished is one. */
START_TEST(test_damage)
{
    static const struct {
        const char *file;
        int status; /* of loading without it */
    } cases[] = {{"g.zarr/.zgroup", MPIJOB_EUNSUPPORTED},    {"g.zarr/.zattrs", MPIJOB_ECORRUPT},
                 {"g.zarr/.mpijob-sums", MPIJOB_OK},         {"g.zarr/a/.zarray", MPIJOB_ECORRUPT},
                 {"g.zarr/a/.mpijob-sums", MPIJOB_ECORRUPT}, {"g.zarr/a/0", MPIJOB_ECORRUPT},
                 {"g.zarr/b/.zattrs", MPIJOB_ECORRUPT},      {"g.zarr/b", MPIJOB_ECORRUPT}};
    mpijob_member members[2];
    mpijob_verify_result result;
    mpijob_group *group;
    mpijob_error err = {0};
    make_members(members);
    char path[512], file[512];
    snprintf(path, sizeof path, "%s/g.zarr", files.folder);
    snprintf(file, sizeof file, "%s/%s", files.folder, cases[_i].file);
    ck_assert_int_eq(mpijob_dump_group(members, 2, "{\"g\": 1}", path, &(mpijob_dump_options){.compress = 1}, NULL), 0);
    ck_assert_int_eq(strcmp(cases[_i].file, "g.zarr/b") == 0 ? mpj_folder_remove(file, NULL) : remove(file), 0);
    int status = mpijob_load_group(&group, path, NULL, &err);
    ck_assert_msg(status == cases[_i].status, "%d %s", status, err.text);
    if (status == MPIJOB_OK) {
        ck_assert_uint_eq(mpijob_group_count(group), 2);
        mpijob_group_free(group);
    }
    ck_assert_int_eq(mpijob_verify(&result, path, NULL, NULL, NULL, NULL, NULL), cases[_i].status);
    free_members(members);
}
END_TEST

/* As deep as groups may be, what is dumped is loaded; deeper is refused, not written for nobody to read. */
START_TEST(test_depth)
{
    double x[] = {1.5};
    char name[2 * 66 + 1] = "";
    mpijob_member member = {name, mpijob_array_of(x, mpijob_type_of(MPIJOB_FLOAT64), 0, NULL), NULL};
    mpijob_group *group;
    mpijob_error err = {0};
    const char *path = scratch_path(&files, group_name(_i));
    for (int i = 0; i < 64; i++)
        strcat(name, "g/");
    strcat(name, "a");
    ck_assert_msg(mpijob_dump_group(&member, 1, NULL, path, NULL, &err) == MPIJOB_OK, "%s", err.text);
    ck_assert_msg(mpijob_load_group(&group, path, NULL, &err) == MPIJOB_OK, "%s", err.text);
    ck_assert_str_eq(mpijob_group_member(group, 0)->name, name);
    mpijob_group_free(group);
    strcat(name, "/a");
    ck_assert_int_eq(mpijob_dump_group(&member, 1, NULL, path, NULL, &err), MPIJOB_EINVAL);
    ck_assert_msg(strstr(err.text, "64 groups") != NULL, "%s", err.text);
}
END_TEST

static void count_damage(const char *file, const char *chunk, const char *reason, void *payload)
{
    (void)file;
    (void)chunk;
    ck_assert_msg(strstr(reason, "b/.zarray") != NULL, "%s", reason);
    ++*(int *)payload;
}

/* Something else in the place of a member's own file: told of, and the other members are looked at all the same. */
START_TEST(test_a_folder_for_a_file)
{
    mpijob_member members[2];
    mpijob_verify_result result;
    char file[512];
    int told = 0;
    make_members(members);
    const char *path = scratch_path(&files, "g.zarr");
    ck_assert_int_eq(mpijob_dump_group(members, 2, NULL, path, &(mpijob_dump_options){.compress = 1}, NULL), MPIJOB_OK);
    snprintf(file, sizeof file, "%s/g.zarr/b/.zarray", files.folder);
    ck_assert_int_eq(remove(file), 0);
    ck_assert_int_eq(mpj_folder_create(file, NULL), MPIJOB_OK);
    ck_assert_int_eq(mpijob_verify(&result, path, count_damage, &told, NULL, NULL, NULL), MPIJOB_ECORRUPT);
    ck_assert_int_eq(told, 1);
    ck_assert_uint_eq(result.arrays, 1);
    ck_assert_uint_eq(result.damaged, 1);
    free_members(members);
}
END_TEST

START_TEST(test_no_memory)
{
    mpijob_member members[2];
    make_members(members);
    const char *path = scratch_path(&files, group_name(_i));
    for (failing f = failing_begin(); failing_next(&f);) {
        int status =
            mpijob_dump_group(members, 2, "{}", path, &(mpijob_dump_options){.compress = 1, .threads = 1}, NULL);
        failing_stop(&f);
        ck_assert_msg(status == MPIJOB_OK || (f.failed && status == MPIJOB_ENOMEM), "%d", status);
        ck_assert_int_eq(scratch_names(&files), status == MPIJOB_OK);
        if (status == MPIJOB_OK && f.failed)
            ck_assert_int_eq(_i ? remove(path) : mpj_folder_remove(path, NULL), 0);
    }
    for (failing f = failing_begin(); failing_next(&f);) {
        mpijob_group *group;
        int status = mpijob_load_group(&group, path, &(mpijob_load_options){.threads = 1}, NULL);
        failing_stop(&f);
        ck_assert_msg(status == MPIJOB_OK || (f.failed && status == MPIJOB_ENOMEM), "%d", status);
        if (status != MPIJOB_OK)
            continue;
        assert_member(mpijob_group_find(group, "b"), "b", MPIJOB_FLOAT64, shape_a);
        mpijob_group_free(group);
    }
    free_members(members);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("group");
    TCase *tests = tcase_create("group");
    tcase_add_checked_fixture(tests, files_begin, files_end);
    tcase_add_loop_test(tests, test_round_trip, 0, 2);
    tcase_add_loop_test(tests, test_inner_groups, 0, 2);
    tcase_add_loop_test(tests, test_empty_and_single, 0, 2);
    tcase_add_loop_test(tests, test_nested_and_silent, 0, 2);
    tcase_add_test(tests, test_refused);
    tcase_add_loop_test(tests, test_damage, 0, 8);
    tcase_add_loop_test(tests, test_depth, 0, 2);
    tcase_add_test(tests, test_a_folder_for_a_file);
    tcase_add_loop_test(tests, test_no_memory, 0, 2);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
