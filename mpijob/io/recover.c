/* What interrupted publishing left: restoring and removing it. Page: publishing.md. */
#include "base/error.h"
#include "io/hidden.h"
#include "io/leftovers.h"
#include "io/publish.h"
#include "io/replace.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define MAX_LISTED 10000 /* names that a publish looks through for left-overs: 10 ms at most */
#define TRIES 30         /* while others replace the target all the time */
#define OLD_S (2 * 24 * 3600)
#define DEEPEST 128

static int is_there(const char *path)
{
    struct stat info;
    return lstat(path, &info) == 0;
}

/* Calls back for each hidden name of a target. */
typedef void each_fn(const char *path, mpj_hidden_kind kind, void *payload);

static void list_hidden(const char *target, size_t limit, each_fn *each, void *payload)
{
    char folder[MPJ_PATH_BYTES], path[MPJ_PATH_BYTES], tag[MPJ_HIDDEN_TAG_BYTES];
    const char *name;
    if (mpj_path_split(folder, &name, target, NULL) != MPIJOB_OK)
        return;
    mpj_hidden_tag(tag, name);
    DIR *listing = opendir(folder);
    struct dirent *entry;
    while (listing && limit-- > 0 && (entry = readdir(listing))) {
        mpj_hidden_kind kind = mpj_hidden_kind_of(entry->d_name, tag);
        if (kind != MPJ_HIDDEN_NONE && mpj_path_join(path, folder, entry->d_name, NULL) == MPIJOB_OK)
            each(path, kind, payload);
    }
    if (listing)
        closedir(listing);
}

/* ---- Restoring -------------------------------------------------------------------------------------------------- */

typedef struct newest_pair {
    char path[MPJ_PATH_BYTES]; /* the complete one; "": there is none */
    struct timespec put_aside;
    int busy; /* names of writers that may live, who change what a listing shows while it is made */
} newest_pair;

static int later(struct timespec a, struct timespec b)
{
    return a.tv_sec != b.tv_sec ? a.tv_sec > b.tv_sec : a.tv_nsec > b.tv_nsec;
}

static void look_for_pair(const char *path, mpj_hidden_kind kind, void *payload)
{
    newest_pair *best = payload;
    char old[MPJ_PATH_BYTES];
    struct stat info;
    best->busy |= mpj_hidden_owner_of(path) != MPJ_OWNER_GONE;
    if (kind != MPJ_HIDDEN_NEW)
        return;
    snprintf(old, sizeof old, "%s", path);
    mpj_hidden_change(old, MPJ_HIDDEN_OLD);
    if (lstat(old, &info) != 0 || (best->path[0] && !later(info.st_ctim, best->put_aside)))
        return;
    best->put_aside = info.st_ctim;
    snprintf(best->path, sizeof best->path, "%s", path);
}

/* 1: it is where it belongs; 0: look again; -1: it has to stay where it is. */
static int restore(const char *complete, const char *target)
{
    if (rename(complete, target) == 0) {
        char old[MPJ_PATH_BYTES];
        snprintf(old, sizeof old, "%s", complete);
        mpj_hidden_change(old, MPJ_HIDDEN_OLD);
        mpj_discard(old, target);
        return 1;
    }
    if (errno == ENOENT)
        return 0;
    return is_there(target) ? 1 : -1;
}

int mpj_publish_recover(const char *target, char *found)
{
    char resolved[MPJ_PATH_BYTES];
    if (strlen(target) >= sizeof resolved)
        return 0;
    snprintf(found, MPJ_PATH_BYTES, "%s", target);
    if (mpj_publish_resolve(resolved, target, NULL) != MPIJOB_OK)
        return is_there(target);
    for (int i = 0; i < TRIES; i++) {
        newest_pair best = {0};
        if (is_there(resolved))
            return 1;
        list_hidden(resolved, SIZE_MAX, look_for_pair, &best);
        if (!best.path[0] && !best.busy)
            return is_there(resolved);
        int restored = best.path[0] ? restore(best.path, resolved) : 0;
        if (restored < 0)
            snprintf(found, MPJ_PATH_BYTES, "%s", best.path);
        if (restored)
            return 1;
    }
    return is_there(resolved);
}

/* ---- Removing --------------------------------------------------------------------------------------------------- */

/* When anything in it changed last; a folder's own time does not show changes below. What is deeper than a dump can be is
 * none, and not looked through. */
static time_t last_change(const char *path, int depth)
{
    struct stat info;
    if (lstat(path, &info) != 0)
        return 0;
    time_t last = info.st_mtime;
    DIR *listing = S_ISDIR(info.st_mode) && depth < DEEPEST ? opendir(path) : NULL;
    struct dirent *entry;
    while (listing && (entry = readdir(listing))) {
        char below[MPJ_PATH_BYTES];
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
            mpj_path_join(below, path, entry->d_name, NULL) != MPIJOB_OK)
            continue;
        time_t time = last_change(below, depth + 1);
        last = time > last ? time : last;
    }
    if (listing)
        closedir(listing);
    return last;
}

typedef struct cleaning {
    const char *target;
    time_t now;
} cleaning;

static int is_left_over(const char *path, time_t now)
{
    switch (mpj_hidden_owner_of(path)) {
    case MPJ_OWNER_LIVES:
        return 0;
    case MPJ_OWNER_GONE:
        return 1;
    case MPJ_OWNER_ELSEWHERE:
        return now - last_change(path, 0) > OLD_S;
    }
    return 0;
}

/* While the target is missing, a pair is what it can be restored from. */
static void clean_one(const char *path, mpj_hidden_kind kind, void *payload)
{
    const cleaning *c = payload;
    int of_pair = kind == MPJ_HIDDEN_NEW || kind == MPJ_HIDDEN_OLD;
    if ((of_pair && !is_there(c->target)) || !is_left_over(path, c->now))
        return;
    if (of_pair)
        mpj_discard(path, c->target);
    else
        mpj_folder_remove(path, NULL);
}

void mpj_leftovers_remove(const char *target, const char *own_path)
{
    struct stat own;
    if (lstat(own_path, &own) != 0)
        return;
    cleaning c = {.target = target, .now = own.st_mtime};
    list_hidden(target, MAX_LISTED, clean_one, &c);
}
