/* What is of no use to anyone (cleaner.h). */
#include "io/info.h"
#include "memory/cleaner.h"
#include "memory/trash.h"

#include <stdio.h>
#include <time.h>

#define WRITTEN_S (2 * 86400) /* nobody writes a file for two days */

typedef struct sweeping {
    int folder;
    int64_t now_s;
} sweeping;

static bool ends_in(const char *name, const char *suffix)
{
    size_t length = strlen(name), tail = strlen(suffix);
    return length > tail && strcmp(name + length - tail, suffix) == 0;
}

/* An index is made after its segment, and removed after it. */
static bool is_alone(const sweeping *s, const char *name)
{
    char writer[MPJ_WRITER_BYTES], segment[MPJ_WRITER_BYTES + 8];
    if (!mpj_writer_of(writer, name, MPJ_INDEX_SUFFIX))
        return false;
    mpj_writer_file(segment, writer, MPJ_SEGMENT_SUFFIX);
    return mpj_below_look(s->folder, segment, NULL) == 0;
}

static int sweep_file(const char *name, void *payload)
{
    const sweeping *s = payload;
    mpj_info info;
    if (!ends_in(name, MPJ_TEMPORARY_SUFFIX) && !is_alone(s, name))
        return 0;
    if (mpj_info_look(&info, s->folder, name) == 1 && s->now_s - info.modified_s > WRITTEN_S)
        mpj_folder_remove_at(s->folder, name, NULL);
    return 0;
}

static void sweep_folder(const mpj_store *store, const char *function, const char *name, int64_t now_s)
{
    char below[MPJ_FUNCTION_BYTES + 16];
    sweeping s = {.now_s = now_s};
    snprintf(below, sizeof below, "%s/%s", function, name);
    if (mpj_below_walk(&s.folder, store->location, below, NULL, NULL) != MPIJOB_OK)
        return;
    mpj_below_list(s.folder, below, sweep_file, &s, NULL);
    mpj_file_close(&s.folder);
}

void mpj_cleaner_sweep(const mpj_store *store, const char *function)
{
    static const char *const folders[] = {MPJ_SEGMENTS_FOLDER, MPJ_VERSIONS_FOLDER, MPJ_USE_FOLDER, MPJ_CLEANER_FOLDER};
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    mpj_trash_sweep(store, function, now.tv_sec);
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++)
        sweep_folder(store, function, folders[i], now.tv_sec);
}

/* ---- Trash ------------------------------------------------------------------------------------------------------- */

typedef struct emptying {
    const mpj_store *store;
    const char *function;
    uint64_t bytes;
} emptying;

static int remove_item(const char *name, void *payload)
{
    emptying *e = payload;
    uint64_t bytes = mpj_trash_bytes(e->store, e->function, name);
    if (mpj_trash_remove(e->store, e->function, name, NULL) == MPIJOB_OK)
        e->bytes += bytes;
    return 0;
}

uint64_t mpj_cleaner_empty_trash(const mpj_store *store, const char *function)
{
    char below[MPJ_FUNCTION_BYTES + 16];
    emptying e = {store, function, 0};
    int trash;
    snprintf(below, sizeof below, "%s/" MPJ_TRASH_FOLDER, function);
    if (mpj_below_walk(&trash, store->location, below, NULL, NULL) != MPIJOB_OK)
        return 0;
    mpj_below_list(trash, below, remove_item, &e, NULL);
    mpj_file_close(&trash);
    return e.bytes;
}
