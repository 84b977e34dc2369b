#include "io/sync.h"

#include "base/error.h"
#include "io/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define XFS_MAGIC 0x58465342
#define ZFS_MAGIC 0x2fc12fc1

/* Anything unknown counts as a network file system: GlusterFS accepts up to a megabyte that it then loses, which only a
 * sync reports; NFS reports at sync or close. */
int mpj_file_is_local(int fd)
{
    static const unsigned long local[] = {EXT4_SUPER_MAGIC, XFS_MAGIC,   BTRFS_SUPER_MAGIC,
                                          TMPFS_MAGIC,      RAMFS_MAGIC, OVERLAYFS_SUPER_MAGIC,
                                          F2FS_SUPER_MAGIC, ZFS_MAGIC};
    struct statfs info;
    if (fstatfs(fd, &info) != 0)
        return 0;
    for (size_t i = 0; i < sizeof local / sizeof local[0]; i++)
        if ((unsigned long)info.f_type == local[i])
            return 1;
    return 0;
}

/* File servers let a signal end the wait. */
static int sync_all(int fd)
{
    int failed;
    do
        failed = fsync(fd);
    while (failed && errno == EINTR);
    return failed;
}

int mpj_sync_close(int *fd, const char *path, int durable, mpijob_error *err)
{
    int failed = (durable || !mpj_file_is_local(*fd)) && sync_all(*fd) != 0 ? errno : 0;
    if (close(*fd) != 0 && !failed && errno != EINTR)
        failed = errno;
    *fd = -1;
    return failed ? mpj_fail_os(err, failed, "cannot bring %s to the disk", path) : MPIJOB_OK;
}

/* Some file systems cannot sync a folder (EINVAL); they then keep renames in order by themselves, or not at all. */
static int sync_open_folder(int fd, const char *path, mpijob_error *err)
{
    if (sync_all(fd) != 0 && errno != EINVAL && errno != ENOTSUP)
        return mpj_fail_os(err, errno, "cannot bring the folder %s to the disk", path);
    return MPIJOB_OK;
}

int mpj_sync_folder(const char *path, mpijob_error *err)
{
    int fd = mpj_open(path, O_RDONLY | O_DIRECTORY, 0);
    if (fd < 0)
        return mpj_fail_os(err, errno, "cannot bring the folder %s to the disk", path);
    int status = sync_open_folder(fd, path, err);
    close(fd);
    return status;
}

static int sync_entry(const char *path, mpijob_error *err)
{
    struct stat info;
    if (lstat(path, &info) != 0)
        return mpj_fail_os(err, errno, "cannot look at %s", path);
    if (S_ISDIR(info.st_mode))
        return mpj_sync_tree(path, err);
    int fd = S_ISREG(info.st_mode) ? mpj_open(path, O_RDONLY | O_NOFOLLOW, 0) : -1;
    if (fd < 0)
        return S_ISREG(info.st_mode) ? mpj_fail_os(err, errno, "cannot open %s", path) : MPIJOB_OK;
    return mpj_sync_close(&fd, path, 1, err);
}

static int sync_entries(DIR *listing, const char *path, mpijob_error *err)
{
    int status = MPIJOB_OK;
    while (status == MPIJOB_OK) {
        char below[MPJ_PATH_BYTES];
        errno = 0; /* what is not listed is not synced: that the listing failed must not look like its end */
        struct dirent *entry = readdir(listing);
        if (!entry)
            return errno ? mpj_fail_os(err, errno, "cannot list %s", path) : MPIJOB_OK;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        status = mpj_path_join(below, path, entry->d_name, err);
        if (status == MPIJOB_OK)
            status = sync_entry(below, err);
    }
    return status;
}

int mpj_sync_tree(const char *path, mpijob_error *err)
{
    DIR *listing = opendir(path);
    if (!listing)
        return mpj_fail_os(err, errno, "cannot list %s", path);
    int status = sync_entries(listing, path, err);
    if (status == MPIJOB_OK)
        status = sync_open_folder(dirfd(listing), path, err);
    closedir(listing);
    return status;
}
