/* Jobs of a cached function between drawing and executing: which of them are to be looked up, which wait for an equal
 * one, which have to be executed. Pure; the shell asks the store, and keeps the time.
 *
 * Life of a job: asked -> found, or missed -> executed, or asked again. A job whose key is that of another one in here is
 * a duplicate: it is settled with that one. Jobs that are settled are forgotten. */
#ifndef MPJ_SCHED_LOOKUP_H
#define MPJ_SCHED_LOOKUP_H

#include "base/pages.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The key of a job, and its second digest: jobs are equal if all of it is. */
typedef struct mpj_look_key {
    uint64_t words[4];
} mpj_look_key;

typedef struct mpj_look_place mpj_look_place;

typedef struct mpj_lookup {
    mpj_pages jobs;         /* by index */
    mpj_look_place *by_key; /* a hash table with open addressing; half of the places are free */
    size_t places;          /* in it; a power of two, or 0 */
    size_t held;            /* jobs in here */
    uint64_t asked;         /* that no answer came to */
    uint64_t duplicates;    /* that were, in all */
    double quiet_since;     /* the last answer, or the first question after a pause */
    bool stalled;           /* no answers came: nothing is asked until one comes */
} mpj_lookup;

/* Jobs that are settled with another one, to be taken one at a time. */
typedef struct mpj_look_chain {
    uint64_t next;
} mpj_look_chain;

#define MPJ_LOOK_NOBODY ((mpj_look_chain){UINT64_MAX})

/* Zeroed: empty. */
void mpj_lookup_free(mpj_lookup *lookup);

/* What becomes of a job that was drawn. */
enum {
    MPJ_LOOK_ASK = 1,     /* its answer has to come */
    MPJ_LOOK_COMPUTE = 2, /* the store is stalled: it counts as missed */
    MPJ_LOOK_WAIT = 3     /* a duplicate */
};

/* One of these, or MPIJOB_ENOMEM, with all as it was. Indices count up from 0. `now`: seconds, from any moment on. */
int mpj_lookup_drawn(mpj_lookup *lookup, uint64_t index, const mpj_look_key *key, double now);

/* This key, or the job of this index, comes next: its memory is on the way then. */
void mpj_lookup_expect_key(const mpj_lookup *lookup, const mpj_look_key *key);
void mpj_lookup_expect(const mpj_lookup *lookup, uint64_t index);

/* An answer came. Found: the job and its duplicates are settled: 1 and *duplicates. Missed: it stays, to be executed:
 * 1. 0: it was taken as missed before, or forgotten: the answer comes too late. */
int mpj_lookup_found(mpj_lookup *lookup, uint64_t index, double now, mpj_look_chain *duplicates);
int mpj_lookup_missed(mpj_lookup *lookup, uint64_t index, double now);
/* Some answer came, whatever it says. */
void mpj_lookup_heard(mpj_lookup *lookup, double now);

/* The missed job with a key that begins so, if there is one: 1 and *index; 0. Asked once more, it is as it was at
 * first. */
int mpj_lookup_missed_with(const mpj_lookup *lookup, const uint64_t words[2], uint64_t *index);
void mpj_lookup_ask_again(mpj_lookup *lookup, uint64_t index, double now);

/* A missed job was executed: it and its duplicates are settled, by its result, or, if it failed, by being executed
 * themselves. Its key, when `key` is not NULL. Whether it is one of these jobs. */
bool mpj_lookup_executed(mpj_lookup *lookup, uint64_t index, mpj_look_key *key, mpj_look_chain *duplicates);

/* The next of a chain: 1 and *index, or 0. It is forgotten. */
int mpj_lookup_next(mpj_lookup *lookup, mpj_look_chain *chain, uint64_t *index);

/* Whether jobs are asked and nothing was heard for `patience` seconds. */
bool mpj_lookup_is_quiet(const mpj_lookup *lookup, double now, double patience);

/* Nothing is asked from here on until an answer comes. */
void mpj_lookup_stall(mpj_lookup *lookup);

/* While stalled: the next asked job, from *at on (0 at first): 1 and *index, which now counts as missed, or 0. */
int mpj_lookup_give_up(mpj_lookup *lookup, uint64_t *at, uint64_t *index);

/* For tests: NULL, or what does not add up. */
const char *mpj_lookup_check(const mpj_lookup *lookup);

#endif
