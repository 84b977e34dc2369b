#include "mpi/rows.h"

#include "base/error.h"
#include "mpi/parallel.h"

#include <mpijob/rows.h>
#include <murmurhash.h>
#include <stdio.h>
#include <string.h>

uint64_t mpj_rows_digest(uint64_t digest, const void *bytes, size_t count)
{
    uint64_t out[2];
    lmmh_x64_128(bytes, (uint32_t)count, (uint32_t)(digest ^ digest >> 32), out);
    return out[0] ^ (digest << 7 | digest >> 57);
}

int mpj_rows_begin(mpj_rows_call *call, const char *name, MPI_Comm comm, mpijob_error *err)
{
    *call = (mpj_rows_call){.name = name};
    if (mpj_is_in_run())
        return mpj_fail(err, MPIJOB_EINVAL, "%s is for all ranks together, and cannot be called inside a run", name);
    int status = mpj_check_comm(comm, err);
    if (status != MPIJOB_OK)
        return status;
    mpj_link *known = mpj_link_known(comm);
    if (known && known->serving)
        return mpj_fail(err, MPIJOB_EINVAL, "%s is for all ranks together, and the others wait in mpijob_serve", name);
    if (mpj_link_get(&call->link, &call->spare, &call->fresh, &call->problem, comm, err) != MPIJOB_OK)
        mpj_abort(comm, err);
    return MPIJOB_OK;
}

int mpj_rows_open(mpj_rows_call *call, mpj_vote *vote, MPI_Comm comm, mpijob_error *err)
{
    int status = mpj_agree(call->link, vote, err);
    if (status == MPIJOB_EMISMATCH) {
        char said[sizeof err->text];
        memcpy(said, err->text, sizeof said);
        snprintf(err->text, sizeof err->text,
                 "%s: %.700s (here: the path, the options, the type and all dimensions but the first)", call->name,
                 said);
    }
    if (status != MPIJOB_OK && call->fresh)
        mpj_link_drop(call->link, &call->spare, comm);
    return status;
}

int mpj_rows_agree(mpj_rows_call *call, int status, mpijob_error *err)
{
    mpj_vote vote = {.status = status};
    return mpj_agree(call->link, &vote, err);
}
