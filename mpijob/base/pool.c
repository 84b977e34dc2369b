#include "base/pool.h"

#include "base/error.h"
#include "base/threads.h"

typedef struct pool {
    pthread_mutex_t lock;
    pthread_cond_t finished; /* an item is, and the caller has none of its own: nobody else waits for it */
    uint64_t count;
    uint64_t begun;
    uint64_t done;
    uint64_t failed; /* the lowest item that did; count: none */
    int status;
    mpijob_error err;
    int stop;
    int workers; /* that have a number */
    mpj_pool_fn *work;
    mpj_pool_tick_fn *tick;
    void *payload;
} pool;

/* With the lock held. Items that began before a failure may fail too, with a lower number. */
static void note_failure(pool *p, uint64_t item, int status, const mpijob_error *err)
{
    p->stop = 1;
    if (item >= p->failed)
        return;
    p->failed = item;
    p->status = status;
    p->err = *err;
}

/* With the lock held; gives it up while working. 0: there is nothing left to begin. */
static int work_once(pool *p, int worker)
{
    if (p->stop || p->begun == p->count)
        return 0;
    uint64_t item = p->begun++;
    pthread_mutex_unlock(&p->lock);
    mpijob_error err = {0};
    int status = p->work(item, worker, p->payload, &err);
    pthread_mutex_lock(&p->lock);
    p->done++;
    if (status != MPIJOB_OK)
        note_failure(p, item, status, &err);
    return 1;
}

static void *help(void *payload)
{
    pool *p = payload;
    pthread_mutex_lock(&p->lock);
    int worker = ++p->workers;
    while (work_once(p, worker))
        pthread_cond_signal(&p->finished);
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

/* With the lock held; gives it up meanwhile: the tick is the caller's, and may take its time. */
static int tick(pool *p, uint64_t done)
{
    if (!p->tick)
        return 0;
    pthread_mutex_unlock(&p->lock);
    int stop = p->tick(done, p->count, p->payload);
    pthread_mutex_lock(&p->lock);
    if (stop)
        p->stop = 1;
    return stop;
}

/* The caller's own part. Returns whether its tick asked for an end. */
static int lead(pool *p)
{
    int canceled = 0;
    uint64_t told = UINT64_MAX;
    pthread_mutex_lock(&p->lock);
    while (!canceled && work_once(p, 0)) {
        told = p->done;
        canceled = tick(p, told);
    }
    while (p->done < p->begun) {
        pthread_cond_wait(&p->finished, &p->lock);
        if (canceled || p->done == told || p->failed < p->count)
            continue;
        told = p->done;
        canceled = tick(p, told);
    }
    if (!canceled && p->failed == p->count && told != p->done)
        canceled = tick(p, p->done);
    pthread_mutex_unlock(&p->lock);
    return canceled;
}

static int helpers(uint64_t count, int threads)
{
    uint64_t useful = count > 0 ? count - 1 : 0;
    int most = threads > 1 ? threads - 1 : 0;
    return useful < (uint64_t)most ? (int)useful : most;
}

int mpj_pool_run(uint64_t count, int threads, mpj_pool_fn *work, mpj_pool_tick_fn *tick_fn, void *payload,
                 mpijob_error *err)
{
    pool p = {.count = count, .failed = count, .work = work, .tick = tick_fn, .payload = payload};
    pthread_mutex_init(&p.lock, NULL);
    pthread_cond_init(&p.finished, NULL);
    mpj_crew crew;
    mpj_crew_start(&crew, helpers(count, threads), help, &p);
    int canceled = lead(&p);
    mpj_crew_join(&crew);
    pthread_cond_destroy(&p.finished);
    pthread_mutex_destroy(&p.lock);
    if (p.failed < count) {
        if (err)
            *err = p.err;
        return p.status;
    }
    return canceled ? mpj_fail(err, MPIJOB_ECANCELED, "stopped after %llu of %llu parts", (unsigned long long)p.done,
                               (unsigned long long)count)
                    : MPIJOB_OK;
}
