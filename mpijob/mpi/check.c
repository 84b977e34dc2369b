/* What a caller may get wrong, and the words for it. */
#include "mpi/run.h"

#include "base/error.h"
#include "mpi/memo.h"
#include "mpi/share.h"
#include "sched/expression.h"
#include "sched/njobs.h"

#include <math.h>
#include <murmurhash.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define MOST_JOBS (UINT64_C(1) << 62)
#define DEFAULT_LIMIT UINT64_C(1000000000000)

void mpj_run_warn(const mpj_run *run, const char *format, ...)
{
    char text[MPIJOB_ERROR_TEXT_BYTES];
    va_list arguments;
    va_start(arguments, format);
    mpj_vformat(text, sizeof text, format, arguments);
    va_end(arguments);
    if (run->options.log)
        run->options.log(MPIJOB_LOG_WARNING, text, run->options.log_payload);
    else
        fprintf(stderr, "mpijob: %s\n", text);
}

static bool all_zero(const uint64_t *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (words[i] != 0)
            return false;
    return true;
}

static bool is_negative(uint64_t number)
{
    return number > INT64_MAX;
}

static const char *name_of(const mpijob_function *function)
{
    return function->name ? function->name : "function";
}

static int check_function(const mpijob_function *f, mpijob_error *err)
{
    if (!f || !f->call)
        return mpj_fail(err, MPIJOB_EINVAL, "the function object has no `call`: give the C function that is one job");
    if (!all_zero(f->reserved, sizeof f->reserved / sizeof f->reserved[0]))
        return mpj_fail(err, MPIJOB_EINVAL,
                        "reserved members of the function object %s are not zero: initialise it with {0} or designated "
                        "members",
                        name_of(f));
    if (is_negative(f->args_size))
        return mpj_fail(err, MPIJOB_EINVAL, "args_size of %s is negative: it is a number of bytes", name_of(f));
    if (is_negative(f->result_size) && f->result_size != MPIJOB_ANY_SIZE)
        return mpj_fail(err, MPIJOB_EINVAL,
                        "result_size of %s is negative: it is a number of bytes, or MPIJOB_ANY_SIZE", name_of(f));
    return MPIJOB_OK;
}

typedef struct choice {
    const char *name;
    int value, last;
} choice;

static int check_choices(const mpijob_parallel_options *o, mpijob_error *err)
{
    const choice choices[] = {
        {"return_as", o->return_as, MPIJOB_GENERATOR_UNORDERED},
        {"on_error", o->on_error, MPIJOB_CONTINUE},
        {"rank0", o->rank0, MPIJOB_RANK0_SCHEDULES},
        {"progress", o->progress, MPIJOB_PROGRESS_JSON},
        {"everywhere", o->everywhere, 1},
        {"jobs_call_mpi", o->jobs_call_mpi, 1},
        {"print_stats", o->print_stats, 1},
        {"shelve", o->shelve, 1},
    };
    for (size_t i = 0; i < sizeof choices / sizeof choices[0]; i++)
        if (choices[i].value < 0 || choices[i].value > choices[i].last)
            return mpj_fail(err, MPIJOB_EINVAL, "option %s is %d: it can be 0 to %d", choices[i].name, choices[i].value,
                            choices[i].last);
    return MPIJOB_OK;
}

static int check_numbers(const mpijob_parallel_options *o, mpijob_error *err)
{
    const struct {
        const char *name;
        uint64_t value;
    } sizes[] = {{"batch_size", o->batch_size},
                 {"max_batch_size", o->max_batch_size},
                 {"accumulator_size", o->accumulator_size},
                 {"failures_capacity", o->failures_capacity},
                 {"shared_count", o->shared_count}};
    if (o->verbose < 0)
        return mpj_fail(err, MPIJOB_EINVAL, "option verbose is %d: it starts at 0, silent", o->verbose);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        if (is_negative(sizes[i].value))
            return mpj_fail(err, MPIJOB_EINVAL, "option %s is negative (%lld): 0 is its default", sizes[i].name,
                            (long long)sizes[i].value);
    if (!all_zero(o->reserved, sizeof o->reserved / sizeof o->reserved[0]))
        return mpj_fail(err, MPIJOB_EINVAL,
                        "reserved members of the options are not zero: initialise them with {0} or designated members");
    if (o->shared_count > 0 && !o->shared)
        return mpj_fail(err, MPIJOB_EINVAL, "option shared_count is %zu and shared is NULL", o->shared_count);
    for (size_t i = 0; i < o->shared_count; i++) {
        if (!o->shared[i])
            return mpj_fail(err, MPIJOB_EINVAL, "option shared[%zu] is NULL: share it with mpijob_share first", i);
        if (!mpj_shared_is_sealed(o->shared[i]))
            return mpj_fail(err, MPIJOB_EINVAL, "option shared[%zu] is not sealed: call mpijob_share_seal first", i);
    }
    return MPIJOB_OK;
}

/* What a key does not cover must not decide about results. */
static int check_memory(const mpj_run *run, mpijob_error *err)
{
    const mpijob_parallel_options *o = &run->options;
    const mpijob_function *f = run->function;
    if (o->shelve && !f->cached)
        return mpj_fail(err, MPIJOB_EINVAL,
                        "option shelve is for cached functions: make %s one with mpijob_memory_cache", name_of(f));
    if (o->shelve && (o->reduce || o->everywhere))
        return mpj_fail(err, MPIJOB_EINVAL, "option shelve goes with a list or with `consume`, not with %s",
                        o->reduce ? "reduce" : "everywhere");
    if (f->cached && o->context && !f->context_free)
        return mpj_fail(err, MPIJOB_EINVAL,
                        "%s is cached and the run has a context, which no key covers: put what results depend on into "
                        "the arguments or a shared input, or promise function.context_free",
                        name_of(f));
    return MPIJOB_OK;
}

/* What concerns every rank's outputs. */
static int check_outputs(const mpj_run *run, mpijob_error *err)
{
    const mpijob_parallel_options *o = &run->options;
    size_t result_size = run->result_bytes;
    bool fixed = result_size != MPIJOB_ANY_SIZE && result_size > 0;
    if (o->reduce && (o->return_as != MPIJOB_LIST || o->consume))
        return mpj_fail(err, MPIJOB_EINVAL, "options reduce and consume exclude each other: choose one of them");
    if (!o->reduce && o->return_as == MPIJOB_LIST && result_size == MPIJOB_ANY_SIZE)
        return mpj_fail(err, MPIJOB_EINVAL,
                        "results of any size cannot be a list: set return_as to MPIJOB_GENERATOR (or _UNORDERED) and "
                        "give `consume`, or reduce them");
    if (!o->everywhere)
        return MPIJOB_OK;
    if (o->return_as != MPIJOB_LIST || (!o->reduce && !fixed))
        return mpj_fail(err, MPIJOB_EINVAL,
                        "option everywhere needs a list of results of fixed size, or a reduction: this run has "
                        "neither");
    if (o->reduce && o->accumulator_size == 0)
        return mpj_fail(err, MPIJOB_EINVAL,
                        "option everywhere with reduce needs accumulator_size: how many bytes reach the other ranks");
    return MPIJOB_OK;
}

static int check_consumers(const mpj_run *run, mpijob_error *err)
{
    const mpijob_parallel_options *o = &run->options;
    if (o->return_as != MPIJOB_LIST && !o->consume)
        return mpj_fail(err, MPIJOB_EINVAL, "return_as asks for a generator: give `consume`, which takes the results");
    if (o->return_as == MPIJOB_LIST && o->consume)
        return mpj_fail(
            err, MPIJOB_EINVAL,
            "option consume is given but return_as is list: set return_as to MPIJOB_GENERATOR (in order) or "
            "MPIJOB_GENERATOR_UNORDERED");
    if (o->failures_capacity > 0 && (!o->failures || !o->failures_count))
        return mpj_fail(err, MPIJOB_EINVAL, "option failures_capacity needs failures and failures_count");
    return MPIJOB_OK;
}

static int check_costs(const mpijob_inputs *in, mpijob_error *err)
{
    for (uint64_t i = 0; in->costs && i < in->count; i++)
        if (!isfinite(in->costs[i]) || in->costs[i] < 0)
            return mpj_fail(err, MPIJOB_EINVAL, "the cost of job %llu is %g: costs are finite and not negative",
                            (unsigned long long)i, in->costs[i]);
    return MPIJOB_OK;
}

static int check_inputs(const mpj_run *run, mpijob_error *err)
{
    const mpijob_inputs *in = &run->inputs;
    size_t args_size = run->function->args_size;
    bool unknown = in->count == MPIJOB_UNKNOWN;
    if (!all_zero(in->reserved, sizeof in->reserved / sizeof in->reserved[0]))
        return mpj_fail(err, MPIJOB_EINVAL,
                        "reserved members of the inputs are not zero: make them by mpijob_range, "
                        "mpijob_arguments or mpijob_generator");
    if (!unknown && in->count > MOST_JOBS)
        return mpj_fail(err, MPIJOB_EINVAL, "the number of jobs is negative or beyond 2^62 (%lld)",
                        (long long)in->count);
    if (unknown && !in->next)
        return mpj_fail(err, MPIJOB_EINVAL, "only a generator can have an unknown number of jobs: give the count");
    if (in->array && in->next)
        return mpj_fail(err, MPIJOB_EINVAL, "the inputs have both an array and a generator: choose one of them");
    if (in->next && in->costs)
        return mpj_fail(err, MPIJOB_EINVAL, "a generator gives each job's cost itself: set inputs.costs to NULL");
    if (in->array && args_size == 0)
        return mpj_fail(err, MPIJOB_EINVAL,
                        "the inputs are an array, but args_size of %s is 0: set it to the size of "
                        "one element",
                        name_of(run->function));
    if (args_size > 0 && !in->array && !in->next && in->count > 0)
        return mpj_fail(err, MPIJOB_EINVAL,
                        "%s takes arguments of %zu bytes, and the inputs give none: use "
                        "mpijob_arguments or mpijob_generator, or set args_size to 0",
                        name_of(run->function), args_size);
    return check_costs(in, err);
}

static int check_places(const mpj_run *run, mpijob_error *err)
{
    const mpijob_parallel_options *o = &run->options;
    size_t result_size = run->result_bytes;
    bool unknown = run->inputs.count == MPIJOB_UNKNOWN;
    if (o->statuses && unknown)
        return mpj_fail(err, MPIJOB_EINVAL, "option statuses needs a known number of jobs: give the count");
    if (o->reduce)
        return run->results ? MPIJOB_OK
                            : mpj_fail(err, MPIJOB_EINVAL, "`results` is NULL: with reduce it is the accumulator");
    if (o->return_as != MPIJOB_LIST || result_size == 0)
        return MPIJOB_OK;
    if (unknown)
        return mpj_fail(err, MPIJOB_EINVAL,
                        "a list needs a known number of jobs: give the count, or set return_as to MPIJOB_GENERATOR");
    if (!run->results && run->inputs.count > 0)
        return mpj_fail(err, MPIJOB_EINVAL,
                        "`results` is NULL: give room for %llu results of %zu bytes, or set result_size to 0",
                        (unsigned long long)run->inputs.count, result_size);
    return MPIJOB_OK;
}

int mpj_run_check(mpj_run *run, void *results, const mpijob_function *function, const mpijob_inputs *inputs,
                  const mpijob_parallel_options *options, int rank, mpijob_error *err)
{
    int status = check_function(function, err);
    if (status != MPIJOB_OK)
        return status;
    run->function = function;
    run->results = results;
    if (options)
        run->options = *options;
    run->result_bytes = run->options.shelve ? sizeof(mpijob_reference) : function->result_size;
    status = check_choices(&run->options, err);
    if (status == MPIJOB_OK)
        status = check_numbers(&run->options, err);
    if (status == MPIJOB_OK)
        status = check_outputs(run, err);
    if (status == MPIJOB_OK)
        status = check_memory(run, err);
    if (status != MPIJOB_OK)
        return status;
    if (rank != 0)
        return run->options.everywhere && !results
                   ? mpj_fail(err, MPIJOB_EINVAL, "`results` is NULL: with everywhere each rank gives its own room")
                   : MPIJOB_OK;
    if (!inputs)
        return mpj_fail(err, MPIJOB_EINVAL,
                        "`inputs` is NULL on rank 0: use mpijob_range, mpijob_array or "
                        "mpijob_generator");
    run->inputs = *inputs;
    if (run->inputs.limit == 0)
        run->inputs.limit = DEFAULT_LIMIT;
    status = check_inputs(run, err);
    if (status == MPIJOB_OK)
        status = check_consumers(run, err);
    return status == MPIJOB_OK ? check_places(run, err) : status;
}

int mpj_run_resolve(mpj_run *run, mpijob_error *err)
{
    const mpijob_parallel_options *o = &run->options;
    run->used = mpj_njobs_resolve(o->n_jobs, run->link->size);
    if (run->used > 1 && !mpj_memo_is_flat(run->function))
        return mpj_fail(err, MPIJOB_EINVAL,
                        "the arguments of %s have strings or pointers, which cannot be sent to other ranks: use fields "
                        "of fixed size, or n_jobs 1",
                        name_of(run->function));
    if (o->pre_dispatch)
        return mpj_expression_pre_dispatch(o->pre_dispatch, run->used, &run->window, err);
    run->window = run->inputs.next ? 0 : MPJ_UNKNOWN;
    return MPIJOB_OK;
}

int mpijob_effective_n_jobs(int n_jobs, int ranks)
{
    return ranks > 0 ? mpj_njobs_resolve(n_jobs, ranks) : 0;
}

uint64_t mpj_run_digest(const mpj_run *run)
{
    char text[1024];
    const mpijob_parallel_options *o = &run->options;
    const mpijob_function *f = run->function;
    int used = snprintf(
        text, sizeof text, "%.200s %llx %d %zu %zu %d %d %.40s %llu %llu %d %d %zu %d %d %d %zu %llu %d %d %d %d",
        name_of(f), (unsigned long long)mpj_memo_digest(f), o->shelve,
        f->args_size, f->result_size, o->n_jobs, o->verbose, o->pre_dispatch ? o->pre_dispatch : "",
        (unsigned long long)o->batch_size, (unsigned long long)o->max_batch_size, o->return_as, o->reduce != NULL,
        o->accumulator_size, o->everywhere, o->everywhere && o->statuses, o->on_error, o->shared_count,
        (unsigned long long)o->seed, o->rank0, o->jobs_call_mpi, o->progress, o->print_stats);
    for (size_t i = 0; i < o->shared_count && used < (int)sizeof text - 40; i++)
        used +=
            snprintf(text + used, sizeof text - (size_t)used, " %llu", (unsigned long long)mpj_shared_id(o->shared[i]));
    uint64_t digest[2];
    lmmh_x64_128(text, (unsigned)used, 0, digest);
    return digest[0];
}
