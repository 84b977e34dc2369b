/* Rank 0: the loop. */
#include "mpi/scheduler.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "mpi/agree.h"
#include "mpi/wire.h"

#include <mpijob/start.h>

#include <math.h>
#include <string.h>

void mpj_stop_run(mpj_scheduler *s, int status, const mpijob_error *err, bool broken)
{
    if (status != MPIJOB_OK && s->status == MPIJOB_OK) {
        s->status = status;
        s->error = *err;
        s->error.status = status;
        if (s->error.rank < 0)
            s->error.rank = s->run->shown_rank; /* noticed here */
    }
    if (status != MPIJOB_OK && status != MPIJOB_EJOB && status != MPIJOB_ECANCELED)
        s->handing_out = false;
    s->broken = s->broken || broken;
    mpj_plan_drain(s->plan);
    if (s->handback_sent)
        return;
    s->handback_sent = true;
    mpj_tell_all(s, MPJ_HANDBACK);
}

static void stop_on_request(mpj_scheduler *s)
{
    mpijob_error err;
    if (s->stopped || !mpijob_stop_requested() || mpj_plan_over(s->plan))
        return;
    s->stopped = true;
    mpj_fail(&err, MPIJOB_ECANCELED, "stopped on request");
    mpj_stop_run(s, MPIJOB_ECANCELED, &err, false);
}

/* Everything that needs no callback of the caller; with the lock. Returns how much was found to do. */
static int serve(mpj_scheduler *s)
{
    double began = mpj_now();
    int messages = s->alone ? 0 : mpj_receive(s);
    int completed = s->coming ? mpj_complete_arrivals(s) : 0;
    completed += mpj_looks_serve(s);
    completed += mpj_asked_serve(&s->asked);
    mpj_hand_out_silently(s);
    stop_on_request(s);
    mpj_draw_known(s);
    if (s->alone)
        return completed;
    messages += mpj_dispatch(s);
    mpijob_error err;
    int status = s->outbox.leaving ? mpj_outbox_test(&s->outbox, &err) : MPIJOB_OK;
    if (status != MPIJOB_OK)
        mpj_stop_run(s, status, &err, true);
    if (messages > 0)
        mpj_plan_message_cost(s->plan, (mpj_now() - began) / messages);
    return messages + completed;
}

static int serve_for_watchdog(void *payload)
{
    return serve(payload);
}

static bool is_over(const mpj_scheduler *s)
{
    if (s->own_active || s->coming)
        return false;
    return s->broken ? s->outstanding == 0 : mpj_plan_over(s->plan);
}

/* -- The loop -- */

static void execute_own_slice(mpj_scheduler *s)
{
    mpijob_error err;
    double before = s->own.busy_s;
    if (s->handback_sent)
        s->own.ended = true;
    int status = s->own.ended ? MPIJOB_OK : mpj_work_slice(&s->executor, &s->own, MPJ_LOOK_S);
    s->ranks[0].busy_s += s->own.busy_s - before;
    if (!s->own.ended)
        return;
    pthread_mutex_lock(&s->link->lock);
    if (status != MPIJOB_OK) {
        mpj_fail_memory(&err, "a result on rank 0", s->own.arena.used);
        err.rank = 0;
        mpj_stop_run(s, status, &err, false);
    }
    mpj_own_done(s);
    pthread_mutex_unlock(&s->link->lock);
}

static void tell_progress(mpj_scheduler *s)
{
    mpijob_progress news;
    if (!s->run->options.on_progress)
        return;
    pthread_mutex_lock(&s->link->lock);
    bool any = mpj_report_news(&s->report, &news);
    pthread_mutex_unlock(&s->link->lock);
    if (any)
        s->run->options.on_progress(&news, s->run->options.on_progress_payload);
}

static void run_jobs(mpj_scheduler *s)
{
    mpj_backoff backoff = {0};
    for (;;) {
        pthread_mutex_lock(&s->link->lock);
        int found = serve(s);
        bool over = is_over(s);
        if (!over)
            mpj_begin_own(s);
        bool own = s->own_active;
        bool data_moves = s->coming || s->outbox.leaving;
        s->link->watchdog.served_at = mpj_now();
        pthread_mutex_unlock(&s->link->lock);
        tell_progress(s);
        bool called = mpj_draw_from_generator(s);
        called = mpj_hand_out(s) || called;
        if (own) {
            execute_own_slice(s);
        } else if (over && !called) {
            return;
        } else if (!found && !called) {
            double began = mpj_now();
            data_moves ? mpj_backoff_wait_briskly(&backoff) : mpj_backoff_wait(&backoff);
            s->ranks[0].waiting_s += mpj_now() - began;
            continue;
        }
        mpj_backoff_reset(&backoff);
    }
}

/* Every rank answers MPJ_END with MPJ_BYE, its last message: after that none is on its way. Ranks that n_jobs leaves out
 * are workers without batches: they sleep, and can ask for a stop like the others. */
static void dismiss_workers(mpj_scheduler *s)
{
    mpj_backoff backoff = {0};
    mpijob_error err;
    if (s->alone)
        return;
    mpj_asked_give_up(&s->asked);
    mpj_tell_all(s, MPJ_END);
    while (s->byes + 1 < (size_t)s->link->size || s->outbox.leaving || mpj_asked_is_leaving(&s->asked)) {
        int found = mpj_receive(s);
        int status = mpj_outbox_test(&s->outbox, &err);
        if (status != MPIJOB_OK)
            mpj_abort(s->link->comm, &err);
        if (found) {
            mpj_backoff_reset(&backoff);
            continue;
        }
        double began = mpj_now();
        mpj_backoff_wait(&backoff);
        s->ranks[0].waiting_s += mpj_now() - began;
    }
}

/* -- Beginning and end -- */

static mpj_plan *make_plan(const mpj_scheduler *s)
{
    const mpj_run *run = s->run;
    const mpijob_parallel_options *o = &run->options;
    bool consumes = o->return_as != MPIJOB_LIST || o->reduce;
    mpj_plan_config config = {
        .workers = (uint32_t)run->used,
        .total = run->inputs.count,
        .window = run->window,
        .batch_size = o->batch_size,
        .max_batch = o->max_batch_size,
        .batch_bytes = MPJ_BATCH_BYTES,
        .args_bytes = run->function->args_size,
        .result_bytes = run->function->result_size == MPIJOB_ANY_SIZE ? MPJ_UNKNOWN : run->function->result_size,
        .look_ahead = s->looks.on ? mpj_looks_ahead(run) : 0,
        .unread_bytes = consumes ? MPJ_UNREAD_BYTES : 0,
        .stop_on_failure = o->on_error == MPIJOB_STOP,
        .ordered = consumes && o->return_as != MPIJOB_GENERATOR_UNORDERED,
        .costs = run->inputs.costs || run->inputs.next,
        .own_works = o->rank0 != MPIJOB_RANK0_SCHEDULES,
        .helper = s->helped,
        .may_dedicate = o->rank0 == MPIJOB_RANK0_AUTO,
        .own_limit_s = MPJ_OWN_LIMIT_S,
    };
    return mpj_plan_new(&config);
}

/* The helper thread calls MPI while the main thread is in a job: MPI must allow that, also when jobs call it. */
static bool may_be_helped(const mpj_run *run)
{
    int needed = run->options.jobs_call_mpi ? MPI_THREAD_MULTIPLE : MPI_THREAD_SERIALIZED;
    return run->used > 1 && run->link->thread_level >= needed && run->options.rank0 != MPIJOB_RANK0_SCHEDULES;
}

static int open_scheduler(mpj_scheduler *s, mpj_run *run)
{
    mpijob_error *err = &s->error;
    memset(s, 0, sizeof *s);
    s->run = run;
    s->link = run->link;
    s->alone = run->link->size == 1;
    s->handing_out = true;
    s->outbox.comm = run->link->comm;
    s->asked.comm = run->link->comm;
    s->args.size = run->inputs.next ? run->function->args_size : 0;
    s->ranks = mpj_calloc((size_t)run->used, sizeof *s->ranks);
    s->helped = may_be_helped(run);
    int status = mpj_looks_open(s, err);
    if (status != MPIJOB_OK)
        return status;
    s->plan = s->ranks ? make_plan(s) : NULL;
    if (!s->plan)
        return mpj_fail_memory(err, "the schedule of the ranks", (unsigned long long)run->used * sizeof *s->ranks);
    mpj_executor_open(&s->executor, run->function, &run->options, run->shown_rank);
    mpj_executor_keys(&s->executor, run->shared_digests, run->kept, run->options.shelve);
    s->asker = run->keyed ? mpj_asker_open(MPI_COMM_NULL) : NULL;
    s->executor.own.run = mpj_asker_run(s->asker);
    mpj_report_start(&s->report, run);
    return MPIJOB_OK;
}

static void begin_watch(mpj_scheduler *s)
{
    if (!s->helped)
        return;
    pthread_mutex_lock(&s->link->lock);
    int failed = mpj_watchdog_watch(&s->link->watchdog, &s->link->lock, serve_for_watchdog, s);
    pthread_mutex_unlock(&s->link->lock);
    if (failed)
        mpj_run_warn(s->run, "no thread could be started on rank 0: while a long job runs there, the other ranks may "
                             "have to wait");
}

static void end_watch(mpj_scheduler *s)
{
    if (!s->helped)
        return;
    pthread_mutex_lock(&s->link->lock);
    mpj_watchdog_rest(&s->link->watchdog);
    pthread_mutex_unlock(&s->link->lock);
}

static void sum_up(mpj_scheduler *s, const mpj_plan_counts *counts, double wall_s)
{
    mpijob_stats *sum = &s->stats;
    double most_busy = 0;
    mpijob_rank_stats *own = &s->ranks[0];
    own->scheduling_s = fmax(0, mpj_now() - s->run->began - own->busy_s - own->waiting_s);
    sum->jobs = counts->done;
    sum->failed = counts->failed;
    sum->hits = s->looks.found;
    sum->duplicates = s->looks.duplicates;
    sum->computed = counts->done - counts->found;
    sum->seconds_saved = s->looks.saved_s;
    sum->left =
        s->run->inputs.count == MPIJOB_UNKNOWN ? counts->drawn - counts->done : s->run->inputs.count - counts->done;
    sum->batches = counts->batches;
    sum->wall_s = wall_s;
    sum->ranks_total = (uint32_t)s->link->size;
    sum->ranks_used = (uint32_t)s->run->used;
    for (int i = 0; i < s->run->used; i++) {
        sum->busy_s += s->ranks[i].busy_s;
        sum->waiting_s += s->ranks[i].waiting_s;
        sum->scheduling_s += s->ranks[i].scheduling_s;
        most_busy = s->ranks[i].busy_s > most_busy ? s->ranks[i].busy_s : most_busy;
    }
    sum->imbalance = sum->busy_s > 0 ? most_busy * s->run->used / sum->busy_s : 0;
}

static void give_stats(mpj_scheduler *s)
{
    mpijob_stats *out = s->run->options.stats;
    if (out) {
        s->stats.ranks = out->ranks;
        s->stats.ranks_capacity = out->ranks_capacity;
        size_t count = (size_t)s->run->used < out->ranks_capacity ? (size_t)s->run->used : out->ranks_capacity;
        if (out->ranks)
            memcpy(out->ranks, s->ranks, count * sizeof *s->ranks);
        *out = s->stats;
    }
    if (s->run->options.print_stats) {
        s->stats.ranks = s->ranks;
        s->stats.ranks_capacity = (size_t)s->run->used;
        mpijob_stats_print(s->run->options.verbose < 50 ? stderr : stdout, &s->stats);
    }
}

/* Whether no job is left, of those drawn and of those that the input would still have given. */
static bool all_done(const mpj_scheduler *s, const mpj_plan_counts *counts)
{
    bool all_drawn = s->run->inputs.next ? s->generator_ended : counts->drawn == s->run->inputs.count;
    return all_drawn && counts->done == counts->drawn;
}

/* A failed job that the others survived gives way to what ended the run. */
static void settle_status(mpj_scheduler *s, const mpj_plan_counts *counts)
{
    if (s->status == MPIJOB_ECANCELED && all_done(s, counts))
        s->status = MPIJOB_OK; /* the request came when everything was done */
    if (s->status == MPIJOB_OK && s->survived && !s->enough) {
        s->status = MPIJOB_EJOB;
        s->error = s->failure;
    }
}

static void describe_stop(mpj_scheduler *s, const mpj_plan_counts *counts)
{
    if (s->status != MPIJOB_ECANCELED)
        return;
    if (s->run->inputs.count == MPIJOB_UNKNOWN)
        mpj_fail(&s->error, MPIJOB_ECANCELED, "stopped on request after %llu jobs; the input may have more",
                 (unsigned long long)counts->done);
    else
        mpj_fail(&s->error, MPIJOB_ECANCELED, "stopped on request: %llu of %llu jobs were not run",
                 (unsigned long long)(s->run->inputs.count - counts->done), (unsigned long long)s->run->inputs.count);
    s->error.rank = 0;
}

static void close_scheduler(mpj_scheduler *s)
{
    void *left;
    mpj_release release;
    while (s->plan && mpj_plan_release(s->plan, &release) == 1)
        if (release.last)
            mpj_arrival_free(s, release.results);
    while (s->plan && mpj_plan_abandoned(s->plan, &left) == 1)
        mpj_arrival_free(s, left);
    mpj_looks_free(&s->looks);
    mpj_plan_free(s->plan);
    mpj_outbox_free(&s->outbox);
    mpj_buffers_free(&s->buffers);
    if (!s->own.results_by_index)
        mpj_free(s->own.results);
    mpj_work_free(&s->own);
    mpj_asker_close(s->asker);
    mpj_free(s->own_args);
    mpj_pages_free(&s->args);
    mpj_free(s->ranks);
}

/* Without memory for a schedule the workers are still waiting for a word. They may have sent notes before their last
 * message. */
static void dismiss_without_schedule(mpj_run *run)
{
    mpj_batch_head head = {.kind = MPJ_END};
    mpijob_error err;
    for (int to = 1; to < run->link->size; to++) {
        unsigned char message[MPJ_MESSAGE_BYTES];
        uint32_t kind = 0;
        int code = MPI_Send(&head, sizeof head, MPI_BYTE, to, MPJ_TAG_TO_WORKER, run->link->comm);
        while (code == MPI_SUCCESS && kind != MPJ_BYE) {
            code = MPI_Recv(message, sizeof message, MPI_BYTE, to, MPJ_TAG_TO_SCHEDULER, run->link->comm,
                            MPI_STATUS_IGNORE);
            memcpy(&kind, message, sizeof kind);
        }
        if (code != MPI_SUCCESS) {
            mpj_fail_mpi(&err, code, "dismissing the workers");
            mpj_abort(run->link->comm, &err);
        }
    }
}

static void init_outputs(const mpj_run *run)
{
    const mpijob_parallel_options *o = &run->options;
    if (o->statuses)
        memset(o->statuses, MPIJOB_ECANCELED, run->inputs.count);
    if (o->failures_count)
        *o->failures_count = 0;
}

/* The location of a run, and those of calls inside jobs: together they get a moment. */
static void finish_storing(mpj_scheduler *s)
{
    double until = mpj_now() + MPJ_FLUSH_S;
    mpj_looks_finish(s, MPJ_FLUSH_S);
    mpj_asked_close(&s->asked, fmax(0, until - mpj_now()));
    s->stats.messages += s->asked.sent;
    uint64_t lost = s->looks.storing.lost + s->asked.lost;
    if (lost > 0)
        mpj_run_warn(
            s->run,
            "%llu results were computed and not stored: the location of Memory took them too slowly, so that 64 MiB "
            "of them waited, or there was no memory for them",
            (unsigned long long)lost);
}

void mpj_schedule(mpj_run *run, mpj_ending *ending)
{
    mpj_scheduler s;
    init_outputs(run);
    int status = open_scheduler(&s, run);
    if (status != MPIJOB_OK) {
        dismiss_without_schedule(run);
        s.error.rank = 0;
        *ending = (mpj_ending){.status = status, .error = s.error};
        mpj_looks_finish(&s, 0);
        mpj_looks_free(&s.looks);
        mpj_plan_free(s.plan);
        mpj_free(s.ranks);
        return;
    }
    begin_watch(&s);
    run_jobs(&s);
    end_watch(&s);
    double wall_s = mpj_now() - run->began;
    dismiss_workers(&s);
    finish_storing(&s);
    mpj_plan_counts counts;
    mpj_plan_count(s.plan, &counts);
    settle_status(&s, &counts);
    describe_stop(&s, &counts);
    mpj_report_end(&s.report, &counts, counts.done == run->inputs.count || !mpj_plan_draining(s.plan));
    sum_up(&s, &counts, wall_s);
    give_stats(&s);
    bool spread = s.status == MPIJOB_OK || s.status == MPIJOB_EJOB || s.status == MPIJOB_ECANCELED;
    *ending = (mpj_ending){.status = s.status, .spread = spread, .wall_s = wall_s, .error = s.error};
    ending->stop_requested = mpijob_stop_requested();
    close_scheduler(&s);
}
