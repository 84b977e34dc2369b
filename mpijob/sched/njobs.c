#include "sched/njobs.h"

int mpj_njobs_resolve(int n_jobs, int available)
{
    if (n_jobs == 0 || n_jobs == -1)
        return available;
    if (n_jobs > 0)
        return n_jobs < available ? n_jobs : available;
    /* In this order nothing overflows, for any two numbers. */
    int workers = available + n_jobs + 1;
    return workers > 1 ? workers : 1;
}
