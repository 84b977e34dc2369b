/* How all ranks come to know the same at the beginning and at the end of a run. */
#ifndef MPJ_MPI_AGREE_H
#define MPJ_MPI_AGREE_H

#include "mpi/link.h"

#include <stdint.h>

/* When MPI itself fails in one of these, the other ranks wait in a collective and cannot be told: all are ended. */

#define MPJ_VOTE_VALUES 4

/* What a rank says at the beginning, and knows afterwards. */
typedef struct mpj_vote {
    int status;      /* MPIJOB_OK, or why this rank cannot take part */
    uint64_t digest; /* of everything that must be equal on all ranks */
    int64_t root[MPJ_VOTE_VALUES]; /* in: on rank 0; out: rank 0's, everywhere. Below INT64_MAX */
} mpj_vote;

/* Collective over the link. Returns on every rank the same: MPIJOB_OK when all ranks are fine and digests are equal;
 * else the status of the lowest rank that has one, with its record as *err, or MPIJOB_EMISMATCH naming the ranks that
 * differ from rank 0. In: *err describes vote->status. */
int mpj_agree(mpj_link *link, mpj_vote *vote, mpijob_error *err);

/* `bytes` bytes of rank 0 reach every rank. Ranks that wait sleep. */
void mpj_spread(mpj_link *link, void *data, size_t bytes);

/* The record is about this rank, and its text says so too. */
void mpj_name_rank(mpijob_error *err, int rank);

/* Nothing else can be done: ends all processes of the link, so that none waits for ever. Does not return. */
void mpj_abort(MPI_Comm comm, const mpijob_error *err);

#endif
