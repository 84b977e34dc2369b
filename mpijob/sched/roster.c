#include "sched/roster.h"

#include "base/alloc.h"

static void enqueue(mpj_roster *roster, uint32_t worker)
{
    mpj_worker *w = &roster->workers[worker];
    if (worker == 0 || w->lost || w->batches >= MPJ_DEPTH || w->queued[w->batches])
        return;
    mpj_queue *queue = &roster->with[w->batches];
    queue->ring[(queue->first + queue->count++) % roster->count] = worker;
    w->queued[w->batches] = true;
}

static void dequeue(mpj_roster *roster, unsigned batches)
{
    mpj_queue *queue = &roster->with[batches];
    roster->workers[queue->ring[queue->first]].queued[batches] = false;
    queue->first = (queue->first + 1) % roster->count;
    queue->count--;
}

int mpj_roster_open(mpj_roster *roster, uint32_t workers)
{
    *roster = (mpj_roster){.count = workers, .alive = workers};
    roster->workers = mpj_calloc(workers, sizeof *roster->workers);
    for (unsigned i = 0; i < MPJ_DEPTH; i++)
        roster->with[i].ring = mpj_calloc(workers, sizeof(uint32_t));
    if (!roster->workers || !roster->with[0].ring || !roster->with[1].ring) {
        mpj_roster_free(roster);
        return -1;
    }
    for (uint32_t i = 1; i < workers; i++)
        enqueue(roster, i);
    return 0;
}

void mpj_roster_free(mpj_roster *roster)
{
    mpj_free(roster->workers);
    for (unsigned i = 0; i < MPJ_DEPTH; i++)
        mpj_free(roster->with[i].ring);
    *roster = (mpj_roster){0};
}

int64_t mpj_roster_first(mpj_roster *roster, unsigned batches)
{
    mpj_queue *queue = &roster->with[batches];
    while (queue->count > 0) {
        uint32_t worker = queue->ring[queue->first];
        const mpj_worker *w = &roster->workers[worker];
        if (!w->lost && w->batches == batches)
            return worker;
        dequeue(roster, batches);
    }
    return -1;
}

void mpj_roster_skip(mpj_roster *roster, unsigned batches)
{
    dequeue(roster, batches);
}

void mpj_roster_gave(mpj_roster *roster, uint32_t worker, uint64_t jobs)
{
    mpj_worker *w = &roster->workers[worker];
    if (w->batches == 0)
        roster->busy++;
    w->batches++;
    w->last_jobs = jobs;
    enqueue(roster, worker);
}

void mpj_roster_answered(mpj_roster *roster, uint32_t worker)
{
    mpj_worker *w = &roster->workers[worker];
    w->batches--;
    if (w->batches == 0)
        roster->busy--;
    enqueue(roster, worker);
}

void mpj_roster_lost(mpj_roster *roster, uint32_t worker)
{
    mpj_worker *w = &roster->workers[worker];
    if (w->lost)
        return;
    if (w->batches > 0)
        roster->busy--;
    w->batches = 0;
    w->lost = true;
    roster->alive--;
}
