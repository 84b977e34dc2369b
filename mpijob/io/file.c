#include "io/file.h"

#include "base/alloc.h"
#include "base/error.h"
#include "io/sync.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

#define MAX_OFFSET ((uint64_t)INT64_MAX)

static int check_range(const char *path, uint64_t offset, size_t bytes, mpijob_error *err)
{
    if (bytes > MAX_OFFSET || offset > MAX_OFFSET - bytes)
        return mpj_fail(err, MPIJOB_ECORRUPT, "%s: a place beyond what a file can have is asked for", path);
    return MPIJOB_OK;
}

int mpj_file_read(int fd, const char *path, void *to, size_t bytes, uint64_t offset, mpijob_error *err)
{
    int status = check_range(path, offset, bytes, err);
    if (status != MPIJOB_OK)
        return status;
    size_t done = 0;
    while (done < bytes) {
        ssize_t got = pread(fd, (char *)to + done, bytes - done, (off_t)(offset + done));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return mpj_fail_os(err, errno, "cannot read %s at byte %llu", path, (unsigned long long)(offset + done));
        if (got == 0)
            return mpj_fail(err, MPIJOB_ECORRUPT, "%s is cut short at byte %llu", path,
                            (unsigned long long)(offset + done));
        done += (size_t)got;
    }
    return MPIJOB_OK;
}

int mpj_file_write(int fd, const char *path, const void *from, size_t bytes, uint64_t offset, mpijob_error *err)
{
    return mpj_file_writev(fd, path, &from, &bytes, 1, offset, err);
}

/* The parts that are left after the first `skip` bytes, as many as fit. */
static int left_of(struct iovec *out, int room, const void *const *parts, const size_t *part_bytes, int part_count,
                   size_t skip)
{
    int used = 0;
    for (int i = 0; i < part_count && used < room; i++) {
        size_t gone = skip < part_bytes[i] ? skip : part_bytes[i];
        skip -= gone;
        if (part_bytes[i] > gone)
            out[used++] = (struct iovec){(char *)(uintptr_t)parts[i] + gone, part_bytes[i] - gone};
    }
    return used;
}

static int total_of(size_t *total, const char *path, const size_t *part_bytes, int part_count, uint64_t offset,
                    mpijob_error *err)
{
    *total = 0;
    for (int i = 0; i < part_count; i++) {
        if (part_bytes[i] > SIZE_MAX - *total)
            return mpj_fail(err, MPIJOB_EINVAL, "%s: more is to be written than a file can have", path);
        *total += part_bytes[i];
    }
    return check_range(path, offset, *total, err);
}

int mpj_file_writev(int fd, const char *path, const void *const *parts, const size_t *part_bytes, int part_count,
                    uint64_t offset, mpijob_error *err)
{
    struct iovec left[16];
    size_t total, done = 0;
    int status = total_of(&total, path, part_bytes, part_count, offset, err);
    if (status != MPIJOB_OK)
        return status;
    while (done < total) {
        int count = left_of(left, (int)(sizeof left / sizeof left[0]), parts, part_bytes, part_count, done);
        ssize_t put = pwritev(fd, left, count, (off_t)(offset + done));
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return mpj_fail_os(err, put < 0 ? errno : EIO, "cannot write %s at byte %llu", path,
                               (unsigned long long)(offset + done));
        done += (size_t)put;
    }
    return MPIJOB_OK;
}

int mpj_file_reserve(int fd, const char *path, uint64_t bytes, mpijob_error *err)
{
    int status = check_range(path, bytes, 0, err);
    if (status != MPIJOB_OK || bytes == 0)
        return status;
    int failed;
    do
        failed = fallocate(fd, 0, 0, (off_t)bytes);
    while (failed && errno == EINTR);
    if (failed && (errno == EOPNOTSUPP || errno == ENOSYS))
        failed = ftruncate(fd, (off_t)bytes);
    return failed ? mpj_fail_os(err, errno, "no room for %s (%llu bytes)", path, (unsigned long long)bytes) : MPIJOB_OK;
}

/* ---- Whole files ------------------------------------------------------------------------------------------------ */

static int read_text(char **text, int fd, const char *path, size_t bytes, mpijob_error *err)
{
    *text = mpj_alloc(bytes + 1);
    if (!*text)
        return mpj_fail_memory(err, path, bytes);
    int status = mpj_file_read(fd, path, *text, bytes, 0, err);
    if (status == MPIJOB_OK) {
        (*text)[bytes] = '\0';
        return MPIJOB_OK;
    }
    mpj_free(*text);
    *text = NULL;
    return status;
}

int mpj_file_read_all(char **text, size_t *bytes, const char *path, size_t limit, mpijob_error *err)
{
    int fd;
    uint64_t size;
    *text = NULL;
    int status = mpj_file_open(&fd, path, &size, err);
    if (status != MPIJOB_OK)
        return status;
    if (size > limit || size >= SIZE_MAX)
        status = mpj_fail(err, MPIJOB_ECORRUPT, "%s has %llu bytes, where at most %zu are expected", path,
                          (unsigned long long)size, limit);
    else
        status = read_text(text, fd, path, (size_t)size, err);
    mpj_file_close(&fd);
    if (status == MPIJOB_OK && bytes)
        *bytes = (size_t)size;
    return status;
}

int mpj_file_write_all(const char *path, const void *from, size_t bytes, int durable, mpijob_error *err)
{
    int fd = mpj_open(path, O_WRONLY | O_CREAT | O_EXCL, 0666);
    if (fd < 0)
        return mpj_fail_os(err, errno, "cannot make %s", path);
    int status = mpj_file_write(fd, path, from, bytes, 0, err);
    if (status == MPIJOB_OK)
        status = mpj_sync_close(&fd, path, durable, err);
    mpj_file_close(&fd);
    if (status != MPIJOB_OK)
        unlink(path);
    return status;
}
