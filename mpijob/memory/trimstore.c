/* Trimming a location (trim.h): all results are looked at, a bound is chosen, and what lies below it goes. */
#include "base/alloc.h"
#include "base/error.h"
#include "memory/cached.h"
#include "memory/trash.h"
#include "memory/trim.h"

#include <stdio.h>
#include <time.h>

#define NS_PER_S INT64_C(1000000000)
#define NS_PER_HOUR (3600 * NS_PER_S)

/* ---- Looking ----------------------------------------------------------------------------------------------------- */

/* On disk, as far as it is the entry's own: in its segment, in the index, and its file. */
static uint64_t bytes_of(mpj_list *list, const mpj_listed *e, mpj_room *room)
{
    char file[MPJ_LARGE_FILE_BYTES];
    uint64_t bytes = e->total_bytes + MPJ_INDEX_RECORD_BYTES;
    if (e->kind == MPJ_ENTRY_LARGE && mpj_list_large_file(list, e, room, file, NULL) == 1)
        bytes += mpj_list_large_bytes(list, file);
    return bytes;
}

/* Its time is a use; others are recorded to the hour, which counts from its end. */
static mpj_trim_item item_of(const mpj_listed *e, const mpj_use_table *uses)
{
    const mpj_use_record *use = mpj_use_find(uses, &e->name);
    const bool believed = use && use->hour < MPJ_TIME_MOST / NS_PER_HOUR;
    int64_t used_ns = believed ? ((int64_t)use->hour + 1) * NS_PER_HOUR : 0;
    return (mpj_trim_item){.used_ns = used_ns > e->time_ns ? used_ns : e->time_ns,
                           .tie = mpj_get_u64(e->name.key.bytes) ^ e->name.version};
}

int mpj_trim_items(mpj_list *list, mpj_trim_item **items, size_t *count, size_t *capacity, mpijob_error *err)
{
    mpj_use_table uses;
    mpj_room room = {0};
    int status = mpj_uses_read(&uses, list->store, list->function, err);
    for (size_t i = 0; i < list->count && status == MPIJOB_OK; i++) {
        const mpj_listed *e = &list->entries[i];
        if (!e->live)
            continue;
        if (mpj_grow((void **)items, capacity, *count + 1, sizeof **items) != 0) {
            status = mpj_fail_memory(err, "the results of a location", (*count + 1) * sizeof **items);
            break;
        }
        mpj_trim_item *item = &(*items)[(*count)++];
        *item = item_of(e, &uses);
        item->bytes = bytes_of(list, e, &room);
    }
    mpj_free(room.bytes);
    mpj_uses_free(&uses);
    return status;
}

typedef struct trimming {
    mpj_store *store;
    const mpj_trim_options *options;
    mpijob_removed *removed;
    mpijob_error *err;
    mpj_trim_item *items;
    size_t count, capacity;
    mpj_trim_bound bound;
    bool busy; /* somebody else was cleaning a function */
} trimming;

static int look(const char *function, const char *name, void *payload)
{
    trimming *t = payload;
    mpj_list list;
    (void)name;
    int status = mpj_list_read(&list, t->store, function, NULL, t->err);
    if (status == MPIJOB_OK)
        status = mpj_trim_items(&list, &t->items, &t->count, &t->capacity, t->err);
    mpj_list_free(&list);
    return status;
}

/* ---- Removing ---------------------------------------------------------------------------------------------------- */

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec * NS_PER_S + now.tv_nsec;
}

static int bury(mpj_shelf *shelf, const mpj_listed *e, mpijob_error *err)
{
    int64_t now = now_ns();
    const mpj_put put = {.name = e->name,
                         .kind = MPJ_ENTRY_TOMBSTONE,
                         .payload = "",
                         .json = "",
                         .meta = "",
                         .time_ns = now > e->time_ns ? now : e->time_ns + 1};
    return mpj_shelf_put(shelf, &put, err);
}

/* In a segment that somebody writes to a result cannot be left out: it is cleared, as by a call. */
static int bury_in_open(trimming *t, mpj_list *list, const char *name)
{
    mpj_shelf *shelf = NULL;
    int status = MPIJOB_OK;
    for (size_t i = 0; i < list->count && status == MPIJOB_OK; i++) {
        const mpj_listed *e = &list->entries[i];
        if (!e->drop || !e->live || list->segments[e->segment].closed)
            continue;
        if (!shelf)
            status = mpj_shelf_open(&shelf, t->store, name, t->err);
        if (status == MPIJOB_OK)
            status = bury(shelf, e, t->err);
        if (status == MPIJOB_OK) {
            t->removed->items++;
            t->removed->bytes_later += e->total_bytes;
        }
    }
    return status == MPIJOB_OK && shelf ? mpj_store_flush(t->store, false, t->err) : status;
}

/* Whether there is anything. */
static int mark(trimming *t, mpj_list *list, bool *any)
{
    mpj_use_table uses;
    int status = mpj_uses_read(&uses, list->store, list->function, t->err);
    *any = false;
    for (size_t i = 0; i < list->count && status == MPIJOB_OK; i++) {
        mpj_listed *e = &list->entries[i];
        const mpj_trim_item item = item_of(e, &uses);
        bool goes = e->live && mpj_trim_goes(&t->bound, &item);
        /* What it hides would be found again. */
        e->drop = goes || (i > 0 && list->entries[i - 1].drop && mpj_name_equal(&list->entries[i - 1].name, &e->name));
        *any |= e->drop;
        if (goes && t->options->tells)
            mpj_say_deleting(list->store, list->function, &e->name, e->total_bytes + e->large_bytes, item.used_ns);
    }
    mpj_uses_free(&uses);
    return status;
}

static void add_up(trimming *t, const mpj_compacted *done)
{
    uint64_t freed = done->bytes_now > done->bytes_after ? done->bytes_now - done->bytes_after : 0;
    uint64_t later = done->bytes_later > done->bytes_after ? done->bytes_later - done->bytes_after : 0;
    t->removed->items += done->dropped;
    t->removed->bytes_now += freed;
    t->removed->bytes_later += later;
    if (done->later_s > t->removed->later_s)
        t->removed->later_s = done->later_s;
}

static int trim_held(trimming *t, mpj_list *list, mpj_election *election, const char *name)
{
    const mpj_cleaner_options options = {.now = t->options->now};
    mpj_compacted done = {.sources = 0};
    bool any;
    int status = mark(t, list, &any);
    if (status != MPIJOB_OK || !any)
        return status;
    status = mpj_cleaner_merge(list, election, &options, &done, t->err);
    add_up(t, &done);
    return status == MPIJOB_OK ? bury_in_open(t, list, name) : status;
}

static int trim_one(const char *function, const char *name, void *payload)
{
    trimming *t = payload;
    mpj_election election;
    mpj_list list;
    int status = mpj_election_stand(&election, t->store, function, t->err);
    if (status != 1) {
        t->busy |= status == 0;
        return status == 0 ? MPIJOB_OK : status;
    }
    status = mpj_list_read(&list, t->store, function, NULL, t->err);
    if (status == MPIJOB_OK && t->bound.any)
        status = trim_held(t, &list, &election, name);
    mpj_list_free(&list);
    if (t->options->now)
        t->removed->bytes_now += mpj_cleaner_empty_trash(t->store, function);
    mpj_election_end(&election, t->store);
    t->busy |= status == MPIJOB_ECANCELED;
    return status == MPIJOB_ECANCELED ? MPIJOB_OK : status;
}

/* What this process has written may be removed too. */
static void close_own(mpj_store *store)
{
    for (mpj_shelf *shelf = store->shelves; shelf; shelf = shelf->next)
        mpj_shelf_seal(shelf);
}

static bool is_needed(const trimming *t)
{
    return t->options->now || t->bound.any;
}

int mpj_trim(mpj_store *store, const mpj_trim_options *options, mpijob_removed *removed, mpijob_error *err)
{
    const mpj_trim_limits roomier = mpj_trim_with_room(&options->limits);
    trimming t = {store, options, removed, err, .count = 0};
    *removed = (mpijob_removed){0};
    mpj_store_flush(store, false, NULL);
    int status = mpj_list_functions(store, look, &t, err);
    if (status == MPIJOB_OK)
        mpj_trim_choose(&t.bound, t.items, t.count, &options->limits, now_ns());
    if (status == MPIJOB_OK && options->automatic && t.bound.any)
        mpj_trim_choose(&t.bound, t.items, t.count, &roomier, now_ns());
    mpj_free(t.items);
    if (t.bound.any)
        close_own(store);
    if (status == MPIJOB_OK && is_needed(&t))
        status = mpj_list_functions(store, trim_one, &t, err);
    if (t.bound.any)
        for (mpj_shelf *shelf = store->shelves; shelf; shelf = shelf->next)
            mpj_shelf_refresh_now(shelf);
    if (status == MPIJOB_OK && t.busy)
        return mpj_fail(err, MPIJOB_ECANCELED, "another process is cleaning %s", store->location);
    return status;
}
