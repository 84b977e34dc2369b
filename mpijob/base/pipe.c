/* The ordered pipeline of pool.h. */
#include "base/alloc.h"
#include "base/error.h"
#include "base/pool.h"
#include "base/threads.h"

/* Item i uses slot i % slots, and may begin once item i - slots is released: so that a slot's content is never made
 * while it is in use, and `made` says of which item it is. */
struct mpj_pipe {
    pthread_mutex_t lock;
    pthread_cond_t room;  /* an item may begin, or all is over */
    pthread_cond_t ready; /* an item is made: the caller alone waits for it */
    uint64_t count;
    uint64_t begun;
    uint64_t taken;
    uint64_t released;
    uint64_t failed; /* the lowest item that did; count: none */
    int status;
    int stop;
    mpijob_error err;
    mpj_pipe_fn *make;
    void *payload;
    mpj_crew crew;
    size_t slots;
    unsigned char made[];
};

static int may_begin(const mpj_pipe *pipe)
{
    return !pipe->stop && pipe->begun < pipe->count && pipe->begun - pipe->released < pipe->slots;
}

/* With the lock held; gives it up while making. */
static void make_once(mpj_pipe *pipe)
{
    uint64_t item = pipe->begun++;
    size_t slot = (size_t)(item % pipe->slots);
    pthread_mutex_unlock(&pipe->lock);
    mpijob_error err = {0};
    int status = pipe->make(item, slot, pipe->payload, &err);
    pthread_mutex_lock(&pipe->lock);
    pipe->made[slot] = 1;
    if (status == MPIJOB_OK)
        return;
    pipe->stop = 1;
    if (item < pipe->failed) {
        pipe->failed = item;
        pipe->status = status;
        pipe->err = err;
    }
}

static void *help(void *payload)
{
    mpj_pipe *pipe = payload;
    pthread_mutex_lock(&pipe->lock);
    while (!pipe->stop && pipe->begun < pipe->count) {
        if (may_begin(pipe)) {
            make_once(pipe);
            pthread_cond_signal(&pipe->ready);
        } else {
            pthread_cond_wait(&pipe->room, &pipe->lock);
        }
    }
    pthread_cond_broadcast(&pipe->room);
    pthread_mutex_unlock(&pipe->lock);
    return NULL;
}

static int helpers(uint64_t count, int threads, size_t slots)
{
    uint64_t most = threads > 1 ? (uint64_t)threads - 1 : 0;
    if (most > slots)
        most = slots;
    if (most > count)
        most = count;
    return most < MPJ_MAX_THREADS ? (int)most : MPJ_MAX_THREADS - 1;
}

int mpj_pipe_open(mpj_pipe **out, uint64_t count, int threads, size_t slots, mpj_pipe_fn *make, void *payload,
                  mpijob_error *err)
{
    if (slots == 0)
        slots = 1;
    if (slots > count)
        slots = count ? (size_t)count : 1;
    mpj_pipe *pipe = slots < SIZE_MAX - sizeof *pipe ? mpj_calloc(1, sizeof *pipe + slots) : NULL;
    *out = pipe;
    if (!pipe)
        return mpj_fail_memory(err, "a pipeline's places", slots);
    pipe->count = pipe->failed = count;
    pipe->slots = slots;
    pipe->make = make;
    pipe->payload = payload;
    pthread_mutex_init(&pipe->lock, NULL);
    pthread_cond_init(&pipe->room, NULL);
    pthread_cond_init(&pipe->ready, NULL);
    mpj_crew_start(&pipe->crew, helpers(count, threads, slots), help, pipe);
    return MPIJOB_OK;
}

/* With the lock held: until the next item is made. Items below a failed one have all begun, so the loop ends. */
static void wait_for_next(mpj_pipe *pipe, size_t slot)
{
    while (!pipe->made[slot]) {
        if (may_begin(pipe))
            make_once(pipe);
        else
            pthread_cond_wait(&pipe->ready, &pipe->lock);
    }
}

int mpj_pipe_next(mpj_pipe *pipe, size_t *slot, mpijob_error *err)
{
    if (pipe->taken == pipe->count || pipe->taken - pipe->released == pipe->slots)
        return mpj_fail(err, MPIJOB_EINTERNAL, "a pipeline was asked for an item too many");
    *slot = (size_t)(pipe->taken % pipe->slots);
    pthread_mutex_lock(&pipe->lock);
    if (pipe->taken < pipe->failed)
        wait_for_next(pipe, *slot);
    int status = pipe->taken < pipe->failed ? MPIJOB_OK : pipe->status;
    if (status == MPIJOB_OK)
        pipe->taken++;
    else if (err)
        *err = pipe->err;
    pthread_mutex_unlock(&pipe->lock);
    return status;
}

void mpj_pipe_release(mpj_pipe *pipe, size_t slot)
{
    pthread_mutex_lock(&pipe->lock);
    pipe->made[slot] = 0;
    pipe->released++;
    pthread_cond_signal(&pipe->room);
    pthread_mutex_unlock(&pipe->lock);
}

void mpj_pipe_close(mpj_pipe *pipe)
{
    if (!pipe)
        return;
    pthread_mutex_lock(&pipe->lock);
    pipe->stop = 1;
    pthread_cond_broadcast(&pipe->room);
    pthread_mutex_unlock(&pipe->lock);
    mpj_crew_join(&pipe->crew);
    pthread_cond_destroy(&pipe->ready);
    pthread_cond_destroy(&pipe->room);
    pthread_mutex_destroy(&pipe->lock);
    mpj_free(pipe);
}

static int take_all(mpj_pipe *pipe, uint64_t count, mpj_pipe_fn *take, void *payload, mpijob_error *err)
{
    int status = MPIJOB_OK;
    for (uint64_t item = 0; item < count && status == MPIJOB_OK; item++) {
        size_t slot = 0; /* as compilers cannot see that success sets it */
        status = mpj_pipe_next(pipe, &slot, err);
        if (status != MPIJOB_OK)
            break;
        status = take(item, slot, payload, err);
        mpj_pipe_release(pipe, slot);
    }
    return status;
}

int mpj_pipe_run(uint64_t count, int threads, size_t slots, mpj_pipe_fn *make, mpj_pipe_fn *take, void *payload,
                 mpijob_error *err)
{
    mpj_pipe *pipe;
    int status = mpj_pipe_open(&pipe, count, threads, slots, make, payload, err);
    if (status != MPIJOB_OK)
        return status;
    status = take_all(pipe, count, take, payload, err);
    mpj_pipe_close(pipe);
    return status;
}
