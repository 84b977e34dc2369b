/* Rank 0: what the plan decides becomes messages, and its own batches. */
#include "mpi/scheduler.h"

#include "base/alloc.h"
#include "base/error.h"
#include "mpi/agree.h"
#include "mpi/wire.h"

#include <string.h>

static void out_of_memory(mpj_scheduler *s, const char *what, unsigned long long bytes)
{
    mpijob_error err;
    mpj_fail_memory(&err, what, bytes);
    err.rank = 0;
    mpj_stop_run(s, MPIJOB_ENOMEM, &err, true);
}

static void pack_args(const mpj_scheduler *s, const mpj_batch *batch, unsigned char *to)
{
    size_t size = s->run->function->args_size;
    const unsigned char *array = s->run->inputs.array;
    for (uint32_t i = 0; i < batch->span_count; i++) {
        mpj_span span = batch->spans[i];
        if (array) {
            memcpy(to, array + span.first * size, span.count * size);
            to += span.count * size;
            continue;
        }
        for (uint64_t j = 0; j < span.count; j++, to += size)
            memcpy(to, mpj_pages_at(&s->args, span.first + j), size);
    }
}

/* The arguments behind a letter that has no room for them: in place when they lie side by side in the caller's array,
 * else packed. NULL: no memory. */
static const void *args_to_follow(mpj_scheduler *s, const mpj_batch *batch, mpj_letter *letter, size_t bytes)
{
    const unsigned char *array = s->run->inputs.array;
    if (array && batch->span_count == 1)
        return array + batch->spans[0].first * s->run->function->args_size;
    letter->owned = mpj_alloc(bytes);
    if (letter->owned)
        pack_args(s, batch, letter->owned);
    return letter->owned;
}

static void send_batch(mpj_scheduler *s, const mpj_batch *batch)
{
    mpijob_error err;
    size_t spans_bytes = batch->span_count * sizeof(mpj_span);
    mpj_batch_head head = {.kind = MPJ_BATCH, .span_count = batch->span_count, .id = batch->id, .jobs = batch->jobs};
    head.args_bytes = batch->jobs * s->run->function->args_size;
    head.args_follow = sizeof head + spans_bytes + head.args_bytes > MPJ_MESSAGE_BYTES;
    mpj_letter *letter = mpj_outbox_letter(&s->outbox);
    const void *following = NULL;
    if (letter && head.args_follow && !(following = args_to_follow(s, batch, letter, head.args_bytes))) {
        mpj_outbox_discard(&s->outbox, letter);
        letter = NULL;
    }
    if (!letter) {
        out_of_memory(s, "a message to a worker", head.args_bytes + MPJ_MESSAGE_BYTES);
        return;
    }
    memcpy(letter->message, &head, sizeof head);
    memcpy(letter->message + sizeof head, batch->spans, spans_bytes);
    size_t bytes = sizeof head + spans_bytes;
    if (!head.args_follow && head.args_bytes > 0) {
        pack_args(s, batch, letter->message + bytes);
        bytes += head.args_bytes;
    }
    s->stats.messages++;
    s->stats.sent_bytes += head.args_bytes;
    int status = mpj_outbox_post(&s->outbox, letter, bytes, following, head.args_bytes, (int)batch->worker, &err);
    if (status != MPIJOB_OK)
        mpj_stop_run(s, status, &err, true);
    else
        s->outstanding++;
}

int mpj_dispatch(mpj_scheduler *s)
{
    mpj_batch batch;
    int sent = 0;
    int status = 0;
    while (!s->broken && (status = mpj_plan_next(s->plan, &batch)) == 1) {
        send_batch(s, &batch);
        sent++;
    }
    if (status < 0)
        out_of_memory(s, "a batch", 0);
    return sent;
}

/* A message without content. Without memory for a letter it is sent at once: the worker, which looks for messages
 * between jobs, takes it in any case. */
static int tell(mpj_scheduler *s, uint32_t kind, int to, mpijob_error *err)
{
    mpj_batch_head head = {.kind = kind};
    mpj_letter *letter = mpj_outbox_letter(&s->outbox);
    if (letter) {
        memcpy(letter->message, &head, sizeof head);
        return mpj_outbox_post(&s->outbox, letter, sizeof head, NULL, 0, to, err);
    }
    int code = MPI_Send(&head, sizeof head, MPI_BYTE, to, MPJ_TAG_TO_WORKER, s->link->comm);
    return code == MPI_SUCCESS ? MPIJOB_OK : mpj_fail_mpi(err, code, "sending");
}

void mpj_tell_all(mpj_scheduler *s, uint32_t kind)
{
    mpijob_error err;
    for (int to = 1; to < s->link->size; to++) {
        s->stats.messages++;
        if (tell(s, kind, to, &err) != MPIJOB_OK)
            mpj_abort(s->link->comm, &err);
    }
}

/* -- Own batches -- */

static int place_own_results(mpj_scheduler *s, mpj_work *work)
{
    size_t size = s->run->function->result_size;
    work->results = NULL;
    work->results_by_index = false;
    if (size == MPIJOB_ANY_SIZE && !work->arena.data) {
        mpj_buffer spare = mpj_buffers_take_any(&s->buffers);
        work->arena = (mpj_arena){.data = spare.data, .capacity = spare.capacity};
    }
    if (size == 0 || size == MPIJOB_ANY_SIZE)
        return 0;
    if (s->run->options.return_as == MPIJOB_LIST && !s->run->options.reduce && !s->run->options.shelve) {
        work->results = s->run->results;
        work->results_by_index = true;
        return 0;
    }
    mpj_buffer buffer = mpj_buffers_take(&s->buffers, work->jobs * size);
    work->results = buffer.data;
    s->own_results_capacity = buffer.capacity;
    return work->results ? 0 : -1;
}

static int place_own_args(mpj_scheduler *s, mpj_work *work)
{
    size_t size = s->run->function->args_size;
    work->args = s->run->inputs.array;
    work->args_by_index = work->args != NULL;
    if (size == 0 || work->args)
        return 0;
    if (mpj_grow((void **)&s->own_args, &s->own_args_capacity, work->jobs * size, 1) != 0)
        return -1;
    pack_args(s, &s->own_batch, s->own_args);
    work->args = s->own_args;
    return 0;
}

void mpj_begin_own(mpj_scheduler *s)
{
    if (s->own_active || s->broken)
        return;
    int status = mpj_plan_next_own(s->plan, &s->own_batch);
    if (status == 0)
        return;
    if (status < 0) {
        out_of_memory(s, "a batch", 0);
        return;
    }
    mpj_work *work = &s->own;
    work->id = s->own_batch.id;
    work->spans = s->own_batch.spans;
    work->span_count = s->own_batch.span_count;
    work->jobs = s->own_batch.jobs;
    if (place_own_results(s, work) != 0 || place_own_args(s, work) != 0 ||
        mpj_work_begin(&s->executor, work) != MPIJOB_OK) {
        out_of_memory(s, "a batch on rank 0", work->jobs * s->run->function->args_size);
        return;
    }
    mpj_asker_begin(s->asker, &work->entries);
    s->own_active = true;
}
