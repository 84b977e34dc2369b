/* Opening, on file servers too. */
#include "base/error.h"
#include "io/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TRIES 4 /* of a stale file */

/* File systems in user space let a signal end the wait for their answer. */
int mpj_open(const char *path, int flags, mode_t mode)
{
    int fd;
    do
        fd = open(path, flags | O_CLOEXEC, mode);
    while (fd < 0 && errno == EINTR);
    return fd;
}

/* Listing a folder makes a client of GlusterFS forget a file that was replaced there: measured, 3-6 ms and one more
 * try, where plain trying again takes 0.8 s. */
static void list_folder(int folder, const char *name)
{
    int fd = openat(folder, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *listing = fd < 0 ? NULL : fdopendir(fd);
    while (listing && readdir(listing))
        continue;
    if (listing)
        closedir(listing);
    else if (fd >= 0)
        close(fd);
}

static void list_folder_of(int folder, const char *name)
{
    char parent[MPJ_PATH_BYTES] = ".";
    const char *slash = strrchr(name, '/');
    size_t bytes = slash ? (size_t)(slash - name) + 1 : 0;
    if (bytes >= sizeof parent)
        return;
    if (slash) {
        memcpy(parent, name, bytes);
        parent[bytes] = '\0';
    }
    list_folder(folder, parent);
}

int mpj_stale_try_again(int folder, const char *name, int *tries)
{
    if (errno == EINTR)
        return 1;
    if (errno != ESTALE || ++*tries == TRIES)
        return 0;
    list_folder_of(folder, name);
    return 1;
}

/* Not blocking: opening a pipe must not wait for its other end. For files it means nothing. */
int mpj_open_at(int folder, const char *name, int flags)
{
    int fd, tries = 0;
    do
        fd = openat(folder, name, flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    while (fd < 0 && mpj_stale_try_again(folder, name, &tries));
    return fd;
}

static int check_regular(int fd, const char *path, uint64_t *bytes, mpijob_error *err)
{
    struct stat info;
    if (fstat(fd, &info) != 0)
        return mpj_fail_os(err, errno, "cannot look at %s", path);
    if (!S_ISREG(info.st_mode))
        return mpj_fail(err, MPIJOB_EINVAL, "%s is %s, not a file", path,
                        S_ISDIR(info.st_mode) ? "a folder" : "a pipe or device");
    if (bytes)
        *bytes = (uint64_t)info.st_size;
    return MPIJOB_OK;
}

static int open_file(int *fd, const char *path, int flags, uint64_t *bytes, mpijob_error *err)
{
    *fd = mpj_open_at(AT_FDCWD, path, flags);
    if (*fd < 0 && (errno == ENOENT || errno == ENOTDIR))
        return mpj_fail(err, MPIJOB_ENOTFOUND, "there is no file %s", path);
    if (*fd < 0 && errno == ENXIO)
        return mpj_fail(err, MPIJOB_EINVAL, "%s is a socket or device, not a file", path);
    if (*fd < 0 && errno == EISDIR)
        return mpj_fail(err, MPIJOB_EINVAL, "%s is a folder, not a file", path);
    if (*fd < 0)
        return mpj_fail_os(err, errno, "cannot open %s%s", path, flags == O_RDONLY ? "" : " for writing");
    int status = check_regular(*fd, path, bytes, err);
    if (status != MPIJOB_OK)
        mpj_file_close(fd);
    return status;
}

int mpj_file_open(int *fd, const char *path, uint64_t *bytes, mpijob_error *err)
{
    return open_file(fd, path, O_RDONLY, bytes, err);
}

int mpj_file_open_update(int *fd, const char *path, uint64_t *bytes, mpijob_error *err)
{
    return open_file(fd, path, O_RDWR, bytes, err);
}

void mpj_file_close(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}
