#include "mpi/clerk.h"

#include "base/alloc.h"
#include "base/clock.h"

#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <time.h>

#define BEAT_S 0.05    /* whoever waits looks so often whether anything moves */
#define LEISURE_S 5e-3 /* errands that are in no hurry are begun after so long */

struct mpj_clerk {
    pthread_mutex_t lock;
    pthread_cond_t wake; /* the thread */
    pthread_cond_t done; /* those that wait for it */
    pthread_t thread;
    bool started, quit;
    bool asleep; /* until it is woken */
    mpj_errand *first;
    mpj_errand **last;
    uint64_t given, finished; /* errands, in all */
    uint64_t done_last;       /* the number of the last that was run */
    size_t load;
    mpj_clerk_tick_fn *tick;
    double tick_s, still_s;
    void *payload;
    double ticked_at, busy_at;
    bool ticking; /* since an errand was done */
};

static struct timespec after(double seconds)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += (time_t)seconds;
    until.tv_nsec += (long)(fmod(seconds, 1) * 1e9);
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    return until;
}

static int init_condition(pthread_cond_t *condition)
{
    pthread_condattr_t attributes;
    if (pthread_condattr_init(&attributes) != 0)
        return -1;
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    int failed = pthread_cond_init(condition, &attributes);
    pthread_condattr_destroy(&attributes);
    return failed ? -1 : 0;
}

mpj_clerk *mpj_clerk_open(mpj_clerk_tick_fn *tick, double tick_s, double still_s, void *payload)
{
    mpj_clerk *clerk = mpj_calloc(1, sizeof *clerk);
    if (!clerk)
        return NULL;
    clerk->last = &clerk->first;
    clerk->tick = tick;
    clerk->tick_s = tick_s;
    clerk->still_s = still_s;
    clerk->payload = payload;
    pthread_mutex_init(&clerk->lock, NULL);
    if (init_condition(&clerk->wake) != 0 || init_condition(&clerk->done) != 0) {
        mpj_free(clerk);
        return NULL;
    }
    return clerk;
}

/* -- The thread; with the lock held, but for the errands themselves -- */

static void do_first(mpj_clerk *clerk)
{
    mpj_errand *errand = clerk->first;
    size_t bytes = errand->bytes;
    uint64_t number = errand->number;
    clerk->first = errand->next;
    if (!clerk->first)
        clerk->last = &clerk->first;
    pthread_mutex_unlock(&clerk->lock);
    errand->run(errand);
    pthread_mutex_lock(&clerk->lock);
    clerk->load -= bytes;
    clerk->finished++;
    clerk->done_last = number;
    clerk->ticking = clerk->tick != NULL;
    clerk->busy_at = mpj_now();
    pthread_cond_broadcast(&clerk->done);
}

static void tick_once(mpj_clerk *clerk)
{
    clerk->ticked_at = mpj_now();
    clerk->ticking = clerk->ticked_at - clerk->busy_at < clerk->still_s;
    pthread_mutex_unlock(&clerk->lock);
    clerk->tick(clerk->payload);
    pthread_mutex_lock(&clerk->lock);
}

/* Naps while something may still have to be written: whoever is in no hurry need not wake it then. */
static void await_errands(mpj_clerk *clerk)
{
    if (!clerk->ticking) {
        clerk->asleep = true;
        pthread_cond_wait(&clerk->wake, &clerk->lock);
        clerk->asleep = false;
        return;
    }
    struct timespec until = after(LEISURE_S);
    pthread_cond_timedwait(&clerk->wake, &clerk->lock, &until);
}

static void *serve(void *payload)
{
    mpj_clerk *clerk = payload;
    mpj_timer_slack(1000);
    pthread_mutex_lock(&clerk->lock);
    while (!clerk->quit || clerk->first) {
        if (clerk->first)
            do_first(clerk);
        else
            await_errands(clerk);
        if (clerk->ticking && mpj_now() - clerk->ticked_at >= clerk->tick_s)
            tick_once(clerk);
    }
    pthread_mutex_unlock(&clerk->lock);
    return NULL;
}

/* -- Everybody else -- */

/* The caller's signal handlers run in the caller's threads: this one takes no signal. */
static int start(mpj_clerk *clerk)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&clerk->thread, NULL, serve, clerk);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    clerk->started = failed == 0;
    return failed ? -1 : 0;
}

static int give(mpj_clerk *clerk, mpj_errand *errand, bool hurry)
{
    if (!clerk->started && start(clerk) != 0)
        return -1;
    errand->next = NULL;
    *clerk->last = errand;
    clerk->last = &errand->next;
    errand->number = ++clerk->given;
    clerk->load += errand->bytes;
    if (hurry || clerk->asleep)
        pthread_cond_signal(&clerk->wake);
    return 0;
}

int mpj_clerk_give(mpj_clerk *clerk, mpj_errand *errand, bool hurry)
{
    pthread_mutex_lock(&clerk->lock);
    int status = give(clerk, errand, hurry);
    pthread_mutex_unlock(&clerk->lock);
    return status;
}

/* ---- Errands that are waited for ---- */

enum {
    WAITED_FOR,
    LEFT,
    DONE
};

bool mpj_awaited_is_left(mpj_awaited *errand)
{
    return atomic_exchange(&errand->state, DONE) == LEFT;
}

/* With the lock held. Whether it was done in time; else it is the thread's. */
static bool await(mpj_clerk *clerk, mpj_awaited *errand, double patience_s)
{
    double since = mpj_now();
    unsigned long long beats = 0;
    while (atomic_load(&errand->state) != DONE) {
        unsigned long long seen = atomic_load(&errand->beats);
        double now = mpj_now();
        if (seen != beats)
            since = now;
        beats = seen;
        if (now - since >= patience_s) {
            int waited_for = WAITED_FOR;
            return !atomic_compare_exchange_strong(&errand->state, &waited_for, LEFT);
        }
        struct timespec until = after(fmin(patience_s, BEAT_S));
        pthread_cond_timedwait(&clerk->done, &clerk->lock, &until);
    }
    return true;
}

int mpj_clerk_do(mpj_clerk *clerk, mpj_awaited *errand, double patience_s, uint64_t *ticket)
{
    pthread_mutex_lock(&clerk->lock);
    int status = give(clerk, &errand->errand, true);
    *ticket = clerk->given;
    if (status == 0)
        status = await(clerk, errand, patience_s);
    pthread_mutex_unlock(&clerk->lock);
    return status;
}

bool mpj_clerk_has_done(mpj_clerk *clerk, uint64_t ticket)
{
    pthread_mutex_lock(&clerk->lock);
    bool done = clerk->done_last >= ticket;
    pthread_mutex_unlock(&clerk->lock);
    return done;
}

void mpj_clerk_cancel(mpj_clerk *clerk, const void *client)
{
    mpj_errand *dropped = NULL;
    pthread_mutex_lock(&clerk->lock);
    clerk->last = &clerk->first;
    for (mpj_errand *errand = clerk->first, *next; errand; errand = next) {
        next = errand->next;
        if (errand->client == client) {
            errand->next = dropped;
            dropped = errand;
            clerk->load -= errand->bytes;
            clerk->finished++;
        } else {
            *clerk->last = errand;
            clerk->last = &errand->next;
        }
    }
    *clerk->last = NULL;
    pthread_cond_broadcast(&clerk->done);
    pthread_mutex_unlock(&clerk->lock);
    while (dropped) {
        mpj_errand *next = dropped->next;
        dropped->drop(dropped);
        dropped = next;
    }
}

size_t mpj_clerk_load(mpj_clerk *clerk)
{
    pthread_mutex_lock(&clerk->lock);
    size_t load = clerk->load;
    pthread_mutex_unlock(&clerk->lock);
    return load;
}

bool mpj_clerk_wait(mpj_clerk *clerk, double seconds)
{
    struct timespec until = after(seconds);
    int status = 0;
    pthread_mutex_lock(&clerk->lock);
    if (clerk->first)
        pthread_cond_signal(&clerk->wake);
    uint64_t given = clerk->given;
    while (clerk->finished < given && status == 0)
        status = pthread_cond_timedwait(&clerk->done, &clerk->lock, &until);
    bool all = clerk->finished >= given;
    pthread_mutex_unlock(&clerk->lock);
    return all;
}

void mpj_clerk_close(mpj_clerk *clerk)
{
    if (!clerk)
        return;
    pthread_mutex_lock(&clerk->lock);
    clerk->quit = true;
    pthread_cond_signal(&clerk->wake);
    pthread_mutex_unlock(&clerk->lock);
    if (clerk->started)
        pthread_join(clerk->thread, NULL);
    pthread_cond_destroy(&clerk->wake);
    pthread_cond_destroy(&clerk->done);
    pthread_mutex_destroy(&clerk->lock);
    mpj_free(clerk);
}
