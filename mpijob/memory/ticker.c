/* A batch is written when it is 0.2 s old, also if the program has gone on to something else by then. */
#include "memory/memory.h"

#include "base/clock.h"
#include "memory/shelf.h"

#include <math.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#define STACK_BYTES ((size_t)1 << 20)
#define PATIENCE_S 0.2 /* what is overdue still after a look, cannot be written: no hurry */

static struct timespec at(double moment)
{
    struct timespec until;
    double ahead = fmax(moment - mpj_now(), 0);
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += (time_t)ahead;
    until.tv_nsec += (long)(fmod(ahead, 1) * 1e9);
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    return until;
}

static void wait_until(mpijob_memory *memory, double moment)
{
    struct timespec until = at(moment);
    memory->ticker.until = moment;
    pthread_cond_timedwait(&memory->ticker.wake, &memory->lock, &until);
    memory->ticker.until = 0;
}

static void wait_for_more(mpijob_memory *memory)
{
    memory->ticker.idle = true;
    pthread_cond_wait(&memory->ticker.wake, &memory->lock);
    memory->ticker.idle = false;
}

static void *serve(void *payload)
{
    mpijob_memory *memory = payload;
    pthread_mutex_lock(&memory->lock);
    while (!memory->ticker.stop) {
        double due = memory->store->due, now = mpj_now();
        if (due == INFINITY) {
            wait_for_more(memory);
        } else if (now < due) {
            wait_until(memory, due);
        } else {
            mpj_store_tick(memory->store, now);
            if (memory->store->due <= now)
                wait_until(memory, now + PATIENCE_S);
        }
    }
    pthread_mutex_unlock(&memory->lock);
    return NULL;
}

/* ---- Starting and stopping --------------------------------------------------------------------------------------- */

static int init_wake(pthread_cond_t *wake)
{
    pthread_condattr_t attributes;
    if (pthread_condattr_init(&attributes) != 0)
        return -1;
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    int failed = pthread_cond_init(wake, &attributes);
    pthread_condattr_destroy(&attributes);
    return failed ? -1 : 0;
}

/* With all signals blocked: the program's handlers run in the program's own threads. */
static int start_thread(mpijob_memory *memory)
{
    sigset_t all, before;
    pthread_attr_t attributes;
    if (pthread_attr_init(&attributes) != 0)
        return -1;
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&memory->ticker.thread, &attributes, serve, memory);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return failed ? -1 : 0;
}

/* Without a thread, batches are written by the next call that stores. */
static void start(mpijob_memory *memory)
{
    mpj_ticker *ticker = &memory->ticker;
    ticker->failed = true;
    if (init_wake(&ticker->wake) != 0)
        return;
    ticker->failed = start_thread(memory) != 0;
    if (ticker->failed)
        pthread_cond_destroy(&ticker->wake);
    else
        ticker->pid = getpid();
}

void mpj_ticker_wake(mpijob_memory *memory)
{
    mpj_ticker *ticker = &memory->ticker;
    if (memory->store->due == INFINITY)
        return;
    if (ticker->idle || memory->store->due < ticker->until - 0.01)
        pthread_cond_signal(&ticker->wake);
    else if (!ticker->pid && !ticker->failed)
        start(memory);
}

void mpj_ticker_stop(mpijob_memory *memory)
{
    mpj_ticker *ticker = &memory->ticker;
    if (!ticker->pid || ticker->pid != getpid())
        return;
    pthread_mutex_lock(&memory->lock);
    ticker->stop = true;
    pthread_cond_signal(&ticker->wake);
    pthread_mutex_unlock(&memory->lock);
    pthread_join(ticker->thread, NULL);
    pthread_cond_destroy(&ticker->wake);
    ticker->pid = 0;
}
