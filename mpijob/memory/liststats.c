/* What a location holds, in numbers. */
#include "base/error.h"
#include "io/info.h"
#include "memory/verify.h"

#include <stdio.h>

#define DEEPEST 8

typedef struct tally {
    mpijob_store_stats *stats;
    int folder, depth;
    bool trash;
} tally;

static int tally_name(const char *name, void *payload)
{
    tally *t = payload;
    mpj_info info;
    if (mpj_info_look(&info, t->folder, name) != 1)
        return 0;
    if (!info.is_folder) {
        t->stats->files++;
        t->stats->bytes += info.bytes;
        t->stats->trash_bytes += t->trash ? info.bytes : 0;
        return 0;
    }
    t->stats->folders++;
    tally inner = {t->stats, -1, t->depth + 1, t->trash || (t->depth == 1 && strcmp(name, MPJ_TRASH_FOLDER) == 0)};
    inner.folder = inner.depth < DEEPEST ? mpj_info_open_folder(t->folder, name) : -1;
    if (inner.folder >= 0)
        mpj_below_list(inner.folder, name, tally_name, &inner, NULL);
    mpj_file_close(&inner.folder);
    return 0;
}

/* below: "mpijob", or one function's. */
static int tally_folder(mpijob_store_stats *stats, const mpj_store *store, const char *below, mpijob_error *err)
{
    tally all = {.stats = stats, .depth = strchr(below, '/') ? 1 : 0};
    int status = mpj_below_walk(&all.folder, store->location, below, NULL, err);
    if (status != MPIJOB_OK)
        return status;
    stats->folders++;
    status = mpj_below_list(all.folder, below, tally_name, &all, err);
    mpj_file_close(&all.folder);
    return status;
}

uint64_t mpj_location_bytes(const mpj_store *store)
{
    mpijob_store_stats stats = {.bytes = 0};
    return tally_folder(&stats, store, "mpijob", NULL) == MPIJOB_OK ? stats.bytes - stats.trash_bytes : 0;
}

typedef struct counting {
    mpijob_store_stats *stats;
    mpijob_error *err;
} counting;

static int count(mpj_list *list, const char *name, void *payload)
{
    const counting *c = payload;
    mpijob_store_stats *stats = c->stats;
    mpj_use_table uses;
    (void)name;
    stats->functions++;
    stats->segments += list->segment_count;
    for (size_t i = 0; i < list->count; i++) {
        const mpj_listed *e = &list->entries[i];
        stats->entries += e->live;
        stats->dead += !e->live;
        stats->large += e->live && e->kind == MPJ_ENTRY_LARGE;
        stats->compute_s += e->live ? e->compute_s : 0;
    }
    int status = mpj_uses_read(&uses, list->store, list->function, c->err);
    stats->hits += uses.hits;
    stats->saved_s += uses.saved_s;
    mpj_uses_free(&uses);
    return status;
}

int mpijob_store_get_stats(mpijob_store_stats *stats, mpijob_store *store, const char *function, mpijob_error *err)
{
    char below[MPJ_FUNCTION_BYTES] = "mpijob";
    mpijob_store_stats made = {.hit_rate = -1};
    counting c = {&made, err};
    if (!stats || !store)
        return mpj_fail(err, MPIJOB_EINVAL, "mpijob_store_get_stats: %s is NULL", stats ? "store" : "stats");
    int status = mpj_each_list(store, function, count, &c, err);
    if (status == MPIJOB_OK && function)
        mpj_list_function_of(below, function);
    if (status == MPIJOB_OK)
        status = tally_folder(&made, mpj_store_of(store), below, err);
    if (status != MPIJOB_OK)
        return status;
    if (made.hits + made.entries > 0)
        made.hit_rate = (double)made.hits / (double)(made.hits + made.entries);
    *stats = made;
    return MPIJOB_OK;
}
