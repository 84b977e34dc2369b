/* How a run sees memory/: what it needs of a cached function, and nothing else. */
#ifndef MPJ_MPI_MEMO_H
#define MPJ_MPI_MEMO_H

#include "memory/cached.h"
#include "memory/key.h"
#include "mpi/clerk.h"
#include "mpi/storing.h"

#include <mpijob/memory.h>

/* -- Any thread -- */

/* Whether this process keeps results of the function: it is cached, and has a location. */
bool mpj_memo_keeps(const mpijob_function *function);
/* Of everything that decides which results it finds; the same on all ranks. 0: not cached. */
uint64_t mpj_memo_digest(const mpijob_function *function);
/* Whether its arguments can travel as bytes. */
bool mpj_memo_is_flat(const mpijob_function *function);
const mpj_signature *mpj_memo_signature(const mpijob_cached *cached);
/* The store thread of its location. NULL: no memory for one. */
mpj_clerk *mpj_memo_clerk(const mpijob_cached *cached);
mpj_clerk *mpj_memo_clerk_of(mpijob_memory *memory);
/* Its file thread. NULL: no memory. */
mpj_clerk *mpj_memo_filer(const mpijob_cached *cached);
/* Counts a result that this process does not store. */
void mpj_memo_computed(const mpijob_cached *cached, double seconds);
/* Has all written that was given to it, and waits for that, so long at most. By the thread that runs. */
void mpj_memo_finish(mpijob_memory *memory, double seconds);
/* From how many bytes on a result gets its own file. */
size_t mpj_memo_large_bytes(const mpijob_cached *cached);

/* -- The store thread: between lock and unlock -- */

void mpj_memo_lock(const mpijob_cached *cached);
void mpj_memo_unlock(const mpijob_cached *cached);

/* Bytes that grow. Zeroed: none. */
typedef struct mpj_memo_bytes {
    unsigned char *data;
    size_t used, capacity;
    atomic_ullong *beats; /* grows while something is read; NULL: nobody wants to know */
} mpj_memo_bytes;

/* This one is looked up or stored soon, after others. */
void mpj_memo_touch(const mpijob_cached *cached, const mpj_name *name);
/* Many look-ups follow: announces one; then, again and again, reads ahead for them, until that is false; after them,
 * ends it. */
void mpj_memo_expect(const mpijob_cached *cached, const mpj_name *name);
bool mpj_memo_read_ahead(const mpijob_cached *cached);
void mpj_memo_expect_nothing(const mpijob_cached *cached);
/* A result that may be used: 1, the result (shelve: a mpijob_reference to it) behind what is there in *bytes, at a
 * multiple of 16, and how long it took to compute; 0: none, or no memory for it, and how long it took when another
 * version was computed, or an expired result; < 0: not known. */
int mpj_memo_find(const mpijob_cached *cached, const mpj_name *name, bool shelve, mpj_memo_bytes *bytes,
                  double *seconds);
/* After a miss: looks what other processes stored, if that pays. Whether it looked. */
bool mpj_memo_refresh(const mpijob_cached *cached);
/* What other processes stored, as it comes to be known. */
void mpj_memo_listen(const mpijob_cached *cached, mpj_news *news);
void mpj_memo_stop_listening(const mpijob_cached *cached, mpj_news *news);
void mpj_memo_store(const mpijob_cached *cached, const mpj_stored *result, const mpj_moment *at);

#endif
