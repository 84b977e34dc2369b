/* Files of large results that nothing refers to any more (compact.h). */
#include "base/alloc.h"
#include "base/error.h"
#include "io/info.h"
#include "memory/compact.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define ORPHAN_S (2 * 86400) /* a file is made before its entry; nobody takes two days for that */

typedef char file_name[MPJ_LARGE_FILE_BYTES];

typedef struct removing {
    const mpj_large_files *files;
    mpj_list *list;
    mpj_election *election;
    mpj_compacted *done;
    mpijob_error *err;
    bool now;
    const char *below; /* the folder of large/ at hand: "ab" */
    int folder;
    int64_t now_s;
} removing;

static int by_text(const void *left, const void *right)
{
    return strcmp(left, right);
}

static int add(mpj_large_names *names, const char *name, mpijob_error *err)
{
    if (mpj_grow((void **)&names->all, &names->capacity, names->count + 1, sizeof *names->all) != 0)
        return mpj_fail_memory(err, "the files of large results", (names->count + 1) * sizeof *names->all);
    snprintf(names->all[names->count++], sizeof *names->all, "%s", name);
    return MPIJOB_OK;
}

static bool is_live(const mpj_large_files *files, const char *name)
{
    const mpj_large_names *live = &files->live;
    return live->count && bsearch(name, live->all, live->count, sizeof *live->all, by_text);
}

/* One that is to be dropped goes with its segment, if that goes. */
static bool stays(const mpj_list *list, const mpj_listed *e)
{
    const mpj_listed_segment *segment = &list->segments[e->segment];
    return e->live && (!e->drop || (segment->source && segment->failed));
}

int mpj_large_collect(mpj_large_files *files, mpj_list *list, mpijob_error *err)
{
    file_name name;
    mpj_room room = {0};
    int status = MPIJOB_OK;
    *files = (mpj_large_files){.live = {0}};
    for (size_t i = 0; i < list->segment_count; i++)
        files->unknown |= list->segments[i].foreign;
    for (size_t i = 0; i < list->count && status == MPIJOB_OK; i++) {
        const mpj_listed *e = &list->entries[i];
        if (e->kind != MPJ_ENTRY_LARGE)
            continue;
        int found = mpj_list_large_file(list, e, &room, name, err);
        if (found == 1)
            status = add(stays(list, e) ? &files->live : &files->dead, name, err);
        else if (found == MPIJOB_ENOMEM)
            status = found;
        else
            files->unknown |= stays(list, e);
    }
    if (files->live.count > 1)
        qsort(files->live.all, files->live.count, sizeof *files->live.all, by_text);
    mpj_free(room.bytes);
    return status;
}

void mpj_large_free(mpj_large_files *files)
{
    mpj_free(files->live.all);
    mpj_free(files->dead.all);
}

static int remove_file(removing *c, const char *name)
{
    char path[sizeof MPJ_LARGE_FOLDER + 1 + MPJ_LARGE_FILE_BYTES];
    if (!mpj_election_holds(c->election))
        return mpj_fail(c->err, MPIJOB_ECANCELED, "another process cleans %s", c->list->path);
    snprintf(path, sizeof path, MPJ_LARGE_FOLDER "/%s", name);
    return mpj_compact_remove(c->list, path, c->now, c->done, c->err);
}

/* ---- Without an entry -------------------------------------------------------------------------------------------- */

static int look_at_file(const char *name, void *payload)
{
    removing *c = payload;
    mpj_info info;
    file_name file;
    if (snprintf(file, sizeof file, "%s/%s", c->below, name) >= (int)sizeof file || is_live(c->files, file) ||
        mpj_info_look(&info, c->folder, name) != 1 || c->now_s - info.modified_s < ORPHAN_S)
        return MPIJOB_OK;
    return remove_file(c, file);
}

static int look_into(const char *name, void *payload)
{
    removing *c = payload;
    if (strlen(name) != 2)
        return MPIJOB_OK;
    int large = c->folder, status = MPIJOB_OK;
    c->folder = mpj_info_open_folder(large, name);
    c->below = name;
    if (c->folder >= 0)
        status = mpj_below_list(c->folder, MPJ_LARGE_FOLDER, look_at_file, c, c->err);
    mpj_file_close(&c->folder);
    c->folder = large;
    return status;
}

static int remove_orphans(removing *c)
{
    char below[MPJ_FUNCTION_BYTES + 16];
    snprintf(below, sizeof below, "%s/" MPJ_LARGE_FOLDER, c->list->function);
    int status = mpj_below_walk(&c->folder, c->list->store->location, below, NULL, NULL);
    if (status != MPIJOB_OK)
        return MPIJOB_OK;
    status = mpj_below_list(c->folder, below, look_into, c, c->err);
    mpj_file_close(&c->folder);
    return status;
}

int mpj_large_remove(const mpj_large_files *files, mpj_list *list, mpj_election *election, bool now,
                     mpj_compacted *done, mpijob_error *err)
{
    struct timespec clock;
    clock_gettime(CLOCK_REALTIME, &clock);
    removing r = {files, list, election, done, err, now, .folder = -1, .now_s = clock.tv_sec};
    int status = MPIJOB_OK;
    for (size_t i = 0; i < files->dead.count && status == MPIJOB_OK; i++)
        if (!is_live(files, files->dead.all[i]))
            status = remove_file(&r, files->dead.all[i]);
    if (status == MPIJOB_OK && !files->unknown)
        status = remove_orphans(&r);
    return status;
}
