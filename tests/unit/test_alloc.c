#include "base/alloc.h"

#include "unit.h"

#include <stdint.h>
#include <string.h>

/* The address sanitizer's allocator would end the program where the C library's returns NULL. */
const char *__asan_default_options(void);

const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}

static void all_succeed(void)
{
    mpj_alloc_fail_after(UINT64_MAX);
}

START_TEST(a_size_of_0_is_a_block_all_the_same)
{
    void *blocks[] = {mpj_alloc(0),     mpj_calloc(0, 8),     mpj_calloc(8, 0),
                      mpj_calloc(0, 0), mpj_realloc(NULL, 0), mpj_realloc(mpj_alloc(5), 0)};
    for (int i = 0; i < UNIT_COUNT(blocks); i++) {
        ck_assert_ptr_nonnull(blocks[i]);
        mpj_free(blocks[i]);
    }
    mpj_free(NULL);
}
END_TEST

START_TEST(calloc_zeroes_and_checks_its_product)
{
    unsigned char *block = mpj_calloc(100, 7);
    ck_assert_ptr_nonnull(block);
    for (int i = 0; i < 700; i++)
        ck_assert_int_eq(block[i], 0);
    mpj_free(block);
    ck_assert_ptr_null(mpj_calloc(SIZE_MAX / 2, 3));
    ck_assert_ptr_null(mpj_calloc(3, SIZE_MAX / 2));
}
END_TEST

START_TEST(realloc_keeps_the_content)
{
    char *block = mpj_alloc(6);
    memcpy(block, "hello", 6);
    block = mpj_realloc(block, 100000);
    ck_assert_str_eq(block, "hello");
    mpj_free(block);
}
END_TEST

/* ---- The failing allocation ------------------------------------------------------------------------------------- */

/* One allocation of each kind in turn. */
static void *allocate(int kind)
{
    return kind % 3 == 0 ? mpj_alloc(10) : kind % 3 == 1 ? mpj_calloc(2, 5) : mpj_realloc(NULL, 10);
}

START_TEST(the_nth_allocation_fails_once)
{
    mpj_alloc_fail_after((uint64_t)_i);
    for (int i = 0; i < 12; i++) {
        void *block = allocate(i);
        ck_assert_int_eq(block == NULL, i == _i);
        mpj_free(block);
    }
}
END_TEST

START_TEST(all_fail_from_the_nth_on)
{
    mpj_alloc_fail_from((uint64_t)_i);
    for (int i = 0; i < 12; i++) {
        void *block = allocate(i);
        ck_assert_int_eq(block == NULL, i >= _i);
        mpj_free(block);
    }
}
END_TEST

START_TEST(allocations_are_counted)
{
    all_succeed();
    for (int i = 0; i < 7; i++)
        mpj_free(allocate(i));
    ck_assert_uint_eq(mpj_alloc_fail_after(1), 7);
    mpj_free(allocate(0));
    ck_assert_ptr_null(allocate(1));
    ck_assert_uint_eq(mpj_alloc_fail_after(UINT64_MAX), 2);
    ck_assert_uint_eq(mpj_alloc_fail_after(UINT64_MAX), 0);
}
END_TEST

START_TEST(a_failed_realloc_leaves_the_block)
{
    char *block = mpj_alloc(6);
    memcpy(block, "hello", 6);
    mpj_alloc_fail_after(0);
    ck_assert_ptr_null(mpj_realloc(block, 1000));
    ck_assert_str_eq(block, "hello");
    mpj_free(block);
}
END_TEST

/* ---- Growing arrays --------------------------------------------------------------------------------------------- */

START_TEST(an_array_grows_and_keeps_its_elements)
{
    int *array = NULL;
    size_t capacity = 0;
    int growths = 0;
    for (int i = 0; i < 10000; i++) {
        size_t before = capacity;
        ck_assert_int_eq(mpj_grow((void **)&array, &capacity, (size_t)i + 1, sizeof *array), 0);
        ck_assert_uint_gt(capacity, (size_t)i);
        if (capacity != before) {
            ck_assert_uint_ge(capacity, 2 * before);
            growths++;
        }
        array[i] = i;
    }
    ck_assert_int_le(growths, 11);
    for (int i = 0; i < 10000; i++)
        ck_assert_int_eq(array[i], i);
    mpj_free(array);
}
END_TEST

START_TEST(enough_room_is_left_alone)
{
    all_succeed();
    int *array = NULL;
    size_t capacity = 0;
    ck_assert_int_eq(mpj_grow((void **)&array, &capacity, 100, sizeof *array), 0);
    int *first = array;
    size_t had = capacity;
    ck_assert_uint_ge(had, 100);
    ck_assert_int_eq(mpj_grow((void **)&array, &capacity, had, sizeof *array), 0);
    ck_assert_int_eq(mpj_grow((void **)&array, &capacity, 0, sizeof *array), 0);
    ck_assert_ptr_eq(array, first);
    ck_assert_uint_eq(capacity, had);
    ck_assert_uint_eq(mpj_alloc_fail_after(UINT64_MAX), 1);
    mpj_free(array);
}
END_TEST

static void assert_growth_fails(void **array, size_t *capacity, size_t need, size_t bytes)
{
    void *had = *array;
    size_t room = *capacity;
    ck_assert_int_eq(mpj_grow(array, capacity, need, bytes), -1);
    ck_assert_ptr_eq(*array, had);
    ck_assert_uint_eq(*capacity, room);
}

START_TEST(a_growth_that_fails_changes_nothing)
{
    void *array = NULL;
    size_t capacity = 0;
    ck_assert_int_eq(mpj_grow(&array, &capacity, 20, 8), 0);
    assert_growth_fails(&array, &capacity, SIZE_MAX, 8);
    assert_growth_fails(&array, &capacity, SIZE_MAX / 8 + 1, 8);
    assert_growth_fails(&array, &capacity, SIZE_MAX / 16, 8);
    mpj_alloc_fail_after(0);
    assert_growth_fails(&array, &capacity, 100, 8);
    ck_assert_int_eq(mpj_grow(&array, &capacity, 100, 8), 0);
    mpj_free(array);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("alloc");
    TCase *group = tcase_create("alloc");
    tcase_add_checked_fixture(group, all_succeed, all_succeed);
    tcase_add_test(group, a_size_of_0_is_a_block_all_the_same);
    tcase_add_test(group, calloc_zeroes_and_checks_its_product);
    tcase_add_test(group, realloc_keeps_the_content);
    tcase_add_loop_test(group, the_nth_allocation_fails_once, 0, 13);
    tcase_add_loop_test(group, all_fail_from_the_nth_on, 0, 13);
    tcase_add_test(group, allocations_are_counted);
    tcase_add_test(group, a_failed_realloc_leaves_the_block);
    tcase_add_test(group, an_array_grows_and_keeps_its_elements);
    tcase_add_test(group, enough_room_is_left_alone);
    tcase_add_test(group, a_growth_that_fails_changes_nothing);
    suite_add_tcase(suite, group);
    return unit_run(suite);
}
