/* Files of large results on their way from one location to another (merge.h). */
#include "base/error.h"
#include "io/copy.h"
#include "memory/merge.h"
#include "memory/verify.h"

#include <stdio.h>

bool mpj_merge_is_whole(merging *m, const mpj_listed *e, const mpj_entry_header *header)
{
    return mpj_large_check(m->other->memory, m->name, e, header, m->room.bytes, NULL) == MPIJOB_OK;
}

static int open_source(const merging *m, const char *file, int *fd, uint64_t *bytes)
{
    char below[MPJ_FUNCTION_BYTES + 16];
    int folder;
    snprintf(below, sizeof below, "%s/" MPJ_LARGE_FOLDER "/%.2s", m->from->function, file);
    int status = mpj_below_walk(&folder, m->from->store->location, below, NULL, m->err);
    if (status != MPIJOB_OK)
        return status;
    status = mpj_below_open(fd, folder, below, strchr(file, '/') + 1, bytes, m->err);
    mpj_file_close(&folder);
    return status;
}

/* The name is random: a file that has it is this one, from a merging that did not come to its end. */
static int copy(const merging *m, const char *file, int from, uint64_t bytes)
{
    char below[MPJ_FUNCTION_BYTES + 16];
    const mpj_store *store = m->to->store;
    const char *name = strchr(file, '/') + 1;
    uint64_t there;
    int folder;
    snprintf(below, sizeof below, "%s/" MPJ_LARGE_FOLDER "/%.2s", m->to->function, file);
    int status = mpj_below_walk(&folder, store->location, below, &store->rights, m->err);
    if (status != MPIJOB_OK)
        return status;
    if (mpj_below_look(folder, name, &there) != 1 || there != bytes)
        status = mpj_below_copy(from, bytes, folder, below, name, &store->rights, m->err);
    mpj_file_close(&folder);
    return status;
}

int mpj_merge_copy_file(merging *m, const char *file)
{
    uint64_t bytes;
    int fd;
    int status = open_source(m, file, &fd, &bytes);
    if (status != MPIJOB_OK)
        return status;
    status = copy(m, file, fd, bytes);
    mpj_file_close(&fd);
    return status;
}
