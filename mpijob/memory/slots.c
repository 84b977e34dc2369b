#include "memory/slots.h"

#include "base/alloc.h"

#define SMALLEST 64
#define MOST_PLACES ((size_t)1 << 31) /* that the bits of a key can tell apart */

static size_t place_of(const mpj_slots *slots, uint64_t key)
{
    return (size_t)(uint32_t)key & (slots->capacity - 1);
}

static void add(mpj_slots *slots, const mpj_slot *slot)
{
    size_t at = place_of(slots, slot->key);
    while (slots->slots[at].number)
        at = (at + 1) & (slots->capacity - 1);
    slots->slots[at] = *slot;
    slots->used++;
}

void mpj_slots_add(mpj_slots *slots, uint64_t key, uint32_t segment, uint64_t offset, uint64_t bytes)
{
    const mpj_slot slot = {(uint32_t)key, segment + 1, (uint32_t)(offset / MPJ_SLOT_UNIT),
                           (uint32_t)(bytes / MPJ_SLOT_UNIT)};
    add(slots, &slot);
}

static int resize(mpj_slots *slots, size_t capacity, mpj_slots_keep_fn *keep, void *payload)
{
    mpj_slots made = {mpj_calloc_table(capacity, sizeof *made.slots), capacity, 0};
    if (!made.slots)
        return -1;
    for (size_t i = 0; i < slots->capacity; i++)
        if (slots->slots[i].number && (!keep || keep(&slots->slots[i], payload)))
            add(&made, &slots->slots[i]);
    mpj_free(slots->slots);
    *slots = made;
    return 0;
}

/* At most half full: two or three places tell that a key is not there. */
static size_t capacity_for(size_t count)
{
    size_t capacity = SMALLEST;
    while (capacity / 2 < count)
        capacity *= 2;
    return capacity;
}

int mpj_slots_reserve(mpj_slots *slots, size_t more)
{
    size_t room = slots->capacity / 2 - slots->used;
    if (more <= room)
        return 0;
    if (more - room > MOST_PLACES / 2 - slots->capacity / 2)
        return -1;
    return resize(slots, capacity_for(slots->used + more), NULL, NULL);
}

int mpj_slots_filter(mpj_slots *slots, mpj_slots_keep_fn *keep, void *payload)
{
    size_t kept = 0;
    for (size_t i = 0; i < slots->capacity; i++)
        kept += slots->slots[i].number && keep(&slots->slots[i], payload);
    return slots->capacity ? resize(slots, capacity_for(kept), keep, payload) : 0;
}

void mpj_slots_free(mpj_slots *slots)
{
    mpj_free(slots->slots);
    *slots = (mpj_slots){0};
}

static const mpj_slot *from(const mpj_slots *slots, size_t at, uint32_t key)
{
    for (; slots->slots[at].number; at = (at + 1) & (slots->capacity - 1))
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
    return slots->capacity ? from(slots, place_of(slots, key), (uint32_t)key) : NULL;
}

const mpj_slot *mpj_slots_next(const mpj_slots *slots, const mpj_slot *at)
{
    return from(slots, ((size_t)(at - slots->slots) + 1) & (slots->capacity - 1), at->key);
}
