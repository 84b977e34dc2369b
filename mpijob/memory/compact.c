#include "memory/compact.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "io/codec.h"
#include "memory/escape.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define NS_PER_S INT64_C(1000000000)

/* ---- Deciding ---------------------------------------------------------------------------------------------------- */

static bool is_first_of_name(const mpj_list *list, size_t entry)
{
    return entry == 0 || !mpj_name_equal(&list->entries[entry - 1].name, &list->entries[entry].name);
}

/* Is there an older entry of the name? It may stay even in a source: which cannot be read, or not be removed, or whose
 * remover is killed. The tombstone goes when it is the last of its name. */
static bool hides_something(const mpj_list *list, size_t entry)
{
    return mpj_list_next_of_name(list, entry) != SIZE_MAX;
}

bool mpj_compact_keeps(const mpj_list *list, size_t entry, int64_t now_ns, bool complete)
{
    const mpj_listed *e = &list->entries[entry];
    if (e->kind != MPJ_ENTRY_TOMBSTONE)
        return e->live && !e->drop;
    if (hides_something(list, entry))
        return true;
    if (!is_first_of_name(list, entry))
        return false;
    return !complete || now_ns - e->time_ns < MPJ_TOMBSTONE_KEPT_S * NS_PER_S;
}

/* ---- Copying ----------------------------------------------------------------------------------------------------- */

typedef struct placed {
    uint32_t segment;
    uint64_t offset;
    size_t entry;
} placed;

typedef struct merging {
    mpj_list *list;
    mpj_election *election;
    const mpj_compact_options *options;
    mpj_compacted *done;
    mpijob_error *err;
    placed *order; /* the entries of sources, as they stand in the files */
    size_t count;
    mpj_output out;
    mpj_room room;
    int64_t now_ns;
} merging;

static int by_place(const void *left, const void *right)
{
    const placed *a = left, *b = right;
    if (a->segment != b->segment)
        return a->segment < b->segment ? -1 : 1;
    return a->offset < b->offset ? -1 : a->offset > b->offset;
}

static int put_in_order(merging *m)
{
    const mpj_list *list = m->list;
    m->order = mpj_alloc(list->count * sizeof *m->order);
    if (!m->order)
        return mpj_fail_memory(m->err, "merging segments", list->count * sizeof *m->order);
    for (size_t i = 0; i < list->count; i++)
        if (list->segments[list->entries[i].segment].source)
            m->order[m->count++] = (placed){list->entries[i].segment, list->entries[i].offset, i};
    if (m->count > 1)
        qsort(m->order, m->count, sizeof *m->order, by_place);
    return MPIJOB_OK;
}

/* The next older one of a damaged entry's name lives from now on, as it does for a look-up. */
static size_t next_best(mpj_list *list, size_t entry)
{
    size_t next = mpj_list_next_of_name(list, entry);
    if (next == SIZE_MAX || list->entries[next].kind == MPJ_ENTRY_TOMBSTONE || list->entries[next].drop)
        return SIZE_MAX;
    list->entries[next].live = true;
    return list->segments[list->entries[next].segment].source ? next : SIZE_MAX;
}

/* One whose file was cleared, between being written and being entered, is of no use. 1, 0; -1: that cannot be told now. */
static int has_its_file(const merging *m, const mpj_entry_header *header)
{
    char file[MPJ_LARGE_FILE_BYTES] = "";
    uint64_t bytes;
    if (header->stored_bytes < sizeof file)
        memcpy(file, m->room.bytes + mpj_entry_payload_at(header), (size_t)header->stored_bytes);
    return mpj_large_is_name(file) ? mpj_list_large_look(m->list, file, &bytes) : 0;
}

static int copy(merging *m, size_t entry)
{
    mpj_list *list = m->list;
    while (entry != SIZE_MAX) {
        mpj_entry_header header;
        mpj_listed *e = &list->entries[entry];
        int status = mpj_list_entry(list, e, &m->room, &header, m->err);
        if (status == MPIJOB_ENOMEM)
            return status;
        if (status == 1 && e->kind == MPJ_ENTRY_LARGE)
            status = has_its_file(m, &header);
        if (status == 1) {
            status = mpj_output_add(&m->out, &header, m->room.bytes, m->err);
            e->copied = status == MPIJOB_OK;
            m->done->kept += e->copied;
            return status;
        }
        if (status != 0) { /* it cannot be read now: its segment stays */
            list->segments[e->segment].failed = true;
            return MPIJOB_OK;
        }
        m->done->damaged++;
        e->live = false;
        entry = next_best(list, entry);
    }
    return MPIJOB_OK;
}

/* Which sources are not begun any more, since the time is up. */
static void leave_out_from(merging *m, uint32_t segment)
{
    for (size_t i = segment; i < m->list->segment_count; i++)
        m->list->segments[i].source = false;
}

static int copy_all(merging *m)
{
    int status = MPIJOB_OK;
    for (size_t i = 0; i < m->count && status == MPIJOB_OK; i++) {
        const placed *at = &m->order[i];
        bool begins = i == 0 || m->order[i - 1].segment != at->segment;
        if (begins && i > 0 && mpj_now() >= m->options->until) {
            leave_out_from(m, at->segment);
            break;
        }
        if (begins && !mpj_election_holds(m->election))
            return mpj_fail(m->err, MPIJOB_ECANCELED, "another process cleans %s", m->list->path);
        if (m->list->entries[at->entry].copied)
            continue;
        if (mpj_compact_keeps(m->list, at->entry, m->now_ns, m->options->complete))
            status = copy(m, at->entry);
        else if (m->list->entries[at->entry].live)
            m->done->dropped++;
    }
    return status;
}

/* ---- Removing the sources ---------------------------------------------------------------------------------------- */

/* The segment first: one without an index is scanned, an index without a segment is passed over. */
static int remove_source(merging *m, const mpj_listed_segment *segment)
{
    char file[MPJ_WRITER_BYTES + 8], name[sizeof file + sizeof MPJ_SEGMENTS_FOLDER + 1];
    uint64_t bytes;
    mpj_writer_file(file, segment->writer, MPJ_SEGMENT_SUFFIX);
    if (mpj_below_look(m->list->folder, file, &bytes) != 1 || bytes != segment->bytes)
        return MPIJOB_OK;
    snprintf(name, sizeof name, MPJ_SEGMENTS_FOLDER "/%s", file);
    int status = mpj_compact_remove(m->list, name, m->options->now, m->done, m->err);
    if (status != MPIJOB_OK)
        return status;
    m->done->sources++;
    m->done->bytes_before += segment->bytes + segment->index_bytes;
    mpj_writer_file(file, segment->writer, MPJ_INDEX_SUFFIX);
    snprintf(name, sizeof name, MPJ_SEGMENTS_FOLDER "/%s", file);
    return mpj_compact_remove(m->list, name, m->options->now, m->done, m->err);
}

static int remove_sources(merging *m)
{
    int status = MPIJOB_OK;
    for (size_t i = 0; i < m->list->segment_count && status == MPIJOB_OK; i++) {
        const mpj_listed_segment *segment = &m->list->segments[i];
        if (!segment->source || segment->failed)
            continue;
        if (!mpj_election_holds(m->election))
            return mpj_fail(m->err, MPIJOB_ECANCELED, "another process cleans %s", m->list->path);
        status = remove_source(m, segment);
    }
    return status;
}

/* A long name is not all there in its folder's: then as another segment says. */
static uint64_t function_of(const mpj_list *list)
{
    char name[MPJ_ESCAPED_BYTES];
    const char *folder = strrchr(list->function, '/');
    if (folder && mpj_unescape(name, folder + 1) == 0)
        return mpj_checksum(name, strlen(name));
    for (size_t i = 0; i < list->segment_count; i++)
        if (list->segments[i].header.function)
            return list->segments[i].header.function;
    return 0;
}

int mpj_compact(mpj_list *list, mpj_election *election, const mpj_compact_options *options, mpj_compacted *done,
                mpijob_error *err)
{
    merging m = {list, election, options, done, err, .count = 0};
    mpj_large_files files = {.unknown = false};
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    m.now_ns = now.tv_sec * NS_PER_S + now.tv_nsec;
    if (list->folder < 0)
        return MPIJOB_OK;
    mpj_output_begin(&m.out, list->folder, list->path, &list->store->rights, function_of(list));
    int status = put_in_order(&m);
    if (status == MPIJOB_OK)
        status = copy_all(&m);
    if (status == MPIJOB_OK)
        status = mpj_output_end(&m.out, err);
    done->made += m.out.made;
    done->bytes_after += m.out.bytes;
    if (status == MPIJOB_OK && options->complete)
        status = mpj_large_collect(&files, list, err);
    if (status == MPIJOB_OK)
        status = remove_sources(&m);
    if (status == MPIJOB_OK && options->complete)
        status = mpj_large_remove(&files, list, election, options->now, done, err);
    mpj_large_free(&files);
    mpj_output_free(&m.out);
    mpj_free(m.order);
    mpj_free(m.room.bytes);
    return status;
}
