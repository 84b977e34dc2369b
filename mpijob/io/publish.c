#include "io/publish.h"

#include "base/error.h"
#include "io/hidden.h"
#include "io/leftovers.h"
#include "io/replace.h"
#include "io/sync.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_LINKS 40 /* as the system's own limit */

enum {
    NOT_BEGUN,
    OWN,
    JOINED
};

/* ---- Where the target is ---------------------------------------------------------------------------------------- */

static int copy_path(char out[MPJ_PATH_BYTES], const char *path, mpijob_error *err)
{
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/')
        length--;
    if (length >= MPJ_PATH_BYTES)
        return mpj_fail(err, MPIJOB_EINVAL, "a path is longer than %d bytes: %.200s...", MPJ_PATH_BYTES - 1, path);
    memmove(out, path, length);
    out[length] = '\0';
    return MPIJOB_OK;
}

/* One step: 1: it was a link, and `path` is what it says; 0: it is none. */
static int follow(char path[MPJ_PATH_BYTES], mpijob_error *err, int *status)
{
    char text[MPJ_PATH_BYTES], folder[MPJ_PATH_BYTES], next[MPJ_PATH_BYTES];
    const char *name;
    ssize_t length = readlink(path, text, sizeof text - 1);
    if (length < 0)
        return 0;
    text[length] = '\0';
    *status = mpj_path_split(folder, &name, path, err);
    if (*status == MPIJOB_OK && text[0] == '/')
        memcpy(next, text, (size_t)length + 1);
    else if (*status == MPIJOB_OK)
        *status = mpj_path_join(next, folder, text, err);
    if (*status == MPIJOB_OK)
        *status = copy_path(path, next, err);
    return *status == MPIJOB_OK;
}

int mpj_publish_resolve(char resolved[MPJ_PATH_BYTES], const char *target, mpijob_error *err)
{
    int status = copy_path(resolved, target, err);
    int links = 0;
    while (status == MPIJOB_OK && follow(resolved, err, &status))
        if (++links > MAX_LINKS)
            return mpj_fail_os(err, ELOOP, "cannot follow %s", target);
    if (status != MPIJOB_OK)
        return status;
    const char *slash = strrchr(resolved, '/');
    const char *name = slash ? slash + 1 : resolved;
    if (!name[0] || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return mpj_fail(err, MPIJOB_EINVAL, "\"%s\" names no file", target);
    return MPIJOB_OK;
}

/* ---- Beginning -------------------------------------------------------------------------------------------------- */

/* What replaces a private file is private from the first byte on. */
static int make(mpj_publish *publish)
{
    if (publish->folder)
        return mkdir(publish->path, publish->mode ? 0700 : 0777);
    publish->fd = mpj_open(publish->path, O_RDWR | O_CREAT | O_EXCL, publish->mode ? 0600 : 0666);
    return publish->fd < 0 ? -1 : 0;
}

static int make_hidden(mpj_publish *publish, mpijob_error *err)
{
    int status = mpj_hidden_path(publish->path, publish->target, MPJ_HIDDEN_TMP, err);
    if (status != MPIJOB_OK)
        return status;
    if (make(publish) == 0)
        return MPIJOB_OK;
    const char *what = publish->folder ? "folder" : "file";
    return mpj_fail_os(err, errno, "cannot make %s: no new %s can be made beside it", publish->target, what);
}

static int look_at_target(mpj_publish *publish, mpijob_error *err)
{
    char found[MPJ_PATH_BYTES];
    struct stat there;
    mpj_publish_recover(publish->target, found);
    if (lstat(publish->target, &there) != 0)
        return MPIJOB_OK;
    if (!S_ISDIR(there.st_mode) && !S_ISREG(there.st_mode))
        return mpj_fail(err, MPIJOB_EINVAL, "%s is neither a file nor a folder: it is not replaced", publish->target);
    if (!S_ISDIR(there.st_mode) == !publish->folder)
        publish->mode = there.st_mode & (publish->folder ? 07777 : 0777);
    return MPIJOB_OK;
}

static int begin(mpj_publish *publish, const char *target, int folder, mpijob_error *err)
{
    *publish = (mpj_publish){.fd = -1, .folder = folder};
    int status = mpj_publish_resolve(publish->target, target, err);
    if (status == MPIJOB_OK)
        status = look_at_target(publish, err);
    if (status == MPIJOB_OK)
        status = make_hidden(publish, err);
    if (status != MPIJOB_OK)
        return status;
    publish->begun = OWN;
    mpj_leftovers_remove(publish->target, publish->path);
    return MPIJOB_OK;
}

int mpj_publish_file(mpj_publish *publish, const char *target, mpijob_error *err)
{
    return begin(publish, target, 0, err);
}

int mpj_publish_folder(mpj_publish *publish, const char *target, mpijob_error *err)
{
    return begin(publish, target, 1, err);
}

/* ---- Parts by other processes ----------------------------------------------------------------------------------- */

int mpj_publish_join(mpj_publish *publish, const char *path, int folder, mpijob_error *err)
{
    *publish = (mpj_publish){.fd = -1, .folder = folder};
    int status = copy_path(publish->path, path, err);
    if (status != MPIJOB_OK)
        return status;
    int flags = folder ? O_RDONLY | O_DIRECTORY : O_RDWR | O_NOFOLLOW;
    int fd = mpj_open(publish->path, flags, 0);
    if (fd < 0)
        return mpj_fail_os(err, errno, "cannot open %s, made by another rank", path);
    publish->begun = JOINED;
    if (folder)
        close(fd);
    else
        publish->fd = fd;
    return MPIJOB_OK;
}

int mpj_publish_leave(mpj_publish *publish, int durable, mpijob_error *err)
{
    int status = MPIJOB_OK;
    if (publish->begun == JOINED && publish->fd >= 0)
        status = mpj_sync_close(&publish->fd, publish->path, durable, err);
    if (publish->begun == JOINED)
        publish->begun = NOT_BEGUN;
    return status;
}

/* ---- The end ---------------------------------------------------------------------------------------------------- */

/* Before the rename: what appears is complete, also on a file server. */
static int complete(mpj_publish *publish, int durable, mpijob_error *err)
{
    if (publish->mode)
        chmod(publish->path, publish->mode); /* some file systems have no modes */
    if (!publish->folder)
        return mpj_sync_close(&publish->fd, publish->target, durable, err);
    return durable ? mpj_sync_tree(publish->path, err) : MPIJOB_OK;
}

static int sync_parent(const char *target, mpijob_error *err)
{
    char folder[MPJ_PATH_BYTES];
    const char *name;
    int status = mpj_path_split(folder, &name, target, err);
    return status == MPIJOB_OK ? mpj_sync_folder(folder, err) : status;
}

int mpj_publish_commit(mpj_publish *publish, int durable, int (*may_replace)(const char *path), mpijob_error *err)
{
    if (publish->begun != OWN)
        return mpj_fail(err, MPIJOB_EINTERNAL, "only who began to publish can end it");
    int status = complete(publish, durable, err);
    if (status == MPIJOB_OK)
        status = mpj_replace(publish->path, publish->target, durable, may_replace, err);
    if (status != MPIJOB_OK) {
        mpj_publish_abandon(publish);
        return status;
    }
    publish->begun = NOT_BEGUN;
    return durable ? sync_parent(publish->target, err) : MPIJOB_OK;
}

void mpj_publish_abandon(mpj_publish *publish)
{
    if (publish->begun != NOT_BEGUN && publish->fd >= 0)
        mpj_file_close(&publish->fd);
    if (publish->begun == OWN && publish->path[0])
        mpj_folder_remove(publish->path, NULL);
    publish->begun = NOT_BEGUN;
}
