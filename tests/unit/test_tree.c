#include "base/alloc.h"
#include "io/tree.h"

#include "unit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

/* ---- Calls of the system that fail (the linker leads them here) ------------------------------------------------- */

static int failing_errno[3]; /* 0: the call is made */
enum {
    PREAD,
    PWRITEV,
    OPENAT
};

ssize_t __real_pread(int fd, void *to, size_t bytes, off_t offset);
ssize_t __wrap_pread(int fd, void *to, size_t bytes, off_t offset);
ssize_t __real_pwritev(int fd, const struct iovec *parts, int count, off_t offset);
ssize_t __wrap_pwritev(int fd, const struct iovec *parts, int count, off_t offset);
int __real_openat(int folder, const char *name, int flags, ...);
int __wrap_openat(int folder, const char *name, int flags, ...);

ssize_t __wrap_pread(int fd, void *to, size_t bytes, off_t offset)
{
    errno = failing_errno[PREAD];
    return errno ? -1 : __real_pread(fd, to, bytes, offset);
}

ssize_t __wrap_pwritev(int fd, const struct iovec *parts, int count, off_t offset)
{
    errno = failing_errno[PWRITEV];
    return errno ? -1 : __real_pwritev(fd, parts, count, offset);
}

static int stale_opens,
    listed_folders; /* the next so many openings of files are stale; openings of folders themselves */

int __wrap_openat(int folder, const char *name, int flags, ...)
{
    errno = failing_errno[OPENAT];
    if (strcmp(name, ".") == 0)
        listed_folders++;
    else if (stale_opens > 0 && stale_opens--)
        errno = ESTALE;
    return errno ? -1 : __real_openat(folder, name, flags);
}

/* Each loop test runs for both kinds. */
enum {
    FOLDER,
    ZIP,
    KINDS
};

static char base[200];
static char root[KINDS][256];

static void make_base(void)
{
    const char *tmp = getenv("TMPDIR");
    snprintf(base, sizeof base, "%s/mpijob-tree-XXXXXX", tmp ? tmp : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(base));
    snprintf(root[FOLDER], sizeof root[FOLDER], "%s/t.zarr", base);
    snprintf(root[ZIP], sizeof root[ZIP], "%s/t.zip", base);
    mpj_alloc_fail_after(UINT64_MAX);
}

static void remove_base(void)
{
    mpj_alloc_fail_after(UINT64_MAX);
    ck_assert_int_eq(mpj_folder_remove(base, NULL), MPIJOB_OK);
}

static const char *at(const char *name)
{
    static char path[512];
    snprintf(path, sizeof path, "%s/%s", base, name);
    return path;
}

#define ASSERT_OK(call)                                                                                                \
    do {                                                                                                               \
        mpijob_error err_ = {.text = ""}, *err = &err_;                                                                \
        ck_assert_msg((call) == MPIJOB_OK, #call ": %s", err_.text);                                                   \
    } while (0)

/* Fails in this way, with this in its text. */
#define ASSERT_FAILS(call, expected, part)                                                                             \
    do {                                                                                                               \
        mpijob_error err_ = {.text = ""}, *err = &err_;                                                                \
        int got_ = (call);                                                                                             \
        ck_assert_msg(got_ == (expected), #call ": %d, %s", got_, err_.text);                                          \
        ck_assert_msg(strstr(err_.text, part) != NULL, #call ": %s", err_.text);                                       \
    } while (0)

/* ---- A tree with some files -------------------------------------------------------------------------------------- */

#define LARGE 700001

static unsigned char *large(void)
{
    static unsigned char bytes[LARGE];
    static int made;
    if (made)
        return bytes;
    for (size_t i = 0; i < LARGE; i++)
        bytes[i] = (unsigned char)(i * 2654435761u >> 13);
    made = 1;
    return bytes;
}

static int give_large(void *payload, uint64_t item, const void **data, size_t *bytes, mpijob_error *err)
{
    (void)err;
    ck_assert_uint_eq(item, 42);
    *(int *)payload += 1;
    *data = large();
    *bytes = LARGE;
    return MPIJOB_OK;
}

static void done_large(void *payload, uint64_t item)
{
    ck_assert_uint_eq(item, 42);
    *(int *)payload += 100;
}

static void write_sample(const char *path)
{
    mpj_tree_writer *writer;
    int calls = 0;
    ASSERT_OK(mpj_tree_create(&writer, path, err));
    ASSERT_OK(mpj_tree_put(writer, ".zgroup", "{}", 2, err));
    ASSERT_OK(mpj_tree_put(writer, "a/b/0.1", "one", 3, err));
    ASSERT_OK(mpj_tree_put_later(writer, "a/large", 42, give_large, done_large, &calls, err));
    ASSERT_OK(mpj_tree_put(writer, "a/b/0.0", "", 0, err));
    ASSERT_OK(mpj_tree_put(writer, "a.b", "dot", 3, err));
    ASSERT_OK(mpj_tree_put(writer, "\xc3\xa4", "umlaut", 6, err));
    ASSERT_OK(mpj_tree_commit(writer, 0, NULL, err));
    ck_assert_int_eq(calls, 101);
}

static void assert_content(mpj_tree *tree, const char *name, const void *content, size_t bytes)
{
    mpj_tree_buffer buffer = {0};
    uint64_t said = 0;
    ASSERT_OK(mpj_tree_stat(tree, name, &said, err));
    ck_assert_uint_eq(said, bytes);
    ASSERT_OK(mpj_tree_read(tree, name, &buffer, bytes, err));
    ck_assert_uint_eq(buffer.bytes, bytes);
    ck_assert_ptr_nonnull(buffer.data);
    ck_assert_mem_eq(buffer.data, content, bytes);
    mpj_free(buffer.data);
}

static void assert_sample(mpj_tree *tree)
{
    assert_content(tree, ".zgroup", "{}", 2);
    assert_content(tree, "a/b/0.1", "one", 3);
    assert_content(tree, "a/large", large(), LARGE);
    assert_content(tree, "a/b/0.0", "", 0);
    assert_content(tree, "a.b", "dot", 3);
    assert_content(tree, "\xc3\xa4", "umlaut", 6);
}

START_TEST(what_was_put_is_read)
{
    write_sample(root[_i]);
    mpj_tree *tree;
    ASSERT_OK(mpj_tree_open(&tree, root[_i], err));
    ck_assert_int_eq(mpj_tree_is_zip(tree), _i == ZIP);
    ck_assert_str_eq(mpj_tree_path(tree), root[_i]);
    assert_sample(tree);
    mpj_tree_close(tree);
    mpj_tree_close(NULL);
}
END_TEST

START_TEST(it_appears_at_commit)
{
    mpj_tree_writer *writer;
    ASSERT_OK(mpj_tree_create(&writer, root[_i], err));
    ck_assert_int_eq(mpj_tree_writes_zip(writer), _i == ZIP);
    ck_assert_str_ne(mpj_tree_writer_path(writer), root[_i]);
    ASSERT_OK(mpj_tree_put(writer, "x", "new", 3, err));
    ck_assert_int_eq(access(root[_i], F_OK), -1);
    mpj_tree_abandon(writer);
    mpj_tree_abandon(NULL);
    ck_assert_int_eq(access(root[_i], F_OK), -1);
    write_sample(root[_i]);
    ASSERT_OK(mpj_tree_create(&writer, root[_i], err));
    ASSERT_OK(mpj_tree_put(writer, "x", "new", 3, err));
    mpj_tree *before, *after;
    ASSERT_OK(mpj_tree_open(&before, root[_i], err));
    ASSERT_OK(mpj_tree_commit(writer, 1, NULL, err));
    ASSERT_OK(mpj_tree_open(&after, root[_i], err));
    assert_content(after, "x", "new", 3);
    ASSERT_FAILS(mpj_tree_stat(after, "a.b", &(uint64_t){0}, err), MPIJOB_ENOTFOUND, "a.b");
    if (_i == ZIP)
        assert_sample(before);
    else /* is gone, and says so, instead of having no such files */
        ASSERT_FAILS(mpj_tree_stat(before, "a.b", &(uint64_t){0}, err), MPIJOB_EOS, "replaced");
    mpj_tree_close(before);
    mpj_tree_close(after);
}
END_TEST

START_TEST(equal_content_makes_equal_zips)
{
    char second[600];
    snprintf(second, sizeof second, "%s", at("second.zip"));
    write_sample(root[ZIP]);
    usleep(2100000); /* a zip's time has steps of two seconds */
    write_sample(second);
    char *one, *other;
    size_t bytes, other_bytes;
    ASSERT_OK(mpj_file_read_all(&one, &bytes, root[ZIP], 1 << 20, err));
    ASSERT_OK(mpj_file_read_all(&other, &other_bytes, second, 1 << 20, err));
    ck_assert_uint_eq(bytes, other_bytes);
    ck_assert(memcmp(one, other, bytes) == 0);
    mpj_free(one);
    mpj_free(other);
}
END_TEST

START_TEST(ranges)
{
    write_sample(root[_i]);
    mpj_tree *tree;
    unsigned char part[1000];
    ASSERT_OK(mpj_tree_open(&tree, root[_i], err));
    static const size_t offsets[] = {0, 1, 8191, 300000, LARGE - 1000};
    for (int i = 0; i < UNIT_COUNT(offsets); i++) {
        ASSERT_OK(mpj_tree_read_at(tree, "a/large", part, sizeof part, offsets[i], err));
        ck_assert_mem_eq(part, large() + offsets[i], sizeof part);
    }
    ASSERT_OK(mpj_tree_read_at(tree, "a/large", part, 0, LARGE, err));
    ASSERT_FAILS(mpj_tree_read_at(tree, "a/large", part, 1000, LARGE - 999, err), MPIJOB_ECORRUPT, "large");
    ASSERT_FAILS(mpj_tree_read_at(tree, "a/large", part, 2, UINT64_MAX - 1, err), MPIJOB_ECORRUPT, "large");
    ASSERT_FAILS(mpj_tree_read_at(tree, "nothing", part, 1, 0, err), MPIJOB_ENOTFOUND, "nothing");
    mpj_tree_close(tree);
}
END_TEST

START_TEST(a_limit_is_kept)
{
    write_sample(root[_i]);
    mpj_tree *tree;
    mpj_tree_buffer buffer = {0};
    ASSERT_OK(mpj_tree_open(&tree, root[_i], err));
    ASSERT_FAILS(mpj_tree_read(tree, "a/large", &buffer, LARGE - 1, err), MPIJOB_ECORRUPT, "700001 bytes");
    ck_assert_uint_eq(buffer.capacity, 0);
    ASSERT_OK(mpj_tree_read(tree, "a/large", &buffer, LARGE, err));
    void *data = buffer.data;
    ASSERT_OK(mpj_tree_read(tree, "a.b", &buffer, 100, err));
    ck_assert_ptr_eq(buffer.data, data);
    ck_assert_uint_eq(buffer.bytes, 3);
    ASSERT_FAILS(mpj_tree_read(tree, "b", &buffer, 100, err), MPIJOB_ENOTFOUND, "b");
    ck_assert_uint_eq(buffer.bytes, 0);
    mpj_free(buffer.data);
    mpj_tree_close(tree);
}
END_TEST

/* ---- Names ------------------------------------------------------------------------------------------------------- */

static int collect(const char *name, uint64_t bytes, void *payload)
{
    char *text = payload;
    snprintf(text + strlen(text), 400 - strlen(text), "%s=%llu ", name, (unsigned long long)bytes);
    return 0;
}

static int first_only(const char *name, uint64_t bytes, void *payload)
{
    collect(name, bytes, payload);
    return 1;
}

START_TEST(lists)
{
    static const struct {
        const char *folder, *expected;
    } cases[] = {
        {"", ".zgroup=2 a.b=3 a/=0 \xc3\xa4=6 "},
        {"a", "b/=0 large=700001 "},
        {"a/", "b/=0 large=700001 "},
        {"a/b", "0.0=0 0.1=3 "},
    };
    write_sample(root[_i]);
    mpj_tree *tree;
    ASSERT_OK(mpj_tree_open(&tree, root[_i], err));
    for (int i = 0; i < UNIT_COUNT(cases); i++) {
        char text[400] = "";
        ASSERT_OK(mpj_tree_list(tree, cases[i].folder, collect, text, err));
        ck_assert_str_eq(text, cases[i].expected);
    }
    char text[400] = "";
    ASSERT_OK(mpj_tree_list(tree, "", first_only, text, err));
    ck_assert_str_eq(text, ".zgroup=2 ");
    ASSERT_FAILS(mpj_tree_list(tree, "b", collect, text, err), MPIJOB_ENOTFOUND, "b");
    ASSERT_FAILS(mpj_tree_list(tree, "..", collect, text, err), MPIJOB_ECORRUPT, "..");
    ASSERT_FAILS(mpj_tree_list(tree, "/", collect, text, err), MPIJOB_ECORRUPT, "/");
    mpj_tree_close(tree);
}
END_TEST

START_TEST(unsound_names_are_refused)
{
    static const char *const names[] = {"",       "/",    "/etc/passwd", "..", "../x", "a/..",
                                        "a/../x", "a//b", "a/",          ".",  "./a",  "a/./b"};
    char too_long[MPJ_PATH_BYTES + 1];
    memset(too_long, 'a', MPJ_PATH_BYTES);
    too_long[MPJ_PATH_BYTES] = '\0';
    write_sample(root[_i]);
    mpj_tree *tree;
    mpj_tree_writer *writer;
    ASSERT_OK(mpj_tree_open(&tree, root[_i], err));
    ASSERT_OK(mpj_tree_create(&writer, root[_i], err));
    for (int i = 0; i <= UNIT_COUNT(names); i++) {
        const char *name = i < UNIT_COUNT(names) ? names[i] : too_long;
        mpj_tree_buffer buffer = {0};
        ASSERT_FAILS(mpj_tree_stat(tree, name, &(uint64_t){0}, err), MPIJOB_ECORRUPT, "no name");
        ASSERT_FAILS(mpj_tree_read(tree, name, &buffer, 100, err), MPIJOB_ECORRUPT, "no name");
        ASSERT_FAILS(mpj_tree_read_at(tree, name, &buffer, 1, 0, err), MPIJOB_ECORRUPT, "no name");
        ASSERT_FAILS(mpj_tree_put(writer, name, "x", 1, err), MPIJOB_EINVAL, "no name");
        ASSERT_FAILS(mpj_tree_put_later(writer, name, 0, give_large, NULL, NULL, err), MPIJOB_EINVAL, "no name");
    }
    mpj_tree_abandon(writer);
    mpj_tree_close(tree);
}
END_TEST

START_TEST(sound_names_are_taken)
{
    static const char *const names[] = {"...", "..a", "a..", ".zarray", "a/..b", "a b", "a\\b", "0.0.0"};
    mpj_tree *tree;
    mpj_tree_writer *writer;
    ASSERT_OK(mpj_tree_create(&writer, root[_i], err));
    for (int i = 0; i < UNIT_COUNT(names); i++)
        ASSERT_OK(mpj_tree_put(writer, names[i], names[i], strlen(names[i]), err));
    ASSERT_OK(mpj_tree_commit(writer, 0, NULL, err));
    ASSERT_OK(mpj_tree_open(&tree, root[_i], err));
    for (int i = 0; i < UNIT_COUNT(names); i++)
        assert_content(tree, names[i], names[i], strlen(names[i]));
    mpj_tree_close(tree);
}
END_TEST

START_TEST(a_folder_is_no_file)
{
    write_sample(root[_i]);
    mpj_tree *tree;
    mpj_tree_buffer buffer = {0};
    ASSERT_OK(mpj_tree_open(&tree, root[_i], err));
    ASSERT_FAILS(mpj_tree_stat(tree, "a", &(uint64_t){0}, err), MPIJOB_ECORRUPT, "folder");
    ASSERT_FAILS(mpj_tree_read(tree, "a/b", &buffer, 100, err), MPIJOB_ECORRUPT, "folder");
    ASSERT_FAILS(mpj_tree_stat(tree, "a.b/c", &(uint64_t){0}, err), MPIJOB_ENOTFOUND, "a.b/c");
    mpj_tree_close(tree);
}
END_TEST

START_TEST(a_name_is_put_once)
{
    mpj_tree_writer *writer;
    ASSERT_OK(mpj_tree_create(&writer, root[_i], err));
    ASSERT_OK(mpj_tree_put(writer, "a", "1", 1, err));
    ASSERT_FAILS(mpj_tree_put(writer, "a", "2", 1, err), _i == ZIP ? MPIJOB_EINVAL : MPIJOB_EOS, "a");
    mpj_tree_abandon(writer);
}
END_TEST

START_TEST(a_zip_has_names_in_utf8)
{
    mpj_tree_writer *writer;
    ASSERT_OK(mpj_tree_create(&writer, root[ZIP], err));
    ASSERT_FAILS(mpj_tree_put(writer, "a\xff", "1", 1, err), MPIJOB_EINVAL, "UTF-8");
    mpj_tree_abandon(writer);
}
END_TEST

START_TEST(what_is_no_tree)
{
    mpj_tree *tree;
    ASSERT_FAILS(mpj_tree_open(&tree, at("nothing"), err), MPIJOB_ENOTFOUND, "nothing");
    ck_assert_ptr_null(tree);
    ASSERT_OK(mpj_file_write_all(at("text.zip"), "no zip", 6, 0, err));
    ASSERT_FAILS(mpj_tree_open(&tree, at("text.zip"), err), MPIJOB_ECORRUPT, "no zip file");
    ASSERT_OK(mpj_file_write_all(at("empty.zip"), "", 0, 0, err));
    ASSERT_FAILS(mpj_tree_open(&tree, at("empty.zip"), err), MPIJOB_ECORRUPT, "no zip file");
    mpj_tree_writer *writer;
    ASSERT_OK(mpj_tree_create(&writer, root[ZIP], err));
    ASSERT_FAILS(mpj_tree_commit(writer, 0, NULL, err), MPIJOB_EINVAL, "without any file");
    ck_assert_int_eq(access(root[ZIP], F_OK), -1);
}
END_TEST

/* ---- Links, pipes ------------------------------------------------------------------------------------------------ */

START_TEST(links_inside_a_folder_are_not_followed)
{
    mpj_tree *tree;
    mpj_tree_buffer buffer = {0};
    char path[600];
    write_sample(root[FOLDER]);
    ASSERT_OK(mpj_file_write_all(at("secret"), "secret", 6, 0, err));
    snprintf(path, sizeof path, "%s/link", root[FOLDER]);
    ck_assert_int_eq(symlink("../secret", path), 0);
    snprintf(path, sizeof path, "%s/out", root[FOLDER]);
    ck_assert_int_eq(symlink("..", path), 0);
    snprintf(path, sizeof path, "%s/pipe", root[FOLDER]);
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    ASSERT_OK(mpj_tree_open(&tree, root[FOLDER], err));
    static const char *const names[] = {"link", "out", "out/secret", "out/t.zarr/a.b"};
    for (int i = 0; i < UNIT_COUNT(names); i++) {
        ASSERT_FAILS(mpj_tree_stat(tree, names[i], &(uint64_t){0}, err), MPIJOB_EUNSUPPORTED, "symbolic link");
        ASSERT_FAILS(mpj_tree_read(tree, names[i], &buffer, 100, err), MPIJOB_EUNSUPPORTED, "symbolic link");
        ASSERT_FAILS(mpj_tree_read_at(tree, names[i], path, 1, 0, err), MPIJOB_EUNSUPPORTED, "symbolic link");
    }
    char text[400] = "";
    ASSERT_FAILS(mpj_tree_list(tree, "out", collect, text, err), MPIJOB_EUNSUPPORTED, "symbolic link");
    ASSERT_FAILS(mpj_tree_read(tree, "pipe", &buffer, 100, err), MPIJOB_ECORRUPT, "pipe");
    ASSERT_OK(mpj_tree_list(tree, "", collect, text, err));
    ck_assert_str_eq(text, ".zgroup=2 a.b=3 a/=0 link=0 out=0 pipe=0 \xc3\xa4=6 ");
    mpj_tree_close(tree);
}
END_TEST

START_TEST(a_link_to_the_root_is_followed)
{
    mpj_tree *tree;
    write_sample(root[_i]);
    ck_assert_int_eq(symlink(root[_i], at("link")), 0);
    ASSERT_OK(mpj_tree_open(&tree, at("link"), err));
    assert_sample(tree);
    mpj_tree_close(tree);
}
END_TEST

/* ---- Content that fails to come ---------------------------------------------------------------------------------- */

typedef struct calls {
    int given, done, fails_at;
} calls;

static int give(void *payload, uint64_t item, const void **data, size_t *bytes, mpijob_error *err)
{
    calls *seen = payload;
    ck_assert_int_eq(seen->given, seen->done);
    ck_assert_int_eq(seen->given, (int)item);
    if ((int)item == seen->fails_at) {
        snprintf(err->text, sizeof err->text, "no item %d", (int)item);
        return MPIJOB_ENOTFOUND;
    }
    seen->given++;
    *data = "content";
    *bytes = 7;
    return MPIJOB_OK;
}

static void done(void *payload, uint64_t item)
{
    calls *seen = payload;
    ck_assert_int_eq(seen->done, (int)item);
    seen->done++;
}

START_TEST(content_is_asked_for_in_order)
{
    calls seen = {0, 0, _i};
    mpj_tree_writer *writer;
    ASSERT_OK(mpj_tree_create(&writer, root[ZIP], err));
    for (int i = 0; i < 5; i++) {
        char name[20];
        snprintf(name, sizeof name, "%d", 9 - i);
        ASSERT_OK(mpj_tree_put_later(writer, name, (uint64_t)i, give, done, &seen, err));
    }
    ck_assert_int_eq(seen.given, 0);
    if (_i == 5)
        ASSERT_OK(mpj_tree_commit(writer, 0, NULL, err));
    else
        ASSERT_FAILS(mpj_tree_commit(writer, 0, NULL, err), MPIJOB_ENOTFOUND, "no item");
    ck_assert_int_eq(seen.given, _i);
    ck_assert_int_eq(seen.done, _i);
    ck_assert_int_eq(access(root[ZIP], F_OK), _i == 5 ? 0 : -1);
}
END_TEST

START_TEST(content_for_a_folder_is_asked_for_at_once)
{
    calls seen = {0, 0, 1};
    mpj_tree_writer *writer;
    ASSERT_OK(mpj_tree_create(&writer, root[FOLDER], err));
    ASSERT_OK(mpj_tree_put_later(writer, "a/0", 0, give, done, &seen, err));
    ck_assert_int_eq(seen.done, 1);
    ASSERT_FAILS(mpj_tree_put_later(writer, "a/1", 1, give, done, &seen, err), MPIJOB_ENOTFOUND, "no item");
    ck_assert_int_eq(seen.done, 1);
    mpj_tree_abandon(writer);
}
END_TEST

/* ---- A system that fails ----------------------------------------------------------------------------------------- */

START_TEST(a_read_error_is_no_damage)
{
    mpj_tree *tree;
    mpj_tree_buffer buffer = {0};
    char part[10];
    write_sample(root[_i]);
    ASSERT_OK(mpj_tree_open(&tree, root[_i], err));
    failing_errno[PREAD] = EIO;
    ASSERT_FAILS(mpj_tree_read(tree, "a/large", &buffer, LARGE, err), MPIJOB_EOS, strerror(EIO));
    ASSERT_FAILS(mpj_tree_read_at(tree, "a/large", part, sizeof part, 5, err), MPIJOB_EOS, strerror(EIO));
    mpj_tree *second;
    if (_i == ZIP)
        ASSERT_FAILS(mpj_tree_open(&second, root[_i], err), MPIJOB_EOS, strerror(EIO));
    failing_errno[PREAD] = 0;
    assert_sample(tree);
    mpj_free(buffer.data);
    mpj_tree_close(tree);
}
END_TEST

START_TEST(a_file_that_cannot_be_opened_is_not_missing)
{
    static const int reasons[] = {EMFILE, EACCES, EIO, ENOMEM, ESTALE};
    mpj_tree *tree;
    mpj_tree_buffer buffer = {0};
    write_sample(root[FOLDER]);
    ASSERT_OK(mpj_tree_open(&tree, root[FOLDER], err));
    failing_errno[OPENAT] = reasons[_i];
    ASSERT_FAILS(mpj_tree_read(tree, "a.b", &buffer, LARGE, err), MPIJOB_EOS, strerror(reasons[_i]));
    ASSERT_FAILS(mpj_tree_stat(tree, "a/large", &(uint64_t){0}, err), MPIJOB_EOS, strerror(reasons[_i]));
    ASSERT_FAILS(mpj_tree_list(tree, "a", collect, NULL, err), MPIJOB_EOS, strerror(reasons[_i]));
    failing_errno[OPENAT] = 0;
    mpj_tree_close(tree);
}
END_TEST

/* What cures a client of GlusterFS. */
START_TEST(a_stale_file_is_asked_for_again_after_its_folder_was_listed)
{
    mpj_tree *tree;
    mpj_tree_buffer buffer = {0};
    write_sample(root[FOLDER]);
    ASSERT_OK(mpj_tree_open(&tree, root[FOLDER], err));
    listed_folders = 0;
    stale_opens = 1;
    ASSERT_OK(mpj_tree_read(tree, "a/b/0.1", &buffer, LARGE, err));
    ck_assert_int_eq(listed_folders, 1);
    stale_opens = 3;
    ASSERT_OK(mpj_tree_read(tree, "a.b", &buffer, LARGE, err));
    ck_assert_int_eq(listed_folders, 4);
    ck_assert_int_eq(stale_opens, 0);
    mpj_free(buffer.data);
    mpj_tree_close(tree);
}
END_TEST

START_TEST(messages_have_the_whole_name)
{
    mpj_tree *tree;
    mpj_tree_buffer buffer = {0};
    write_sample(root[_i]);
    ASSERT_OK(mpj_tree_open(&tree, root[_i], err));
    ASSERT_FAILS(mpj_tree_read(tree, "a/none/0.1", &buffer, LARGE, err), MPIJOB_ENOTFOUND, "a/none/0.1");
    ASSERT_FAILS(mpj_tree_read(tree, "a/b/0.7", &buffer, LARGE, err), MPIJOB_ENOTFOUND, "a/b/0.7");
    ASSERT_FAILS(mpj_tree_stat(tree, "a/none/0.1", NULL, err), MPIJOB_ENOTFOUND, "a/none/0.1");
    ASSERT_FAILS(mpj_tree_list(tree, "a/none", collect, NULL, err), MPIJOB_ENOTFOUND, "a/none");
    mpj_tree_close(tree);
}
END_TEST

START_TEST(a_full_disk)
{
    mpj_tree_writer *writer;
    int asked = 0;
    write_sample(root[ZIP]);
    ASSERT_OK(mpj_tree_create(&writer, root[ZIP], err));
    ASSERT_OK(mpj_tree_put(writer, "small", "x", 1, err));
    if (_i > 0)
        ASSERT_OK(mpj_tree_put_later(writer, "large", 42, give_large, done_large, &asked, err));
    failing_errno[PWRITEV] = ENOSPC;
    ASSERT_FAILS(mpj_tree_commit(writer, 0, NULL, err), MPIJOB_EOS, strerror(ENOSPC));
    failing_errno[PWRITEV] = 0;
    ck_assert_int_eq(asked, _i > 0 ? 101 : 0);
    mpj_tree *tree;
    ASSERT_OK(mpj_tree_open(&tree, root[ZIP], err));
    assert_sample(tree);
    mpj_tree_close(tree);
}
END_TEST

/* ---- No memory --------------------------------------------------------------------------------------------------- */

static int write_small(const char *path, mpijob_error *err)
{
    calls seen = {0, 0, 5};
    mpj_tree_writer *writer;
    int status = mpj_tree_create(&writer, path, err);
    if (status != MPIJOB_OK)
        return status;
    status = mpj_tree_put(writer, "a/b", "1", 1, err);
    if (status == MPIJOB_OK)
        status = mpj_tree_put_later(writer, "c", 0, give, done, &seen, err);
    if (status == MPIJOB_OK)
        return mpj_tree_commit(writer, 0, NULL, err);
    mpj_tree_abandon(writer);
    return status;
}

static int read_small(const char *path, mpijob_error *err)
{
    mpj_tree *tree;
    mpj_tree_buffer buffer = {0};
    char text[400] = "";
    int status = mpj_tree_open(&tree, path, err);
    if (status != MPIJOB_OK)
        return status;
    status = mpj_tree_read(tree, "a/b", &buffer, 100, err);
    if (status == MPIJOB_OK)
        status = mpj_tree_list(tree, "", collect, text, err);
    if (status == MPIJOB_OK)
        ck_assert_str_eq(text, "a/=0 c=7 ");
    mpj_free(buffer.data);
    mpj_tree_close(tree);
    return status;
}

static int entries_in_base(void)
{
    int count = 0;
    DIR *listing = opendir(base);
    while (readdir(listing))
        count++;
    closedir(listing);
    return count - 2;
}

static void fail_each_allocation(const char *path, int (*work)(const char *path, mpijob_error *err), int entries)
{
    uint64_t fail = 0;
    for (int status = MPIJOB_ENOMEM; status != MPIJOB_OK; fail++) {
        mpijob_error err = {.text = ""};
        mpj_alloc_fail_after(fail);
        status = work(path, &err);
        mpj_alloc_fail_after(UINT64_MAX);
        ck_assert_msg(status == MPIJOB_OK || status == MPIJOB_ENOMEM, "%d %s", status, err.text);
        if (status != MPIJOB_OK)
            ck_assert_int_eq(entries_in_base(), entries);
        ck_assert_uint_lt(fail, 100);
    }
    ck_assert_uint_gt(fail, 1);
}

START_TEST(each_allocation_fails_in_turn)
{
    fail_each_allocation(root[_i], write_small, 0);
    fail_each_allocation(root[_i], read_small, 1);
}
END_TEST

/* ---- Several threads --------------------------------------------------------------------------------------------- */

static void *read_often(void *tree)
{
    mpj_tree_buffer buffer = {0};
    unsigned char part[100];
    long wrong = 0;
    for (int i = 0; i < 50; i++) {
        wrong += mpj_tree_read(tree, "a/large", &buffer, LARGE, NULL) != MPIJOB_OK;
        wrong += buffer.bytes != LARGE || memcmp(buffer.data, large(), LARGE) != 0;
        wrong += mpj_tree_read(tree, "a/b/0.1", &buffer, LARGE, NULL) != MPIJOB_OK || buffer.bytes != 3;
        wrong += mpj_tree_read_at(tree, "a/large", part, 100, 1000 * (size_t)i, NULL) != MPIJOB_OK;
        wrong += memcmp(part, large() + 1000 * i, 100) != 0;
    }
    mpj_free(buffer.data);
    return (void *)wrong;
}

START_TEST(threads_read_one_tree)
{
    enum {
        THREADS = 4
    };
    pthread_t threads[THREADS];
    mpj_tree *tree;
    large();
    write_sample(root[_i]);
    ASSERT_OK(mpj_tree_open(&tree, root[_i], err));
    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, read_often, tree), 0);
    for (int i = 0; i < THREADS; i++) {
        void *wrong;
        ck_assert_int_eq(pthread_join(threads[i], &wrong), 0);
        ck_assert_ptr_null(wrong);
    }
    mpj_tree_close(tree);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tree");
    TCase *group = tcase_create("tree");
    tcase_add_checked_fixture(group, make_base, remove_base);
    tcase_add_loop_test(group, what_was_put_is_read, 0, KINDS);
    tcase_add_loop_test(group, it_appears_at_commit, 0, KINDS);
    tcase_add_test(group, equal_content_makes_equal_zips);
    tcase_add_loop_test(group, ranges, 0, KINDS);
    tcase_add_loop_test(group, a_limit_is_kept, 0, KINDS);
    tcase_add_loop_test(group, lists, 0, KINDS);
    tcase_add_loop_test(group, unsound_names_are_refused, 0, KINDS);
    tcase_add_loop_test(group, sound_names_are_taken, 0, KINDS);
    tcase_add_loop_test(group, a_folder_is_no_file, 0, KINDS);
    tcase_add_loop_test(group, a_name_is_put_once, 0, KINDS);
    tcase_add_test(group, a_zip_has_names_in_utf8);
    tcase_add_test(group, what_is_no_tree);
    tcase_add_test(group, links_inside_a_folder_are_not_followed);
    tcase_add_loop_test(group, a_link_to_the_root_is_followed, 0, KINDS);
    tcase_add_loop_test(group, content_is_asked_for_in_order, 0, 6);
    tcase_add_test(group, content_for_a_folder_is_asked_for_at_once);
    tcase_add_loop_test(group, a_read_error_is_no_damage, 0, KINDS);
    tcase_add_test(group, a_stale_file_is_asked_for_again_after_its_folder_was_listed);
    tcase_add_loop_test(group, messages_have_the_whole_name, 0, KINDS);
    tcase_add_loop_test(group, a_file_that_cannot_be_opened_is_not_missing, 0, 5);
    tcase_add_loop_test(group, a_full_disk, 0, 2);
    tcase_add_loop_test(group, each_allocation_fails_in_turn, 0, KINDS);
    tcase_add_loop_test(group, threads_read_one_tree, 0, KINDS);
    suite_add_tcase(suite, group);
    return unit_run(suite);
}
