#include "mpi/execute.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "memory/cached.h"
#include "mpi/filing.h"
#include "mpi/wire.h"

#include <stdio.h>
#include <string.h>

static size_t padded(size_t bytes)
{
    return (bytes + MPJ_RESULT_ALIGN - 1) & ~(size_t)(MPJ_RESULT_ALIGN - 1);
}

static void *make_room(mpj_job_own *own, size_t bytes)
{
    mpj_executor *executor = (mpj_executor *)own;
    mpj_arena *arena = &executor->work->arena;
    if (bytes > SIZE_MAX / 2 - arena->used)
        return NULL;
    /* The very first result gets just its own size: a large one usually is alone in its batch. */
    size_t need = arena->used + padded(bytes);
    if (!arena->data || need > arena->capacity) {
        size_t wanted = arena->used ? need + need / 2 : need;
        unsigned char *grown = mpj_realloc(arena->data, wanted);
        if (!grown)
            return NULL;
        arena->data = grown;
        arena->capacity = wanted;
    }
    arena->current = bytes;
    return arena->data + arena->used;
}

void mpj_executor_open(mpj_executor *executor, const mpijob_function *function, const mpijob_parallel_options *options,
                       int rank)
{
    memset(executor, 0, sizeof *executor);
    executor->own = (mpj_job_own){.function = function, .room = make_room, .ndim = -1};
    executor->function = function;
    executor->stop_on_failure = options->on_error == MPIJOB_STOP;
    executor->job = (mpijob_job){.seed = options->seed,
                                 .rank = rank,
                                 .attempt = 1,
                                 .shared = options->shared,
                                 .shared_count = options->shared_count,
                                 .context = options->context,
                                 .own = executor};
    mpj_host_name(executor->host);
}

void mpj_executor_keys(mpj_executor *executor, const mpijob_digest *shared_digests, bool kept, bool shelve)
{
    const mpijob_cached *cached = executor->function->cached;
    executor->own.shared_digests = shared_digests;
    executor->cached = cached;
    executor->files = cached && kept && mpj_cached_keeps(cached);
    executor->shelve = shelve;
}

int mpj_work_begin(mpj_executor *executor, mpj_work *work)
{
    work->executed = 0;
    work->span = 0;
    work->offset = 0;
    work->ended = work->jobs == 0;
    work->busy_s = 0;
    work->arena.used = 0;
    work->arena.current = 0;
    work->failures.bytes = 0;
    work->failures.count = 0;
    work->entries.bytes = 0;
    work->shelved = 0;
    if (executor->cached &&
        mpj_grow((void **)&work->seconds, &work->seconds_capacity, work->jobs, sizeof *work->seconds) != 0)
        return MPIJOB_ENOMEM;
    if (executor->function->result_size != MPIJOB_ANY_SIZE)
        return MPIJOB_OK;
    if (mpj_grow((void **)&work->sizes, &work->sizes_capacity, work->jobs, sizeof *work->sizes) != 0)
        return MPIJOB_ENOMEM;
    return MPIJOB_OK;
}

void mpj_work_free(mpj_work *work)
{
    mpj_free(work->arena.data);
    mpj_free(work->sizes);
    mpj_free(work->failures.data);
    mpj_free(work->seconds);
    mpj_free(work->entries.data);
    work->entries = (mpj_entries){0};
    work->seconds = NULL;
    work->seconds_capacity = 0;
    work->arena = (mpj_arena){0};
    work->failures = (mpj_failures){0};
    work->sizes = NULL;
    work->sizes_capacity = 0;
}

/* Keeps a failure: its text as the job gave it. */
static int add_failure(mpj_executor *executor, mpj_work *work, int returned)
{
    char text[sizeof executor->own.text];
    if (executor->own.text[0] && executor->own.text_index == executor->job.index)
        memcpy(text, executor->own.text, sizeof text);
    else
        snprintf(text, sizeof text, "the job returned %d", returned);
    mpj_failure_head head = {.position = work->executed, .status = MPIJOB_EJOB, .text_bytes = (uint32_t)strlen(text)};
    size_t text_bytes = (head.text_bytes + 7u) & ~(size_t)7;
    mpj_failures *failures = &work->failures;
    size_t bytes = sizeof head + text_bytes;
    size_t used = failures->bytes ? failures->bytes : MPJ_FIRST_FAILURE;
    if (mpj_grow((void **)&failures->data, &failures->capacity, used + bytes, 1) != 0)
        return MPIJOB_ENOMEM;
    memcpy(failures->data, executor->host, sizeof executor->host);
    unsigned char *at = failures->data + used;
    memset(at, 0, bytes);
    memcpy(at, &head, sizeof head);
    memcpy(at + sizeof head, text, head.text_bytes);
    failures->bytes = used + bytes;
    failures->count++;
    return MPIJOB_OK;
}

int mpj_failures_next(const unsigned char *data, size_t bytes, size_t *at, uint64_t *position, mpijob_error *failure)
{
    mpj_failure_head head;
    if (*at >= bytes)
        return 0;
    if (bytes - *at < sizeof head)
        return MPIJOB_EINTERNAL;
    memcpy(&head, data + *at, sizeof head);
    size_t text_bytes = (head.text_bytes + 7u) & ~(size_t)7;
    if (bytes - *at - sizeof head < text_bytes || head.text_bytes >= sizeof failure->text)
        return MPIJOB_EINTERNAL;
    memset(failure, 0, sizeof *failure);
    failure->status = head.status;
    failure->os_errno = head.os_errno;
    memcpy(failure->text, data + *at + sizeof head, head.text_bytes);
    *position = head.position;
    *at += sizeof head + text_bytes;
    return 1;
}

/* Where the job in hand finds its arguments and puts its result, and how far the next one's are. */
typedef struct places {
    const unsigned char *args;
    unsigned char *result;
    size_t args_step, result_step;
} places;

static places places_of(const mpj_executor *executor, const mpj_work *work, uint64_t index)
{
    const mpijob_function *f = executor->function;
    places p = {0};
    if (work->args) {
        p.args_step = f->args_size;
        p.args = work->args + (work->args_by_index ? index : work->executed) * f->args_size;
    }
    if (work->results) {
        p.result_step = f->result_size;
        p.result = work->results + (work->results_by_index ? index : work->executed) * f->result_size;
    }
    return p;
}

static void end_job_of_any_size(mpj_work *work, bool failed)
{
    mpj_arena *arena = &work->arena;
    size_t bytes = failed ? 0 : arena->current;
    work->sizes[work->executed] = bytes;
    arena->current = 0;
    arena->used += padded(bytes);
}

/* A job that did not simply succeed with a result of fixed size. */
static int end_special(mpj_executor *executor, mpj_work *work, const places *p, int returned)
{
    if (returned != 0) {
        if (add_failure(executor, work, returned) != MPIJOB_OK)
            return MPIJOB_ENOMEM;
        executor->own.text[0] = '\0';
        if (p->result)
            memset(p->result, 0, p->result_step);
        work->ended = executor->stop_on_failure;
    }
    if (executor->function->result_size == MPIJOB_ANY_SIZE)
        end_job_of_any_size(work, returned != 0);
    return MPIJOB_OK;
}

/* `count` jobs of the span in hand, or fewer when the batch ends in between. */
static int execute_some(mpj_executor *executor, mpj_work *work, uint64_t count)
{
    mpijob_call *call = executor->function->call;
    mpijob_job *job = &executor->job;
    bool plain = executor->function->result_size != MPIJOB_ANY_SIZE;
    uint64_t index = work->spans[work->span].first + work->offset;
    places p = places_of(executor, work, index);
    for (uint64_t i = 0; i < count && !work->ended; i++) {
        job->index = index++;
        int returned = call(p.result, p.args, job);
        if (returned != 0 || !plain) {
            int status = end_special(executor, work, &p, returned);
            if (status != MPIJOB_OK)
                return status;
        }
        work->executed++;
        work->offset++;
        if (p.args)
            p.args += p.args_step;
        if (p.result)
            p.result += p.result_step;
    }
    return MPIJOB_OK;
}

/* A job of a cached function sees nothing that its key does not cover. */
static int hide_what_is_not_covered(mpj_executor *executor, const void *args, uint64_t index, mpj_name *name)
{
    mpijob_job *job = &executor->job;
    mpj_job_begin(&executor->own);
    job->index = args ? 0 : index;
    int status = mpj_key(name, mpj_cached_signature(executor->cached), args, index, executor->own.shared_digests,
                         job->shared_count, NULL);
    job->seed = status == MPIJOB_OK ? mpj_cached_seed(name) : 0;
    return status;
}

/* What there is to say of a result besides its bytes: a file of its own, a shape. */
static int note_entry(mpj_executor *executor, mpj_work *work, const mpj_name *name, const places *p)
{
    const mpijob_cached *cached = executor->cached;
    bool any = executor->function->result_size == MPIJOB_ANY_SIZE;
    char file[MPJ_LARGE_FILE_BYTES];
    unsigned char meta[MPJ_META_BYTES];
    mpj_made made = {.name = name, .meta = meta, .args = p->args};
    made.bytes = any ? work->arena.current : executor->function->result_size;
    made.result = any ? work->arena.data + work->arena.used : p->result;
    made.index = executor->job.index;
    made.compute_s = work->seconds[work->executed];
    bool large = executor->files && made.bytes >= mpj_cached_large_bytes(cached);
    bool shaped = any && executor->own.ndim >= 0;
    if (!large && !shaped)
        return MPIJOB_OK;
    made.meta_bytes = mpj_cached_shape_of(cached, meta, any ? executor->own.ndim : -1, executor->own.shape, made.bytes);
    mpj_dumped dumped = large ? mpj_file_large(cached, &made, file, meta, &made.meta_bytes) : MPJ_NOT_DUMPED;
    if (dumped == MPJ_DUMPED)
        made.file = file;
    mpj_entry_note note = {.position = work->executed,
                           .file = made.file,
                           .left = dumped == MPJ_DUMPED_LATER,
                           .meta = meta,
                           .meta_bytes = made.meta_bytes,
                           .bytes = made.bytes};
    if (mpj_entries_add(&work->entries, &note) != 0)
        return MPIJOB_ENOMEM;
    if (made.file && executor->shelve) {
        work->shelved++;
        work->arena.current = 0;
    }
    return MPIJOB_OK;
}

/* The job in hand, of a cached function: alone, since its time counts. */
static int execute_keyed(mpj_executor *executor, mpj_work *work, double *now)
{
    mpj_name name = {.version = 0};
    uint64_t index = work->spans[work->span].first + work->offset;
    places p = places_of(executor, work, index);
    int status = hide_what_is_not_covered(executor, p.args, index, &name);
    if (status != MPIJOB_OK)
        return status;
    mpj_say_computing(executor->cached, &name, p.args, index);
    double began = mpj_now();
    int returned = executor->function->call(p.result, p.args, &executor->job);
    *now = mpj_now();
    work->seconds[work->executed] = *now - began;
    if (returned == 0)
        mpj_say_computed(executor->cached, &name, *now - began);
    if (returned == 0)
        status = note_entry(executor, work, &name, &p);
    if (status == MPIJOB_OK && (returned != 0 || executor->function->result_size == MPIJOB_ANY_SIZE))
        status = end_special(executor, work, &p, returned);
    if (status != MPIJOB_OK)
        return status;
    work->executed++;
    work->offset++;
    return MPIJOB_OK;
}

static void step_to_next_span(mpj_work *work)
{
    if (work->offset == work->spans[work->span].count) {
        work->span++;
        work->offset = 0;
    }
    if (work->executed == work->jobs)
        work->ended = true;
}

/* The clock is read after 1, 2, 4, ... jobs: rarely enough for the shortest jobs, soon enough for long ones. */
int mpj_work_slice(mpj_executor *executor, mpj_work *work, double slice_s)
{
    double began = mpj_now();
    double now = began;
    uint64_t chunk = 1;
    int status = MPIJOB_OK;
    executor->work = work;
    while (!work->ended && status == MPIJOB_OK) {
        uint64_t left = work->spans[work->span].count - work->offset;
        double before = now;
        if (executor->cached)
            status = execute_keyed(executor, work, &now);
        else
            status = execute_some(executor, work, chunk < left ? chunk : left);
        step_to_next_span(work);
        if (!executor->cached)
            now = mpj_now();
        if (now - began >= slice_s)
            break;
        if (now - before < slice_s / 4)
            chunk *= 2;
    }
    work->busy_s += now - began;
    if (status != MPIJOB_OK)
        work->ended = true;
    return status;
}
