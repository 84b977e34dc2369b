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
    mpj_link *link; /* NULL: this rank's alone */
    bool served;    /* rank 0 acts for all: the others release theirs with this one */
    bool sealed;
    bool digested; /* set by the first run that needs it, between the jobs of others */
    mpijob_digest digest;
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

bool mpj_shared_is_sealed(const mpijob_shared *shared)
{
    return shared->sealed;
}

uint64_t mpj_shared_id(const mpijob_shared *shared)
{
    return shared->id;
}

/* -- What stands for the contents -- */

/* With one dimension more than the bytes themselves have, so that no text is taken for contents. */
static int digest_version(mpijob_shared *shared, const char *version, mpijob_error *err)
{
    const size_t shape[] = {1, strlen(version)};
    mpijob_array text = mpijob_array_of(version, (mpijob_type){.kind = MPIJOB_UINT8}, 2, shape);
    int status = mpijob_hash_array(&shared->digest, &text, NULL, err);
    shared->digested = status == MPIJOB_OK;
    return status;
}

static int digest_bytes(mpijob_shared *shared, mpijob_error *err)
{
    mpijob_array bytes =
        mpijob_array_of(mpijob_shared_data(shared), (mpijob_type){.kind = MPIJOB_UINT8}, 1, &shared->bytes);
    int status = mpijob_hash_array(&shared->digest, &bytes, NULL, err);
    shared->digested = status == MPIJOB_OK;
    return status;
}

/* What rank 0 says about one of them. */
typedef struct said {
    int64_t status;
    mpijob_digest digest;
    mpijob_error error;
} said;

int mpj_shared_digests(mpijob_digest *digests, mpj_link *link, const mpijob_shared *const *shared, size_t count,
                       mpijob_error *err)
{
    for (size_t i = 0; i < count; i++) {
        said s;
        memset(&s, 0, sizeof s);
        mpijob_shared *one = (mpijob_shared *)(uintptr_t)shared[i];
        if (link->rank == 0) {
            s.status = one->digested ? MPIJOB_OK : digest_bytes(one, &s.error);
            s.digest = one->digest;
        }
        if (link->comm != MPI_COMM_NULL)
            mpj_spread(link, &s, sizeof s);
        if (s.status != MPIJOB_OK) {
            *err = s.error;
            return (int)s.status;
        }
        one->digest = digests[i] = s.digest;
        one->digested = true;
    }
    return MPIJOB_OK;
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
    if (shared->served && mpj_link_exists(shared->link) && shared->link->serving)
        mpj_serve_announce_free(shared->link, shared->id);
    release(shared);
}

/* The ranks of this node, and the first rank of every node. */
typedef struct nodes {
    MPI_Comm node;
    MPI_Comm leaders; /* MPI_COMM_NULL on the others */
    int node_rank;
    int node_size;
} nodes;

static int split(mpj_link *link, nodes *n, mpijob_error *err)
{
    n->leaders = MPI_COMM_NULL;
    n->node = MPI_COMM_NULL;
    int code = MPI_Comm_split_type(link->comm, MPI_COMM_TYPE_SHARED, link->rank, MPI_INFO_NULL, &n->node);
    if (code == MPI_SUCCESS)
        code = MPI_Comm_rank(n->node, &n->node_rank);
    if (code == MPI_SUCCESS)
        code = MPI_Comm_size(n->node, &n->node_size);
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
    for (size_t at = 0; at < bytes; at += MPJ_BROADCAST_BYTES) {
        MPI_Request request;
        size_t piece = bytes - at < MPJ_BROADCAST_BYTES ? bytes - at : MPJ_BROADCAST_BYTES;
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
    if (all == MPIJOB_OK)
        mpj_nodefile_touch(&shared->file, n->node_rank, n->node_size);
    else
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

static void *memory_of(mpijob_shared *shared)
{
    return shared->copy ? shared->copy : shared->file.data;
}

/* What rank 0 has flows to one rank a node, or to every rank that keeps a copy; then nobody writes any more. */
static void publish(mpijob_shared *shared, mpj_link *link, nodes *n)
{
    mpijob_error err;
    MPI_Comm comm = shared->copy ? link->comm : n->leaders;
    if (comm != MPI_COMM_NULL && broadcast(memory_of(shared), shared->bytes, comm, &err) != MPIJOB_OK)
        mpj_abort(link->comm, &err);
    if (!shared->copy && n->node_rank == 0)
        mpj_nodefile_seal(&shared->file);
    worst(link, MPIJOB_OK); /* nobody reads before its node's first rank has everything */
    shared->sealed = true;
}

/* What a call asks for; `data` and `bytes` on rank 0. */
static int check(const mpj_share_request *want, int rank, mpijob_error *err)
{
    const mpijob_share_options *options = want->options;
    const char *name = want->fill ? "mpijob_share_begin" : "mpijob_share";
    if (options && (options->kind < 0 || options->kind > MPIJOB_SHARE_COPY))
        return mpj_fail(err, MPIJOB_EINVAL, "%s: kind is %d: it can be 0 to %d", name, options->kind,
                        MPIJOB_SHARE_COPY);
    for (size_t i = 0; options && i < sizeof options->reserved / sizeof options->reserved[0]; i++)
        if (options->reserved[i])
            return mpj_fail(err, MPIJOB_EINVAL, "%s: reserved members of the options are not zero", name);
    if (rank == 0 && want->bytes > INT64_MAX / 2)
        return mpj_fail(err, MPIJOB_EINVAL, "%s: bytes is negative", name);
    if (rank == 0 && want->bytes > 0 && !want->fill && !want->data)
        return mpj_fail(err, MPIJOB_EINVAL, "%s: data is NULL on rank 0, where it must be the input", name);
    return MPIJOB_OK;
}

static int agree_to_share(mpijob_shared *made, mpj_link *link, const mpj_share_request *want, int problem,
                          mpijob_error *err)
{
    uint64_t kind = want->options ? (uint64_t)(unsigned)want->options->kind : 0;
    mpj_vote vote = {.status = problem, .digest = 4 * kind + 2 * want->fill};
    if (problem == MPIJOB_OK)
        vote.status = made ? check(want, link->rank, err) : mpj_fail_memory(err, "a shared input", sizeof *made);
    vote.root[0] = vote.status == MPIJOB_OK ? (int64_t)want->bytes : 0;
    int status = mpj_agree(link, &vote, err);
    if (status == MPIJOB_OK) {
        made->bytes = (size_t)vote.root[0];
        made->id = ++link->shares;
        made->link = link;
        made->served = link->serving;
    }
    return status;
}

int mpj_share_over(mpijob_shared **shared, mpj_link *link, const mpj_share_request *want, int problem,
                   mpijob_error *err)
{
    mpijob_shared *made = mpj_calloc(1, sizeof *made);
    int status = agree_to_share(made, link, want, problem, err);
    if (status != MPIJOB_OK) {
        mpj_free(made);
        return status;
    }
    nodes n;
    if (split(link, &n, err) != MPIJOB_OK)
        mpj_abort(link->comm, err);
    status = place(made, link, &n, want->options, err);
    if (status == MPIJOB_OK && !want->fill) {
        if (link->rank == 0 && made->bytes > 0)
            memcpy(memory_of(made), want->data, made->bytes);
        publish(made, link, &n);
    }
    unsplit(&n);
    if (status == MPIJOB_OK && link->rank == 0 && want->options && want->options->version)
        digest_version(made, want->options->version, NULL); /* without memory: their digest, later */
    if (status != MPIJOB_OK)
        release(made);
    else
        *shared = made;
    return status;
}

/* Inside a job, a consumer or a generator: for this rank alone. */
static int share_nested(mpijob_shared **shared, const mpj_share_request *want, mpijob_error *err)
{
    int status = check(want, 0, err);
    if (status != MPIJOB_OK)
        return status;
    mpijob_shared *made = mpj_calloc(1, sizeof *made);
    if (made)
        made->bytes = want->bytes;
    if (!made || make_copy(made) != MPIJOB_OK) {
        mpj_free(made);
        return mpj_fail_memory(err, "a shared input", want->bytes);
    }
    made->kind = MPIJOB_SHARE_COPY;
    made->sealed = !want->fill;
    if (want->options && want->options->version)
        digest_version(made, want->options->version, NULL);
    if (want->bytes > 0 && !want->fill)
        memcpy(made->copy, want->data, want->bytes);
    *shared = made;
    return MPIJOB_OK;
}

static int share_collectively(mpijob_shared **shared, const mpj_share_request *want, MPI_Comm comm, mpijob_error *err)
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
        mpj_serve_announce_share(link, want);
    status = mpj_share_over(shared, link, want, problem, err);
    if (status != MPIJOB_OK && fresh)
        mpj_link_drop(link, &spare, comm);
    return status;
}

static int share(mpijob_shared **shared, const mpj_share_request *want, MPI_Comm comm, mpijob_error *err)
{
    mpijob_error record;
    int status =
        mpj_is_in_run() ? share_nested(shared, want, &record) : share_collectively(shared, want, comm, &record);
    if (status != MPIJOB_OK && err)
        *err = record;
    return status;
}

int mpijob_share(mpijob_shared **shared, const void *data, size_t bytes, MPI_Comm comm,
                 const mpijob_share_options *options, mpijob_error *err)
{
    mpj_share_request want = {.data = data, .bytes = bytes, .options = options};
    return share(shared, &want, comm, err);
}

/* -- Filled in place -- */

int mpijob_share_begin(mpijob_shared **shared, void **memory, size_t bytes, MPI_Comm comm,
                       const mpijob_share_options *options, mpijob_error *err)
{
    mpj_share_request want = {.bytes = bytes, .options = options, .fill = true};
    int status = share(shared, &want, comm, err);
    if (status == MPIJOB_OK) {
        const mpj_link *link = (*shared)->link;
        *memory = link && link->rank != 0 ? NULL : memory_of(*shared);
    }
    return status;
}

int mpj_seal_over(mpijob_shared *shared, mpj_link *link, mpijob_error *err)
{
    mpj_vote vote = {.status = MPIJOB_OK, .digest = shared ? 2 * shared->id : 0};
    if (!shared)
        vote.status = mpj_fail(err, MPIJOB_EINVAL, "mpijob_share_seal: this rank has released the input");
    else if (shared->sealed)
        vote.status =
            mpj_fail(err, MPIJOB_EINVAL,
                     "mpijob_share_seal: the input is sealed already, or was never one of mpijob_share_begin");
    int status = mpj_agree(link, &vote, err);
    if (status != MPIJOB_OK)
        return status;
    nodes n;
    if (split(link, &n, err) != MPIJOB_OK)
        mpj_abort(link->comm, err);
    publish(shared, link, &n);
    unsplit(&n);
    return MPIJOB_OK;
}

/* What keeps the ranks from meeting at all. */
static int check_seal(const mpijob_shared *shared, mpijob_error *err)
{
    if (!shared)
        return mpj_fail(err, MPIJOB_EINVAL, "mpijob_share_seal: shared is NULL");
    if (!shared->link)
        return shared->sealed ? mpj_fail(err, MPIJOB_EINVAL, "mpijob_share_seal: the input is sealed already")
                              : MPIJOB_OK;
    if (mpj_is_in_run())
        return mpj_fail(err, MPIJOB_EINVAL, "mpijob_share_seal: called inside a run, for an input of main");
    if (!mpj_link_exists(shared->link))
        return mpj_fail(err, MPIJOB_EINVAL, "mpijob_share_seal: the communicator of the input does not exist any more");
    if (shared->served != shared->link->serving)
        return mpj_fail(err, MPIJOB_EINVAL,
                        "mpijob_share_seal: the input was begun %s, and is sealed there (see mpijob_serve)",
                        shared->served ? "while the other ranks served" : "before the other ranks served");
    return MPIJOB_OK;
}

static int seal(mpijob_shared *shared, mpijob_error *err)
{
    int status = check_seal(shared, err);
    if (status != MPIJOB_OK)
        return status;
    if (!shared->link) {
        shared->sealed = true;
        return MPIJOB_OK;
    }
    if (shared->served)
        mpj_serve_announce_seal(shared->link, shared->id);
    return mpj_seal_over(shared, shared->link, err);
}

int mpijob_share_seal(mpijob_shared *shared, mpijob_error *err)
{
    mpijob_error record;
    int status = seal(shared, &record);
    if (status != MPIJOB_OK && err)
        *err = record;
    return status;
}
