/* How far a call is that works on one array after another. */
#ifndef MPJ_ARRAY_METER_H
#define MPJ_ARRAY_METER_H

#include "array/own.h"

typedef struct mpj_meter {
    mpijob_bytes_fn *progress; /* or NULL */
    void *payload;
    uint64_t done, total; /* bytes of elements; done: of the arrays before this one */
} mpj_meter;

/* `done` of `count` parts of an array of so many bytes are finished. Parts count as equal (those at edges are smaller): what
 * is told has to grow evenly, and to end with all. */
static inline int mpj_meter_tell(const mpj_meter *meter, uint64_t bytes, uint64_t done, uint64_t count,
                                 mpijob_error *err)
{
    uint64_t part = done == count ? bytes : bytes / count * done;
    return mpj_tell_progress(meter->progress, meter->payload, meter->done + part, meter->total, err);
}

#endif
