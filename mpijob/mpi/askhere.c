#include "mpi/askhere.h"

#include "base/alloc.h"
#include "mpi/memo.h"

#include <string.h>

typedef struct question {
    mpj_awaited awaited; /* first */
    const mpijob_cached *cached;
    mpj_name name;
    bool quiet, found;
    mpj_hit hit;
    unsigned char *payload; /* a copy */
} question;

static void release(question *q)
{
    mpj_free(q->payload);
    mpj_free(q);
}

static void drop(mpj_errand *errand)
{
    release((question *)errand);
}

/* ---- The store thread; without memory for the payload it is not there ---- */

static void keep_payload(question *q)
{
    if (q->hit.large)
        q->hit.payload_bytes = 0; /* its file says it all */
    if (q->hit.payload_bytes == 0)
        return;
    q->payload = mpj_alloc(q->hit.payload_bytes);
    q->found = q->payload != NULL;
    if (q->found)
        memcpy(q->payload, q->hit.payload, q->hit.payload_bytes);
}

static void look_up(mpj_errand *errand)
{
    question *q = (question *)errand;
    mpj_cached_lock(q->cached);
    q->found = mpj_cached_find(q->cached, &q->name, &q->hit, q->quiet) == 1 ||
               (mpj_cached_refresh(q->cached) && mpj_cached_find(q->cached, &q->name, &q->hit, q->quiet) == 1);
    if (q->found)
        keep_payload(q);
    mpj_cached_unlock(q->cached);
    if (mpj_awaited_is_left(&q->awaited))
        release(q);
}

/* ---- The job's thread ---- */

static void take_answer(mpj_askhere *here, question *q, mpj_hit *hit)
{
    *hit = q->hit;
    mpj_free(here->payload);
    here->payload = q->payload;
    hit->payload = here->payload;
    q->payload = NULL;
}

int mpj_ask_here(mpj_askhere *here, const mpijob_cached *cached, const mpj_name *name, bool quiet, double patience_s,
                 mpj_hit *hit)
{
    uint64_t ticket;
    if (here->clerk && !mpj_clerk_has_done(here->clerk, here->ticket))
        return 0;
    here->clerk = NULL;
    mpj_clerk *clerk = mpj_memo_clerk(cached);
    question *q = clerk ? mpj_calloc(1, sizeof *q) : NULL;
    if (!q)
        return -1;
    q->awaited.errand = (mpj_errand){.run = look_up, .drop = drop, .bytes = sizeof *q};
    q->cached = cached;
    q->name = *name;
    q->quiet = quiet;
    int given = mpj_clerk_do(clerk, &q->awaited, patience_s, &ticket);
    if (given == 0) {
        here->clerk = clerk;
        here->ticket = ticket;
        return 0;
    }
    int found = given < 0 ? -1 : q->found;
    if (found == 1)
        take_answer(here, q, hit);
    release(q);
    return found;
}

void mpj_askhere_free(mpj_askhere *here)
{
    mpj_free(here->payload);
    *here = (mpj_askhere){.clerk = NULL};
}
