/* The bytes of segments and records of use: what is written reads back, and nothing else does. */
#include "memo.h"

#include "io/below.h"
#include "io/checksum.h"
#include "io/codec.h"
#include "memory/segment.h"

#include <fcntl.h>
#include <unistd.h>

#define ID UINT64_C(0x1122334455667788)

static mpj_entry_header header_of(uint64_t number)
{
    mpj_entry_header header = {.name = memo_name(number),
                               .stored_bytes = number,
                               .raw_bytes = number,
                               .time_ns = MEMO_TIME,
                               .compute_s = 1.5,
                               .json_bytes = (uint32_t)(number % 40),
                               .meta_bytes = (uint32_t)(number % 24),
                               .kind = MPJ_ENTRY_VALUE,
                               .type_bytes = 8,
                               .offset = 128 + 16 * number,
                               .rest_sum = ~number};
    header.total_bytes = mpj_entry_total(&header);
    return header;
}

START_TEST(an_entry_header_reads_back)
{
    unsigned char bytes[MPJ_ENTRY_HEADER_BYTES];
    for (uint64_t i = 0; i < 100; i++) {
        const mpj_entry_header in = header_of(i);
        mpj_entry_header out;
        mpj_entry_header_encode(bytes, &in, ID);
        memset(&out, 0, sizeof out);
        ck_assert(mpj_entry_header_decode(&out, bytes, ID, in.offset));
        ck_assert(mpj_name_equal(&in.name, &out.name));
        ck_assert_uint_eq(in.total_bytes, out.total_bytes);
        ck_assert_uint_eq(in.stored_bytes, out.stored_bytes);
        ck_assert_uint_eq(in.json_bytes, out.json_bytes);
        ck_assert_uint_eq(in.meta_bytes, out.meta_bytes);
        ck_assert_int_eq(in.time_ns, out.time_ns);
        ck_assert_double_eq(in.compute_s, out.compute_s);
        ck_assert_uint_eq(in.rest_sum, out.rest_sum);
        ck_assert(!mpj_entry_header_decode(&out, bytes, ID + 1, in.offset));
        ck_assert(!mpj_entry_header_decode(&out, bytes, ID, in.offset + 16));
    }
}
END_TEST

START_TEST(a_flipped_bit_is_no_header)
{
    unsigned char bytes[MPJ_ENTRY_HEADER_BYTES], segment[MPJ_SEGMENT_HEADER_BYTES];
    const mpj_entry_header in = header_of(77);
    const mpj_segment_header head = {.id = ID, .pid = 1, .host = "here"};
    mpj_entry_header out;
    mpj_segment_header out_head;
    mpj_entry_header_encode(bytes, &in, ID);
    mpj_segment_header_encode(segment, &head);
    ck_assert_int_eq(mpj_segment_header_decode(&out_head, segment), MPIJOB_OK);
    ck_assert_uint_eq(out_head.id, ID);
    ck_assert_str_eq(out_head.host, "here");
    for (int bit = 0; bit < 8 * 128; bit++) {
        bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
        segment[bit / 8] ^= (unsigned char)(1 << bit % 8);
        ck_assert(!mpj_entry_header_decode(&out, bytes, ID, in.offset));
        ck_assert_int_eq(mpj_segment_header_decode(&out_head, segment), MPIJOB_ECORRUPT);
        bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
        segment[bit / 8] ^= (unsigned char)(1 << bit % 8);
    }
}
END_TEST

/* What no writer writes, though its sums are right. */
static const struct {
    int at, bytes;
    uint64_t value;
} hostile[] = {
    {8, 8, 0}, /* total */
    {8, 8, 127},
    {8, 8, UINT64_MAX},
    {8, 8, UINT64_MAX - 15},
    {48, 8, UINT64_MAX}, /* stored */
    {48, 8, UINT64_C(1) << 32},
    {48, 8, INT64_MAX},
    {56, 8, 0},
    {56, 8, UINT64_MAX},
    {88, 4, UINT32_MAX},
    {92, 4, UINT32_MAX},
    {92, 4, 513},
    {96, 1, 0},
    {96, 1, 4},
    {97, 1, 2},
    {98, 2, 1},
    {4, 2, 2},
    {6, 2, 64},
};

START_TEST(a_hostile_header_is_refused)
{
    unsigned char bytes[MPJ_ENTRY_HEADER_BYTES], value[8];
    mpj_entry_header in = header_of(77), out;
    mpj_entry_header_encode(bytes, &in, ID);
    mpj_put_u64(value, hostile[_i].value);
    memcpy(bytes + hostile[_i].at, value, (size_t)hostile[_i].bytes);
    mpj_put_u64(bytes + 120, mpj_checksum_seeded(bytes, 120, ID));
    ck_assert(!mpj_entry_header_decode(&out, bytes, ID, in.offset));
}
END_TEST

START_TEST(a_later_format_is_told_from_damage)
{
    unsigned char bytes[MPJ_SEGMENT_HEADER_BYTES];
    const mpj_segment_header in = {.id = ID};
    mpj_segment_header out;
    mpj_segment_header_encode(bytes, &in);
    mpj_put_u16(bytes + 4, MPJ_SEGMENT_FORMAT + 1);
    ck_assert_int_eq(mpj_segment_header_decode(&out, bytes), MPIJOB_ECORRUPT);
    mpj_put_u64(bytes + 120, mpj_checksum(bytes, 120));
    ck_assert_int_eq(mpj_segment_header_decode(&out, bytes), MPIJOB_EVERSION);
}
END_TEST

START_TEST(records_of_use_read_back)
{
    unsigned char bytes[MPJ_USE_RECORD_BYTES], head_bytes[MPJ_USE_HEAD_BYTES];
    const mpj_name name = memo_name(3);
    const mpj_use_record in = {name.key, name.version, mpj_use_check_of(&name), 472222};
    mpj_use_record out;
    mpj_use_record_encode(bytes, &in);
    mpj_use_record_decode(&out, bytes);
    ck_assert_mem_eq(&in, &out, sizeof in);
    mpj_use_head head, wrote = {.count = 7, .written_ns = MEMO_TIME, .records_sum = 99};
    mpj_use_head_encode(head_bytes, &wrote);
    ck_assert_int_eq(mpj_use_head_decode(&head, head_bytes), MPIJOB_OK);
    ck_assert_uint_eq(head.count, 7);
    head_bytes[9] ^= 1;
    ck_assert_int_eq(mpj_use_head_decode(&head, head_bytes), MPIJOB_ECORRUPT);
}
END_TEST

/* ---- Scanning ---------------------------------------------------------------------------------------------------- */

static uint64_t seen_count, seen_bytes;

static int count(const mpj_entry_header *header, void *payload)
{
    (void)payload;
    seen_count++;
    seen_bytes += header->stored_bytes;
    return MPIJOB_OK;
}

/* Entries that lie before, across and behind the blocks of a scan. */
START_TEST(a_scan_finds_all_entries_and_ends_at_the_torn_one)
{
    static const size_t bytes[] = {8, 1 << 20, 100, 3 << 20, 8, 1 << 19, 1 << 19, 8, 900000, 8};
    char path[MPJ_PATH_BYTES], location[MPJ_PATH_BYTES];
    memo m;
    strcpy(location, scratch_path(&files, "location"));
    memo_open(&m, location);
    uint64_t total = 0, good = MPJ_SEGMENT_HEADER_BYTES, size;
    for (uint64_t i = 0; i < sizeof bytes / sizeof bytes[0]; i++) {
        ck_assert_int_eq(memo_put_with(&m, i, bytes[i], 0, 0, -1), MPIJOB_OK);
        total += bytes[i];
    }
    memo_close(&m);
    ck_assert_int_eq(memo_files_named(location, ".seg", path), 1);
    int fd;
    mpj_segment_header header;
    ck_assert_int_eq(mpj_file_open(&fd, path, &size, NULL), MPIJOB_OK);
    ck_assert_int_eq(mpj_segment_read_header(&header, fd, path, NULL), MPIJOB_OK);
    ck_assert_int_eq(mpj_segment_scan(fd, path, header.id, &good, size, count, NULL, NULL), MPIJOB_OK);
    ck_assert_uint_eq(seen_count, sizeof bytes / sizeof bytes[0]);
    ck_assert_uint_eq(seen_bytes, total);
    ck_assert_uint_eq(good, size);
    seen_count = 0;
    good = MPJ_SEGMENT_HEADER_BYTES;
    ck_assert_int_eq(mpj_segment_scan(fd, path, header.id, &good, size - 1, count, NULL, NULL), MPIJOB_OK);
    ck_assert_uint_eq(seen_count, sizeof bytes / sizeof bytes[0] - 1);
    ck_assert_int_eq(mpj_segment_scan(fd, path, header.id, &good, size, count, NULL, NULL), MPIJOB_OK);
    ck_assert_uint_eq(seen_count, sizeof bytes / sizeof bytes[0]);
    good = MPJ_SEGMENT_HEADER_BYTES;
    ck_assert_int_eq(mpj_segment_scan(fd, path, header.id + 1, &good, size, count, NULL, NULL), MPIJOB_OK);
    ck_assert_uint_eq(good, MPJ_SEGMENT_HEADER_BYTES);
    good = MPJ_SEGMENT_HEADER_BYTES; /* more is claimed than there is */
    seen_count = 0;
    ck_assert_int_eq(mpj_segment_scan(fd, path, header.id, &good, size + 5000, count, NULL, NULL), MPIJOB_OK);
    ck_assert_uint_eq(seen_count, sizeof bytes / sizeof bytes[0]);
    mpj_file_close(&fd);
}
END_TEST

/* ---- Names ------------------------------------------------------------------------------------------------------- */

START_TEST(writers_have_names_of_their_own)
{
    char one[MPJ_WRITER_BYTES], two[MPJ_WRITER_BYTES], file[MPJ_WRITER_BYTES + 8], back[MPJ_WRITER_BYTES];
    mpj_writer_name(one);
    mpj_writer_name(two);
    ck_assert_str_ne(one, two);
    mpj_writer_file(file, one, MPJ_SEGMENT_SUFFIX);
    ck_assert(mpj_writer_of(back, file, MPJ_SEGMENT_SUFFIX));
    ck_assert_str_eq(one, back);
    ck_assert(!mpj_writer_of(back, file, MPJ_INDEX_SUFFIX));
    ck_assert(!mpj_writer_of(back, ".seg", MPJ_SEGMENT_SUFFIX));
    char longer[300];
    memset(longer, 'a', sizeof longer);
    strcpy(longer + 250, ".seg");
    ck_assert(!mpj_writer_of(back, longer, MPJ_SEGMENT_SUFFIX));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("segment");
    TCase *bytes = tcase_create("bytes");
    tcase_add_test(bytes, an_entry_header_reads_back);
    tcase_add_test(bytes, a_flipped_bit_is_no_header);
    tcase_add_loop_test(bytes, a_hostile_header_is_refused, 0, UNIT_COUNT(hostile));
    tcase_add_test(bytes, a_later_format_is_told_from_damage);
    tcase_add_test(bytes, records_of_use_read_back);
    tcase_add_test(bytes, writers_have_names_of_their_own);
    suite_add_tcase(suite, bytes);
    TCase *scan = tcase_create("scan");
    tcase_add_checked_fixture(scan, files_begin, files_end);
    tcase_add_test(scan, a_scan_finds_all_entries_and_ends_at_the_torn_one);
    suite_add_tcase(suite, scan);
    return unit_run(suite);
}
