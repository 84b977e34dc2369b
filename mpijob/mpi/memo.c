#include "mpi/memo.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "memory/memory.h"

#define TICK_S 0.01
#define FOR_EVER_S 1e8
#define STILL_S 1.5  /* after the last errand everything is written and forced to the server */
#define EARLY_S 0.03 /* what waited for the store thread is that old already */

bool mpj_memo_keeps(const mpijob_function *function)
{
    return function->cached && mpj_cached_keeps(function->cached);
}

uint64_t mpj_memo_digest(const mpijob_function *function)
{
    return function->cached ? mpj_cached_signature(function->cached)->version | 1 : 0;
}

bool mpj_memo_is_flat(const mpijob_function *function)
{
    if (!function->cached)
        return true;
    const mpj_signature *signature = mpj_cached_signature(function->cached);
    return !signature->args || signature->stream_bytes != SIZE_MAX;
}

const mpj_signature *mpj_memo_signature(const mpijob_cached *cached)
{
    return mpj_cached_signature(cached);
}

size_t mpj_memo_large_bytes(const mpijob_cached *cached)
{
    return mpj_cached_large_bytes(cached);
}

/* -- The threads of a location -- */

typedef struct threads {
    mpj_clerk *store, *files;
} threads;

/* For making them: by a job's thread, or by the watchdog that serves other ranks meanwhile. */
static pthread_mutex_t making = PTHREAD_MUTEX_INITIALIZER;

/* What is dumped late is stored then. */
static void close_threads(void *kept)
{
    threads *t = kept;
    if (!t)
        return;
    mpj_clerk_close(t->files);
    mpj_clerk_close(t->store);
    mpj_free(t);
}

static void finish_threads(void *kept)
{
    const threads *t = kept;
    if (t && t->files)
        mpj_clerk_wait(t->files, FOR_EVER_S);
    if (t && t->store)
        mpj_clerk_wait(t->store, FOR_EVER_S);
}

static threads *threads_of(mpijob_memory *memory)
{
    void **kept = mpj_memory_runs(memory, close_threads, finish_threads);
    if (!*kept)
        *kept = mpj_calloc(1, sizeof(threads));
    return *kept;
}

static void tick(void *payload)
{
    mpijob_memory *memory = payload;
    pthread_mutex_lock(&memory->lock);
    mpj_store_tick(memory->store, mpj_now() + EARLY_S);
    pthread_mutex_unlock(&memory->lock);
}

mpj_clerk *mpj_memo_clerk(const mpijob_cached *cached)
{
    return mpj_memo_clerk_of(mpj_cached_memory(cached));
}

mpj_clerk *mpj_memo_clerk_of(mpijob_memory *memory)
{
    pthread_mutex_lock(&making);
    threads *t = threads_of(memory);
    if (t && !t->store)
        t->store = mpj_clerk_open(tick, TICK_S, STILL_S, memory);
    mpj_clerk *clerk = t ? t->store : NULL;
    pthread_mutex_unlock(&making);
    return clerk;
}

mpj_clerk *mpj_memo_filer(const mpijob_cached *cached)
{
    pthread_mutex_lock(&making);
    threads *t = threads_of(mpj_cached_memory(cached));
    if (t && !t->files)
        t->files = mpj_clerk_open(NULL, 0, 0, NULL);
    mpj_clerk *clerk = t ? t->files : NULL;
    pthread_mutex_unlock(&making);
    return clerk;
}

void mpj_memo_lock(const mpijob_cached *cached)
{
    mpj_cached_lock(cached);
}

void mpj_memo_unlock(const mpijob_cached *cached)
{
    mpj_cached_unlock(cached);
}

/* -- Looking up -- */

void mpj_memo_touch(const mpijob_cached *cached, const mpj_name *name)
{
    if (cached->shelf)
        mpj_shelf_touch(cached->shelf, &name->key);
}

void mpj_memo_expect(const mpijob_cached *cached, const mpj_name *name)
{
    if (cached->shelf)
        mpj_shelf_expect(cached->shelf, name);
}

bool mpj_memo_read_ahead(const mpijob_cached *cached)
{
    return cached->shelf && mpj_shelf_read_ahead(cached->shelf);
}

void mpj_memo_expect_nothing(const mpijob_cached *cached)
{
    if (cached->shelf)
        mpj_shelf_expect_nothing(cached->shelf);
}

static void *extend(mpj_memo_bytes *bytes, size_t more)
{
    size_t before = (bytes->used + 15) & ~(size_t)15;
    if (more > SIZE_MAX / 4 || mpj_grow((void **)&bytes->data, &bytes->capacity, before + more + 1, 1) != 0)
        return NULL; /* one more: no bytes have a place, too */
    bytes->used = before + more;
    return bytes->data + before;
}

static int read_hit(const mpijob_cached *cached, const mpj_hit *hit, mpj_memo_bytes *bytes)
{
    mpijob_error err;
    size_t before = bytes->used;
    void *to = extend(bytes, hit->bytes);
    if (!to)
        return 0;
    if (hit->large)
        mpj_cached_unlock(cached);
    int status = mpj_cached_read(cached, hit, to, bytes->beats, &err);
    if (hit->large)
        mpj_cached_lock(cached);
    if (status == MPIJOB_OK)
        return 1;
    bytes->used = before;
    mpj_cached_lost(cached, hit, &err);
    return 0;
}

int mpj_memo_find(const mpijob_cached *cached, const mpj_name *name, bool shelve, mpj_memo_bytes *bytes,
                  double *seconds)
{
    mpj_hit hit;
    bool found = mpj_cached_find(cached, name, &hit, false) == 1;
    *seconds = found ? hit.compute_s : hit.has_others ? mpj_cached_recorded(cached, name) : -1;
    if (!found)
        return 0;
    if (!shelve)
        return read_hit(cached, &hit, bytes);
    mpijob_reference *reference = extend(bytes, sizeof *reference);
    if (reference)
        mpj_cached_refer(cached, &hit, reference);
    return reference != NULL;
}

bool mpj_memo_refresh(const mpijob_cached *cached)
{
    return mpj_cached_refresh(cached);
}

void mpj_memo_listen(const mpijob_cached *cached, mpj_news *news)
{
    if (cached->shelf)
        mpj_shelf_listen(cached->shelf, news);
}

void mpj_memo_stop_listening(const mpijob_cached *cached, mpj_news *news)
{
    if (cached->shelf)
        mpj_shelf_stop_listening(cached->shelf, news);
}

/* -- Storing -- */

/* Its own rank could give it no file. Without the lock meanwhile: others may look up. */
static bool dump_here(const mpijob_cached *cached, mpj_made *made, char file[MPJ_LARGE_FILE_BYTES],
                      unsigned char meta[MPJ_META_BYTES])
{
    mpj_cached_unlock(cached);
    int status = mpj_cached_dump(cached, made, file, meta, &made->meta_bytes, NULL);
    mpj_cached_lock(cached);
    made->file = file;
    made->meta = meta;
    made->result = NULL;
    return status == MPIJOB_OK;
}

void mpj_memo_computed(const mpijob_cached *cached, double seconds)
{
    mpj_cached_computed(cached, seconds);
}

void mpj_memo_store(const mpijob_cached *cached, const mpj_stored *result, const mpj_moment *at)
{
    char file[MPJ_LARGE_FILE_BYTES];
    unsigned char meta[MPJ_META_BYTES];
    mpj_made made = {.name = result->name,
                     .args = result->args,
                     .index = result->index,
                     .result = result->result ? result->result : "",
                     .bytes = result->bytes,
                     .meta = result->meta,
                     .meta_bytes = result->meta_bytes,
                     .file = result->file,
                     .compute_s = result->seconds,
                     .at = at};
    mpj_cached_computed(cached, result->seconds);
    if (!made.file && made.bytes >= mpj_cached_large_bytes(cached) && !dump_here(cached, &made, file, meta))
        return;
    mpj_cached_store(cached, &made, NULL);
}

typedef struct flush_errand {
    mpj_errand errand; /* first */
    mpijob_memory *memory;
} flush_errand;

static void flush(mpj_errand *errand)
{
    mpijob_memory *memory = ((flush_errand *)errand)->memory;
    pthread_mutex_lock(&memory->lock);
    mpj_store_flush(memory->store, false, NULL);
    pthread_mutex_unlock(&memory->lock);
    mpj_free(errand);
}

static void drop_flush(mpj_errand *errand)
{
    mpj_free(errand);
}

void mpj_memo_finish(mpijob_memory *memory, double seconds)
{
    mpj_clerk *clerk = mpj_memo_clerk_of(memory);
    flush_errand *last = clerk ? mpj_alloc(sizeof *last) : NULL;
    if (!last)
        return;
    *last = (flush_errand){{.run = flush, .drop = drop_flush}, memory};
    if (mpj_clerk_give(clerk, &last->errand, true) != 0)
        mpj_free(last);
    mpj_clerk_wait(clerk, seconds);
}
