#include "array/forms.h"
#include "array/place.h"
#include "base/alloc.h"

#include "files.h"

#include <mpijob/array.h>
#include <unistd.h>

static double elements[4] = {1, 2, 3, 4};

static mpijob_array four(void)
{
    return mpijob_array_of(elements, mpijob_type_of(MPIJOB_FLOAT64), 1, (size_t[]){4});
}

static int recognise(mpj_form *form, const char *path, mpijob_error *err)
{
    char found[MPJ_PATH_BYTES];
    mpj_tree *tree;
    int status = mpj_recognise(form, found, &tree, path, err);
    ck_assert_int_eq(tree != NULL, status == MPIJOB_OK && *form != MPJ_FORM_NPY);
    if (tree)
        mpj_tree_close(tree);
    return status;
}

/* ---- What it is ------------------------------------------------------------------------------------------------ */

/* The name says nothing: content does. */
static const struct {
    const char *name;
    mpijob_dump_options options;
    mpj_form form;
} forms[] = {
    {"a.npy", {0}, MPJ_FORM_NPY},
    {"a.zarr", {0}, MPJ_FORM_NPY},
    {"a.zip", {0}, MPJ_FORM_NPY},
    {"a", {.compress = 1}, MPJ_FORM_ZARR_ARRAY},
    {"a.npy", {.format = MPIJOB_ZARR}, MPJ_FORM_ZARR_ARRAY},
    {"a.zip", {.compress = 1}, MPJ_FORM_ZARR_ARRAY},
};

START_TEST(dumps_are_recognised)
{
    mpijob_error err = {0};
    mpijob_array array = four(), back;
    mpj_form form;
    const char *path = scratch_path(&files, forms[_i].name);
    ck_assert_int_eq(mpijob_dump(&array, path, &forms[_i].options, NULL), MPIJOB_OK);
    ck_assert_msg(recognise(&form, path, &err) == MPIJOB_OK, "%s", err.text);
    ck_assert_int_eq(form, forms[_i].form);
    ck_assert_int_eq(mpijob_load(&back, path, NULL, NULL), MPIJOB_OK);
    ck_assert_mem_eq(back.data, elements, sizeof elements);
    mpijob_array_free(&back);
}
END_TEST

START_TEST(symbolic_links_are_followed)
{
    char link_path[MPJ_PATH_BYTES];
    mpijob_array array = four();
    mpj_form form;
    strcpy(link_path, scratch_path(&files, "link"));
    const char *path = scratch_path(&files, "a.npy");
    ck_assert_int_eq(symlink(path, link_path), 0);
    ck_assert_int_eq(recognise(&form, link_path, NULL), MPIJOB_ENOTFOUND);
    ck_assert_int_eq(mpijob_dump(&array, path, NULL, NULL), MPIJOB_OK);
    ck_assert_int_eq(recognise(&form, link_path, NULL), MPIJOB_OK);
}
END_TEST

/* ---- What it is not -------------------------------------------------------------------------------------------- */

static const struct {
    const char *bytes;
    size_t count;
    int status;
    const char *said;
} others[] = {
    {"", 0, MPIJOB_ECORRUPT, "cut short"},
    {"\x93NU", 3, MPIJOB_ECORRUPT, "cut short"},
    {"\x89HDF\r\n\x1a\n and so on", 18, MPIJOB_EUNSUPPORTED, "HDF5"},
    {"CDF\x01 and", 8, MPIJOB_EUNSUPPORTED, "NetCDF"},
    {"\x1f\x8b\x08 and", 7, MPIJOB_EUNSUPPORTED, "gzip"},
    {"BZh9", 4, MPIJOB_EUNSUPPORTED, "bzip2"},
    {"\xfd"
     "7zXZ\0",
     6, MPIJOB_EUNSUPPORTED, "xz"},
    {"\x5d\0\0\x80", 4, MPIJOB_EUNSUPPORTED, "lzma"},
    {"\x04\x22\x4d\x18", 4, MPIJOB_EUNSUPPORTED, "lz4"},
    {"\x28\xb5\x2f\xfd", 4, MPIJOB_EUNSUPPORTED, "zstd"},
    {"\x78\x9c\x01", 3, MPIJOB_EUNSUPPORTED, "zlib"},
    {"\x80\x04\x95", 3, MPIJOB_EUNSUPPORTED, "pickle"},
    {"PAR1", 4, MPIJOB_EUNSUPPORTED, "Parquet"},
    {"MATLAB 5.0 MAT-file", 19, MPIJOB_EUNSUPPORTED, "MATLAB"},
    {"1.5, 2.5\n", 9, MPIJOB_EUNSUPPORTED, "no array"},
    {"P", 1, MPIJOB_EUNSUPPORTED, "no array"},
    {"PK\3\4", 4, MPIJOB_ECORRUPT, ""},
    {"PK\5\6\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 22, MPIJOB_EUNSUPPORTED, "zip"},
};

START_TEST(other_files_say_what_they_seem_to_be)
{
    mpijob_error err = {0};
    mpj_form form;
    const char *path = scratch_path(&files, "a");
    files_write(path, others[_i].bytes, others[_i].count);
    int status = recognise(&form, path, &err);
    ck_assert_msg(status == others[_i].status, "%d %s", status, err.text);
    ck_assert_msg(strstr(err.text, others[_i].said) && strstr(err.text, path), "%s", err.text);
}
END_TEST

START_TEST(other_folders_say_what_they_seem_to_be)
{
    static const struct {
        const char *file;
        int status;
        const char *said;
    } cases[] = {{NULL, MPIJOB_EUNSUPPORTED, "no Zarr"},
                 {"readme", MPIJOB_EUNSUPPORTED, "no Zarr"},
                 {"zarr.json", MPIJOB_EVERSION, "version 3"},
                 {"attributes.json", MPIJOB_EUNSUPPORTED, "N5"}};
    char folder[MPJ_PATH_BYTES], file[MPJ_PATH_BYTES];
    mpijob_error err = {0};
    mpj_form form;
    strcpy(folder, scratch_path(&files, "a.zarr"));
    ck_assert_int_eq(mpj_folder_create(folder, NULL), MPIJOB_OK);
    if (cases[_i].file) {
        ck_assert_int_eq(mpj_path_join(file, folder, cases[_i].file, NULL), MPIJOB_OK);
        files_write(file, "{}", 2);
    }
    int status = recognise(&form, folder, &err);
    ck_assert_msg(status == cases[_i].status, "%d %s", status, err.text);
    ck_assert_msg(strstr(err.text, cases[_i].said) != NULL, "%s", err.text);
    ck_assert_int_eq(mpj_may_replace(folder), cases[_i].file == NULL);
}
END_TEST

START_TEST(zip_files_say_what_they_seem_to_be)
{
    static const char *names[] = {"a.npy", "readme"};
    static const char *said[] = {".npz", "zip file without .zarray"};
    mpj_tree_writer *writer;
    mpj_form form;
    mpijob_error err = {0};
    const char *path = scratch_path(&files, "a.zip");
    ck_assert_int_eq(mpj_tree_create(&writer, path, NULL), MPIJOB_OK);
    ck_assert_int_eq(mpj_tree_put(writer, names[_i], "x", 1, NULL), MPIJOB_OK);
    ck_assert_int_eq(mpj_tree_commit(writer, 0, NULL, NULL), MPIJOB_OK);
    ck_assert_int_eq(recognise(&form, path, &err), MPIJOB_EUNSUPPORTED);
    ck_assert_msg(strstr(err.text, said[_i]) != NULL, "%s", err.text);
}
END_TEST

START_TEST(absurd_paths_are_refused)
{
    static char path[MPJ_PATH_BYTES + 10];
    mpj_form form;
    memset(path, 'a', sizeof path - 1);
    ck_assert_int_eq(recognise(&form, path, NULL), MPIJOB_EINVAL);
}
END_TEST

START_TEST(verify_looks_at_all_forms)
{
    mpijob_array array = four();
    mpijob_verify_result result;
    mpijob_error err = {0};
    const char *path = scratch_path(&files, "x");
    ck_assert_int_eq(mpijob_dump(&array, path, &forms[_i].options, NULL), MPIJOB_OK);
    ck_assert_msg(mpijob_verify(&result, path, NULL, NULL, NULL, NULL, &err) == MPIJOB_OK, "%s", err.text);
    ck_assert_uint_eq(result.arrays, 1);
    ck_assert_uint_eq(result.chunks, 1);
    ck_assert_uint_eq(result.damaged, 0);
    ck_assert_uint_eq(result.bytes, sizeof elements);
}
END_TEST

START_TEST(nothing_and_pipes)
{
    mpj_form form;
    mpijob_error err = {0};
    const char *path = scratch_path(&files, "a");
    ck_assert_int_eq(recognise(&form, path, &err), MPIJOB_ENOTFOUND);
    ck_assert_ptr_nonnull(strstr(err.text, path));
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    ck_assert_int_eq(recognise(&form, path, &err), MPIJOB_EINVAL);
    ck_assert_int_eq(recognise(&form, "", &err), MPIJOB_EINVAL);
}
END_TEST

/* ---- Arrays of groups ------------------------------------------------------------------------------------------ */

static void dump_group(const char *path, size_t count)
{
    mpijob_member members[] = {{.name = "a", .array = four()}, {.name = "b", .array = four()}};
    mpijob_error err = {0};
    ck_assert_msg(mpijob_dump_group(members, count, NULL, path, NULL, &err) == MPIJOB_OK, "%s", err.text);
}

START_TEST(a_group_of_one_stands_for_its_array)
{
    static const char *names[] = {"a.zarr", "a.zip"};
    const char *path = scratch_path(&files, names[_i]);
    mpijob_array back;
    mpijob_array_info info;
    mpj_form form;
    dump_group(path, 1);
    ck_assert_int_eq(recognise(&form, path, NULL), MPIJOB_OK);
    ck_assert_int_eq(form, MPJ_FORM_ZARR_GROUP);
    ck_assert_int_eq(mpijob_load(&back, path, NULL, NULL), MPIJOB_OK);
    ck_assert_mem_eq(back.data, elements, sizeof elements);
    mpijob_array_free(&back);
    ck_assert_int_eq(mpijob_array_inspect(&info, path, NULL, NULL), MPIJOB_OK);
    ck_assert_int_eq(info.zip, _i);
}
END_TEST

START_TEST(one_of_several_is_chosen_by_name)
{
    static const char *names[] = {"a.zarr", "a.zip"};
    const char *path = scratch_path(&files, names[_i]);
    mpijob_array back;
    mpijob_error err = {0};
    dump_group(path, 2);
    ck_assert_int_eq(mpijob_load(&back, path, NULL, &err), MPIJOB_EUNSUPPORTED);
    ck_assert_msg(strstr(err.text, "a, b") != NULL, "%s", err.text);
    ck_assert_int_eq(mpijob_load(&back, path, &(mpijob_load_options){.name = "b"}, &err), MPIJOB_OK);
    mpijob_array_free(&back);
    ck_assert_int_eq(mpijob_load(&back, path, &(mpijob_load_options){.name = "c"}, &err), MPIJOB_ENOTFOUND);
    ck_assert_int_eq(mpijob_load(&back, path, &(mpijob_load_options){.name = "b/c"}, &err), MPIJOB_ENOTFOUND);
    ck_assert_int_eq(mpijob_load(&back, path, &(mpijob_load_options){.name = "b", .mmap_mode = "r"}, &err),
                     MPIJOB_EUNSUPPORTED);
}
END_TEST

START_TEST(many_names_are_cut)
{
    enum {
        COUNT = 40
    };
    static char names[COUNT][32];
    static char absurd[MPJ_PATH_BYTES];
    mpijob_member members[COUNT];
    mpijob_array back;
    mpijob_error err = {0};
    const char *path = scratch_path(&files, "a.zip");
    for (int i = 0; i < COUNT; i++) {
        snprintf(names[i], sizeof names[i], "an array of number %d", i);
        members[i] = (mpijob_member){.name = names[i], .array = four()};
    }
    ck_assert_int_eq(mpijob_dump_group(members, COUNT, NULL, path, NULL, NULL), MPIJOB_OK);
    ck_assert_int_eq(mpijob_load(&back, path, NULL, &err), MPIJOB_EUNSUPPORTED);
    ck_assert_msg(strstr(err.text, "40 arrays: an array of number 0, ") && strstr(err.text, "...;"), "%s", err.text);
    memset(absurd, 'a', sizeof absurd - 1);
    ck_assert_int_eq(mpijob_load(&back, path, &(mpijob_load_options){.name = absurd}, &err), MPIJOB_ENOTFOUND);
}
END_TEST

/* The same whoever asks. */
START_TEST(names_that_no_array_can_have)
{
    static const char *const names[] = {"..", "../x", "a/", "/a", "a//b", "."};
    mpijob_member member = {"a", four(), NULL};
    mpijob_array_info info;
    mpijob_array back;
    const char *path = scratch_path(&files, "g.zarr");
    ck_assert_int_eq(mpijob_dump_group(&member, 1, NULL, path, NULL, NULL), MPIJOB_OK);
    ck_assert_int_eq(mpijob_array_inspect(&info, path, names[_i], NULL), MPIJOB_EINVAL);
    ck_assert_int_eq(mpijob_load(&back, path, &(mpijob_load_options){.name = names[_i]}, NULL), MPIJOB_EINVAL);
}
END_TEST

START_TEST(a_name_is_for_groups)
{
    static const mpijob_dump_options options[] = {{0}, {.compress = 1}};
    const char *path = scratch_path(&files, "x");
    mpijob_array array = four(), back;
    mpijob_error err = {0};
    ck_assert_int_eq(mpijob_dump(&array, path, &options[_i], NULL), MPIJOB_OK);
    ck_assert_int_eq(mpijob_load(&back, path, &(mpijob_load_options){.name = "a"}, &err), MPIJOB_ENOTFOUND);
    ck_assert_int_eq(mpijob_load(&back, path, &(mpijob_load_options){.name = ""}, &err), MPIJOB_OK);
    mpijob_array_free(&back);
}
END_TEST

/* ---- Replacing -------------------------------------------------------------------------------------------------- */

START_TEST(a_dump_replaces_a_dump_of_any_form)
{
    static const struct {
        mpijob_dump_options before, after;
        int status;
    } cases[] = {{{0}, {0}, MPIJOB_OK},
                 {{.compress = 1}, {.compress = 1}, MPIJOB_OK},
                 {{0}, {.compress = 1}, MPIJOB_OK},
                 {{.compress = 1}, {0}, MPIJOB_OK}};
    const char *path = scratch_path(&files, "x");
    mpijob_array array = four(), back;
    mpijob_error err = {0};
    ck_assert_int_eq(mpijob_dump(&array, path, &cases[_i].before, NULL), MPIJOB_OK);
    elements[0] = 17;
    int status = mpijob_dump(&array, path, &cases[_i].after, &err);
    ck_assert_msg(status == cases[_i].status, "%s", err.text);
    ck_assert_int_eq(mpijob_load(&back, path, NULL, NULL), MPIJOB_OK);
    ck_assert(((double *)back.data)[0] == 17);
    mpijob_array_free(&back);
    elements[0] = 1;
}
END_TEST

START_TEST(folders_that_are_no_dump_stay)
{
    char folder[MPJ_PATH_BYTES], file[MPJ_PATH_BYTES];
    mpijob_array array = four();
    strcpy(folder, scratch_path(&files, "mine"));
    ck_assert_int_eq(mpj_folder_create(folder, NULL), MPIJOB_OK);
    ck_assert_int_eq(mpj_path_join(file, folder, "work", NULL), MPIJOB_OK);
    files_write(file, "x", 1);
    ck_assert_int_ne(mpijob_dump(&array, folder, NULL, NULL), MPIJOB_OK);
    ck_assert_int_ne(mpijob_dump(&array, folder, &(mpijob_dump_options){.compress = 1}, NULL), MPIJOB_OK);
    ck_assert_int_eq(mpj_path_is_folder(file), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("recognise");
    TCase *group = tcase_create("recognise");
    tcase_add_checked_fixture(group, files_begin, files_end);
    tcase_add_loop_test(group, dumps_are_recognised, 0, UNIT_COUNT(forms));
    tcase_add_test(group, symbolic_links_are_followed);
    tcase_add_loop_test(group, other_files_say_what_they_seem_to_be, 0, UNIT_COUNT(others));
    tcase_add_loop_test(group, other_folders_say_what_they_seem_to_be, 0, 4);
    tcase_add_loop_test(group, zip_files_say_what_they_seem_to_be, 0, 2);
    tcase_add_test(group, absurd_paths_are_refused);
    tcase_add_loop_test(group, verify_looks_at_all_forms, 0, UNIT_COUNT(forms));
    tcase_add_test(group, nothing_and_pipes);
    tcase_add_loop_test(group, a_group_of_one_stands_for_its_array, 0, 2);
    tcase_add_loop_test(group, one_of_several_is_chosen_by_name, 0, 2);
    tcase_add_test(group, many_names_are_cut);
    tcase_add_loop_test(group, names_that_no_array_can_have, 0, 6);
    tcase_add_loop_test(group, a_name_is_for_groups, 0, 2);
    tcase_add_loop_test(group, a_dump_replaces_a_dump_of_any_form, 0, 4);
    tcase_add_test(group, folders_that_are_no_dump_stay);
    suite_add_tcase(suite, group);
    return unit_run(suite);
}
