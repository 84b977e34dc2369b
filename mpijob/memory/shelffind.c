/* Finding entries: candidates by key, from the slots and the indexes; the newest that proves itself. */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "memory/shelf.h"

#include <errno.h>
#include <stdlib.h>

#define HEADER_FIRST_BYTES 16384 /* a longer entry may be of another version: its header is read before the rest */
#define SAME_NAME_IN_SEGMENT 2   /* older ones in the same segment are not looked at */
#define TOUCHED_INDEXES 4
#define HELD_MOST_BYTES ((size_t)64 << 20)

/* ---- Damaged entries are remembered ------------------------------------------------------------------------------ */

static uint64_t bad_key(uint32_t segment, uint64_t offset)
{
    return (offset / MPJ_ALIGN ^ (uint64_t)segment << 40) * 0x9e3779b97f4a7c15u >> 32;
}

/* The offset of a damaged record may be anything: the bits that a slot's offset has no place for are in its length. */
#define OFFSET_BITS ((uint64_t)UINT32_MAX * MPJ_SLOT_UNIT)
static uint64_t other_bits(uint64_t offset)
{
    return (offset % MPJ_SLOT_UNIT | offset >> 36 << 4) * MPJ_SLOT_UNIT;
}

static bool is_bad(const mpj_shelf *shelf, uint32_t segment, uint64_t offset)
{
    if (shelf->bad.used == 0)
        return false;
    const mpj_slot *slot = mpj_slots_first(&shelf->bad, bad_key(segment, offset));
    while (slot && (mpj_slot_segment(slot) != segment || mpj_slot_offset(slot) != (offset & OFFSET_BITS) ||
                    mpj_slot_bytes(slot) != other_bits(offset)))
        slot = mpj_slots_next(&shelf->bad, slot);
    return slot != NULL;
}

static void remember_bad(mpj_shelf *shelf, const mpj_found *found)
{
    shelf->store->counts.damaged++;
    if (mpj_slots_reserve(&shelf->bad, 1) == 0)
        mpj_slots_add(&shelf->bad, bad_key(found->segment, found->offset), found->segment, found->offset,
                      other_bits(found->offset));
}

/* ---- Candidates -------------------------------------------------------------------------------------------------- */

typedef struct search {
    mpj_shelf *shelf;
    uint32_t segment; /* of the index at hand */
    bool any_version;
    uint32_t version;
} search;

static void add(mpj_shelf *shelf, uint32_t segment, uint64_t offset, uint64_t total_bytes)
{
    if (is_bad(shelf, segment, offset) ||
        mpj_grow((void **)&shelf->found, &shelf->found_capacity, shelf->found_count + 1, sizeof *shelf->found) != 0)
        return;
    shelf->found[shelf->found_count++] = (mpj_found){segment, offset, total_bytes, 0};
}

static int add_record(const mpj_index_record *record, void *payload)
{
    const search *s = payload;
    if (s->any_version || record->version == s->version)
        add(s->shelf, s->segment, record->offset, record->total_bytes);
    return MPIJOB_OK;
}

static void hold_if_it_pays(mpj_shelf *shelf, mpj_index *index)
{
    if (mpj_index_should_hold(index) && shelf->held_bytes + mpj_index_held_bytes(index) <= HELD_MOST_BYTES &&
        mpj_index_hold(index))
        shelf->held_bytes += mpj_index_held_bytes(index);
}

static int look_in_index(search *s, mpj_known *known, const mpijob_digest *key, mpijob_error *err)
{
    int fd = mpj_shelf_index_fd(s->shelf, known);
    if (fd < 0)
        return MPIJOB_ENOTFOUND;
    hold_if_it_pays(s->shelf, &known->index);
    return mpj_index_find(&known->index, fd, s->shelf->segments, key, add_record, s, err);
}

/* A descriptor that the server knows nothing of any more: once again with another. */
static void search_index(search *s, mpj_known *known, const mpijob_digest *key)
{
    mpijob_error err;
    size_t before = s->shelf->found_count;
    s->segment = known->number;
    int status = look_in_index(s, known, key, &err);
    if (status == MPIJOB_EOS) {
        s->shelf->found_count = before;
        mpj_descriptors_drop(&s->shelf->store->descriptors, &known->index_fd);
        status = look_in_index(s, known, key, &err);
    }
    if (status == MPIJOB_EOS && err.os_errno != ESTALE)
        mpj_store_cannot_read(s->shelf->store, &err);
}

static void collect(mpj_shelf *shelf, const mpijob_digest *key, const uint64_t *version)
{
    search s = {.shelf = shelf, .any_version = !version};
    if (version)
        s.version = (uint32_t)*version & MPJ_RECORD_VERSION_MASK;
    shelf->found_count = 0;
    const mpj_slot *slot = mpj_slots_first(&shelf->slots, mpj_get_u64(key->bytes));
    shelf->met = slot != NULL;
    for (; slot; slot = mpj_slots_next(&shelf->slots, slot))
        if (mpj_shelf_slot_counts(shelf, slot))
            add(shelf, mpj_slot_segment(slot), mpj_slot_offset(slot), mpj_slot_bytes(slot));
    for (size_t i = 0; i < shelf->indexed_count; i++) {
        mpj_known *known = shelf->known[shelf->indexed[i]];
        if (mpj_index_lacks(&known->index, key))
            continue;
        shelf->met = true;
        search_index(&s, known, key);
    }
}

/* ---- Reading a candidate ----------------------------------------------------------------------------------------- */

/* 1: *entry is good; 0: not. */
static int read_file(mpj_shelf *shelf, const mpj_found *found, mpj_entry_header *header, mpijob_error *err)
{
    mpj_known *known = shelf->known[found->segment];
    int fd = mpj_shelf_segment_fd(shelf, known);
    if (fd < 0)
        return MPIJOB_ENOTFOUND;
    return mpj_segment_read_entry(&shelf->room, header, fd, shelf->segments, known->id, found->offset,
                                  found->total_bytes, err);
}

static int read_file_header(mpj_shelf *shelf, const mpj_found *found, mpj_entry_header *header, mpijob_error *err)
{
    mpj_known *known = shelf->known[found->segment];
    int fd = mpj_shelf_segment_fd(shelf, known);
    if (fd < 0)
        return MPIJOB_ENOTFOUND;
    return mpj_segment_read_entry_header(header, fd, shelf->segments, known->id, found->offset, err);
}

typedef int read_fn(mpj_shelf *shelf, const mpj_found *found, mpj_entry_header *header, mpijob_error *err);

/* Once more where the open file may be a stale one. 1; 0: damaged, and remembered; negative: it cannot be read now. */
static int read_twice(mpj_shelf *shelf, const mpj_found *found, mpj_entry_header *header, read_fn *read)
{
    mpj_known *known = shelf->known[found->segment];
    mpijob_error err;
    int status = read(shelf, found, header, &err);
    if (status == MPIJOB_EOS && !known->own) {
        mpj_descriptors_drop(&shelf->store->descriptors, &known->fd);
        status = read(shelf, found, header, &err);
    }
    if (status == MPIJOB_EOS && err.os_errno != ESTALE)
        mpj_store_cannot_read(shelf->store, &err);
    if (status == 0)
        remember_bad(shelf, found);
    return status;
}

static const unsigned char *read_whole(mpj_shelf *shelf, const mpj_found *found, mpj_entry_header *header)
{
    mpj_known *known = shelf->known[found->segment];
    if (known->own) {
        const unsigned char *kept = mpj_appender_entry(&shelf->own, found->offset, found->total_bytes);
        if (kept)
            return mpj_entry_header_decode(header, kept, known->id, found->offset) ? kept : NULL;
    }
    const unsigned char *ahead = mpj_ahead_find(&shelf->ahead, found->segment, found->offset, found->total_bytes);
    if (ahead && mpj_segment_entry_is_whole(header, ahead, known->id, found->offset, found->total_bytes) == 1)
        return ahead;
    return read_twice(shelf, found, header, read_file) == 1 ? shelf->room.bytes : NULL;
}

static int read_header(mpj_shelf *shelf, const mpj_found *found, mpj_entry_header *header)
{
    mpj_known *known = shelf->known[found->segment];
    if (known->own) {
        const unsigned char *kept = mpj_appender_entry(&shelf->own, found->offset, found->total_bytes);
        if (kept)
            return mpj_entry_header_decode(header, kept, known->id, found->offset);
    }
    return read_twice(shelf, found, header, read_file_header);
}

/* ---- Which is the newest ----------------------------------------------------------------------------------------- */

static bool is_wanted(const mpj_entry_header *header, const mpijob_digest *key, const mpj_name *name)
{
    return name ? mpj_name_equal(&header->name, name)
                : memcmp(header->name.key.bytes, key->bytes, sizeof key->bytes) == 0;
}

static int by_place(const void *left, const void *right)
{
    const mpj_found *a = left, *b = right;
    if (a->segment != b->segment)
        return a->segment < b->segment ? -1 : 1;
    return a->offset < b->offset ? 1 : a->offset > b->offset ? -1 : 0;
}

static int by_time(const void *left, const void *right)
{
    const mpj_found *a = left, *b = right;
    return a->time_ns < b->time_ns ? 1 : a->time_ns > b->time_ns ? -1 : by_place(left, right);
}

/* Of several candidates: leaves those that are wanted, the newest first; none, when one cannot be read, which may be
 * the newest, or say that the others were cleared. */
static void order(mpj_shelf *shelf, const mpijob_digest *key, const mpj_name *name)
{
    size_t kept = 0, in_segment = 0;
    uint32_t segment = UINT32_MAX;
    qsort(shelf->found, shelf->found_count, sizeof *shelf->found, by_place);
    for (size_t i = 0; i < shelf->found_count; i++) {
        mpj_entry_header header;
        mpj_found found = shelf->found[i];
        in_segment = found.segment == segment ? in_segment : 0;
        segment = found.segment;
        int status = in_segment < SAME_NAME_IN_SEGMENT ? read_header(shelf, &found, &header) : 0;
        if (status == MPIJOB_EOS) {
            shelf->found_count = 0;
            return;
        }
        if (status != 1 || !is_wanted(&header, key, name))
            continue;
        found.time_ns = header.time_ns;
        shelf->found[kept++] = found;
        in_segment++;
    }
    shelf->found_count = kept;
    if (kept > 1)
        qsort(shelf->found, kept, sizeof *shelf->found, by_time);
}

static void describe(mpj_entry *entry, const mpj_shelf *shelf, const mpj_entry_header *header,
                     const unsigned char *bytes, const mpj_found *found)
{
    *entry = (mpj_entry){
        .name = header->name,
        .kind = header->kind,
        .json = bytes ? (const char *)bytes + MPJ_ENTRY_HEADER_BYTES : "",
        .json_bytes = bytes ? header->json_bytes : 0,
        .meta = bytes ? bytes + mpj_entry_meta_at(header) : NULL,
        .meta_bytes = bytes ? header->meta_bytes : 0,
        .stored_bytes = header->kind == MPJ_ENTRY_LARGE ? header->raw_bytes : header->stored_bytes,
        .entry_bytes = header->total_bytes,
        .compute_s = header->compute_s,
        .time_ns = header->time_ns,
        .segment = shelf->known[found->segment]->id,
        .offset = found->offset,
    };
}

/* 1, 0: damaged or not wanted. */
static int take(mpj_shelf *shelf, const mpj_found *found, const mpijob_digest *key, const mpj_name *name,
                mpj_entry *entry)
{
    mpj_entry_header header;
    if (found->total_bytes > HEADER_FIRST_BYTES &&
        (read_header(shelf, found, &header) != 1 || !is_wanted(&header, key, name)))
        return 0;
    const unsigned char *bytes = read_whole(shelf, found, &header);
    if (!bytes || !is_wanted(&header, key, name))
        return 0;
    describe(entry, shelf, &header, bytes, found);
    if (!name)
        return 1;
    int status = mpj_entry_payload(&entry->payload, &entry->bytes, &shelf->plain, &header, bytes);
    if (status == 0)
        remember_bad(shelf, found);
    return status == 1;
}

static int newest(mpj_shelf *shelf, const mpijob_digest *key, const mpj_name *name, mpj_entry *entry)
{
    if (shelf->found_count > 1)
        order(shelf, key, name);
    for (size_t i = 0; i < shelf->found_count; i++)
        if (take(shelf, &shelf->found[i], key, name, entry))
            return 1;
    return 0;
}

int mpj_shelf_find(mpj_shelf *shelf, const mpj_name *name, mpj_entry *entry)
{
    mpj_entry made;
    collect(shelf, &name->key, &name->version);
    if (!newest(shelf, &name->key, name, &made) || made.kind == MPJ_ENTRY_TOMBSTONE)
        return 0;
    *entry = made;
    return 1;
}

bool mpj_shelf_met(const mpj_shelf *shelf)
{
    return shelf->met;
}

int mpj_shelf_find_any(mpj_shelf *shelf, const mpijob_digest *key, mpj_entry *entry)
{
    mpj_entry made;
    collect(shelf, key, NULL);
    if (!newest(shelf, key, NULL, &made))
        return 0;
    *entry = made;
    return 1;
}

/* ---- Reading ahead ----------------------------------------------------------------------------------------------- */

void mpj_shelf_touch(const mpj_shelf *shelf, const mpijob_digest *key)
{
    mpj_slots_expect(&shelf->slots, mpj_get_u64(key->bytes));
    for (size_t i = 0; i < shelf->indexed_count && i < TOUCHED_INDEXES; i++)
        if (shelf->known[shelf->indexed[i]]->index.held)
            mpj_index_expect(&shelf->known[shelf->indexed[i]]->index, key);
}

void mpj_shelf_expect(mpj_shelf *shelf, const mpj_name *name)
{
    collect(shelf, &name->key, &name->version);
    for (size_t i = 0; i < shelf->found_count; i++)
        if (!shelf->known[shelf->found[i].segment]->own)
            mpj_ahead_add(&shelf->ahead, shelf->found[i].segment, shelf->found[i].offset, shelf->found[i].total_bytes);
    if (shelf->found_count > 0 && !shelf->store->options.read_only)
        mpj_use_expect(&shelf->use, &name->key);
}

/* Whatever cannot be read now is read, and complained of, when it is looked up. */
bool mpj_shelf_read_ahead(mpj_shelf *shelf)
{
    uint32_t segment;
    uint64_t offset;
    size_t bytes;
    unsigned char *piece = mpj_ahead_next(&shelf->ahead, &segment, &offset, &bytes);
    if (!piece)
        return false;
    int fd = mpj_shelf_segment_fd(shelf, shelf->known[segment]);
    long got = fd < 0 ? 0 : mpj_file_read_some(fd, piece, bytes, offset);
    mpj_ahead_came(&shelf->ahead, got > 0 ? (size_t)got : 0);
    return true;
}

void mpj_shelf_expect_nothing(mpj_shelf *shelf)
{
    mpj_ahead_clear(&shelf->ahead);
}
