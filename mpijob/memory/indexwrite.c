/* Making an index (index.h). */
#include "base/alloc.h"
#include "base/error.h"
#include "io/codec.h"
#include "memory/index.h"
#include "memory/segment.h"

#include <stdlib.h>

#define SMALL 256 /* so many records are sorted by moving them */

int mpj_index_reserve(mpj_index_content *content, mpijob_error *err)
{
    if (mpj_grow((void **)&content->records, &content->capacity, content->count + 1, sizeof *content->records) != 0)
        return mpj_fail_memory(err, "the index of a segment", (content->count + 1) * sizeof *content->records);
    return MPIJOB_OK;
}

void mpj_index_add(mpj_index_content *content, const mpj_entry_header *header)
{
    const mpj_index_record record = {.key = header->name.key,
                                     .offset = header->offset,
                                     .total_bytes = header->total_bytes,
                                     .kind = header->kind,
                                     .version = (uint32_t)header->name.version & MPJ_RECORD_VERSION_MASK};
    mpj_index_record_encode(&content->records[content->count++], &record);
    if (content->count == 1 || header->time_ns < content->oldest_ns)
        content->oldest_ns = header->time_ns;
    if (content->count == 1 || header->time_ns > content->newest_ns)
        content->newest_ns = header->time_ns;
}

/* ---- Sorting: into buckets by counting, then each bucket --------------------------------------------------------- */

/* Where each bucket begins, and where the last one ends. */
static void count_buckets(uint32_t *starts, uint32_t bits, const mpj_index_content *content)
{
    uint64_t buckets = (uint64_t)1 << bits;
    memset(starts, 0, (buckets + 1) * sizeof *starts);
    for (size_t i = 0; i < content->count; i++)
        starts[mpj_index_bucket(&content->records[i].key, bits) + 1]++;
    for (uint64_t i = 0; i < buckets; i++)
        starts[i + 1] += starts[i];
}

/* A bucket has some 50 records, and but for chance the first bytes of their keys differ. */
static void sort_bucket(mpj_coded_record *records, size_t count)
{
    if (count > SMALL) {
        qsort(records, count, sizeof *records, mpj_coded_compare);
        return;
    }
    for (size_t i = 1; i < count; i++) {
        const mpj_coded_record moving = records[i];
        uint64_t first = mpj_key_first(&moving.key);
        size_t at = i;
        for (; at > 0; at--) {
            uint64_t before = mpj_key_first(&records[at - 1].key);
            if (before < first || (before == first && mpj_coded_compare(&records[at - 1], &moving) <= 0))
                break;
            records[at] = records[at - 1];
        }
        records[at] = moving;
    }
}

/* ---- The file ---------------------------------------------------------------------------------------------------- */

static void place_records(mpj_coded_record *records, unsigned char *filter, mpj_index_head *head,
                          const mpj_index_content *content, uint32_t *next)
{
    for (size_t i = 0; i < content->count; i++) {
        const mpj_coded_record *record = &content->records[i];
        mpj_index_record decoded;
        mpj_index_record_decode(&decoded, record);
        head->payload_bytes += decoded.total_bytes;
        mpj_filter_add(filter, head->filter_blocks, &record->key);
        records[next[mpj_index_bucket(&record->key, head->fanout_bits)]++] = *record;
    }
}

/* starts: room for where the buckets begin, and the end. */
static void fill(unsigned char *file, mpj_index_head *head, const mpj_index_content *content, uint32_t *starts)
{
    uint64_t records_at = mpj_index_records_at(head), buckets = (uint64_t)1 << head->fanout_bits;
    unsigned char *tables = file + MPJ_INDEX_HEAD_BYTES, *filter = file + mpj_index_filter_at(head);
    mpj_coded_record *records = (mpj_coded_record *)(file + records_at);
    memset(file, 0, (size_t)records_at);
    count_buckets(starts, head->fanout_bits, content);
    for (uint64_t i = 0; i <= buckets; i++)
        mpj_put_u32(tables + 4 * i, starts[i]);
    place_records(records, filter, head, content, starts);
    for (uint64_t i = 0; i < buckets; i++) { /* by now each start is its bucket's end */
        uint32_t begin = i ? starts[i - 1] : 0;
        sort_bucket(records + begin, starts[i] - begin);
    }
    head->tables_sum = mpj_checksum(tables, (size_t)records_at - MPJ_INDEX_HEAD_BYTES);
    head->records_sum = mpj_checksum(records, content->count * sizeof *records);
    mpj_index_head_encode(file, head);
}

int mpj_index_write(int folder, const char *path, const char *writer, const mpj_index_content *content,
                    const mpj_rights *rights, bool durable, mpijob_error *err)
{
    if (content->count > UINT32_MAX)
        return mpj_fail(err, MPIJOB_EINVAL, "%zu entries in one segment: too many for an index", content->count);
    mpj_index_head head = {.segment = content->segment,
                           .covered_bytes = content->covered_bytes,
                           .count = content->count,
                           .fanout_bits = mpj_index_fanout_bits_for(content->count),
                           .filter_blocks = mpj_index_filter_blocks_for(content->count),
                           .oldest_ns = content->oldest_ns,
                           .newest_ns = content->newest_ns};
    char name[MPJ_WRITER_BYTES + 8];
    size_t bytes = (size_t)mpj_index_bytes(&head);
    uint32_t *starts = mpj_alloc((size_t)mpj_index_fanout_bytes(&head));
    unsigned char *file = mpj_alloc(bytes);
    int status = starts && file ? MPIJOB_OK : mpj_fail_memory(err, "an index", bytes);
    if (status == MPIJOB_OK) {
        const void *part = file;
        fill(file, &head, content, starts);
        mpj_writer_file(name, writer, MPJ_INDEX_SUFFIX);
        status = mpj_below_publish(folder, path, name, &part, &bytes, 1, rights, durable, err);
    }
    mpj_free(starts);
    mpj_free(file);
    return status;
}
