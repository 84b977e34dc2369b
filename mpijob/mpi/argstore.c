#include "mpi/argstore.h"

#include "base/alloc.h"

#include <string.h>

void mpj_argstore_free(mpj_argstore *store)
{
    mpj_free(store->data);
    mpj_free(store->finished);
    store->data = NULL;
    store->finished = NULL;
}

static uint64_t slot_of(const mpj_argstore *store, uint64_t index)
{
    return index & (store->capacity - 1);
}

static int grow(mpj_argstore *store, uint64_t need)
{
    uint64_t capacity = store->capacity ? store->capacity : 64;
    while (capacity < need)
        capacity *= 2;
    if (capacity == store->capacity)
        return 0;
    if (capacity > SIZE_MAX / store->size)
        return -1;
    mpj_argstore larger = {
        store->size, store->base, store->count, capacity, mpj_alloc(capacity * store->size), mpj_calloc(capacity, 1)};
    if (!larger.data || !larger.finished) {
        mpj_argstore_free(&larger);
        return -1;
    }
    for (uint64_t i = store->base; i < store->base + store->count; i++) {
        memcpy(larger.data + slot_of(&larger, i) * store->size, mpj_argstore_get(store, i), store->size);
        larger.finished[slot_of(&larger, i)] = store->finished[slot_of(store, i)];
    }
    mpj_argstore_free(store);
    *store = larger;
    return 0;
}

int mpj_argstore_add(mpj_argstore *store, const unsigned char *args, uint64_t count)
{
    if (grow(store, store->count + count) != 0)
        return -1;
    for (uint64_t i = 0; i < count; i++) {
        uint64_t slot = slot_of(store, store->base + store->count);
        memcpy(store->data + slot * store->size, args + i * store->size, store->size);
        store->finished[slot] = 0;
        store->count++;
    }
    return 0;
}

const unsigned char *mpj_argstore_get(const mpj_argstore *store, uint64_t index)
{
    return store->data + slot_of(store, index) * store->size;
}

void mpj_argstore_finish(mpj_argstore *store, uint64_t index)
{
    store->finished[slot_of(store, index)] = 1;
    while (store->count > 0 && store->finished[slot_of(store, store->base)]) {
        store->base++;
        store->count--;
    }
}
