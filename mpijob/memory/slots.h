/* Where entries lie, by key: a hash table in which a key may stand many times. It holds 8 bytes of each key: who finds
 * a slot reads the entry and compares the rest. */
#ifndef MPJ_MEMORY_SLOTS_H
#define MPJ_MEMORY_SLOTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct mpj_slot {
    uint64_t key; /* bytes 0 to 7 */
    uint64_t offset;
    uint32_t segment; /* number of the segment; MPJ_SLOT_EMPTY */
    uint32_t length;  /* of the entry, in 16 bytes */
} mpj_slot;

#define MPJ_SLOT_EMPTY UINT32_MAX

/* Begin with all zero. */
typedef struct mpj_slots {
    mpj_slot *slots; /* a power of two */
    size_t capacity, used;
} mpj_slots;

/* Room for `more` further ones: 0, or -1: no memory, all as it was. */
int mpj_slots_reserve(mpj_slots *slots, size_t more);
/* Needs room. */
void mpj_slots_add(mpj_slots *slots, const mpj_slot *slot);
void mpj_slots_free(mpj_slots *slots);

/* The place of this key will be needed soon. */
void mpj_slots_expect(const mpj_slots *slots, uint64_t key);

/* The slots of a key, one after the other: *at = mpj_slots_first(...), then mpj_slots_next; NULL: no more. */
const mpj_slot *mpj_slots_first(const mpj_slots *slots, uint64_t key);
const mpj_slot *mpj_slots_next(const mpj_slots *slots, const mpj_slot *at);

/* Keeps those that `keep` says yes to. 0, or -1: no memory, all as it was. */
typedef bool mpj_slots_keep_fn(const mpj_slot *slot, void *payload);
int mpj_slots_filter(mpj_slots *slots, mpj_slots_keep_fn *keep, void *payload);

#endif
