/* .zarray texts: what is understood, and what is refused with which reason. */
#include "array/jsontext.h"
#include "array/zarrmeta.h"
#include "base/alloc.h"

#include "failing.h"
#include "unit.h"

#include <math.h>
#include <string.h>

#define BLOSC "{\"id\": \"blosc\", \"cname\": \"zstd\", \"clevel\": 3, \"shuffle\": 2, \"blocksize\": 0}"

/* A .zarray with the given values. */
static char *zarray(const char *shape, const char *chunks, const char *dtype, const char *compressor, const char *fill,
                    const char *more)
{
    static char text[4096];
    snprintf(
        text, sizeof text,
        "{\"zarr_format\": 2, \"shape\": %s, \"chunks\": %s, \"dtype\": %s, \"compressor\": %s, \"fill_value\": %s%s}",
        shape, chunks, dtype, compressor, fill, more);
    return text;
}

#define REST ", \"order\": \"C\", \"filters\": null"

static int parse(mpj_zarr_meta *meta, const char *text, mpijob_error *err)
{
    return mpj_zarr_meta_parse(meta, text, strlen(text), "x/.zarray", err);
}

START_TEST(test_understood)
{
    mpj_zarr_meta meta;
    mpijob_error err = {0};
    const char *text = zarray("[10, 7]", "[4, 3]", "\">i4\"", BLOSC, "-3",
                              ", \"order\": \"F\", \"filters\": [], \"dimension_separator\": \"/\"");
    ck_assert_msg(parse(&meta, text, &err) == 0, "%s", err.text);
    ck_assert_int_eq(meta.grid.ndim, 2);
    ck_assert_uint_eq(meta.grid.shape[1], 7);
    ck_assert_uint_eq(meta.grid.chunk[0], 4);
    ck_assert_uint_eq(meta.grid.total, 9);
    ck_assert_uint_eq(meta.chunk_bytes, 48);
    ck_assert_int_eq(meta.order, 'F');
    ck_assert_int_eq(meta.separator, '/');
    ck_assert_int_eq(meta.compressed, 1);
    ck_assert_int_eq(meta.codec.codec, MPJ_ZSTD);
    ck_assert_int_eq(meta.codec.level, 3);
    ck_assert_int_eq(meta.codec.shuffle, 2);
    ck_assert_mem_eq(meta.fill, "\xff\xff\xff\xfd", 4);
    ck_assert_str_eq(meta.dtype_text, ">i4");
    mpj_zarr_meta_free(&meta);
}
END_TEST

typedef struct fill_case {
    const char *dtype, *fill;
    size_t bytes;
    const char *element; /* NULL: refused */
} fill_case;

static const fill_case fills[] = {
    {"\"|b1\"", "true", 1, "\1"},
    {"\"|b1\"", "0", 1, "\0"},
    {"\"|b1\"", "\"x\"", 1, NULL},
    {"\"|i1\"", "-128", 1, "\x80"},
    {"\"|i1\"", "128", 1, NULL},
    {"\"|u1\"", "255", 1, "\xff"},
    {"\"|u1\"", "-1", 1, NULL},
    {"\"<i2\"", "258", 2, "\2\1"},
    {"\">i2\"", "258", 2, "\1\2"},
    {"\"<i4\"", "1.0", 4, "\1\0\0\0"},
    {"\"<i4\"", "1.5", 4, NULL},
    {"\"<i4\"", "2147483648", 4, NULL},
    {"\"<u8\"", "18446744073709551615", 8, "\xff\xff\xff\xff\xff\xff\xff\xff"},
    {"\"<u8\"", "18446744073709551616", 8, NULL},
    {"\"<i8\"", "-9223372036854775808", 8, "\0\0\0\0\0\0\0\x80"},
    {"\"<i8\"", "-9223372036854775809", 8, NULL},
    {"\"<f4\"", "1", 4, "\0\0\x80\x3f"},
    {"\">f4\"", "1.0", 4, "\x3f\x80\0\0"},
    {"\"<f8\"", "\"Infinity\"", 8, "\0\0\0\0\0\0\xf0\x7f"},
    {"\"<f8\"", "\"-Infinity\"", 8, "\0\0\0\0\0\0\xf0\xff"},
    {"\"<f8\"", "-Infinity", 8, "\0\0\0\0\0\0\xf0\xff"},
    {"\"<f8\"", "\"nan\"", 8, NULL},
    {"\"<f8\"", "[1]", 8, NULL},
    {"\"<f2\"", "1.0", 2, "\0\x3c"},
    {"\"<f2\"", "65504", 2, "\xff\x7b"},
    {"\"<f2\"", "65520", 2, "\0\x7c"},
    {"\"<f2\"", "5.960464477539063e-08", 2, "\1\0"},
    {"\"<f2\"", "-0.1", 2, "\x66\xae"},
    {"\">f2\"", "\"-Infinity\"", 2, "\xfc\0"},
    {"\"<c8\"", "[1.0, -1.0]", 8, "\0\0\x80\x3f\0\0\x80\xbf"},
    {"\"<c8\"", "[1.0]", 8, NULL},
    {"\"<M8[ns]\"", "-9223372036854775808", 8, "\0\0\0\0\0\0\0\x80"},
    {"\"<U2\"", "\"a\\u20ac\"", 8, "a\0\0\0\xac\x20\0\0"},
    {"\"<U1\"", "\"ab\"", 4, NULL},
    {"\"|S3\"", "\"YWI=\"", 3, "ab\0"},
    {"\"|S3\"", "\"YWJjZA==\"", 3, NULL},
    {"\"|S3\"", "\"YW\"", 3, NULL},
    {"\"|S3\"", "0", 3, "\0\0\0"},
    {"[[\"a\", \"<i2\"], [\"b\", \"|S1\"]]", "\"AQBi\"", 3, "\1\0b"},
    {"[[\"a\", \"<i2\"]]", "1", 2, NULL},
    {"\"<f8\"", "null", 8, "\0\0\0\0\0\0\0\0"},
};

START_TEST(test_fill_values)
{
    const fill_case *c = &fills[_i];
    mpj_zarr_meta meta;
    mpijob_error err = {0};
    int status = parse(&meta, zarray("[1]", "[1]", c->dtype, "null", c->fill, REST), &err);
    ck_assert_msg(status == (c->element ? MPIJOB_OK : MPIJOB_ECORRUPT), "%s of %s: %s", c->fill, c->dtype, err.text);
    if (!c->element)
        return;
    ck_assert_uint_eq(meta.element_bytes, c->bytes);
    ck_assert_msg(memcmp(meta.fill, c->element, c->bytes) == 0, "%s of %s", c->fill, c->dtype);
    mpj_zarr_meta_free(&meta);
}
END_TEST

START_TEST(test_fill_nan)
{
    static const char *const texts[] = {"NaN", "\"NaN\""};
    for (int i = 0; i < UNIT_COUNT(texts); i++) {
        mpj_zarr_meta meta;
        double value;
        ck_assert_int_eq(parse(&meta, zarray("[1]", "[1]", "\"<f8\"", "null", texts[i], REST), NULL), 0);
        memcpy(&value, meta.fill, sizeof value);
        ck_assert(isnan(value));
        mpj_zarr_meta_free(&meta);
    }
}
END_TEST

typedef struct refusal {
    const char *shape, *chunks, *dtype, *compressor, *rest;
    int status;
    const char *reason;
} refusal;

#define F8 "\"<f8\""

static const refusal refusals[] = {
    {"[1, 2]", "[1]", F8, "null", REST, MPIJOB_ECORRUPT, "differ in length"},
    {"[-1]", "[1]", F8, "null", REST, MPIJOB_ECORRUPT, "shape"},
    {"[1.5]", "[1]", F8, "null", REST, MPIJOB_ECORRUPT, "shape"},
    {"5", "[1]", F8, "null", REST, MPIJOB_ECORRUPT, "shape"},
    {"[99999999999999999999]", "[1]", F8, "null", REST, MPIJOB_ECORRUPT, "shape"},
    {"[1]", "[0]", F8, "null", REST, MPIJOB_ECORRUPT, "length of 0"},
    {"[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]", "[1]", F8, "null", REST, MPIJOB_ECORRUPT,
     "32"},
    {"[4611686018427387904, 2]", "[1, 1]", "\"|u1\"", "null", REST, MPIJOB_ECORRUPT, "larger than any memory"},
    {"[4611686018427387904, 2, 0]", "[1, 1, 1]", "\"|u1\"", "null", REST, MPIJOB_ECORRUPT, "larger than any memory"},
    {"[4]", "[4611686018427387904]", F8, "null", REST, MPIJOB_ECORRUPT, "larger than any memory"},
    {"[4]", "[2147483648]", "\"|u1\"", BLOSC, REST, MPIJOB_ECORRUPT, "2 GiB"},
    {"[4]", "[4]", "\"|O\"", "null", REST, MPIJOB_EUNSUPPORTED, "object"},
    {"[4]", "[4]", "\"zz\"", "null", REST, MPIJOB_ECORRUPT, ""},
    {"[4]", "[4]", F8, "{\"id\": \"zlib\", \"level\": 1}", REST, MPIJOB_EUNSUPPORTED, "zlib"},
    {"[4]", "[4]", F8, "{}", REST, MPIJOB_EUNSUPPORTED, "?"},
    {"[4]", "[4]", F8, "7", REST, MPIJOB_ECORRUPT, "compressor"},
    {"[4]", "[4]", F8, "{\"id\": \"blosc\", \"clevel\": 10}", REST, MPIJOB_ECORRUPT, "clevel"},
    {"[4]", "[4]", F8, "{\"id\": \"blosc\", \"shuffle\": 3}", REST, MPIJOB_ECORRUPT, "shuffle"},
    {"[4]", "[4]", F8, "{\"id\": \"blosc\", \"blocksize\": -1}", REST, MPIJOB_ECORRUPT, "blocksize"},
    {"[4]", "[4]", F8, "{\"id\": \"blosc\", \"cname\": \"snappy2\"}", REST, MPIJOB_EUNSUPPORTED, "snappy2"},
    {"[4]", "[4]", F8, "{\"id\": \"blosc\", \"cname\": 5}", REST, MPIJOB_ECORRUPT, "cname"},
    {"[4]", "[4]", F8, "null", ", \"order\": \"A\", \"filters\": null", MPIJOB_ECORRUPT, "order"},
    {"[4]", "[4]", F8, "null", ", \"filters\": null", MPIJOB_ECORRUPT, "order"},
    {"[4]", "[4]", F8, "null", ", \"order\": \"C\", \"filters\": [{\"id\": \"delta\"}]", MPIJOB_EUNSUPPORTED, "delta"},
    {"[4]", "[4]", F8, "null", ", \"order\": \"C\", \"filters\": 3", MPIJOB_ECORRUPT, "filters"},
    {"[4]", "[4]", F8, "null", REST ", \"dimension_separator\": \"-\"", MPIJOB_ECORRUPT, "dimension_separator"},
    {"[4]", "[4]", F8, "null", REST ", \"shape\": [5]", MPIJOB_ECORRUPT, "JSON"},
};

START_TEST(test_refused)
{
    const refusal *c = &refusals[_i];
    mpj_zarr_meta meta;
    mpijob_error err = {0};
    int status = parse(&meta, zarray(c->shape, c->chunks, c->dtype, c->compressor, "0", c->rest), &err);
    ck_assert_msg(status == c->status, "%d: %s", status, err.text);
    ck_assert_msg(strstr(err.text, c->reason) != NULL, "%s", err.text);
    ck_assert_msg(strstr(err.text, "x/.zarray") != NULL, "%s", err.text);
}
END_TEST

START_TEST(test_no_metadata)
{
    static const struct {
        const char *text;
        int status;
    } bad[] = {{"", MPIJOB_ECORRUPT},
               {"{", MPIJOB_ECORRUPT},
               {"[]", MPIJOB_ECORRUPT},
               {"{}", MPIJOB_ECORRUPT},
               {"{\"zarr_format\": 3}", MPIJOB_EVERSION},
               {"{\"zarr_format\": 1}", MPIJOB_EUNSUPPORTED},
               {"{\"zarr_format\": \"2\"}", MPIJOB_ECORRUPT},
               {"{\"zarr_format\": 2}", MPIJOB_ECORRUPT},
               {"\"abc", MPIJOB_ECORRUPT},
               {"{\"a\": \"\\", MPIJOB_ECORRUPT}};
    for (int i = 0; i < UNIT_COUNT(bad); i++) {
        mpj_zarr_meta meta;
        ck_assert_msg(parse(&meta, bad[i].text, NULL) == bad[i].status, "%s", bad[i].text);
    }
}
END_TEST

/* Every key is needed, but dimension_separator and filters. */
START_TEST(test_cut_short)
{
    const char *text = zarray("[10]", "[4]", F8, BLOSC, "0", REST);
    for (size_t length = 0; length < strlen(text); length++) {
        mpj_zarr_meta meta;
        ck_assert_int_eq(mpj_zarr_meta_parse(&meta, text, length, "x", NULL), MPIJOB_ECORRUPT);
    }
}
END_TEST

START_TEST(test_deep)
{
    size_t bytes = 100000;
    char *text = malloc(bytes);
    memset(text, '[', bytes);
    memcpy(text, "{\"a\":", 5);
    mpj_zarr_meta meta;
    ck_assert_int_eq(mpj_zarr_meta_parse(&meta, text, bytes, "x", NULL), MPIJOB_ECORRUPT);
    free(text);
}
END_TEST

static void make_meta(mpj_zarr_meta *meta, const mpijob_type *type)
{
    const size_t shape[] = {10, 0}, chunk[] = {4, 1};
    memset(meta, 0, sizeof *meta);
    ck_assert_int_eq(mpj_dtype_copy(&meta->dtype, type, 1, NULL), 0);
    meta->element_bytes = mpijob_type_size(&meta->dtype.type);
    ck_assert_int_eq(mpj_grid_init(&meta->grid, 2, shape, chunk), 0);
    meta->order = 'F';
    meta->separator = '.';
    meta->compressed = 1;
    meta->codec = (mpj_codec_options){.codec = MPJ_LZ4HC, .level = 7, .shuffle = 1};
}

static mpijob_type type_of(int kind)
{
    return kind == MPIJOB_BYTES    ? mpijob_type_bytes(5)
           : kind == MPIJOB_OPAQUE ? (mpijob_type){.kind = MPIJOB_OPAQUE, .bytes = 2, .dtype = "<f2"}
                                   : mpijob_type_of(kind);
}

START_TEST(test_printed_and_parsed)
{
    if (_i == MPIJOB_RECORD || _i == MPIJOB_STRING)
        return;
    mpijob_type type = type_of(_i);
    mpj_zarr_meta meta, back;
    mpijob_error err = {0};
    char *text;
    size_t bytes;
    make_meta(&meta, &type);
    ck_assert_int_eq(mpj_zarr_meta_print(&text, &bytes, &meta, NULL), 0);
    ck_assert_msg(mpj_zarr_meta_parse(&back, text, bytes, "x", &err) == 0, "%s", err.text);
    ck_assert_int_eq(back.dtype.type.kind, _i);
    ck_assert_uint_eq(back.element_bytes, meta.element_bytes);
    ck_assert_uint_eq(back.grid.shape[0], 10);
    ck_assert_uint_eq(back.grid.chunk[0], 4);
    ck_assert_int_eq(back.order, 'F');
    ck_assert_int_eq(back.codec.codec, MPJ_LZ4HC);
    ck_assert_int_eq(back.codec.level, 7);
    ck_assert_int_eq(back.codec.shuffle, 1);
    for (size_t i = 0; i < back.element_bytes; i++)
        ck_assert_int_eq(((char *)back.fill)[i], 0);
    mpj_free(text);
    mpj_zarr_meta_free(&meta);
    mpj_zarr_meta_free(&back);
}
END_TEST

START_TEST(test_strict_json)
{
    static const char *const pairs[][2] = {
        {"{\"a\": NaN}", "{\"a\": \"NaN\"}"},
        {"{\"NaN\": \"NaN\", \"b\\\"NaN\": [Infinity,-Infinity]}",
         "{\"NaN\": \"NaN\", \"b\\\"NaN\": [\"Infinity\",\"-Infinity\"]}"},
        {"[18446744073709551615, 9223372036854775807, 1.1234567890123456789]",
         "[\"18446744073709551615\", 9223372036854775807, 1.1234567890123456789]"},
        {"\"open", "\"open"},
        {"\"\\", "\"\\"},
    };
    for (int i = 0; i < UNIT_COUNT(pairs); i++) {
        size_t bytes;
        char *strict = mpj_json_strict(pairs[i][0], strlen(pairs[i][0]), &bytes);
        ck_assert_str_eq(strict, pairs[i][1]);
        ck_assert_uint_eq(bytes, strlen(pairs[i][1]));
        mpj_free(strict);
    }
}
END_TEST

START_TEST(test_no_memory)
{
    for (failing f = failing_begin(); failing_next(&f);) {
        mpj_zarr_meta meta;
        mpijob_error err = {0};
        int status = parse(&meta, zarray("[10, 7]", "[4, 3]", "[[\"a\", \"<f8\"]]", BLOSC, "null", REST), &err);
        failing_stop(&f);
        /* jansson, out of memory in the middle of a text, calls it a fault of the text. dtype_text may be cut. */
        if (f.failed)
            ck_assert_msg(status == MPIJOB_ENOMEM || (status == MPIJOB_OK && meta.element_bytes == 8 && meta.fill) ||
                              strstr(err.text, "no JSON"),
                          "%d: %s", status, err.text);
        else
            ck_assert_int_eq(status, MPIJOB_OK);
        if (status == MPIJOB_OK)
            mpj_zarr_meta_free(&meta);
    }
    mpijob_type type = mpijob_type_of(MPIJOB_COMPLEX64);
    mpj_zarr_meta meta;
    make_meta(&meta, &type);
    for (failing f = failing_begin(); failing_next(&f);) {
        char *text;
        size_t bytes;
        int status = mpj_zarr_meta_print(&text, &bytes, &meta, NULL);
        failing_stop(&f);
        ck_assert_int_eq(status, f.failed ? MPIJOB_ENOMEM : MPIJOB_OK);
        if (status == MPIJOB_OK)
            mpj_free(text);
    }
    mpj_zarr_meta_free(&meta);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("zarr_meta");
    TCase *tests = tcase_create("zarray");
    tcase_add_test(tests, test_understood);
    tcase_add_loop_test(tests, test_fill_values, 0, UNIT_COUNT(fills));
    tcase_add_test(tests, test_fill_nan);
    tcase_add_loop_test(tests, test_refused, 0, UNIT_COUNT(refusals));
    tcase_add_test(tests, test_no_metadata);
    tcase_add_test(tests, test_cut_short);
    tcase_add_test(tests, test_deep);
    tcase_add_loop_test(tests, test_printed_and_parsed, MPIJOB_BOOL, MPIJOB_OPAQUE + 1);
    tcase_add_test(tests, test_strict_json);
    tcase_add_test(tests, test_no_memory);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
