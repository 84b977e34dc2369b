/* Where entries lie, by key: a hash table in which a key may stand many times. It holds 4 bytes of each key: who finds
 * a slot reads the entry and compares the rest. */
#ifndef MPJ_MEMORY_SLOTS_H
#define MPJ_MEMORY_SLOTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MPJ_SLOT_UNIT 16 /* bytes, in which offsets and lengths are counted: 64 GiB are the most */
#define MPJ_SLOT_MOST_BYTES ((uint64_t)UINT32_MAX * MPJ_SLOT_UNIT)

/* All zero: free. */
typedef struct mpj_slot {
    uint32_t key;    /* some of its bits */
    uint32_t number; /* of the segment, from 1 */
    uint32_t offset; /* of the entry, in units */
    uint32_t length; /* likewise */
} mpj_slot;

static inline uint32_t mpj_slot_segment(const mpj_slot *slot)
{
    return slot->number - 1;
}
static inline uint64_t mpj_slot_offset(const mpj_slot *slot)
{
    return (uint64_t)slot->offset * MPJ_SLOT_UNIT;
}
static inline uint64_t mpj_slot_bytes(const mpj_slot *slot)
{
    return (uint64_t)slot->length * MPJ_SLOT_UNIT;
}

/* Begin with all zero. */
typedef struct mpj_slots {
    mpj_slot *slots; /* a power of two */
    size_t capacity, used;
} mpj_slots;

/* Room for `more` further ones: 0, or -1: no memory, all as it was. */
int mpj_slots_reserve(mpj_slots *slots, size_t more);
/* Needs room. segment: below UINT32_MAX; offset and bytes: multiples of the unit, at most MPJ_SLOT_MOST_BYTES
 * (what they have beyond that is cut off). */
void mpj_slots_add(mpj_slots *slots, uint64_t key, uint32_t segment, uint64_t offset, uint64_t bytes);
void mpj_slots_free(mpj_slots *slots);

/* The place of this key will be needed soon. */
void mpj_slots_expect(const mpj_slots *slots, uint64_t key);

/* The slots of a key, and by chance of another one, one after the other: *at = mpj_slots_first(...), then
 * mpj_slots_next; NULL: no more. */
const mpj_slot *mpj_slots_first(const mpj_slots *slots, uint64_t key);
const mpj_slot *mpj_slots_next(const mpj_slots *slots, const mpj_slot *at);

/* Keeps those that `keep` says yes to, in as little memory as they need. 0, or -1: no memory, all as it was. */
typedef bool mpj_slots_keep_fn(const mpj_slot *slot, void *payload);
int mpj_slots_filter(mpj_slots *slots, mpj_slots_keep_fn *keep, void *payload);

#endif
