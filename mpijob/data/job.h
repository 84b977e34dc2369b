/* What is behind mpijob_job.own: how a job says why it failed, gets room for its result, and reaches the run it is in. */
#ifndef MPJ_DATA_JOB_H
#define MPJ_DATA_JOB_H

#include <mpijob/array.h>
#include <mpijob/function.h>
#include <mpijob/hash.h>

#define MPJ_JOB_TEXT_BYTES 700

/* The run that a job is in, for cached calls inside the job. Defined by the layer that has runs. */
struct mpj_job_run;

typedef struct mpj_job_own mpj_job_own;

struct mpj_job_own {
    const mpijob_function *function;
    /* Room for a result of any size, `bytes` in all, aligned to 16; NULL: no memory. */
    void *(*room)(mpj_job_own *own, size_t bytes);
    char text[MPJ_JOB_TEXT_BYTES]; /* of mpijob_job_fail; "" before ... */
    uint64_t text_index;           /* ... said by the job of this index */
    /* The shape of a result of any size: -1: one dimension, as long as the bytes are. */
    int ndim;
    size_t shape[MPIJOB_MAX_DIMS];
    const mpijob_digest *shared_digests; /* of job->shared, where these are known; else NULL */
    struct mpj_job_run *run;             /* NULL: not in a run over several ranks */
};

/* Before each job: nothing is said yet, no shape given. */
static inline void mpj_job_begin(mpj_job_own *own)
{
    own->text[0] = '\0';
    own->ndim = -1;
}

#endif
