/* Arrays that lie over ranks by rows: what dumping and loading share. */
#ifndef MPJ_MPI_ROWS_H
#define MPJ_MPI_ROWS_H

#include "array/forms.h"
#include "mpi/agree.h"

/* A collective call over rows. */
typedef struct mpj_rows_call {
    const char *name; /* of the public function, for messages */
    mpj_link *link;
    mpj_link spare;
    bool fresh;
    int problem; /* this rank cannot take part, described in the call's record */
} mpj_rows_call;

/* Checks the communicator and gets its link. On failure the call is over, on this rank alone as the manual says. */
int mpj_rows_begin(mpj_rows_call *call, const char *name, MPI_Comm comm, mpijob_error *err);

/* The opening agreement: status and digest of this rank, and what rank 0 knows. As mpj_agree. */
int mpj_rows_open(mpj_rows_call *call, mpj_vote *vote, MPI_Comm comm, mpijob_error *err);

/* What all ranks make of a step: the same on all. */
int mpj_rows_agree(mpj_rows_call *call, int status, mpijob_error *err);

/* MurmurHash3 of texts and numbers, for the digests of options: begins with 0. */
uint64_t mpj_rows_digest(uint64_t digest, const void *bytes, size_t count);

/* ---- Exchanging rows (rowsexchange.c) ---- */

/* Which rows belong to a rank, and which it writes: those of the chunks that begin in its rows. Pure. */
typedef struct mpj_rows_share {
    size_t first, end;             /* of the whole array, this rank's */
    size_t own_first, own_end;     /* written straight from the array: whole chunks, or up to the array's end */
    size_t mixed_first, mixed_end; /* one chunk whose last rows come from later ranks; empty: none */
} mpj_rows_share;

/* starts: size + 1 numbers, the first row of each rank, and the number of rows. */
void mpj_rows_shares(mpj_rows_share *share, const size_t *starts, int size, int rank, size_t chunk_rows);

/* Collective. The rows of the mixed chunk, one behind the other in C order, are collected from this rank and later ones; this
 * rank's rows of a chunk that begins earlier are sent. mixed: room for them. MPIJOB_OK, or MPIJOB_ENOMEM on every rank. */
int mpj_rows_exchange(mpj_rows_call *call, void *mixed, const mpj_rows_share *share, const size_t *starts,
                      const mpijob_array *rows, size_t chunk_rows, mpijob_error *err);

/* Collective. Rank 0 puts counts[rank] pieces of `bytes` bytes of each rank one behind the other; all: room for them there. */
void mpj_rows_gather(mpj_rows_call *call, void *all, const void *mine, const size_t *counts, size_t bytes);

#endif
