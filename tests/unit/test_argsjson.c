/* Arguments as JSON, back in memory. */
#include "base/alloc.h"
#include "failing.h"
#include "memory/argsjson.h"
#include "unit.h"

#include <float.h>
#include <math.h>
#include <string.h>

typedef struct inner {
    float w[3];
    char tag[5];
    int64_t note;
} inner;

typedef struct outer {
    _Bool flag;
    int8_t i8;
    uint8_t u8;
    int16_t i16;
    uint16_t u16;
    int32_t i32;
    uint32_t u32;
    int64_t i64;
    uint64_t u64;
    float f32;
    double f64;
    float c64[2];
    double c128[2];
    unsigned char half[2];
    inner one;
    inner more[2];
    const char *text, *none;
    const char *texts[2];
    const inner *many;
    const double *reals;
    uint8_t many_count, real_count;
} outer;

#define OPAQUE_HALF                                                                                                    \
    {                                                                                                                  \
        "half", {MPIJOB_OPAQUE, 0, 2, NULL, "<f2"}, offsetof(outer, half), 0, 0, 0, 0, 0, 0                            \
    }

static const mpijob_field inner_fields[] = {
    MPIJOB_FIELD_ARRAY(inner, w, MPIJOB_FLOAT32, float),
    MPIJOB_FIELD(inner, tag, MPIJOB_BYTES),
    {"note", {MPIJOB_INT64, 0, 8, NULL, NULL}, offsetof(inner, note), 0, 0, 0, 0, MPIJOB_IGNORED, 0},
};
static const mpijob_record inner_record = MPIJOB_RECORD_OF(inner, inner_fields);
static const mpijob_field outer_fields[] = {
    MPIJOB_FIELD(outer, flag, MPIJOB_BOOL),
    MPIJOB_FIELD(outer, i8, MPIJOB_INT8),
    MPIJOB_FIELD(outer, u8, MPIJOB_UINT8),
    MPIJOB_FIELD(outer, i16, MPIJOB_INT16),
    MPIJOB_FIELD(outer, u16, MPIJOB_UINT16),
    MPIJOB_FIELD(outer, i32, MPIJOB_INT32),
    MPIJOB_FIELD(outer, u32, MPIJOB_UINT32),
    MPIJOB_FIELD(outer, i64, MPIJOB_INT64),
    MPIJOB_FIELD(outer, u64, MPIJOB_UINT64),
    MPIJOB_FIELD(outer, f32, MPIJOB_FLOAT32),
    MPIJOB_FIELD(outer, f64, MPIJOB_FLOAT64),
    MPIJOB_FIELD(outer, c64, MPIJOB_COMPLEX64),
    MPIJOB_FIELD(outer, c128, MPIJOB_COMPLEX128),
    OPAQUE_HALF,
    MPIJOB_FIELD_RECORD(outer, one, &inner_record),
    MPIJOB_FIELD_RECORD_ARRAY(outer, more, &inner_record, inner),
    MPIJOB_FIELD_STRING(outer, text),
    MPIJOB_FIELD_STRING(outer, none),
    MPIJOB_FIELD_STRING_ARRAY(outer, texts),
    MPIJOB_FIELD_POINTER_RECORD(outer, many, &inner_record, many_count, MPIJOB_UINT8),
    MPIJOB_FIELD_POINTER(outer, reals, MPIJOB_FLOAT64, real_count, MPIJOB_UINT8),
};
static const mpijob_record outer_record = MPIJOB_RECORD_OF(outer, outer_fields);

static const inner an_inner = {{0.1f, -FLT_MAX, FLT_TRUE_MIN}, "ab", 7};
static const inner another = {{INFINITY, -0.0f, 16777217.0f}, {1, (char)0xff, 0, 2, 0}, -7};
static const double reals[] = {0.1, -0.0, DBL_MAX, DBL_TRUE_MIN, INFINITY, -INFINITY, 1e22, 9007199254740993.0};

static int call(void *result, const void *args, mpijob_job *job)
{
    (void)result, (void)args, (void)job;
    return 0;
}

static const mpijob_function function = {.name = "f", .call = call, .args_size = sizeof(outer), .args = &outer_record};

static outer make(int extreme)
{
    outer v;
    memset(&v, 0xee, sizeof v);
    v.flag = extreme, v.i8 = extreme ? INT8_MIN : 1, v.u8 = extreme ? UINT8_MAX : 2;
    v.i16 = extreme ? INT16_MIN : 3, v.u16 = extreme ? UINT16_MAX : 4;
    v.i32 = extreme ? INT32_MIN : 5, v.u32 = extreme ? UINT32_MAX : 6;
    v.i64 = extreme ? INT64_MIN : INT64_MAX, v.u64 = extreme ? UINT64_MAX : 0;
    v.f32 = extreme ? NAN : 0.1f, v.f64 = extreme ? (double)NAN : 1.0 / 3;
    v.c64[0] = 1.5f, v.c64[1] = -INFINITY, v.c128[0] = -0.0, v.c128[1] = 1e-300;
    v.half[0] = 0, v.half[1] = 0x3c;
    v.one = extreme ? another : an_inner, v.more[0] = an_inner, v.more[1] = another;
    v.text = extreme ? "\xff\n\"\\" : "caf\303\251", v.none = NULL;
    v.texts[0] = "", v.texts[1] = "x";
    v.many = extreme ? v.more : NULL, v.many_count = extreme ? 2 : 0;
    v.reals = reals, v.real_count = UNIT_COUNT(reals);
    return v;
}

static mpj_signature signature, stored;

static void setup(void)
{
    mpijob_error err;
    ck_assert_int_eq(mpj_signature_init(&signature, &function, NULL, &err), MPIJOB_OK);
    ck_assert_int_eq(mpj_signature_read(&stored, signature.json, signature.json_bytes, "func.json", &err), MPIJOB_OK);
}

static void teardown(void)
{
    mpj_signature_dispose(&signature);
    mpj_signature_dispose(&stored);
}

/* ---- There and back -------------------------------------------------------------------------------------------- */

/* Into the program's own struct, and into one that only func.json describes. */
START_TEST(the_same_key)
{
    outer v = make(_i);
    char *text;
    mpj_name wanted, name;
    mpijob_error err;
    if (_i)
        v.many = v.more; /* not the copy's */
    ck_assert_int_eq(mpj_key(&wanted, &signature, &v, 0, NULL, 0, &err), MPIJOB_OK);
    ck_assert_int_eq(mpijob_record_to_json(&text, &v, &outer_record, &err), MPIJOB_OK);
    const mpj_signature *both[] = {&signature, &stored};
    for (int i = 0; i < 2; i++) {
        ck_assert_msg(mpj_key_from_json(&name, both[i], text, strlen(text), NULL, 0, &err) == MPIJOB_OK, "%s: %s",
                      err.text, text);
        ck_assert_mem_eq(&name, &wanted, sizeof name);
    }
    mpijob_text_free(text);
}
END_TEST

START_TEST(the_values_themselves)
{
    outer v = make(0), *back;
    char *text, *again;
    mpijob_error err;
    ck_assert_int_eq(mpijob_record_to_json(&text, &v, &outer_record, &err), MPIJOB_OK);
    ck_assert_msg(mpj_args_from_json((void **)&back, &outer_record, text, strlen(text), &err) == MPIJOB_OK, "%s",
                  err.text);
    ck_assert(back->i64 == v.i64 && back->real_count == v.real_count && back->many_count == 0);
    ck_assert_mem_eq(back->reals, reals, sizeof reals);
    ck_assert_mem_eq(back->one.tag, "ab\0\0", 5);
    ck_assert_str_eq(back->text, v.text);
    ck_assert_int_eq(mpijob_record_to_json(&again, back, &outer_record, &err), MPIJOB_OK);
    ck_assert_str_eq(again, text);
    mpijob_text_free(text);
    mpijob_text_free(again);
    mpj_args_free(back, &outer_record);
}
END_TEST

/* Every float is read as it was written, also where double stands between. */
START_TEST(floats_exactly)
{
    const mpijob_field field = {"x", {MPIJOB_FLOAT32, 0, 4, NULL, NULL}, 0, 0, 0, 0, 0, 0, 0};
    const mpijob_record record = {"r", 4, 1, &field};
    uint32_t bits = 1;
    for (int i = 0; i < 20000; i++, bits = bits * 1664525u + 1013904223u) {
        float value, *back;
        char *text;
        memcpy(&value, &bits, sizeof value);
        if (isnan(value))
            continue;
        ck_assert_int_eq(mpijob_record_to_json(&text, &value, &record, NULL), MPIJOB_OK);
        ck_assert_int_eq(mpj_args_from_json((void **)&back, &record, text, strlen(text), NULL), MPIJOB_OK);
        ck_assert_msg(memcmp(back, &value, sizeof value) == 0, "%s", text);
        mpijob_text_free(text);
        mpj_args_free(back, &record);
    }
}
END_TEST

typedef struct simple {
    double c;
    int32_t n;
    char tag[4];
    const char *text;
    const int32_t *list;
    int8_t list_count;
    const float *other; /* with the same length */
    int64_t ignored;
    uint64_t large;
    float pair[2];
    _Bool flag;
    double z[2];
    unsigned char raw[2];
} simple;

static const mpijob_field simple_fields[] = {
    MPIJOB_FIELD(simple, c, MPIJOB_FLOAT64),
    MPIJOB_FIELD(simple, n, MPIJOB_INT32),
    MPIJOB_FIELD(simple, tag, MPIJOB_BYTES),
    MPIJOB_FIELD_STRING(simple, text),
    MPIJOB_FIELD_POINTER(simple, list, MPIJOB_INT32, list_count, MPIJOB_INT8),
    MPIJOB_FIELD_POINTER(simple, other, MPIJOB_FLOAT32, list_count, MPIJOB_INT8),
    {"ignored", {MPIJOB_INT64, 0, 8, NULL, NULL}, offsetof(simple, ignored), 0, 0, 0, 0, MPIJOB_IGNORED, 0},
    MPIJOB_FIELD(simple, large, MPIJOB_UINT64),
    MPIJOB_FIELD_ARRAY(simple, pair, MPIJOB_FLOAT32, float),
    MPIJOB_FIELD(simple, flag, MPIJOB_BOOL),
    MPIJOB_FIELD(simple, z, MPIJOB_COMPLEX128),
    {"raw", {MPIJOB_OPAQUE, 0, 2, NULL, "<f2"}, offsetof(simple, raw), 0, 0, 0, 0, 0, 0},
};
static const mpijob_record simple_record = MPIJOB_RECORD_OF(simple, simple_fields);

static const struct {
    const char *name, *value;
} good[] = {
    {"c", "1"},
    {"n", "2"},
    {"tag", "\"ab\""},
    {"text", "\"t\""},
    {"list", "[1, 2]"},
    {"other", "[1, 2.5]"},
    {"large", "3"},
    {"pair", "[1, 2]"},
    {"flag", "true"},
    {"z", "[1, 2]"},
    {"raw", "{\"base64\": \"AAE=\"}"},
};

/* The good text with one value replaced (NULL: left out). */
static void write_text(char *text, const char *name, const char *value)
{
    const char *between = "";
    strcpy(text, "{");
    for (int i = 0; i < UNIT_COUNT(good); i++) {
        const char *written = strcmp(good[i].name, name) == 0 ? value : good[i].value;
        if (written != NULL)
            text += sprintf(text + strlen(text), "%s\"%s\": %s", between, good[i].name, written), between = ", ";
    }
    strcat(text, "}");
}

static int read_text(simple **value, const char *text, mpijob_error *err)
{
    size_t bytes = strlen(text);
    char *exact = mpj_alloc(bytes);
    memcpy(exact, text, bytes);
    int status = mpj_args_from_json((void **)value, &simple_record, exact, bytes, err);
    mpj_free(exact);
    return status;
}

static const struct {
    const char *name, *value;
} also_good[] = {
    {"c", "-0.0"},
    {"c", "NaN"},
    {"c", "\"-Infinity\""},
    {"c", "18446744073709551616"},
    {"n", "-2147483648"},
    {"large", "18446744073709551615"},
    {"tag", "\"\""},
    {"tag", "\"abcd\""},
    {"tag", "{\"base64\": \"/wAB\"}"},
    {"text", "{\"base64\": \"/w==\"}"},
    {"text", "\"\""},
    {"pair", "[\"NaN\", 3]"},
    {"pair", "[1e-50, 3.4028235e38]"},
};

START_TEST(what_is_taken)
{
    char text[1024];
    simple *value;
    mpijob_error err;
    write_text(text, also_good[_i].name, also_good[_i].value);
    ck_assert_msg(read_text(&value, text, &err) == MPIJOB_OK, "%s: %s", text, err.text);
    ck_assert_int_eq(value->ignored, 0);
    mpj_args_free(value, &simple_record);
}
END_TEST

/* ---- What is refused ------------------------------------------------------------------------------------------- */

static const struct {
    const char *name, *value, *why;
} wrong[] = {
    {"c", NULL, "field 'c': it is missing"},
    {"list", NULL, "field 'list': it is missing"},
    {"c", "\"1\\n\"", "a number"},
    {"c", "\"one\"", "a number"},
    {"c", "null", "a number"},
    {"c", "[1]", "a number"},
    {"c", "1e999", "JSON"},
    {"n", "1.0", "an integer"},
    {"n", "2147483648", "out of range"},
    {"n", "-2147483649", "out of range"},
    {"n", "99999999999999999999999999", "out of range"},
    {"n", "\"-\"", "an integer"},
    {"n", "true", "an integer"},
    {"large", "-1", "out of range"},
    {"large", "18446744073709551616", "out of range"},
    {"tag", "\"abcde\"", "longer"},
    {"tag", "5", "a text"},
    {"tag", "{\"base64\": \"AAAAAAA=\"}", "longer"},
    {"tag", "{\"base64\": \"A\"}", "base64"},
    {"tag", "{\"base64\": \"AA==\", \"x\": 1}", "a text"},
    {"text", "5", "a text"},
    {"text", "\"a\\u0000b\"", "JSON"},
    {"text", "{\"base64\": \"YQBi\"}", "zero bytes"},
    {"text", "{\"base64\": \"****\"}", "zero bytes"},
    {"list", "5", "a list"},
    {"list", "[1, \"x\"]", "an integer"},
    {"list", "[1, 2, 3]", "shares its length"},
    {"pair", "[1]", "a list of 2"},
    {"pair", "[1, 2, 3]", "a list of 2"},
    {"pair", "5", "a list"},
    {"pair", "[1, 3.5e38]", "too large"},
    {"flag", "1", "true or false"},
    {"z", "1", "[real, imaginary]"},
    {"z", "[1]", "[real, imaginary]"},
    {"z", "[1, \"x\"]", "a number"},
    {"raw", "\"ab\"", "base64"},
    {"raw", "{\"base64\": \"AA==\"}", "shorter"},
    {"raw", "5, \"more\": 1", "base64"},
    {"flag", "true, \"more\": 1", "no field 'more'"},
    {"flag", "true, \"flag\": true", "JSON"},
    {"flag", "true, \"ignored\": \"x\"", "an integer"},
    {"flag", "true}}", "JSON"},
};

START_TEST(wrong_values)
{
    char text[1024];
    simple *value;
    mpijob_error err;
    write_text(text, wrong[_i].name, wrong[_i].value);
    ck_assert_msg(read_text(&value, text, &err) == MPIJOB_EINVAL && err.status == MPIJOB_EINVAL, "%s", text);
    ck_assert_msg(strstr(err.text, wrong[_i].why) != NULL, "'%s' is not in: %s", wrong[_i].why, err.text);
}
END_TEST

START_TEST(a_list_longer_than_its_length_can_say)
{
    char list[1024] = "[1", text[2048];
    simple *value;
    mpijob_error err;
    for (int i = 1; i < 128; i++)
        strcat(list, ", 1");
    strcat(list, "]");
    write_text(text, "list", list);
    ck_assert_int_eq(read_text(&value, text, &err), MPIJOB_EINVAL);
    ck_assert_ptr_nonnull(strstr(err.text, "longer than its length"));
}
END_TEST

static const char *const no_objects[] = {"", "5", "[]", "null", "{", "{\"c\": 1,}", "\"\\ud800\"", "{\"\xff\": 1}"};

START_TEST(texts_that_are_no_object)
{
    simple *value;
    ck_assert_int_eq(read_text(&value, no_objects[_i], NULL), MPIJOB_EINVAL);
}
END_TEST

START_TEST(indexes)
{
    static const char *const bad[] = {"", "-1", "1.0", "x", "{}", "18446744073709551616", " 1", "1 1"};
    const mpijob_function plain = {.name = "f", .call = call, .result_size = 8};
    mpj_signature s;
    mpj_name one, other;
    ck_assert_int_eq(mpj_signature_init(&s, &plain, NULL, NULL), MPIJOB_OK);
    ck_assert_int_eq(mpj_key(&one, &s, NULL, UINT64_MAX, NULL, 0, NULL), MPIJOB_OK);
    ck_assert_int_eq(mpj_key_from_json(&other, &s, "18446744073709551615\n", 21, NULL, 0, NULL), MPIJOB_OK);
    ck_assert_mem_eq(&one, &other, sizeof one);
    for (int i = 0; i < UNIT_COUNT(bad); i++)
        ck_assert_int_eq(mpj_key_from_json(&other, &s, bad[i], strlen(bad[i]), NULL, 0, NULL), MPIJOB_EINVAL);
    mpj_signature_dispose(&s);
}
END_TEST

/* No text is longer than the 15 bytes for which jansson has room: it does not notice that it got no more. */
START_TEST(every_allocation_may_fail)
{
    const mpijob_function f = {.name = "f", .call = call, .args_size = sizeof(simple), .args = &simple_record};
    char text[1024];
    mpj_signature s;
    mpj_name wanted;
    write_text(text, "", NULL);
    ck_assert_int_eq(mpj_signature_init(&s, &f, NULL, NULL), MPIJOB_OK);
    ck_assert_int_eq(mpj_key_from_json(&wanted, &s, text, strlen(text), NULL, 0, NULL), MPIJOB_OK);
    for (failing fail = failing_begin(); failing_next(&fail);) {
        mpj_name name;
        mpijob_error err = {0};
        int status = mpj_key_from_json(&name, &s, text, strlen(text), NULL, 0, &err);
        failing_stop(&fail);
        /* jansson, out of memory in the middle of a text, calls it a fault of the text. Names are compared without
         * memory. */
        ck_assert_msg(status == MPIJOB_OK || (fail.failed && (status == MPIJOB_ENOMEM || strstr(err.text, "no JSON"))),
                      "%d: %s", (int)fail.n, err.text);
        if (status == MPIJOB_OK)
            ck_assert_mem_eq(&name, &wanted, sizeof name);
    }
    mpj_signature_dispose(&s);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("argsjson");
    TCase *cases = tcase_create("taken");
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_loop_test(cases, the_same_key, 0, 2);
    tcase_add_test(cases, the_values_themselves);
    tcase_add_test(cases, floats_exactly);
    tcase_add_loop_test(cases, what_is_taken, 0, UNIT_COUNT(also_good));
    suite_add_tcase(suite, cases);
    cases = tcase_create("refused");
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_loop_test(cases, wrong_values, 0, UNIT_COUNT(wrong));
    tcase_add_test(cases, a_list_longer_than_its_length_can_say);
    tcase_add_loop_test(cases, texts_that_are_no_object, 0, UNIT_COUNT(no_objects));
    tcase_add_test(cases, indexes);
    tcase_add_test(cases, every_allocation_may_fail);
    suite_add_tcase(suite, cases);
    return unit_run(suite);
}
