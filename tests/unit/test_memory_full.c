/* Memory on a disk that is full, and on one that may only be read: small ones of this test's own. Exit status 77: this
 * machine does not let them be made. */
#include "memory_functions.h"
#include "small_disk.h"

#include <dirent.h>
#include <errno.h>

static char disk[64], location[MPJ_PATH_BYTES];
static int warnings, files_open;

static int count_open_files(void)
{
    int count = 0;
    DIR *folder = opendir("/proc/self/fd");
    ck_assert_ptr_nonnull(folder);
    while (readdir(folder))
        count++;
    closedir(folder);
    return count;
}

static void begin(void)
{
    files_open = count_open_files();
    snprintf(location, sizeof location, "%s/location", disk);
    warnings = 0;
}

static void end(void)
{
    ck_assert_int_eq(mount("tmpfs", disk, "tmpfs", MS_REMOUNT, "size=4m"), 0);
    ck_assert_int_eq(mpj_folder_remove(location, NULL), MPIJOB_OK);
    ck_assert_int_eq(count_open_files(), files_open);
}

static void count_warnings(int level, const char *text, void *payload)
{
    (void)text, (void)payload;
    warnings += level == MPIJOB_LOG_WARNING;
}

static const mpijob_memory_options counting = {.log = count_warnings};

static bool computes_table(const mpijob_function *function, double c, int rows)
{
    fit_args args = {.c = c, .fold = rows};
    mpijob_array array;
    int before = table_calls;
    ck_assert_int_eq(mpijob_function_call_array(&array, function, &args, NULL, NULL), MPIJOB_OK);
    for (int i = 0; i < 3 * rows; i++)
        ck_assert_double_eq(((double *)array.data)[i], c + i);
    mpijob_array_free(&array);
    return table_calls > before;
}

enum {
    SMALL,
    LARGE
};

/* Four megabytes: results go on to be right, and one warning says that they are not kept. */
START_TEST(full_disk)
{
    mpijob_memory *memory = open_memory(location, &counting);
    mpijob_cache_options raw = {.compress = MPIJOB_UNCOMPRESSED};
    mpijob_function sized = cache(memory, &table, &raw), small = cache(memory, &fit, NULL);
    const int rows = _i == LARGE ? 50000 : 2000, count = _i == LARGE ? 8 : 120;
    ck_assert(computes(&small, (fit_args){.c = 1}));
    for (int c = 0; c < count; c++)
        ck_assert(computes_table(&sized, c, rows));
    mpijob_memory_stats stats;
    mpijob_memory_sync(memory, NULL);
    mpijob_memory_get_stats(memory, &stats);
    ck_assert_uint_gt(stats.not_stored, 0);
    ck_assert_uint_eq(stats.not_stored + stats.stored, (uint64_t)count + 1);
    ck_assert_int_eq(warnings, 1);
    ck_assert(!computes(&small, (fit_args){.c = 1}));
    mpijob_memory_close(memory);
    ck_assert_int_eq(warnings, 1); /* large ones cannot be stored, then small ones neither: for the same reason */
    /* What was stored is found by the next program. */
    memory = open_memory(location, &counting);
    sized = cache(memory, &table, &raw);
    int found = 0;
    for (int c = 0; c < count; c++)
        found += !computes_table(&sized, c, rows);
    ck_assert_int_gt(found, 0);
    ck_assert_int_lt(found, count);
    mpijob_memory_close(memory);
}
END_TEST

/* Results are found, others computed, and that they are not kept is said once. */
START_TEST(read_only)
{
    mpijob_memory *memory = open_memory(location, &counting);
    mpijob_function small = cache(memory, &fit, NULL), sized = cache(memory, &table, NULL);
    ck_assert(computes(&small, (fit_args){.c = 1}));
    ck_assert(computes_table(&sized, 1, 50000));
    mpijob_memory_close(memory);
    ck_assert_int_eq(warnings, 0);
    ck_assert_int_eq(mount("tmpfs", disk, "tmpfs", MS_REMOUNT | MS_RDONLY, "size=4m"), 0);
    for (int round = 0; round < 2; round++) {
        warnings = 0;
        memory = open_memory(location, &counting);
        small = cache(memory, &fit, NULL);
        sized = cache(memory, &table, NULL);
        ck_assert(!computes(&small, (fit_args){.c = 1}));
        ck_assert(!computes_table(&sized, 1, 50000));
        ck_assert_int_eq(warnings, 0);
        for (int i = 0; i < 2; i++) { /* the second time they may be in memory still */
            ck_assert(computes(&small, (fit_args){.c = 2}) || i == 1);
            ck_assert(computes_table(&sized, 2, 50000) || i == 1);
        }
        ck_assert_int_eq(mpijob_function_clear(&small, 0, NULL, NULL), MPIJOB_EOS);
        ck_assert_int_eq(mpijob_function_clear_call(&sized, &(fit_args){.c = 1, .fold = 50000}, NULL, NULL, NULL),
                         MPIJOB_EOS);
        ck_assert(!computes(&small, (fit_args){.c = 1}));
        mpijob_memory_close(memory);
        ck_assert_int_eq(warnings, 1);
    }
}
END_TEST

int main(void)
{
    if (small_disk_make(disk, "size=4m") != 0) {
        fprintf(stderr, "skipped: this machine does not let this user mount a small disk: %s\n", strerror(errno));
        return 77;
    }
    Suite *suite = suite_create("memory_full");
    TCase *full = tcase_create("full");
    tcase_add_checked_fixture(full, begin, end);
    tcase_set_timeout(full, 120);
    tcase_add_loop_test(full, full_disk, 0, 2);
    tcase_add_test(full, read_only);
    suite_add_tcase(suite, full);
    int result = unit_run(suite);
    small_disk_remove(disk);
    return result;
}
