/* Opening a location to look after it, and its functions. */
#include "memory/liststore.h"

#include "base/alloc.h"
#include "base/error.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

int64_t mpj_store_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* ---- Opening ----------------------------------------------------------------------------------------------------- */

/* Who made the location for a group wants it to stay one. Others' writing is nothing that a folder may ask for. */
static void take_rights(mpj_store *store, int root, const mpijob_memory_options *options)
{
    struct stat info;
    if (fstat(root, &info) != 0)
        return;
    if (!options->umask && (info.st_mode & S_IWGRP))
        store->rights.umask &= ~(mode_t)S_IWGRP;
    if (!options->umask)
        store->rights.umask |= ~info.st_mode & 0777;
    if (!options->group && info.st_gid != getegid())
        store->rights.group = info.st_gid;
}

static int is_there(mpj_store *store, const char *location, const mpijob_memory_options *options, mpijob_error *err)
{
    int root;
    mpijob_error own;
    int status = mpj_below_walk(&root, store->location, "mpijob", NULL, &own);
    if (status == MPIJOB_OK) {
        take_rights(store, root, options);
        mpj_file_close(&root);
    }
    if (status == MPIJOB_ENOTFOUND)
        return mpj_fail(err, status, "%s is no location of Memory: it has no folder 'mpijob'", location);
    return mpj_told(err, status, &own);
}

static void no_log(int level, const char *text, void *payload)
{
    (void)level;
    (void)text;
    (void)payload;
}

/* Trouble in reading is told by the calls themselves. */
int mpijob_store_open(mpijob_store **store, const char *location, const mpijob_memory_options *options,
                      mpijob_error *err)
{
    mpijob_memory_options quiet = {.verbose = 0};
    if (!store || !location || !*location)
        return mpj_fail(err, MPIJOB_EINVAL, "mpijob_store_open: %s is missing", store ? "the location" : "store");
    if (options)
        quiet = *options;
    if (!quiet.log)
        quiet.log = no_log;
    mpijob_store *made = mpj_calloc(1, sizeof *made);
    if (!made)
        return mpj_fail_memory(err, "a location", sizeof *made);
    int status = mpj_memory_open(&made->memory, location, &quiet, err);
    if (status == MPIJOB_OK)
        status = is_there(mpj_store_of(made), location, &quiet, err);
    if (status == MPIJOB_OK)
        *store = made;
    else
        mpijob_store_close(made);
    return status;
}

void mpijob_store_close(mpijob_store *store)
{
    if (!store)
        return;
    mpijob_memory_close(store->memory);
    mpj_free(store);
}

/* ---- Each function ----------------------------------------------------------------------------------------------- */

typedef struct visiting {
    mpj_store *store;
    mpj_each_list_fn *each;
    void *payload;
    mpijob_error *err;
} visiting;

static int visit(const char *function, const char *name, void *payload)
{
    visiting *v = payload;
    mpj_list list;
    int status = mpj_list_read(&list, v->store, function, NULL, v->err);
    if (status == MPIJOB_OK)
        status = v->each(&list, name, v->payload);
    mpj_list_free(&list);
    return status;
}

int mpj_each_list(mpijob_store *store, const char *function, mpj_each_list_fn *each, void *payload, mpijob_error *err)
{
    visiting v = {mpj_store_of(store), each, payload, err};
    char folder[MPJ_FUNCTION_BYTES];
    if (!function)
        return mpj_list_functions(v.store, visit, &v, err);
    mpj_list_function_of(folder, function);
    if (!mpj_list_has(v.store, folder))
        return mpj_fail(err, MPIJOB_ENOTFOUND, "no function '%s' has stored anything in %s", function,
                        v.store->location);
    return visit(folder, function, &v);
}

/* ---- The functions ----------------------------------------------------------------------------------------------- */

typedef struct telling {
    mpijob_store_function_fn *each;
    void *payload;
    int64_t now_ns;
    mpijob_error *err;
    bool done;
} telling;

static int by_number(const void *left, const void *right)
{
    const uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return a < b ? -1 : a > b;
}

static int count_versions(uint64_t *different, const mpj_list *list, mpijob_error *err)
{
    size_t count = 0;
    uint64_t *versions = mpj_alloc(list->count * sizeof *versions);
    if (!versions)
        return mpj_fail_memory(err, "the versions of a function", list->count * sizeof *versions);
    for (size_t i = 0; i < list->count; i++)
        if (list->entries[i].live)
            versions[count++] = list->entries[i].name.version;
    if (count > 1)
        qsort(versions, count, sizeof *versions, by_number);
    *different = 0;
    for (size_t i = 0; i < count; i++)
        *different += i == 0 || versions[i] != versions[i - 1];
    mpj_free(versions);
    return MPIJOB_OK;
}

static int tell_function(mpj_list *list, const char *name, void *payload)
{
    telling *t = payload;
    mpijob_store_function f = {.name = name, .folder = strchr(list->function, '/') + 1, .newest_age_s = -1};
    for (size_t i = 0; i < list->count; i++) {
        const mpj_listed *e = &list->entries[i];
        if (!e->live)
            continue;
        double age_s = mpj_age_s(t->now_ns, e->time_ns);
        if (f.entries == 0 || age_s < f.newest_age_s)
            f.newest_age_s = age_s > 0 ? age_s : 0;
        f.entries++;
        f.stored_bytes += e->total_bytes + e->large_bytes;
        f.compute_s += e->compute_s;
    }
    int status = count_versions(&f.versions, list, t->err);
    if (status == MPIJOB_OK)
        t->done = t->each(&f, t->payload) != 0;
    return status == MPIJOB_OK && t->done ? 1 : status;
}

int mpijob_store_functions(mpijob_store *store, mpijob_store_function_fn *each, void *payload, mpijob_error *err)
{
    telling t = {each, payload, mpj_store_now_ns(), err, false};
    if (!store || !each)
        return mpj_fail(err, MPIJOB_EINVAL, "mpijob_store_functions: %s is NULL", store ? "each" : "store");
    int status = mpj_each_list(store, NULL, tell_function, &t, err);
    return t.done ? MPIJOB_OK : status;
}
