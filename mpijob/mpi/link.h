/* What the library keeps about a communicator between runs: its own duplicate of it, and the helper thread. Kept as an
 * attribute of the communicator; released when that is freed. */
#ifndef MPJ_MPI_LINK_H
#define MPJ_MPI_LINK_H

#include "mpi/watchdog.h"

#include <mpi.h>
#include <mpijob/parallel.h>
#include <pthread.h>
#include <stdbool.h>

typedef struct mpj_link {
    MPI_Comm comm; /* the duplicate, with errors-return; MPI_COMM_NULL: a run in this process alone */
    int rank;
    int size;
    int thread_level;
    bool serving; /* rank 0: the other ranks wait in mpijob_serve */
    const mpijob_function *const *functions; /* while serving */
    uint64_t shares; /* shared inputs made so far: their names */
    pthread_mutex_t lock; /* rank 0 in a run: the scheduler's state, and every MPI call of ours */
    mpj_watchdog watchdog;
} mpj_link;

/* The link of a communicator, making it in the first call: collective then. *fresh: made by this call. When this rank
 * lacks something that it needs, *problem is set, described in *err, and *link is *spare: good for mpj_agree, which must
 * tell the others, and for mpj_link_drop. Returns MPIJOB_OK, or MPIJOB_EMPI when there is no duplicate to talk over. */
int mpj_link_get(mpj_link **link, mpj_link *spare, bool *fresh, int *problem, MPI_Comm comm, mpijob_error *err);

/* After a failed agreement about a fresh link: forgets it. Collective. */
void mpj_link_drop(mpj_link *link, const mpj_link *spare, MPI_Comm comm);

/* A link without communicator, for a run in this process alone. Release with mpj_link_close. */
void mpj_link_open_local(mpj_link *link);
void mpj_link_close(mpj_link *link);

/* The link that a communicator has, NULL when it has none yet. Not collective. */
mpj_link *mpj_link_known(MPI_Comm comm);

/* Whether this link still exists. */
bool mpj_link_exists(const mpj_link *link);

/* Lets the serving ranks of every link go. */
void mpj_link_leave_all(void);

#endif
