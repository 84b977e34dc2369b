/* Starting and ending MPI; the request to stop. */
#include <mpijob/start.h>

#include "base/error.h"
#include "mpi/agree.h"
#include "mpi/link.h"
#include "mpi/transfer.h"

#include <stdatomic.h>

/* Of the process, as signals are. Lock-free, so that a handler may set it; atomic, since threads do so too. */
static atomic_int stop_requested;
_Static_assert(ATOMIC_INT_LOCK_FREE == 2, "a signal handler sets an atomic int");

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
static void await_all(void)
{
    MPI_Request request;
    mpijob_error err;
    int code = MPI_Ibarrier(MPI_COMM_WORLD, &request);
    int status = code == MPI_SUCCESS ? mpj_wait(&request, "waiting for the other ranks", &err)
                                     : mpj_fail_mpi(&err, code, "waiting for the other ranks");
    if (status != MPIJOB_OK)
        mpj_abort(MPI_COMM_WORLD, &err);
}

int mpijob_finalize(mpijob_error *err)
{
    int initialised = 0;
    int finalised = 0;
    MPI_Initialized(&initialised);
    MPI_Finalized(&finalised);
    if (!initialised || finalised)
        return MPIJOB_OK;
    mpj_link_leave_all();
    await_all();
    int code = MPI_Finalize();
    return code == MPI_SUCCESS ? MPIJOB_OK : mpj_fail_mpi(err, code, "MPI_Finalize");
}
