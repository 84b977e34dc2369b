/* The calls of mpijob/store.h that remove: compact, clear, reduce. */
#include "base/error.h"
#include "memory/liststore.h"
#include "memory/trim.h"

#include <stdio.h>

typedef struct compacting {
    mpj_store *store;
    mpj_cleaner_options options;
    mpj_compacted done;
    mpijob_error *err;
    bool busy;
} compacting;

static int compact_one(const char *function, const char *name, void *payload)
{
    compacting *c = payload;
    (void)name;
    int status = mpj_cleaner_run(c->store, function, &c->options, &c->done, c->err);
    c->busy |= status == MPIJOB_ECANCELED;
    return status == MPIJOB_ECANCELED ? MPIJOB_OK : status;
}

/* What was freed: the new segments take their own room again. */
static mpijob_removed removed_by(const mpj_compacted *done)
{
    uint64_t now = done->bytes_now, later = done->bytes_later, made = done->bytes_after;
    now -= made < now ? made : now;
    later -= done->bytes_now == 0 ? (made < later ? made : later) : 0;
    return (mpijob_removed){.items = done->dropped, .bytes_now = now, .bytes_later = later, .later_s = done->later_s};
}

int mpijob_store_compact(mpijob_store_compacted *compacted, mpijob_store *store, int now, mpijob_error *err)
{
    if (!store)
        return mpj_fail(err, MPIJOB_EINVAL, "mpijob_store_compact: store is NULL");
    compacting c = {.store = mpj_store_of(store), .options = {.everything = true, .now = now != 0}, .err = err};
    int status = mpj_list_functions(c.store, compact_one, &c, err);
    if (compacted)
        *compacted = (mpijob_store_compacted){.segments_before = c.done.sources,
                                              .segments_after = c.done.made,
                                              .entries = c.done.kept,
                                              .damaged = c.done.damaged,
                                              .removed = removed_by(&c.done)};
    if (status == MPIJOB_OK && c.busy)
        return mpj_fail(err, MPIJOB_ECANCELED, "another process is cleaning %s", c.store->location);
    return status;
}

/* What was removed before goes with it. */
typedef struct emptying {
    mpj_store *store;
    mpijob_removed *removed;
} emptying;

static int empty_one(const char *function, const char *name, void *payload)
{
    const emptying *e = payload;
    (void)name;
    e->removed->bytes_now += mpj_cleaner_empty_trash(e->store, function);
    return MPIJOB_OK;
}

static int clear_function(mpijob_store *store, const char *name, int now, mpijob_removed *removed, mpijob_error *err)
{
    char function[MPJ_FUNCTION_BYTES];
    emptying e = {mpj_store_of(store), removed};
    mpj_shelf *shelf;
    mpj_list_function_of(function, name);
    if (!mpj_list_has(e.store, function))
        return mpj_fail(err, MPIJOB_ENOTFOUND, "no function '%s' has stored anything in %s", name, e.store->location);
    pthread_mutex_lock(&store->memory->lock);
    int status = mpj_shelf_open(&shelf, e.store, name, err);
    if (status == MPIJOB_OK)
        status = mpj_clear_shelf(e.store, shelf, now, removed, err);
    if (status == MPIJOB_OK && now)
        empty_one(function, name, &e);
    pthread_mutex_unlock(&store->memory->lock);
    return status;
}

static int clear_all(mpijob_store *store, int now, mpijob_removed *removed, mpijob_error *err)
{
    emptying e = {mpj_store_of(store), removed};
    int status = mpijob_memory_clear(store->memory, now, removed, err);
    return status == MPIJOB_OK && now ? mpj_list_functions(e.store, empty_one, &e, err) : status;
}

int mpijob_store_clear(mpijob_store *store, const char *function, int now, mpijob_removed *removed, mpijob_error *err)
{
    mpijob_removed own = {0};
    if (!store)
        return mpj_fail(err, MPIJOB_EINVAL, "mpijob_store_clear: store is NULL");
    int status = function ? clear_function(store, function, now, &own, err) : clear_all(store, now, &own, err);
    if (removed)
        *removed = own;
    return status;
}

int mpijob_store_reduce(mpijob_store *store, const mpijob_reduce_options *options, mpijob_removed *removed,
                        mpijob_error *err)
{
    if (!store)
        return mpj_fail(err, MPIJOB_EINVAL, "mpijob_store_reduce: store is NULL");
    return mpijob_memory_reduce_size(store->memory, options, removed, err);
}
