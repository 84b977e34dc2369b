#include "array/forms.h"

#include "files.h"

#include <mpijob/array.h>
#include <signal.h>
#include <sys/wait.h>

static double elements[4][3];
static const size_t shape[] = {4, 3};

static mpijob_array array_of_elements(void)
{
    for (int i = 0; i < 12; i++)
        elements[i / 3][i % 3] = i + 0.5;
    return mpijob_array_of(elements, mpijob_type_of(MPIJOB_FLOAT64), 2, shape);
}

static const char *dumped(int order)
{
    mpijob_error err = {0};
    mpijob_array array = array_of_elements();
    const char *path = scratch_path(&files, "a.npy");
    ck_assert_msg(mpijob_dump(&array, path, &(mpijob_dump_options){.order = order}, &err) == MPIJOB_OK, "%s", err.text);
    return path;
}

static mpijob_array map(const char *path, const mpijob_load_options *options)
{
    mpijob_error err = {0};
    mpijob_array array;
    ck_assert_msg(mpijob_load(&array, path, options, &err) == MPIJOB_OK, "%s", err.text);
    return array;
}

static double *at(const mpijob_array *array, size_t i, size_t j)
{
    return (double *)((char *)array->data + (ptrdiff_t)i * array->strides[0] + (ptrdiff_t)j * array->strides[1]);
}

static double in_file(const char *path, size_t i, size_t j)
{
    mpijob_array array = map(path, NULL);
    double value = *at(&array, i, j);
    mpijob_array_free(&array);
    return value;
}

START_TEST(all_modes_see_the_elements)
{
    static const char *modes[] = {"r", "c", "r+"};
    for (int order = 0; order < 2; order++) {
        const char *path = dumped(order ? 'F' : 'C');
        mpijob_array array = map(path, &(mpijob_load_options){.mmap_mode = modes[_i]});
        ck_assert_uint_eq(array.shape[0], 4);
        ck_assert_uint_eq(array.shape[1], 3);
        ck_assert_int_eq(mpj_array_order(&array), order ? 'F' : 'C');
        for (size_t i = 0; i < 4; i++)
            for (size_t j = 0; j < 3; j++)
                ck_assert(*at(&array, i, j) == elements[i][j]);
        mpijob_array_free(&array);
        mpijob_array_free(&array);
    }
}
END_TEST

static void store(const char *path, const char *mode)
{
    mpijob_array array = map(path, &(mpijob_load_options){.mmap_mode = mode});
    *at(&array, 1, 2) = -1;
    ck_assert_int_eq(mpijob_array_sync(&array, NULL), MPIJOB_OK);
    ck_assert(*at(&array, 1, 2) == -1);
    mpijob_array_free(&array);
}

START_TEST(r_plus_reaches_the_file)
{
    const char *path = dumped('C');
    store(path, "r+");
    ck_assert(in_file(path, 1, 2) == -1);
}
END_TEST

START_TEST(c_does_not_reach_the_file)
{
    const char *path = dumped('C');
    store(path, "c");
    ck_assert(in_file(path, 1, 2) == 5.5);
}
END_TEST

START_TEST(c_needs_no_right_to_write)
{
    const char *path = dumped('C');
    ck_assert_int_eq(chmod(path, 0400), 0);
    store(path, "c");
    ck_assert(in_file(path, 1, 2) == 5.5);
}
END_TEST

START_TEST(r_faults_on_writing)
{
    mpijob_array array = map(dumped('C'), &(mpijob_load_options){.mmap_mode = "r"});
    pid_t child = fork();
    if (child == 0) {
        signal(SIGSEGV, SIG_DFL);
        *(volatile double *)array.data = 1;
        _exit(0);
    }
    int ended = 0;
    ck_assert_int_eq(waitpid(child, &ended, 0), child);
    ck_assert(WIFSIGNALED(ended));
    ck_assert_int_eq(WTERMSIG(ended), SIGSEGV);
    mpijob_array_free(&array);
}
END_TEST

/* ---- w+ -------------------------------------------------------------------------------------------------------- */

START_TEST(w_plus_makes_zeros_that_can_be_written)
{
    const char *path = _i ? dumped('C') : scratch_path(&files, "a.npy");
    mpijob_array like = _i ? mpijob_array_fortran(NULL, mpijob_type_of(MPIJOB_FLOAT64), 2, (size_t[]){300, 200})
                           : mpijob_array_of(NULL, mpijob_type_of(MPIJOB_FLOAT64), 2, (size_t[]){300, 200});
    mpijob_array array = map(path, &(mpijob_load_options){.mmap_mode = "w+", .like = &like});
    ck_assert_uint_eq(array.shape[0], 300);
    ck_assert_uint_eq(array.shape[1], 200);
    ck_assert_int_eq(mpj_array_order(&array), _i ? 'F' : 'C');
    for (size_t i = 0; i < 300; i++)
        for (size_t j = 0; j < 200; j++)
            if (*at(&array, i, j) != 0)
                ck_abort_msg("%zu %zu is not zero", i, j);
    *at(&array, 299, 199) = 7;
    *at(&array, 2, 3) = 8;
    ck_assert_int_eq(mpijob_array_sync(&array, NULL), MPIJOB_OK);
    mpijob_array_free(&array);
    ck_assert(in_file(path, 299, 199) == 7);
    ck_assert(in_file(path, 2, 3) == 8);
    ck_assert(in_file(path, 3, 2) == 0);
    ck_assert_int_eq(scratch_names(&files), 1);
}
END_TEST

/* Who has the old file mapped goes on to see it whole. */
START_TEST(w_plus_leaves_the_old_map_alone)
{
    const char *path = dumped('C');
    mpijob_array old = map(path, &(mpijob_load_options){.mmap_mode = "r"});
    mpijob_array like = mpijob_array_of(NULL, mpijob_type_of(MPIJOB_INT8), 0, NULL);
    mpijob_array made = map(path, &(mpijob_load_options){.mmap_mode = "w+", .like = &like});
    ck_assert(*at(&old, 3, 2) == 11.5);
    mpijob_array_free(&made);
    mpijob_array_free(&old);
}
END_TEST

/* ---- Empty ones and single ones ---------------------------------------------------------------------------------- */

START_TEST(arrays_without_elements_can_be_mapped)
{
    static const char *modes[] = {"r", "c", "r+"};
    const char *path = scratch_path(&files, "a.npy");
    const size_t none[] = {3, 0};
    mpijob_array empty = mpijob_array_of(NULL, mpijob_type_of(MPIJOB_FLOAT64), 2, none);
    ck_assert_int_eq(mpijob_dump(&empty, path, NULL, NULL), MPIJOB_OK);
    for (int i = 0; i < UNIT_COUNT(modes); i++) {
        mpijob_array array = map(path, &(mpijob_load_options){.mmap_mode = modes[i]});
        ck_assert_uint_eq(mpijob_array_count(&array), 0);
        ck_assert_int_eq(mpijob_array_sync(&array, NULL), MPIJOB_OK);
        mpijob_array_free(&array);
    }
    mpijob_array made = map(path, &(mpijob_load_options){.mmap_mode = "w+", .like = &empty});
    mpijob_array_free(&made);
    mpijob_array scalar = mpijob_array_of(NULL, mpijob_type_of(MPIJOB_FLOAT64), 0, NULL);
    made = map(path, &(mpijob_load_options){.mmap_mode = "w+", .like = &scalar});
    *(double *)made.data = 3;
    mpijob_array_free(&made);
    made = map(path, &(mpijob_load_options){.mmap_mode = "r"});
    ck_assert(*(double *)made.data == 3);
    mpijob_array_free(&made);
}
END_TEST

/* ---- Regions --------------------------------------------------------------------------------------------------- */

START_TEST(a_region_is_a_view)
{
    mpijob_region region = {.ndim = 2};
    for (int order = 0; order < 2; order++) {
        const char *path = dumped(order ? 'F' : 'C');
        for (region.start[0] = 0; region.start[0] < 4; region.start[0]++)
            for (region.count[0] = 0; region.count[0] <= 4 - region.start[0]; region.count[0]++)
                for (region.start[1] = 0; region.start[1] < 3; region.start[1]++)
                    for (region.count[1] = 0; region.count[1] <= 3 - region.start[1]; region.count[1]++) {
                        mpijob_array part = map(path, &(mpijob_load_options){.mmap_mode = "r", .region = &region});
                        ck_assert_uint_eq(part.shape[0], region.count[0]);
                        ck_assert_uint_eq(part.shape[1], region.count[1]);
                        for (size_t i = 0; i < region.count[0]; i++)
                            for (size_t j = 0; j < region.count[1]; j++)
                                ck_assert(*at(&part, i, j) == elements[region.start[0] + i][region.start[1] + j]);
                        mpijob_array_free(&part);
                    }
    }
}
END_TEST

START_TEST(a_region_can_be_written)
{
    const char *path = dumped('C');
    mpijob_region region = {.ndim = 2, .start = {2, 1}, .count = {2, 1}};
    mpijob_array part = map(path, &(mpijob_load_options){.mmap_mode = "r+", .region = &region});
    *at(&part, 1, 0) = -2;
    mpijob_array_free(&part);
    ck_assert(in_file(path, 3, 1) == -2);
    ck_assert(in_file(path, 3, 0) == 9.5);
    ck_assert(in_file(path, 3, 2) == 11.5);
}
END_TEST

/* ---- Structs --------------------------------------------------------------------------------------------------- */

typedef struct inner {
    int16_t a;
    float b;
} inner;
typedef struct outer {
    char name[3];
    double x[2];
    inner in;
} outer;
static const mpijob_field inner_fields[] = {MPIJOB_FIELD(inner, a, MPIJOB_INT16),
                                            MPIJOB_FIELD(inner, b, MPIJOB_FLOAT32)};
static const mpijob_record inner_record = MPIJOB_RECORD_OF(inner, inner_fields);
static const mpijob_field outer_fields[] = {MPIJOB_FIELD(outer, name, MPIJOB_BYTES),
                                            MPIJOB_FIELD_ARRAY(outer, x, MPIJOB_FLOAT64, double),
                                            MPIJOB_FIELD_RECORD(outer, in, &inner_record)};
static const mpijob_record outer_record = MPIJOB_RECORD_OF(outer, outer_fields);

static const char *dumped_structs(void)
{
    static outer structs[2];
    const char *path = scratch_path(&files, "a.npy");
    for (int i = 0; i < 2; i++)
        structs[i] = (outer){"ab", {i, -i}, {(int16_t)(3 * i), (float)i / 2}};
    mpijob_array array = mpijob_array_of(structs, mpijob_type_record(&outer_record), 1, (size_t[]){2});
    ck_assert_int_eq(mpijob_dump(&array, path, NULL, NULL), MPIJOB_OK);
    return path;
}

START_TEST(structs_are_mapped_in_place)
{
    mpijob_array array =
        map(dumped_structs(), &(mpijob_load_options){.mmap_mode = "r", .record = _i ? &outer_record : NULL});
    const outer *structs = array.data;
    ck_assert_uint_eq(mpijob_type_size(&array.type), sizeof(outer));
    ck_assert_str_eq(structs[1].name, "ab");
    ck_assert(structs[1].x[0] == 1 && structs[1].x[1] == -1 && structs[1].in.a == 3 && structs[1].in.b == 0.5f);
    mpijob_array_free(&array);
}
END_TEST

START_TEST(other_elements_are_no_structs)
{
    mpijob_load_options options = {.mmap_mode = "r", .record = &outer_record};
    mpijob_array array;
    ck_assert_int_eq(mpijob_load(&array, dumped('C'), &options, NULL), MPIJOB_EINVAL);
}
END_TEST

/* The struct inside has its fields the other way round. */
START_TEST(structs_inside_must_lie_the_same_too)
{
    static const mpijob_field turned_fields[] = {
        {.name = "b", .type = {MPIJOB_INT16, 0, 0, NULL, NULL}, .offset = 0},
        {.name = "a", .type = {MPIJOB_FLOAT32, 0, 0, NULL, NULL}, .offset = 4}};
    static const mpijob_record turned = {"turned", sizeof(inner), 2, turned_fields};
    static const mpijob_record half = {"half", sizeof(inner), 1, inner_fields};
    const mpijob_record *instead[] = {&turned, &half};
    mpijob_field field = {.name = "in", .type = mpijob_type_record(instead[_i]), .offset = offsetof(outer, in)};
    mpijob_record record = {"outer", sizeof(outer), 1, &field};
    mpijob_load_options options = {.mmap_mode = "r", .record = &record};
    mpijob_array array;
    mpijob_error err = {0};
    ck_assert_int_eq(mpijob_load(&array, dumped_structs(), &options, &err), MPIJOB_EINVAL);
    ck_assert_ptr_nonnull(strstr(err.text, "\"in\""));
}
END_TEST

START_TEST(w_plus_has_no_place_for_strings)
{
    typedef struct named {
        char *name;
    } named;
    static const mpijob_field fields[] = {MPIJOB_FIELD_STRING(named, name)};
    static const mpijob_record record = MPIJOB_RECORD_OF(named, fields);
    mpijob_array like = mpijob_array_of(NULL, mpijob_type_record(&record), 0, NULL), array;
    mpijob_load_options options = {.mmap_mode = "w+", .like = &like};
    ck_assert_int_eq(mpijob_load(&array, scratch_path(&files, "a.npy"), &options, NULL), MPIJOB_EUNSUPPORTED);
    like = mpijob_array_of(NULL, mpijob_type_of(MPIJOB_FLOAT64), 2, (size_t[]){SIZE_MAX, 2});
    ck_assert_int_eq(mpijob_load(&array, scratch_path(&files, "a.npy"), &options, NULL), MPIJOB_EINVAL);
    ck_assert_int_eq(scratch_names(&files), 0);
}
END_TEST

/* Each differs from the struct in the file by one thing. */
static const struct difference {
    const char *what;
    mpijob_field field;
    size_t bytes;
} differences[] = {
    {"missing",
     {.name = "missing", .type = {MPIJOB_FLOAT64, 0, 0, NULL, NULL}, .offset = 8, .count = 2},
     sizeof(outer)},
    {"x", {.name = "x", .type = {MPIJOB_INT64, 0, 0, NULL, NULL}, .offset = 8, .count = 2}, sizeof(outer)},
    {"x", {.name = "x", .type = {MPIJOB_FLOAT64, 0, 0, NULL, NULL}, .offset = 16, .count = 2}, sizeof(outer)},
    {"x", {.name = "x", .type = {MPIJOB_FLOAT64, 0, 0, NULL, NULL}, .offset = 8, .count = 1}, sizeof(outer)},
    {"bytes", {.name = "x", .type = {MPIJOB_FLOAT64, 0, 0, NULL, NULL}, .offset = 8, .count = 2}, sizeof(outer) + 8},
    {"in", {.name = "in", .type = {MPIJOB_INT64, 0, 0, NULL, NULL}, .offset = 24}, sizeof(outer)},
};

START_TEST(a_layout_that_differs_is_refused)
{
    mpijob_record record = {"differs", differences[_i].bytes, 1, &differences[_i].field};
    mpijob_load_options options = {.mmap_mode = "r", .record = &record};
    mpijob_array array;
    mpijob_error err = {0};
    ck_assert_int_eq(mpijob_load(&array, dumped_structs(), &options, &err), MPIJOB_EINVAL);
    ck_assert_msg(strstr(err.text, differences[_i].what) != NULL, "%s", err.text);
}
END_TEST

/* ---- What cannot be mapped ------------------------------------------------------------------------------------- */

static int map_text(const char *dict, size_t bytes, mpijob_error *err)
{
    char file[512] = "\x93NUMPY\1";
    size_t length = strlen(dict);
    mpijob_array array;
    const char *path = scratch_path(&files, "b.npy");
    file[8] = (char)length;
    memcpy(file + 10, dict, length);
    files_write(path, file, 10 + length + bytes);
    int status = mpijob_load(&array, path, &(mpijob_load_options){.mmap_mode = "r"}, err);
    if (status == MPIJOB_OK)
        mpijob_array_free(&array);
    return status;
}

START_TEST(foreign_byte_order_says_what_to_do)
{
    mpijob_error err = {0};
    ck_assert_int_eq(map_text("{'descr': '>f8', 'fortran_order': False, 'shape': (1,)}    ", 8, &err),
                     MPIJOB_EUNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(err.text, "without mmap_mode"));
}
END_TEST

START_TEST(elements_that_are_not_aligned_are_refused)
{
    mpijob_error err = {0};
    char dict[100] = "{'descr': '<f8', 'fortran_order': False, 'shape': (1,)}";
    for (size_t more = 0; more < 16; more++) {
        int aligned = (10 + strlen(dict)) % 8 == 0;
        ck_assert_int_eq(map_text(dict, 8, &err), aligned ? MPIJOB_OK : MPIJOB_EUNSUPPORTED);
        strcat(dict, " ");
    }
    ck_assert_int_eq(map_text("{'descr': '|S3', 'fortran_order': False, 'shape': (1,)} ", 3, &err), MPIJOB_OK);
}
END_TEST

START_TEST(a_compressed_array_says_what_to_do)
{
    static const char *modes[] = {"r", "c", "r+"};
    mpijob_error err = {0};
    mpijob_array array = array_of_elements(), mapped;
    const char *path = scratch_path(&files, "a.zarr");
    ck_assert_msg(mpijob_dump(&array, path, &(mpijob_dump_options){.compress = 5}, &err) == MPIJOB_OK, "%s", err.text);
    ck_assert_int_eq(mpijob_load(&mapped, path, &(mpijob_load_options){.mmap_mode = modes[_i]}, &err),
                     MPIJOB_EUNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(err.text, "without mmap_mode"));
}
END_TEST

START_TEST(no_file_and_no_right)
{
    mpijob_error err = {0};
    mpijob_array array;
    mpijob_load_options options = {.mmap_mode = "r+"};
    ck_assert_int_eq(mpijob_load(&array, scratch_path(&files, "none.npy"), &options, &err), MPIJOB_ENOTFOUND);
    ck_assert_int_eq(mpijob_array_sync(NULL, &err), MPIJOB_OK);
    mpijob_array_free(NULL);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("npy_mmap");
    TCase *group = tcase_create("npy_mmap");
    tcase_add_checked_fixture(group, files_begin, files_end);
    tcase_add_loop_test(group, all_modes_see_the_elements, 0, 3);
    tcase_add_test(group, r_plus_reaches_the_file);
    tcase_add_test(group, c_does_not_reach_the_file);
    tcase_add_test(group, c_needs_no_right_to_write);
    tcase_add_test(group, r_faults_on_writing);
    tcase_add_loop_test(group, w_plus_makes_zeros_that_can_be_written, 0, 2);
    tcase_add_test(group, w_plus_leaves_the_old_map_alone);
    tcase_add_test(group, arrays_without_elements_can_be_mapped);
    tcase_add_test(group, a_region_is_a_view);
    tcase_add_test(group, a_region_can_be_written);
    tcase_add_loop_test(group, structs_are_mapped_in_place, 0, 2);
    tcase_add_test(group, other_elements_are_no_structs);
    tcase_add_loop_test(group, structs_inside_must_lie_the_same_too, 0, 2);
    tcase_add_test(group, w_plus_has_no_place_for_strings);
    tcase_add_loop_test(group, a_layout_that_differs_is_refused, 0, UNIT_COUNT(differences));
    tcase_add_test(group, foreign_byte_order_says_what_to_do);
    tcase_add_test(group, elements_that_are_not_aligned_are_refused);
    tcase_add_loop_test(group, a_compressed_array_says_what_to_do, 0, 3);
    tcase_add_test(group, no_file_and_no_right);
    suite_add_tcase(suite, group);
    return unit_run(suite);
}
