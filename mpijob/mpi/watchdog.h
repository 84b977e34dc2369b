/* The helper thread of rank 0: while the main thread is inside a long job, it serves the other ranks. Polling is cheap
 * for the main thread only because this thread sleeps while main serves by itself (doc/dispatch.md). */
#ifndef MPJ_MPI_WATCHDOG_H
#define MPJ_MPI_WATCHDOG_H

#include <pthread.h>
#include <stdbool.h>

/* Serves what is there; called with the lock held. Returns how many messages it found. */
typedef int mpj_serve_fn(void *payload);

typedef struct mpj_watchdog {
    bool started; /* the thread exists */
    bool quit;
    pthread_t thread;
    pthread_cond_t wake;
    pthread_mutex_t *lock;
    mpj_serve_fn *serve; /* NULL: nothing to watch */
    void *payload;
    double served_at; /* when the main thread last served */
} mpj_watchdog;

/* All with the lock held. Watching starts the thread when there is none yet: 0, or -1 when no thread could be had. */
int mpj_watchdog_watch(mpj_watchdog *watchdog, pthread_mutex_t *lock, mpj_serve_fn *serve, void *payload);
void mpj_watchdog_rest(mpj_watchdog *watchdog);

/* Ends the thread. Without the lock. */
void mpj_watchdog_close(mpj_watchdog *watchdog);

#endif
