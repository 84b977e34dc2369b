/* Rank 0: inputs become jobs of the plan. */
#include "mpi/scheduler.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"

#include <math.h>
#include <stdarg.h>
#include <string.h>

#define JOBS_A_TURN 256 /* then the messages get their turn */
#define BYTES_A_TURN (1 << 20)
#define TURN_S 1e-4

int mpijob_callback_fail(mpijob_error *err, const char *format, ...)
{
    char text[MPIJOB_ERROR_TEXT_BYTES];
    va_list arguments;
    va_start(arguments, format);
    mpj_vformat(text, sizeof text, format, arguments);
    va_end(arguments);
    return mpj_fail(err, MPIJOB_EINVAL, "%s", text);
}

static void add(mpj_scheduler *s, uint64_t count, const double *costs)
{
    if (s->looks.on) {
        mpj_looks_drawn(s, count, costs);
        return;
    }
    int status = mpj_plan_drawn(s->plan, count, costs);
    if (status == MPIJOB_OK)
        return;
    mpijob_error err;
    mpj_fail_memory(&err, "jobs that wait", (unsigned long long)count * sizeof(mpj_span));
    err.rank = 0;
    mpj_stop_run(s, status, &err, true);
}

static uint64_t wanted_now(const mpj_scheduler *s)
{
    return s->looks.on ? mpj_looks_wanted(s) : mpj_plan_wanted(s->plan);
}

void mpj_draw_known(mpj_scheduler *s)
{
    const mpijob_inputs *in = &s->run->inputs;
    if (in->next)
        return;
    uint64_t wanted = wanted_now(s);
    if (wanted == 0)
        return;
    mpj_plan_counts counts;
    mpj_plan_count(s->plan, &counts);
    add(s, wanted, in->costs ? in->costs + counts.drawn : NULL);
}

/* What the generator gave in one turn. */
typedef struct drawing {
    unsigned char *args;
    double costs[JOBS_A_TURN];
    uint64_t count;
    int status; /* MPIJOB_MORE: there may be more */
    mpijob_error err;
} drawing;

static void describe_failure(mpj_scheduler *s, drawing *d, uint64_t index)
{
    char said[MPIJOB_ERROR_TEXT_BYTES / 2];
    size_t length = strnlen(d->err.text, sizeof said - 1);
    memcpy(said, d->err.text, length);
    said[length] = '\0';
    if (d->status > MPIJOB_MORE)
        mpj_fail(&d->err, MPIJOB_EINPUT,
                 "the generator returned %d for job %llu: it must return MPIJOB_MORE (1) with a job, MPIJOB_END (0) "
                 "after the last one, or a negative number",
                 d->status, (unsigned long long)index);
    else
        mpj_fail(&d->err, MPIJOB_EINPUT, "the generator failed at job %llu: %s", (unsigned long long)index,
                 length ? said : "it gave no reason (mpijob_callback_fail says one)");
    d->err.job = (int64_t)index;
    d->err.rank = 0;
    (void)s;
}

static void draw_one(mpj_scheduler *s, drawing *d)
{
    const mpijob_inputs *in = &s->run->inputs;
    size_t size = s->run->function->args_size;
    uint64_t index = s->drawn_by_generator;
    double cost = 0;
    d->err.text[0] = '\0';
    d->status = in->next(size ? d->args + d->count * size : NULL, &cost, index, in->payload, &d->err);
    if (d->status == MPIJOB_END)
        return;
    if (d->status == MPIJOB_MORE && isfinite(cost) && cost >= 0) {
        d->costs[d->count++] = cost;
        s->drawn_by_generator++;
        return;
    }
    if (d->status == MPIJOB_MORE) {
        mpj_fail(&d->err, MPIJOB_EINVAL, "its cost is %g: costs are finite and not negative", cost);
        d->status = -1;
    }
    describe_failure(s, d, index);
}

static void draw_turn(mpj_scheduler *s, drawing *d, uint64_t wanted)
{
    double began = mpj_now();
    d->status = MPIJOB_MORE;
    while (d->count < wanted && d->status == MPIJOB_MORE) {
        draw_one(s, d);
        if (d->count % 16 == 0 && mpj_now() - began > TURN_S)
            break;
    }
}

/* The end of the input, and what is wrong about it. */
static void check_end(mpj_scheduler *s, drawing *d)
{
    const mpijob_inputs *in = &s->run->inputs;
    unsigned long long drawn = (unsigned long long)s->drawn_by_generator;
    bool known = in->count != MPIJOB_UNKNOWN;
    if (d->status >= 0 && !known && s->drawn_by_generator > in->limit) {
        mpj_fail(&d->err, MPIJOB_EINPUT,
                 "the generator gave more than %llu jobs and no end: return MPIJOB_END after the last one, or raise "
                 "inputs.limit",
                 (unsigned long long)in->limit);
        d->status = -1;
    } else if (d->status == MPIJOB_END && known && s->drawn_by_generator < in->count) {
        mpj_fail(&d->err, MPIJOB_EINPUT,
                 "the generator ended after %llu of %llu jobs: give the right count, or MPIJOB_UNKNOWN", drawn,
                 (unsigned long long)in->count);
        d->status = -1;
    }
    d->err.rank = 0;
    s->generator_ended = d->status != MPIJOB_MORE || (known && s->drawn_by_generator == in->count);
}

static void take_in(mpj_scheduler *s, drawing *d)
{
    mpijob_error err;
    if (d->count > 0 && s->args.size && mpj_pages_append(&s->args, d->args, d->count) != 0) {
        mpj_fail_memory(&err, "arguments of jobs that wait", (unsigned long long)d->count * s->args.size);
        mpj_stop_run(s, MPIJOB_ENOMEM, &err, true);
        return;
    }
    if (d->count > 0)
        add(s, d->count, d->costs);
    if (d->status < 0 || d->status > MPIJOB_MORE)
        mpj_stop_run(s, MPIJOB_EINPUT, &d->err, false);
    else if (s->generator_ended)
        mpj_plan_exhausted(s->plan);
}

bool mpj_draw_from_generator(mpj_scheduler *s)
{
    size_t size = s->run->function->args_size;
    if (!s->run->inputs.next || s->generator_ended)
        return false;
    pthread_mutex_lock(&s->link->lock);
    uint64_t wanted = wanted_now(s);
    pthread_mutex_unlock(&s->link->lock);
    if (wanted > JOBS_A_TURN)
        wanted = JOBS_A_TURN;
    if (size > 0 && wanted > BYTES_A_TURN / size)
        wanted = BYTES_A_TURN / size ? BYTES_A_TURN / size : wanted > 0;
    if (wanted == 0)
        return false;
    drawing d = {.args = size ? mpj_alloc(wanted * size) : NULL};
    if (size && !d.args) {
        mpijob_error err;
        mpj_fail_memory(&err, "arguments from the generator", (unsigned long long)wanted * size);
        pthread_mutex_lock(&s->link->lock);
        mpj_stop_run(s, MPIJOB_ENOMEM, &err, false);
        pthread_mutex_unlock(&s->link->lock);
        s->generator_ended = true;
        return false;
    }
    draw_turn(s, &d, wanted);
    check_end(s, &d);
    pthread_mutex_lock(&s->link->lock);
    take_in(s, &d);
    pthread_mutex_unlock(&s->link->lock);
    mpj_free(d.args);
    return true;
}
