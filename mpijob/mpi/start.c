/* Starting and ending MPI; the request to stop. */
#include <mpijob/start.h>

#include "base/error.h"
#include "mpi/link.h"
#include "mpi/transfer.h"

#include <signal.h>

/* Of the process, as signals are. */
static volatile sig_atomic_t stop_requested;

void mpijob_request_stop(void)
{
    stop_requested = 1;
}

int mpijob_stop_requested(void)
{
    return stop_requested != 0;
}

void mpijob_clear_stop(void)
{
    stop_requested = 0;
}

int mpijob_init(int *argc, char ***argv, unsigned flags, mpijob_error *err)
{
    int initialised = 0;
    int finalised = 0;
    int provided;
    if (flags & ~MPIJOB_INIT_JOBS_CALL_MPI)
        return mpj_fail(err, MPIJOB_EINVAL, "mpijob_init: unknown flags %#x: 0 or MPIJOB_INIT_JOBS_CALL_MPI", flags);
    MPI_Initialized(&initialised);
    MPI_Finalized(&finalised);
    if (finalised)
        return mpj_fail(err, MPIJOB_EINVAL, "mpijob_init: MPI is finalised already and cannot be started again");
    if (initialised)
        return MPIJOB_OK;
    int level = flags & MPIJOB_INIT_JOBS_CALL_MPI ? MPI_THREAD_MULTIPLE : MPI_THREAD_SERIALIZED;
    int code = MPI_Init_thread(argc, argv, level, &provided);
    return code == MPI_SUCCESS ? MPIJOB_OK : mpj_fail_mpi(err, code, "MPI_Init_thread");
}

/* MPI_Finalize burns a core while it waits for the others: they are awaited here, asleep. */
static int await_all(mpijob_error *err)
{
    MPI_Request request;
    int code = MPI_Ibarrier(MPI_COMM_WORLD, &request);
    if (code != MPI_SUCCESS)
        return mpj_fail_mpi(err, code, "waiting for the other ranks");
    return mpj_wait(&request, "waiting for the other ranks", err);
}

int mpijob_finalize(mpijob_error *err)
{
    int initialised = 0;
    int finalised = 0;
    MPI_Initialized(&initialised);
    MPI_Finalized(&finalised);
    if (!initialised || finalised)
        return MPIJOB_OK;
    int status = mpj_link_leave_all(err);
    if (status == MPIJOB_OK)
        status = await_all(err);
    int code = MPI_Finalize();
    return status == MPIJOB_OK && code != MPI_SUCCESS ? mpj_fail_mpi(err, code, "MPI_Finalize") : status;
}
