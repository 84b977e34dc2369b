/* How often jobs have failed, kept for the few that have. */
#ifndef MPJ_SCHED_ATTEMPTS_H
#define MPJ_SCHED_ATTEMPTS_H

#include <stddef.h>
#include <stdint.h>

typedef struct mpj_attempt {
    uint64_t index;
    uint32_t failures;
} mpj_attempt;

typedef struct mpj_attempts {
    mpj_attempt *list; /* a hash table; without failures: a free place */
    size_t count;      /* jobs that have failed */
    size_t capacity;
} mpj_attempts;

void mpj_attempts_free(mpj_attempts *attempts);

/* Makes room for `more` failures, so that mpj_attempts_failed cannot fail. 0, or -1: no memory. */
int mpj_attempts_reserve(mpj_attempts *attempts, size_t more);

/* One more failure of this job; returns how many that makes. */
uint32_t mpj_attempts_failed(mpj_attempts *attempts, uint64_t index);

#endif
