#include "io/file.h"

#include "base/alloc.h"

#include "scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

/* ---- Calls that a test makes fail: the linker leads the library's calls here (-Wl,--wrap) ------------------------ */

static struct {
    int open_errno, open_times;   /* the next so many opens fail */
    int write_errno, write_after; /* a write fails after so many good ones */
    size_t most;                  /* bytes that a read or write moves at most, 0: no limit */
    int interrupts;               /* so many reads and writes fail with EINTR first */
    int sync_errno;
} fault;

int __real_openat(int folder, const char *path, int flags, ...);
int __wrap_openat(int folder, const char *path, int flags, ...);
int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
ssize_t __real_pread(int fd, void *to, size_t bytes, off_t offset);
ssize_t __wrap_pread(int fd, void *to, size_t bytes, off_t offset);
ssize_t __real_pwritev(int fd, const struct iovec *parts, int count, off_t offset);
ssize_t __wrap_pwritev(int fd, const struct iovec *parts, int count, off_t offset);
int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __real_fallocate(int fd, int mode, off_t offset, off_t bytes);
int __wrap_fallocate(int fd, int mode, off_t offset, off_t bytes);

static int fails(int how)
{
    errno = how;
    return -1;
}

int __wrap_open(const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = flags & O_CREAT ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    if (fault.open_times > 0 && fault.open_times--)
        return fails(fault.open_errno);
    return __real_open(path, flags, mode);
}

int __wrap_openat(int folder, const char *path, int flags, ...)
{
    if (fault.open_times > 0 && fault.open_times--)
        return fails(fault.open_errno);
    return __real_openat(folder, path, flags);
}

static int is_interrupted(void)
{
    return fault.interrupts > 0 && fault.interrupts--;
}

ssize_t __wrap_pread(int fd, void *to, size_t bytes, off_t offset)
{
    if (is_interrupted())
        return fails(EINTR);
    return __real_pread(fd, to, fault.most && bytes > fault.most ? fault.most : bytes, offset);
}

ssize_t __wrap_pwritev(int fd, const struct iovec *parts, int count, off_t offset)
{
    if (is_interrupted())
        return fails(EINTR);
    if (fault.write_errno && fault.write_after-- <= 0)
        return fails(fault.write_errno);
    if (!fault.most)
        return __real_pwritev(fd, parts, count, offset);
    struct iovec less = parts[0];
    less.iov_len = less.iov_len > fault.most ? fault.most : less.iov_len;
    return __real_pwritev(fd, &less, 1, offset);
}

int __wrap_fsync(int fd)
{
    if (is_interrupted())
        return fails(EINTR);
    return fault.sync_errno ? fails(fault.sync_errno) : __real_fsync(fd);
}

int __wrap_fallocate(int fd, int mode, off_t offset, off_t bytes)
{
    return fault.write_errno ? fails(fault.write_errno) : __real_fallocate(fd, mode, offset, bytes);
}

static scratch here;
static mpijob_error err;

static void begin(void)
{
    memset(&fault, 0, sizeof fault);
    memset(&err, 0, sizeof err);
    scratch_make(&here);
}

static void end(void)
{
    memset(&fault, 0, sizeof fault);
    scratch_remove(&here);
}

static const char *file_with(const char *name, const char *content)
{
    const char *path = scratch_path(&here, name);
    ck_assert_int_eq(mpj_file_write_all(path, content, strlen(content), 0, &err), MPIJOB_OK);
    return path;
}

/* ---- Opening ---------------------------------------------------------------------------------------------------- */

START_TEST(a_file_is_opened_with_its_length)
{
    int fd;
    uint64_t bytes = 0;
    const char *path = file_with("a", "seventeen letters");
    ck_assert_int_eq(mpj_file_open(&fd, path, &bytes, NULL), MPIJOB_OK);
    ck_assert_uint_eq(bytes, 17);
    ck_assert(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    mpj_file_close(&fd);
    ck_assert_int_eq(fd, -1);
    mpj_file_close(&fd);
    ck_assert_int_eq(mpj_file_open(&fd, path, NULL, NULL), MPIJOB_OK);
    mpj_file_close(&fd);
}
END_TEST

static void make_socket(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    ck_assert_uint_lt(strlen(path), sizeof address.sun_path);
    strcpy(address.sun_path, path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    close(fd);
}

static const struct {
    const char *name;
    int status;
} not_files[] = {{"nothing", MPIJOB_ENOTFOUND}, {"file/below", MPIJOB_ENOTFOUND}, {"pipe", MPIJOB_EINVAL},
                 {"folder", MPIJOB_EINVAL},     {"socket", MPIJOB_EINVAL},        {"loop", MPIJOB_EOS},
                 {"/dev/null", MPIJOB_EINVAL}};

START_TEST(what_is_no_file_is_an_error_and_never_waited_for)
{
    int fd = 0;
    file_with("file", "x");
    ck_assert_int_eq(mkfifo(scratch_path(&here, "pipe"), 0600), 0);
    ck_assert_int_eq(mkdir(scratch_path(&here, "folder"), 0700), 0);
    make_socket(scratch_path(&here, "socket"));
    ck_assert_int_eq(symlink("loop", scratch_path(&here, "loop")), 0);
    const char *name = not_files[_i].name;
    const char *path = name[0] == '/' ? name : scratch_path(&here, name);
    ck_assert_int_eq(mpj_file_open(&fd, path, NULL, &err), not_files[_i].status);
    ck_assert_int_eq(fd, -1);
    ck_assert_ptr_nonnull(strstr(err.text, path));
}
END_TEST

/* Some clients of file servers give up on a file that was replaced, and find it when asked again. */
START_TEST(a_stale_file_is_asked_for_again)
{
    int fd;
    const char *path = file_with("a", "x");
    fault.open_errno = ESTALE;
    fault.open_times = 1;
    ck_assert_int_eq(mpj_file_open(&fd, path, NULL, &err), MPIJOB_OK);
    mpj_file_close(&fd);
    fault.open_times = 1000;
    ck_assert_int_eq(mpj_file_open(&fd, path, NULL, &err), MPIJOB_EOS);
    ck_assert_int_eq(err.os_errno, ESTALE);
    ck_assert_int_ge(fault.open_times, 990);
}
END_TEST

/* A signal that a program handles is no error of the file's. */
START_TEST(signals_do_not_matter)
{
    int fd;
    const char *path = scratch_path(&here, "a");
    fault.open_errno = EINTR;
    fault.open_times = 3;
    fault.interrupts = 3;
    ck_assert_int_eq(mpj_file_write_all(path, "x", 1, 1, &err), MPIJOB_OK);
    ck_assert_int_eq(fault.open_times + fault.interrupts, 0);
    fault.open_times = 10;
    ck_assert_int_eq(mpj_file_open(&fd, path, NULL, &err), MPIJOB_OK);
    mpj_file_close(&fd);
}
END_TEST

START_TEST(a_file_is_opened_for_changes_in_place)
{
    int fd;
    uint64_t bytes = 0;
    file_with("a", "old");
    ck_assert_int_eq(mpj_file_open_update(&fd, scratch_path(&here, "a"), &bytes, &err), MPIJOB_OK);
    ck_assert_uint_eq(bytes, 3);
    ck_assert_int_eq(mpj_file_write(fd, here.path, "new", 3, 0, &err), MPIJOB_OK);
    mpj_file_close(&fd);
    ck_assert_int_eq(mpj_file_open_update(&fd, scratch_path(&here, "a/b"), NULL, &err), MPIJOB_ENOTFOUND);
    ck_assert_int_eq(mpj_file_open_update(&fd, here.folder, NULL, &err), MPIJOB_EINVAL);
    ck_assert_msg(strstr(err.text, "folder") != NULL, "%s", err.text);
    fault.open_errno = EROFS;
    fault.open_times = 1;
    ck_assert_int_eq(mpj_file_open_update(&fd, scratch_path(&here, "a"), NULL, &err), MPIJOB_EOS);
    ck_assert_msg(strstr(err.text, "for writing") != NULL, "%s", err.text);
}
END_TEST

/* ---- Reading and writing ----------------------------------------------------------------------------------------- */

static int open_rw(const char *name)
{
    int fd = __real_open(scratch_path(&here, name), O_RDWR | O_CREAT, 0600);
    ck_assert_int_ge(fd, 0);
    return fd;
}

START_TEST(ranges_are_written_and_read_whole)
{
    char back[10] = "";
    int fd = open_rw("a");
    fault.most = (size_t)_i;
    fault.interrupts = 3;
    ck_assert_int_eq(mpj_file_write(fd, "a", "0123456789", 10, 5, &err), MPIJOB_OK);
    ck_assert_int_eq(mpj_file_write(fd, "a", "ab", 2, 0, &err), MPIJOB_OK);
    fault.interrupts = 3;
    ck_assert_int_eq(mpj_file_read(fd, "a", back, 6, 7, &err), MPIJOB_OK);
    ck_assert_mem_eq(back, "234567", 6);
    ck_assert_int_eq(mpj_file_read(fd, "a", back, 5, 0, &err), MPIJOB_OK);
    ck_assert_mem_eq(back, "ab\0\0\0", 5);
    ck_assert_int_eq(mpj_file_read(fd, "a", back, 0, 1000, &err), MPIJOB_OK);
    close(fd);
}
END_TEST

START_TEST(many_parts_are_written_one_behind_the_other)
{
    enum {
        PARTS = 40
    };
    const void *parts[PARTS];
    size_t bytes[PARTS];
    char all[200], back[200];
    size_t total = 0;
    for (size_t i = 0; i < sizeof all; i++)
        all[i] = (char)('a' + i % 26);
    for (int i = 0; i < PARTS; i++) {
        parts[i] = all + total;
        bytes[i] = (size_t)(i % 5); /* empty ones among them */
        total += bytes[i];
    }
    int fd = open_rw("a");
    fault.most = (size_t)_i;
    ck_assert_int_eq(mpj_file_writev(fd, "a", parts, bytes, PARTS, 3, &err), MPIJOB_OK);
    ck_assert_int_eq(mpj_file_read(fd, "a", back, total, 3, &err), MPIJOB_OK);
    ck_assert_mem_eq(back, all, total);
    ck_assert_int_eq(mpj_file_read(fd, "a", back, 1, 3 + total, &err), MPIJOB_ECORRUPT);
    close(fd);
}
END_TEST

START_TEST(a_file_cut_short_says_where)
{
    char back[10];
    int fd = open_rw("a");
    ck_assert_int_eq(mpj_file_write(fd, "a", "01234", 5, 0, &err), MPIJOB_OK);
    ck_assert_int_eq(mpj_file_read(fd, "the file", back, 10, 2, &err), MPIJOB_ECORRUPT);
    ck_assert_ptr_nonnull(strstr(err.text, "the file is cut short at byte 5"));
    close(fd);
}
END_TEST

START_TEST(errors_of_the_system_name_the_file)
{
    char byte = 'x';
    ck_assert_int_eq(mpj_file_read(-1, "the file", &byte, 1, 0, &err), MPIJOB_EOS);
    ck_assert_ptr_nonnull(strstr(err.text, "the file"));
    ck_assert_int_eq(err.os_errno, EBADF);
    fault.write_errno = ENOSPC;
    ck_assert_int_eq(mpj_file_write(-1, "the file", &byte, 1, 7, &err), MPIJOB_EOS);
    ck_assert_ptr_nonnull(strstr(err.text, "the file at byte 7"));
    ck_assert_int_eq(err.os_errno, ENOSPC);
}
END_TEST

START_TEST(places_beyond_any_file_are_errors)
{
    static const struct {
        size_t bytes;
        uint64_t offset;
    } ranges[] = {{1, INT64_MAX}, {SIZE_MAX, 0}, {1, UINT64_MAX}, {SIZE_MAX, UINT64_MAX}, {SIZE_MAX / 2 + 1, 1}};
    char byte = 0;
    int fd = open_rw("a");
    for (int i = 0; i < UNIT_COUNT(ranges); i++) {
        ck_assert_int_eq(mpj_file_read(fd, "a", &byte, ranges[i].bytes, ranges[i].offset, &err), MPIJOB_ECORRUPT);
        ck_assert_int_eq(mpj_file_write(fd, "a", &byte, ranges[i].bytes, ranges[i].offset, &err), MPIJOB_ECORRUPT);
    }
    const void *parts[] = {&byte, &byte};
    const size_t too_many[] = {SIZE_MAX - 1, 5};
    ck_assert_int_eq(mpj_file_writev(fd, "a", parts, too_many, 2, 0, &err), MPIJOB_EINVAL);
    ck_assert_int_eq(mpj_file_reserve(fd, "a", UINT64_MAX, &err), MPIJOB_ECORRUPT);
    close(fd);
}
END_TEST

START_TEST(room_is_reserved_as_zeros)
{
    static const int cannot[] = {0, EOPNOTSUPP};
    char back[100];
    int fd = open_rw("a");
    fault.write_errno = cannot[_i];
    ck_assert_int_eq(mpj_file_reserve(fd, "a", 0, &err), MPIJOB_OK);
    ck_assert_int_eq(mpj_file_reserve(fd, "a", sizeof back, &err), MPIJOB_OK);
    fault.write_errno = 0;
    ck_assert_int_eq(mpj_file_read(fd, "a", back, sizeof back, 0, &err), MPIJOB_OK);
    for (size_t i = 0; i < sizeof back; i++)
        ck_assert_int_eq(back[i], 0);
    fault.write_errno = ENOSPC;
    ck_assert_int_eq(mpj_file_reserve(fd, "a", 1000, &err), MPIJOB_EOS);
    ck_assert_int_eq(err.os_errno, ENOSPC);
    close(fd);
}
END_TEST

/* ---- Whole files ------------------------------------------------------------------------------------------------- */

START_TEST(a_small_file_is_read_as_a_whole)
{
    static const char *const contents[] = {"", "x", "several words"};
    for (int i = 0; i < UNIT_COUNT(contents); i++) {
        char name[] = {(char)('a' + i), '\0'}, *text;
        size_t bytes = 99, length = strlen(contents[i]);
        const char *path = file_with(name, contents[i]);
        ck_assert_int_eq(mpj_file_read_all(&text, &bytes, path, length, &err), MPIJOB_OK);
        ck_assert_uint_eq(bytes, length);
        ck_assert_str_eq(text, contents[i]);
        mpj_free(text);
        if (length == 0)
            continue;
        ck_assert_int_eq(mpj_file_read_all(&text, NULL, path, length - 1, &err), MPIJOB_ECORRUPT);
        ck_assert_ptr_null(text);
    }
}
END_TEST

/* A sparse file of any length: the limit protects, not the memory that there is. */
START_TEST(a_huge_file_is_refused_before_memory_is_asked_for)
{
    char *text;
    const char *path = file_with("a", "x");
    ck_assert_int_eq(truncate(path, (off_t)1 << 40), 0);
    mpj_alloc_fail_after(UINT64_MAX);
    ck_assert_int_eq(mpj_file_read_all(&text, NULL, path, 1000, &err), MPIJOB_ECORRUPT);
    ck_assert_uint_eq(mpj_alloc_fail_after(UINT64_MAX), 0);
}
END_TEST

START_TEST(no_memory_for_a_file_is_an_error)
{
    char *text;
    const char *path = file_with("a", "x");
    mpj_alloc_fail_after(0);
    int status = mpj_file_read_all(&text, NULL, path, 1000, &err);
    mpj_alloc_fail_after(UINT64_MAX);
    ck_assert_int_eq(status, MPIJOB_ENOMEM);
    ck_assert_ptr_null(text);
}
END_TEST

START_TEST(a_file_is_made_once)
{
    const char *path = file_with("a", "first");
    char *text;
    ck_assert_int_eq(mpj_file_write_all(path, "second", 6, 0, &err), MPIJOB_EOS);
    ck_assert_int_eq(err.os_errno, EEXIST);
    ck_assert_int_eq(mpj_file_read_all(&text, NULL, path, 100, &err), MPIJOB_OK);
    ck_assert_str_eq(text, "first");
    mpj_free(text);
}
END_TEST

START_TEST(a_file_that_could_not_be_made_leaves_nothing)
{
    const char *path = scratch_path(&here, "a");
    fault.write_errno = _i ? 0 : ENOSPC;
    fault.sync_errno = _i ? EIO : 0;
    ck_assert_int_eq(mpj_file_write_all(path, "x", 1, 1, &err), MPIJOB_EOS);
    ck_assert_int_eq(err.os_errno, _i ? EIO : ENOSPC);
    ck_assert_int_eq(scratch_names(&here), 0);
}
END_TEST

/* ---- Folders and paths ------------------------------------------------------------------------------------------- */

START_TEST(folders_are_made_and_told_apart)
{
    const char *path = scratch_path(&here, "folder");
    ck_assert_int_eq(mpj_path_is_folder(path), -1);
    ck_assert_int_eq(mpj_folder_create(path, &err), MPIJOB_OK);
    ck_assert_int_eq(mpj_folder_create(path, &err), MPIJOB_OK);
    ck_assert_int_eq(mpj_path_is_folder(path), 1);
    path = file_with("file", "x");
    ck_assert_int_eq(mpj_path_is_folder(path), 0);
    ck_assert_int_eq(mpj_folder_create(path, &err), MPIJOB_EOS);
    ck_assert_int_eq(mpj_folder_create(scratch_path(&here, "no/folder"), &err), MPIJOB_EOS);
}
END_TEST

START_TEST(removing_takes_all_below_and_follows_no_link)
{
    file_with("outside", "kept");
    ck_assert_int_eq(mkdir(scratch_path(&here, "folder"), 0700), 0);
    ck_assert_int_eq(mkdir(scratch_path(&here, "folder/inner"), 0700), 0);
    for (int i = 0; i < 300; i++) {
        char name[64];
        snprintf(name, sizeof name, "folder/%s%d", i % 2 ? "inner/" : "", i);
        file_with(name, "x");
    }
    ck_assert_int_eq(symlink("..", scratch_path(&here, "folder/up")), 0);
    ck_assert_int_eq(symlink("../outside", scratch_path(&here, "folder/file")), 0);
    ck_assert_int_eq(symlink("folder", scratch_path(&here, "link")), 0);
    ck_assert_int_eq(mpj_folder_remove(scratch_path(&here, "link"), &err), MPIJOB_OK);
    ck_assert_int_eq(scratch_names(&here), 2);
    ck_assert_int_eq(mpj_folder_remove(scratch_path(&here, "folder"), &err), MPIJOB_OK);
    ck_assert_int_eq(scratch_names(&here), 1);
    ck_assert_int_eq(mpj_folder_remove(scratch_path(&here, "folder"), &err), MPIJOB_OK);
    ck_assert_int_eq(mpj_folder_remove(scratch_path(&here, "outside"), &err), MPIJOB_OK);
}
END_TEST

START_TEST(a_replaced_folder_is_noticed)
{
    char path[MPJ_PATH_BYTES];
    strcpy(path, scratch_path(&here, "folder"));
    ck_assert_int_eq(mkdir(path, 0700), 0);
    int fd = __real_open(path, O_RDONLY | O_DIRECTORY);
    ck_assert_int_eq(mpj_folder_same(fd, path), 1);
    ck_assert_int_eq(rename(path, scratch_path(&here, "moved")), 0);
    ck_assert_int_eq(mpj_folder_same(fd, path), 0);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    ck_assert_int_eq(mpj_folder_same(fd, path), 0);
    close(fd);
}
END_TEST

START_TEST(paths_are_joined_or_too_long)
{
    char out[MPJ_PATH_BYTES], name[MPJ_PATH_BYTES + 1];
    ck_assert_int_eq(mpj_path_join(out, "a", "b", &err), MPIJOB_OK);
    ck_assert_str_eq(out, "a/b");
    ck_assert_int_eq(mpj_path_join(out, "/", "b", &err), MPIJOB_OK);
    ck_assert_str_eq(out, "/b");
    memset(name, 'n', sizeof name);
    name[MPJ_PATH_BYTES - 3] = '\0';
    ck_assert_int_eq(mpj_path_join(out, "a", name, &err), MPIJOB_OK);
    name[MPJ_PATH_BYTES - 3] = 'n';
    name[MPJ_PATH_BYTES - 2] = '\0';
    ck_assert_int_eq(mpj_path_join(out, "a", name, &err), MPIJOB_EINVAL);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("file");
    TCase *files = tcase_create("files");
    tcase_add_checked_fixture(files, begin, end);
    tcase_add_test(files, a_file_is_opened_with_its_length);
    tcase_add_loop_test(files, what_is_no_file_is_an_error_and_never_waited_for, 0, UNIT_COUNT(not_files));
    tcase_add_test(files, a_stale_file_is_asked_for_again);
    tcase_add_test(files, signals_do_not_matter);
    tcase_add_test(files, a_file_is_opened_for_changes_in_place);
    tcase_add_loop_test(files, ranges_are_written_and_read_whole, 0, 4);
    tcase_add_loop_test(files, many_parts_are_written_one_behind_the_other, 0, 4);
    tcase_add_test(files, a_file_cut_short_says_where);
    tcase_add_test(files, errors_of_the_system_name_the_file);
    tcase_add_test(files, places_beyond_any_file_are_errors);
    tcase_add_loop_test(files, room_is_reserved_as_zeros, 0, 2);
    suite_add_tcase(suite, files);
    TCase *whole = tcase_create("whole");
    tcase_add_checked_fixture(whole, begin, end);
    tcase_add_test(whole, a_small_file_is_read_as_a_whole);
    tcase_add_test(whole, a_huge_file_is_refused_before_memory_is_asked_for);
    tcase_add_test(whole, no_memory_for_a_file_is_an_error);
    tcase_add_test(whole, a_file_is_made_once);
    tcase_add_loop_test(whole, a_file_that_could_not_be_made_leaves_nothing, 0, 2);
    suite_add_tcase(suite, whole);
    TCase *folders = tcase_create("folders");
    tcase_add_checked_fixture(folders, begin, end);
    tcase_add_test(folders, folders_are_made_and_told_apart);
    tcase_add_test(folders, removing_takes_all_below_and_follows_no_link);
    tcase_add_test(folders, a_replaced_folder_is_noticed);
    tcase_add_test(folders, paths_are_joined_or_too_long);
    suite_add_tcase(suite, folders);
    return unit_run(suite);
}
