#include "sched/inflight.h"

#include "base/alloc.h"
#include "unit.h"

static mpj_inflight inflight;

static void setup(void)
{
    inflight = (mpj_inflight){0};
}

static void teardown(void)
{
    mpj_alloc_fail_after(UINT64_MAX);
    mpj_inflight_free(&inflight);
}

START_TEST(a_batch_is_found_until_it_is_closed)
{
    mpj_slot *a = mpj_inflight_open(&inflight, 1);
    mpj_slot *b = mpj_inflight_open(&inflight, 3);
    uint64_t a_id = a->batch.id;
    uint64_t b_id = b->batch.id;
    ck_assert_uint_ne(a_id, b_id);
    ck_assert_ptr_eq(mpj_inflight_find(&inflight, a_id), a);
    ck_assert_ptr_eq(mpj_inflight_find(&inflight, b_id), b);
    mpj_inflight_close(&inflight, a);
    ck_assert_ptr_null(mpj_inflight_find(&inflight, a_id));
    ck_assert_ptr_eq(mpj_inflight_find(&inflight, b_id), b);
}
END_TEST

START_TEST(what_never_was_is_not_found)
{
    ck_assert_ptr_null(mpj_inflight_find(&inflight, 0));
    ck_assert_ptr_null(mpj_inflight_find(&inflight, 1));
    mpj_slot *slot = mpj_inflight_open(&inflight, 1);
    uint64_t id = slot->batch.id;
    ck_assert_ptr_null(mpj_inflight_find(&inflight, 0));
    ck_assert_ptr_null(mpj_inflight_find(&inflight, id + 1));
    ck_assert_ptr_null(mpj_inflight_find(&inflight, UINT64_MAX));
    mpj_inflight_close(&inflight, slot);
    ck_assert_ptr_null(mpj_inflight_find(&inflight, 0));
    ck_assert_ptr_null(mpj_inflight_find(&inflight, id));
}
END_TEST

START_TEST(a_slot_is_used_again_and_an_id_is_not)
{
    uint64_t before = 0;
    for (size_t i = 0; i < 1000; i++) {
        mpj_slot *slot = mpj_inflight_open(&inflight, 1 + i % 3);
        ck_assert_uint_gt(slot->batch.id, before);
        ck_assert(!slot->answered);
        ck_assert_uint_eq(slot->batch.jobs, 0);
        before = slot->batch.id;
        slot->answered = true;
        slot->batch.jobs = 5;
        mpj_inflight_close(&inflight, slot);
    }
    ck_assert_uint_eq(inflight.count, 1);
}
END_TEST

/* Spans stay where they are while other batches come. */
START_TEST(spans_stay_in_place)
{
    mpj_slot *slots[300];
    const mpj_span *spans[300];
    for (size_t i = 0; i < 300; i++) {
        size_t count = 1 + i % MPJ_BATCH_SPANS;
        slots[i] = mpj_inflight_open(&inflight, count);
        spans[i] = slots[i]->batch.spans;
        for (size_t k = 0; k < count; k++) {
            slots[i]->spans[k] = (mpj_span){i, k};
            slots[i]->costs[k] = (double)(i + k);
        }
    }
    for (size_t i = 0; i < 300; i++) {
        size_t last = i % MPJ_BATCH_SPANS;
        ck_assert_ptr_eq(slots[i]->batch.spans, spans[i]);
        ck_assert_uint_eq(spans[i][last].first, i);
        ck_assert_uint_eq(spans[i][last].count, last);
        ck_assert_double_eq(slots[i]->costs[last], (double)(i + last));
    }
}
END_TEST

START_TEST(no_memory_changes_nothing)
{
    mpj_slot *slot = NULL;
    for (uint64_t n = 0; !slot; n++) {
        ck_assert_uint_lt(n, 10);
        mpj_alloc_fail_after(n);
        slot = mpj_inflight_open(&inflight, 4);
        ck_assert_uint_eq(inflight.given, slot ? 1 : 0);
    }
    mpj_alloc_fail_after(UINT64_MAX);
    ck_assert_uint_eq(inflight.count, 1);
    ck_assert_uint_eq(inflight.free_count, 0);
    mpj_inflight_close(&inflight, slot);
    ck_assert_uint_eq(inflight.free_count, 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("inflight");
    TCase *cases = tcase_create("batches that are out");
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, a_batch_is_found_until_it_is_closed);
    tcase_add_test(cases, what_never_was_is_not_found);
    tcase_add_test(cases, a_slot_is_used_again_and_an_id_is_not);
    tcase_add_test(cases, spans_stay_in_place);
    tcase_add_test(cases, no_memory_changes_nothing);
    suite_add_tcase(suite, cases);
    return unit_run(suite);
}
