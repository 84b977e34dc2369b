/* Storing on a disk that is full, and on one that may only be read: small ones of this test's own. Exit status 77: this
 * machine does not let them be made. */
#include "memo.h"
#include "small_disk.h"

#include <errno.h>

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

/* How many of `count` are found; none is another value. */
static int found(uint64_t count, size_t bytes)
{
    int hits = 0;
    for (uint64_t i = 0; i < count; i++) {
        int hit = memo_find(&m, i, bytes, 0);
        ck_assert_int_ge(hit, 0);
        hits += hit;
    }
    return hits;
}

static const size_t sizes[] = {8, 3000, 100000};

/* Every result that was stored when the disk was not full yet is there; then there is one warning, and no error but the
 * status. The last batch of 64 KiB may be lost. */
START_TEST(a_full_disk_ends_storing)
{
    size_t bytes = sizes[_i];
    uint64_t stored = 0;
    memo_open(&m, location);
    for (uint64_t i = 0; i < 40000; i++)
        stored += memo_put_with(&m, i, bytes, 0, 0, -1) == MPIJOB_OK;
    ck_assert_uint_gt(stored, 1);
    ck_assert_uint_lt(stored, 40000);
    ck_assert_int_eq(m.warnings, 1);
    ck_assert_uint_eq(memo_counts(&m).stored + memo_counts(&m).not_stored, 40000);
    uint64_t sure = memo_counts(&m).stored;
    found(40000, bytes);
    memo_close(&m);
    ck_assert_int_eq(m.warnings, 1);
    memo_open(&m, location);
    ck_assert_int_ge(found(40000, bytes), (int)sure);
    ck_assert_uint_eq(memo_counts(&m).damaged, 0);
    memo_close(&m);
}
END_TEST

START_TEST(a_disk_that_may_only_be_read_is_read)
{
    memo_open(&m, location);
    for (uint64_t i = 0; i < 20; i++)
        ck_assert_int_eq(memo_put(&m, i, 8, 0), MPIJOB_OK);
    memo_close(&m);
    ck_assert_int_eq(mount(NULL, disk, NULL, MS_REMOUNT | MS_RDONLY, NULL), 0);
    memo_open(&m, location);
    ck_assert_int_eq(found(20, 8), 20);
    ck_assert_int_eq(memo_put(&m, 20, 8, 0), MPIJOB_OK);
    ck_assert_int_eq(mpj_store_flush(m.store, false, NULL), MPIJOB_EOS);
    ck_assert_int_eq(memo_put(&m, 21, 8, 0), MPIJOB_EOS);
    mpj_name name = memo_name(1);
    mpj_shelf_used(m.shelf, &name, MEMO_TIME);
    memo_close(&m);
    ck_assert_int_eq(m.warnings, 1);
    ck_assert_int_eq(mount(NULL, disk, NULL, MS_REMOUNT, NULL), 0);
}
END_TEST

int main(void)
{
    if (small_disk_make(disk, "size=2m") != 0) {
        fprintf(stderr, "skipped: this machine does not let this user mount a small disk: %s\n", strerror(errno));
        return 77;
    }
    Suite *suite = suite_create("store_full");
    TCase *full = tcase_create("full");
    tcase_add_checked_fixture(full, begin, end);
    tcase_add_loop_test(full, a_full_disk_ends_storing, 0, UNIT_COUNT(sizes));
    tcase_add_test(full, a_disk_that_may_only_be_read_is_read);
    suite_add_tcase(suite, full);
    int result = unit_run(suite);
    small_disk_remove(disk);
    return result;
}
