/* When it pays to look what others stored. */
#include "memory/refresh.h"
#include "unit.h"

#include <math.h>

#define LAST 1000.0

static const struct {
    double cost_s, since_s, compute_s;
    bool pays;
} cases[] = {
    /* nothing known of the cost: every 10 ms */
    {0, 0.009, INFINITY, false},
    {0, 0.011, 0, true},
    {0, 0.011, INFINITY, true},
    /* ten open segments on a local disk */
    {20e-6, 0.009, 1, false},
    {20e-6, 0.011, 1e-6, true},
    /* the same on GlusterFS: slow functions every 23 ms, fast ones every 0.23 s */
    {2.3e-3, 0.022, 1, false},
    {2.3e-3, 0.024, 1, true},
    {2.3e-3, 0.024, INFINITY, true},
    {2.3e-3, 0.024, 0.1, false},
    {2.3e-3, 0.14, 0.1, true},
    {2.3e-3, 0.22, 1e-6, false},
    {2.3e-3, 0.24, 1e-6, true},
    /* a hundred opened again */
    {80e-3, 0.79, 60, false},
    {80e-3, 0.81, 60, true},
    {80e-3, 0.81, 7, false},
    {80e-3, 7.9, 0, false},
    {80e-3, 8.1, 0, true},
    /* the clock was asked before the last look ended */
    {0, -1, INFINITY, false},
};

START_TEST(it_pays)
{
    const mpj_refresh refresh = {LAST, cases[_i].cost_s};
    ck_assert_int_eq(mpj_refresh_pays(&refresh, LAST + cases[_i].since_s, cases[_i].compute_s), cases[_i].pays);
}
END_TEST

START_TEST(the_cost_is_a_running_mean)
{
    mpj_refresh refresh = {0};
    mpj_refresh_done(&refresh, 10, 10.5);
    ck_assert_double_eq_tol(refresh.cost_s, 0.5, 1e-9);
    ck_assert_double_eq(refresh.last, 10.5);
    mpj_refresh_done(&refresh, 20, 20.1);
    ck_assert_double_eq_tol(refresh.cost_s, 0.4, 1e-9);
    for (int i = 0; i < 100; i++)
        mpj_refresh_done(&refresh, 30, 30.002);
    ck_assert_double_eq_tol(refresh.cost_s, 0.002, 1e-6);
    mpj_refresh_done(&refresh, 40, 39);
    ck_assert_double_ge(refresh.cost_s, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("refresh");
    TCase *rule = tcase_create("rule");
    tcase_add_loop_test(rule, it_pays, 0, UNIT_COUNT(cases));
    tcase_add_test(rule, the_cost_is_a_running_mean);
    suite_add_tcase(suite, rule);
    return unit_run(suite);
}
