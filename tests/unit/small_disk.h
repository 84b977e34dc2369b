/* A small disk of a test's own, in a name space that ends with it. */
#ifndef MPJ_TESTS_SMALL_DISK_H
#define MPJ_TESTS_SMALL_DISK_H

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

static inline int small_disk_tell(const char *file, const char *text)
{
    int fd = open(file, O_WRONLY | O_CLOEXEC);
    ssize_t put = fd < 0 ? -1 : write(fd, text, strlen(text));
    if (fd >= 0)
        close(fd);
    return put == (ssize_t)strlen(text) ? 0 : -1;
}

/* Whoever is not root becomes it in a namespace of its own, where that is allowed. */
static inline int small_disk_may_mount(void)
{
    char users[32], groups[32];
    snprintf(users, sizeof users, "0 %u 1", (unsigned)geteuid());
    snprintf(groups, sizeof groups, "0 %u 1", (unsigned)getegid());
    if (geteuid() == 0)
        return unshare(CLONE_NEWNS);
    if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0 || small_disk_tell("/proc/self/setgroups", "deny") != 0)
        return -1;
    return small_disk_tell("/proc/self/uid_map", users) == 0 ? small_disk_tell("/proc/self/gid_map", groups) : -1;
}

/* options: of tmpfs, "size=256k" say. folder: at least 32 bytes. -1 with errno: this machine does not let it be made.
 */
static inline int small_disk_make(char *folder, const char *options)
{
    if (small_disk_may_mount() != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
        return -1;
    strcpy(folder, "/tmp/mpijob-test-XXXXXX");
    return mkdtemp(folder) ? mount("tmpfs", folder, "tmpfs", 0, options) : -1;
}

static inline void small_disk_remove(const char *folder)
{
    umount2(folder, MNT_DETACH);
    rmdir(folder);
}

#endif
