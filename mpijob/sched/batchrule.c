#include "sched/batchrule.h"

#include "sched/span.h"

#include <math.h>
#include <string.h>

#define JOB_WEIGHT 0.3
#define GAP_WEIGHT 0.2
#define MESSAGE_WEIGHT 0.1
#define SIZE_WEIGHT 0.3

#define GAPS_A_BATCH 100.0 /* a batch lasts this many idle gaps, so that the gap costs 1 % */
#define LONGEST_FOR_GAP_S 10e-3
#define SCHEDULER_LOAD 0.5 /* of rank 0's time may go to messages */
#define LOOKS_A_BATCH 4.0  /* rank 0 looks at its messages this often during a batch */
#define SHORTEST_S 20e-6
#define SHORTEST_JOB_S 1e-9 /* what the clock did not see took this long */
#define LONGEST_DEAF_S 0.2
#define AHEAD_UNTIL_S 0.2
#define LARGEST_BATCH 1e15

void mpj_batchrule_start(mpj_batchrule *rule)
{
    rule->job_s = -1;
    rule->job_cost = -1;
    rule->gap_s = -1;
    rule->message_s = -1;
    rule->mean_result_bytes = -1;
    rule->own_recent = 0;
    memset(rule->own_recent_s, 0, sizeof rule->own_recent_s);
}

static void smooth(double *mean, double sample, double weight)
{
    *mean = *mean < 0 ? sample : (1 - weight) * *mean + weight * sample;
}

void mpj_batchrule_measured(mpj_batchrule *rule, uint64_t jobs, double cost, double busy_s, double gap_s, bool own)
{
    if (jobs == 0)
        return;
    double job_s = busy_s > 0 ? busy_s / (double)jobs : 0;
    smooth(&rule->job_s, job_s, JOB_WEIGHT);
    smooth(&rule->job_cost, cost > 0 ? cost / (double)jobs : 0, JOB_WEIGHT);
    if (gap_s >= 0)
        smooth(&rule->gap_s, gap_s, GAP_WEIGHT);
    if (!own)
        return;
    rule->own_recent_s[rule->own_recent % 5] = job_s;
    if (++rule->own_recent == 10)
        rule->own_recent = 5;
}

void mpj_batchrule_sized(mpj_batchrule *rule, uint64_t jobs, uint64_t bytes)
{
    if (jobs > 0)
        smooth(&rule->mean_result_bytes, (double)bytes / (double)jobs, SIZE_WEIGHT);
}

void mpj_batchrule_message_cost(mpj_batchrule *rule, double seconds)
{
    smooth(&rule->message_s, seconds, MESSAGE_WEIGHT);
}

/* The median of the last (up to five) samples: one very long job must not stretch everybody's batches. */
static double own_job_s(const mpj_batchrule *rule)
{
    double sorted[5];
    uint32_t n = rule->own_recent < 5 ? rule->own_recent : 5;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t at = i;
        for (; at > 0 && sorted[at - 1] > rule->own_recent_s[i]; at--)
            sorted[at] = sorted[at - 1];
        sorted[at] = rule->own_recent_s[i];
    }
    return n ? sorted[(n - 1) / 2] : 0;
}

double mpj_batchrule_target(const mpj_batchrule *rule, bool own)
{
    double target = fmax(SHORTEST_S, LOOKS_A_BATCH * rule->own_limit_s);
    if (rule->gap_s > 0)
        target = fmax(target, fmin(GAPS_A_BATCH * rule->gap_s, LONGEST_FOR_GAP_S));
    if (rule->message_s > 0)
        target = fmax(target, rule->workers * rule->message_s / SCHEDULER_LOAD);
    if (own)
        return fmin(target, rule->own_limit_s);
    if (rule->own_follows_jobs)
        target = fmax(target, fmin(LOOKS_A_BATCH * fmax(rule->own_limit_s, own_job_s(rule)), LONGEST_DEAF_S));
    return target;
}

static double bound_by_bytes(const mpj_batchrule *rule, double jobs)
{
    double result = rule->result_bytes == MPJ_UNKNOWN ? fmax(rule->mean_result_bytes, 0) : (double)rule->result_bytes;
    double larger = fmax(result, (double)rule->args_bytes);
    if (rule->most_bytes && larger > 0)
        jobs = fmin(jobs, fmax(1, floor((double)rule->most_bytes / larger)));
    return jobs;
}

/* Towards the end batches shrink, so that nobody waits for the last one; but not below what the messages for it cost
 * when all workers ask at once, or a busy scheduler would drown in them. */
static double fair_share(const mpj_batchrule *rule, double waiting)
{
    double share = ceil(waiting / (2.0 * rule->workers));
    if (rule->message_s <= 0 || rule->job_s <= 0)
        return share;
    double covering = floor(2.0 * rule->workers * rule->message_s / fmax(rule->job_s, SHORTEST_JOB_S));
    return fmax(share, fmin(ceil(waiting / rule->workers), covering));
}

uint64_t mpj_batchrule_jobs(const mpj_batchrule *rule, uint64_t last, uint64_t waiting, bool own)
{
    if (rule->fixed)
        return rule->fixed;
    double jobs = 1;
    if (rule->job_s >= 0 && last > 0) {
        jobs = mpj_batchrule_target(rule, own) / fmax(rule->job_s, SHORTEST_JOB_S);
        jobs = fmin(jobs, 2.0 * (double)last);
    }
    jobs = bound_by_bytes(rule, jobs);
    if (waiting != MPJ_UNKNOWN)
        jobs = fmin(jobs, fair_share(rule, (double)waiting));
    if (rule->most)
        jobs = fmin(jobs, (double)rule->most);
    return jobs > 1 ? (uint64_t)fmin(jobs, LARGEST_BATCH) : 1;
}

bool mpj_batchrule_ahead(const mpj_batchrule *rule, uint64_t jobs, uint64_t waiting)
{
    if (waiting != MPJ_UNKNOWN && waiting <= 2 * (uint64_t)rule->workers)
        return false;
    return rule->job_s < 0 || (double)jobs * rule->job_s < AHEAD_UNTIL_S;
}
