/* What is found is no work: with nine jobs of ten found, the others go out as if they were all there is. */
#include "sched/plan_state.h"

#include "unit.h"

#include <mpijob/error.h>
#include <string.h>

#define TOTAL UINT64_C(4000)
#define ONE_IN 10 /* is missed */
#define SHORT_S 0.9e-6

static char handle;

/* A plan with what is out, oldest first. */
typedef struct running {
    mpj_plan *plan;
    mpj_batch queue[4];
    size_t queued;
} running;

static running begin(uint64_t total, uint64_t look_ahead)
{
    const mpj_plan_config config = {.workers = 2,
                                    .total = total,
                                    .window = MPJ_UNKNOWN,
                                    .batch_bytes = 10000,
                                    .result_bytes = MPJ_UNKNOWN,
                                    .ordered = true,
                                    .own_works = true,
                                    .helper = true,
                                    .own_limit_s = 1e-4,
                                    .look_ahead = look_ahead};
    running r = {.plan = mpj_plan_new(&config)};
    ck_assert_ptr_nonnull(r.plan);
    return r;
}

static void end(running *r)
{
    const char *what = NULL;
    ck_assert_msg(mpj_plan_check(r->plan, &what) == 1, "%s", what);
    mpj_plan_free(r->plan);
}

static uint64_t give(running *r)
{
    if (mpj_plan_next(r->plan, &r->queue[r->queued]) != 1)
        return 0;
    return r->queue[r->queued++].jobs;
}

static void finish(running *r)
{
    mpj_batch batch = r->queue[0];
    memmove(&r->queue[0], &r->queue[1], --r->queued * sizeof batch);
    const mpj_outcome outcome = {
        .id = batch.id, .executed = batch.jobs, .result_bytes = 8 * batch.jobs, .results = &handle};
    ck_assert_int_eq(mpj_plan_answered(r->plan, batch.id, batch.jobs, SHORT_S * (double)batch.jobs, 1e-6), MPIJOB_OK);
    ck_assert_int_eq(mpj_plan_done(r->plan, &outcome), 1);
}

/* Of each ten jobs the first nine are found, with results that would bound batches if they counted. */
static void settle(running *r, uint64_t from, uint64_t to)
{
    for (uint64_t i = from; i < to; i += ONE_IN) {
        const mpj_span found = {i, ONE_IN - 1}, missed = {i + ONE_IN - 1, 1};
        ck_assert_int_eq(mpj_plan_found(r->plan, &found, 1, &handle, 5000 * found.count), 1);
        ck_assert_int_eq(mpj_plan_missed(r->plan, missed, 1), MPIJOB_OK);
    }
}

/* ---- How many are expected --------------------------------------------------------------------------------------- */

static const struct {
    uint64_t asked, found, missed, jobs, expected;
} shares[] = {
    {1000, 0, 0, 500, 500}, {1000, 0, 100, 500, 500}, {1000, 450, 50, 500, 50},  {1000, 10, 0, 990, 0},
    {1000, 3, 1, 300, 75},  {1000, 450, 50, 0, 0},    {1000, 1, 999, 1000, 999},
};

START_TEST(as_many_as_so_far)
{
    running r = begin(TOTAL, TOTAL);
    const mpj_span found = {0, shares[_i].found}, missed = {shares[_i].found, shares[_i].missed};
    ck_assert_int_eq(mpj_plan_asked(r.plan, shares[_i].asked), MPIJOB_OK);
    ck_assert_int_ge(mpj_plan_found(r.plan, &found, 1, &handle, 0), 0);
    ck_assert_int_eq(mpj_plan_missed(r.plan, missed, 1), MPIJOB_OK);
    ck_assert_uint_eq(mpj_plan_expected_misses(r.plan, shares[_i].jobs), shares[_i].expected);
    end(&r);
}
END_TEST

/* ---- The same batches -------------------------------------------------------------------------------------------- */

enum {
    ALL_SETTLED,
    HALF_ASKED,
    HALF_UNDRAWN
};

#define HALF_BATCHES 9 /* then the other half is looked up; the last of them are a fair share of all */

static void look_up_half(running *r, int how)
{
    uint64_t drawn = how == HALF_UNDRAWN ? TOTAL / 2 : TOTAL;
    ck_assert_int_eq(mpj_plan_asked(r->plan, drawn), MPIJOB_OK);
    settle(r, 0, how == ALL_SETTLED ? TOTAL : TOTAL / 2);
}

static void look_up_rest(running *r, int how)
{
    if (how == HALF_UNDRAWN)
        ck_assert_int_eq(mpj_plan_asked(r->plan, TOTAL / 2), MPIJOB_OK);
    if (how != ALL_SETTLED)
        settle(r, TOTAL / 2, TOTAL);
}

/* The sizes of all batches, the last ones too, and all that is learned from them. */
START_TEST(batches_as_if_the_misses_were_all)
{
    running some = begin(TOTAL, TOTAL), all = begin(TOTAL / ONE_IN, 0);
    uint64_t jobs = 0;
    look_up_half(&some, _i);
    ck_assert_int_eq(mpj_plan_drawn(all.plan, TOTAL / ONE_IN, NULL), MPIJOB_OK);
    for (int batches = 0; jobs < TOTAL / ONE_IN;) {
        uint64_t size = give(&all);
        ck_assert_msg(give(&some) == size, "batch %d is not one of %d jobs", batches, (int)size);
        jobs += size;
        if (size == 0 || all.queued == 2) {
            finish(&some);
            finish(&all);
        }
        batches += size > 0;
        if (size > 0 && batches == HALF_BATCHES)
            look_up_rest(&some, _i);
    }
    ck_assert_double_eq(some.plan->rule.job_s, all.plan->rule.job_s);
    ck_assert_double_eq(some.plan->rule.job_cost, all.plan->rule.job_cost);
    ck_assert_double_eq(some.plan->rule.gap_s, all.plan->rule.gap_s);
    ck_assert_double_eq(some.plan->rule.mean_result_bytes, all.plan->rule.mean_result_bytes);
    end(&some);
    end(&all);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("plan_found");
    TCase *cases = tcase_create("what is found");
    tcase_add_loop_test(cases, as_many_as_so_far, 0, UNIT_COUNT(shares));
    tcase_add_loop_test(cases, batches_as_if_the_misses_were_all, ALL_SETTLED, HALF_UNDRAWN + 1);
    suite_add_tcase(suite, cases);
    return unit_run(suite);
}
