/* Elements of one type made of those of another. */
#include "base/alloc.h"
#include "data/convert.h"
#include "unit.h"

#include <string.h>

#define MANY 3000 /* more than are converted at a time */

typedef struct inner {
    int16_t a;
    int32_t b;
} inner;

typedef struct padded {
    int8_t flag;
    double x;
    inner pairs[3];
    char name[3];
    float z[2]; /* complex64 */
} padded;

/* The same values, in another order and with other gaps; the names of the fields say what is what. */
typedef struct other {
    float z[2];
    inner pairs[3];
    int64_t unknown;
    int8_t flag;
    char name[3];
    double x;
} other;

static const mpijob_field inner_fields[] = {MPIJOB_FIELD(inner, a, MPIJOB_INT16), MPIJOB_FIELD(inner, b, MPIJOB_INT32)};
static const mpijob_record inner_record = MPIJOB_RECORD_OF(inner, inner_fields);

#define PAIRS(structure)                                                                                               \
    {                                                                                                                  \
        "pairs", {MPIJOB_RECORD, 0, 0, &inner_record, NULL}, offsetof(structure, pairs), 3, 0, 0, 0, 0, 0              \
    }

static const mpijob_field padded_fields[] = {
    MPIJOB_FIELD(padded, flag, MPIJOB_INT8),  MPIJOB_FIELD(padded, x, MPIJOB_FLOAT64),   PAIRS(padded),
    MPIJOB_FIELD(padded, name, MPIJOB_BYTES), MPIJOB_FIELD(padded, z, MPIJOB_COMPLEX64),
};
static const mpijob_field other_fields[] = {
    MPIJOB_FIELD(other, z, MPIJOB_COMPLEX64),   PAIRS(other),
    MPIJOB_FIELD(other, unknown, MPIJOB_INT64), MPIJOB_FIELD(other, flag, MPIJOB_INT8),
    MPIJOB_FIELD(other, name, MPIJOB_BYTES),    MPIJOB_FIELD(other, x, MPIJOB_FLOAT64),
};
static const mpijob_record padded_record = MPIJOB_RECORD_OF(padded, padded_fields);
static const mpijob_record other_record = MPIJOB_RECORD_OF(other, other_fields);

enum {
    OTHER_SCALARS = 7
};

static mpj_convert convert;

static void teardown(void)
{
    mpj_convert_dispose(&convert);
}

static void init(const mpijob_type *from, const unsigned char *swapped, const mpijob_type *to)
{
    mpijob_error err;
    ck_assert_msg(mpj_convert_init(&convert, from, swapped, to, &err) == MPIJOB_OK, "%s", err.text);
}

static void fill(unsigned char *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        bytes[i] = (unsigned char)(i * 131 + i / 251);
}

static void reverse(void *bytes, size_t count)
{
    unsigned char *b = bytes;
    for (size_t i = 0; i < count / 2; i++) {
        unsigned char kept = b[i];
        b[i] = b[count - 1 - i];
        b[count - 1 - i] = kept;
    }
}

typedef struct scalar_case {
    int kind;
    size_t bytes, unit;
} scalar_case;

static const scalar_case scalars[] = {
    {MPIJOB_BOOL, 1, 1},        {MPIJOB_INT8, 1, 1},    {MPIJOB_UINT16, 2, 2},  {MPIJOB_INT32, 4, 4},
    {MPIJOB_UINT64, 8, 8},      {MPIJOB_FLOAT32, 4, 4}, {MPIJOB_FLOAT64, 8, 8}, {MPIJOB_COMPLEX64, 8, 4},
    {MPIJOB_COMPLEX128, 16, 8}, {MPIJOB_BYTES, 6, 1},
};

START_TEST(scalars_as_they_are_and_swapped)
{
    const scalar_case *c = &scalars[_i];
    mpijob_type type = {.kind = c->kind, .bytes = c->kind == MPIJOB_BYTES ? c->bytes : 0};
    unsigned char from[MANY * 16], to[MANY * 16], expected[MANY * 16];
    fill(from, sizeof from);
    memcpy(expected, from, sizeof from);
    init(&type, NULL, &type);
    ck_assert_int_eq(convert.plain, 1);
    ck_assert_int_eq(convert.gaps, 0);
    mpj_convert_elements(&convert, to, from, MANY);
    ck_assert_mem_eq(to, expected, MANY * c->bytes);
    teardown();
    init(&type, (const unsigned char *)"\1", &type);
    ck_assert_int_eq(convert.plain, c->unit == 1);
    for (size_t i = 0; i < MANY * c->bytes; i += c->unit)
        reverse(expected + i, c->unit);
    memset(to, 0, sizeof to);
    mpj_convert_elements(&convert, to, from, MANY);
    ck_assert_mem_eq(to, expected, MANY * c->bytes);
    for (size_t i = MANY * c->bytes; i < sizeof to; i++)
        ck_assert_uint_eq(to[i], 0);
}
END_TEST

/* Field by field; what is between the fields of `to` must be zero. */
static void make_padded(padded *to, const other *from, const unsigned char *swapped)
{
    const unsigned char none[OTHER_SCALARS] = {0};
    const unsigned char *s = swapped == NULL ? none : swapped; /* z, a, b, unknown, flag, name, x */
    memset(to, 0, sizeof *to);
    memcpy(to->z, from->z, sizeof to->z);
    to->flag = from->flag;
    to->x = from->x;
    memcpy(to->name, from->name, sizeof to->name);
    for (int i = 0; i < 3; i++) {
        to->pairs[i].a = from->pairs[i].a;
        to->pairs[i].b = from->pairs[i].b;
        reverse(&to->pairs[i].a, s[1] ? 2 : 0);
        reverse(&to->pairs[i].b, s[2] ? 4 : 0);
    }
    reverse(&to->z[0], s[0] ? 4 : 0);
    reverse(&to->z[1], s[0] ? 4 : 0);
    reverse(&to->x, s[6] ? 8 : 0);
}

/* Each scalar swapped alone, all of them, and none. */
START_TEST(structs_by_name)
{
    static other from[MANY];
    static padded to[MANY], expected;
    unsigned char swapped[OTHER_SCALARS] = {0};
    const mpijob_type from_type = mpijob_type_record(&other_record), to_type = mpijob_type_record(&padded_record);
    fill((unsigned char *)from, sizeof from);
    for (int i = 0; i < OTHER_SCALARS; i++)
        swapped[i] = _i == i || _i == OTHER_SCALARS;
    init(&from_type, _i > OTHER_SCALARS ? NULL : swapped, &to_type);
    ck_assert_int_eq(convert.plain, 0);
    ck_assert_int_eq(convert.gaps, 1);
    memset(to, 0x77, sizeof to);
    mpj_convert_elements(&convert, to, from, MANY);
    for (size_t i = 0; i < MANY; i++) {
        make_padded(&expected, &from[i], swapped);
        ck_assert_mem_eq(&to[i], &expected, sizeof expected);
    }
}
END_TEST

/* A packed struct, at any offset. */
static const mpijob_field packed_fields[] = {
    {"a", {MPIJOB_INT16, 0, 0, NULL, NULL}, 0, 0, 0, 0, 0, 0, 0},
    {"b", {MPIJOB_INT32, 0, 0, NULL, NULL}, 2, 0, 0, 0, 0, 0, 0},
};
static const mpijob_record packed_record = {"inner", 6, 2, packed_fields};

START_TEST(packed_and_padded)
{
    static inner structs[MANY], back[MANY];
    static unsigned char packed[MANY * 6 + 1];
    const mpijob_type padded_type = mpijob_type_record(&inner_record), packed_type = mpijob_type_record(&packed_record);
    for (size_t i = 0; i < MANY; i++) {
        structs[i].a = (int16_t)i;
        structs[i].b = -(int32_t)i;
    }
    init(&padded_type, NULL, &packed_type);
    ck_assert_int_eq(convert.gaps, 0);
    ck_assert_int_eq(convert.plain, 0);
    mpj_convert_elements(&convert, packed + 1, structs, MANY);
    teardown();
    init(&packed_type, NULL, &padded_type);
    ck_assert_int_eq(convert.gaps, 1);
    mpj_convert_elements(&convert, back, packed + 1, MANY);
    ck_assert_mem_eq(back, structs, sizeof structs);
    teardown();
    init(&packed_type, NULL, &packed_type);
    ck_assert_int_eq(convert.plain, 1);
    teardown();
    init(&padded_type, NULL, &padded_type);
    ck_assert_int_eq(convert.plain, 0); /* padding is not copied */
}
END_TEST

/* However many structs an array has, describing their conversion takes little. */
START_TEST(arrays_of_structs_are_loops)
{
    enum {
        COUNT = 1000000
    };
    const mpijob_field many[] = {{"many", {MPIJOB_RECORD, 0, 0, &inner_record, NULL}, 0, COUNT, 0, 0, 0, 0, 0}};
    const mpijob_field packed[] = {{"many", {MPIJOB_RECORD, 0, 0, &packed_record, NULL}, 0, COUNT, 0, 0, 0, 0, 0}};
    const mpijob_record many_record = {"many", sizeof(inner) * COUNT, 1, many};
    const mpijob_record packed_many = {"many", 6u * COUNT, 1, packed};
    const mpijob_type from = mpijob_type_record(&many_record), to = mpijob_type_record(&packed_many);
    init(&from, NULL, &to);
    ck_assert_uint_le(convert.run_count, 3);
    inner *structs = calloc(COUNT, sizeof *structs);
    unsigned char *out = malloc(6u * COUNT);
    ck_assert(structs != NULL && out != NULL);
    structs[COUNT - 1].b = 77;
    mpj_convert_elements(&convert, out, structs, 1);
    int32_t last;
    memcpy(&last, out + 6u * COUNT - 4, sizeof last);
    ck_assert_int_eq(last, 77);
    free(structs);
    free(out);
    teardown();
    init(&to, NULL, &to);
    ck_assert_int_eq(convert.plain, 1);
}
END_TEST

static void assert_refused(const mpijob_type *from, const mpijob_type *to, const char *word)
{
    mpijob_error err;
    ck_assert_int_eq(mpj_convert_init(&convert, from, NULL, to, &err), MPIJOB_EINVAL);
    ck_assert_msg(strstr(err.text, word) != NULL, "'%s' is not in: %s", word, err.text);
    ck_assert_ptr_null(convert.runs);
}

typedef struct field_case {
    mpijob_field field;
    const char *word;
} field_case;

static const field_case wrong_fields[] = {
    {{"unheard", {MPIJOB_INT8, 0, 0, NULL, NULL}, 0, 0, 0, 0, 0, 0, 0}, "no field 'unheard'"},
    {{"x", {MPIJOB_INT64, 0, 0, NULL, NULL}, 0, 0, 0, 0, 0, 0, 0}, "'x': int64"},
    {{"x", {MPIJOB_FLOAT64, 0, 0, NULL, NULL}, 0, 1, 0, 0, 0, 0, 0}, "'x': 1 element"},
    {{"name", {MPIJOB_BYTES, 0, 4, NULL, NULL}, 0, 0, 0, 0, 0, 0, 0}, "'name': bytes of 4"},
    {{"x", {MPIJOB_FLOAT64, 0, 0, NULL, NULL}, 0, 0, MPIJOB_POINTER, MPIJOB_INT8, 60, 0, 0}, "'x' is held behind"},
    {{"pairs", {MPIJOB_INT8, 0, 0, NULL, NULL}, 0, 3, 0, 0, 0, 0, 0}, "'pairs': int8"},
};

START_TEST(fields_that_do_not_fit)
{
    const mpijob_record wanted = {"wanted", 64, 1, &wrong_fields[_i].field};
    const mpijob_type from = mpijob_type_record(&padded_record), to = mpijob_type_record(&wanted);
    assert_refused(&from, &to, wrong_fields[_i].word);
}
END_TEST

START_TEST(types_that_do_not_fit)
{
    const mpijob_type number = mpijob_type_of(MPIJOB_FLOAT64), record = mpijob_type_record(&padded_record);
    const mpijob_type half = {MPIJOB_OPAQUE, 0, 2, NULL, "<f2"}, swapped_half = {MPIJOB_OPAQUE, 0, 2, NULL, ">f2"};
    const mpijob_type string = mpijob_type_of(MPIJOB_STRING);
    assert_refused(&number, &record, "record");
    assert_refused(&record, &number, "float64");
    assert_refused(&half, &swapped_half, "opaque");
    assert_refused(&string, &string, "string");
    init(&half, (const unsigned char *)"\1", &half);
    ck_assert_int_eq(convert.plain, 1);
}
END_TEST

START_TEST(every_allocation_may_fail)
{
    const mpijob_type from = mpijob_type_record(&other_record), to = mpijob_type_record(&padded_record);
    int status = MPIJOB_ENOMEM;
    uint64_t n = 0;
    for (; status == MPIJOB_ENOMEM; n++) {
        mpj_alloc_fail_after(n);
        status = mpj_convert_init(&convert, &from, NULL, &to, NULL);
        mpj_alloc_fail_after(UINT64_MAX);
    }
    ck_assert_int_eq(status, MPIJOB_OK);
    ck_assert_uint_ge(n, 2);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("convert");
    TCase *cases = tcase_create("convert");
    tcase_add_checked_fixture(cases, NULL, teardown);
    tcase_add_loop_test(cases, scalars_as_they_are_and_swapped, 0, UNIT_COUNT(scalars));
    tcase_add_loop_test(cases, structs_by_name, 0, OTHER_SCALARS + 2);
    tcase_add_test(cases, packed_and_padded);
    tcase_add_test(cases, arrays_of_structs_are_loops);
    tcase_add_loop_test(cases, fields_that_do_not_fit, 0, UNIT_COUNT(wrong_fields));
    tcase_add_test(cases, types_that_do_not_fit);
    tcase_add_test(cases, every_allocation_may_fail);
    suite_add_tcase(suite, cases);
    return unit_run(suite);
}
