#include "io/replace.h"

#include "base/error.h"
#include "io/hidden.h"
#include "io/sync.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define TRIES 100 /* each lost to another writer of the same target */

typedef enum outcome {
    DONE,
    AGAIN,
    FAILED
} outcome;

typedef struct replacement {
    char *path;
    const char *target;
    char old[MPJ_PATH_BYTES];
    struct stat made; /* what is to be published */
    int durable;
    int (*may_replace)(const char *path);
} replacement;

static int same(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

static int is_there(const char *path)
{
    struct stat info;
    return lstat(path, &info) == 0;
}

void mpj_discard(const char *path, const char *target)
{
    char hidden[MPJ_PATH_BYTES];
    if (mpj_hidden_path(hidden, target, MPJ_HIDDEN_DEL, NULL) == MPIJOB_OK && rename(path, hidden) == 0)
        mpj_folder_remove(hidden, NULL);
}

/* Once ours is called "new", only somebody who found the target missing takes that name away, by renaming it to the
 * target. And a file server whose first answer was lost says, asked again, that there is nothing to rename. */
static int went_through(const replacement *r)
{
    struct stat there;
    if (is_there(r->path))
        return 0;
    if (r->old[0])
        return 1;
    return lstat(r->target, &there) == 0 && same(&there, &r->made);
}

/* Into an empty place, or a file onto a file. */
static outcome rename_onto(replacement *r, mpijob_error *err)
{
    if (rename(r->path, r->target) == 0)
        return DONE;
    int why = errno;
    if (why == ENOENT && went_through(r))
        return DONE;
    if (why == ENOTEMPTY || why == EEXIST || ((why == EPERM || why == EISDIR || why == ENOTDIR) && is_there(r->target)))
        return AGAIN;
    mpj_fail_os(err, why, "cannot rename what was written to %s", r->target);
    return FAILED;
}

/* Says by its name that what was made is complete, for others to finish what follows. */
static int announce(replacement *r, mpijob_error *err)
{
    char complete[MPJ_PATH_BYTES], folder[MPJ_PATH_BYTES];
    const char *name;
    memcpy(complete, r->path, sizeof complete);
    mpj_hidden_change(complete, MPJ_HIDDEN_NEW);
    if (rename(r->path, complete) != 0)
        return mpj_fail_os(err, errno, "cannot rename what was written to %s", complete);
    memcpy(r->path, complete, sizeof complete);
    memcpy(r->old, complete, sizeof complete);
    mpj_hidden_change(r->old, MPJ_HIDDEN_OLD);
    if (!r->durable)
        return MPIJOB_OK;
    int status = mpj_path_split(folder, &name, r->target, err);
    return status == MPIJOB_OK ? mpj_sync_folder(folder, err) : status;
}

/* Two renames with a moment without the name between them. */
static outcome put_aside(replacement *r, mpijob_error *err)
{
    if (r->old[0])
        mpj_discard(r->old, r->target); /* of an earlier try: what another writer put there is newer */
    else if (announce(r, err) != MPIJOB_OK)
        return FAILED;
    if (rename(r->target, r->old) != 0 && errno != ENOENT) {
        mpj_fail_os(err, errno, "cannot put aside the old %s", r->target);
        return FAILED;
    }
    outcome result = rename_onto(r, err);
    if (result == FAILED && rename(r->old, r->target) != 0 && !is_there(r->target))
        r->path[0] = '\0'; /* now only the pair is left to restore from: it has to stay */
    return result;
}

/* Whatever keeps the system from exchanging, the steps go another way, and meet the same error if there is no way. */
static outcome take_place(replacement *r, mpijob_error *err)
{
    if (r->old[0] || renameat2(AT_FDCWD, r->path, AT_FDCWD, r->target, RENAME_EXCHANGE) != 0)
        return put_aside(r, err);
    mpj_folder_remove(r->path, NULL);
    return DONE;
}

static outcome refuse(const replacement *r, const char *why, mpijob_error *err)
{
    mpj_fail(err, MPIJOB_EINVAL, "%s %s: it is not replaced", r->target, why);
    return FAILED;
}

/* What was asked about may have been another writer's meanwhile: then asked again. */
static outcome ask(const replacement *r, const struct stat *there, mpijob_error *err)
{
    struct stat now;
    int yes = r->may_replace ? r->may_replace(r->target) : S_ISDIR(r->made.st_mode);
    if (yes > 0)
        return DONE;
    if (yes < 0) {
        mpj_fail_memory(err, "looking at what is replaced", 0);
        return FAILED;
    }
    if (lstat(r->target, &now) != 0 || !same(&now, there))
        return AGAIN;
    return refuse(r,
                  S_ISDIR(there->st_mode) ? "is a folder that holds something else, or cannot be looked into"
                                          : "is a file of another kind",
                  err);
}

static outcome replace_once(replacement *r, mpijob_error *err)
{
    struct stat there;
    if (lstat(r->target, &there) != 0)
        return rename_onto(r, err);
    if (!S_ISDIR(there.st_mode) && !S_ISREG(there.st_mode))
        return refuse(r, "is neither a file nor a folder", err);
    if (S_ISREG(r->made.st_mode) && S_ISREG(there.st_mode))
        return rename_onto(r, err);
    outcome result = ask(r, &there, err);
    return result == DONE ? take_place(r, err) : result;
}

int mpj_replace(char *path, const char *target, int durable, int (*may_replace)(const char *path), mpijob_error *err)
{
    mpijob_error own;
    replacement r = {.path = path, .target = target, .durable = durable, .may_replace = may_replace};
    if (lstat(path, &r.made) != 0)
        return mpj_fail_os(err, errno, "what was written to %s is gone", path);
    outcome result = AGAIN;
    mpj_fail(&own, MPIJOB_EOS, "other writers replace %s all the time", target);
    for (int i = 0; i < TRIES && result == AGAIN; i++)
        result = replace_once(&r, &own);
    if (r.old[0] && is_there(target))
        mpj_discard(r.old, target);
    if (result == DONE)
        return MPIJOB_OK;
    if (err)
        *err = own;
    return own.status;
}
