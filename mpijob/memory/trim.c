/* Trimming: the public call, and the automatic limits. */
#include "memory/trim.h"

#include "base/clock.h"
#include "base/error.h"
#include "io/identity.h"
#include "memory/memory.h"

#include <math.h>
#include <unistd.h>

#define LIMIT_SHARE 16  /* looked at when a 16th of a limit was stored, on the average, by all programs together */
#define AGE_RESULTS 256 /* the same for an age alone: after so many results ... */
#define AGE_PAUSE_S 600 /* ... or so long */
#define PAUSE_COSTS 20  /* looking takes a twentieth of the time at most */

static int check(const mpijob_memory *memory, const mpijob_reduce_options *options, mpijob_error *err)
{
    if (!memory || !options)
        return mpj_fail(err, MPIJOB_EINVAL, "mpijob_memory_reduce_size: %s is NULL", memory ? "options" : "memory");
    uint64_t reserved = (uint64_t)options->reserved_int;
    for (size_t i = 0; i < sizeof options->reserved / sizeof options->reserved[0]; i++)
        reserved |= options->reserved[i];
    if (reserved)
        return mpj_fail(err, MPIJOB_EINVAL, "a reserved member of the reduce options is set: zero the struct first");
    if (isnan(options->age_limit_s))
        return mpj_fail(err, MPIJOB_EINVAL, "option age_limit_s is no number");
    if (options->now < 0 || options->now > 1)
        return mpj_fail(err, MPIJOB_EINVAL, "option now is %d; it is 0 or 1", options->now);
    return MPIJOB_OK;
}

int mpijob_memory_reduce_size(mpijob_memory *memory, const mpijob_reduce_options *options, mpijob_removed *removed,
                              mpijob_error *err)
{
    mpijob_removed own = {0};
    int status = check(memory, options, err);
    if (status != MPIJOB_OK)
        return status;
    if (memory->store) {
        const mpj_trim_options trim = {.limits = {options->bytes_limit, options->items_limit, options->age_limit_s},
                                       .now = options->now,
                                       .tells = memory->options.verbose > 10};
        pthread_mutex_lock(&memory->lock);
        status = mpj_trim(memory->store, &trim, &own, err);
        pthread_mutex_unlock(&memory->lock);
    }
    if (removed)
        *removed = own;
    return status;
}

/* ---- Automatic limits -------------------------------------------------------------------------------------------- */

/* Exponentially distributed with the mean 1. So programs that each store little look as often, together, as one that
 * stores all, and need not know of each other. */
static double draw(void)
{
    return -log(((double)(mpj_random_token() >> 11) + 1) / 9007199254740993.0);
}

static double share_of(const mpijob_memory_options *o, uint64_t bytes)
{
    double share = 0;
    if (o->max_bytes)
        share += (double)bytes * LIMIT_SHARE / (double)o->max_bytes;
    if (o->max_items)
        share += (double)LIMIT_SHARE / (double)o->max_items;
    if (o->max_age_s > 0)
        share += 1.0 / AGE_RESULTS;
    return share;
}

static void trim(mpijob_memory *memory)
{
    const mpijob_memory_options *o = &memory->options;
    const mpj_trim_options options = {.limits = {.bytes = o->max_bytes ? o->max_bytes : UINT64_MAX,
                                                 .items = o->max_items ? o->max_items : UINT64_MAX,
                                                 .age_s = o->max_age_s > 0 ? o->max_age_s : -1},
                                      .automatic = true,
                                      .tells = memory->options.verbose > 10};
    mpijob_removed removed;
    double began = mpj_now();
    mpj_trim(memory->store, &options, &removed, NULL);
    double ended = mpj_now();
    memory->limits_left = draw();
    memory->limits_at = ended + PAUSE_COSTS * (ended - began);
}

void mpj_memory_limits(mpijob_memory *memory, uint64_t stored_bytes)
{
    const mpijob_memory_options *o = &memory->options;
    if (o->max_bytes == 0 && o->max_items == 0 && o->max_age_s <= 0)
        return;
    if (memory->limits_left == 0) {
        memory->limits_left = draw();
        memory->limits_at = mpj_now();
    }
    memory->limits_left -= share_of(o, stored_bytes);
    double since = mpj_now() - memory->limits_at;
    if (since >= 0 && (memory->limits_left <= 0 || (o->max_age_s > 0 && since >= AGE_PAUSE_S)))
        trim(memory);
}

void mpj_memory_limits_at_end(mpijob_memory *memory)
{
    if (memory->limits_left < 0 && memory->store->pid == getpid())
        trim(memory);
}
