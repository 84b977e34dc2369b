#include "memory/list.h"

#include "base/alloc.h"
#include "base/error.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- Reading ----------------------------------------------------------------------------------------------------- */

typedef struct reading {
    mpj_list *list;
    const mpj_list_options *options;
    mpijob_error *err;
} reading;

static int add_segment(const char *name, void *payload)
{
    reading *r = payload;
    mpj_list *list = r->list;
    mpj_listed_segment segment = {.id = 0};
    if (!mpj_writer_of(segment.writer, name, MPJ_SEGMENT_SUFFIX) ||
        mpj_below_look(list->folder, name, &segment.bytes) != 1)
        return MPIJOB_OK;
    if (r->options->want && !r->options->want(segment.writer, segment.bytes, r->options->want_payload))
        return MPIJOB_OK;
    if (mpj_grow((void **)&list->segments, &list->segment_capacity, list->segment_count + 1, sizeof segment) != 0)
        return mpj_fail_memory(r->err, "the segments of a function", sizeof segment);
    list->segments[list->segment_count++] = segment;
    return MPIJOB_OK;
}

static int by_writer(const void *left, const void *right)
{
    return strcmp(((const mpj_listed_segment *)left)->writer, ((const mpj_listed_segment *)right)->writer);
}

/* By name, of one name the newest first, as a look-up takes them; of equal times what was cleared is. */
static int by_name(const void *left, const void *right)
{
    const mpj_listed *a = left, *b = right;
    int order = memcmp(a->name.key.bytes, b->name.key.bytes, 16);
    if (!order)
        order = memcmp(a->name.check.bytes, b->name.check.bytes, 16);
    if (order)
        return order;
    if (a->name.version != b->name.version)
        return a->name.version < b->name.version ? -1 : 1;
    if (a->time_ns != b->time_ns)
        return a->time_ns > b->time_ns ? -1 : 1;
    if (a->kind != b->kind)
        return a->kind > b->kind ? -1 : 1;
    if (a->segment != b->segment)
        return a->segment < b->segment ? -1 : 1;
    return a->offset > b->offset ? -1 : a->offset < b->offset;
}

static void settle(mpj_list *list)
{
    if (list->count > 1)
        qsort(list->entries, list->count, sizeof *list->entries, by_name);
    for (size_t i = 0; i < list->count; i++) {
        bool newest = i == 0 || !mpj_name_equal(&list->entries[i - 1].name, &list->entries[i].name);
        list->entries[i].live = newest && list->entries[i].kind != MPJ_ENTRY_TOMBSTONE;
    }
}

int mpj_list_read(mpj_list *list, mpj_store *store, const char *function, const mpj_list_options *options,
                  mpijob_error *err)
{
    static const mpj_list_options none = {0};
    char below[MPJ_FUNCTION_BYTES + 16];
    *list = (mpj_list){.store = store, .folder = -1, .fd = -1};
    reading r = {list, options ? options : &none, err};
    list->flaw = r.options->flaw;
    list->flaw_payload = r.options->flaw_payload;
    list->whole_indexes = r.options->whole_indexes || list->flaw;
    snprintf(list->function, sizeof list->function, "%s", function);
    snprintf(below, sizeof below, "%s/" MPJ_SEGMENTS_FOLDER, function);
    int status = mpj_path_join(list->path, store->location, below, err);
    if (status == MPIJOB_OK)
        status = mpj_below_walk(&list->folder, store->location, below, NULL, err);
    if (status == MPIJOB_ENOTFOUND)
        return MPIJOB_OK;
    if (status == MPIJOB_OK)
        status = mpj_below_list(list->folder, list->path, add_segment, &r, err);
    if (list->segment_count > 1)
        qsort(list->segments, list->segment_count, sizeof *list->segments, by_writer);
    for (size_t i = 0; i < list->segment_count && status == MPIJOB_OK; i++) {
        const mpj_listed_segment *segment = &list->segments[i];
        if (r.options->want && !r.options->want(segment->writer, segment->bytes, r.options->want_payload))
            list->segment_count = i; /* it took that long to read those before */
        else
            status = mpj_list_segment(list, i, err);
    }
    if (status == MPIJOB_OK)
        settle(list);
    return status;
}

void mpj_list_free(mpj_list *list)
{
    mpj_file_close(&list->fd);
    mpj_file_close(&list->folder);
    mpj_free(list->segments);
    mpj_free(list->entries);
    *list = (mpj_list){.folder = -1, .fd = -1};
}

/* ---- Entries ----------------------------------------------------------------------------------------------------- */

int mpj_list_open(mpj_list *list, size_t segment, mpijob_error *err)
{
    char name[MPJ_WRITER_BYTES + 8];
    if (list->fd >= 0 && list->fd_segment == segment)
        return MPIJOB_OK;
    mpj_file_close(&list->fd);
    mpj_writer_file(name, list->segments[segment].writer, MPJ_SEGMENT_SUFFIX);
    int status = mpj_below_open(&list->fd, list->folder, list->path, name, NULL, err);
    list->fd_segment = segment;
    return status;
}

int mpj_list_entry(mpj_list *list, const mpj_listed *entry, mpj_room *room, mpj_entry_header *header, mpijob_error *err)
{
    int status = mpj_list_open(list, entry->segment, err);
    if (status != MPIJOB_OK)
        return status;
    return mpj_segment_read_entry(room, header, list->fd, list->path, list->segments[entry->segment].id, entry->offset,
                                  entry->total_bytes, err);
}

int mpj_list_large_file(mpj_list *list, const mpj_listed *entry, mpj_room *room, char file[MPJ_LARGE_FILE_BYTES],
                        mpijob_error *err)
{
    mpj_entry_header header;
    if (entry->kind != MPJ_ENTRY_LARGE)
        return 0;
    int status = mpj_list_entry(list, entry, room, &header, err);
    if (status != 1)
        return status;
    if (header.kind != MPJ_ENTRY_LARGE || header.coded != MPJ_CODED_RAW || header.stored_bytes >= MPJ_LARGE_FILE_BYTES)
        return 0;
    memcpy(file, room->bytes + mpj_entry_payload_at(&header), (size_t)header.stored_bytes);
    file[header.stored_bytes] = '\0';
    return mpj_large_is_name(file);
}

size_t mpj_list_next_of_name(const mpj_list *list, size_t at)
{
    bool more = at + 1 < list->count && mpj_name_equal(&list->entries[at].name, &list->entries[at + 1].name);
    return more ? at + 1 : SIZE_MAX;
}

int mpj_list_large_look(const mpj_list *list, const char *file, uint64_t *bytes)
{
    char below[MPJ_FUNCTION_BYTES + 16];
    int folder;
    *bytes = 0;
    snprintf(below, sizeof below, "%s/" MPJ_LARGE_FOLDER "/%.2s", list->function, file);
    int status = mpj_below_walk(&folder, list->store->location, below, NULL, NULL);
    if (status != MPIJOB_OK)
        return status == MPIJOB_ENOTFOUND || status == MPIJOB_EINVAL ? 0 : -1;
    int there = mpj_below_look(folder, strchr(file, '/') + 1, bytes);
    mpj_file_close(&folder);
    return there == 1 ? *bytes > 0 : there;
}

uint64_t mpj_list_large_bytes(const mpj_list *list, const char *file)
{
    uint64_t bytes;
    return mpj_list_large_look(list, file, &bytes) == 1 ? bytes : 0;
}
