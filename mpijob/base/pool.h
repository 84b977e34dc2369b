/* Work over several threads of one call. */
#ifndef MPJ_BASE_POOL_H
#define MPJ_BASE_POOL_H

#include <mpijob/error.h>
#include <stddef.h>
#include <stdint.h>

/* How many threads an option means: as given, or (0) the cores that this process may use, at most 8. At least 1. */
int mpj_threads(int option);

/* One item of work, by thread `worker` (0 is the caller's own) of mpj_pool_run's threads. Returns MPIJOB_OK, or a
 * status with err filled. */
typedef int mpj_pool_fn(uint64_t item, int worker, void *payload, mpijob_error *err);

/* Called by the caller's thread between its items, and at the end: `done` of `count` items are finished. Nonzero: stop
 * (MPIJOB_ECANCELED). */
typedef int mpj_pool_tick_fn(uint64_t done, uint64_t count, void *payload);

/* Calls work(item) once for each item 0..count-1, by at most `threads` threads, the caller's among them; items begin in
 * order. After the first failure no further item begins; err and status are those of the failed item with the lowest
 * number. Threads that cannot be started are done without. No thread outlives the call. tick: NULL for none. */
int mpj_pool_run(uint64_t count, int threads, mpj_pool_fn *work, mpj_pool_tick_fn *tick, void *payload,
                 mpijob_error *err);

/* An ordered pipeline: `make(item, slot)` is called by any thread, `take(item, slot)` by the caller's alone, in the
 * order of the items; at most `slots` items (at least 1) are made and not yet taken. slot: 0..slots-1, where make
 * leaves its product and take finds it. The caller's thread makes items too when the next to take is not ready. */
typedef int mpj_pipe_fn(uint64_t item, size_t slot, void *payload, mpijob_error *err);

int mpj_pipe_run(uint64_t count, int threads, size_t slots, mpj_pipe_fn *make, mpj_pipe_fn *take, void *payload,
                 mpijob_error *err);

/* The same pipeline where someone else asks for the items (a library that pulls). open; then take(0), take(1), ... each
 * waiting until the item is made and giving its slot, with release after use; close ends the threads at any time. */
typedef struct mpj_pipe mpj_pipe;
int mpj_pipe_open(mpj_pipe **pipe, uint64_t count, int threads, size_t slots, mpj_pipe_fn *make, void *payload,
                  mpijob_error *err);
int mpj_pipe_next(mpj_pipe *pipe, size_t *slot, mpijob_error *err); /* the next item's slot, once it is made */
void mpj_pipe_release(mpj_pipe *pipe, size_t slot);                 /* slots are released in order */
void mpj_pipe_close(mpj_pipe *pipe);                                /* NULL is allowed */

#endif
