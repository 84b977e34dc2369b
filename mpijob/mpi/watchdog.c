#include "mpi/watchdog.h"

#include "base/clock.h"

#include <math.h>
#include <signal.h>
#include <time.h>

#define DEAF_AFTER_S 0.5e-3 /* main is in a job when it has not served for so long */
#define FIRST_LOOK_S 1e-3
#define LONGEST_LOOK_S 10e-3 /* between looks whether main serves */
#define BUSY_POLL_S 0.5e-3   /* after a message was found */
#define LONGEST_POLL_S 2e-3  /* while none is found */
#define POLL_GROWTH 1.5

static void wait_for(mpj_watchdog *watchdog, double seconds)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += (long)(seconds * 1e9);
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_cond_timedwait(&watchdog->wake, watchdog->lock, &until);
}

/* One look; returns the pause until the next. */
static double look(mpj_watchdog *watchdog, double pause)
{
    if (mpj_now() - watchdog->served_at < DEAF_AFTER_S)
        return fmin(2 * pause, LONGEST_LOOK_S);
    if (watchdog->serve(watchdog->payload) > 0)
        return BUSY_POLL_S;
    return fmin(POLL_GROWTH * pause, LONGEST_POLL_S);
}

static void *watch(void *payload)
{
    mpj_watchdog *watchdog = payload;
    mpj_timer_slack(1000);
    pthread_mutex_lock(watchdog->lock);
    while (!watchdog->quit) {
        double pause = FIRST_LOOK_S;
        while (watchdog->serve && !watchdog->quit) {
            wait_for(watchdog, pause);
            if (watchdog->serve && !watchdog->quit)
                pause = look(watchdog, pause);
        }
        if (!watchdog->quit)
            pthread_cond_wait(&watchdog->wake, watchdog->lock);
    }
    pthread_mutex_unlock(watchdog->lock);
    return NULL;
}

/* The caller's signal handlers run in the caller's threads: this one takes no signal. */
static int start(mpj_watchdog *watchdog)
{
    pthread_condattr_t attributes;
    sigset_t all, before;
    sigfillset(&all);
    if (pthread_condattr_init(&attributes) != 0)
        return -1;
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    int failed = pthread_cond_init(&watchdog->wake, &attributes);
    pthread_condattr_destroy(&attributes);
    if (failed)
        return -1;
    pthread_sigmask(SIG_SETMASK, &all, &before);
    failed = pthread_create(&watchdog->thread, NULL, watch, watchdog);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed)
        pthread_cond_destroy(&watchdog->wake);
    return failed ? -1 : 0;
}

int mpj_watchdog_watch(mpj_watchdog *watchdog, pthread_mutex_t *lock, mpj_serve_fn *serve, void *payload)
{
    watchdog->lock = lock;
    watchdog->serve = serve;
    watchdog->payload = payload;
    watchdog->served_at = mpj_now();
    if (watchdog->started) {
        pthread_cond_signal(&watchdog->wake);
        return 0;
    }
    if (start(watchdog) != 0) {
        watchdog->serve = NULL;
        return -1;
    }
    watchdog->started = true;
    return 0;
}

void mpj_watchdog_rest(mpj_watchdog *watchdog)
{
    watchdog->serve = NULL;
}

void mpj_watchdog_close(mpj_watchdog *watchdog)
{
    if (!watchdog->started)
        return;
    pthread_mutex_lock(watchdog->lock);
    watchdog->quit = true;
    pthread_cond_signal(&watchdog->wake);
    pthread_mutex_unlock(watchdog->lock);
    pthread_join(watchdog->thread, NULL);
    pthread_cond_destroy(&watchdog->wake);
    watchdog->started = false;
}
