#include "io/publish.h"

#include "io/hidden.h"

#include "publish_faults.h"
#include "scratch.h"
#include "versions.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static scratch here;
static mpijob_error err;
static char target[MPJ_PATH_BYTES];

static void begin(void)
{
    memset(&faults, 0, sizeof faults);
    memset(&err, 0, sizeof err);
    scratch_make(&here);
    strcpy(target, scratch_path(&here, "array"));
}

static void end(void)
{
    memset(&faults, 0, sizeof faults);
    scratch_remove(&here);
}

static void put(int folder, uint64_t version)
{
    ck_assert_msg(version_publish(target, folder, version, 0, &err) == MPIJOB_OK, "%s", err.text);
}

static void open_publish(mpj_publish *publish, int folder)
{
    int status = folder ? mpj_publish_folder(publish, target, &err) : mpj_publish_file(publish, target, &err);
    ck_assert_msg(status == MPIJOB_OK, "%s", err.text);
}

static int no(const char *path)
{
    (void)path;
    return 0;
}

/* ---- Whole or not at all ----------------------------------------------------------------------------------------- */

START_TEST(nothing_is_seen_before_the_commit)
{
    mpj_publish publish;
    int folder = _i % 2, before = _i / 2;
    if (before)
        put(folder, 1);
    open_publish(&publish, folder);
    ck_assert_int_eq(version_fill(&publish, 2), MPIJOB_OK);
    ck_assert_uint_eq(version_at(target), (unsigned)before);
    ck_assert_int_eq(scratch_names(&here), 1 + before);
    ck_assert_ptr_nonnull(strstr(publish.path, "/.mpijob-tmp-array."));
    ck_assert_int_eq(mpj_publish_commit(&publish, 0, NULL, &err), MPIJOB_OK);
    ck_assert_uint_eq(version_at(target), 2);
    ck_assert_int_eq(scratch_names(&here), 1);
    ck_assert_int_eq(publish.fd, -1);
    mpj_publish_abandon(&publish);
    ck_assert_uint_eq(version_at(target), 2);
    ck_assert_int_eq(mpj_publish_commit(&publish, 0, NULL, &err), MPIJOB_EINTERNAL);
}
END_TEST

START_TEST(what_is_abandoned_leaves_nothing)
{
    mpj_publish publish, zeroed = {0};
    int folder = _i % 2, before = _i / 2;
    if (before)
        put(folder, 1);
    open_publish(&publish, folder);
    ck_assert_int_eq(version_fill(&publish, 2), MPIJOB_OK);
    mpj_publish_abandon(&publish);
    mpj_publish_abandon(&publish);
    mpj_publish_abandon(&zeroed);
    ck_assert_uint_eq(version_at(target), (unsigned)before);
    ck_assert_int_eq(scratch_names(&here), before);
}
END_TEST

/* How folders are replaced: by exchange; without it, as several systems say so; on sshfs. */
static const struct {
    int no_exchange;
    int occupied;
} systems[] = {{0, 0}, {EINVAL, 0}, {ENOSYS, 0}, {EXDEV, 0}, {EPERM, EPERM}};

START_TEST(any_kind_replaces_any_kind)
{
    faults.no_exchange = systems[_i].no_exchange;
    faults.occupied = systems[_i].occupied;
    static const int kinds[] = {1, 1, 0, 0, 1, 0, 1};
    for (int i = 0; i < UNIT_COUNT(kinds); i++) {
        put(kinds[i], (uint64_t)i + 1);
        ck_assert_int_eq(mpj_path_is_folder(target), kinds[i]);
        ck_assert_uint_eq(version_at(target), (uint64_t)i + 1);
        ck_assert_int_eq(scratch_names(&here), 1);
    }
}
END_TEST

static const struct {
    int before, after;
    int (*may)(const char *);
    int status;
} asked[] = {{1, 1, no, MPIJOB_EINVAL},   {1, 0, no, MPIJOB_EINVAL},     {0, 1, no, MPIJOB_EINVAL},
             {1, 0, NULL, MPIJOB_EINVAL}, {0, 0, no, MPIJOB_OK},         {1, 1, NULL, MPIJOB_OK},
             {0, 1, NULL, MPIJOB_OK},     {1, 0, version_yes, MPIJOB_OK}};

START_TEST(the_caller_says_what_may_be_replaced)
{
    mpj_publish publish;
    put(asked[_i].before, 1);
    open_publish(&publish, asked[_i].after);
    ck_assert_int_eq(version_fill(&publish, 2), MPIJOB_OK);
    int status = mpj_publish_commit(&publish, 0, asked[_i].may, &err);
    ck_assert_int_eq(status, asked[_i].status);
    ck_assert_uint_eq(version_at(target), status == MPIJOB_OK ? 2 : 1);
    ck_assert_int_eq(scratch_names(&here), 1);
    if (status != MPIJOB_OK)
        ck_assert_ptr_nonnull(strstr(err.text, target));
}
END_TEST

START_TEST(pipes_and_devices_are_not_replaced)
{
    mpj_publish publish;
    ck_assert_int_eq(mkfifo(target, 0600), 0);
    ck_assert_int_eq(mpj_publish_file(&publish, target, &err), MPIJOB_EINVAL);
    ck_assert_int_eq(mpj_publish_folder(&publish, target, &err), MPIJOB_EINVAL);
    ck_assert_int_eq(mpj_publish_file(&publish, "/dev/null", &err), MPIJOB_EINVAL);
    mpj_publish_abandon(&publish);
    ck_assert_int_eq(scratch_names(&here), 1);
}
END_TEST

START_TEST(a_pipe_that_came_meanwhile_is_not_replaced)
{
    mpj_publish publish;
    open_publish(&publish, _i);
    ck_assert_int_eq(mkfifo(target, 0600), 0);
    ck_assert_int_eq(mpj_publish_commit(&publish, 0, NULL, &err), MPIJOB_EINVAL);
    ck_assert_int_eq(scratch_names(&here), 1);
}
END_TEST

/* ---- Names and modes --------------------------------------------------------------------------------------------- */

static const char *const no_names[] = {"", "/", ".", "..", "a/..", "a/.", "///"};

START_TEST(what_names_no_file_is_refused)
{
    mpj_publish publish;
    ck_assert_int_eq(mpj_publish_file(&publish, no_names[_i], &err), MPIJOB_EINVAL);
    mpj_publish_abandon(&publish);
}
END_TEST

START_TEST(names_of_any_length_are_published)
{
    char name[256];
    static const int lengths[] = {1, 31, 32, 33, 143, 254, 255};
    for (int i = 0; i < UNIT_COUNT(lengths); i++) {
        memset(name, _i ? '\xc3' : 'n', sizeof name);
        for (int at = 1 + _i % 2; _i && at < lengths[i]; at += 2)
            name[at] = '\xa9'; /* UTF-8 of two bytes each */
        name[0] = _i == 1 ? 'n' : name[0];
        name[lengths[i]] = '\0';
        strcpy(target, scratch_path(&here, name));
        put(1, 1);
        put(1, 2);
        ck_assert_uint_eq(version_at(target), 2);
    }
    ck_assert_int_eq(scratch_names(&here), UNIT_COUNT(lengths));
}
END_TEST

START_TEST(hidden_names_fit_into_143_bytes_and_are_read_back)
{
    char name[300], tag[MPJ_HIDDEN_TAG_BYTES], other[MPJ_HIDDEN_TAG_BYTES], path[MPJ_PATH_BYTES];
    memset(name, 'n', sizeof name);
    name[200] = '\0';
    ck_assert_int_eq(mpj_hidden_path(path, name, MPJ_HIDDEN_NEW, &err), MPIJOB_OK);
    const char *made = strrchr(path, '/') + 1;
    ck_assert_uint_le(strlen(made), 143);
    mpj_hidden_tag(tag, name);
    mpj_hidden_tag(other, "nn");
    ck_assert_int_eq(mpj_hidden_kind_of(made, tag), MPJ_HIDDEN_NEW);
    ck_assert_int_eq(mpj_hidden_kind_of(made, other), MPJ_HIDDEN_NONE);
    ck_assert_int_eq(mpj_hidden_owner_of(made), MPJ_OWNER_LIVES);
    mpj_hidden_change(path, MPJ_HIDDEN_OLD);
    ck_assert_int_eq(mpj_hidden_kind_of(made, tag), MPJ_HIDDEN_OLD);
    static const char *const foreign[] = {"", ".mpijob-", ".mpijob-tmp-", ".mpijob-tmp-nn", "nn", "."};
    for (int i = 0; i < UNIT_COUNT(foreign); i++)
        ck_assert_int_eq(mpj_hidden_kind_of(foreign[i], other), MPJ_HIDDEN_NONE);
}
END_TEST

START_TEST(slashes_at_the_end_do_not_count)
{
    size_t length = strlen(target);
    strcpy(target + length, "//");
    put(_i, 1);
    put(_i, 2);
    target[length] = '\0';
    ck_assert_uint_eq(version_at(target), 2);
    ck_assert_int_eq(scratch_names(&here), 1);
}
END_TEST

static int in_this_folder(const char *folder)
{
    return chdir(folder);
}

START_TEST(a_name_alone_is_published_in_this_folder)
{
    char before[MPJ_PATH_BYTES];
    ck_assert_ptr_nonnull(getcwd(before, sizeof before));
    ck_assert_int_eq(in_this_folder(here.folder), 0);
    ck_assert_int_eq(version_publish("array", _i, 3, 1, &err), MPIJOB_OK);
    ck_assert_int_eq(version_publish("array", _i, 4, 1, &err), MPIJOB_OK);
    ck_assert_int_eq(in_this_folder(before), 0);
    ck_assert_uint_eq(version_at(target), 4);
    ck_assert_int_eq(scratch_names(&here), 1);
}
END_TEST

START_TEST(what_a_link_points_to_is_replaced)
{
    static const char *const texts[] = {"inner/real", "./inner/../inner/real", NULL};
    char link[MPJ_PATH_BYTES], real[MPJ_PATH_BYTES];
    int folder = _i % 2, which = _i / 2;
    ck_assert_int_eq(mkdir(scratch_path(&here, "inner"), 0700), 0);
    strcpy(real, scratch_path(&here, "inner/real"));
    strcpy(link, scratch_path(&here, "link"));
    ck_assert_int_eq(symlink("link", target), 0);
    ck_assert_int_eq(symlink(texts[which] ? texts[which] : real, link), 0);
    put(folder, 1); /* first where nothing is */
    put(folder, 2);
    ck_assert_uint_eq(version_at(real), 2);
    ck_assert_uint_eq(version_at(target), 2);
    char text[MPJ_PATH_BYTES];
    ck_assert_int_gt(readlink(target, text, sizeof text), 0);
    ck_assert_int_gt(readlink(link, text, sizeof text), 0);
    ck_assert_int_eq(scratch_names(&here), 3);
}
END_TEST

START_TEST(links_in_a_circle_are_an_error)
{
    mpj_publish publish;
    ck_assert_int_eq(symlink("array", target), 0);
    ck_assert_int_eq(mpj_publish_file(&publish, target, &err), MPIJOB_EOS);
    ck_assert_int_eq(err.os_errno, ELOOP);
}
END_TEST

static int mode_of(const char *path)
{
    struct stat info;
    ck_assert_int_eq(stat(path, &info), 0);
    return (int)(info.st_mode & 07777);
}

START_TEST(a_new_one_has_the_mode_of_the_mask)
{
    mode_t mask = umask(027);
    put(_i, 1);
    umask(mask);
    ck_assert_int_eq(mode_of(target), _i ? 0750 : 0640);
}
END_TEST

START_TEST(a_replacement_has_the_mode_of_the_old_and_is_private_until_then)
{
    mpj_publish publish;
    mode_t mode = _i ? 0711 : 0604;
    put(_i, 1);
    ck_assert_int_eq(chmod(target, mode), 0);
    open_publish(&publish, _i);
    ck_assert_int_eq(mode_of(publish.path) & 077, 0);
    ck_assert_int_eq(mpj_publish_commit(&publish, 0, NULL, &err), MPIJOB_OK);
    ck_assert_int_eq(mode_of(target), (int)mode);
}
END_TEST

/* ---- Failures ---------------------------------------------------------------------------------------------------- */

static const struct {
    int folder;
    int no_exchange;
} ways[] = {{0, 0}, {1, 0}, {1, EINVAL}};

START_TEST(a_failed_sync_leaves_the_old)
{
    put(ways[_i].folder, 1);
    faults.no_exchange = ways[_i].no_exchange;
    faults.sync_errno = EIO;
    ck_assert_int_eq(version_publish(target, ways[_i].folder, 2, 1, &err), MPIJOB_EOS);
    ck_assert_int_eq(err.os_errno, EIO);
    ck_assert_uint_eq(version_at(target), 1);
    ck_assert_int_eq(scratch_names(&here), 1);
}
END_TEST

/* The first, the second, ... rename fails: of what is complete, of the old, onto the target, of what is removed. Once,
 * or with all that follow: then what is restored is the one or the other. */
START_TEST(a_failed_rename_leaves_the_old_or_the_new)
{
    int way = _i % UNIT_COUNT(ways), for_good = _i / UNIT_COUNT(ways);
    for (int n = 0; n < 5; n++) {
        ck_assert_int_eq(mpj_folder_remove(target, NULL), MPIJOB_OK);
        put(ways[way].folder, 1);
        faults.no_exchange = ways[way].no_exchange;
        faults.rename_errno = EIO;
        faults.renames_before = n;
        faults.renames_failing = for_good ? 1000 : 1;
        int status = version_publish(target, ways[way].folder, 2, 0, &err);
        faults.rename_errno = 0;
        uint64_t seen = version_at(target);
        ck_assert(seen == (status == MPIJOB_OK ? 2 : 1) || (for_good && seen == 2));
        if (n == 0 && (!ways[way].folder || ways[way].no_exchange))
            ck_assert_int_eq(status, MPIJOB_EOS);
    }
}
END_TEST

START_TEST(durable_means_that_all_is_synced)
{
    faults.no_exchange = ways[_i].no_exchange;
    put(ways[_i].folder, 1);
    faults.syncs = 0;
    ck_assert_int_eq(version_publish(target, ways[_i].folder, 2, 1, &err), MPIJOB_OK);
    int parts = ways[_i].folder ? VERSION_FILES + 1 : 1;
    ck_assert_int_ge(faults.syncs, parts + 1 + (ways[_i].no_exchange != 0));
    ck_assert_uint_eq(version_at(target), 2);
}
END_TEST

START_TEST(folders_below_are_synced_too)
{
    mpj_publish publish;
    char path[MPJ_PATH_BYTES + 16];
    open_publish(&publish, 1);
    snprintf(path, sizeof path, "%s/inner", publish.path);
    ck_assert_int_eq(mpj_folder_create(path, &err), MPIJOB_OK);
    snprintf(path, sizeof path, "%s/inner/a", publish.path);
    ck_assert_int_eq(mpj_file_write_all(path, "x", 1, 0, &err), MPIJOB_OK);
    snprintf(path, sizeof path, "%s/link", publish.path);
    ck_assert_int_eq(symlink("/nowhere", path), 0);
    faults.syncs = 0;
    ck_assert_int_eq(mpj_publish_commit(&publish, 1, NULL, &err), MPIJOB_OK);
    ck_assert_int_eq(faults.syncs, 4); /* the file, its folder, the folder, the parent */
}
END_TEST

START_TEST(a_parent_that_is_missing_is_an_error)
{
    mpj_publish publish;
    strcpy(target, scratch_path(&here, "missing/array"));
    ck_assert_int_eq(_i ? mpj_publish_folder(&publish, target, &err) : mpj_publish_file(&publish, target, &err),
                     MPIJOB_EOS);
    ck_assert_int_eq(err.os_errno, ENOENT);
    ck_assert_ptr_nonnull(strstr(err.text, target));
}
END_TEST

/* Runs as somebody who has no right to write here. */
static int as_other(int (*act)(void))
{
    pid_t child = fork();
    if (child == 0) {
        if (geteuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0))
            _exit(99);
        _exit(act());
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 100;
}

static int publish_is_refused(void)
{
    mpj_publish publish;
    return mpj_publish_file(&publish, target, &err) == MPIJOB_EOS && err.os_errno == EACCES &&
                   strstr(err.text, "beside it")
               ? 0
               : 1;
}

START_TEST(a_folder_that_may_not_be_written_is_an_error)
{
    put(0, 1);
    ck_assert_int_eq(chmod(here.folder, 0555), 0);
    ck_assert_int_eq(as_other(publish_is_refused), 0);
    ck_assert_int_eq(chmod(here.folder, 0755), 0);
    ck_assert_uint_eq(version_at(target), 1);
}
END_TEST

/* ---- Parts by others --------------------------------------------------------------------------------------------- */

START_TEST(who_joins_writes_to_the_same)
{
    mpj_publish owner, other;
    open_publish(&owner, _i);
    ck_assert_int_eq(mpj_publish_join(&other, owner.path, _i, &err), MPIJOB_OK);
    ck_assert_int_eq(version_fill(&other, 7), MPIJOB_OK);
    ck_assert_int_eq(mpj_publish_commit(&other, 0, NULL, &err), MPIJOB_EINTERNAL);
    ck_assert_int_eq(mpj_publish_leave(&other, 1, &err), MPIJOB_OK);
    ck_assert_int_eq(mpj_publish_leave(&other, 1, &err), MPIJOB_OK);
    ck_assert_int_eq(other.fd, -1);
    ck_assert_int_eq(mpj_publish_commit(&owner, 0, NULL, &err), MPIJOB_OK);
    ck_assert_uint_eq(version_at(target), 7);
}
END_TEST

START_TEST(who_joins_removes_nothing)
{
    mpj_publish owner, other;
    open_publish(&owner, _i);
    ck_assert_int_eq(mpj_publish_join(&other, owner.path, _i, &err), MPIJOB_OK);
    mpj_publish_abandon(&other);
    ck_assert_int_eq(other.fd, -1);
    ck_assert_int_eq(version_fill(&owner, 7), MPIJOB_OK);
    ck_assert_int_eq(mpj_publish_commit(&owner, 0, NULL, &err), MPIJOB_OK);
    ck_assert_uint_eq(version_at(target), 7);
    ck_assert_int_eq(mpj_publish_join(&other, "/nowhere/at/all", _i, &err), MPIJOB_EOS);
}
END_TEST

START_TEST(a_late_error_of_writing_is_known_when_leaving)
{
    mpj_publish owner, other;
    open_publish(&owner, 0);
    ck_assert_int_eq(mpj_publish_join(&other, owner.path, 0, &err), MPIJOB_OK);
    faults.sync_errno = ENOSPC;
    ck_assert_int_eq(mpj_publish_leave(&other, 1, &err), MPIJOB_EOS);
    ck_assert_int_eq(err.os_errno, ENOSPC);
    mpj_publish_abandon(&owner);
    ck_assert_int_eq(scratch_names(&here), 0);
}
END_TEST

/* ---- Restoring --------------------------------------------------------------------------------------------------- */

/* A hidden folder or file of a kind with a version in it, as an interrupted replacement leaves it. */
static void leave_hidden(char *path, mpj_hidden_kind kind, uint64_t version)
{
    mpj_publish publish;
    open_publish(&publish, 1);
    ck_assert_int_eq(version_fill(&publish, version), MPIJOB_OK);
    char to[MPJ_PATH_BYTES];
    strcpy(to, path[0] ? path : publish.path);
    mpj_hidden_change(to, kind);
    ck_assert_int_eq(rename(publish.path, to), 0);
    strcpy(path, to);
}

/* Without a target, `publish` alone would see to the pair itself. */
static void leave_pair(uint64_t old, uint64_t new)
{
    char path[MPJ_PATH_BYTES] = "";
    leave_hidden(path, MPJ_HIDDEN_NEW, new);
    leave_hidden(path, MPJ_HIDDEN_OLD, old);
}

START_TEST(a_pair_is_restored_to_the_new_one)
{
    char found[MPJ_PATH_BYTES];
    leave_pair(1, 2);
    ck_assert_int_eq(mpj_path_is_folder(target), -1);
    ck_assert_int_eq(mpj_publish_recover(target, found), 1);
    ck_assert_str_eq(found, target);
    ck_assert_uint_eq(version_at(target), 2);
    ck_assert_int_eq(scratch_names(&here), 1);
    ck_assert_int_eq(mpj_publish_recover(target, found), 1);
}
END_TEST

START_TEST(a_publish_restores_first)
{
    mpj_publish publish;
    leave_pair(1, 2);
    open_publish(&publish, 1);
    ck_assert_uint_eq(version_at(target), 2);
    mpj_publish_abandon(&publish);
    ck_assert_uint_eq(version_at(target), 2);
    ck_assert_int_eq(scratch_names(&here), 1);
}
END_TEST

START_TEST(one_alone_is_not_restored)
{
    char found[MPJ_PATH_BYTES], path[MPJ_PATH_BYTES] = "";
    leave_hidden(path, (mpj_hidden_kind)_i, 1);
    ck_assert_int_eq(mpj_publish_recover(target, found), 0);
    ck_assert_str_eq(found, target);
    ck_assert_int_eq(mpj_path_is_folder(target), -1);
}
END_TEST

START_TEST(another_targets_pair_is_not_taken)
{
    char found[MPJ_PATH_BYTES];
    leave_pair(1, 2);
    ck_assert_int_eq(mpj_publish_recover(scratch_path(&here, "arra"), found), 0);
    ck_assert_int_eq(mpj_publish_recover(scratch_path(&here, "array2"), found), 0);
    ck_assert_int_eq(mpj_publish_recover("/nowhere/at/all", found), 0);
    ck_assert_int_eq(mpj_publish_recover(target, found), 1);
}
END_TEST

static int found_elsewhere(void)
{
    char found[MPJ_PATH_BYTES] = "";
    if (mpj_publish_recover(target, found) != 1 || strcmp(found, target) == 0)
        return 1;
    return version_at(found) == 2 ? 0 : 2;
}

START_TEST(a_reader_without_rights_reads_the_new_one_where_it_is)
{
    leave_pair(1, 2);
    ck_assert_int_eq(chmod(here.folder, 0555), 0);
    ck_assert_int_eq(as_other(found_elsewhere), 0);
    ck_assert_int_eq(chmod(here.folder, 0755), 0);
    ck_assert_int_eq(mpj_path_is_folder(target), -1);
}
END_TEST

/* ---- In the moment without the name ------------------------------------------------------------------------------ */

static uint64_t seen_meanwhile;

static void read_meanwhile(const char *from, const char *to)
{
    (void)from, (void)to;
    seen_meanwhile = version_at(target);
}

START_TEST(a_reader_in_the_moment_without_the_name_gets_the_new)
{
    put(1, 1);
    faults.no_exchange = EINVAL;
    faults.after_rename = read_meanwhile;
    seen_meanwhile = 0;
    put(1, 2);
    ck_assert_uint_eq(seen_meanwhile, 2);
    ck_assert_uint_eq(version_at(target), 2);
    ck_assert_int_eq(scratch_names(&here), 1);
}
END_TEST

static void write_meanwhile(const char *from, const char *to)
{
    (void)from, (void)to;
    seen_meanwhile = (uint64_t)version_publish(target, 1, 3, 0, NULL);
}

START_TEST(a_writer_in_the_moment_without_the_name_is_replaced_in_turn)
{
    put(1, 1);
    faults.no_exchange = systems[_i].no_exchange ? systems[_i].no_exchange : EINVAL;
    faults.occupied = systems[_i].occupied;
    faults.after_rename = write_meanwhile;
    seen_meanwhile = 99;
    put(1, 2);
    ck_assert_uint_eq(seen_meanwhile, MPIJOB_OK);
    uint64_t last = version_at(target);
    ck_assert(last == 2 ||
              last == 3); /* the other one restored and replaced what was on its way, or was replaced by it */
    ck_assert_int_eq(scratch_names(&here), 1);
}
END_TEST

/* It began before, so that it restores nothing, and ends in that moment. */
static mpj_publish other_publish;

static void commit_meanwhile(const char *from, const char *to)
{
    (void)from, (void)to;
    seen_meanwhile = (uint64_t)mpj_publish_commit(&other_publish, 0, version_yes, NULL);
}

START_TEST(who_finds_the_place_taken_puts_that_aside_too)
{
    put(1, 1);
    open_publish(&other_publish, _i % 2);
    ck_assert_int_eq(version_fill(&other_publish, 3), MPIJOB_OK);
    faults.no_exchange = EINVAL;
    faults.occupied = _i / 2 ? EPERM : 0;
    faults.after_rename = commit_meanwhile;
    seen_meanwhile = 99;
    put(1, 2);
    ck_assert_uint_eq(seen_meanwhile, MPIJOB_OK);
    ck_assert_uint_eq(version_at(target), 2);
    ck_assert_int_eq(scratch_names(&here), 1);
}
END_TEST

static void put_aside_of(const char *complete, const char *aside)
{
    char old[MPJ_PATH_BYTES];
    strcpy(old, complete);
    mpj_hidden_change(old, MPJ_HIDDEN_OLD);
    ck_assert_int_eq(rename(aside, old), 0);
}

START_TEST(the_pair_put_aside_last_is_restored)
{
    char found[MPJ_PATH_BYTES], complete[2][MPJ_PATH_BYTES] = {"", ""}, aside[2][MPJ_PATH_BYTES] = {"", ""};
    for (int i = 0; i < 2; i++) {
        leave_hidden(complete[i], MPJ_HIDDEN_NEW, 2 + (uint64_t)i);
        leave_hidden(aside[i], MPJ_HIDDEN_DEL, 1);
    }
    put_aside_of(complete[!_i], aside[0]);
    struct timespec pause = {0, 20000000}; /* a change has the time of the system's last tick */
    nanosleep(&pause, NULL);
    put_aside_of(complete[_i], aside[1]);
    ck_assert_int_eq(mpj_publish_recover(target, found), 1);
    ck_assert_uint_eq(version_at(target), 2 + (uint64_t)_i);
}
END_TEST

/* A file server does what it is asked, its answer is lost, and asked again it says that there is nothing to rename. */
START_TEST(a_lost_answer_is_no_failure)
{
    put(ways[_i].folder, 1);
    faults.no_exchange = ways[_i].no_exchange;
    ck_assert_int_eq(mpj_folder_remove(target, NULL), MPIJOB_OK);
    faults.answer_lost = 1;
    put(ways[_i].folder, 2);
    ck_assert_int_eq(faults.answer_lost, 0);
    ck_assert_uint_eq(version_at(target), 2);
}
END_TEST

START_TEST(what_was_made_and_is_gone_is_an_error)
{
    mpj_publish publish;
    put(_i, 1);
    open_publish(&publish, _i);
    ck_assert_int_eq(mpj_folder_remove(publish.path, NULL), MPIJOB_OK);
    ck_assert_int_eq(mpj_publish_commit(&publish, 0, NULL, &err), MPIJOB_EOS);
    ck_assert_uint_eq(version_at(target), 1);
}
END_TEST

/* ---- Left-overs -------------------------------------------------------------------------------------------------- */

static int begin_and_die(void)
{
    mpj_publish publish;
    int status = mpj_publish_folder(&publish, target, NULL);
    return status == MPIJOB_OK ? version_fill(&publish, 9) : 1;
}

static int in_a_process(int (*act)(void))
{
    pid_t child = fork();
    if (child == 0)
        _exit(act());
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 100;
}

START_TEST(what_a_dead_process_left_is_removed)
{
    ck_assert_int_eq(in_a_process(begin_and_die), 0);
    ck_assert_int_eq(scratch_names(&here), 1);
    strcpy(target, scratch_path(&here, "another")); /* not the dead one's target */
    put(1, 1);
    ck_assert_int_eq(scratch_names(&here), 2);
    strcpy(target, scratch_path(&here, "array"));
    put(0, 1);
    ck_assert_int_eq(scratch_names(&here), 2);
}
END_TEST

START_TEST(what_a_living_process_makes_is_left_alone)
{
    mpj_publish mine;
    open_publish(&mine, _i);
    ck_assert_int_eq(version_fill(&mine, 5), MPIJOB_OK);
    ck_assert_int_eq(in_a_process(begin_and_die), 0);
    put(_i, 1);
    ck_assert_int_eq(scratch_names(&here), 2);
    ck_assert_int_eq(mpj_publish_commit(&mine, 0, version_yes, &err), MPIJOB_OK);
    ck_assert_uint_eq(version_at(target), 5);
    ck_assert_int_eq(scratch_names(&here), 1);
}
END_TEST

/* Changes a field of a hidden name, counted from the right: 4 place, 3 process, 2 start, 1 token. */
static void change_field(char *path, int field, const char *value)
{
    char changed[MPJ_PATH_BYTES + 64];
    char *at = path + strlen(path), *end = at;
    for (int n = 0; n < field;) {
        end = n == field - 1 ? at : end;
        n += *--at == '-';
        if (n == field - 1 && *at == '-')
            end = at;
    }
    snprintf(changed, sizeof changed, "%.*s%s%s", (int)(at + 1 - path), path, value, end);
    ck_assert_int_eq(rename(path, changed), 0);
    strcpy(path, changed);
}

START_TEST(a_process_number_used_again_is_told_apart)
{
    char path[MPJ_PATH_BYTES] = "";
    leave_hidden(path, MPJ_HIDDEN_TMP, 1);
    change_field(path, 2, "12345"); /* this process's number, another start */
    put(1, 1);
    ck_assert_int_eq(scratch_names(&here), 1);
}
END_TEST

static void make_old(const char *path, int days)
{
    struct timespec times[2];
    ck_assert_int_eq(clock_gettime(CLOCK_REALTIME, &times[0]), 0);
    times[0].tv_sec -= days * 24 * 3600;
    times[1] = times[0];
    ck_assert_int_eq(utimensat(AT_FDCWD, path, times, 0), 0);
}

/* Everything in it, the folder itself last; but for one file, if `fresh`. */
static void make_all_old(const char *path, int days, int fresh)
{
    char below[MPJ_PATH_BYTES + 16];
    for (int i = fresh; i < VERSION_FILES; i++) {
        snprintf(below, sizeof below, "%s/0.%d", path, i);
        make_old(below, days);
    }
    make_old(path, days);
}

static const struct {
    int days, fresh, left;
} ages[] = {{0, 0, 1}, {1, 0, 1}, {3, 0, 0}, {3, 1, 1}, {-3, 0, 1}};

START_TEST(what_another_host_left_goes_after_two_days)
{
    char path[MPJ_PATH_BYTES] = "";
    leave_hidden(path, MPJ_HIDDEN_TMP, 1);
    change_field(path, 4, "0123456789abcdef");
    make_all_old(path, ages[_i].days, ages[_i].fresh);
    put(1, 1);
    ck_assert_int_eq(scratch_names(&here), 1 + ages[_i].left);
}
END_TEST

/* Made by somebody, with folders inside each other as deep as a path can say: left alone, and no harm. */
START_TEST(what_is_deeper_than_a_dump_is_left_alone)
{
    char path[MPJ_PATH_BYTES] = "";
    leave_hidden(path, MPJ_HIDDEN_TMP, 1);
    change_field(path, 4, "0123456789abcdef");
    int below = open(path, O_RDONLY | O_DIRECTORY);
    for (int i = 0; i < 1900; i++) {
        ck_assert_int_eq(mkdirat(below, "d", 0700), 0);
        int next = openat(below, "d", O_RDONLY | O_DIRECTORY);
        ck_assert_int_ge(next, 0);
        ck_assert_int_eq(futimens(below, (struct timespec[]){{.tv_sec = 1000}, {.tv_sec = 1000}}), 0);
        close(below);
        below = next;
    }
    close(below);
    put(1, 1);
    ck_assert_int_eq(scratch_names(&here), 2);
    char command[MPJ_PATH_BYTES + 32];
    snprintf(command, sizeof command, "rm -rf '%s'", path);
    ck_assert_int_eq(system(command), 0);
}
END_TEST

START_TEST(pairs_and_old_ones_beside_a_target_are_removed)
{
    char path[MPJ_PATH_BYTES] = "";
    put(1, 1);
    leave_hidden(path, MPJ_HIDDEN_NEW, 2);
    change_field(path, 2, "12345");
    char old[MPJ_PATH_BYTES];
    strcpy(old, path);
    mpj_hidden_change(old, MPJ_HIDDEN_OLD);
    leave_hidden(old, MPJ_HIDDEN_OLD, 3);
    char del[MPJ_PATH_BYTES];
    strcpy(del, path);
    mpj_hidden_change(del, MPJ_HIDDEN_DEL);
    leave_hidden(del, MPJ_HIDDEN_DEL, 4);
    put(1, 5);
    ck_assert_int_eq(scratch_names(&here), 1);
    ck_assert_uint_eq(version_at(target), 5);
}
END_TEST

static TCase *add(Suite *suite, const char *name)
{
    TCase *tests = tcase_create(name);
    tcase_add_checked_fixture(tests, begin, end);
    suite_add_tcase(suite, tests);
    return tests;
}

int main(void)
{
    Suite *suite = suite_create("publish");
    TCase *whole = add(suite, "whole");
    tcase_add_loop_test(whole, nothing_is_seen_before_the_commit, 0, 4);
    tcase_add_loop_test(whole, what_is_abandoned_leaves_nothing, 0, 4);
    tcase_add_loop_test(whole, any_kind_replaces_any_kind, 0, UNIT_COUNT(systems));
    tcase_add_loop_test(whole, the_caller_says_what_may_be_replaced, 0, UNIT_COUNT(asked));
    tcase_add_test(whole, pipes_and_devices_are_not_replaced);
    tcase_add_loop_test(whole, a_pipe_that_came_meanwhile_is_not_replaced, 0, 2);
    TCase *names = add(suite, "names");
    tcase_add_loop_test(names, what_names_no_file_is_refused, 0, UNIT_COUNT(no_names));
    tcase_add_loop_test(names, names_of_any_length_are_published, 0, 3);
    tcase_add_test(names, hidden_names_fit_into_143_bytes_and_are_read_back);
    tcase_add_loop_test(names, slashes_at_the_end_do_not_count, 0, 2);
    tcase_add_loop_test(names, a_name_alone_is_published_in_this_folder, 0, 2);
    tcase_add_loop_test(names, what_a_link_points_to_is_replaced, 0, 6);
    tcase_add_test(names, links_in_a_circle_are_an_error);
    tcase_add_loop_test(names, a_new_one_has_the_mode_of_the_mask, 0, 2);
    tcase_add_loop_test(names, a_replacement_has_the_mode_of_the_old_and_is_private_until_then, 0, 2);
    TCase *failures = add(suite, "failures");
    tcase_add_loop_test(failures, a_failed_sync_leaves_the_old, 0, UNIT_COUNT(ways));
    tcase_add_loop_test(failures, a_failed_rename_leaves_the_old_or_the_new, 0, 2 * UNIT_COUNT(ways));
    tcase_add_loop_test(failures, durable_means_that_all_is_synced, 0, UNIT_COUNT(ways));
    tcase_add_test(failures, folders_below_are_synced_too);
    tcase_add_loop_test(failures, a_parent_that_is_missing_is_an_error, 0, 2);
    tcase_add_test(failures, a_folder_that_may_not_be_written_is_an_error);
    TCase *parts = add(suite, "parts");
    tcase_add_loop_test(parts, who_joins_writes_to_the_same, 0, 2);
    tcase_add_loop_test(parts, who_joins_removes_nothing, 0, 2);
    tcase_add_test(parts, a_late_error_of_writing_is_known_when_leaving);
    TCase *restoring = add(suite, "restoring");
    tcase_add_test(restoring, a_pair_is_restored_to_the_new_one);
    tcase_add_test(restoring, a_publish_restores_first);
    tcase_add_loop_test(restoring, one_alone_is_not_restored, MPJ_HIDDEN_TMP, MPJ_HIDDEN_NONE);
    tcase_add_test(restoring, another_targets_pair_is_not_taken);
    tcase_add_test(restoring, a_reader_without_rights_reads_the_new_one_where_it_is);
    tcase_add_test(restoring, a_reader_in_the_moment_without_the_name_gets_the_new);
    tcase_add_loop_test(restoring, a_writer_in_the_moment_without_the_name_is_replaced_in_turn, 0, UNIT_COUNT(systems));
    tcase_add_loop_test(restoring, who_finds_the_place_taken_puts_that_aside_too, 0, 4);
    tcase_add_loop_test(restoring, the_pair_put_aside_last_is_restored, 0, 2);
    tcase_add_loop_test(restoring, a_lost_answer_is_no_failure, 0, UNIT_COUNT(ways));
    tcase_add_loop_test(restoring, what_was_made_and_is_gone_is_an_error, 0, 2);
    TCase *left = add(suite, "left-overs");
    tcase_add_test(left, what_a_dead_process_left_is_removed);
    tcase_add_loop_test(left, what_a_living_process_makes_is_left_alone, 0, 2);
    tcase_add_test(left, a_process_number_used_again_is_told_apart);
    tcase_add_loop_test(left, what_another_host_left_goes_after_two_days, 0, UNIT_COUNT(ages));
    tcase_add_test(left, what_is_deeper_than_a_dump_is_left_alone);
    tcase_add_test(left, pairs_and_old_ones_beside_a_target_are_removed);
    return unit_run(suite);
}
