/* Rank 0: results, holes and failures go to the caller. */
#include "mpi/scheduler.h"

#include "base/alloc.h"
#include "base/error.h"

#include <stdio.h>
#include <string.h>

#define RELEASES_A_TURN 64 /* then messages and generator get their turn */

/* -- Failures -- */

/* Puts the record together: text, place and job. */
static void complete_record(const mpj_scheduler *s, const mpj_arrival *arrival, uint64_t index, mpijob_error *failure)
{
    char said[720];
    snprintf(said, sizeof said, "%.700s", failure->text);
    const unsigned char *host = arrival->parts[MPJ_PART_FAILURES].data;
    int rank = arrival->worker == 0 ? s->run->shown_rank : (int)arrival->worker;
    memcpy(failure->host, host, sizeof failure->host - 1);
    failure->job = (int64_t)index;
    failure->rank = rank;
    failure->attempt = 1;
    snprintf(failure->text, sizeof failure->text, "job %llu failed on rank %d (%s): %s", (unsigned long long)index,
             rank, failure->host, said);
}

void mpj_failure_at(const mpj_scheduler *s, const mpj_arrival *arrival, uint64_t position, uint64_t index,
                    mpijob_error *failure)
{
    const mpj_part *part = &arrival->parts[MPJ_PART_FAILURES];
    size_t at = MPJ_FIRST_FAILURE;
    uint64_t found;
    while (mpj_failures_next(part->data, part->bytes, &at, &found, failure) == 1)
        if (found == position) {
            complete_record(s, arrival, index, failure);
            return;
        }
    mpj_fail(failure, MPIJOB_EJOB, "job %llu failed", (unsigned long long)index);
}

static uint64_t index_at(const mpj_batch *batch, uint64_t position)
{
    uint32_t i = 0;
    while (i + 1 < batch->span_count && position >= batch->spans[i].count)
        position -= batch->spans[i++].count;
    return batch->spans[i].first + position;
}

static void note_failure(mpj_scheduler *s, const mpijob_error *failure)
{
    const mpijob_parallel_options *o = &s->run->options;
    if (o->statuses)
        o->statuses[failure->job] = MPIJOB_EJOB;
    if (o->failures_capacity > 0 && *o->failures_count < o->failures_capacity)
        o->failures[(*o->failures_count)++] = *failure;
    if (s->enough)
        return;
    if (o->on_error == MPIJOB_STOP)
        mpj_stop_run(s, MPIJOB_EJOB, failure, false);
    else if (!s->survived || failure->job < s->failure.job) {
        s->survived = true;
        s->failure = *failure;
    }
}

void mpj_find_failed(const mpj_arrival *arrival, uint64_t *positions)
{
    const mpj_part *part = &arrival->parts[MPJ_PART_FAILURES];
    size_t at = MPJ_FIRST_FAILURE;
    mpijob_error failure;
    for (uint64_t i = 0; i < arrival->failed; i++)
        if (mpj_failures_next(part->data, part->bytes, &at, &positions[i], &failure) != 1)
            positions[i] = MPJ_UNKNOWN; /* the plan refuses it */
}

void mpj_note_failures(mpj_scheduler *s, const mpj_arrival *arrival, const mpj_batch *batch)
{
    const mpj_part *part = &arrival->parts[MPJ_PART_FAILURES];
    size_t at = MPJ_FIRST_FAILURE;
    mpijob_error failure;
    for (uint64_t i = 0; i < arrival->failed; i++) {
        uint64_t position;
        if (mpj_failures_next(part->data, part->bytes, &at, &position, &failure) != 1)
            return;
        uint64_t index = index_at(batch, position);
        complete_record(s, arrival, index, &failure);
        note_failure(s, &failure);
    }
}

/* -- Results -- */

static bool wants_results(const mpj_scheduler *s)
{
    return s->run->options.return_as != MPIJOB_LIST || s->run->options.reduce;
}

void mpj_hand_out_silently(mpj_scheduler *s)
{
    mpj_release release;
    if (wants_results(s))
        return;
    while (mpj_plan_release(s->plan, &release) == 1)
        if (release.last)
            mpj_arrival_free(s, release.results);
}

static const unsigned char *result_at(const mpj_scheduler *s, const mpj_arrival *arrival, uint64_t position,
                                      size_t *bytes)
{
    size_t size = s->run->result_bytes;
    const unsigned char *data = arrival->parts[MPJ_PART_RESULTS].data;
    *bytes = size;
    if (size != MPIJOB_ANY_SIZE)
        return size == 0          ? (const unsigned char *)""
               : arrival->offsets ? data + arrival->offsets[position]
                                  : data + position * size;
    uint64_t any;
    memcpy(&any, arrival->parts[MPJ_PART_SIZES].data + position * sizeof any, sizeof any);
    *bytes = any;
    return any ? data + arrival->offsets[position] : (const unsigned char *)"";
}

/* What the callback said, when it was not to go on. */
static void end_handing_out(mpj_scheduler *s, int returned, uint64_t index, const mpijob_error *said)
{
    mpijob_error err;
    bool consumes = s->run->options.consume != NULL;
    s->handing_out = false;
    pthread_mutex_lock(&s->link->lock);
    if (returned == MPIJOB_ENOUGH) {
        s->enough = true;
        mpj_stop_run(s, MPIJOB_OK, NULL, false);
    } else {
        mpj_fail(&err, MPIJOB_ECONSUMER, "the %s failed at result %llu: %.700s", consumes ? "consumer" : "reduction",
                 (unsigned long long)index,
                 said->text[0] ? said->text : "it gave no reason (mpijob_callback_fail says one)");
        err.job = (int64_t)index;
        err.rank = 0;
        mpj_stop_run(s, MPIJOB_ECONSUMER, &err, false);
    }
    pthread_mutex_unlock(&s->link->lock);
}

static int hand_one(mpj_scheduler *s, const mpj_release *release, uint64_t offset, mpijob_error *said)
{
    const mpijob_parallel_options *o = &s->run->options;
    const mpj_arrival *arrival = release->results;
    uint64_t index = release->jobs.first + offset;
    size_t bytes = 0;
    if (release->failed) {
        mpijob_error failure;
        if (!o->consume)
            return MPIJOB_GO_ON;
        mpj_failure_at(s, arrival, release->position + offset, index, &failure);
        return o->consume(NULL, 0, index, &failure, o->consume_payload, said);
    }
    const unsigned char *result = result_at(s, arrival, release->position + offset, &bytes);
    if (o->reduce)
        return o->reduce(s->run->results, result, bytes, index, o->reduce_payload, said);
    int returned = o->consume(result, bytes, index, NULL, o->consume_payload, said);
    if (arrival->shelved) /* it is the consumer's now */
        memset(arrival->parts[MPJ_PART_RESULTS].data + (release->position + offset) * bytes, 0, bytes);
    return returned;
}

static void hand_release(mpj_scheduler *s, const mpj_release *release)
{
    /* Under MPIJOB_STOP nothing behind a failed job is handed out in order. */
    if (release->failed && s->run->options.on_error == MPIJOB_STOP) {
        if (s->run->options.return_as != MPIJOB_GENERATOR_UNORDERED)
            s->handing_out = false;
        return;
    }
    for (uint64_t i = 0; i < release->jobs.count && s->handing_out; i++) {
        mpijob_error said = {.text = ""};
        int returned = hand_one(s, release, i, &said);
        if (returned != MPIJOB_GO_ON)
            end_handing_out(s, returned, release->jobs.first + i, &said);
    }
}

bool mpj_hand_out(mpj_scheduler *s)
{
    mpj_release release;
    int count = 0;
    if (!wants_results(s))
        return false;
    pthread_mutex_lock(&s->link->lock);
    while (count < RELEASES_A_TURN && mpj_plan_release(s->plan, &release) == 1) {
        pthread_mutex_unlock(&s->link->lock);
        if (s->handing_out)
            hand_release(s, &release);
        pthread_mutex_lock(&s->link->lock);
        if (release.last)
            mpj_arrival_free(s, release.results);
        count++;
    }
    pthread_mutex_unlock(&s->link->lock);
    return count > 0;
}
