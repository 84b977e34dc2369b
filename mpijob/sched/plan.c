#include "sched/plan.h"

#include "base/alloc.h"
#include "sched/attempts.h"
#include "sched/inflight.h"
#include "sched/jobpool.h"
#include "sched/order.h"
#include "sched/roster.h"

#include <math.h>
#include <mpijob/error.h>

#define LONG_JOB_S 10e-3      /* from here on a deaf scheduler hurts ... */
#define DEDICATE_FROM_WORKERS 8 /* ... and giving up one of so many workers costs less */
#define NO_BUDGET INFINITY

struct mpj_plan {
    mpj_plan_config config;
    mpj_batchrule rule;
    mpj_jobpool pool;
    mpj_inflight inflight;
    mpj_order order;
    mpj_roster roster;
    mpj_attempts attempts;
    mpj_plan_counts counts; /* waiting, released, unread_bytes and busy_workers live in the parts */
    bool exhausted;
    bool draining;
    bool own_works;
};

mpj_plan *mpj_plan_new(const mpj_plan_config *config)
{
    mpj_plan *plan = mpj_calloc(1, sizeof *plan);
    if (!plan)
        return NULL;
    if (mpj_roster_open(&plan->roster, config->workers) != 0) {
        mpj_free(plan);
        return NULL;
    }
    plan->config = *config;
    if (plan->config.max_attempts == 0)
        plan->config.max_attempts = 1;
    plan->pool.costs = config->costs;
    plan->order.ordered = config->ordered;
    plan->own_works = config->own_works || config->workers == 1;
    plan->exhausted = config->total == 0;
    plan->rule = (mpj_batchrule){.fixed = config->batch_size,
                                 .most = config->max_batch,
                                 .most_bytes = config->batch_bytes,
                                 .args_bytes = config->args_bytes,
                                 .result_bytes = config->result_bytes,
                                 .own_limit_s = config->own_limit_s,
                                 .workers = config->workers,
                                 .own_follows_jobs = plan->own_works && !config->helper};
    mpj_batchrule_start(&plan->rule);
    return plan;
}

void mpj_plan_free(mpj_plan *plan)
{
    if (!plan)
        return;
    mpj_jobpool_free(&plan->pool);
    mpj_inflight_free(&plan->inflight);
    mpj_order_free(&plan->order);
    mpj_roster_free(&plan->roster);
    mpj_attempts_free(&plan->attempts);
    mpj_free(plan);
}

/* -- Drawing -- */

/* What `total` and a window that was set leave; an automatic window may have shrunk since the caller asked. */
static uint64_t may_draw(const mpj_plan *plan)
{
    uint64_t bound = plan->config.total == MPJ_UNKNOWN ? MPJ_UNKNOWN - 1 : plan->config.total;
    uint64_t left = bound - plan->counts.drawn;
    uint64_t unreleased = plan->counts.drawn - plan->order.released;
    if (plan->config.window == 0 || left < plan->config.window - unreleased)
        return left;
    return plan->config.window - unreleased;
}

int mpj_plan_drawn(mpj_plan *plan, uint64_t count, const double *costs)
{
    if (count == 0)
        return MPIJOB_OK;
    if (plan->exhausted || (plan->config.costs && !costs) || count > may_draw(plan))
        return MPIJOB_EINTERNAL;
    int status = mpj_jobpool_add(&plan->pool, plan->counts.drawn, count, costs);
    if (status != MPIJOB_OK)
        return status;
    plan->counts.drawn += count;
    for (uint64_t i = 0; plan->config.costs && i < count; i++)
        plan->counts.cost_drawn += costs[i];
    if (!plan->config.costs)
        plan->counts.cost_drawn += (double)count;
    if (plan->config.total != MPJ_UNKNOWN && plan->counts.drawn >= plan->config.total)
        plan->exhausted = true;
    return MPIJOB_OK;
}

void mpj_plan_exhausted(mpj_plan *plan)
{
    plan->exhausted = true;
}

/* Jobs that may still be given out, as far as is known. */
static uint64_t still_waiting(const mpj_plan *plan)
{
    uint64_t undrawn = 0;
    if (!plan->exhausted) {
        if (plan->config.total == MPJ_UNKNOWN)
            return MPJ_UNKNOWN;
        undrawn = plan->config.total - plan->counts.drawn;
    }
    return plan->pool.waiting + undrawn;
}

static uint64_t window_now(const mpj_plan *plan)
{
    if (plan->config.window != 0)
        return plan->config.window;
    uint64_t batch = mpj_batchrule_jobs(&plan->rule, MPJ_UNKNOWN / 4, MPJ_UNKNOWN, false);
    uint64_t each = (uint64_t)MPJ_DEPTH * plan->roster.alive;
    return batch < MPJ_UNKNOWN / each ? each * batch : MPJ_UNKNOWN;
}

uint64_t mpj_plan_wanted(const mpj_plan *plan)
{
    if (plan->exhausted || plan->draining)
        return 0;
    uint64_t unfinished = plan->counts.drawn - plan->order.released;
    uint64_t window = window_now(plan);
    if (window <= unfinished)
        return 0;
    uint64_t wanted = window - unfinished;
    uint64_t left = plan->config.total == MPJ_UNKNOWN ? MPJ_UNKNOWN : plan->config.total - plan->counts.drawn;
    return wanted < left ? wanted : left;
}

/* -- Giving out -- */

/* A window shared by all: nobody takes more of it than leaves a batch in hand and one ahead for everyone. An automatic
 * one is made of whole batches. */
static uint64_t bound_by_window(const mpj_plan *plan, uint64_t jobs)
{
    if (plan->config.window == MPJ_UNKNOWN || plan->config.window == 0)
        return jobs;
    uint64_t share = plan->config.window / ((uint64_t)MPJ_DEPTH * plan->roster.alive);
    if (share == 0)
        share = 1;
    return jobs < share ? jobs : share;
}

/* What a batch may cost: the same time as the number of jobs is meant to take, and at the end a fair share of the
 * cost that is left. Without measured times or costs: no bound. */
static double cost_budget(const mpj_plan *plan, bool own)
{
    const mpj_batchrule *rule = &plan->rule;
    if (!plan->config.costs || rule->fixed || rule->job_s <= 0 || rule->job_cost <= 0)
        return NO_BUDGET;
    double budget = mpj_batchrule_target(rule, own) * rule->job_cost / rule->job_s;
    if (plan->exhausted)
        budget = fmin(budget, plan->pool.waiting_cost / (2.0 * plan->roster.alive));
    return budget;
}

static int give_lots(mpj_plan *plan, uint32_t worker, const mpj_lot *lots, size_t count, mpj_batch *batch)
{
    mpj_slot *slot = mpj_inflight_open(&plan->inflight, count);
    if (!slot) {
        for (size_t i = 0; i < count; i++)
            mpj_jobpool_return(&plan->pool, lots[i]);
        return MPIJOB_ENOMEM;
    }
    slot->batch.worker = worker;
    slot->batch.span_count = (uint32_t)count;
    for (size_t i = 0; i < count; i++) {
        slot->spans[i] = lots[i].jobs;
        slot->costs[i] = lots[i].cost;
        slot->batch.jobs += lots[i].jobs.count;
        slot->batch.cost += (double)lots[i].jobs.count * lots[i].cost;
    }
    plan->counts.out += slot->batch.jobs;
    mpj_roster_gave(&plan->roster, worker, slot->batch.jobs);
    *batch = slot->batch;
    return 1;
}

/* What will still be waiting when this worker comes to the batch that it gets now: while it executes the one in hand,
 * the others take as much each. Without this the last batches ahead leave everyone else waiting for one worker. */
static uint64_t waiting_then(const mpj_plan *plan, uint32_t worker)
{
    const mpj_worker *w = &plan->roster.workers[worker];
    uint64_t waiting = still_waiting(plan);
    if (w->batches == 0 || waiting == MPJ_UNKNOWN)
        return waiting;
    uint64_t others = plan->roster.alive - 1;
    uint64_t taken = w->last_jobs > waiting / (others ? others : 1) ? waiting : w->last_jobs * others;
    return waiting - taken;
}

static int give(mpj_plan *plan, uint32_t worker, mpj_batch *batch)
{
    bool own = worker == 0;
    mpj_lot lots[MPJ_BATCH_SPANS];
    /* Room to take back what is taken, should the batch not come about. */
    if (mpj_jobpool_reserve(&plan->pool, MPJ_BATCH_SPANS) != 0)
        return MPIJOB_ENOMEM;
    if (plan->config.unread_bytes && plan->order.unread_bytes > plan->config.unread_bytes) {
        if (!plan->config.ordered || !mpj_jobpool_take_index(&plan->pool, plan->order.next, lots))
            return 0;
        return give_lots(plan, worker, lots, 1, batch);
    }
    uint64_t jobs =
        mpj_batchrule_jobs(&plan->rule, plan->roster.workers[worker].last_jobs, waiting_then(plan, worker), own);
    size_t count = mpj_jobpool_take(&plan->pool, bound_by_window(plan, jobs), cost_budget(plan, own), lots,
                                    MPJ_BATCH_SPANS);
    return give_lots(plan, worker, lots, count, batch);
}

int mpj_plan_next(mpj_plan *plan, mpj_batch *batch)
{
    if (plan->draining || plan->pool.waiting == 0)
        return 0;
    int64_t worker = mpj_roster_first(&plan->roster, 0);
    if (worker >= 0)
        return give(plan, (uint32_t)worker, batch);
    while ((worker = mpj_roster_first(&plan->roster, 1)) >= 0) {
        uint64_t in_hand = plan->roster.workers[worker].last_jobs;
        if (mpj_batchrule_ahead(&plan->rule, in_hand, still_waiting(plan)))
            return give(plan, (uint32_t)worker, batch);
        if (!mpj_batchrule_ahead(&plan->rule, 1, still_waiting(plan)))
            return 0;
        mpj_roster_skip(&plan->roster, 1);
    }
    return 0;
}

int mpj_plan_next_own(mpj_plan *plan, mpj_batch *batch)
{
    if (!plan->own_works || plan->draining || plan->pool.waiting == 0 || plan->roster.workers[0].batches > 0)
        return 0;
    return give(plan, 0, batch);
}

void mpj_plan_drain(mpj_plan *plan)
{
    plan->draining = true;
}

/* -- What comes back -- */

int mpj_plan_answered(mpj_plan *plan, uint64_t id, uint64_t executed, double busy_s, double gap_s)
{
    mpj_slot *slot = mpj_inflight_find(&plan->inflight, id);
    if (!slot || slot->answered || executed > slot->batch.jobs)
        return MPIJOB_EINTERNAL;
    slot->answered = true;
    mpj_roster_answered(&plan->roster, slot->batch.worker);
    bool own = slot->batch.worker == 0;
    double share = (double)executed / (double)slot->batch.jobs;
    mpj_batchrule_measured(&plan->rule, executed, slot->batch.cost * share, busy_s, gap_s, own);
    if (plan->config.may_dedicate && !plan->config.helper && plan->own_works &&
        plan->roster.alive >= DEDICATE_FROM_WORKERS && executed > 0 && busy_s / (double)executed > LONG_JOB_S) {
        plan->own_works = false;
        plan->rule.own_follows_jobs = false;
    }
    return MPIJOB_OK;
}

/* A run of jobs of one span with one fate. */
typedef struct run_of_jobs {
    mpj_span jobs;
    uint64_t position;
    double cost;
} run_of_jobs;

static void put_back(mpj_plan *plan, run_of_jobs run)
{
    mpj_jobpool_return(&plan->pool, (mpj_lot){run.jobs, run.cost});
}

static void put_done(mpj_plan *plan, mpj_parcel *parcel, run_of_jobs run, bool failed)
{
    mpj_order_put(&plan->order, parcel, run.jobs, run.position, failed);
    plan->counts.done += run.jobs.count;
    plan->counts.cost_done += (double)run.jobs.count * run.cost;
    if (!failed)
        return;
    plan->counts.failed += run.jobs.count;
    if (plan->config.stop_on_failure)
        plan->draining = true;
}

static void put_failed(mpj_plan *plan, mpj_parcel *parcel, run_of_jobs run)
{
    if (plan->config.max_attempts == 1) {
        put_done(plan, parcel, run, true);
        return;
    }
    run_of_jobs one = {{run.jobs.first, 1}, run.position, run.cost};
    for (uint64_t left = run.jobs.count; left > 0; left--, one.jobs.first++, one.position++)
        if (mpj_attempts_failed(&plan->attempts, one.jobs.first) < plan->config.max_attempts)
            put_back(plan, one);
        else
            put_done(plan, parcel, one, true);
}

/* The n-th position that failed. Without a list: all of them. */
static uint64_t failed_position(const mpj_outcome *outcome, size_t n)
{
    if (n >= outcome->failed_count)
        return MPJ_UNKNOWN;
    return outcome->failed ? outcome->failed[n] : n;
}

/* Puts what is at `at` and after, up to `end`, and shares one fate, where it belongs; returns how many jobs. */
static uint64_t settle_run(mpj_plan *plan, mpj_parcel *parcel, run_of_jobs run, uint64_t end,
                           const mpj_outcome *outcome, size_t *failed)
{
    uint64_t at = run.position;
    uint64_t executed_until = end < outcome->executed ? end : outcome->executed;
    run.jobs.count = 0;
    if (at >= outcome->executed) {
        run.jobs.count = end - at;
        put_back(plan, run);
        return run.jobs.count;
    }
    while (at < executed_until && failed_position(outcome, *failed) == at) {
        at++;
        ++*failed;
    }
    bool fails = at > run.position;
    if (!fails)
        at = executed_until < failed_position(outcome, *failed) ? executed_until : failed_position(outcome, *failed);
    run.jobs.count = at - run.position;
    if (fails)
        put_failed(plan, parcel, run);
    else
        put_done(plan, parcel, run, false);
    return run.jobs.count;
}

/* Room for all that settling may need, so that it cannot fail half-way. */
static int reserve(mpj_plan *plan, size_t parcels, size_t pieces, size_t failures)
{
    if (mpj_jobpool_reserve(&plan->pool, pieces) != 0 || mpj_order_reserve(&plan->order, parcels, pieces) != 0)
        return MPIJOB_ENOMEM;
    if (plan->config.max_attempts > 1 && mpj_attempts_reserve(&plan->attempts, failures) != 0)
        return MPIJOB_ENOMEM;
    return MPIJOB_OK;
}

/* Sorts the jobs of a batch by what happened to them. Whether something of it is to be released. */
static int settle(mpj_plan *plan, mpj_slot *slot, const mpj_outcome *outcome)
{
    mpj_parcel *parcel = mpj_order_parcel(&plan->order, outcome->results, outcome->result_bytes);
    size_t failed = 0;
    uint64_t at = 0;
    for (uint32_t i = 0; i < slot->batch.span_count; i++) {
        mpj_span span = slot->batch.spans[i];
        uint64_t end = at + span.count;
        while (at < end) {
            run_of_jobs run = {{span.first + (span.count - (end - at)), 0}, at, slot->costs[i]};
            at += settle_run(plan, parcel, run, end, outcome, &failed);
        }
    }
    plan->counts.out -= slot->batch.jobs;
    int kept = parcel->jobs > 0;
    mpj_order_close(&plan->order, parcel);
    mpj_inflight_close(&plan->inflight, slot);
    return kept;
}

static bool ascending_below(const uint64_t *positions, size_t count, uint64_t bound)
{
    for (size_t i = 0; i < count; i++)
        if (positions[i] >= bound || (i > 0 && positions[i] <= positions[i - 1]))
            return false;
    return true;
}

int mpj_plan_done(mpj_plan *plan, const mpj_outcome *outcome)
{
    mpj_slot *slot = mpj_inflight_find(&plan->inflight, outcome->id);
    if (!slot || !slot->answered || outcome->executed > slot->batch.jobs ||
        (outcome->failed_count > 0 && !outcome->failed) ||
        !ascending_below(outcome->failed, outcome->failed_count, outcome->executed))
        return MPIJOB_EINTERNAL;
    if (reserve(plan, 1, slot->batch.span_count + 2 * outcome->failed_count + 1, outcome->failed_count) != 0)
        return MPIJOB_ENOMEM;
    if (outcome->executed > 0) {
        plan->counts.batches++;
        mpj_batchrule_sized(&plan->rule, outcome->executed, outcome->result_bytes);
    }
    return settle(plan, slot, outcome);
}

/* -- A lost worker -- */

/* Of what the worker had, the oldest unanswered batch was in its hand. */
static const mpj_slot *in_hand(const mpj_plan *plan, uint32_t worker)
{
    const mpj_slot *oldest = NULL;
    for (size_t i = 0; i < plan->inflight.count; i++) {
        const mpj_slot *slot = plan->inflight.slots[i];
        if (slot->batch.id != 0 && slot->batch.worker == worker && !slot->answered &&
            (!oldest || slot->given < oldest->given))
            oldest = slot;
    }
    return oldest;
}

static int reserve_for_lost(mpj_plan *plan, uint32_t worker)
{
    size_t parcels = 0;
    size_t pieces = 0;
    size_t failures = 0;
    for (size_t i = 0; i < plan->inflight.count; i++) {
        const mpj_slot *slot = plan->inflight.slots[i];
        if (slot->batch.id == 0 || slot->batch.worker != worker)
            continue;
        parcels++;
        pieces += slot->batch.span_count;
        failures += slot->batch.jobs;
    }
    if (plan->config.max_attempts > 1)
        pieces += failures;
    return parcels == 0 ? MPIJOB_OK : reserve(plan, parcels, pieces, failures);
}

/* The batch in hand, and every one whose results were still on the way, may have begun. */
static void settle_lost(mpj_plan *plan, mpj_slot *slot, bool begun)
{
    mpj_outcome outcome = {.id = slot->batch.id};
    if (begun)
        outcome.executed = outcome.failed_count = slot->batch.jobs;
    settle(plan, slot, &outcome);
}

static void reconsider_own(mpj_plan *plan)
{
    plan->rule.workers = plan->roster.alive;
    if (plan->roster.alive > 1 && (plan->roster.alive >= DEDICATE_FROM_WORKERS || !plan->config.own_works))
        return;
    plan->own_works = true;
    plan->rule.own_follows_jobs = !plan->config.helper;
}

int mpj_plan_worker_lost(mpj_plan *plan, uint32_t worker)
{
    if (worker == 0 || worker >= plan->config.workers)
        return MPIJOB_EINTERNAL;
    if (reserve_for_lost(plan, worker) != MPIJOB_OK)
        return MPIJOB_ENOMEM;
    const mpj_slot *hand = in_hand(plan, worker);
    for (size_t i = 0; i < plan->inflight.count; i++) {
        mpj_slot *slot = plan->inflight.slots[i];
        if (slot->batch.id != 0 && slot->batch.worker == worker)
            settle_lost(plan, slot, slot->answered || slot == hand);
    }
    mpj_roster_lost(&plan->roster, worker);
    reconsider_own(plan);
    return MPIJOB_OK;
}

void mpj_plan_message_cost(mpj_plan *plan, double seconds)
{
    mpj_batchrule_message_cost(&plan->rule, seconds);
}

/* -- Handing out, and questions -- */

int mpj_plan_release(mpj_plan *plan, mpj_release *release)
{
    return mpj_order_release(&plan->order, release);
}

int mpj_plan_abandoned(mpj_plan *plan, void **results)
{
    return mpj_order_abandoned(&plan->order, results);
}

bool mpj_plan_over(const mpj_plan *plan)
{
    return plan->counts.out == 0 && (plan->draining || (plan->exhausted && plan->pool.waiting == 0));
}

bool mpj_plan_draining(const mpj_plan *plan)
{
    return plan->draining;
}

bool mpj_plan_own_works(const mpj_plan *plan)
{
    return plan->own_works;
}

void mpj_plan_count(const mpj_plan *plan, mpj_plan_counts *counts)
{
    *counts = plan->counts;
    counts->waiting = plan->pool.waiting;
    counts->released = plan->order.released;
    counts->unread_bytes = plan->order.unread_bytes;
    counts->busy_workers = plan->roster.busy;
}

static uint64_t jobs_out(const mpj_plan *plan)
{
    uint64_t jobs = 0;
    for (size_t i = 0; i < plan->inflight.count; i++)
        jobs += plan->inflight.slots[i]->batch.jobs;
    return jobs;
}

static bool pool_adds_up(const mpj_jobpool *pool)
{
    uint64_t jobs = pool->fresh.count;
    for (size_t i = 0; i < pool->heap_count; i++)
        jobs += pool->heap[i].jobs.count;
    return jobs == pool->waiting;
}

static bool order_adds_up(const mpj_order *order, uint64_t done)
{
    uint64_t held = 0;
    uint64_t unreleased = 0;
    uint64_t bytes = 0;
    for (size_t i = 0; i < order->count; i++)
        held += order->heap[i].release.jobs.count;
    for (const mpj_parcel *parcel = order->parcels; parcel; parcel = parcel->next) {
        unreleased += parcel->unreleased;
        bytes += parcel->bytes;
    }
    return order->released + order->abandoned + unreleased == done && (held == unreleased || order->abandoned > 0) &&
           bytes == order->unread_bytes;
}

/* A worker that has nothing is in the queue of those that have nothing: else it would never get anything. */
static bool roster_adds_up(const mpj_plan *plan)
{
    const mpj_roster *roster = &plan->roster;
    uint64_t batches = 0;
    uint64_t unanswered = 0;
    uint32_t busy = 0;
    uint32_t alive = 0;
    for (uint32_t i = 0; i < roster->count; i++) {
        const mpj_worker *w = &roster->workers[i];
        batches += w->batches;
        busy += w->batches > 0;
        alive += !w->lost;
        if (i > 0 && !w->lost && w->batches == 0 && !w->queued[0])
            return false;
    }
    for (size_t i = 0; i < plan->inflight.count; i++)
        unanswered += plan->inflight.slots[i]->batch.id != 0 && !plan->inflight.slots[i]->answered;
    return batches == unanswered && busy == roster->busy && alive == roster->alive;
}

int mpj_plan_check(const mpj_plan *plan, const char **what)
{
    const mpj_plan_counts *counts = &plan->counts;
    uint64_t window = plan->config.window;
    *what = NULL;
    if (jobs_out(plan) != counts->out)
        *what = "the jobs in batches are not those that are out";
    else if (!pool_adds_up(&plan->pool))
        *what = "the lots that wait do not add up to the jobs that wait";
    else if (plan->pool.waiting + counts->out + counts->done != counts->drawn)
        *what = "drawn jobs are not all waiting, out or done";
    else if (!order_adds_up(&plan->order, counts->done))
        *what = "done jobs are not all released or held";
    else if (!roster_adds_up(plan))
        *what = "the workers' batches are not those that are out";
    else if (window != 0 && counts->drawn - plan->order.released > window)
        *what = "more jobs are drawn and unreleased than the window allows";
    else if (counts->drawn > plan->config.total)
        *what = "more jobs are drawn than there are";
    return *what == NULL;
}

const mpj_batch *mpj_plan_find(const mpj_plan *plan, uint64_t id)
{
    const mpj_slot *slot = mpj_inflight_find(&plan->inflight, id);
    return slot ? &slot->batch : NULL;
}
