/* Cached calls inside jobs: what this rank has seen itself, else one question to rank 0; on rank 0, where its files may
 * keep it waiting, to its own store thread. Page: doc/memory-runs.md. */
#ifndef MPJ_MPI_ASKER_H
#define MPJ_MPI_ASKER_H

#include "memory/cached.h"
#include "mpi/entries.h"

#include <mpi.h>

typedef struct mpj_asker mpj_asker;

/* NULL: no memory; calls then look in files, as outside of runs. */
/* comm: MPI_COMM_NULL: on rank 0. */
mpj_asker *mpj_asker_open(MPI_Comm comm);
/* For mpj_job_own.run. */
mpj_job_run *mpj_asker_run(mpj_asker *asker);
/* Results of calls are added here: of the batch in hand. */
void mpj_asker_begin(mpj_asker *asker, mpj_entries *entries);
/* Receives the answers that are owed, and releases all. NULL is allowed. */
void mpj_asker_close(mpj_asker *asker);

#endif
