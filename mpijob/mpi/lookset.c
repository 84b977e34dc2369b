#include "mpi/lookset.h"

#include "base/alloc.h"
#include "base/error.h"

#include <math.h>
#include <string.h>

void mpj_looks_give_up(mpj_scheduler *s, int status, const mpijob_error *err)
{
    mpijob_error record;
    if (err)
        record = *err;
    else
        mpj_fail_memory(&record, "jobs that are looked up", sizeof(mpj_look_key));
    record.rank = 0;
    mpj_stop_run(s, status, &record, status == MPIJOB_ENOMEM);
}

const void *mpj_looks_args(const mpj_scheduler *s, uint64_t index)
{
    const mpj_run *run = s->run;
    const unsigned char *array = run->inputs.array;
    if (run->function->args_size == 0)
        return NULL;
    return array ? array + index * run->function->args_size : mpj_pages_at(&s->args, index);
}

/* The job is done: what was kept of it goes. */
static void forget(mpj_scheduler *s, uint64_t index)
{
    if (s->run->options.statuses)
        s->run->options.statuses[index] = MPIJOB_OK;
    if (s->args.size)
        mpj_pages_done(&s->args, index);
    if (s->looks.costs.size)
        mpj_pages_done(&s->looks.costs, index);
}

/* -- Missed -- */

void mpj_looks_timed(mpj_looks *looks, double seconds)
{
    if (!(seconds >= 0) || !isfinite(seconds))
        return;
    looks->seconds += seconds;
    looks->timed++;
}

/* The caller's cost, else the recorded time relative to the first mean of such times, else 1. */
static double cost_of(mpj_scheduler *s, uint64_t index, double recorded)
{
    mpj_looks *looks = &s->looks;
    double given = 0;
    if (s->run->inputs.costs)
        return s->run->inputs.costs[index];
    if (looks->costs.size)
        memcpy(&given, mpj_pages_at(&looks->costs, index), sizeof given);
    if (given > 0)
        return given;
    if (!(recorded >= 0) || !(looks->unit_s > 0))
        return 1;
    double cost = recorded / looks->unit_s;
    return isfinite(cost) ? cost : 1;
}

void mpj_missed_end(mpj_scheduler *s, mpj_missed *span)
{
    int status = mpj_plan_missed(s->plan, span->jobs, span->cost);
    if (status != MPIJOB_OK)
        mpj_looks_give_up(s, status, NULL);
    span->jobs.count = 0;
}

void mpj_missed_add(mpj_scheduler *s, mpj_missed *span, uint64_t index, double recorded)
{
    double cost = cost_of(s, index, recorded);
    if (span->jobs.count > 0 && (span->jobs.first + span->jobs.count != index || span->cost != cost))
        mpj_missed_end(s, span);
    if (span->jobs.count == 0)
        *span = (mpj_missed){{index, 0}, cost};
    span->jobs.count++;
}

void mpj_missed_chain(mpj_scheduler *s, mpj_look_chain chain)
{
    uint64_t index;
    mpj_missed span = {0};
    while (mpj_lookup_next(&s->looks.lookup, &chain, &index))
        mpj_missed_add(s, &span, index, -1);
    mpj_missed_end(s, &span);
}

/* -- Found -- */

static bool wants_results(const mpj_run *run)
{
    return run->options.return_as != MPIJOB_LIST || run->options.reduce;
}

int mpj_found_begin(mpj_scheduler *s, mpj_found_set *set, const unsigned char *data, size_t count)
{
    *set = (mpj_found_set){.data = data, .capacity = count};
    s->looks.span_count = 0;
    if (!wants_results(s->run))
        return 0;
    set->arrival = mpj_calloc(1, sizeof *set->arrival);
    if (!set->arrival)
        return -1;
    mpj_part *sizes = &set->arrival->parts[MPJ_PART_SIZES];
    set->arrival->offsets = mpj_alloc(count * sizeof *set->arrival->offsets);
    sizes->data = mpj_alloc(count * sizeof(uint64_t));
    if (set->arrival->offsets && sizes->data)
        return 0;
    mpj_arrival_free(s, set->arrival);
    return -1;
}

static int add_to_spans(mpj_looks *looks, uint64_t index)
{
    mpj_span *last = looks->span_count ? &looks->spans[looks->span_count - 1] : NULL;
    if (last && last->first + last->count == index) {
        last->count++;
        return 0;
    }
    if (mpj_grow((void **)&looks->spans, &looks->spans_capacity, looks->span_count + 1, sizeof *looks->spans) != 0)
        return -1;
    looks->spans[looks->span_count++] = (mpj_span){index, 1};
    return 0;
}

static void note_place(mpj_found_set *set, size_t offset, uint64_t bytes)
{
    mpj_arrival *arrival = set->arrival;
    if (arrival->executed == set->capacity) {
        size_t more = 2 * set->capacity + 16;
        size_t *offsets = mpj_realloc(arrival->offsets, more * sizeof *offsets);
        if (offsets)
            arrival->offsets = offsets;
        unsigned char *sizes = mpj_realloc(arrival->parts[MPJ_PART_SIZES].data, more * sizeof bytes);
        if (sizes)
            arrival->parts[MPJ_PART_SIZES].data = sizes;
        set->failed = set->failed || !offsets || !sizes;
        if (set->failed)
            return;
        set->capacity = more;
    }
    arrival->offsets[arrival->executed] = offset;
    memcpy(arrival->parts[MPJ_PART_SIZES].data + arrival->executed * sizeof bytes, &bytes, sizeof bytes);
    arrival->executed++;
}

void mpj_found_add(mpj_scheduler *s, mpj_found_set *set, uint64_t index, size_t offset, uint64_t bytes)
{
    size_t size = s->run->result_bytes;
    set->failed = set->failed || add_to_spans(&s->looks, index) != 0;
    if (set->failed)
        return;
    if (set->arrival)
        note_place(set, offset, bytes);
    else if (size > 0)
        memcpy(s->run->results + index * size, set->data + offset, size);
    forget(s, index);
}

void mpj_found_end(mpj_scheduler *s, mpj_found_set *set, unsigned char *owned, size_t bytes)
{
    mpj_looks *looks = &s->looks;
    int kept = MPIJOB_ENOMEM;
    if (set->arrival)
        set->arrival->parts[MPJ_PART_RESULTS] = (mpj_part){.data = owned, .bytes = bytes, .capacity = bytes};
    if (!set->failed)
        kept = mpj_plan_found(s->plan, looks->spans, looks->span_count, set->arrival, set->arrival ? bytes : 0);
    if (kept < 0)
        mpj_looks_give_up(s, kept, NULL);
    if (kept != 1)
        mpj_arrival_free(s, set->arrival);
}

void mpj_found_chain(mpj_scheduler *s, mpj_found_set *set, mpj_look_chain chain, size_t offset, uint64_t bytes,
                     double seconds)
{
    uint64_t index;
    while (mpj_lookup_next(&s->looks.lookup, &chain, &index)) {
        mpj_found_add(s, set, index, offset, bytes);
        s->looks.duplicates++;
        s->looks.saved_s += seconds;
    }
}
