#include "mpi/agree.h"

#include "base/alloc.h"
#include "base/error.h"
#include "mpi/transfer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void mpj_abort(MPI_Comm comm, const mpijob_error *err)
{
    fprintf(stderr, "mpijob: %s; the other ranks cannot be told, so all are ended\n", err->text);
    MPI_Abort(comm == MPI_COMM_NULL ? MPI_COMM_WORLD : comm, EXIT_FAILURE);
    abort();
}

/* Waits until a collective that was begun with this code is over. */
static void finish(const mpj_link *link, int code, MPI_Request *request, size_t bytes, const char *what)
{
    mpijob_error err;
    int status = code == MPI_SUCCESS ? mpj_wait_for_data(request, bytes, what, &err) : mpj_fail_mpi(&err, code, what);
    if (status != MPIJOB_OK)
        mpj_abort(link->comm, &err);
}

void mpj_spread(mpj_link *link, void *data, size_t bytes)
{
    for (size_t at = 0; at < bytes; at += MPJ_PIECE_BYTES) {
        MPI_Request request;
        size_t piece = bytes - at < MPJ_PIECE_BYTES ? bytes - at : MPJ_PIECE_BYTES;
        int code = MPI_Ibcast((char *)data + at, (int)piece, MPI_BYTE, 0, link->comm, &request);
        finish(link, code, &request, piece, "spreading a result");
    }
}

void mpj_name_rank(mpijob_error *err, int rank)
{
    char said[sizeof err->text];
    memcpy(said, err->text, sizeof said);
    err->rank = rank;
    snprintf(err->text, sizeof err->text, "rank %d (%s): %.800s", rank, err->host, said);
}

/* What each rank tells when something is wrong. */
typedef struct complaint {
    int64_t status;
    uint64_t digest;
} complaint;

static void gather_complaints(mpj_link *link, const complaint *mine, complaint *every)
{
    MPI_Request request;
    int code = MPI_Iallgather(mine, sizeof *mine, MPI_BYTE, every, sizeof *every, MPI_BYTE, link->comm, &request);
    finish(link, code, &request, 0, "telling what is wrong");
}

/* The record of rank `from` becomes everybody's. */
static void adopt(mpj_link *link, int from, mpijob_error *err)
{
    mpijob_error record;
    memset(&record, 0, sizeof record);
    if (link->rank == from) {
        record = *err;
        mpj_name_rank(&record, from);
    }
    MPI_Request request;
    int code = MPI_Ibcast(&record, sizeof record, MPI_BYTE, from, link->comm, &request);
    finish(link, code, &request, 0, "telling what is wrong");
    mpj_error_sanitise(&record);
    *err = record;
}

static int describe_mismatch(mpj_link *link, const complaint *every, mpijob_error *err)
{
    char names[200] = "";
    size_t used = 0;
    int differing = 0;
    int first = -1;
    for (int i = 1; i < link->size; i++) {
        if (every[i].digest == every[0].digest)
            continue;
        if (first < 0)
            first = i;
        differing++;
        if (used < sizeof names - 40)
            used += (size_t)snprintf(names + used, sizeof names - used, "%s%d", used ? ", " : "", i);
    }
    if (used >= sizeof names - 40)
        snprintf(names + used, sizeof names - used, ", ... (%d in all)", differing);
    mpj_fail(err, MPIJOB_EMISMATCH,
             "the ranks called with different functions or options: rank%s %s differ%s from rank 0; give the same "
             "function sizes, name and options on every rank",
             differing == 1 ? "" : "s", names, differing == 1 ? "s" : "");
    err->rank = first;
    memset(err->host, 0, sizeof err->host); /* one record on all hosts */
    return MPIJOB_EMISMATCH;
}

static int settle(mpj_link *link, const mpj_vote *vote, mpijob_error *err)
{
    complaint mine = {vote->status, vote->digest};
    complaint *every = mpj_calloc((size_t)link->size, sizeof *every);
    if (!every) {
        mpj_fail_memory(err, "what the ranks complain about", (unsigned long long)link->size * sizeof *every);
        mpj_abort(link->comm, err);
    }
    gather_complaints(link, &mine, every);
    int from = 0;
    while (from < link->size && every[from].status == MPIJOB_OK)
        from++;
    int status;
    if (from == link->size) {
        status = describe_mismatch(link, every, err);
    } else {
        status = (int)every[from].status;
        adopt(link, from, err);
    }
    mpj_free(every);
    return status;
}

int mpj_agree(mpj_link *link, mpj_vote *vote, mpijob_error *err)
{
    if (link->comm == MPI_COMM_NULL)
        return vote->status;
    /* One reduction by minimum tells all: a value and its negative are both minimal at rank 0's only if all are equal,
     * and what only rank 0 knows passes, for the others give the largest number. */
    enum {
        STATUS,
        DIGEST,
        MINUS_DIGEST,
        ROOT,
        COUNT = ROOT + MPJ_VOTE_VALUES
    };
    int64_t digest = (int64_t)(vote->digest >> 1);
    int64_t mine[COUNT] = {vote->status, digest, -digest};
    int64_t least[COUNT];
    for (int i = 0; i < MPJ_VOTE_VALUES; i++)
        mine[ROOT + i] = link->rank == 0 ? vote->root[i] : INT64_MAX;
    MPI_Request request;
    int code = MPI_Iallreduce(mine, least, COUNT, MPI_INT64_T, MPI_MIN, link->comm, &request);
    finish(link, code, &request, 0, "agreeing");
    if (least[STATUS] != MPIJOB_OK || least[DIGEST] != -least[MINUS_DIGEST])
        return settle(link, vote, err);
    memcpy(vote->root, &least[ROOT], sizeof vote->root);
    return MPIJOB_OK;
}
