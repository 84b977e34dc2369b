/* Each allocation of a call fails once. */
#ifndef MPJ_TESTS_FAILING_H
#define MPJ_TESTS_FAILING_H

#include "base/alloc.h"

#include <jansson.h>
#include <stdint.h>

/* Repeats its body with allocation 0, 1, 2, ... failing, once more with none failing, and then ends:
 *     for (failing f = failing_begin(); failing_next(&f);) { call; failing_stop(&f); assertions on f.failed; } */
typedef struct failing {
    uint64_t n;
    int failed; /* behind failing_stop: did an allocation fail? */
    int ended;
} failing;

static inline failing failing_begin(void)
{
    json_set_alloc_funcs(mpj_alloc, mpj_free);
    return (failing){0};
}

static inline int failing_next(failing *f)
{
    if (f->ended)
        return 0;
    mpj_alloc_fail_after(f->n);
    return 1;
}

static inline void failing_stop(failing *f)
{
    f->failed = mpj_alloc_fail_after(UINT64_MAX) > f->n;
    f->ended = !f->failed;
    f->n++;
}

#endif
