/* The folders and paths of file.h. */
#include "base/error.h"
#include "data/limits.h"
#include "io/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <mpijob/array.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Each level holds a file descriptor. Groups inside each other, their array, and a folder for each index of a chunk. */
#define DEEPEST 128
_Static_assert(DEEPEST > MPJ_MAX_GROUP_DEPTH + MPIJOB_MAX_DIMS + 2, "what can be written can be removed");

int mpj_path_join(char out[MPJ_PATH_BYTES], const char *folder, const char *name, mpijob_error *err)
{
    size_t length = strlen(folder);
    const char *between = length > 0 && folder[length - 1] == '/' ? "" : "/";
    if (snprintf(out, MPJ_PATH_BYTES, "%s%s%s", folder, between, name) >= MPJ_PATH_BYTES)
        return mpj_fail(err, MPIJOB_EINVAL, "a path is longer than %d bytes: %.200s...", MPJ_PATH_BYTES - 1, folder);
    return MPIJOB_OK;
}

int mpj_path_is_folder(const char *path)
{
    struct stat info;
    if (stat(path, &info) != 0)
        return -1;
    return S_ISDIR(info.st_mode) ? 1 : 0;
}

int mpj_folder_create(const char *path, mpijob_error *err)
{
    if (mkdir(path, 0777) == 0)
        return MPIJOB_OK;
    int why = errno;
    if (why == EEXIST && mpj_path_is_folder(path) == 1)
        return MPIJOB_OK;
    return mpj_fail_os(err, why, "cannot make the folder %s", path);
}

int mpj_folder_same(int folder_fd, const char *path)
{
    struct stat opened, named;
    return fstat(folder_fd, &opened) == 0 && stat(path, &named) == 0 && opened.st_dev == named.st_dev &&
           opened.st_ino == named.st_ino;
}

/* ---- Removing: others may remove the same at the same time ------------------------------------------------------- */

static int remove_below(int parent, const char *name, int depth, int *removed);

/* Returns 0, or errno. */
static int remove_entry(int parent, const char *name, int depth, int *removed)
{
    if (unlinkat(parent, name, 0) == 0) {
        *removed = 1;
        return 0;
    }
    if (errno == ENOENT)
        return 0;
    if (errno != EISDIR && errno != EPERM) /* a folder: EISDIR by Linux, EPERM by POSIX */
        return errno;
    return remove_below(parent, name, depth, removed);
}

static int remove_entries(DIR *listing, int depth, int *removed)
{
    struct dirent *entry;
    while ((entry = readdir(listing))) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        int failed = remove_entry(dirfd(listing), entry->d_name, depth + 1, removed);
        if (failed)
            return failed;
    }
    return 0;
}

static DIR *list_at(int parent, const char *name)
{
    int fd = mpj_open_at(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    DIR *listing = fd < 0 ? NULL : fdopendir(fd);
    if (!listing && fd >= 0)
        close(fd);
    return listing;
}

/* A listing may leave out entries while others are removed: once more, as long as that helps. */
static int remove_below(int parent, const char *name, int depth, int *removed)
{
    if (depth > DEEPEST)
        return ELOOP;
    DIR *listing = list_at(parent, name);
    if (!listing)
        return errno == ENOENT ? 0 : errno == ENOTDIR ? EPERM : errno;
    int failed, progress;
    do {
        progress = 0;
        rewinddir(listing);
        failed = remove_entries(listing, depth, &progress);
        if (!failed)
            failed = unlinkat(parent, name, AT_REMOVEDIR) == 0 || errno == ENOENT ? 0 : errno;
    } while ((failed == ENOTEMPTY || failed == EEXIST) && progress);
    closedir(listing);
    if (!failed)
        *removed = 1;
    return failed;
}

int mpj_folder_remove(const char *path, mpijob_error *err)
{
    int removed = 0;
    int failed = remove_entry(AT_FDCWD, path, 0, &removed);
    return failed ? mpj_fail_os(err, failed, "cannot remove %s", path) : MPIJOB_OK;
}

int mpj_folder_remove_at(int folder, const char *name, mpijob_error *err)
{
    int removed = 0;
    int failed = remove_entry(folder, name, 0, &removed);
    return failed ? mpj_fail_os(err, failed, "cannot remove %s", name) : MPIJOB_OK;
}
