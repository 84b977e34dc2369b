#include "io/below.h"

#include "base/error.h"
#include "io/identity.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FOLDER_FLAGS (O_RDONLY | O_DIRECTORY | O_CLOEXEC)
#define STALE_TRIES 2
#define REMOVED_TRIES 10

/* ---- Rights ------------------------------------------------------------------------------------------------------ */

/* By descriptor, since the process's umask is not ours to change. What cannot be given is not: the group of somebody
 * who is no member, say, must not keep anyone from storing. */
static void give_rights(int fd, mode_t wanted, const mpj_rights *rights)
{
    struct stat info;
    if (rights->group != (gid_t)-1 && fchown(fd, (uid_t)-1, rights->group) != 0)
        return;
    if (fstat(fd, &info) != 0)
        return;
    mode_t mode = (wanted & ~rights->umask & 0777) | (info.st_mode & S_ISGID);
    if ((info.st_mode & 07777) != mode && fchmod(fd, mode) != 0)
        return;
}

/* ---- Folders ----------------------------------------------------------------------------------------------------- */

static int make_folders_above(const char *top)
{
    char path[MPJ_PATH_BYTES];
    size_t length = strlen(top);
    if (length == 0 || length >= sizeof path)
        return ENAMETOOLONG;
    memcpy(path, top, length + 1);
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(path, 0777) != 0 && errno != EEXIST && errno != EISDIR && errno != EROFS && errno != EACCES)
            return errno;
        *slash = '/';
    }
    return 0;
}

/* Returns a descriptor, or -1 with errno. */
static int open_or_make(int parent, const char *name, int flags, const mpj_rights *make)
{
    int fd = openat(parent, name, FOLDER_FLAGS | flags);
    if (fd >= 0 || errno != ENOENT || !make)
        return fd;
    if (mkdirat(parent, name, 0777 & ~make->umask) != 0) {
        if (errno != EEXIST && errno != EPERM) /* sshfs says EPERM */
            return -1;
        return openat(parent, name, FOLDER_FLAGS | flags);
    }
    fd = openat(parent, name, FOLDER_FLAGS | flags);
    if (fd >= 0)
        give_rights(fd, 0777, make);
    return fd;
}

static int open_top(const char *top, const mpj_rights *make)
{
    int fd = open(top, FOLDER_FLAGS);
    if (fd >= 0 || errno != ENOENT || !make)
        return fd;
    int failed = make_folders_above(top);
    if (failed) {
        errno = failed;
        return -1;
    }
    return open_or_make(AT_FDCWD, top, 0, make);
}

static int walk(const char *top, const char *below, const mpj_rights *make)
{
    int fd = open_top(top, make);
    for (const char *part = below; fd >= 0 && *part;) {
        char name[NAME_MAX + 1];
        size_t length = strcspn(part, "/");
        if (length > NAME_MAX) {
            close(fd);
            errno = ENAMETOOLONG;
            return -1;
        }
        memcpy(name, part, length);
        name[length] = '\0';
        part += length + (part[length] == '/');
        int inner = open_or_make(fd, name, O_NOFOLLOW, make), why = errno;
        close(fd);
        errno = why;
        fd = inner;
    }
    return fd;
}

int mpj_below_walk(int *fd, const char *top, const char *below, const mpj_rights *make, mpijob_error *err)
{
    *fd = walk(top, below, make);
    for (int i = 0; *fd < 0 && errno == ESTALE && i < STALE_TRIES; i++)
        *fd = walk(top, below, make);
    for (int i = 0; *fd < 0 && errno == ENOENT && make && i < REMOVED_TRIES; i++)
        *fd = walk(top, below, make); /* what was made has been removed meanwhile */
    if (*fd >= 0)
        return MPIJOB_OK;
    if (errno == ENOENT && !make)
        return mpj_fail(err, MPIJOB_ENOTFOUND, "there is no folder %s/%s", top, below);
    return mpj_fail_os(err, errno, "cannot open the folder %s/%s", top, below);
}

/* A descriptor of its own, so that it is read from the beginning, and asked of the server anew. */
static DIR *list_again(int folder)
{
    int fd = openat(folder, ".", FOLDER_FLAGS);
    DIR *listing = fd < 0 ? NULL : fdopendir(fd);
    if (!listing && fd >= 0)
        close(fd);
    return listing;
}

int mpj_below_list(int folder, const char *path, mpj_below_each_fn *each, void *payload, mpijob_error *err)
{
    DIR *listing = list_again(folder);
    if (!listing)
        return mpj_fail_os(err, errno, "cannot list %s", path);
    int result = MPIJOB_OK;
    while (result == MPIJOB_OK) {
        errno = 0;
        struct dirent *entry = readdir(listing);
        if (!entry) {
            result = errno ? mpj_fail_os(err, errno, "cannot list %s", path) : MPIJOB_OK;
            break;
        }
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            result = each(entry->d_name, payload);
    }
    closedir(listing);
    return result;
}

/* ---- Files ------------------------------------------------------------------------------------------------------- */

static int nothing(const char *name, void *payload)
{
    (void)name;
    (void)payload;
    return 0;
}

/* Listing the folder makes a client of GlusterFS forget what was renamed or removed there. */
static int open_to_read(int folder, const char *path, const char *name)
{
    int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
    int fd = openat(folder, name, flags);
    for (int i = 0; fd < 0 && (errno == ESTALE || errno == EINTR) && i < STALE_TRIES; i++) {
        if (errno == ESTALE)
            mpj_below_list(folder, path, nothing, NULL, NULL);
        fd = openat(folder, name, flags);
    }
    return fd;
}

int mpj_below_open(int *fd, int folder, const char *path, const char *name, uint64_t *bytes, mpijob_error *err)
{
    struct stat info;
    *fd = open_to_read(folder, path, name);
    if (*fd < 0 && (errno == ENOENT || errno == ENOTDIR))
        return mpj_fail(err, MPIJOB_ENOTFOUND, "there is no file %s/%s", path, name);
    if (*fd < 0 && (errno == ELOOP || errno == ENXIO))
        return mpj_fail(err, MPIJOB_EINVAL, "%s/%s is a link or device, not a file", path, name);
    if (*fd < 0)
        return mpj_fail_os(err, errno, "cannot open %s/%s", path, name);
    int status = MPIJOB_OK;
    if (fstat(*fd, &info) != 0)
        status = mpj_fail_os(err, errno, "cannot look at %s/%s", path, name);
    else if (!S_ISREG(info.st_mode))
        status = mpj_fail(err, MPIJOB_EINVAL, "%s/%s is not a file", path, name);
    else if (bytes)
        *bytes = (uint64_t)info.st_size;
    if (status != MPIJOB_OK)
        mpj_file_close(fd);
    return status;
}

int mpj_below_create(int *fd, int folder, const char *path, const char *name, const mpj_rights *rights,
                     mpijob_error *err)
{
    *fd = openat(folder, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666 & ~rights->umask);
    if (*fd < 0)
        return mpj_fail_os(err, errno, "cannot make %s/%s", path, name);
    give_rights(*fd, 0666, rights);
    return MPIJOB_OK;
}

void mpj_below_give_rights(int folder, const char *path, const char *name, const mpj_rights *rights)
{
    int fd;
    if (mpj_below_open(&fd, folder, path, name, NULL, NULL) != MPIJOB_OK)
        return;
    give_rights(fd, 0666, rights);
    mpj_file_close(&fd);
}

static int fill_and_close(int *fd, const char *path, const void *const *parts, const size_t *part_bytes, int part_count,
                          bool durable, mpijob_error *err)
{
    int status = mpj_file_writev(*fd, path, parts, part_bytes, part_count, 0, err);
    if (status == MPIJOB_OK && durable)
        status = mpj_file_sync(*fd, path, err);
    if (close(*fd) != 0 && status == MPIJOB_OK && errno != EINTR)
        status = mpj_fail_os(err, errno, "cannot write %s", path);
    *fd = -1;
    return status;
}

int mpj_below_publish(int folder, const char *path, const char *name, const void *const *parts,
                      const size_t *part_bytes, int part_count, const mpj_rights *rights, bool durable,
                      mpijob_error *err)
{
    char temporary[NAME_MAX + 1];
    int fd;
    if (snprintf(temporary, sizeof temporary, "%s.%08" PRIx32 ".tmp", name, (uint32_t)mpj_random_token()) > NAME_MAX)
        return mpj_fail(err, MPIJOB_EINVAL, "too long a name: %s", name);
    int status = mpj_below_create(&fd, folder, path, temporary, rights, err);
    if (status != MPIJOB_OK)
        return status;
    status = fill_and_close(&fd, path, parts, part_bytes, part_count, durable, err);
    if (status == MPIJOB_OK)
        status = mpj_below_rename(folder, temporary, folder, name, err);
    if (status != MPIJOB_OK)
        mpj_below_unlink(folder, temporary, NULL);
    return status;
}

int mpj_below_look(int folder, const char *name, uint64_t *bytes)
{
    struct stat info;
    if (fstatat(folder, name, &info, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT ? 0 : -1;
    if (bytes)
        *bytes = (uint64_t)info.st_size;
    return 1;
}

int mpj_below_same(int folder, const char *name, int fd)
{
    struct stat named, opened;
    if (fstatat(folder, name, &named, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT || errno == ESTALE ? 0 : -1;
    if (fstat(fd, &opened) != 0)
        return errno == ESTALE ? 0 : -1;
    return named.st_dev == opened.st_dev && named.st_ino == opened.st_ino;
}

int mpj_below_rename(int from_folder, const char *from, int to_folder, const char *to, mpijob_error *err)
{
    if (renameat(from_folder, from, to_folder, to) == 0)
        return MPIJOB_OK;
    if (errno == ENOENT)
        return mpj_fail(err, MPIJOB_ENOTFOUND, "there is no %s to rename", from);
    return mpj_fail_os(err, errno, "cannot rename %s to %s", from, to);
}

int mpj_below_link(int folder, const char *name, const char *other, mpijob_error *err)
{
    if (linkat(folder, name, folder, other, 0) == 0)
        return MPIJOB_OK;
    return mpj_fail_os(err, errno, "cannot link %s to %s", other, name);
}

int mpj_below_unlink(int folder, const char *name, mpijob_error *err)
{
    if (unlinkat(folder, name, 0) == 0 || errno == ENOENT)
        return MPIJOB_OK;
    return mpj_fail_os(err, errno, "cannot remove %s", name);
}

int mpj_below_sync(int folder)
{
    int failed;
    do
        failed = fsync(folder);
    while (failed && errno == EINTR);
    return !failed || errno == EINVAL || errno == ENOTSUP ? MPIJOB_OK : MPIJOB_EOS;
}

/* ---- Open files -------------------------------------------------------------------------------------------------- */

long mpj_file_read_some(int fd, void *to, size_t bytes, uint64_t offset)
{
    size_t done = 0;
    if (offset > INT64_MAX - bytes)
        return 0;
    while (done < bytes) {
        ssize_t got = pread(fd, (char *)to + done, bytes - done, (off_t)(offset + done));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -errno;
        if (got == 0)
            break;
        done += (size_t)got;
    }
    return (long)done;
}

int64_t mpj_file_length(int fd)
{
    struct stat info;
    return fstat(fd, &info) == 0 ? (int64_t)info.st_size : -errno;
}

int mpj_file_sync(int fd, const char *path, mpijob_error *err)
{
    int failed;
    do
        failed = fdatasync(fd);
    while (failed && errno == EINTR); /* file servers let a signal end the wait */
    return failed ? mpj_fail_os(err, errno, "cannot bring %s to the disk", path) : MPIJOB_OK;
}

void mpj_below_give(const char *path, const mpj_rights *rights)
{
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return;
    give_rights(fd, 0666, rights);
    close(fd);
}
