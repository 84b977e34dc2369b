/* Shared inputs, as the rest of the library sees them. */
#ifndef MPJ_MPI_SHARE_H
#define MPJ_MPI_SHARE_H

#include "mpi/link.h"

#include <mpijob/share.h>

/* A number that names this shared input on every rank of its communicator. */
uint64_t mpj_shared_id(const mpijob_shared *shared);

/* mpijob_share over a link whose ranks all call it. `problem`: this rank cannot take part, described in *err. */
int mpj_share_over(mpijob_shared **shared, mpj_link *link, const void *data, size_t bytes,
                   const mpijob_share_options *options, int problem, mpijob_error *err);

#endif
