/* Calling functions: through Memory where they are cached, else plainly. */
#include "memory/memory.h"

#include "base/clock.h"
#include "base/error.h"
#include "data/job.h"

/* ---- Looking up ---- */

static int check_call(const mpijob_function *function, const void *args, mpijob_error *err)
{
    if (!function || !function->call)
        return mpj_fail(err, MPIJOB_EINVAL, "the function is NULL");
    for (size_t i = 0; i < sizeof function->reserved / sizeof function->reserved[0]; i++)
        if (function->reserved[i] != 0)
            return mpj_fail(err, MPIJOB_EINVAL, "a reserved member of the function is set: zero the struct first");
    if (!args != (function->args_size == 0))
        return mpj_fail(err, MPIJOB_EINVAL, "%s: args is %s, and its args_size is %zu",
                        function->name ? function->name : "function", args ? "given" : "NULL", function->args_size);
    return MPIJOB_OK;
}

int mpj_name_call(mpj_name *name, const mpijob_function *function, const void *args, mpijob_job *job, mpijob_error *err)
{
    const mpj_job_own *own = job ? job->own : NULL;
    int status = check_call(function, args, err);
    if (status != MPIJOB_OK || !function->cached)
        return status;
    return mpj_key(name, &function->cached->signature, args, job ? job->index : 0, own ? own->shared_digests : NULL,
                   own && own->shared_digests ? job->shared_count : 0, err);
}

const mpijob_function *mpj_keyed(const mpijob_function *function, const mpijob_job *job, mpijob_function *plain)
{
    const mpj_job_own *own = job ? job->own : NULL;
    if (!function || !function->cached || !own || job->shared_count == 0 || own->shared_digests)
        return function;
    *plain = *function;
    plain->cached = NULL;
    return plain;
}

int mpj_look(const mpijob_cached *cached, const mpj_name *name, mpijob_job *job, mpj_hit *hit, bool quiet, bool *locked)
{
    mpj_job_own *own = job ? job->own : NULL;
    int found = own && own->run ? own->run->find(own->run, cached, name, hit, quiet) : -1;
    *locked = found < 0;
    if (found >= 0)
        return found;
    mpj_cached_lock(cached);
    if (mpj_cached_find(cached, name, hit, quiet) == 1 ||
        (mpj_cached_refresh(cached) && mpj_cached_find(cached, name, hit, quiet) == 1))
        return 1;
    mpj_cached_unlock(cached);
    return 0;
}

/* Reads what was found. The lock, if it is held, is not any more afterwards. */
static int take(const mpijob_cached *cached, const mpj_hit *hit, bool locked, void *into, mpijob_array *array)
{
    mpijob_error err;
    if (locked && hit->large)
        mpj_cached_unlock(cached);
    int status =
        into || !array ? mpj_cached_read(cached, hit, into, NULL, &err) : mpj_cached_load(cached, hit, array, &err);
    if (locked && !hit->large)
        mpj_cached_unlock(cached);
    if (status == MPIJOB_OK)
        return status;
    mpj_cached_lock(cached);
    mpj_cached_lost(cached, hit, &err);
    mpj_cached_unlock(cached);
    return status;
}

/* 1: it was there. */
static int fetch(const mpijob_function *function, const mpj_name *name, const void *args, mpijob_job *job, void *into,
                 mpijob_array *array)
{
    mpj_hit hit;
    bool locked = false;
    const mpijob_cached *cached = function->cached;
    if (!cached->shelf)
        return 0;
    double began = cached->options.verbose > 1 ? mpj_now() : 0;
    if (cached->options.verbose >= 20)
        mpj_say_querying(cached, name, args, job ? job->index : 0);
    if (mpj_look(cached, name, job, &hit, false, &locked) != 1)
        return 0;
    if (cached->options.verbose > 1)
        mpj_say_loading(cached, name, args, job ? job->index : 0, false);
    if (take(cached, &hit, locked, into, array) != MPIJOB_OK)
        return 0;
    if (cached->options.verbose > 4)
        mpj_say_loaded(cached, mpj_now() - began);
    return 1;
}

/* ---- The public calls ---- */

static int call(void *result, mpijob_array *array, const mpijob_function *function, const void *args, mpijob_job *job,
                bool look, mpijob_error *err)
{
    mpj_name name;
    mpijob_array room = {0};
    mpijob_function plain;
    function = mpj_keyed(function, job, &plain);
    int status = mpj_name_call(&name, function, args, job, err);
    if (status != MPIJOB_OK)
        return status;
    if (function->cached && look && fetch(function, &name, args, job, result, array) == 1)
        return MPIJOB_OK;
    mpj_computing computing = {.function = function, .args = args, .job = job, .into = result};
    if (array && function->result_size != MPIJOB_ANY_SIZE) {
        status = mpj_array_for(&room, function, err);
        if (status != MPIJOB_OK)
            return status;
        computing.into = room.data;
    }
    status = mpj_compute(&computing, function->cached ? &name : NULL, err);
    if (status != MPIJOB_OK)
        mpijob_array_free(&room);
    else if (array)
        *array = room.own ? room : computing.value;
    return status;
}

static int check_fixed(const void *result, const mpijob_function *function, mpijob_error *err)
{
    if (function && function->result_size == MPIJOB_ANY_SIZE)
        return mpj_fail(err, MPIJOB_EINVAL, "%s has results of any size, which the call that ends in _array gives",
                        function->name ? function->name : "function");
    if (function && !result && function->result_size > 0)
        return mpj_fail(err, MPIJOB_EINVAL, "result is NULL");
    return MPIJOB_OK;
}

int mpijob_function_call(void *result, const mpijob_function *function, const void *args, mpijob_job *job,
                         mpijob_error *err)
{
    int status = check_fixed(result, function, err);
    return status == MPIJOB_OK ? call(result, NULL, function, args, job, true, err) : status;
}

int mpijob_function_call_array(mpijob_array *result, const mpijob_function *function, const void *args, mpijob_job *job,
                               mpijob_error *err)
{
    if (!result)
        return mpj_fail(err, MPIJOB_EINVAL, "result is NULL");
    return call(NULL, result, function, args, job, true, err);
}

int mpijob_function_recompute(void *result, const mpijob_function *function, const void *args, mpijob_job *job,
                              mpijob_error *err)
{
    int status = check_fixed(result, function, err);
    return status == MPIJOB_OK ? call(result, NULL, function, args, job, false, err) : status;
}

int mpijob_function_recompute_array(mpijob_array *result, const mpijob_function *function, const void *args,
                                    mpijob_job *job, mpijob_error *err)
{
    if (!result)
        return mpj_fail(err, MPIJOB_EINVAL, "result is NULL");
    return call(NULL, result, function, args, job, false, err);
}

int mpijob_function_check_call_in_cache(const mpijob_function *function, const void *args, mpijob_job *job,
                                        mpijob_error *err)
{
    mpj_name name;
    mpj_hit hit;
    bool locked = false;
    mpijob_function plain;
    function = mpj_keyed(function, job, &plain);
    int status = mpj_name_call(&name, function, args, job, err);
    if (status != MPIJOB_OK)
        return status;
    if (!function->cached || !function->cached->shelf ||
        mpj_look(function->cached, &name, job, &hit, true, &locked) != 1)
        return 0;
    if (locked)
        mpj_cached_unlock(function->cached);
    return 1;
}

/* Evaluated again and again, a function is still cached once. */
static int cache_once(mpijob_function *cached, mpijob_memory *memory, const mpijob_function *function,
                      mpijob_error *err)
{
    mpj_signature signature;
    if (!memory || !function)
        return mpj_fail(err, MPIJOB_EINVAL, "mpijob_memory_eval: %s is NULL", memory ? "function" : "memory");
    int status = mpj_signature_init(&signature, function, NULL, err);
    if (status != MPIJOB_OK)
        return status;
    const mpijob_cached *known = mpj_memory_find_cached(memory, signature.name, signature.version);
    mpj_signature_dispose(&signature);
    if (!known || known->options.cache_validation_callback || known->options.expires_after_s != 0)
        return mpijob_memory_cache(cached, memory, function, NULL, err);
    *cached = *function;
    cached->cached = known;
    return MPIJOB_OK;
}

int mpijob_memory_eval(void *result, mpijob_memory *memory, const mpijob_function *function, const void *args,
                       mpijob_error *err)
{
    mpijob_function cached;
    int status = cache_once(&cached, memory, function, err);
    return status == MPIJOB_OK ? mpijob_function_call(result, &cached, args, NULL, err) : status;
}

int mpijob_memory_eval_array(mpijob_array *result, mpijob_memory *memory, const mpijob_function *function,
                             const void *args, mpijob_error *err)
{
    mpijob_function cached;
    int status = cache_once(&cached, memory, function, err);
    return status == MPIJOB_OK ? mpijob_function_call_array(result, &cached, args, NULL, err) : status;
}

int mpijob_function_key(mpijob_digest *key, const mpijob_function *function, const void *args, mpijob_job *job,
                        mpijob_error *err)
{
    mpj_name name;
    if (!key || !function || !function->cached)
        return mpj_fail(err, MPIJOB_EINVAL, "mpijob_function_key: %s",
                        key ? "the function is not cached" : "key is NULL");
    mpijob_function plain;
    if (mpj_keyed(function, job, &plain) == &plain)
        return mpj_fail(
            err, MPIJOB_EINVAL,
            "mpijob_function_key: Memory was not open when the run began, so its shared inputs have no digests");
    int status = mpj_name_call(&name, function, args, job, err);
    if (status == MPIJOB_OK)
        *key = name.key;
    return status;
}
