#include "base/clock.h"

#include "unit.h"

#include <signal.h>
#include <string.h>
#include <sys/time.h>

START_TEST(time_does_not_go_back)
{
    double before = mpj_now();
    for (int i = 0; i < 100000; i++) {
        double now = mpj_now();
        ck_assert_double_ge(now, before);
        before = now;
    }
}
END_TEST

/* ---- Backing off: asserted on the pauses that it chose, not on the time that passed ------------------------------ */

START_TEST(the_first_wait_does_not_sleep)
{
    mpj_backoff backoff;
    memset(&backoff, 0xff, sizeof backoff);
    mpj_backoff_reset(&backoff);
    mpj_backoff_wait(&backoff);
    ck_assert_double_gt(backoff.started, 0);
    ck_assert(backoff.pause_s == 0);
}
END_TEST

/* A waiting that began a second ago has spun for long enough. */
static mpj_backoff begun_a_second_ago(void)
{
    return (mpj_backoff){.started = mpj_now() - 1};
}

START_TEST(pauses_grow_up_to_a_millisecond)
{
    mpj_backoff backoff = begun_a_second_ago();
    double before = 0;
    int growths = 0;
    for (int i = 0; i < 80; i++) {
        mpj_backoff_wait(&backoff);
        ck_assert_double_ge(backoff.pause_s, before);
        ck_assert_double_le(backoff.pause_s, 1e-3);
        ck_assert_double_le(backoff.pause_s, before == 0 ? 50e-6 : 2 * before);
        growths += backoff.pause_s > before;
        before = backoff.pause_s;
    }
    ck_assert_double_eq(before, 1e-3);
    ck_assert_int_gt(growths, 40);
    ck_assert_int_lt(growths, 70);
}
END_TEST

START_TEST(after_a_find_waiting_starts_anew)
{
    mpj_backoff backoff = begun_a_second_ago();
    for (int i = 0; i < 5; i++)
        mpj_backoff_wait(&backoff);
    ck_assert_double_gt(backoff.pause_s, 0);
    mpj_backoff_reset(&backoff);
    mpj_backoff_wait(&backoff);
    ck_assert(backoff.pause_s == 0);
}
END_TEST

/* ---- Sleeping --------------------------------------------------------------------------------------------------- */

static volatile sig_atomic_t alarms;

static void count_alarm(int number)
{
    (void)number;
    alarms++;
}

/* No shorter than asked, however often it is interrupted: a lower bound holds on a busy machine too. */
START_TEST(signals_do_not_shorten_a_sleep)
{
    struct sigaction action = {.sa_handler = count_alarm};
    struct itimerval every_ms = {{.tv_usec = 1000}, {.tv_usec = 1000}};
    struct itimerval off = {{0}, {0}};
    ck_assert_int_eq(sigaction(SIGALRM, &action, NULL), 0);
    ck_assert_int_eq(setitimer(ITIMER_REAL, &every_ms, NULL), 0);
    double before = mpj_now();
    mpj_sleep(0.02);
    double slept = mpj_now() - before;
    setitimer(ITIMER_REAL, &off, NULL);
    ck_assert_int_gt(alarms, 0);
    ck_assert_double_ge(slept, 0.02 - 1e-6);
}
END_TEST

START_TEST(no_time_is_no_sleep)
{
    mpj_sleep(0);
    mpj_sleep(-0.5);
    mpj_sleep(-3);
}
END_TEST

START_TEST(timer_slack_is_set_and_put_back)
{
    unsigned long before = mpj_timer_slack(1234);
    unsigned long again = mpj_timer_slack(before ? before : 1234);
    ck_assert(before == 0 ? again == 0 : again == 1234);
    ck_assert(mpj_timer_slack(before ? before : 1234) == before);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("clock");
    TCase *group = tcase_create("clock");
    tcase_add_test(group, time_does_not_go_back);
    tcase_add_test(group, the_first_wait_does_not_sleep);
    tcase_add_test(group, pauses_grow_up_to_a_millisecond);
    tcase_add_test(group, after_a_find_waiting_starts_anew);
    tcase_add_test(group, signals_do_not_shorten_a_sleep);
    tcase_add_test(group, no_time_is_no_sleep);
    tcase_add_test(group, timer_slack_is_set_and_put_back);
    suite_add_tcase(suite, group);
    return unit_run(suite);
}
