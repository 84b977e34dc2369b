/* Elements in pages: any order of ends, what is left in memory, no memory. */
#include "base/pages.h"

#include "base/alloc.h"
#include "unit.h"

#include <stdbool.h>
#include <string.h>

static const size_t sizes[] = {1, 8, 24, 1000, 65536, 100000};

/* The bytes of an element say its number. */
static void fill(void *element, size_t size, uint64_t number)
{
    memset(element, (int)(number % 251), size);
}

static bool is_filled(const void *element, size_t size, uint64_t number)
{
    const unsigned char *bytes = element;
    return bytes && bytes[0] == number % 251 && memcmp(bytes, bytes + 1, size - 1) == 0;
}

/* Numbers that are there and not done, in a sequence that is the same each time. */
static uint64_t take(uint64_t *left, size_t *count, uint64_t *random)
{
    *random = *random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    size_t at = (size_t)((*random >> 33) % *count);
    uint64_t number = left[at];
    left[at] = left[--*count];
    return number;
}

START_TEST(elements_stay_until_they_are_done)
{
    mpj_pages pages = {.size = sizes[_i]};
    static uint64_t left[3000];
    size_t count = 0;
    uint64_t random = 1;
    for (uint64_t number = 0; number < 3000; number++) {
        void *element = mpj_pages_add(&pages);
        ck_assert_ptr_nonnull(element);
        fill(element, pages.size, number);
        left[count++] = number;
        if (number % 3 == 0)
            continue;
        uint64_t done = take(left, &count, &random);
        ck_assert(is_filled(mpj_pages_at(&pages, done), pages.size, done));
        mpj_pages_done(&pages, done);
    }
    ck_assert_uint_eq(pages.end, 3000);
    ck_assert_ptr_null(mpj_pages_at(&pages, 3000));
    while (count > 0) {
        uint64_t done = take(left, &count, &random);
        ck_assert(is_filled(mpj_pages_at(&pages, done), pages.size, done));
        mpj_pages_done(&pages, done);
    }
    ck_assert_uint_le(pages.count, 1); /* the one that is not full */
    mpj_pages_free(&pages);
}
END_TEST

START_TEST(one_that_stays_keeps_only_its_page)
{
    mpj_pages pages = {.size = 1000};
    size_t most = 0;
    for (uint64_t number = 0; number < 100000; number++) {
        fill(mpj_pages_add(&pages), pages.size, number);
        if (number != 5)
            mpj_pages_done(&pages, number);
        size_t there = 0;
        for (size_t i = 0; i < pages.count && number % 1000 == 0; i++)
            there += pages.pages[pages.head + i] != NULL;
        most = there > most ? there : most;
    }
    ck_assert_uint_le(most, 2);
    ck_assert_uint_eq(mpj_pages_next(&pages, 0), 0);
    ck_assert_uint_eq(mpj_pages_next(&pages, 5), 5);
    ck_assert_uint_gt(mpj_pages_next(&pages, 1000), 99000);
    ck_assert_uint_eq(mpj_pages_next(&pages, 99999), 99999);
    ck_assert_uint_eq(mpj_pages_next(&pages, 100000), 100000);
    ck_assert(is_filled(mpj_pages_at(&pages, 5), pages.size, 5));
    ck_assert_ptr_null(mpj_pages_at(&pages, 50000));
    mpj_pages_done(&pages, 5);
    ck_assert_uint_gt(mpj_pages_next(&pages, 0), 99000);
    mpj_pages_free(&pages);
}
END_TEST

START_TEST(many_at_once)
{
    mpj_pages pages = {.size = 4};
    uint32_t values[10000];
    for (uint32_t i = 0; i < 10000; i++)
        values[i] = i;
    ck_assert_int_eq(mpj_pages_append(&pages, values, 10000), 0);
    for (uint32_t i = 0; i < 10000; i++)
        ck_assert_mem_eq(mpj_pages_at(&pages, i), &i, sizeof i);
    mpj_pages_free(&pages);
}
END_TEST

START_TEST(without_memory_nothing_changes)
{
    mpj_pages pages = {.size = 1000};
    for (uint64_t number = 0; number < 1000; number++) {
        mpj_alloc_fail_from(0);
        void *element = mpj_pages_add(&pages);
        mpj_alloc_fail_from(UINT64_MAX);
        ck_assert_uint_eq(pages.end, number + (element != NULL));
        if (!element)
            element = mpj_pages_add(&pages);
        fill(element, pages.size, number);
    }
    for (uint64_t number = 0; number < 1000; number++)
        ck_assert(is_filled(mpj_pages_at(&pages, number), pages.size, number));
    mpj_pages_free(&pages);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pages");
    TCase *cases = tcase_create("elements in pages");
    tcase_add_loop_test(cases, elements_stay_until_they_are_done, 0, UNIT_COUNT(sizes));
    tcase_add_test(cases, one_that_stays_keeps_only_its_page);
    tcase_add_test(cases, many_at_once);
    tcase_add_test(cases, without_memory_nothing_changes);
    suite_add_tcase(suite, cases);
    return unit_run(suite);
}
