#include "memory/slots.h"

#include "base/alloc.h"

#define SMALLEST 64

static size_t place_of(const mpj_slots *slots, uint64_t key)
{
    return (size_t)key & (slots->capacity - 1);
}

void mpj_slots_add(mpj_slots *slots, const mpj_slot *slot)
{
    size_t at = place_of(slots, slot->key);
    while (slots->slots[at].segment != MPJ_SLOT_EMPTY)
        at = (at + 1) & (slots->capacity - 1);
    slots->slots[at] = *slot;
    slots->used++;
}

static int resize(mpj_slots *slots, size_t capacity, mpj_slots_keep_fn *keep, void *payload)
{
    mpj_slots made = {NULL, capacity, 0};
    if (capacity > SIZE_MAX / sizeof *made.slots)
        return -1;
    made.slots = mpj_alloc(capacity * sizeof *made.slots);
    if (!made.slots)
        return -1;
    for (size_t i = 0; i < capacity; i++)
        made.slots[i].segment = MPJ_SLOT_EMPTY;
    for (size_t i = 0; i < slots->capacity; i++)
        if (slots->slots[i].segment != MPJ_SLOT_EMPTY && (!keep || keep(&slots->slots[i], payload)))
            mpj_slots_add(&made, &slots->slots[i]);
    mpj_free(slots->slots);
    *slots = made;
    return 0;
}

/* At most two thirds full. */
int mpj_slots_reserve(mpj_slots *slots, size_t more)
{
    if (more > SIZE_MAX / 4 - slots->used)
        return -1;
    size_t need = slots->used + more, capacity = slots->capacity ? slots->capacity : SMALLEST;
    while (capacity / 3 * 2 < need)
        capacity *= 2;
    return capacity == slots->capacity ? 0 : resize(slots, capacity, NULL, NULL);
}

int mpj_slots_filter(mpj_slots *slots, mpj_slots_keep_fn *keep, void *payload)
{
    return slots->capacity ? resize(slots, slots->capacity, keep, payload) : 0;
}

void mpj_slots_free(mpj_slots *slots)
{
    mpj_free(slots->slots);
    *slots = (mpj_slots){0};
}

static const mpj_slot *from(const mpj_slots *slots, size_t at, uint64_t key)
{
    for (; slots->slots[at].segment != MPJ_SLOT_EMPTY; at = (at + 1) & (slots->capacity - 1))
        if (slots->slots[at].key == key)
            return &slots->slots[at];
    return NULL;
}

void mpj_slots_expect(const mpj_slots *slots, uint64_t key)
{
    if (slots->capacity)
        __builtin_prefetch(&slots->slots[place_of(slots, key)]);
}

const mpj_slot *mpj_slots_first(const mpj_slots *slots, uint64_t key)
{
    return slots->capacity ? from(slots, place_of(slots, key), key) : NULL;
}

const mpj_slot *mpj_slots_next(const mpj_slots *slots, const mpj_slot *at)
{
    return from(slots, ((size_t)(at - slots->slots) + 1) & (slots->capacity - 1), at->key);
}
