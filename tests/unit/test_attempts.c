#include "sched/attempts.h"

#include "base/alloc.h"
#include "unit.h"

static mpj_attempts attempts;

static void setup(void)
{
    attempts = (mpj_attempts){0};
}

static void teardown(void)
{
    mpj_alloc_fail_after(UINT64_MAX);
    mpj_attempts_free(&attempts);
}

static uint32_t fail_once(uint64_t index)
{
    ck_assert_int_eq(mpj_attempts_reserve(&attempts, 1), 0);
    return mpj_attempts_failed(&attempts, index);
}

START_TEST(failures_are_counted_for_each_job)
{
    ck_assert_uint_eq(fail_once(7), 1);
    ck_assert_uint_eq(fail_once(0), 1);
    ck_assert_uint_eq(fail_once(7), 2);
    ck_assert_uint_eq(fail_once(UINT64_MAX - 1), 1);
    ck_assert_uint_eq(fail_once(7), 3);
    ck_assert_uint_eq(fail_once(0), 2);
    ck_assert_uint_eq(attempts.count, 3);
}
END_TEST

START_TEST(nothing_is_needed_for_nothing)
{
    mpj_alloc_fail_after(0);
    ck_assert_int_eq(mpj_attempts_reserve(&attempts, 0), 0);
    ck_assert_uint_eq(attempts.capacity, 0);
}
END_TEST

/* Many jobs, whose indices share their low bits, in a scrambled order, and the table grows meanwhile. */
START_TEST(many_jobs_are_kept_apart)
{
    for (uint32_t round = 1; round <= 3; round++)
        for (uint64_t i = 0; i < 5000; i++)
            ck_assert_uint_eq(fail_once(i * 7919 % 5000 << _i), round);
    ck_assert_uint_eq(attempts.count, 5000);
}
END_TEST

START_TEST(with_room_made_nothing_fails)
{
    ck_assert_int_eq(mpj_attempts_reserve(&attempts, 1000), 0);
    mpj_alloc_fail_after(0);
    for (uint64_t i = 0; i < 1000; i++)
        ck_assert_uint_eq(mpj_attempts_failed(&attempts, 3 * i), 1);
    mpj_alloc_fail_after(UINT64_MAX);
}
END_TEST

START_TEST(no_memory_changes_nothing)
{
    for (uint64_t i = 0; i < 8; i++)
        fail_once(i);
    mpj_alloc_fail_after(0);
    ck_assert_int_eq(mpj_attempts_reserve(&attempts, 1000), -1);
    ck_assert_int_eq(mpj_attempts_reserve(&attempts, SIZE_MAX / 4), -1);
    for (uint64_t i = 0; i < 8; i++)
        ck_assert_uint_eq(fail_once(i), 2);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("attempts");
    TCase *cases = tcase_create("failures");
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, failures_are_counted_for_each_job);
    tcase_add_test(cases, nothing_is_needed_for_nothing);
    tcase_add_loop_test(cases, many_jobs_are_kept_apart, 0, 41);
    tcase_add_test(cases, with_room_made_nothing_fails);
    tcase_add_test(cases, no_memory_changes_nothing);
    suite_add_tcase(suite, cases);
    return unit_run(suite);
}
