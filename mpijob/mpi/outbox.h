/* Messages of the scheduler to workers, until they have left. Sending never waits. */
#ifndef MPJ_MPI_OUTBOX_H
#define MPJ_MPI_OUTBOX_H

#include "mpi/transfer.h"
#include "mpi/wire.h"

#include <stdint.h>

typedef struct mpj_letter {
    unsigned char message[MPJ_MESSAGE_BYTES];
    mpj_transfer head;
    mpj_transfer args;
    unsigned char *owned; /* arguments packed for this letter alone, or NULL */
    struct mpj_letter *next;
} mpj_letter;

/* Zeroed: empty. */
typedef struct mpj_outbox {
    MPI_Comm comm;
    mpj_letter *leaving;
    mpj_letter *spare;
} mpj_outbox;

/* A letter to be written; then posted, or thrown away. NULL: no memory. */
mpj_letter *mpj_outbox_letter(mpj_outbox *outbox);
void mpj_outbox_discard(mpj_outbox *outbox, mpj_letter *letter);

/* Sends the first `bytes` bytes of the message and, when args is not NULL, the arguments behind it on their own tag;
 * these must stay as they are until the letter has left. The letter is the outbox's from here on, also on error. */
int mpj_outbox_post(mpj_outbox *outbox, mpj_letter *letter, size_t bytes, const void *args, size_t args_bytes, int to,
                    mpijob_error *err);

/* Makes progress; forgets what has left. */
int mpj_outbox_test(mpj_outbox *outbox, mpijob_error *err);

/* Frees the spare letters; to be called when all have left. */
void mpj_outbox_free(mpj_outbox *outbox);

#endif
