/* What comes back to a plan: answers, finished batches, and the loss of a worker with all that it had. */
#include "sched/plan_state.h"

#include <mpijob/error.h>

#define LONG_JOB_S 10e-3        /* from here on a deaf scheduler hurts ... */
#define DEDICATE_FROM_WORKERS 8 /* ... and giving up one of so many workers costs less */

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
