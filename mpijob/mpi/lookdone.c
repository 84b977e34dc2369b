/* What is executed: stored, shelved, and given to the jobs of equal key. */
#include "mpi/lookset.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "mpi/memo.h"

#include <string.h>

#define EXPECTED_JOBS 3 /* so far ahead of the job at hand */

static mpj_name name_of(const mpj_scheduler *s, const mpj_look_key *key)
{
    mpj_name name = {.version = mpj_memo_signature(s->run->function->cached)->version};
    memcpy(&name.key, key->words, sizeof name.key);
    memcpy(&name.check, key->words + 2, sizeof name.check);
    return name;
}

static const unsigned char *result_of(const mpj_scheduler *s, const mpj_arrival *arrival, uint64_t position,
                                      uint64_t index, uint64_t *bytes)
{
    size_t size = s->run->function->result_size;
    const unsigned char *data = arrival->parts[MPJ_PART_RESULTS].data;
    *bytes = size;
    if (size == MPIJOB_ANY_SIZE) {
        memcpy(bytes, arrival->parts[MPJ_PART_SIZES].data + position * sizeof *bytes, sizeof *bytes);
        return *bytes ? data + arrival->offsets[position] : (const unsigned char *)"";
    }
    if (size == 0)
        return (const unsigned char *)"";
    return arrival->parts[MPJ_PART_RESULTS].borrowed ? s->run->results + index * size : data + position * size;
}

static double seconds_of(const mpj_arrival *arrival, uint64_t position)
{
    double seconds = 0;
    const mpj_part *part = &arrival->parts[MPJ_PART_SECONDS];
    if ((position + 1) * sizeof seconds <= part->bytes)
        memcpy(&seconds, part->data + position * sizeof seconds, sizeof seconds);
    return seconds;
}

static void serve_chain(mpj_scheduler *s, mpj_look_chain chain, const unsigned char *result, uint64_t bytes,
                        double seconds)
{
    mpj_found_set set;
    unsigned char *copy = NULL;
    if (chain.next == MPJ_LOOK_NOBODY.next)
        return;
    int failed = mpj_found_begin(s, &set, result, 1);
    if (failed == 0 && set.arrival) {
        copy = mpj_alloc(bytes);
        set.failed = !copy;
        if (copy)
            memcpy(copy, result, bytes);
    }
    if (failed) {
        mpj_looks_give_up(s, MPIJOB_ENOMEM, NULL);
        return;
    }
    mpj_found_chain(s, &set, chain, 0, bytes, seconds);
    mpj_found_end(s, &set, copy, bytes);
}

/* What the reply says of this job's result; positions ascend. NULL: nothing. */
static const mpj_entry_note *note_of(const mpj_arrival *arrival, uint64_t position, size_t *at, mpj_entry_note *note)
{
    const mpj_part *part = &arrival->parts[MPJ_PART_ENTRIES];
    size_t next = *at;
    while (mpj_entries_next(part->data, part->bytes, &next, note) == 1) {
        if (note->position == position) {
            *at = next;
            return note;
        }
        if (note->position != MPJ_OF_A_CALL && note->position > position)
            return NULL;
        *at = next;
    }
    return NULL;
}

static void executed_well(mpj_scheduler *s, const mpj_arrival *arrival, uint64_t position, uint64_t index,
                          const mpj_look_key *key, mpj_look_chain chain, size_t *at, double now)
{
    uint64_t bytes;
    const unsigned char *result = result_of(s, arrival, position, index, &bytes);
    mpj_name name = name_of(s, key);
    double seconds = seconds_of(arrival, position);
    mpj_stored stored = {.name = &name,
                         .args = mpj_looks_args(s, index),
                         .index = index,
                         .result = result,
                         .bytes = bytes,
                         .seconds = seconds};
    mpj_entry_note note;
    bool left = false;
    if (note_of(arrival, position, at, &note)) {
        stored.file = note.file;
        stored.meta = note.meta;
        stored.meta_bytes = note.meta_bytes;
        stored.bytes = note.bytes;
        left = note.left;
    }
    mpj_looks_timed(&s->looks, seconds);
    bool kept = !left && mpj_storing_add(&s->looks.storing, &stored, now);
    if (left)
        mpj_memo_computed(s->run->function->cached, seconds);
    if (!s->looks.references)
        serve_chain(s, chain, result, bytes, seconds);
    else if (mpj_shelve_one(s, position, &stored, kept))
        mpj_missed_chain(s, chain); /* one reference holds it, and no second one can */
    else
        serve_chain(s, chain, (const unsigned char *)&s->looks.references[position], sizeof(mpijob_reference), seconds);
}

/* A shelved run without Memory. */
static void hold_result(mpj_scheduler *s, const mpj_arrival *arrival, uint64_t position, uint64_t index)
{
    uint64_t bytes;
    mpj_stored stored = {.index = index, .seconds = seconds_of(arrival, position)};
    stored.result = result_of(s, arrival, position, index, &bytes);
    stored.bytes = bytes;
    mpj_shelve_one(s, position, &stored, false);
}

void mpj_looks_executed(mpj_scheduler *s, const mpj_arrival *arrival, const mpj_batch *batch, const uint64_t *failed)
{
    mpj_looks *looks = &s->looks;
    uint64_t position = 0;
    uint64_t failures = 0;
    size_t at = 0;
    if (!looks->on && !looks->references)
        return;
    double now = mpj_now();
    for (uint32_t i = 0; i < batch->span_count; i++)
        for (uint64_t j = 0; j < batch->spans[i].count && position < arrival->executed; j++, position++) {
            uint64_t index = batch->spans[i].first + j;
            bool bad = failures < arrival->failed && failed[failures] == position;
            mpj_look_key key;
            mpj_look_chain chain;
            failures += bad;
            mpj_lookup_expect(&looks->lookup, index + EXPECTED_JOBS);
            if (!looks->on && !bad)
                hold_result(s, arrival, position, index);
            if (!mpj_lookup_executed(&looks->lookup, index, &key, &chain))
                continue;
            if (bad)
                mpj_missed_chain(s, chain);
            else
                executed_well(s, arrival, position, index, &key, chain, &at, now);
        }
    if (looks->on)
        mpj_storing_look(&looks->storing, now);
}
