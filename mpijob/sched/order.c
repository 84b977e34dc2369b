#include "sched/order.h"

#include "base/alloc.h"

static void forget(mpj_order *order, mpj_parcel *parcel)
{
    if (parcel->previous)
        parcel->previous->next = parcel->next;
    else
        order->parcels = parcel->next;
    if (parcel->next)
        parcel->next->previous = parcel->previous;
    parcel->next = order->spare;
    order->spare = parcel;
}

void mpj_order_free(mpj_order *order)
{
    while (order->parcels)
        forget(order, order->parcels);
    while (order->spare) {
        mpj_parcel *parcel = order->spare;
        order->spare = parcel->next;
        mpj_free(parcel);
    }
    mpj_free(order->heap);
    order->heap = NULL;
}

int mpj_order_reserve(mpj_order *order, size_t parcels, size_t items)
{
    mpj_parcel *have = order->spare;
    for (; have && parcels > 0; have = have->next)
        parcels--;
    for (; parcels > 0; parcels--) {
        mpj_parcel *parcel = mpj_alloc(sizeof *parcel);
        if (!parcel)
            return -1;
        parcel->next = order->spare;
        order->spare = parcel;
    }
    return mpj_grow((void **)&order->heap, &order->capacity, order->count + items, sizeof *order->heap);
}

mpj_parcel *mpj_order_parcel(mpj_order *order, void *results, uint64_t bytes)
{
    mpj_parcel *parcel = order->spare;
    order->spare = parcel->next;
    *parcel = (mpj_parcel){.results = results, .bytes = bytes, .next = order->parcels};
    if (parcel->next)
        parcel->next->previous = parcel;
    order->parcels = parcel;
    order->unread_bytes += bytes;
    return parcel;
}

void mpj_order_put(mpj_order *order, mpj_parcel *parcel, mpj_span jobs, uint64_t position, bool failed)
{
    mpj_order_item item = {.key = order->ordered ? jobs.first : order->arrivals++, .parcel = parcel};
    item.release = (mpj_release){.jobs = jobs, .failed = failed, .position = position, .results = parcel->results};
    parcel->jobs += jobs.count;
    parcel->unreleased += jobs.count;
    size_t at = order->count++;
    for (; at > 0 && item.key < order->heap[(at - 1) / 2].key; at = (at - 1) / 2)
        order->heap[at] = order->heap[(at - 1) / 2];
    order->heap[at] = item;
}

void mpj_order_close(mpj_order *order, mpj_parcel *parcel)
{
    if (parcel->jobs > 0)
        return;
    order->unread_bytes -= parcel->bytes;
    forget(order, parcel);
}

static void remove_top(mpj_order *order)
{
    mpj_order_item moving = order->heap[--order->count];
    size_t at = 0;
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= order->count)
            break;
        if (child + 1 < order->count && order->heap[child + 1].key < order->heap[child].key)
            child++;
        if (order->heap[child].key >= moving.key)
            break;
        order->heap[at] = order->heap[child];
        at = child;
    }
    order->heap[at] = moving;
}

int mpj_order_release(mpj_order *order, mpj_release *release)
{
    if (order->count == 0 || (order->ordered && order->heap[0].key != order->next))
        return 0;
    mpj_order_item item = order->heap[0];
    remove_top(order);
    mpj_parcel *parcel = item.parcel;
    parcel->unreleased -= item.release.jobs.count;
    order->released += item.release.jobs.count;
    order->next += item.release.jobs.count;
    *release = item.release;
    release->last = parcel->unreleased == 0;
    if (release->last) {
        order->unread_bytes -= parcel->bytes;
        forget(order, parcel);
    }
    return 1;
}

int mpj_order_abandoned(mpj_order *order, void **results)
{
    if (!order->parcels)
        return 0;
    *results = order->parcels->results;
    order->unread_bytes -= order->parcels->bytes;
    order->abandoned += order->parcels->unreleased;
    forget(order, order->parcels);
    order->count = 0;
    return 1;
}
