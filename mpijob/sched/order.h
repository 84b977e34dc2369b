/* Results that came, and the order in which they may be handed out. */
#ifndef MPJ_SCHED_ORDER_H
#define MPJ_SCHED_ORDER_H

#include "sched/plan.h"

/* What came in one batch, under the caller's handle. */
typedef struct mpj_parcel {
    void *results;
    uint64_t bytes;
    uint64_t unreleased; /* jobs */
    uint64_t jobs;
    struct mpj_parcel *previous, *next; /* all that are not fully released */
} mpj_parcel;

typedef struct mpj_order_item {
    uint64_t key; /* index of the first job, or arrival */
    mpj_release release;
    mpj_parcel *parcel;
} mpj_order_item;

typedef struct mpj_order {
    bool ordered;
    uint64_t next; /* ordered: the index that everyone waits for */
    uint64_t arrivals;
    uint64_t unread_bytes;
    uint64_t released;
    mpj_order_item *heap; /* smallest key on top */
    size_t count;
    size_t capacity;
    mpj_parcel *parcels;
    mpj_parcel *spare;  /* to be used again, linked by `next` */
    uint64_t abandoned; /* jobs */
} mpj_order;

void mpj_order_free(mpj_order *order);

/* Makes room for `parcels` more parcels with `items` pieces in all, so that mpj_order_parcel and mpj_order_put cannot
 * fail. 0, or -1: no memory. */
int mpj_order_reserve(mpj_order *order, size_t parcels, size_t items);

/* A new parcel; room for it was made. */
mpj_parcel *mpj_order_parcel(mpj_order *order, void *results, uint64_t bytes);

/* Jobs of a parcel may be released when their turn comes. */
void mpj_order_put(mpj_order *order, mpj_parcel *parcel, mpj_span jobs, uint64_t position, bool failed);

/* A parcel into which nothing was put is forgotten. */
void mpj_order_close(mpj_order *order, mpj_parcel *parcel);

int mpj_order_release(mpj_order *order, mpj_release *release);
int mpj_order_abandoned(mpj_order *order, void **results);

#endif
