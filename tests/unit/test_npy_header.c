#include "array/forms.h"
#include "base/alloc.h"

#include "unit.h"

#include <stdio.h>
#include <string.h>

#define ROOM (1 << 17)

static char file[ROOM];

/* A file's beginning, of a dict and a version; its length. */
static size_t compose(char *out, int version, const char *dict)
{
    size_t length = strlen(dict);
    size_t front = version == 1 ? 10 : 12;
    memcpy(out, "\x93NUMPY", 6);
    out[6] = (char)version;
    out[7] = 0;
    for (size_t i = 8; i < front; i++)
        out[i] = (char)(i < 12 ? length >> (8 * (i - 8)) : 0);
    memcpy(out + front, dict, length);
    return front + length;
}

static int parse(mpj_npy_header *header, const char *bytes, size_t count, int *complete, size_t *need,
                 mpijob_error *err)
{
    /* A block of its own lets the address sanitizer see a byte too many. */
    char *block = malloc(count ? count : 1);
    memcpy(block, bytes, count);
    int status = mpj_npy_header_parse(header, block, count, complete, need, "x.npy", err);
    free(block);
    return status;
}

/* ---- Good ones ------------------------------------------------------------------------------------------------- */

static const struct good {
    int version;
    const char *dict;
    int kind;
    size_t element;
    int order;
    int ndim;
    size_t shape[4];
    size_t bytes;
    int byte_order;
} good[] = {
    {1, "{'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }   \n", MPIJOB_FLOAT64, 8, 'C', 2, {3, 4}, 96, '<'},
    {1, "{'descr': '<f8', 'fortran_order': True, 'shape': (3, 4), }\n", MPIJOB_FLOAT64, 8, 'F', 2, {3, 4}, 96, '<'},
    {1, "{'descr': '>f8', 'fortran_order': False, 'shape': (5,), }\n", MPIJOB_FLOAT64, 8, 'C', 1, {5}, 40, '>'},
    {1, "{'descr': '|b1', 'fortran_order': False, 'shape': (), }\n", MPIJOB_BOOL, 1, 'C', 0, {0}, 1, '|'},
    {1, "{'descr': '|i1', 'fortran_order': False, 'shape': (0,), }\n", MPIJOB_INT8, 1, 'C', 1, {0}, 0, '|'},
    {1, "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 0, 3), }\n", MPIJOB_UINT8, 1, 'C', 3, {2, 0, 3}, 0, '|'},
    {1, "{'descr': '<i2', 'fortran_order': False, 'shape': (7,)}\n", MPIJOB_INT16, 2, 'C', 1, {7}, 14, '<'},
    {1, "{'shape': (7,), 'descr': '<u2', 'fortran_order': False}\n", MPIJOB_UINT16, 2, 'C', 1, {7}, 14, '<'},
    {1, "{\"shape\": (7,), \"descr\": \"<i4\", \"fortran_order\": False}", MPIJOB_INT32, 4, 'C', 1, {7}, 28, '<'},
    {1, "{ 'descr':'<u4','fortran_order':False,'shape':(7,)}\n", MPIJOB_UINT32, 4, 'C', 1, {7}, 28, '<'},
    {2, "{'descr': '<i8', 'fortran_order': False, 'shape': (1,), }\n", MPIJOB_INT64, 8, 'C', 1, {1}, 8, '<'},
    {3, "{'descr': '<u8', 'fortran_order': False, 'shape': (1,), }\n", MPIJOB_UINT64, 8, 'C', 1, {1}, 8, '<'},
    {1,
     "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1, 1, 1), }\n",
     MPIJOB_FLOAT32,
     4,
     'C',
     4,
     {1, 1, 1, 1},
     4,
     '<'},
    {1, "{'descr': '>c8', 'fortran_order': False, 'shape': (2,), }\n", MPIJOB_COMPLEX64, 8, 'C', 1, {2}, 16, '>'},
    {1, "{'descr': '<c16', 'fortran_order': False, 'shape': (2,), }\n", MPIJOB_COMPLEX128, 16, 'C', 1, {2}, 32, '<'},
    {1, "{'descr': '|S7', 'fortran_order': False, 'shape': (2,), }\n", MPIJOB_BYTES, 7, 'C', 1, {2}, 14, '|'},
    {1, "{'descr': '<U3', 'fortran_order': False, 'shape': (2,), }\n", MPIJOB_OPAQUE, 12, 'C', 1, {2}, 24, '<'},
    {1, "{'descr': '<f2', 'fortran_order': False, 'shape': (2,), }\n", MPIJOB_OPAQUE, 2, 'C', 1, {2}, 4, '<'},
    {1, "{'descr': '<M8[ns]', 'fortran_order': False, 'shape': (2,), }\n", MPIJOB_OPAQUE, 8, 'C', 1, {2}, 16, '<'},
    {1, "{'descr': '|V5', 'fortran_order': False, 'shape': (2,), }\n", MPIJOB_OPAQUE, 5, 'C', 1, {2}, 10, '|'},
    {1,
     "{'descr': [('a', '<f8'), ('b', '<i4')], 'fortran_order': False, 'shape': (2,), }\n",
     MPIJOB_RECORD,
     12,
     'C',
     1,
     {2},
     24,
     '<'},
    {1,
     "{'descr': [('a', '<f8'), ('b', '<i4'), ('', '|V4')], 'fortran_order': False, 'shape': (2,), }\n",
     MPIJOB_RECORD,
     16,
     'C',
     1,
     {2},
     32,
     '<'},
    {1,
     "{'descr': [('a', '>f8', (2, 3)), ('b', [('c', '<i4')])], 'fortran_order': False, 'shape': (), }\n",
     MPIJOB_RECORD,
     52,
     'C',
     0,
     {0},
     52,
     '='},
    {1,
     "{'descr': [('\xe4', '<f8')], 'fortran_order': False, 'shape': (1,), }\n",
     MPIJOB_RECORD,
     8,
     'C',
     1,
     {1},
     8,
     '<'},
    {3,
     "{'descr': [('\xce\xb1', '<f8')], 'fortran_order': False, 'shape': (1,), }\n",
     MPIJOB_RECORD,
     8,
     'C',
     1,
     {1},
     8,
     '<'},
};

START_TEST(good_headers_are_read)
{
    const struct good *c = &good[_i];
    mpj_npy_header header;
    mpijob_error err = {0};
    int complete = 0;
    size_t need = 0;
    size_t count = compose(file, c->version, c->dict);
    ck_assert_msg(parse(&header, file, count, &complete, &need, &err) == MPIJOB_OK, "%s: %s", c->dict, err.text);
    ck_assert_int_eq(complete, 1);
    ck_assert_int_eq(header.version, c->version);
    ck_assert_int_eq(header.dtype.type.kind, c->kind);
    ck_assert_uint_eq(mpijob_type_size(&header.dtype.type), c->element);
    ck_assert_int_eq(header.order, c->order);
    ck_assert_int_eq(header.ndim, c->ndim);
    for (int i = 0; i < c->ndim; i++)
        ck_assert_uint_eq(header.shape[i], c->shape[i]);
    ck_assert_uint_eq(header.data_bytes, c->bytes);
    ck_assert_uint_eq(header.data_offset, count);
    ck_assert_int_eq(header.dtype.byte_order, c->byte_order);
    mpj_npy_header_free(&header);
    mpj_npy_header_free(&header);
}
END_TEST

/* Whatever is cut off is asked for; nothing behind the cut is looked at. */
START_TEST(less_than_all_asks_for_more)
{
    const struct good *c = &good[_i];
    mpj_npy_header header;
    size_t count = compose(file, c->version, c->dict);
    for (size_t bytes = 0; bytes < count; bytes++) {
        int complete = 1;
        size_t need = 0;
        ck_assert_int_eq(parse(&header, file, bytes, &complete, &need, NULL), MPIJOB_OK);
        ck_assert_int_eq(complete, 0);
        ck_assert_uint_gt(need, bytes);
        ck_assert_uint_le(need, count);
    }
}
END_TEST

START_TEST(a_changed_byte_is_read_or_refused)
{
    const struct good *c = &good[_i];
    static char changed[ROOM];
    size_t count = compose(file, c->version, c->dict);
    for (size_t at = 0; at < count; at++) {
        for (int bit = 0; bit < 8; bit++) {
            mpj_npy_header header;
            mpijob_error err = {0};
            int complete = 0;
            size_t need = 0;
            memcpy(changed, file, count);
            changed[at] = (char)(changed[at] ^ 1 << bit);
            int status = parse(&header, changed, count, &complete, &need, &err);
            ck_assert_int_eq(err.status, status);
            ck_assert(status == MPIJOB_OK || status == MPIJOB_ECORRUPT || status == MPIJOB_EUNSUPPORTED ||
                      status == MPIJOB_EVERSION);
            ck_assert(status == MPIJOB_OK || !complete);
            if (status == MPIJOB_OK && complete)
                mpj_npy_header_free(&header);
        }
    }
}
END_TEST

/* ---- Bad ones -------------------------------------------------------------------------------------------------- */

#define DICT(descr, fortran, shape) "{'descr': " descr ", 'fortran_order': " fortran ", 'shape': " shape ", }\n"

static const struct bad {
    const char *dict;
    int status;
} bad[] = {
    {"", MPIJOB_ECORRUPT},
    {"\n", MPIJOB_ECORRUPT},
    {"{}\n", MPIJOB_ECORRUPT},
    {"[]\n", MPIJOB_ECORRUPT},
    {"'<f8'\n", MPIJOB_ECORRUPT},
    {"{'descr': '<f8', 'fortran_order': False}\n", MPIJOB_ECORRUPT},
    {"{'descr': '<f8', 'shape': (3,)}\n", MPIJOB_ECORRUPT},
    {"{'fortran_order': False, 'shape': (3,)}\n", MPIJOB_ECORRUPT},
    {"{'descr': '<f8', 'fortran_order': False, 'shape': (3,), 'more': 1}\n", MPIJOB_ECORRUPT},
    {"{'descr': '<f8', 'fortran_order': False, 'shape': (3,)\n", MPIJOB_ECORRUPT},
    {"{'descr': '<f8', 'fortran_order': False, 'shape': (3,)} x\n", MPIJOB_ECORRUPT},
    {DICT("'<f8'", "0", "(3,)"), MPIJOB_ECORRUPT},
    {DICT("'<f8'", "None", "(3,)"), MPIJOB_ECORRUPT},
    {DICT("'<f8'", "'False'", "(3,)"), MPIJOB_ECORRUPT},
    {DICT("'<f8'", "False", "3"), MPIJOB_ECORRUPT},
    {DICT("'<f8'", "False", "'3'"), MPIJOB_ECORRUPT},
    {DICT("'<f8'", "False", "(-3,)"), MPIJOB_ECORRUPT},
    {DICT("'<f8'", "False", "('3',)"), MPIJOB_ECORRUPT},
    {DICT("'<f8'", "False", "(True,)"), MPIJOB_ECORRUPT},
    {DICT("'<f8'", "False", "(1.5,)"), MPIJOB_ECORRUPT},
    {DICT("'<f8'", "False", "((3,),)"), MPIJOB_ECORRUPT},
    {DICT("'<f8'", "False", "(1152921504606846976,)"), MPIJOB_ECORRUPT},
    {DICT("'<f8'", "False", "(4294967296, 4294967296)"), MPIJOB_ECORRUPT},
    {DICT("'<f8'", "False", "(9223372036854775807,)"), MPIJOB_ECORRUPT},
    {DICT("'<f8'", "False", "(18446744073709551615,)"), MPIJOB_ECORRUPT},
    {DICT("'<f8'", "False", "(18446744073709551616,)"), MPIJOB_ECORRUPT},
    {DICT("'|i1'", "False", "(9223372036854775807,)"), MPIJOB_ECORRUPT},
    {DICT("'|i1'", "False", "(1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1)"),
     MPIJOB_EUNSUPPORTED},
    {DICT("'|O'", "False", "(3,)"), MPIJOB_EUNSUPPORTED},
    {DICT("'O'", "False", "(3,)"), MPIJOB_EUNSUPPORTED},
    {DICT("[('a', '|O')]", "False", "(3,)"), MPIJOB_EUNSUPPORTED},
    {DICT("'<f9'", "False", "(3,)"), MPIJOB_ECORRUPT},
    {DICT("'<q8'", "False", "(3,)"), MPIJOB_ECORRUPT},
    {DICT("''", "False", "(3,)"), MPIJOB_ECORRUPT},
    {DICT("8", "False", "(3,)"), MPIJOB_ECORRUPT},
    {DICT("None", "False", "(3,)"), MPIJOB_ECORRUPT},
    {DICT("[]", "False", "(3,)"), MPIJOB_EUNSUPPORTED},
    {DICT("[('a',)]", "False", "(3,)"), MPIJOB_ECORRUPT},
    {DICT("[('a', '<f8'), ('a', '<f8')]", "False", "(3,)"), MPIJOB_ECORRUPT},
    {DICT("[('a', '<f8', (-1,))]", "False", "(3,)"), MPIJOB_ECORRUPT},
    {DICT("[('a', '<f8', (4294967296, 4294967296))]", "False", "(3,)"), MPIJOB_ECORRUPT},
};

START_TEST(bad_headers_are_refused)
{
    for (int version = 1; version <= 3; version++) {
        mpj_npy_header header;
        mpijob_error err = {0};
        int complete = 0;
        size_t need = 0;
        size_t count = compose(file, version, bad[_i].dict);
        int status = parse(&header, file, count, &complete, &need, &err);
        ck_assert_msg(status == bad[_i].status, "%s: %d %s", bad[_i].dict, status, err.text);
        ck_assert_int_eq(complete, 0);
        ck_assert_msg(strstr(err.text, "x.npy") != NULL, "%s: %s", bad[_i].dict, err.text);
    }
}
END_TEST

START_TEST(other_versions_are_refused)
{
    static const struct {
        int major, minor;
    } versions[] = {{0, 0}, {4, 0}, {255, 0}, {1, 1}, {2, 1}, {3, 255}};
    mpj_npy_header header;
    int complete;
    size_t need;
    size_t count = compose(file, 1, good[0].dict);
    file[6] = (char)versions[_i].major;
    file[7] = (char)versions[_i].minor;
    ck_assert_int_eq(parse(&header, file, count, &complete, &need, NULL), MPIJOB_EVERSION);
}
END_TEST

START_TEST(an_absurd_length_is_refused_before_it_is_believed)
{
    mpj_npy_header header;
    int complete;
    size_t need;
    size_t count = compose(file, 2, good[0].dict);
    memset(file + 8, 0xff, 4);
    ck_assert_int_eq(parse(&header, file, count, &complete, &need, NULL), MPIJOB_ECORRUPT);
}
END_TEST

/* A good header of so many bytes, most of them a field's title, which is left out. */
static int parse_long(size_t dict_bytes, int filler)
{
    static const char before[] = "{'descr': [(('", after[] = "', 'a'), '<f8')], 'fortran_order': False, 'shape': (1,)}";
    mpj_npy_header header;
    int complete = 0;
    size_t need, bytes = 12 + dict_bytes;
    char *text = malloc(bytes);
    memset(text, filler, bytes);
    memcpy(text, "\x93NUMPY\2\0", 8);
    for (int i = 0; i < 4; i++)
        text[8 + i] = (char)(dict_bytes >> 8 * i);
    memcpy(text + 12, before, sizeof before - 1);
    memcpy(text + bytes - (sizeof after - 1), after, sizeof after - 1);
    int status = mpj_npy_header_parse(&header, text, bytes, &complete, &need, "x.npy", NULL);
    if (status == MPIJOB_OK)
        mpj_npy_header_free(&header);
    free(text);
    return status;
}

/* In Latin-1, of which UTF-8 makes two bytes, too. */
START_TEST(a_header_of_a_mebibyte_is_read)
{
    const size_t most = (size_t)1 << 20;
    ck_assert_int_eq(parse_long(most, ' '), MPIJOB_OK);
    ck_assert_int_eq(parse_long(most + 1, ' '), MPIJOB_ECORRUPT);
    ck_assert_int_eq(parse_long(most, 0xe4), MPIJOB_OK);
    ck_assert_int_eq(parse_long(most + 1, 0xe4), MPIJOB_ECORRUPT);
}
END_TEST

START_TEST(bytes_that_are_not_utf8_are_refused_in_version_3)
{
    mpj_npy_header header;
    int complete;
    size_t need;
    size_t count = compose(file, 3, "{'descr': [('\xe4', '<f8')], 'fortran_order': False, 'shape': (1,), }\n");
    ck_assert_int_eq(parse(&header, file, count, &complete, &need, NULL), MPIJOB_ECORRUPT);
}
END_TEST

/* ---- Made ones ------------------------------------------------------------------------------------------------- */

static void make(const mpijob_type *type, int ndim, const size_t *shape, int order, int version, mpj_npy_header *header)
{
    void *text;
    size_t count, need;
    int complete;
    mpijob_error err = {0};
    ck_assert_msg(mpj_npy_header_make(&text, &count, type, ndim, shape, order, &err) == MPIJOB_OK, "%s", err.text);
    ck_assert_uint_eq(count % 64, 0);
    ck_assert_int_eq(((char *)text)[6], version);
    ck_assert_int_eq(((char *)text)[count - 1], '\n');
    ck_assert_msg(parse(header, text, count, &complete, &need, &err) == MPIJOB_OK, "%s", err.text);
    ck_assert_int_eq(complete, 1);
    ck_assert_uint_eq(header->data_offset, count);
    mpj_free(text);
}

START_TEST(what_is_made_is_read)
{
    static const size_t shape[32] = {1, 2, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
                                     1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
    mpj_npy_header header;
    mpijob_type type = mpijob_type_of(MPIJOB_FLOAT64);
    make(&type, _i, shape, _i % 2 ? 'F' : 'C', 1, &header);
    ck_assert_int_eq(header.ndim, _i);
    ck_assert_int_eq(header.order, _i % 2 ? 'F' : 'C');
    for (int i = 0; i < _i; i++)
        ck_assert_uint_eq(header.shape[i], shape[i]);
    ck_assert_str_eq(header.descr, "<f8");
    mpj_npy_header_free(&header);
}
END_TEST

static void make_field(const char *name, int version)
{
    mpijob_field field = {.name = name, .type = mpijob_type_of(MPIJOB_FLOAT64)};
    mpijob_record record = {"named", 8, 1, &field};
    mpijob_type type = mpijob_type_record(&record);
    mpj_npy_header header;
    make(&type, 0, NULL, 'C', version, &header);
    ck_assert_str_eq(header.dtype.type.record->fields[0].name, name);
    mpj_npy_header_free(&header);
}

START_TEST(names_choose_the_version)
{
    make_field("plain", 1);
    make_field("it's \"quoted\" \\ \n", 1);
    make_field("gr\xc3\xb6\xc3\x9f"
               "e",
               1);
    make_field("\xc3\xbf", 1);
    make_field("\xc4\x80", 3);
    make_field("\xce\xb1", 3);
    make_field("\xf0\x9f\x98\x80", 3);
}
END_TEST

START_TEST(many_fields_need_version_2)
{
    enum {
        FIELDS = 4000
    };
    static mpijob_field fields[FIELDS];
    static char names[FIELDS][40];
    for (int i = 0; i < FIELDS; i++) {
        snprintf(names[i], sizeof names[i], "field number %d", i);
        fields[i] = (mpijob_field){.name = names[i], .type = mpijob_type_of(MPIJOB_INT16), .offset = 2 * (size_t)i};
    }
    mpijob_record record = {"many", 2 * FIELDS, FIELDS, fields};
    mpijob_type type = mpijob_type_record(&record);
    mpj_npy_header header;
    make(&type, 0, NULL, 'C', 2, &header);
    ck_assert_uint_eq(header.dtype.type.record->field_count, FIELDS);
    ck_assert_str_eq(header.dtype.type.record->fields[FIELDS - 1].name, names[FIELDS - 1]);
    mpj_npy_header_free(&header);
}
END_TEST

START_TEST(no_memory_is_said_and_nothing_lost)
{
    const char *dict = good[_i].dict;
    size_t count = compose(file, good[_i].version, dict);
    for (uint64_t n = 0;; n++) {
        mpj_npy_header header;
        int complete;
        size_t need;
        mpj_alloc_fail_after(n);
        int status = parse(&header, file, count, &complete, &need, NULL);
        mpj_alloc_fail_after(UINT64_MAX);
        if (status == MPIJOB_OK) {
            ck_assert_uint_gt(n, 0);
            mpj_npy_header_free(&header);
            return;
        }
        ck_assert_int_eq(status, MPIJOB_ENOMEM);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("npy_header");
    TCase *group = tcase_create("npy_header");
    tcase_add_loop_test(group, good_headers_are_read, 0, UNIT_COUNT(good));
    tcase_add_loop_test(group, less_than_all_asks_for_more, 0, UNIT_COUNT(good));
    tcase_add_loop_test(group, a_changed_byte_is_read_or_refused, 0, UNIT_COUNT(good));
    tcase_add_loop_test(group, bad_headers_are_refused, 0, UNIT_COUNT(bad));
    tcase_add_loop_test(group, other_versions_are_refused, 0, 6);
    tcase_add_test(group, an_absurd_length_is_refused_before_it_is_believed);
    tcase_add_test(group, a_header_of_a_mebibyte_is_read);
    tcase_add_test(group, bytes_that_are_not_utf8_are_refused_in_version_3);
    tcase_add_loop_test(group, what_is_made_is_read, 0, 33);
    tcase_add_test(group, names_choose_the_version);
    tcase_add_test(group, many_fields_need_version_2);
    tcase_add_loop_test(group, no_memory_is_said_and_nothing_lost, 0, UNIT_COUNT(good));
    suite_add_tcase(suite, group);
    return unit_run(suite);
}
