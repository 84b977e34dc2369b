#include "sched/attempts.h"

#include "base/alloc.h"

/* A hash table with open addressing: with costs, indices fail in any order, and then a sorted list would move half of
 * itself for each. */

void mpj_attempts_free(mpj_attempts *attempts)
{
    mpj_free(attempts->list);
    attempts->list = NULL;
}

/* Where index is, or would be. The capacity is a power of two, and at least half of the places are free. */
static mpj_attempt *place_of(const mpj_attempts *attempts, uint64_t index)
{
    uint64_t hash = index * UINT64_C(0x9E3779B97F4A7C15);
    size_t at = (size_t)(hash ^ hash >> 32) & (attempts->capacity - 1);
    while (attempts->list[at].failures > 0 && attempts->list[at].index != index)
        at = (at + 1) & (attempts->capacity - 1);
    return &attempts->list[at];
}

static int resize(mpj_attempts *attempts, size_t capacity)
{
    mpj_attempts larger = {.count = attempts->count, .capacity = capacity};
    larger.list = mpj_calloc(capacity, sizeof *larger.list);
    if (!larger.list)
        return -1;
    for (size_t i = 0; i < attempts->capacity; i++)
        if (attempts->list[i].failures > 0)
            *place_of(&larger, attempts->list[i].index) = attempts->list[i];
    mpj_free(attempts->list);
    *attempts = larger;
    return 0;
}

int mpj_attempts_reserve(mpj_attempts *attempts, size_t more)
{
    if (more == 0 || attempts->count + more <= attempts->capacity / 2)
        return 0;
    size_t capacity = 16;
    while (capacity / 2 < attempts->count + more) {
        if (capacity > SIZE_MAX / 2)
            return -1;
        capacity *= 2;
    }
    return resize(attempts, capacity);
}

uint32_t mpj_attempts_failed(mpj_attempts *attempts, uint64_t index)
{
    mpj_attempt *attempt = place_of(attempts, index);
    if (attempt->failures == 0) {
        attempt->index = index;
        attempts->count++;
    }
    return ++attempt->failures;
}
