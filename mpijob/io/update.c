#include "io/update.h"

#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static int describe(int fd, const char *path, uint64_t *bytes, mpijob_error *err)
{
    struct stat about;
    if (fstat(fd, &about) != 0)
        return mpj_fail_os(err, errno, "cannot look at %s", path);
    if (!S_ISREG(about.st_mode))
        return mpj_fail(err, MPIJOB_EINVAL, "%s is no regular file", path);
    if (bytes)
        *bytes = (uint64_t)about.st_size;
    return MPIJOB_OK;
}

int mpj_file_open_update(int *fd, const char *path, uint64_t *bytes, mpijob_error *err)
{
    /* O_NONBLOCK: a pipe in the place of the file is an error, not a wait. */
    *fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (*fd < 0 && errno == ENOENT)
        return mpj_fail(err, MPIJOB_ENOTFOUND, "%s: no such file", path);
    if (*fd < 0)
        return mpj_fail_os(err, errno, "cannot open %s for writing", path);
    int status = describe(*fd, path, bytes, err);
    if (status != MPIJOB_OK)
        mpj_file_close(fd);
    return status;
}
