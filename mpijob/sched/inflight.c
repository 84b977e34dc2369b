#include "sched/inflight.h"

#include "base/alloc.h"

/* An id: the slot in the low bits, the number of the batch, from 1, above them. So no id comes twice, and none is 0. */
#define SLOT_BITS 24
#define SLOT_MASK ((UINT64_C(1) << SLOT_BITS) - 1)

static void release_spans(mpj_slot *slot)
{
    if (slot->spans != &slot->single) {
        mpj_free(slot->spans);
        mpj_free(slot->costs);
    }
    slot->spans = &slot->single;
    slot->costs = &slot->single_cost;
}

void mpj_inflight_free(mpj_inflight *inflight)
{
    for (size_t i = 0; i < inflight->count; i++) {
        release_spans(inflight->slots[i]);
        mpj_free(inflight->slots[i]);
    }
    mpj_free(inflight->slots);
    mpj_free(inflight->free_slots);
}

static int add_slot(mpj_inflight *inflight)
{
    if (inflight->count > SLOT_MASK)
        return -1;
    if (mpj_grow((void **)&inflight->slots, &inflight->capacity, inflight->count + 1, sizeof(mpj_slot *)) != 0 ||
        mpj_grow((void **)&inflight->free_slots, &inflight->free_capacity, inflight->count + 1, sizeof(uint32_t)) != 0)
        return -1;
    mpj_slot *slot = mpj_calloc(1, sizeof *slot);
    if (!slot)
        return -1;
    slot->spans = &slot->single;
    slot->costs = &slot->single_cost;
    inflight->free_slots[inflight->free_count++] = (uint32_t)inflight->count;
    inflight->slots[inflight->count++] = slot;
    return 0;
}

mpj_slot *mpj_inflight_open(mpj_inflight *inflight, size_t spans)
{
    if (inflight->free_count == 0 && add_slot(inflight) != 0)
        return NULL;
    uint32_t at = inflight->free_slots[inflight->free_count - 1];
    mpj_slot *slot = inflight->slots[at];
    if (spans > 1) {
        mpj_span *own = mpj_calloc(spans, sizeof *own);
        double *costs = mpj_calloc(spans, sizeof *costs);
        if (!own || !costs) {
            mpj_free(own);
            mpj_free(costs);
            return NULL;
        }
        slot->spans = own;
        slot->costs = costs;
    }
    inflight->free_count--;
    slot->given = ++inflight->given;
    slot->answered = false;
    slot->batch = (mpj_batch){.id = slot->given << SLOT_BITS | at, .spans = slot->spans};
    return slot;
}

mpj_slot *mpj_inflight_find(const mpj_inflight *inflight, uint64_t id)
{
    uint64_t at = id & SLOT_MASK;
    if (id == 0 || at >= inflight->count || inflight->slots[at]->batch.id != id)
        return NULL;
    return inflight->slots[at];
}

void mpj_inflight_close(mpj_inflight *inflight, mpj_slot *slot)
{
    uint32_t at = (uint32_t)(slot->batch.id & SLOT_MASK);
    release_spans(slot);
    slot->batch = (mpj_batch){0};
    inflight->free_slots[inflight->free_count++] = at;
}
