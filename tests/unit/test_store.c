/* The memo store: what is stored is found, by this process, by the next, by another at the same time. */
#include "memo.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "memory/index.h"
#include "memory/segment.h"

#include <math.h>
#include <sys/wait.h>
#include <unistd.h>

static char location[MPJ_PATH_BYTES];
static memo m, other;

static void begin(void)
{
    files_begin();
    strcpy(location, scratch_path(&files, "location"));
}

static void end(void)
{
    files_end();
}

/* Sizes around what decides: raw or compressed, LZ4 or not, in the batch or straight to the file. */
static const size_t sizes[] = {0,    1,    8,     15,    16,     17,     511,     512,           513,
                               4095, 4096, 65535, 65536, 100000, 500000, 1048576, (1 << 20) + 5, 3000000};
#define SIZES ((uint64_t)(sizeof sizes / sizeof sizes[0]))

START_TEST(what_is_stored_is_found_at_once_and_later)
{
    memo_open(&m, location);
    for (uint64_t i = 0; i < SIZES; i++) {
        ck_assert_int_eq(memo_put(&m, i, sizes[i], 0), MPIJOB_OK);
        ck_assert_int_eq(memo_find(&m, i, sizes[i], 0), 1);
    }
    for (uint64_t i = 0; i < SIZES; i++)
        ck_assert_int_eq(memo_find(&m, i, sizes[i], 0), 1);
    ck_assert_int_eq(memo_find(&m, SIZES, 8, 0), 0);
    ck_assert_uint_eq(memo_counts(&m).stored, SIZES);
    memo_close(&m);
    ck_assert_int_eq(memo_files(location, ".seg"), 1);
    ck_assert_int_eq(memo_files(location, ".idx"), 1);
    memo_open(&m, location);
    for (uint64_t i = 0; i < SIZES; i++)
        ck_assert_int_eq(memo_find(&m, i, sizes[i], 0), 1);
    ck_assert_int_eq(memo_find(&m, SIZES, 8, 0), 0);
    ck_assert_uint_eq(memo_counts(&m).segments_made, 0);
    memo_close(&m);
    ck_assert_int_eq(m.warnings, 0);
}
END_TEST

START_TEST(all_of_an_entry_comes_back)
{
    mpj_name name = memo_name(5);
    mpj_entry entry;
    for (int again = 0; again < 2; again++) {
        memo_open(&m, location);
        if (!again)
            ck_assert_int_eq(memo_put_with(&m, 5, 2000, 3, 0.125, 0), MPIJOB_OK);
        ck_assert_int_eq(mpj_shelf_find(m.shelf, &name, &entry), 1);
        ck_assert(mpj_name_equal(&entry.name, &name));
        ck_assert_int_eq(entry.kind, MPJ_ENTRY_VALUE);
        ck_assert_uint_eq(entry.json_bytes, 8);
        ck_assert_mem_eq(entry.json, "{\"x\": 5}", 8);
        uint64_t number;
        ck_assert_uint_eq(entry.meta_bytes, sizeof number);
        memcpy(&number, entry.meta, sizeof number);
        ck_assert_uint_eq(number, 5);
        ck_assert_double_eq(entry.compute_s, 0.125);
        ck_assert_int_eq(entry.time_ns, MEMO_TIME + 3);
        ck_assert_uint_lt(entry.stored_bytes, 1800);
        ck_assert_uint_eq((uintptr_t)entry.payload % 16, 0);
        memo_close(&m);
    }
}
END_TEST

START_TEST(compressing_can_be_switched_off_and_never_loses)
{
    mpj_name name = memo_name(1);
    mpj_entry entry;
    memo_open(&m, location);
    ck_assert_int_eq(memo_put_with(&m, 1, 100000, 0, 0, -1), MPIJOB_OK);
    ck_assert_int_eq(mpj_shelf_find(m.shelf, &name, &entry), 1);
    ck_assert_uint_eq(entry.stored_bytes, 100000);
    ck_assert_int_eq(memo_put_with(&m, 1, 100000, 1, 0, 9), MPIJOB_OK);
    ck_assert_int_eq(mpj_shelf_find(m.shelf, &name, &entry), 1);
    ck_assert_uint_lt(entry.stored_bytes, 70000);
    ck_assert(memo_is(&entry, 1, 100000, 1));
    memo_close(&m);
}
END_TEST

START_TEST(another_check_or_version_is_another_name)
{
    memo_open(&m, location);
    ck_assert_int_eq(memo_put(&m, 1, 8, 0), MPIJOB_OK);
    for (int again = 0; again < 2; again++) {
        mpj_entry entry;
        mpj_name name = memo_name(1);
        ck_assert_int_eq(mpj_shelf_find_any(m.shelf, &name.key, &entry), 1);
        name.check.bytes[15] ^= 1;
        ck_assert_int_eq(mpj_shelf_find(m.shelf, &name, &entry), 0);
        name = memo_name(1);
        name.version ^= UINT64_C(1) << 63;
        ck_assert_int_eq(mpj_shelf_find(m.shelf, &name, &entry), 0);
        ck_assert_int_eq(mpj_shelf_find_any(m.shelf, &name.key, &entry), 1);
        ck_assert_uint_eq(entry.name.version, memo_name(1).version);
        memo_close(&m);
        memo_open(&m, location);
    }
    memo_close(&m);
}
END_TEST

START_TEST(the_newest_counts_wherever_it_lies)
{
    for (uint64_t round = 0; round < 5; round++) {
        memo_open(&m, location);
        for (uint64_t i = 0; i < 3; i++) /* the clock of the last writer is behind */
            ck_assert_int_eq(memo_put(&m, i, 100, round < 4 ? round : 1), MPIJOB_OK);
        memo_close(&m);
    }
    memo_open(&m, location);
    for (uint64_t i = 0; i < 3; i++)
        ck_assert_int_eq(memo_find(&m, i, 100, 3), 1);
    ck_assert_int_eq(memo_clear(&m, 1, 9), MPIJOB_OK);
    ck_assert_int_eq(memo_find(&m, 1, 100, 3), 0);
    mpj_entry entry;
    mpj_name name = memo_name(1);
    ck_assert_int_eq(mpj_shelf_find_any(m.shelf, &name.key, &entry), 1);
    ck_assert_int_eq(entry.kind, MPJ_ENTRY_TOMBSTONE);
    memo_close(&m);
    memo_open(&m, location);
    ck_assert_int_eq(memo_find(&m, 1, 100, 3), 0);
    ck_assert_int_eq(memo_find(&m, 2, 100, 3), 1);
    ck_assert_int_eq(memo_put(&m, 1, 100, 10), MPIJOB_OK);
    ck_assert_int_eq(memo_find(&m, 1, 100, 10), 1);
    memo_close(&m);
}
END_TEST

/* Against a table in memory: many rounds, sizes, reopenings, clears; two stores of one location in turn. */
#define KEYS 300
START_TEST(a_random_history_is_as_in_memory)
{
    int64_t round_of[KEYS];
    size_t bytes_of[KEYS];
    uint64_t state = (uint64_t)_i + 1;
    for (int i = 0; i < KEYS; i++)
        round_of[i] = -1;
    memo_open(&m, location);
    for (int64_t step = 0; step < 4000; step++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        uint64_t key = (state >> 33) % KEYS, what = (state >> 20) % 100;
        if (what < 40) {
            bytes_of[key] = (size_t)((state >> 8) % (what < 38 ? 300 : 40000));
            round_of[key] = step;
            ck_assert_int_eq(memo_put_with(&m, key, bytes_of[key], (uint64_t)step, what == 0 ? 1 : 0, 0), MPIJOB_OK);
        } else if (what < 45) {
            round_of[key] = -1;
            ck_assert_int_eq(memo_clear(&m, key, (uint64_t)step), MPIJOB_OK);
        } else if (what < 46) {
            memo_close(&m);
            memo_open(&m, location);
        } else if (what < 48) {
            ck_assert_int_eq(mpj_store_flush(m.store, what == 46, NULL), MPIJOB_OK);
            mpj_shelf_refresh_now(m.shelf);
        } else {
            ck_assert_int_eq(memo_find(&m, key, round_of[key] < 0 ? 0 : bytes_of[key], (uint64_t)round_of[key]),
                             round_of[key] >= 0);
        }
    }
    ck_assert_uint_eq(memo_counts(&m).damaged, 0);
    memo_close(&m);
    memo_open(&m, location);
    for (uint64_t key = 0; key < KEYS; key++)
        ck_assert_int_eq(memo_find(&m, key, round_of[key] < 0 ? 0 : bytes_of[key], (uint64_t)round_of[key]),
                         round_of[key] >= 0);
    memo_close(&m);
    ck_assert_int_eq(m.warnings, 0);
}
END_TEST

START_TEST(many_entries_are_found_through_their_index)
{
    enum {
        COUNT = 20000
    };
    memo_open(&m, location);
    for (uint64_t i = 0; i < COUNT; i++)
        ck_assert_int_eq(memo_put(&m, i, 8, 0), MPIJOB_OK);
    memo_close(&m);
    memo_open(&m, location);
    for (uint64_t i = 0; i < COUNT; i++)
        ck_assert_int_eq(memo_find(&m, i, 8, 0), 1);
    for (uint64_t i = COUNT; i < 2 * COUNT; i++)
        ck_assert_int_eq(memo_find(&m, i, 8, 0), 0);
    memo_close(&m);
}
END_TEST

/* ---- Others ------------------------------------------------------------------------------------------------------ */

START_TEST(what_is_written_is_seen_by_another_that_looks)
{
    memo_open(&other, location);
    memo_open(&m, location);
    ck_assert_int_eq(memo_put(&m, 1, 8, 0), MPIJOB_OK);
    mpj_shelf_refresh_now(other.shelf);
    ck_assert_int_eq(memo_find(&other, 1, 8, 0), 0);
    mpj_store_tick(m.store, mpj_now() + 0.3);
    ck_assert_int_eq(memo_find(&other, 1, 8, 0), 0);
    mpj_shelf_refresh_now(other.shelf);
    ck_assert_int_eq(memo_find(&other, 1, 8, 0), 1);
    ck_assert_int_eq(memo_put_with(&m, 2, 8, 0, 0.2, 0), MPIJOB_OK); /* took long: written at once */
    mpj_shelf_refresh_now(other.shelf);
    ck_assert_int_eq(memo_find(&other, 2, 8, 0), 1);
    ck_assert_int_eq(memo_put(&m, 3, 200000, 0), MPIJOB_OK); /* a full batch */
    mpj_shelf_refresh_now(other.shelf);
    ck_assert_int_eq(memo_find(&other, 3, 200000, 0), 1);
    ck_assert_int_eq(memo_put(&m, 4, 8, 0), MPIJOB_OK);
    memo_close(&m); /* sealed while the other one has it open */
    mpj_shelf_refresh_now(other.shelf);
    for (uint64_t i = 1; i <= 4; i++)
        ck_assert_int_eq(memo_find(&other, i, i == 3 ? 200000 : 8, 0), 1);
    memo_close(&other);
}
END_TEST

START_TEST(a_look_takes_place_when_the_rule_says_so)
{
    memo_open(&m, location);
    double now = mpj_now();
    ck_assert_int_eq(mpj_shelf_refresh(m.shelf, now, INFINITY), 0);
    ck_assert_int_eq(mpj_shelf_refresh(m.shelf, now + 1, INFINITY), 1);
    ck_assert_uint_eq(memo_counts(&m).refreshes, 1);
    memo_close(&m);
}
END_TEST

START_TEST(segments_that_were_removed_are_forgotten)
{
    memo_open(&m, location);
    ck_assert_int_eq(memo_put(&m, 1, 8, 0), MPIJOB_OK);
    memo_close(&m);
    memo_open(&m, location);
    ck_assert_int_eq(memo_put(&m, 2, 8, 0), MPIJOB_OK);
    ck_assert_int_eq(mpj_store_flush(m.store, false, NULL), MPIJOB_OK);
    ck_assert_int_eq(memo_put(&m, 3, 8, 0), MPIJOB_OK); /* not written yet */
    char folder[MPJ_PATH_BYTES];
    ck_assert_int_eq(mpj_path_join(folder, location, "mpijob/f", NULL), MPIJOB_OK);
    ck_assert_int_eq(mpj_folder_remove(folder, NULL), MPIJOB_OK);
    mpj_shelf_refresh_now(m.shelf);
    ck_assert_int_eq(memo_find(&m, 1, 8, 0), 0);
    ck_assert_int_eq(memo_find(&m, 2, 8, 0), 0);
    ck_assert_int_eq(memo_find(&m, 3, 8, 0), 1);
    ck_assert_int_eq(memo_put(&m, 4, 8, 0), MPIJOB_OK);
    memo_close(&m);
    memo_open(&m, location);
    ck_assert_int_eq(memo_find(&m, 3, 8, 0), 1);
    ck_assert_int_eq(memo_find(&m, 4, 8, 0), 1);
    memo_close(&m);
    ck_assert_int_eq(m.warnings, 0);
}
END_TEST

/* ---- Segments that are being written ----------------------------------------------------------------------------- */

/* As a client of a network file system shows it: in pieces, and for a while not the rest. */
START_TEST(a_torn_tail_is_asked_again_until_it_is_whole)
{
    char path[MPJ_PATH_BYTES];
    size_t bytes;
    memo_open(&m, location);
    for (uint64_t i = 0; i < 20; i++)
        ck_assert_int_eq(memo_put(&m, i, 100, 0), MPIJOB_OK);
    memo_close(&m);
    ck_assert_int_eq(memo_files_named(location, ".idx", path), 1);
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(memo_files_named(location, ".seg", path), 1);
    unsigned char *whole = files_read(path, &bytes);
    size_t entry = (bytes - MPJ_SEGMENT_HEADER_BYTES) / 20;
    files_write(path, whole, 100); /* not even a header */
    memo_open(&other, location);
    for (int looks = 0; looks < 20; looks++)
        mpj_shelf_refresh_now(other.shelf);
    for (uint64_t i = 0; i < 20; i++) {
        size_t cut = MPJ_SEGMENT_HEADER_BYTES + (size_t)i * entry + (i % 3 ? 50 : 140);
        files_write(path, whole, cut);
        for (int looks = 0; looks < 12; looks++)
            mpj_shelf_refresh_now(other.shelf);
        ck_assert_int_eq(memo_find(&other, i, 100, 0), 0);
        if (i)
            ck_assert_int_eq(memo_find(&other, i - 1, 100, 0), 1);
    }
    files_write(path, whole, bytes);
    mpj_shelf_refresh_now(other.shelf);
    ck_assert_int_eq(memo_find(&other, 19, 100, 0), 1);
    ck_assert_uint_eq(memo_counts(&other).damaged, 0);
    memo_close(&other);
    free(whole);
}
END_TEST

static int take_record(const mpj_entry_header *header, void *payload)
{
    mpj_index_content *content = payload;
    ck_assert_int_eq(mpj_index_reserve(content, NULL), MPIJOB_OK);
    mpj_index_add(content, header);
    return MPIJOB_OK;
}

/* What the cleaner does with a segment whose writer seems dead. */
static void seal_from_outside(void)
{
    const mpj_rights rights = {022, (gid_t)-1};
    mpj_index_content content = {0};
    char path[MPJ_PATH_BYTES], writer[MPJ_WRITER_BYTES];
    mpj_segment_header header;
    uint64_t size;
    int fd, folder;
    ck_assert_int_eq(memo_files_named(location, ".seg", path), 1);
    ck_assert_int_eq(mpj_file_open(&fd, path, &size, NULL), MPIJOB_OK);
    ck_assert_int_eq(mpj_segment_read_header(&header, fd, path, NULL), MPIJOB_OK);
    content.segment = header.id;
    content.covered_bytes = MPJ_SEGMENT_HEADER_BYTES;
    ck_assert_int_eq(mpj_segment_scan(fd, path, header.id, &content.covered_bytes, size, take_record, &content, NULL),
                     MPIJOB_OK);
    mpj_file_close(&fd);
    ck_assert(mpj_writer_of(writer, strrchr(path, '/') + 1, MPJ_SEGMENT_SUFFIX));
    ck_assert_int_eq(mpj_below_walk(&folder, location, "mpijob/f/segments", NULL, NULL), MPIJOB_OK);
    ck_assert_int_eq(mpj_index_write(folder, path, writer, &content, &rights, true, NULL), MPIJOB_OK);
    mpj_free(content.records);
    mpj_file_close(&folder);
}

START_TEST(a_segment_is_read_on_behind_what_its_index_covers)
{
    memo_open(&m, location);
    memo_open(&other, location);
    for (uint64_t i = 0; i < 30; i++)
        ck_assert_int_eq(memo_put(&m, i, 100, 0), MPIJOB_OK);
    ck_assert_int_eq(mpj_store_flush(m.store, false, NULL), MPIJOB_OK);
    if (_i)
        mpj_shelf_refresh_now(other.shelf);
    seal_from_outside();
    mpj_shelf_refresh_now(other.shelf);
    for (uint64_t i = 30; i < 60; i++)
        ck_assert_int_eq(memo_put(&m, i, 100, 0), MPIJOB_OK);
    ck_assert_int_eq(mpj_store_flush(m.store, false, NULL), MPIJOB_OK);
    memo late;
    memo_open(&late, location);
    for (uint64_t i = 0; i < 60; i++)
        ck_assert_int_eq(memo_find(&late, i, 100, 0), 1);
    for (uint64_t i = 0; i < 30; i++)
        ck_assert_int_eq(memo_find(&other, i, 100, 0), 1);
    memo_close(&late);
    memo_close(&other);
    memo_close(&m);
    memo_open(&m, location); /* sealed anew by its writer */
    for (uint64_t i = 0; i < 60; i++)
        ck_assert_int_eq(memo_find(&m, i, 100, 0), 1);
    memo_close(&m);
}
END_TEST

/* ---- Forking ----------------------------------------------------------------------------------------------------- */

static void child_stores(void)
{
    for (uint64_t i = 100; i < 200; i++)
        if (memo_put(&m, i, 8, 0) != MPIJOB_OK || memo_find(&m, i, 8, 0) != 1)
            _exit(1);
    memo_close(&m);
    _exit(0);
}

START_TEST(a_child_begins_a_segment_of_its_own)
{
    int state;
    memo_open(&m, location);
    for (uint64_t i = 0; i < 100; i++)
        ck_assert_int_eq(memo_put(&m, i, 8, 0), MPIJOB_OK);
    if (_i)
        ck_assert_int_eq(mpj_store_flush(m.store, false, NULL), MPIJOB_OK);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0)
        child_stores();
    for (uint64_t i = 200; i < 300; i++)
        ck_assert_int_eq(memo_put(&m, i, 8, 0), MPIJOB_OK);
    ck_assert_int_eq(waitpid(child, &state, 0), child);
    ck_assert(WIFEXITED(state) && WEXITSTATUS(state) == 0);
    memo_close(&m);
    ck_assert_int_eq(memo_files(location, ".seg"), 2);
    ck_assert_int_eq(memo_files(location, ".idx"), 2);
    memo_open(&m, location);
    for (uint64_t i = 0; i < 300; i++)
        ck_assert_int_eq(memo_find(&m, i, 8, 0), 1);
    memo_close(&m);
}
END_TEST

START_TEST(a_child_that_only_closes_changes_nothing)
{
    int state;
    memo_open(&m, location);
    ck_assert_int_eq(memo_put(&m, 1, 8, 0), MPIJOB_OK);
    mpj_name name = memo_name(1);
    mpj_shelf_used(m.shelf, &name, MEMO_TIME);
    pid_t child = fork();
    if (child == 0) {
        memo_close(&m);
        _exit(0);
    }
    ck_assert_int_eq(waitpid(child, &state, 0), child);
    ck_assert(WIFEXITED(state) && WEXITSTATUS(state) == 0);
    ck_assert_int_eq(memo_files(location, ".seg"), 0);
    memo_close(&m);
    ck_assert_int_eq(memo_files(location, ".seg"), 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("store");
    TCase *alone = tcase_create("alone");
    tcase_add_checked_fixture(alone, begin, end);
    tcase_add_test(alone, what_is_stored_is_found_at_once_and_later);
    tcase_add_test(alone, all_of_an_entry_comes_back);
    tcase_add_test(alone, compressing_can_be_switched_off_and_never_loses);
    tcase_add_test(alone, another_check_or_version_is_another_name);
    tcase_add_test(alone, the_newest_counts_wherever_it_lies);
    tcase_add_loop_test(alone, a_random_history_is_as_in_memory, 0, 4);
    tcase_add_test(alone, many_entries_are_found_through_their_index);
    suite_add_tcase(suite, alone);
    TCase *others = tcase_create("others");
    tcase_add_checked_fixture(others, begin, end);
    tcase_add_test(others, what_is_written_is_seen_by_another_that_looks);
    tcase_add_test(others, a_look_takes_place_when_the_rule_says_so);
    tcase_add_test(others, segments_that_were_removed_are_forgotten);
    tcase_add_test(others, a_torn_tail_is_asked_again_until_it_is_whole);
    tcase_add_loop_test(others, a_segment_is_read_on_behind_what_its_index_covers, 0, 2);
    tcase_add_loop_test(others, a_child_begins_a_segment_of_its_own, 0, 2);
    tcase_add_test(others, a_child_that_only_closes_changes_nothing);
    suite_add_tcase(suite, others);
    return unit_run(suite);
}
