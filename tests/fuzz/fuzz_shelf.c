/* Look-ups in a folder with one segment and perhaps an index, through all the layers: what is found stands in the segment,
 * with sums that hold.
 *
 * An input: flags, u16 length of the segment, the segment, the index. */
#include "base/alloc.h"
#include "folder.h"
#include "fuzz.h"
#include "io/checksum.h"
#include "io/codec.h"
#include "memory/cleaner.h"
#include "memory/shelf.h"

#include <string.h>

#define FLAG_INDEX 2 /* there is one */
#define FLAG_RIGHT 4 /* the sums are made right */
#define FLAG_LOOK 8  /* it is looked again */
#define FLAG_LIST 16 /* listed and merged too */
#define KEYS_MOST 12
#define RAW_MOST ((uint64_t)1 << 20)

typedef struct parts {
    unsigned char *segment, *index;
    size_t segment_bytes, index_bytes;
    int flags;
} parts;

/* ---- Right sums ---------------------------------------------------------------------------------------------------- */

static void make_entry_right(unsigned char *entry, uint64_t at, size_t room, uint64_t segment)
{
    uint64_t total = mpj_get_u64(entry + 8);
    mpj_put_u64(entry + 104, at);
    if (total >= MPJ_ENTRY_HEADER_BYTES && total <= room)
        mpj_put_u64(entry + 112, mpj_checksum(entry + MPJ_ENTRY_HEADER_BYTES, (size_t)total - MPJ_ENTRY_HEADER_BYTES));
    mpj_put_u64(entry + 120, mpj_checksum_seeded(entry, 120, segment));
}

/* Each place that looks like an entry, whatever leads there: an index leads anywhere. */
static void make_segment_right(const parts *p)
{
    if (p->segment_bytes < MPJ_SEGMENT_HEADER_BYTES)
        return;
    mpj_put_u64(p->segment + MPJ_SEGMENT_HEADER_BYTES - 8, mpj_checksum(p->segment, MPJ_SEGMENT_HEADER_BYTES - 8));
    uint64_t id = mpj_get_u64(p->segment + 8);
    for (size_t at = p->segment_bytes & ~(size_t)(MPJ_ALIGN - 1); at >= MPJ_SEGMENT_HEADER_BYTES; at -= MPJ_ALIGN)
        if (p->segment_bytes - at >= MPJ_ENTRY_HEADER_BYTES && memcmp(p->segment + at, "MJEN", 4) == 0)
            make_entry_right(p->segment + at, at, p->segment_bytes - at, id);
}

static void make_index_right(const parts *p)
{
    mpj_index_head head;
    if (p->index_bytes < MPJ_INDEX_HEAD_BYTES)
        return;
    mpj_put_u64(p->index + 120, mpj_checksum(p->index, 120));
    if (mpj_index_head_decode(&head, p->index) != MPIJOB_OK || mpj_index_bytes(&head) > p->index_bytes)
        return;
    size_t tables = (size_t)(mpj_index_records_at(&head) - MPJ_INDEX_HEAD_BYTES);
    mpj_put_u64(p->index + 64, mpj_checksum(p->index + MPJ_INDEX_HEAD_BYTES, tables));
    mpj_put_u64(p->index + 120, mpj_checksum(p->index, 120));
}

/* Compressed payloads may say that they are large, and are then believed. */
static int claims_too_much(const parts *p)
{
    for (size_t at = MPJ_SEGMENT_HEADER_BYTES; at + MPJ_ENTRY_HEADER_BYTES <= p->segment_bytes; at += MPJ_ALIGN)
        if (memcmp(p->segment + at, "MJEN", 4) == 0 && p->segment[at + 97] != MPJ_CODED_RAW &&
            mpj_get_u64(p->segment + at + 56) > RAW_MOST)
            return 1;
    return 0;
}

static int split(parts *p, const fuzz_input *input)
{
    if (input->size < 3)
        return -1;
    *p = (parts){.flags = input->data[0]};
    size_t rest = input->size - 3, wanted = mpj_get_u16(input->data + 1);
    p->segment_bytes = wanted < rest ? wanted : rest;
    p->index_bytes = rest - p->segment_bytes;
    p->segment = fuzz_room(0, p->segment_bytes, 0);
    p->index = fuzz_room(1, p->index_bytes, 0);
    if (!p->segment || !p->index)
        return -1;
    memcpy(p->segment, input->data + 3, p->segment_bytes);
    memcpy(p->index, input->data + 3 + p->segment_bytes, p->index_bytes);
    if (p->flags & FLAG_RIGHT) {
        make_segment_right(p);
        make_index_right(p);
    }
    return claims_too_much(p) ? -1 : 0;
}

/* ---- Looking up ---------------------------------------------------------------------------------------------------- */

/* The header of what was found, proven by itself: not by what found it. */
static const unsigned char *check_place(const parts *p, const mpj_entry *found)
{
    FUZZ_CHECK(found->offset % MPJ_ALIGN == 0 && found->offset >= MPJ_SEGMENT_HEADER_BYTES);
    FUZZ_CHECK(found->entry_bytes >= MPJ_ENTRY_HEADER_BYTES && found->entry_bytes <= p->segment_bytes);
    FUZZ_CHECK(found->offset <= p->segment_bytes - found->entry_bytes);
    const unsigned char *at = p->segment + found->offset;
    FUZZ_CHECK(memcmp(at, "MJEN", 4) == 0 && mpj_get_u64(at + 8) == found->entry_bytes);
    FUZZ_CHECK(mpj_get_u64(at + 120) == mpj_checksum_seeded(at, 120, found->segment));
    FUZZ_CHECK(mpj_get_u64(at + 112) ==
               mpj_checksum(at + MPJ_ENTRY_HEADER_BYTES, (size_t)found->entry_bytes - MPJ_ENTRY_HEADER_BYTES));
    FUZZ_CHECK(memcmp(at + 16, &found->name.key, 16) == 0 && memcmp(at + 32, &found->name.check, 16) == 0);
    FUZZ_CHECK(mpj_get_u64(at + 64) == found->name.version);
    FUZZ_CHECK(found->time_ns >= 0 && found->compute_s >= 0);
    FUZZ_CHECK(found->json_bytes == mpj_get_u32(at + 88) && found->meta_bytes == mpj_get_u32(at + 92));
    FUZZ_CHECK(memcmp(at + MPJ_ENTRY_HEADER_BYTES, found->json, found->json_bytes) == 0);
    return at;
}

static void check_value(const parts *p, const mpj_entry *found)
{
    const unsigned char *at = check_place(p, found);
    const unsigned char *payload =
        at + MPJ_ENTRY_HEADER_BYTES + mpj_aligned(found->json_bytes) + mpj_aligned(found->meta_bytes);
    FUZZ_CHECK(found->kind != MPJ_ENTRY_TOMBSTONE);
    FUZZ_CHECK(found->meta_bytes == 0 ||
               memcmp(payload - mpj_aligned(found->meta_bytes), found->meta, found->meta_bytes) == 0);
    if (at[97] == MPJ_CODED_RAW)
        FUZZ_CHECK(found->bytes == mpj_get_u64(at + 48) && memcmp(payload, found->payload, found->bytes) == 0);
    else
        FUZZ_CHECK(found->bytes == mpj_get_u64(at + 56) && mpj_checksum(found->payload, found->bytes) + 1 != 0);
}

/* By the keys that stand in the segment and, if need be, other versions of them. How many were found. */
static int look_up(const parts *p, mpj_shelf *shelf)
{
    int keys = 0, hits = 0;
    for (size_t at = MPJ_SEGMENT_HEADER_BYTES; at + 72 <= p->segment_bytes && keys < KEYS_MOST; at += MPJ_ALIGN) {
        if (memcmp(p->segment + at, "MJEN", 4) != 0)
            continue;
        mpj_name name = {.version = mpj_get_u64(p->segment + at + 64)};
        mpj_entry found;
        memcpy(name.key.bytes, p->segment + at + 16, 16);
        memcpy(name.check.bytes, p->segment + at + 32, 16);
        if (mpj_shelf_find(shelf, &name, &found)) {
            FUZZ_CHECK(mpj_name_equal(&name, &found.name));
            check_value(p, &found);
            hits++;
        }
        if (mpj_shelf_find_any(shelf, &name.key, &found)) {
            FUZZ_CHECK(memcmp(&name.key, &found.name.key, sizeof name.key) == 0);
            check_place(p, &found);
        }
        keys++;
    }
    return hits;
}

/* ---- Listing and merging ------------------------------------------------------------------------------------------- */

static void take_flaw(const mpj_flaw *flaw, void *payload)
{
    (void)payload;
    FUZZ_CHECK(flaw->reason && flaw->file[0]);
}

static void list_all(const fuzz_input *input, mpj_store *store)
{
    const mpj_list_options options = {.flaw = take_flaw};
    mpj_list list;
    mpj_room room = {0};
    mpijob_error err;
    mpj_entry_header header;
    int status = mpj_list_read(&list, store, "mpijob/f", &options, &err);
    if (fuzz_good(input, status, &err))
        for (size_t i = 0; i < list.count; i++)
            (void)mpj_list_entry(&list, &list.entries[i], &room, &header, NULL);
    mpj_free(room.bytes);
    mpj_list_free(&list);
}

/* What was found before is found after it: with memory. */
static void merge_all(const fuzz_input *input, const char *location, const mpj_store_options *options, int before)
{
    const mpj_cleaner_options how = {.everything = true, .now = true};
    mpj_compacted done;
    mpj_store *store;
    mpijob_error err;
    (void)before;
    if (!fuzz_good(input, mpj_store_open(&store, location, options, &err), &err))
        return;
    int status = mpj_cleaner_run(store, "mpijob/f", &how, &done, &err);
    FUZZ_CHECK(status == MPIJOB_OK || status == MPIJOB_ECANCELED || (input->fails && status == MPIJOB_ENOMEM) ||
               (input->fails && status == MPIJOB_EOS));
    mpj_store_close(store);
}

static void quiet(int level, const char *text, void *payload)
{
    (void)level;
    (void)text;
    (void)payload;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char segment[] = "mpijob/f/segments/a.seg", index[] = "mpijob/f/segments/a.idx";
    const mpj_store_options options = {.durability = MPIJOB_DURABLE_NONE, .group = (gid_t)-1, .log = quiet};
    mpijob_error err;
    mpj_store *store = NULL;
    mpj_shelf *shelf;
    parts p;
    int hits = 0;
    fuzz_input input = fuzz_begin(data, size);
    if (split(&p, &input) != 0) {
        fuzz_end(&input, 0, 0);
        return -1;
    }
    const char *location = folder_new();
    folder_put(segment, p.segment, p.segment_bytes);
    if (p.flags & FLAG_INDEX)
        folder_put(index, p.index, p.index_bytes);
    if (fuzz_good(&input, mpj_store_open(&store, location, &options, &err), &err)) {
        if (fuzz_good(&input, mpj_shelf_open(&shelf, store, "f", &err), &err)) {
            hits = look_up(&p, shelf);
            if (p.flags & FLAG_LOOK) {
                mpj_shelf_refresh_now(shelf);
                int again = look_up(&p, shelf);
                FUZZ_CHECK(again >= hits || input.fails);
            }
        }
        if (p.flags & FLAG_LIST)
            list_all(&input, store);
        mpj_store_close(store);
    }
    if (p.flags & FLAG_LIST)
        merge_all(&input, location, &options, hits);
    folder_remove();
    fuzz_end(&input, 8 * FUZZ_ROOM_BYTES, 64);
    return 0;
}
