/* Executing a function: the job that it sees, its result as an array, and storing that. */
#include "memory/memory.h"

#include "array/own.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "data/job.h"

#include <string.h>

/* ---- Results in memory of their own ---- */

int mpj_array_own(mpijob_array *array, const mpijob_type *type, int ndim, const size_t *shape, mpijob_error *err)
{
    size_t bytes;
    if (mpj_shape_bytes(&bytes, ndim, shape, mpijob_type_size(type)) != 0)
        return mpj_fail(err, MPIJOB_EINVAL, "the array is larger than the address space");
    int status = mpj_own_begin(array, type, ndim, shape, 'C', err);
    if (status != MPIJOB_OK)
        return status;
    mpj_own *own = array->own;
    own->block = array->data = mpj_alloc(bytes);
    if (own->block)
        return MPIJOB_OK;
    mpijob_array_free(array);
    return mpj_fail_memory(err, "a result", bytes);
}

int mpj_array_for(mpijob_array *array, const mpijob_function *function, mpijob_error *err)
{
    const mpijob_type bytes = mpijob_type_of(MPIJOB_UINT8);
    const mpijob_type *type = function->result ? function->result : &bytes;
    size_t element = mpijob_type_size(type), length = element ? function->result_size / element : 0;
    if (length * element != function->result_size)
        return mpj_fail(err, MPIJOB_EINVAL, "%s: its result_size is no multiple of the size of its result's type",
                        function->name ? function->name : "function");
    if (function->result_shape)
        return mpj_array_own(array, type, function->result_ndim, function->result_shape, err);
    return mpj_array_own(array, type, length != 1, &length, err);
}

/* Of memory that is handed over; released on failure too. */
static int adopt(mpijob_array *array, const mpijob_type *type, int ndim, const size_t *shape, void *block,
                 mpijob_error *err)
{
    int status = mpj_own_begin(array, type, ndim, shape, 'C', err);
    if (status != MPIJOB_OK) {
        mpj_free(block);
        return status;
    }
    mpj_own *own = array->own;
    own->block = array->data = block;
    return MPIJOB_OK;
}

/* ---- Computing ---- */

/* The job that a called function sees. */
typedef struct called {
    mpj_job_own own; /* first */
    mpijob_job job;
    void *room; /* of a result of any size */
    size_t bytes;
} called;

static void *make_room(mpj_job_own *own, size_t bytes)
{
    called *c = (called *)own;
    void *room = mpj_realloc(c->room, bytes);
    if (!room)
        return NULL;
    c->room = room;
    c->bytes = bytes;
    return room;
}

static void prepare(called *c, const mpijob_function *function, const void *args, mpijob_job *job, const mpj_name *name)
{
    const mpj_job_own *outer = job ? job->own : NULL;
    *c = (called){.job = {.attempt = 1}};
    c->own.function = function;
    c->own.room = make_room;
    c->own.ndim = -1;
    if (job)
        c->job = *job;
    if (outer) {
        c->own.shared_digests = outer->shared_digests;
        c->own.run = outer->run;
    }
    if (name) {
        c->job.index = args ? 0 : c->job.index;
        c->job.seed = mpj_cached_seed(name);
        c->job.attempt = 1;
        if (!function->context_free)
            c->job.context = NULL;
    }
    c->job.own = &c->own;
}

static int failed(const called *c, const mpijob_function *function, int returned, mpijob_error *err)
{
    const char *name = function->name ? function->name : "function";
    if (c->own.text[0])
        mpj_fail(err, MPIJOB_EJOB, "%s: %s", name, c->own.text);
    else
        mpj_fail(err, MPIJOB_EJOB, "%s: it returned %d", name, returned);
    if (err) {
        err->rank = c->job.rank;
        err->attempt = 1;
        err->job = (int64_t)c->job.index;
    }
    return MPIJOB_EJOB;
}

/* The result of any size, as an array. */
static int take_room(called *c, const mpijob_function *function, mpijob_array *value, mpijob_error *err)
{
    const mpijob_type bytes = mpijob_type_of(MPIJOB_UINT8);
    const mpijob_type *type = function->result ? function->result : &bytes;
    size_t length = c->bytes / mpijob_type_size(type);
    void *room = c->room ? c->room : mpj_alloc(0);
    c->room = NULL;
    if (!room)
        return mpj_fail_memory(err, "a result", 0);
    return c->own.ndim >= 0 ? adopt(value, type, c->own.ndim, c->own.shape, room, err)
                            : adopt(value, type, 1, &length, room, err);
}

/* Calls the function: into memory that is there, or (any size) into *value. */
static int execute(mpj_computing *computing, const mpj_name *name, double *seconds, int *ndim, mpijob_error *err)
{
    const mpijob_function *f = computing->function;
    called c;
    prepare(&c, f, computing->args, computing->job, name);
    double began = mpj_now();
    int returned = f->call(computing->into, computing->args, &c.job);
    *seconds = mpj_now() - began;
    *ndim = c.own.ndim;
    int status = returned == 0 ? MPIJOB_OK : failed(&c, f, returned, err);
    if (status == MPIJOB_OK && f->result_size == MPIJOB_ANY_SIZE)
        status = take_room(&c, f, &computing->value, err);
    mpj_free(c.room);
    return status;
}

/* ---- Storing ---- */

static void keep(mpj_computing *computing, const mpijob_cached *cached, const mpj_made *made)
{
    mpj_job_own *own = computing->job ? computing->job->own : NULL;
    if (own && own->run && own->run->store(own->run, cached, made) == 1) {
        computing->stored = true;
        computing->hit = (mpj_hit){.name = *made->name, .bytes = made->bytes, .compute_s = made->compute_s};
        if (made->file)
            memcpy(computing->hit.file, made->file, strlen(made->file) + 1);
        return;
    }
    mpj_cached_lock(cached);
    computing->stored = mpj_cached_store(cached, made, &computing->hit) == 1;
    mpj_cached_unlock(cached);
}

static bool dump(const mpj_computing *computing, const mpijob_cached *cached, mpj_made *made,
                 char file[MPJ_LARGE_FILE_BYTES], unsigned char meta[MPJ_META_BYTES])
{
    const mpj_job_own *own = computing->job ? computing->job->own : NULL;
    if (own && own->run)
        return own->run->dump(cached, made, file, meta, &made->meta_bytes) == MPJ_DUMPED;
    return mpj_cached_dump(cached, made, file, meta, &made->meta_bytes, NULL) == MPIJOB_OK;
}

static void store(mpj_computing *computing, const mpj_name *name, double seconds, int ndim)
{
    const mpijob_cached *cached = computing->function->cached;
    const bool any = computing->function->result_size == MPIJOB_ANY_SIZE;
    unsigned char meta[MPJ_META_BYTES];
    char file[MPJ_LARGE_FILE_BYTES];
    mpj_made made = {.name = name,
                     .args = computing->args,
                     .index = computing->job ? computing->job->index : 0,
                     .result = any ? computing->value.data : computing->into,
                     .bytes = computing->function->result_size,
                     .compute_s = seconds,
                     .meta = meta};
    if (!cached->shelf)
        return;
    if (any)
        made.bytes = mpijob_array_count(&computing->value) * mpijob_type_size(&computing->value.type);
    made.meta_bytes = mpj_cached_shape_of(cached, meta, any ? ndim : -1, computing->value.shape, made.bytes);
    if (made.bytes >= mpj_cached_large_bytes(cached)) {
        if (!dump(computing, cached, &made, file, meta))
            return;
        made.file = file;
    }
    keep(computing, cached, &made);
}

int mpj_compute(mpj_computing *computing, const mpj_name *name, mpijob_error *err)
{
    const mpijob_cached *cached = computing->function->cached;
    double seconds;
    int ndim;
    uint64_t index = computing->job ? computing->job->index : 0;
    if (cached)
        mpj_say_computing(cached, name, computing->args, index);
    int status = execute(computing, name, &seconds, &ndim, err);
    if (status != MPIJOB_OK || !cached)
        return status;
    mpj_say_computed(cached, name, seconds);
    mpj_cached_computed(cached, seconds);
    store(computing, name, seconds, ndim);
    return MPIJOB_OK;
}
