#include "publish_faults.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

publish_faults faults;

int __real_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to);
int __real_renameat2(int from_folder, const char *from, int to_folder, const char *to, unsigned flags);
int __wrap_renameat2(int from_folder, const char *from, int to_folder, const char *to, unsigned flags);
int __real_unlinkat(int folder, const char *name, int flags);
int __wrap_unlinkat(int folder, const char *name, int flags);
int __real_mkdir(const char *path, mode_t mode);
int __wrap_mkdir(const char *path, mode_t mode);
int __real_chmod(const char *path, mode_t mode);
int __wrap_chmod(const char *path, mode_t mode);
int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __real_fsync(int fd);
int __wrap_fsync(int fd);

static void count(void)
{
    faults.calls++;
    if (faults.calls == faults.die_at)
        raise(SIGKILL);
}

static int fails(int how)
{
    errno = how;
    return -1;
}

int __wrap_rename(const char *from, const char *to)
{
    count();
    if (faults.rename_errno && faults.renames_before-- <= 0 && faults.renames_failing-- > 0)
        return fails(faults.rename_errno);
    int failed = __real_rename(from, to);
    if (failed && errno == ENOTEMPTY && faults.occupied)
        return fails(faults.occupied);
    if (!failed && faults.answer_lost > 0 && faults.answer_lost--)
        return fails(ENOENT);
    void (*call)(const char *, const char *) = faults.after_rename;
    if (!failed && call && strstr(to, ".mpijob-old-")) {
        faults.after_rename = NULL;
        call(from, to);
    }
    return failed;
}

int __wrap_renameat2(int from_folder, const char *from, int to_folder, const char *to, unsigned flags)
{
    count();
    return faults.no_exchange ? fails(faults.no_exchange) : __real_renameat2(from_folder, from, to_folder, to, flags);
}

int __wrap_unlinkat(int folder, const char *name, int flags)
{
    count();
    return __real_unlinkat(folder, name, flags);
}

int __wrap_mkdir(const char *path, mode_t mode)
{
    count();
    return __real_mkdir(path, mode);
}

int __wrap_chmod(const char *path, mode_t mode)
{
    count();
    return __real_chmod(path, mode);
}

int __wrap_open(const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = flags & O_CREAT ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    if (flags & O_CREAT)
        count();
    return __real_open(path, flags, mode);
}

int __wrap_fsync(int fd)
{
    count();
    faults.syncs++;
    if (faults.sync_errno && faults.syncs_before-- <= 0)
        return fails(faults.sync_errno);
    return __real_fsync(fd);
}
