#include "memory/trash.h"

#include "base/error.h"
#include "io/identity.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define HEX "0123456789abcdef"
#define DIGITS "0123456789"
#define TIME_BYTES 10
#define PREFIX_BYTES (TIME_BYTES + 1 + 16) /* "<time>-<16 hex>" */

/* Room for "mpijob/<function>/trash/<item>/<two digits>". */
#define BELOW_BYTES (MPJ_ESCAPED_BYTES + MPJ_TRASH_ITEM_BYTES + 64)

/* ---- Names ------------------------------------------------------------------------------------------------------- */

static int64_t now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec;
}

/* Of a path the last part is kept, so that people see what it was. */
static void name_item(char item[MPJ_TRASH_ITEM_BYTES], const char *name)
{
    const char *slash = strrchr(name, '/');
    snprintf(item, MPJ_TRASH_ITEM_BYTES, "%010" PRId64 "-%016" PRIx64 ".%s", now_s(), mpj_random_token(),
             slash ? slash + 1 : name);
}

static bool ends_in(const char *name, const char *suffix)
{
    size_t length = strlen(name), tail = strlen(suffix);
    return length >= tail && strcmp(name + length - tail, suffix) == 0;
}

int64_t mpj_trash_grace(const char *item, int64_t *since_s)
{
    if (strspn(item, DIGITS) != TIME_BYTES || item[TIME_BYTES] != '-' || strspn(item + TIME_BYTES + 1, HEX) != 16 ||
        item[PREFIX_BYTES] != '.')
        return -1;
    *since_s = strtoll(item, NULL, 10);
    bool large = ends_in(item, "." MPJ_LARGE_FOLDER) || ends_in(item, ".npy") || ends_in(item, ".zip");
    return large ? MPJ_TRASH_LARGE_S : MPJ_TRASH_S;
}

/* ---- Moving ------------------------------------------------------------------------------------------------------ */

static void below_of(char below[BELOW_BYTES], const char *function, const char *item)
{
    snprintf(below, BELOW_BYTES, "%s/" MPJ_TRASH_FOLDER "%s%s", function, item ? "/" : "", item ? item : "");
}

int mpj_trash_put(const mpj_store *store, const char *function, const char *name, char item[MPJ_TRASH_ITEM_BYTES],
                  mpijob_error *err)
{
    char below[BELOW_BYTES];
    int from, trash;
    const char *slash = strrchr(name, '/');
    snprintf(below, sizeof below, "%s/%.*s", function, slash ? (int)(slash - name) : 0, name);
    int status = mpj_below_walk(&from, store->location, below, NULL, err);
    if (status != MPIJOB_OK)
        return status;
    const char *last = slash ? slash + 1 : name;
    if (mpj_below_look(from, last, NULL) == 0) {
        mpj_file_close(&from);
        return mpj_fail(err, MPIJOB_ENOTFOUND, "there is no %s/%s", below, last);
    }
    below_of(below, function, NULL);
    status = mpj_below_walk(&trash, store->location, below, &store->rights, err);
    if (status == MPIJOB_OK) {
        name_item(item, name);
        status = mpj_below_rename(from, last, trash, item, err);
        mpj_file_close(&trash);
    }
    mpj_file_close(&from);
    return status;
}

/* ---- Looking ----------------------------------------------------------------------------------------------------- */

typedef struct tally {
    const mpj_store *store;
    const char *below; /* the folder being listed */
    int folder, depth;
    uint64_t bytes;
} tally;

static void tally_folder(tally *all, const char *below, int depth);

static int tally_one(const char *name, void *payload)
{
    tally *all = payload;
    char below[BELOW_BYTES];
    uint64_t bytes;
    int fd;
    if (mpj_below_open(&fd, all->folder, all->below, name, &bytes, NULL) == MPIJOB_OK) {
        mpj_file_close(&fd);
        all->bytes += bytes;
    } else if (all->depth > 0 && snprintf(below, sizeof below, "%s/%s", all->below, name) < (int)sizeof below) {
        tally_folder(all, below, all->depth - 1);
    }
    return 0;
}

/* A depth of two is all there is: large/<2 hex>/<file>. */
static void tally_folder(tally *all, const char *below, int depth)
{
    const tally outer = *all;
    if (mpj_below_walk(&all->folder, all->store->location, below, NULL, NULL) == MPIJOB_OK) {
        all->below = below;
        all->depth = depth;
        mpj_below_list(all->folder, below, tally_one, all, NULL);
        mpj_file_close(&all->folder);
    }
    all->below = outer.below;
    all->folder = outer.folder;
    all->depth = outer.depth;
}

uint64_t mpj_trash_bytes(const mpj_store *store, const char *function, const char *item)
{
    char below[BELOW_BYTES];
    int trash;
    tally all = {.store = store};
    below_of(below, function, NULL);
    if (mpj_below_walk(&trash, store->location, below, NULL, NULL) != MPIJOB_OK)
        return 0;
    all.folder = trash;
    all.below = below;
    all.depth = 2;
    tally_one(item, &all);
    mpj_file_close(&trash);
    return all.bytes;
}

/* ---- Removing ---------------------------------------------------------------------------------------------------- */

int mpj_trash_remove(const mpj_store *store, const char *function, const char *item, mpijob_error *err)
{
    char below[BELOW_BYTES];
    int trash;
    below_of(below, function, NULL);
    int status = mpj_below_walk(&trash, store->location, below, NULL, err);
    if (status != MPIJOB_OK)
        return status == MPIJOB_ENOTFOUND ? MPIJOB_OK : status;
    status = mpj_folder_remove_at(trash, item, err);
    mpj_file_close(&trash);
    return status;
}

typedef struct sweep {
    int trash;
    int64_t now_s;
} sweep;

static int sweep_one(const char *name, void *payload)
{
    const sweep *s = payload;
    int64_t since_s, grace_s = mpj_trash_grace(name, &since_s);
    if (grace_s >= 0 && s->now_s - since_s > grace_s)
        mpj_folder_remove_at(s->trash, name, NULL);
    return 0;
}

void mpj_trash_sweep(const mpj_store *store, const char *function, int64_t now)
{
    char below[BELOW_BYTES];
    sweep s = {.now_s = now};
    below_of(below, function, NULL);
    if (mpj_below_walk(&s.trash, store->location, below, NULL, NULL) != MPIJOB_OK)
        return;
    mpj_below_list(s.trash, below, sweep_one, &s, NULL);
    mpj_file_close(&s.trash);
}
