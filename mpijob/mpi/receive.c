/* Rank 0: messages in. */
#include "mpi/scheduler.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "mpi/agree.h"
#include "mpi/wire.h"

#include <mpijob/start.h>

#include <string.h>

#define MESSAGES_A_TURN 64 /* then others get their turn: sending, handing out */

void mpj_arrival_free(mpj_scheduler *s, mpj_arrival *arrival)
{
    if (!arrival)
        return;
    mpj_shelve_free(arrival);
    for (int i = 0; i < MPJ_PARTS; i++)
        if (!arrival->parts[i].borrowed)
            mpj_buffers_give(&s->buffers, (mpj_buffer){arrival->parts[i].data, arrival->parts[i].capacity});
    mpj_free(arrival->offsets);
    mpj_free(arrival);
}

static void fail_internal(mpj_scheduler *s, int from, const char *what)
{
    mpijob_error err;
    mpj_fail(&err, MPIJOB_EINTERNAL, "rank %d sent %s: this is a fault of mpijob, please report it", from, what);
    err.rank = from;
    mpj_stop_run(s, MPIJOB_EINTERNAL, &err, true);
}

/* -- Replies -- */

static void part_sizes(const mpj_scheduler *s, const mpj_reply_head *head, size_t bytes[MPJ_PARTS])
{
    bool any_size = s->run->function->result_size == MPIJOB_ANY_SIZE;
    bytes[MPJ_PART_SIZES] = any_size ? head->executed * sizeof(uint64_t) : 0;
    bytes[MPJ_PART_FAILURES] = head->failures_bytes;
    bytes[MPJ_PART_SECONDS] = s->run->kept ? head->executed * sizeof(double) : 0;
    bytes[MPJ_PART_ENTRIES] = head->entries_bytes;
    bytes[MPJ_PART_RESULTS] = head->results_bytes;
}

/* A list with results of fixed size that lie side by side: received where they belong. */
static unsigned char *in_place(const mpj_scheduler *s, const mpj_batch *batch)
{
    const mpijob_parallel_options *o = &s->run->options;
    if (o->return_as != MPIJOB_LIST || o->reduce || o->shelve || batch->span_count != 1)
        return NULL;
    return s->run->results + batch->spans[0].first * s->run->function->result_size;
}

static int make_room(mpj_scheduler *s, mpj_arrival *arrival, const mpj_batch *batch, const size_t bytes[MPJ_PARTS])
{
    for (int i = 0; i < MPJ_PARTS; i++) {
        mpj_part *part = &arrival->parts[i];
        part->bytes = bytes[i];
        if (bytes[i] == 0)
            continue;
        if (i == MPJ_PART_RESULTS)
            part->data = in_place(s, batch);
        part->borrowed = part->data != NULL;
        if (!part->borrowed) {
            mpj_buffer buffer = mpj_buffers_take(&s->buffers, bytes[i]);
            part->data = buffer.data;
            part->capacity = buffer.capacity;
        }
        if (!part->data)
            return -1;
    }
    return 0;
}

/* Without memory for what follows a reply it must still be received, or its sender waits for ever. */
static void discard_parts(mpj_scheduler *s, const mpj_reply_head *head, const size_t bytes[MPJ_PARTS], unsigned first,
                          int from)
{
    mpijob_error err;
    for (unsigned i = first; i < MPJ_PARTS; i++)
        if (head->parts_follow & 1u << i &&
            mpj_transfer_discard(bytes[i], from, MPJ_TAG_RESULTS, s->link->comm, &err) != MPIJOB_OK)
            mpj_abort(s->link->comm, &err);
}

/* Takes what rides in the message, and begins to receive what follows it. */
static int take_parts(mpj_scheduler *s, mpj_arrival *arrival, const mpj_reply_head *head, const unsigned char *inside,
                      size_t inside_bytes, int from, mpijob_error *err)
{
    size_t at = 0;
    size_t sizes[MPJ_PARTS];
    part_sizes(s, head, sizes);
    for (unsigned i = 0; i < MPJ_PARTS; i++) {
        mpj_part *part = &arrival->parts[i];
        if (part->bytes == 0)
            continue;
        if (head->parts_follow & 1u << i) {
            int status = mpj_transfer_receive(&part->transfer, part->data, part->bytes, from, MPJ_TAG_RESULTS,
                                              s->link->comm, err);
            if (status == MPIJOB_EMPI)
                mpj_abort(s->link->comm, err); /* its sender waits for it */
            if (status == MPIJOB_OK)
                continue;
            discard_parts(s, head, sizes, i, from);
            return status;
        }
        if (inside_bytes - at < part->bytes)
            return mpj_fail(err, MPIJOB_EINTERNAL, "rank %d sent a reply that is too short", from);
        memcpy(part->data, inside + at, part->bytes);
        at += part->bytes;
    }
    return MPIJOB_OK;
}

static bool plausible(const mpj_scheduler *s, const mpj_reply_head *head, const mpj_batch *batch, int from)
{
    size_t size = s->run->function->result_size;
    return batch && batch->worker == (uint32_t)from && head->executed <= batch->jobs &&
           head->failed <= head->executed &&
           (size == MPIJOB_ANY_SIZE || head->results_bytes == head->executed * size ||
            (s->run->options.shelve && head->results_bytes == 0));
}

static void take_reply(mpj_scheduler *s, const unsigned char *message, size_t bytes, int from)
{
    mpj_reply_head head;
    mpijob_error err;
    if (bytes < sizeof head) {
        fail_internal(s, from, "a reply that is too short");
        return;
    }
    memcpy(&head, message, sizeof head);
    s->outstanding--;
    const mpj_batch *batch = mpj_plan_find(s->plan, head.id);
    if (!plausible(s, &head, batch, from)) {
        fail_internal(s, from, "a reply that fits no batch");
        return;
    }
    int status = mpj_plan_answered(s->plan, head.id, head.executed, head.busy_s, head.gap_s);
    size_t sizes[MPJ_PARTS];
    part_sizes(s, &head, sizes);
    s->stats.received_bytes += head.results_bytes;
    mpj_arrival *arrival = mpj_calloc(1, sizeof *arrival);
    if (!arrival || make_room(s, arrival, batch, sizes) != 0) {
        discard_parts(s, &head, sizes, 0, from);
        if (arrival)
            mpj_arrival_free(s, arrival);
        mpj_fail_memory(&err, "results on rank 0", head.results_bytes);
        err.rank = 0;
        mpj_stop_run(s, MPIJOB_ENOMEM, &err, true);
        return;
    }
    arrival->id = head.id;
    arrival->worker = (uint32_t)from;
    arrival->executed = head.executed;
    arrival->failed = head.failed;
    arrival->next = s->coming;
    s->coming = arrival;
    if (status == MPIJOB_OK)
        status = take_parts(s, arrival, &head, message + sizeof head, bytes - sizeof head, from, &err);
    else
        mpj_fail(&err, status, "rank 0 could not take note of a reply");
    arrival->lost = status != MPIJOB_OK;
    if (status != MPIJOB_OK)
        mpj_stop_run(s, status, &err, true);
}

/* -- Arrivals -- */

static int all_here(mpj_arrival *arrival, bool *here, mpijob_error *err)
{
    *here = true;
    for (int i = 0; i < MPJ_PARTS; i++) {
        bool done;
        int status = mpj_transfer_test(&arrival->parts[i].transfer, &done, err);
        if (status != MPIJOB_OK)
            return status;
        *here = *here && done;
    }
    return MPIJOB_OK;
}

/* Results of a batch whose jobs do not lie side by side, to their places in the caller's list. */
static void scatter(mpj_scheduler *s, const mpj_arrival *arrival, const mpj_batch *batch)
{
    const mpj_part *results = &arrival->parts[MPJ_PART_RESULTS];
    const mpijob_parallel_options *o = &s->run->options;
    if (o->return_as != MPIJOB_LIST || o->reduce || o->shelve || results->borrowed || results->bytes == 0)
        return;
    size_t size = s->run->function->result_size;
    const unsigned char *from = results->data;
    uint64_t left = arrival->executed;
    for (uint32_t i = 0; i < batch->span_count && left > 0; i++) {
        uint64_t count = batch->spans[i].count < left ? batch->spans[i].count : left;
        memcpy(s->run->results + batch->spans[i].first * size, from, count * size);
        from += count * size;
        left -= count;
    }
}

static int find_offsets(mpj_arrival *arrival)
{
    const mpj_part *sizes = &arrival->parts[MPJ_PART_SIZES];
    if (sizes->bytes == 0)
        return 0;
    arrival->offsets = mpj_alloc(arrival->executed * sizeof *arrival->offsets);
    if (!arrival->offsets)
        return -1;
    size_t at = 0;
    for (uint64_t i = 0; i < arrival->executed; i++) {
        uint64_t size;
        memcpy(&size, sizes->data + i * sizeof size, sizeof size);
        arrival->offsets[i] = at;
        at += (size + MPJ_RESULT_ALIGN - 1) & ~(uint64_t)(MPJ_RESULT_ALIGN - 1);
        if (size > arrival->parts[MPJ_PART_RESULTS].bytes || at > arrival->parts[MPJ_PART_RESULTS].bytes)
            return -1;
    }
    return 0;
}

static void set_statuses(mpj_scheduler *s, const mpj_batch *batch, uint64_t executed)
{
    int8_t *statuses = s->run->options.statuses;
    uint64_t left = executed;
    for (uint32_t i = 0; i < batch->span_count && left > 0; i++) {
        uint64_t count = batch->spans[i].count < left ? batch->spans[i].count : left;
        if (statuses)
            memset(statuses + batch->spans[i].first, MPIJOB_OK, count);
        for (uint64_t j = 0; s->args.size && j < count; j++)
            mpj_pages_done(&s->args, batch->spans[i].first + j);
        for (uint64_t j = 0; s->looks.costs.size && j < count; j++)
            mpj_pages_done(&s->looks.costs, batch->spans[i].first + j);
        left -= count;
    }
}

static int settle(mpj_scheduler *s, mpj_arrival *arrival, const mpj_batch *batch)
{
    uint64_t *failed = NULL;
    if (arrival->failed > 0 && !(failed = mpj_alloc(arrival->failed * sizeof *failed)))
        return MPIJOB_ENOMEM;
    if (find_offsets(arrival) != 0) {
        mpj_free(failed);
        return MPIJOB_ENOMEM;
    }
    scatter(s, arrival, batch);
    if (failed)
        mpj_find_failed(arrival, failed);
    if (mpj_shelve_begin(s, arrival) != MPIJOB_OK) {
        mpj_free(failed);
        return MPIJOB_ENOMEM;
    }
    mpj_looks_executed(s, arrival, batch, failed);
    mpj_shelve_end(s, arrival, batch);
    if (arrival->parts[MPJ_PART_ENTRIES].bytes > 0)
        mpj_asked_store(&s->asked, arrival->parts[MPJ_PART_ENTRIES].data, arrival->parts[MPJ_PART_ENTRIES].bytes);
    set_statuses(s, batch, arrival->executed);
    if (failed)
        mpj_note_failures(s, arrival, batch);
    mpj_outcome outcome = {.id = arrival->id,
                           .executed = arrival->executed,
                           .failed = failed,
                           .failed_count = arrival->failed,
                           .result_bytes = arrival->parts[MPJ_PART_RESULTS].bytes,
                           .results = arrival};
    int kept = mpj_plan_done(s->plan, &outcome);
    mpj_free(failed);
    return kept;
}

/* Everything of a batch is here. The arrival belongs to the plan afterwards, or is gone. */
static void complete(mpj_scheduler *s, mpj_arrival *arrival)
{
    const mpj_batch *batch = mpj_plan_find(s->plan, arrival->id);
    int kept = batch ? settle(s, arrival, batch) : MPIJOB_EINTERNAL;
    if (kept < 0) {
        mpijob_error err;
        mpj_fail(&err, kept, "rank 0 could not take note of a finished batch: %s", mpijob_strerror(kept));
        err.rank = 0;
        mpj_stop_run(s, kept, &err, true);
    }
    if (kept != 1)
        mpj_arrival_free(s, arrival);
    mpj_plan_counts counts;
    mpj_plan_count(s->plan, &counts);
    mpj_report_update(&s->report, &counts);
}

int mpj_complete_arrivals(mpj_scheduler *s)
{
    int completed = 0;
    for (mpj_arrival **at = &s->coming; *at;) {
        mpj_arrival *arrival = *at;
        mpijob_error err;
        bool here;
        int status = all_here(arrival, &here, &err);
        if (status != MPIJOB_OK)
            mpj_abort(s->link->comm, &err); /* its sender may wait for it */
        if (!here) {
            at = &arrival->next;
            continue;
        }
        *at = arrival->next;
        if (arrival->lost)
            mpj_arrival_free(s, arrival);
        else
            complete(s, arrival);
        completed++;
    }
    return completed;
}

/* -- Rank 0's own batches -- */

static mpj_part take_over(void *data, size_t bytes, size_t capacity)
{
    return (mpj_part){.data = data, .bytes = bytes, .capacity = capacity};
}

/* The work's memory goes over to the arrival, so that results of any size are not copied. */
static void take_own_parts(mpj_scheduler *s, mpj_arrival *arrival)
{
    mpj_work *work = &s->own;
    arrival->parts[MPJ_PART_FAILURES] = take_over(work->failures.data, work->failures.bytes, 0);
    work->failures = (mpj_failures){0};
    arrival->parts[MPJ_PART_ENTRIES] = take_over(work->entries.data, work->entries.bytes, work->entries.capacity);
    work->entries = (mpj_entries){0};
    if (s->run->kept) {
        arrival->parts[MPJ_PART_SECONDS] = take_over(work->seconds, work->executed * sizeof *work->seconds, 0);
        work->seconds = NULL;
        work->seconds_capacity = 0;
    }
    if (s->run->function->result_size == MPIJOB_ANY_SIZE) {
        arrival->parts[MPJ_PART_SIZES] = take_over(work->sizes, work->executed * sizeof *work->sizes, 0);
        arrival->parts[MPJ_PART_RESULTS] = take_over(work->arena.data, work->arena.used, work->arena.capacity);
        work->sizes = NULL;
        work->sizes_capacity = 0;
        work->arena = (mpj_arena){0};
    } else {
        size_t bytes = work->executed * s->run->function->result_size;
        arrival->parts[MPJ_PART_RESULTS] = take_over(work->results, bytes, s->own_results_capacity);
        arrival->parts[MPJ_PART_RESULTS].borrowed = work->results_by_index;
        work->results = NULL;
    }
}

void mpj_own_done(mpj_scheduler *s)
{
    mpijob_error err;
    s->own_active = false;
    s->ranks[0].jobs += s->own.executed;
    s->ranks[0].batches += s->own.executed > 0;
    mpj_arrival *arrival = mpj_calloc(1, sizeof *arrival);
    int status = mpj_plan_answered(s->plan, s->own.id, s->own.executed, s->own.busy_s, -1);
    if (!arrival || status != MPIJOB_OK) {
        mpj_free(arrival);
        mpj_fail_memory(&err, "results on rank 0", sizeof *arrival);
        mpj_stop_run(s, MPIJOB_ENOMEM, &err, true);
        return;
    }
    arrival->id = s->own.id;
    arrival->executed = s->own.executed;
    arrival->failed = s->own.failures.count;
    take_own_parts(s, arrival);
    complete(s, arrival);
}

/* -- Messages -- */

static void take_fatal(mpj_scheduler *s, const unsigned char *message, size_t bytes, int from)
{
    mpijob_error err;
    if (bytes < sizeof(uint64_t) + sizeof err) {
        fail_internal(s, from, "a complaint that is too short");
        return;
    }
    memcpy(&err, message + sizeof(uint64_t), sizeof err);
    mpj_error_sanitise(&err);
    mpj_name_rank(&err, from);
    mpj_stop_run(s, err.status, &err, false);
}

static void take_bye(mpj_scheduler *s, const unsigned char *message, size_t bytes, int from)
{
    mpj_bye bye;
    if (bytes < sizeof bye) {
        fail_internal(s, from, "a farewell that is too short");
        return;
    }
    memcpy(&bye, message, sizeof bye);
    s->byes++;
    if (from >= s->run->used)
        return;
    s->ranks[from] = (mpijob_rank_stats){.jobs = bye.jobs,
                                         .batches = bye.batches,
                                         .busy_s = bye.busy_s,
                                         .waiting_s = bye.waiting_s,
                                         .scheduling_s = bye.scheduling_s};
}

static void take_message(mpj_scheduler *s, const unsigned char *message, size_t bytes, int from)
{
    uint32_t kind = 0;
    memcpy(&kind, message, bytes < sizeof kind ? bytes : sizeof kind);
    s->stats.messages++;
    if (kind == MPJ_REPLY)
        take_reply(s, message, bytes, from);
    else if (kind == MPJ_STOP_NOTE)
        mpijob_request_stop();
    else if (kind == MPJ_ASK && mpj_asked_take(&s->asked, message, bytes, from) != 0)
        fail_internal(s, from, "a question that makes no sense");
    else if (kind == MPJ_ASK)
        return;
    else if (kind == MPJ_FATAL)
        take_fatal(s, message, bytes, from);
    else if (kind == MPJ_BYE)
        take_bye(s, message, bytes, from);
    else
        fail_internal(s, from, "a message of an unknown kind");
}

int mpj_receive(mpj_scheduler *s)
{
    _Alignas(16) unsigned char message[MPJ_MESSAGE_BYTES];
    int taken = 0;
    for (; taken < MESSAGES_A_TURN; taken++) {
        int found = 0;
        int bytes = 0;
        MPI_Message handle;
        MPI_Status status;
        mpijob_error err;
        int code = MPI_Improbe(MPI_ANY_SOURCE, MPJ_TAG_TO_SCHEDULER, s->link->comm, &found, &handle, &status);
        if (code == MPI_SUCCESS && !found)
            break;
        if (code == MPI_SUCCESS)
            code = MPI_Get_count(&status, MPI_BYTE, &bytes);
        if (code == MPI_SUCCESS)
            code = MPI_Mrecv(message, MPJ_MESSAGE_BYTES, MPI_BYTE, &handle, MPI_STATUS_IGNORE);
        if (code != MPI_SUCCESS) {
            /* What is lost may be the answer that the run's end waits for. */
            mpj_fail_mpi(&err, code, "receiving on rank 0");
            mpj_abort(s->link->comm, &err);
        }
        take_message(s, message, (size_t)bytes, status.MPI_SOURCE);
    }
    return taken;
}
