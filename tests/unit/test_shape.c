/* Shapes, strides, and which arrays are sound. */
#include "data/layout.h"
#include "unit.h"

#include <string.h>

#define SHAPE(...)                                                                                                     \
    UNIT_COUNT(((size_t[]){__VA_ARGS__})),                                                                             \
    {                                                                                                                  \
        __VA_ARGS__                                                                                                    \
    }
#define HUGE_LENGTH ((size_t)1 << 40)

typedef struct size_case {
    int ndim;
    size_t shape[4];
    size_t bytes;
    int fits;
    size_t expected;
    size_t count;
} size_case;

static const size_case size_cases[] = {
    {0, {0}, 8, 1, 8, 1},
    {SHAPE(3), 8, 1, 24, 3},
    {SHAPE(3, 4, 5), 2, 1, 120, 60},
    {SHAPE(3, 0, 5), 2, 1, 0, 0},
    {SHAPE(HUGE_LENGTH, HUGE_LENGTH), 1, 0, 0, SIZE_MAX},
    {SHAPE(HUGE_LENGTH, HUGE_LENGTH, 0), 1, 0, 0, 0},
    {SHAPE((size_t)PTRDIFF_MAX), 1, 1, PTRDIFF_MAX, PTRDIFF_MAX},
    {SHAPE((size_t)PTRDIFF_MAX + 1), 1, 0, 0, (size_t)PTRDIFF_MAX + 1},
    {SHAPE((size_t)1 << 31, (size_t)1 << 31), 2, 0, 0, (size_t)1 << 62},
    {SHAPE((size_t)1 << 32, (size_t)1 << 32), 0, 1, 0, SIZE_MAX},
    {0, {0}, (size_t)PTRDIFF_MAX + 1, 0, 0, 1},
};

START_TEST(bytes_of_a_shape)
{
    const size_case *c = &size_cases[_i];
    size_t bytes = 12345;
    int status = mpj_shape_bytes(&bytes, c->ndim, c->shape, c->bytes);
    ck_assert_int_eq(status, c->fits ? 0 : -1);
    ck_assert_uint_eq(bytes, c->fits ? c->expected : 12345);
    mpijob_array array = mpijob_array_of(NULL, mpijob_type_of(MPIJOB_INT8), c->ndim, c->shape);
    ck_assert_uint_eq(mpijob_array_count(&array), c->count);
}
END_TEST

START_TEST(strides_of_both_orders)
{
    const size_t shape[] = {3, 4, 5}, empty[] = {3, 0, 5};
    const ptrdiff_t c_order[] = {160, 40, 8}, f_order[] = {8, 24, 96}, of_empty[] = {40, 40, 8};
    ptrdiff_t strides[3];
    mpj_strides(strides, 3, shape, 8, 'C');
    ck_assert_mem_eq(strides, c_order, sizeof strides);
    mpj_strides(strides, 3, shape, 8, 'F');
    ck_assert_mem_eq(strides, f_order, sizeof strides);
    mpj_strides(strides, 3, empty, 8, 'C');
    ck_assert_mem_eq(strides, of_empty, sizeof strides);
    double element = 0;
    mpijob_array array = mpijob_array_fortran(&element, mpijob_type_of(MPIJOB_FLOAT64), 3, shape);
    ck_assert_ptr_eq(array.data, &element);
    ck_assert_int_eq(array.ndim, 3);
    ck_assert_mem_eq(array.shape, shape, sizeof shape);
    ck_assert_mem_eq(array.strides, f_order, sizeof strides);
    ck_assert_ptr_null(array.own);
}
END_TEST

typedef struct order_case {
    int ndim;
    size_t shape[4];
    ptrdiff_t strides[4];
    int order;
} order_case;

static const order_case order_cases[] = {
    {0, {0}, {0}, 'C'},
    {SHAPE(5), {8}, 'C'},
    {SHAPE(5), {16}, 0},
    {SHAPE(5), {-8}, 0},
    {SHAPE(5), {0}, 0},
    {SHAPE(1), {-80}, 'C'},
    {SHAPE(2, 3), {24, 8}, 'C'},
    {SHAPE(2, 3), {8, 16}, 'F'},
    {SHAPE(2, 3), {32, 8}, 0},
    {SHAPE(1, 3), {7, 8}, 'C'},
    {SHAPE(3, 1), {8, 7}, 'C'},
    {SHAPE(1, 1), {7, 7}, 'C'},
    {SHAPE(2, 1, 3), {24, 1000, 8}, 'C'},
    {SHAPE(2, 1, 3), {8, 1000, 16}, 'F'},
    {SHAPE(2, 0), {3, 5}, 'C'},
};

START_TEST(order_of_an_array)
{
    const order_case *c = &order_cases[_i];
    double element;
    mpijob_array array = mpijob_array_of(&element, mpijob_type_of(MPIJOB_FLOAT64), c->ndim, c->shape);
    memcpy(array.strides, c->strides, sizeof c->strides);
    ck_assert_int_eq(mpj_array_order(&array), c->order);
}
END_TEST

static void assert_refused(const mpijob_array *array, const char *word)
{
    mpijob_error err;
    size_t bytes = 77;
    ck_assert_int_eq(mpj_array_check(array, &bytes, &err), MPIJOB_EINVAL);
    ck_assert_msg(strstr(err.text, word) != NULL, "'%s' is not in: %s", word, err.text);
    ck_assert_uint_eq(bytes, 77);
    ck_assert_int_eq(mpj_array_check(array, NULL, NULL), MPIJOB_EINVAL);
}

START_TEST(sound_arrays)
{
    const size_t shape[] = {2, 3}, empty[] = {0, 3};
    double elements[6];
    size_t bytes;
    mpijob_array array = mpijob_array_of(elements, mpijob_type_of(MPIJOB_FLOAT64), 2, shape);
    ck_assert_int_eq(mpj_array_check(&array, &bytes, NULL), MPIJOB_OK);
    ck_assert_uint_eq(bytes, sizeof elements);
    array = mpijob_array_of(NULL, mpijob_type_of(MPIJOB_FLOAT64), 2, empty);
    ck_assert_int_eq(mpj_array_check(&array, &bytes, NULL), MPIJOB_OK);
    ck_assert_uint_eq(bytes, 0);
    array = mpijob_array_of(elements, mpijob_type_of(MPIJOB_FLOAT64), 0, NULL);
    ck_assert_int_eq(mpj_array_check(&array, &bytes, NULL), MPIJOB_OK);
    ck_assert_uint_eq(bytes, sizeof(double));
}
END_TEST

START_TEST(unsound_arrays)
{
    const size_t shape[] = {2, 3}, huge[] = {HUGE_LENGTH, HUGE_LENGTH};
    const mpijob_type type = mpijob_type_of(MPIJOB_FLOAT64);
    double elements[6];
    assert_refused(NULL, "NULL");
    mpijob_array array = mpijob_array_of(NULL, type, 2, shape);
    assert_refused(&array, "data is NULL");
    array = mpijob_array_of(elements, type, 2, huge);
    assert_refused(&array, "shape");
    array = mpijob_array_of(elements, type, 33, shape);
    assert_refused(&array, "dimensions");
    array = mpijob_array_of(elements, type, -1, shape);
    assert_refused(&array, "dimensions");
    array = mpijob_array_of(elements, (mpijob_type){.kind = MPIJOB_STRING}, 2, shape);
    assert_refused(&array, "string");
    array = mpijob_array_of(elements, (mpijob_type){.kind = 99}, 2, shape);
    ck_assert_int_eq(mpj_array_check(&array, NULL, NULL), MPIJOB_EINVAL);
    array = mpijob_array_of(elements, type, 2, shape);
    array.reserved = 1;
    assert_refused(&array, "reserved");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("shape");
    TCase *cases = tcase_create("shape");
    tcase_add_loop_test(cases, bytes_of_a_shape, 0, UNIT_COUNT(size_cases));
    tcase_add_test(cases, strides_of_both_orders);
    tcase_add_loop_test(cases, order_of_an_array, 0, UNIT_COUNT(order_cases));
    tcase_add_test(cases, sound_arrays);
    tcase_add_test(cases, unsound_arrays);
    suite_add_tcase(suite, cases);
    return unit_run(suite);
}
