/* How many jobs the next batch gets. By time, not by count: long enough that messages cost next to nothing and that
 * rank 0 can serve all workers, short enough that the others are not left waiting. Formula, constants and the
 * measurements behind them: doc/dispatch.md. Pure. */
#ifndef MPJ_SCHED_BATCHRULE_H
#define MPJ_SCHED_BATCHRULE_H

#include <stdbool.h>
#include <stdint.h>

typedef struct mpj_batchrule {
    /* set by the owner */
    uint64_t fixed;        /* batch_size=k; 0: automatic */
    uint64_t most;         /* upper bound for automatic batches; 0: none */
    uint64_t most_bytes;   /* of inputs or results in a batch */
    uint64_t args_bytes;   /* a job; 0: none */
    uint64_t result_bytes; /* a job; 0: none; MPJ_UNKNOWN: of any size, learned from what comes */
    double own_limit_s;    /* longest planned batch of the scheduler's own rank, between two looks at its messages */
    uint32_t workers;
    bool own_follows_jobs; /* no helper thread: let batches to others last as long as the own rank is deaf */

    /* learned */
    double job_s;          /* smoothed time a job; < 0: unknown */
    double job_cost;       /* smoothed cost a job, 1 without costs */
    double gap_s;          /* smoothed idle time of a worker between batches; < 0: unknown */
    double message_s;      /* smoothed time that the scheduler spends on a message */
    double mean_result_bytes;
    double own_recent_s[5]; /* job times of the own rank's last batches, for the median */
    uint32_t own_recent; /* how many there were; from 5 on only modulo 5, plus 5 */
} mpj_batchrule;

/* Zeroes what is learned. */
void mpj_batchrule_start(mpj_batchrule *rule);

/* A batch of `jobs` jobs with `cost` in all took busy_s in the job function, after gap_s of having nothing to do
 * (< 0: unknown, as before the first batch). `own`: on the scheduler's rank. */
void mpj_batchrule_measured(mpj_batchrule *rule, uint64_t jobs, double cost, double busy_s, double gap_s, bool own);

/* The results of `jobs` jobs were `bytes` bytes. */
void mpj_batchrule_sized(mpj_batchrule *rule, uint64_t jobs, uint64_t bytes);

void mpj_batchrule_message_cost(mpj_batchrule *rule, double seconds);

/* How long the next batch should last, in seconds. */
double mpj_batchrule_target(const mpj_batchrule *rule, bool own);

/* How many jobs of mean cost it should have. `last`: this worker's last batch, 0: none; `waiting`: jobs that could be
 * given out now or later, MPJ_UNKNOWN: no end in sight. At least 1. */
uint64_t mpj_batchrule_jobs(const mpj_batchrule *rule, uint64_t last, uint64_t waiting, bool own);

/* Whether a worker that has a batch of `jobs` in hand should get another one ahead. */
bool mpj_batchrule_ahead(const mpj_batchrule *rule, uint64_t jobs, uint64_t waiting);

#endif
