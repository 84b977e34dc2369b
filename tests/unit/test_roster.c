#include "sched/roster.h"

#include "base/alloc.h"
#include "unit.h"

static mpj_roster roster;

static void setup(void)
{
    ck_assert_int_eq(mpj_roster_open(&roster, 4), 0);
}

static void teardown(void)
{
    mpj_alloc_fail_after(UINT64_MAX);
    mpj_roster_free(&roster);
}

START_TEST(all_but_worker_0_begin_with_nothing_in_order)
{
    for (uint32_t w = 1; w < 4; w++) {
        ck_assert_int_eq(mpj_roster_first(&roster, 0), w);
        mpj_roster_gave(&roster, w, 10 * w);
        ck_assert_uint_eq(roster.workers[w].last_jobs, 10 * w);
    }
    ck_assert_int_eq(mpj_roster_first(&roster, 0), -1);
    ck_assert_uint_eq(roster.busy, 3);
}
END_TEST

START_TEST(worker_0_is_in_no_queue)
{
    mpj_roster_gave(&roster, 0, 1);
    ck_assert_int_eq(mpj_roster_first(&roster, 1), -1);
    ck_assert_uint_eq(roster.busy, 1);
    mpj_roster_answered(&roster, 0);
    ck_assert_uint_eq(roster.busy, 0);
    ck_assert_int_eq(mpj_roster_first(&roster, 0), 1);
}
END_TEST

START_TEST(who_has_one_may_get_one_ahead_and_no_more)
{
    mpj_roster_gave(&roster, 2, 1);
    ck_assert_int_eq(mpj_roster_first(&roster, 1), 2);
    ck_assert_int_eq(mpj_roster_first(&roster, 0), 1);
    mpj_roster_gave(&roster, 2, 1);
    ck_assert_int_eq(mpj_roster_first(&roster, 1), -1);
    mpj_roster_answered(&roster, 2);
    ck_assert_int_eq(mpj_roster_first(&roster, 1), 2);
    mpj_roster_answered(&roster, 2);
    ck_assert_int_eq(mpj_roster_first(&roster, 1), -1);
    ck_assert_uint_eq(roster.busy, 0);
}
END_TEST

START_TEST(who_answered_first_is_served_first)
{
    for (uint32_t w = 1; w < 4; w++)
        mpj_roster_gave(&roster, (uint32_t)mpj_roster_first(&roster, 0), 1);
    mpj_roster_answered(&roster, 3);
    mpj_roster_answered(&roster, 1);
    ck_assert_int_eq(mpj_roster_first(&roster, 0), 3);
    mpj_roster_gave(&roster, 3, 1);
    ck_assert_int_eq(mpj_roster_first(&roster, 0), 1);
}
END_TEST

START_TEST(who_was_skipped_is_back_with_its_next_batch)
{
    mpj_roster_gave(&roster, 1, 1);
    ck_assert_int_eq(mpj_roster_first(&roster, 1), 1);
    mpj_roster_skip(&roster, 1);
    ck_assert_int_eq(mpj_roster_first(&roster, 1), -1);
    mpj_roster_answered(&roster, 1);
    mpj_roster_gave(&roster, 1, 1);
    ck_assert_int_eq(mpj_roster_first(&roster, 1), 1);
}
END_TEST

START_TEST(the_lost_one_gets_nothing)
{
    mpj_roster_gave(&roster, 2, 1);
    mpj_roster_lost(&roster, 2);
    mpj_roster_lost(&roster, 1);
    mpj_roster_lost(&roster, 1);
    ck_assert_uint_eq(roster.alive, 2);
    ck_assert_uint_eq(roster.busy, 0);
    ck_assert_int_eq(mpj_roster_first(&roster, 1), -1);
    ck_assert_int_eq(mpj_roster_first(&roster, 0), 3);
}
END_TEST

/* Nobody is in a queue twice, however often it passes through: the ring holds one place each. */
START_TEST(the_rings_do_not_overflow)
{
    for (uint32_t round = 0; round < 1000; round++) {
        uint32_t w = 1 + round % 3;
        mpj_roster_gave(&roster, w, 1);
        mpj_roster_gave(&roster, w, 1);
        mpj_roster_answered(&roster, w);
        mpj_roster_answered(&roster, w);
        ck_assert_uint_le(roster.with[0].count, 3);
        ck_assert_uint_le(roster.with[1].count, 3);
    }
    bool seen[4] = {false};
    for (int64_t w; (w = mpj_roster_first(&roster, 0)) >= 0; mpj_roster_gave(&roster, (uint32_t)w, 1)) {
        ck_assert(!seen[w]);
        seen[w] = true;
    }
    ck_assert(seen[1] && seen[2] && seen[3]);
}
END_TEST

START_TEST(no_memory_is_said)
{
    mpj_roster other;
    mpj_alloc_fail_after((uint64_t)_i);
    ck_assert_int_eq(mpj_roster_open(&other, 3), -1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("roster");
    TCase *cases = tcase_create("workers");
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, all_but_worker_0_begin_with_nothing_in_order);
    tcase_add_test(cases, worker_0_is_in_no_queue);
    tcase_add_test(cases, who_has_one_may_get_one_ahead_and_no_more);
    tcase_add_test(cases, who_answered_first_is_served_first);
    tcase_add_test(cases, who_was_skipped_is_back_with_its_next_batch);
    tcase_add_test(cases, the_lost_one_gets_nothing);
    tcase_add_test(cases, the_rings_do_not_overflow);
    tcase_add_loop_test(cases, no_memory_is_said, 0, 3);
    suite_add_tcase(suite, cases);
    return unit_run(suite);
}
