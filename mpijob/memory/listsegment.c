/* One segment's entries: by scanning it; and behind a damaged place from where its index says that there are more. */
#include "memory/list.h"

#include "base/alloc.h"
#include "base/error.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct place {
    uint64_t offset;
    mpijob_digest key;
} place;

typedef struct scan {
    mpj_list *list;
    mpj_listed_segment *segment;
    uint32_t number;
    mpj_index index;
    place *places; /* of the index's records, by offset; only where they are needed */
    size_t place_count;
    mpijob_error *err;
} scan;

static void tell(const scan *s, int kind, const char *suffix, uint64_t offset, const mpijob_digest *key,
                 const char *reason)
{
    mpj_flaw flaw = {.kind = kind, .offset = offset, .has_key = key != NULL, .reason = reason};
    char name[MPJ_WRITER_BYTES + 8];
    if (!s->list->flaw)
        return;
    if (key)
        flaw.key = *key;
    mpj_writer_file(name, s->segment->writer, suffix);
    snprintf(flaw.file, sizeof flaw.file, MPJ_SEGMENTS_FOLDER "/%s", name);
    s->list->flaw(&flaw, s->list->flaw_payload);
}

/* ---- Its index --------------------------------------------------------------------------------------------------- */

static int take_place(const mpj_index_record *record, void *payload)
{
    scan *s = payload;
    if (s->place_count < s->index.head.count)
        s->places[s->place_count++] = (place){record->offset, record->key};
    return MPIJOB_OK;
}

static int by_offset(const void *left, const void *right)
{
    const place *a = left, *b = right;
    return a->offset < b->offset ? -1 : a->offset > b->offset;
}

static int read_places(scan *s)
{
    char name[MPJ_WRITER_BYTES + 8];
    int fd;
    if (s->places || !s->index.tables || s->index.head.count == 0)
        return MPIJOB_OK;
    s->places = mpj_alloc((size_t)s->index.head.count * sizeof *s->places);
    if (!s->places)
        return mpj_fail_memory(s->err, "an index", s->index.head.count * sizeof *s->places);
    mpj_writer_file(name, s->segment->writer, MPJ_INDEX_SUFFIX);
    if (mpj_below_open(&fd, s->list->folder, s->list->path, name, NULL, NULL) != MPIJOB_OK)
        return MPIJOB_OK;
    int status = mpj_index_walk(&s->index, fd, s->list->path, take_place, s, NULL);
    mpj_file_close(&fd);
    if (s->place_count > 1)
        qsort(s->places, s->place_count, sizeof *s->places, by_offset);
    return status == MPIJOB_ENOMEM ? mpj_fail_memory(s->err, "an index", s->index.head.count) : MPIJOB_OK;
}

/* The first place from this offset on; NULL: none. */
static const place *place_from(const scan *s, uint64_t offset)
{
    size_t low = 0, high = s->place_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (s->places[middle].offset < offset)
            low = middle + 1;
        else
            high = middle;
    }
    return low < s->place_count ? &s->places[low] : NULL;
}

static int load_index(scan *s)
{
    char name[MPJ_WRITER_BYTES + 8];
    int fd;
    mpijob_error own = {0};
    mpj_writer_file(name, s->segment->writer, MPJ_INDEX_SUFFIX);
    int status = mpj_below_open(&fd, s->list->folder, s->list->path, name, &s->segment->index_bytes, NULL);
    if (status == MPIJOB_EOS)
        tell(s, MPJ_FLAW_DAMAGED, MPJ_INDEX_SUFFIX, 0, NULL, "this index cannot be read");
    if (status != MPIJOB_OK)
        return MPIJOB_OK;
    status = mpj_index_load(&s->index, fd, s->segment->index_bytes, s->list->path, &own);
    if (status == MPIJOB_OK && s->list->whole_indexes)
        status = mpj_index_records_are_whole(&s->index, fd, s->list->path, &own) == 0 ? MPIJOB_ECORRUPT : MPIJOB_OK;
    mpj_file_close(&fd);
    if (s->segment->index_bytes == 0)
        s->segment->index_bytes = 1; /* there is one, though it is empty */
    s->segment->foreign = status == MPIJOB_EVERSION;
    if (status == MPIJOB_ECORRUPT)
        tell(s, MPJ_FLAW_DAMAGED, MPJ_INDEX_SUFFIX, 0, NULL, "this index is damaged");
    if (status == MPIJOB_OK)
        s->segment->covered = s->index.head.covered_bytes;
    return status == MPIJOB_ENOMEM ? mpj_told(s->err, status, &own) : MPIJOB_OK;
}

/* ---- Its entries ------------------------------------------------------------------------------------------------- */

static int take_entry(const mpj_entry_header *header, void *payload)
{
    scan *s = payload;
    mpj_list *list = s->list;
    if (mpj_grow((void **)&list->entries, &list->capacity, list->count + 1, sizeof *list->entries) != 0)
        return mpj_fail_memory(s->err, "the entries of a function", (list->count + 1) * sizeof *list->entries);
    list->entries[list->count++] = (mpj_listed){.name = header->name,
                                                .time_ns = header->time_ns,
                                                .compute_s = header->compute_s,
                                                .offset = header->offset,
                                                .total_bytes = header->total_bytes,
                                                .large_bytes = header->kind == MPJ_ENTRY_LARGE ? header->raw_bytes : 0,
                                                .segment = s->number,
                                                .kind = header->kind};
    s->segment->entry_bytes += header->total_bytes;
    return MPIJOB_OK;
}

/* Is what stands at `at` an entry that is cut, as a writer leaves it that was killed? */
static bool is_cut(const scan *s, uint64_t at)
{
    mpj_entry_header header;
    if (s->segment->bytes - at < MPJ_ENTRY_HEADER_BYTES)
        return true;
    return mpj_segment_read_entry_header(&header, s->list->fd, s->list->path, s->segment->id, at, NULL) == 1;
}

/* Also by an index with a damaged record, whose others lead to entries all the same. */
static uint64_t led_to(const scan *s)
{
    return s->index.tables ? s->index.head.covered_bytes : 0;
}

/* The scan ended at `at`, before the end. Where it goes on; the end: there is nothing more. */
static uint64_t pass_over(const scan *s, uint64_t at)
{
    mpj_listed_segment *segment = s->segment;
    if (at >= led_to(s)) {
        bool cut = is_cut(s, at);
        tell(s, cut ? MPJ_FLAW_UNFINISHED : MPJ_FLAW_DAMAGED, MPJ_SEGMENT_SUFFIX, at, NULL,
             cut ? "the last entry is cut" : "the header of this entry is damaged, and what lies behind it is lost");
        return segment->bytes;
    }
    const place *lost = place_from(s, at), *next = place_from(s, at + 1);
    tell(s, MPJ_FLAW_DAMAGED, MPJ_SEGMENT_SUFFIX, at, lost && lost->offset == at ? &lost->key : NULL,
         is_cut(s, at) ? "the file ends inside this entry" : "the header of this entry is damaged");
    segment->torn = true;
    return next ? next->offset : led_to(s);
}

static int scan_entries(scan *s)
{
    mpj_listed_segment *segment = s->segment;
    uint64_t at = MPJ_SEGMENT_HEADER_BYTES;
    int status = MPIJOB_OK;
    while (status == MPIJOB_OK && at < segment->bytes) {
        status = mpj_segment_scan(s->list->fd, s->list->path, segment->id, &at, segment->bytes, take_entry, s, s->err);
        if (status != MPIJOB_OK || at >= segment->bytes)
            break;
        status = read_places(s);
        if (status == MPIJOB_OK)
            at = pass_over(s, at);
    }
    if (status == MPIJOB_OK && segment->bytes < led_to(s))
        tell(s, MPJ_FLAW_DAMAGED, MPJ_SEGMENT_SUFFIX, segment->bytes, NULL, "the file is shorter than its index says");
    return status;
}

static int read_segment(scan *s)
{
    mpj_listed_segment *segment = s->segment;
    mpijob_error own = {0};
    int status = mpj_list_open(s->list, s->number, s->err);
    if (status == MPIJOB_ENOTFOUND || status == MPIJOB_EINVAL)
        return MPIJOB_OK;
    int64_t length = status == MPIJOB_OK ? mpj_file_length(s->list->fd) : -1;
    if (length >= 0)
        segment->bytes = (uint64_t)length;
    if (status == MPIJOB_OK)
        status = load_index(s);
    if (status != MPIJOB_OK)
        return status;
    int header = mpj_segment_read_header(&segment->header, s->list->fd, s->list->path, &own);
    segment->foreign |= header == MPIJOB_EVERSION;
    if (header == MPIJOB_EOS || header == MPIJOB_EVERSION)
        return header == MPIJOB_EOS ? mpj_told(s->err, header, &own) : MPIJOB_OK;
    if (header != MPIJOB_OK) {
        bool begun = segment->bytes < MPJ_SEGMENT_HEADER_BYTES && !segment->index_bytes;
        tell(s, begun ? MPJ_FLAW_UNFINISHED : MPJ_FLAW_DAMAGED, MPJ_SEGMENT_SUFFIX, 0, NULL,
             "the header of this segment is damaged");
    } else if (s->index.tables && s->index.head.segment != segment->header.id) {
        tell(s, MPJ_FLAW_DAMAGED, MPJ_INDEX_SUFFIX, 0, NULL, "this index is of another segment");
        mpj_index_free(&s->index);
        segment->covered = 0;
    }
    if (header != MPIJOB_OK && !s->index.tables)
        return MPIJOB_OK;
    segment->id = header == MPIJOB_OK ? segment->header.id : s->index.head.segment;
    return scan_entries(s);
}

int mpj_list_segment(mpj_list *list, size_t number, mpijob_error *err)
{
    scan s = {.list = list, .segment = &list->segments[number], .number = (uint32_t)number, .err = err};
    int status = read_segment(&s);
    mpj_index_free(&s.index);
    mpj_free(s.places);
    return status;
}
