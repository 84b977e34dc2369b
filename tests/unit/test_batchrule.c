/* The rows are worked out by hand from the formula. Times are chosen so that quotients are not whole numbers: then no
 * row hangs on the last bit of a division. */
#include "sched/batchrule.h"

#include "sched/span.h"
#include "unit.h"

#include <math.h>

/* Two workers, rank 0 looks every 0.1 ms, nobody serves for it: the target is 4 x 0.1 ms. */
static mpj_batchrule plain(void)
{
    mpj_batchrule rule = {.workers = 2, .own_limit_s = 1e-4};
    mpj_batchrule_start(&rule);
    return rule;
}

static const struct {
    const char *what;
    uint32_t workers;
    double own_limit_s, gap_s, message_s, own_job_s;
    bool own_follows, own;
    double target_s;
} targets[] = {
    {"floor of 20 us", 2, 0, -1, -1, -1, false, false, 20e-6},
    {"four looks", 2, 1e-4, -1, -1, -1, false, false, 4e-4},
    {"a hundred gaps", 2, 1e-4, 2e-5, -1, -1, false, false, 2e-3},
    {"short gaps stay below the floor", 2, 1e-4, 1e-6, -1, -1, false, false, 4e-4},
    {"gaps count up to 10 ms", 2, 1e-4, 1, -1, -1, false, false, 10e-3},
    {"half of rank 0 for messages", 500, 1e-4, -1, 10e-6, -1, false, false, 10e-3},
    {"and that without an upper bound", 50000, 1e-4, 1, 10e-6, -1, false, false, 1},
    {"own batches end early", 50000, 1e-4, 1, 10e-6, -1, false, true, 1e-4},
    {"own batches when the target is shorter", 2, 1e-2, -1, -1, -1, false, true, 1e-2},
    {"others outlast a deaf rank 0", 2, 1e-4, -1, -1, 10e-3, true, false, 40e-3},
    {"not longer than 0.2 s", 2, 1e-4, -1, -1, 2, true, false, 0.2},
    {"a helper serves: they need not", 2, 1e-4, -1, -1, 10e-3, false, false, 4e-4},
};

START_TEST(target_is_the_formula)
{
    mpj_batchrule rule = {.workers = targets[_i].workers,
                          .own_limit_s = targets[_i].own_limit_s,
                          .own_follows_jobs = targets[_i].own_follows};
    mpj_batchrule_start(&rule);
    if (targets[_i].own_job_s >= 0)
        mpj_batchrule_measured(&rule, 10, 10, 10 * targets[_i].own_job_s, targets[_i].gap_s, true);
    else
        mpj_batchrule_measured(&rule, 10, 10, 1, targets[_i].gap_s, false);
    if (targets[_i].message_s >= 0)
        mpj_batchrule_message_cost(&rule, targets[_i].message_s);
    double target = mpj_batchrule_target(&rule, targets[_i].own);
    ck_assert_msg(fabs(target - targets[_i].target_s) < 1e-9 * targets[_i].target_s, "%s: %g, not %g",
                  targets[_i].what, target, targets[_i].target_s);
}
END_TEST

#define NO_END MPJ_UNKNOWN

/* With message_s = 10 us and job_s = 30 us: P workers that ask at once keep the scheduler busy for 2 P 10 us, so a batch
 * covers that with floor(2 P 10 / 30) jobs, but never more than one P-th of what is left. */
static const struct {
    uint32_t workers;
    uint64_t waiting, jobs;
} busy_ends[] = {
    {6, 600, 50},  /* a share of 600 / 12 is more than the 4 that cover */
    {6, 24, 4},    /* a share would be 2 */
    {6, 12, 2},    /* one sixth of what is left */
    {6, 3, 1},
    {600, 3600, 6}, /* a share would be 3, covering 400 */
};

START_TEST(a_busy_scheduler_gives_larger_last_batches)
{
    mpj_batchrule rule = {.workers = busy_ends[_i].workers, .own_limit_s = 1};
    mpj_batchrule_start(&rule);
    mpj_batchrule_measured(&rule, 1, 1, 30e-6, -1, false);
    mpj_batchrule_message_cost(&rule, 10.1e-6);
    ck_assert_uint_eq(mpj_batchrule_jobs(&rule, 1000, busy_ends[_i].waiting, false), busy_ends[_i].jobs);
}
END_TEST

static const struct {
    const char *what;
    double job_s; /* < 0: nothing was measured */
    uint64_t fixed, most, most_bytes, args_bytes, result_bytes, last, waiting;
    bool own;
    uint64_t jobs;
} sizes[] = {
    {"begins with 1", -1, 0, 0, 0, 0, 0, 0, NO_END, false, 1},
    {"stays at 1 while no time is known", -1, 0, 0, 0, 0, 0, 1, NO_END, false, 1},
    {"a worker's first batch is 1", 0.9e-6, 0, 0, 0, 0, 0, 0, NO_END, false, 1},
    {"doubles", 0.9e-6, 0, 0, 0, 0, 0, 1, NO_END, false, 2},
    {"doubles on", 0.9e-6, 0, 0, 0, 0, 0, 64, NO_END, false, 128},
    {"until the target", 0.9e-6, 0, 0, 0, 0, 0, 10000, NO_END, false, 444},
    {"long jobs one by one", 1, 0, 0, 0, 0, 0, 10000, NO_END, false, 1},
    {"own ones end early", 0.9e-6, 0, 0, 0, 0, 0, 10000, NO_END, true, 111},
    {"a job that takes no time takes 1 ns", 0, 0, 0, 0, 0, 0, NO_END / 4, NO_END, false, 400000},
    {"shrinks at the end", 0.9e-6, 0, 0, 0, 0, 0, 10000, 101, false, 26},
    {"to 1", 0.9e-6, 0, 0, 0, 0, 0, 10000, 4, false, 1},
    {"never to 0", 0.9e-6, 0, 0, 0, 0, 0, 10000, 0, false, 1},
    {"fixed", 0.9e-6, 7, 0, 0, 0, 0, 0, NO_END, false, 7},
    {"fixed also at the end", 0.9e-6, 7, 3, 8, 8, 8, 10000, 1, false, 7},
    {"largest size", 0.9e-6, 0, 100, 0, 0, 0, 10000, NO_END, false, 100},
    {"inputs fill it", 0.9e-6, 0, 0, 1000, 300, 8, 10000, NO_END, false, 3},
    {"results fill it", 0.9e-6, 0, 0, 1000, 8, 300, 10000, NO_END, false, 3},
    {"one may be larger than all", 0.9e-6, 0, 0, 1000, 8, 5000, 10000, NO_END, false, 1},
    {"any size: none seen yet", 0.9e-6, 0, 0, 1000, 0, MPJ_UNKNOWN, 10000, NO_END, false, 444},
};

START_TEST(size_is_the_formula)
{
    mpj_batchrule rule = plain();
    rule.fixed = sizes[_i].fixed;
    rule.most = sizes[_i].most;
    rule.most_bytes = sizes[_i].most_bytes;
    rule.args_bytes = sizes[_i].args_bytes;
    rule.result_bytes = sizes[_i].result_bytes;
    if (sizes[_i].job_s >= 0)
        mpj_batchrule_measured(&rule, 1000, 1000, 1000 * sizes[_i].job_s, -1, false);
    uint64_t jobs = mpj_batchrule_jobs(&rule, sizes[_i].last, sizes[_i].waiting, sizes[_i].own);
    ck_assert_msg(jobs == sizes[_i].jobs, "%s: %llu, not %llu", sizes[_i].what, (unsigned long long)jobs,
                  (unsigned long long)sizes[_i].jobs);
}
END_TEST

static const struct {
    const char *what;
    double job_s;
    uint64_t jobs, waiting;
    bool ahead;
} aheads[] = {
    {"nothing is known yet", -1, 1, NO_END, true}, {"short batch", 1e-6, 100, NO_END, true},
    {"just below 0.2 s", 0.0199, 10, NO_END, true}, {"0.2 s and more", 0.0201, 10, NO_END, false},
    {"many remain", 1e-6, 100, 5, true},           {"two for each worker remain", 1e-6, 100, 4, false},
    {"unknown, but the end is near", -1, 1, 4, false},
};

START_TEST(ahead_is_the_formula)
{
    mpj_batchrule rule = plain();
    if (aheads[_i].job_s >= 0)
        mpj_batchrule_measured(&rule, 1, 1, aheads[_i].job_s, -1, false);
    ck_assert_msg(mpj_batchrule_ahead(&rule, aheads[_i].jobs, aheads[_i].waiting) == aheads[_i].ahead, "%s",
                  aheads[_i].what);
}
END_TEST

START_TEST(what_is_learned_is_smoothed)
{
    mpj_batchrule rule = plain();
    mpj_batchrule_measured(&rule, 10, 20, 1, 0.5, false);
    mpj_batchrule_measured(&rule, 10, 40, 2, 1.5, false);
    ck_assert_double_eq_tol(rule.job_s, 0.7 * 0.1 + 0.3 * 0.2, 1e-12);
    ck_assert_double_eq_tol(rule.job_cost, 0.7 * 2 + 0.3 * 4, 1e-12);
    ck_assert_double_eq_tol(rule.gap_s, 0.8 * 0.5 + 0.2 * 1.5, 1e-12);
    mpj_batchrule_message_cost(&rule, 1e-6);
    mpj_batchrule_message_cost(&rule, 2e-6);
    ck_assert_double_eq_tol(rule.message_s, 1.1e-6, 1e-15);
    mpj_batchrule_sized(&rule, 10, 1000);
    mpj_batchrule_sized(&rule, 10, 2000);
    ck_assert_double_eq_tol(rule.mean_result_bytes, 130, 1e-9);
}
END_TEST

START_TEST(what_says_nothing_changes_nothing)
{
    mpj_batchrule rule = plain();
    mpj_batchrule_measured(&rule, 1, 1, 1, 1, false);
    mpj_batchrule_measured(&rule, 0, 0, 100, 100, true);
    mpj_batchrule_measured(&rule, 1, 1, 1, -1, false);
    mpj_batchrule_sized(&rule, 0, 100);
    ck_assert_double_eq(rule.job_s, 1);
    ck_assert_double_eq(rule.gap_s, 1);
    ck_assert_double_lt(rule.mean_result_bytes, 0);
    ck_assert_uint_eq(rule.own_recent, 0);
    /* A clock that was set back. */
    mpj_batchrule_measured(&rule, 1, 1, -5, -1, false);
    ck_assert_double_eq_tol(rule.job_s, 0.7, 1e-12);
}
END_TEST

START_TEST(results_of_any_size_bound_by_what_came)
{
    mpj_batchrule rule = plain();
    rule.most_bytes = 1000;
    rule.result_bytes = MPJ_UNKNOWN;
    mpj_batchrule_measured(&rule, 1000, 1000, 0.9e-3, -1, false);
    mpj_batchrule_sized(&rule, 10, 3000);
    ck_assert_uint_eq(mpj_batchrule_jobs(&rule, 10000, MPJ_UNKNOWN, false), 3);
}
END_TEST

/* One very long job on rank 0 must not stretch everybody's batches, however long the run is. */
START_TEST(one_long_own_job_is_an_outlier)
{
    mpj_batchrule rule = plain();
    rule.own_follows_jobs = true;
    for (int i = 0; i < _i; i++)
        mpj_batchrule_measured(&rule, 1, 1, 1e-3, -1, true);
    mpj_batchrule_measured(&rule, 1, 1, 2, -1, true);
    for (int i = 0; i < 2; i++) {
        mpj_batchrule_measured(&rule, 1, 1, 1e-3, -1, true);
        ck_assert_double_eq_tol(mpj_batchrule_target(&rule, false), 4e-3, 1e-9);
    }
}
END_TEST

/* Three of the last five decide, wherever in a long run they come. */
START_TEST(own_times_are_those_of_the_last_five)
{
    mpj_batchrule rule = plain();
    rule.own_follows_jobs = true;
    for (int i = 0; i < 5 + _i; i++)
        mpj_batchrule_measured(&rule, 1, 1, 1e-3, -1, true);
    for (int i = 1; i <= 3; i++) {
        mpj_batchrule_measured(&rule, 1, 1, 3e-3, -1, true);
        ck_assert_double_eq_tol(mpj_batchrule_target(&rule, false), i < 3 ? 4e-3 : 12e-3, 1e-9);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("batchrule");
    TCase *cases = tcase_create("rule");
    tcase_add_loop_test(cases, target_is_the_formula, 0, UNIT_COUNT(targets));
    tcase_add_loop_test(cases, size_is_the_formula, 0, UNIT_COUNT(sizes));
    tcase_add_loop_test(cases, ahead_is_the_formula, 0, UNIT_COUNT(aheads));
    tcase_add_loop_test(cases, a_busy_scheduler_gives_larger_last_batches, 0, UNIT_COUNT(busy_ends));
    tcase_add_test(cases, what_is_learned_is_smoothed);
    tcase_add_test(cases, what_says_nothing_changes_nothing);
    tcase_add_test(cases, results_of_any_size_bound_by_what_came);
    tcase_add_loop_test(cases, one_long_own_job_is_an_outlier, 1, 12);
    tcase_add_loop_test(cases, own_times_are_those_of_the_last_five, 0, 12);
    suite_add_tcase(suite, cases);
    return unit_run(suite);
}
