#include "unit.h"

#include <complex.h>
#include <mpijob/type.h>
#include <stdbool.h>
#include <string.h>

typedef struct point {
    double x, y;
} point;

static const mpijob_field point_fields[] = {
    MPIJOB_FIELD(point, x, MPIJOB_FLOAT64),
    MPIJOB_FIELD(point, y, MPIJOB_FLOAT64),
};
static const mpijob_record point_record = MPIJOB_RECORD_OF(point, point_fields);

static const struct {
    int kind, number;
    size_t bytes;
    const char *name;
} kinds[] = {
    {MPIJOB_BOOL, 1, sizeof(bool), "bool"},
    {MPIJOB_INT8, 2, 1, "int8"},
    {MPIJOB_INT16, 3, 2, "int16"},
    {MPIJOB_INT32, 4, 4, "int32"},
    {MPIJOB_INT64, 5, 8, "int64"},
    {MPIJOB_UINT8, 6, 1, "uint8"},
    {MPIJOB_UINT16, 7, 2, "uint16"},
    {MPIJOB_UINT32, 8, 4, "uint32"},
    {MPIJOB_UINT64, 9, 8, "uint64"},
    {MPIJOB_FLOAT32, 10, sizeof(float), "float32"},
    {MPIJOB_FLOAT64, 11, sizeof(double), "float64"},
    {MPIJOB_COMPLEX64, 12, sizeof(float complex), "complex64"},
    {MPIJOB_COMPLEX128, 13, sizeof(double complex), "complex128"},
    {MPIJOB_BYTES, 14, 0, "bytes"},
    {MPIJOB_RECORD, 15, 0, "record"},
    {MPIJOB_STRING, 16, sizeof(char *), "string"},
    {MPIJOB_OPAQUE, 17, 0, "opaque"},
};

START_TEST(kinds_have_their_numbers_sizes_and_names)
{
    const mpijob_type type = mpijob_type_of(kinds[_i].kind);
    ck_assert_int_eq(kinds[_i].kind, kinds[_i].number);
    ck_assert_uint_eq(mpijob_type_size(&type), kinds[_i].bytes);
    ck_assert_str_eq(mpijob_kind_name(kinds[_i].kind), kinds[_i].name);
    int complete = kinds[_i].bytes > 0 && kinds[_i].kind != MPIJOB_STRING;
    ck_assert_int_eq(mpijob_type_check(&type, NULL), complete ? MPIJOB_OK : MPIJOB_EINVAL);
}
END_TEST

START_TEST(other_numbers_are_no_kinds)
{
    static const int numbers[] = {0, -1, 18, 1000, INT32_MIN, INT32_MAX};
    for (int i = 0; i < UNIT_COUNT(numbers); i++) {
        const mpijob_type type = mpijob_type_of(numbers[i]);
        ck_assert_str_eq(mpijob_kind_name(numbers[i]), "?");
        ck_assert_uint_eq(mpijob_type_size(&type), 0);
        ck_assert_int_eq(mpijob_type_check(&type, NULL), MPIJOB_EINVAL);
    }
    ck_assert_uint_eq(mpijob_type_size(NULL), 0);
}
END_TEST

START_TEST(types_made_by_functions_are_sound)
{
    const mpijob_type bytes = mpijob_type_bytes(16), record = mpijob_type_record(&point_record);
    ck_assert_uint_eq(mpijob_type_size(&bytes), 16);
    ck_assert_uint_eq(mpijob_type_size(&record), sizeof(point));
    ck_assert_int_eq(mpijob_type_check(&bytes, NULL), MPIJOB_OK);
    ck_assert_int_eq(mpijob_type_check(&record, NULL), MPIJOB_OK);
    const mpijob_type nothing = mpijob_type_record(NULL);
    ck_assert_uint_eq(mpijob_type_size(&nothing), 0);
}
END_TEST

#define SOUND NULL
#define TOO_LARGE ((size_t)INT32_MAX + 1)

static const struct {
    mpijob_type type;
    const char *reason; /* in the message; SOUND: none */
} checks[] = {
    {{MPIJOB_FLOAT64, 0, 0, NULL, NULL}, SOUND},
    {{MPIJOB_FLOAT64, 0, 8, NULL, NULL}, SOUND},
    {{MPIJOB_FLOAT64, 0, 4, NULL, NULL}, "float64 has 8 bytes, not 4"},
    {{MPIJOB_FLOAT64, 1, 8, NULL, NULL}, "`reserved`"},
    {{MPIJOB_FLOAT64, 0, 8, &point_record, NULL}, "for structs"},
    {{MPIJOB_FLOAT64, 0, 8, NULL, "<f8"}, "opaque types only"},
    {{MPIJOB_BYTES, 0, 1, NULL, NULL}, SOUND},
    {{MPIJOB_BYTES, 0, INT32_MAX, NULL, NULL}, SOUND},
    {{MPIJOB_BYTES, 0, 0, NULL, NULL}, "need a length"},
    {{MPIJOB_BYTES, 0, TOO_LARGE, NULL, NULL}, "need a length"},
    {{MPIJOB_RECORD, 0, sizeof(point), &point_record, NULL}, SOUND},
    {{MPIJOB_RECORD, 0, 1, &point_record, NULL}, "record has 16 bytes, not 1"},
    {{MPIJOB_RECORD, 0, 0, NULL, NULL}, "needs its description"},
    {{MPIJOB_RECORD, 0, 0, &point_record, "x"}, "opaque types only"},
    {{MPIJOB_STRING, 0, 0, NULL, NULL}, "fields of structs only"},
    {{MPIJOB_OPAQUE, 0, 2, NULL, "<f2"}, SOUND},
    {{MPIJOB_OPAQUE, 0, 2, NULL, ">f2"}, SOUND},
    {{MPIJOB_OPAQUE, 0, 16, NULL, "<f16"}, SOUND},
    {{MPIJOB_OPAQUE, 0, 32, NULL, "<c32"}, SOUND},
    {{MPIJOB_OPAQUE, 0, 20, NULL, "<U5"}, SOUND},
    {{MPIJOB_OPAQUE, 0, 4, NULL, "<U1"}, SOUND},
    {{MPIJOB_OPAQUE, 0, 8, NULL, "<M8[ns]"}, SOUND},
    {{MPIJOB_OPAQUE, 0, 8, NULL, "<M8[25us]"}, SOUND},
    {{MPIJOB_OPAQUE, 0, 8, NULL, "<m8"}, SOUND},
    {{MPIJOB_OPAQUE, 0, 3, NULL, "|V3"}, SOUND},
    {{MPIJOB_OPAQUE, 0, 1, NULL, "|V1"}, SOUND},
    {{MPIJOB_OPAQUE, 0, 0, NULL, "<f2"}, "opaque has 2 bytes, not 0"},
    {{MPIJOB_OPAQUE, 0, 5, NULL, "<U5"}, "opaque has 20 bytes, not 5"},
    {{MPIJOB_OPAQUE, 0, 2, NULL, NULL}, "needs numpy's text"},
    {{MPIJOB_OPAQUE, 0, 2, NULL, "f2"}, "`dtype`"},
    {{MPIJOB_OPAQUE, 0, 2, NULL, "=f2"}, "`dtype`"},
    {{MPIJOB_OPAQUE, 0, 2, NULL, "<f02"}, "`dtype`"},
    {{MPIJOB_OPAQUE, 0, 8, NULL, "<f8"}, "`dtype`"},
    {{MPIJOB_OPAQUE, 0, 8, NULL, "|O"}, "`dtype`"},
    {{MPIJOB_OPAQUE, 0, 8, NULL, ""}, "`dtype`"},
    {{MPIJOB_OPAQUE, 0, 8, NULL, "<"}, "`dtype`"},
    {{MPIJOB_OPAQUE, 0, 8, NULL, "<M8[ns"}, "`dtype`"},
    {{MPIJOB_OPAQUE, 0, 8, NULL, "<M8[]"}, "`dtype`"},
    {{MPIJOB_OPAQUE, 0, 8, NULL, "<M8[n s]"}, "`dtype`"},
    {{MPIJOB_OPAQUE, 0, 8, NULL, "<M8[aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa]"}, "`dtype`"},
    {{MPIJOB_OPAQUE, 0, 0, NULL, "|V0"}, "`dtype`"},
};

START_TEST(a_type_is_checked)
{
    mpijob_error err = {.status = 77};
    int status = mpijob_type_check(&checks[_i].type, &err);
    if (!checks[_i].reason) {
        ck_assert_int_eq(status, MPIJOB_OK);
        ck_assert_int_eq(err.status, 77);
        return;
    }
    ck_assert_int_eq(status, MPIJOB_EINVAL);
    ck_assert_int_eq(err.status, MPIJOB_EINVAL);
    ck_assert_msg(strstr(err.text, checks[_i].reason) != NULL, "'%s'", err.text);
}
END_TEST

START_TEST(no_type_is_an_error)
{
    mpijob_error err;
    ck_assert_int_eq(mpijob_type_check(NULL, &err), MPIJOB_EINVAL);
    ck_assert_ptr_nonnull(strstr(err.text, "NULL"));
}
END_TEST

typedef struct two_pointers {
    double *a, *b;
    int32_t n;
    int16_t m;
} two_pointers;

START_TEST(a_length_is_shared_wholly_or_not)
{
    static const struct {
        int kind;
        size_t offset;
        int sound;
    } second[] = {{MPIJOB_INT32, offsetof(two_pointers, n), 1},     {MPIJOB_INT16, offsetof(two_pointers, m), 1},
                  {MPIJOB_UINT32, offsetof(two_pointers, n), 0},    {MPIJOB_INT16, offsetof(two_pointers, n), 0},
                  {MPIJOB_INT16, offsetof(two_pointers, n) + 2, 0}, {MPIJOB_INT32, offsetof(two_pointers, n) + 2, 0}};
    mpijob_field fields[] = {MPIJOB_FIELD_POINTER(two_pointers, a, MPIJOB_FLOAT64, n, MPIJOB_INT32),
                             MPIJOB_FIELD_POINTER(two_pointers, b, MPIJOB_FLOAT64, n, MPIJOB_INT32)};
    fields[1].length_kind = second[_i].kind;
    fields[1].length_offset = second[_i].offset;
    const mpijob_record record = MPIJOB_RECORD_OF(two_pointers, fields);
    const mpijob_type type = mpijob_type_record(&record);
    mpijob_error err = {0};
    ck_assert_int_eq(mpijob_type_check(&type, &err) == MPIJOB_OK, second[_i].sound);
    if (!second[_i].sound)
        ck_assert_msg(strstr(err.text, "a part of another's") != NULL, "%s", err.text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("type");
    TCase *group = tcase_create("type");
    tcase_add_loop_test(group, a_length_is_shared_wholly_or_not, 0, 6);
    tcase_add_loop_test(group, kinds_have_their_numbers_sizes_and_names, 0, UNIT_COUNT(kinds));
    tcase_add_test(group, other_numbers_are_no_kinds);
    tcase_add_test(group, types_made_by_functions_are_sound);
    tcase_add_loop_test(group, a_type_is_checked, 0, UNIT_COUNT(checks));
    tcase_add_test(group, no_type_is_an_error);
    suite_add_tcase(suite, group);
    return unit_run(suite);
}
