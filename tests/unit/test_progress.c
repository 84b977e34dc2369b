#include "sched/progress.h"

#include "unit.h"

#include <limits.h>
#include <math.h>
#include <string.h>

#define LINE 200

/* ---- When: the rules in joblib's own words, tried for every job ------------------------------------------------ */

static bool mark_of_known(uint64_t total, uint64_t verbose, uint64_t k)
{
    if (k >= total)
        return false;
    if (verbose > 10)
        return true;
    return k != total - 1 && (total - k + 1) % (total / verbose + 1) == 0;
}

static bool mark_of_unknown(int verbose, uint64_t k)
{
    double s = 0.5 * (11 - verbose) * (11 - verbose);
    double i = (double)(k - 1);
    return verbose > 10 || i == 0 || floor(sqrt(i / s)) != floor(sqrt((i + 1) / s));
}

static bool naive_due(const mpj_progress_state *state, uint64_t before, uint64_t now)
{
    bool due = false;
    for (uint64_t k = before + 1; k <= now && state->verbose > 0; k++)
        due = due || (state->total == MPJ_UNKNOWN ? mark_of_unknown(state->verbose, k)
                                                  : mark_of_known(state->total, (uint64_t)state->verbose, k));
    return due;
}

static void compare(const mpj_progress_state *state, uint64_t before, uint64_t now)
{
    ck_assert_msg(mpj_progress_due(state, before, now) == naive_due(state, before, now),
                  "verbose %d, total %llu, jobs %llu to %llu", state->verbose, (unsigned long long)state->total,
                  (unsigned long long)before, (unsigned long long)now);
}

static const int verbosities[] = {INT_MIN, -1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 49, 50, 100, INT_MAX};

START_TEST(every_window_of_small_totals)
{
    mpj_progress_state state = {.verbose = verbosities[_i], .n_jobs = 2};
    for (state.total = 0; state.total <= 45; state.total++)
        for (uint64_t before = 0; before <= state.total + 1; before++)
            for (uint64_t now = before; now <= state.total + 1; now++)
                compare(&state, before, now);
}
END_TEST

START_TEST(every_window_of_an_unknown_total)
{
    mpj_progress_state state = {.verbose = verbosities[_i], .n_jobs = 2, .total = MPJ_UNKNOWN};
    for (uint64_t before = 0; before < 150; before++)
        for (uint64_t now = before; now < 150; now++)
            compare(&state, before, now);
}
END_TEST

START_TEST(every_job_of_large_runs)
{
    static const uint64_t totals[] = {99, 100, 101, 997, 1000, 1001, 4096, 10007, 20000, MPJ_UNKNOWN};
    for (int t = 0; t < UNIT_COUNT(totals); t++) {
        mpj_progress_state state = {.verbose = verbosities[_i], .n_jobs = 2, .total = totals[t]};
        for (uint64_t before = 0; before < 20000; before++)
            compare(&state, before, before + 1);
        for (uint64_t before = 0; before < 20000; before += 61)
            compare(&state, before, before + 1 + before % 97);
    }
}
END_TEST

START_TEST(the_ends_of_huge_totals)
{
    static const uint64_t totals[] = {1ULL << 32, (1ULL << 53) + 1, 1ULL << 63, UINT64_MAX - 2, UINT64_MAX - 1};
    for (int t = 0; t < UNIT_COUNT(totals); t++) {
        mpj_progress_state state = {.verbose = verbosities[_i], .n_jobs = 2, .total = totals[t]};
        for (uint64_t back = 0; back < 50; back++) {
            compare(&state, totals[t] - back - 1, totals[t] - back);
            compare(&state, totals[t] - back - 20, totals[t] - back);
            compare(&state, back, back + 1);
        }
    }
}
END_TEST

/* Around the marks of a huge total, known by arithmetic: k = total + 1 - m * frequency. */
START_TEST(the_marks_of_huge_totals)
{
    mpj_progress_state state = {.verbose = 5, .n_jobs = 2, .total = 1000000000000000000ULL};
    uint64_t frequency = state.total / 5 + 1;
    for (uint64_t m = 1; m <= 4; m++) {
        uint64_t mark = state.total + 1 - m * frequency;
        ck_assert(mpj_progress_due(&state, mark - 1, mark));
        ck_assert(!mpj_progress_due(&state, mark, mark + frequency / 2));
        ck_assert(!mpj_progress_due(&state, mark - frequency / 2, mark - 1));
        ck_assert(mpj_progress_due(&state, mark - frequency / 2, mark + frequency / 2));
    }
    ck_assert(mpj_progress_due(&state, 0, state.total));
}
END_TEST

/* For an unknown total a mark is k = ceil(m^2 s): with verbose 1, m^2 * 50. */
START_TEST(the_marks_of_huge_counts)
{
    mpj_progress_state state = {.verbose = 1, .n_jobs = 2, .total = MPJ_UNKNOWN};
    static const uint64_t roots[] = {1000, 1000003, 100000007, 303700049};
    for (int r = 0; r < UNIT_COUNT(roots); r++) {
        uint64_t mark = roots[r] * roots[r] * 50;
        ck_assert(mpj_progress_due(&state, mark - 1, mark));
        ck_assert(!mpj_progress_due(&state, mark, mark + roots[r]));
        ck_assert(!mpj_progress_due(&state, mark - roots[r], mark - 1));
        ck_assert(mpj_progress_due(&state, 0, mark));
    }
    ck_assert(!mpj_progress_due(&state, 1ULL << 63, (1ULL << 63) + 100));
    ck_assert(!mpj_progress_due(&state, UINT64_MAX - 2, UINT64_MAX - 1));
    ck_assert(mpj_progress_due(&state, 0, UINT64_MAX - 1));
}
END_TEST

/* ---- When: joblib's observed lines ------------------------------------------------------------------------------ */

/* `lines` of them up to job `last`; the first ones are `jobs`, ended by 0. */
static const struct {
    int verbose;
    uint64_t total;
    uint64_t last;
    int lines;
    uint64_t jobs[16];
} tables[] = {
    {1, MPJ_UNKNOWN, 1001, 5, {1, 50, 200, 450, 800}},
    {2, MPJ_UNKNOWN, 1001, 5, {1, 41, 162, 365, 648}},
    {3, MPJ_UNKNOWN, 1001, 6, {1, 32, 128, 288, 512, 800}},
    {5, MPJ_UNKNOWN, 1001, 8, {1, 18, 72, 162, 288, 450, 648, 882}},
    {7, MPJ_UNKNOWN, 1001, 12, {1, 8, 32, 72, 128, 200, 288, 392, 512, 648, 800, 968}},
    {8, MPJ_UNKNOWN, 1001, 15, {1, 5, 18, 41, 72, 113, 162, 221, 288}},
    {9, MPJ_UNKNOWN, 1001, 23, {1, 2, 8, 18, 32, 50, 72, 98, 128, 162}},
    {10, MPJ_UNKNOWN, 1001, 44, {1, 2, 5, 8, 13, 18, 25, 32, 41, 50, 61, 72, 85, 98}},
    {11, MPJ_UNKNOWN, 1001, 1001, {1, 2, 3, 4, 5}},
    {50, MPJ_UNKNOWN, 1001, 1001, {1, 2, 3, 4, 5}},
    {0, MPJ_UNKNOWN, 1001, 0, {0}},
    {5, 1000, 1000, 4, {197, 398, 599, 800}},
    {5, 100, 100, 4, {17, 38, 59, 80}},
    {1, 1000, 1000, 0, {0}},
    {2, 100, 100, 1, {50}},
    {10, 100, 100, 9, {2, 13, 24, 35, 46, 57, 68, 79, 90}},
    {11, 100, 100, 99, {1, 2, 3, 4, 5}},
    {100, 1000, 1000, 999, {1, 2, 3, 4, 5}},
    {0, 1000, 1000, 0, {0}},
    {10, 10, 10, 4, {1, 3, 5, 7}},
    {10, 9, 9, 7, {1, 2, 3, 4, 5, 6, 7}},
    {10, 2, 2, 0, {0}},
    {10, 1, 1, 0, {0}},
    {10, 0, 0, 0, {0}},
};

START_TEST(the_lines_of_a_run)
{
    mpj_progress_state state = {.verbose = tables[_i].verbose, .n_jobs = 2, .total = tables[_i].total};
    int lines = 0;
    for (uint64_t k = 1; k <= tables[_i].last; k++) {
        if (!mpj_progress_due(&state, k - 1, k))
            continue;
        if (lines < UNIT_COUNT(tables[_i].jobs) && (lines == 0 || tables[_i].jobs[lines] != 0))
            ck_assert_uint_eq(k, tables[_i].jobs[lines]);
        lines++;
    }
    ck_assert_int_eq(lines, tables[_i].lines);
}
END_TEST

START_TEST(a_window_without_jobs_is_never_due)
{
    mpj_progress_state state = {.verbose = 100, .n_jobs = 2, .total = 10};
    ck_assert(!mpj_progress_due(&state, 5, 5));
    ck_assert(!mpj_progress_due(&state, 6, 5));
    ck_assert(!mpj_progress_due(&state, 9, 10));
    ck_assert(mpj_progress_due(&state, 8, 10));
}
END_TEST

/* ---- Words ------------------------------------------------------------------------------------------------------ */

START_TEST(remaining_time_is_work_over_rate)
{
    ck_assert_double_eq_tol(mpj_progress_remaining(31, 69, 0.6), 0.6 * 69 / 31, 1e-12);
    ck_assert_double_eq(mpj_progress_remaining(4, 0, 2), 0);
    ck_assert_double_eq(mpj_progress_remaining(4, -1, 2), 0);
    ck_assert_double_eq(mpj_progress_remaining(4, 4, 0), 0);
    ck_assert_double_lt(mpj_progress_remaining(0, 5, 2), 0);
    ck_assert_double_lt(mpj_progress_remaining(-1, 5, 2), 0);
    ck_assert_double_lt(mpj_progress_remaining(1, 5, -2), 0);
    ck_assert_double_lt(mpj_progress_remaining((double)NAN, 5, 2), 0);
    ck_assert_double_lt(mpj_progress_remaining(1, 5, (double)NAN), 0);
    ck_assert_double_lt(mpj_progress_remaining(1e-308, 1e300, 1e300), 0);
}
END_TEST

static const struct {
    double seconds;
    const char *text;
} times[] = {
    {0, "   0.0s"},     {0.04, "   0.0s"},    {0.5, "   0.5s"},  {1.26, "   1.3s"},  {9.96, "  10.0s"},
    {59.9, "  59.9s"},  {60, "  60.0s"},      {60.1, " 1.0min"}, {72, " 1.2min"},    {3599, "60.0min"},
    {6000, "100.0min"}, {90000, "1500.0min"}, {-1, "   0.0s"},   {-1e-9, "   0.0s"}, {(double)NAN, "   0.0s"},
};

START_TEST(times_are_joblibs)
{
    char out[32];
    ck_assert_ptr_eq(mpj_progress_time(out, sizeof out, times[_i].seconds), out);
    ck_assert_str_eq(out, times[_i].text);
}
END_TEST

static const struct {
    int n_jobs;
    uint64_t total;
    uint64_t done;
    double elapsed_s;
    double remaining_s;
    const char *line;
} lines[] = {
    {2, 40, 1, 0.4, -1, "[Parallel(n_jobs=2)]: Done  1 out of 40 | elapsed:    0.4s"},
    {2, 40, 37, 1.3, -1, "[Parallel(n_jobs=2)]: Done 37 out of 40 | elapsed:    1.3s"},
    {2, MPJ_UNKNOWN, 18, 0.4, -1, "[Parallel(n_jobs=2)]: Done  18 tasks      | elapsed:    0.4s"},
    {2, MPJ_UNKNOWN, 18, 0.4, 5, "[Parallel(n_jobs=2)]: Done  18 tasks      | elapsed:    0.4s"},
    {2, MPJ_UNKNOWN, 12345, 72, -1, "[Parallel(n_jobs=2)]: Done 12345 tasks      | elapsed:  1.2min"},
    {2, 100, 31, 0.6, 1.3, "[Parallel(n_jobs=2)]: Done  31 out of 100 | elapsed:    0.6s remaining:    1.3s"},
    {-1, 1000, 197, 61, 3661, "[Parallel(n_jobs=-1)]: Done  197 out of 1000 | elapsed:  1.0min remaining: 61.0min"},
    {1, 60, 17, 0.2, -1, "[Parallel(n_jobs=1)]: Done 17 out of 60 | elapsed:    0.2s"},
    {1, 9, 1, 0.2, 0, "[Parallel(n_jobs=1)]: Done 1 out of 9 | elapsed:    0.2s remaining:    0.0s"},
    {1, 10, 1, 0.2, 0, "[Parallel(n_jobs=1)]: Done  1 out of 10 | elapsed:    0.2s remaining:    0.0s"},
    {1, UINT64_MAX - 1, 1, 0.2, -1,
     "[Parallel(n_jobs=1)]: Done                    1 out of 18446744073709551614 | elapsed:    0.2s"},
};

START_TEST(lines_are_joblibs)
{
    char out[LINE];
    mpj_progress_state state = {.verbose = 5, .n_jobs = lines[_i].n_jobs, .total = lines[_i].total};
    mpj_progress_line(&state, lines[_i].done, lines[_i].elapsed_s, lines[_i].remaining_s, out, sizeof out);
    ck_assert_str_eq(out, lines[_i].line);
}
END_TEST

static const struct {
    uint64_t total;
    uint64_t done;
    const char *line;
} finals[] = {
    {40, 40, "[Parallel(n_jobs=2)]: Done 40 out of 40 | elapsed:    1.4s finished"},
    {100, 100, "[Parallel(n_jobs=2)]: Done 100 out of 100 | elapsed:    1.4s finished"},
    {MPJ_UNKNOWN, 7, "[Parallel(n_jobs=2)]: Done   7 out of   7 | elapsed:    1.4s finished"},
    {MPJ_UNKNOWN, 1000, "[Parallel(n_jobs=2)]: Done 1000 out of 1000 | elapsed:    1.4s finished"},
    {0, 0, "[Parallel(n_jobs=2)]: Done 0 out of 0 | elapsed:    1.4s finished"},
    {MPJ_UNKNOWN, 0, "[Parallel(n_jobs=2)]: Done   0 out of   0 | elapsed:    1.4s finished"},
};

START_TEST(final_lines_are_joblibs)
{
    char out[LINE];
    mpj_progress_state state = {.verbose = 5, .n_jobs = 2, .total = finals[_i].total};
    mpj_progress_final_line(&state, finals[_i].done, 1.4, out, sizeof out);
    ck_assert_str_eq(out, finals[_i].line);
}
END_TEST

START_TEST(the_start_line_is_joblibs)
{
    char out[LINE];
    mpj_progress_state state = {.verbose = 5, .n_jobs = -1, .total = 10};
    mpj_progress_start_line(&state, 2, out, sizeof out);
    ck_assert_str_eq(out, "[Parallel(n_jobs=-1)]: Using backend MPIBackend with 2 concurrent workers.");
}
END_TEST

START_TEST(a_short_buffer_cuts_the_line)
{
    char out[LINE];
    mpj_progress_state state = {.verbose = 5, .n_jobs = 2, .total = 40};
    for (size_t bytes = 1; bytes < 40; bytes++) {
        memset(out, '?', sizeof out);
        mpj_progress_line(&state, 7, 1, 2, out, bytes);
        ck_assert_uint_eq(strlen(out), bytes - 1);
        ck_assert_int_eq(out[bytes], '?');
        memset(out, '?', sizeof out);
        mpj_progress_bar(&state, 7, 1, 2, 1, 2, 80, out, bytes);
        ck_assert_uint_eq(strlen(out), bytes - 1);
        ck_assert_int_eq(out[bytes], '?');
    }
}
END_TEST

/* ---- Bar -------------------------------------------------------------------------------------------------------- */

static const struct {
    uint64_t total;
    uint64_t done;
    double elapsed_s;
    double remaining_s;
    unsigned columns;
    const char *bar;
} bars[] = {
    {1000, 410, 0.50474, 0.7, 100,
     " 41% [########            ] 410/1000 jobs | 812.3 jobs/s | left    0.7s | 2 of 2 ranks"},
    {1000, 410, 0.50474, 0.7, 86,
     " 41% [########            ] 410/1000 jobs | 812.3 jobs/s | left    0.7s | 2 of 2 ranks"},
    {1000, 410, 0.50474, 0.7, 80, " 41% [#####         ] 410/1000 jobs | 812.3 jobs/s | left    0.7s | 2 of 2 ranks"},
    {1000, 410, 0.50474, 0.7, 66, " 41% 410/1000 jobs | 812.3 jobs/s | left    0.7s | 2 of 2 ranks"},
    {1000, 410, 0.50474, 0.7, 60, " 41% [###      ] 410/1000 jobs | 812.3 jobs/s | left    0.7s"},
    {1000, 410, 0.50474, 0.7, 41, " 41% [##   ] 410/1000 jobs | left    0.7s"},
    {1000, 410, 0.50474, 0.7, 40, " 41% 410/1000 jobs | left    0.7s"},
    {1000, 410, 0.50474, 0.7, 20, " 41% 410/1000 jobs"},
    {1000, 410, 0.50474, 0.7, 10, " 41% 410/1"},
    {1000, 410, 0.50474, 0.7, 0, ""},
    {1000, 0, 0, -1, 80, "  0% [                    ] 0/1000 jobs | 2 of 2 ranks"},
    {1000, 1000, 2, 0, 100, "100% [####################] 1000/1000 jobs | 500.0 jobs/s | left    0.0s | 2 of 2 ranks"},
    {1000000, 999999, 2, 0, 100,
     " 99% [################### ] 999999/1000000 jobs | 500000 jobs/s | left    0.0s | 2 of 2 ranks"},
    {UINT64_MAX - 1, UINT64_MAX - 2, -1, -1, 100,
     " 99% [####################] 18446744073709551613/18446744073709551614 jobs | 2 of 2 ranks"},
    {10, 2, 600, 2400, 100, " 20% [####                ] 2/10 jobs | 0.0033 jobs/s | left 40.0min | 2 of 2 ranks"},
    {0, 0, 1, 0, 100, "100% [####################] 0/0 jobs | left    0.0s | 2 of 2 ranks"},
    {MPJ_UNKNOWN, 410, 0.5, -1, 100, "410 jobs | 820.0 jobs/s | elapsed    0.5s | 2 of 2 ranks"},
};

START_TEST(bars_are_as_documented)
{
    char out[LINE];
    mpj_progress_state state = {.verbose = 5, .n_jobs = 2, .total = bars[_i].total};
    mpj_progress_bar(&state, bars[_i].done, bars[_i].elapsed_s, bars[_i].remaining_s, 2, 2, bars[_i].columns, out,
                     sizeof out);
    ck_assert_str_eq(out, bars[_i].bar);
}
END_TEST

START_TEST(a_bar_is_never_wider_than_its_terminal)
{
    static const uint64_t totals[] = {0, 1, 7, 1000, 123456789, UINT64_MAX - 1, MPJ_UNKNOWN};
    static const double seconds[] = {-1, 0, 1e-9, 0.5, 59.96, 1e5, 1e300};
    char out[4 * LINE];
    for (int t = 0; t < UNIT_COUNT(totals); t++)
        for (int e = 0; e < UNIT_COUNT(seconds); e++)
            for (unsigned columns = 0; columns < 3 * LINE; columns++)
                for (int part = 0; part <= 4; part++) {
                    mpj_progress_state state = {.verbose = 1, .n_jobs = 2, .total = totals[t]};
                    uint64_t done = totals[t] / 4 * (uint64_t)part;
                    mpj_progress_bar(&state, done, seconds[e], seconds[UNIT_COUNT(seconds) - 1 - e], UINT32_MAX,
                                     UINT32_MAX, columns, out, sizeof out);
                    ck_assert_uint_le(strlen(out), columns);
                    ck_assert(columns == 0 || out[0] != '\0');
                }
    mpj_progress_state state = {.verbose = 1, .n_jobs = 2, .total = 10};
    mpj_progress_bar(&state, 5, 1, 1, 2, 2, UINT_MAX, out, sizeof out);
    ck_assert_str_eq(out, " 50% [##########          ] 5/10 jobs | 5.0 jobs/s | left    1.0s | 2 of 2 ranks");
}
END_TEST

static TCase *when_group(void)
{
    TCase *group = tcase_create("when");
    tcase_set_timeout(group, 60);
    tcase_add_loop_test(group, every_window_of_small_totals, 0, UNIT_COUNT(verbosities));
    tcase_add_loop_test(group, every_window_of_an_unknown_total, 0, UNIT_COUNT(verbosities));
    tcase_add_loop_test(group, every_job_of_large_runs, 0, UNIT_COUNT(verbosities));
    tcase_add_loop_test(group, the_ends_of_huge_totals, 0, UNIT_COUNT(verbosities));
    tcase_add_test(group, the_marks_of_huge_totals);
    tcase_add_test(group, the_marks_of_huge_counts);
    tcase_add_loop_test(group, the_lines_of_a_run, 0, UNIT_COUNT(tables));
    tcase_add_test(group, a_window_without_jobs_is_never_due);
    return group;
}

static TCase *words_group(void)
{
    TCase *group = tcase_create("words");
    tcase_add_test(group, remaining_time_is_work_over_rate);
    tcase_add_loop_test(group, times_are_joblibs, 0, UNIT_COUNT(times));
    tcase_add_loop_test(group, lines_are_joblibs, 0, UNIT_COUNT(lines));
    tcase_add_loop_test(group, final_lines_are_joblibs, 0, UNIT_COUNT(finals));
    tcase_add_test(group, the_start_line_is_joblibs);
    tcase_add_test(group, a_short_buffer_cuts_the_line);
    tcase_add_loop_test(group, bars_are_as_documented, 0, UNIT_COUNT(bars));
    tcase_add_test(group, a_bar_is_never_wider_than_its_terminal);
    return group;
}

int main(void)
{
    Suite *suite = suite_create("progress");
    suite_add_tcase(suite, when_group());
    suite_add_tcase(suite, words_group());
    return unit_run(suite);
}
