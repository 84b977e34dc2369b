/* A model of one run, for the tests of mpj_plan: it draws, hands out, executes, fails, loses and releases in random
 * order, keeps its own books, and says where the plan does not agree with them. */
#ifndef PLAN_MODEL_H
#define PLAN_MODEL_H

#include <stdbool.h>
#include <stdint.h>

typedef struct plan_model_coverage {
    uint64_t batches, drained, lost, retried, failed, abandoned, gated, dedicated, found, asked_again,
        out_of_memory;
} plan_model_coverage;

#define PLAN_MODEL_NEVER UINT64_MAX

/* One schedule. In it the allocation after fail_allocation others fails (PLAN_MODEL_NEVER: none). Returns NULL, or what
 * went wrong. Adds to *coverage what happened, so that a campaign can show that it reached everything. */
const char *plan_model_run(uint64_t seed, uint64_t fail_allocation, plan_model_coverage *coverage);

#endif
