/* The files of a location besides segments: rights, links, versions, large results, records of use; and real refusals
 * of the system. */
#include "memo.h"

#include "base/clock.h"
#include "io/codec.h"
#include "memory/format.h"
#include "memory/shelf.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static char location[MPJ_PATH_BYTES];
static memo m;

static void begin(void)
{
    files_begin();
    strcpy(location, scratch_path(&files, "location"));
}

static const char *below(const char *name)
{
    static char path[MPJ_PATH_BYTES];
    ck_assert_int_eq(mpj_path_join(path, location, name, NULL), MPIJOB_OK);
    return path;
}

static mode_t mode_of(const char *path)
{
    struct stat info;
    ck_assert_msg(lstat(path, &info) == 0, "%s", path);
    return info.st_mode & 07777;
}

static bool is_there(const char *path)
{
    return access(path, F_OK) == 0;
}

START_TEST(nothing_is_made_before_something_is_stored)
{
    memo_open(&m, location);
    ck_assert_int_eq(memo_find(&m, 1, 8, 0), 0);
    mpj_shelf_refresh_now(m.shelf);
    memo_close(&m);
    ck_assert(!is_there(location));
    strcpy(location, scratch_path(&files, "deep/er/location"));
    memo_open(&m, location);
    ck_assert_int_eq(memo_put(&m, 1, 8, 0), MPIJOB_OK);
    memo_close(&m);
    ck_assert(is_there(below("mpijob/format.json")));
    ck_assert(is_there(below("mpijob/CACHEDIR.TAG")));
    ck_assert_uint_eq(mode_of(location) & 0777, 0755);
    ck_assert_int_eq(m.warnings, 0);
}
END_TEST

START_TEST(a_relative_location_stays_when_the_folder_changes)
{
    char here[MPJ_PATH_BYTES];
    ck_assert_ptr_nonnull(getcwd(here, sizeof here));
    ck_assert_int_eq(chdir(files.folder), 0);
    memo_open(&m, "location");
    ck_assert_int_eq(chdir("/"), 0);
    ck_assert_int_eq(memo_put(&m, 1, 8, 0), MPIJOB_OK);
    ck_assert(mpj_store_root(m.store)[0] == '/');
    memo_close(&m);
    ck_assert_int_eq(chdir(here), 0);
    ck_assert_int_eq(memo_files(location, ".seg"), 1);
}
END_TEST

/* ---- Rights ------------------------------------------------------------------------------------------------------ */

START_TEST(files_get_the_bits_that_were_asked_for)
{
    static const struct {
        mode_t asked, process;
    } umasks[] = {{022, 022}, {07, 022}, {077, 0}, {02, 077}};
    mpj_store_options options = memo_options(&m);
    mode_t files_mode = 0666 & ~umasks[_i].asked, folders_mode = 0777 & ~umasks[_i].asked;
    mode_t before = umask(umasks[_i].process);
    options.umask = umasks[_i].asked;
    memo_open_with(&m, location, &options);
    ck_assert_int_eq(mpj_shelf_describe(m.shelf, memo_name(1).version, "{}", NULL, 0, NULL), MPIJOB_OK);
    ck_assert_int_eq(memo_put(&m, 1, 8, 0), MPIJOB_OK);
    mpj_name name = memo_name(1);
    mpj_shelf_used(m.shelf, &name, MEMO_TIME);
    char file[MPJ_LARGE_FILE_BYTES], path[4096];
    ck_assert_int_eq(mpj_shelf_large_name(m.shelf, &name, ".npy", file, path, NULL), MPIJOB_OK);
    files_write(path, "large", 5);
    const mpj_put put = {.name = name, .kind = MPJ_ENTRY_LARGE, .payload = file, .bytes = strlen(file)};
    ck_assert_int_eq(mpj_shelf_put(m.shelf, &put, NULL), MPIJOB_OK);
    ck_assert_uint_eq(mode_of(path), files_mode);
    memo_close(&m);
    umask(before);
    static const char *const folders[] = {"",
                                          "mpijob",
                                          "mpijob/f",
                                          "mpijob/f/segments",
                                          "mpijob/f/versions",
                                          "mpijob/f/versions/0123456789abcdef",
                                          "mpijob/f/use",
                                          "mpijob/f/large"};
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++)
        ck_assert_msg(mode_of(below(folders[i])) == folders_mode, "%s: %o", folders[i], mode_of(below(folders[i])));
    ck_assert_uint_eq(mode_of(below("mpijob/format.json")), files_mode);
    ck_assert_uint_eq(mode_of(below("mpijob/f/versions/0123456789abcdef/func.json")), files_mode);
    ck_assert_int_eq(memo_files_named(location, ".seg", path), 1);
    ck_assert_uint_eq(mode_of(path), files_mode);
    ck_assert_int_eq(memo_files_named(location, ".idx", path), 1);
    ck_assert_uint_eq(mode_of(path), files_mode);
}
END_TEST

START_TEST(a_group_is_given)
{
    struct stat info;
    char path[MPJ_PATH_BYTES];
    if (geteuid() != 0)
        return; /* only root may give any group */
    mpj_store_options options = memo_options(&m);
    options.group = 54321;
    memo_open_with(&m, location, &options);
    ck_assert_int_eq(memo_put(&m, 1, 8, 0), MPIJOB_OK);
    memo_close(&m);
    ck_assert_int_eq(memo_files_named(location, ".seg", path), 1);
    ck_assert_int_eq(stat(path, &info), 0);
    ck_assert_uint_eq(info.st_gid, 54321);
    ck_assert_int_eq(stat(below("mpijob/f"), &info), 0);
    ck_assert_uint_eq(info.st_gid, 54321);
}
END_TEST

/* ---- Links ------------------------------------------------------------------------------------------------------- */

/* Each part of a location in turn is a link to a folder or file elsewhere. */
static const char *const linked[] = {"mpijob", "mpijob/f", "mpijob/f/segments"};

START_TEST(a_link_below_the_location_is_not_followed)
{
    char elsewhere[MPJ_PATH_BYTES], part[MPJ_PATH_BYTES];
    strcpy(elsewhere, scratch_path(&files, "elsewhere"));
    memo_open(&m, location);
    ck_assert_int_eq(memo_put(&m, 1, 8, 0), MPIJOB_OK);
    memo_close(&m);
    strcpy(part, below(linked[_i]));
    ck_assert_int_eq(rename(part, elsewhere), 0);
    ck_assert_int_eq(symlink(elsewhere, part), 0);
    memo_open(&m, location);
    ck_assert_int_eq(memo_find(&m, 1, 8, 0), 0);
    ck_assert_int_eq(memo_put(&m, 2, 8, 0), MPIJOB_EOS);
    memo_close(&m);
    ck_assert_int_eq(m.warnings, 1);
    ck_assert_int_eq(unlink(part), 0);
    ck_assert_int_eq(rename(elsewhere, part), 0);
    ck_assert_int_eq(memo_files(location, ".seg"), 1);
}
END_TEST

START_TEST(the_location_itself_may_be_a_link)
{
    char elsewhere[MPJ_PATH_BYTES];
    strcpy(elsewhere, scratch_path(&files, "elsewhere"));
    ck_assert_int_eq(mkdir(elsewhere, 0777), 0);
    ck_assert_int_eq(symlink(elsewhere, location), 0);
    memo_open(&m, location);
    ck_assert_int_eq(memo_put(&m, 1, 8, 0), MPIJOB_OK);
    memo_close(&m);
    ck_assert_int_eq(memo_files(elsewhere, ".seg"), 1);
}
END_TEST

START_TEST(a_linked_segment_is_not_read)
{
    char path[MPJ_PATH_BYTES], elsewhere[MPJ_PATH_BYTES];
    strcpy(elsewhere, scratch_path(&files, "elsewhere.seg"));
    memo_open(&m, location);
    ck_assert_int_eq(memo_put(&m, 1, 8, 0), MPIJOB_OK);
    memo_close(&m);
    ck_assert_int_eq(memo_files_named(location, ".seg", path), 1);
    ck_assert_int_eq(rename(path, elsewhere), 0);
    ck_assert_int_eq(symlink(elsewhere, path), 0);
    memo_open(&m, location);
    ck_assert_int_eq(memo_find(&m, 1, 8, 0), 0);
    memo_close(&m);
}
END_TEST

START_TEST(a_long_entry_after_its_folder_went)
{
    memo_open(&m, location);
    ck_assert_int_eq(memo_put(&m, 1, 8, 0), MPIJOB_OK);
    mpj_shelf_seal(m.shelf);
    ck_assert_int_eq(mpj_folder_remove(location, NULL), MPIJOB_OK);
    ck_assert_int_eq(memo_put_with(&m, 2, 3 << 20, 0, 0, -1), MPIJOB_OK);
    memo_close(&m);
    ck_assert_int_eq(m.warnings, 0);
    memo_open(&m, location);
    ck_assert_int_eq(memo_find(&m, 2, 3 << 20, 0), 1);
    memo_close(&m);
}
END_TEST

/* ---- Large results ----------------------------------------------------------------------------------------------- */

START_TEST(large_results_have_names_of_their_own)
{
    char file[MPJ_LARGE_FILE_BYTES], second[MPJ_LARGE_FILE_BYTES], path[4096], again[4096];
    mpj_name name = memo_name(1);
    mpijob_error err;
    memo_open(&m, location);
    ck_assert_int_eq(mpj_shelf_large_name(m.shelf, &name, ".zarr.zip", file, path, &err), MPIJOB_OK);
    ck_assert_int_eq(mpj_shelf_large_name(m.shelf, &name, ".zarr.zip", second, again, &err), MPIJOB_OK);
    ck_assert_str_ne(file, second);
    files_write(path, "large", 5);
    ck_assert_int_eq(mpj_shelf_large_path(m.shelf, file, strlen(file), again, &err), MPIJOB_OK);
    ck_assert_str_eq(path, again);
    const mpj_put put = {.name = name,
                         .kind = MPJ_ENTRY_LARGE,
                         .payload = file,
                         .bytes = strlen(file),
                         .json = "",
                         .meta = "",
                         .large_bytes = 123456789,
                         .time_ns = MEMO_TIME};
    ck_assert_int_eq(mpj_shelf_put(m.shelf, &put, &err), MPIJOB_OK);
    memo_close(&m);
    mpj_entry entry;
    memo_open(&m, location);
    ck_assert_int_eq(mpj_shelf_find(m.shelf, &name, &entry), 1);
    ck_assert_int_eq(entry.kind, MPJ_ENTRY_LARGE);
    ck_assert_uint_eq(entry.stored_bytes, 123456789);
    ck_assert_uint_eq(entry.bytes, strlen(file));
    ck_assert_mem_eq(entry.payload, file, entry.bytes);
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(symlink("/etc/hostname", path), 0);
    ck_assert_int_eq(mpj_shelf_large_path(m.shelf, file, strlen(file), again, &err), MPIJOB_ECORRUPT);
    memo_close(&m);
}
END_TEST

#define KEY "0123456789abcdef0123456789abcdef"
static const char *const wrong_names[] = {
    "",
    "..",
    "/etc/passwd",
    "../../../../etc/passwd",
    "01/../../../../../../../../../../etc/passwd.npy",
    "01/" KEY "-01234567",
    "01/" KEY "-01234567.",
    "01/" KEY "-01234567/../x.npy",
    "01/" KEY "-01234567..npy",
    "01/" KEY "-01234567.npy.",
    "01/" KEY "-01234567.npy/x",
    "01/" KEY "-0123456.npy",
    "02/" KEY "-01234567.npy",
    "01/" KEY "-01234567.NPY",
    "01/" KEY "-01234567.npy0",
    "01/" KEY "-01234567.npynpynpynpynpynpynpynpynpynpynpy",
    "01/0123456789ABCDEF0123456789abcdef-01234567.npy",
};

START_TEST(a_name_that_leads_elsewhere_is_refused)
{
    char path[4096];
    mpijob_error err;
    memo_open(&m, location);
    ck_assert_int_eq(mpj_shelf_large_path(m.shelf, wrong_names[_i], strlen(wrong_names[_i]), path, &err),
                     MPIJOB_ECORRUPT);
    ck_assert_int_eq(mpj_shelf_large_path(m.shelf, "01/" KEY "-01234567.npy\0x", 3 + 32 + 9 + 4 + 2, path, &err),
                     MPIJOB_ECORRUPT);
    ck_assert_int_eq(mpj_shelf_large_path(m.shelf, "01/" KEY "-01234567.npy", 3 + 32 + 9 + 4, path, &err), MPIJOB_OK);
    memo_close(&m);
}
END_TEST

/* ---- Versions and use -------------------------------------------------------------------------------------------- */

static void expect_text(const char *name, const char *text)
{
    size_t bytes;
    unsigned char *read = files_read(below(name), &bytes);
    ck_assert_uint_eq(bytes, strlen(text));
    ck_assert_mem_eq(read, text, bytes);
    free(read);
}

START_TEST(a_version_is_published_with_its_first_entry_and_never_again)
{
    uint64_t version = memo_name(1).version;
    memo_open(&m, location);
    ck_assert_int_eq(mpj_shelf_describe(m.shelf, version, "{\"a\": 1}", "int f;\n", 7, NULL), MPIJOB_OK);
    ck_assert_int_eq(mpj_shelf_describe(m.shelf, version + 1, "{}", NULL, 0, NULL), MPIJOB_OK);
    ck_assert(!is_there(location));
    ck_assert_int_eq(memo_put(&m, 1, 8, 0), MPIJOB_OK);
    expect_text("mpijob/f/versions/0123456789abcdef/func.json", "{\"a\": 1}");
    expect_text("mpijob/f/versions/0123456789abcdef/func_code.c", "int f;\n");
    ck_assert(!is_there(below("mpijob/f/versions/0123456789abcdf0")));
    memo_close(&m);
    memo_open(&m, location);
    ck_assert_int_eq(mpj_shelf_describe(m.shelf, version, "{\"a\": 2}", NULL, 0, NULL), MPIJOB_OK);
    ck_assert_int_eq(memo_put(&m, 2, 8, 0), MPIJOB_OK);
    memo_close(&m);
    expect_text("mpijob/f/versions/0123456789abcdef/func.json", "{\"a\": 1}");
    ck_assert_int_eq(m.warnings, 0);
}
END_TEST

START_TEST(uses_are_recorded_once_per_process_and_name)
{
    char folder[MPJ_PATH_BYTES], path[MPJ_PATH_BYTES] = "";
    memo_open(&m, location);
    for (int again = 0; again < 3; again++)
        for (uint64_t i = 0; i < 200; i++) {
            mpj_name name = memo_name(i);
            mpj_shelf_used(m.shelf, &name, (500000 + again) * INT64_C(3600000000000) + 5);
        }
    memo_close(&m);
    strcpy(folder, below("mpijob/f/use"));
    DIR *listing = opendir(folder);
    ck_assert_ptr_nonnull(listing);
    for (struct dirent *entry; (entry = readdir(listing));)
        if (strstr(entry->d_name, ".use"))
            ck_assert_int_eq(mpj_path_join(path, folder, entry->d_name, NULL), MPIJOB_OK);
    closedir(listing);
    size_t bytes;
    unsigned char *whole = files_read(path, &bytes);
    mpj_use_head head;
    ck_assert_int_eq(mpj_use_head_decode(&head, whole), MPIJOB_OK);
    ck_assert_uint_eq(head.count, 200);
    ck_assert_uint_eq(bytes, MPJ_USE_HEAD_BYTES + 200 * MPJ_USE_RECORD_BYTES);
    ck_assert_uint_eq(head.records_sum, mpj_checksum(whole + MPJ_USE_HEAD_BYTES, bytes - MPJ_USE_HEAD_BYTES));
    mpj_use_record before = {0}, record;
    for (size_t i = 0; i < 200; i++) {
        mpj_use_record_decode(&record, whole + MPJ_USE_HEAD_BYTES + i * MPJ_USE_RECORD_BYTES);
        ck_assert_int_gt(memcmp(record.key.bytes, before.key.bytes, 16), 0);
        ck_assert_uint_eq(record.hour, 500002);
        ck_assert_uint_eq(record.version, memo_name(0).version);
        before = record;
    }
    free(whole);
}
END_TEST

/* ---- Released formats
 * ------------------------------------------------------------------------------------------------ */

/* Each store in tests/data was written by the first version with its format: a sealed segment and one that is not. */
static const char *const released[] = {"store-1"};

START_TEST(stores_of_all_released_formats_are_read)
{
    mpj_store_options options = memo_options(&m);
    mpj_entry entry;
    mpj_name name = memo_name(3);
    char path[MPJ_PATH_BYTES];
    options.read_only = true;
    ck_assert_int_eq(mpj_path_join(path, TEST_DATA, released[_i], NULL), MPIJOB_OK);
    ck_assert_int_eq(memo_files(path, ".seg"), 2);
    ck_assert_int_eq(memo_files(path, ".idx"), 1);
    memo_open_with(&m, path, &options);
    for (uint64_t i = 0; i < 40; i++)
        ck_assert_int_eq(memo_find(&m, i, (size_t)(i * 37 % 900), 1), i != 3);
    ck_assert_int_eq(memo_find(&m, 40, 0, 1), 0);
    ck_assert_int_eq(mpj_shelf_find_any(m.shelf, &name.key, &entry), 1);
    ck_assert_int_eq(entry.kind, MPJ_ENTRY_TOMBSTONE);
    memo_close(&m);
}
END_TEST

/* ---- Refused by the system --------------------------------------------------------------------------------------- */

START_TEST(a_store_opened_to_read_changes_nothing)
{
    memo_open(&m, location);
    ck_assert_int_eq(memo_put(&m, 1, 8, 0), MPIJOB_OK);
    memo_close(&m);
    mpj_store_options options = memo_options(&m);
    options.read_only = true;
    memo_open_with(&m, location, &options);
    ck_assert_int_eq(memo_find(&m, 1, 8, 0), 1);
    ck_assert_int_eq(memo_put(&m, 2, 8, 0), MPIJOB_EOS);
    mpj_name name = memo_name(1);
    char file[MPJ_LARGE_FILE_BYTES], path[4096];
    mpj_shelf_used(m.shelf, &name, MEMO_TIME);
    ck_assert_int_eq(mpj_shelf_large_name(m.shelf, &name, ".npy", file, path, NULL), MPIJOB_EOS);
    memo_close(&m);
    ck_assert_int_eq(m.warnings, 0);
    ck_assert_int_eq(memo_files(location, ".seg"), 1);
    ck_assert(!is_there(below("mpijob/f/use")));
    ck_assert(!is_there(below("mpijob/f/large")));
}
END_TEST

/* As somebody who is not root. The assertions are the parent's. */
static int as_nobody(bool may_read)
{
    if (geteuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0))
        return 2;
    memo_open(&m, location);
    int found = memo_find(&m, 1, 8, 0);
    memo_put(&m, 2, 8, 0); /* perhaps into memory only */
    mpj_store_flush(m.store, false, NULL);
    int again = memo_put(&m, 3, 8, 0);
    memo_close(&m);
    return found == may_read && again == MPIJOB_EOS && m.warnings == 1 ? 0 : 1;
}

START_TEST(permission_denied_is_one_warning)
{
    int state;
    memo_open(&m, location);
    ck_assert_int_eq(memo_put(&m, 1, 8, 0), MPIJOB_OK);
    memo_close(&m);
    ck_assert_int_eq(chmod(files.folder, 0755), 0);
    ck_assert_int_eq(chmod(below(_i ? "mpijob/f" : "mpijob/f/segments"), _i == 1 ? 0 : 0555), 0);
    pid_t child = fork();
    if (child == 0)
        _exit(as_nobody(_i != 1));
    ck_assert_int_eq(waitpid(child, &state, 0), child);
    ck_assert_int_eq(chmod(below(_i ? "mpijob/f" : "mpijob/f/segments"), 0755), 0);
    ck_assert(WIFEXITED(state));
    ck_assert_int_eq(WEXITSTATUS(state), 0);
}
END_TEST

START_TEST(a_file_in_the_place_of_the_location_is_one_warning)
{
    files_write(location, "x", 1);
    memo_open(&m, location);
    ck_assert_int_eq(memo_find(&m, 1, 8, 0), 0);
    ck_assert_int_eq(memo_put(&m, 1, 8, 0), MPIJOB_EOS);
    ck_assert_int_eq(memo_put(&m, 1, 8, 0), MPIJOB_EOS);
    memo_close(&m);
    ck_assert_int_eq(m.warnings, 1);
}
END_TEST

/* Hundreds of segments, and room for few open files: those of the store make room for each other. */
static int with_few_files(void)
{
    enum {
        SEGMENTS = 300
    };
    for (uint64_t i = 0; i < SEGMENTS; i++) {
        memo_open(&m, location);
        if (memo_put(&m, i, 8, 0) != MPIJOB_OK)
            return 1;
        memo_close(&m);
    }
    int last = open("/dev/null", O_RDONLY | O_CLOEXEC);
    close(last);
    memo_open(&m, location);
    const struct rlimit limit = {(rlim_t)last + 6, (rlim_t)last + 6};
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
        return 2;
    for (int again = 0; again < 2; again++)
        for (uint64_t i = 0; i < SEGMENTS; i++)
            if (memo_find(&m, i, 8, 0) != 1)
                return 3;
    mpj_shelf_refresh_now(m.shelf);
    for (uint64_t i = 0; i < SEGMENTS; i++)
        if (memo_find(&m, i, 8, 0) != 1)
            return 4;
    memo_close(&m);
    return m.warnings ? 5 : 0;
}

START_TEST(few_descriptors_are_enough)
{
    int state;
    pid_t child = fork();
    if (child == 0)
        _exit(with_few_files());
    ck_assert_int_eq(waitpid(child, &state, 0), child);
    ck_assert(WIFEXITED(state));
    ck_assert_int_eq(WEXITSTATUS(state), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("store_files");
    TCase *all = tcase_create("files");
    tcase_add_checked_fixture(all, begin, files_end);
    tcase_add_test(all, nothing_is_made_before_something_is_stored);
    tcase_add_test(all, a_relative_location_stays_when_the_folder_changes);
    tcase_add_loop_test(all, files_get_the_bits_that_were_asked_for, 0, 4);
    tcase_add_test(all, a_group_is_given);
    tcase_add_loop_test(all, a_link_below_the_location_is_not_followed, 0, UNIT_COUNT(linked));
    tcase_add_test(all, the_location_itself_may_be_a_link);
    tcase_add_test(all, a_linked_segment_is_not_read);
    tcase_add_test(all, a_long_entry_after_its_folder_went);
    tcase_add_test(all, large_results_have_names_of_their_own);
    tcase_add_loop_test(all, a_name_that_leads_elsewhere_is_refused, 0, UNIT_COUNT(wrong_names));
    tcase_add_test(all, a_version_is_published_with_its_first_entry_and_never_again);
    tcase_add_test(all, uses_are_recorded_once_per_process_and_name);
    tcase_add_loop_test(all, stores_of_all_released_formats_are_read, 0, UNIT_COUNT(released));
    tcase_add_test(all, a_store_opened_to_read_changes_nothing);
    tcase_add_loop_test(all, permission_denied_is_one_warning, 0, 3);
    tcase_add_test(all, a_file_in_the_place_of_the_location_is_one_warning);
    tcase_add_test(all, few_descriptors_are_enough);
    suite_add_tcase(suite, all);
    return unit_run(suite);
}
