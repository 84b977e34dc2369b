#include "mpi/mailbox.h"

#include "base/alloc.h"
#include "mpi/memo.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>

#define READ_AHEAD_JOBS 16 /* fewer are looked up as they are */

struct mpj_mailbox {
    pthread_mutex_t lock;
    const mpijob_cached *cached;
    bool shelve;
    bool misses; /* most jobs of the last question did; the store thread's */
    atomic_bool closed;
    atomic_ullong beats;
    size_t users; /* the run, questions, and the two errands */
    mpj_answers *first;
    mpj_answers **last;

    mpj_errand watch, end;
    atomic_bool watching; /* the first of them is on its way */
    bool used;            /* something was given to the store thread: so there may be something to end */
    uint32_t round;       /* how often what was asked was given up; the run's */
    bool listening;       /* with the memory's lock, as what is heard, in whatever thread */
    mpj_news heard;
    mpj_news news; /* for the run, with the lock */
};

/* A question becomes its own answers, so that answering needs no memory but for results. */
struct mpj_question {
    mpj_errand errand; /* first */
    mpj_mailbox *mail;
    mpj_answers answers;
    mpj_answer list[MPJ_QUESTION_JOBS];
    mpj_name names[MPJ_QUESTION_JOBS];
    uint16_t order[MPJ_QUESTION_JOBS];
    bool ahead; /* not where jobs miss: there is nothing to be read */
};

mpj_mailbox *mpj_mailbox_open(const mpijob_cached *cached, bool shelve)
{
    mpj_mailbox *mail = mpj_calloc(1, sizeof *mail);
    if (!mail)
        return NULL;
    pthread_mutex_init(&mail->lock, NULL);
    mail->cached = cached;
    mail->shelve = shelve;
    mail->users = 1;
    mail->last = &mail->first;
    return mail;
}

static void leave(mpj_mailbox *mail)
{
    pthread_mutex_lock(&mail->lock);
    bool last = --mail->users == 0;
    pthread_mutex_unlock(&mail->lock);
    if (!last)
        return;
    pthread_mutex_destroy(&mail->lock);
    mpj_free(mail->heard.keys);
    mpj_free(mail->news.keys);
    mpj_free(mail);
}

static mpj_question *question_of(mpj_answers *answers)
{
    return (mpj_question *)((char *)answers - offsetof(mpj_question, answers));
}

void mpj_answers_free(mpj_answers *answers)
{
    mpj_free(answers->data);
    mpj_free(question_of(answers));
}

void mpj_question_drop(mpj_question *question)
{
    if (!question)
        return;
    leave(question->mail);
    mpj_free(question);
}

static void drop(mpj_errand *errand)
{
    mpj_question_drop((mpj_question *)errand);
}

void mpj_mailbox_give_up(mpj_mailbox *mail)
{
    mail->round++;
}

bool mpj_mailbox_is_late(const mpj_mailbox *mail, const mpj_answers *answers)
{
    return answers->round != mail->round;
}

uint64_t mpj_mailbox_beats(const mpj_mailbox *mail)
{
    return atomic_load_explicit(&mail->beats, memory_order_relaxed);
}

mpj_answers *mpj_mailbox_take(mpj_mailbox *mail)
{
    pthread_mutex_lock(&mail->lock);
    mpj_answers *answers = mail->first;
    if (answers)
        mail->first = answers->next;
    if (!mail->first)
        mail->last = &mail->first;
    pthread_mutex_unlock(&mail->lock);
    return answers;
}

/* -- What others store meanwhile -- */

static void end_watch(mpj_errand *errand)
{
    mpj_mailbox *mail = (mpj_mailbox *)((char *)errand - offsetof(mpj_mailbox, watch));
    atomic_store(&mail->watching, false);
    leave(mail);
}

static void move_news(mpj_news *to, mpj_news *from)
{
    if (from->count == 0 || mpj_grow((void **)&to->keys, &to->capacity, to->count + from->count, sizeof *to->keys) != 0)
        return;
    memcpy(to->keys + to->count, from->keys, from->count * sizeof *to->keys);
    to->count += from->count;
    from->count = 0;
}

/* What comes to be known from here on is told, whoever looks. */
static void listen(mpj_mailbox *mail)
{
    if (!mail->listening)
        mpj_memo_listen(mail->cached, &mail->heard);
    mail->listening = true;
}

static void watch(mpj_errand *errand)
{
    mpj_mailbox *mail = (mpj_mailbox *)((char *)errand - offsetof(mpj_mailbox, watch));
    mpj_memo_lock(mail->cached);
    listen(mail);
    mpj_memo_refresh(mail->cached);
    pthread_mutex_lock(&mail->lock);
    move_news(&mail->news, &mail->heard);
    pthread_mutex_unlock(&mail->lock);
    mpj_memo_unlock(mail->cached);
    end_watch(errand);
}

static void stop_listening(mpj_errand *errand)
{
    mpj_mailbox *mail = (mpj_mailbox *)((char *)errand - offsetof(mpj_mailbox, end));
    mpj_memo_lock(mail->cached);
    mpj_memo_stop_listening(mail->cached, &mail->heard);
    mpj_memo_unlock(mail->cached);
    leave(mail);
}

static bool give(mpj_mailbox *mail, mpj_clerk *clerk, mpj_errand *errand)
{
    pthread_mutex_lock(&mail->lock);
    mail->users++;
    pthread_mutex_unlock(&mail->lock);
    return mpj_clerk_give(clerk, errand, true) == 0;
}

void mpj_mailbox_watch(mpj_mailbox *mail, mpj_clerk *clerk)
{
    if (atomic_exchange(&mail->watching, true))
        return;
    mail->used = true;
    mail->watch = (mpj_errand){.run = watch, .drop = end_watch, .client = mail};
    if (!give(mail, clerk, &mail->watch))
        end_watch(&mail->watch);
}

size_t mpj_mailbox_news(mpj_mailbox *mail, mpijob_digest **keys)
{
    pthread_mutex_lock(&mail->lock);
    size_t count = mail->news.count;
    *keys = count ? mail->news.keys : NULL;
    if (count)
        mail->news = (mpj_news){.count = 0};
    pthread_mutex_unlock(&mail->lock);
    return count;
}

void mpj_mailbox_close(mpj_mailbox *mail, mpj_clerk *clerk)
{
    mpj_answers *answers;
    if (!mail)
        return;
    mpj_clerk_cancel(clerk, mail);
    mail->end = (mpj_errand){.run = stop_listening, .drop = stop_listening};
    if (mail->used && !give(mail, clerk, &mail->end))
        leave(mail); /* no thread could be had: so nobody listens */
    pthread_mutex_lock(&mail->lock);
    mail->closed = true;
    pthread_mutex_unlock(&mail->lock);
    while ((answers = mpj_mailbox_take(mail)) != NULL)
        mpj_answers_free(answers);
    leave(mail);
}

/* -- The store thread -- */

static void leave_order(mpj_question *q)
{
    for (size_t i = 0; i < q->answers.count; i++)
        q->order[i] = (uint16_t)i;
}

/* By the first bytes of the keys, which is enough for reading an index in its order; the numbers of the jobs take the
 * place of the last of these. */
static void sort_by_key(mpj_question *q)
{
    static const size_t gaps[] = {301, 132, 57, 23, 10, 4, 1};
    uint64_t sorted[MPJ_QUESTION_JOBS];
    size_t count = q->answers.count;
    for (size_t i = 0; i < count; i++)
        sorted[i] = (mpj_key_first(&q->names[i].key) & ~(uint64_t)UINT16_MAX) | i;
    for (size_t g = 0; g < sizeof gaps / sizeof gaps[0]; g++)
        for (size_t i = gaps[g]; i < count; i++) {
            uint64_t moving = sorted[i];
            size_t at = i;
            for (; at >= gaps[g] && sorted[at - gaps[g]] > moving; at -= gaps[g])
                sorted[at] = sorted[at - gaps[g]];
            sorted[at] = moving;
        }
    for (size_t i = 0; i < count; i++)
        q->order[i] = (uint16_t)sorted[i];
}

static void beat(mpj_mailbox *mail)
{
    atomic_fetch_add_explicit(&mail->beats, 1, memory_order_relaxed);
}

static void read_ahead(const mpj_question *q)
{
    mpj_mailbox *mail = q->mail;
    for (size_t i = 0; i < q->answers.count; i++)
        mpj_memo_touch(mail->cached, &q->names[i]);
    if (!q->ahead)
        return;
    for (size_t i = 0; i < q->answers.count && !mail->closed; i++) {
        beat(mail);
        mpj_memo_expect(mail->cached, &q->names[q->order[i]]);
    }
    while (!mail->closed && mpj_memo_read_ahead(mail->cached))
        beat(mail);
}

static void look_up_one(mpj_question *q, size_t i, mpj_memo_bytes *bytes)
{
    mpj_answer *answer = &q->list[i];
    if (answer->found)
        return;
    beat(q->mail);
    size_t before = (bytes->used + 15) & ~(size_t)15;
    answer->found = mpj_memo_find(q->mail->cached, &q->names[i], q->mail->shelve, bytes, &answer->seconds) == 1;
    answer->offset = before;
    answer->bytes = answer->found ? bytes->used - before : 0;
}

/* How many are there. */
static size_t look_up_all(mpj_question *q, mpj_memo_bytes *bytes)
{
    size_t found = 0;
    for (size_t i = 0; i < q->answers.count && !q->mail->closed; i++) {
        look_up_one(q, q->order[i], bytes);
        found += q->list[q->order[i]].found;
    }
    return found;
}

static void look_up(mpj_question *q, mpj_memo_bytes *bytes)
{
    const mpijob_cached *f = q->mail->cached;
    read_ahead(q);
    size_t found = look_up_all(q, bytes);
    if (found < q->answers.count && mpj_memo_refresh(f))
        found = look_up_all(q, bytes);
    mpj_memo_expect_nothing(f);
    q->mail->misses = 2 * found < q->answers.count;
}

static void answer(mpj_errand *errand)
{
    mpj_question *q = (mpj_question *)errand;
    mpj_mailbox *mail = q->mail;
    const mpijob_cached *f = mail->cached;
    mpj_memo_bytes bytes = {.beats = &q->mail->beats};
    q->ahead = !mail->misses && q->answers.count >= READ_AHEAD_JOBS;
    if (q->ahead)
        sort_by_key(q);
    else
        leave_order(q);
    mpj_memo_lock(f);
    listen(mail);
    look_up(q, &bytes);
    mpj_memo_unlock(f);
    q->answers.data = bytes.data;
    q->answers.data_bytes = bytes.used;
    pthread_mutex_lock(&mail->lock);
    bool closed = mail->closed;
    if (!closed) {
        *mail->last = &q->answers;
        mail->last = &q->answers.next;
    }
    pthread_mutex_unlock(&mail->lock);
    if (closed)
        mpj_answers_free(&q->answers);
    leave(mail);
}

/* -- The run -- */

mpj_question *mpj_question_new(mpj_mailbox *mail)
{
    mpj_question *q = mpj_alloc(sizeof *q);
    if (!q)
        return NULL;
    q->errand = (mpj_errand){.run = answer, .drop = drop, .client = mail};
    q->mail = mail;
    q->answers = (mpj_answers){.list = q->list, .round = mail->round};
    pthread_mutex_lock(&mail->lock);
    mail->users++;
    pthread_mutex_unlock(&mail->lock);
    return q;
}

bool mpj_question_is_empty(const mpj_question *q)
{
    return q->answers.count == 0;
}

bool mpj_question_add(mpj_question *q, uint64_t index, const mpj_name *name)
{
    size_t at = q->answers.count++;
    q->list[at] = (mpj_answer){.index = index, .seconds = -1};
    q->names[at] = *name;
    return q->answers.count == MPJ_QUESTION_JOBS;
}

int mpj_question_ask(mpj_question *q, mpj_clerk *clerk)
{
    q->mail->used = true;
    if (mpj_clerk_give(clerk, &q->errand, true) == 0)
        return 0;
    mpj_question_drop(q);
    return -1;
}
