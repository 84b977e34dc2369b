#include "mpi/looks.h"

#include "base/alloc.h"
#include "base/error.h"
#include "memory/memory.h"
#include "mpi/scheduler.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

int mpj_shelve_begin(mpj_scheduler *s, const mpj_arrival *arrival)
{
    if (!s->run->options.shelve || arrival->executed == 0)
        return MPIJOB_OK;
    s->looks.references = mpj_calloc(arrival->executed, sizeof *s->looks.references);
    return s->looks.references ? MPIJOB_OK : MPIJOB_ENOMEM;
}

/* To the caller's list, or in place of the results for a consumer. Failed jobs have empty ones. */
void mpj_shelve_end(mpj_scheduler *s, mpj_arrival *arrival, const mpj_batch *batch)
{
    mpijob_reference *references = s->looks.references;
    uint64_t position = 0;
    if (!references)
        return;
    s->looks.references = NULL;
    if (s->run->options.return_as == MPIJOB_LIST) {
        mpijob_reference *list = (mpijob_reference *)(void *)s->run->results;
        for (uint32_t i = 0; i < batch->span_count; i++)
            for (uint64_t j = 0; j < batch->spans[i].count && position < arrival->executed; j++)
                list[batch->spans[i].first + j] = references[position++];
        mpj_free(references);
        return;
    }
    mpj_part *results = &arrival->parts[MPJ_PART_RESULTS];
    mpj_free(results->data);
    mpj_free(arrival->offsets);
    arrival->offsets = NULL;
    size_t bytes = arrival->executed * sizeof *references;
    *results = (mpj_part){.data = (unsigned char *)references, .bytes = bytes, .capacity = bytes};
    arrival->shelved = true;
}

/* Those that nobody has taken: who gets one, releases it. */
void mpj_shelve_free(const mpj_arrival *arrival)
{
    mpijob_reference *references = (mpijob_reference *)(void *)arrival->parts[MPJ_PART_RESULTS].data;
    for (uint64_t i = 0; arrival->shelved && i < arrival->executed; i++)
        mpijob_reference_free(&references[i]);
}

static mpijob_array *copy_of(const mpijob_function *f, const mpj_stored *result)
{
    mpijob_error err;
    const mpijob_type byte = mpijob_type_of(MPIJOB_UINT8);
    const mpijob_type *type = f->result ? f->result : &byte;
    size_t length = result->bytes / mpijob_type_size(type);
    mpijob_array *array = mpj_calloc(1, sizeof *array);
    if (!array)
        return NULL;
    int status = f->result_size == MPIJOB_ANY_SIZE ? mpj_array_own(array, type, 1, &length, &err)
                                                   : mpj_array_for(array, f, &err);
    if (status != MPIJOB_OK) {
        mpj_free(array);
        return NULL;
    }
    if (result->bytes > 0)
        memcpy(array->data, result->result, result->bytes);
    return array;
}

bool mpj_shelve_one(mpj_scheduler *s, uint64_t position, const mpj_stored *result, bool stored)
{
    const mpijob_function *f = s->run->function;
    mpijob_reference *reference = &s->looks.references[position];
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    mpj_hit hit = {.bytes = result->bytes,
                   .compute_s = result->seconds,
                   .time_ns = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec};
    if (result->name)
        hit.name = *result->name;
    if (result->file)
        snprintf(hit.file, sizeof hit.file, "%s", result->file);
    if (stored || result->file) {
        mpj_cached_refer(f->cached, &hit, reference);
        return false;
    }
    mpijob_array *copy = copy_of(f, result);
    if (copy) {
        mpj_reference_hold(reference, f, result->name, copy);
        reference->compute_s = result->seconds;
    } else {
        mpijob_error err;
        mpj_fail_memory(&err, "a shelved result", result->bytes);
        err.rank = 0;
        mpj_stop_run(s, MPIJOB_ENOMEM, &err, false);
    }
    return true;
}
