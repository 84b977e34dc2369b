#include "base/clock.h"

#include <errno.h>
#include <sched.h>
#include <sys/prctl.h>
#include <time.h>

#define SPIN_S 20e-6   /* then the core is offered to others between looks ... */
#define YIELD_S 100e-6 /* ... and then this thread sleeps: a sleep takes 20 us at least, whatever was asked for */
#define FIRST_PAUSE_S 5e-6
#define LONGEST_PAUSE_S 1e-3
#define PAUSE_GROWTH 1.1
#define BRISK_PAUSE_S 30e-6

double mpj_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

void mpj_backoff_reset(mpj_backoff *backoff)
{
    backoff->started = 0;
    backoff->pause_s = 0;
}

void mpj_backoff_wait(mpj_backoff *backoff)
{
    if (backoff->pause_s == 0) {
        double now = mpj_now();
        if (backoff->started == 0)
            backoff->started = now;
        if (now - backoff->started >= SPIN_S)
            sched_yield();
        if (now - backoff->started < YIELD_S)
            return;
        backoff->pause_s = FIRST_PAUSE_S;
    }
    mpj_sleep(backoff->pause_s);
    backoff->pause_s *= PAUSE_GROWTH;
    if (backoff->pause_s > LONGEST_PAUSE_S)
        backoff->pause_s = LONGEST_PAUSE_S;
}

void mpj_backoff_wait_briskly(mpj_backoff *backoff)
{
    if (backoff->pause_s > BRISK_PAUSE_S)
        backoff->pause_s = BRISK_PAUSE_S;
    mpj_backoff_wait(backoff);
}

void mpj_sleep(double seconds)
{
    struct timespec rest = {.tv_sec = (time_t)seconds};
    rest.tv_nsec = (long)((seconds - (double)rest.tv_sec) * 1e9);
    while (nanosleep(&rest, &rest) != 0 && errno == EINTR)
        ;
}

unsigned long mpj_timer_slack(unsigned long nanoseconds)
{
    int before = prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0);
    if (before <= 0)
        return 0;
    prctl(PR_SET_TIMERSLACK, nanoseconds, 0, 0, 0);
    return (unsigned long)before;
}
