#include "memory/format.h"

#include "io/checksum.h"
#include "io/codec.h"

#include <float.h>

/* As bytes: "MJSG", "MJEN", "MJIX", "MJUS". */
#define SEGMENT_MAGIC 0x47534a4du
#define ENTRY_MAGIC 0x4e454a4du
#define INDEX_MAGIC 0x58494a4du
#define USE_MAGIC 0x53554a4du

/* What begins every header: magic, format, its own length. */
static void put_lead(unsigned char *out, uint32_t magic, uint16_t format, uint16_t bytes)
{
    memset(out, 0, bytes);
    mpj_put_u32(out, magic);
    mpj_put_u16(out + 4, format);
    mpj_put_u16(out + 6, bytes);
}

/* A later format keeps magic, format and length where they are, and the sum at the end of that length. */
static int check_lead(const unsigned char *in, uint32_t magic, uint16_t format, uint16_t bytes)
{
    if (mpj_get_u32(in) != magic || mpj_get_u16(in + 6) != bytes)
        return MPIJOB_ECORRUPT;
    if (mpj_get_u64(in + bytes - 8) != mpj_checksum(in, (size_t)bytes - 8))
        return MPIJOB_ECORRUPT;
    return mpj_get_u16(in + 4) == format ? MPIJOB_OK : MPIJOB_EVERSION;
}

static void put_sum(unsigned char *out, uint16_t bytes)
{
    mpj_put_u64(out + bytes - 8, mpj_checksum(out, (size_t)bytes - 8));
}

/* ---- Segment ----------------------------------------------------------------------------------------------------- */

void mpj_segment_header_encode(unsigned char out[MPJ_SEGMENT_HEADER_BYTES], const mpj_segment_header *header)
{
    put_lead(out, SEGMENT_MAGIC, MPJ_SEGMENT_FORMAT, MPJ_SEGMENT_HEADER_BYTES);
    mpj_put_u64(out + 8, header->id);
    mpj_put_u64(out + 16, (uint64_t)header->created_ns);
    mpj_put_u64(out + 24, header->pid);
    mpj_put_u64(out + 32, header->start);
    mpj_put_u64(out + 40, header->place);
    mpj_put_u64(out + 48, header->function);
    memcpy(out + 56, header->host, MPJ_SEGMENT_HOST_BYTES);
    put_sum(out, MPJ_SEGMENT_HEADER_BYTES);
}

int mpj_segment_header_decode(mpj_segment_header *header, const unsigned char in[MPJ_SEGMENT_HEADER_BYTES])
{
    int status = check_lead(in, SEGMENT_MAGIC, MPJ_SEGMENT_FORMAT, MPJ_SEGMENT_HEADER_BYTES);
    if (status != MPIJOB_OK)
        return status;
    header->id = mpj_get_u64(in + 8);
    header->created_ns = (int64_t)mpj_get_u64(in + 16);
    header->pid = mpj_get_u64(in + 24);
    header->start = mpj_get_u64(in + 32);
    header->place = mpj_get_u64(in + 40);
    header->function = mpj_get_u64(in + 48);
    memcpy(header->host, in + 56, MPJ_SEGMENT_HOST_BYTES);
    header->host[MPJ_SEGMENT_HOST_BYTES - 1] = '\0';
    return MPIJOB_OK;
}

/* ---- Entry ------------------------------------------------------------------------------------------------------- */

void mpj_entry_header_encode(unsigned char out[MPJ_ENTRY_HEADER_BYTES], const mpj_entry_header *header,
                             uint64_t segment)
{
    uint64_t compute;
    memcpy(&compute, &header->compute_s, sizeof compute);
    mpj_put_u32(out, ENTRY_MAGIC);
    mpj_put_u16(out + 4, MPJ_SEGMENT_FORMAT);
    mpj_put_u16(out + 6, MPJ_ENTRY_HEADER_BYTES);
    mpj_put_u64(out + 8, header->total_bytes);
    memcpy(out + 16, header->name.key.bytes, 16);
    memcpy(out + 32, header->name.check.bytes, 16);
    mpj_put_u64(out + 48, header->stored_bytes);
    mpj_put_u64(out + 56, header->raw_bytes);
    mpj_put_u64(out + 64, header->name.version);
    mpj_put_u64(out + 72, (uint64_t)header->time_ns);
    mpj_put_u64(out + 80, compute);
    mpj_put_u32(out + 88, header->json_bytes);
    mpj_put_u32(out + 92, header->meta_bytes);
    mpj_put_u32(out + 96, (uint32_t)header->kind | (uint32_t)header->coded << 8);
    mpj_put_u16(out + 100, header->type_bytes);
    mpj_put_u16(out + 102, 0);
    mpj_put_u64(out + 104, header->offset);
    mpj_put_u64(out + 112, header->rest_sum);
    mpj_put_u64(out + 120, mpj_checksum_seeded(out, 120, segment));
}

static bool lengths_fit(const mpj_entry_header *header)
{
    if (header->stored_bytes > UINT32_MAX || header->meta_bytes > MPJ_META_MOST)
        return false;
    if (header->kind < MPJ_ENTRY_VALUE || header->kind > MPJ_ENTRY_TOMBSTONE || header->coded > MPJ_CODED_BLOSC)
        return false;
    if (header->kind == MPJ_ENTRY_VALUE && header->coded == MPJ_CODED_RAW && header->raw_bytes != header->stored_bytes)
        return false;
    if (header->kind == MPJ_ENTRY_VALUE && header->raw_bytes > UINT32_MAX)
        return false;
    return header->total_bytes == mpj_entry_total(header);
}

static bool times_fit(const mpj_entry_header *header)
{
    return header->time_ns >= 0 && header->time_ns <= MPJ_TIME_MOST && header->compute_s >= 0 &&
           header->compute_s <= DBL_MAX;
}

bool mpj_entry_header_decode(mpj_entry_header *header, const unsigned char in[MPJ_ENTRY_HEADER_BYTES], uint64_t segment,
                             uint64_t offset)
{
    if (mpj_get_u32(in) != ENTRY_MAGIC || mpj_get_u64(in + 104) != offset)
        return false;
    if (mpj_get_u64(in + 120) != mpj_checksum_seeded(in, 120, segment))
        return false;
    if (mpj_get_u16(in + 4) != MPJ_SEGMENT_FORMAT || mpj_get_u16(in + 6) != MPJ_ENTRY_HEADER_BYTES)
        return false;
    uint32_t flags = mpj_get_u32(in + 96);
    uint64_t compute = mpj_get_u64(in + 80);
    if (flags > UINT16_MAX)
        return false;
    header->total_bytes = mpj_get_u64(in + 8);
    memcpy(header->name.key.bytes, in + 16, 16);
    memcpy(header->name.check.bytes, in + 32, 16);
    header->name.version = mpj_get_u64(in + 64);
    header->stored_bytes = mpj_get_u64(in + 48);
    header->raw_bytes = mpj_get_u64(in + 56);
    header->time_ns = (int64_t)mpj_get_u64(in + 72);
    memcpy(&header->compute_s, &compute, sizeof compute);
    header->json_bytes = mpj_get_u32(in + 88);
    header->meta_bytes = mpj_get_u32(in + 92);
    header->kind = (uint8_t)(flags & 0xff);
    header->coded = (uint8_t)(flags >> 8);
    header->type_bytes = mpj_get_u16(in + 100);
    header->offset = offset;
    header->rest_sum = mpj_get_u64(in + 112);
    return lengths_fit(header) && times_fit(header);
}

bool mpj_entry_rest_is_whole(const mpj_entry_header *header, const void *rest)
{
    return mpj_checksum(rest, (size_t)(header->total_bytes - MPJ_ENTRY_HEADER_BYTES)) == header->rest_sum;
}

bool mpj_name_equal(const mpj_name *left, const mpj_name *right)
{
    return memcmp(left->key.bytes, right->key.bytes, 16) == 0 &&
           memcmp(left->check.bytes, right->check.bytes, 16) == 0 && left->version == right->version;
}

/* ---- Records of use ---------------------------------------------------------------------------------------------- */

void mpj_use_head_encode(unsigned char out[MPJ_USE_HEAD_BYTES], const mpj_use_head *head)
{
    put_lead(out, USE_MAGIC, MPJ_USE_FORMAT, MPJ_USE_HEAD_BYTES);
    mpj_put_u64(out + 8, head->count);
    mpj_put_u64(out + 16, (uint64_t)head->written_ns);
    mpj_put_u64(out + 24, head->records_sum);
    mpj_put_u64(out + 32, head->hits);
    uint64_t saved;
    memcpy(&saved, &head->saved_s, sizeof saved);
    mpj_put_u64(out + 40, saved);
    put_sum(out, MPJ_USE_HEAD_BYTES);
}

int mpj_use_head_decode(mpj_use_head *head, const unsigned char in[MPJ_USE_HEAD_BYTES])
{
    int status = check_lead(in, USE_MAGIC, MPJ_USE_FORMAT, MPJ_USE_HEAD_BYTES);
    if (status != MPIJOB_OK)
        return status;
    head->count = mpj_get_u64(in + 8);
    head->written_ns = (int64_t)mpj_get_u64(in + 16);
    head->records_sum = mpj_get_u64(in + 24);
    head->hits = mpj_get_u64(in + 32);
    uint64_t saved = mpj_get_u64(in + 40);
    memcpy(&head->saved_s, &saved, sizeof saved);
    return head->count > UINT64_MAX / 64 ? MPIJOB_ECORRUPT : MPIJOB_OK;
}

void mpj_use_record_encode(unsigned char out[MPJ_USE_RECORD_BYTES], const mpj_use_record *record)
{
    memcpy(out, record->key.bytes, 16);
    mpj_put_u64(out + 16, record->version);
    mpj_put_u32(out + 24, record->check);
    mpj_put_u32(out + 28, record->hour);
}

void mpj_use_record_decode(mpj_use_record *record, const unsigned char in[MPJ_USE_RECORD_BYTES])
{
    memcpy(record->key.bytes, in, 16);
    record->version = mpj_get_u64(in + 16);
    record->check = mpj_get_u32(in + 24);
    record->hour = mpj_get_u32(in + 28);
}

uint32_t mpj_use_check_of(const mpj_name *name)
{
    return mpj_get_u32(name->check.bytes);
}

/* ---- Index: its head --------------------------------------------------------------------------------------------- */

uint32_t mpj_index_fanout_bits_for(uint64_t count)
{
    uint32_t bits = 0;
    while (bits < MPJ_FANOUT_BITS_MOST && count >> bits > 64)
        bits++;
    return bits;
}

uint32_t mpj_index_filter_blocks_for(uint64_t count)
{
    uint64_t blocks = (count * 10 + MPJ_FILTER_BLOCK_BYTES * 8 - 1) / (MPJ_FILTER_BLOCK_BYTES * 8);
    return blocks ? (uint32_t)blocks : 1;
}

void mpj_index_head_encode(unsigned char out[MPJ_INDEX_HEAD_BYTES], const mpj_index_head *head)
{
    put_lead(out, INDEX_MAGIC, MPJ_INDEX_FORMAT, MPJ_INDEX_HEAD_BYTES);
    mpj_put_u64(out + 8, head->segment);
    mpj_put_u64(out + 16, head->covered_bytes);
    mpj_put_u64(out + 24, head->count);
    mpj_put_u32(out + 32, head->fanout_bits);
    mpj_put_u32(out + 36, head->filter_blocks);
    mpj_put_u64(out + 40, (uint64_t)head->oldest_ns);
    mpj_put_u64(out + 48, (uint64_t)head->newest_ns);
    mpj_put_u64(out + 56, head->payload_bytes);
    mpj_put_u64(out + 64, head->tables_sum);
    mpj_put_u64(out + 72, head->records_sum);
    put_sum(out, MPJ_INDEX_HEAD_BYTES);
}

/* So that no sum of sizes can overflow, nor be larger than the segment explains: an entry has 128 bytes at least. */
static bool counts_fit(const mpj_index_head *head)
{
    if (head->covered_bytes > INT64_MAX || head->count > head->covered_bytes / MPJ_ENTRY_HEADER_BYTES)
        return false;
    if (head->count > UINT32_MAX || head->fanout_bits > MPJ_FANOUT_BITS_MOST)
        return false;
    return head->fanout_bits == mpj_index_fanout_bits_for(head->count) &&
           head->filter_blocks == mpj_index_filter_blocks_for(head->count);
}

int mpj_index_head_decode(mpj_index_head *head, const unsigned char in[MPJ_INDEX_HEAD_BYTES])
{
    int status = check_lead(in, INDEX_MAGIC, MPJ_INDEX_FORMAT, MPJ_INDEX_HEAD_BYTES);
    if (status != MPIJOB_OK)
        return status;
    head->segment = mpj_get_u64(in + 8);
    head->covered_bytes = mpj_get_u64(in + 16);
    head->count = mpj_get_u64(in + 24);
    head->fanout_bits = mpj_get_u32(in + 32);
    head->filter_blocks = mpj_get_u32(in + 36);
    head->oldest_ns = (int64_t)mpj_get_u64(in + 40);
    head->newest_ns = (int64_t)mpj_get_u64(in + 48);
    head->payload_bytes = mpj_get_u64(in + 56);
    head->tables_sum = mpj_get_u64(in + 64);
    head->records_sum = mpj_get_u64(in + 72);
    return counts_fit(head) ? MPIJOB_OK : MPIJOB_ECORRUPT;
}
