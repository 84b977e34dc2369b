#include "io/copy.h"

#include "base/alloc.h"
#include "base/error.h"
#include "io/identity.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>

#define BLOCK_BYTES ((size_t)1 << 20)

static int copy_bytes(int from, int to, uint64_t bytes, const char *path, mpijob_error *err)
{
    void *block = mpj_alloc(BLOCK_BYTES);
    int status = block ? MPIJOB_OK : mpj_fail_memory(err, "copying a file", BLOCK_BYTES);
    for (uint64_t at = 0; at < bytes && status == MPIJOB_OK;) {
        size_t part = bytes - at < BLOCK_BYTES ? (size_t)(bytes - at) : BLOCK_BYTES;
        status = mpj_file_read(from, path, block, part, at, err);
        if (status == MPIJOB_OK)
            status = mpj_file_write(to, path, block, part, at, err);
        at += part;
    }
    mpj_free(block);
    return status;
}

int mpj_below_copy(int from, uint64_t bytes, int folder, const char *path, const char *name, const mpj_rights *rights,
                   mpijob_error *err)
{
    char temporary[NAME_MAX + 1];
    int to;
    if (snprintf(temporary, sizeof temporary, "%s.%08" PRIx32 ".tmp", name, (uint32_t)mpj_random_token()) > NAME_MAX)
        return mpj_fail(err, MPIJOB_EINVAL, "too long a name: %s", name);
    int status = mpj_below_create(&to, folder, path, temporary, rights, err);
    if (status != MPIJOB_OK)
        return status;
    status = copy_bytes(from, to, bytes, path, err);
    if (status == MPIJOB_OK)
        status = mpj_file_sync(to, path, err);
    mpj_file_close(&to);
    if (status == MPIJOB_OK)
        status = mpj_below_rename(folder, temporary, folder, name, err);
    if (status != MPIJOB_OK)
        mpj_below_unlink(folder, temporary, NULL);
    return status;
}
