/* The own segment: begun, written, begun anew after an error, sealed. */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "io/identity.h"
#include "io/sync.h"
#include "memory/shelf.h"

#include <errno.h>
#include <math.h>

#define RESTART_AGAIN_S 600 /* an error so long after another one is a new trouble, worth another try */

static bool is_ours(const mpj_shelf *shelf)
{
    return shelf->writing && shelf->own.pid == mpj_process_id();
}

void mpj_shelf_set_due(mpj_shelf *shelf)
{
    const mpj_appender *own = &shelf->own;
    shelf->pending_due = INFINITY;
    if (!shelf->writing || !mpj_store_writes(shelf->store))
        return;
    if (own->index.count > 0 && own->end > own->written)
        shelf->pending_due = own->pending_since + MPJ_BATCH_S;
    if (shelf->store->options.durability == MPIJOB_DURABLE_PUBLISH && !shelf->store->local &&
        own->written > own->synced)
        shelf->pending_due = fmin(shelf->pending_due, own->last_sync + fmax(1, 50 * own->sync_cost));
    if (shelf->pending_due < shelf->store->due)
        shelf->store->due = shelf->pending_due;
}

/* ---- Beginning and ending ---------------------------------------------------------------------------------------- */

/* From now on it is a segment like those of others. */
static void let_go(mpj_shelf *shelf)
{
    mpj_known *known = shelf->writing;
    known->own = false;
    known->good = known->bytes = shelf->own.written;
    known->grown = mpj_now();
    if (shelf->own.fd < 0 || shelf->own.written == 0) {
        mpj_shelf_lose(shelf, known);
    } else {
        known->fd = shelf->own.fd;
        shelf->own.fd = -1;
        mpj_descriptors_hold(&shelf->store->descriptors, &known->fd);
    }
    shelf->writing = NULL;
}

static int begin(mpj_shelf *shelf, mpijob_error *err)
{
    mpj_appender_begin(&shelf->own, shelf->checksum);
    mpj_known *known = mpj_shelf_add_known(shelf, shelf->own.writer);
    if (!known) {
        mpj_appender_free(&shelf->own);
        return mpj_fail_memory(err, "a segment", sizeof *known);
    }
    known->id = shelf->own.id;
    known->own = known->started = true;
    known->good = UINT64_MAX;
    shelf->writing = known;
    return MPIJOB_OK;
}

void mpj_shelf_abandon(mpj_shelf *shelf)
{
    if (!shelf->writing)
        return;
    let_go(shelf);
    mpj_appender_free(&shelf->own);
    shelf->pending_due = INFINITY;
}

static uint64_t entries_from(const mpj_appender *appender, uint64_t offset)
{
    const mpj_index_content *index = &appender->index;
    size_t at = index->count;
    while (at > 0 && mpj_coded_offset(&index->records[at - 1]) >= offset)
        at--;
    return index->count - at;
}

static int carry_over(mpj_shelf *shelf, const mpj_appender *old, uint64_t from, mpijob_error *err)
{
    if (from < MPJ_SEGMENT_HEADER_BYTES)
        from = MPJ_SEGMENT_HEADER_BYTES;
    for (uint64_t at = from; at < old->end;) {
        mpj_entry_header header;
        const unsigned char *entry = old->kept + (at - old->kept_at);
        if (!mpj_entry_header_decode(&header, entry, old->id, at))
            return mpj_fail(err, MPIJOB_EINTERNAL, "an entry in memory is damaged");
        uint64_t offset = shelf->own.end ? shelf->own.end : MPJ_SEGMENT_HEADER_BYTES;
        int status = mpj_appender_copy(&shelf->own, &header, entry + MPJ_ENTRY_HEADER_BYTES, err);
        if (status != MPIJOB_OK)
            return status;
        mpj_shelf_add_slot(shelf, shelf->writing, &header.name.key, offset, header.total_bytes);
        at += header.total_bytes;
    }
    return MPIJOB_OK;
}

int mpj_shelf_restart(mpj_shelf *shelf, uint64_t from, mpijob_error *err)
{
    mpj_appender old = shelf->own;
    uint64_t lost = entries_from(&old, from < old.written ? old.written : from);
    let_go(shelf);
    old.fd = shelf->own.fd; /* unless let_go has taken it */
    int status = begin(shelf, err);
    if (status == MPIJOB_OK)
        status = carry_over(shelf, &old, from < old.kept_at ? old.kept_at : from, err);
    if (status != MPIJOB_OK) {
        shelf->store->counts.not_stored += lost;
        shelf->store->counts.stored -= lost;
    }
    mpj_appender_free(&old);
    return status;
}

/* ---- Writing ----------------------------------------------------------------------------------------------------- */

static int give_up(mpj_shelf *shelf, const mpijob_error *why)
{
    uint64_t lost = entries_from(&shelf->own, shelf->own.written);
    shelf->store->counts.not_stored += lost;
    shelf->store->counts.stored -= lost;
    shelf->pending_due = INFINITY;
    return mpj_store_give_up(shelf->store, why);
}

static int open_folder(mpj_shelf *shelf, mpijob_error *err)
{
    mpj_store *store = shelf->store;
    int status = mpj_location_prepare(store, err);
    if (status == MPIJOB_OK)
        status = mpj_below_walk(&shelf->folder, store->location, shelf->below, &store->rights, err);
    if (status == MPIJOB_OK)
        mpj_location_is_on(store, shelf->folder);
    return status;
}

/* Both may have been removed since they were opened. */
static int open_folder_again(mpj_shelf *shelf, mpijob_error *err)
{
    mpj_file_close(&shelf->folder);
    shelf->store->prepared = false;
    return open_folder(shelf, err);
}

/* What keeps a file from being made, but not for ever: its folder went, or there are too many open files. */
bool mpj_shelf_make_room(mpj_shelf *shelf, const mpijob_error *why)
{
    return (why->os_errno == EMFILE || why->os_errno == ENFILE) &&
           mpj_descriptors_drop_all(&shelf->store->descriptors) > 0;
}

static bool may_help(mpj_shelf *shelf, const mpijob_error *why)
{
    if (why->os_errno == EMFILE || why->os_errno == ENFILE)
        return mpj_shelf_make_room(shelf, why);
    return why->os_errno == ENOENT || why->os_errno == ESTALE;
}

static int write_batch(mpj_shelf *shelf, mpijob_error *err)
{
    mpj_appender *own = &shelf->own;
    const mpj_rights *rights = &shelf->store->rights;
    bool made = own->fd < 0;
    int status = shelf->folder < 0 ? open_folder_again(shelf, err) : MPIJOB_OK;
    if (status == MPIJOB_OK)
        status = mpj_appender_write(own, shelf->folder, shelf->segments, rights, err);
    if (status == MPIJOB_EOS && own->fd < 0 && may_help(shelf, err)) {
        status = open_folder_again(shelf, err);
        if (status == MPIJOB_OK)
            status = mpj_appender_write(own, shelf->folder, shelf->segments, rights, err);
    }
    if (made && own->fd >= 0) {
        shelf->store->counts.segments_made++;
        shelf->store->counts.files_made++;
    }
    return status;
}

/* What may be lost, since it is not known to be on the disk, goes into a new segment: once. */
int mpj_shelf_elsewhere(mpj_shelf *shelf, mpijob_error *why)
{
    mpj_store *store = shelf->store;
    double now = mpj_now();
    if (store->restarted > 0 && now - store->restarted < RESTART_AGAIN_S)
        return give_up(shelf, why);
    store->restarted = now;
    if ((why->os_errno == ENOENT || why->os_errno == ESTALE) && open_folder_again(shelf, why) != MPIJOB_OK)
        return give_up(shelf, why);
    int status = mpj_shelf_restart(shelf, shelf->own.kept_at, why);
    if (status == MPIJOB_OK)
        status = write_batch(shelf, why);
    return status == MPIJOB_OK ? status : give_up(shelf, why);
}

void mpj_shelf_leave_sealed(mpj_shelf *shelf)
{
    mpijob_error err;
    if (!is_ours(shelf) || mpj_appender_may_go_on(&shelf->own, shelf->folder))
        return;
    mpj_known *known = shelf->writing;
    bool gone = !mpj_appender_is_there(&shelf->own, shelf->folder);
    mpj_shelf_restart(shelf, shelf->own.written, &err);
    if (gone)
        mpj_shelf_lose(shelf, known);
}

static int write_pending(mpj_shelf *shelf)
{
    mpijob_error err = {0};
    if (shelf->own.index.count == 0 || shelf->own.end == shelf->own.written)
        return MPIJOB_OK;
    mpj_shelf_leave_sealed(shelf);
    int status = write_batch(shelf, &err);
    return status == MPIJOB_OK ? status : mpj_shelf_elsewhere(shelf, &err);
}

int mpj_shelf_write(mpj_shelf *shelf)
{
    if (!is_ours(shelf))
        return MPIJOB_OK;
    if (!mpj_store_writes(shelf->store))
        return shelf->own.end > shelf->own.written ? MPIJOB_EOS : MPIJOB_OK;
    int status = write_pending(shelf);
    mpj_shelf_set_due(shelf);
    return status;
}

int mpj_shelf_sync(mpj_shelf *shelf)
{
    mpijob_error err = {0};
    int status = mpj_shelf_write(shelf);
    if (status != MPIJOB_OK || !is_ours(shelf) || !mpj_store_writes(shelf->store))
        return status;
    status = mpj_appender_sync(&shelf->own, shelf->folder, shelf->segments, &err);
    if (status != MPIJOB_OK) {
        status = mpj_shelf_elsewhere(shelf, &err);
        if (status == MPIJOB_OK && mpj_appender_sync(&shelf->own, shelf->folder, shelf->segments, &err) != MPIJOB_OK)
            status = give_up(shelf, &err);
    }
    mpj_shelf_set_due(shelf);
    return status;
}

/* ---- Sealing ----------------------------------------------------------------------------------------------------- */

/* A segment that cannot be sealed is found by scanning, and sealed by the cleaner. */
void mpj_shelf_seal(mpj_shelf *shelf)
{
    mpj_store *store = shelf->store;
    mpijob_error err = {0};
    bool durable = store->options.durability != MPIJOB_DURABLE_NONE;
    if (!is_ours(shelf) || !mpj_store_writes(store) || mpj_shelf_write(shelf) != MPIJOB_OK)
        return;
    mpj_appender *own = &shelf->own;
    if (own->fd < 0 || own->written == 0 || !mpj_appender_is_there(own, shelf->folder))
        return;
    int status = durable ? mpj_shelf_sync(shelf) : MPIJOB_OK;
    if (status != MPIJOB_OK)
        return;
    status = mpj_appender_seal(own, shelf->folder, shelf->segments, &store->rights, durable, &err);
    if (status == MPIJOB_EOS && err.os_errno == EMFILE && mpj_descriptors_drop_all(&store->descriptors) > 0)
        status = mpj_appender_seal(own, shelf->folder, shelf->segments, &store->rights, durable, &err);
    if (status == MPIJOB_OK)
        store->counts.files_made++;
    else if (status == MPIJOB_EOS && err.os_errno != ENOENT && err.os_errno != ESTALE) /* cleared meanwhile */
        mpj_store_give_up(store, &err);
    mpj_known *known = shelf->writing;
    mpj_shelf_abandon(shelf);
    if (status == MPIJOB_OK && known->slots > MPJ_SEGMENT_MOST_ENTRIES / 2)
        mpj_shelf_adopt_index(shelf, known);
}

/* ---- Ready for another entry ------------------------------------------------------------------------------------- */

static bool is_full(const mpj_appender *own)
{
    return own->end >= MPJ_SEGMENT_MOST_BYTES || own->index.count >= MPJ_SEGMENT_MOST_ENTRIES;
}

bool mpj_shelf_is_ready(const mpj_shelf *shelf)
{
    return is_ours(shelf) && !is_full(&shelf->own) && shelf->folder >= 0 && shelf->store->prepared;
}

int mpj_shelf_ready(mpj_shelf *shelf, mpijob_error *err)
{
    if (shelf->writing && !is_ours(shelf))
        mpj_shelf_abandon(shelf);
    if (shelf->writing && is_full(&shelf->own)) {
        mpj_shelf_seal(shelf);
        mpj_shelf_abandon(shelf);
    }
    int status = MPIJOB_OK;
    if (shelf->folder < 0 || !shelf->store->prepared)
        status = open_folder(shelf, err);
    if (status == MPIJOB_OK && !shelf->writing)
        status = begin(shelf, err);
    return status;
}
