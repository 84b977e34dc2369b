/* Rank 0's side of serving: telling the waiting ranks what to take part in. */
#ifndef MPJ_MPI_SERVE_H
#define MPJ_MPI_SERVE_H

#include "mpi/run.h"

/* Lets the serving ranks go. MPIJOB_OK or MPIJOB_EMPI. */
int mpj_serve_leave(mpj_link *link, mpijob_error *err);

/* Announces a run; then both sides take part in it as in a collective call. */
int mpj_serve_announce_run(mpj_link *link, const mpijob_function *function, const mpijob_parallel_options *options,
                           mpijob_error *err);

int mpj_serve_announce_share(mpj_link *link, const mpijob_share_options *options, mpijob_error *err);
int mpj_serve_announce_free(mpj_link *link, uint64_t shared_id, mpijob_error *err);

#endif
