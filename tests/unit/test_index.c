/* The index of a segment: every key in it is found, hardly any other gets past the filter. */
#include "memo.h"

#include "base/alloc.h"
#include "memory/index.h"

#include <fcntl.h>
#include <unistd.h>

#define SEGMENT UINT64_C(42)

#define VERSION UINT64_C(0x9876543210123456)
#define OLDEST 5

static const size_t counts[] = {0, 1, 2, 63, 64, 65, 128, 129, 1000, 50000};
static const mpj_rights rights = {022, (gid_t)-1};
static int folder, fd;
static mpj_index index_read;

static mpj_entry_header header_of(uint64_t number, uint64_t round)
{
    return (mpj_entry_header){.name = {.key = memo_name(number).key, .version = VERSION},
                              .offset = 128 + 16 * (number * 8 + round),
                              .total_bytes = 144,
                              .kind = MPJ_ENTRY_VALUE,
                              .time_ns = OLDEST + (int64_t)number};
}

static void open_index(void)
{
    uint64_t bytes;
    ck_assert_int_eq(mpj_below_open(&fd, folder, files.folder, "w.idx", &bytes, NULL), MPIJOB_OK);
    ck_assert_int_eq(mpj_index_load(&index_read, fd, bytes, files.folder, NULL), MPIJOB_OK);
}

static void close_index(void)
{
    mpj_index_free(&index_read);
    mpj_file_close(&fd);
    mpj_file_close(&folder);
}

/* `copies` records of each of `count` keys. */
static void make(size_t count, size_t copies)
{
    mpj_index_content content = {.segment = SEGMENT, .covered_bytes = (uint64_t)1 << 40};
    for (size_t i = 0; i < count * copies; i++) {
        const mpj_entry_header header = header_of(i % count, i / count);
        ck_assert_int_eq(mpj_index_reserve(&content, NULL), MPIJOB_OK);
        mpj_index_add(&content, &header);
    }
    ck_assert_int_eq(mpj_below_walk(&folder, files.folder, "", NULL, NULL), MPIJOB_OK);
    ck_assert_int_eq(mpj_index_write(folder, files.folder, "w", &content, &rights, false, NULL), MPIJOB_OK);
    mpj_free(content.records);
    open_index();
}

typedef struct collected {
    size_t count;
    uint64_t last_offset;
} collected;

static int collect(const mpj_index_record *record, void *payload)
{
    collected *c = payload;
    ck_assert_uint_lt(record->offset, c->last_offset);
    ck_assert_uint_eq(record->total_bytes, 144);
    ck_assert_uint_eq(record->version, VERSION & MPJ_RECORD_VERSION_MASK);
    c->last_offset = record->offset;
    c->count++;
    return MPIJOB_OK;
}

static size_t found(uint64_t number)
{
    const mpijob_digest key = memo_name(number).key;
    collected c = {0, UINT64_MAX};
    if (mpj_index_lacks(&index_read, &key))
        return 0;
    ck_assert_int_eq(mpj_index_find(&index_read, fd, files.folder, &key, collect, &c, NULL), MPIJOB_OK);
    return c.count;
}

static int sum_up(const mpj_index_record *record, void *payload)
{
    *(uint64_t *)payload += record->offset;
    return MPIJOB_OK;
}

START_TEST(every_key_is_found)
{
    size_t count = counts[_i], passed = 0;
    make(count, 1);
    ck_assert_uint_eq(index_read.head.count, count);
    ck_assert_uint_eq(index_read.head.segment, SEGMENT);
    ck_assert_int_eq(index_read.head.oldest_ns, count ? OLDEST : 0);
    ck_assert_int_eq(index_read.head.newest_ns, count ? OLDEST + (int64_t)count - 1 : 0);
    for (uint64_t i = 0; i < count; i++)
        ck_assert_uint_eq(found(i), 1);
    for (uint64_t i = 1000000; i < 1010000; i++) {
        const mpijob_digest key = memo_name(i).key;
        passed += !mpj_index_lacks(&index_read, &key);
        ck_assert_uint_eq(found(i), 0);
    }
    ck_assert_uint_le(passed, 300); /* of 10000 */
    uint64_t sum = 0, wanted = 0;
    for (uint64_t i = 0; i < count; i++)
        wanted += header_of(i, 0).offset;
    ck_assert_int_eq(mpj_index_walk(&index_read, fd, files.folder, sum_up, &sum, NULL), MPIJOB_OK);
    ck_assert_uint_eq(sum, wanted);
    ck_assert_int_eq(mpj_index_records_are_whole(&index_read, fd, files.folder, NULL), 1);
    close_index();
}
END_TEST

START_TEST(a_key_may_stand_many_times)
{
    make(3, 1000); /* more than one read takes */
    for (uint64_t i = 0; i < 3; i++)
        ck_assert_uint_eq(found(i), 1000);
    ck_assert_uint_eq(found(4), 0);
    close_index();
}
END_TEST

/* Of head and tables every byte counts; of the records only what they lead to, and verification tells. */
START_TEST(damage_is_noticed)
{
    make(200, 1);
    uint64_t tables_end = mpj_index_records_at(&index_read.head), end = mpj_index_bytes(&index_read.head);
    char path[MPJ_PATH_BYTES];
    strcpy(path, scratch_path(&files, "w.idx"));
    close_index();
    size_t bytes;
    unsigned char *whole = files_read(path, &bytes);
    ck_assert_uint_eq(bytes, end);
    for (uint64_t at = 0; at < end; at += at < 200 ? 1 : 7) {
        unsigned char byte = whole[at] ^ 0x10;
        int writer = open(path, O_RDWR | O_CLOEXEC);
        ck_assert_int_eq(pwrite(writer, &byte, 1, (off_t)at), 1);
        int status = mpj_index_load(&index_read, writer, end, path, NULL);
        ck_assert_int_eq(status, at < tables_end ? MPIJOB_ECORRUPT : MPIJOB_OK);
        if (status == MPIJOB_OK)
            ck_assert_int_eq(mpj_index_records_are_whole(&index_read, writer, path, NULL), 0);
        mpj_index_free(&index_read);
        ck_assert_int_eq(pwrite(writer, &whole[at], 1, (off_t)at), 1);
        close(writer);
    }
    for (uint64_t length = 0; length < end; length += 13) {
        int reader = open(path, O_RDONLY | O_CLOEXEC);
        ck_assert_int_eq(mpj_index_load(&index_read, reader, length, path, NULL), MPIJOB_ECORRUPT);
        close(reader);
    }
    free(whole);
}
END_TEST

static size_t found_of(uint64_t begin, uint64_t end)
{
    size_t count = 0;
    for (uint64_t i = begin; i < end; i++)
        count += found(i);
    return count;
}

/* A piece that could not be read is no piece: it is read when it can be. */
START_TEST(records_asked_for_often_stay_in_memory)
{
    char path[MPJ_PATH_BYTES];
    size_t bytes;
    make(50000, 1);
    strcpy(path, scratch_path(&files, "w.idx"));
    unsigned char *whole = files_read(path, &bytes);
    ck_assert_int_eq(mpj_index_should_hold(&index_read), 0);
    ck_assert_uint_eq(found_of(0, 1000), 1000);
    ck_assert_int_eq(mpj_index_should_hold(&index_read), 1);
    mpj_alloc_fail_after(1);
    ck_assert_int_eq(mpj_index_hold(&index_read), 0);
    mpj_alloc_fail_after(UINT64_MAX);
    ck_assert_int_eq(mpj_index_should_hold(&index_read), 0);
    ck_assert_uint_eq(found_of(0, 1000), 1000);
    ck_assert_int_eq(mpj_index_hold(&index_read), 1);
    ck_assert_uint_eq(mpj_index_held_bytes(&index_read), 50000 * MPJ_INDEX_RECORD_BYTES);
    ck_assert_int_eq(mpj_index_should_hold(&index_read), 0);

    ck_assert_int_eq(truncate(path, (off_t)mpj_index_records_at(&index_read.head)), 0);
    const mpijob_digest key = memo_name(7).key;
    collected c = {0, UINT64_MAX};
    ck_assert_int_eq(mpj_index_find(&index_read, fd, files.folder, &key, collect, &c, NULL), MPIJOB_ECORRUPT);
    ck_assert_uint_eq(c.count, 0);
    int writer = open(path, O_RDWR | O_CLOEXEC);
    ck_assert_int_eq(pwrite(writer, whole, bytes, 0), (ssize_t)bytes);
    ck_assert_uint_eq(found_of(0, 50000), 50000);
    ck_assert_uint_eq(found_of(1000000, 1010000), 0);

    ck_assert_int_eq(truncate(path, 0), 0);
    ck_assert_uint_eq(found_of(0, 50000), 50000);
    close(writer);
    free(whole);
    close_index();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("index");
    TCase *tcase = tcase_create("index");
    tcase_add_checked_fixture(tcase, files_begin, files_end);
    tcase_add_loop_test(tcase, every_key_is_found, 0, UNIT_COUNT(counts));
    tcase_add_test(tcase, a_key_may_stand_many_times);
    tcase_add_test(tcase, damage_is_noticed);
    tcase_add_test(tcase, records_asked_for_often_stay_in_memory);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
