#include "io/nodefile.h"

#include "base/error.h"
#include "io/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* A mapping has at least one byte. */
static size_t mapped_bytes(size_t bytes)
{
    return bytes ? bytes : 1;
}

static int map(mpj_nodefile *file, int descriptor, size_t bytes, int protection, const char *name, mpijob_error *err)
{
    void *data = mmap(NULL, mapped_bytes(bytes), protection, MAP_SHARED, descriptor, 0);
    if (data == MAP_FAILED)
        return mpj_fail_os(err, errno, "cannot map %s (%zu bytes)", name, bytes);
    file->data = data;
    file->bytes = bytes;
    return MPIJOB_OK;
}

int mpj_nodefile_create(mpj_nodefile *file, const char *folder, size_t bytes, char *name, mpijob_error *err)
{
    *file = (mpj_nodefile){0};
    int length = snprintf(name, MPJ_NODEFILE_NAME_BYTES, "%s/mpijob-XXXXXX", folder);
    if (length >= MPJ_NODEFILE_NAME_BYTES)
        return mpj_fail_os(err, ENAMETOOLONG, "cannot make a file in %s", folder);
    int descriptor = mkostemp(name, O_CLOEXEC);
    if (descriptor < 0)
        return mpj_fail_os(err, errno, "cannot make a file in %s", folder);
    int failed;
    do
        failed = posix_fallocate(descriptor, 0, (off_t)mapped_bytes(bytes));
    while (failed == EINTR);
    int status = failed ? mpj_fail_os(err, failed, "no room for %zu bytes in %s", bytes, folder)
                        : map(file, descriptor, bytes, PROT_READ | PROT_WRITE, name, err);
    close(descriptor);
    if (status != MPIJOB_OK)
        unlink(name);
    return status;
}

int mpj_nodefile_open(mpj_nodefile *file, const char *name, size_t bytes, mpijob_error *err)
{
    *file = (mpj_nodefile){0};
    int descriptor = mpj_open(name, O_RDONLY | O_NOFOLLOW, 0);
    if (descriptor < 0)
        return mpj_fail_os(err, errno, "cannot open %s, made by another rank of this node", name);
    int status = map(file, descriptor, bytes, PROT_READ, name, err);
    close(descriptor);
    return status;
}

static void touch(const volatile char *data, size_t from, size_t to, size_t page)
{
    for (size_t at = from; at < to; at += page)
        (void)data[at];
}

/* Reading is enough: it also makes a page that may be written writable, and takes several at once. */
void mpj_nodefile_touch(const mpj_nodefile *file, int part, int parts)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t first = file->bytes / page / (size_t)parts * (size_t)part * page;
    touch(file->data, first, file->bytes, page);
    touch(file->data, 0, first, page);
}

void mpj_nodefile_forget_name(const char *name)
{
    unlink(name);
}

void mpj_nodefile_seal(mpj_nodefile *file)
{
    mprotect(file->data, mapped_bytes(file->bytes), PROT_READ);
}

void mpj_nodefile_close(mpj_nodefile *file)
{
    if (file->data)
        munmap(file->data, mapped_bytes(file->bytes));
    *file = (mpj_nodefile){0};
}
