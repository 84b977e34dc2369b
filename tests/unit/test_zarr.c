/* Dump to Zarr and load: all kinds, orders, classes of chunks and codecs; regions; foreign files; what memory is used. */
#include "array/zarrpart.h"
#include "base/alloc.h"

#include "failing.h"
#include "zarr_values.h"

#include <stdio.h>

typedef struct shape_case {
    int ndim;
    size_t shape[4], chunks[4]; /* chunks[0] 0: chosen */
} shape_case;

static const shape_case shapes[] = {
    {0, {0}, {0}},
    {1, {0}, {0}},
    {1, {100}, {0}},
    {1, {100}, {7}},
    {1, {100}, {25}},
    {1, {5}, {64}},
    {2, {20, 13}, {0}},
    {2, {20, 13}, {5, 13}},
    {2, {20, 13}, {20, 4}},
    {2, {20, 13}, {6, 5}},
    {2, {20, 0}, {6, 5}},
    {3, {6, 5, 7}, {2, 5, 7}},
    {3, {6, 5, 7}, {4, 2, 3}},
    {4, {3, 4, 2, 5}, {2, 1, 2, 4}},
};

/* Written, found sound, read back equal. Returns the path. */
static const char *round_trip(const mpijob_array *array, const char *name, const mpijob_dump_options *options)
{
    mpijob_error err = {0};
    mpijob_array back;
    mpijob_verify_result result;
    const char *path = scratch_path(&files, name);
    ck_assert_msg(mpijob_dump(array, path, options, &err) == 0, "%s", err.text);
    ck_assert_msg(mpijob_load(&back, path, NULL, &err) == 0, "%s", err.text);
    mpijob_load_options to_record = {.record = array->type.record};
    if (array->type.record) {
        mpijob_array_free(&back);
        ck_assert_msg(mpijob_load(&back, path, &to_record, &err) == 0, "%s", err.text);
    }
    ck_assert_int_eq(back.ndim, array->ndim);
    ck_assert_int_eq(back.type.kind, array->type.kind);
    for (int i = 0; i < array->ndim; i++)
        ck_assert_uint_eq(back.shape[i], array->shape[i]);
    ck_assert_uint_eq(zarr_differences(&back, &array->type, array->shape, NULL), 0);
    mpijob_array_free(&back);
    ck_assert_msg(mpijob_verify(&result, path, NULL, NULL, NULL, NULL, &err) == 0, "%s", err.text);
    ck_assert_uint_eq(result.unsummed, 0);
    return path;
}

/* Each kind in each shape, in both orders in memory and in the file. */
START_TEST(test_kinds_and_shapes)
{
    const shape_case *c = &shapes[_i];
    for (int kind = MPIJOB_BOOL; kind <= MPIJOB_OPAQUE; kind++) {
        if (kind == MPIJOB_STRING)
            continue;
        for (int orders = 0; orders < 4; orders++) {
            mpijob_array array = zarr_array(zarr_type(kind), c->ndim, c->shape, orders & 1 ? 'F' : 'C');
            mpijob_dump_options options = {.compress = 5,
                                           .order = orders & 2 ? 'F' : 'C',
                                           .threads = 1 + kind % 3,
                                           .chunks = c->chunks[0] ? c->chunks : NULL};
            round_trip(&array, kind % 2 ? "x.zarr" : "x.zarr.zip", &options);
            free(array.data);
        }
    }
}
END_TEST

START_TEST(test_codecs)
{
    static const char *const codecs[] = {"blosclz", "lz4", "lz4hc", "zlib", "zstd"};
    const size_t shape[] = {50, 40}, chunks[] = {16, 40};
    for (int shuffle = 0; shuffle <= MPIJOB_SHUFFLE_BIT; shuffle++) {
        for (int level = 0; level <= 9; level++) {
            mpijob_array_info info;
            mpijob_array array = zarr_array(zarr_type(MPIJOB_INT32), 2, shape, 'C');
            mpijob_dump_options options = {
                .compress = level, .format = MPIJOB_ZARR, .codec = codecs[_i], .shuffle = shuffle, .chunks = chunks};
            const char *path = round_trip(&array, level % 2 ? "x.zarr" : "x.zarr.zip", &options);
            ck_assert_int_eq(mpijob_array_inspect(&info, path, NULL, NULL), 0);
            ck_assert_int_eq(info.compress, level);
            ck_assert_str_eq(info.codec, level ? codecs[_i] : "");
            ck_assert_uint_eq(info.chunk_count, 4);
            ck_assert_uint_eq(info.chunks_stored, 4);
            ck_assert_uint_eq(info.checksums, 4);
            ck_assert_str_eq(info.dtype, "<i4");
            free(array.data);
        }
    }
}
END_TEST

/* Every second element backwards, and a transposed view. */
START_TEST(test_strided)
{
    const size_t shape[] = {40, 30}, chunks[] = {8, 6};
    mpijob_array array = zarr_array(zarr_type(MPIJOB_UINT16), 2, shape, 'C');
    mpijob_array view = array, back;
    mpijob_error err = {0};
    view.data = (char *)array.data + 39 * array.strides[0];
    view.shape[0] = 20;
    view.strides[0] = -2 * array.strides[0];
    const char *path = scratch_path(&files, "x.zarr");
    ck_assert_msg(mpijob_dump(&view, path, &(mpijob_dump_options){.compress = 1, .chunks = chunks}, &err) == 0, "%s",
                  err.text);
    ck_assert_msg(mpijob_load(&back, path, NULL, &err) == 0, "%s", err.text);
    size_t differ = 0;
    for (size_t i = 0; i < 20; i++)
        differ += memcmp((char *)back.data + i * 60, (char *)array.data + (39 - 2 * i) * 60, 60) != 0;
    ck_assert_uint_eq(differ, 0);
    mpijob_array_free(&back);
    free(array.data);
}
END_TEST

/* ---- Regions ----------------------------------------------------------------------------------------------------- */

/* All regions of a small array, in both orders and forms. */
START_TEST(test_regions)
{
    const size_t shape[] = {7, 6}, chunks[] = {3, 4};
    mpijob_array array = zarr_array(zarr_type(MPIJOB_FLOAT32), 2, shape, 'C');
    const char *path = scratch_path(&files, _i & 1 ? "x.zarr" : "x.zarr.zip");
    mpijob_dump_options options = {.compress = 1, .chunks = chunks, .order = _i & 2 ? 'F' : 'C', .format = MPIJOB_ZARR};
    ck_assert_int_eq(mpijob_dump(&array, path, &options, NULL), 0);
    for (size_t n = 0; n < 8 * 7 * 8 * 7; n++) {
        mpijob_region region = {.ndim = 2, .start = {n % 8, n / 8 % 7}, .count = {n / 56 % 8, n / 448}};
        int inside = region.start[0] + region.count[0] <= 7 && region.start[1] + region.count[1] <= 6;
        float into[42];
        mpijob_array part;
        mpijob_load_options load = {.region = &region, .into = into, .into_bytes = sizeof into, .threads = 1};
        int status = mpijob_load(&part, path, &load, NULL);
        ck_assert_int_eq(status, inside ? MPIJOB_OK : MPIJOB_EINVAL);
        if (!inside)
            continue;
        ck_assert_ptr_eq(part.data, into);
        ck_assert_uint_eq(zarr_differences(&part, &array.type, shape, region.start), 0);
        mpijob_array_free(&part);
    }
    free(array.data);
}
END_TEST

/* A region reads its own chunks only: all others are damaged here. */
START_TEST(test_region_reads_its_chunks)
{
    const size_t shape[] = {100, 10}, chunks[] = {10, 10};
    mpijob_array array = zarr_array(zarr_type(MPIJOB_INT64), 2, shape, 'C');
    mpijob_array part;
    mpijob_region region = {.ndim = 1, .start = {35}, .count = {10}};
    char chunk[32];
    ck_assert_int_eq(mpijob_dump(&array, scratch_path(&files, "x.zarr"),
                                 &(mpijob_dump_options){.compress = 5, .chunks = chunks}, NULL),
                     0);
    for (int i = 0; i < 10; i++) {
        if (i == 3 || i == 4)
            continue;
        snprintf(chunk, sizeof chunk, "x.zarr/%d.0", i);
        files_write(scratch_path(&files, chunk), "damaged", 7);
    }
    const char *path = scratch_path(&files, "x.zarr");
    ck_assert_int_eq(mpijob_load(&part, path, &(mpijob_load_options){.region = &region}, NULL), 0);
    ck_assert_uint_eq(zarr_differences(&part, &array.type, shape, region.start), 0);
    mpijob_array_free(&part);
    ck_assert_int_eq(mpijob_load(&part, path, NULL, NULL), MPIJOB_ECORRUPT);
    free(array.data);
}
END_TEST

/* ---- Foreign files ----------------------------------------------------------------------------------------------- */

static void make_foreign(const char *zarray)
{
    ck_assert_int_eq(mpj_folder_create(scratch_path(&files, "f.zarr"), NULL), 0);
    files_write(scratch_path(&files, "f.zarr/.zarray"), zarray, strlen(zarray));
}

#define FOREIGN(shape, chunks, fill, more)                                                                             \
    "{\"zarr_format\": 2, \"shape\": " shape ", \"chunks\": " chunks ", \"dtype\": \">i2\", \"compressor\": null, "    \
    "\"fill_value\": " fill ", \"order\": \"C\", \"filters\": null" more "}"

START_TEST(test_big_endian_nested_missing)
{
    make_foreign(FOREIGN("[3, 3]", "[2, 2]", "7", ", \"dimension_separator\": \"/\""));
    ck_assert_int_eq(mpj_folder_create(scratch_path(&files, "f.zarr/1"), NULL), 0);
    files_write(scratch_path(&files, "f.zarr/1/0"), "\1\2\3\4\0\0\0\0", 8);
    static const int16_t expected[] = {7, 7, 7, 7, 7, 7, 0x102, 0x304, 7};
    mpijob_error err = {0};
    mpijob_array back;
    mpijob_array_info info;
    const char *path = scratch_path(&files, "f.zarr");
    ck_assert_msg(mpijob_load(&back, path, NULL, &err) == 0, "%s", err.text);
    ck_assert_mem_eq(back.data, expected, sizeof expected);
    mpijob_array_free(&back);
    ck_assert_int_eq(mpijob_array_inspect(&info, path, NULL, NULL), 0);
    ck_assert_uint_eq(info.chunks_stored, 1);
    ck_assert_uint_eq(info.checksums, 0);
    ck_assert_int_eq(info.byte_order, '>');
    ck_assert_uint_eq(info.stored_bytes, 8);
}
END_TEST

/* More chunks than are tried one by one. */
START_TEST(test_many_missing_chunks)
{
    make_foreign(FOREIGN("[100000]", "[2]", "-1", ""));
    files_write(scratch_path(&files, "f.zarr/777"), "\0\5\0\6", 4);
    files_write(scratch_path(&files, "f.zarr/777777"), "not in the grid", 15);
    const char *path = scratch_path(&files, "f.zarr");
    for (failing f = failing_begin(); failing_next(&f);) {
        mpijob_array back;
        int status = mpijob_load(&back, path, &(mpijob_load_options){.threads = 1}, NULL);
        failing_stop(&f);
        ck_assert_msg(status == MPIJOB_OK || (f.failed && status == MPIJOB_ENOMEM), "%d", status);
        if (status != MPIJOB_OK)
            continue;
        const int16_t *values = back.data;
        size_t differ = 0;
        for (int i = 0; i < 100000; i++)
            differ += values[i] != (i == 1554 ? 5 : i == 1555 ? 6 : -1);
        ck_assert_uint_eq(differ, 0);
        mpijob_array_free(&back);
    }
}
END_TEST

START_TEST(test_claims)
{
    static const struct {
        const char *zarray;
        int status;
    } claims[] = {
        {FOREIGN("[100000]", "[10]", "0", ""), MPIJOB_OK},
        {FOREIGN("[200000000]", "[1]", "0", ""), MPIJOB_EUNSUPPORTED},
        {FOREIGN("[1000000000000]", "[1]", "1", ""), MPIJOB_EUNSUPPORTED},
        {FOREIGN("[1000000000000]", "[1000000000000]", "1", ""), MPIJOB_EUNSUPPORTED},
        {FOREIGN("[1000000, 1000000, 0]", "[1, 1, 1]", "1", ""), MPIJOB_OK},
    };
    for (int i = 0; i < UNIT_COUNT(claims); i++) {
        mpijob_array back;
        mpijob_error err = {0};
        make_foreign(claims[i].zarray);
        int status = mpijob_load(&back, scratch_path(&files, "f.zarr"), NULL, &err);
        ck_assert_msg(status == claims[i].status, "%d: %d %s", i, status, err.text);
        if (status == MPIJOB_OK)
            mpijob_array_free(&back);
    }
    /* A few elements of it can be had all the same. */
    int16_t into[4];
    mpijob_array back;
    mpijob_region region = {.ndim = 1, .start = {999999999990u}, .count = {4}};
    make_foreign(FOREIGN("[1000000000000]", "[3]", "9", ""));
    ck_assert_int_eq(mpijob_load(&back, scratch_path(&files, "f.zarr"),
                                 &(mpijob_load_options){.region = &region, .into = into, .into_bytes = sizeof into},
                                 NULL),
                     0);
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(into[i], 9);
    mpijob_array_free(&back);
}
END_TEST

/* A short file that says it holds 2 GiB: refused before memory is asked for. */
START_TEST(test_chunk_that_cannot_be)
{
    mpijob_array back;
    mpijob_error err = {0};
    mpijob_region region = {.ndim = 1, .count = {4}};
    static const unsigned char header[24] = {2, 1, 0, 1, 0xef, 0xff, 0xff, 0x7f, 0, 0, 1, 0, 24};
    static const char *const zarray =
        "{\"zarr_format\": 2, \"shape\": [2147483631], \"chunks\": [2147483631], \"dtype\": \"|u1\", "
        "\"compressor\": {\"id\": \"blosc\"}, \"fill_value\": 0, \"order\": \"C\", \"filters\": null}";
    make_foreign(zarray);
    files_write(scratch_path(&files, "f.zarr/0"), header, sizeof header);
    int status = mpijob_load(&back, scratch_path(&files, "f.zarr"), &(mpijob_load_options){.region = &region}, &err);
    ck_assert_int_eq(status, MPIJOB_ECORRUPT);
    ck_assert_msg(strstr(err.text, "cannot hold a chunk"), "%s", err.text);
}
END_TEST

/* ---- Options ------------------------------------------------------------------------------------------------------ */

START_TEST(test_refused_options)
{
    const size_t shape[] = {10}, zero[] = {0}, huge[] = {(size_t)1 << 40};
    double x[10] = {0};
    mpijob_array array = mpijob_array_of(x, mpijob_type_of(MPIJOB_FLOAT64), 1, shape);
    const char *path = scratch_path(&files, "x.zarr");
    mpijob_dump_options bad[] = {
        {.compress = 5, .chunks = zero},
        {.compress = 5, .chunks = huge},
        {.compress = 5, .attributes = "[]"},
    };
    for (int i = 0; i < UNIT_COUNT(bad); i++)
        ck_assert_int_eq(mpijob_dump(&array, path, &bad[i], NULL), MPIJOB_EINVAL);
    ck_assert_int_eq(scratch_names(&files), 0);
}
END_TEST

typedef struct watched {
    uint64_t last, total, calls, stop_at;
} watched;

static int watch(uint64_t done, uint64_t total, void *payload)
{
    watched *w = payload;
    ck_assert_uint_ge(done, w->last);
    ck_assert_uint_le(done, total);
    w->last = done;
    w->total = total;
    return ++w->calls == w->stop_at;
}

START_TEST(test_progress)
{
    const size_t shape[] = {1000}, chunks[] = {30};
    const char *name = _i ? "x.zarr.zip" : "x.zarr";
    mpijob_array array = zarr_array(zarr_type(MPIJOB_INT32), 1, shape, 'C');
    mpijob_array back;
    watched w = {0};
    mpijob_dump_options dump = {.compress = 1, .chunks = chunks, .progress = watch, .progress_payload = &w};
    const char *path = scratch_path(&files, name);
    ck_assert_int_eq(mpijob_dump(&array, path, &dump, NULL), 0);
    ck_assert_uint_eq(w.last, 4000);
    ck_assert_uint_eq(w.total, 4000);
    w = (watched){0};
    mpijob_load_options load = {.progress = watch, .progress_payload = &w};
    ck_assert_int_eq(mpijob_load(&back, path, &load, NULL), 0);
    ck_assert_uint_eq(w.last, 4000);
    mpijob_array_free(&back);
    /* With one thread: a second one may have done all before the first is told. */
    dump.threads = load.threads = 1;
    w = (watched){.stop_at = 3};
    ck_assert_int_eq(mpijob_load(&back, path, &load, NULL), MPIJOB_ECANCELED);
    w = (watched){.stop_at = 3};
    ((int32_t *)array.data)[0]++;
    ck_assert_int_eq(mpijob_dump(&array, path, &dump, NULL), MPIJOB_ECANCELED);
    ck_assert_int_eq(scratch_names(&files), 1);
    ck_assert_int_eq(mpijob_load(&back, path, NULL, NULL), 0);
    ck_assert_uint_eq(zarr_differences(&back, &array.type, shape, NULL), 0);
    mpijob_array_free(&back);
    free(array.data);
}
END_TEST

/* Chunks at edges hold less than others: what is told ends with all of it, and is never more, in every form. */
static const struct {
    const char *name;
    int ndim;
    size_t shape[3], chunks[3];
} edges[] = {{"x.zarr", 1, {1000}, {30}},
             {"x.zarr", 2, {10, 10}, {7, 9}},
             {"x.zarr", 3, {5, 1, 9}, {4, 1, 8}},
             {"x.zarr", 1, {3}, {64}},
             {"x.zarr", 0, {0}, {0}},
             {"x.zarr.zip", 1, {1000}, {30}},
             {"x.zarr.zip", 2, {10, 10}, {7, 9}},
             {"x.zarr.zip", 1, {3}, {64}},
             {"x.zarr.zip", 0, {0}, {0}}};

START_TEST(test_progress_at_edges)
{
    mpijob_array array = zarr_array(zarr_type(MPIJOB_FLOAT64), edges[_i].ndim, edges[_i].shape, 'C');
    mpijob_array back;
    mpijob_verify_result result;
    const char *path = scratch_path(&files, edges[_i].name);
    uint64_t bytes = 8 * mpijob_array_count(&array);
    for (int threads = 1; threads <= 3; threads++) {
        watched w = {0};
        mpijob_dump_options dump = {.compress = 1, .threads = threads, .progress = watch, .progress_payload = &w};
        mpijob_load_options load = {.threads = threads, .progress = watch, .progress_payload = &w};
        dump.chunks = edges[_i].chunks;
        ck_assert_int_eq(mpijob_dump(&array, path, &dump, NULL), MPIJOB_OK);
        ck_assert(w.last == bytes && w.total == bytes);
        w = (watched){0};
        ck_assert_int_eq(mpijob_load(&back, path, &load, NULL), MPIJOB_OK);
        ck_assert(w.last == bytes && w.total == bytes);
        mpijob_array_free(&back);
        w = (watched){0};
        ck_assert_int_eq(mpijob_verify(&result, path, NULL, NULL, watch, &w, NULL), MPIJOB_OK);
        ck_assert(w.last == bytes && w.total == bytes);
    }
    free(array.data);
}
END_TEST

static int stop_at_all(uint64_t done, uint64_t total, void *payload)
{
    (void)payload;
    return done == total;
}

/* The last word of the progress function counts like any other. */
START_TEST(test_stopped_at_the_end)
{
    static const char *const names[] = {"x.npy", "x.zarr", "x.zarr.zip"};
    const size_t shape[] = {100}, chunks[] = {30};
    mpijob_array array = zarr_array(zarr_type(MPIJOB_INT32), 1, shape, 'C');
    mpijob_array back;
    mpijob_dump_options dump = {.compress = _i > 0, .chunks = _i > 0 ? chunks : NULL, .progress = stop_at_all};
    const char *path = scratch_path(&files, names[_i]);
    ck_assert_int_eq(mpijob_dump(&array, path, &dump, NULL), MPIJOB_ECANCELED);
    ck_assert_int_eq(scratch_names(&files), 0);
    dump.progress = NULL;
    ck_assert_int_eq(mpijob_dump(&array, path, &dump, NULL), MPIJOB_OK);
    ck_assert_int_eq(mpijob_load(&back, path, &(mpijob_load_options){.progress = stop_at_all}, NULL), MPIJOB_ECANCELED);
    free(array.data);
}
END_TEST

/* A list of chunks that has none is verified to its end too. */
START_TEST(test_progress_without_chunks)
{
    const size_t shape[] = {100}, chunks[] = {30};
    char file[512];
    mpijob_array array = zarr_array(zarr_type(MPIJOB_INT32), 1, shape, 'C');
    mpijob_verify_result result;
    watched w = {0};
    const char *path = scratch_path(&files, "x.zarr");
    ck_assert_int_eq(mpijob_dump(&array, path, &(mpijob_dump_options){.compress = 1, .chunks = chunks}, NULL),
                     MPIJOB_OK);
    static const char *const gone[] = {"0", "1", "2", "3", ".mpijob-sums"};
    for (int i = 0; i < UNIT_COUNT(gone); i++) {
        snprintf(file, sizeof file, "%s/x.zarr/%s", files.folder, gone[i]);
        ck_assert_int_eq(remove(file), 0);
    }
    ck_assert_int_eq(mpijob_verify(&result, path, NULL, NULL, watch, &w, NULL), MPIJOB_OK);
    ck_assert(w.last == 400 && w.total == 400);
    free(array.data);
}
END_TEST

typedef struct replacing {
    const char *path;
    const mpijob_array *by;
    int times, calls;
} replacing;

static int replace(uint64_t done, uint64_t total, void *payload)
{
    replacing *r = payload;
    (void)done;
    (void)total;
    if (r->calls++ < r->times)
        ck_assert_int_eq(
            mpijob_dump(r->by, r->path, &(mpijob_dump_options){.compress = 1, .chunks = (size_t[]){30}}, NULL),
            MPIJOB_OK);
    return 0;
}

/* Never some chunks of the old and some of the new: loading begins again, and gives up at some time. */
START_TEST(test_replaced_while_loading)
{
    const size_t shape[] = {100}, chunks[] = {30};
    mpijob_array old = zarr_array(zarr_type(MPIJOB_INT32), 1, shape, 'C');
    mpijob_array back;
    int32_t new_elements[100];
    mpijob_array new = mpijob_array_of(new_elements, mpijob_type_of(MPIJOB_INT32), 1, shape);
    memset(new_elements, 7, sizeof new_elements);
    const char *path = scratch_path(&files, "x.zarr");
    mpijob_error err = {0};
    replacing r = {.path = path, .by = &new, .times = 2};
    mpijob_load_options load = {.threads = 1, .progress = replace, .progress_payload = &r};
    ck_assert_int_eq(mpijob_dump(&old, path, &(mpijob_dump_options){.compress = 1, .chunks = chunks}, NULL), MPIJOB_OK);
    ck_assert_msg(mpijob_load(&back, path, &load, &err) == MPIJOB_OK, "%s", err.text);
    ck_assert_mem_eq(back.data, new_elements, sizeof new_elements);
    mpijob_array_free(&back);
    ck_assert_int_eq(r.calls, 2 + 4);
    r = (replacing){.path = path, .by = &new, .times = 1000};
    ck_assert_int_eq(mpijob_load(&back, path, &load, &err), MPIJOB_EOS);
    ck_assert_msg(strstr(err.text, "replaced") != NULL, "%s", err.text);
    mpijob_group *group;
    r = (replacing){.path = path, .by = &new, .times = 1};
    ck_assert_msg(mpijob_load_group(&group, path, &load, &err) == MPIJOB_OK, "%s", err.text);
    ck_assert_mem_eq(mpijob_group_member(group, 0)->array.data, new_elements, sizeof new_elements);
    mpijob_group_free(group);
    free(old.data);
}
END_TEST

/* ---- Memory ------------------------------------------------------------------------------------------------------- */

/* Whole chunks of a C array go to the compressor as they lie. */
START_TEST(test_whole_chunks_are_not_copied)
{
    const size_t shape[] = {64, 32}, chunks[] = {16, 32};
    mpijob_array array = zarr_array(zarr_type(MPIJOB_FLOAT64), 2, shape, 'C');
    mpj_dump_plan plan = {.format = MPIJOB_ZARR, .chunks = chunks, .cache_bytes = 1 << 20, .threads = 1};
    mpj_zarr_part part;
    mpj_zarr_scratch buffers;
    const void *content;
    size_t bytes;
    ck_assert_int_eq(mpj_zarr_part_init(&part, &array, &plan, NULL), 0);
    ck_assert_uint_eq(mpj_zarr_scratch_bytes(&part), 0);
    ck_assert_int_eq(mpj_zarr_scratch_make(&buffers, &part, NULL), 0);
    ck_assert_int_eq(mpj_zarr_encode(&part, 2, &buffers, &content, &bytes, NULL), 0);
    ck_assert_ptr_eq(content, (char *)array.data + 32 * 32 * 8);
    mpj_zarr_scratch_free(&buffers);
    mpj_zarr_part_dispose(&part);
    free(array.data);
}
END_TEST

START_TEST(test_cache_limits_threads)
{
    const size_t shape[] = {64, 32}, chunks[] = {16, 20};
    mpijob_array array = zarr_array(zarr_type(MPIJOB_FLOAT64), 2, shape, 'C');
    mpj_dump_plan plan = {
        .format = MPIJOB_ZARR, .chunks = chunks, .cache_bytes = 1 << 20, .threads = 8, .codec.level = 1};
    mpj_zarr_part part;
    ck_assert_int_eq(mpj_zarr_part_init(&part, &array, &plan, NULL), 0);
    size_t each = mpj_zarr_scratch_bytes(&part);
    ck_assert_uint_eq(each, 2 * 16 * 20 * 8 + 16);
    ck_assert_uint_eq(mpj_zarr_scratch_count(&part, 3 * each, 8), 3);
    ck_assert_uint_eq(mpj_zarr_scratch_count(&part, each - 1, 8), 1);
    ck_assert_uint_eq(mpj_zarr_scratch_count(&part, 100 * each, 8), 8);
    mpj_zarr_part_dispose(&part);
    free(array.data);
}
END_TEST

/* Each allocation fails once: an error, and what was there is as it was. */
START_TEST(test_no_memory)
{
    const size_t shape[] = {20, 13}, chunks[] = {6, 5};
    const char *name = _i ? "x.zarr.zip" : "x.zarr";
    mpijob_array array = zarr_array(zarr_type(MPIJOB_RECORD), 2, shape, 'F');
    mpijob_dump_options dump = {.compress = 1, .chunks = chunks, .threads = 1, .attributes = "{\"a\": 1}"};
    const char *path = scratch_path(&files, name);
    for (failing f = failing_begin(); failing_next(&f);) {
        int status = mpijob_dump(&array, path, &dump, NULL);
        failing_stop(&f);
        ck_assert_msg(status == MPIJOB_OK || (f.failed && status == MPIJOB_ENOMEM), "%d", status);
        ck_assert_int_eq(scratch_names(&files), status == MPIJOB_OK);
        if (status == MPIJOB_OK && f.failed)
            ck_assert_int_eq(_i ? remove(path) : mpj_folder_remove(path, NULL), 0);
    }
    for (failing f = failing_begin(); failing_next(&f);) {
        mpijob_array back;
        mpijob_load_options load = {.threads = 1, .record = &pair_record};
        int status = mpijob_load(&back, path, &load, NULL);
        failing_stop(&f);
        ck_assert_msg(status == MPIJOB_OK || (f.failed && status == MPIJOB_ENOMEM), "%d", status);
        if (status == MPIJOB_OK) {
            ck_assert_uint_eq(zarr_differences(&back, &array.type, shape, NULL), 0);
            mpijob_array_free(&back);
        }
    }
    free(array.data);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("zarr");
    TCase *tests = tcase_create("zarr");
    tcase_add_checked_fixture(tests, files_begin, files_end);
    tcase_add_loop_test(tests, test_kinds_and_shapes, 0, UNIT_COUNT(shapes));
    tcase_add_loop_test(tests, test_codecs, 0, 5);
    tcase_add_test(tests, test_strided);
    tcase_add_loop_test(tests, test_regions, 0, 4);
    tcase_add_test(tests, test_region_reads_its_chunks);
    tcase_add_test(tests, test_big_endian_nested_missing);
    tcase_add_test(tests, test_many_missing_chunks);
    tcase_add_test(tests, test_claims);
    tcase_add_test(tests, test_chunk_that_cannot_be);
    tcase_add_test(tests, test_refused_options);
    tcase_add_loop_test(tests, test_progress_at_edges, 0, UNIT_COUNT(edges));
    tcase_add_loop_test(tests, test_stopped_at_the_end, 0, 3);
    tcase_add_test(tests, test_progress_without_chunks);
    tcase_add_test(tests, test_replaced_while_loading);
    tcase_add_loop_test(tests, test_progress, 0, 2);
    tcase_add_test(tests, test_whole_chunks_are_not_copied);
    tcase_add_test(tests, test_cache_limits_threads);
    tcase_add_loop_test(tests, test_no_memory, 0, 2);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
