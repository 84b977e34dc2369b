/* Who cleans a function's folder: at most one process at a time, by names that only one can make. A lock is a file
 * cleaner/lock.<g>, <g> one more than the highest that is there; its holder raises a counter in it, and makes free.<g>
 * when it is done. A holder that does not raise it is taken for dead, and lock.<g+1> is made: no lock is ever removed
 * while it may be the highest, since who removes a stale one could hit the fresh one of somebody else (measured).
 * A slow holder can be taken for a dead one: cleaning has to be right with two, the election only saves work. */
#ifndef MPJ_MEMORY_ELECTION_H
#define MPJ_MEMORY_ELECTION_H

#include "io/identity.h"
#include "memory/seen.h"
#include "memory/shelf.h"

#define MPJ_ELECTION_BEAT_S 30  /* the holder raises its counter so often */
#define MPJ_ELECTION_DEAD_S 600 /* a counter that has stood still for so long has no holder any more */
#define MPJ_ELECTION_KEPT 20    /* generations behind the highest whose files are kept */

/* ---- Deciding: pure ---------------------------------------------------------------------------------------------- */

/* What a contender sees. */
typedef struct mpj_election_view {
    uint64_t highest; /* generation; 0: there is no lock */
    bool free;        /* its holder is done */
    mpj_process_state holder;
    double unchanged_s; /* for how long the contender has seen its counter stand still */
} mpj_election_view;

/* The generation to try for; 0: somebody holds it. */
uint64_t mpj_election_next(const mpj_election_view *view);

/* May the files of this generation be removed? */
bool mpj_election_is_old(uint64_t generation, uint64_t highest);

/* "lock.<g>" and "free.<g>": the generation; 0: another name. */
uint64_t mpj_election_generation(const char *name, const char *prefix);

/* ---- Taking part ------------------------------------------------------------------------------------------------- */

typedef struct mpj_election {
    int folder, fd;      /* -1: not held */
    uint64_t generation; /* that is held */
    uint64_t token, counter;
    double last_beat;
    mpj_seen seen; /* what this host has seen of locks and segments, for how long; written at the end */
} mpj_election;

/* 1: won: end it with mpj_election_end. 0: somebody else is at it. MPIJOB_EOS, MPIJOB_ENOMEM: no election is possible
 * (a folder that may not be written to). function: "mpijob/<folder>". */
int mpj_election_stand(mpj_election *election, const mpj_store *store, const char *function, mpijob_error *err);

/* Before each step that removes something: does it still hold? Raises the counter where it is time. */
bool mpj_election_holds(mpj_election *election);

void mpj_election_end(mpj_election *election, const mpj_store *store);

#endif
