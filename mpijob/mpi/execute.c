#include "mpi/execute.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "mpi/wire.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void mpj_executor_open(mpj_executor *executor, const mpijob_function *function, const mpijob_parallel_options *options,
                       int rank)
{
    memset(executor, 0, sizeof *executor);
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

int mpijob_job_fail(mpijob_job *job, const char *format, ...)
{
    mpj_executor *executor = job->own;
    va_list arguments;
    va_start(arguments, format);
    mpj_vformat(executor->text, sizeof executor->text, format, arguments);
    va_end(arguments);
    executor->text_index = job->index;
    return MPIJOB_EJOB;
}

void mpijob_job_random(const mpijob_job *job, mpijob_random *random)
{
    mpijob_random_init(random, job->seed, job->index);
}

static size_t padded(size_t bytes)
{
    return (bytes + MPJ_RESULT_ALIGN - 1) & ~(size_t)(MPJ_RESULT_ALIGN - 1);
}

void *mpijob_job_result(mpijob_job *job, size_t bytes)
{
    mpj_executor *executor = job->own;
    if (executor->function->result_size != MPIJOB_ANY_SIZE)
        return NULL;
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
    work->arena = (mpj_arena){0};
    work->failures = (mpj_failures){0};
    work->sizes = NULL;
    work->sizes_capacity = 0;
}

/* Keeps a failure: its text as the job gave it. */
static int add_failure(mpj_executor *executor, mpj_work *work, int returned)
{
    char text[sizeof executor->text];
    if (executor->text[0] && executor->text_index == executor->job.index)
        memcpy(text, executor->text, sizeof text);
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
        executor->text[0] = '\0';
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
        status = execute_some(executor, work, chunk < left ? chunk : left);
        step_to_next_span(work);
        double before = now;
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
