#include "mpi/agree.h"

#include "base/clock.h"
#include "base/error.h"
#include "mpi/transfer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_NAMED 10    /* ranks, in one text */
#define LAST_WORDS_S 0.1 /* launchers forget what they have not read: measured with MPICH's, 5 texts of 100 */

void mpj_abort(MPI_Comm comm, const mpijob_error *err)
{
    fprintf(stderr, "mpijob: %s; the other ranks cannot be told, so all are ended\n", err->text);
    mpj_sleep(LAST_WORDS_S);
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
    for (size_t at = 0; at < bytes; at += MPJ_BROADCAST_BYTES) {
        MPI_Request request;
        size_t piece = bytes - at < MPJ_BROADCAST_BYTES ? bytes - at : MPJ_BROADCAST_BYTES;
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

/* The least of what all ranks say. Here and below no memory is needed, since its lack may be what is to be told. */
static int64_t least_of_all(mpj_link *link, int64_t mine)
{
    int64_t least = 0;
    MPI_Request request;
    int code = MPI_Iallreduce(&mine, &least, 1, MPI_INT64_T, MPI_MIN, link->comm, &request);
    finish(link, code, &request, 0, "telling what is wrong");
    return least;
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

/* The next rank after `rank` that differs, INT64_MAX: none. */
static int64_t next_differing(mpj_link *link, bool differs, int64_t rank)
{
    return least_of_all(link, differs && link->rank > rank ? link->rank : INT64_MAX);
}

/* Those with the lowest numbers are named. */
static int describe_mismatch(mpj_link *link, uint64_t digest, mpijob_error *err)
{
    char names[200] = "";
    size_t used = 0;
    uint64_t expected = digest;
    mpj_spread(link, &expected, sizeof expected);
    bool differs = digest != expected;
    int64_t first = next_differing(link, differs, 0);
    int named = 0;
    int64_t rank = first;
    for (; rank != INT64_MAX && named < MOST_NAMED; rank = next_differing(link, differs, rank), named++)
        used += (size_t)snprintf(names + used, sizeof names - used, "%s%d", used ? ", " : "", (int)rank);
    if (rank != INT64_MAX)
        snprintf(names + used, sizeof names - used, " and more");
    mpj_fail(err, MPIJOB_EMISMATCH,
             "the ranks called with different functions or options: rank%s %s differ%s from rank 0; give the same "
             "function sizes, name and options on every rank",
             named == 1 ? "" : "s", names, named == 1 ? "s" : "");
    err->rank = (int)first;
    memset(err->host, 0, sizeof err->host); /* one record on all hosts */
    return MPIJOB_EMISMATCH;
}

static int settle(mpj_link *link, const mpj_vote *vote, mpijob_error *err)
{
    int64_t from = least_of_all(link, vote->status == MPIJOB_OK ? INT64_MAX : link->rank);
    if (from == INT64_MAX)
        return describe_mismatch(link, vote->digest, err);
    adopt(link, (int)from, err);
    return err->status;
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
