/* joblib's n_jobs. Pure. */
#ifndef MPJ_SCHED_NJOBS_H
#define MPJ_SCHED_NJOBS_H

/* How many of `available` (>= 1) workers: 0 (not set) and -1: all; n > 0: n, capped; below -1: available + 1 + n_jobs,
 * at least 1. */
int mpj_njobs_resolve(int n_jobs, int available);

#endif
