#include "base/alloc.h"
#include "data/jsonvalue.h"
#include "failing.h"
#include "unit.h"

#include <float.h>
#include <inttypes.h>
#include <locale.h>
#include <math.h>
#include <mpijob/type.h>
#include <stdbool.h>
#include <string.h>

static char *to_json(const void *value, const mpijob_record *record)
{
    char *text = NULL;
    mpijob_error err = {0};
    ck_assert_msg(mpijob_record_to_json(&text, value, record, &err) == MPIJOB_OK, "%s", err.text);
    return text;
}

static void expect(const void *value, const mpijob_record *record, const char *wanted)
{
    char *text = to_json(value, record);
    ck_assert_str_eq(text, wanted);
    json_t *parsed = json_loads(text, JSON_DECODE_INT_AS_REAL, NULL);
    ck_assert_ptr_nonnull(parsed);
    json_decref(parsed);
    mpijob_text_free(text);
}

/* One value of a type, behind a byte, so that it is not aligned. */
static void expect_value(mpijob_type type, const void *value, const char *wanted)
{
    char place[64] = "", object[4096];
    const mpijob_field field = {"v", type, 1, 0, 0, 0, 0, 0, 0};
    const mpijob_record record = {"value", sizeof place, 1, &field};
    memcpy(place + 1, value, mpijob_type_size(&type));
    snprintf(object, sizeof object, "{\"v\": %s}", wanted);
    expect(place, &record, object);
}

/* ---- The manual's example -------------------------------------------------------------------------------------- */

typedef struct fit {
    double c, gamma;
    int32_t folds;
    char name[16];
} fit;

static const mpijob_field fit_fields[] = {
    MPIJOB_FIELD(fit, c, MPIJOB_FLOAT64),
    MPIJOB_FIELD(fit, gamma, MPIJOB_FLOAT64),
    MPIJOB_FIELD(fit, folds, MPIJOB_INT32),
    MPIJOB_FIELD(fit, name, MPIJOB_BYTES),
};
static const mpijob_record fit_record = MPIJOB_RECORD_OF(fit, fit_fields);

START_TEST(the_example_of_the_manual)
{
    const fit f = {10.0, 0.1, 5, "first"};
    expect(&f, &fit_record, "{\"c\": 10.0, \"gamma\": 0.1, \"folds\": 5, \"name\": \"first\"}");
}
END_TEST

/* ---- Numbers --------------------------------------------------------------------------------------------------- */

static const struct {
    double value;
    const char *text;
} doubles[] = {
    {0.0, "0.0"},
    {-0.0, "-0.0"},
    {1.0, "1.0"},
    {-2.5, "-2.5"},
    {0.1, "0.1"},
    {1.0 / 3, "0.3333333333333333"},
    {123456789012345680.0, "1.2345678901234568e+17"},
    {1e15, "1e+15"},
    {1e100, "1e+100"},
    {DBL_MIN, "2.2250738585072014e-308"},
    {DBL_MAX, "1.7976931348623157e+308"},
    {5e-324, "4.94065645841247e-324"},
    {INFINITY, "\"Infinity\""},
    {-INFINITY, "\"-Infinity\""},
    {NAN, "\"NaN\""},
};

START_TEST(doubles_are_short_and_exact)
{
    expect_value(mpijob_type_of(MPIJOB_FLOAT64), &doubles[_i].value, doubles[_i].text);
}
END_TEST

START_TEST(floats_are_short_and_exact)
{
    const struct {
        float value;
        const char *text;
    } floats[] = {
        {0.1f, "0.1"},
        {1.0f / 3, "0.33333334"},
        {16777216.0f, "16777216.0"},
        {FLT_MAX, "3.4028235e+38"},
        {1e-45f, "1.4013e-45"},
        {-INFINITY, "\"-Infinity\""},
        {NAN, "\"NaN\""},
        {-3.0f, "-3.0"},
    };
    for (int i = 0; i < UNIT_COUNT(floats); i++)
        expect_value(mpijob_type_of(MPIJOB_FLOAT32), &floats[i].value, floats[i].text);
}
END_TEST

START_TEST(any_double_reads_back)
{
    uint64_t state = 88172645463325252u;
    const mpijob_field field = {"v", {MPIJOB_FLOAT64, 0, 0, NULL, NULL}, 0, 0, 0, 0, 0, 0, 0};
    const mpijob_record record = {"value", 8, 1, &field};
    for (int i = 0; i < 20000; i++) {
        double value;
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        memcpy(&value, &state, sizeof value);
        if (!isfinite(value))
            continue;
        char *text = to_json(&value, &record);
        ck_assert_msg(strtod(text + strlen("{\"v\": "), NULL) == value, "%a: %s", value, text);
        mpijob_text_free(text);
    }
}
END_TEST

/* The point is JSON's, whatever the locale's is. */
START_TEST(another_decimal_point_changes_nothing)
{
    static const char *const written[][2] = {
        {"0.1", "0.1"},
        {"0,1", "0.1"},
        {"-12,5e-07", "-12.5e-07"},
        {"0\xd9\xab"
         "25",
         "0.25"},
        {"10", "10.0"},
        {"1e+20", "1e+20"},
        {"-0", "-0.0"},
    };
    for (int i = 0; i < UNIT_COUNT(written); i++) {
        mpj_textbuf out = {0};
        mpj_json_real_text(&out, written[i][0]);
        char *text = mpj_textbuf_finish(&out);
        ck_assert_str_eq(text, written[i][1]);
        mpj_free(text);
    }
}
END_TEST

START_TEST(installed_locales_change_nothing)
{
    static const char *const names[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "ps_AF.UTF-8", "C"};
    for (int i = 0; i < UNIT_COUNT(names); i++) {
        if (setlocale(LC_NUMERIC, names[i]))
            expect_value(mpijob_type_of(MPIJOB_FLOAT64), &(double){0.1}, "0.1");
    }
    setlocale(LC_NUMERIC, "C");
}
END_TEST

START_TEST(complex_numbers_are_pairs)
{
    expect_value(mpijob_type_of(MPIJOB_COMPLEX128), (double[]){1.5, -2.0}, "[1.5, -2.0]");
    expect_value(mpijob_type_of(MPIJOB_COMPLEX64), (float[]){0.1f, INFINITY}, "[0.1, \"Infinity\"]");
}
END_TEST

START_TEST(integers_are_exact)
{
    expect_value(mpijob_type_of(MPIJOB_INT8), &(int8_t){INT8_MIN}, "-128");
    expect_value(mpijob_type_of(MPIJOB_INT16), &(int16_t){INT16_MIN}, "-32768");
    expect_value(mpijob_type_of(MPIJOB_INT32), &(int32_t){INT32_MIN}, "-2147483648");
    expect_value(mpijob_type_of(MPIJOB_INT64), &(int64_t){INT64_MIN}, "-9223372036854775808");
    expect_value(mpijob_type_of(MPIJOB_INT64), &(int64_t){INT64_MAX}, "9223372036854775807");
    expect_value(mpijob_type_of(MPIJOB_UINT8), &(uint8_t){UINT8_MAX}, "255");
    expect_value(mpijob_type_of(MPIJOB_UINT16), &(uint16_t){UINT16_MAX}, "65535");
    expect_value(mpijob_type_of(MPIJOB_UINT32), &(uint32_t){UINT32_MAX}, "4294967295");
    expect_value(mpijob_type_of(MPIJOB_UINT64), &(uint64_t){UINT64_MAX}, "18446744073709551615");
    expect_value(mpijob_type_of(MPIJOB_BOOL), &(bool){true}, "true");
    expect_value(mpijob_type_of(MPIJOB_BOOL), &(bool){false}, "false");
    expect_value(mpijob_type_of(MPIJOB_BOOL), &(uint8_t){7}, "true");
}
END_TEST

/* ---- Texts ----------------------------------------------------------------------------------------------------- */

static const struct {
    const char *bytes;
    size_t count;
    const char *text;
} texts[] = {
    {"first\0\0\0", 8, "\"first\""},
    {"12345678", 8, "\"12345678\""},
    {"\0\0\0\0", 4, "\"\""},
    {"a\"\\/b", 5, "\"a\\\"\\\\/b\""},
    {"\n\t\x01", 3, "\"\\n\\t\\u0001\""},
    {"gr\xc3\xb6\xc3\x9f"
     "e",
     7, "\"größe\""},
    {"\xf0\x9f\x98\x80", 4, "\"\xf0\x9f\x98\x80\""},
    {"\xe2\x82\xac\0", 4, "\"€\""},
    {"a\0b\0", 4, "{\"base64\": \"YQBiAA==\"}"},
    {"\xff\xfe\xfd", 3, "{\"base64\": \"//79\"}"},
    {"\xff", 1, "{\"base64\": \"/w==\"}"},
    {"\xff\0", 2, "{\"base64\": \"/wA=\"}"},
    {"\xe2\x82", 2, "{\"base64\": \"4oI=\"}"},
    {"\xc0\xaf", 2, "{\"base64\": \"wK8=\"}"},
    {"\xed\xa0\x80", 3, "{\"base64\": \"7aCA\"}"},
    {"\xf4\x90\x80\x80", 4, "{\"base64\": \"9JCAgA==\"}"},
    {"\xe2(\xa1", 3, "{\"base64\": \"4iih\"}"},
};

START_TEST(bytes_are_texts_where_they_can_be)
{
    expect_value(mpijob_type_bytes(texts[_i].count), texts[_i].bytes, texts[_i].text);
}
END_TEST

START_TEST(opaque_is_base64)
{
    const mpijob_type half = {MPIJOB_OPAQUE, 0, 2, NULL, "<f2"};
    expect_value(half, "ab", "{\"base64\": \"YWI=\"}");
}
END_TEST

/* ---- What is held otherwise ------------------------------------------------------------------------------------ */

typedef struct held {
    char *text;
    int8_t n;
    const float *weights;
    float fixed[2][2];
    fit one;
    size_t fit_count;
    const fit *fits;
    int32_t hidden;
} held;

static const mpijob_field held_fields[] = {
    MPIJOB_FIELD_STRING(held, text),
    MPIJOB_FIELD_POINTER(held, weights, MPIJOB_FLOAT32, n, MPIJOB_INT8),
    MPIJOB_FIELD_ARRAY(held, fixed, MPIJOB_FLOAT32, float),
    MPIJOB_FIELD_RECORD(held, one, &fit_record),
    MPIJOB_FIELD_POINTER_RECORD(held, fits, &fit_record, fit_count, MPIJOB_UINT64),
    {"hidden", {MPIJOB_INT32, 0, 4, NULL, NULL}, offsetof(held, hidden), 1, 0, 0, 0, MPIJOB_IGNORED, 0},
};
static const mpijob_record held_record = MPIJOB_RECORD_OF(held, held_fields);

static const fit two_fits[] = {{1, 2, 3, "a"}, {4, 5, 6, "b"}};
static const float three_weights[] = {0.5f, 1, 1.5f};

START_TEST(nested_and_pointed_to)
{
    char text[] = "t";
    const held h = {text, 3, three_weights, {{1, 2}, {3, 4}}, {1, 2, 3, "x"}, 2, two_fits, 9};
    expect(&h, &held_record,
           "{\"text\": \"t\", \"weights\": [0.5, 1.0, 1.5], \"fixed\": [1.0, 2.0, 3.0, 4.0], "
           "\"one\": {\"c\": 1.0, \"gamma\": 2.0, \"folds\": 3, \"name\": \"x\"}, "
           "\"fits\": [{\"c\": 1.0, \"gamma\": 2.0, \"folds\": 3, \"name\": \"a\"}, "
           "{\"c\": 4.0, \"gamma\": 5.0, \"folds\": 6, \"name\": \"b\"}], \"hidden\": [9]}");
}
END_TEST

START_TEST(null_is_empty)
{
    const held h = {0};
    expect(&h, &held_record,
           "{\"text\": \"\", \"weights\": [], \"fixed\": [0.0, 0.0, 0.0, 0.0], "
           "\"one\": {\"c\": 0.0, \"gamma\": 0.0, \"folds\": 0, \"name\": \"\"}, \"fits\": [], \"hidden\": [0]}");
}
END_TEST

static const struct {
    int kind;
    int64_t length; /* its bytes are the member, as many as the kind has */
    const char *reason;
} lengths[] = {
    {MPIJOB_INT8, -1, "negative"},       {MPIJOB_INT16, -1, "negative"},
    {MPIJOB_INT32, -1, "negative"},      {MPIJOB_INT64, -1, "negative"},
    {MPIJOB_UINT64, -1, "larger"},       {MPIJOB_INT64, INT64_MAX / 4 + 1, "larger"},
    {MPIJOB_INT64, INT64_MAX, "larger"}, {MPIJOB_UINT64, INT64_MAX, "larger"},
    {MPIJOB_INT8, 1, "is NULL"},         {MPIJOB_UINT8, 255, "is NULL"},
    {MPIJOB_UINT16, 65535, "is NULL"},   {MPIJOB_UINT32, UINT32_MAX, "is NULL"},
};

START_TEST(a_length_is_checked)
{
    const struct {
        int64_t n;
        float *p;
    } value = {lengths[_i].length, NULL};
    const mpijob_field field = {"p", {MPIJOB_FLOAT32, 0, 4, NULL, NULL}, 8, 0, MPIJOB_POINTER, lengths[_i].kind, 0, 0,
                                0};
    const mpijob_record record = {"value", sizeof value, 1, &field};
    char *text = NULL;
    mpijob_error err;
    ck_assert_int_eq(mpijob_record_to_json(&text, &value, &record, &err), MPIJOB_EINVAL);
    ck_assert_msg(strstr(err.text, "field 'p'") && strstr(err.text, lengths[_i].reason), "%s", err.text);
    ck_assert_ptr_null(text);
}
END_TEST

START_TEST(wrong_arguments)
{
    const fit f = {0};
    char *text = NULL;
    mpijob_error err;
    ck_assert_int_eq(mpijob_record_to_json(NULL, &f, &fit_record, &err), MPIJOB_EINVAL);
    ck_assert_int_eq(mpijob_record_to_json(&text, NULL, &fit_record, &err), MPIJOB_EINVAL);
    ck_assert_int_eq(mpijob_record_to_json(&text, &f, NULL, &err), MPIJOB_EINVAL);
    ck_assert_ptr_null(text);
}
END_TEST

START_TEST(every_allocation_may_fail)
{
    char string[3000], usual[] = "usual";
    memset(string, 's', sizeof string);
    string[sizeof string - 1] = '\0';
    string[0] = '\n';
    const fit escaped[] = {{1, 2, 3, "\""}, {4, 5, 6, "\\"}};
    const held h = {string, 3, three_weights, {{1, 2}, {3, 4}}, {1, 2, 3, "\t"}, 2, escaped, 9};
    failing f = failing_begin();
    while (failing_next(&f)) {
        char *text = usual;
        mpijob_error err = {0};
        int status = mpijob_record_to_json(&text, &h, &held_record, &err);
        failing_stop(&f);
        ck_assert_int_eq(status, f.failed ? MPIJOB_ENOMEM : MPIJOB_OK);
        ck_assert_int_eq(err.status, status);
        ck_assert_int_eq(text == usual, f.failed);
        if (!f.failed)
            mpijob_text_free(text);
    }
    ck_assert_uint_gt(f.n, 10);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("record_json");
    TCase *group = tcase_create("json");
    tcase_add_test(group, the_example_of_the_manual);
    tcase_add_loop_test(group, doubles_are_short_and_exact, 0, UNIT_COUNT(doubles));
    tcase_add_test(group, floats_are_short_and_exact);
    tcase_add_test(group, any_double_reads_back);
    tcase_add_test(group, another_decimal_point_changes_nothing);
    tcase_add_test(group, installed_locales_change_nothing);
    tcase_add_test(group, complex_numbers_are_pairs);
    tcase_add_test(group, integers_are_exact);
    tcase_add_loop_test(group, bytes_are_texts_where_they_can_be, 0, UNIT_COUNT(texts));
    tcase_add_test(group, opaque_is_base64);
    tcase_add_test(group, nested_and_pointed_to);
    tcase_add_test(group, null_is_empty);
    tcase_add_loop_test(group, a_length_is_checked, 0, UNIT_COUNT(lengths));
    tcase_add_test(group, wrong_arguments);
    tcase_add_test(group, every_allocation_may_fail);
    suite_add_tcase(suite, group);
    return unit_run(suite);
}
