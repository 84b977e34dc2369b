#include "mpi/link.h"

#include "base/alloc.h"
#include "base/error.h"
#include "mpi/serve.h"
#include "mpi/transfer.h"

#include <string.h>

/* A link that hangs on a communicator. The list is for MPI_Finalize, which does not free communicators' attributes. */
typedef struct attached {
    mpj_link link; /* first: the attribute points to it */
    MPI_Comm owner;
    struct attached *next;
} attached;

/* Per process, as MPI itself is: keyvals exist once, from the first use to MPI_Finalize. */
static int link_keyval = MPI_KEYVAL_INVALID;
static int end_keyval = MPI_KEYVAL_INVALID;
static attached *all;
static bool finalizing;

void mpj_link_open_local(mpj_link *link)
{
    memset(link, 0, sizeof *link);
    link->comm = MPI_COMM_NULL;
    link->size = 1;
    pthread_mutex_init(&link->lock, NULL);
}

void mpj_link_close(mpj_link *link)
{
    mpj_watchdog_close(&link->watchdog);
    pthread_mutex_destroy(&link->lock);
}

static int delete_link(MPI_Comm comm, int keyval, void *value, void *extra)
{
    (void)comm, (void)keyval, (void)extra;
    attached *gone = value;
    for (attached **at = &all; *at; at = &(*at)->next)
        if (*at == gone) {
            *at = gone->next;
            break;
        }
    mpj_link_close(&gone->link);
    /* In MPI_Finalize MPI frees the duplicate by itself, and a rank must not wait for others there. */
    int code = finalizing ? MPI_SUCCESS : MPI_Comm_free(&gone->link.comm);
    mpj_free(gone);
    return code;
}

/* MPI_Finalize deletes the attributes of MPI_COMM_SELF before anything else: MPI still works, and rank 0 can let
 * serving ranks go. */
static int end_of_mpi(MPI_Comm comm, int keyval, void *value, void *extra)
{
    (void)comm, (void)keyval, (void)value, (void)extra;
    finalizing = true;
    while (all) {
        attached *first = all;
        mpj_serve_leave(&first->link);
        if (MPI_Comm_delete_attr(first->owner, link_keyval) != MPI_SUCCESS && all == first)
            all = first->next;
    }
    return MPI_SUCCESS;
}

bool mpj_link_exists(const mpj_link *link)
{
    for (const attached *at = all; at; at = at->next)
        if (&at->link == link)
            return true;
    return false;
}

void mpj_link_leave_all(void)
{
    for (attached *at = all; at; at = at->next)
        mpj_serve_leave(&at->link);
}

static int make_keyvals(mpijob_error *err)
{
    if (end_keyval != MPI_KEYVAL_INVALID)
        return MPIJOB_OK;
    int code = MPI_Comm_create_keyval(MPI_COMM_NULL_COPY_FN, delete_link, &link_keyval, NULL);
    if (code == MPI_SUCCESS)
        code = MPI_Comm_create_keyval(MPI_COMM_NULL_COPY_FN, end_of_mpi, &end_keyval, NULL);
    if (code == MPI_SUCCESS)
        code = MPI_Comm_set_attr(MPI_COMM_SELF, end_keyval, &all);
    return code == MPI_SUCCESS ? MPIJOB_OK : mpj_fail_mpi(err, code, "keeping an attribute");
}

mpj_link *mpj_link_known(MPI_Comm comm)
{
    void *value = NULL;
    int found = 0;
    if (link_keyval == MPI_KEYVAL_INVALID || MPI_Comm_get_attr(comm, link_keyval, &value, &found) != MPI_SUCCESS)
        return NULL;
    return found ? value : NULL;
}

static int describe(mpj_link *link, MPI_Comm duplicate, mpijob_error *err)
{
    link->comm = duplicate;
    int code = MPI_Comm_set_errhandler(duplicate, MPI_ERRORS_RETURN);
    if (code == MPI_SUCCESS)
        code = MPI_Comm_rank(duplicate, &link->rank);
    if (code == MPI_SUCCESS)
        code = MPI_Comm_size(duplicate, &link->size);
    if (code == MPI_SUCCESS)
        code = MPI_Query_thread(&link->thread_level);
    return code == MPI_SUCCESS ? MPIJOB_OK : mpj_fail_mpi(err, code, "asking about the communicator");
}

static int attach(mpj_link **link, MPI_Comm comm, MPI_Comm duplicate, mpijob_error *err)
{
    int status = make_keyvals(err);
    if (status != MPIJOB_OK)
        return status;
    attached *made = mpj_calloc(1, sizeof *made);
    if (!made)
        return mpj_fail_memory(err, "what is kept about a communicator", sizeof *made);
    mpj_link_open_local(&made->link);
    made->owner = comm;
    status = describe(&made->link, duplicate, err);
    int code = status == MPIJOB_OK ? MPI_Comm_set_attr(comm, link_keyval, made) : MPI_SUCCESS;
    if (status == MPIJOB_OK && code != MPI_SUCCESS)
        status = mpj_fail_mpi(err, code, "keeping an attribute");
    if (status != MPIJOB_OK) {
        mpj_link_close(&made->link);
        mpj_free(made);
        return status;
    }
    made->next = all;
    all = made;
    *link = &made->link;
    return MPIJOB_OK;
}

int mpj_link_get(mpj_link **link, mpj_link *spare, bool *fresh, int *problem, MPI_Comm comm, mpijob_error *err)
{
    *problem = MPIJOB_OK;
    *link = mpj_link_known(comm);
    *fresh = *link == NULL;
    if (*link)
        return MPIJOB_OK;
    MPI_Comm duplicate = MPI_COMM_NULL;
    MPI_Request request;
    int code = MPI_Comm_idup(comm, &duplicate, &request);
    if (code != MPI_SUCCESS)
        return mpj_fail_mpi(err, code, "duplicating the communicator");
    int status = mpj_wait(&request, "duplicating the communicator", err);
    if (status != MPIJOB_OK)
        return status;
    *problem = attach(link, comm, duplicate, err);
    if (*problem != MPIJOB_OK) {
        mpj_link_open_local(spare);
        describe(spare, duplicate, NULL);
        *link = spare;
    }
    return MPIJOB_OK;
}

void mpj_link_drop(mpj_link *link, const mpj_link *spare, MPI_Comm comm)
{
    if (link != spare) {
        MPI_Comm_delete_attr(comm, link_keyval);
        return;
    }
    MPI_Comm_free(&link->comm);
    mpj_link_close(link);
}
