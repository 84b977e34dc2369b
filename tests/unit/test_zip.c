/* Zip files from elsewhere: other programs', damaged, hostile; and many or large files in one. */
#include "base/alloc.h"
#include "io/tree.h"

#include "unit.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static char base[200];
static char path[256];

static void make_base(void)
{
    const char *tmp = getenv("TMPDIR");
    snprintf(base, sizeof base, "%s/mpijob-zip-XXXXXX", tmp ? tmp : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(base));
    snprintf(path, sizeof path, "%s/t.zip", base);
}

static void remove_base(void)
{
    ck_assert_int_eq(mpj_folder_remove(base, NULL), MPIJOB_OK);
}

#define ASSERT_OK(call)                                                                                                \
    do {                                                                                                               \
        mpijob_error err_ = {.text = ""}, *err = &err_;                                                                \
        ck_assert_msg((call) == MPIJOB_OK, #call ": %s", err_.text);                                                   \
    } while (0)

#define ASSERT_FAILS(call, expected, part)                                                                             \
    do {                                                                                                               \
        mpijob_error err_ = {.text = ""}, *err = &err_;                                                                \
        int got_ = (call);                                                                                             \
        ck_assert_msg(got_ == (expected), #call ": %d, %s", got_, err_.text);                                          \
        ck_assert_msg(strstr(err_.text, part) != NULL, #call ": %s", err_.text);                                       \
    } while (0)

/* ---- Zip files byte by byte -------------------------------------------------------------------------------------- */

typedef struct made_file {
    const char *name, *content; /* of content: what stands in the file */
    unsigned flags, method;
    uint32_t bytes;         /* claimed; 0: content's */
    const char *local_name; /* NULL: name */
    uint32_t crc;           /* 0: content's */
    size_t packed;          /* length of content; 0: up to its zero */
} made_file;

static unsigned char zip[70000];
static size_t zip_bytes;

static void put_number(uint64_t value, int bytes)
{
    for (int i = 0; i < bytes; i++)
        zip[zip_bytes++] = (unsigned char)(value >> (8 * i));
}

static void put_text(const char *text)
{
    memcpy(zip + zip_bytes, text, strlen(text));
    zip_bytes += strlen(text);
}

static uint32_t crc_of(const char *content, size_t bytes)
{
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < 8 * bytes; i++) {
        uint32_t bit = (crc ^ (uint32_t)((unsigned char)content[i / 8] >> i % 8)) & 1;
        crc = crc >> 1 ^ (bit ? 0xedb88320u : 0);
    }
    return ~crc;
}

static size_t packed_bytes(const made_file *file)
{
    return file->packed ? file->packed : strlen(file->content);
}

static void put_common(const made_file *file, const char *name)
{
    size_t packed = packed_bytes(file);
    put_number(20, 2);
    put_number(file->flags, 2);
    put_number(file->method, 2);
    put_number(0x00210000, 4);
    put_number(file->crc ? file->crc : crc_of(file->content, packed), 4);
    put_number(packed, 4);
    put_number(file->bytes ? file->bytes : packed, 4);
    put_number(strlen(name), 2);
    put_number(0, 2);
}

static void make_zip(const made_file *files, int count)
{
    size_t offsets[16];
    zip_bytes = 0;
    for (int i = 0; i < count; i++) {
        const char *name = files[i].local_name ? files[i].local_name : files[i].name;
        offsets[i] = zip_bytes;
        put_text("PK\3\4");
        put_common(&files[i], name);
        put_text(name);
        memcpy(zip + zip_bytes, files[i].content, packed_bytes(&files[i]));
        zip_bytes += packed_bytes(&files[i]);
    }
    size_t directory = zip_bytes;
    for (int i = 0; i < count; i++) {
        put_text("PK\1\2");
        put_number(20, 2);
        put_common(&files[i], files[i].name);
        put_number(0, 8);
        put_number(0, 2);
        put_number(offsets[i], 4);
        put_text(files[i].name);
    }
    size_t length = zip_bytes - directory;
    put_text("PK\5\6");
    put_number(0, 4);
    put_number((uint64_t)count, 2);
    put_number((uint64_t)count, 2);
    put_number(length, 4);
    put_number(directory, 4);
    put_number(0, 2);
}

static int open_made(mpj_tree **tree, mpijob_error *err)
{
    unlink(path);
    ck_assert_int_eq(mpj_file_write_all(path, zip, zip_bytes, 0, err), MPIJOB_OK);
    return mpj_tree_open(tree, path, err);
}

static void assert_content(mpj_tree *tree, const char *name, const char *content)
{
    mpj_tree_buffer buffer = {0};
    ASSERT_OK(mpj_tree_read(tree, name, &buffer, strlen(content), err));
    ck_assert_uint_eq(buffer.bytes, strlen(content));
    ck_assert_mem_eq(buffer.data, content, buffer.bytes);
    mpj_free(buffer.data);
}

static int collect(const char *name, uint64_t bytes, void *payload)
{
    char *text = payload;
    snprintf(text + strlen(text), 400 - strlen(text), "%s=%llu ", name, (unsigned long long)bytes);
    return 0;
}

static const made_file three[] = {
    {.name = "a", .content = "first"}, {.name = "b/0.0", .content = "second"}, {.name = "b/0.1", .content = "third"}};

START_TEST(a_zip_made_by_hand)
{
    mpj_tree *tree;
    make_zip(three, 3);
    ASSERT_OK(open_made(&tree, err));
    for (int i = 0; i < 3; i++)
        assert_content(tree, three[i].name, three[i].content);
    mpj_tree_close(tree);
}
END_TEST

START_TEST(names_that_lead_elsewhere_are_left_out)
{
    static const made_file files[] = {
        {.name = "../x", .content = "1"},      {.name = "/etc/passwd", .content = "1"},
        {.name = "a/../../x", .content = "1"}, {.name = "", .content = "1"},
        {.name = "a//b", .content = "1"},      {.name = "./c", .content = "1"},
        {.name = "/", .content = ""},          {.name = "../", .content = ""},
        {.name = "d/", .content = ""},         {.name = "e/f", .content = "2"},
    };
    mpj_tree *tree;
    char text[400] = "";
    make_zip(files, UNIT_COUNT(files));
    ASSERT_OK(open_made(&tree, err));
    ASSERT_OK(mpj_tree_list(tree, "", collect, text, err));
    ck_assert_str_eq(text, "d/=0 e/=0 ");
    text[0] = '\0';
    ASSERT_OK(mpj_tree_list(tree, "d", collect, text, err));
    ck_assert_str_eq(text, "");
    ASSERT_FAILS(mpj_tree_stat(tree, "d", &(uint64_t){0}, err), MPIJOB_ECORRUPT, "folder");
    mpj_tree_close(tree);
}
END_TEST

START_TEST(the_last_of_equal_names_counts)
{
    static const made_file files[] = {{.name = "a", .content = "old"},
                                      {.name = "b", .content = "1"},
                                      {.name = "a", .content = "newer"},
                                      {.name = "a", .content = "newest"}};
    mpj_tree *tree;
    char text[400] = "";
    make_zip(files, UNIT_COUNT(files));
    ASSERT_OK(open_made(&tree, err));
    assert_content(tree, "a", "newest");
    ASSERT_OK(mpj_tree_list(tree, "", collect, text, err));
    ck_assert_str_eq(text, "a=6 b=1 ");
    mpj_tree_close(tree);
}
END_TEST

/* "hello" as deflate's stored block. */
#define PACKED "\001\005\000\372\377hello"
#define PACKED_BYTES (sizeof PACKED - 1)
#define HELLO_CRC 0x3610a686u

START_TEST(what_cannot_be_read_says_why)
{
    static const struct {
        made_file file;
        int status;
        const char *text;
    } cases[] = {
        {{.name = "x", .content = "secret-secret", .flags = 1}, MPIJOB_EUNSUPPORTED, "encrypted"},
        {{.name = "x", .content = "secret-secret", .flags = 0x41}, MPIJOB_EUNSUPPORTED, "encrypted"},
        {{.name = "x", .content = "1", .method = 98}, MPIJOB_EUNSUPPORTED, "method 98"},
        {{.name = "x", .content = "12", .bytes = 3}, MPIJOB_ECORRUPT, "impossible length"},
        {{.name = "x", .content = "12", .bytes = 1}, MPIJOB_ECORRUPT, "impossible length"},
        {{.name = "x", .content = "12", .bytes = 0xfffffffe}, MPIJOB_ECORRUPT, "impossible length"},
        {{.name = "x", .content = "", .bytes = 5}, MPIJOB_ECORRUPT, "impossible length"},
        {{.name = "x", .content = "", .method = 8, .bytes = 5}, MPIJOB_ECORRUPT, "impossible length"},
        {{.name = "x", .content = "12", .crc = 1}, MPIJOB_ECORRUPT, "checksum"},
        {{.name = "x", .content = PACKED, .packed = PACKED_BYTES, .method = 8, .bytes = 5, .crc = 1},
         MPIJOB_ECORRUPT,
         "checksum"},
        {{.name = "x", .content = PACKED, .packed = PACKED_BYTES, .method = 8, .bytes = 4, .crc = HELLO_CRC},
         MPIJOB_ECORRUPT,
         "x"},
        {{.name = "x", .content = PACKED, .packed = PACKED_BYTES, .method = 8, .bytes = 6, .crc = HELLO_CRC},
         MPIJOB_ECORRUPT,
         "x"},
        {{.name = "x", .content = "garbage", .method = 8, .bytes = 5}, MPIJOB_ECORRUPT, "x"},
    };
    mpj_tree *tree;
    mpj_tree_buffer buffer = {0};
    make_zip(&cases[_i].file, 1);
    ASSERT_OK(open_made(&tree, err));
    ASSERT_FAILS(mpj_tree_read(tree, "x", &buffer, UINT64_MAX, err), cases[_i].status, cases[_i].text);
    ck_assert_uint_eq(buffer.bytes, 0);
    mpj_free(buffer.data);
    mpj_tree_close(tree);
}
END_TEST

START_TEST(packed_files_are_read)
{
    static const made_file file = {
        .name = "x", .content = PACKED, .packed = PACKED_BYTES, .method = 8, .bytes = 5, .crc = HELLO_CRC};
    mpj_tree *tree;
    char part[2];
    make_zip(&file, 1);
    ASSERT_OK(open_made(&tree, err));
    assert_content(tree, "x", "hello");
    ASSERT_FAILS(mpj_tree_read_at(tree, "x", part, 2, 1, err), MPIJOB_EUNSUPPORTED, "packed");
    mpj_tree_close(tree);
}
END_TEST

START_TEST(a_claimed_length_is_not_believed)
{
    static const made_file file = {
        .name = "x", .content = PACKED, .packed = PACKED_BYTES, .method = 8, .bytes = 0xfffffff0u, .crc = HELLO_CRC};
    mpj_tree *tree;
    mpj_tree_buffer buffer = {0};
    make_zip(&file, 1);
    ASSERT_OK(open_made(&tree, err));
    ASSERT_FAILS(mpj_tree_read(tree, "x", &buffer, UINT64_MAX, err), MPIJOB_ECORRUPT, "x");
    ck_assert_uint_lt(buffer.capacity, 100000);
    mpj_free(buffer.data);
    mpj_tree_close(tree);
}
END_TEST

START_TEST(two_different_names_for_one_file)
{
    static const made_file file = {.name = "0.1", .content = "12", .local_name = "0.0"};
    mpj_tree *tree;
    make_zip(&file, 1);
    ASSERT_FAILS(open_made(&tree, err), MPIJOB_ECORRUPT, path);
}
END_TEST

START_TEST(counts_that_lie)
{
    mpj_tree *tree;
    for (int bytes = 1; bytes < 0x10000; bytes = bytes * 3 + 1) {
        make_zip(three, 3);
        zip[zip_bytes - 14] = zip[zip_bytes - 12] = (unsigned char)bytes;
        zip[zip_bytes - 13] = zip[zip_bytes - 11] = (unsigned char)(bytes >> 8);
        ASSERT_FAILS(open_made(&tree, err), MPIJOB_ECORRUPT, path);
    }
}
END_TEST

/* ---- Damage ------------------------------------------------------------------------------------------------------ */

static int reads_all(mpijob_error *err)
{
    mpj_tree *tree;
    mpj_tree_buffer buffer = {0};
    int status = open_made(&tree, err);
    if (status != MPIJOB_OK)
        return status;
    for (int i = 0; i < 3 && status == MPIJOB_OK; i++) {
        status = mpj_tree_read(tree, three[i].name, &buffer, 1000, err);
        if (status == MPIJOB_OK) { /* never anything else */
            ck_assert_uint_eq(buffer.bytes, strlen(three[i].content));
            ck_assert_mem_eq(buffer.data, three[i].content, buffer.bytes);
        }
        ck_assert_int_ne(status, MPIJOB_ENOTFOUND);
    }
    mpj_free(buffer.data);
    mpj_tree_close(tree);
    return status;
}

START_TEST(a_flipped_bit_never_goes_unnoticed_in_what_counts)
{
    int noticed = 0;
    make_zip(three, 3);
    for (size_t bit = 0; bit < 8 * zip_bytes; bit++) {
        mpijob_error err = {.text = ""};
        zip[bit / 8] ^= (unsigned char)(1 << bit % 8);
        int status = reads_all(&err);
        ck_assert_msg(status == MPIJOB_OK || status == MPIJOB_ECORRUPT || status == MPIJOB_EUNSUPPORTED,
                      "bit %zu: %d %s", bit, status, err.text);
        noticed += status != MPIJOB_OK;
        zip[bit / 8] ^= (unsigned char)(1 << bit % 8);
    }
    ck_assert_int_gt(noticed, (int)(4 * zip_bytes)); /* the others stand for dates, attributes, versions */
}
END_TEST

START_TEST(cut_short_anywhere_is_an_error)
{
    make_zip(three, 3);
    for (size_t bytes = zip_bytes; bytes-- > 0;) {
        zip_bytes = bytes;
        ASSERT_FAILS(reads_all(err), MPIJOB_ECORRUPT, path);
    }
}
END_TEST

START_TEST(cut_short_while_it_is_open)
{
    static char content[20000];
    memset(content, 'x', sizeof content - 1);
    const made_file files[] = {{.name = "a", .content = content}, {.name = "b", .content = content}};
    mpj_tree *tree;
    mpj_tree_buffer buffer = {0};
    make_zip(files, 2);
    ASSERT_OK(open_made(&tree, err));
    ck_assert_int_eq(truncate(path, 50), 0);
    ASSERT_FAILS(mpj_tree_read(tree, "a", &buffer, 20000, err), MPIJOB_ECORRUPT, "a");
    ASSERT_FAILS(mpj_tree_read(tree, "b", &buffer, 20000, err), MPIJOB_ECORRUPT, "b");
    ASSERT_FAILS(mpj_tree_read_at(tree, "b", &(char){0}, 1, 7000, err), MPIJOB_ECORRUPT, "b");
    mpj_free(buffer.data);
    mpj_tree_close(tree);
}
END_TEST

/* ---- Many and large ---------------------------------------------------------------------------------------------- */

static void write_many(int count)
{
    mpj_tree_writer *writer;
    ASSERT_OK(mpj_tree_create(&writer, path, err));
    for (int i = 0; i < count; i++) {
        char name[40];
        snprintf(name, sizeof name, "x/%d", i);
        ASSERT_OK(mpj_tree_put(writer, name, name, strlen(name), err));
    }
    ASSERT_OK(mpj_tree_commit(writer, 0, NULL, err));
}

static int count_one(const char *name, uint64_t bytes, void *payload)
{
    ck_assert_uint_eq(bytes, strlen(name) + 2);
    ++*(int *)payload;
    return 0;
}

START_TEST(more_than_65535_files)
{
    int count = getenv("MPIJOB_TEST_LESS") ? 65537 : 140000, listed = 0;
    mpj_tree *tree;
    write_many(count);
    ASSERT_OK(mpj_tree_open(&tree, path, err));
    ASSERT_OK(mpj_tree_list(tree, "x", count_one, &listed, err));
    ck_assert_int_eq(listed, count);
    for (int i = 0; i < count; i += 9973) {
        char name[40];
        snprintf(name, sizeof name, "x/%d", i);
        assert_content(tree, name, name);
    }
    mpj_tree_close(tree);
}
END_TEST

/* As many files of 1 GiB as the environment asks for. */
#define GIB ((size_t)1 << 30)

static int give_gib(void *payload, uint64_t item, const void **data, size_t *bytes, mpijob_error *err)
{
    (void)err;
    memcpy(payload, &item, sizeof item);
    *data = payload;
    *bytes = GIB - (size_t)item;
    return MPIJOB_OK;
}

START_TEST(more_than_4_gib)
{
    const char *wanted = getenv("MPIJOB_TEST_ZIP_GIB");
    int count = wanted ? atoi(wanted) : 0;
    if (count == 0)
        return;
    char *content = mpj_calloc(1, GIB);
    mpj_tree_writer *writer;
    char name[40];
    ASSERT_OK(mpj_tree_create(&writer, path, err));
    for (int i = 0; i < count; i++) {
        snprintf(name, sizeof name, "%d", i);
        ASSERT_OK(mpj_tree_put_later(writer, name, (uint64_t)i, give_gib, NULL, content, err));
    }
    ASSERT_OK(mpj_tree_commit(writer, 0, NULL, err));
    mpj_free(content);
    mpj_tree *tree;
    mpj_tree_buffer buffer = {0};
    ASSERT_OK(mpj_tree_open(&tree, path, err));
    for (int i = 0; i < count; i++) {
        uint64_t first;
        snprintf(name, sizeof name, "%d", i);
        ASSERT_OK(mpj_tree_read(tree, name, &buffer, GIB, err));
        ck_assert_uint_eq(buffer.bytes, GIB - (size_t)i);
        memcpy(&first, buffer.data, sizeof first);
        ck_assert_uint_eq(first, (uint64_t)i);
        ASSERT_OK(mpj_tree_read_at(tree, name, &first, sizeof first, 0, err));
        ck_assert_uint_eq(first, (uint64_t)i);
    }
    mpj_free(buffer.data);
    mpj_tree_close(tree);
}
END_TEST

/* ---- Python's zipfile -------------------------------------------------------------------------------------------- */

static void python(const char *program)
{
    char script[300], command[900];
    snprintf(script, sizeof script, "%s/program.py", base);
    ASSERT_OK(mpj_file_write_all(script, program, strlen(program), 0, err));
    snprintf(command, sizeof command, PYTHON " %s %s", script, path);
    int status = system(command);
    ck_assert_msg(status == 0, "%s: %d\n%s", command, status, program);
}

START_TEST(python_reads_it)
{
    mpj_tree_writer *writer;
    ASSERT_OK(mpj_tree_create(&writer, path, err));
    ASSERT_OK(mpj_tree_put(writer, ".zarray", "{}", 2, err));
    ASSERT_OK(mpj_tree_put(writer, "\xc3\xa4/0.0", "chunk", 5, err));
    ASSERT_OK(mpj_tree_put(writer, "empty", "", 0, err));
    ASSERT_OK(mpj_tree_commit(writer, 0, NULL, err));
    python("import sys, zipfile\n"
           "z = zipfile.ZipFile(sys.argv[1])\n"
           "assert z.testzip() is None\n"
           "assert z.namelist() == ['.zarray', '\\u00e4/0.0', 'empty'], z.namelist()\n"
           "assert [z.read(n) for n in z.namelist()] == [b'{}', b'chunk', b'']\n"
           "for i in z.infolist():\n"
           "    assert i.compress_type == 0 and i.date_time == (1980, 1, 1, 0, 0, 0) and not i.extra, i\n"
           "    assert i.flag_bits & ~0x800 == 0 and i.external_attr >> 16 == 0o100666, i\n");
}
END_TEST

START_TEST(python_reads_many)
{
    write_many(66000);
    python("import sys, zipfile\n"
           "z = zipfile.ZipFile(sys.argv[1])\n"
           "assert len(z.namelist()) == 66000\n"
           "assert z.read('x/65999') == b'x/65999'\n");
}
END_TEST

START_TEST(a_flipped_bit_is_an_error_to_python)
{
    mpj_tree_writer *writer;
    ASSERT_OK(mpj_tree_create(&writer, path, err));
    ASSERT_OK(mpj_tree_put(writer, "0.0", "chunk", 5, err));
    ASSERT_OK(mpj_tree_commit(writer, 0, NULL, err));
    python("import sys, zipfile\n"
           "b = bytearray(open(sys.argv[1], 'rb').read())\n"
           "b[b.index(b'chunk')] ^= 1\n"
           "open(sys.argv[1], 'wb').write(b)\n"
           "try: zipfile.ZipFile(sys.argv[1]).read('0.0')\n"
           "except zipfile.BadZipFile: sys.exit(0)\n"
           "sys.exit(1)\n");
    mpj_tree *tree;
    mpj_tree_buffer buffer = {0};
    ASSERT_OK(mpj_tree_open(&tree, path, err));
    ASSERT_FAILS(mpj_tree_read(tree, "0.0", &buffer, 100, err), MPIJOB_ECORRUPT, "0.0: the zip's checksum");
    mpj_free(buffer.data);
    mpj_tree_close(tree);
}
END_TEST

/* Ways in which Python's zipfile, and zarr-python with it, writes. */
START_TEST(what_python_writes_is_read)
{
    static const char *const programs[] = {
        "z = zipfile.ZipFile(p, 'w')\n",
        "z = zipfile.ZipFile(p, 'w', zipfile.ZIP_DEFLATED)\n",
        "z = zipfile.ZipFile(p, 'w', zipfile.ZIP_BZIP2)\n",
        "z = zipfile.ZipFile(p, 'w'); z.comment = b'PK and so on'\n",
        "z = zipfile.ZipFile(p, 'w'); z.writestr('a/', ''); z.writestr('a/0.0', b'old')\n",
        "class S:\n"
        "    def __init__(s): s.f = open(p, 'wb')\n"
        "    def write(s, b): return s.f.write(b)\n"
        "    def flush(s): s.f.flush()\n"
        "z = zipfile.ZipFile(S(), 'w', zipfile.ZIP_DEFLATED)\n",
        "z = zipfile.ZipFile(p, 'w'); f = z.open('other', 'w', force_zip64=True); f.write(b'other'); f.close()\n",
    };
    char program[1500];
    snprintf(program, sizeof program,
             "import sys, zipfile, warnings\nwarnings.simplefilter('ignore')\np = sys.argv[1]\n%s"
             "z.writestr('a/0.0', b'chunk' * 100000)\nz.writestr('empty', b'')\nz.close()\nz.fp and z.fp.f.close()\n",
             programs[_i]);
    python(program);
    mpj_tree *tree;
    mpj_tree_buffer buffer = {0};
    ASSERT_OK(mpj_tree_open(&tree, path, err));
    ASSERT_OK(mpj_tree_read(tree, "a/0.0", &buffer, 500000, err));
    ck_assert_uint_eq(buffer.bytes, 500000);
    for (size_t i = 0; i < 500000; i += 5)
        ck_assert_mem_eq((char *)buffer.data + i, "chunk", 5);
    ASSERT_OK(mpj_tree_read(tree, "empty", &buffer, 500000, err));
    ck_assert_uint_eq(buffer.bytes, 0);
    mpj_free(buffer.data);
    mpj_tree_close(tree);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("zip");
    TCase *group = tcase_create("zip");
    tcase_add_checked_fixture(group, make_base, remove_base);
    tcase_add_test(group, a_zip_made_by_hand);
    tcase_add_test(group, names_that_lead_elsewhere_are_left_out);
    tcase_add_test(group, the_last_of_equal_names_counts);
    tcase_add_loop_test(group, what_cannot_be_read_says_why, 0, 13);
    tcase_add_test(group, packed_files_are_read);
    tcase_add_test(group, a_claimed_length_is_not_believed);
    tcase_add_test(group, two_different_names_for_one_file);
    tcase_add_test(group, counts_that_lie);
    tcase_add_test(group, a_flipped_bit_never_goes_unnoticed_in_what_counts);
    tcase_add_test(group, cut_short_anywhere_is_an_error);
    tcase_add_test(group, cut_short_while_it_is_open);
    tcase_add_test(group, more_than_65535_files);
    tcase_add_test(group, more_than_4_gib);
    tcase_add_test(group, python_reads_it);
    tcase_add_test(group, python_reads_many);
    tcase_add_test(group, a_flipped_bit_is_an_error_to_python);
    tcase_add_loop_test(group, what_python_writes_is_read, 0, 7);
    suite_add_tcase(suite, group);
    return unit_run(suite);
}
