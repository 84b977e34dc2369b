/* Looking for a result in the trash (why.h). */
#include "base/alloc.h"
#include "io/info.h"
#include "memory/trash.h"
#include "memory/why.h"

#include <stdio.h>

typedef struct searching {
    const mpj_name *name;
    int folder;
    bool found;
    int64_t removed_s;
} searching;

static int compare(const mpj_entry_header *header, void *payload)
{
    searching *s = payload;
    s->found |= header->kind != MPJ_ENTRY_TOMBSTONE && mpj_name_equal(&header->name, s->name);
    return s->found;
}

static bool ends_in(const char *name, const char *suffix)
{
    size_t length = strlen(name), tail = strlen(suffix);
    return length > tail && strcmp(name + length - tail, suffix) == 0;
}

static int search_segment(const char *name, void *payload)
{
    searching *s = payload;
    mpj_segment_header header;
    uint64_t bytes, good = MPJ_SEGMENT_HEADER_BYTES;
    int fd;
    if (!ends_in(name, MPJ_SEGMENT_SUFFIX) ||
        mpj_below_open(&fd, s->folder, MPJ_TRASH_FOLDER, name, &bytes, NULL) != MPIJOB_OK)
        return 0;
    if (mpj_segment_read_header(&header, fd, MPJ_TRASH_FOLDER, NULL) == MPIJOB_OK)
        mpj_segment_scan(fd, MPJ_TRASH_FOLDER, header.id, &good, bytes, compare, s, NULL);
    mpj_file_close(&fd);
    return s->found;
}

/* A segment that was merged without it, or the folder of all of them. */
static int search_item(const char *item, void *payload)
{
    searching *s = payload;
    int trash = s->folder;
    if (mpj_trash_grace(item, &s->removed_s) < 0)
        return 0;
    if (search_segment(item, s) || !ends_in(item, "." MPJ_SEGMENTS_FOLDER))
        return s->found;
    s->folder = mpj_info_open_folder(trash, item);
    if (s->folder >= 0)
        mpj_below_list(s->folder, item, search_segment, s, NULL);
    mpj_file_close(&s->folder);
    s->folder = trash;
    return s->found;
}

int64_t mpj_why_removed(const mpj_store *store, const char *function, const mpj_name *name)
{
    char below[MPJ_FUNCTION_BYTES + 16];
    searching s = {.name = name};
    snprintf(below, sizeof below, "%s/" MPJ_TRASH_FOLDER, function);
    if (mpj_below_walk(&s.folder, store->location, below, NULL, NULL) != MPIJOB_OK)
        return -1;
    mpj_below_list(s.folder, below, search_item, &s, NULL);
    mpj_file_close(&s.folder);
    return s.found ? s.removed_s : -1;
}
