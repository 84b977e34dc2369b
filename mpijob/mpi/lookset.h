/* Jobs that are settled together, on their way into the plan: missed ones and found ones. For the files that make up
 * mpi/looks.h. */
#ifndef MPJ_MPI_LOOKSET_H
#define MPJ_MPI_LOOKSET_H

#include "mpi/scheduler.h"

/* The run ends: an error that is described, or (NULL) no memory. */
void mpj_looks_give_up(mpj_scheduler *s, int status, const mpijob_error *err);

/* -- Questions (looks.c) -- */

int mpj_looks_key(const mpj_scheduler *s, uint64_t index, mpj_name *name, mpijob_error *err);
/* How many jobs may be asked now. */
uint64_t mpj_looks_room(const mpj_scheduler *s);
/* There is one to be written; no: no memory for it. */
bool mpj_looks_has_question(mpj_scheduler *s);
/* A full question goes to the store thread; the last one goes with mpj_looks_ask. */
void mpj_looks_add_to_question(mpj_scheduler *s, uint64_t index, const mpj_name *name);
void mpj_looks_ask(mpj_scheduler *s);

/* Jobs that wait, and that another program has done meanwhile, are asked for again (lookagain.c): before answers are
 * taken and after that, since of a job that is asked news come to nothing. */
void mpj_looks_watch(mpj_scheduler *s, double now);
void mpj_looks_hear(mpj_scheduler *s, double now);

/* -- What comes of them -- */

/* A job's arguments; NULL: it has none. */
const void *mpj_looks_args(const mpj_scheduler *s, uint64_t index);

/* How long computing one of these results takes, or took. */
void mpj_looks_timed(mpj_looks *looks, double seconds);

/* Jobs side by side with one cost, on their way into the plan. */
typedef struct mpj_missed {
    mpj_span jobs;
    double cost;
} mpj_missed;

/* `recorded`: seconds that it took in another version; < 0: not known. */
void mpj_missed_add(mpj_scheduler *s, mpj_missed *span, uint64_t index, double recorded);
void mpj_missed_end(mpj_scheduler *s, mpj_missed *span);
/* Duplicates that have to be executed themselves. */
void mpj_missed_chain(mpj_scheduler *s, mpj_look_chain chain);

/* Results that are settled together, for a consumer: each somewhere in `data`. */
typedef struct mpj_found_set {
    mpj_arrival *arrival; /* NULL: they go straight to the caller's list */
    const unsigned char *data;
    size_t capacity;
    bool failed;
} mpj_found_set;

/* 0, or -1: no memory. data: where the results are; count: how many there are, about. */
int mpj_found_begin(mpj_scheduler *s, mpj_found_set *set, const unsigned char *data, size_t count);
void mpj_found_add(mpj_scheduler *s, mpj_found_set *set, uint64_t index, size_t offset, uint64_t bytes);
/* Duplicates, which get the same result. */
void mpj_found_chain(mpj_scheduler *s, mpj_found_set *set, mpj_look_chain chain, size_t offset, uint64_t bytes,
                     double seconds);
/* `owned`: the data, if a consumer is to get them: they live as long as that takes. */
void mpj_found_end(mpj_scheduler *s, mpj_found_set *set, unsigned char *owned, size_t bytes);

#endif
