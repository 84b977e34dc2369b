#include "io/mapping.h"

#include "base/error.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static _Alignas(64) char nothing; /* what an empty range points to; never read nor written */

/* A page behind the end of its file is a SIGBUS when it is touched. */
static int check_range(int fd, const char *path, uint64_t offset, size_t bytes, mpijob_error *err)
{
    struct stat info;
    if (fstat(fd, &info) != 0)
        return mpj_fail_os(err, errno, "cannot look at %s", path);
    uint64_t size = (uint64_t)info.st_size;
    if (offset > size || bytes > size - offset)
        return mpj_fail(err, MPIJOB_ECORRUPT,
                        "%s is cut short: it has %llu bytes, but should have %zu from byte %llu on", path,
                        (unsigned long long)size, bytes, (unsigned long long)offset);
    return MPIJOB_OK;
}

/* Copied pages are not reserved: a file larger than the memory can be mapped, and a few of its pages changed. */
static void *map(int fd, uint64_t from, size_t bytes, mpj_mapping_mode mode)
{
    int protection = mode == MPJ_MAP_READ ? PROT_READ : PROT_READ | PROT_WRITE;
    int flags = mode == MPJ_MAP_COPY ? MAP_PRIVATE | MAP_NORESERVE : MAP_SHARED;
    return mmap(NULL, bytes, protection, flags, fd, (off_t)from);
}

int mpj_mapping_open(mpj_mapping *mapping, int fd, const char *path, uint64_t offset, size_t bytes,
                     mpj_mapping_mode mode, mpijob_error *err)
{
    *mapping = (mpj_mapping){.data = &nothing};
    int status = check_range(fd, path, offset, bytes, err);
    if (status != MPIJOB_OK || bytes == 0)
        return status;
    size_t before = (size_t)(offset % (uint64_t)sysconf(_SC_PAGESIZE));
    if (bytes > SIZE_MAX - before)
        return mpj_fail(err, MPIJOB_ENOMEM, "%s is too large to be mapped", path);
    void *base = map(fd, offset - before, before + bytes, mode);
    if (base == MAP_FAILED)
        return mpj_fail_os(err, errno, "cannot map %s (%zu bytes)", path, bytes);
    *mapping = (mpj_mapping){.base = base, .base_bytes = before + bytes, .data = (char *)base + before};
    return MPIJOB_OK;
}

int mpj_mapping_sync(const mpj_mapping *mapping, const char *path, mpijob_error *err)
{
    if (mapping->base && msync(mapping->base, mapping->base_bytes, MS_SYNC) != 0)
        return mpj_fail_os(err, errno, "cannot bring %s to the disk", path);
    return MPIJOB_OK;
}

void mpj_mapping_close(mpj_mapping *mapping)
{
    if (mapping->base)
        munmap(mapping->base, mapping->base_bytes);
    *mapping = (mpj_mapping){0};
}
