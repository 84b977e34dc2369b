#include "sched/lookup.h"

#include "base/alloc.h"

#include <mpijob/error.h>
#include <string.h>

#define NONE UINT32_MAX
#define LEAST_PLACES 64
#define MOST_JOBS (UINT32_MAX / 4)

enum state {
    FREE,
    ASKED,
    MISSED,
    DUPLICATE
};

struct mpj_look_job {
    mpj_look_key key;
    uint64_t index;
    uint32_t same; /* the first of its duplicates, the next duplicate, or the next free one */
    uint32_t state;
};

void mpj_lookup_free(mpj_lookup *lookup)
{
    mpj_free(lookup->jobs);
    mpj_free(lookup->by_key);
    mpj_free(lookup->by_index);
    *lookup = (mpj_lookup){0};
}

/* -- The two tables -- */

static size_t home_of_index(const mpj_lookup *lookup, uint64_t index)
{
    uint64_t hash = index * UINT64_C(0x9E3779B97F4A7C15);
    return (size_t)(hash ^ hash >> 32) & (lookup->places - 1);
}

/* Keys are digests: any of their bits will do. */
static size_t home_of_key(const mpj_lookup *lookup, const mpj_look_key *key)
{
    return (size_t)key->words[0] & (lookup->places - 1);
}

static bool same_key(const mpj_look_key *a, const mpj_look_key *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

/* Where the job with this index is, or would be. */
static size_t place_of_index(const mpj_lookup *lookup, uint64_t index)
{
    size_t at = home_of_index(lookup, index);
    while (lookup->by_index[at] != NONE && lookup->jobs[lookup->by_index[at]].index != index)
        at = (at + 1) & (lookup->places - 1);
    return at;
}

static size_t place_of_key(const mpj_lookup *lookup, const mpj_look_key *key)
{
    size_t at = home_of_key(lookup, key);
    while (lookup->by_key[at] != NONE && !same_key(&lookup->jobs[lookup->by_key[at]].key, key))
        at = (at + 1) & (lookup->places - 1);
    return at;
}

static size_t home_of(const mpj_lookup *lookup, const uint32_t *table, uint32_t number)
{
    const mpj_look_job *job = &lookup->jobs[number];
    return table == lookup->by_key ? home_of_key(lookup, &job->key) : home_of_index(lookup, job->index);
}

/* Empties a place; those behind it that would not be found any more move up. */
static void vacate(mpj_lookup *lookup, uint32_t *table, size_t at)
{
    size_t mask = lookup->places - 1;
    size_t hole = at;
    table[hole] = NONE;
    for (size_t next = (at + 1) & mask; table[next] != NONE; next = (next + 1) & mask) {
        size_t home = home_of(lookup, table, table[next]);
        if (((next - home) & mask) < ((next - hole) & mask))
            continue;
        table[hole] = table[next];
        table[next] = NONE;
        hole = next;
    }
}

static int resize_tables(mpj_lookup *lookup, size_t places)
{
    uint32_t *by_key = mpj_alloc(places * sizeof *by_key);
    uint32_t *by_index = mpj_alloc(places * sizeof *by_index);
    if (!by_key || !by_index) {
        mpj_free(by_key);
        mpj_free(by_index);
        return MPIJOB_ENOMEM;
    }
    mpj_free(lookup->by_key);
    mpj_free(lookup->by_index);
    memset(by_key, 0xff, places * sizeof *by_key);
    memset(by_index, 0xff, places * sizeof *by_index);
    lookup->by_key = by_key;
    lookup->by_index = by_index;
    lookup->places = places;
    for (uint32_t i = 0; i < lookup->count; i++) {
        const mpj_look_job *job = &lookup->jobs[i];
        if (job->state == ASKED || job->state == MISSED) {
            by_key[place_of_key(lookup, &job->key)] = i;
            by_index[place_of_index(lookup, job->index)] = i;
        }
    }
    return MPIJOB_OK;
}

static int make_room(mpj_lookup *lookup)
{
    if (lookup->held >= MOST_JOBS)
        return MPIJOB_ENOMEM;
    if (lookup->count == 0)
        lookup->free_job = NONE;
    if (lookup->free_job == NONE &&
        mpj_grow((void **)&lookup->jobs, &lookup->capacity, lookup->count + 1, sizeof *lookup->jobs) != 0)
        return MPIJOB_ENOMEM;
    if (lookup->held + 1 <= lookup->places / 2)
        return MPIJOB_OK;
    return resize_tables(lookup, lookup->places ? 2 * lookup->places : LEAST_PLACES);
}

static uint32_t take_number(mpj_lookup *lookup)
{
    uint32_t number = lookup->free_job;
    if (number == NONE)
        return (uint32_t)lookup->count++;
    lookup->free_job = lookup->jobs[number].same;
    return number;
}

static void give_number(mpj_lookup *lookup, uint32_t number)
{
    lookup->jobs[number].state = FREE;
    lookup->jobs[number].same = lookup->free_job;
    lookup->free_job = number;
    lookup->held--;
}

/* NULL: no job that is asked or missed. */
static mpj_look_job *find(const mpj_lookup *lookup, uint64_t index)
{
    if (lookup->places == 0)
        return NULL;
    uint32_t number = lookup->by_index[place_of_index(lookup, index)];
    return number == NONE ? NULL : &lookup->jobs[number];
}

/* -- Events -- */

int mpj_lookup_drawn(mpj_lookup *lookup, uint64_t index, const mpj_look_key *key, double now)
{
    if (make_room(lookup) != MPIJOB_OK)
        return MPIJOB_ENOMEM;
    size_t place = place_of_key(lookup, key);
    uint32_t equal = lookup->by_key[place];
    uint32_t number = take_number(lookup);
    mpj_look_job *job = &lookup->jobs[number];
    *job = (mpj_look_job){.key = *key, .index = index, .same = NONE};
    lookup->held++;
    if (equal != NONE) {
        job->state = DUPLICATE;
        job->same = lookup->jobs[equal].same;
        lookup->jobs[equal].same = number;
        lookup->duplicates++;
        return MPJ_LOOK_WAIT;
    }
    lookup->by_key[place] = number;
    lookup->by_index[place_of_index(lookup, index)] = number;
    if (lookup->stalled) {
        job->state = MISSED;
        return MPJ_LOOK_COMPUTE;
    }
    if (lookup->asked++ == 0)
        lookup->quiet_since = now;
    job->state = ASKED;
    return MPJ_LOOK_ASK;
}

/* The job is forgotten, its duplicates are taken over by the chain, oldest first. */
static void settle(mpj_lookup *lookup, mpj_look_job *job, mpj_look_chain *duplicates)
{
    uint32_t number = (uint32_t)(job - lookup->jobs);
    uint32_t reversed = NONE;
    for (uint32_t at = job->same; at != NONE;) {
        uint32_t next = lookup->jobs[at].same;
        lookup->jobs[at].same = reversed;
        reversed = at;
        at = next;
    }
    duplicates->next = reversed;
    vacate(lookup, lookup->by_key, place_of_key(lookup, &job->key));
    vacate(lookup, lookup->by_index, place_of_index(lookup, job->index));
    give_number(lookup, number);
}

static void heard(mpj_lookup *lookup, double now)
{
    lookup->quiet_since = now;
    lookup->stalled = false;
}

int mpj_lookup_found(mpj_lookup *lookup, uint64_t index, double now, mpj_look_chain *duplicates)
{
    mpj_look_job *job = find(lookup, index);
    heard(lookup, now);
    if (!job || job->state != ASKED)
        return 0;
    lookup->asked--;
    settle(lookup, job, duplicates);
    return 1;
}

int mpj_lookup_missed(mpj_lookup *lookup, uint64_t index, double now)
{
    mpj_look_job *job = find(lookup, index);
    heard(lookup, now);
    if (!job || job->state != ASKED)
        return 0;
    lookup->asked--;
    job->state = MISSED;
    return 1;
}

bool mpj_lookup_executed(mpj_lookup *lookup, uint64_t index, mpj_look_key *key, mpj_look_chain *duplicates)
{
    mpj_look_job *job = find(lookup, index);
    *duplicates = MPJ_LOOK_NOBODY;
    if (!job || job->state != MISSED)
        return false;
    if (key)
        *key = job->key;
    settle(lookup, job, duplicates);
    return true;
}

int mpj_lookup_next(mpj_lookup *lookup, mpj_look_chain *chain, uint64_t *index)
{
    if (chain->next == NONE)
        return 0;
    uint32_t number = chain->next;
    *index = lookup->jobs[number].index;
    chain->next = lookup->jobs[number].same;
    give_number(lookup, number);
    return 1;
}

/* -- Stalls -- */

bool mpj_lookup_is_quiet(const mpj_lookup *lookup, double now, double patience)
{
    return lookup->asked > 0 && now - lookup->quiet_since > patience;
}

void mpj_lookup_stall(mpj_lookup *lookup)
{
    lookup->stalled = true;
}

int mpj_lookup_give_up(mpj_lookup *lookup, size_t *at, uint64_t *index)
{
    for (; lookup->asked > 0 && *at < lookup->count; ++*at) {
        mpj_look_job *job = &lookup->jobs[*at];
        if (job->state != ASKED)
            continue;
        job->state = MISSED;
        lookup->asked--;
        *index = job->index;
        return 1;
    }
    return 0;
}

/* -- For tests -- */

static size_t used_places(const mpj_lookup *lookup, const uint32_t *table)
{
    size_t used = 0;
    for (size_t i = 0; i < lookup->places; i++)
        used += table[i] != NONE;
    return used;
}

const char *mpj_lookup_check(const mpj_lookup *lookup)
{
    size_t asked = 0, missed = 0, duplicates = 0;
    for (uint32_t i = 0; i < lookup->count; i++) {
        const mpj_look_job *job = &lookup->jobs[i];
        asked += job->state == ASKED;
        missed += job->state == MISSED;
        duplicates += job->state == DUPLICATE;
        if (job->state != ASKED && job->state != MISSED)
            continue;
        if (lookup->by_key[place_of_key(lookup, &job->key)] != i)
            return "a job is not found by its key";
        if (lookup->by_index[place_of_index(lookup, job->index)] != i)
            return "a job is not found by its index";
    }
    if (asked != lookup->asked)
        return "asked jobs are miscounted";
    if (asked + missed + duplicates != lookup->held)
        return "jobs are lost";
    if (used_places(lookup, lookup->by_key) != asked + missed ||
        used_places(lookup, lookup->by_index) != asked + missed)
        return "a table has what it should not have";
    return NULL;
}
