/* The store when system calls fail: one warning at most, nothing wrong, nothing lost that need not be. The linker leads
 * the library's calls here. */
#include "memo.h"

#include "base/clock.h"
#include "failing.h"
#include "memory/appender.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdarg.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

/* A call fails with this errno, after so many that succeed, so many times. */
typedef struct fault {
    int code, after, times, calls;
} fault;

static fault on_write, on_sync, on_create, on_open, on_read, on_rename, on_list;
static size_t short_write; /* bytes of a write that fails which are written all the same */
static double clock_ahead;
static bool on_network; /* as if the files were on NFS */

static bool strikes(fault *f)
{
    f->calls++;
    if (f->code == 0 || f->after-- > 0 || f->times-- <= 0)
        return false;
    errno = f->code;
    return true;
}

ssize_t __real_pwritev(int fd, const struct iovec *parts, int count, off_t at);
ssize_t __wrap_pwritev(int fd, const struct iovec *parts, int count, off_t at);
ssize_t __real_pread(int fd, void *to, size_t bytes, off_t at);
ssize_t __wrap_pread(int fd, void *to, size_t bytes, off_t at);
int __real_fdatasync(int fd);
int __wrap_fdatasync(int fd);
int __real_openat(int folder, const char *name, int flags, ...);
int __wrap_openat(int folder, const char *name, int flags, ...);
int __real_renameat(int from_folder, const char *from, int to_folder, const char *to);
int __wrap_renameat(int from_folder, const char *from, int to_folder, const char *to);
int __real_fstatfs(int fd, struct statfs *info);
int __wrap_fstatfs(int fd, struct statfs *info);
int __real_clock_gettime(clockid_t clock, struct timespec *now);
int __wrap_clock_gettime(clockid_t clock, struct timespec *now);

ssize_t __wrap_pwritev(int fd, const struct iovec *parts, int count, off_t at)
{
    if (strikes(&on_write)) {
        int code = errno;
        struct iovec part = {parts[0].iov_base, short_write < parts[0].iov_len ? short_write : parts[0].iov_len};
        if (short_write && __real_pwritev(fd, &part, 1, at) != (ssize_t)part.iov_len)
            abort();
        errno = code;
        return -1;
    }
    return __real_pwritev(fd, parts, count, at);
}

ssize_t __wrap_pread(int fd, void *to, size_t bytes, off_t at)
{
    return strikes(&on_read) ? -1 : __real_pread(fd, to, bytes, at);
}

int __wrap_fdatasync(int fd)
{
    return strikes(&on_sync) ? -1 : __real_fdatasync(fd);
}

int __wrap_openat(int folder, const char *name, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = flags & O_CREAT ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    fault *f = flags & O_CREAT ? &on_create : flags & O_DIRECTORY ? &on_list : &on_open;
    return strikes(f) ? -1 : __real_openat(folder, name, flags, mode);
}

int __wrap_renameat(int from_folder, const char *from, int to_folder, const char *to)
{
    return strikes(&on_rename) ? -1 : __real_renameat(from_folder, from, to_folder, to);
}

int __wrap_fstatfs(int fd, struct statfs *info)
{
    int result = __real_fstatfs(fd, info);
    if (on_network)
        info->f_type = NFS_SUPER_MAGIC;
    return result;
}

int __wrap_clock_gettime(clockid_t clock, struct timespec *now)
{
    int result = __real_clock_gettime(clock, now);
    now->tv_sec += (time_t)clock_ahead;
    return result;
}

static void no_faults(void)
{
    on_write = on_sync = on_create = on_open = on_read = on_rename = on_list = (fault){0};
    short_write = 0;
    clock_ahead = 0;
    on_network = false;
}

static char location[MPJ_PATH_BYTES];
static memo m;

static void begin(void)
{
    no_faults();
    files_begin();
    strcpy(location, scratch_path(&files, "location"));
}

static void end(void)
{
    no_faults();
    files_end();
}

static void find_all(uint64_t from, uint64_t to, int expected)
{
    for (uint64_t i = from; i < to; i++)
        ck_assert_msg(memo_find(&m, i, 100, 0) == expected, "entry %llu", (unsigned long long)i);
}

static void put_all(uint64_t from, uint64_t to)
{
    for (uint64_t i = from; i < to; i++)
        ck_assert_int_eq(memo_put(&m, i, 100, 0), MPIJOB_OK);
}

static const int write_errors[] = {ENOSPC, EDQUOT, EIO, EROFS, ENOTCONN, ESTALE, EFBIG, EBADF};

START_TEST(one_write_error_loses_nothing)
{
    memo_open(&m, location);
    put_all(0, 50);
    ck_assert_int_eq(mpj_store_flush(m.store, false, NULL), MPIJOB_OK);
    put_all(50, 100);
    on_write = (fault){write_errors[_i], 0, 1, 0};
    short_write = 300; /* garbage behind the last good entry */
    ck_assert_int_eq(mpj_store_flush(m.store, false, NULL), MPIJOB_OK);
    find_all(0, 100, 1);
    put_all(100, 150);
    memo_close(&m);
    ck_assert_int_eq(m.warnings, 0);
    ck_assert_int_eq(memo_files(location, ".seg"), 2);
    memo_open(&m, location);
    find_all(0, 150, 1);
    ck_assert_uint_eq(memo_counts(&m).damaged, 0);
    memo_close(&m);
}
END_TEST

START_TEST(two_write_errors_end_storing_with_one_warning)
{
    memo_open(&m, location);
    put_all(0, 50);
    ck_assert_int_eq(mpj_store_flush(m.store, false, NULL), MPIJOB_OK);
    put_all(50, 100);
    on_write = (fault){write_errors[_i], 0, INT32_MAX, 0};
    short_write = 1000;
    mpijob_error err;
    ck_assert_int_eq(mpj_store_flush(m.store, false, &err), MPIJOB_EOS);
    ck_assert_int_eq(memo_put(&m, 200, 100, 0), MPIJOB_EOS);
    int calls = on_write.calls;
    ck_assert_int_eq(memo_put(&m, 201, 100, 0), MPIJOB_EOS);
    ck_assert_int_eq(on_write.calls, calls);
    find_all(0, 100, 1);                                    /* still in memory */
    ck_assert_uint_eq(memo_counts(&m).not_stored, 100 + 2); /* what was not synced counts as lost */
    no_faults();
    mpj_store_tick(m.store, mpj_now() + 1);
    memo_close(&m);
    ck_assert_int_eq(m.warnings, 1);
    memo_open(&m, location);
    find_all(0, 50, 1);
    for (uint64_t i = 50; i < 100; i++)
        ck_assert_int_ge(memo_find(&m, i, 100, 0), 0);
    memo_close(&m);
}
END_TEST

START_TEST(a_long_entry_is_written_again_after_an_error)
{
    for (int times = 1; times <= 2; times++) {
        no_faults();
        memo_open(&m, location);
        put_all(0, 20);
        on_write = (fault){ENOSPC, _i, times, 0};
        short_write = 5000;
        int status = memo_put_with(&m, 99, 3 << 20, 0, 0, -1);
        ck_assert_int_eq(status, times == 1 ? MPIJOB_OK : MPIJOB_EOS);
        find_all(0, 20, 1);
        if (times == 1)
            ck_assert_int_eq(memo_find(&m, 99, 3 << 20, 0), 1);
        memo_close(&m);
        ck_assert_int_eq(m.warnings, times - 1);
        memo_open(&m, location);
        find_all(0, times == 1 ? 20 : 0, 1);
        ck_assert_int_eq(memo_find(&m, 99, 3 << 20, 0), 1); /* of the first round */
        memo_close(&m);
    }
}
END_TEST

START_TEST(a_sync_error_writes_what_may_be_lost_again)
{
    mpj_store_options options = memo_options(&m);
    options.durability = MPIJOB_DURABLE_EACH;
    m.warnings = 0;
    memo_open_with(&m, location, &options);
    put_all(0, 10);
    ck_assert_int_gt(on_sync.calls, 9);
    on_sync = (fault){EIO, 0, _i + 1, 0};
    ck_assert_int_eq(memo_put(&m, 10, 100, 0), _i ? MPIJOB_EOS : MPIJOB_OK);
    find_all(0, 11, 1);
    memo_close(&m);
    ck_assert_int_eq(m.warnings, _i);
    memo_open(&m, location);
    find_all(0, 11, 1);
    memo_close(&m);
}
END_TEST

START_TEST(an_error_in_sealing_leaves_a_segment_that_is_scanned)
{
    fault *const which[] = {&on_sync, &on_create, &on_rename, &on_write};
    memo_open(&m, location);
    put_all(0, 20);
    ck_assert_int_eq(mpj_store_flush(m.store, false, NULL), MPIJOB_OK);
    *which[_i] = (fault){ENOSPC, 0, INT32_MAX, 0};
    memo_close(&m);
    no_faults();
    ck_assert_int_eq(m.warnings, 1);
    ck_assert_int_eq(memo_files(location, ".idx"), 0);
    ck_assert_int_eq(memo_files(location, ".tmp"), 0);
    memo_open(&m, location);
    find_all(0, 20, 1);
    memo_close(&m);
}
END_TEST

static const int create_errors[] = {EACCES, EROFS, ENOSPC, EMFILE, EDQUOT, EIO};

START_TEST(a_file_that_cannot_be_made_is_one_warning)
{
    for (int after = 0; after < 4; after++) { /* format.json, CACHEDIR.TAG, segment, index */
        no_faults();
        ck_assert_int_eq(mpj_folder_remove(location, NULL), MPIJOB_OK);
        memo_open(&m, location);
        on_create = (fault){create_errors[_i], after, INT32_MAX, 0};
        for (uint64_t i = 0; i < 10; i++)
            memo_put_with(&m, i, 100, 0, 1, 0);
        for (uint64_t i = 0; i < 10; i++)
            ck_assert_int_ge(memo_find(&m, i, 100, 0), 0);
        memo_close(&m);
        ck_assert_int_eq(m.warnings, 1);
    }
}
END_TEST

/* A program that has too many open files for a moment goes on storing afterwards. */
START_TEST(too_many_open_files_pass)
{
    for (int list = 0; list < 2; list++) {
        no_faults();
        ck_assert_int_eq(mpj_folder_remove(location, NULL), MPIJOB_OK);
        memo_open(&m, location);
        *(list ? &on_list : &on_create) = (fault){EMFILE, 0, INT32_MAX, 0};
        for (uint64_t i = 0; i < 3; i++)
            ck_assert_int_eq(memo_put(&m, i, 100, 0), MPIJOB_EOS);
        ck_assert_int_eq(m.warnings, 1);
        no_faults();
        put_all(10, 20);
        memo_close(&m);
        ck_assert_int_eq(m.warnings, 1);
        memo_open(&m, location);
        find_all(10, 20, 1);
        memo_close(&m);
    }
}
END_TEST

static const int open_errors[] = {EACCES, EIO, ENOTCONN, EMFILE};

START_TEST(files_that_cannot_be_opened_are_misses_and_one_warning)
{
    for (int what = 0; what < 2; what++) {
        no_faults();
        ck_assert_int_eq(mpj_folder_remove(location, NULL), MPIJOB_OK);
        memo_open(&m, location);
        put_all(0, 1000);
        memo_close(&m);
        *(what ? &on_list : &on_open) = (fault){open_errors[_i], 0, INT32_MAX, 0};
        memo_open(&m, location);
        find_all(0, 10, 0);
        mpj_shelf_refresh_now(m.shelf);
        find_all(0, 10, 0);
        ck_assert_int_eq(m.warnings, 1);
        no_faults();
        mpj_shelf_refresh_now(m.shelf);
        find_all(0, 10, 1);
        memo_close(&m);
        ck_assert_int_eq(m.warnings, 1);
    }
}
END_TEST

static const int read_errors[] = {EIO, ENOTCONN, ESTALE};

START_TEST(a_read_error_is_a_miss)
{
    memo_open(&m, location);
    put_all(0, 1000);
    memo_close(&m);
    for (int after = 0; after < 12; after++) {
        on_read = (fault){read_errors[_i], after, INT32_MAX, 0};
        memo_open(&m, location);
        for (uint64_t i = 0; i < 10; i++)
            ck_assert_int_ge(memo_find(&m, i, 100, 0), 0);
        ck_assert_int_eq(memo_find(&m, 9, 100, 0), 0);
        ck_assert_int_eq(m.warnings, read_errors[_i] != ESTALE);
        no_faults();
        memo_close(&m);
    }
    on_read = (fault){ESTALE, 6, 1, 0}; /* once: the file is opened again */
    memo_open(&m, location);
    find_all(0, 10, 1);
    memo_close(&m);
    ck_assert_int_eq(m.warnings, 0);
}
END_TEST

START_TEST(a_stale_name_is_tried_again)
{
    memo_open(&m, location);
    put_all(0, 1000);
    memo_close(&m);
    on_open = (fault){ESTALE, 0, 2, 0};
    memo_open(&m, location);
    find_all(0, 1000, 1);
    memo_close(&m);
    ck_assert_int_eq(m.warnings, 0);
}
END_TEST

/* ---- After a long sleep ------------------------------------------------------------------------------------------ */

enum {
    UNTOUCHED,
    REMOVED,
    SEALED
};

START_TEST(after_five_minutes_a_writer_looks_at_its_file_first)
{
    char path[MPJ_PATH_BYTES];
    memo_open(&m, location);
    put_all(0, 10);
    ck_assert_int_eq(mpj_store_flush(m.store, false, NULL), MPIJOB_OK);
    ck_assert_int_eq(memo_files_named(location, ".seg", path), 1);
    if (_i == REMOVED)
        ck_assert_int_eq(unlink(path), 0);
    if (_i == SEALED) {
        strcpy(path + strlen(path) - 3, "idx");
        files_write(path, "", 0);
    }
    clock_ahead = MPJ_SUSPENDED_S + 1;
    put_all(10, 20);
    ck_assert_int_eq(mpj_store_flush(m.store, false, NULL), MPIJOB_OK);
    find_all(10, 20, 1);
    find_all(0, 10, _i != REMOVED);
    ck_assert_int_eq(memo_files(location, ".seg"), _i == SEALED ? 2 : 1);
    memo_close(&m);
    memo_open(&m, location);
    find_all(10, 20, 1);
    find_all(0, 10, _i != REMOVED);
    memo_close(&m);
    ck_assert_int_eq(m.warnings, 0);
}
END_TEST

/* ---- On a file system of several machines ------------------------------------------------------------------------ */

START_TEST(what_is_written_is_synced_once_in_a_while)
{
    on_network = _i;
    memo_open(&m, location);
    for (uint64_t i = 0; i < 50; i++) { /* five seconds */
        ck_assert_int_eq(memo_put(&m, i, 100, 0), MPIJOB_OK);
        clock_ahead += 1;
        if (i % 10)
            clock_ahead -= 1;
        mpj_store_tick(m.store, mpj_now() + 0.25);
    }
    int syncs = on_sync.calls;
    if (on_network) {
        ck_assert_int_ge(syncs, 3);
        ck_assert_int_le(syncs, 10);
    } else {
        ck_assert_int_eq(syncs, 0);
    }
    memo_close(&m);
    ck_assert_int_gt(on_sync.calls, syncs);
}
END_TEST

/* An old descriptor may show an old length there: at most 16 are opened again each time, in turn. */
START_TEST(open_segments_are_opened_again_in_turn)
{
    enum {
        WRITERS = 40
    };
    char path[MPJ_PATH_BYTES];
    on_network = _i;
    for (uint64_t i = 0; i < WRITERS; i++) {
        memo_open(&m, location);
        ck_assert_int_eq(memo_put(&m, i, 100, 0), MPIJOB_OK);
        memo_close(&m);
        ck_assert_int_eq(memo_files_named(location, ".idx", path), 1);
        ck_assert_int_eq(unlink(path), 0);
    }
    memo_open(&m, location);
    find_all(0, WRITERS, 1);
    on_open.calls = 0;
    mpj_shelf_refresh_now(m.shelf);
    ck_assert_int_eq(on_open.calls, on_network ? 16 : 0);
    for (int looks = 0; looks < 10; looks++)
        mpj_shelf_refresh_now(m.shelf);
    ck_assert_int_eq(on_open.calls, on_network ? 11 * 16 : 0);
    find_all(0, WRITERS, 1);
    memo_close(&m);
}
END_TEST

/* ---- Memory ------------------------------------------------------------------------------------------------------ */

static int life(void)
{
    mpj_store_options options = memo_options(&m);
    mpj_name name = memo_name(0);
    mpj_entry entry;
    int refused = 0;
    m.warnings = 0;
    if (mpj_store_open(&m.store, location, &options, NULL) != MPIJOB_OK)
        return 1;
    if (mpj_shelf_open(&m.shelf, m.store, "f", NULL) != MPIJOB_OK) {
        memo_close(&m);
        return 1;
    }
    refused += mpj_shelf_describe(m.shelf, name.version, "{}", "int f;", 6, NULL) != MPIJOB_OK;
    for (uint64_t i = 0; i < 40; i++) {
        int found = memo_find(&m, i, i % 4 ? 100 : 3000, 0);
        ck_assert_int_ge(found, 0);
        refused += memo_put(&m, i, i % 4 ? 100 : 3000, 0) != MPIJOB_OK;
        name = memo_name(i);
        mpj_shelf_used(m.shelf, &name, MEMO_TIME);
    }
    refused += memo_put_with(&m, 50, 2 << 20, 0, 0, -1) != MPIJOB_OK;
    mpj_shelf_find_any(m.shelf, &name.key, &entry);
    mpj_shelf_refresh_now(m.shelf);
    for (uint64_t i = 0; i < 40; i++)
        ck_assert_int_ge(memo_find(&m, i, i % 4 ? 100 : 3000, 0), 0);
    memo_close(&m);
    return refused;
}

START_TEST(without_memory_there_is_a_miss_or_an_error_but_nothing_wrong)
{
    ck_assert_int_eq(life(), 0);
    for (failing f = failing_begin(); failing_next(&f);) {
        life();
        failing_stop(&f);
        if (f.n % 16 == 0)
            ck_assert_int_eq(mpj_folder_remove(location, NULL), MPIJOB_OK);
    }
    ck_assert_int_eq(life(), 0);
    memo_open(&m, location);
    for (uint64_t i = 0; i < 40; i++)
        ck_assert_int_eq(memo_find(&m, i, i % 4 ? 100 : 3000, 0), 1);
    memo_close(&m);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("store_faults");
    TCase *faults = tcase_create("faults");
    tcase_add_checked_fixture(faults, begin, end);
    tcase_add_loop_test(faults, one_write_error_loses_nothing, 0, UNIT_COUNT(write_errors));
    tcase_add_loop_test(faults, two_write_errors_end_storing_with_one_warning, 0, UNIT_COUNT(write_errors));
    tcase_add_loop_test(faults, a_long_entry_is_written_again_after_an_error, 0, 2);
    tcase_add_loop_test(faults, a_sync_error_writes_what_may_be_lost_again, 0, 2);
    tcase_add_loop_test(faults, an_error_in_sealing_leaves_a_segment_that_is_scanned, 0, 4);
    tcase_add_loop_test(faults, a_file_that_cannot_be_made_is_one_warning, 0, UNIT_COUNT(create_errors));
    tcase_add_test(faults, too_many_open_files_pass);
    tcase_add_loop_test(faults, files_that_cannot_be_opened_are_misses_and_one_warning, 0, UNIT_COUNT(open_errors));
    tcase_add_loop_test(faults, a_read_error_is_a_miss, 0, UNIT_COUNT(read_errors));
    tcase_add_test(faults, a_stale_name_is_tried_again);
    tcase_add_loop_test(faults, after_five_minutes_a_writer_looks_at_its_file_first, 0, 3);
    tcase_add_loop_test(faults, what_is_written_is_synced_once_in_a_while, 0, 2);
    tcase_add_loop_test(faults, open_segments_are_opened_again_in_turn, 0, 2);
    tcase_add_test(faults, without_memory_there_is_a_miss_or_an_error_but_nothing_wrong);
    suite_add_tcase(suite, faults);
    return unit_run(suite);
}
