/* Looking after a function's folder: what dead writers left is sealed, many small segments are merged, what has waited
 * long enough in the trash is removed. By one process at a time (election.h). Page: store.md. */
#ifndef MPJ_MEMORY_CLEANER_H
#define MPJ_MEMORY_CLEANER_H

#include "memory/compact.h"

#define MPJ_SEGMENTS_MANY 64    /* more of them are merged by whoever opens the function's folder ... */
#define MPJ_OPENING_S 1.0       /* ... for at most so long */
#define MPJ_CLOSED_UNSEEN_S 600 /* a writer that has not written for five minutes looks before it writes again */

/* Which segments nobody writes to any more (segment->closed): those with an index, of processes that are gone, and what
 * this host has seen unchanged for ten minutes. */
void mpj_cleaner_close(mpj_list *list, mpj_seen *seen);

/* Makes the indexes of closed segments that have none; of those that are no sources. */
int mpj_cleaner_seal(mpj_list *list, mpijob_error *err);

/* All of it, on demand: merged, sealed, records of use merged, what is of no use removed. everything: also where little
 * is gained by it. MPIJOB_ECANCELED: somebody else is at it. */
typedef struct mpj_cleaner_options {
    bool everything, now;
} mpj_cleaner_options;
int mpj_cleaner_run(mpj_store *store, const char *function, const mpj_cleaner_options *options, mpj_compacted *done,
                    mpijob_error *err);
/* The same with a complete list, whose entries marked drop are left out where their segments are closed. */
int mpj_cleaner_merge(mpj_list *list, mpj_election *election, const mpj_cleaner_options *options, mpj_compacted *done,
                      mpijob_error *err);

/* After a shelf was opened: merges small segments if there are many, for a second at most, and seals what was left
 * behind. Whatever fails, or if somebody else is at it: as if it had not been called. */
void mpj_cleaner_at_opening(mpj_shelf *shelf);

/* ---- cleaneruse.c: records of use -------------------------------------------------------------------------------- */

#define MPJ_USES_MANY 64 /* files; more of them are merged by whoever adds one */

/* Of all files of a function together, the latest hour of each name. Release it in any case. */
int mpj_uses_read(mpj_use_table *uses, const mpj_store *store, const char *function, mpijob_error *err);
void mpj_uses_free(mpj_use_table *uses);
/* Of an open file: 1; 0: damaged; -1: it cannot be told. */
int mpj_uses_are_whole(int fd, uint64_t bytes);

/* Merges the files into one. list: NULL, or a complete list: of what lives in it. */
int mpj_uses_merge(const mpj_store *store, const char *function, const mpj_list *list, mpijob_error *err);

/* The same, if nobody else is cleaning. */
void mpj_cleaner_merge_uses(mpj_shelf *shelf);

/* ---- cleanersweep.c ---------------------------------------------------------------------------------------------- */

/* Removes what has waited long enough in the trash, what was being written two days ago, and indexes without their
 * segment. */
void mpj_cleaner_sweep(const mpj_store *store, const char *function);
/* Removes all that waits in the trash; how many bytes that were. */
uint64_t mpj_cleaner_empty_trash(const mpj_store *store, const char *function);

#endif
