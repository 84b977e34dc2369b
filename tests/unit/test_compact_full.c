/* Cleaning on a full disk, a small one of this test's own: nothing is lost, and removing works. Exit status 77: this
 * machine does not let it be made. */
#include "memo.h"
#include "small_disk.h"

#include "memory/trim.h"

#include <sys/wait.h>

#define MOST 2000

static char disk[64], location[MPJ_PATH_BYTES];
static memo m;

static void begin(void)
{
    snprintf(location, sizeof location, "%s/location", disk);
}

static void end(void)
{
    ck_assert_int_eq(mpj_folder_remove(location, NULL), MPIJOB_OK);
}

/* By processes that are gone afterwards: their files are closed, sealed or not. */
static void fill(void)
{
    for (uint64_t part = 0; part < 4; part++) {
        fflush(NULL);
        pid_t child = fork();
        ck_assert_int_ge(child, 0);
        if (child == 0) {
            memo_open(&m, location);
            for (uint64_t i = part * MOST / 4; i < (part + 1) * MOST / 4; i++)
                memo_put_with(&m, i, 2000, 0, 0, -1);
            memo_close(&m);
            _exit(0);
        }
        int state;
        ck_assert_int_eq(waitpid(child, &state, 0), child);
        ck_assert_int_eq(state, 0);
    }
}

static int count_found(void)
{
    int found = 0;
    memo_open(&m, location);
    for (uint64_t i = 0; i < MOST; i++) {
        int one = memo_find(&m, i, 2000, 0);
        ck_assert_int_ge(one, 0);
        found += one;
    }
    memo_close(&m);
    return found;
}

START_TEST(nothing_is_lost_and_removing_makes_room)
{
    mpj_compacted done = {.sources = 0};
    mpijob_removed removed;
    fill();
    int before = count_found();
    ck_assert(before > 100 && before < MOST);
    memo_open(&m, location);
    int status = mpj_cleaner_run(m.store, "mpijob/f", &(mpj_cleaner_options){true, true}, &done, NULL);
    memo_close(&m);
    ck_assert(status == MPIJOB_OK || status == MPIJOB_EOS);
    ck_assert_int_eq(count_found(), before);
    memo_open(&m, location);
    const mpj_trim_options options = {.limits = {UINT64_MAX, 0, -1}, .now = true};
    ck_assert_int_eq(mpj_trim(m.store, &options, &removed, NULL), MPIJOB_OK);
    memo_close(&m);
    ck_assert_uint_eq(removed.items, (uint64_t)before);
    ck_assert_int_eq(count_found(), 0);
    memo_open(&m, location);
    ck_assert_int_eq(memo_put(&m, 1, 2000, 0), MPIJOB_OK);
    memo_close(&m);
    ck_assert_int_eq(count_found(), 1);
}
END_TEST

int main(void)
{
    if (small_disk_make(disk, "size=1m") != 0) {
        printf("skipped: no small disk can be made here\n");
        return 77;
    }
    Suite *suite = suite_create("compact full");
    TCase *all = tcase_create("all");
    tcase_add_checked_fixture(all, begin, end);
    tcase_add_test(all, nothing_is_lost_and_removing_makes_room);
    suite_add_tcase(suite, all);
    int result = unit_run(suite);
    small_disk_remove(disk);
    return result;
}
