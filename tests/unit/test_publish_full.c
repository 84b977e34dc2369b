/* Publishing on a disk that is full: a small one of this test's own. Exit status 77: this machine does not let it be
 * made. */
#include "scratch.h"
#include "versions.h"

#include <errno.h>
#include <sched.h>
#include <sys/mount.h>

#define DISK "size=256k"
#define LARGE ((size_t)1 << 20)

static scratch here;
static mpijob_error err;
static char target[MPJ_PATH_BYTES];

static int tell(const char *file, const char *text)
{
    int fd = open(file, O_WRONLY | O_CLOEXEC);
    ssize_t put = fd < 0 ? -1 : write(fd, text, strlen(text));
    if (fd >= 0)
        close(fd);
    return put == (ssize_t)strlen(text) ? 0 : -1;
}

/* Whoever is not root becomes it in a namespace of its own, where that is allowed. */
static int may_mount(void)
{
    char users[32], groups[32];
    snprintf(users, sizeof users, "0 %u 1", (unsigned)geteuid());
    snprintf(groups, sizeof groups, "0 %u 1", (unsigned)getegid());
    if (geteuid() == 0)
        return unshare(CLONE_NEWNS);
    if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0 || tell("/proc/self/setgroups", "deny") != 0)
        return -1;
    return tell("/proc/self/uid_map", users) == 0 ? tell("/proc/self/gid_map", groups) : -1;
}

static int make_small_disk(void)
{
    if (may_mount() != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
        return -1;
    snprintf(here.folder, sizeof here.folder, "/tmp/mpijob-test-XXXXXX");
    return mkdtemp(here.folder) ? mount("tmpfs", here.folder, "tmpfs", 0, DISK) : -1;
}

static void begin(void)
{
    strcpy(target, scratch_path(&here, "array"));
    ck_assert_int_eq(mpj_folder_remove(target, NULL), MPIJOB_OK);
}

static void end(void)
{
    ck_assert_int_eq(mpj_folder_remove(target, NULL), MPIJOB_OK);
    ck_assert_int_eq(scratch_names(&here), 0);
}

/* Content that does not fit; the last status. */
static int fill_up(const mpj_publish *publish)
{
    char path[MPJ_PATH_BYTES + 16];
    char *bytes = calloc(1, LARGE);
    ck_assert_ptr_nonnull(bytes);
    snprintf(path, sizeof path, "%s/large", publish->path);
    int status = publish->folder ? mpj_file_write_all(path, bytes, LARGE, 0, &err)
                                 : mpj_file_write(publish->fd, publish->path, bytes, LARGE, 0, &err);
    free(bytes);
    return status;
}

START_TEST(a_full_disk_leaves_the_old)
{
    mpj_publish publish;
    ck_assert_int_eq(version_publish(target, _i, 1, 0, &err), MPIJOB_OK);
    ck_assert_int_eq(_i ? mpj_publish_folder(&publish, target, &err) : mpj_publish_file(&publish, target, &err), 0);
    ck_assert_int_eq(fill_up(&publish), MPIJOB_EOS);
    ck_assert_int_eq(err.os_errno, ENOSPC);
    ck_assert_ptr_nonnull(strstr(err.text, publish.path));
    mpj_publish_abandon(&publish);
    ck_assert_uint_eq(version_at(target), 1);
    ck_assert_int_eq(version_publish(target, _i, 2, 1, &err), MPIJOB_OK);
    ck_assert_uint_eq(version_at(target), 2);
}
END_TEST

START_TEST(room_that_is_missing_shows_when_it_is_reserved)
{
    mpj_publish publish;
    ck_assert_int_eq(mpj_publish_file(&publish, target, &err), MPIJOB_OK);
    ck_assert_int_eq(mpj_file_reserve(publish.fd, publish.path, LARGE, &err), MPIJOB_EOS);
    ck_assert_int_eq(err.os_errno, ENOSPC);
    mpj_publish_abandon(&publish);
}
END_TEST

int main(void)
{
    if (make_small_disk() != 0) {
        fprintf(stderr, "skipped: this machine does not let this user mount a small disk: %s\n", strerror(errno));
        return 77;
    }
    Suite *suite = suite_create("publish_full");
    TCase *full = tcase_create("full");
    tcase_add_checked_fixture(full, begin, end);
    tcase_add_loop_test(full, a_full_disk_leaves_the_old, 0, 2);
    tcase_add_test(full, room_that_is_missing_shows_when_it_is_reserved);
    suite_add_tcase(suite, full);
    int result = unit_run(suite);
    umount2(here.folder, MNT_DETACH);
    rmdir(here.folder);
    return result;
}
