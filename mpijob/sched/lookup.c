#include "sched/lookup.h"

#include "base/alloc.h"

#include <mpijob/error.h>
#include <string.h>

#define NONE UINT64_MAX
#define LEAST_PLACES 64

enum state {
    FREE,
    ASKED,
    MISSED,
    DUPLICATE
};

typedef struct look_job {
    mpj_look_key key;
    uint64_t same; /* the first of its duplicates, or the next duplicate */
    uint32_t state;
} look_job;

/* Jobs that are asked or missed, by key. The word is here, too, so that most steps touch no job. */
struct mpj_look_place {
    uint64_t word;
    uint64_t number; /* its index, from 1; 0: free */
};

void mpj_lookup_free(mpj_lookup *lookup)
{
    mpj_pages_free(&lookup->jobs);
    mpj_free(lookup->by_key);
    *lookup = (mpj_lookup){0};
}

static look_job *job_at(const mpj_lookup *lookup, uint64_t index)
{
    return mpj_pages_at(&lookup->jobs, index);
}

/* -- The table by key -- */

/* Keys are digests: any of their bits will do. */
static size_t home_of(const mpj_lookup *lookup, uint64_t word)
{
    return (size_t)word & (lookup->places - 1);
}

/* Where a job with this key is, or would be. */
static size_t place_of(const mpj_lookup *lookup, const mpj_look_key *key)
{
    size_t at = home_of(lookup, key->words[0]);
    while (lookup->by_key[at].number != 0 &&
           (lookup->by_key[at].word != key->words[0] ||
            memcmp(&job_at(lookup, lookup->by_key[at].number - 1)->key, key, sizeof *key) != 0))
        at = (at + 1) & (lookup->places - 1);
    return at;
}

static size_t free_place(const mpj_look_place *table, size_t places, uint64_t word)
{
    size_t at = (size_t)word & (places - 1);
    while (table[at].number != 0)
        at = (at + 1) & (places - 1);
    return at;
}

/* Empties a place; those behind it that would not be found any more move up. */
static void vacate(mpj_lookup *lookup, size_t at)
{
    mpj_look_place *table = lookup->by_key;
    size_t mask = lookup->places - 1;
    size_t hole = at;
    table[hole].number = 0;
    for (size_t next = (at + 1) & mask; table[next].number != 0; next = (next + 1) & mask) {
        size_t home = home_of(lookup, table[next].word);
        if (((next - home) & mask) < ((next - hole) & mask))
            continue;
        table[hole] = table[next];
        table[next].number = 0;
        hole = next;
    }
}

static int resize_table(mpj_lookup *lookup, size_t places)
{
    mpj_look_place *table = mpj_calloc_table(places, sizeof *table);
    if (!table)
        return MPIJOB_ENOMEM;
    for (size_t i = 0; i < lookup->places; i++)
        if (lookup->by_key[i].number != 0)
            table[free_place(table, places, lookup->by_key[i].word)] = lookup->by_key[i];
    mpj_free(lookup->by_key);
    lookup->by_key = table;
    lookup->places = places;
    return MPIJOB_OK;
}

/* Room in the table for one job more: half of the places stay free. */
static int make_room(mpj_lookup *lookup)
{
    if (lookup->held + 1 <= lookup->places / 2)
        return MPIJOB_OK;
    return resize_table(lookup, lookup->places ? 2 * lookup->places : LEAST_PLACES);
}

static void forget(mpj_lookup *lookup, uint64_t index)
{
    job_at(lookup, index)->state = FREE;
    mpj_pages_done(&lookup->jobs, index);
    lookup->held--;
}

/* -- Events -- */

void mpj_lookup_expect_key(const mpj_lookup *lookup, const mpj_look_key *key)
{
    if (lookup->places)
        __builtin_prefetch(&lookup->by_key[home_of(lookup, key->words[0])]);
}

void mpj_lookup_expect(const mpj_lookup *lookup, uint64_t index)
{
    const look_job *job = job_at(lookup, index);
    if (job)
        mpj_lookup_expect_key(lookup, &job->key);
}

static void ask(mpj_lookup *lookup, look_job *job, double now)
{
    if (lookup->asked++ == 0)
        lookup->quiet_since = now;
    job->state = ASKED;
}

int mpj_lookup_drawn(mpj_lookup *lookup, uint64_t index, const mpj_look_key *key, double now)
{
    lookup->jobs.size = sizeof(look_job);
    if (index != lookup->jobs.end)
        return MPIJOB_EINTERNAL;
    if (make_room(lookup) != MPIJOB_OK)
        return MPIJOB_ENOMEM;
    size_t place = place_of(lookup, key);
    look_job *job = mpj_pages_add(&lookup->jobs);
    if (!job)
        return MPIJOB_ENOMEM;
    *job = (look_job){.key = *key, .same = NONE};
    lookup->held++;
    if (lookup->by_key[place].number != 0) {
        look_job *first = job_at(lookup, lookup->by_key[place].number - 1);
        job->state = DUPLICATE;
        job->same = first->same;
        first->same = index;
        lookup->duplicates++;
        return MPJ_LOOK_WAIT;
    }
    lookup->by_key[place] = (mpj_look_place){key->words[0], index + 1};
    if (lookup->stalled) {
        job->state = MISSED;
        return MPJ_LOOK_COMPUTE;
    }
    ask(lookup, job, now);
    return MPJ_LOOK_ASK;
}

/* The job is forgotten, its duplicates are taken over by the chain, oldest first. */
static void settle(mpj_lookup *lookup, uint64_t index, mpj_look_chain *duplicates)
{
    look_job *job = job_at(lookup, index);
    uint64_t reversed = NONE;
    for (uint64_t at = job->same; at != NONE;) {
        look_job *duplicate = job_at(lookup, at);
        uint64_t next = duplicate->same;
        duplicate->same = reversed;
        reversed = at;
        at = next;
    }
    duplicates->next = reversed;
    vacate(lookup, place_of(lookup, &job->key));
    forget(lookup, index);
}

/* Whether a job is in this state. */
static look_job *find(const mpj_lookup *lookup, uint64_t index, uint32_t state)
{
    look_job *job = job_at(lookup, index);
    return job && job->state == state ? job : NULL;
}

void mpj_lookup_heard(mpj_lookup *lookup, double now)
{
    lookup->quiet_since = now;
    lookup->stalled = false;
}

int mpj_lookup_found(mpj_lookup *lookup, uint64_t index, double now, mpj_look_chain *duplicates)
{
    mpj_lookup_heard(lookup, now);
    if (!find(lookup, index, ASKED))
        return 0;
    lookup->asked--;
    settle(lookup, index, duplicates);
    return 1;
}

int mpj_lookup_missed(mpj_lookup *lookup, uint64_t index, double now)
{
    look_job *job = find(lookup, index, ASKED);
    mpj_lookup_heard(lookup, now);
    if (!job)
        return 0;
    lookup->asked--;
    job->state = MISSED;
    return 1;
}

int mpj_lookup_missed_with(const mpj_lookup *lookup, const uint64_t words[2], uint64_t *index)
{
    if (lookup->places == 0)
        return 0;
    for (size_t at = home_of(lookup, words[0]); lookup->by_key[at].number != 0; at = (at + 1) & (lookup->places - 1)) {
        if (lookup->by_key[at].word != words[0])
            continue;
        const look_job *job = job_at(lookup, lookup->by_key[at].number - 1);
        *index = lookup->by_key[at].number - 1;
        if (job->state == MISSED && job->key.words[1] == words[1])
            return 1;
    }
    return 0;
}

void mpj_lookup_ask_again(mpj_lookup *lookup, uint64_t index, double now)
{
    look_job *job = find(lookup, index, MISSED);
    if (job)
        ask(lookup, job, now);
}

bool mpj_lookup_executed(mpj_lookup *lookup, uint64_t index, mpj_look_key *key, mpj_look_chain *duplicates)
{
    look_job *job = find(lookup, index, MISSED);
    *duplicates = MPJ_LOOK_NOBODY;
    if (!job)
        return false;
    if (key)
        *key = job->key;
    settle(lookup, index, duplicates);
    return true;
}

int mpj_lookup_next(mpj_lookup *lookup, mpj_look_chain *chain, uint64_t *index)
{
    if (chain->next == NONE)
        return 0;
    *index = chain->next;
    chain->next = job_at(lookup, *index)->same;
    forget(lookup, *index);
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

int mpj_lookup_give_up(mpj_lookup *lookup, uint64_t *at, uint64_t *index)
{
    for (; lookup->asked > 0 && (*at = mpj_pages_next(&lookup->jobs, *at)) < lookup->jobs.end; ++*at) {
        look_job *job = find(lookup, *at, ASKED);
        if (!job)
            continue;
        job->state = MISSED;
        lookup->asked--;
        *index = *at;
        return 1;
    }
    return 0;
}

/* -- For tests -- */

const char *mpj_lookup_check(const mpj_lookup *lookup)
{
    size_t counts[4] = {0}, used = 0;
    for (uint64_t i = 0; (i = mpj_pages_next(&lookup->jobs, i)) < lookup->jobs.end; i++) {
        const look_job *job = job_at(lookup, i);
        counts[job->state]++;
        if ((job->state == ASKED || job->state == MISSED) &&
            lookup->by_key[place_of(lookup, &job->key)].number != i + 1)
            return "a job is not found by its key";
    }
    for (size_t i = 0; i < lookup->places; i++)
        used += lookup->by_key[i].number != 0;
    if (counts[ASKED] != lookup->asked)
        return "asked jobs are miscounted";
    if (counts[ASKED] + counts[MISSED] + counts[DUPLICATE] != lookup->held)
        return "jobs are lost";
    if (used != counts[ASKED] + counts[MISSED])
        return "the table has what it should not have";
    return NULL;
}
