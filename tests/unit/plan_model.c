#include "plan_model.h"

#include "base/alloc.h"
#include "sched/inflight.h"
#include "sched/plan.h"

#include <math.h>
#include <mpijob/error.h>
#include <stdlib.h>
#include <string.h>

#define MOST_WORKERS 64
#define MOST_LIVE 4096 /* batches that are out */

enum job_state { UNDRAWN, ASKED, WAITING, OUT, DONE, FAILED };

typedef struct job {
    enum job_state state;
    uint32_t failures;
    bool released;
    double cost;
} job;

/* A batch as the model knows it; also what the caller's handle points to. */
typedef struct parcel {
    uint64_t id;
    uint32_t worker;
    uint64_t jobs;
    uint64_t *index; /* at each position */
    uint64_t executed;
    uint64_t bytes;
    uint64_t unreleased; /* while kept */
    bool answered;
    struct parcel *next_made;
} parcel;

typedef struct model {
    uint64_t random;
    mpj_plan_config config;
    mpj_plan *plan;
    uint64_t total; /* really there */
    job *jobs;
    parcel *made; /* all, to be freed */
    parcel *live[MOST_LIVE];
    size_t live_count;
    bool lost[MOST_WORKERS];
    uint32_t alive;
    mpj_plan_counts expected;
    uint64_t next; /* ordered */
    uint64_t nameless; /* jobs of lost batches that will be released without a handle */
    bool exhausted;
    bool draining;
    double job_s, failure_rate, partial_rate, loss_rate, drain_rate, found_rate;
    const char *wrong;
    plan_model_coverage *coverage;
} model;

#define REQUIRE(m, condition, text)                                                                                    \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            (m)->wrong = (m)->wrong ? (m)->wrong : (text);                                                             \
            return;                                                                                                    \
        }                                                                                                              \
    } while (0)

static uint64_t draw(model *m)
{
    uint64_t z = m->random += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return z ^ z >> 31;
}

static uint64_t below(model *m, uint64_t bound)
{
    return bound ? draw(m) % bound : 0;
}

static double uniform(model *m)
{
    return (double)(draw(m) >> 11) * 0x1p-53;
}

static bool chance(model *m, double probability)
{
    return uniform(m) < probability;
}

static uint64_t one_of(model *m, const uint64_t *list, size_t count)
{
    return list[below(m, count)];
}

#define ONE_OF(m, ...)                                                                                                 \
    one_of((m), (const uint64_t[]){__VA_ARGS__}, sizeof((const uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t))

/* -- What kind of run -- */

static void choose_config(model *m)
{
    mpj_plan_config *c = &m->config;
    c->workers = (uint32_t)(chance(m, 0.5) ? 1 + below(m, 4) : 1 + below(m, MOST_WORKERS));
    m->total = ONE_OF(m, 0, 1, below(m, 20), below(m, 60), below(m, 60), below(m, 300));
    if (chance(m, 0.02))
        m->total = below(m, 4000);
    c->total = chance(m, 0.7) ? m->total : MPJ_UNKNOWN;
    if (c->total != MPJ_UNKNOWN && chance(m, 0.05))
        c->total += below(m, 10); /* more announced than come */
    c->window = ONE_OF(m, MPJ_UNKNOWN, MPJ_UNKNOWN, 0, 1, 1 + below(m, 6), 2 * c->workers, 1 + below(m, 200));
    c->batch_size = ONE_OF(m, 0, 0, 0, 1, 1 + below(m, 9), MPJ_UNKNOWN / 3);
    c->max_batch = ONE_OF(m, 0, 0, 1, 1 + below(m, 20));
    c->batch_bytes = ONE_OF(m, 0, 65536, 100);
    c->args_bytes = ONE_OF(m, 0, 8, 200);
    c->result_bytes = ONE_OF(m, 0, 8, MPJ_UNKNOWN);
    c->unread_bytes = ONE_OF(m, 0, 0, 1, 1 + below(m, 500));
    c->max_attempts = (uint32_t)below(m, 5);
    c->stop_on_failure = chance(m, 0.3);
    c->ordered = chance(m, 0.6);
    c->costs = chance(m, 0.5);
    c->own_works = chance(m, 0.7);
    c->helper = chance(m, 0.4);
    c->may_dedicate = chance(m, 0.5);
    c->own_limit_s = chance(m, 0.8) ? 1e-4 : 0;
    c->look_ahead = chance(m, 0.3) ? 1 + below(m, 60) : 0;
}

static void choose_behaviour(model *m)
{
    static const double seconds[] = {0, 1e-9, 1e-6, 1e-4, 0.02, 2};
    static const double rates[] = {0, 0, 0.02, 0.3, 1};
    m->job_s = seconds[below(m, 6)];
    m->failure_rate = rates[below(m, 5)];
    m->partial_rate = rates[below(m, 4)];
    m->loss_rate = chance(m, 0.3) ? 0.02 : 0;
    m->drain_rate = chance(m, 0.2) ? 0.02 : 0;
    m->found_rate = rates[below(m, 5)];
}

static double choose_cost(model *m, uint64_t kind)
{
    switch (kind) {
    case 0:
        return 0;
    case 1:
        return 3;
    case 2:
        return (double)below(m, 3);
    case 3:
        return uniform(m);
    default:
        return pow(10, (double)below(m, 60) - 30);
    }
}

static void choose_costs(model *m)
{
    uint64_t kind = below(m, 5);
    /* Costs of jobs that are looked up may become known on the way: until then they are 1. */
    uint64_t known_from = m->config.costs ? 0 : m->config.look_ahead && chance(m, 0.5) ? below(m, m->total + 1) : m->total;
    for (uint64_t i = 0; i < m->total; i++)
        m->jobs[i].cost = i >= known_from ? choose_cost(m, kind) : 1;
}

/* -- Errors on purpose: an event that cannot be, or that found no memory, must leave everything as it was -- */

static bool books_agree(model *m)
{
    mpj_plan_counts is;
    const char *what = NULL;
    mpj_plan_count(m->plan, &is);
    const mpj_plan_counts *e = &m->expected;
    if (!mpj_plan_check(m->plan, &what))
        m->wrong = what ? what : "the check fails without saying why";
    else if (is.drawn != e->drawn || is.asked != e->asked || is.found != e->found || is.waiting != e->waiting || is.out != e->out || is.done != e->done ||
             is.failed != e->failed || is.released != e->released || is.batches != e->batches)
        m->wrong = "the counts are not those of the events";
    else if (is.unread_bytes != e->unread_bytes)
        m->wrong = "unread bytes are miscounted";
    else if (is.busy_workers != e->busy_workers)
        m->wrong = "busy workers are miscounted";
    else if (fabs(is.cost_done - e->cost_done) > 1e-9 * e->cost_done || is.cost_done > is.cost_drawn * (1 + 1e-9))
        m->wrong = "the costs of what is done do not add up";
    else if (m->config.window && e->drawn - e->released > m->config.window)
        m->wrong = "the window is exceeded";
    else if (mpj_plan_draining(m->plan) != m->draining)
        m->wrong = "it drains, or does not, against the events";
    return !m->wrong;
}

static bool no_memory(model *m, int status)
{
    if (status != MPIJOB_ENOMEM)
        return false;
    m->coverage->out_of_memory++;
    return books_agree(m);
}

static void impossible(model *m)
{
    uint64_t id = 12345;
    uint64_t failed[2] = {0, 0};
    const parcel *p = m->live_count ? m->live[below(m, m->live_count)] : NULL;
    mpj_outcome outcome = {.id = id};
    REQUIRE(m, mpj_plan_answered(m->plan, id, 0, 0, 0) == MPIJOB_EINTERNAL, "an unknown batch is answered");
    REQUIRE(m, mpj_plan_done(m->plan, &outcome) == MPIJOB_EINTERNAL, "an unknown batch is done");
    REQUIRE(m, mpj_plan_worker_lost(m->plan, 0) == MPIJOB_EINTERNAL, "worker 0 is lost");
    REQUIRE(m, mpj_plan_worker_lost(m->plan, m->config.workers) == MPIJOB_EINTERNAL, "nobody is lost");
    if (m->config.total != MPJ_UNKNOWN)
        REQUIRE(m, mpj_plan_drawn(m->plan, m->config.total - m->expected.drawn + 1, NULL) == MPIJOB_EINTERNAL,
                "more than all is drawn");
    if (!p)
        return;
    outcome.id = p->id;
    if (!p->answered) {
        REQUIRE(m, mpj_plan_done(m->plan, &outcome) == MPIJOB_EINTERNAL, "done before it is answered");
        REQUIRE(m, mpj_plan_answered(m->plan, p->id, p->jobs + 1, 0, 0) == MPIJOB_EINTERNAL, "too much is executed");
        return;
    }
    REQUIRE(m, mpj_plan_answered(m->plan, p->id, 0, 0, 0) == MPIJOB_EINTERNAL, "answered twice");
    outcome.executed = p->jobs + 1;
    REQUIRE(m, mpj_plan_done(m->plan, &outcome) == MPIJOB_EINTERNAL, "too much is done");
    outcome.executed = p->jobs;
    outcome.failed = failed;
    outcome.failed_count = 2;
    REQUIRE(m, mpj_plan_done(m->plan, &outcome) == MPIJOB_EINTERNAL, "a position fails twice");
    failed[0] = p->jobs;
    outcome.failed_count = 1;
    REQUIRE(m, mpj_plan_done(m->plan, &outcome) == MPIJOB_EINTERNAL, "a position behind the end fails");
    outcome.failed = NULL;
    REQUIRE(m, mpj_plan_done(m->plan, &outcome) == MPIJOB_EINTERNAL, "failures without a list");
}

/* -- Events; each returns whether it could happen -- */

static bool ask_jobs(model *m, uint64_t count)
{
    if (m->expected.asked + m->expected.waiting + count > m->config.look_ahead)
        m->wrong = "more is wanted than may be looked up ahead";
    if (mpj_plan_asked(m->plan, count) != MPIJOB_OK)
        m->wrong = "what was wanted cannot be asked";
    for (uint64_t i = 0; i < count; i++)
        m->jobs[m->expected.drawn + i].state = ASKED;
    m->expected.drawn += count;
    m->expected.asked += count;
    if (m->expected.drawn == m->config.total)
        m->exhausted = true;
    return true;
}

static bool draw_jobs(model *m)
{
    uint64_t wanted = mpj_plan_wanted(m->plan);
    uint64_t left = m->total - m->expected.drawn;
    if (wanted == 0 || (m->exhausted && left == 0))
        return false;
    if (left == 0) {
        mpj_plan_exhausted(m->plan);
        return m->exhausted = true;
    }
    uint64_t count = wanted < left ? wanted : left;
    if (chance(m, 0.5))
        count = 1 + below(m, count);
    if (m->config.look_ahead)
        return ask_jobs(m, count);
    double costs[4000];
    for (uint64_t i = 0; i < count; i++)
        costs[i] = m->jobs[m->expected.drawn + i].cost;
    int status;
    do
        status = mpj_plan_drawn(m->plan, count, m->config.costs ? costs : NULL);
    while (no_memory(m, status));
    if (status != MPIJOB_OK)
        m->wrong = "what was wanted cannot be drawn";
    for (uint64_t i = 0; i < count; i++)
        m->jobs[m->expected.drawn + i].state = WAITING;
    m->expected.drawn += count;
    m->expected.waiting += count;
    if (m->expected.drawn == m->config.total)
        m->exhausted = true;
    return true;
}

static void miss_job(model *m, uint64_t index)
{
    mpj_span jobs = {index, 1};
    double cost = m->jobs[index].cost;
    while (jobs.first + jobs.count < m->expected.drawn && m->jobs[jobs.first + jobs.count].state == ASKED &&
           m->jobs[jobs.first + jobs.count].cost == cost && chance(m, 0.7))
        jobs.count++;
    int status;
    do
        status = mpj_plan_missed(m->plan, jobs, cost);
    while (no_memory(m, status));
    if (status != MPIJOB_OK)
        m->wrong = "a miss is refused";
    for (uint64_t i = 0; i < jobs.count; i++)
        m->jobs[jobs.first + i].state = WAITING;
    m->expected.asked -= jobs.count;
    m->expected.waiting += jobs.count;
    if (cost != 1)
        m->config.costs = true;
}

#define MOST_FOUND 8 /* at once */

static void find_jobs(model *m, uint64_t index)
{
    mpj_span spans[MOST_FOUND];
    size_t count = 0;
    parcel *p = calloc(1, sizeof *p);
    *p = (parcel){.next_made = m->made, .bytes = below(m, 100)};
    p->index = calloc(MOST_FOUND, sizeof *p->index);
    for (; index < m->expected.drawn && p->jobs < MOST_FOUND; index++) {
        if (m->jobs[index].state != ASKED)
            continue;
        if (count > 0 && spans[count - 1].first + spans[count - 1].count == index)
            spans[count - 1].count++;
        else
            spans[count++] = (mpj_span){index, 1};
        p->index[p->jobs++] = index;
    }
    m->made = p;
    int kept;
    do
        kept = mpj_plan_found(m->plan, spans, count, p, p->bytes);
    while (no_memory(m, kept));
    if (kept != 1)
        m->wrong = "what is found is refused";
    for (uint64_t i = 0; i < p->jobs; i++)
        m->jobs[p->index[i]].state = DONE;
    p->unreleased = p->jobs;
    m->expected.asked -= p->jobs;
    m->expected.found += p->jobs;
    m->expected.done += p->jobs;
    m->expected.unread_bytes += p->bytes;
    m->coverage->found += p->jobs;
}

/* Taking it out of a lot may need memory: then it stays, and nothing is said. */
static void ask_again(model *m)
{
    if (m->expected.drawn == 0)
        return;
    uint64_t index = below(m, m->expected.drawn);
    bool waits = m->config.look_ahead && m->jobs[index].state == WAITING && !m->draining;
    int asked = mpj_plan_ask_again(m->plan, index);
    if (!asked && waits)
        asked = mpj_plan_ask_again(m->plan, index);
    REQUIRE(m, asked == waits, "a job that waits is not asked again, or one that does not");
    if (!asked)
        return;
    m->jobs[index].state = ASKED;
    m->expected.asked++;
    m->expected.waiting--;
    m->coverage->asked_again++;
}

static bool look_up(model *m)
{
    if (m->expected.asked == 0)
        return false;
    uint64_t index = below(m, m->expected.drawn);
    while (m->jobs[index].state != ASKED)
        index = (index + 1) % m->expected.drawn;
    if (chance(m, m->found_rate))
        find_jobs(m, index);
    else
        miss_job(m, index);
    return true;
}

static uint64_t batches_of(const model *m, uint32_t worker)
{
    uint64_t count = 0;
    for (size_t i = 0; i < m->live_count; i++)
        count += m->live[i]->worker == worker && !m->live[i]->answered;
    return count;
}

/* Whether job a has to be given out no later than b. */
static bool goes_first(const model *m, uint64_t a, uint64_t b)
{
    if (m->jobs[a].cost != m->jobs[b].cost)
        return m->jobs[a].cost > m->jobs[b].cost;
    return a < b;
}

static void check_sizes(model *m, const mpj_batch *batch)
{
    const mpj_plan_config *c = &m->config;
    REQUIRE(m, batch->worker < c->workers && !m->lost[batch->worker], "a batch for nobody");
    REQUIRE(m, batch->span_count >= 1 && batch->span_count <= MPJ_BATCH_SPANS, "the number of spans");
    REQUIRE(m, batch->jobs >= 1 && batch->jobs <= m->expected.waiting, "more jobs in a batch than wait");
    REQUIRE(m, batches_of(m, batch->worker) < (batch->worker ? 2U : 1U), "too many batches before a worker");
    REQUIRE(m, !c->batch_size || batch->jobs <= c->batch_size, "larger than the fixed size");
    REQUIRE(m, c->batch_size || !c->max_batch || batch->jobs <= c->max_batch, "larger than the largest size");
    uint64_t share = c->window / (2 * (uint64_t)m->alive);
    REQUIRE(m, !c->window || batch->jobs <= (share ? share : 1), "a batch larger than its share of the window");
    if (!c->batch_size && c->batch_bytes && c->args_bytes)
        REQUIRE(m, batch->jobs == 1 || batch->jobs * c->args_bytes <= c->batch_bytes, "too many bytes in a batch");
}

/* Takes the batch into the books. */
static void check_jobs(model *m, const mpj_batch *batch, parcel *p)
{
    double cost = 0;
    for (uint32_t i = 0; i < batch->span_count; i++)
        for (uint64_t k = 0; k < batch->spans[i].count; k++) {
            uint64_t index = batch->spans[i].first + k;
            REQUIRE(m, p->jobs < batch->jobs, "more jobs in the spans than in the batch");
            REQUIRE(m, index < m->expected.drawn && m->jobs[index].state == WAITING, "a job that does not wait");
            REQUIRE(m, p->jobs == 0 || goes_first(m, p->index[p->jobs - 1], index), "the order in a batch");
            m->jobs[index].state = OUT;
            p->index[p->jobs++] = index;
            cost += m->jobs[index].cost;
        }
    REQUIRE(m, p->jobs == batch->jobs, "fewer jobs in the spans than in the batch");
    REQUIRE(m, fabs(cost - batch->cost) <= 1e-9 * cost, "the cost of a batch");
}

static void check_first(model *m, const parcel *p)
{
    if (m->config.unread_bytes && m->expected.unread_bytes > m->config.unread_bytes) {
        m->coverage->gated++;
        REQUIRE(m, m->config.ordered && p->jobs == 1 && p->index[0] == m->next, "given out though too much is unread");
        return;
    }
    uint64_t last = p->index[p->jobs - 1];
    for (uint64_t i = 0; i < m->expected.drawn; i++)
        REQUIRE(m, m->jobs[i].state != WAITING || goes_first(m, last, i), "a job that had to come first still waits");
}

static void accept_batch(model *m, const mpj_batch *batch)
{
    check_sizes(m, batch);
    REQUIRE(m, !m->wrong && m->live_count < MOST_LIVE, "too many batches out");
    parcel *p = calloc(1, sizeof *p);
    *p = (parcel){.id = batch->id, .worker = batch->worker, .next_made = m->made};
    p->index = calloc(batch->jobs, sizeof *p->index);
    for (const parcel *other = m->made; other; other = other->next_made)
        if (other->id >= batch->id) {
            m->wrong = "an id is used twice, or goes down";
            break;
        } else if (m->total > 300)
            break;
    m->made = p;
    check_jobs(m, batch, p);
    if (m->wrong)
        return;
    check_first(m, p);
    m->expected.busy_workers += batches_of(m, p->worker) == 0;
    m->live[m->live_count++] = p;
    m->expected.waiting -= p->jobs;
    m->expected.out += p->jobs;
    m->coverage->batches++;
}

static bool hand_out(model *m, bool own)
{
    mpj_batch batch;
    int status;
    do
        status = own ? mpj_plan_next_own(m->plan, &batch) : mpj_plan_next(m->plan, &batch);
    while (no_memory(m, status));
    if (status == 0)
        return false;
    if (status != 1 || m->draining || (batch.worker == 0) != own)
        m->wrong = m->draining ? "given out while draining" : "a batch for the wrong worker, or an error";
    else
        accept_batch(m, &batch);
    return true;
}

/* A job came to its end: for good? */
static bool settle_failure(model *m, uint64_t index)
{
    job *j = &m->jobs[index];
    uint32_t allowed = m->config.max_attempts ? m->config.max_attempts : 1;
    if (++j->failures < allowed) {
        j->state = WAITING;
        m->expected.waiting++;
        m->coverage->retried++;
        return false;
    }
    j->state = FAILED;
    m->expected.failed++;
    m->expected.done++;
    m->expected.cost_done += j->cost;
    m->coverage->failed++;
    if (m->config.stop_on_failure)
        m->draining = true;
    return true;
}

static void forget_live(model *m, const parcel *p)
{
    size_t at = 0;
    while (m->live[at] != p)
        at++;
    m->live[at] = m->live[--m->live_count];
}

static bool answer(model *m)
{
    parcel *p = NULL;
    for (size_t tries = 0; tries < 4 && m->live_count && !p; tries++) {
        parcel *candidate = m->live[below(m, m->live_count)];
        p = candidate->answered ? NULL : candidate;
    }
    for (size_t i = 0; p && i < m->live_count; i++) /* a worker answers in the order in which it was given */
        if (!m->live[i]->answered && m->live[i]->worker == p->worker && m->live[i]->id < p->id)
            p = m->live[i];
    if (!p)
        return false;
    p->executed = chance(m, m->partial_rate) && (m->draining || chance(m, 0.5)) ? below(m, p->jobs + 1) : p->jobs;
    double busy = m->job_s * (double)p->executed * (chance(m, 0.05) ? 1000 : 2 * uniform(m));
    double gap = chance(m, 0.2) ? -1 : chance(m, 0.1) ? 1 : 1e-5 * uniform(m);
    if (mpj_plan_answered(m->plan, p->id, p->executed, busy, gap) != MPIJOB_OK)
        m->wrong = "an answer is refused";
    p->answered = true;
    m->expected.busy_workers -= batches_of(m, p->worker) == 0;
    return true;
}

static void settle_done(model *m, parcel *p, const uint64_t *failed, size_t failed_count)
{
    size_t f = 0;
    for (uint64_t at = 0; at < p->jobs; at++) {
        job *j = &m->jobs[p->index[at]];
        if (at >= p->executed) {
            j->state = WAITING;
            m->expected.waiting++;
        } else if (f < failed_count && failed[f] == at) {
            f++;
            p->unreleased += settle_failure(m, p->index[at]);
        } else {
            j->state = DONE;
            m->expected.done++;
            m->expected.cost_done += j->cost;
            p->unreleased++;
        }
    }
    m->expected.out -= p->jobs;
    m->expected.batches += p->executed > 0;
    forget_live(m, p);
}

static bool complete(model *m)
{
    parcel *p = m->live_count ? m->live[below(m, m->live_count)] : NULL;
    if (!p || !p->answered)
        return false;
    uint64_t *failed = calloc(p->jobs, sizeof *failed);
    mpj_outcome outcome = {.id = p->id, .executed = p->executed, .failed = failed, .results = p};
    for (uint64_t at = 0; at < p->executed; at++)
        if (chance(m, m->failure_rate))
            failed[outcome.failed_count++] = at;
    p->bytes = outcome.result_bytes = p->executed * below(m, 100);
    int kept;
    do
        kept = mpj_plan_done(m->plan, &outcome);
    while (no_memory(m, kept));
    settle_done(m, p, failed, outcome.failed_count);
    free(failed);
    if (kept != (p->unreleased > 0))
        m->wrong = "a handle is kept for nothing, or not kept";
    if (p->unreleased > 0)
        m->expected.unread_bytes += p->bytes;
    return true;
}

static bool lose(model *m)
{
    uint32_t worker = (uint32_t)below(m, m->config.workers);
    if (worker == 0 || m->lost[worker])
        return false;
    int status;
    do
        status = mpj_plan_worker_lost(m->plan, worker);
    while (no_memory(m, status));
    if (status != MPIJOB_OK)
        m->wrong = "a worker cannot be lost";
    m->lost[worker] = true;
    m->alive--;
    m->coverage->lost++;
    uint64_t in_hand = UINT64_MAX;
    m->expected.busy_workers -= batches_of(m, worker) > 0;
    for (size_t i = 0; i < m->live_count; i++)
        if (m->live[i]->worker == worker && !m->live[i]->answered && m->live[i]->id < in_hand)
            in_hand = m->live[i]->id;
    for (size_t i = m->live_count; i-- > 0;) {
        parcel *p = m->live[i];
        if (p->worker != worker)
            continue;
        for (uint64_t at = 0; at < p->jobs; at++)
            if (p->answered || p->id == in_hand)
                m->nameless += settle_failure(m, p->index[at]);
            else {
                m->jobs[p->index[at]].state = WAITING;
                m->expected.waiting++;
            }
        m->expected.out -= p->jobs;
        forget_live(m, p);
    }
    return true;
}

static void check_release(model *m, const mpj_release *release)
{
    parcel *p = release->results;
    REQUIRE(m, release->jobs.count > 0, "nothing is released");
    REQUIRE(m, !m->config.ordered || release->jobs.first == m->next, "released out of order");
    REQUIRE(m, p || release->failed, "results without a handle");
    for (uint64_t k = 0; k < release->jobs.count; k++) {
        uint64_t index = release->jobs.first + k;
        REQUIRE(m, index < m->total && !m->jobs[index].released, "a job is released twice");
        REQUIRE(m, m->jobs[index].state == (release->failed ? FAILED : DONE), "what is released is not so");
        REQUIRE(m, !p || (release->position + k < p->jobs && p->index[release->position + k] == index),
                "the position in the batch");
        m->jobs[index].released = true;
    }
    m->next += release->jobs.count;
    m->expected.released += release->jobs.count;
    if (!p) {
        m->nameless -= release->jobs.count;
        return;
    }
    REQUIRE(m, p->unreleased >= release->jobs.count, "more is released than was kept, or after the last");
    p->unreleased -= release->jobs.count;
    REQUIRE(m, release->last == (p->unreleased == 0), "the last release of a handle");
    if (release->last)
        m->expected.unread_bytes -= p->bytes;
}

static bool release_some(model *m)
{
    mpj_release release;
    uint64_t most = 1 + below(m, 4);
    bool any = false;
    while (most-- > 0 && !m->wrong && mpj_plan_release(m->plan, &release) == 1) {
        check_release(m, &release);
        any = true;
    }
    return any;
}

static bool drain(model *m)
{
    if (m->draining)
        return false;
    mpj_plan_drain(m->plan);
    m->draining = true;
    return true;
}

/* -- The run -- */

/* One event of a kind that `kind` chooses; false: nothing of that kind can happen now. */
static bool step(model *m, uint64_t kind)
{
    switch (kind) {
    case 0:
        return draw_jobs(m);
    case 1:
        return hand_out(m, false);
    case 2:
        return hand_out(m, true);
    case 3:
        return answer(m);
    case 4:
        return complete(m);
    case 5:
        return look_up(m);
    default:
        return release_some(m);
    }
}

static void disturb(model *m)
{
    if (chance(m, m->loss_rate))
        lose(m);
    if (!m->wrong && chance(m, 0.1))
        ask_again(m);
    if (!m->wrong && chance(m, m->drain_rate * 0.5))
        drain(m);
    if (!m->wrong && chance(m, 0.02))
        impossible(m);
    if (!m->wrong && chance(m, 0.05))
        mpj_plan_message_cost(m->plan, 1e-5 * uniform(m));
}

/* Whether there was anything to do; tries every kind before it says no. */
static bool advance(model *m)
{
    uint64_t first = below(m, 7);
    for (uint64_t k = 0; k < 7; k++)
        if (step(m, (first + k) % 7))
            return true;
    for (size_t i = 0; i < m->live_count; i++)
        return true; /* a worker is busy, or results are on the way: the draw did not meet it */
    return false;
}

static void run(model *m)
{
    uint64_t attempts = m->config.max_attempts ? m->config.max_attempts : 1;
    uint64_t bound = 2000 + 200 * m->total * attempts;
    for (uint64_t steps = 0; !m->wrong; steps++) {
        REQUIRE(m, steps < bound, "the run does not end");
        disturb(m);
        if (m->wrong || !books_agree(m))
            return;
        if (!advance(m)) {
            REQUIRE(m, m->wrong || mpj_plan_over(m->plan), "nothing is out, nothing is given out, and it is not over");
            return;
        }
        m->coverage->dedicated += m->config.own_works && !mpj_plan_own_works(m->plan);
        REQUIRE(m, m->wrong || mpj_plan_over(m->plan) == (m->expected.out == 0 && (m->draining || (m->exhausted &&
                   m->expected.waiting == 0 && m->expected.asked == 0))), "over too early or too late");
    }
}

static void check_end(model *m)
{
    void *results;
    uint64_t kept = 0;
    REQUIRE(m, m->draining || m->expected.drawn == m->total, "jobs were not drawn");
    for (uint64_t i = 0; i < m->expected.drawn; i++) {
        const job *j = &m->jobs[i];
        REQUIRE(m, m->draining || j->released, "a job was never released");
        REQUIRE(m, j->state != OUT && j->state != UNDRAWN, "a job is neither here nor there");
    }
    for (const parcel *p = m->made; p; p = p->next_made)
        kept += p->unreleased > 0;
    while (mpj_plan_abandoned(m->plan, &results) == 1) {
        parcel *p = results;
        m->coverage->abandoned++;
        if (!p)
            continue;
        REQUIRE(m, p->unreleased > 0, "a handle is given back twice");
        p->unreleased = 0;
        m->expected.unread_bytes -= p->bytes;
        kept--;
    }
    REQUIRE(m, kept == 0, "a handle is never given back");
    REQUIRE(m, m->draining || m->nameless == 0, "holes of lost batches were not released");
    books_agree(m);
}

static void free_model(model *m)
{
    mpj_plan_free(m->plan);
    while (m->made) {
        parcel *p = m->made;
        m->made = p->next_made;
        free(p->index);
        free(p);
    }
    free(m->jobs);
    free(m);
}

const char *plan_model_run(uint64_t seed, uint64_t fail_allocation, plan_model_coverage *coverage)
{
    model *m = calloc(1, sizeof *m);
    m->random = seed * UINT64_C(0xD1342543DE82EF95) + 1;
    m->coverage = coverage;
    choose_config(m);
    choose_behaviour(m);
    m->alive = m->config.workers;
    m->exhausted = m->config.total == 0;
    m->jobs = calloc(m->total + 1, sizeof *m->jobs);
    choose_costs(m);
    mpj_alloc_fail_after(fail_allocation);
    m->plan = mpj_plan_new(&m->config);
    if (!m->plan) {
        coverage->out_of_memory++;
        m->plan = mpj_plan_new(&m->config);
    }
    if (!m->plan)
        m->wrong = "no plan";
    else
        run(m);
    if (!m->wrong)
        check_end(m);
    coverage->drained += m->draining;
    const char *wrong = m->wrong;
    free_model(m);
    mpj_alloc_fail_after(UINT64_MAX);
    return wrong;
}
