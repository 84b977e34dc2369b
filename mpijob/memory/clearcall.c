/* Removing the result of one call: a tombstone, which others see as they see results. */
#include "memory/liststore.h"

#include "base/error.h"
#include "memory/trash.h"

#include <stdio.h>
#include <string.h>

/* Its own file is of no use any more. */
static void discard(const mpijob_memory *memory, const mpj_shelf *shelf, const char *file)
{
    char path[MPJ_PATH_BYTES], name[MPJ_LARGE_FILE_BYTES + 8], function[sizeof shelf->below],
        item[MPJ_TRASH_ITEM_BYTES];
    if (mpj_shelf_large_path(shelf, file, strlen(file), path, NULL) != MPIJOB_OK)
        return;
    snprintf(name, sizeof name, MPJ_LARGE_FOLDER "/%s", file);
    snprintf(function, sizeof function, "%.*s", (int)shelf->below_function, shelf->below);
    mpj_trash_put(memory->store, function, name, item, NULL);
}

int mpj_shelf_bury(mpj_shelf *shelf, const mpj_name *name, int64_t after_ns, mpijob_error *err)
{
    mpj_put put = {.name = *name, .kind = MPJ_ENTRY_TOMBSTONE, .payload = "", .json = "", .meta = ""};
    put.time_ns = mpj_wall_ns();
    if (put.time_ns <= after_ns)
        put.time_ns = after_ns + 1;
    int status = mpj_shelf_put(shelf, &put, err);
    if (status == MPIJOB_OK && mpj_shelf_write(shelf) != MPIJOB_OK)
        status = mpj_fail(err, MPIJOB_EOS, "no results are stored in %s", shelf->store->location);
    return status;
}

/* With the lock. */
static int clear_entry(mpijob_memory *memory, mpj_shelf *shelf, const mpj_name *name, mpijob_removed *removed,
                       mpijob_error *err)
{
    mpj_entry entry;
    char file[MPJ_LARGE_FILE_BYTES] = "";
    mpj_shelf_refresh_now(shelf);
    if (mpj_shelf_find(shelf, name, &entry) != 1)
        return MPIJOB_OK;
    uint64_t bytes = entry.entry_bytes;
    if (entry.kind == MPJ_ENTRY_LARGE && entry.bytes < sizeof file) {
        memcpy(file, entry.payload, entry.bytes);
        bytes += entry.stored_bytes;
    }
    int status = mpj_shelf_bury(shelf, name, entry.time_ns, err);
    if (status != MPIJOB_OK)
        return status;
    if (file[0])
        discard(memory, shelf, file);
    if (removed)
        *removed = (mpijob_removed){.items = 1, .bytes_later = bytes, .later_s = MPJ_TRASH_LARGE_S};
    return status;
}

static int clear(mpijob_memory *memory, const char *function, const mpj_name *name, mpijob_removed *removed,
                 mpijob_error *err)
{
    mpj_shelf *shelf;
    if (removed)
        *removed = (mpijob_removed){0};
    if (!memory->store)
        return MPIJOB_OK;
    pthread_mutex_lock(&memory->lock);
    int status = mpj_shelf_open(&shelf, memory->store, function, err);
    if (status == MPIJOB_OK)
        status = clear_entry(memory, shelf, name, removed, err);
    pthread_mutex_unlock(&memory->lock);
    return status;
}

int mpijob_reference_clear(const mpijob_reference *reference, mpijob_memory *memory, mpijob_error *err)
{
    int status = mpj_reference_check(reference, memory, err);
    if (status != MPIJOB_OK || reference->value)
        return status;
    const mpj_name name = {reference->key, reference->check, reference->version};
    return clear(memory, reference->function, &name, NULL, err);
}

int mpijob_store_clear_entry(mpijob_store *store, const mpijob_stored *entry, mpijob_removed *removed,
                             mpijob_error *err)
{
    if (!store || !entry || !entry->function)
        return mpj_fail(err, MPIJOB_EINVAL, "mpijob_store_clear_entry: %s is missing", store ? "the entry" : "store");
    const mpj_name name = {entry->key, entry->check, entry->version};
    return clear(store->memory, entry->function, &name, removed, err);
}

int mpijob_function_clear_call(const mpijob_function *function, const void *args, mpijob_job *job,
                               mpijob_removed *removed, mpijob_error *err)
{
    mpj_name name;
    int status = mpj_name_call(&name, function, args, job, err);
    if (status != MPIJOB_OK)
        return status;
    if (!function->cached)
        return mpj_fail(err, MPIJOB_EINVAL, "%s is not cached", function->name ? function->name : "function");
    return clear(function->cached->memory, function->cached->signature.name, &name, removed, err);
}
