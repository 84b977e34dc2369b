/* Discrete-event simulation of a run with up to millions of workers, driven by sched/plan.h: the code that ships.
 *
 * Rank 0 only schedules. It is a server that needs `message` seconds for each message received or sent, and takes turns
 * between the two; a message is under way for `latency` seconds. A worker computes the batch in hand, answers, goes on
 * with the batch ahead if it has come, and waits otherwise. Job lengths are fixed or log-normal.
 *
 * Prints CSV, a line for each combination of the values given. The three losses are shares of all workers' time, and
 * with the efficiency they make 1: before a worker's first batch, between its batches, and after its last one. */
#include "sched/plan.h"

#include <getopt.h>
#include <math.h>
#include <mpijob/error.h>
#include <mpijob/random.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VALUES_MAX 16

typedef struct values {
    double value[VALUES_MAX];
    size_t count;
} values;

typedef struct setup {
    uint32_t workers;
    double job_s, sigma, jobs_a_worker, message_s, latency_s;
    uint64_t batch_size, jobs;
    bool costs;
} setup;

typedef struct held {
    uint64_t id, jobs;
    double seconds;
} held;

typedef struct worker {
    held hand, ahead; /* id 0 and jobs 0: none */
    double free_since;
    double started; /* first batch; < 0: not yet */
    double gap_s;   /* before the batch in hand */
} worker;

/* A message under way: to a worker (with a batch), or to rank 0 (an answer). */
typedef struct message {
    double at;
    uint32_t worker;
    held batch;
    double gap_s;
} message;

typedef struct queue {
    message *ring;
    size_t capacity, first, count;
} queue;

typedef struct finish {
    double at;
    uint32_t worker;
} finish;

typedef struct simulation {
    setup set;
    mpj_plan *plan;
    worker *workers;
    finish *heap;
    size_t heap_count;
    queue to_workers, to_server;
    double now, server_free, server_busy;
    double busy_s, between_s;
    uint64_t messages;
    bool receive_next; /* the server's turn, when both are possible */
    bool nothing_to_send;
} simulation;

static void *need(void *block)
{
    if (!block) {
        fprintf(stderr, "simulate: out of memory\n");
        exit(1);
    }
    return block;
}

static void check(int status, const char *what)
{
    if (status < 0) {
        fprintf(stderr, "simulate: %s: %s\n", what, mpijob_strerror(status));
        exit(1);
    }
}

/* ---- Queues: latency is the same for all, so messages arrive in the order in which they were sent ---- */

static void queue_put(queue *q, message m)
{
    if (q->count == q->capacity) {
        size_t capacity = q->capacity ? 2 * q->capacity : 1024;
        message *ring = need(malloc(capacity * sizeof *ring));
        for (size_t i = 0; i < q->count; i++) {
            ring[i] = q->ring[(q->first + i) % q->capacity];
        }
        free(q->ring);
        q->ring = ring;
        q->first = 0;
        q->capacity = capacity;
    }
    q->ring[(q->first + q->count++) % q->capacity] = m;
}

static message queue_take(queue *q)
{
    message m = q->ring[q->first];
    q->first = (q->first + 1) % q->capacity;
    q->count--;
    return m;
}

static double queue_next(const queue *q)
{
    return q->count ? q->ring[q->first].at : INFINITY;
}

/* ---- The heap: when workers finish ---- */

static void heap_put(simulation *s, finish f)
{
    size_t i = s->heap_count++;
    for (; i > 0 && s->heap[(i - 1) / 2].at > f.at; i = (i - 1) / 2) {
        s->heap[i] = s->heap[(i - 1) / 2];
    }
    s->heap[i] = f;
}

static finish heap_take(simulation *s)
{
    finish top = s->heap[0];
    finish last = s->heap[--s->heap_count];
    size_t i = 0;
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= s->heap_count) {
            break;
        }
        if (child + 1 < s->heap_count && s->heap[child + 1].at < s->heap[child].at) {
            child++;
        }
        if (s->heap[child].at >= last.at) {
            break;
        }
        s->heap[i] = s->heap[child];
        i = child;
    }
    s->heap[i] = last;
    return top;
}

/* ---- Workers ---- */

static double job_seconds(const setup *set, uint64_t index)
{
    if (set->sigma == 0) {
        return set->job_s;
    }
    mpijob_random random;
    mpijob_random_init(&random, 1, index);
    return set->job_s * exp(set->sigma * mpijob_random_normal(&random) - set->sigma * set->sigma / 2);
}

static double batch_seconds(const setup *set, const mpj_batch *batch)
{
    if (set->sigma == 0) {
        return (double)batch->jobs * set->job_s;
    }
    double sum = 0;
    for (uint32_t i = 0; i < batch->span_count; i++) {
        for (uint64_t j = 0; j < batch->spans[i].count; j++) {
            sum += job_seconds(set, batch->spans[i].first + j);
        }
    }
    return sum;
}

static void worker_begin(simulation *s, uint32_t index, held batch)
{
    worker *w = &s->workers[index];
    w->hand = batch;
    w->gap_s = w->started < 0 ? -1 : s->now - w->free_since;
    if (w->started < 0) {
        w->started = s->now;
    } else {
        s->between_s += w->gap_s;
    }
    heap_put(s, (finish){s->now + batch.seconds, index});
}

static void worker_gets(simulation *s)
{
    message m = queue_take(&s->to_workers);
    worker *w = &s->workers[m.worker];
    if (w->hand.jobs == 0) {
        worker_begin(s, m.worker, m.batch);
    } else if (w->ahead.jobs == 0) {
        w->ahead = m.batch;
    } else {
        check(MPIJOB_EINTERNAL, "a worker got a third batch");
    }
}

static void worker_finishes(simulation *s)
{
    uint32_t index = heap_take(s).worker;
    worker *w = &s->workers[index];
    s->busy_s += w->hand.seconds;
    queue_put(&s->to_server, (message){s->now + s->set.latency_s, index, w->hand, w->gap_s});
    w->free_since = s->now;
    w->hand = (held){0};
    if (w->ahead.jobs) {
        held next = w->ahead;
        w->ahead = (held){0};
        worker_begin(s, index, next);
    }
}

/* ---- Rank 0 ---- */

static void server_spends_a_message(simulation *s)
{
    s->messages++;
    s->server_busy += s->set.message_s;
    s->server_free = s->now + s->set.message_s;
    mpj_plan_message_cost(s->plan, s->set.message_s);
}

static void server_receives(simulation *s)
{
    message m = queue_take(&s->to_server);
    server_spends_a_message(s);
    check(mpj_plan_answered(s->plan, m.batch.id, m.batch.jobs, m.batch.seconds, m.gap_s), "answered");
    mpj_outcome outcome = {.id = m.batch.id, .executed = m.batch.jobs, .result_bytes = 8 * m.batch.jobs};
    check(mpj_plan_done(s->plan, &outcome), "done");
    mpj_release release;
    while (mpj_plan_release(s->plan, &release)) {
    }
    s->nothing_to_send = false;
}

static bool server_sends(simulation *s)
{
    mpj_batch batch;
    int some = mpj_plan_next(s->plan, &batch);
    check(some, "next");
    if (!some) {
        s->nothing_to_send = true;
        return false;
    }
    server_spends_a_message(s);
    held h = {batch.id, batch.jobs, batch_seconds(&s->set, &batch)};
    queue_put(&s->to_workers, (message){s->server_free + s->set.latency_s, batch.worker, h, 0});
    return true;
}

/* One message, in or out, at s->now. */
static void server_acts(simulation *s)
{
    bool waiting = queue_next(&s->to_server) <= s->now;
    if (!(waiting && s->receive_next) && !s->nothing_to_send && server_sends(s)) {
        s->receive_next = true;
        return;
    }
    if (waiting) {
        server_receives(s);
        s->receive_next = false;
    }
}

static double server_next(const simulation *s)
{
    double due = s->nothing_to_send ? queue_next(&s->to_server) : s->now;
    return fmax(due, s->server_free);
}

/* ---- A run ---- */

static void draw_all(simulation *s)
{
    double *costs = NULL;
    if (s->set.costs) {
        costs = need(malloc(s->set.jobs * sizeof *costs));
        for (uint64_t i = 0; i < s->set.jobs; i++) {
            costs[i] = job_seconds(&s->set, i);
        }
    }
    check(mpj_plan_drawn(s->plan, s->set.jobs, costs), "drawn");
    free(costs);
}

/* Returns when the last answer has been served. */
static void play(simulation *s)
{
    while (!mpj_plan_over(s->plan)) {
        double server = server_next(s);
        double arrival = queue_next(&s->to_workers);
        double finished = s->heap_count ? s->heap[0].at : INFINITY;
        s->now = fmin(server, fmin(arrival, finished));
        if (isinf(s->now)) {
            check(MPIJOB_EINTERNAL, "the run does not end");
        }
        if (finished <= s->now) {
            worker_finishes(s);
        } else if (arrival <= s->now) {
            worker_gets(s);
        } else {
            server_acts(s);
        }
    }
    s->now = s->server_free;
}

static void start(simulation *s, const setup *set)
{
    *s = (simulation){.set = *set};
    mpj_plan_config config = {
        .workers = set->workers + 1, /* worker 0, rank 0's own, executes nothing here */
        .total = set->jobs,
        .window = MPJ_UNKNOWN,
        .batch_size = set->batch_size,
        .result_bytes = 8,
        .costs = set->costs,
        .own_limit_s = 1e-4,
    };
    s->plan = need(mpj_plan_new(&config));
    s->workers = need(calloc(config.workers, sizeof *s->workers));
    s->heap = need(malloc(config.workers * sizeof *s->heap));
    for (uint32_t i = 0; i < config.workers; i++) {
        s->workers[i].started = -1;
    }
    draw_all(s);
}

static void end(simulation *s)
{
    mpj_plan_free(s->plan);
    free(s->workers);
    free(s->heap);
    free(s->to_workers.ring);
    free(s->to_server.ring);
}

static void report(const simulation *s)
{
    double all = s->now * s->set.workers;
    double before = 0, after = 0;
    for (uint32_t i = 1; i <= s->set.workers; i++) {
        const worker *w = &s->workers[i];
        before += w->started < 0 ? s->now : w->started;
        after += w->started < 0 ? 0 : s->now - w->free_since;
    }
    mpj_plan_counts counts;
    mpj_plan_count(s->plan, &counts);
    printf("%u,%g,%g,%g,%g,%g,%d,%llu,%llu,%llu,%.6g,%.6g,%.4f,%.4f,%.4f,%.4f,%.4f\n", s->set.workers, s->set.job_s,
           s->set.sigma, s->set.jobs_a_worker, s->set.message_s, s->set.latency_s, s->set.costs,
           (unsigned long long)counts.done, (unsigned long long)counts.batches, (unsigned long long)s->messages,
           s->busy_s / s->set.workers, s->now, s->busy_s / all, before / all, s->between_s / all, after / all,
           s->server_busy / s->now);
    fflush(stdout);
}

static void simulate(const setup *set)
{
    simulation s;
    start(&s, set);
    play(&s);
    report(&s);
    end(&s);
}

/* ---- Command line ---- */

static const char usage[] = "usage: simulate [OPTION VALUE[,VALUE...]]...\n"
                            "  --workers N          workers besides rank 0 (1000)\n"
                            "  --job SECONDS        mean length of a job (1)\n"
                            "  --sigma X            log-normal lengths with this sigma; 0: all alike (0)\n"
                            "  --jobs-a-worker X    jobs in all, divided by the workers (10)\n"
                            "  --message SECONDS    what rank 0 needs for a message in or out (1e-6)\n"
                            "  --latency SECONDS    how long a message is under way (5e-6)\n"
                            "  --batch N            fixed batch size; 0: automatic (0)\n"
                            "  --costs 0|1          give the jobs' lengths as costs (0)\n";

enum {
    WORKERS,
    JOB,
    SIGMA,
    JOBS_A_WORKER,
    MESSAGE,
    LATENCY,
    BATCH,
    COSTS,
    OPTIONS
};

static void fail_usage(const char *text)
{
    fprintf(stderr, "simulate: %s\n%s", text, usage);
    exit(2);
}

static void parse_values(values *out, const char *text, double least)
{
    out->count = 0;
    while (*text) {
        char *rest;
        double value = strtod(text, &rest);
        if (rest == text || (*rest && *rest != ',') || !(value >= least) || isinf(value) || out->count == VALUES_MAX) {
            fail_usage("values are numbers with commas between, 16 at most, not negative (workers: at least 1)");
        }
        out->value[out->count++] = value;
        text = *rest ? rest + 1 : rest;
    }
    if (out->count == 0) {
        fail_usage("an option has no value");
    }
}

static void parse(values v[OPTIONS], int argc, char **argv)
{
    static const struct option options[] = {
        {"workers", required_argument, NULL, WORKERS},
        {"job", required_argument, NULL, JOB},
        {"sigma", required_argument, NULL, SIGMA},
        {"jobs-a-worker", required_argument, NULL, JOBS_A_WORKER},
        {"message", required_argument, NULL, MESSAGE},
        {"latency", required_argument, NULL, LATENCY},
        {"batch", required_argument, NULL, BATCH},
        {"costs", required_argument, NULL, COSTS},
        {NULL, 0, NULL, 0},
    };
    static const char *const defaults[OPTIONS] = {"1000", "1", "0", "10", "1e-6", "5e-6", "0", "0"};
    for (int i = 0; i < OPTIONS; i++) {
        parse_values(&v[i], defaults[i], 0);
    }
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option < 0 || option >= OPTIONS) {
            fail_usage("unknown option");
        }
        parse_values(&v[option], optarg, option == WORKERS ? 1 : 0);
    }
    if (optind != argc) {
        fail_usage("unexpected argument");
    }
}

int main(int argc, char **argv)
{
    values v[OPTIONS];
    parse(v, argc, argv);
    size_t combinations = 1;
    for (int i = 0; i < OPTIONS; i++) {
        combinations *= v[i].count;
    }
    printf("workers,job_s,sigma,jobs_a_worker,message_s,latency_s,costs,jobs,batches,messages,ideal_s,makespan_s,"
           "efficiency,lost_before,lost_between,lost_after,rank0_busy\n");
    for (size_t c = 0; c < combinations; c++) {
        double pick[OPTIONS];
        size_t rest = c;
        for (int i = OPTIONS - 1; i >= 0; i--) {
            pick[i] = v[i].value[rest % v[i].count];
            rest /= v[i].count;
        }
        setup set = {
            .workers = (uint32_t)pick[WORKERS],
            .job_s = pick[JOB],
            .sigma = pick[SIGMA],
            .jobs_a_worker = pick[JOBS_A_WORKER],
            .message_s = pick[MESSAGE],
            .latency_s = pick[LATENCY],
            .batch_size = (uint64_t)pick[BATCH],
            .costs = pick[COSTS] != 0,
            .jobs = (uint64_t)llround(pick[WORKERS] * pick[JOBS_A_WORKER]),
        };
        simulate(&set);
    }
    return 0;
}
