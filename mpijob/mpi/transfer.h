/* Bytes on their way: a non-blocking send or receive of any size. */
#ifndef MPJ_MPI_TRANSFER_H
#define MPJ_MPI_TRANSFER_H

#include <mpi.h>
#include <mpijob/error.h>
#include <stdbool.h>
#include <stddef.h>

/* Zeroed: nothing is on its way. */
typedef struct mpj_transfer {
    MPI_Request one;
    MPI_Request *many; /* more than MPJ_PIECE_BYTES travel in pieces */
    int count;
} mpj_transfer;

/* Pieces this small have room in a buffer that is there in any case: see mpj_transfer_discard. */
#define MPJ_PIECE_BYTES ((size_t)16 << 20)
/* In one broadcast, whose ranks all have room: MPI counts in int. */
#define MPJ_BROADCAST_BYTES ((size_t)1 << 30)

/* Takes the memory that sending or receiving so many bytes will need, so that neither fails for lack of it. MPIJOB_OK,
 * or MPIJOB_ENOMEM. */
int mpj_transfer_prepare(mpj_transfer *transfer, size_t bytes, mpijob_error *err);

/* MPIJOB_OK, MPIJOB_ENOMEM (nothing was begun) or MPIJOB_EMPI, described in *err. 0 bytes: nothing is sent. */
int mpj_transfer_send(mpj_transfer *transfer, const void *data, size_t bytes, int to, int tag, MPI_Comm comm,
                      mpijob_error *err);
int mpj_transfer_receive(mpj_transfer *transfer, void *data, size_t bytes, int from, int tag, MPI_Comm comm,
                         mpijob_error *err);

/* Receives what was sent so and throws it away, for who has no memory for it: else its sender waits for ever. Waits,
 * asleep, until all is here; needs no memory. MPIJOB_OK or MPIJOB_EMPI. */
int mpj_transfer_discard(size_t bytes, int from, int tag, MPI_Comm comm, mpijob_error *err);

/* Where one piece can be received by who has no memory for it: MPJ_PIECE_BYTES, which anybody may write over. */
unsigned char *mpj_transfer_scrap(void);

/* Whether nothing is on its way any more; makes progress. */
int mpj_transfer_test(mpj_transfer *transfer, bool *done, mpijob_error *err);

/* Describes an MPI error code: MPIJOB_EMPI. `what` completes "... failed". */
int mpj_fail_mpi(mpijob_error *err, int code, const char *what);

/* Waits, asleep, until a request is complete (for collectives; the request is freed). */
int mpj_wait(MPI_Request *request, const char *what, mpijob_error *err);
/* The same for a collective that moves `bytes` bytes: briskly when they are many. */
int mpj_wait_for_data(MPI_Request *request, size_t bytes, const char *what, mpijob_error *err);

#endif
