/* The invariants of a plan, for tests. */
#include "sched/plan_state.h"

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
    else if (counts->asked + plan->pool.waiting + counts->out + counts->done != counts->drawn)
        *what = "drawn jobs are not all asked, waiting, out or done";
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
