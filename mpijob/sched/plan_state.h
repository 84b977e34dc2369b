/* What a plan consists of: for the files that make up sched/plan.h, and nobody else.
 *
 *   plan.c        drawing, giving out, questions
 *   settle.c      what comes back: answers, finished batches, lost workers
 *   found.c       jobs that are looked up first
 *   plan_check.c  the invariants */
#ifndef MPJ_SCHED_PLAN_STATE_H
#define MPJ_SCHED_PLAN_STATE_H

#include "sched/attempts.h"
#include "sched/inflight.h"
#include "sched/jobpool.h"
#include "sched/order.h"
#include "sched/plan.h"
#include "sched/roster.h"

struct mpj_plan {
    mpj_plan_config config;
    mpj_batchrule rule;
    mpj_jobpool pool;
    mpj_inflight inflight;
    mpj_order order;
    mpj_roster roster;
    mpj_attempts attempts;
    mpj_plan_counts counts; /* waiting, released, unread_bytes and busy_workers live in the parts */
    bool exhausted;
    bool draining;
    bool own_works;
};

/* Of jobs that are not looked up yet, asked or undrawn, how many will have to be executed if it goes on as so far. */
uint64_t mpj_plan_expected_misses(const mpj_plan *plan, uint64_t jobs);

#endif
