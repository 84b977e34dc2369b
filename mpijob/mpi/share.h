/* Shared inputs, as the rest of the library sees them. */
#ifndef MPJ_MPI_SHARE_H
#define MPJ_MPI_SHARE_H

#include "mpi/link.h"

#include <mpijob/hash.h>
#include <mpijob/share.h>

/* A number that names this shared input on every rank of its communicator. */
uint64_t mpj_shared_id(const mpijob_shared *shared);

/* Whether every rank may read it: mpijob_share_begin leaves that to mpijob_share_seal. */
bool mpj_shared_is_sealed(const mpijob_shared *shared);

/* What stands for the contents in keys: the digest of the version that was given, else of the bytes. Computed once on
 * rank 0, in the first call, and spread; collective over the link (which may be one rank's own), with the same inputs on
 * all ranks. `digests`: room for `count`. MPIJOB_OK; MPIJOB_ENOMEM, described in *err, on all ranks. */
int mpj_shared_digests(mpijob_digest *digests, mpj_link *link, const mpijob_shared *const *shared, size_t count,
                       mpijob_error *err);

/* What a call of mpijob_share or (`fill`) mpijob_share_begin asks for. */
typedef struct mpj_share_request {
    const void *data;
    size_t bytes;
    const mpijob_share_options *options;
    bool fill;
} mpj_share_request;

/* The same over a link whose ranks all call it. `problem`: this rank cannot take part, described in *err. */
int mpj_share_over(mpijob_shared **shared, mpj_link *link, const mpj_share_request *want, int problem,
                   mpijob_error *err);

/* mpijob_share_seal over a link whose ranks all call it. NULL: this rank has no such input, which is an error. */
int mpj_seal_over(mpijob_shared *shared, mpj_link *link, mpijob_error *err);

#endif
