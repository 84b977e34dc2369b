#include "sched/order.h"

#include "base/alloc.h"
#include "unit.h"

static mpj_order order;
static char handles[4];

static void in_order(void)
{
    order = (mpj_order){.ordered = true};
}

static void as_they_come(void)
{
    order = (mpj_order){0};
}

static void teardown(void)
{
    mpj_order_free(&order);
}

static mpj_parcel *parcel(int handle, uint64_t bytes)
{
    ck_assert_int_eq(mpj_order_reserve(&order, 1, 4), 0);
    return mpj_order_parcel(&order, &handles[handle], bytes);
}

static void put(mpj_parcel *into, uint64_t first, uint64_t count, uint64_t position)
{
    mpj_order_put(&order, into, (mpj_span){first, count}, position, false);
}

static void assert_next(uint64_t first, uint64_t count, int handle, uint64_t position, bool last)
{
    mpj_release release;
    ck_assert_int_eq(mpj_order_release(&order, &release), 1);
    ck_assert_uint_eq(release.jobs.first, first);
    ck_assert_uint_eq(release.jobs.count, count);
    ck_assert_uint_eq(release.position, position);
    ck_assert_ptr_eq(release.results, &handles[handle]);
    ck_assert(release.last == last);
}

static void assert_nothing(void)
{
    mpj_release release;
    ck_assert_int_eq(mpj_order_release(&order, &release), 0);
}

START_TEST(a_gap_holds_back_what_is_behind_it)
{
    put(parcel(1, 30), 2, 2, 0);
    assert_nothing();
    ck_assert_uint_eq(order.unread_bytes, 30);
    put(parcel(0, 12), 0, 2, 0);
    assert_next(0, 2, 0, 0, true);
    ck_assert_uint_eq(order.unread_bytes, 30);
    assert_next(2, 2, 1, 0, true);
    assert_nothing();
    ck_assert_uint_eq(order.unread_bytes, 0);
    ck_assert_uint_eq(order.released, 4);
    ck_assert_uint_eq(order.next, 4);
}
END_TEST

START_TEST(a_parcel_in_pieces_is_kept_until_its_last)
{
    mpj_parcel *one = parcel(0, 10);
    put(one, 3, 1, 0);
    put(one, 0, 1, 1);
    put(one, 1, 1, 2);
    mpj_order_close(&order, one);
    assert_next(0, 1, 0, 1, false);
    assert_next(1, 1, 0, 2, false);
    assert_nothing();
    ck_assert_uint_eq(order.unread_bytes, 10);
    put(parcel(1, 5), 2, 1, 0);
    assert_next(2, 1, 1, 0, true);
    assert_next(3, 1, 0, 0, true);
    ck_assert_uint_eq(order.unread_bytes, 0);
}
END_TEST

START_TEST(an_empty_parcel_is_forgotten)
{
    mpj_parcel *empty = parcel(0, 10);
    put(parcel(1, 1), 0, 1, 0);
    mpj_order_close(&order, empty);
    ck_assert_uint_eq(order.unread_bytes, 1);
    assert_next(0, 1, 1, 0, true);
    ck_assert_ptr_null(order.parcels);
}
END_TEST

START_TEST(failed_ones_are_holes)
{
    mpj_release release;
    mpj_order_put(&order, parcel(0, 0), (mpj_span){0, 3}, 0, true);
    ck_assert_int_eq(mpj_order_release(&order, &release), 1);
    ck_assert(release.failed);
    ck_assert_uint_eq(release.jobs.count, 3);
}
END_TEST

START_TEST(unordered_ones_leave_as_they_came)
{
    put(parcel(0, 1), 90, 2, 0);
    put(parcel(1, 1), 5, 1, 0);
    put(parcel(2, 1), 40, 7, 0);
    assert_next(90, 2, 0, 0, true);
    assert_next(5, 1, 1, 0, true);
    assert_next(40, 7, 2, 0, true);
    assert_nothing();
}
END_TEST

START_TEST(what_is_abandoned_is_given_once)
{
    void *results;
    mpj_parcel *half = parcel(0, 7);
    put(half, 0, 1, 0);
    put(half, 5, 1, 1);
    put(parcel(1, 8), 9, 1, 0);
    assert_next(0, 1, 0, 0, false);
    ck_assert_int_eq(mpj_order_abandoned(&order, &results), 1);
    void *first = results;
    ck_assert_int_eq(mpj_order_abandoned(&order, &results), 1);
    ck_assert_ptr_ne(first, results);
    ck_assert(first == &handles[0] || first == &handles[1]);
    ck_assert(results == &handles[0] || results == &handles[1]);
    ck_assert_int_eq(mpj_order_abandoned(&order, &results), 0);
    assert_nothing();
    ck_assert_uint_eq(order.unread_bytes, 0);
    ck_assert_uint_eq(order.abandoned, 2);
}
END_TEST

START_TEST(a_thousand_scrambled_ones_come_out_in_order)
{
    mpj_parcel *all[1000];
    for (uint64_t i = 0; i < 1000; i++) {
        uint64_t index = i * 7919 % 1000;
        all[index] = parcel((int)(index % 4), 1);
        put(all[index], index, 1, 0);
    }
    for (uint64_t i = 0; i < 1000; i++)
        assert_next(i, 1, (int)(i % 4), 0, true);
    assert_nothing();
}
END_TEST

START_TEST(parcels_are_used_again)
{
    for (uint64_t i = 0; i < 100; i++) {
        if (i == 1)
            mpj_alloc_fail_after(UINT64_MAX);
        put(parcel(0, 1), i, 1, 0);
        assert_next(i, 1, 0, 0, true);
    }
    ck_assert_uint_eq(mpj_alloc_fail_after(UINT64_MAX), 0);
}
END_TEST

static const uint64_t failing[] = {0, 1, 2};

START_TEST(no_memory_for_parcels_or_pieces)
{
    mpj_alloc_fail_after(failing[_i]);
    ck_assert_int_eq(mpj_order_reserve(&order, 2, 100), -1);
    mpj_alloc_fail_after(UINT64_MAX);
    assert_nothing();
    ck_assert_int_eq(mpj_order_reserve(&order, 2, 100), 0);
    mpj_alloc_fail_after(0);
    put(mpj_order_parcel(&order, &handles[0], 1), 0, 1, 0);
    put(mpj_order_parcel(&order, &handles[1], 1), 1, 1, 0);
    mpj_alloc_fail_after(UINT64_MAX);
    assert_next(0, 1, 0, 0, true);
    assert_next(1, 1, 1, 0, true);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("order");
    TCase *cases = tcase_create("in order");
    tcase_add_checked_fixture(cases, in_order, teardown);
    tcase_add_test(cases, a_gap_holds_back_what_is_behind_it);
    tcase_add_test(cases, a_parcel_in_pieces_is_kept_until_its_last);
    tcase_add_test(cases, an_empty_parcel_is_forgotten);
    tcase_add_test(cases, failed_ones_are_holes);
    tcase_add_test(cases, what_is_abandoned_is_given_once);
    tcase_add_test(cases, a_thousand_scrambled_ones_come_out_in_order);
    tcase_add_test(cases, parcels_are_used_again);
    tcase_add_loop_test(cases, no_memory_for_parcels_or_pieces, 0, UNIT_COUNT(failing));
    suite_add_tcase(suite, cases);
    cases = tcase_create("as they come");
    tcase_add_checked_fixture(cases, as_they_come, teardown);
    tcase_add_test(cases, unordered_ones_leave_as_they_came);
    suite_add_tcase(suite, cases);
    return unit_run(suite);
}
