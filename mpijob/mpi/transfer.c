#include "mpi/transfer.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"

#define MANY_BYTES (64 << 10) /* more than a transport takes at once */

/* Nobody reads it. A receive that is too short for its message would do by the standard, and crashes some transports;
 * pages that are never written cost no memory. */
static unsigned char discarded[MPJ_PIECE_BYTES];

int mpj_fail_mpi(mpijob_error *err, int code, const char *what)
{
    char text[MPI_MAX_ERROR_STRING] = "";
    int length = 0;
    int class = MPI_ERR_OTHER;
    MPI_Error_string(code, text, &length);
    MPI_Error_class(code, &class);
    mpj_fail(err, MPIJOB_EMPI, "MPI: %s failed: %s", what, text);
    if (err)
        err->mpi_class = class;
    return MPIJOB_EMPI;
}

int mpj_wait(MPI_Request *request, const char *what, mpijob_error *err)
{
    return mpj_wait_for_data(request, 0, what, err);
}

int mpj_wait_for_data(MPI_Request *request, size_t bytes, const char *what, mpijob_error *err)
{
    mpj_backoff backoff = {0};
    for (;;) {
        int done = 0;
        int code = MPI_Test(request, &done, MPI_STATUS_IGNORE);
        if (code != MPI_SUCCESS)
            return mpj_fail_mpi(err, code, what);
        if (done)
            return MPIJOB_OK;
        bytes < MANY_BYTES ? mpj_backoff_wait(&backoff) : mpj_backoff_wait_briskly(&backoff);
    }
}

int mpj_transfer_prepare(mpj_transfer *transfer, size_t bytes, mpijob_error *err)
{
    size_t pieces = bytes / MPJ_PIECE_BYTES + (bytes % MPJ_PIECE_BYTES != 0);
    if (pieces <= 1 || transfer->many)
        return MPIJOB_OK;
    transfer->many = mpj_alloc(pieces * sizeof(MPI_Request));
    return transfer->many ? MPIJOB_OK : mpj_fail_memory(err, "a large message", pieces * sizeof(MPI_Request));
}

/* Where the requests go: the member for one, an array for more. */
static MPI_Request *requests_of(mpj_transfer *transfer)
{
    return transfer->many ? transfer->many : &transfer->one;
}

static int piece_at(size_t bytes, size_t at)
{
    return (int)(bytes - at < MPJ_PIECE_BYTES ? bytes - at : MPJ_PIECE_BYTES);
}

int mpj_transfer_send(mpj_transfer *transfer, const void *data, size_t bytes, int to, int tag, MPI_Comm comm,
                      mpijob_error *err)
{
    int status = mpj_transfer_prepare(transfer, bytes, err);
    if (status != MPIJOB_OK)
        return status;
    MPI_Request *requests = requests_of(transfer);
    for (size_t at = 0; at < bytes; at += MPJ_PIECE_BYTES) {
        int code = MPI_Isend((const char *)data + at, piece_at(bytes, at), MPI_BYTE, to, tag, comm,
                             &requests[transfer->count]);
        if (code != MPI_SUCCESS)
            return mpj_fail_mpi(err, code, "sending");
        transfer->count++;
    }
    return MPIJOB_OK;
}

int mpj_transfer_receive(mpj_transfer *transfer, void *data, size_t bytes, int from, int tag, MPI_Comm comm,
                         mpijob_error *err)
{
    int status = mpj_transfer_prepare(transfer, bytes, err);
    if (status != MPIJOB_OK)
        return status;
    MPI_Request *requests = requests_of(transfer);
    for (size_t at = 0; at < bytes; at += MPJ_PIECE_BYTES) {
        int code =
            MPI_Irecv((char *)data + at, piece_at(bytes, at), MPI_BYTE, from, tag, comm, &requests[transfer->count]);
        if (code != MPI_SUCCESS)
            return mpj_fail_mpi(err, code, "receiving");
        transfer->count++;
    }
    return MPIJOB_OK;
}

unsigned char *mpj_transfer_scrap(void)
{
    return discarded;
}

int mpj_transfer_discard(size_t bytes, int from, int tag, MPI_Comm comm, mpijob_error *err)
{
    for (size_t at = 0; at < bytes; at += MPJ_PIECE_BYTES) {
        MPI_Request request;
        int piece = piece_at(bytes, at);
        int code = MPI_Irecv(discarded, piece, MPI_BYTE, from, tag, comm, &request);
        int status = code == MPI_SUCCESS ? mpj_wait_for_data(&request, (size_t)piece, "receiving", err)
                                         : mpj_fail_mpi(err, code, "receiving");
        if (status != MPIJOB_OK)
            return status;
    }
    return MPIJOB_OK;
}

int mpj_transfer_test(mpj_transfer *transfer, bool *done, mpijob_error *err)
{
    *done = true;
    if (transfer->count == 0 && !transfer->many)
        return MPIJOB_OK;
    int all = 0;
    int code = transfer->many ? MPI_Testall(transfer->count, transfer->many, &all, MPI_STATUSES_IGNORE)
                              : MPI_Test(&transfer->one, &all, MPI_STATUS_IGNORE);
    if (code != MPI_SUCCESS)
        return mpj_fail_mpi(err, code, "completing a message");
    *done = all != 0;
    if (all) {
        mpj_free(transfer->many);
        *transfer = (mpj_transfer){0};
    }
    return MPIJOB_OK;
}
