#include "sched/expression.h"

#include "unit.h"

#include <string.h>

static const struct {
    const char *text;
    int n_jobs;
    uint64_t value;
} values[] = {
    {"all", 4, MPJ_UNKNOWN},
    {"1", 4, 1},
    {"007", 4, 7},
    {"n_jobs", 4, 4},
    {"2*n_jobs", 4, 8},
    {"2 * n_jobs", 3, 6},
    {" \t2 *\tn_jobs ", 3, 6},
    {"1.5*n_jobs", 3, 4},
    {".5*n_jobs", 5, 2},
    {"2.*n_jobs", 5, 10},
    {"n_jobs+1", 4, 5},
    {"n_jobs-1", 4, 3},
    {"10-3-2", 4, 5},
    {"2+3*4", 1, 14},
    {"(2+3)*4", 1, 20},
    {"((((n_jobs))))", 6, 6},
    {"100/10/5", 1, 2},
    {"7/2", 1, 3},
    {"7/2*2", 1, 7},
    {"7//2", 1, 3},
    {"7//2*2", 1, 6},
    {"2*7//2", 1, 7},
    {"7%4", 1, 3},
    {"-7%4", 1, 1},
    {"-(7%-4)", 1, 1},
    {"-(-7//2)", 1, 4},
    {"-(7//-2)", 1, 4},
    {"-7//-2", 1, 3},
    {"7.5%2", 1, 1},
    {"8%4+1", 1, 1},
    {"2**10", 1, 1024},
    {"2**3**2", 1, 512},
    {"(2**3)**2", 1, 64},
    {"5--2**2", 1, 9},
    {"10+-2**2", 1, 6},
    {"(-2)**2", 1, 4},
    {"8*2**-1", 1, 4},
    {"8*2**-+-1", 1, 16},
    {"9**.5", 1, 3},
    {"3*2**2", 1, 12},
    {"+5", 1, 5},
    {"--5", 1, 5},
    {"-+-5", 1, 5},
    {"n_jobs**2", 1000, 1000000},
    {"2*-n_jobs+100", 4, 92},
    {"7**17", 1, 232630513987207},
    {"3**31", 1, 617673396283947},
    {"10**15", 1, 1000000000000000},
    {"999999999999999", 1, 999999999999999},
    {"999999999999999//1", 1, 999999999999999},
    {"999999999999999//7", 1, 142857142857142},
    {"999999999999999%10", 1, 9},
    {"1//0.1", 1, 9},
    {"1+1+1+1+1+1+1+1+1+1+1+1+1+1+1", 1, 15},
    {"0.1+0.2+0.7", 1, 1},
};

START_TEST(has_pythons_value)
{
    uint64_t value = 12345;
    mpijob_error err;
    int status = mpj_expression_pre_dispatch(values[_i].text, values[_i].n_jobs, &value, &err);
    ck_assert_msg(status == MPIJOB_OK, "%s: %s", values[_i].text, status ? err.text : "");
    ck_assert_msg(value == values[_i].value, "%s gave %llu", values[_i].text, (unsigned long long)value);
}
END_TEST

static const struct {
    const char *text;
    const char *message;
} errors[] = {
    {"", "pre_dispatch \"\": expected a number, n_jobs or \"(\" at the end"},
    {"  ", "pre_dispatch \"  \": expected a number, n_jobs or \"(\" at the end"},
    {"2*", "pre_dispatch \"2*\": expected a number, n_jobs or \"(\" at the end"},
    {"2*foo", "pre_dispatch \"2*foo\": expected a number, n_jobs or \"(\" at character 3, \"foo\""},
    {"All", "pre_dispatch \"All\": expected a number, n_jobs or \"(\" at character 1, \"All\""},
    {"all+1", "pre_dispatch \"all+1\": expected a number, n_jobs or \"(\" at character 1, \"all+1\""},
    {"2n_jobs", "pre_dispatch \"2n_jobs\": expected an operator or the end at character 2, \"n_jobs\""},
    {"n_jobs2", "pre_dispatch \"n_jobs2\": expected an operator or the end at character 7, \"2\""},
    {"1 2", "pre_dispatch \"1 2\": expected an operator or the end at character 3, \"2\""},
    {"1.2.3", "pre_dispatch \"1.2.3\": expected an operator or the end at character 4, \".3\""},
    {"1,5", "pre_dispatch \"1,5\": expected an operator or the end at character 2, \",5\""},
    {"1e3", "pre_dispatch \"1e3\": expected an operator or the end at character 2, \"e3\""},
    {"0x10", "pre_dispatch \"0x10\": expected an operator or the end at character 2, \"x10\""},
    {".", "pre_dispatch \".\": expected a number, n_jobs or \"(\" at character 1, \".\""},
    {"inf", "pre_dispatch \"inf\": expected a number, n_jobs or \"(\" at character 1, \"inf\""},
    {"(1+2", "pre_dispatch \"(1+2\": expected \")\" at the end"},
    {"(1+2]", "pre_dispatch \"(1+2]\": expected \")\" at character 5, \"]\""},
    {"1+2)", "pre_dispatch \"1+2)\": expected an operator or the end at character 4, \")\""},
    {"()", "pre_dispatch \"()\": expected a number, n_jobs or \"(\" at character 2, \")\""},
    {"1 + * 2", "pre_dispatch \"1 + * 2\": expected a number, n_jobs or \"(\" at character 5, \"* 2\""},
    {"2 ** ** 3", "pre_dispatch \"2 ** ** 3\": expected a number, n_jobs or \"(\" at character 6, \"** 3\""},
    {"1/0", "pre_dispatch \"1/0\": division by zero at character 3, \"0\""},
    {"1//(2-2)", "pre_dispatch \"1//(2-2)\": division by zero at character 4, \"(2-2)\""},
    {"5%0", "pre_dispatch \"5%0\": division by zero at character 3, \"0\""},
    {"0**-1", "pre_dispatch \"0**-1\": division by zero at character 2, \"**-1\""},
    {"(-2)**.5", "pre_dispatch \"(-2)**.5\": a root of a negative number at character 5, \"**.5\""},
    {"10**16", "pre_dispatch \"10**16\": a value beyond 1e15 at character 3, \"**16\""},
    {"9**9**9", "pre_dispatch \"9**9**9\": a value beyond 1e15 at character 2, \"**9**9\""},
    {"10**15*2/2", "pre_dispatch \"10**15*2/2\": a value beyond 1e15 at character 7, \"*2/2\""},
    {"10**15+1-1", "pre_dispatch \"10**15+1-1\": a value beyond 1e15 at character 7, \"+1-1\""},
    {"-10**15-1", "pre_dispatch \"-10**15-1\": a value beyond 1e15 at character 8, \"-1\""},
    {"1/.0000000000000000001", "pre_dispatch \"1/.0000000000000000001\": a value beyond 1e15 at character 3, "
                               "\".0000000000000000001\""},
    {"1000000000000001", "pre_dispatch \"1000000000000001\": a value beyond 1e15 at character 1, "
                         "\"1000000000000001\""},
    {"123456789012345678901234567890",
     "pre_dispatch \"123456789012345678901234567890\": a value beyond 1e15 at character "
     "1, \"123456789012345678901234567890\""},
    {"1;rm", "pre_dispatch \"1;rm\": expected an operator or the end at character 2, \";rm\""},
    {"0", "pre_dispatch \"0\" is 0 with n_jobs=4: it must be at least 1"},
    {"0.99", "pre_dispatch \"0.99\" is 0.99 with n_jobs=4: it must be at least 1"},
    {"-3", "pre_dispatch \"-3\" is -3 with n_jobs=4: it must be at least 1"},
    {"n_jobs-5", "pre_dispatch \"n_jobs-5\" is -1 with n_jobs=4: it must be at least 1"},
    {"-2**2", "pre_dispatch \"-2**2\" is -4 with n_jobs=4: it must be at least 1"},
    {"-7//2", "pre_dispatch \"-7//2\" is -4 with n_jobs=4: it must be at least 1"},
    {"7%-4", "pre_dispatch \"7%-4\" is -1 with n_jobs=4: it must be at least 1"},
    {"1//2", "pre_dispatch \"1//2\" is 0 with n_jobs=4: it must be at least 1"},
    {"1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+", "pre_dispatch \"1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+\": expected a number, n_jobs or "
                                       "\"(\" at the end"},
    {"1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1",
     "pre_dispatch \"1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+...\": longer than 30 characters"},
    {"((((((((((((((((((((((((((((((", "pre_dispatch \"((((((((((((((((((((((((((((((\": expected a number, n_jobs or "
                                       "\"(\" at the end"},
    {"------------------------------", "pre_dispatch \"------------------------------\": expected a number, n_jobs or "
                                       "\"(\" at the end"},
};

START_TEST(says_what_is_wrong_and_where)
{
    uint64_t value = 12345;
    mpijob_error err;
    ck_assert_int_eq(mpj_expression_pre_dispatch(errors[_i].text, 4, &value, &err), MPIJOB_EINVAL);
    ck_assert_int_eq(err.status, MPIJOB_EINVAL);
    ck_assert_str_eq(err.text, errors[_i].message);
    ck_assert_uint_eq(value, 12345);
    ck_assert_int_eq(mpj_expression_pre_dispatch(errors[_i].text, 4, &value, NULL), MPIJOB_EINVAL);
}
END_TEST

/* Every text of up to four symbols: none may read past its end (the sanitizers watch), all end in a value or a text. */
START_TEST(takes_any_text)
{
    static const char *const symbols[] = {"",   "1", "0",  ".", "n_jobs", "+", "-", "*",
                                          "**", "/", "//", "%", "(",      ")", " "};
    int count = UNIT_COUNT(symbols);
    for (int number = 0; number < count * count * count * count; number++) {
        char text[32] = "";
        for (int rest = number, i = 0; i < 4; i++, rest /= count)
            strcat(text, symbols[rest % count]);
        uint64_t value = 0;
        mpijob_error err = {.status = 1};
        int status = mpj_expression_pre_dispatch(text, 3, &value, &err);
        ck_assert(status == MPIJOB_OK ? value >= 1 && err.status == 1 : value == 0 && err.text[0] != '\0');
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("expression");
    TCase *group = tcase_create("pre_dispatch");
    tcase_add_loop_test(group, has_pythons_value, 0, UNIT_COUNT(values));
    tcase_add_loop_test(group, says_what_is_wrong_and_where, 0, UNIT_COUNT(errors));
    tcase_add_test(group, takes_any_text);
    suite_add_tcase(suite, group);
    return unit_run(suite);
}
