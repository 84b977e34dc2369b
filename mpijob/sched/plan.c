#include "sched/plan.h"

#include "base/alloc.h"
#include "sched/plan_state.h"

#include <math.h>
#include <mpijob/error.h>

#define NO_BUDGET INFINITY

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

static void count_drawn(mpj_plan *plan, uint64_t count)
{
    plan->counts.drawn += count;
    if (plan->config.total != MPJ_UNKNOWN && plan->counts.drawn >= plan->config.total)
        plan->exhausted = true;
}

int mpj_plan_asked(mpj_plan *plan, uint64_t count)
{
    if (count == 0)
        return MPIJOB_OK;
    if (plan->exhausted || plan->config.look_ahead == 0 || count > may_draw(plan))
        return MPIJOB_EINTERNAL;
    plan->counts.asked += count;
    count_drawn(plan, count);
    return MPIJOB_OK;
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
    for (uint64_t i = 0; plan->config.costs && i < count; i++)
        plan->counts.cost_drawn += costs[i];
    if (!plan->config.costs)
        plan->counts.cost_drawn += (double)count;
    count_drawn(plan, count);
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
    return plan->pool.waiting + mpj_plan_expected_misses(plan, undrawn + plan->counts.asked);
}

static uint64_t window_now(const mpj_plan *plan)
{
    if (plan->config.window != 0)
        return plan->config.window;
    uint64_t batch = mpj_batchrule_jobs(&plan->rule, MPJ_UNKNOWN / 4, MPJ_UNKNOWN, false);
    uint64_t each = (uint64_t)MPJ_DEPTH * plan->roster.alive;
    uint64_t window = batch < MPJ_UNKNOWN / each ? each * batch : MPJ_UNKNOWN;
    return window > plan->config.look_ahead ? window : plan->config.look_ahead;
}

bool mpj_plan_has_room(const mpj_plan *plan)
{
    return plan->config.unread_bytes == 0 || plan->order.unread_bytes <= plan->config.unread_bytes;
}

/* How many jobs may be asked now: results that are found wait in memory for those before them, too. */
static uint64_t room_to_ask(const mpj_plan *plan)
{
    uint64_t ahead = plan->counts.asked + plan->pool.waiting;
    if (plan->config.look_ahead == 0)
        return MPJ_UNKNOWN;
    if (ahead >= plan->config.look_ahead || !mpj_plan_has_room(plan))
        return 0;
    return plan->config.look_ahead - ahead;
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
    if (wanted > room_to_ask(plan))
        wanted = room_to_ask(plan);
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
    if (plan->exhausted && plan->counts.asked == 0)
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
    if (!mpj_plan_has_room(plan)) {
        if (!plan->config.ordered || !mpj_jobpool_take_index(&plan->pool, plan->order.next, lots))
            return 0;
        return give_lots(plan, worker, lots, 1, batch);
    }
    uint64_t jobs =
        mpj_batchrule_jobs(&plan->rule, plan->roster.workers[worker].last_jobs, waiting_then(plan, worker), own);
    size_t count =
        mpj_jobpool_take(&plan->pool, bound_by_window(plan, jobs), cost_budget(plan, own), lots, MPJ_BATCH_SPANS);
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
    return plan->counts.out == 0 &&
           (plan->draining || (plan->exhausted && plan->pool.waiting == 0 && plan->counts.asked == 0));
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
    /* Beside a very large cost, which was asked again, small ones may have got lost. */
    counts->cost_drawn = fmax(counts->cost_drawn, counts->cost_done);
    counts->waiting = plan->pool.waiting;
    counts->released = plan->order.released;
    counts->unread_bytes = plan->order.unread_bytes;
    counts->busy_workers = plan->roster.busy;
}

const mpj_batch *mpj_plan_find(const mpj_plan *plan, uint64_t id)
{
    const mpj_slot *slot = mpj_inflight_find(&plan->inflight, id);
    return slot ? &slot->batch : NULL;
}
