/* Every allocation of a schedule fails once. The model repeats the event that found no memory; since the plan was left
 * as it was, all goes on as if nothing had happened. */
#include "plan_model.h"

#include "base/alloc.h"
#include "sched/plan.h"
#include "unit.h"

#include <inttypes.h>
#include <mpijob/error.h>
#include <string.h>

#define SCHEDULES 150
#define MOST_ALLOCATIONS 100000

START_TEST(every_allocation_may_fail)
{
    for (uint64_t seed = 1; seed <= SCHEDULES; seed++) {
        plan_model_coverage usual = {0};
        const char *wrong = plan_model_run(seed, PLAN_MODEL_NEVER, &usual);
        ck_assert_msg(wrong == NULL, "seed %" PRIu64 ": %s", seed, wrong);
        uint64_t failing = 0;
        for (uint64_t found_none = 1; found_none > 0; failing++) {
            plan_model_coverage c = {0};
            wrong = plan_model_run(seed, failing, &c);
            ck_assert_msg(wrong == NULL, "seed %" PRIu64 " allocation %" PRIu64 ": %s", seed, failing, wrong);
            found_none = c.out_of_memory;
            c.out_of_memory = 0;
            ck_assert_msg(memcmp(&c, &usual, sizeof c) == 0, "seed %" PRIu64 " allocation %" PRIu64 " left a trace",
                          seed, failing);
            ck_assert_uint_lt(failing, MOST_ALLOCATIONS);
        }
        ck_assert_uint_gt(failing, 4); /* a plan alone takes as many */
    }
}
END_TEST

/* What a worker loses with several batches is settled as a whole or not at all. */
START_TEST(a_loss_is_all_or_nothing)
{
    const mpj_plan_config config = {.workers = 2, .total = 10000, .window = MPJ_UNKNOWN, .batch_size = 100,
                                    .max_attempts = 3, .own_limit_s = 1e-4};
    int status = MPIJOB_ENOMEM;
    for (uint64_t n = 0; status == MPIJOB_ENOMEM; n++) {
        mpj_plan *plan = mpj_plan_new(&config);
        mpj_batch batch;
        mpj_plan_counts before, after;
        const char *what = NULL;
        ck_assert_int_eq(mpj_plan_drawn(plan, 10000, NULL), MPIJOB_OK);
        for (int i = 0; i < 4; i++) {
            ck_assert_int_eq(mpj_plan_next(plan, &batch), 1);
            if (i < 2)
                ck_assert_int_eq(mpj_plan_answered(plan, batch.id, 100, 1e-6, -1), MPIJOB_OK);
        }
        mpj_plan_count(plan, &before);
        mpj_alloc_fail_after(n);
        status = mpj_plan_worker_lost(plan, 1);
        mpj_alloc_fail_after(UINT64_MAX);
        mpj_plan_count(plan, &after);
        if (status == MPIJOB_ENOMEM) {
            ck_assert_mem_eq(&before, &after, sizeof before);
            ck_assert_int_eq(mpj_plan_worker_lost(plan, 1), MPIJOB_OK);
        } else {
            ck_assert_int_eq(status, MPIJOB_OK);
            ck_assert_uint_gt(n, 1);
        }
        ck_assert_msg(mpj_plan_check(plan, &what), "%s", what);
        mpj_plan_count(plan, &after);
        ck_assert_uint_eq(after.waiting, 10000);
        ck_assert_uint_eq(after.out, 0);
        mpj_plan_free(plan);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("plan_memory");
    TCase *cases = tcase_create("out of memory");
    tcase_add_test(cases, every_allocation_may_fail);
    tcase_add_test(cases, a_loss_is_all_or_nothing);
    suite_add_tcase(suite, cases);
    return unit_run(suite);
}
