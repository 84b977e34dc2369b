/** @file
 * Starting and ending MPI the way the library likes best, and being asked to stop.
 *
 * A program may as well call MPI_Init or MPI_Init_thread and MPI_Finalize itself: a run works with any thread level.
 */
#ifndef MPIJOB_START_H
#define MPIJOB_START_H

#include <mpijob/error.h>
#include <mpijob/export.h>

#ifdef __cplusplus
extern "C" {
#endif

/** For mpijob_init's `flags`: jobs will call MPI themselves, so ask for MPI_THREAD_MULTIPLE. */
#define MPIJOB_INIT_JOBS_CALL_MPI 1u

/**
 * Calls MPI_Init_thread with the level that serves a run best: MPI_THREAD_SERIALIZED, or MPI_THREAD_MULTIPLE with
 * MPIJOB_INIT_JOBS_CALL_MPI. Does nothing when MPI is initialised already. Collective over MPI_COMM_WORLD.
 *
 * @param argc, argv  main's, or NULL both
 * @param flags       0, or MPIJOB_INIT_JOBS_CALL_MPI
 *
 * With a lower level than it asked for, runs still work: then no thread of the library serves the other ranks while a
 * long job runs on rank 0 (mpijob_parallel's manual tells what that means).
 *
 * @return MPIJOB_OK, MPIJOB_EINVAL (unknown flag, or MPI is finalised already), MPIJOB_EMPI.
 */
MPIJOB_API int mpijob_init(int *argc, char ***argv, unsigned flags, mpijob_error *err);

/**
 * Ends serving (see mpijob_serve) and calls MPI_Finalize, unless that was done already. Collective over
 * MPI_COMM_WORLD. A rank that comes early sleeps until the last one has come.
 *
 * @return MPIJOB_OK or MPIJOB_EMPI.
 */
MPIJOB_API int mpijob_finalize(mpijob_error *err);

/**
 * Asks the run that is in progress, and every later one in this process, to stop: no job is started any more, those
 * that run are finished, and mpijob_parallel returns MPIJOB_ECANCELED with a text that says how many jobs are left.
 * Called on any rank it stops the run for all of them; afterwards the request stands on every rank of that run.
 *
 * Async-signal-safe: this is what a handler for SIGTERM, SIGINT or SIGUSR1 calls. The library installs none itself.
 */
MPIJOB_API void mpijob_request_stop(void);

/** Whether a stop was requested in this process, here or, by a run that ended for that reason, on another rank. */
MPIJOB_API int mpijob_stop_requested(void);

/** Takes the request back in this process: later runs run. For all ranks of a later run to agree, all must call it. */
MPIJOB_API void mpijob_clear_stop(void);

#ifdef __cplusplus
}
#endif

#endif
