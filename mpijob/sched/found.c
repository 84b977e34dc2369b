/* Jobs that are looked up first: found, or missed. */
#include "sched/plan_state.h"

#include <mpijob/error.h>

uint64_t mpj_plan_expected_misses(const mpj_plan *plan, uint64_t jobs)
{
    uint64_t found = plan->counts.found;
    uint64_t settled = plan->counts.drawn - plan->counts.asked;
    if (found == 0 || jobs == 0)
        return jobs;
    double share = (double)(settled - found) / (double)settled;
    return (uint64_t)(share * (double)jobs);
}

/* From here on the pool goes by costs. What waits already has cost 1 each, in index order: sorted that way too. */
static void begin_costs(mpj_plan *plan)
{
    plan->config.costs = true;
    plan->pool.costs = true;
}

int mpj_plan_missed(mpj_plan *plan, mpj_span jobs, double cost)
{
    if (jobs.count == 0)
        return MPIJOB_OK;
    if (jobs.count > plan->counts.asked || !(cost >= 0))
        return MPIJOB_EINTERNAL;
    if (mpj_jobpool_reserve(&plan->pool, 1) != 0)
        return MPIJOB_ENOMEM;
    if (cost != 1)
        begin_costs(plan);
    mpj_jobpool_return(&plan->pool, (mpj_lot){jobs, cost});
    plan->counts.asked -= jobs.count;
    plan->counts.cost_drawn += (double)jobs.count * cost;
    return MPIJOB_OK;
}

int mpj_plan_ask_again(mpj_plan *plan, uint64_t index)
{
    mpj_lot lot;
    if (plan->draining || plan->config.look_ahead == 0 || !mpj_jobpool_take_index(&plan->pool, index, &lot))
        return 0;
    plan->counts.asked++;
    plan->counts.cost_drawn -= lot.cost;
    return 1;
}

int mpj_plan_found(mpj_plan *plan, const mpj_span *spans, size_t count, void *results, uint64_t result_bytes)
{
    uint64_t jobs = 0;
    for (size_t i = 0; i < count; i++)
        jobs += spans[i].count;
    if (jobs > plan->counts.asked)
        return MPIJOB_EINTERNAL;
    if (mpj_order_reserve(&plan->order, 1, count) != 0)
        return MPIJOB_ENOMEM;
    mpj_parcel *parcel = mpj_order_parcel(&plan->order, results, result_bytes);
    uint64_t position = 0;
    for (size_t i = 0; i < count; i++) {
        if (spans[i].count > 0)
            mpj_order_put(&plan->order, parcel, spans[i], position, false);
        position += spans[i].count;
    }
    mpj_order_close(&plan->order, parcel);
    plan->counts.asked -= jobs;
    plan->counts.found += jobs;
    plan->counts.done += jobs;
    return jobs > 0;
}
