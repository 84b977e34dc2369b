/* The ranks other than 0: batches in, replies out. */
#include "mpi/agree.h"
#include "mpi/asker.h"
#include "mpi/execute.h"
#include "mpi/run.h"
#include "mpi/transfer.h"
#include "mpi/wire.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"

#include <math.h>
#include <mpijob/start.h>
#include <string.h>

#define SLICE_S 0.5e-3 /* a look at the messages this often, should the run be stopped */
#define INBOX 2        /* one batch in hand, one ahead */
#define DESKS 3        /* one in hand, and replies that are leaving */

/* A batch that came and was not begun. */
typedef struct letter {
    mpj_batch_head head;
    mpj_span *spans;
    size_t spans_capacity;
    unsigned char *args;
    size_t args_capacity;
    mpj_transfer coming;
} letter;

/* A batch in hand, or its reply while it leaves. */
typedef struct desk {
    mpj_work work;
    letter letter;
    unsigned char *results; /* fixed size */
    size_t results_capacity;
    unsigned char message[MPJ_MESSAGE_BYTES];
    mpj_transfer leaving[MPJ_PARTS + 1]; /* the parts that follow the message, the message */
} desk;

typedef struct worker {
    mpj_run *run;
    MPI_Comm comm;
    mpj_executor executor;
    letter inbox[INBOX];
    unsigned first, count; /* in the inbox */
    desk desks[DESKS];
    unsigned next_desk;
    bool handback, end, stop_noted, fatal_told;
    double idle_since;
    mpj_bye bye;
    mpj_asker *asker;
    unsigned char note[sizeof(uint64_t) + sizeof(mpijob_error)];
    mpj_transfer note_leaving;
} worker;

/* Without MPI nothing can be told to anybody. */
static void need(const worker *w, int status, const mpijob_error *err)
{
    if (status == MPIJOB_EMPI)
        mpj_abort(w->comm, err);
}

/* A short message besides the replies; waits, for there are few. */
static void send_note(worker *w, uint32_t kind, const mpijob_error *content)
{
    mpijob_error err;
    bool left = false;
    uint64_t head = 0;
    mpj_backoff backoff = {0};
    memcpy(&head, &kind, sizeof kind);
    memcpy(w->note, &head, sizeof head);
    if (content)
        memcpy(w->note + sizeof head, content, sizeof *content);
    size_t bytes = sizeof head + (content ? sizeof *content : 0);
    need(w, mpj_transfer_send(&w->note_leaving, w->note, bytes, 0, MPJ_TAG_TO_SCHEDULER, w->comm, &err), &err);
    for (;;) {
        need(w, mpj_transfer_test(&w->note_leaving, &left, &err), &err);
        if (left)
            return;
        mpj_backoff_wait(&backoff);
    }
}

/* This rank cannot go on. It still answers every batch, with nothing executed, until it is told to end. */
static void give_up(worker *w, const char *what, unsigned long long bytes)
{
    mpijob_error err;
    w->handback = true;
    if (w->fatal_told)
        return;
    w->fatal_told = true;
    mpj_fail_memory(&err, what, bytes);
    err.rank = w->run->rank;
    send_note(w, MPJ_FATAL, &err);
}

static void note_stop_request(worker *w)
{
    if (w->stop_noted || !mpijob_stop_requested())
        return;
    w->stop_noted = true;
    send_note(w, MPJ_STOP_NOTE, NULL);
}

/* -- In -- */

/* Without memory for a batch it is answered with nothing executed, and its arguments are thrown away. */
static void refuse_batch(worker *w, letter *l)
{
    mpijob_error err;
    give_up(w, "the inputs of a batch", l->head.args_bytes);
    l->head.jobs = 0;
    if (l->head.args_follow)
        need(w, mpj_transfer_discard(l->head.args_bytes, 0, MPJ_TAG_ARGS, w->comm, &err), &err);
}

static void take_batch(worker *w, const unsigned char *message)
{
    mpijob_error err;
    letter *l = &w->inbox[(w->first + w->count++) % INBOX];
    memcpy(&l->head, message, sizeof l->head);
    size_t spans_bytes = l->head.span_count * sizeof(mpj_span);
    if (mpj_grow((void **)&l->spans, &l->spans_capacity, l->head.span_count, sizeof(mpj_span)) != 0 ||
        mpj_grow((void **)&l->args, &l->args_capacity, l->head.args_bytes, 1) != 0) {
        refuse_batch(w, l);
        return;
    }
    memcpy(l->spans, message + sizeof l->head, spans_bytes);
    if (!l->head.args_follow) {
        if (l->head.args_bytes > 0)
            memcpy(l->args, message + sizeof l->head + spans_bytes, l->head.args_bytes);
        return;
    }
    int status = mpj_transfer_receive(&l->coming, l->args, l->head.args_bytes, 0, MPJ_TAG_ARGS, w->comm, &err);
    need(w, status, &err);
    if (status != MPIJOB_OK)
        refuse_batch(w, l);
}

static void take_message(worker *w, const unsigned char *message)
{
    uint32_t kind;
    memcpy(&kind, message, sizeof kind);
    if (kind == MPJ_BATCH)
        take_batch(w, message);
    else if (kind == MPJ_HANDBACK)
        w->handback = true;
    else
        w->end = true;
}

/* Takes what is there; makes progress of what is on its way. Whether anything came. */
static bool poll(worker *w)
{
    _Alignas(16) unsigned char message[MPJ_MESSAGE_BYTES];
    bool any = false;
    mpijob_error err;
    for (;;) {
        int found = 0;
        MPI_Message handle;
        int code = MPI_Improbe(0, MPJ_TAG_TO_WORKER, w->comm, &found, &handle, MPI_STATUS_IGNORE);
        if (code == MPI_SUCCESS && !found)
            break;
        if (code == MPI_SUCCESS)
            code = MPI_Mrecv(message, MPJ_MESSAGE_BYTES, MPI_BYTE, &handle, MPI_STATUS_IGNORE);
        if (code != MPI_SUCCESS)
            need(w, mpj_fail_mpi(&err, code, "receiving"), &err);
        take_message(w, message);
        any = true;
    }
    note_stop_request(w);
    return any;
}

/* Whether the oldest letter's arguments are here too. */
static bool batch_is_here(worker *w)
{
    mpijob_error err;
    bool here = false;
    if (w->count == 0)
        return false;
    need(w, mpj_transfer_test(&w->inbox[w->first].coming, &here, &err), &err);
    return here;
}

/* -- Out -- */

static bool has_left(worker *w, desk *d)
{
    mpijob_error err;
    bool all = true;
    for (int i = 0; i <= MPJ_PARTS; i++) {
        bool left = false;
        need(w, mpj_transfer_test(&d->leaving[i], &left, &err), &err);
        all = all && left;
    }
    return all;
}

/* Sizes, failures, results, as the scheduler expects them: inside the message as far as there is room. */
static void send_reply(worker *w, desk *d, mpj_reply_head *head, const void *const parts[MPJ_PARTS],
                       const size_t bytes[MPJ_PARTS])
{
    mpijob_error err;
    size_t at = sizeof *head;
    for (unsigned i = 0; i < MPJ_PARTS; i++) {
        if (bytes[i] == 0)
            continue;
        if (bytes[i] > MPJ_MESSAGE_BYTES - at) {
            head->parts_follow |= 1u << i;
            continue;
        }
        memcpy(d->message + at, parts[i], bytes[i]);
        at += bytes[i];
    }
    memcpy(d->message, head, sizeof *head);
    need(w, mpj_transfer_send(&d->leaving[MPJ_PARTS], d->message, at, 0, MPJ_TAG_TO_SCHEDULER, w->comm, &err), &err);
    for (unsigned i = 0; i < MPJ_PARTS; i++) {
        if (!(head->parts_follow & 1u << i))
            continue;
        int status = mpj_transfer_send(&d->leaving[i], parts[i], bytes[i], 0, MPJ_TAG_RESULTS, w->comm, &err);
        if (status != MPIJOB_OK)
            mpj_abort(w->comm, &err); /* its head is sent: the scheduler waits for it */
    }
}

/* What of a batch goes back: sizes, failures, results. */
static void lay_out(const worker *w, const desk *d, const void *parts[MPJ_PARTS], size_t bytes[MPJ_PARTS])
{
    const mpj_work *work = &d->work;
    bool any_size = w->run->function->result_size == MPIJOB_ANY_SIZE;
    parts[MPJ_PART_SIZES] = work->sizes;
    bytes[MPJ_PART_SIZES] = any_size ? work->executed * sizeof *work->sizes : 0;
    parts[MPJ_PART_FAILURES] = work->failures.data;
    bytes[MPJ_PART_FAILURES] = work->failures.bytes;
    parts[MPJ_PART_SECONDS] = work->seconds;
    bytes[MPJ_PART_SECONDS] = w->run->kept ? work->executed * sizeof *work->seconds : 0;
    parts[MPJ_PART_ENTRIES] = work->entries.data;
    bytes[MPJ_PART_ENTRIES] = work->entries.bytes;
    parts[MPJ_PART_RESULTS] = any_size ? work->arena.data : d->results;
    bytes[MPJ_PART_RESULTS] = any_size ? work->arena.used : work->executed * w->run->function->result_size;
    if (!any_size && work->shelved > 0 && work->shelved + work->failures.count == work->executed)
        bytes[MPJ_PART_RESULTS] = 0;
}

/* Nothing may be lacking once the head of a reply is sent: the scheduler waits for the rest then. Without memory the
 * batch counts as not executed. */
static void prepare_reply(worker *w, desk *d)
{
    const void *parts[MPJ_PARTS];
    size_t bytes[MPJ_PARTS];
    lay_out(w, d, parts, bytes);
    int status = MPIJOB_OK;
    for (int i = 0; i < MPJ_PARTS && status == MPIJOB_OK; i++)
        status = mpj_transfer_prepare(&d->leaving[i], bytes[i], NULL);
    if (status == MPIJOB_OK)
        return;
    give_up(w, "sending large results", bytes[MPJ_PART_RESULTS]);
    d->work.executed = 0;
    d->work.arena.used = 0;
    d->work.failures.bytes = 0;
    d->work.failures.count = 0;
    d->work.entries.bytes = 0;
    d->work.shelved = 0;
}

static void reply(worker *w, desk *d, double gap_s)
{
    const mpj_work *work = &d->work;
    const void *parts[MPJ_PARTS];
    size_t bytes[MPJ_PARTS];
    prepare_reply(w, d);
    lay_out(w, d, parts, bytes);
    mpj_reply_head head = {.kind = MPJ_REPLY,
                           .id = work->id,
                           .executed = work->executed,
                           .failed = work->failures.count,
                           .results_bytes = bytes[MPJ_PART_RESULTS],
                           .failures_bytes = bytes[MPJ_PART_FAILURES],
                           .entries_bytes = bytes[MPJ_PART_ENTRIES],
                           .busy_s = work->busy_s,
                           .gap_s = gap_s};
    send_reply(w, d, &head, parts, bytes);
    w->bye.jobs += work->executed;
    w->bye.batches += work->executed > 0;
    w->bye.busy_s += work->busy_s;
}

/* -- A batch -- */

/* The oldest letter goes from the inbox to the desk; their memory changes places. */
static void open_letter(worker *w, desk *d)
{
    letter opened = w->inbox[w->first];
    w->inbox[w->first] = d->letter;
    d->letter = opened;
    w->first = (w->first + 1) % INBOX;
    w->count--;
    d->work.id = opened.head.id;
    d->work.spans = opened.spans;
    d->work.span_count = opened.head.span_count;
    d->work.jobs = opened.head.jobs;
    d->work.args = opened.head.args_bytes ? opened.args : NULL;
}

static int make_room(worker *w, desk *d)
{
    size_t size = w->run->function->result_size;
    d->work.results = NULL;
    if (size == 0 || size == MPIJOB_ANY_SIZE)
        return MPIJOB_OK;
    if (d->work.jobs > SIZE_MAX / size ||
        mpj_grow((void **)&d->results, &d->results_capacity, d->work.jobs * size, 1) != 0)
        return MPIJOB_ENOMEM;
    d->work.results = d->results;
    return MPIJOB_OK;
}

static void execute(worker *w, desk *d)
{
    double began = mpj_now();
    double gap_s = w->idle_since > 0 ? began - w->idle_since : -1;
    open_letter(w, d);
    if (mpj_work_begin(&w->executor, &d->work) != MPIJOB_OK || make_room(w, d) != MPIJOB_OK) {
        give_up(w, "the results of a batch", d->work.jobs * sizeof(uint64_t));
        d->work.ended = true;
    }
    mpj_asker_begin(w->asker, &d->work.entries);
    while (!d->work.ended && !w->handback) {
        if (mpj_work_slice(&w->executor, &d->work, SLICE_S) != MPIJOB_OK)
            give_up(w, "a result", d->work.arena.used);
        if (!d->work.ended)
            poll(w);
    }
    w->idle_since = mpj_now();
    reply(w, d, gap_s);
}

/* -- The loop -- */

/* Whether arguments or results are on their way: what is in the inbox is waited for because of them. */
static bool data_moves(worker *w)
{
    for (unsigned i = 0; i < DESKS; i++)
        if (!has_left(w, &w->desks[i]))
            return true;
    return w->count > 0;
}

static void wait_a_moment(worker *w, mpj_backoff *backoff)
{
    double began = mpj_now();
    data_moves(w) ? mpj_backoff_wait_briskly(backoff) : mpj_backoff_wait(backoff);
    w->bye.waiting_s += mpj_now() - began;
}

static desk *free_desk(worker *w)
{
    desk *d = &w->desks[w->next_desk];
    return has_left(w, d) ? d : NULL;
}

static void work(worker *w)
{
    mpj_backoff backoff = {0};
    while (!w->end || w->count > 0) {
        bool came = poll(w);
        desk *d = batch_is_here(w) ? free_desk(w) : NULL;
        if (d) {
            execute(w, d);
            w->next_desk = (w->next_desk + 1) % DESKS;
            mpj_backoff_reset(&backoff);
        } else if (came) {
            mpj_backoff_reset(&backoff);
        } else {
            wait_a_moment(w, &backoff);
        }
    }
}

static void say_goodbye(worker *w)
{
    mpj_backoff backoff = {0};
    mpijob_error err;
    mpj_transfer leaving = {0};
    bool left = false;
    w->bye.kind = MPJ_BYE;
    w->bye.scheduling_s = fmax(0, mpj_now() - w->run->began - w->bye.busy_s - w->bye.waiting_s);
    need(w, mpj_transfer_send(&leaving, &w->bye, sizeof w->bye, 0, MPJ_TAG_TO_SCHEDULER, w->comm, &err), &err);
    for (unsigned i = 0; i < DESKS;) {
        need(w, mpj_transfer_test(&leaving, &left, &err), &err);
        if (left && has_left(w, &w->desks[i]))
            i++;
        else
            mpj_backoff_wait_briskly(&backoff);
    }
}

static void free_letter(letter *l)
{
    mpj_free(l->spans);
    mpj_free(l->args);
}

static void close_worker(worker *w)
{
    for (unsigned i = 0; i < INBOX; i++)
        free_letter(&w->inbox[i]);
    for (unsigned i = 0; i < DESKS; i++) {
        free_letter(&w->desks[i].letter);
        mpj_work_free(&w->desks[i].work);
        mpj_free(w->desks[i].results);
    }
}

void mpj_work_for(mpj_run *run)
{
    worker w;
    memset(&w, 0, sizeof w);
    w.run = run;
    w.comm = run->link->comm;
    mpj_executor_open(&w.executor, run->function, &run->options, run->shown_rank);
    mpj_executor_keys(&w.executor, run->shared_digests, run->kept, run->options.shelve);
    w.asker = mpj_asker_open(w.comm);
    w.executor.own.run = mpj_asker_run(w.asker);
    work(&w);
    mpj_asker_close(w.asker);
    say_goodbye(&w);
    close_worker(&w);
}
