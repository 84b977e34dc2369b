/* Names of functions as folders. */
#include "memory/escape.h"
#include "unit.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static const struct {
    const char *name, *escaped;
} names[] = {
    {"fit", "fit"},
    {"fit_2", "fit_2"},
    {"a-b", "a-b"},
    {"-rf", "%2drf"},
    {"Fit", "%46it"},
    {"ns::fit", "ns%3a%3afit"},
    {"a/b", "a%2fb"},
    {"../x", "%2e%2e%2fx"},
    {".", "%2e"},
    {"..", "%2e%2e"},
    {".hidden", "%2ehidden"},
    {"format.json", "format%2ejson"},
    {"CACHEDIR.TAG", "%43%41%43%48%45%44%49%52%2e%54%41%47"},
    {"", "%"},
    {"%", "%25"},
    {"a b", "a%20b"},
    {"~", "%7e"},
    {"trash", "%74rash"},
    {"cleaner", "%63leaner"},
    {"con", "%63on"},
    {"com1", "%63om1"},
    {"com", "com"},
    {"com10", "com10"},
    {"lpt9", "%6cpt9"},
    {"\303\251", "%c3%a9"},
    {"\xff\x01\x7f", "%ff%01%7f"},
    {"new\nline\\", "new%0aline%5c"},
};

START_TEST(there_and_back)
{
    char escaped[MPJ_ESCAPED_BYTES], name[MPJ_ESCAPED_BYTES];
    mpj_escape(escaped, names[_i].name);
    ck_assert_str_eq(escaped, names[_i].escaped);
    ck_assert_int_eq(mpj_unescape(name, escaped), 0);
    ck_assert_str_eq(name, names[_i].name);
}
END_TEST

START_TEST(every_byte_in_every_place)
{
    for (int byte = 1; byte < 256; byte++) {
        for (int place = 0; place < 3; place++) {
            char name[] = "xyz", escaped[MPJ_ESCAPED_BYTES], back[MPJ_ESCAPED_BYTES];
            name[place] = (char)byte;
            mpj_escape(escaped, name);
            for (const char *at = escaped; *at != '\0'; at++)
                ck_assert(islower((unsigned char)*at) || isdigit((unsigned char)*at) || strchr("_-%", *at) != NULL);
            ck_assert_int_eq(mpj_unescape(back, escaped), 0);
            ck_assert_str_eq(back, name);
        }
    }
}
END_TEST

START_TEST(names_that_differ_in_case_alone)
{
    char one[MPJ_ESCAPED_BYTES], other[MPJ_ESCAPED_BYTES];
    mpj_escape(one, "fitModel");
    mpj_escape(other, "FitModel");
    ck_assert_int_ne(strcasecmp(one, other), 0);
}
END_TEST

/* Of `bytes` letters, the last one `last`. */
static void long_name(char *name, size_t bytes, char first, char last)
{
    memset(name, first, bytes);
    name[bytes - 1] = last;
    name[bytes] = '\0';
}

START_TEST(long_names_are_cut_and_stay_different)
{
    static const size_t lengths[] = {199, 200, 201, 300, 5000};
    for (int i = 0; i < UNIT_COUNT(lengths); i++) {
        for (int plain = 0; plain < 2; plain++) {
            char name[5001], one[MPJ_ESCAPED_BYTES], other[MPJ_ESCAPED_BYTES], back[MPJ_ESCAPED_BYTES];
            int fits = lengths[i] * (plain ? 1 : 3) <= 200;
            long_name(name, lengths[i], plain ? 'x' : 'X', 'y');
            mpj_escape(one, name);
            long_name(name, lengths[i], plain ? 'x' : 'X', 'z');
            mpj_escape(other, name);
            ck_assert_uint_le(strlen(one), 200);
            ck_assert_int_ne(strcasecmp(one, other), 0);
            ck_assert_int_eq(strchr(one, '~') != NULL, !fits);
            ck_assert_int_eq(mpj_unescape(back, one), fits ? 0 : -1);
        }
    }
}
END_TEST

/* No escape is cut in two: what stands in front of the mark is whole. */
START_TEST(a_cut_name_is_cut_between_bytes)
{
    for (size_t plain = 0; plain < 4; plain++) {
        char name[301], escaped[MPJ_ESCAPED_BYTES], back[MPJ_ESCAPED_BYTES];
        memset(name, 'X', 300);
        memset(name, 'x', plain);
        name[300] = '\0';
        mpj_escape(escaped, name);
        char *mark = strchr(escaped, '~');
        ck_assert_ptr_nonnull(mark);
        ck_assert_uint_eq(strlen(mark), 33);
        *mark = '\0';
        ck_assert_int_eq(mpj_unescape(back, escaped), 0);
        ck_assert_int_eq(strncmp(back, name, strlen(back)), 0);
    }
}
END_TEST

static const char *const no_names[] = {"",      "Fit",   "%%",   "%4",  "%4g",   "%4G", "%46IT", "%00",
                                       "a%00b", "%66it", "a/b",  "a.b", "trash", "%2",  "-x",    "a~b",
                                       "..",    "%7E",   "%7e~", "con", "\xff",  "a b", "%zz",   "x%2e%"};

START_TEST(folders_that_are_no_names)
{
    char name[MPJ_ESCAPED_BYTES], long_one[260];
    ck_assert_int_eq(mpj_unescape(name, no_names[_i]), -1);
    memset(long_one, 'x', sizeof long_one - 1);
    long_one[sizeof long_one - 1] = '\0';
    ck_assert_int_eq(mpj_unescape(name, long_one), -1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("escape");
    TCase *cases = tcase_create("escape");
    tcase_add_loop_test(cases, there_and_back, 0, UNIT_COUNT(names));
    tcase_add_test(cases, every_byte_in_every_place);
    tcase_add_test(cases, names_that_differ_in_case_alone);
    tcase_add_test(cases, long_names_are_cut_and_stay_different);
    tcase_add_test(cases, a_cut_name_is_cut_between_bytes);
    tcase_add_loop_test(cases, folders_that_are_no_names, 0, UNIT_COUNT(no_names));
    suite_add_tcase(suite, cases);
    return unit_run(suite);
}
