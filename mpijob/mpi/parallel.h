/* Runs over a link, for whoever has one. */
#ifndef MPJ_MPI_PARALLEL_H
#define MPJ_MPI_PARALLEL_H

#include "mpi/link.h"

/* MPI is there, and this is a communicator that the library can work over: else MPIJOB_EINVAL. */
int mpj_check_comm(MPI_Comm comm, mpijob_error *err);

/* While a run is in progress in this process, calls are nested: they concern this rank alone. `rank`: what its jobs
 * see. */
bool mpj_is_in_run(void);
void mpj_run_begins(int rank);
void mpj_run_ends(void);

/* The run itself, called by all ranks of the link. `problem`: this rank cannot take part, described in *err. *agreed:
 * whether the run was begun, the same on all ranks. */
int mpj_run_over(mpj_link *link, void *results, const mpijob_function *function, const mpijob_inputs *inputs,
                 const mpijob_parallel_options *options, int problem, bool *agreed, mpijob_error *err);

#endif
