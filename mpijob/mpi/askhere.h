/* A cached call inside a job asks the store thread of its own process, so that it does not wait for files that do not
 * answer. Page: doc/memory-runs.md, Cached calls inside jobs. */
#ifndef MPJ_MPI_ASKHERE_H
#define MPJ_MPI_ASKHERE_H

#include "memory/cached.h"
#include "mpi/clerk.h"

/* Zeroed to begin with. */
typedef struct mpj_askhere {
    mpj_clerk *clerk; /* that was asked last ... */
    uint64_t ticket;  /* ... and which of its errands it was, if the answer was not waited for */
    unsigned char *payload;
} mpj_askhere;

/* 1 and *hit, its payload until the next question; 0: not there, or no answer in time; while one is owed nothing is
 * asked. -1: nobody can be asked. By the thread that executes jobs. */
int mpj_ask_here(mpj_askhere *here, const mpijob_cached *cached, const mpj_name *name, bool quiet, double patience_s,
                 mpj_hit *hit);
void mpj_askhere_free(mpj_askhere *here);

#endif
