#include "sched/jobpool.h"

#include "base/alloc.h"
#include "unit.h"

#include <math.h>
#include <mpijob/error.h>

#define LOTS 8

static mpj_jobpool pool;
static mpj_lot out[LOTS];

static void plain(void)
{
    pool = (mpj_jobpool){0};
}

static void with_costs(void)
{
    pool = (mpj_jobpool){.costs = true};
}

static void teardown(void)
{
    mpj_alloc_fail_after(UINT64_MAX);
    mpj_jobpool_free(&pool);
}

static void give_back(uint64_t first, uint64_t count, double cost)
{
    ck_assert_int_eq(mpj_jobpool_reserve(&pool, 1), MPIJOB_OK);
    mpj_jobpool_return(&pool, (mpj_lot){{first, count}, cost});
}

static void assert_lot(size_t at, uint64_t first, uint64_t count, double cost)
{
    ck_assert_uint_eq(out[at].jobs.first, first);
    ck_assert_uint_eq(out[at].jobs.count, count);
    ck_assert_double_eq(out[at].cost, cost);
}

START_TEST(fresh_ones_come_in_order)
{
    ck_assert_int_eq(mpj_jobpool_add(&pool, 0, 10, NULL), MPIJOB_OK);
    ck_assert_uint_eq(mpj_jobpool_take(&pool, 4, INFINITY, out, LOTS), 1);
    assert_lot(0, 0, 4, 1);
    ck_assert_int_eq(mpj_jobpool_add(&pool, 10, 5, NULL), MPIJOB_OK);
    ck_assert_uint_eq(pool.waiting, 11);
    ck_assert_uint_eq(mpj_jobpool_take(&pool, 100, INFINITY, out, LOTS), 1);
    assert_lot(0, 4, 11, 1);
    ck_assert_uint_eq(mpj_jobpool_take(&pool, 1, INFINITY, out, LOTS), 0);
    ck_assert_uint_eq(pool.waiting, 0);
}
END_TEST

START_TEST(after_a_pause_they_go_on_where_they_stopped)
{
    mpj_jobpool_add(&pool, 0, 3, NULL);
    mpj_jobpool_take(&pool, 3, INFINITY, out, LOTS);
    mpj_jobpool_add(&pool, 3, 2, NULL);
    ck_assert_uint_eq(mpj_jobpool_take(&pool, 9, INFINITY, out, LOTS), 1);
    assert_lot(0, 3, 2, 1);
}
END_TEST

START_TEST(returned_ones_come_first_lowest_first_and_merge)
{
    mpj_jobpool_add(&pool, 0, 20, NULL);
    mpj_jobpool_take(&pool, 12, INFINITY, out, LOTS);
    give_back(7, 2, 1);
    give_back(2, 1, 1);
    give_back(3, 1, 1);
    give_back(9, 3, 1);
    ck_assert_uint_eq(mpj_jobpool_take(&pool, 3, INFINITY, out, LOTS), 2);
    assert_lot(0, 2, 2, 1);
    assert_lot(1, 7, 1, 1);
    ck_assert_uint_eq(mpj_jobpool_take(&pool, 100, INFINITY, out, LOTS), 1);
    assert_lot(0, 8, 12, 1);
}
END_TEST

START_TEST(no_more_lots_than_there_is_room_for)
{
    mpj_jobpool_add(&pool, 0, 20, NULL);
    mpj_jobpool_take(&pool, 20, INFINITY, out, LOTS);
    for (uint64_t i = 0; i < 20; i += 2)
        give_back(i, 1, 1);
    give_back(3, 1, 1);
    ck_assert_uint_eq(mpj_jobpool_take(&pool, 100, INFINITY, out, 2), 2);
    assert_lot(0, 0, 1, 1);
    assert_lot(1, 2, 3, 1);
    ck_assert_uint_eq(pool.waiting, 7);
}
END_TEST

START_TEST(largest_cost_first_then_lowest_index)
{
    const double costs[] = {1, 5, 1, 5, 9, 0};
    ck_assert_int_eq(mpj_jobpool_add(&pool, 0, 6, costs), MPIJOB_OK);
    ck_assert_double_eq(pool.waiting_cost, 21);
    ck_assert_uint_eq(mpj_jobpool_take(&pool, 6, INFINITY, out, LOTS), 6);
    assert_lot(0, 4, 1, 9);
    assert_lot(1, 1, 1, 5);
    assert_lot(2, 3, 1, 5);
    assert_lot(3, 0, 1, 1);
    assert_lot(4, 2, 1, 1);
    assert_lot(5, 5, 1, 0);
    ck_assert_double_eq(pool.waiting_cost, 0);
}
END_TEST

START_TEST(equal_costs_in_a_row_are_one_lot)
{
    const double costs[] = {2, 2, 2, 7, 2};
    mpj_jobpool_add(&pool, 0, 5, costs);
    ck_assert_uint_eq(mpj_jobpool_take(&pool, 5, INFINITY, out, LOTS), 3);
    assert_lot(0, 3, 1, 7);
    assert_lot(1, 0, 3, 2);
    assert_lot(2, 4, 1, 2);
}
END_TEST

static const struct {
    const char *what;
    double budget;
    uint64_t jobs, taken;
} budgets[] = {
    {"no bound", INFINITY, 9, 6}, {"by number", INFINITY, 2, 2},    {"the first may pass it", 1, 9, 1},
    {"no money", 0, 9, 1},        {"less than none", -3, 9, 1},     {"exactly", 18, 9, 2},
    {"not quite", 17.9, 9, 1},    {"zeroes are free", 100, 9, 6},   {"8 of cost 1 and zeroes", 20, 9, 6},
    {"one of the ones", 19, 9, 3},
};

START_TEST(costs_stay_within_the_budget)
{
    const double costs[] = {9, 9, 1, 1, 0, 0};
    mpj_jobpool_add(&pool, 0, 6, costs);
    size_t lots = mpj_jobpool_take(&pool, budgets[_i].jobs, budgets[_i].budget, out, LOTS);
    uint64_t taken = 0;
    for (size_t i = 0; i < lots; i++)
        taken += out[i].jobs.count;
    ck_assert_msg(taken == budgets[_i].taken, "%s: %llu", budgets[_i].what, (unsigned long long)taken);
}
END_TEST

START_TEST(a_large_lot_is_split_by_the_budget)
{
    give_back(10, 100, 3);
    ck_assert_uint_eq(mpj_jobpool_take(&pool, 50, 10, out, LOTS), 1);
    assert_lot(0, 10, 3, 3);
    ck_assert_uint_eq(mpj_jobpool_take(&pool, 50, INFINITY, out, LOTS), 1);
    assert_lot(0, 13, 50, 3);
    ck_assert_uint_eq(pool.waiting, 47);
}
END_TEST

START_TEST(one_index_is_taken_from_anywhere)
{
    mpj_jobpool_add(&pool, 0, 30, NULL);
    mpj_jobpool_take(&pool, 20, INFINITY, out, LOTS);
    give_back(4, 5, 1);
    ck_assert_int_eq(mpj_jobpool_take_index(&pool, 3, out), 0);
    ck_assert_int_eq(mpj_jobpool_take_index(&pool, 3, out), 0);
    ck_assert_int_eq(mpj_jobpool_take_index(&pool, 6, out), 1);
    assert_lot(0, 6, 1, 1);
    ck_assert_int_eq(mpj_jobpool_take_index(&pool, 6, out), 0);
    ck_assert_int_eq(mpj_jobpool_take_index(&pool, 4, out), 1);
    ck_assert_int_eq(mpj_jobpool_take_index(&pool, 8, out), 1);
    ck_assert_int_eq(mpj_jobpool_take_index(&pool, 20, out), 1);
    ck_assert_int_eq(mpj_jobpool_take_index(&pool, 22, out), 0);
    ck_assert_uint_eq(pool.waiting, 11);
    ck_assert_uint_eq(mpj_jobpool_take(&pool, 100, INFINITY, out, LOTS), 3);
    assert_lot(0, 5, 1, 1);
    assert_lot(1, 7, 1, 1);
    assert_lot(2, 21, 9, 1);
}
END_TEST

START_TEST(what_was_missing_is_found_once_it_returns)
{
    mpj_jobpool_add(&pool, 0, 4, NULL);
    mpj_jobpool_take(&pool, 4, INFINITY, out, LOTS);
    give_back(3, 1, 1);
    ck_assert_int_eq(mpj_jobpool_take_index(&pool, 0, out), 0);
    give_back(0, 1, 1);
    ck_assert_int_eq(mpj_jobpool_take_index(&pool, 0, out), 1);
}
END_TEST

START_TEST(no_memory_changes_nothing)
{
    const double costs[] = {1, 2};
    mpj_alloc_fail_after(0);
    ck_assert_int_eq(mpj_jobpool_add(&pool, 0, 2, costs), MPIJOB_ENOMEM);
    ck_assert_uint_eq(pool.waiting, 0);
    ck_assert_uint_eq(pool.heap_count, 0);
    ck_assert_int_eq(mpj_jobpool_add(&pool, 0, 2, costs), MPIJOB_OK);
    ck_assert_uint_eq(pool.waiting, 2);
}
END_TEST

/* A heap of a thousand in a scrambled order comes out sorted, also after single ones were taken out of its middle. */
START_TEST(heap_keeps_its_order)
{
    double costs[1000];
    for (size_t i = 0; i < 1000; i++)
        costs[i] = (double)(i * 7919 % 1000);
    mpj_jobpool_add(&pool, 0, 1000, costs);
    for (uint64_t index = 0; index < 1000; index += 3)
        ck_assert_int_eq(mpj_jobpool_take_index(&pool, index, out), 1);
    double before = INFINITY;
    uint64_t count = 0;
    for (; mpj_jobpool_take(&pool, 1, INFINITY, out, LOTS) == 1; count++) {
        ck_assert_double_lt(out[0].cost, before);
        before = out[0].cost;
    }
    ck_assert_uint_eq(count, 666);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("jobpool");
    TCase *cases = tcase_create("without costs");
    tcase_add_checked_fixture(cases, plain, teardown);
    tcase_add_test(cases, fresh_ones_come_in_order);
    tcase_add_test(cases, after_a_pause_they_go_on_where_they_stopped);
    tcase_add_test(cases, returned_ones_come_first_lowest_first_and_merge);
    tcase_add_test(cases, no_more_lots_than_there_is_room_for);
    tcase_add_test(cases, one_index_is_taken_from_anywhere);
    tcase_add_test(cases, what_was_missing_is_found_once_it_returns);
    suite_add_tcase(suite, cases);
    cases = tcase_create("with costs");
    tcase_add_checked_fixture(cases, with_costs, teardown);
    tcase_add_test(cases, largest_cost_first_then_lowest_index);
    tcase_add_test(cases, equal_costs_in_a_row_are_one_lot);
    tcase_add_loop_test(cases, costs_stay_within_the_budget, 0, UNIT_COUNT(budgets));
    tcase_add_test(cases, a_large_lot_is_split_by_the_budget);
    tcase_add_test(cases, no_memory_changes_nothing);
    tcase_add_test(cases, heap_keeps_its_order);
    suite_add_tcase(suite, cases);
    return unit_run(suite);
}
