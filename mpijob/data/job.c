#include "data/job.h"

#include "base/error.h"
#include "data/layout.h"

#include <stdarg.h>
#include <string.h>

int mpijob_job_fail(mpijob_job *job, const char *format, ...)
{
    mpj_job_own *own = job->own;
    va_list arguments;
    va_start(arguments, format);
    mpj_vformat(own->text, sizeof own->text, format, arguments);
    va_end(arguments);
    own->text_index = job->index;
    return MPIJOB_EJOB;
}

void mpijob_job_random(const mpijob_job *job, mpijob_random *random)
{
    mpijob_random_init(random, job->seed, job->index);
}

static size_t element_bytes(const mpijob_function *function)
{
    return function->result ? mpijob_type_size(function->result) : 1;
}

void *mpijob_job_result(mpijob_job *job, size_t bytes)
{
    mpj_job_own *own = job->own;
    size_t element = element_bytes(own->function);
    if (own->function->result_size != MPIJOB_ANY_SIZE || element == 0 || bytes % element != 0)
        return NULL;
    void *room = own->room(own, bytes);
    if (room)
        own->ndim = -1;
    return room;
}

void *mpijob_job_result_array(mpijob_job *job, int ndim, const size_t *shape)
{
    mpj_job_own *own = job->own;
    size_t bytes;
    if (own->function->result_size != MPIJOB_ANY_SIZE || ndim < 0 || ndim > MPIJOB_MAX_DIMS ||
        mpj_shape_bytes(&bytes, ndim, shape, element_bytes(own->function)) != 0)
        return NULL;
    void *room = own->room(own, bytes);
    if (!room)
        return NULL;
    own->ndim = ndim;
    if (ndim)
        memcpy(own->shape, shape, (size_t)ndim * sizeof *shape);
    return room;
}
