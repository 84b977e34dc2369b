/* Every byte of a small store flipped in turn, every file cut at every length: each look-up gives the right value or
 * none. */
#include "memo.h"

#include "io/codec.h"

#include <fcntl.h>
#include <unistd.h>

#define ENTRIES 6

static const size_t sizes[ENTRIES] = {8, 0, 100, 700, 16, 1500};
static char location[MPJ_PATH_BYTES];
static memo m;

/* Sealed: with an index. Open: as a process leaves it that was killed. The last entry replaces the first. */
static void make_store(bool sealed)
{
    char path[MPJ_PATH_BYTES];
    memo_open(&m, location);
    for (uint64_t i = 0; i < ENTRIES; i++)
        ck_assert_int_eq(memo_put(&m, i, sizes[i], 0), MPIJOB_OK);
    ck_assert_int_eq(memo_put(&m, 0, sizes[0], 1), MPIJOB_OK);
    memo_close(&m);
    if (!sealed && memo_files_named(location, ".idx", path))
        ck_assert_int_eq(unlink(path), 0);
}

/* How many are found; -1: one that is another value. Round 1 of entry 0 may be damaged: then round 0 is right too. */
static int look_up_all(void)
{
    int hits = 0;
    memo_open(&m, location);
    for (uint64_t i = 0; i < ENTRIES; i++) {
        int found = memo_find(&m, i, sizes[i], i == 0);
        if (i == 0 && found < 0)
            found = memo_find(&m, i, sizes[i], 0);
        ck_assert_int_ge(found, 0);
        hits += found;
        mpj_entry entry;
        mpj_name name = memo_name(i);
        mpj_shelf_find_any(m.shelf, &name.key, &entry);
    }
    ck_assert_int_eq(memo_find(&m, ENTRIES, 8, 0), 0);
    memo_close(&m);
    return hits;
}

static void put_byte(const char *path, size_t at, unsigned char byte)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    ck_assert_int_eq(pwrite(fd, &byte, 1, (off_t)at), 1);
    close(fd);
}

static void flip_all(const char *path, int most_lost)
{
    size_t bytes;
    unsigned char *whole = files_read(path, &bytes);
    for (size_t at = 0; at < bytes; at++)
        for (int bit = 0; bit < 8; bit += 7) {
            put_byte(path, at, whole[at] ^ (unsigned char)(1 << bit));
            int hits = look_up_all();
            ck_assert_msg(hits >= ENTRIES - most_lost, "%s, byte %zu: %d", path, at, hits);
            put_byte(path, at, whole[at]);
        }
    ck_assert_int_eq(look_up_all(), ENTRIES);
    free(whole);
}

START_TEST(flipped_bytes_of_a_sealed_segment)
{
    char path[MPJ_PATH_BYTES];
    make_store(true);
    memo_files_named(location, ".seg", path);
    flip_all(path, 1);
}
END_TEST

START_TEST(flipped_bytes_of_an_index)
{
    char path[MPJ_PATH_BYTES];
    make_store(true);
    memo_files_named(location, ".idx", path);
    flip_all(path, 1);
}
END_TEST

START_TEST(flipped_bytes_of_a_segment_without_index)
{
    char path[MPJ_PATH_BYTES];
    make_store(false);
    memo_files_named(location, ".seg", path);
    flip_all(path, ENTRIES);
}
END_TEST

START_TEST(files_of_every_length)
{
    char path[MPJ_PATH_BYTES];
    size_t bytes;
    make_store(_i < 2);
    memo_files_named(location, _i == 1 ? ".idx" : ".seg", path);
    unsigned char *whole = files_read(path, &bytes);
    int before = 0;
    for (size_t length = 0; length <= bytes; length++) {
        ck_assert_int_eq(truncate(path, (off_t)length), 0);
        files_write(path, whole, length);
        int hits = look_up_all();
        if (_i == 1)
            ck_assert_int_eq(hits, ENTRIES); /* without an index the segment is scanned */
        else
            ck_assert_int_ge(hits, before);
        before = hits;
    }
    ck_assert_int_eq(before, ENTRIES);
    free(whole);
}
END_TEST

/* What is damaged is computed and stored again, and then found. */
START_TEST(damage_is_made_good_by_storing_again)
{
    char path[MPJ_PATH_BYTES];
    make_store(true);
    memo_files_named(location, ".seg", path);
    put_byte(path, 128 + 176 + 40, 0x55); /* the first entry has 176 bytes; in the second's header */
    memo_open(&m, location);
    mpj_name name = memo_name(1);
    mpj_entry entry;
    ck_assert_int_eq(mpj_shelf_find(m.shelf, &name, &entry), 0);
    ck_assert_uint_eq(memo_counts(&m).damaged, 1);
    ck_assert_int_eq(mpj_shelf_find(m.shelf, &name, &entry), 0);
    ck_assert_uint_eq(memo_counts(&m).damaged, 1); /* not read again */
    ck_assert_int_eq(memo_put(&m, 1, sizes[1], 2), MPIJOB_OK);
    ck_assert_int_eq(memo_find(&m, 1, sizes[1], 2), 1);
    memo_close(&m);
    ck_assert_int_eq(look_up_all(), ENTRIES);
    ck_assert_int_eq(m.warnings, 0);
}
END_TEST

START_TEST(foreign_files_are_passed_over)
{
    static const char *const names[] = {"a.seg", "b.idx", "c.txt", ".hidden.seg", "d.idx.0123abcd.tmp", "e.seg.seg"};
    char folder[MPJ_PATH_BYTES], path[MPJ_PATH_BYTES], text[200]; /* longer than a header */
    memset(text, 'a', sizeof text);
    make_store(true);
    ck_assert_int_eq(mpj_path_join(folder, location, "mpijob/f/segments", NULL), MPIJOB_OK);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        ck_assert_int_eq(mpj_path_join(path, folder, names[i], NULL), MPIJOB_OK);
        files_write(path, text, sizeof text);
    }
    ck_assert_int_eq(mpj_path_join(path, folder, "folder.seg", NULL), MPIJOB_OK);
    ck_assert_int_eq(mkdir(path, 0777), 0);
    ck_assert_int_eq(mpj_path_join(path, folder, "pipe.seg", NULL), MPIJOB_OK);
    ck_assert_int_eq(mkfifo(path, 0666), 0);
    ck_assert_int_eq(look_up_all(), ENTRIES);
    ck_assert_int_eq(m.warnings, 0);
}
END_TEST

static const char *const format_files[] = {"", "{", "{\"kind\": \"mpijob memo store\", \"format\": 9}", "\xff\xfe"};

START_TEST(a_damaged_format_file_is_made_again)
{
    char path[MPJ_PATH_BYTES];
    make_store(true);
    ck_assert_int_eq(mpj_path_join(path, location, "mpijob/format.json", NULL), MPIJOB_OK);
    size_t bytes;
    unsigned char *whole = files_read(path, &bytes), *now;
    files_write(path, format_files[_i], strlen(format_files[_i]));
    ck_assert_int_eq(look_up_all(), ENTRIES);
    memo_open(&m, location);
    ck_assert_int_eq(memo_put(&m, 100, 8, 0), MPIJOB_OK);
    memo_close(&m);
    size_t now_bytes;
    now = files_read(path, &now_bytes);
    ck_assert_uint_eq(bytes, now_bytes);
    ck_assert_mem_eq(whole, now, bytes);
    free(whole);
    free(now);
}
END_TEST

START_TEST(a_later_format_is_refused)
{
    char path[MPJ_PATH_BYTES], text[128];
    make_store(true);
    ck_assert_int_eq(mpj_path_join(path, location, "mpijob/format.json", NULL), MPIJOB_OK);
    int length = snprintf(text, sizeof text, "{\"kind\": \"mpijob memo store\", \"format\": 2, \"check\": \"%016llx\"}",
                          (unsigned long long)mpj_checksum("mpijob memo store 2", 19));
    files_write(path, text, (size_t)length);
    mpj_store_options options = memo_options(&m);
    mpijob_error err;
    ck_assert_int_eq(mpj_store_open(&m.store, location, &options, &err), MPIJOB_EVERSION);
}
END_TEST

static void begin(void)
{
    files_begin();
    strcpy(location, scratch_path(&files, "location"));
}

int main(void)
{
    Suite *suite = suite_create("store_damage");
    TCase *damage = tcase_create("damage");
    tcase_add_checked_fixture(damage, begin, files_end);
    tcase_add_test(damage, flipped_bytes_of_a_sealed_segment);
    tcase_add_test(damage, flipped_bytes_of_an_index);
    tcase_add_test(damage, flipped_bytes_of_a_segment_without_index);
    tcase_add_loop_test(damage, files_of_every_length, 0, 3);
    tcase_add_test(damage, damage_is_made_good_by_storing_again);
    tcase_add_test(damage, foreign_files_are_passed_over);
    tcase_add_loop_test(damage, a_damaged_format_file_is_made_again, 0, UNIT_COUNT(format_files));
    tcase_add_test(damage, a_later_format_is_refused);
    suite_add_tcase(suite, damage);
    return unit_run(suite);
}
