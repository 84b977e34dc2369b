#include "base/alloc.h"
#include "data/dtype.h"
#include "failing.h"
#include "unit.h"

#include <string.h>

static const struct {
    const char *literal, *json;
} good[] = {
    {"1", "1"},
    {" \t\r\n\f-17 ", "-17"},
    {"0", "0"},
    {"-0", "0"},
    {"9223372036854775807", "9223372036854775807"},
    {"-9223372036854775807", "-9223372036854775807"},
    {"3L", "3"},
    {"True", "true"},
    {"False", "false"},
    {"None", "null"},
    {"''", "\"\""},
    {"\"a'b\"", "\"a'b\""},
    {"'a\"b'", "\"a\\\"b\""},
    {"u'a'", "\"a\""},
    {"U\"a\"", "\"a\""},
    {"'\\\\ \\' \\\" \\n\\t\\r\\b\\f'", "\"\\\\ ' \\\" \\n\\t\\r\\b\\f\""},
    {"'\\a\\v'", "\"\\u0007\\u000B\""},
    {"'\\x41\\u00e9\\U0001F600\\101\\7!'", "\"A\u00e9\U0001F600A\\u0007!\""},
    {"'\\777'", "\"\u01ff\""},
    {"'\\q\\8'", "\"\\\\q\\\\8\""},
    {"'a\\\nb'", "\"ab\""},
    {"'gr\u00f6\u00dfe'", "\"gr\u00f6\u00dfe\""},
    {"()", "[]"},
    {"[]", "[]"},
    {"{}", "{}"},
    {"(1)", "1"},
    {"((1))", "1"},
    {"(1,)", "[1]"},
    {"( 1 , )", "[1]"},
    {"(1, 2)", "[1, 2]"},
    {"[1, 2, ]", "[1, 2]"},
    {"[1]", "[1]"},
    {"((1,), [2])", "[[1], [2]]"},
    {"{'a': 1, \"b\": (2,), }", "{\"a\": 1, \"b\": [2]}"},
    {"{'descr': [('a', '<f8'), ('b', '<i4', (3,))], 'fortran_order': False, 'shape': (3, 4), }          \n",
     "{\"descr\": [[\"a\", \"<f8\"], [\"b\", \"<i4\", [3]]], \"fortran_order\": false, \"shape\": [3, 4]}"},
    {"{'descr': '<f8', 'fortran_order': True, 'shape': (3L, 4L)}",
     "{\"descr\": \"<f8\", \"fortran_order\": true, \"shape\": [3, 4]}"},
};

START_TEST(literals_are_read)
{
    json_t *value = NULL, *wanted = json_loads(good[_i].json, JSON_DECODE_ANY, NULL);
    mpijob_error err = {0};
    size_t bytes = strlen(good[_i].literal);
    char *exact = malloc(bytes); /* not terminated, so that reading on is noticed */
    memcpy(exact, good[_i].literal, bytes);
    ck_assert_ptr_nonnull(wanted);
    ck_assert_msg(mpj_pyliteral_parse(&value, exact, bytes, "x.npy", &err) == MPIJOB_OK, "%s", err.text);
    ck_assert_msg(json_equal(value, wanted), "%s", good[_i].literal);
    json_decref(value);
    json_decref(wanted);
    free(exact);
}
END_TEST

/* A text with its zero bytes. */
#define TEXT(literal) literal, sizeof literal - 1

static const struct {
    const char *literal;
    size_t bytes;
    const char *reason;
} bad[] = {
    {TEXT(""), "ends too early"},
    {TEXT("   "), "ends too early"},
    {TEXT("1 2"), "something follows"},
    {TEXT("'a' 'b'"), "something follows"},
    {TEXT("'''a'''"), "something follows"},
    {TEXT("1\0"), "something follows"},
    {TEXT("\0"), "a value is missing"},
    {TEXT("# x\n1"), "a value is missing"},
    {TEXT("01"), "not a decimal integer"},
    {TEXT("-"), "not a decimal integer"},
    {TEXT("--1"), "not a decimal integer"},
    {TEXT("9223372036854775808"), "not a decimal integer"},
    {TEXT("99999999999999999999999999"), "not a decimal integer"},
    {TEXT("+1"), "a value is missing"},
    {TEXT("1.5"), "no integer"},
    {TEXT("1e5"), "no integer"},
    {TEXT("0x10"), "no integer"},
    {TEXT("1_000"), "no integer"},
    {TEXT("3LL"), "no integer"},
    {TEXT("true"), "a word is none"},
    {TEXT("Tru"), "a word is none"},
    {TEXT("True1"), "a word is none"},
    {TEXT("__import__('os')"), "a word is none"},
    {TEXT("u"), "a word is none"},
    {TEXT("b'a'"), "a word is none"},
    {TEXT("'a"), "no end"},
    {TEXT("'"), "no end"},
    {TEXT("u'"), "no end"},
    {TEXT("'a\\"), "no end"},
    {TEXT("'a\\'"), "no end"},
    {TEXT("'a\nb'"), "no end"},
    {TEXT("'a\0b'"), "no end"},
    {TEXT("'a\\\0b'"), "no end"},
    {TEXT("'\\x4'"), "too few digits"},
    {TEXT("'\\x"), "too few digits"},
    {TEXT("'\\u12'"), "too few digits"},
    {TEXT("'\\U0001F60'"), "too few digits"},
    {TEXT("'\\0'"), "no character"},
    {TEXT("'\\x00'"), "no character"},
    {TEXT("'\\ud800'"), "no character"},
    {TEXT("'\\U00110000'"), "no character"},
    {TEXT("'\\UFFFFFFFF'"), "no character"},
    {TEXT("'\\N{DASH}'"), "names a character"},
    {TEXT("'\xff'"), "not UTF-8"},
    {TEXT("["), "ends too early"},
    {TEXT("[1"), "a comma is missing"},
    {TEXT("[1,"), "ends too early"},
    {TEXT("[1 2]"), "a comma is missing"},
    {TEXT("[,]"), "a value is missing"},
    {TEXT("(,)"), "a value is missing"},
    {TEXT("[1,,2]"), "a value is missing"},
    {TEXT("[1)"), "a comma is missing"},
    {TEXT("]"), "a value is missing"},
    {TEXT("{"), "ends too early"},
    {TEXT("{'a'"), "a colon is missing"},
    {TEXT("{'a':"), "ends too early"},
    {TEXT("{'a': 1"), "a comma is missing"},
    {TEXT("{'a': 1 'b': 2}"), "a comma is missing"},
    {TEXT("{,}"), "a value is missing"},
    {TEXT("{1: 2}"), "no text"},
    {TEXT("{'a', 'b'}"), "a colon is missing"},
    {TEXT("{'a': 1, 'a': 2}"), "given twice"},
    {TEXT("{'a': {'b': [x]}}"), "a word is none"},
};

START_TEST(anything_else_is_an_error)
{
    json_t *value = json_true();
    mpijob_error err = {0};
    char *exact = malloc(bad[_i].bytes);
    memcpy(exact, bad[_i].literal, bad[_i].bytes);
    ck_assert_int_eq(mpj_pyliteral_parse(&value, exact, bad[_i].bytes, "x.npy", &err), MPIJOB_ECORRUPT);
    ck_assert_ptr_null(value);
    ck_assert_msg(strstr(err.text, bad[_i].reason) != NULL, "%s: %s", bad[_i].literal, err.text);
    ck_assert_int_eq(strncmp(err.text, "x.npy: ", 7), 0);
    free(exact);
}
END_TEST

/* Each beginning of a sound literal is an error, found without reading on. */
START_TEST(a_literal_that_was_cut_is_an_error)
{
    static const char whole[] = "{'descr': [('a', '<f8'), (('t', 'b\\u00e9'), '<i4', (3,))], 'shape': (-3, 4L)}";
    for (size_t bytes = 0; bytes < sizeof whole; bytes++) {
        json_t *value;
        char *exact = malloc(bytes ? bytes : 1);
        memcpy(exact, whole, bytes);
        int status = mpj_pyliteral_parse(&value, exact, bytes, "x.npy", NULL);
        ck_assert_int_eq(status, bytes == sizeof whole - 1 ? MPIJOB_OK : MPIJOB_ECORRUPT);
        json_decref(value);
        free(exact);
    }
}
END_TEST

static int parse_nested(char open, char close, size_t depth)
{
    char text[300];
    json_t *value;
    memset(text, open, depth);
    memset(text + depth, close, depth);
    int status = mpj_pyliteral_parse(&value, text, 2 * depth, "x.npy", NULL);
    json_decref(value);
    return status;
}

START_TEST(nesting_and_length_are_limited)
{
    ck_assert_int_eq(parse_nested('[', ']', 64), MPIJOB_OK);
    ck_assert_int_eq(parse_nested('(', ')', 64), MPIJOB_OK);
    ck_assert_int_eq(parse_nested('[', ']', 65), MPIJOB_ECORRUPT);
    ck_assert_int_eq(parse_nested('(', ')', 65), MPIJOB_ECORRUPT);
    size_t most = (size_t)2 << 20;
    char *text = malloc(most + 1);
    json_t *value;
    memset(text, '(', most + 1);
    ck_assert_int_eq(mpj_pyliteral_parse(&value, text, most, "x.npy", NULL), MPIJOB_ECORRUPT);
    memset(text, ' ', most + 1);
    text[0] = '1';
    ck_assert_int_eq(mpj_pyliteral_parse(&value, text, most, "x.npy", NULL), MPIJOB_OK);
    json_decref(value);
    ck_assert_int_eq(mpj_pyliteral_parse(&value, text, most + 1, "x.npy", NULL), MPIJOB_EUNSUPPORTED);
    ck_assert_ptr_null(value);
    free(text);
}
END_TEST

static const struct {
    const char *json, *literal;
} written[] = {
    {"\"<f8\"", "'<f8'"},
    {"[]", "()"},
    {"[3]", "(3,)"},
    {"[3, 4]", "(3, 4)"},
    {"[[\"a\", \"<f8\"], [\"b\", \"<i4\", [3]], [\"\", \"|V4\"]]", "[('a', '<f8'), ('b', '<i4', (3,)), ('', '|V4')]"},
    {"[[\"a\", [[\"x\", \"<f8\"]]]]", "[('a', [('x', '<f8')])]"},
    {"{\"descr\": \"<f8\", \"fortran_order\": false, \"shape\": [1, -2], \"x\": true, \"y\": null}",
     "{'descr': '<f8', 'fortran_order': False, 'shape': (1, -2), 'x': True, 'y': None, }"},
    {"{}", "{}"},
    {"\"a'b\\\\\\n\\u007f\u00e9\"", "'a\\'b\\\\\\x0a\\x7f\u00e9'"},
};

START_TEST(literals_are_written_as_numpy_does)
{
    json_t *value = json_loads(written[_i].json, JSON_DECODE_ANY, NULL), *back;
    char *text = mpj_pyliteral_text(value);
    ck_assert_str_eq(text, written[_i].literal);
    ck_assert_int_eq(mpj_pyliteral_parse(&back, text, strlen(text), "x.npy", NULL), MPIJOB_OK);
    ck_assert(json_equal(back, value));
    json_decref(back);
    json_decref(value);
    mpj_free(text);
}
END_TEST

START_TEST(every_allocation_may_fail)
{
    static const char text[] = "{'descr': [('a', '<f8'), ('b', '<i4', (3,))], 'shape': (1, 2, 3, 4, 5, 6, 7, 8, 9, "
                               "10), 'x': {'y': (None)}, 'z': 'abcdef'}";
    failing f = failing_begin();
    while (failing_next(&f)) {
        json_t *value = NULL;
        mpijob_error err = {0};
        int status = mpj_pyliteral_parse(&value, text, strlen(text), "x.npy", &err);
        char *again = status == MPIJOB_OK ? mpj_pyliteral_text(value) : NULL;
        failing_stop(&f);
        ck_assert_int_eq(again == NULL, f.failed);
        ck_assert_int_eq(err.status, status);
        ck_assert_int_eq(value == NULL, status != MPIJOB_OK);
        ck_assert_msg(status == MPIJOB_OK || status == MPIJOB_ENOMEM, "%s", err.text);
        json_decref(value);
        mpj_free(again);
    }
    ck_assert_uint_gt(f.n, 20);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pyliteral");
    TCase *group = tcase_create("pyliteral");
    tcase_add_loop_test(group, literals_are_read, 0, UNIT_COUNT(good));
    tcase_add_loop_test(group, anything_else_is_an_error, 0, UNIT_COUNT(bad));
    tcase_add_test(group, a_literal_that_was_cut_is_an_error);
    tcase_add_test(group, nesting_and_length_are_limited);
    tcase_add_loop_test(group, literals_are_written_as_numpy_does, 0, UNIT_COUNT(written));
    tcase_add_test(group, every_allocation_may_fail);
    suite_add_tcase(suite, group);
    return unit_run(suite);
}
