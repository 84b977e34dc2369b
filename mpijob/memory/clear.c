/* Removing all results of a function, or of a location: their folders go to the trash, by one rename each. Descriptions
 * of versions stay, since running programs go on to store results of them. */
#include "memory/memory.h"

#include "base/alloc.h"
#include "base/error.h"
#include "memory/trash.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define KINDS 3
/* Files before the entries that refer to them (cachedstore.c). */
static const char *const kinds[KINDS] = {MPJ_LARGE_FOLDER, MPJ_SEGMENTS_FOLDER, MPJ_USE_FOLDER};

/* ---- How many results there were --------------------------------------------------------------------------------- */

typedef struct counted {
    mpj_name name;
    int64_t time_ns;
    bool tombstone;
} counted;

typedef struct counting {
    const char *path;
    int folder;
    counted *all;
    size_t count, capacity;
} counting;

static int count_entry(const mpj_entry_header *header, void *payload)
{
    counting *c = payload;
    if (mpj_grow((void **)&c->all, &c->capacity, c->count + 1, sizeof *c->all) != 0)
        return MPIJOB_ENOMEM;
    c->all[c->count++] = (counted){header->name, header->time_ns, header->kind == MPJ_ENTRY_TOMBSTONE};
    return MPIJOB_OK;
}

/* What cannot be read was no result any more. */
static int count_segment(const char *name, void *payload)
{
    counting *c = payload;
    char writer[MPJ_WRITER_BYTES];
    mpj_segment_header header;
    uint64_t bytes, good = MPJ_SEGMENT_HEADER_BYTES;
    int fd, status = MPIJOB_OK;
    if (!mpj_writer_of(writer, name, MPJ_SEGMENT_SUFFIX) ||
        mpj_below_open(&fd, c->folder, c->path, name, &bytes, NULL) != MPIJOB_OK)
        return MPIJOB_OK;
    if (mpj_segment_read_header(&header, fd, c->path, NULL) == MPIJOB_OK)
        status = mpj_segment_scan(fd, c->path, header.id, &good, bytes, count_entry, c, NULL);
    mpj_file_close(&fd);
    return status == MPIJOB_ENOMEM ? status : MPIJOB_OK;
}

static int by_name_newest_first(const void *left, const void *right)
{
    const counted *a = left, *b = right;
    int order = memcmp(&a->name, &b->name, sizeof a->name);
    return order ? order : a->time_ns < b->time_ns ? 1 : a->time_ns > b->time_ns ? -1 : 0;
}

static uint64_t results_of(counting *c)
{
    uint64_t results = 0;
    if (c->count > 1)
        qsort(c->all, c->count, sizeof *c->all, by_name_newest_first);
    for (size_t i = 0; i < c->count; i++)
        results += (i == 0 || !mpj_name_equal(&c->all[i - 1].name, &c->all[i].name)) && !c->all[i].tombstone;
    return results;
}

/* In a folder of segments that nobody adds to any more. */
static int count_results(uint64_t *results, const mpj_store *store, const char *below, mpijob_error *err)
{
    counting c = {.path = below};
    if (mpj_below_walk(&c.folder, store->location, below, NULL, NULL) != MPIJOB_OK)
        return MPIJOB_OK;
    int status = mpj_below_list(c.folder, below, count_segment, &c, err);
    if (status == MPIJOB_ENOMEM)
        mpj_fail_memory(err, "counting the results that were removed", sizeof *c.all);
    *results += results_of(&c);
    mpj_free(c.all);
    mpj_file_close(&c.folder);
    return status;
}

/* ---- One function's folder --------------------------------------------------------------------------------------- */

static int tell(const mpj_store *store, const char *function, int kind, const char *item, mpijob_removed *removed,
                mpijob_error *err)
{
    char below[MPJ_ESCAPED_BYTES + MPJ_TRASH_ITEM_BYTES + 32];
    int64_t since_s;
    double later_s = (double)mpj_trash_grace(item, &since_s);
    uint64_t bytes = mpj_trash_bytes(store, function, item);
    removed->bytes_later += bytes;
    if (bytes > 0 && removed->later_s < later_s)
        removed->later_s = later_s;
    if (strcmp(kinds[kind], MPJ_SEGMENTS_FOLDER) != 0)
        return MPIJOB_OK;
    snprintf(below, sizeof below, "%s/" MPJ_TRASH_FOLDER "/%s", function, item);
    return count_results(&removed->items, store, below, err);
}

static int clear_folder(const mpj_store *store, const char *function, int now, mpijob_removed *removed,
                        mpijob_error *err)
{
    char item[MPJ_TRASH_ITEM_BYTES];
    mpijob_removed all = {0};
    int status = MPIJOB_OK;
    for (int i = 0; i < KINDS && status == MPIJOB_OK; i++) {
        status = mpj_trash_put(store, function, kinds[i], item, err);
        if (status == MPIJOB_OK)
            status = tell(store, function, i, item, &all, err);
        else if (status == MPIJOB_ENOTFOUND)
            status = MPIJOB_OK;
        else
            break;
        if (now && status == MPIJOB_OK)
            status = mpj_trash_remove(store, function, item, err);
    }
    removed->items += all.items;
    removed->bytes_now += now ? all.bytes_later : 0;
    removed->bytes_later += now ? 0 : all.bytes_later;
    if (!now && removed->later_s < all.later_s)
        removed->later_s = all.later_s;
    return status;
}

/* What this process knows of the function is what is there now: nothing, or what others store meanwhile. */
int mpj_clear_shelf(const mpj_store *store, mpj_shelf *shelf, int now, mpijob_removed *removed, mpijob_error *err)
{
    char function[sizeof shelf->below];
    snprintf(function, sizeof function, "%.*s", (int)shelf->below_function, shelf->below);
    mpj_shelf_write(shelf);
    mpj_shelf_abandon(shelf);
    int status = clear_folder(store, function, now, removed, err);
    mpj_shelf_refresh_now(shelf);
    return status;
}

static void sweep(const mpj_store *store, const char *function)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    mpj_trash_sweep(store, function, now.tv_sec);
}

/* ---- The public calls -------------------------------------------------------------------------------------------- */

int mpijob_function_clear(const mpijob_function *function, int now, mpijob_removed *removed, mpijob_error *err)
{
    mpijob_removed own = {0};
    if (!function || !function->cached)
        return mpj_fail(err, MPIJOB_EINVAL, "mpijob_function_clear: the function is not cached");
    const mpijob_cached *c = function->cached;
    int status = MPIJOB_OK;
    if (c->shelf) {
        mpj_say_clearing(c);
        mpj_memory_finish_runs(c->memory);
        mpj_cached_lock(c);
        status = mpj_clear_shelf(c->memory->store, c->shelf, now, &own, err);
        mpj_cached_unlock(c);
    }
    if (removed)
        *removed = own;
    return status;
}

typedef struct clearing {
    const mpj_store *store;
    int now, status;
    mpijob_removed *removed;
    mpijob_error *err;
} clearing;

static int clear_one(const char *name, void *payload)
{
    clearing *all = payload;
    char function[MPJ_ESCAPED_BYTES + 8];
    if (strcmp(name, MPJ_TRASH_FOLDER) == 0 || strcmp(name, MPJ_CLEANER_FOLDER) == 0 || strchr(name, '.') ||
        snprintf(function, sizeof function, "mpijob/%s", name) >= (int)sizeof function)
        return 0;
    int status = clear_folder(all->store, function, all->now, all->removed, all->err);
    if (status != MPIJOB_OK && all->status == MPIJOB_OK)
        all->status = status;
    sweep(all->store, function);
    return 0;
}

static int clear_all(mpj_store *store, int now, mpijob_removed *removed, mpijob_error *err)
{
    int root;
    clearing all = {store, now, MPIJOB_OK, removed, err};
    for (mpj_shelf *shelf = store->shelves; shelf; shelf = shelf->next) {
        mpj_shelf_write(shelf);
        mpj_shelf_abandon(shelf);
    }
    int status = mpj_below_walk(&root, store->location, "mpijob", NULL, err);
    if (status == MPIJOB_OK) {
        status = mpj_below_list(root, mpj_store_root(store), clear_one, &all, err);
        mpj_file_close(&root);
    }
    for (mpj_shelf *shelf = store->shelves; shelf; shelf = shelf->next)
        mpj_shelf_refresh_now(shelf);
    return status == MPIJOB_ENOTFOUND ? MPIJOB_OK : status == MPIJOB_OK ? all.status : status;
}

int mpijob_memory_clear(mpijob_memory *memory, int now, mpijob_removed *removed, mpijob_error *err)
{
    mpijob_removed own = {0};
    if (!memory)
        return mpj_fail(err, MPIJOB_EINVAL, "mpijob_memory_clear: memory is NULL");
    int status = MPIJOB_OK;
    if (memory->store) {
        mpj_say_flushing(memory);
        mpj_memory_finish_runs(memory);
        pthread_mutex_lock(&memory->lock);
        status = clear_all(memory->store, now, &own, err);
        pthread_mutex_unlock(&memory->lock);
    }
    if (removed)
        *removed = own;
    return status;
}
