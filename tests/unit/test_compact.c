/* Merging segments: nothing that lives is lost, whoever dies or is at it too. */
#include "failing.h"
#include "memo.h"

#include "base/clock.h"
#include "memory/cleaner.h"
#include "memory/trash.h"

#include <math.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define WRITERS 10
#define EACH 20

static char location[MPJ_PATH_BYTES];
static memo m, other;

static void begin(void)
{
    files_begin();
    strcpy(location, scratch_path(&files, "location"));
}

/* Each writer has 20 entries, half of them those of the one before, stored again. */
static void fill(void)
{
    for (uint64_t writer = 0; writer < WRITERS; writer++) {
        memo_open(&m, location);
        for (uint64_t i = 0; i < EACH; i++)
            memo_must(memo_put(&m, writer * EACH / 2 + i, 50 + 100 * (size_t)i, writer) == MPIJOB_OK);
        memo_close(&m);
    }
}

#define NAMES (WRITERS * EACH / 2 + EACH / 2)

/* Of the last writer that had it. */
static int find(memo *in, uint64_t number)
{
    uint64_t writer = number * 2 / EACH < WRITERS ? number * 2 / EACH : WRITERS - 1;
    return memo_find(in, number, 50 + 100 * (size_t)(number - writer * EACH / 2), writer);
}

static int count_found(void)
{
    int found = 0;
    memo_open(&m, location);
    for (uint64_t i = 0; i < NAMES; i++) {
        int one = find(&m, i);
        ck_assert_int_ge(one, 0);
        found += one;
    }
    memo_close(&m);
    return found;
}

static mpj_compacted run_with(bool now, int status)
{
    mpj_compacted done = {.sources = 0};
    memo_open(&m, location);
    ck_assert_int_eq(mpj_cleaner_run(m.store, "mpijob/f", &(mpj_cleaner_options){true, now}, &done, NULL), status);
    memo_close(&m);
    return done;
}

static int trash_items(void)
{
    scratch trash = files;
    ck_assert_int_lt(snprintf(trash.folder, sizeof trash.folder, "%.200s/location/mpijob/f/trash", files.folder),
                     (int)sizeof trash.folder);
    return scratch_names(&trash);
}

START_TEST(many_become_one)
{
    bool now = _i;
    fill();
    ck_assert_int_eq(memo_files(location, ".seg"), WRITERS);
    mpj_compacted done = run_with(now, MPIJOB_OK);
    ck_assert(done.sources == WRITERS && done.made == 1 && done.kept == NAMES && done.damaged == 0);
    ck_assert_int_eq(memo_files(location, ".seg"), 1);
    ck_assert_int_eq(memo_files(location, ".idx"), 1);
    ck_assert_int_eq(trash_items(), now ? 0 : 2 * WRITERS);
    ck_assert(now ? done.bytes_now > 0 && done.bytes_later == 0 : done.bytes_later > 0 && done.later_s == 3600);
    ck_assert_int_eq(count_found(), NAMES);
    done = run_with(now, MPIJOB_OK); /* there is nothing left to do */
    ck_assert(done.sources == 0 && done.made == 0);
}
END_TEST

START_TEST(readers_go_on)
{
    fill();
    memo_open(&other, location);
    for (uint64_t i = 0; i < NAMES; i += 2)
        ck_assert_int_eq(find(&other, i), 1);
    run_with(true, MPIJOB_OK);
    for (uint64_t i = 0; i < NAMES; i++) {
        int found = find(&other, i); /* in a file that is open, or else after a look */
        if (found == 0) {
            ck_assert_int_eq(mpj_shelf_refresh(other.shelf, mpj_now(), INFINITY), 1);
            found = find(&other, i);
        }
        ck_assert_int_eq(found, 1);
    }
    memo_close(&other);
    ck_assert_int_eq(other.warnings, 0);
}
END_TEST

START_TEST(what_was_cleared_stays_cleared)
{
    fill();
    memo_open(&m, location);
    for (uint64_t i = 0; i < 10; i++)
        ck_assert_int_eq(memo_clear(&m, i, 100), MPIJOB_OK);
    memo_close(&m);
    mpj_compacted done = run_with(false, MPIJOB_OK);
    ck_assert_uint_eq(done.kept, NAMES - 10 + 10); /* what they hide may turn out to stay: they go the next time */
    ck_assert_int_eq(count_found(), NAMES - 10);
    memo_open(&other, location);
    ck_assert_int_eq(memo_put(&other, 50, 50 + 100 * 10, 4), MPIJOB_OK); /* in a file that is not closed */
    ck_assert_int_eq(mpj_store_flush(other.store, false, NULL), MPIJOB_OK);
    memo_open(&m, location);
    ck_assert_int_eq(memo_clear(&m, 50, 100), MPIJOB_OK);
    memo_close(&m);
    done = run_with(false, MPIJOB_OK);
    ck_assert_uint_eq(done.kept, NAMES - 10 - 1 + 1); /* this one is still needed */
    ck_assert_int_eq(count_found(), NAMES - 11);
    memo_close(&other);
    ck_assert_int_eq(count_found(), NAMES - 11);
    done = run_with(false, MPIJOB_OK);
    ck_assert_uint_eq(done.kept, NAMES - 11 + 1);
    ck_assert_int_eq(count_found(), NAMES - 11);
    memo_open(&m, location);
    ck_assert_int_eq(memo_put(&m, 1000, 50, 0), MPIJOB_OK);
    memo_close(&m);
    done = run_with(false, MPIJOB_OK);
    ck_assert_uint_eq(done.kept, NAMES - 11 + 1);
    ck_assert_int_eq(count_found(), NAMES - 11);
}
END_TEST

START_TEST(a_fresh_tombstone_is_kept)
{
    struct timespec now;
    mpj_listed entries[2] = {{.kind = MPJ_ENTRY_TOMBSTONE}, {.kind = MPJ_ENTRY_VALUE}};
    mpj_listed_segment segment = {.source = true};
    mpj_list list = {.entries = entries, .count = 2, .segments = &segment, .segment_count = 1};
    clock_gettime(CLOCK_REALTIME, &now);
    int64_t ns = now.tv_sec * INT64_C(1000000000);
    entries[0].time_ns = ns - 3599 * INT64_C(1000000000);
    ck_assert(mpj_compact_keeps(&list, 0, ns, true));
    ck_assert(!mpj_compact_keeps(&list, 1, ns, true));
    entries[0].time_ns = ns - 3600 * INT64_C(1000000000);
    ck_assert(mpj_compact_keeps(&list, 0, ns, true)); /* the source may turn out to stay */
    list.count = 1;
    ck_assert(!mpj_compact_keeps(&list, 0, ns, true));
    ck_assert(mpj_compact_keeps(&list, 0, ns, false)); /* somewhere else there may be more of its name */
    list.count = 2;
    entries[1].kind = MPJ_ENTRY_TOMBSTONE;
    ck_assert(!mpj_compact_keeps(&list, 1, ns, false));
    entries[0] = (mpj_listed){.kind = MPJ_ENTRY_VALUE, .live = true, .drop = true};
    ck_assert(!mpj_compact_keeps(&list, 0, ns, true));
}
END_TEST

static int count_one(void)
{
    memo_open(&m, location);
    int found = memo_find(&m, 1, 8, 0);
    memo_close(&m);
    return found;
}

static pid_t begin_child(void)
{
    fflush(NULL);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    return child;
}

static void await(pid_t child, bool killed)
{
    int state;
    ck_assert_int_eq(waitpid(child, &state, 0), child);
    ck_assert(killed ? WIFSIGNALED(state) && WTERMSIG(state) == SIGKILL : WIFEXITED(state) && WEXITSTATUS(state) == 0);
}

START_TEST(a_killed_writers_file_is_taken_over)
{
    pid_t child = begin_child();
    if (child == 0) {
        memo_open(&m, location);
        for (uint64_t i = 0; i < 100; i++)
            memo_must(memo_put(&m, i, 8, 0) == MPIJOB_OK);
        mpj_store_flush(m.store, false, NULL);
        raise(SIGKILL);
    }
    await(child, true);
    ck_assert_int_eq(memo_files(location, ".idx"), 0);
    run_with(false, MPIJOB_OK);
    ck_assert_int_eq(memo_files(location, ".idx"), 1);
    memo_open(&m, location);
    for (uint64_t i = 0; i < 100; i++)
        ck_assert_int_eq(memo_find(&m, i, 8, 0), 1);
    memo_close(&m);
}
END_TEST

/* Of another host nobody can tell whether it lives: only that it has not written for ten minutes. */
START_TEST(a_foreign_writers_file_is_left_alone_for_ten_minutes)
{
    char path[MPJ_PATH_BYTES];
    size_t bytes;
    mpj_segment_header header;
    mpj_list list;
    mpj_seen seen = {.items = NULL};
    pid_t child = begin_child();
    if (child == 0) {
        memo_open(&m, location);
        memo_must(memo_put(&m, 1, 8, 0) == MPIJOB_OK);
        mpj_store_flush(m.store, false, NULL);
        raise(SIGKILL);
    }
    await(child, true);
    ck_assert_int_eq(memo_files_named(location, ".seg", path), 1);
    unsigned char *file = files_read(path, &bytes);
    ck_assert_int_eq(mpj_segment_header_decode(&header, file), MPIJOB_OK);
    header.place ^= 1;
    mpj_segment_header_encode(file, &header);
    files_write(path, file, bytes);
    free(file);
    memo_open(&m, location);
    for (int minutes = 0; minutes <= 11; minutes++) {
        ck_assert_int_eq(mpj_list_read(&list, m.store, "mpijob/f", NULL, NULL), MPIJOB_OK);
        if (minutes > 0)
            seen.items[0].since_s -= 60;
        mpj_cleaner_close(&list, &seen);
        ck_assert_int_eq(list.segments[0].closed, minutes >= 10);
        ck_assert(mpj_cleaner_seal(&list, NULL) == MPIJOB_OK && memo_files(location, ".idx") == (minutes >= 10));
        mpj_list_free(&list);
    }
    mpj_seen_free(&seen);
    memo_close(&m);
    ck_assert_int_eq(count_one(), 1);
}
END_TEST

START_TEST(a_living_writers_file_is_left_alone)
{
    memo_open(&other, location);
    ck_assert_int_eq(memo_put(&other, 1, 8, 0), MPIJOB_OK);
    ck_assert_int_eq(mpj_store_flush(other.store, false, NULL), MPIJOB_OK);
    mpj_compacted done = run_with(true, MPIJOB_OK);
    ck_assert(done.sources == 0 && memo_files(location, ".seg") == 1 && memo_files(location, ".idx") == 0);
    ck_assert_int_eq(memo_put(&other, 2, 8, 0), MPIJOB_OK);
    memo_close(&other);
    memo_open(&m, location);
    ck_assert(memo_find(&m, 1, 8, 0) == 1 && memo_find(&m, 2, 8, 0) == 1);
    memo_close(&m);
}
END_TEST

/* A byte of the newest entry's payload: the one before is what a look-up finds, and what is kept. */
START_TEST(the_next_best_follows_a_damaged_one)
{
    char path[MPJ_PATH_BYTES];
    size_t bytes;
    memo_open(&m, location);
    ck_assert_int_eq(memo_put(&m, 1, 300, 7), MPIJOB_OK);
    memo_close(&m);
    ck_assert_int_eq(memo_files_named(location, ".seg", path), 1);
    unsigned char *file = files_read(path, &bytes);
    file[bytes - 20] ^= 1;
    files_write(path, file, bytes);
    free(file);
    memo_open(&m, location);
    ck_assert_int_eq(memo_put(&m, 1, 300, 5), MPIJOB_OK);
    memo_close(&m);
    mpj_compacted done = run_with(false, MPIJOB_OK);
    ck_assert_msg(done.damaged == 1 && done.kept == 1, "%d damaged, %d kept of %d", (int)done.damaged, (int)done.kept,
                  (int)done.sources);
    memo_open(&m, location);
    ck_assert_int_eq(memo_find(&m, 1, 300, 5), 1);
    ck_assert_uint_eq(memo_counts(&m).damaged, 0);
    memo_close(&m);
}
END_TEST

START_TEST(a_cleaner_that_is_killed_loses_nothing)
{
    for (int round = 0; round < 25; round++) {
        begin();
        fill();
        pid_t child = begin_child();
        if (child == 0) {
            for (;;) {
                mpj_compacted done = {.sources = 0};
                memo_open(&m, location);
                mpj_cleaner_run(m.store, "mpijob/f", &(mpj_cleaner_options){true, true}, &done, NULL);
                memo_close(&m);
                fill();
            }
        }
        mpj_sleep(0.001 * (1 + round % 20));
        kill(child, SIGKILL);
        await(child, true);
        ck_assert_int_eq(count_found(), NAMES);
        run_with(true, MPIJOB_OK);
        ck_assert_int_eq(count_found(), NAMES);
        files_end();
    }
    files_begin();
}
END_TEST

/* The second has seen what the first then merges: its sources are gone, and it takes nothing away. */
START_TEST(two_cleaners_lose_nothing)
{
    mpj_election election;
    mpj_list list;
    mpj_compacted done = {.sources = 0};
    fill();
    memo_open(&other, location);
    ck_assert_int_eq(mpj_list_read(&list, other.store, "mpijob/f", NULL, NULL), MPIJOB_OK);
    for (size_t i = 0; i < list.segment_count; i++)
        list.segments[i].source = _i == 0 || i < 5;
    if (_i == 0)
        run_with(true, MPIJOB_OK);
    ck_assert_int_eq(mpj_election_stand(&election, other.store, "mpijob/f", NULL), 1);
    const mpj_compact_options options = {.now = true, .until = INFINITY};
    ck_assert_int_eq(mpj_compact(&list, &election, &options, &done, NULL), MPIJOB_OK);
    mpj_election_end(&election, other.store);
    mpj_list_free(&list);
    memo_close(&other);
    ck_assert_uint_eq(done.sources, _i == 0 ? 0 : 5);
    ck_assert_int_eq(count_found(), NAMES);
}
END_TEST

START_TEST(who_is_overtaken_stops)
{
    mpj_election election;
    mpj_list list;
    mpj_compacted done = {.sources = 0};
    char path[MPJ_PATH_BYTES];
    fill();
    memo_open(&other, location);
    ck_assert_int_eq(mpj_election_stand(&election, other.store, "mpijob/f", NULL), 1);
    ck_assert_int_eq(mpj_list_read(&list, other.store, "mpijob/f", NULL, NULL), MPIJOB_OK);
    ck_assert_int_eq(mpj_path_join(path, location, "mpijob/f/cleaner/lock.2", NULL), MPIJOB_OK);
    files_write(path, "", 0);
    ck_assert_int_eq(mpj_cleaner_merge(&list, &election, &(mpj_cleaner_options){true, true}, &done, NULL),
                     MPIJOB_ECANCELED);
    mpj_election_end(&election, other.store);
    mpj_list_free(&list);
    memo_close(&other);
    ck_assert_int_eq(memo_files(location, ".seg"), WRITERS);
    ck_assert_int_eq(count_found(), NAMES);
    run_with(true, MPIJOB_ECANCELED); /* somebody holds it, who knows who */
}
END_TEST

START_TEST(opening_merges_many_small_ones)
{
    for (uint64_t i = 0; i < 200; i++) {
        memo_open(&m, location);
        mpj_cleaner_at_opening(m.shelf);
        ck_assert_int_eq(memo_put(&m, i, 8, 0), MPIJOB_OK);
        for (uint64_t k = 0; k <= i; k += 13)
            ck_assert_int_eq(memo_find(&m, k, 8, 0), 1);
        memo_close(&m);
        ck_assert_int_le(memo_files(location, ".seg"), MPJ_SEGMENTS_MANY + 1);
    }
    memo_open(&m, location);
    for (uint64_t k = 0; k < 200; k++)
        ck_assert_int_eq(memo_find(&m, k, 8, 0), 1);
    memo_close(&m);
    ck_assert_int_eq(m.warnings, 0);
}
END_TEST

START_TEST(opening_seals_what_was_left_behind)
{
    pid_t child = begin_child();
    if (child == 0) {
        memo_open(&m, location);
        for (uint64_t i = 0; i < 40; i++)
            memo_must(memo_put_with(&m, i, 100000, 0, 0, -1) == MPIJOB_OK);
        mpj_store_flush(m.store, false, NULL);
        raise(SIGKILL);
    }
    await(child, true);
    ck_assert_int_eq(memo_files(location, ".idx"), 0);
    memo_open(&m, location);
    mpj_cleaner_at_opening(m.shelf);
    ck_assert_int_eq(memo_find(&m, 39, 100000, 0), 1);
    memo_close(&m);
    ck_assert_int_eq(memo_files(location, ".idx"), 1);
}
END_TEST

/* An hour for segments, a day for what may be mapped. */
START_TEST(trash_goes_when_it_has_waited)
{
    static const struct {
        const char *name;
        int age_s;
        bool stays;
    } items[] = {{"a.seg", 3500, true},   {"b.seg", 3700, false},      {"c.npy", 3700, true},
                 {"d.npy", 86500, false}, {"e.zarr.zip", 86300, true}, {"f.segments", 3700, false}};
    fill();
    run_with(true, MPIJOB_OK); /* makes the folder */
    for (size_t i = 0; i < sizeof items / sizeof items[0]; i++) {
        char name[128], path[MPJ_PATH_BYTES];
        snprintf(name, sizeof name, "mpijob/f/trash/%010lld-0123456789abcde%zu.%s",
                 (long long)time(NULL) - items[i].age_s, i, items[i].name);
        ck_assert_int_eq(mpj_path_join(path, location, name, NULL), MPIJOB_OK);
        files_write(path, "x", 1);
    }
    memo_open(&m, location);
    mpj_cleaner_at_opening(m.shelf);
    memo_close(&m);
    ck_assert_int_eq(trash_items(), 3);
    run_with(true, MPIJOB_OK);
    ck_assert_int_eq(trash_items(), 3);
    memo_open(&m, location);
    ck_assert_uint_eq(mpj_cleaner_empty_trash(m.store, "mpijob/f"), 3);
    memo_close(&m);
    ck_assert_int_eq(trash_items(), 0);
}
END_TEST

START_TEST(records_of_use_are_merged)
{
    const int64_t hour = INT64_C(3600000000000);
    fill();
    for (int i = 0; i < MPJ_USES_MANY + 10; i++) {
        mpj_name name = memo_name((uint64_t)(i % 7));
        memo_open(&m, location);
        mpj_shelf_used(m.shelf, &name, (500000 + i) * hour);
        mpj_shelf_saved(m.shelf, 0.5);
        memo_close(&m);
    }
    mpj_use_table uses;
    for (int round = 0; round < 2; round++) {
        memo_open(&m, location);
        ck_assert_int_eq(mpj_uses_read(&uses, m.store, "mpijob/f", NULL), MPIJOB_OK);
        ck_assert(uses.used == 7 && uses.hits == MPJ_USES_MANY + 10 && uses.saved_s == 0.5 * (MPJ_USES_MANY + 10));
        for (uint64_t i = 0; i < 7; i++) {
            mpj_name name = memo_name(i);
            const mpj_use_record *record = mpj_use_find(&uses, &name);
            ck_assert(record && record->hour >= 500000 + MPJ_USES_MANY + 3);
        }
        mpj_uses_free(&uses);
        memo_close(&m);
        run_with(false, MPIJOB_OK);
    }
    scratch folder = files;
    ck_assert_int_lt(snprintf(folder.folder, sizeof folder.folder, "%.200s/location/mpijob/f/use", files.folder),
                     (int)sizeof folder.folder);
    ck_assert_int_eq(scratch_names(&folder), 1);
}
END_TEST

START_TEST(without_memory_nothing_is_lost)
{
    int completed = 0;
    for (failing f = failing_begin(); failing_next(&f);) {
        mpj_compacted done = {.sources = 0};
        files_end();
        begin();
        mpj_alloc_fail_after(UINT64_MAX);
        fill();
        memo_open(&m, location);
        mpj_alloc_fail_after(f.n);
        int status = mpj_cleaner_run(m.store, "mpijob/f", &(mpj_cleaner_options){true, true}, &done, NULL);
        failing_stop(&f);
        memo_close(&m);
        ck_assert(status == MPIJOB_OK || status == MPIJOB_ENOMEM);
        completed += status == MPIJOB_OK;
        ck_assert_int_eq(count_found(), NAMES);
    }
    ck_assert_int_gt(completed, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("compact");
    TCase *alone = tcase_create("alone"), *others = tcase_create("others");
    tcase_add_checked_fixture(alone, begin, files_end);
    tcase_add_loop_test(alone, many_become_one, 0, 2);
    tcase_add_test(alone, readers_go_on);
    tcase_add_test(alone, what_was_cleared_stays_cleared);
    tcase_add_test(alone, a_fresh_tombstone_is_kept);
    tcase_add_test(alone, the_next_best_follows_a_damaged_one);
    tcase_add_test(alone, trash_goes_when_it_has_waited);
    tcase_add_test(alone, records_of_use_are_merged);
    tcase_add_test(alone, without_memory_nothing_is_lost);
    suite_add_tcase(suite, alone);
    tcase_add_checked_fixture(others, begin, files_end);
    tcase_add_test(others, a_killed_writers_file_is_taken_over);
    tcase_add_test(others, a_foreign_writers_file_is_left_alone_for_ten_minutes);
    tcase_add_test(others, a_living_writers_file_is_left_alone);
    tcase_add_test(others, a_cleaner_that_is_killed_loses_nothing);
    tcase_add_loop_test(others, two_cleaners_lose_nothing, 0, 2);
    tcase_add_test(others, who_is_overtaken_stops);
    tcase_add_test(others, opening_merges_many_small_ones);
    tcase_add_test(others, opening_seals_what_was_left_behind);
    suite_add_tcase(suite, others);
    return unit_run(suite);
}
