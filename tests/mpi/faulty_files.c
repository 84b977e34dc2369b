#include "faulty_files.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { READ = 1, MAKE = 2, WRITE = 4 };

static char below[1000];
static int failing, error_now, after_calls;
static atomic_int calls;
static atomic_bool armed;

int faulty_files_begin(const char *folder, const char *kind, int error, int after)
{
    static const struct {
        const char *name;
        int bits;
    } kinds[] = {{"read", READ}, {"make", MAKE}, {"write", WRITE}, {"all", READ | MAKE | WRITE}};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (strcmp(kind, kinds[i].name) == 0)
            failing = kinds[i].bits;
    snprintf(below, sizeof below, "%s", folder);
    error_now = error;
    after_calls = after;
    atomic_store(&armed, failing != 0);
    return failing != 0;
}

void faulty_files_end(void)
{
    atomic_store(&armed, false);
}

static bool lies_below(int folder, const char *name)
{
    char link[40], path[1200];
    if (name && (name[0] == '/' || folder == AT_FDCWD))
        return strncmp(name, below, strlen(below)) == 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", folder);
    ssize_t length = readlink(link, path, sizeof path - 1);
    path[length > 0 ? length : 0] = '\0';
    return strncmp(path, below, strlen(below)) == 0;
}

static bool fails(int kind, int folder, const char *name)
{
    if (!atomic_load(&armed) || !(failing & kind))
        return false;
    int kept = errno;
    bool mine = lies_below(folder, name) && atomic_fetch_add(&calls, 1) >= after_calls;
    errno = mine ? error_now : kept;
    return mine;
}

/* The next function of that name. */
#define NEXT(name, ...) (__extension__(__typeof__(&name)) dlsym(RTLD_NEXT, #name))(__VA_ARGS__)
#define FAULTY(type, name, parameters, kind, folder, path, ...)                                                        \
    type name parameters                                                                                               \
    {                                                                                                                  \
        return fails(kind, folder, path) ? (type)-1 : NEXT(name, __VA_ARGS__);                                         \
    }

FAULTY(ssize_t, pread, (int fd, void *to, size_t bytes, off_t at), READ, fd, NULL, fd, to, bytes, at)
FAULTY(ssize_t, pwritev, (int fd, const struct iovec *parts, int count, off_t at), WRITE, fd, NULL, fd, parts, count, at)
FAULTY(int, fdatasync, (int fd), WRITE, fd, NULL, fd)
FAULTY(int, fsync, (int fd), WRITE, fd, NULL, fd)
FAULTY(int, ftruncate, (int fd, off_t bytes), WRITE, fd, NULL, fd, bytes)
FAULTY(int, mkdir, (const char *path, mode_t mode), MAKE, AT_FDCWD, path, path, mode)
FAULTY(int, mkdirat, (int folder, const char *name, mode_t mode), MAKE, folder, name, folder, name, mode)
FAULTY(int, rename, (const char *from, const char *to), MAKE, AT_FDCWD, from, from, to)
FAULTY(int, renameat, (int a, const char *from, int b, const char *to), MAKE, a, from, a, from, b, to)
FAULTY(int, renameat2, (int a, const char *from, int b, const char *to, unsigned flags), MAKE, a, from, a, from, b, to,
       flags)
FAULTY(int, unlinkat, (int folder, const char *name, int flags), MAKE, folder, name, folder, name, flags)
FAULTY(int, fstat, (int fd, struct stat *info), READ, fd, NULL, fd, info)
FAULTY(int, fstatat, (int folder, const char *restrict name, struct stat *restrict info, int flags), READ, folder, name,
       folder, name, info, flags)

struct dirent *readdir(DIR *listing)
{
    return fails(READ, dirfd(listing), NULL) ? NULL : NEXT(readdir, listing);
}

/* The mode is there only if something may be made. */
#define MODE_OF(flags, last)                                                                                           \
    mode_t mode = 0;                                                                                                   \
    if ((flags) & (O_CREAT | __O_TMPFILE)) {                                                                           \
        va_list rest;                                                                                                  \
        va_start(rest, last);                                                                                          \
        mode = (mode_t)va_arg(rest, unsigned);                                                                         \
        va_end(rest);                                                                                                  \
    }

int open(const char *path, int flags, ...)
{
    MODE_OF(flags, flags)
    return fails(flags & O_CREAT ? MAKE : READ, AT_FDCWD, path) ? -1 : NEXT(open, path, flags, mode);
}

int openat(int folder, const char *name, int flags, ...)
{
    MODE_OF(flags, flags)
    return fails(flags & O_CREAT ? MAKE : READ, folder, name) ? -1 : NEXT(openat, folder, name, flags, mode);
}
