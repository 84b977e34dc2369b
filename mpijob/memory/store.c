#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "memory/shelf.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* ---- Warnings ---------------------------------------------------------------------------------------------------- */

void mpj_store_warn(const mpj_store *store, const char *format, ...)
{
    char text[MPIJOB_ERROR_TEXT_BYTES + 256];
    va_list arguments;
    va_start(arguments, format);
    mpj_vformat(text, sizeof text, format, arguments);
    va_end(arguments);
    if (store->options.log)
        store->options.log(MPIJOB_LOG_WARNING, text, store->options.log_payload);
    else
        fprintf(stderr, "mpijob: %s\n", text);
}

bool mpj_store_is_news(mpj_store *store, const mpijob_error *why)
{
    bool news = store->warned_errno == 0 || store->warned_errno != why->os_errno;
    store->warned_errno = why->os_errno ? why->os_errno : -1;
    return news;
}

int mpj_store_give_up(mpj_store *store, const mpijob_error *why)
{
    if (!store->no_writing && mpj_store_is_news(store, why))
        mpj_store_warn(store, "Memory: %s; no more results are stored in %s", why->text, store->location);
    store->no_writing = true;
    return MPIJOB_EOS;
}

int mpj_store_cannot_write(mpj_store *store, const mpijob_error *why)
{
    if (why->os_errno != EMFILE && why->os_errno != ENFILE)
        return mpj_store_give_up(store, why);
    if (mpj_store_is_news(store, why))
        mpj_store_warn(store, "Memory: %s; until there are fewer, results are not stored in %s", why->text,
                       store->location);
    return MPIJOB_EOS;
}

void mpj_store_cannot_read(mpj_store *store, const mpijob_error *why)
{
    if (why->status == MPIJOB_ENOMEM || store->warned_reading)
        return;
    store->warned_reading = true;
    if (mpj_store_is_news(store, why))
        mpj_store_warn(store, "Memory: %s; what cannot be read is computed", why->text);
}

/* ---- Opening and closing ----------------------------------------------------------------------------------------- */

/* The program may change its current folder. */
static int set_location(mpj_store *store, const char *location, mpijob_error *err)
{
    char here[MPJ_PATH_BYTES] = "";
    if (location[0] != '/' && !getcwd(here, sizeof here))
        here[0] = '\0';
    int status = here[0] ? mpj_path_join(store->location, here, location, err)
                         : mpj_path_join(store->location, location[0] == '/' ? "/" : ".",
                                         location + strspn(location, location[0] == '/' ? "/" : ""), err);
    return status == MPIJOB_OK ? mpj_path_join(store->root, store->location, "mpijob", err) : status;
}

int mpj_store_open(mpj_store **store, const char *location, const mpj_store_options *options, mpijob_error *err)
{
    mpj_store *made = mpj_calloc(1, sizeof *made);
    if (!made)
        return mpj_fail_memory(err, "a memo store", sizeof *made);
    made->options = *options;
    made->rights = (mpj_rights){options->umask, options->group};
    made->pid = getpid();
    made->due = INFINITY;
    int status = set_location(made, location, err);
    if (status == MPIJOB_OK)
        status = mpj_location_check(made, err);
    if (status != MPIJOB_OK) {
        mpj_free(made);
        return status;
    }
    *store = made;
    return MPIJOB_OK;
}

/* A child of fork leaves to its parent what the parent has begun. */
void mpj_store_close(mpj_store *store)
{
    if (!store)
        return;
    bool ours = store->pid == getpid();
    for (mpj_shelf *shelf = store->shelves, *next; shelf; shelf = next) {
        next = shelf->next;
        mpj_shelf_seal(shelf);
        if (ours && mpj_store_writes(store))
            mpj_use_write(shelf);
        mpj_shelf_close(shelf);
    }
    mpj_free(store);
}

const char *mpj_store_root(const mpj_store *store)
{
    return store->root;
}

void mpj_store_count(const mpj_store *store, mpj_store_counts *counts)
{
    *counts = store->counts;
}

/* ---- Time -------------------------------------------------------------------------------------------------------- */

static void set_due(mpj_store *store)
{
    store->due = INFINITY;
    for (mpj_shelf *shelf = store->shelves; shelf; shelf = shelf->next)
        if (shelf->pending_due < store->due)
            store->due = shelf->pending_due;
}

static bool sync_is_due(const mpj_shelf *shelf, double now)
{
    const mpj_appender *own = &shelf->own;
    return shelf->store->options.durability == MPIJOB_DURABLE_PUBLISH && !shelf->store->local && own->fd >= 0 &&
           own->written > own->synced && now - own->last_sync >= fmax(1, 50 * own->sync_cost);
}

void mpj_store_tick(mpj_store *store, double now)
{
    if (now < store->due)
        return;
    for (mpj_shelf *shelf = store->shelves; shelf && mpj_store_writes(store); shelf = shelf->next) {
        if (now < shelf->pending_due)
            continue;
        if (now - shelf->own.pending_since >= MPJ_BATCH_S)
            mpj_shelf_write(shelf);
        if (sync_is_due(shelf, now))
            mpj_shelf_sync(shelf);
        mpj_shelf_set_due(shelf);
    }
    set_due(store);
}

int mpj_store_flush(mpj_store *store, bool synced, mpijob_error *err)
{
    int status = MPIJOB_OK;
    for (mpj_shelf *shelf = store->shelves; shelf && status == MPIJOB_OK; shelf = shelf->next)
        status = synced ? mpj_shelf_sync(shelf) : mpj_shelf_write(shelf);
    set_due(store);
    return status == MPIJOB_OK ? status : mpj_fail(err, status, "results could not be stored in %s", store->location);
}
