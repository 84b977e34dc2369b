/* The record of use: which entries were used in which hour, written once, when the store is closed. */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "io/codec.h"
#include "memory/cleaner.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define NS_PER_HOUR INT64_C(3600000000000)
#define SMALLEST 64

static mpj_use_record *place_of(const mpj_use_table *use, const mpj_use_record *record)
{
    size_t at = (size_t)mpj_get_u64(record->key.bytes) & (use->capacity - 1);
    for (;; at = (at + 1) & (use->capacity - 1)) {
        mpj_use_record *other = &use->records[at];
        if (other->hour == 0 || (memcmp(other->key.bytes, record->key.bytes, 16) == 0 &&
                                 other->version == record->version && other->check == record->check))
            return other;
    }
}

static bool make_room(mpj_use_table *use)
{
    if (use->used < use->capacity / 3 * 2)
        return true;
    mpj_use_table made = *use;
    made.capacity = use->capacity ? use->capacity * 2 : SMALLEST;
    made.records = mpj_calloc(made.capacity, sizeof *made.records);
    if (!made.records)
        return false;
    for (size_t i = 0; i < use->capacity; i++)
        if (use->records[i].hour)
            *place_of(&made, &use->records[i]) = use->records[i];
    mpj_free(use->records);
    *use = made;
    return true;
}

int mpj_use_add(mpj_use_table *use, const mpj_use_record *record)
{
    if (record->hour == 0)
        return 0;
    if (!make_room(use))
        return -1;
    mpj_use_record *place = place_of(use, record);
    if (place->hour == 0)
        use->used++;
    if (place->hour < record->hour)
        *place = *record;
    return 0;
}

/* Each hit would wait for memory otherwise: of a million records none is in a cache. */
void mpj_use_expect(const mpj_use_table *use, const mpijob_digest *key)
{
    if (use->capacity == 0)
        return;
    const mpj_use_record *place = &use->records[mpj_get_u64(key->bytes) & (use->capacity - 1)];
    __builtin_prefetch(place, 1);
    __builtin_prefetch(&place->hour, 1);
}

const mpj_use_record *mpj_use_find(const mpj_use_table *use, const mpj_name *name)
{
    const mpj_use_record record = {name->key, name->version, mpj_use_check_of(name), 0};
    const mpj_use_record *place = use->capacity ? place_of(use, &record) : NULL;
    return place && place->hour ? place : NULL;
}

/* Without memory it is as if it had not been used: trimming is a little less well informed. */
void mpj_shelf_used(mpj_shelf *shelf, const mpj_name *name, int64_t time_ns)
{
    const int64_t hour = time_ns / NS_PER_HOUR;
    if (shelf->store->options.read_only || hour <= 0 || hour > UINT32_MAX)
        return;
    const mpj_use_record record = {name->key, name->version, mpj_use_check_of(name), (uint32_t)hour};
    mpj_use_add(&shelf->use, &record);
    shelf->use.hits++;
}

void mpj_shelf_saved(mpj_shelf *shelf, double compute_s)
{
    shelf->use.saved_s += compute_s;
}

/* ---- Writing ----------------------------------------------------------------------------------------------------- */

static int by_key(const void *left, const void *right)
{
    return memcmp(left, right, sizeof(mpijob_digest));
}

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* Encoded, and sorted by key. */
static unsigned char *encode(const mpj_use_table *use)
{
    unsigned char *records = mpj_alloc(use->used * MPJ_USE_RECORD_BYTES), *at = records;
    for (size_t i = 0; records && i < use->capacity; i++)
        if (use->records[i].hour) {
            mpj_use_record_encode(at, &use->records[i]);
            at += MPJ_USE_RECORD_BYTES;
        }
    if (records)
        qsort(records, use->used, MPJ_USE_RECORD_BYTES, by_key);
    return records;
}

int mpj_use_publish(const mpj_use_table *use, int folder, const char *path, const mpj_rights *rights, mpijob_error *err)
{
    char writer[MPJ_WRITER_BYTES], name[MPJ_WRITER_BYTES + 8];
    unsigned char head[MPJ_USE_HEAD_BYTES];
    unsigned char *records = encode(use);
    if (!records)
        return mpj_fail_memory(err, "records of use", use->used * MPJ_USE_RECORD_BYTES);
    const void *parts[2] = {head, records};
    const size_t part_bytes[2] = {sizeof head, use->used * MPJ_USE_RECORD_BYTES};
    mpj_use_head_encode(
        head, &(mpj_use_head){use->used, now_ns(), mpj_checksum(records, part_bytes[1]), use->hits, use->saved_s});
    mpj_writer_name(writer);
    mpj_writer_file(name, writer, MPJ_USE_SUFFIX);
    int status = mpj_below_publish(folder, path, name, parts, part_bytes, 2, rights, false, err);
    mpj_free(records);
    return status;
}

static int count_name(const char *name, void *payload)
{
    (void)name;
    ++*(size_t *)payload;
    return 0;
}

/* A location that may be read but not written to is used all the same: no warning. */
void mpj_use_write(mpj_shelf *shelf)
{
    char below[sizeof shelf->below];
    size_t files = 0;
    int folder;
    if (shelf->use.used == 0)
        return;
    snprintf(below, sizeof below, "%.*s/%s", (int)shelf->below_function, shelf->below, MPJ_USE_FOLDER);
    if (mpj_below_walk(&folder, shelf->store->location, below, &shelf->store->rights, NULL) != MPIJOB_OK)
        return;
    if (mpj_use_publish(&shelf->use, folder, shelf->path, &shelf->store->rights, NULL) == MPIJOB_OK)
        shelf->store->counts.files_made++;
    mpj_below_list(folder, below, count_name, &files, NULL);
    mpj_file_close(&folder);
    if (files > MPJ_USES_MANY)
        mpj_cleaner_merge_uses(shelf);
}
