#include "mpi/looks.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "memory/cached.h"
#include "mpi/lookset.h"
#include "mpi/memo.h"

#include <math.h>
#include <string.h>

#define ASKED_JOBS 4096                   /* that the store thread has before it, at most ... */
#define ASKED_BYTES ((double)(64 << 20))  /* ... and what their results may have */
#define GUESSED_BYTES ((double)(1 << 20)) /* of a result of any size, before one was seen */
#define JOBS_A_TURN 1024
#define LEAST_PATIENCE_S 0.2
#define MOST_PATIENCE_S 1.0
#define GENERATOR_BYTES ((size_t)4 << 20)
#define GENERATOR_MOST 4096
#define GENERATOR_LEAST 64

/* -- Beginning and end -- */

uint64_t mpj_looks_ahead(const mpj_run *run)
{
    size_t size = run->function->args_size;
    if (!run->inputs.next)
        return MPJ_LOOK_AHEAD;
    if (size <= GENERATOR_BYTES / GENERATOR_MOST)
        return GENERATOR_MOST;
    return size < GENERATOR_BYTES / GENERATOR_LEAST ? GENERATOR_BYTES / size : GENERATOR_LEAST;
}

int mpj_looks_open(mpj_scheduler *s, mpijob_error *err)
{
    mpj_looks *looks = &s->looks;
    const mpijob_function *f = s->run->function;
    if (!s->run->kept)
        return MPIJOB_OK;
    mpj_clerk *clerk = mpj_memo_clerk(f->cached);
    looks->mail = clerk ? mpj_mailbox_open(f->cached, s->run->options.shelve) : NULL;
    if (!looks->mail)
        return mpj_fail_memory(err, "looking up jobs", 0);
    looks->storing = (mpj_storing){.cached = f->cached, .args_bytes = f->args_size, .clerk = clerk};
    looks->costs.size = s->run->inputs.next ? sizeof(double) : 0;
    looks->tells = mpj_cached_verbose(f->cached) >= 2;
    looks->on = true;
    return MPIJOB_OK;
}

void mpj_looks_finish(mpj_scheduler *s, double seconds)
{
    mpj_looks *looks = &s->looks;
    if (!looks->on)
        return;
    mpj_question_drop(looks->question);
    looks->question = NULL;
    mpj_mailbox_close(looks->mail, looks->storing.clerk);
    looks->mail = NULL;
    mpj_storing_flush(&looks->storing);
    mpj_memo_finish(mpj_cached_memory(looks->storing.cached), seconds);
}

void mpj_looks_free(mpj_looks *looks)
{
    mpj_lookup_free(&looks->lookup);
    mpj_pages_free(&looks->costs);
    mpj_free(looks->spans);
    mpj_free(looks->news);
}

/* The store thread is silent, or there is none: what is asked is executed. The questions stay: their answers, which
 * come too late, tell that it speaks again. */
static void stall(mpj_scheduler *s)
{
    uint64_t at = 0, index;
    mpj_missed span = {0};
    mpj_question_drop(s->looks.question);
    s->looks.question = NULL;
    mpj_lookup_stall(&s->looks.lookup);
    mpj_mailbox_give_up(s->looks.mail);
    while (mpj_lookup_give_up(&s->looks.lookup, &at, &index))
        mpj_missed_add(s, &span, index, -1);
    mpj_missed_end(s, &span);
}

/* -- Answers -- */

/* The unit of costs: the mean of the first recorded times that are met. */
static void find_unit(mpj_looks *looks, const mpj_answers *answers)
{
    double sum = 0;
    size_t count = 0;
    for (size_t i = 0; i < answers->count && !(looks->unit_s > 0); i++)
        if (!answers->list[i].found && answers->list[i].seconds >= 0 && isfinite(answers->list[i].seconds)) {
            sum += answers->list[i].seconds;
            count++;
        }
    if (count > 0)
        looks->unit_s = sum / (double)count;
}

int mpj_looks_key(const mpj_scheduler *s, uint64_t index, mpj_name *name, mpijob_error *err)
{
    const mpj_run *run = s->run;
    return mpj_key(name, mpj_memo_signature(run->function->cached), mpj_looks_args(s, index), index,
                   run->shared_digests, run->options.shared_count, err);
}

/* The time of one result is not known: they come many at a time. So joblib's line of that is left out. */
static void tell_found(const mpj_scheduler *s, uint64_t index)
{
    mpj_name name;
    if (mpj_looks_key(s, index, &name, NULL) == MPIJOB_OK)
        mpj_say_loading(s->run->function->cached, &name, mpj_looks_args(s, index), index, s->looks.references != NULL);
}

static void take_found(mpj_scheduler *s, mpj_found_set *set, const mpj_answer *answer, double now)
{
    mpj_looks *looks = &s->looks;
    mpj_look_chain chain;
    if (!mpj_lookup_found(&looks->lookup, answer->index, now, &chain))
        return;
    if (looks->tells)
        tell_found(s, answer->index);
    looks->found++;
    looks->saved_s += answer->seconds > 0 ? answer->seconds : 0;
    mpj_found_add(s, set, answer->index, answer->offset, answer->bytes);
    mpj_found_chain(s, set, chain, answer->offset, answer->bytes, answer->seconds);
}

static void take_answers(mpj_scheduler *s, mpj_answers *answers, double now)
{
    mpj_looks *looks = &s->looks;
    mpj_found_set set;
    mpj_missed span = {0};
    size_t size = s->run->result_bytes;
    bool late = mpj_mailbox_is_late(looks->mail, answers); /* its jobs may have been asked again since */
    if (mpj_found_begin(s, &set, answers->data, answers->count) != 0) {
        mpj_looks_give_up(s, MPIJOB_ENOMEM, NULL);
        return;
    }
    find_unit(looks, answers);
    for (size_t i = 0; i < answers->count; i++) {
        const mpj_answer *answer = &answers->list[i];
        looks->answers++;
        looks->answer_bytes += (double)answer->bytes;
        mpj_looks_timed(looks, answer->seconds);
        if (answer->found && (size == MPIJOB_ANY_SIZE || answer->bytes == size))
            take_found(s, &set, answer, now);
        else if (!late && mpj_lookup_missed(&looks->lookup, answer->index, now))
            mpj_missed_add(s, &span, answer->index, answer->seconds);
    }
    mpj_lookup_heard(&looks->lookup, now);
    mpj_missed_end(s, &span);
    mpj_found_end(s, &set, answers->data, answers->data_bytes);
    if (set.arrival)
        answers->data = NULL;
    mpj_plan_counts counts;
    mpj_plan_count(s->plan, &counts);
    mpj_report_update(&s->report, &counts);
}

double mpj_patience_more_s;

/* Computing again what takes long would be worse than waiting for a slow disk. */
static double patience(const mpj_looks *looks)
{
    if (looks->timed == 0)
        return MOST_PATIENCE_S + mpj_patience_more_s;
    return fmax(LEAST_PATIENCE_S, fmin(MOST_PATIENCE_S, looks->seconds / (double)looks->timed)) + mpj_patience_more_s;
}

static bool somebody_is_idle(const mpj_scheduler *s)
{
    mpj_plan_counts counts;
    mpj_plan_count(s->plan, &counts);
    return counts.busy_workers + !mpj_plan_own_works(s->plan) < (uint32_t)s->run->used;
}

static void look_for_a_stall(mpj_scheduler *s, double now)
{
    mpj_looks *looks = &s->looks;
    uint64_t beats = mpj_mailbox_beats(looks->mail);
    if (beats != looks->beats)
        looks->lookup.quiet_since = now;
    looks->beats = beats;
    if (mpj_lookup_is_quiet(&looks->lookup, now, patience(looks)) && somebody_is_idle(s))
        stall(s);
}

int mpj_looks_serve(mpj_scheduler *s)
{
    mpj_looks *looks = &s->looks;
    mpj_answers *answers;
    int taken = 0;
    if (!looks->mail)
        return 0;
    double now = mpj_now();
    mpj_looks_watch(s, now);
    for (; (answers = mpj_mailbox_take(looks->mail)) != NULL; taken++) {
        if (!mpj_plan_draining(s->plan))
            take_answers(s, answers, now);
        mpj_answers_free(answers);
    }
    if (!mpj_plan_draining(s->plan)) {
        look_for_a_stall(s, now);
        mpj_looks_hear(s, now);
    }
    mpj_storing_look(&looks->storing, now);
    return taken;
}

/* -- Drawn -- */

static mpj_look_key look_key(const mpj_name *name)
{
    mpj_look_key key;
    memcpy(key.words, &name->key, sizeof name->key);
    memcpy(key.words + 2, &name->check, sizeof name->check);
    return key;
}

uint64_t mpj_looks_room(const mpj_scheduler *s)
{
    const mpj_looks *looks = &s->looks;
    size_t size = s->run->result_bytes;
    double each = size != MPIJOB_ANY_SIZE ? (double)size
                  : looks->answers        ? looks->answer_bytes / (double)looks->answers
                                          : GUESSED_BYTES;
    double most = fmax(1, fmin(ASKED_JOBS, ASKED_BYTES / fmax(each, 1)));
    uint64_t room = looks->lookup.asked < (uint64_t)most ? (uint64_t)most - looks->lookup.asked : 0;
    return room < JOBS_A_TURN ? room : JOBS_A_TURN;
}

uint64_t mpj_looks_wanted(const mpj_scheduler *s)
{
    uint64_t wanted = mpj_plan_wanted(s->plan), room = mpj_looks_room(s);
    return wanted < room ? wanted : room;
}

void mpj_looks_ask(mpj_scheduler *s)
{
    mpj_question *question = s->looks.question;
    if (!question || mpj_question_is_empty(question))
        return;
    s->looks.question = NULL;
    mpj_storing_flush(&s->looks.storing); /* what is stored before is found */
    if (mpj_question_ask(question, s->looks.storing.clerk) != 0)
        stall(s);
}

bool mpj_looks_has_question(mpj_scheduler *s)
{
    if (!s->looks.question)
        s->looks.question = mpj_question_new(s->looks.mail);
    return s->looks.question != NULL;
}

void mpj_looks_add_to_question(mpj_scheduler *s, uint64_t index, const mpj_name *name)
{
    if (!mpj_looks_has_question(s))
        mpj_looks_give_up(s, MPIJOB_ENOMEM, NULL);
    else if (mpj_question_add(s->looks.question, index, name))
        mpj_looks_ask(s);
}

/* The key of a job that is drawn, and what it needs is on the way. */
static int name_drawn(mpj_scheduler *s, uint64_t index, mpj_name *name)
{
    mpijob_error err;
    int status = mpj_looks_key(s, index, name, &err);
    if (status != MPIJOB_OK) {
        err.job = (int64_t)index;
        mpj_looks_give_up(s, status, &err);
        return status;
    }
    const mpj_look_key key = look_key(name);
    mpj_lookup_expect_key(&s->looks.lookup, &key);
    return MPIJOB_OK;
}

static int draw_one(mpj_scheduler *s, uint64_t index, const mpj_name *name, mpj_missed *span, double now)
{
    if (s->looks.tells)
        mpj_say_querying(s->run->function->cached, name, mpj_looks_args(s, index), index);
    const mpj_look_key key = look_key(name);
    int status = mpj_lookup_drawn(&s->looks.lookup, index, &key, now);
    if (status == MPJ_LOOK_ASK)
        mpj_looks_add_to_question(s, index, name);
    else if (status == MPJ_LOOK_COMPUTE)
        mpj_missed_add(s, span, index, -1);
    else if (status != MPJ_LOOK_WAIT)
        mpj_looks_give_up(s, status, NULL);
    return mpj_plan_draining(s->plan) ? -1 : MPIJOB_OK;
}

void mpj_looks_drawn(mpj_scheduler *s, uint64_t count, const double *costs)
{
    mpj_plan_counts counts;
    mpj_plan_count(s->plan, &counts);
    mpj_missed span = {0};
    double now = mpj_now();
    int status = mpj_plan_asked(s->plan, count);
    if (status == MPIJOB_OK && s->looks.costs.size && mpj_pages_append(&s->looks.costs, costs, count) != 0)
        status = MPIJOB_ENOMEM;
    if (status != MPIJOB_OK)
        mpj_looks_give_up(s, status, NULL);
    mpj_name names[2]; /* of a job, and of the one before it, which is drawn then */
    for (uint64_t i = 0; i <= count && status == MPIJOB_OK; i++) {
        if (i < count)
            status = name_drawn(s, counts.drawn + i, &names[i % 2]);
        if (i > 0 && status == MPIJOB_OK)
            status = draw_one(s, counts.drawn + i - 1, &names[(i - 1) % 2], &span, now);
    }
    mpj_missed_end(s, &span);
    mpj_looks_ask(s);
}
