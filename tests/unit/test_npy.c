#include "array/forms.h"
#include "base/alloc.h"

#include "files.h"

#include <errno.h>
#include <mpijob/array.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>

/* Elements with bytes that all differ, so that a wrong place or order shows. */
static void fill(unsigned char *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        bytes[i] = (unsigned char)(i * 31 + i / 251);
}

static void dump(const mpijob_array *array, const char *path, const mpijob_dump_options *options)
{
    mpijob_error err = {0};
    ck_assert_msg(mpijob_dump(array, path, options, &err) == MPIJOB_OK, "%s", err.text);
}

static void load(mpijob_array *array, const char *path, const mpijob_load_options *options)
{
    mpijob_error err = {0};
    ck_assert_msg(mpijob_load(array, path, options, &err) == MPIJOB_OK, "%s", err.text);
}

static const char *element_at(const mpijob_array *array, const size_t *index)
{
    const char *at = array->data;
    for (int i = 0; i < array->ndim; i++)
        at += (ptrdiff_t)index[i] * array->strides[i];
    return at;
}

static int next_index(size_t *index, int ndim, const size_t *shape)
{
    for (int i = ndim - 1; i >= 0; i--) {
        if (++index[i] < shape[i])
            return 1;
        index[i] = 0;
    }
    return 0;
}

/* start: of `part` in `whole`; NULL: they are of one shape. */
static void assert_same_values(const mpijob_array *whole, const mpijob_array *part, const size_t *start)
{
    size_t index[MPIJOB_MAX_DIMS] = {0}, outer[MPIJOB_MAX_DIMS];
    size_t bytes = mpijob_type_size(&whole->type);
    ck_assert_int_eq(part->ndim, whole->ndim);
    ck_assert_uint_eq(mpijob_type_size(&part->type), bytes);
    size_t differ = 0; /* one assertion for all: there are millions of elements */
    if (mpijob_array_count(part) == 0)
        return;
    do {
        for (int i = 0; i < whole->ndim; i++)
            outer[i] = index[i] + (start ? start[i] : 0);
        differ += memcmp(element_at(part, index), element_at(whole, outer), bytes) != 0;
    } while (next_index(index, part->ndim, part->shape));
    ck_assert_uint_eq(differ, 0);
}

/* ---- Round trips ----------------------------------------------------------------------------------------------- */

typedef struct pair {
    double x;
    int32_t n;
} pair;
static const mpijob_field pair_fields[] = {MPIJOB_FIELD(pair, x, MPIJOB_FLOAT64), MPIJOB_FIELD(pair, n, MPIJOB_INT32)};
static const mpijob_record pair_record = MPIJOB_RECORD_OF(pair, pair_fields);

static const struct {
    mpijob_type type;
    const char *descr;
} types[] = {
    {{MPIJOB_BOOL, 0, 0, NULL, NULL}, "'|b1'"},        {{MPIJOB_INT8, 0, 0, NULL, NULL}, "'|i1'"},
    {{MPIJOB_INT16, 0, 0, NULL, NULL}, "'<i2'"},       {{MPIJOB_INT32, 0, 0, NULL, NULL}, "'<i4'"},
    {{MPIJOB_INT64, 0, 0, NULL, NULL}, "'<i8'"},       {{MPIJOB_UINT8, 0, 0, NULL, NULL}, "'|u1'"},
    {{MPIJOB_UINT16, 0, 0, NULL, NULL}, "'<u2'"},      {{MPIJOB_UINT32, 0, 0, NULL, NULL}, "'<u4'"},
    {{MPIJOB_UINT64, 0, 0, NULL, NULL}, "'<u8'"},      {{MPIJOB_FLOAT32, 0, 0, NULL, NULL}, "'<f4'"},
    {{MPIJOB_FLOAT64, 0, 0, NULL, NULL}, "'<f8'"},     {{MPIJOB_COMPLEX64, 0, 0, NULL, NULL}, "'<c8'"},
    {{MPIJOB_COMPLEX128, 0, 0, NULL, NULL}, "'<c16'"}, {{MPIJOB_BYTES, 0, 5, NULL, NULL}, "'|S5'"},
    {{MPIJOB_OPAQUE, 0, 2, NULL, "<f2"}, "'<f2'"},
};

static const struct {
    int ndim;
    size_t shape[4];
} shapes[] = {{0, {0}},    {1, {0}},    {1, {1}},    {1, {7}},       {2, {3, 4}},
              {2, {0, 4}}, {2, {4, 0}}, {2, {5, 1}}, {3, {2, 3, 4}}, {4, {2, 1, 3, 2}}};

/* What numpy would have written: the dict, and the elements in the order that it says. */
static void assert_file(const char *path, const char *descr, const mpijob_array *array, int order)
{
    size_t count, index[MPIJOB_MAX_DIMS] = {0};
    size_t bytes = mpijob_type_size(&array->type);
    char expected[100];
    unsigned char *file = files_read(path, &count);
    ck_assert_mem_eq(file, "\x93NUMPY\1\0", 8);
    size_t front = 10 + (size_t)(file[8] | file[9] << 8);
    ck_assert_uint_eq(front % 64, 0);
    snprintf(expected, sizeof expected, "{'descr': %s, 'fortran_order': %s, 'shape': (", descr,
             order == 'F' ? "True" : "False");
    ck_assert_mem_eq(file + 10, expected, strlen(expected));
    ck_assert_uint_eq(count, front + mpijob_array_count(array) * bytes);
    const unsigned char *at = file + front;
    mpijob_array in_file = order == 'F' ? mpijob_array_fortran(at, array->type, array->ndim, array->shape)
                                        : mpijob_array_of(at, array->type, array->ndim, array->shape);
    if (mpijob_array_count(array))
        do {
            ck_assert_mem_eq(element_at(&in_file, index), element_at(array, index), bytes);
        } while (next_index(index, array->ndim, array->shape));
    free(file);
}

static void round_trip(const mpijob_array *array, const char *descr, int given_order, int file_order)
{
    const char *path = scratch_path(&files, "a.npy");
    mpijob_array back;
    dump(array, path, &(mpijob_dump_options){.order = given_order});
    assert_file(path, descr, array, file_order);
    load(&back, path, NULL);
    ck_assert_int_eq(back.type.kind, array->type.kind);
    ck_assert_int_eq(
        mpj_array_order(&back) == file_order || mpijob_array_count(array) < 8 || mpj_array_order(&back) == 'C', 1);
    for (int i = 0; i < array->ndim; i++)
        ck_assert_uint_eq(back.shape[i], array->shape[i]);
    if (array->type.kind == MPIJOB_OPAQUE)
        ck_assert_str_eq(back.type.dtype, array->type.dtype);
    assert_same_values(array, &back, NULL);
    mpijob_array_free(&back);
    ck_assert_ptr_null(back.data);
}

START_TEST(every_type_and_shape_in_every_order)
{
    unsigned char bytes[24 * 16];
    fill(bytes, sizeof bytes);
    mpijob_type type = types[_i].type;
    for (int s = 0; s < UNIT_COUNT(shapes); s++) {
        mpijob_array c = mpijob_array_of(bytes, type, shapes[s].ndim, shapes[s].shape);
        mpijob_array f = mpijob_array_fortran(bytes, type, shapes[s].ndim, shapes[s].shape);
        round_trip(&c, types[_i].descr, 0, mpj_array_order(&c));
        round_trip(&c, types[_i].descr, 'C', 'C');
        round_trip(&c, types[_i].descr, 'F', 'F');
        round_trip(&f, types[_i].descr, 0, mpj_array_order(&f));
        round_trip(&f, types[_i].descr, 'C', 'C');
        round_trip(&f, types[_i].descr, 'F', 'F');
    }
}
END_TEST

/* Every second row from the end, columns backwards, one dimension repeated. */
START_TEST(strided_views)
{
    double x[6][5];
    fill((unsigned char *)x, sizeof x);
    mpijob_array view = {.data = &x[5][4], .type = mpijob_type_of(MPIJOB_FLOAT64), .ndim = 3};
    const size_t shape[] = {3, 2, 5};
    const ptrdiff_t strides[] = {-2 * (ptrdiff_t)sizeof x[0], 0, -(ptrdiff_t)sizeof(double)};
    memcpy(view.shape, shape, sizeof shape);
    memcpy(view.strides, strides, sizeof strides);
    round_trip(&view, "'<f8'", 0, 'C');
    round_trip(&view, "'<f8'", 'F', 'F');
}
END_TEST

/* The buffer holds one element, some, a row and a half, everything. */
START_TEST(small_buffers_write_the_same)
{
    static double x[7][11][3];
    static const size_t caches[] = {1, 8, 17, 24, 100, 24 * 11, 24 * 16, 24 * 11 * 7, 1 << 20};
    const size_t shape[] = {7, 11, 3};
    const char *path = scratch_path(&files, "a.npy");
    fill((unsigned char *)x, sizeof x);
    mpijob_array array = mpijob_array_of(x, mpijob_type_of(MPIJOB_FLOAT64), 3, shape);
    dump(&array, path, &(mpijob_dump_options){.order = 'F', .cache_size_bytes = caches[_i]});
    assert_file(path, "'<f8'", &array, 'F');
}
END_TEST

START_TEST(thirty_two_dimensions)
{
    size_t shape[32];
    unsigned char bytes[16];
    for (int i = 0; i < 32; i++)
        shape[i] = i % 8 == 3 ? 2 : 1;
    fill(bytes, sizeof bytes);
    mpijob_array array = mpijob_array_of(bytes, mpijob_type_of(MPIJOB_UINT8), 32, shape);
    round_trip(&array, "'|u1'", 0, 'C');
    round_trip(&array, "'|u1'", 'F', 'F');
}
END_TEST

/* More than a piece of what a thread reads, and than a buffer. */
START_TEST(large_arrays)
{
    const size_t shape[] = {3, 1 << 10, (1 << 10) + 1};
    size_t count = shape[0] * shape[1] * shape[2];
    const char *path = scratch_path(&files, "a.npy");
    double *x = malloc(count * sizeof *x);
    for (size_t i = 0; i < count; i++)
        x[i] = (double)i;
    mpijob_array array = mpijob_array_of(x, mpijob_type_of(MPIJOB_FLOAT64), 3, shape);
    for (int order = 0; order < 2; order++) {
        mpijob_array back;
        dump(&array, path, &(mpijob_dump_options){.order = order ? 'F' : 'C'});
        load(&back, path, &(mpijob_load_options){.threads = _i});
        assert_same_values(&array, &back, NULL);
        mpijob_array_free(&back);
    }
    free(x);
}
END_TEST

/* ---- Structs --------------------------------------------------------------------------------------------------- */

START_TEST(padding_is_written_as_zeros)
{
    pair pairs[3];
    const size_t shape[] = {3};
    size_t count;
    mpijob_array back;
    const char *path = scratch_path(&files, "a.npy");
    memset(pairs, 0xee, sizeof pairs);
    for (int i = 0; i < 3; i++) {
        pairs[i].x = i + 0.5;
        pairs[i].n = i;
    }
    mpijob_array array = mpijob_array_of(pairs, mpijob_type_record(&pair_record), 1, shape);
    dump(&array, path, NULL);
    unsigned char *file = files_read(path, &count);
    ck_assert_ptr_nonnull(strstr((char *)file + 10, "[('x', '<f8'), ('n', '<i4'), ('', '|V4')]"));
    for (int i = 0; i < 3; i++) {
        const unsigned char *at = file + count - sizeof pairs + (size_t)i * sizeof(pair);
        ck_assert_mem_eq(at, &pairs[i], 12);
        ck_assert_mem_eq(at + 12, "\0\0\0\0", 4);
    }
    free(file);
    load(&back, path, NULL);
    ck_assert_uint_eq(back.type.record->field_count, 2);
    ck_assert_uint_eq(back.type.record->bytes, sizeof(pair));
    const pair *loaded = back.data;
    for (int i = 0; i < 3; i++)
        ck_assert(loaded[i].x == pairs[i].x && loaded[i].n == pairs[i].n);
    mpijob_array_free(&back);
}
END_TEST

START_TEST(fields_are_found_by_name)
{
    typedef struct other {
        int32_t n;
        double x;
    } other;
    static const mpijob_field fields[] = {MPIJOB_FIELD(other, n, MPIJOB_INT32), MPIJOB_FIELD(other, x, MPIJOB_FLOAT64)};
    static const mpijob_record record = MPIJOB_RECORD_OF(other, fields);
    static const mpijob_record only_n = {"other", sizeof(other), 1, fields};
    pair pairs[2] = {{1.5, 10}, {2.5, 20}};
    const size_t shape[] = {2};
    mpijob_array array = mpijob_array_of(pairs, mpijob_type_record(&pair_record), 1, shape), back;
    const char *path = scratch_path(&files, "a.npy");
    dump(&array, path, NULL);
    load(&back, path, &(mpijob_load_options){.record = &record});
    const other *loaded = back.data;
    ck_assert(loaded[0].x == 1.5 && loaded[0].n == 10 && loaded[1].x == 2.5 && loaded[1].n == 20);
    mpijob_array_free(&back);
    load(&back, path, &(mpijob_load_options){.record = &only_n});
    loaded = back.data;
    ck_assert(loaded[0].n == 10 && loaded[1].n == 20 && loaded[1].x == 0);
    mpijob_array_free(&back);
}
END_TEST

START_TEST(a_field_that_is_not_there_is_named)
{
    typedef struct other {
        double x;
        double missing;
    } other;
    static const mpijob_field fields[] = {MPIJOB_FIELD(other, x, MPIJOB_FLOAT64),
                                          MPIJOB_FIELD(other, missing, MPIJOB_FLOAT64)};
    static const mpijob_record record = MPIJOB_RECORD_OF(other, fields);
    mpijob_error err = {0};
    pair one = {1, 2};
    mpijob_array array = mpijob_array_of(&one, mpijob_type_record(&pair_record), 0, NULL), back;
    const char *path = scratch_path(&files, "a.npy");
    dump(&array, path, NULL);
    ck_assert_int_eq(mpijob_load(&back, path, &(mpijob_load_options){.record = &record}, &err), MPIJOB_EINVAL);
    ck_assert_ptr_nonnull(strstr(err.text, "missing"));
}
END_TEST

/* Its header is longer than what is read at first. */
START_TEST(a_struct_of_many_fields)
{
    enum {
        FIELDS = 1000
    };
    static mpijob_field fields[FIELDS];
    static char names[FIELDS][32];
    static int32_t values[FIELDS];
    for (int i = 0; i < FIELDS; i++) {
        snprintf(names[i], sizeof names[i], "field %d", i);
        values[i] = i * i;
        fields[i] = (mpijob_field){.name = names[i], .type = mpijob_type_of(MPIJOB_INT32), .offset = 4 * (size_t)i};
    }
    mpijob_record record = {"many", sizeof values, FIELDS, fields};
    mpijob_array array = mpijob_array_of(values, mpijob_type_record(&record), 0, NULL), back;
    const char *path = scratch_path(&files, "a.npy");
    dump(&array, path, NULL);
    load(&back, path, NULL);
    ck_assert_uint_eq(back.type.record->field_count, FIELDS);
    ck_assert_mem_eq(back.data, values, sizeof values);
    mpijob_array_free(&back);
    size_t count;
    unsigned char *file = files_read(path, &count);
    files_write(path, file, 5000);
    ck_assert_int_eq(mpijob_load(&back, path, NULL, NULL), MPIJOB_ECORRUPT);
    free(file);
}
END_TEST

/* More than a thread reads at a time, and than its buffer. */
START_TEST(large_elements)
{
    enum {
        BYTES = 5000000
    };
    static const mpijob_field fields[] = {{.name = "n", .type = {MPIJOB_INT32, 0, 0, NULL, NULL}},
                                          {.name = "x", .type = {MPIJOB_BYTES, 0, BYTES - 4, NULL, NULL}, .offset = 4}};
    static const mpijob_field turned_fields[] = {
        {.name = "x", .type = {MPIJOB_BYTES, 0, BYTES - 4, NULL, NULL}},
        {.name = "n", .type = {MPIJOB_INT32, 0, 0, NULL, NULL}, .offset = BYTES - 4}};
    static const mpijob_record record = {"large", BYTES, 2, fields}, turned = {"turned", BYTES, 2, turned_fields};
    unsigned char *bytes = malloc(3 * BYTES);
    const size_t shape[] = {3};
    const char *path = scratch_path(&files, "a.npy");
    mpijob_array array = mpijob_array_of(bytes, mpijob_type_record(&record), 1, shape), back;
    fill(bytes, 3 * BYTES);
    dump(&array, path, &(mpijob_dump_options){.cache_size_bytes = 1});
    load(&back, path, NULL);
    ck_assert_int_eq(memcmp(back.data, bytes, 3 * BYTES), 0);
    mpijob_array_free(&back);
    load(&back, path, &(mpijob_load_options){.record = &turned});
    for (size_t i = 0; i < 3; i++) {
        const unsigned char *at = (unsigned char *)back.data + i * BYTES;
        ck_assert_int_eq(memcmp(at, bytes + i * BYTES + 4, BYTES - 4), 0);
        ck_assert_int_eq(memcmp(at + BYTES - 4, bytes + i * BYTES, 4), 0);
    }
    mpijob_array_free(&back);
    free(bytes);
}
END_TEST

START_TEST(structs_with_strings_are_for_dump_record)
{
    typedef struct named {
        char *name;
    } named;
    static const mpijob_field fields[] = {MPIJOB_FIELD_STRING(named, name)};
    static const mpijob_record record = MPIJOB_RECORD_OF(named, fields);
    named one = {NULL};
    mpijob_error err = {0};
    mpijob_array array = mpijob_array_of(&one, mpijob_type_record(&record), 0, NULL);
    ck_assert_int_eq(mpijob_dump(&array, scratch_path(&files, "a.npy"), NULL, &err), MPIJOB_EUNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(err.text, "mpijob_dump_record"));
    ck_assert_int_eq(scratch_names(&files), 0);
}
END_TEST

/* ---- Byte order ------------------------------------------------------------------------------------------------ */

static void write_npy(const char *path, const char *dict, const void *elements, size_t bytes)
{
    char file[1024] = "\x93NUMPY\1";
    size_t length = strlen(dict);
    file[7] = 0;
    file[8] = (char)length;
    file[9] = (char)(length >> 8);
    memcpy(file + 10, dict, length);
    memcpy(file + 10 + length, elements, bytes);
    files_write(path, file, 10 + length + bytes);
}

START_TEST(foreign_byte_order)
{
    static const unsigned char big[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    const char *path = scratch_path(&files, "a.npy");
    mpijob_array a;
    write_npy(path, "{'descr': '>u8', 'fortran_order': False, 'shape': (2,)}", big, 16);
    load(&a, path, NULL);
    ck_assert_uint_eq(((uint64_t *)a.data)[0], 0x0001020304050607);
    ck_assert_uint_eq(((uint64_t *)a.data)[1], 0x08090a0b0c0d0e0f);
    mpijob_array_free(&a);
    write_npy(path, "{'descr': '>i2', 'fortran_order': False, 'shape': (8,)}", big, 16);
    load(&a, path, NULL);
    ck_assert_int_eq(((int16_t *)a.data)[7], 0x0e0f);
    mpijob_array_free(&a);
    write_npy(path, "{'descr': [('a', '>u4'), ('b', '<u4'), ('c', '>c8')], 'fortran_order': False, 'shape': ()}", big,
              16);
    load(&a, path, NULL);
    const uint32_t *parts = a.data;
    ck_assert_uint_eq(parts[0], 0x00010203);
    ck_assert_uint_eq(parts[1], 0x07060504);
    ck_assert_uint_eq(parts[2], 0x08090a0b);
    ck_assert_uint_eq(parts[3], 0x0c0d0e0f);
    mpijob_array_free(&a);
}
END_TEST

/* ---- Regions --------------------------------------------------------------------------------------------------- */

/* Every block of the array, in both orders, as it is and turned round. */
static void every_region(const mpijob_array *whole, const char *path, const mpijob_load_options *base)
{
    mpijob_region r = {.ndim = 3};
    for (r.start[0] = 0; r.start[0] <= whole->shape[0]; r.start[0]++)
        for (r.count[0] = 0; r.count[0] <= whole->shape[0] - r.start[0]; r.count[0]++)
            for (r.start[1] = 0; r.start[1] <= whole->shape[1]; r.start[1]++)
                for (r.count[1] = 0; r.count[1] <= whole->shape[1] - r.start[1]; r.count[1]++)
                    for (r.start[2] = 0; r.start[2] <= whole->shape[2]; r.start[2]++)
                        for (r.count[2] = 0; r.count[2] <= whole->shape[2] - r.start[2]; r.count[2]++) {
                            mpijob_array part;
                            mpijob_load_options options = *base;
                            options.region = &r;
                            load(&part, path, &options);
                            assert_same_values(whole, &part, r.start);
                            mpijob_array_free(&part);
                        }
}

START_TEST(every_region_of_a_small_array)
{
    static const char *descr[] = {"<u2", ">u2"};
    uint16_t elements[2 * 3 * 4], swapped[2 * 3 * 4];
    const size_t shape[] = {2, 3, 4};
    const char *path = scratch_path(&files, "a.npy");
    for (size_t i = 0; i < 24; i++) {
        elements[i] = (uint16_t)(i * 2711);
        swapped[i] = (uint16_t)(elements[i] >> 8 | elements[i] << 8);
    }
    for (int fortran = 0; fortran < 2; fortran++) {
        char dict[100];
        snprintf(dict, sizeof dict, "{'descr': '%s', 'fortran_order': %s, 'shape': (2, 3, 4)}", descr[_i],
                 fortran ? "True" : "False");
        write_npy(path, dict, _i ? swapped : elements, sizeof elements);
        mpijob_type type = mpijob_type_of(MPIJOB_UINT16);
        mpijob_array whole =
            fortran ? mpijob_array_fortran(elements, type, 3, shape) : mpijob_array_of(elements, type, 3, shape);
        every_region(&whole, path, &(mpijob_load_options){0});
        every_region(&whole, path, &(mpijob_load_options){.cache_size_bytes = 5, .threads = 1});
    }
}
END_TEST

/* Runs far apart, and columns that are picked out of rows. */
START_TEST(regions_of_large_arrays)
{
    static const struct {
        size_t start[2], count[2];
    } parts[] = {{{10, 0}, {2000, 1}},
                 {{0, 2999}, {2100, 1}},
                 {{3, 100}, {2000, 2000}},
                 {{2099, 0}, {1, 3000}},
                 {{0, 7}, {1, 1}}};
    const size_t shape[] = {2100, 3000};
    const char *path = scratch_path(&files, "a.npy");
    uint32_t *x = malloc(2100 * 3000 * sizeof *x);
    for (uint32_t i = 0; i < 2100 * 3000; i++)
        x[i] = i;
    mpijob_array array = mpijob_array_of(x, mpijob_type_of(MPIJOB_UINT32), 2, shape);
    for (int order = 0; order < 2; order++) {
        dump(&array, path, &(mpijob_dump_options){.order = order ? 'F' : 'C'});
        for (int i = 0; i < UNIT_COUNT(parts); i++) {
            mpijob_region region = {.ndim = 2};
            mpijob_array part;
            memcpy(region.start, parts[i].start, sizeof parts[i].start);
            memcpy(region.count, parts[i].count, sizeof parts[i].count);
            load(&part, path, &(mpijob_load_options){.region = &region});
            assert_same_values(&array, &part, region.start);
            mpijob_array_free(&part);
        }
    }
    free(x);
}
END_TEST

START_TEST(fewer_limited_dimensions_are_rows)
{
    int32_t x[4][3];
    const size_t shape[] = {4, 3};
    const char *path = scratch_path(&files, "a.npy");
    mpijob_array array = mpijob_array_of(x, mpijob_type_of(MPIJOB_INT32), 2, shape), part;
    fill((unsigned char *)x, sizeof x);
    dump(&array, path, NULL);
    mpijob_region rows = {.ndim = 1, .start = {1}, .count = {2}};
    load(&part, path, &(mpijob_load_options){.region = &rows});
    ck_assert_uint_eq(part.shape[0], 2);
    ck_assert_uint_eq(part.shape[1], 3);
    ck_assert_mem_eq(part.data, x[1], 2 * sizeof x[0]);
    mpijob_array_free(&part);
}
END_TEST

START_TEST(regions_outside_are_refused)
{
    static const mpijob_region outside[] = {
        {.ndim = 1, .start = {5}, .count = {0}},        {.ndim = 1, .start = {0}, .count = {5}},
        {.ndim = 1, .start = {4}, .count = {1}},        {.ndim = 1, .start = {SIZE_MAX}, .count = {2}},
        {.ndim = 1, .start = {1}, .count = {SIZE_MAX}}, {.ndim = 2, .start = {0, 1}, .count = {1, 3}},
        {.ndim = 3, .start = {0}, .count = {1}},
    };
    int32_t x[4][3] = {{0}};
    const size_t shape[] = {4, 3};
    const char *path = scratch_path(&files, "a.npy");
    mpijob_error err = {0};
    mpijob_array array = mpijob_array_of(x, mpijob_type_of(MPIJOB_INT32), 2, shape), part = {.ndim = 77};
    dump(&array, path, NULL);
    ck_assert_int_eq(mpijob_load(&part, path, &(mpijob_load_options){.region = &outside[_i]}, &err), MPIJOB_EINVAL);
    ck_assert_ptr_nonnull(strstr(err.text, "region"));
    ck_assert_int_eq(part.ndim, 77);
    mpijob_load_options mapped = {.region = &outside[_i], .mmap_mode = "r"};
    ck_assert_int_eq(mpijob_load(&part, path, &mapped, &err), MPIJOB_EINVAL);
}
END_TEST

START_TEST(into_the_callers_memory)
{
    double x[6], y[6] = {0};
    const size_t shape[] = {2, 3};
    const char *path = scratch_path(&files, "a.npy");
    mpijob_error err = {0};
    mpijob_array array = mpijob_array_of(x, mpijob_type_of(MPIJOB_FLOAT64), 2, shape), back;
    fill((unsigned char *)x, sizeof x);
    dump(&array, path, NULL);
    load(&back, path, &(mpijob_load_options){.into = y, .into_bytes = sizeof y});
    ck_assert_ptr_eq(back.data, y);
    mpijob_array_free(&back);
    ck_assert_mem_eq(x, y, sizeof x);
    mpijob_load_options less = {.into = y, .into_bytes = sizeof y - 1};
    ck_assert_int_eq(mpijob_load(&back, path, &less, &err), MPIJOB_EINVAL);
    ck_assert_ptr_nonnull(strstr(err.text, "into_bytes"));
}
END_TEST

/* ---- Progress -------------------------------------------------------------------------------------------------- */

typedef struct told {
    int calls, stop_at;
    uint64_t done, total;
} told;

static int listen(uint64_t done, uint64_t total, void *payload)
{
    told *t = payload;
    ck_assert_uint_ge(done, t->done);
    ck_assert_uint_le(done, total);
    t->done = done;
    t->total = total;
    return ++t->calls == t->stop_at;
}

START_TEST(progress_is_told_and_can_stop)
{
    const size_t shape[] = {5 << 20};
    const char *path = scratch_path(&files, "a.npy");
    double *x = calloc(shape[0], sizeof *x);
    mpijob_error err = {0};
    mpijob_array array = mpijob_array_of(x, mpijob_type_of(MPIJOB_FLOAT64), 1, shape), back;
    told t = {0};
    dump(&array, path, &(mpijob_dump_options){.progress = listen, .progress_payload = &t});
    ck_assert_int_gt(t.calls, 1);
    ck_assert_uint_eq(t.done, shape[0] * sizeof *x);
    ck_assert_uint_eq(t.total, t.done);
    t = (told){0};
    load(&back, path, &(mpijob_load_options){.progress = listen, .progress_payload = &t});
    ck_assert_int_ge(t.calls, 1);
    ck_assert_uint_eq(t.done, shape[0] * sizeof *x);
    mpijob_array_free(&back);
    t = (told){.stop_at = 1};
    mpijob_load_options stop = {.progress = listen, .progress_payload = &t};
    ck_assert_int_eq(mpijob_load(&back, path, &stop, &err), MPIJOB_ECANCELED);
    t = (told){.stop_at = 2};
    x[0] = 1;
    mpijob_dump_options stop_dump = {.progress = listen, .progress_payload = &t};
    ck_assert_int_eq(mpijob_dump(&array, path, &stop_dump, &err), MPIJOB_ECANCELED);
    ck_assert_int_eq(t.calls, 2);
    ck_assert_int_eq(scratch_names(&files), 1);
    load(&back, path, NULL);
    ck_assert(((double *)back.data)[0] == 0);
    mpijob_array_free(&back);
    free(x);
}
END_TEST

/* ---- Damage ---------------------------------------------------------------------------------------------------- */

static void count_damage(const char *file, const char *chunk, const char *reason, void *payload)
{
    ck_assert_str_eq(chunk, "");
    ck_assert_ptr_nonnull(strstr(reason, file));
    ++*(int *)payload;
}

START_TEST(every_truncation_is_seen)
{
    double x[10];
    const size_t shape[] = {10};
    const char *path = scratch_path(&files, "a.npy");
    size_t count;
    mpijob_array array = mpijob_array_of(x, mpijob_type_of(MPIJOB_FLOAT64), 1, shape), back;
    mpijob_array_info info;
    mpijob_verify_result result;
    fill((unsigned char *)x, sizeof x);
    dump(&array, path, NULL);
    unsigned char *file = files_read(path, &count);
    for (size_t bytes = 0; bytes < count; bytes++) {
        mpijob_error err = {0};
        files_write(path, file, bytes);
        ck_assert_int_eq(mpijob_load(&back, path, NULL, &err), MPIJOB_ECORRUPT);
        ck_assert_ptr_nonnull(strstr(err.text, path));
        ck_assert_int_eq(mpijob_load(&back, path, &(mpijob_load_options){.mmap_mode = "r"}, NULL), MPIJOB_ECORRUPT);
        ck_assert_int_eq(mpijob_array_inspect(&info, path, NULL, NULL), MPIJOB_ECORRUPT);
        int told_of = 0;
        ck_assert_int_eq(mpijob_verify(&result, path, count_damage, &told_of, NULL, NULL, &err), MPIJOB_ECORRUPT);
        ck_assert_uint_eq(result.damaged, 1);
        ck_assert_int_eq(told_of, 1);
    }
    file = realloc(file, count + 100);
    memset(file + count, 0xaa, 100);
    files_write(path, file, count + 100);
    load(&back, path, NULL);
    assert_same_values(&array, &back, NULL);
    mpijob_array_free(&back);
    free(file);
}
END_TEST

START_TEST(a_flipped_bit_in_the_header_is_no_crash)
{
    pair pairs[3] = {{1, 2}, {3, 4}, {5, 6}};
    const size_t shape[] = {3};
    const char *path = scratch_path(&files, "a.npy");
    size_t count;
    mpijob_array array = mpijob_array_of(pairs, mpijob_type_record(&pair_record), 1, shape), back;
    dump(&array, path, NULL);
    unsigned char *file = files_read(path, &count);
    for (size_t at = 0; at < count - sizeof pairs; at++) {
        for (int bit = 0; bit < 8; bit++) {
            mpijob_error err = {0};
            file[at] ^= (unsigned char)(1 << bit);
            files_write(path, file, count);
            int status = mpijob_load(&back, path, NULL, &err);
            ck_assert_int_eq(status, err.status);
            ck_assert_msg(status == MPIJOB_OK || status == MPIJOB_ECORRUPT || status == MPIJOB_EUNSUPPORTED ||
                              status == MPIJOB_EVERSION,
                          "%d %s", status, err.text);
            if (status == MPIJOB_OK)
                mpijob_array_free(&back);
            file[at] ^= (unsigned char)(1 << bit);
        }
    }
    free(file);
}
END_TEST

/* A file that says much and has little: refused before memory is taken for it. */
START_TEST(claims_without_bytes_allocate_nothing)
{
    const char *path = scratch_path(&files, "a.npy");
    mpijob_array back;
    write_npy(path, "{'descr': '<f8', 'fortran_order': False, 'shape': (100000000000,)}", "", 0);
    ck_assert_int_eq(mpijob_load(&back, path, NULL, NULL), MPIJOB_ECORRUPT);
}
END_TEST

/* ---- What the system refuses ----------------------------------------------------------------------------------- */

static int dump_status(const mpijob_array *array, const char *path, mpijob_error *err)
{
    return mpijob_dump(array, path, NULL, err);
}

START_TEST(folders_that_are_not_there)
{
    mpijob_error err = {0};
    double x = 1;
    mpijob_array array = mpijob_array_of(&x, mpijob_type_of(MPIJOB_FLOAT64), 0, NULL), back;
    const char *path = scratch_path(&files, "no/such/a.npy");
    ck_assert_int_eq(dump_status(&array, path, &err), MPIJOB_EOS);
    ck_assert_int_eq(err.os_errno, ENOENT);
    ck_assert_ptr_nonnull(strstr(err.text, "no/such"));
    ck_assert_int_eq(mpijob_load(&back, path, NULL, &err), MPIJOB_ENOTFOUND);
    mpijob_load_options make = {.mmap_mode = "w+", .like = &array};
    ck_assert_int_eq(mpijob_load(&back, path, &make, &err), MPIJOB_EOS);
}
END_TEST

/* A process that may write only small files is what a full disk looks like, without one. */
static int in_a_narrow_child(int (*run)(const char *path), const char *path)
{
    pid_t child = fork();
    if (child == 0) {
        struct rlimit limit = {100000, 100000};
        signal(SIGXFSZ, SIG_IGN);
        _exit(setrlimit(RLIMIT_FSIZE, &limit) == 0 ? run(path) : 99);
    }
    int ended = 0;
    ck_assert_int_eq(waitpid(child, &ended, 0), child);
    return WIFEXITED(ended) ? WEXITSTATUS(ended) : 1000 + WTERMSIG(ended);
}

static double large[1 << 16];
static const size_t large_shape[] = {1 << 16};

static int failed_for_room(int status, const mpijob_error *err)
{
    return status == MPIJOB_EOS && (err->os_errno == EFBIG || err->os_errno == ENOSPC) ? 0 : 1;
}

static int try_to_dump(const char *path)
{
    mpijob_error err = {0};
    mpijob_array array = mpijob_array_of(large, mpijob_type_of(MPIJOB_FLOAT64), 1, large_shape);
    return failed_for_room(mpijob_dump(&array, path, NULL, &err), &err);
}

static int try_to_create(const char *path)
{
    mpijob_error err = {0};
    mpijob_array made, array = mpijob_array_of(NULL, mpijob_type_of(MPIJOB_FLOAT64), 1, large_shape);
    mpijob_load_options options = {.mmap_mode = "w+", .like = &array};
    return failed_for_room(mpijob_load(&made, path, &options, &err), &err);
}

START_TEST(no_room_leaves_the_old_file)
{
    double x = 42;
    const char *path = scratch_path(&files, "a.npy");
    mpijob_array array = mpijob_array_of(&x, mpijob_type_of(MPIJOB_FLOAT64), 0, NULL), back;
    dump(&array, path, NULL);
    ck_assert_int_eq(in_a_narrow_child(try_to_dump, path), 0);
    ck_assert_int_eq(in_a_narrow_child(try_to_create, path), 0);
    ck_assert_int_eq(scratch_names(&files), 1);
    load(&back, path, NULL);
    ck_assert(*(double *)back.data == 42);
    mpijob_array_free(&back);
}
END_TEST

/* Where this process may mount: a disk of 256 KiB. */
static int on_a_small_disk(int (*run)(const char *path), const char *folder)
{
    pid_t child = fork();
    if (child == 0) {
        char path[MPJ_PATH_BYTES];
        snprintf(path, sizeof path, "%s/a.npy", folder);
        if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
            mount("small", folder, "tmpfs", 0, "size=256k") != 0)
            _exit(77);
        _exit(run(path));
    }
    int ended = 0;
    ck_assert_int_eq(waitpid(child, &ended, 0), child);
    return WIFEXITED(ended) ? WEXITSTATUS(ended) : 1000 + WTERMSIG(ended);
}

START_TEST(a_full_disk_is_an_error)
{
    int dumped = on_a_small_disk(try_to_dump, files.folder);
    int created = on_a_small_disk(try_to_create, files.folder);
    ck_assert(dumped == 0 || dumped == 77);
    ck_assert_int_eq(created, dumped);
}
END_TEST

/* ---- Memory ---------------------------------------------------------------------------------------------------- */

START_TEST(no_memory_while_dumping)
{
    pair pairs[3] = {{1, 2}, {3, 4}, {5, 6}};
    const size_t shape[] = {3};
    const char *path = scratch_path(&files, "a.npy");
    mpijob_array array = mpijob_array_of(pairs, mpijob_type_record(&pair_record), 1, shape);
    int status;
    uint64_t n = 0;
    do {
        mpijob_error err = {0};
        mpj_alloc_fail_after(n++);
        status = mpijob_dump(&array, path, NULL, &err);
        mpj_alloc_fail_after(UINT64_MAX);
        ck_assert_int_eq(err.status, status);
        ck_assert(status == MPIJOB_OK || status == MPIJOB_ENOMEM);
        ck_assert_int_eq(scratch_names(&files), status == MPIJOB_OK);
    } while (status != MPIJOB_OK);
    ck_assert_uint_gt(n, 3);
}
END_TEST

START_TEST(no_memory_while_loading)
{
    static const char *modes[] = {NULL, "r", "c", "r+"};
    pair pairs[3] = {{1, 2}, {3, 4}, {5, 6}};
    const size_t shape[] = {3};
    const char *path = scratch_path(&files, "a.npy");
    mpijob_array array = mpijob_array_of(pairs, mpijob_type_record(&pair_record), 1, shape), back;
    int status;
    uint64_t n = 0;
    dump(&array, path, NULL);
    do {
        mpijob_error err = {0};
        back.ndim = 77;
        mpj_alloc_fail_after(n++);
        status = mpijob_load(&back, path, &(mpijob_load_options){.record = &pair_record, .mmap_mode = modes[_i]}, &err);
        mpj_alloc_fail_after(UINT64_MAX);
        ck_assert_msg(status == MPIJOB_OK || status == MPIJOB_ENOMEM, "%s", err.text);
        ck_assert_int_eq(back.ndim, status == MPIJOB_OK ? 1 : 77);
    } while (status != MPIJOB_OK);
    ck_assert_uint_gt(n, 3);
    mpijob_array_free(&back);
}
END_TEST

/* ---- Looking ---------------------------------------------------------------------------------------------------- */

START_TEST(inspect_and_verify)
{
    double x[6] = {0};
    const size_t shape[] = {2, 3};
    const char *path = scratch_path(&files, "a.npy");
    mpijob_array array = mpijob_array_fortran(x, mpijob_type_of(MPIJOB_FLOAT64), 2, shape);
    mpijob_array_info info;
    mpijob_verify_result result;
    mpijob_error err = {0};
    told t = {0};
    dump(&array, path, NULL);
    ck_assert_msg(mpijob_array_inspect(&info, path, NULL, &err) == MPIJOB_OK, "%s", err.text);
    ck_assert_int_eq(info.format, MPIJOB_NPY);
    ck_assert_int_eq(info.version, 1);
    ck_assert_int_eq(info.order, 'F');
    ck_assert_int_eq(info.byte_order, '<');
    ck_assert_int_eq(info.ndim, 2);
    ck_assert_uint_eq(info.shape[0], 2);
    ck_assert_uint_eq(info.chunks[1], 3);
    ck_assert_uint_eq(info.elements_bytes, 48);
    ck_assert_uint_eq(info.stored_bytes, 48);
    ck_assert_str_eq(info.dtype, "<f8");
    ck_assert_str_eq(info.codec, "");
    ck_assert_int_eq(mpijob_array_inspect(&info, path, "a", &err), MPIJOB_ENOTFOUND);
    ck_assert_msg(mpijob_verify(&result, path, NULL, NULL, listen, &t, &err) == MPIJOB_OK, "%s", err.text);
    ck_assert(result.arrays == 1 && result.chunks == 1 && result.unsummed == 1 && result.damaged == 0 &&
              result.bytes == 48);
    ck_assert_uint_eq(t.done, 48);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("npy");
    TCase *group = tcase_create("npy");
    tcase_add_checked_fixture(group, files_begin, files_end);
    tcase_add_loop_test(group, every_type_and_shape_in_every_order, 0, UNIT_COUNT(types));
    tcase_add_test(group, strided_views);
    tcase_add_loop_test(group, small_buffers_write_the_same, 0, 9);
    tcase_add_test(group, thirty_two_dimensions);
    tcase_add_loop_test(group, large_arrays, 0, 4);
    tcase_add_test(group, padding_is_written_as_zeros);
    tcase_add_test(group, fields_are_found_by_name);
    tcase_add_test(group, a_field_that_is_not_there_is_named);
    tcase_add_test(group, a_struct_of_many_fields);
    tcase_add_test(group, large_elements);
    tcase_add_test(group, structs_with_strings_are_for_dump_record);
    tcase_add_test(group, foreign_byte_order);
    tcase_add_loop_test(group, every_region_of_a_small_array, 0, 2);
    tcase_add_test(group, regions_of_large_arrays);
    tcase_add_test(group, fewer_limited_dimensions_are_rows);
    tcase_add_loop_test(group, regions_outside_are_refused, 0, 7);
    tcase_add_test(group, into_the_callers_memory);
    tcase_add_test(group, progress_is_told_and_can_stop);
    tcase_add_test(group, every_truncation_is_seen);
    tcase_add_test(group, a_flipped_bit_in_the_header_is_no_crash);
    tcase_add_test(group, claims_without_bytes_allocate_nothing);
    tcase_add_test(group, folders_that_are_not_there);
    tcase_add_test(group, no_room_leaves_the_old_file);
    tcase_add_test(group, a_full_disk_is_an_error);
    tcase_add_test(group, no_memory_while_dumping);
    tcase_add_loop_test(group, no_memory_while_loading, 0, 4);
    tcase_add_test(group, inspect_and_verify);
    suite_add_tcase(suite, group);
    return unit_run(suite);
}
