#include "sched/jobpool.h"

#include "base/alloc.h"

#include <mpijob/error.h>

void mpj_jobpool_free(mpj_jobpool *pool)
{
    mpj_free(pool->heap);
    pool->heap = NULL;
}

static bool goes_before(const mpj_jobpool *pool, const mpj_lot *a, const mpj_lot *b)
{
    if (pool->costs && a->cost != b->cost)
        return a->cost > b->cost;
    return a->jobs.first < b->jobs.first;
}

static void sift_up(mpj_jobpool *pool, size_t at)
{
    mpj_lot moving = pool->heap[at];
    for (; at > 0 && goes_before(pool, &moving, &pool->heap[(at - 1) / 2]); at = (at - 1) / 2)
        pool->heap[at] = pool->heap[(at - 1) / 2];
    pool->heap[at] = moving;
}

static void sift_down(mpj_jobpool *pool, size_t at)
{
    mpj_lot moving = pool->heap[at];
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= pool->heap_count)
            break;
        if (child + 1 < pool->heap_count && goes_before(pool, &pool->heap[child + 1], &pool->heap[child]))
            child++;
        if (!goes_before(pool, &pool->heap[child], &moving))
            break;
        pool->heap[at] = pool->heap[child];
        at = child;
    }
    pool->heap[at] = moving;
}

static void push(mpj_jobpool *pool, mpj_lot lot)
{
    pool->absent = 0;
    pool->heap[pool->heap_count++] = lot;
    sift_up(pool, pool->heap_count - 1);
}

static void remove_at(mpj_jobpool *pool, size_t at)
{
    mpj_lot last = pool->heap[--pool->heap_count];
    if (at == pool->heap_count)
        return;
    pool->heap[at] = last;
    sift_down(pool, at);
    sift_up(pool, at);
}

static void account(mpj_jobpool *pool, const mpj_lot *lot, double sign)
{
    if (sign > 0)
        pool->waiting += lot->jobs.count;
    else
        pool->waiting -= lot->jobs.count;
    pool->waiting_cost += sign * (double)lot->jobs.count * lot->cost;
    if (pool->waiting == 0)
        pool->waiting_cost = 0;
}

int mpj_jobpool_reserve(mpj_jobpool *pool, size_t lots)
{
    if (mpj_grow((void **)&pool->heap, &pool->heap_capacity, pool->heap_count + lots, sizeof *pool->heap) != 0)
        return MPIJOB_ENOMEM;
    return MPIJOB_OK;
}

void mpj_jobpool_return(mpj_jobpool *pool, mpj_lot lot)
{
    push(pool, lot);
    account(pool, &lot, 1);
}

int mpj_jobpool_add(mpj_jobpool *pool, uint64_t first, uint64_t count, const double *costs)
{
    if (!pool->costs) {
        if (pool->fresh.count == 0)
            pool->fresh.first = first;
        pool->fresh.count += count;
        mpj_lot added = {{first, count}, 1};
        account(pool, &added, 1);
        return MPIJOB_OK;
    }
    if (mpj_jobpool_reserve(pool, count) != 0)
        return MPIJOB_ENOMEM;
    for (uint64_t i = 0; i < count; i++)
        mpj_jobpool_return(pool, (mpj_lot){{first + i, 1}, costs[i]});
    return MPIJOB_OK;
}

static mpj_lot take_fresh(mpj_jobpool *pool, uint64_t jobs)
{
    mpj_lot lot = {{pool->fresh.first, jobs < pool->fresh.count ? jobs : pool->fresh.count}, 1};
    pool->fresh.first += lot.jobs.count;
    pool->fresh.count -= lot.jobs.count;
    return lot;
}

/* Up to `jobs` jobs of the lot on top; what is left of it stays there, for a later index never goes before an earlier
 * one of the same lot. */
static mpj_lot take_top(mpj_jobpool *pool, uint64_t jobs)
{
    mpj_lot lot = pool->heap[0];
    if (lot.jobs.count <= jobs) {
        remove_at(pool, 0);
        return lot;
    }
    pool->heap[0].jobs.first += jobs;
    pool->heap[0].jobs.count -= jobs;
    lot.jobs.count = jobs;
    return lot;
}

static bool continues(const mpj_lot *before, const mpj_lot *next)
{
    return before->jobs.first + before->jobs.count == next->jobs.first && before->cost == next->cost;
}

size_t mpj_jobpool_take(mpj_jobpool *pool, uint64_t jobs, double cost, mpj_lot *out, size_t lots)
{
    size_t n = 0;
    double sum = 0;
    while (jobs > 0 && (pool->heap_count > 0 || pool->fresh.count > 0)) {
        bool returned = pool->heap_count > 0;
        double each = returned ? pool->heap[0].cost : 1;
        uint64_t fit = jobs;
        if (pool->costs && each > 0 && (double)fit * each > cost - sum)
            fit = cost > sum ? (uint64_t)((cost - sum) / each) : 0;
        if (fit == 0) {
            if (n > 0)
                break;
            fit = 1;
        }
        if (n == lots && !(returned && continues(&out[n - 1], &pool->heap[0])))
            break;
        mpj_lot lot = returned ? take_top(pool, fit) : take_fresh(pool, fit);
        account(pool, &lot, -1);
        sum += (double)lot.jobs.count * lot.cost;
        jobs -= lot.jobs.count;
        if (n > 0 && continues(&out[n - 1], &lot))
            out[n - 1].jobs.count += lot.jobs.count;
        else
            out[n++] = lot;
    }
    return n;
}

static int take_from_heap(mpj_jobpool *pool, uint64_t index, mpj_lot *out)
{
    if (pool->absent == index + 1)
        return 0;
    for (size_t i = 0; i < pool->heap_count; i++) {
        mpj_lot lot = pool->heap[i];
        if (index - lot.jobs.first >= lot.jobs.count)
            continue;
        mpj_lot behind = {{index + 1, lot.jobs.first + lot.jobs.count - index - 1}, lot.cost};
        if (behind.jobs.count && mpj_jobpool_reserve(pool, 1) != 0)
            return 0;
        pool->heap[i].jobs.count = index - lot.jobs.first;
        if (pool->heap[i].jobs.count == 0)
            remove_at(pool, i);
        if (behind.jobs.count)
            push(pool, behind);
        *out = (mpj_lot){{index, 1}, lot.cost};
        return 1;
    }
    pool->absent = index + 1;
    return 0;
}

int mpj_jobpool_take_index(mpj_jobpool *pool, uint64_t index, mpj_lot *out)
{
    int found = take_from_heap(pool, index, out);
    if (!found && pool->fresh.count > 0 && pool->fresh.first == index) {
        *out = take_fresh(pool, 1);
        found = 1;
    }
    if (found)
        account(pool, out, -1);
    return found;
}
