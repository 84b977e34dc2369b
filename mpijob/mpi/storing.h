/* Results on their way to the store thread, in sheaves. */
#ifndef MPJ_MPI_STORING_H
#define MPJ_MPI_STORING_H

#include "memory/store.h"
#include "mpi/clerk.h"

#include <mpijob/function.h>

typedef struct mpj_sheaf mpj_sheaf;

typedef struct mpj_storing {
    const mpijob_cached *cached;
    size_t args_bytes; /* of the function */
    mpj_clerk *clerk;
    mpj_sheaf *sheaf; /* being filled; NULL: none */
    double begun;     /* when its first result came */
    bool hurry;       /* one of them took long to compute */
    uint64_t lost;    /* results for which there was no room */
} mpj_storing;

/* A result on its way. */
typedef struct mpj_stored {
    const mpj_name *name;
    const void *args; /* NULL: none, but an index */
    uint64_t index;
    const void *result;
    size_t bytes;
    const void *meta; /* of mpj_made */
    size_t meta_bytes;
    const char *file; /* its own; the result does not matter then. NULL: none */
    double seconds;
} mpj_stored;

/* Copies it. Whether it will be stored, if the location allows: not when too much waits already. */
bool mpj_storing_add(mpj_storing *storing, const mpj_stored *result, double now);

/* Gives the sheaf away when it is old enough, or in any case. */
void mpj_storing_look(mpj_storing *storing, double now);
void mpj_storing_flush(mpj_storing *storing);

#endif
