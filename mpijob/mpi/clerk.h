/* A thread that does errands, in the order in which they were given, and calls no MPI: so that a file server that hangs
 * holds up nobody else. A location has two, each from the first run that needs it until the location is closed: the
 * store thread, which looks up and stores, and the file thread, which writes large results. */
#ifndef MPJ_MPI_CLERK_H
#define MPJ_MPI_CLERK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct mpj_clerk mpj_clerk;

/* Something to do; the first member of whatever it needs. */
typedef struct mpj_errand {
    struct mpj_errand *next;
    void (*run)(struct mpj_errand *errand);  /* by the store thread; releases it */
    void (*drop)(struct mpj_errand *errand); /* it will not be run: releases it */
    const void *client;                      /* who gave it, for mpj_clerk_cancel; NULL: not to be cancelled */
    size_t bytes;                            /* that it keeps */
    uint64_t number;                         /* the clerk's */
} mpj_errand;

/* An errand that its giver waits for, and may leave to the thread. The first member of whatever it needs; state and
 * beats zero. At its end `run` asks mpj_awaited_is_left, and releases it only if that is so. */
typedef struct mpj_awaited {
    mpj_errand errand; /* first */
    atomic_int state;
    atomic_ullong beats; /* `run` lets it grow while it gets anywhere */
} mpj_awaited;

/* What the store thread does now and then, from an errand until nothing can have changed any more. */
typedef void mpj_clerk_tick_fn(void *payload);

/* NULL: no memory. The thread starts with the first errand. tick (may be NULL): every `tick_s` seconds, until `still_s` seconds have
 * passed since the last errand. */
mpj_clerk *mpj_clerk_open(mpj_clerk_tick_fn *tick, double tick_s, double still_s, void *payload);

/* Does all that is left, however long it takes. */
void mpj_clerk_close(mpj_clerk *clerk);

/* Gives an errand away. hurry: now; else within a few milliseconds, which wakes nobody. -1: no thread could be had; the
 * errand is the caller's still. */
int mpj_clerk_give(mpj_clerk *clerk, mpj_errand *errand, bool hurry);

/* Gives an errand away at once and waits for it as long as it beats: so many seconds without. 1: it is done, and the
 * caller's again. 0: it is the thread's from here on, and its number *ticket. -1: not given, as above. */
int mpj_clerk_do(mpj_clerk *clerk, mpj_awaited *errand, double patience_s, uint64_t *ticket);
/* For `run`, at the end. */
bool mpj_awaited_is_left(mpj_awaited *errand);
/* Whether this one is done, or one behind it. */
bool mpj_clerk_has_done(mpj_clerk *clerk, uint64_t ticket);

/* Drops the errands of this client that are not begun. */
void mpj_clerk_cancel(mpj_clerk *clerk, const void *client);

/* Bytes of errands that are not done. */
size_t mpj_clerk_load(mpj_clerk *clerk);

/* Waits until all is done that was given so far, at most so long. Whether it is. */
bool mpj_clerk_wait(mpj_clerk *clerk, double seconds);

#endif
