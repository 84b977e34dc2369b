#include "sched/plan.h"

#include "unit.h"

#include <mpijob/error.h>
#include <string.h>

#define SHORT_S 0.9e-6 /* 444 of them last as long as a batch should */
#define QUEUE 64

static mpj_plan_config config;
static mpj_plan *plan;
static mpj_batch queue[QUEUE]; /* given out, oldest first */
static size_t queued;
static char handles[4];

static void setup(void)
{
    config = (mpj_plan_config){.workers = 2,
                               .total = 1000000,
                               .window = MPJ_UNKNOWN,
                               .max_attempts = 1,
                               .ordered = true,
                               .own_works = true,
                               .helper = true,
                               .own_limit_s = 1e-4};
    plan = NULL;
    queued = 0;
}

static void assert_consistent(void)
{
    const char *what = NULL;
    ck_assert_msg(mpj_plan_check(plan, &what) == 1, "%s", what);
}

static void teardown(void)
{
    if (plan)
        assert_consistent();
    mpj_plan_free(plan);
}

static void open_plan(void)
{
    plan = mpj_plan_new(&config);
    ck_assert_ptr_nonnull(plan);
}

static void open_and_draw(const double *costs)
{
    open_plan();
    ck_assert_int_eq(mpj_plan_drawn(plan, mpj_plan_wanted(plan), costs), MPIJOB_OK);
}

static uint64_t give(void)
{
    if (mpj_plan_next(plan, &queue[queued]) != 1)
        return 0;
    return queue[queued++].jobs;
}

static uint64_t give_own(void)
{
    if (mpj_plan_next_own(plan, &queue[queued]) != 1)
        return 0;
    return queue[queued++].jobs;
}

static mpj_batch take_out(size_t at)
{
    ck_assert_uint_lt(at, queued);
    mpj_batch batch = queue[at];
    memmove(&queue[at], &queue[at + 1], (--queued - at) * sizeof *queue);
    return batch;
}

static void answer(const mpj_batch *batch, uint64_t executed, double busy_s)
{
    ck_assert_int_eq(mpj_plan_answered(plan, batch->id, executed, busy_s, -1), MPIJOB_OK);
}

static mpj_outcome outcome_of(const mpj_batch *batch)
{
    return (mpj_outcome){.id = batch->id, .executed = batch->jobs, .results = &handles[0]};
}

/* The batch at this place of the queue is executed, all of it. */
static void finish(size_t at, double job_s)
{
    mpj_batch batch = take_out(at);
    mpj_outcome outcome = outcome_of(&batch);
    answer(&batch, batch.jobs, job_s * (double)batch.jobs);
    ck_assert_int_eq(mpj_plan_done(plan, &outcome), 1);
}

/* As finish, and the job at this position fails. */
static int finish_with_failure(size_t at, uint64_t position)
{
    mpj_batch batch = take_out(at);
    mpj_outcome outcome = outcome_of(&batch);
    outcome.failed = &position;
    outcome.failed_count = 1;
    answer(&batch, batch.jobs, 0);
    return mpj_plan_done(plan, &outcome);
}

static uint64_t release_all(void)
{
    mpj_release release;
    uint64_t jobs = 0;
    while (mpj_plan_release(plan, &release) == 1)
        jobs += release.jobs.count;
    return jobs;
}

static mpj_plan_counts counts(void)
{
    mpj_plan_counts now;
    mpj_plan_count(plan, &now);
    return now;
}

/* -- Sizes: worker 1 gets a batch whenever it may, then answers its oldest -- */

static void assert_sizes(const uint64_t *sizes, size_t count, double job_s)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t jobs = give();
        if (jobs == 0) {
            finish(0, job_s);
            jobs = give();
        }
        ck_assert_msg(jobs == sizes[i], "batch %zu: %llu jobs, not %llu", i, (unsigned long long)jobs,
                      (unsigned long long)sizes[i]);
        if (queued == 2)
            finish(0, job_s);
    }
}

#define ASSERT_SIZES(job_s, ...)                                                                                       \
    assert_sizes((const uint64_t[]){__VA_ARGS__}, sizeof((const uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t), job_s)

START_TEST(batches_double_from_1)
{
    open_and_draw(NULL);
    ASSERT_SIZES(SHORT_S, 1, 1, 2, 4, 8, 16, 32, 64, 128, 256, 444, 444);
}
END_TEST

START_TEST(long_jobs_go_one_by_one)
{
    open_and_draw(NULL);
    ASSERT_SIZES(1e-3, 1, 1, 1, 1, 1);
}
END_TEST

START_TEST(batches_shrink_at_the_end)
{
    config.total = 40;
    open_and_draw(NULL);
    ASSERT_SIZES(SHORT_S, 1, 1, 2, 4, 7, 5, 4, 3, 3, 2, 2, 1, 1, 1, 1, 1, 1);
    ck_assert_uint_eq(counts().waiting, 0);
}
END_TEST

START_TEST(fixed_sizes_stay)
{
    config.total = 20;
    config.batch_size = 7;
    open_and_draw(NULL);
    ASSERT_SIZES(SHORT_S, 7, 7, 6);
}
END_TEST

START_TEST(largest_size_bounds)
{
    config.max_batch = 3;
    open_and_draw(NULL);
    ASSERT_SIZES(SHORT_S, 1, 1, 2, 3, 3, 3);
}
END_TEST

START_TEST(bytes_bound)
{
    config.batch_bytes = 1000;
    config.args_bytes = 200;
    config.result_bytes = 8;
    open_and_draw(NULL);
    ASSERT_SIZES(SHORT_S, 1, 1, 2, 4, 5, 5);
}
END_TEST

START_TEST(own_batches_end_early)
{
    static const uint64_t sizes[] = {1, 2, 4, 8, 16, 32, 64, 111, 111};
    open_and_draw(NULL);
    for (int i = 0; i < UNIT_COUNT(sizes); i++) {
        ck_assert_uint_eq(give_own(), sizes[i]);
        ck_assert_uint_eq(give_own(), 0);
        finish(0, SHORT_S);
    }
}
END_TEST

/* 60 jobs of cost 10, then 600 of cost 1; a batch gets no more than a share of the cost that is left. */
START_TEST(costs_bound)
{
    static const uint64_t sizes[] = {1, 1, 2, 4, 8, 16, 22, 40};
    double costs[660];
    for (size_t i = 0; i < 660; i++)
        costs[i] = i < 60 ? 10 : 1;
    config.costs = true;
    config.total = 660;
    open_and_draw(costs);
    for (int i = 0; i < UNIT_COUNT(sizes); i++) {
        ck_assert_uint_eq(give(), sizes[i]);
        if (queued == 2)
            finish(0, 0.99e-6 * queue[0].cost / (double)queue[0].jobs);
    }
}
END_TEST

/* -- Windows -- */

static uint64_t give_all_single(void)
{
    uint64_t batches = 0;
    uint64_t jobs;
    while ((jobs = give()) > 0 || (jobs = give_own()) > 0) {
        ck_assert_uint_eq(jobs, 1);
        batches++;
    }
    return batches;
}

static const struct {
    uint32_t workers;
    uint64_t window, batch_size, given;
} windows[] = {
    {4, 8, 0, 7}, /* '2*n_jobs': one in hand and one ahead, one for worker 0 */
    {4, 8, 10, 7}, {4, 3, 0, 3}, {5, 1, 0, 1}, {5, 1, 10, 1}, {1, 2, 10, 1},
};

START_TEST(a_window_is_shared)
{
    config.workers = windows[_i].workers;
    config.window = windows[_i].window;
    config.batch_size = windows[_i].batch_size;
    open_plan();
    ck_assert_uint_eq(mpj_plan_wanted(plan), config.window);
    ck_assert_int_eq(mpj_plan_drawn(plan, config.window, NULL), MPIJOB_OK);
    ck_assert_uint_eq(mpj_plan_wanted(plan), 0);
    ck_assert_uint_eq(give_all_single(), windows[_i].given);
    finish(0, SHORT_S);
    ck_assert_uint_eq(mpj_plan_wanted(plan), 0);
    ck_assert_uint_eq(release_all(), 1);
    ck_assert_uint_eq(mpj_plan_wanted(plan), 1);
}
END_TEST

START_TEST(an_automatic_window_holds_two_batches_each)
{
    config.window = 0;
    config.total = MPJ_UNKNOWN;
    open_plan();
    ck_assert_uint_eq(mpj_plan_wanted(plan), 4);
    ck_assert_int_eq(mpj_plan_drawn(plan, 4, NULL), MPIJOB_OK);
    give();
    finish(0, SHORT_S);
    ck_assert_uint_eq(release_all(), 1);
    ck_assert_uint_eq(mpj_plan_wanted(plan), 4 * 444 - 3);
}
END_TEST

START_TEST(an_automatic_window_may_be_enormous)
{
    config.window = 0;
    config.workers = 1000000;
    config.batch_size = UINT64_C(1) << 62;
    config.total = 7;
    open_plan();
    ck_assert_uint_eq(mpj_plan_wanted(plan), 7);
}
END_TEST

START_TEST(total_bounds_what_is_wanted)
{
    config.total = 5;
    open_plan();
    ck_assert_uint_eq(mpj_plan_wanted(plan), 5);
    ck_assert_int_eq(mpj_plan_drawn(plan, 3, NULL), MPIJOB_OK);
    ck_assert_uint_eq(mpj_plan_wanted(plan), 2);
    mpj_plan_exhausted(plan);
    ck_assert_uint_eq(mpj_plan_wanted(plan), 0);
    ck_assert(!mpj_plan_over(plan));
}
END_TEST

START_TEST(nothing_to_do_is_over_at_once)
{
    config.total = 0;
    open_plan();
    ck_assert(mpj_plan_over(plan));
    ck_assert_uint_eq(mpj_plan_wanted(plan), 0);
    ck_assert_uint_eq(give() + give_own() + release_all(), 0);
}
END_TEST

/* -- Ahead -- */

START_TEST(nobody_gets_one_ahead_while_another_has_nothing)
{
    config.workers = 4;
    config.batch_size = 1;
    open_and_draw(NULL);
    for (uint32_t i = 0; i < 6; i++) {
        give();
        ck_assert_uint_eq(queue[i].worker, 1 + i % 3);
    }
    ck_assert_uint_eq(give(), 0);
}
END_TEST

static const struct {
    uint64_t total;
    double job_s;
    bool ahead;
} aheads[] = {{6, SHORT_S, true}, {5, SHORT_S, false}, {1000, 0.19, true}, {1000, 0.21, false}};

/* Of `total`, one is executed and one in hand: is there one ahead? */
START_TEST(one_ahead_unless_few_remain_or_jobs_are_long)
{
    config.total = 1 + aheads[_i].total;
    config.batch_size = 1;
    open_and_draw(NULL);
    give();
    finish(0, aheads[_i].job_s);
    ck_assert_uint_eq(give(), 1);
    ck_assert_uint_eq(give(), aheads[_i].ahead);
}
END_TEST

START_TEST(after_long_jobs_there_may_be_one_ahead_again)
{
    config.batch_size = 1;
    open_and_draw(NULL);
    give();
    finish(0, 0.21);
    give();
    ck_assert_uint_eq(give(), 0);
    finish(0, SHORT_S);
    give();
    ck_assert_uint_eq(give(), 1);
}
END_TEST

/* -- Worker 0 -- */

static const struct {
    uint32_t workers;
    bool may_dedicate, helper;
    double job_s;
    bool own_works;
} dedications[] = {
    {8, true, false, 11e-3, false}, {8, true, false, 9e-3, true},  {7, true, false, 11e-3, true},
    {8, false, false, 11e-3, true}, {8, true, true, 11e-3, true},
};

START_TEST(worker_0_gives_way_to_long_jobs)
{
    config.workers = dedications[_i].workers;
    config.may_dedicate = dedications[_i].may_dedicate;
    config.helper = dedications[_i].helper;
    open_and_draw(NULL);
    give();
    finish(0, dedications[_i].job_s);
    ck_assert(mpj_plan_own_works(plan) == dedications[_i].own_works);
    ck_assert_uint_eq(give_own(), dedications[_i].own_works);
}
END_TEST

START_TEST(worker_0_works_again_when_few_are_left)
{
    config.workers = 8;
    config.may_dedicate = true;
    config.helper = false;
    open_and_draw(NULL);
    give();
    finish(0, 1);
    ck_assert(!mpj_plan_own_works(plan));
    ck_assert_int_eq(mpj_plan_worker_lost(plan, 3), MPIJOB_OK);
    ck_assert(mpj_plan_own_works(plan));
    ck_assert_uint_eq(give_own(), 1);
}
END_TEST

START_TEST(worker_0_works_when_nobody_else_is_left)
{
    config.workers = 3;
    config.own_works = false;
    open_and_draw(NULL);
    ck_assert_uint_eq(give_own(), 0);
    mpj_plan_worker_lost(plan, 1);
    ck_assert_uint_eq(give_own(), 0);
    mpj_plan_worker_lost(plan, 2);
    ck_assert_uint_eq(give_own(), 1);
    ck_assert_uint_eq(give(), 0);
}
END_TEST

/* -- Order -- */

START_TEST(largest_first_and_results_in_order)
{
    const double costs[] = {1, 5, 2};
    static const uint64_t order[] = {1, 2, 0};
    config.total = 3;
    config.costs = true;
    config.batch_size = 1;
    open_and_draw(costs);
    for (size_t i = 0; i < 3; i++) {
        ck_assert_uint_eq(give_own(), 1);
        ck_assert_uint_eq(queue[0].spans[0].first, order[i]);
        ck_assert_double_eq(queue[0].cost, costs[order[i]]);
        finish(0, SHORT_S);
        ck_assert_uint_eq(release_all(), i < 2 ? 0 : 3);
    }
    ck_assert(mpj_plan_over(plan));
}
END_TEST

START_TEST(what_was_not_executed_comes_first)
{
    config.batch_size = 4;
    open_and_draw(NULL);
    give();
    mpj_batch batch = take_out(0);
    mpj_outcome outcome = outcome_of(&batch);
    outcome.executed = 1;
    answer(&batch, 1, SHORT_S);
    ck_assert_int_eq(mpj_plan_done(plan, &outcome), 1);
    ck_assert_uint_eq(give(), 4);
    ck_assert_uint_eq(queue[0].span_count, 1);
    ck_assert_uint_eq(queue[0].spans[0].first, 1);
    ck_assert_uint_eq(queue[0].spans[0].count, 4);
}
END_TEST

/* Worker 2's job 1 came with too much to keep while job 0 was lost: now there is job 0, alone, and then nothing. */
START_TEST(too_much_unread_leaves_the_job_that_everyone_waits_for)
{
    config.workers = 4;
    config.unread_bytes = 10;
    config.max_attempts = 2;
    config.batch_size = 1;
    open_and_draw(NULL);
    give();
    give();
    mpj_batch batch = take_out(1);
    mpj_outcome outcome = outcome_of(&batch);
    outcome.result_bytes = 11;
    answer(&batch, 1, SHORT_S);
    ck_assert_int_eq(mpj_plan_done(plan, &outcome), 1);
    ck_assert_uint_eq(give(), 0);
    ck_assert_uint_eq(give_own(), 0);
    take_out(0);
    ck_assert_int_eq(mpj_plan_worker_lost(plan, 1), MPIJOB_OK);
    ck_assert_uint_eq(give_own(), 1);
    ck_assert_uint_eq(queue[0].spans[0].first, 0);
    ck_assert_uint_eq(give(), 0);
    finish(0, SHORT_S);
    ck_assert_uint_eq(give(), 0);
    ck_assert_uint_eq(release_all(), 2);
    ck_assert_uint_eq(give(), 1);
}
END_TEST

/* -- Failures -- */

START_TEST(a_failure_stops_the_run)
{
    config.stop_on_failure = true;
    config.batch_size = 2;
    open_and_draw(NULL);
    give();
    give();
    ck_assert_int_eq(finish_with_failure(0, 1), 1);
    ck_assert(mpj_plan_draining(plan));
    ck_assert(!mpj_plan_over(plan));
    ck_assert_uint_eq(give() + give_own() + mpj_plan_wanted(plan), 0);
    finish(0, SHORT_S);
    ck_assert(mpj_plan_over(plan));
    ck_assert_uint_eq(release_all(), 4);
}
END_TEST

START_TEST(a_failure_leaves_a_hole)
{
    mpj_release release;
    config.batch_size = 3;
    open_and_draw(NULL);
    give();
    ck_assert_int_eq(finish_with_failure(0, 1), 1);
    for (uint64_t i = 0; i < 3; i++) {
        ck_assert_int_eq(mpj_plan_release(plan, &release), 1);
        ck_assert_uint_eq(release.jobs.first, i);
        ck_assert_uint_eq(release.jobs.count, 1);
        ck_assert_uint_eq(release.position, i);
        ck_assert(release.failed == (i == 1));
        ck_assert(release.last == (i == 2));
        ck_assert_ptr_eq(release.results, &handles[0]);
    }
    ck_assert(!mpj_plan_draining(plan));
    ck_assert_uint_eq(counts().failed, 1);
}
END_TEST

START_TEST(attempts_are_counted)
{
    config.total = 1;
    config.max_attempts = 3;
    open_and_draw(NULL);
    for (int attempt = 1; attempt <= 3; attempt++) {
        ck_assert(!mpj_plan_over(plan));
        ck_assert_uint_eq(give(), 1);
        ck_assert_int_eq(finish_with_failure(0, 0), attempt == 3);
    }
    ck_assert(mpj_plan_over(plan));
    ck_assert_uint_eq(counts().failed, 1);
    ck_assert_uint_eq(counts().batches, 3);
}
END_TEST

/* Of what the lost worker had, the answered batch and the one in hand may have begun, the one ahead did not. */
START_TEST(a_lost_worker_fails_what_may_have_begun)
{
    mpj_release release;
    config.batch_size = 2;
    open_and_draw(NULL);
    give();
    give();
    answer(&queue[0], 2, SHORT_S);
    give();
    ck_assert_int_eq(mpj_plan_worker_lost(plan, 1), MPIJOB_OK);
    ck_assert_uint_eq(counts().failed, 4);
    ck_assert_uint_eq(counts().out, 0);
    ck_assert_uint_eq(counts().busy_workers, 0);
    for (uint64_t i = 0; i < 2; i++) {
        ck_assert_int_eq(mpj_plan_release(plan, &release), 1);
        ck_assert_uint_eq(release.jobs.first, 2 * i);
        ck_assert_uint_eq(release.jobs.count, 2);
        ck_assert(release.failed);
        ck_assert_ptr_null(release.results);
    }
    ck_assert_int_eq(mpj_plan_release(plan, &release), 0);
    ck_assert_uint_eq(give(), 0);
    queued = 0;
    ck_assert_uint_eq(give_own(), 2);
    ck_assert_uint_eq(queue[0].spans[0].first, 4);
    ck_assert_int_eq(mpj_plan_worker_lost(plan, 1), MPIJOB_OK);
}
END_TEST

START_TEST(draining_keeps_what_is_behind_a_gap)
{
    void *results = NULL;
    config.batch_size = 1;
    open_and_draw(NULL);
    give();
    give();
    give_own();
    finish(0, SHORT_S);
    finish(1, SHORT_S);
    mpj_plan_drain(plan);
    mpj_batch batch = take_out(0);
    mpj_outcome outcome = outcome_of(&batch);
    outcome.executed = 0;
    answer(&batch, 0, 0);
    ck_assert_int_eq(mpj_plan_done(plan, &outcome), 0);
    ck_assert(mpj_plan_over(plan));
    ck_assert_uint_eq(release_all(), 1);
    ck_assert_int_eq(mpj_plan_abandoned(plan, &results), 1);
    ck_assert_ptr_eq(results, &handles[0]);
    ck_assert_int_eq(mpj_plan_abandoned(plan, &results), 0);
}
END_TEST

/* -- Events that cannot be -- */

enum impossible {
    ANSWERED_UNKNOWN,
    ANSWERED_TWICE,
    ANSWERED_TOO_MUCH,
    DONE_UNKNOWN,
    DONE_BEFORE_ANSWERED,
    DONE_TWICE,
    DONE_TOO_MUCH,
    FAILED_NOT_EXECUTED,
    FAILED_TWICE,
    FAILED_DESCENDING,
    FAILED_NOWHERE,
    DRAWN_AFTER_ALL,
    DRAWN_TOO_MUCH,
    DRAWN_OVER_THE_WINDOW,
    DRAWN_WITHOUT_COSTS,
    LOST_0,
    LOST_NOBODY,
    IMPOSSIBLE_COUNT
};

/* queue[0] is answered, queue[1] is not, queue[2] is done; 14 jobs are drawn of 20, with a window of 16 or none. */
static int impossible_done(enum impossible what)
{
    static const uint64_t behind[] = {3};
    static const uint64_t twice[] = {1, 1};
    static const uint64_t descending[] = {1, 0};
    mpj_outcome outcome = outcome_of(&queue[0]);
    outcome.failed_count = what == FAILED_TWICE || what == FAILED_DESCENDING ? 2 : 1;
    switch (what) {
    case FAILED_NOT_EXECUTED:
        outcome.executed = 3;
        outcome.failed = behind;
        break;
    case FAILED_TWICE:
        outcome.failed = twice;
        break;
    case FAILED_DESCENDING:
        outcome.failed = descending;
        break;
    default:
        outcome.failed = NULL;
    }
    return mpj_plan_done(plan, &outcome);
}

static int impossible_drawn(enum impossible what)
{
    static const double costs[20] = {0};
    if (what == DRAWN_WITHOUT_COSTS)
        return mpj_plan_drawn(plan, 1, NULL);
    if (what == DRAWN_AFTER_ALL)
        return mpj_plan_drawn(plan, 1, costs);
    return mpj_plan_drawn(plan, what == DRAWN_TOO_MUCH ? 7 : 3, costs);
}

static int impossible_event(enum impossible what)
{
    mpj_outcome outcome = outcome_of(&queue[what == DONE_BEFORE_ANSWERED ? 1 : what == DONE_TWICE ? 2 : 0]);
    switch (what) {
    case ANSWERED_UNKNOWN:
        return mpj_plan_answered(plan, 4711, 0, 0, 0);
    case ANSWERED_TWICE:
        return mpj_plan_answered(plan, queue[0].id, 4, 0, 0);
    case ANSWERED_TOO_MUCH:
        return mpj_plan_answered(plan, queue[1].id, 5, 0, 0);
    case DONE_UNKNOWN:
        outcome.id = 4711;
        return mpj_plan_done(plan, &outcome);
    case DONE_TOO_MUCH:
        outcome.executed = 5;
        return mpj_plan_done(plan, &outcome);
    case DONE_BEFORE_ANSWERED:
    case DONE_TWICE:
        return mpj_plan_done(plan, &outcome);
    case LOST_0:
        return mpj_plan_worker_lost(plan, 0);
    case LOST_NOBODY:
        return mpj_plan_worker_lost(plan, 2);
    default:
        return what < DRAWN_AFTER_ALL ? impossible_done(what) : impossible_drawn(what);
    }
}

START_TEST(what_cannot_be_changes_nothing)
{
    static const double costs[14] = {0};
    enum impossible what = (enum impossible)_i;
    config.total = 20;
    config.window = what == DRAWN_TOO_MUCH ? MPJ_UNKNOWN : 16;
    config.costs = true;
    config.batch_size = 4;
    open_plan();
    ck_assert_int_eq(mpj_plan_drawn(plan, 14, costs), MPIJOB_OK);
    ck_assert_uint_eq(give() + give() + give_own(), 12);
    answer(&queue[0], 3, 0);
    mpj_batch own = queue[2];
    finish(2, 0);
    queue[2] = own;
    if (what == DRAWN_AFTER_ALL)
        mpj_plan_exhausted(plan);
    mpj_plan_counts before = counts();
    int status = impossible_event(what);
    mpj_plan_counts after = counts();
    ck_assert_msg(status == MPIJOB_EINTERNAL, "event %d: %d", _i, status);
    ck_assert_mem_eq(&before, &after, sizeof before);
    assert_consistent();
    /* And it goes on. */
    mpj_outcome outcome = outcome_of(&queue[0]);
    outcome.executed = 3;
    ck_assert_int_eq(mpj_plan_done(plan, &outcome), 1);
    queued = 2;
    finish(1, 0);
    ck_assert_uint_eq(release_all(), 3);
}
END_TEST

/* -- What is learned reaches the rule -- */

START_TEST(others_outlast_worker_0_unless_somebody_serves_for_it)
{
    config.total = UINT64_C(1) << 40;
    config.helper = _i;
    open_and_draw(NULL);
    for (int i = 0; i < 3; i++) {
        give_own();
        finish(0, 10e-3);
    }
    for (int i = 0; i < 60; i++) { /* from 10 ms to 0.9 us by the smoothed mean; worker 0's own times stay */
        give();
        finish(0, SHORT_S);
    }
    uint64_t jobs = give();
    if (config.helper)
        ck_assert_uint_le(jobs, 445);
    else
        ck_assert_uint_gt(jobs, 4000);
}
END_TEST

START_TEST(after_giving_way_the_others_need_not_outlast_it)
{
    config.workers = 8;
    config.helper = false;
    config.may_dedicate = true;
    open_and_draw(NULL);
    give_own();
    finish(0, 11e-3);
    ck_assert(!mpj_plan_own_works(plan));
    for (int i = 0; i < 600; i++) {
        give();
        finish(0, SHORT_S);
    }
    ck_assert_uint_le(give(), 445);
}
END_TEST

/* 2 workers x 0.45 ms / 0.5 = 1.8 ms, which is 2000 jobs. */
START_TEST(slow_messages_make_larger_batches)
{
    open_and_draw(NULL);
    mpj_plan_message_cost(plan, 0.4501e-3);
    ASSERT_SIZES(SHORT_S, 1, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2000, 2000);
}
END_TEST

START_TEST(results_of_any_size_bound_once_they_were_seen)
{
    config.batch_bytes = 1000;
    config.result_bytes = MPJ_UNKNOWN;
    open_and_draw(NULL);
    for (int i = 0; i < 10; i++) {
        give();
        mpj_batch batch = take_out(0);
        mpj_outcome outcome = outcome_of(&batch);
        outcome.result_bytes = 300 * batch.jobs;
        answer(&batch, batch.jobs, SHORT_S * (double)batch.jobs);
        ck_assert_int_eq(mpj_plan_done(plan, &outcome), 1);
    }
    ck_assert_uint_eq(give(), 3);
}
END_TEST

/* With two workers left, a batch is a quarter of what waits, not an eighth. */
START_TEST(a_loss_leaves_more_for_each)
{
    config.workers = 4;
    config.total = 16;
    open_and_draw(NULL);
    mpj_plan_worker_lost(plan, 2);
    mpj_plan_worker_lost(plan, 3);
    ASSERT_SIZES(SHORT_S, 1, 1, 2, 3, 2, 2, 1, 1, 1, 1, 1);
}
END_TEST

static TCase *new_cases(Suite *suite, const char *name)
{
    TCase *cases = tcase_create(name);
    tcase_add_checked_fixture(cases, setup, teardown);
    suite_add_tcase(suite, cases);
    return cases;
}

static void add_sizes(Suite *suite)
{
    TCase *cases = new_cases(suite, "sizes");
    tcase_add_test(cases, batches_double_from_1);
    tcase_add_test(cases, long_jobs_go_one_by_one);
    tcase_add_test(cases, batches_shrink_at_the_end);
    tcase_add_test(cases, fixed_sizes_stay);
    tcase_add_test(cases, largest_size_bounds);
    tcase_add_test(cases, bytes_bound);
    tcase_add_test(cases, own_batches_end_early);
    tcase_add_test(cases, costs_bound);
}

static void add_windows(Suite *suite)
{
    TCase *cases = new_cases(suite, "windows");
    tcase_add_loop_test(cases, a_window_is_shared, 0, UNIT_COUNT(windows));
    tcase_add_test(cases, an_automatic_window_holds_two_batches_each);
    tcase_add_test(cases, an_automatic_window_may_be_enormous);
    tcase_add_test(cases, total_bounds_what_is_wanted);
    tcase_add_test(cases, nothing_to_do_is_over_at_once);
}

static void add_who(Suite *suite)
{
    TCase *cases = new_cases(suite, "who gets it");
    tcase_add_test(cases, nobody_gets_one_ahead_while_another_has_nothing);
    tcase_add_loop_test(cases, one_ahead_unless_few_remain_or_jobs_are_long, 0, UNIT_COUNT(aheads));
    tcase_add_test(cases, after_long_jobs_there_may_be_one_ahead_again);
    tcase_add_loop_test(cases, worker_0_gives_way_to_long_jobs, 0, UNIT_COUNT(dedications));
    tcase_add_test(cases, worker_0_works_again_when_few_are_left);
    tcase_add_test(cases, worker_0_works_when_nobody_else_is_left);
}

static void add_order_and_failures(Suite *suite)
{
    TCase *cases = new_cases(suite, "order and failures");
    tcase_add_test(cases, largest_first_and_results_in_order);
    tcase_add_test(cases, what_was_not_executed_comes_first);
    tcase_add_test(cases, too_much_unread_leaves_the_job_that_everyone_waits_for);
    tcase_add_test(cases, a_failure_stops_the_run);
    tcase_add_test(cases, a_failure_leaves_a_hole);
    tcase_add_test(cases, attempts_are_counted);
    tcase_add_test(cases, a_lost_worker_fails_what_may_have_begun);
    tcase_add_test(cases, draining_keeps_what_is_behind_a_gap);
    tcase_add_loop_test(cases, what_cannot_be_changes_nothing, 0, IMPOSSIBLE_COUNT);
}

static void add_learning(Suite *suite)
{
    TCase *cases = new_cases(suite, "learning");
    tcase_add_loop_test(cases, others_outlast_worker_0_unless_somebody_serves_for_it, 0, 2);
    tcase_add_test(cases, after_giving_way_the_others_need_not_outlast_it);
    tcase_add_test(cases, slow_messages_make_larger_batches);
    tcase_add_test(cases, results_of_any_size_bound_once_they_were_seen);
    tcase_add_test(cases, a_loss_leaves_more_for_each);
}

int main(void)
{
    Suite *suite = suite_create("plan");
    add_sizes(suite);
    add_windows(suite);
    add_who(suite);
    add_order_and_failures(suite);
    add_learning(suite);
    return unit_run(suite);
}
