#include "mpi/asked.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "memory/opened.h"
#include "mpi/agree.h"
#include "mpi/calls.h"
#include "mpi/looks.h"
#include "mpi/memo.h"
#include "mpi/wire.h"

#include <pthread.h>
#include <string.h>

#define PATIENCE_S 0.2
#define MOST_ANSWER ((size_t)1 << 30)

struct mpj_pending {
    mpj_pending *next;
    uint64_t number;
    int from;
    double since;
};

/* An answer that is ready to be sent, or being sent. */
struct mpj_replied {
    mpj_replied *next;
    int to;
    size_t bytes;
    unsigned char *message; /* mpj_answer_head, payload */
    mpj_transfer transfer;
};

struct mpj_askbox {
    pthread_mutex_t lock;
    size_t users;
    mpj_replied *ready;
};

/* A question as a store thread gets it. */
typedef struct lookup_errand {
    mpj_errand errand; /* first */
    mpj_askbox *box;
    mpijob_memory *memory;
    mpj_replied *reply; /* with room for its head */
    uint64_t number;
    mpj_name name;
    bool quiet;
    char function[];
} lookup_errand;

/* -- The box -- */

static mpj_askbox *open_box(void)
{
    mpj_askbox *box = mpj_calloc(1, sizeof *box);
    if (box) {
        pthread_mutex_init(&box->lock, NULL);
        box->users = 1;
    }
    return box;
}

static void free_reply(mpj_replied *reply)
{
    if (!reply)
        return;
    mpj_free(reply->message);
    mpj_free(reply);
}

static void leave_box(mpj_askbox *box)
{
    pthread_mutex_lock(&box->lock);
    bool last = --box->users == 0;
    pthread_mutex_unlock(&box->lock);
    if (!last)
        return;
    while (box->ready) {
        mpj_replied *next = box->ready->next;
        free_reply(box->ready);
        box->ready = next;
    }
    pthread_mutex_destroy(&box->lock);
    mpj_free(box);
}

/* -- The store thread -- */

static void drop_lookup(mpj_errand *errand)
{
    lookup_errand *own = (lookup_errand *)errand;
    leave_box(own->box);
    free_reply(own->reply);
    mpj_free(own);
}

/* Head and payload in one block; without memory: "not there". */
static void write_reply(mpj_replied *reply, mpj_answer_head *head)
{
    size_t payload = head->found == 1 && !head->hit.large ? head->hit.payload_bytes : 0;
    if (payload > MOST_ANSWER)
        head->found = 0;
    else if (payload > 0) {
        unsigned char *larger = mpj_realloc(reply->message, sizeof *head + payload);
        if (larger) {
            reply->message = larger;
            memcpy(larger + sizeof *head, head->hit.payload, payload);
            reply->bytes += payload;
        } else {
            head->found = 0;
        }
    }
    memcpy(reply->message, head, sizeof *head);
}

static void look_up(mpj_errand *errand)
{
    lookup_errand *own = (lookup_errand *)errand;
    mpj_answer_head head;
    memset(&head, 0, sizeof head);
    head.number = own->number;
    head.found = -1;
    const mpijob_cached *cached = mpj_memory_find_cached(own->memory, own->function, own->name.version);
    if (cached && mpj_cached_keeps(cached)) {
        mpj_cached_lock(cached);
        head.found = mpj_cached_find(cached, &own->name, &head.hit, own->quiet);
        if (head.found == 0 && mpj_cached_refresh(cached))
            head.found = mpj_cached_find(cached, &own->name, &head.hit, own->quiet);
        write_reply(own->reply, &head);
        mpj_cached_unlock(cached);
    } else {
        write_reply(own->reply, &head);
    }
    pthread_mutex_lock(&own->box->lock);
    own->reply->next = own->box->ready;
    own->box->ready = own->reply;
    pthread_mutex_unlock(&own->box->lock);
    own->reply = NULL;
    drop_lookup(errand);
}

/* -- Sending -- */

static mpj_replied *new_reply(int to, uint64_t number, int found)
{
    mpj_answer_head head;
    mpj_replied *reply = mpj_calloc(1, sizeof *reply);
    unsigned char *message = mpj_alloc(sizeof head);
    if (!reply || !message) {
        mpj_free(reply);
        mpj_free(message);
        return NULL;
    }
    memset(&head, 0, sizeof head);
    head.number = number;
    head.found = found;
    memcpy(message, &head, sizeof head);
    reply->to = to;
    reply->bytes = sizeof head;
    reply->message = message;
    return reply;
}

/* An answer that cannot be sent leaves its asker with one that is owed: all are ended. */
static void send_reply(mpj_asked *asked, mpj_replied *reply)
{
    mpijob_error err;
    if (mpj_transfer_send(&reply->transfer, reply->message, reply->bytes, reply->to, MPJ_TAG_ANSWER, asked->comm,
                          &err) != MPIJOB_OK)
        mpj_abort(asked->comm, &err);
    asked->sent++;
    reply->next = asked->leaving;
    asked->leaving = reply;
}

/* Without memory for a letter: at once, to one who is waiting for it. */
static void send_plain(mpj_asked *asked, int to, uint64_t number, int found)
{
    mpj_replied *reply = new_reply(to, number, found);
    if (reply) {
        send_reply(asked, reply);
        return;
    }
    mpj_answer_head head;
    memset(&head, 0, sizeof head);
    head.number = number;
    head.found = found;
    MPI_Send(&head, sizeof head, MPI_BYTE, to, MPJ_TAG_ANSWER, asked->comm);
    asked->sent++;
}

bool mpj_asked_is_leaving(mpj_asked *asked)
{
    for (mpj_replied **at = &asked->leaving; *at;) {
        mpj_replied *reply = *at;
        mpijob_error err;
        bool left = false;
        if (mpj_transfer_test(&reply->transfer, &left, &err) != MPIJOB_OK)
            mpj_abort(asked->comm, &err);
        if (!left) {
            at = &reply->next;
            continue;
        }
        *at = reply->next;
        free_reply(reply);
    }
    return asked->leaving != NULL;
}

/* -- Questions -- */

static int give_question(mpj_asked *asked, const mpj_ask_head *head, const char *location, const char *function,
                         int from)
{
    mpijob_memory *memory = mpj_memory_at(location);
    mpj_clerk *clerk = memory ? mpj_memo_clerk_of(memory) : NULL;
    if (!clerk)
        return -1;
    if (!asked->box && !(asked->box = open_box()))
        return 0;
    size_t bytes = strlen(function) + 1;
    mpj_pending *pending = mpj_alloc(sizeof *pending);
    lookup_errand *errand = mpj_alloc(sizeof *errand + bytes);
    mpj_replied *reply = new_reply(from, head->number, 0);
    if (!pending || !errand || !reply) {
        mpj_free(pending);
        mpj_free(errand);
        free_reply(reply);
        return 0;
    }
    *errand = (lookup_errand){.errand = {.run = look_up, .drop = drop_lookup, .client = asked->box},
                              .box = asked->box,
                              .memory = memory,
                              .reply = reply,
                              .number = head->number,
                              .name = head->name,
                              .quiet = head->quiet != 0};
    memcpy(errand->function, function, bytes);
    pthread_mutex_lock(&asked->box->lock);
    asked->box->users++;
    pthread_mutex_unlock(&asked->box->lock);
    if (mpj_clerk_give(clerk, &errand->errand, true) != 0) {
        drop_lookup(&errand->errand);
        mpj_free(pending);
        return 0;
    }
    *pending = (mpj_pending){asked->pending, head->number, from, mpj_now()};
    asked->pending = pending;
    return 1;
}

int mpj_asked_take(mpj_asked *asked, const unsigned char *message, size_t bytes, int from)
{
    mpj_ask_head head;
    if (bytes < sizeof head)
        return -1;
    memcpy(&head, message, sizeof head);
    const char *location = (const char *)message + sizeof head;
    if (head.location_bytes == 0 || head.function_bytes == 0 || head.location_bytes > bytes - sizeof head ||
        head.function_bytes != bytes - sizeof head - head.location_bytes)
        return -1;
    const char *function = location + head.location_bytes;
    if (location[head.location_bytes - 1] != '\0' || function[head.function_bytes - 1] != '\0')
        return -1;
    int given = give_question(asked, &head, location, function, from);
    if (given != 1)
        send_plain(asked, from, head.number, given);
    return 0;
}

/* Whether it still waits for an answer; not any more afterwards. */
static bool take_pending(mpj_asked *asked, int from, uint64_t number)
{
    for (mpj_pending **at = &asked->pending; *at; at = &(*at)->next)
        if ((*at)->from == from && (*at)->number == number) {
            mpj_pending *gone = *at;
            *at = gone->next;
            mpj_free(gone);
            return true;
        }
    return false;
}

static mpj_replied *take_ready(mpj_askbox *box)
{
    pthread_mutex_lock(&box->lock);
    mpj_replied *ready = box->ready;
    box->ready = NULL;
    pthread_mutex_unlock(&box->lock);
    return ready;
}

static void give_up_older(mpj_asked *asked, double than)
{
    for (mpj_pending **at = &asked->pending; *at;) {
        mpj_pending *pending = *at;
        if (pending->since > than) {
            at = &pending->next;
            continue;
        }
        *at = pending->next;
        send_plain(asked, pending->from, pending->number, 0);
        mpj_free(pending);
    }
}

int mpj_asked_serve(mpj_asked *asked)
{
    int sent = 0;
    if (!asked->box)
        return 0;
    mpj_asked_is_leaving(asked);
    if (!asked->pending)
        return 0;
    for (mpj_replied *reply = take_ready(asked->box), *next; reply; reply = next) {
        mpj_answer_head head;
        next = reply->next;
        memcpy(&head, reply->message, sizeof head);
        if (take_pending(asked, reply->to, head.number)) {
            send_reply(asked, reply);
            sent++;
        } else {
            free_reply(reply);
        }
    }
    give_up_older(asked, mpj_now() - PATIENCE_S - mpj_patience_more_s);
    return sent;
}

void mpj_asked_give_up(mpj_asked *asked)
{
    give_up_older(asked, mpj_now() + 1);
}

/* -- Results of calls -- */

static void remember_location(mpj_asked *asked, mpijob_memory *memory)
{
    for (int i = 0; i < MPJ_ASKED_LOCATIONS; i++) {
        if (asked->locations[i] == memory)
            return;
        if (!asked->locations[i]) {
            asked->locations[i] = memory;
            return;
        }
    }
}

static void give_results(mpj_asked *asked, mpj_calls *calls, uint64_t count)
{
    mpijob_memory *memory = mpj_calls_memory(calls);
    if (mpj_calls_give(calls) > 0)
        remember_location(asked, memory);
    else
        asked->lost += count;
}

/* Those of one location, the first that is met, from *at on; *at moves behind what was taken or is nobody's. */
static void store_some(mpj_asked *asked, const unsigned char *entries, size_t bytes, size_t *at)
{
    mpj_entry_note note;
    mpj_calls *calls = NULL;
    uint64_t count = 0;
    for (size_t next = *at; mpj_entries_next(entries, bytes, &next, &note) == 1; *at = next) {
        mpijob_memory *memory = note.position == MPJ_OF_A_CALL ? mpj_memory_at(note.location) : NULL;
        if (!memory) {
            asked->lost += note.position == MPJ_OF_A_CALL;
            continue;
        }
        if (calls && mpj_calls_memory(calls) != memory)
            break;
        if (!calls)
            calls = mpj_calls_new(memory);
        if (!calls || mpj_calls_add(calls, &note) != 0)
            asked->lost++;
        else
            count++;
    }
    if (calls)
        give_results(asked, calls, count);
}

void mpj_asked_store(mpj_asked *asked, const unsigned char *entries, size_t bytes)
{
    for (size_t at = 0, before = SIZE_MAX; at < bytes && at != before;) {
        before = at;
        store_some(asked, entries, bytes, &at);
    }
}

/* -- The end -- */

void mpj_asked_close(mpj_asked *asked, double seconds)
{
    double until = mpj_now() + seconds;
    for (int i = 0; i < MPJ_ASKED_LOCATIONS && asked->locations[i]; i++) {
        double left = until - mpj_now();
        mpj_memo_finish(asked->locations[i], left > 0 ? left : 0);
    }
    if (!asked->box)
        return;
    mpj_replied *ready = take_ready(asked->box);
    while (ready) {
        mpj_replied *next = ready->next;
        free_reply(ready);
        ready = next;
    }
    leave_box(asked->box);
    asked->box = NULL;
}
