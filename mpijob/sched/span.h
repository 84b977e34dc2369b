/* Ranges of job indices. */
#ifndef MPJ_SCHED_SPAN_H
#define MPJ_SCHED_SPAN_H

#include <stdint.h>

#define MPJ_UNKNOWN UINT64_MAX

/* Jobs first, first + 1, ..., first + count - 1. */
typedef struct mpj_span {
    uint64_t first;
    uint64_t count;
} mpj_span;

#endif
