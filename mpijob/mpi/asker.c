#include "mpi/asker.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "memory/memory.h"
#include "mpi/agree.h"
#include "mpi/askhere.h"
#include "mpi/calls.h"
#include "mpi/filing.h"
#include "mpi/looks.h"
#include "mpi/recent.h"
#include "mpi/transfer.h"
#include "mpi/wire.h"

#include <math.h>
#include <string.h>

#define LEAST_PATIENCE_S 0.05
#define MOST_PATIENCE_S 10.0
#define KNOWN_MOST 64
#define LATE 2

struct mpj_asker {
    mpj_job_run run; /* first */
    MPI_Comm comm;
    mpj_recent recent;
    mpj_askhere here;
    mpj_entries *entries;
    uint64_t asked; /* questions, in all */
    uint64_t answered;
    double computed_s; /* by calls, in all ... */
    uint64_t computed; /* ... of so many */
    unsigned char *answer;
    size_t answer_capacity;
    _Alignas(16) unsigned char question[MPJ_MESSAGE_BYTES];
    mpj_transfer leaving;
    const mpijob_cached *unknown[KNOWN_MOST]; /* to rank 0 */
    const mpijob_cached *known[KNOWN_MOST];   /* it has answered about these; on rank 0: they go to its store thread */
    unsigned unknown_count, known_count;
};

static void need(const mpj_asker *asker, int status, const mpijob_error *err)
{
    if (status == MPIJOB_EMPI)
        mpj_abort(asker->comm, err);
}

/* -- Answers -- */

/* The pieces behind the first one, which has `bytes`, of a long answer. Without memory they are thrown away. */
static bool receive_rest(mpj_asker *asker, size_t bytes, size_t whole, bool room)
{
    mpijob_error err;
    mpj_transfer coming = {0};
    bool here = false;
    mpj_backoff backoff = {0};
    room = room && mpj_grow((void **)&asker->answer, &asker->answer_capacity, whole, 1) == 0 &&
           mpj_transfer_prepare(&coming, whole - bytes, NULL) == MPIJOB_OK;
    if (!room) {
        need(asker, mpj_transfer_discard(whole - bytes, 0, MPJ_TAG_ANSWER, asker->comm, &err), &err);
        return false;
    }
    need(asker,
         mpj_transfer_receive(&coming, asker->answer + bytes, whole - bytes, 0, MPJ_TAG_ANSWER, asker->comm, &err),
         &err);
    for (;;) {
        need(asker, mpj_transfer_test(&coming, &here, &err), &err);
        if (here)
            return true;
        mpj_backoff_wait_briskly(&backoff);
    }
}

/* Takes an answer if one is here. Without memory for it it counts as "not there". */
static bool receive(mpj_asker *asker, mpj_answer_head *head)
{
    int found = 0, bytes = 0;
    MPI_Message handle;
    MPI_Status about;
    mpijob_error err;
    int code = MPI_Improbe(0, MPJ_TAG_ANSWER, asker->comm, &found, &handle, &about);
    if (code == MPI_SUCCESS && !found)
        return false;
    if (code == MPI_SUCCESS)
        code = MPI_Get_count(&about, MPI_BYTE, &bytes);
    bool room = mpj_grow((void **)&asker->answer, &asker->answer_capacity, (size_t)bytes, 1) == 0;
    unsigned char *first = room ? asker->answer : mpj_transfer_scrap();
    if (code == MPI_SUCCESS)
        code = MPI_Mrecv(first, bytes, MPI_BYTE, &handle, MPI_STATUS_IGNORE);
    if (code != MPI_SUCCESS)
        need(asker, mpj_fail_mpi(&err, code, "receiving an answer"), &err);
    asker->answered++;
    *head = (mpj_answer_head){0};
    if ((size_t)bytes < sizeof *head)
        return true;
    memcpy(head, first, sizeof *head);
    if (head->hit.large)
        head->hit.payload_bytes = 0; /* its file says it all */
    size_t whole = sizeof *head + (head->found == 1 ? head->hit.payload_bytes : 0);
    if (whole > (size_t)bytes)
        room = receive_rest(asker, (size_t)bytes, whole, room);
    if (!room)
        head->found = 0;
    head->hit.payload = asker->answer + sizeof *head;
    return true;
}

static void forget_late_answers(mpj_asker *asker)
{
    mpj_answer_head late;
    while (asker->answered < asker->asked && receive(asker, &late))
        continue;
}

static double patience(const mpj_asker *asker)
{
    double mean = asker->computed ? asker->computed_s / (double)asker->computed : 0;
    return fmax(LEAST_PATIENCE_S, fmin(MOST_PATIENCE_S, mean)) + mpj_patience_more_s;
}

/* The answer to this question: 1, 0 or -1; LATE: it does not come in time. */
static int await(mpj_asker *asker, uint64_t number, mpj_answer_head *head)
{
    double began = mpj_now();
    mpj_backoff backoff = {0};
    while (mpj_now() - began < patience(asker)) {
        if (receive(asker, head) && head->number == number)
            return head->found;
        mpj_backoff_wait_briskly(&backoff);
    }
    return LATE;
}

/* -- Questions -- */

static void send_question(mpj_asker *asker, size_t bytes)
{
    mpijob_error err;
    bool left = false;
    mpj_backoff backoff = {0};
    need(asker, mpj_transfer_send(&asker->leaving, asker->question, bytes, 0, MPJ_TAG_TO_SCHEDULER, asker->comm, &err),
         &err);
    for (;;) {
        need(asker, mpj_transfer_test(&asker->leaving, &left, &err), &err);
        if (left)
            return;
        mpj_backoff_wait_briskly(&backoff);
    }
}

/* 0: it does not fit into a message. */
static size_t write_question(mpj_asker *asker, const mpijob_cached *cached, const mpj_name *name, bool quiet)
{
    const char *location = mpijob_memory_location(mpj_cached_memory(cached));
    const char *function = mpj_cached_signature(cached)->name;
    size_t location_bytes = location ? strlen(location) + 1 : 0;
    size_t function_bytes = strlen(function) + 1;
    mpj_ask_head head = {.kind = MPJ_ASK, .quiet = quiet, .number = asker->asked + 1, .name = *name};
    if (!location || sizeof head + location_bytes + function_bytes > MPJ_MESSAGE_BYTES)
        return 0;
    head.location_bytes = (uint32_t)location_bytes;
    head.function_bytes = (uint32_t)function_bytes;
    memcpy(asker->question, &head, sizeof head);
    memcpy(asker->question + sizeof head, location, location_bytes);
    memcpy(asker->question + sizeof head + location_bytes, function, function_bytes);
    return sizeof head + location_bytes + function_bytes;
}

static bool is_among(const mpijob_cached *const *list, unsigned count, const mpijob_cached *cached)
{
    for (unsigned i = 0; i < count; i++)
        if (list[i] == cached)
            return true;
    return false;
}

static void note(const mpijob_cached **list, unsigned *count, const mpijob_cached *cached)
{
    if (*count < KNOWN_MOST && !is_among(list, *count, cached))
        list[(*count)++] = cached;
}

static bool is_rank_0(const mpj_asker *asker)
{
    return asker->comm == MPI_COMM_NULL;
}

/* What rank 0 can do for: arguments that travel, a function that it has. On rank 0 itself: where files may keep it
 * waiting; for all of the run, also if the location turns out not to be so: its store thread may still have some of it. */
static bool is_for_rank_0(mpj_asker *asker, const mpijob_cached *cached)
{
    const mpj_signature *signature = mpj_cached_signature(cached);
    bool known = is_among(asker->known, asker->known_count, cached);
    if (is_rank_0(asker) && (!mpj_cached_keeps(cached) || (mpj_cached_is_local(cached) && !known)))
        return false;
    if (is_rank_0(asker))
        note(asker->known, &asker->known_count, cached);
    return (!signature->args || signature->stream_bytes != SIZE_MAX) &&
           !is_among(asker->unknown, asker->unknown_count, cached);
}

static int ask(mpj_asker *asker, const mpijob_cached *cached, const mpj_name *name, mpj_hit *hit, bool quiet)
{
    mpj_answer_head head;
    size_t bytes = write_question(asker, cached, name, quiet);
    if (bytes == 0)
        return -1;
    uint64_t number = ++asker->asked;
    send_question(asker, bytes);
    int found = await(asker, number, &head);
    if (found < 0)
        note(asker->unknown, &asker->unknown_count, cached);
    else if (found != LATE)
        note(asker->known, &asker->known_count, cached);
    if (found == LATE)
        return 0;
    if (found != 1)
        return found;
    *hit = head.hit;
    mpj_recent_add(&asker->recent, hit);
    return 1;
}

static int ask_here(mpj_asker *asker, const mpijob_cached *cached, const mpj_name *name, mpj_hit *hit, bool quiet)
{
    int found = mpj_ask_here(&asker->here, cached, name, quiet, patience(asker), hit);
    if (found == 1)
        mpj_recent_add(&asker->recent, hit);
    return found;
}

static int find(mpj_job_run *run, const mpijob_cached *cached, const mpj_name *name, mpj_hit *hit, bool quiet)
{
    mpj_asker *asker = (mpj_asker *)run;
    if (!is_for_rank_0(asker, cached))
        return -1;
    const mpj_hit *seen = mpj_recent_find(&asker->recent, name);
    if (seen) {
        *hit = *seen;
        return 1;
    }
    if (is_rank_0(asker))
        return ask_here(asker, cached, name, hit, quiet);
    forget_late_answers(asker);
    return asker->answered < asker->asked ? 0 : ask(asker, cached, name, hit, quiet);
}

/* -- Results of calls -- */

static void remember(mpj_asker *asker, const mpijob_cached *cached, const mpj_made *made)
{
    const mpj_packing *packing = &cached->packing;
    mpj_hit hit = {
        .name = *made->name, .large = made->file != NULL, .bytes = made->bytes, .compute_s = made->compute_s};
    void *packed = NULL;
    if (mpj_meta_get(made->meta, made->meta_bytes, &hit.ndim, hit.shape, &hit.summed, &hit.sum) != 0)
        return;
    if (made->file) {
        memcpy(hit.file, made->file, strlen(made->file) + 1);
    } else if (packing->plain) {
        hit.payload = made->result;
        hit.payload_bytes = made->bytes;
    } else {
        size_t count = packing->bytes ? made->bytes / packing->bytes : 0;
        hit.payload_bytes = count * packing->packed_bytes;
        hit.payload = packed = mpj_alloc(hit.payload_bytes);
        if (!packed)
            return;
        mpj_pack(packing, packed, made->result, count);
    }
    mpj_recent_add(&asker->recent, &hit);
    mpj_free(packed);
}

/* By this process's own store thread. */
static bool store_here(const mpijob_cached *cached, const mpj_entry_note *note)
{
    mpj_calls *calls = mpj_calls_new(mpj_cached_memory(cached));
    if (!calls)
        return false;
    if (mpj_calls_add(calls, note) == 0)
        return mpj_calls_give(calls) > 0;
    mpj_calls_give(calls);
    return false;
}

static int store(mpj_job_run *run, const mpijob_cached *cached, const mpj_made *made)
{
    mpj_asker *asker = (mpj_asker *)run;
    asker->computed++;
    asker->computed_s += made->compute_s;
    if (!is_for_rank_0(asker, cached) || !asker->entries)
        return 0;
    /* Of what rank 0 may not have it would be lost there. */
    bool known = is_rank_0(asker) || is_among(asker->known, asker->known_count, cached);
    if (!known && mpj_cached_is_local(cached))
        return 0;
    mpj_entry_note note = {.position = MPJ_OF_A_CALL,
                           .location = mpijob_memory_location(mpj_cached_memory(cached)),
                           .function = mpj_cached_signature(cached)->name,
                           .name = *made->name,
                           .file = made->file,
                           .meta = made->meta,
                           .meta_bytes = made->meta_bytes,
                           .args = made->args,
                           .args_bytes = cached->function.args_size,
                           .index = made->index,
                           .result = made->file ? NULL : made->result,
                           .bytes = made->bytes,
                           .seconds = made->compute_s};
    if (known ? mpj_entries_add(asker->entries, &note) != 0 : !store_here(cached, &note))
        return 0;
    remember(asker, cached, made);
    return 1;
}

/* -- Beginning and end -- */

mpj_asker *mpj_asker_open(MPI_Comm comm)
{
    mpj_asker *asker = mpj_calloc(1, sizeof *asker);
    if (!asker)
        return NULL;
    asker->run = (mpj_job_run){find, store, mpj_file_large};
    asker->comm = comm;
    return asker;
}

mpj_job_run *mpj_asker_run(mpj_asker *asker)
{
    return asker ? &asker->run : NULL;
}

void mpj_asker_begin(mpj_asker *asker, mpj_entries *entries)
{
    if (asker)
        asker->entries = entries;
}

void mpj_asker_close(mpj_asker *asker)
{
    mpj_answer_head late;
    mpj_backoff backoff = {0};
    if (!asker)
        return;
    while (asker->answered < asker->asked)
        if (!receive(asker, &late))
            mpj_backoff_wait_briskly(&backoff);
    mpj_recent_free(&asker->recent);
    mpj_askhere_free(&asker->here);
    mpj_free(asker->answer);
    mpj_free(asker);
}
