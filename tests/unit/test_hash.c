/* Digests of arrays: the specification's vectors, what must not matter, and what must. */
#include "base/alloc.h"
#include "data/digest.h"
#include "data/layout.h"
#include "hash_page.h"
#include "unit.h"

#include <mpijob/random.h>
#include <murmurhash.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define BLOCK ((size_t)16 << 20)
#define LARGE (5 * BLOCK / 2 + 24)

static unsigned char *large; /* LARGE random bytes */

static void setup(void)
{
    mpijob_random random;
    mpijob_random_init(&random, 1, 1);
    large = malloc(LARGE + BLOCK);
    ck_assert_ptr_nonnull(large);
    for (size_t i = 0; i + 8 <= LARGE; i += 8) {
        uint64_t number = mpijob_random_u64(&random);
        memcpy(large + i, &number, 8);
    }
}

static void teardown(void)
{
    free(large);
}

static mpijob_digest hash(const mpijob_array *array)
{
    mpijob_digest digest;
    mpijob_error err;
    ck_assert_msg(mpijob_hash_array(&digest, array, NULL, &err) == MPIJOB_OK, "%s", err.text);
    return digest;
}

static mpijob_digest hash_of(const void *data, mpijob_type type, int ndim, const size_t *shape)
{
    mpijob_array array = mpijob_array_of(data, type, ndim, shape);
    return hash(&array);
}

static void assert_equal(mpijob_digest a, mpijob_digest b)
{
    ck_assert_mem_eq(a.bytes, b.bytes, sizeof a.bytes);
}

static void assert_different(mpijob_digest a, mpijob_digest b)
{
    ck_assert_mem_ne(a.bytes, b.bytes, sizeof a.bytes);
}

/* ---- Vectors ---- */

typedef struct text_vector {
    const char *key, *text;
} text_vector;

static const text_vector texts[] = {
    {"murmur-nothing", ""},
    {"murmur-hello", "hello"},
    {"murmur-world", "hello, world"},
    {"murmur-time", "19 Jan 2038 at 3:14:07 AM"},
    {"murmur-fox", "The quick brown fox jumps over the lazy dog"},
};

START_TEST(murmur_of_texts)
{
    char bytes[64];
    mpijob_digest digest;
    memcpy(bytes, texts[_i].text, strlen(texts[_i].text));
    mpj_digest_of(&digest, bytes, strlen(texts[_i].text));
    hash_page_assert(texts[_i].key, &digest);
    ck_assert_mem_eq(bytes, texts[_i].text, strlen(texts[_i].text));
}
END_TEST

/* Needs seeds, which the library's own function has not. */
START_TEST(murmur_verification)
{
    unsigned char key[256], results[256 * 16];
    char text[9];
    mpijob_digest digest;
    for (unsigned i = 0; i < 256; i++) {
        uint64_t out[2];
        key[i] = (unsigned char)i;
        lmmh_x64_128(key, i, 256 - i, out);
        for (unsigned byte = 0; byte < 16; byte++)
            results[16 * i + byte] = (unsigned char)(out[byte / 8] >> 8 * (byte % 8));
    }
    mpj_digest_of(&digest, results, sizeof results);
    for (size_t i = 0; i < 4; i++)
        snprintf(text + 2 * i, 3, "%02x", digest.bytes[i]);
    hash_page_assert_text("murmur-smhasher", text);
}
END_TEST

typedef struct array_vector {
    const char *key;
    int kind;
    size_t bytes; /* of an element, where the kind does not say it */
    int ndim;
    size_t shape[2];
    const void *data;
} array_vector;

static const int16_t six[] = {0, 1, 2, 3, 4, 5};

static const array_vector vectors[] = {
    {"scalar", MPIJOB_FLOAT64, 0, 0, {0}, (double[]){1.5}},
    {"zero", MPIJOB_FLOAT64, 0, 1, {1}, (double[]){0.0}},
    {"minus-zero", MPIJOB_FLOAT64, 0, 1, {1}, (double[]){-0.0}},
    {"empty", MPIJOB_FLOAT32, 0, 2, {0, 3}, NULL},
    {"bools", MPIJOB_BOOL, 0, 1, {3}, (bool[]){true, false, true}},
    {"int32", MPIJOB_INT32, 0, 1, {3}, (int32_t[]){1, -2, 3}},
    {"uint32", MPIJOB_UINT32, 0, 1, {3}, (uint32_t[]){1, 4294967294, 3}},
    {"matrix-c", MPIJOB_INT16, 0, 2, {2, 3}, six},
    {"complex64", MPIJOB_COMPLEX64, 0, 1, {2}, (float[]){1, 2, 0, -0.5f}},
    {"tags", MPIJOB_BYTES, 5, 1, {2}, "abcdefg\0\0"},
};

START_TEST(arrays_of_the_page)
{
    const array_vector *v = &vectors[_i];
    mpijob_type type = {.kind = v->kind, .bytes = v->bytes};
    mpijob_digest digest = hash_of(v->data, type, v->ndim, v->shape);
    hash_page_assert(v->key, &digest);
}
END_TEST

START_TEST(fortran_order_and_opaque_elements)
{
    const size_t shape[] = {2, 3}, one = 1;
    mpijob_array array = mpijob_array_fortran(six, mpijob_type_of(MPIJOB_INT16), 2, shape);
    mpijob_digest digest = hash(&array);
    hash_page_assert("matrix-f", &digest);
    digest = hash_of("\x00\x3c", (mpijob_type){.kind = MPIJOB_OPAQUE, .bytes = 2, .dtype = "<f2"}, 1, &one);
    hash_page_assert("half", &digest);
}
END_TEST

START_TEST(blocks_of_the_page)
{
    const size_t shapes[] = {BLOCK, BLOCK + 3};
    for (size_t i = 0; i < shapes[1]; i++)
        large[i] = (unsigned char)(i % 251);
    mpijob_digest digest = hash_of(large, mpijob_type_of(MPIJOB_UINT8), 1, &shapes[0]);
    hash_page_assert("block", &digest);
    digest = hash_of(large, mpijob_type_of(MPIJOB_UINT8), 1, &shapes[1]);
    hash_page_assert("two-blocks", &digest);
}
END_TEST

START_TEST(records_of_the_page)
{
    const size_t two = 2;
    point points[2];
    make_points(points);
    mpijob_digest digest = hash_of(points, mpijob_type_record(&point_record), 1, &two);
    hash_page_assert("records", &digest);
}
END_TEST

/* ---- What must not matter ---- */

static const int thread_counts[] = {0, 1, 2, 3, 8, 64};

START_TEST(threads_do_not_matter)
{
    const size_t shape = LARGE / 8, half = LARGE / 16;
    mpijob_array array = mpijob_array_of(large, mpijob_type_of(MPIJOB_FLOAT64), 1, &shape);
    mpijob_array every_other = array;
    every_other.shape[0] = half;
    every_other.strides[0] = 16;
    mpijob_hash_options one = {.threads = 1}, some = {.threads = thread_counts[_i]};
    const mpijob_array *both[] = {&array, &every_other};
    for (int i = 0; i < 2; i++) {
        mpijob_digest expected, digest;
        ck_assert_int_eq(mpijob_hash_array(&expected, both[i], &one, NULL), MPIJOB_OK);
        ck_assert_int_eq(mpijob_hash_array(&digest, both[i], &some, NULL), MPIJOB_OK);
        assert_equal(digest, expected);
    }
}
END_TEST

/* A view, and its contiguous copy in C order made by a loop over all elements. */
static void assert_as_its_copy(const mpijob_array *view)
{
    mpijob_array copy = mpijob_array_of(NULL, view->type, view->ndim, view->shape);
    size_t bytes = mpijob_type_size(&view->type), count = mpijob_array_count(view);
    unsigned char *elements = malloc(count * bytes + 1);
    ck_assert_ptr_nonnull(elements);
    for (size_t i = 0; i < count; i++) {
        const unsigned char *from = view->data;
        size_t rest = i;
        for (int dim = view->ndim - 1; dim >= 0; dim--) {
            from += (ptrdiff_t)(rest % view->shape[dim]) * view->strides[dim];
            rest /= view->shape[dim];
        }
        memcpy(elements + i * bytes, from, bytes);
    }
    copy.data = elements;
    assert_equal(hash(view), hash(&copy));
    free(elements);
}

typedef struct view_case {
    size_t bytes; /* MPIJOB_BYTES of that length; 0: float64 */
    int ndim;
    size_t shape[4];
    ptrdiff_t strides[4];
    size_t offset;
} view_case;

static const view_case views[] = {
    {0, 1, {1000}, {24}, 0},
    {0, 1, {1000}, {-8}, 7992},
    {0, 2, {30, 40}, {400, 8}, 0},
    {0, 2, {30, 40}, {0, 8}, 0},
    {0, 2, {30, 40}, {-320, -8}, 9592},
    {0, 3, {7, 5, 9}, {8, 504, 56}, 0},
    {3, 2, {100, 70}, {3, 303}, 0},
    {5, 2, {2500, 1700}, {5, 12505}, 0}, /* blocks cut elements */
    {0, 3, {1000, 3, 1500}, {24, 8, 24000}, 0},
    {100000, 2, {20, 3}, {300000, 100000}, 0}, /* contiguous, elements too large to gather */
    {100000, 2, {20, 3}, {100000, 2100000}, 0},
    {100000, 2, {100, 2}, {200000, -100000}, 100000},
};

START_TEST(strides_do_not_matter)
{
    const view_case *c = &views[_i];
    mpijob_type type = c->bytes == 0 ? mpijob_type_of(MPIJOB_FLOAT64) : mpijob_type_bytes(c->bytes);
    mpijob_array view = mpijob_array_of(large + c->offset, type, c->ndim, c->shape);
    memcpy(view.strides, c->strides, sizeof c->strides);
    ck_assert_int_ne(mpj_array_order(&view), 'F');
    assert_as_its_copy(&view);
}
END_TEST

START_TEST(padding_and_ignored_members_do_not_matter)
{
    enum {
        COUNT = 500000
    }; /* 13 MB in the stream, of several batches */
    const size_t shape[] = {COUNT / 1000, 1000};
    point *points = calloc(COUNT, sizeof *points);
    ck_assert_ptr_nonnull(points);
    for (size_t i = 0; i < COUNT; i++)
        points[i] = (point){.x = (double)i, .n = (int32_t)i, .tag = "x", .w = {1, 2}};
    mpijob_array array = mpijob_array_of(points, mpijob_type_record(&point_record), 2, shape);
    mpijob_digest expected = hash(&array);
    for (size_t i = 0; i < COUNT; i++) {
        point copy = points[i];
        memset(&points[i], (int)i, sizeof *points);
        points[i].x = copy.x;
        points[i].n = copy.n;
        memcpy(points[i].tag, copy.tag, sizeof copy.tag);
        memcpy(points[i].w, copy.w, sizeof copy.w);
    }
    assert_equal(hash(&array), expected);
    points[COUNT / 2].n++;
    assert_different(hash(&array), expected);
    free(points);
}
END_TEST

static mpijob_digest hash_in_parts(const void *data, mpijob_type type, size_t count, size_t part)
{
    mpijob_hasher *hasher;
    mpijob_digest digest, again;
    const unsigned char *at = data;
    size_t bytes = mpijob_type_size(&type);
    ck_assert_int_eq(mpijob_hasher_create(&hasher, &type, 1, &count, 'C', NULL), MPIJOB_OK);
    for (size_t done = 0; done < count; done += part) {
        size_t now = count - done < part ? count - done : part;
        ck_assert_int_eq(mpijob_hasher_finish(&digest, hasher, NULL), MPIJOB_EINVAL);
        ck_assert_int_eq(mpijob_hasher_update(hasher, at + done * bytes, now, NULL), MPIJOB_OK);
    }
    ck_assert_int_eq(mpijob_hasher_update(hasher, data, 0, NULL), MPIJOB_OK);
    ck_assert_int_eq(mpijob_hasher_update(hasher, data, 1, NULL), MPIJOB_EINVAL);
    ck_assert_int_eq(mpijob_hasher_finish(&digest, hasher, NULL), MPIJOB_OK);
    ck_assert_int_eq(mpijob_hasher_finish(&again, hasher, NULL), MPIJOB_OK);
    assert_equal(again, digest);
    mpijob_hasher_free(hasher);
    return digest;
}

static const size_t parts[] = {1000003, BLOCK / 8, BLOCK / 4 + 1, LARGE};

START_TEST(parts_do_not_matter)
{
    size_t count = LARGE / 8;
    mpijob_type type = mpijob_type_of(MPIJOB_FLOAT64);
    assert_equal(hash_in_parts(large, type, count, parts[_i]), hash_of(large, type, 1, &count));
    count = 100;
    assert_equal(hash_in_parts(large, type, count, 1 + (size_t)_i), hash_of(large, type, 1, &count));
    type = mpijob_type_bytes(5000);
    assert_equal(hash_in_parts(large, type, count, 7), hash_of(large, type, 1, &count));
    point points[2];
    make_points(points);
    count = 2;
    type = mpijob_type_record(&point_record);
    assert_equal(hash_in_parts(points, type, count, 1), hash_of(points, type, 1, &count));
    count = 0;
    assert_equal(hash_in_parts(points, type, count, 1), hash_of(points, type, 1, &count));
}
END_TEST

START_TEST(a_hasher_has_the_orders_that_arrays_have)
{
    const size_t shape[] = {2, 3}, line[] = {1, 6};
    const mpijob_type type = mpijob_type_of(MPIJOB_INT16);
    const mpijob_array matrix = mpijob_array_fortran(six, type, 2, shape),
                       row = mpijob_array_fortran(six, type, 2, line);
    const mpijob_array *const arrays[] = {&matrix, &row};
    for (int i = 0; i < 2; i++) {
        mpijob_hasher *hasher;
        mpijob_digest digest;
        ck_assert_int_eq(mpijob_hasher_create(&hasher, &type, 2, arrays[i]->shape, 'F', NULL), MPIJOB_OK);
        ck_assert_int_eq(mpijob_hasher_update(hasher, six, 6, NULL), MPIJOB_OK);
        ck_assert_int_eq(mpijob_hasher_finish(&digest, hasher, NULL), MPIJOB_OK);
        assert_equal(digest, hash(arrays[i]));
        mpijob_hasher_free(hasher);
    }
    assert_equal(hash(&row), hash_of(six, type, 2, line));
}
END_TEST

/* ---- What must matter ---- */

START_TEST(type_shape_and_order_matter)
{
    const size_t shapes[][2] = {{4, 6}, {6, 4}, {3, 8}, {24, 1}};
    const int kinds[] = {MPIJOB_INT64, MPIJOB_UINT64, MPIJOB_FLOAT64, MPIJOB_COMPLEX64};
    mpijob_digest seen[40];
    int count = 0;
    for (int kind = 0; kind < UNIT_COUNT(kinds); kind++) {
        for (int shape = 0; shape < UNIT_COUNT(shapes); shape++) {
            mpijob_type type = mpijob_type_of(kinds[kind]);
            mpijob_array fortran = mpijob_array_fortran(large, type, 2, shapes[shape]);
            seen[count++] = hash_of(large, type, 2, shapes[shape]);
            if (mpj_array_order(&fortran) == 'F')
                seen[count++] = hash(&fortran);
        }
        const size_t line = 24;
        seen[count++] = hash_of(large, mpijob_type_of(kinds[kind]), 1, &line);
    }
    ck_assert_int_eq(count, 32);
    for (int i = 0; i < count; i++)
        for (int j = 0; j < i; j++)
            assert_different(seen[i], seen[j]);
}
END_TEST

START_TEST(names_of_opaque_types_and_lengths_of_bytes_matter)
{
    const size_t two = 2, one = 1;
    mpijob_type half = {.kind = MPIJOB_OPAQUE, .bytes = 2, .dtype = "<f2"};
    mpijob_type other = {.kind = MPIJOB_OPAQUE, .bytes = 2, .dtype = ">f2"};
    assert_different(hash_of("abcd", half, 1, &two), hash_of("abcd", other, 1, &two));
    assert_different(hash_of("abcd", half, 1, &two), hash_of("abcd", mpijob_type_bytes(2), 1, &two));
    assert_different(hash_of("abcd", mpijob_type_bytes(4), 1, &one), hash_of("abcd", mpijob_type_bytes(2), 1, &one));
}
END_TEST

START_TEST(every_block_matters)
{
    const size_t shape = LARGE, places[] = {0, BLOCK - 1, BLOCK, 2 * BLOCK + 5, LARGE - 1};
    const mpijob_type type = mpijob_type_of(MPIJOB_UINT8);
    mpijob_digest before = hash_of(large, type, 1, &shape);
    for (int i = 0; i < UNIT_COUNT(places); i++) {
        large[places[i]] ^= 1;
        assert_different(hash_of(large, type, 1, &shape), before);
        large[places[i]] ^= 1;
    }
    assert_equal(hash_of(large, type, 1, &shape), before);
}
END_TEST

/* ---- Errors, progress, texts ---- */

START_TEST(wrong_arguments)
{
    const size_t shape = 4;
    mpijob_digest digest;
    mpijob_hasher *hasher;
    mpijob_array array = mpijob_array_of(large, mpijob_type_of(MPIJOB_INT8), 1, &shape);
    const mpijob_hash_options wrong[] = {{.threads = -1}, {.reserved_int = 1}, {.reserved = {0, 0, 0, 1}}};
    for (int i = 0; i < UNIT_COUNT(wrong); i++)
        ck_assert_int_eq(mpijob_hash_array(&digest, &array, &wrong[i], NULL), MPIJOB_EINVAL);
    ck_assert_int_eq(mpijob_hash_array(NULL, &array, NULL, NULL), MPIJOB_EINVAL);
    ck_assert_int_eq(mpijob_hash_array(&digest, NULL, NULL, NULL), MPIJOB_EINVAL);
    ck_assert_int_eq(mpijob_hasher_create(&hasher, &array.type, 1, &shape, 'K', NULL), MPIJOB_EINVAL);
    ck_assert_int_eq(mpijob_hasher_create(&hasher, &array.type, 33, &shape, 'C', NULL), MPIJOB_EINVAL);
    ck_assert_int_eq(mpijob_hasher_create(&hasher, &array.type, 1, NULL, 'C', NULL), MPIJOB_EINVAL);
    ck_assert_int_eq(mpijob_hasher_create(&hasher, NULL, 1, &shape, 'C', NULL), MPIJOB_EINVAL);
    mpijob_hasher_free(NULL);
    array.shape[0] = (size_t)1 << 60; /* one byte, again and again */
    array.strides[0] = 0;
    ck_assert_int_eq(mpijob_hash_array(&digest, &array, NULL, NULL), MPIJOB_EINVAL);
}
END_TEST

typedef struct told {
    uint64_t calls, done, total, stop_at;
} told;

static int tell(uint64_t done, uint64_t total, void *payload)
{
    told *t = payload;
    ck_assert_uint_ge(done, t->done);
    ck_assert_uint_le(done, total);
    t->calls++;
    t->done = done;
    t->total = total;
    return done >= t->stop_at;
}

START_TEST(progress_is_told_and_can_stop)
{
    const size_t count = LARGE, elements = LARGE / 100000;
    const mpijob_type types[] = {mpijob_type_of(MPIJOB_UINT8), mpijob_type_bytes(100000)};
    mpijob_array array = mpijob_array_of(large, types[_i], 1, _i == 0 ? &count : &elements);
    if (_i == 1)
        array.shape[0] /= 2, array.strides[0] *= 2;
    told all = {.stop_at = UINT64_MAX}, some = {.stop_at = 1};
    mpijob_hash_options options = {.threads = 1 + _i, .progress = tell, .progress_payload = &all};
    mpijob_digest digest;
    mpijob_error err;
    ck_assert_int_eq(mpijob_hash_array(&digest, &array, &options, &err), MPIJOB_OK);
    /* A second thread may have done all before the first is told. */
    ck_assert_uint_ge(all.calls, _i == 0 ? 2 : 1);
    ck_assert_uint_eq(all.total, mpijob_array_count(&array) * mpijob_type_size(&array.type));
    ck_assert_uint_eq(all.done, all.total);
    options.progress_payload = &some;
    ck_assert_int_eq(mpijob_hash_array(&digest, &array, &options, &err), MPIJOB_ECANCELED);
    ck_assert_int_eq(err.status, MPIJOB_ECANCELED);
    ck_assert_uint_eq(some.calls, 1);
}
END_TEST

static int hash_everything(mpijob_digest digests[3])
{
    static const size_t shape[] = {1000, 600}, count = 600000;
    const mpijob_type type = mpijob_type_of(MPIJOB_FLOAT64);
    mpijob_array view = mpijob_array_of(large, type, 2, shape);
    mpijob_hasher *hasher = NULL;
    view.strides[0] = 8;
    view.strides[1] = 8016;
    int status = mpijob_hash_array(&digests[0], &view, &(mpijob_hash_options){.threads = 2}, NULL);
    if (status == MPIJOB_OK)
        status = mpijob_hasher_create(&hasher, &type, 1, &count, 'C', NULL);
    for (size_t i = 0; i < 2 && status == MPIJOB_OK; i++)
        status = mpijob_hasher_update(hasher, large, count / 2, NULL);
    if (status == MPIJOB_OK)
        status = mpijob_hasher_finish(&digests[1], hasher, NULL);
    if (hasher != NULL)
        mpijob_hasher_free(hasher);
    if (status != MPIJOB_OK)
        return status;
    view.type = mpijob_type_record(&point_record);
    view.strides[0] = sizeof(point);
    view.strides[1] = sizeof(point) * 2;
    return mpijob_hash_array(&digests[2], &view, NULL, NULL);
}

START_TEST(every_allocation_may_fail)
{
    mpijob_digest expected[3], digests[3];
    int status = MPIJOB_ENOMEM;
    uint64_t n = 0;
    ck_assert_int_eq(hash_everything(expected), MPIJOB_OK);
    for (; status == MPIJOB_ENOMEM; n++) {
        mpj_alloc_fail_after(n);
        status = hash_everything(digests);
        mpj_alloc_fail_after(UINT64_MAX);
    }
    ck_assert_int_eq(status, MPIJOB_OK);
    ck_assert_mem_eq(digests, expected, sizeof expected);
    ck_assert_uint_gt(n, 5);
}
END_TEST

START_TEST(a_hasher_without_memory_stays_without_a_digest)
{
    const size_t count = 10000;
    const mpijob_type type = mpijob_type_of(MPIJOB_INT8);
    mpijob_hasher *hasher;
    mpijob_digest digest;
    mpijob_error err;
    ck_assert_int_eq(mpijob_hasher_create(&hasher, &type, 1, &count, 'C', NULL), MPIJOB_OK);
    mpj_alloc_fail_after(0);
    ck_assert_int_eq(mpijob_hasher_update(hasher, large, 5000, &err), MPIJOB_ENOMEM);
    mpj_alloc_fail_after(UINT64_MAX);
    ck_assert_int_eq(mpijob_hasher_update(hasher, large, 5000, &err), MPIJOB_ENOMEM);
    ck_assert_int_eq(mpijob_hasher_finish(&digest, hasher, &err), MPIJOB_ENOMEM);
    mpijob_hasher_free(hasher);
}
END_TEST

START_TEST(small_arrays_allocate_nothing)
{
    const size_t count = 1000000;
    mpj_alloc_fail_after(UINT64_MAX);
    hash_of(large, mpijob_type_of(MPIJOB_INT8), 1, &count);
    ck_assert_uint_le(mpj_alloc_fail_after(UINT64_MAX), 1); /* of the conversion */
}
END_TEST

START_TEST(digests_as_text)
{
    const char *text = "000102030405060708090a0b0c0d0eff";
    const char *const wrong[] = {NULL,
                                 "",
                                 "00",
                                 "000102030405060708090a0b0c0d0ef",
                                 "000102030405060708090a0b0c0d0eff0",
                                 "000102030405060708090a0b0c0d0efg",
                                 "0x0102030405060708090a0b0c0d0eff"};
    char back[MPIJOB_DIGEST_TEXT_BYTES];
    mpijob_digest digest, upper;
    ck_assert_int_eq(mpijob_digest_parse(&digest, text, NULL), MPIJOB_OK);
    ck_assert_uint_eq(digest.bytes[14], 14);
    mpijob_digest_text(back, &digest);
    ck_assert_str_eq(back, text);
    ck_assert_int_eq(mpijob_digest_parse(&upper, "000102030405060708090A0B0C0D0EFF", NULL), MPIJOB_OK);
    assert_equal(upper, digest);
    for (int i = 0; i < UNIT_COUNT(wrong); i++)
        ck_assert_int_eq(mpijob_digest_parse(&upper, wrong[i], NULL), MPIJOB_EINVAL);
    assert_equal(upper, digest);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("hash");
    TCase *cases = tcase_create("vectors");
    tcase_add_unchecked_fixture(cases, setup, teardown);
    tcase_add_loop_test(cases, murmur_of_texts, 0, UNIT_COUNT(texts));
    tcase_add_test(cases, murmur_verification);
    tcase_add_loop_test(cases, arrays_of_the_page, 0, UNIT_COUNT(vectors));
    tcase_add_test(cases, fortran_order_and_opaque_elements);
    tcase_add_test(cases, blocks_of_the_page);
    tcase_add_test(cases, records_of_the_page);
    suite_add_tcase(suite, cases);
    cases = tcase_create("does it matter");
    tcase_add_unchecked_fixture(cases, setup, teardown);
    tcase_add_loop_test(cases, threads_do_not_matter, 0, UNIT_COUNT(thread_counts));
    tcase_add_loop_test(cases, strides_do_not_matter, 0, UNIT_COUNT(views));
    tcase_add_test(cases, padding_and_ignored_members_do_not_matter);
    tcase_add_loop_test(cases, parts_do_not_matter, 0, UNIT_COUNT(parts));
    tcase_add_test(cases, a_hasher_has_the_orders_that_arrays_have);
    tcase_add_test(cases, type_shape_and_order_matter);
    tcase_add_test(cases, names_of_opaque_types_and_lengths_of_bytes_matter);
    tcase_add_test(cases, every_block_matters);
    suite_add_tcase(suite, cases);
    cases = tcase_create("calls");
    tcase_add_unchecked_fixture(cases, setup, teardown);
    tcase_add_test(cases, wrong_arguments);
    tcase_add_loop_test(cases, progress_is_told_and_can_stop, 0, 2);
    tcase_add_test(cases, every_allocation_may_fail);
    tcase_add_test(cases, a_hasher_without_memory_stays_without_a_digest);
    tcase_add_test(cases, small_arrays_allocate_nothing);
    tcase_add_test(cases, digests_as_text);
    suite_add_tcase(suite, cases);
    return unit_run(suite);
}
