#include "memory/index.h"

#include "base/alloc.h"
#include "base/error.h"
#include "io/codec.h"

#define RECORDS_AT_ONCE 128
#define WALK_RECORDS ((size_t)1 << 15)
#define PIECE_RECORDS ((size_t)1 << 11) /* 64 KiB: what is read to be held */
#define READS_BEFORE_HOLDING 64         /* and as many as there are pieces: holding costs no more than was spent */

#define LINE_BYTES 64
#define GUESS_LINES 2 /* before and behind: off by 4 records in two of three */

static int damaged(const char *path, mpijob_error *err)
{
    return mpj_fail(err, MPIJOB_ECORRUPT, "an index in %s is damaged", path);
}

static int read_all(int fd, void *to, size_t bytes, uint64_t offset, const char *path, mpijob_error *err)
{
    long got = mpj_file_read_some(fd, to, bytes, offset);
    if (got < 0)
        return mpj_fail_os(err, (int)-got, "cannot read an index in %s", path);
    return (size_t)got == bytes ? MPIJOB_OK : damaged(path, err);
}

static uint32_t fanout_of(const mpj_index *index, uint64_t bucket)
{
    return mpj_get_u32(index->tables + 4 * bucket);
}

/* Cumulated counts: rising, from 0 to all. */
static bool fanout_is_sound(const mpj_index *index)
{
    uint64_t buckets = (uint64_t)1 << index->head.fanout_bits;
    uint32_t before = fanout_of(index, 0);
    if (before != 0 || fanout_of(index, buckets) != index->head.count)
        return false;
    for (uint64_t i = 1; i <= buckets; i++) {
        uint32_t next = fanout_of(index, i);
        if (next < before)
            return false;
        before = next;
    }
    return true;
}

int mpj_index_load(mpj_index *index, int fd, uint64_t bytes, const char *path, mpijob_error *err)
{
    unsigned char head[MPJ_INDEX_HEAD_BYTES];
    *index = (mpj_index){0};
    int status = read_all(fd, head, sizeof head, 0, path, err);
    if (status == MPIJOB_OK)
        status = mpj_index_head_decode(&index->head, head);
    if (status != MPIJOB_OK || mpj_index_bytes(&index->head) != bytes)
        return status == MPIJOB_EVERSION ? mpj_fail(err, status, "an index in %s is of a later version", path)
               : status == MPIJOB_EOS    ? status
                                         : damaged(path, err);
    size_t tables = (size_t)(mpj_index_records_at(&index->head) - MPJ_INDEX_HEAD_BYTES);
    index->tables = mpj_alloc(tables);
    if (!index->tables)
        return mpj_fail_memory(err, "an index", tables);
    index->filter = index->tables + (mpj_index_filter_at(&index->head) - MPJ_INDEX_HEAD_BYTES);
    status = read_all(fd, index->tables, tables, MPJ_INDEX_HEAD_BYTES, path, err);
    if (status == MPIJOB_OK &&
        (mpj_checksum(index->tables, tables) != index->head.tables_sum || !fanout_is_sound(index)))
        status = damaged(path, err);
    if (status != MPIJOB_OK)
        mpj_index_free(index);
    return status;
}

void mpj_index_free(mpj_index *index)
{
    mpj_free(index->tables);
    mpj_free(index->recent);
    mpj_free(index->held);
    mpj_free(index->pieces);
    *index = (mpj_index){0};
}

/* ---- Records in memory --------------------------------------------------------------------------------------------- */

static size_t piece_count(const mpj_index *index)
{
    return (size_t)((index->head.count + PIECE_RECORDS - 1) / PIECE_RECORDS);
}

bool mpj_index_should_hold(const mpj_index *index)
{
    return !index->held && index->reads >= READS_BEFORE_HOLDING && index->reads >= piece_count(index);
}

size_t mpj_index_held_bytes(const mpj_index *index)
{
    return (size_t)index->head.count * MPJ_INDEX_RECORD_BYTES;
}

/* Without memory it is tried again after as many reads. */
bool mpj_index_hold(mpj_index *index)
{
    index->reads = 0;
    index->held = mpj_alloc(mpj_index_held_bytes(index));
    index->pieces = mpj_calloc(piece_count(index), sizeof *index->pieces);
    if (index->held && index->pieces)
        return true;
    mpj_free(index->held);
    mpj_free(index->pieces);
    index->held = NULL;
    index->pieces = NULL;
    return false;
}

static int read_piece(mpj_index *index, int fd, const char *path, size_t piece, mpijob_error *err)
{
    uint64_t from = piece * PIECE_RECORDS, left = index->head.count - from;
    size_t bytes = (left < PIECE_RECORDS ? (size_t)left : PIECE_RECORDS) * MPJ_INDEX_RECORD_BYTES;
    int status = read_all(fd, index->held + from * MPJ_INDEX_RECORD_BYTES, bytes,
                          mpj_index_records_at(&index->head) + from * MPJ_INDEX_RECORD_BYTES, path, err);
    index->pieces[piece] = status == MPIJOB_OK;
    return status;
}

static int held_records(mpj_index *index, int fd, const char *path, uint64_t from, size_t count,
                        const unsigned char **records, mpijob_error *err)
{
    int status = MPIJOB_OK;
    for (size_t i = (size_t)from / PIECE_RECORDS; i <= (from + count - 1) / PIECE_RECORDS && status == MPIJOB_OK; i++)
        if (!index->pieces[i])
            status = read_piece(index, fd, path, i, err);
    *records = index->held + from * MPJ_INDEX_RECORD_BYTES;
    return status;
}

/* ---- Look-up ----------------------------------------------------------------------------------------------------- */

/* Where among `count` records of its bucket a key would be if keys were spread evenly, as digests are. */
static size_t guess(const mpijob_digest *key, uint32_t fanout_bits, size_t count)
{
    return (size_t)((mpj_key_first(key) << fanout_bits >> 32) * count >> 32);
}

static bool is_smaller(const unsigned char *records, size_t at, const mpijob_digest *key)
{
    return memcmp(records + at * MPJ_INDEX_RECORD_BYTES, key->bytes, sizeof key->bytes) < 0;
}

/* The first of the records whose key is not smaller; from `begin` on in growing steps, since each record that is looked
 * at far from there is one more wait for memory. */
static size_t lower(const unsigned char *records, size_t count, const mpijob_digest *key, size_t begin)
{
    size_t low = begin, high = begin;
    for (size_t step = 1; high < count && is_smaller(records, high, key); step *= 2) {
        low = high + 1;
        high = step < count - high ? high + step : count;
    }
    for (size_t step = 1; low == begin && low > 0 && !is_smaller(records, low - 1, key); step *= 2) {
        high = low - 1;
        begin = low = step < high ? high - step : 0;
    }
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (is_smaller(records, middle, key))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* *done: the bucket's other records have larger keys. */
static int each_equal(const unsigned char *records, size_t count, const mpijob_digest *key, size_t begin,
                      mpj_index_each_fn *each, void *payload, bool *done)
{
    for (size_t i = lower(records, count, key, begin); i < count; i++) {
        const unsigned char *at = records + i * MPJ_INDEX_RECORD_BYTES;
        mpj_index_record record;
        *done = memcmp(at, key->bytes, sizeof key->bytes) != 0;
        if (*done)
            return MPIJOB_OK;
        mpj_index_record_decode(&record, (const mpj_coded_record *)at);
        int status = each(&record, payload);
        if (status != MPIJOB_OK)
            return status;
    }
    return MPIJOB_OK;
}

/* *records: `count` records from number `from` on, at most RECORDS_AT_ONCE. */
static int read_records(mpj_index *index, int fd, const char *path, uint64_t from, size_t count,
                        const unsigned char **records, mpijob_error *err)
{
    if (index->held)
        return held_records(index, fd, path, from, count, records, err);
    *records = index->recent;
    if (index->recent && index->recent_from == from && index->recent_count == count)
        return MPIJOB_OK;
    if (!index->recent)
        index->recent = mpj_alloc(RECORDS_AT_ONCE * MPJ_INDEX_RECORD_BYTES);
    if (!index->recent)
        return mpj_fail_memory(err, "records of an index", RECORDS_AT_ONCE * MPJ_INDEX_RECORD_BYTES);
    *records = index->recent;
    index->recent_count = 0;
    index->reads++;
    int status = read_all(fd, index->recent, count * MPJ_INDEX_RECORD_BYTES,
                          mpj_index_records_at(&index->head) + from * MPJ_INDEX_RECORD_BYTES, path, err);
    if (status == MPIJOB_OK) {
        index->recent_from = from;
        index->recent_count = count;
    }
    return status;
}

void mpj_index_expect(const mpj_index *index, const mpijob_digest *key)
{
    uint32_t bucket = mpj_index_bucket(key, index->head.fanout_bits);
    uint64_t from = fanout_of(index, bucket), to = fanout_of(index, (uint64_t)bucket + 1);
    if (from == to || !index->pieces[from / PIECE_RECORDS])
        return;
    size_t count = to - from < RECORDS_AT_ONCE ? (size_t)(to - from) : RECORDS_AT_ONCE;
    const unsigned char *at =
        index->held + (from + guess(key, index->head.fanout_bits, count)) * MPJ_INDEX_RECORD_BYTES;
    for (int i = -GUESS_LINES; i <= GUESS_LINES; i++)
        __builtin_prefetch((const void *)((uintptr_t)at + (uintptr_t)(i * LINE_BYTES)));
}

int mpj_index_find(mpj_index *index, int fd, const char *path, const mpijob_digest *key, mpj_index_each_fn *each,
                   void *payload, mpijob_error *err)
{
    uint32_t bucket = mpj_index_bucket(key, index->head.fanout_bits);
    uint64_t from = fanout_of(index, bucket), to = fanout_of(index, (uint64_t)bucket + 1);
    int status = MPIJOB_OK;
    bool done = false, first = true;
    while (status == MPIJOB_OK && !done && from < to) {
        const unsigned char *records;
        size_t count = to - from < RECORDS_AT_ONCE ? (size_t)(to - from) : RECORDS_AT_ONCE;
        status = read_records(index, fd, path, from, count, &records, err);
        if (status == MPIJOB_OK)
            status = each_equal(records, count, key, first ? guess(key, index->head.fanout_bits, count) : 0, each,
                                payload, &done);
        first = false;
        from += count;
    }
    return status;
}

/* ---- All of it --------------------------------------------------------------------------------------------------- */

typedef int block_fn(const unsigned char *records, size_t count, void *payload);

static int each_block(const mpj_index *index, int fd, const char *path, size_t block_records, block_fn *take,
                      void *payload, mpijob_error *err)
{
    uint64_t left = index->head.count, at = mpj_index_records_at(&index->head);
    if (left < block_records)
        block_records = (size_t)left;
    unsigned char *block = mpj_alloc(block_records * MPJ_INDEX_RECORD_BYTES);
    if (!block)
        return mpj_fail_memory(err, "the records of an index", block_records * MPJ_INDEX_RECORD_BYTES);
    int status = MPIJOB_OK;
    while (status == MPIJOB_OK && left > 0) {
        size_t count = left < block_records ? (size_t)left : block_records;
        status = read_all(fd, block, count * MPJ_INDEX_RECORD_BYTES, at, path, err);
        if (status == MPIJOB_OK)
            status = take(block, count, payload);
        at += count * MPJ_INDEX_RECORD_BYTES;
        left -= count;
    }
    mpj_free(block);
    return status;
}

typedef struct walking {
    mpj_index_each_fn *each;
    void *payload;
} walking;

static int walk_block(const unsigned char *records, size_t count, void *payload)
{
    const walking *walk = payload;
    int status = MPIJOB_OK;
    for (size_t i = 0; i < count && status == MPIJOB_OK; i++) {
        mpj_index_record record;
        mpj_index_record_decode(&record, (const mpj_coded_record *)records + i);
        status = walk->each(&record, walk->payload);
    }
    return status;
}

int mpj_index_walk(const mpj_index *index, int fd, const char *path, mpj_index_each_fn *each, void *payload,
                   mpijob_error *err)
{
    walking walk = {each, payload};
    return each_block(index, fd, path, WALK_RECORDS, walk_block, &walk, err);
}

static int compare_sum(const unsigned char *records, size_t count, void *payload)
{
    return mpj_checksum(records, count * MPJ_INDEX_RECORD_BYTES) == *(const uint64_t *)payload ? MPIJOB_OK : 1;
}

int mpj_index_records_are_whole(const mpj_index *index, int fd, const char *path, mpijob_error *err)
{
    uint64_t sum = index->head.records_sum;
    int status = index->head.count == 0 ? compare_sum((const unsigned char *)"", 0, &sum)
                                        : each_block(index, fd, path, SIZE_MAX, compare_sum, &sum, err);
    return status == MPIJOB_OK ? 1 : status == 1 || status == MPIJOB_ECORRUPT ? 0 : status;
}
