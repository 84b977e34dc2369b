/* Rank 0's side of serving: telling the waiting ranks what to take part in. */
#ifndef MPJ_MPI_SERVE_H
#define MPJ_MPI_SERVE_H

#include "mpi/run.h"
#include "mpi/share.h"

/* Lets the serving ranks go. */
void mpj_serve_leave(mpj_link *link);

/* Announces a run whose options were checked; then both sides take part in it as in a collective call. MPIJOB_OK, or
 * MPIJOB_EINVAL: nothing was announced. */
int mpj_serve_announce_run(mpj_link *link, const mpijob_function *function, const mpijob_parallel_options *options,
                           mpijob_error *err);

void mpj_serve_announce_share(mpj_link *link, const mpj_share_request *want);
void mpj_serve_announce_seal(mpj_link *link, uint64_t shared_id);
void mpj_serve_announce_free(mpj_link *link, uint64_t shared_id);

#endif
