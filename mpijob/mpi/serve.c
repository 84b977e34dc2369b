/* mpijob_serve: ranks that wait for what rank 0 wants them to take part in. */
#include "mpi/serve.h"

#include "base/alloc.h"
#include "base/error.h"
#include "mpi/agree.h"
#include "mpi/parallel.h"
#include "mpi/share.h"
#include "mpi/transfer.h"

#include <murmurhash.h>
#include <stdio.h>
#include <string.h>

enum {
    LEAVE = 1,
    RUN,
    SHARE,
    SEAL,
    FREE
};

typedef struct command {
    int32_t kind;
    int32_t function; /* RUN: its place in the list */
    int32_t reduces;
    int32_t share_kind;              /* SHARE */
    int32_t share_fill;              /* SHARE */
    uint64_t shared_id;              /* SEAL, FREE */
    mpijob_parallel_options options; /* RUN: its numbers; no pointer of it is used */
    char pre_dispatch[64];
} command;

/* What a serving rank has. */
typedef struct server {
    mpj_link *link;
    const mpijob_function *const *functions;
    void *context;
    mpijob_shared **shared;
    size_t shared_count;
    size_t shared_capacity;
} server;

static void tell(mpj_link *link, command *c)
{
    mpj_spread(link, c, sizeof *c);
}

/* -- Rank 0 -- */

void mpj_serve_leave(mpj_link *link)
{
    command c = {.kind = LEAVE};
    if (!link->serving)
        return;
    link->serving = false;
    tell(link, &c);
}

int mpj_serve_announce_run(mpj_link *link, const mpijob_function *function, const mpijob_parallel_options *options,
                           mpijob_error *err)
{
    command c = {.kind = RUN};
    while (link->functions[c.function] && link->functions[c.function] != function)
        c.function++;
    if (!link->functions[c.function])
        return mpj_fail(err, MPIJOB_EINVAL,
                        "the function is not in the list that was given to mpijob_serve: add it "
                        "there, on every rank");
    if (options) {
        c.options = *options;
        c.reduces = options->reduce != NULL;
        if (options->pre_dispatch)
            snprintf(c.pre_dispatch, sizeof c.pre_dispatch, "%s", options->pre_dispatch);
        else
            c.options.pre_dispatch = NULL;
    }
    tell(link, &c);
    for (size_t i = 0; options && i < options->shared_count; i++) {
        uint64_t id = mpj_shared_id(options->shared[i]);
        mpj_spread(link, &id, sizeof id);
    }
    return MPIJOB_OK;
}

void mpj_serve_announce_share(mpj_link *link, const mpj_share_request *want)
{
    command c = {.kind = SHARE, .share_kind = want->options ? want->options->kind : 0, .share_fill = want->fill};
    tell(link, &c);
}

void mpj_serve_announce_seal(mpj_link *link, uint64_t shared_id)
{
    command c = {.kind = SEAL, .shared_id = shared_id};
    tell(link, &c);
}

void mpj_serve_announce_free(mpj_link *link, uint64_t shared_id)
{
    command c = {.kind = FREE, .shared_id = shared_id};
    tell(link, &c);
}

int mpijob_serve_end(MPI_Comm comm, mpijob_error *err)
{
    int status = mpj_check_comm(comm, err);
    mpj_link *link = status == MPIJOB_OK ? mpj_link_known(comm) : NULL;
    if (link)
        mpj_serve_leave(link);
    return status;
}

/* -- The others -- */

static mpijob_shared *find_shared(const server *s, uint64_t id)
{
    for (size_t i = 0; i < s->shared_count; i++)
        if (mpj_shared_id(s->shared[i]) == id)
            return s->shared[i];
    return NULL;
}

/* Stands for rank 0's reduction: that there is one is part of what the ranks must agree on. */
static int reduce_elsewhere(void *accumulator, const void *result, size_t bytes, uint64_t index, void *payload,
                            mpijob_error *err)
{
    (void)accumulator, (void)result, (void)bytes, (void)index, (void)payload, (void)err;
    return MPIJOB_GO_ON;
}

static void serve_run(server *s, const command *c)
{
    mpijob_error err;
    const mpijob_shared **shared = NULL;
    size_t count = c->options.shared_count;
    int problem = MPIJOB_OK;
    if (count > 0 && !(shared = mpj_calloc(count, sizeof(void *))))
        problem = mpj_fail_memory(&err, "the list of shared inputs", count * sizeof(void *));
    for (size_t i = 0; i < count; i++) {
        uint64_t id;
        mpj_spread(s->link, &id, sizeof id);
        if (shared)
            shared[i] = find_shared(s, id);
    }
    mpijob_parallel_options own = c->options;
    own.everywhere = 0;
    own.pre_dispatch = c->options.pre_dispatch ? c->pre_dispatch : NULL;
    own.shared = shared;
    own.context = s->context;
    own.reduce = c->reduces ? reduce_elsewhere : NULL;
    own.consume = NULL;
    own.on_progress = NULL;
    own.statuses = NULL;
    own.failures = NULL;
    own.failures_count = NULL;
    own.stats = NULL;
    own.log = NULL;
    bool agreed;
    mpj_run_begins(s->link->rank);
    mpj_run_over(s->link, NULL, s->functions[c->function], NULL, &own, problem, &agreed, &err);
    mpj_run_ends();
    mpj_free(shared);
}

static void serve_share(server *s, const command *c)
{
    mpijob_error err;
    mpijob_share_options options = {.kind = c->share_kind};
    mpj_share_request want = {.options = &options, .fill = c->share_fill != 0};
    mpijob_shared *made;
    int problem = MPIJOB_OK;
    if (mpj_grow((void **)&s->shared, &s->shared_capacity, s->shared_count + 1, sizeof(void *)) != 0)
        problem = mpj_fail_memory(&err, "the list of shared inputs", sizeof(void *));
    if (mpj_share_over(&made, s->link, &want, problem, &err) == MPIJOB_OK)
        s->shared[s->shared_count++] = made;
}

static void serve_seal(server *s, const command *c)
{
    mpijob_error err; /* what is wrong is rank 0's to tell */
    mpj_seal_over(find_shared(s, c->shared_id), s->link, &err);
}

static void serve_free(server *s, const command *c)
{
    for (size_t i = 0; i < s->shared_count; i++)
        if (mpj_shared_id(s->shared[i]) == c->shared_id) {
            mpijob_share_free(s->shared[i]);
            s->shared[i] = s->shared[--s->shared_count];
            return;
        }
}

static int serve(server *s)
{
    for (;;) {
        command c;
        tell(s->link, &c);
        if (c.kind == RUN)
            serve_run(s, &c);
        else if (c.kind == SHARE)
            serve_share(s, &c);
        else if (c.kind == SEAL)
            serve_seal(s, &c);
        else if (c.kind == FREE)
            serve_free(s, &c);
        else
            break;
    }
    while (s->shared_count > 0)
        mpijob_share_free(s->shared[--s->shared_count]);
    mpj_free(s->shared);
    return MPIJOB_SERVED;
}

/* -- Beginning -- */

/* The lists must be equal on all ranks, but for the addresses in them. */
static int digest_of(const mpijob_function *const *functions, uint64_t *digest, mpijob_error *err)
{
    *digest = 0;
    if (!functions)
        return mpj_fail(err, MPIJOB_EINVAL, "mpijob_serve needs the list of functions, NULL-terminated");
    for (size_t i = 0; functions[i]; i++) {
        char text[300];
        uint64_t hash[2];
        const mpijob_function *f = functions[i];
        if (!f->call)
            return mpj_fail(err, MPIJOB_EINVAL, "function %zu of the list has no `call`", i);
        int bytes =
            snprintf(text, sizeof text, "%.200s %zu %zu", f->name ? f->name : "function", f->args_size, f->result_size);
        lmmh_x64_128(text, (unsigned)bytes, (uint32_t)(i + 1), hash);
        *digest = *digest * 31 + hash[0];
    }
    return MPIJOB_OK;
}

static int check_place(MPI_Comm comm, mpijob_error *err)
{
    int status = mpj_check_comm(comm, err);
    if (status != MPIJOB_OK)
        return status;
    if (mpj_is_in_run())
        return mpj_fail(err, MPIJOB_EINVAL, "mpijob_serve is called inside a run: it is for main");
    const mpj_link *link = mpj_link_known(comm);
    if (link && link->serving)
        return mpj_fail(err, MPIJOB_EINVAL,
                        "the ranks of this communicator serve already: call mpijob_serve_end first");
    return MPIJOB_OK;
}

int mpijob_serve(const mpijob_function *const *functions, void *context, MPI_Comm comm, mpijob_error *err)
{
    mpijob_error record;
    mpj_link spare;
    mpj_link *link;
    bool fresh;
    int problem;
    mpj_vote vote = {0};
    int status = check_place(comm, &record);
    if (status == MPIJOB_OK && mpj_link_get(&link, &spare, &fresh, &problem, comm, &record) != MPIJOB_OK)
        mpj_abort(comm, &record);
    if (status == MPIJOB_OK) {
        vote.status = problem == MPIJOB_OK ? digest_of(functions, &vote.digest, &record) : problem;
        status = mpj_agree(link, &vote, &record);
        if (status != MPIJOB_OK && fresh)
            mpj_link_drop(link, &spare, comm);
    }
    if (status != MPIJOB_OK) {
        if (err)
            *err = record;
        return status;
    }
    if (link->rank != 0) {
        server s = {.link = link, .functions = functions, .context = context};
        return serve(&s);
    }
    link->serving = true;
    link->functions = functions;
    return MPIJOB_LEADS;
}
