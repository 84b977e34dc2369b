#include "memory/cleaner.h"

#include "base/alloc.h"
#include "base/error.h"

#include <math.h>
#include <stdio.h>

#define DEAD_SHARE 8 /* a segment with more than 1/8 of no use is worth copying */

/* ---- Who still writes -------------------------------------------------------------------------------------------- */

static bool is_own(const mpj_list *list, const char *writer)
{
    for (const mpj_shelf *shelf = list->store->shelves; shelf; shelf = shelf->next)
        if (shelf->writing && strcmp(shelf->writing->writer, writer) == 0)
            return true;
    return false;
}

static bool is_closed(const mpj_list *list, const mpj_listed_segment *segment, mpj_seen *seen)
{
    const mpj_segment_header *header = &segment->header;
    if (segment->foreign || is_own(list, segment->writer))
        return false;
    if (segment->index_bytes)
        return true;
    if (header->id && mpj_process_look(header->place, (long)header->pid, header->start) == MPJ_PROCESS_GONE)
        return true;
    return seen && mpj_seen_note(seen, segment->writer, segment->bytes, mpj_boot_time()) >= MPJ_CLOSED_UNSEEN_S;
}

void mpj_cleaner_close(mpj_list *list, mpj_seen *seen)
{
    for (size_t i = 0; i < list->segment_count; i++)
        list->segments[i].closed = is_closed(list, &list->segments[i], seen);
}

/* ---- Sealing ----------------------------------------------------------------------------------------------------- */

static int take_record(const mpj_entry_header *header, void *payload)
{
    mpj_index_content *content = payload;
    int status = mpj_index_reserve(content, NULL);
    if (status == MPIJOB_OK)
        mpj_index_add(content, header);
    return status;
}

/* It covers what can be reached without it; what is cut at the end stays behind. */
static int seal(mpj_list *list, size_t number, mpijob_error *err)
{
    const mpj_listed_segment *segment = &list->segments[number];
    mpj_index_content content = {.segment = segment->id, .covered_bytes = MPJ_SEGMENT_HEADER_BYTES};
    int status = mpj_list_open(list, number, err);
    if (status == MPIJOB_OK)
        status = mpj_segment_scan(list->fd, list->path, segment->id, &content.covered_bytes, segment->bytes,
                                  take_record, &content, err);
    if (status == MPIJOB_ENOMEM)
        mpj_fail_memory(err, "an index", (content.count + 1) * sizeof *content.records);
    if (status == MPIJOB_OK)
        status = mpj_index_write(list->folder, list->path, segment->writer, &content, &list->store->rights, true, err);
    mpj_free(content.records);
    return status == MPIJOB_ENOTFOUND ? MPIJOB_OK : status;
}

int mpj_cleaner_seal(mpj_list *list, mpijob_error *err)
{
    int status = MPIJOB_OK;
    for (size_t i = 0; i < list->segment_count && status == MPIJOB_OK; i++) {
        const mpj_listed_segment *segment = &list->segments[i];
        if (segment->closed && !segment->source && segment->covered == 0 && segment->id && !segment->torn)
            status = seal(list, i, err);
    }
    return status;
}

/* ---- On demand --------------------------------------------------------------------------------------------------- */

/* Bytes of what stays, of each segment. */
static int count_useful(const mpj_list *list, uint64_t **useful, mpijob_error *err)
{
    *useful = mpj_calloc(list->segment_count, sizeof **useful);
    if (!*useful)
        return mpj_fail_memory(err, "the segments of a function", list->segment_count * sizeof **useful);
    for (size_t i = 0; i < list->count; i++)
        if (list->entries[i].live && !list->entries[i].drop)
            (*useful)[list->entries[i].segment] += list->entries[i].total_bytes;
    return MPIJOB_OK;
}

/* Large whole ones are left alone: copying them would gain nothing. Not so where a header is damaged. */
static bool is_worth_it(const mpj_listed_segment *segment, uint64_t useful, bool everything)
{
    if (segment->header.id == 0 || segment->torn)
        return true;
    uint64_t needed = useful + MPJ_SEGMENT_HEADER_BYTES;
    uint64_t dead = useful == 0 ? segment->bytes : segment->bytes > needed ? segment->bytes - needed : 0;
    return dead > segment->bytes / DEAD_SHARE || (everything && segment->bytes < MPJ_SEGMENT_MOST_BYTES / 2);
}

/* One small segment alone becomes the same again. */
static int choose_sources(mpj_list *list, bool everything, mpijob_error *err)
{
    uint64_t *useful;
    size_t count = 0, last = 0;
    int status = count_useful(list, &useful, err);
    if (status != MPIJOB_OK)
        return status;
    for (size_t i = 0; i < list->count; i++)
        list->segments[list->entries[i].segment].source |= list->entries[i].drop;
    for (size_t i = 0; i < list->segment_count; i++) {
        mpj_listed_segment *segment = &list->segments[i];
        bool drops = segment->source;
        segment->source = segment->closed && (drops || is_worth_it(segment, useful[i], everything));
        if (segment->source) {
            bool alone = drops || is_worth_it(segment, useful[i], false) || segment->covered < segment->bytes;
            count += alone ? 2 : 1;
            last = i;
        }
    }
    if (count == 1)
        list->segments[last].source = false;
    mpj_free(useful);
    return MPIJOB_OK;
}

int mpj_cleaner_merge(mpj_list *list, mpj_election *election, const mpj_cleaner_options *options, mpj_compacted *done,
                      mpijob_error *err)
{
    const mpj_compact_options compact = {.complete = true, .now = options->now, .until = INFINITY};
    mpj_cleaner_close(list, &election->seen);
    int status = choose_sources(list, options->everything, err);
    if (status == MPIJOB_OK)
        status = mpj_compact(list, election, &compact, done, err);
    if (status == MPIJOB_OK)
        status = mpj_cleaner_seal(list, err);
    if (status == MPIJOB_OK)
        status = mpj_uses_merge(list->store, list->function, list, err);
    mpj_cleaner_sweep(list->store, list->function);
    return status;
}

int mpj_cleaner_run(mpj_store *store, const char *function, const mpj_cleaner_options *options, mpj_compacted *done,
                    mpijob_error *err)
{
    const mpj_list_options reading = {.whole_indexes = true};
    mpj_election election;
    mpj_list list;
    int status = mpj_election_stand(&election, store, function, err);
    if (status == 0)
        return mpj_fail(err, MPIJOB_ECANCELED, "another process is cleaning %s/%s", store->location, function);
    if (status != 1)
        return status;
    status = mpj_list_read(&list, store, function, &reading, err);
    if (status == MPIJOB_OK)
        status = mpj_cleaner_merge(&list, &election, options, done, err);
    mpj_list_free(&list);
    mpj_election_end(&election, store);
    return status;
}
