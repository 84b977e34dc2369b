#include "sched/njobs.h"

#include "unit.h"

#include <limits.h>

static const struct {
    int n_jobs;
    int available;
    int workers;
} cases[] = {
    {0, 1, 1},
    {0, 8, 8},
    {-1, 1, 1},
    {-1, 8, 8},
    {1, 1, 1},
    {1, 8, 1},
    {7, 8, 7},
    {8, 8, 8},
    {9, 8, 8},
    {1000, 8, 8},
    {-2, 8, 7},
    {-3, 8, 6},
    {-8, 8, 1},
    {-9, 8, 1},
    {-10, 8, 1},
    {-1000, 8, 1},
    {-2, 1, 1},
    {-2, 2, 1},
    {-2, 3, 2},
    {INT_MAX, 3, 3},
    {INT_MIN, 3, 1},
    {INT_MIN, 1, 1},
    {INT_MAX, 1, 1},
    {-1, INT_MAX, INT_MAX},
    {0, INT_MAX, INT_MAX},
    {-2, INT_MAX, INT_MAX - 1},
    {INT_MIN, INT_MAX, 1},
    {INT_MAX, INT_MAX, INT_MAX},
};

START_TEST(resolves_as_joblib_does)
{
    ck_assert_int_eq(mpj_njobs_resolve(cases[_i].n_jobs, cases[_i].available), cases[_i].workers);
}
END_TEST

START_TEST(is_never_out_of_range)
{
    for (int available = 1; available <= 40; available++) {
        for (int n_jobs = -60; n_jobs <= 60; n_jobs++) {
            int workers = mpj_njobs_resolve(n_jobs, available);
            ck_assert_int_ge(workers, 1);
            ck_assert_int_le(workers, available);
        }
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("njobs");
    TCase *group = tcase_create("njobs");
    tcase_add_loop_test(group, resolves_as_joblib_does, 0, UNIT_COUNT(cases));
    tcase_add_test(group, is_never_out_of_range);
    suite_add_tcase(suite, group);
    return unit_run(suite);
}
