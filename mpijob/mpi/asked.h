/* Rank 0: questions of cached calls inside jobs elsewhere, answered by the store threads, and the results that such
 * calls computed. With link->lock held, but for the end. */
#ifndef MPJ_MPI_ASKED_H
#define MPJ_MPI_ASKED_H

#include "mpi/clerk.h"
#include "mpi/transfer.h"

#include <mpijob/memory.h>
#include <stdint.h>

typedef struct mpj_pending mpj_pending; /* a question without an answer */
typedef struct mpj_replied mpj_replied; /* an answer on its way */
typedef struct mpj_askbox mpj_askbox;   /* where the store threads leave answers */

#define MPJ_ASKED_LOCATIONS 8

/* Zeroed to begin with, but for comm. */
typedef struct mpj_asked {
    MPI_Comm comm;
    mpj_askbox *box; /* made with the first question */
    mpj_pending *pending;
    mpj_replied *leaving;
    mpijob_memory *locations[MPJ_ASKED_LOCATIONS]; /* that calls' results were given to */
    uint64_t sent;                                 /* answers */
    uint64_t lost;                                 /* results that were not stored */
} mpj_asked;

/* A question of rank `from`; -1: it makes no sense. */
int mpj_asked_take(mpj_asked *asked, const unsigned char *message, size_t bytes, int from);

/* Sends the answers that are there; returns how many. */
int mpj_asked_serve(mpj_asked *asked);

/* Answers everything that is pending with "not there". */
void mpj_asked_give_up(mpj_asked *asked);
/* Whether an answer is on its way; makes progress. */
bool mpj_asked_is_leaving(mpj_asked *asked);

/* The results of calls among a reply's entries go to their store threads. */
void mpj_asked_store(mpj_asked *asked, const unsigned char *entries, size_t bytes);

/* What is not written yet gets a moment. After the last answer has left. */
void mpj_asked_close(mpj_asked *asked, double seconds);

#endif
