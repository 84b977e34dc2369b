/* A large read-only input, once per node. */
#include "mpi/share.h"

#include "base/alloc.h"
#include "base/error.h"
#include "io/nodefile.h"
#include "mpi/agree.h"
#include "mpi/parallel.h"
#include "mpi/serve.h"
#include "mpi/transfer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHARED_MEMORY_FOLDER "/dev/shm"
#define COPY_ALIGN 64

struct mpijob_shared {
    uint64_t id;
    int kind;
    mpj_nodefile file; /* kinds 1 and 2 */
    void *copy;        /* kind 3, inside copy_block */
    void *copy_block;
    size_t bytes;
    mpj_link *link; /* serving: whose ranks release theirs with this one; else NULL */
};

const void *mpijob_shared_data(const mpijob_shared *shared)
{
    return shared->copy ? shared->copy : shared->file.data;
}

size_t mpijob_shared_bytes(const mpijob_shared *shared)
{
    return shared->bytes;
}

int mpijob_shared_kind(const mpijob_shared *shared)
{
    return shared->kind;
}

uint64_t mpj_shared_id(const mpijob_shared *shared)
{
    return shared->id;
}

static void release(mpijob_shared *shared)
{
    mpj_nodefile_close(&shared->file);
    mpj_free(shared->copy_block);
    mpj_free(shared);
}

void mpijob_share_free(mpijob_shared *shared)
{
    if (!shared)
        return;
    if (shared->link && mpj_link_exists(shared->link) && shared->link->serving)
        mpj_serve_announce_free(shared->link, shared->id);
    release(shared);
}

/* The ranks of this node, and the first rank of every node. */
typedef struct nodes {
    MPI_Comm node;
    MPI_Comm leaders; /* MPI_COMM_NULL on the others */
    int node_rank;
} nodes;

static int split(mpj_link *link, nodes *n, mpijob_error *err)
{
    n->leaders = MPI_COMM_NULL;
    n->node = MPI_COMM_NULL;
    int code = MPI_Comm_split_type(link->comm, MPI_COMM_TYPE_SHARED, link->rank, MPI_INFO_NULL, &n->node);
    if (code == MPI_SUCCESS)
        code = MPI_Comm_rank(n->node, &n->node_rank);
    if (code == MPI_SUCCESS)
        code = MPI_Comm_split(link->comm, n->node_rank == 0 ? 0 : MPI_UNDEFINED, link->rank, &n->leaders);
    return code == MPI_SUCCESS ? MPIJOB_OK : mpj_fail_mpi(err, code, "finding the ranks of a node");
}

static void unsplit(nodes *n)
{
    if (n->leaders != MPI_COMM_NULL)
        MPI_Comm_free(&n->leaders);
    if (n->node != MPI_COMM_NULL)
        MPI_Comm_free(&n->node);
}

/* Bytes of the first rank of a communicator to its others. */
static int broadcast(void *data, size_t bytes, MPI_Comm comm, mpijob_error *err)
{
    for (size_t at = 0; at < bytes; at += MPJ_PIECE_BYTES) {
        MPI_Request request;
        size_t piece = bytes - at < MPJ_PIECE_BYTES ? bytes - at : MPJ_PIECE_BYTES;
        int code = MPI_Ibcast((char *)data + at, (int)piece, MPI_BYTE, 0, comm, &request);
        int status = code == MPI_SUCCESS ? mpj_wait_for_data(&request, piece, "spreading a shared input", err)
                                         : mpj_fail_mpi(err, code, "spreading a shared input");
        if (status != MPIJOB_OK)
            return status;
    }
    return MPIJOB_OK;
}

/* The worst of what all ranks say. An MPI error here leaves no way to agree on anything. */
static int worst(mpj_link *link, int status)
{
    int all = MPIJOB_OK;
    MPI_Request request;
    mpijob_error err;
    int code = MPI_Iallreduce(&status, &all, 1, MPI_INT, MPI_MIN, link->comm, &request);
    if (code != MPI_SUCCESS) {
        mpj_fail_mpi(&err, code, "agreeing about a shared input");
        mpj_abort(link->comm, &err);
    }
    if (mpj_wait(&request, "agreeing about a shared input", &err) != MPIJOB_OK)
        mpj_abort(link->comm, &err);
    return all;
}

/* One file a node: made by its first rank, opened by the others, nameless from then on. All nodes or none. */
static int place_in_file(mpijob_shared *shared, mpj_link *link, nodes *n, const char *folder, mpijob_error *err)
{
    char name[MPJ_NODEFILE_NAME_BYTES] = "";
    int status = MPIJOB_OK;
    if (n->node_rank == 0)
        status = mpj_nodefile_create(&shared->file, folder, shared->bytes, name, err);
    bool made = n->node_rank == 0 && status == MPIJOB_OK;
    if (!made)
        name[0] = '\0';
    if (broadcast(name, sizeof name, n->node, err) != MPIJOB_OK)
        mpj_abort(link->comm, err);
    if (n->node_rank != 0)
        status = name[0] ? mpj_nodefile_open(&shared->file, name, shared->bytes, err) : MPIJOB_EOS;
    int all = worst(link, status);
    if (made)
        mpj_nodefile_forget_name(name);
    if (all != MPIJOB_OK)
        mpj_nodefile_close(&shared->file);
    return all;
}

static int make_copy(mpijob_shared *shared)
{
    shared->copy_block = mpj_alloc(shared->bytes + COPY_ALIGN);
    if (!shared->copy_block)
        return MPIJOB_ENOMEM;
    uintptr_t past = (uintptr_t)shared->copy_block + COPY_ALIGN - 1;
    shared->copy = (void *)(past - past % COPY_ALIGN);
    return MPIJOB_OK;
}

static int place_copy(mpijob_shared *shared, mpj_link *link, mpijob_error *err)
{
    int status = make_copy(shared);
    int all = worst(link, status);
    if (all != MPIJOB_OK)
        mpj_fail_memory(err, "a copy of a shared input on every rank", shared->bytes);
    return all;
}

static const char *file_folder(void)
{
    const char *folder = getenv("TMPDIR");
    return folder && folder[0] ? folder : "/tmp";
}

static void warn_of_copies(const mpijob_shared *shared, mpj_link *link, const mpijob_share_options *options)
{
    char text[MPIJOB_ERROR_TEXT_BYTES];
    if (link->rank != 0 || (options && options->kind == MPIJOB_SHARE_COPY))
        return;
    snprintf(
        text, sizeof text,
        "neither %s nor TMPDIR (%s) has %zu bytes of room on every node: each rank keeps a copy of the shared input",
        SHARED_MEMORY_FOLDER, file_folder(), shared->bytes);
    if (options && options->log)
        options->log(MPIJOB_LOG_WARNING, text, options->log_payload);
    else
        fprintf(stderr, "mpijob: %s\n", text);
}

static int place(mpijob_shared *shared, mpj_link *link, nodes *n, const mpijob_share_options *options,
                 mpijob_error *err)
{
    int first = options && options->kind ? options->kind : MPIJOB_SHARE_MEMORY;
    for (shared->kind = first; shared->kind < MPIJOB_SHARE_COPY; shared->kind++) {
        const char *folder = shared->kind == MPIJOB_SHARE_MEMORY ? SHARED_MEMORY_FOLDER : file_folder();
        mpijob_error reason;
        if (place_in_file(shared, link, n, folder, &reason) == MPIJOB_OK)
            return MPIJOB_OK;
    }
    warn_of_copies(shared, link, options);
    return place_copy(shared, link, err);
}

/* The data flows from rank 0 to one rank a node, or to every rank that keeps a copy. */
static void fill(mpijob_shared *shared, mpj_link *link, nodes *n, const void *data)
{
    mpijob_error err;
    void *to = shared->copy ? shared->copy : shared->file.data;
    MPI_Comm comm = shared->copy ? link->comm : n->leaders;
    if (link->rank == 0 && shared->bytes > 0)
        memcpy(to, data, shared->bytes);
    if (comm != MPI_COMM_NULL && broadcast(to, shared->bytes, comm, &err) != MPIJOB_OK)
        mpj_abort(link->comm, &err);
    if (!shared->copy && n->node_rank == 0)
        mpj_nodefile_seal(&shared->file);
    worst(link, MPIJOB_OK); /* nobody reads before its node's first rank has everything */
}

static int check(const void *data, size_t bytes, const mpijob_share_options *options, int rank, mpijob_error *err)
{
    if (options && (options->kind < 0 || options->kind > MPIJOB_SHARE_COPY))
        return mpj_fail(err, MPIJOB_EINVAL, "mpijob_share: kind is %d: it can be 0 to %d", options->kind,
                        MPIJOB_SHARE_COPY);
    for (size_t i = 0; options && i < sizeof options->reserved / sizeof options->reserved[0]; i++)
        if (options->reserved[i])
            return mpj_fail(err, MPIJOB_EINVAL, "mpijob_share: reserved members of the options are not zero");
    if (rank == 0 && bytes > INT64_MAX / 2)
        return mpj_fail(err, MPIJOB_EINVAL, "mpijob_share: bytes is negative");
    if (rank == 0 && bytes > 0 && !data)
        return mpj_fail(err, MPIJOB_EINVAL, "mpijob_share: data is NULL on rank 0, where it must be the input");
    return MPIJOB_OK;
}

int mpj_share_over(mpijob_shared **shared, mpj_link *link, const void *data, size_t bytes,
                   const mpijob_share_options *options, int problem, mpijob_error *err)
{
    mpijob_shared *made = mpj_calloc(1, sizeof *made);
    mpj_vote vote = {.status = problem, .digest = options ? 2 * (uint64_t)(unsigned)options->kind : 0};
    if (problem == MPIJOB_OK)
        vote.status =
            made ? check(data, bytes, options, link->rank, err) : mpj_fail_memory(err, "a shared input", sizeof *made);
    vote.root[0] = vote.status == MPIJOB_OK ? (int64_t)bytes : 0;
    int status = mpj_agree(link, &vote, err);
    if (status != MPIJOB_OK) {
        mpj_free(made);
        return status;
    }
    made->bytes = (size_t)vote.root[0];
    made->id = ++link->shares;
    made->link = link->serving ? link : NULL;
    nodes n;
    if (split(link, &n, err) != MPIJOB_OK)
        mpj_abort(link->comm, err);
    status = place(made, link, &n, options, err);
    if (status == MPIJOB_OK)
        fill(made, link, &n, data);
    unsplit(&n);
    if (status != MPIJOB_OK)
        release(made);
    else
        *shared = made;
    return status;
}

/* Inside a job, a consumer or a generator: for this rank alone. */
static int share_nested(mpijob_shared **shared, const void *data, size_t bytes, const mpijob_share_options *options,
                        mpijob_error *err)
{
    int status = check(data, bytes, options, 0, err);
    if (status != MPIJOB_OK)
        return status;
    mpijob_shared *made = mpj_calloc(1, sizeof *made);
    if (made)
        made->bytes = bytes;
    if (!made || make_copy(made) != MPIJOB_OK) {
        mpj_free(made);
        return mpj_fail_memory(err, "a shared input", bytes);
    }
    made->kind = MPIJOB_SHARE_COPY;
    if (bytes > 0)
        memcpy(made->copy, data, bytes);
    *shared = made;
    return MPIJOB_OK;
}

static int share_collectively(mpijob_shared **shared, const void *data, size_t bytes, MPI_Comm comm,
                              const mpijob_share_options *options, mpijob_error *err)
{
    mpj_link spare;
    mpj_link *link;
    bool fresh;
    int problem;
    int status = mpj_check_comm(comm, err);
    if (status != MPIJOB_OK)
        return status;
    if (mpj_link_get(&link, &spare, &fresh, &problem, comm, err) != MPIJOB_OK)
        mpj_abort(comm, err);
    if (link->serving)
        mpj_serve_announce_share(link, options);
    status = mpj_share_over(shared, link, data, bytes, options, problem, err);
    if (status != MPIJOB_OK && fresh)
        mpj_link_drop(link, &spare, comm);
    return status;
}

int mpijob_share(mpijob_shared **shared, const void *data, size_t bytes, MPI_Comm comm,
                 const mpijob_share_options *options, mpijob_error *err)
{
    mpijob_error record;
    int status = mpj_is_in_run() ? share_nested(shared, data, bytes, options, &record)
                                 : share_collectively(shared, data, bytes, comm, options, &record);
    if (status != MPIJOB_OK && err)
        *err = record;
    return status;
}
