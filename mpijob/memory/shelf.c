/* One function's folder: its segments, and their open files. */
#include "memory/shelf.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "io/codec.h"
#include "io/sync.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>

/* ---- Opening and closing ----------------------------------------------------------------------------------------- */

static int set_paths(mpj_shelf *shelf, mpijob_error *err)
{
    char folder[MPJ_ESCAPED_BYTES];
    mpj_escape(folder, shelf->name);
    shelf->below_function = (size_t)snprintf(shelf->below, sizeof shelf->below, "mpijob/%s", folder);
    snprintf(shelf->below + shelf->below_function, sizeof shelf->below - shelf->below_function, "/%s",
             MPJ_SEGMENTS_FOLDER);
    int status = mpj_path_join(shelf->path, shelf->store->root, folder, err);
    return status == MPIJOB_OK ? mpj_path_join(shelf->segments, shelf->path, MPJ_SEGMENTS_FOLDER, err) : status;
}

static int make(mpj_shelf **out, mpj_store *store, const char *name, mpijob_error *err)
{
    size_t length = strlen(name);
    mpj_shelf *shelf = mpj_calloc(1, sizeof *shelf);
    if (!shelf)
        return mpj_fail_memory(err, "a function's folder", sizeof *shelf);
    shelf->store = store;
    shelf->folder = -1;
    shelf->own.fd = -1;
    shelf->pending_due = INFINITY;
    shelf->checksum = mpj_checksum(name, length);
    shelf->name = mpj_alloc(length + 1);
    int status = shelf->name ? MPIJOB_OK : mpj_fail_memory(err, "a function's name", length + 1);
    if (status == MPIJOB_OK) {
        memcpy(shelf->name, name, length + 1);
        status = set_paths(shelf, err);
    }
    if (status == MPIJOB_OK)
        *out = shelf;
    else
        mpj_shelf_close(shelf);
    return status;
}

int mpj_shelf_open(mpj_shelf **shelf, mpj_store *store, const char *name, mpijob_error *err)
{
    for (mpj_shelf *known = store->shelves; known; known = known->next)
        if (strcmp(known->name, name) == 0) {
            *shelf = known;
            return MPIJOB_OK;
        }
    mpj_shelf *made = NULL;
    int status = make(&made, store, name, err);
    if (status != MPIJOB_OK)
        return status;
    if (mpj_shelf_list(made, NULL) == MPIJOB_ENOMEM) {
        mpj_shelf_close(made);
        return mpj_fail_memory(err, "the segments of a function", sizeof(mpj_known));
    }
    made->refresh.last = mpj_now();
    made->next = store->shelves;
    *shelf = store->shelves = made;
    return MPIJOB_OK;
}

static void free_known(mpj_shelf *shelf, mpj_known *known)
{
    mpj_descriptors_drop(&shelf->store->descriptors, &known->fd);
    mpj_descriptors_drop(&shelf->store->descriptors, &known->index_fd);
    mpj_index_free(&known->index);
    mpj_free(known);
}

bool mpj_shelf_is_local(const mpj_shelf *shelf)
{
    return shelf->store->local;
}

void mpj_shelf_close(mpj_shelf *shelf)
{
    mpj_appender_free(&shelf->own);
    for (size_t i = 0; i < shelf->known_count; i++)
        free_known(shelf, shelf->known[i]);
    mpj_free(shelf->known);
    mpj_free(shelf->sorted);
    mpj_free(shelf->indexed);
    mpj_slots_free(&shelf->slots);
    mpj_slots_free(&shelf->bad);
    mpj_ahead_free(&shelf->ahead);
    mpj_free(shelf->room.bytes);
    mpj_free(shelf->plain.bytes);
    mpj_free(shelf->packed.bytes);
    mpj_free(shelf->found);
    mpj_free(shelf->use.records);
    mpj_versions_free(shelf);
    mpj_file_close(&shelf->folder);
    mpj_free(shelf->name);
    mpj_free(shelf);
}

const char *mpj_shelf_path(const mpj_shelf *shelf)
{
    return shelf->path;
}

/* ---- Segments ---------------------------------------------------------------------------------------------------- */

/* The sorted ones keep their order: a new one is put where it belongs. */
static void sort_in(mpj_shelf *shelf, mpj_known *known)
{
    size_t at = shelf->known_count;
    while (at > 0 && strcmp(shelf->sorted[at - 1]->writer, known->writer) > 0) {
        shelf->sorted[at] = shelf->sorted[at - 1];
        at--;
    }
    shelf->sorted[at] = known;
}

mpj_known *mpj_shelf_add_known(mpj_shelf *shelf, const char *writer)
{
    size_t need = shelf->known_count + 1;
    if (mpj_grow((void **)&shelf->known, &shelf->known_capacity, need, sizeof *shelf->known) != 0 ||
        mpj_grow((void **)&shelf->sorted, &shelf->sorted_capacity, need, sizeof *shelf->sorted) != 0 ||
        mpj_grow((void **)&shelf->indexed, &shelf->indexed_capacity, need, sizeof *shelf->indexed) != 0)
        return NULL;
    mpj_known *known = mpj_calloc(1, sizeof *known);
    if (!known)
        return NULL;
    snprintf(known->writer, sizeof known->writer, "%s", writer);
    known->fd = known->index_fd = -1;
    known->grown = mpj_now();
    known->good = MPJ_SEGMENT_HEADER_BYTES;
    known->number = (uint32_t)shelf->known_count;
    sort_in(shelf, known);
    shelf->known[shelf->known_count++] = known;
    return known;
}

static void forget_index(mpj_shelf *shelf, mpj_known *known)
{
    for (size_t i = 0; i < shelf->indexed_count; i++)
        if (shelf->indexed[i] == known->number)
            shelf->indexed[i--] = shelf->indexed[--shelf->indexed_count];
    if (known->index.held)
        shelf->held_bytes -= mpj_index_held_bytes(&known->index);
    mpj_index_free(&known->index);
    mpj_descriptors_drop(&shelf->store->descriptors, &known->index_fd);
}

void mpj_shelf_lose(mpj_shelf *shelf, mpj_known *known)
{
    if (known->gone)
        return;
    forget_index(shelf, known);
    mpj_descriptors_drop(&shelf->store->descriptors, &known->fd);
    known->gone = true;
    shelf->stale_slots += known->slots;
    known->slots = 0;
}

/* ---- Slots ------------------------------------------------------------------------------------------------------- */

bool mpj_shelf_slot_counts(const mpj_shelf *shelf, const mpj_slot *slot)
{
    const mpj_known *known = shelf->known[mpj_slot_segment(slot)];
    uint64_t offset = mpj_slot_offset(slot);
    if (known->gone || offset >= known->good)
        return false;
    return !known->index.tables || offset >= known->index.head.covered_bytes;
}

static bool keep_slot(const mpj_slot *slot, void *payload)
{
    return mpj_shelf_slot_counts(payload, slot);
}

int mpj_shelf_reserve_slot(mpj_shelf *shelf)
{
    if (shelf->stale_slots > 1024 && shelf->stale_slots > shelf->slots.used / 2) {
        mpj_slots_filter(&shelf->slots, keep_slot, shelf);
        shelf->stale_slots = 0;
    }
    return mpj_slots_reserve(&shelf->slots, 1);
}

/* No segment of ours is so long that an offset has no place in a slot: what lies behind is not found. */
int mpj_shelf_add_slot(mpj_shelf *shelf, mpj_known *known, const mpijob_digest *key, uint64_t offset,
                       uint64_t total_bytes)
{
    if (mpj_shelf_reserve_slot(shelf) != 0)
        return -1;
    if (offset > MPJ_SLOT_MOST_BYTES || total_bytes > MPJ_SLOT_MOST_BYTES)
        return 0;
    mpj_slots_add(&shelf->slots, mpj_get_u64(key->bytes), known->number, offset, total_bytes);
    known->slots++;
    if (!known->own)
        mpj_shelf_tell(shelf, key);
    return 0;
}

/* ---- Descriptors ------------------------------------------------------------------------------------------------- */

int mpj_shelf_open_file(mpj_shelf *shelf, int *fd, const char *writer, const char *suffix, uint64_t *bytes,
                        mpijob_error *err)
{
    char name[MPJ_WRITER_BYTES + 8];
    mpijob_error own = {0};
    mpj_writer_file(name, writer, suffix);
    if (shelf->folder < 0)
        return mpj_fail(err, MPIJOB_ENOTFOUND, "there is no folder %s", shelf->segments);
    int status = mpj_below_open(fd, shelf->folder, shelf->segments, name, bytes, &own);
    if (status == MPIJOB_EOS && (own.os_errno == EMFILE || own.os_errno == ENFILE) &&
        mpj_descriptors_drop_all(&shelf->store->descriptors) > 0)
        status = mpj_below_open(fd, shelf->folder, shelf->segments, name, bytes, &own);
    if (status == MPIJOB_OK)
        mpj_descriptors_hold(&shelf->store->descriptors, fd);
    return mpj_told(err, status, &own);
}

/* A segment that is gone was cleared, or merged into one that has not been read yet: looking pays at the next miss. */
static int opened(mpj_shelf *shelf, mpj_known *known, int *fd, const char *suffix)
{
    mpijob_error err;
    if (*fd >= 0)
        return *fd;
    int status = mpj_shelf_open_file(shelf, fd, known->writer, suffix, NULL, &err);
    if (status == MPIJOB_ENOTFOUND)
        shelf->refresh.last = -INFINITY;
    if (status == MPIJOB_EOS && err.os_errno != ESTALE)
        mpj_store_cannot_read(shelf->store, &err);
    return *fd;
}

int mpj_shelf_segment_fd(mpj_shelf *shelf, mpj_known *known)
{
    if (known->own)
        return shelf->own.fd;
    return opened(shelf, known, &known->fd, MPJ_SEGMENT_SUFFIX);
}

int mpj_shelf_index_fd(mpj_shelf *shelf, mpj_known *known)
{
    return opened(shelf, known, &known->index_fd, MPJ_INDEX_SUFFIX);
}
