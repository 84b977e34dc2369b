/* References to results. */
#include "memory/list.h"
#include "memory/memory.h"
#include "memory/signature.h"

#include "base/alloc.h"
#include "base/error.h"
#include "data/job.h"
#include "io/identity.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* ---- Making ---- */

/* Who holds a result: no other process has the same. */
static uint64_t holder(void)
{
    return mpj_place() ^ ((uint64_t)mpj_process_start("self") << 32) ^ (uint64_t)getpid();
}

static bool holds(const mpijob_reference *reference)
{
    return reference->value && reference->reserved[0] == holder();
}

void mpj_reference_hold(mpijob_reference *reference, const mpijob_function *function, const mpj_name *name,
                        mpijob_array *array)
{
    *reference = (mpijob_reference){
        .bytes = mpijob_array_count(array) * mpijob_type_size(&array->type), .value = array, .reserved = {holder()}};
    snprintf(reference->function, sizeof reference->function, "%s", function->name ? function->name : "function");
    if (name) {
        reference->key = name->key;
        reference->check = name->check;
        reference->version = name->version;
    }
}

/* Computes into memory of its own, and refers to it there or, better, in Memory. */
static int compute(mpijob_reference *reference, const mpijob_function *function, const mpj_name *name, const void *args,
                   mpijob_job *job, mpijob_error *err)
{
    mpj_computing computing = {.function = function, .args = args, .job = job};
    mpijob_array *array = mpj_calloc(1, sizeof *array);
    if (!array)
        return mpj_fail_memory(err, "a reference", sizeof *array);
    int status = MPIJOB_OK;
    if (function->result_size != MPIJOB_ANY_SIZE) {
        status = mpj_array_for(array, function, err);
        computing.into = array->data;
    }
    if (status == MPIJOB_OK)
        status = mpj_compute(&computing, name, err);
    if (status == MPIJOB_OK && function->result_size == MPIJOB_ANY_SIZE)
        *array = computing.value;
    if (status == MPIJOB_OK && !computing.stored) {
        mpj_reference_hold(reference, function, name, array);
        return MPIJOB_OK;
    }
    if (status == MPIJOB_OK)
        mpj_cached_refer(function->cached, &computing.hit, reference);
    mpijob_array_free(array);
    mpj_free(array);
    return status;
}

int mpijob_function_call_and_shelve(mpijob_reference *reference, const mpijob_function *function, const void *args,
                                    mpijob_job *job, mpijob_error *err)
{
    mpj_name name;
    mpj_hit hit;
    bool locked = false;
    mpijob_function plain;
    if (!reference)
        return mpj_fail(err, MPIJOB_EINVAL, "reference is NULL");
    function = mpj_keyed(function, job, &plain);
    int status = mpj_name_call(&name, function, args, job, err);
    if (status != MPIJOB_OK)
        return status;
    const mpijob_cached *cached = function->cached;
    if (cached)
        mpj_say_querying(cached, &name, args, job ? job->index : 0);
    if (!cached || !cached->shelf || mpj_look(cached, &name, job, &hit, false, &locked) != 1)
        return compute(reference, function, cached ? &name : NULL, args, job, err);
    if (locked)
        mpj_cached_unlock(cached);
    mpj_say_loading(cached, &name, args, job ? job->index : 0, true);
    mpj_cached_refer(cached, &hit, reference);
    return MPIJOB_OK;
}

int mpijob_reference_is_portable(const mpijob_reference *reference)
{
    return reference && !reference->value;
}

void mpijob_reference_free(mpijob_reference *reference)
{
    if (!reference)
        return;
    if (holds(reference)) {
        mpijob_array_free(reference->value);
        mpj_free(reference->value);
    }
    *reference = (mpijob_reference){.value = NULL};
}

/* ---- Getting ---- */

/* A copy of what the reference itself holds. */
static int copy_held(mpijob_array *result, const mpijob_array *held, mpijob_error *err)
{
    int status = mpj_array_own(result, &held->type, held->ndim, held->shape, err);
    size_t bytes = mpijob_array_count(held) * mpijob_type_size(&held->type);
    if (status == MPIJOB_OK && bytes)
        memcpy(result->data, held->data, bytes);
    return status;
}

/* As this process caches it, else as the location describes it. */
int mpj_cached_describe(mpijob_cached **found, mpijob_memory *memory, const mpijob_reference *reference,
                        mpijob_error *err)
{
    char folder[MPJ_FUNCTION_BYTES], *text;
    size_t bytes;
    for (mpijob_cached *c = memory->functions; c; c = c->next)
        if (c->signature.version == reference->version && strcmp(c->signature.name, reference->function) == 0) {
            *found = c;
            return MPIJOB_OK;
        }
    mpijob_cached *c = mpj_calloc(1, sizeof *c);
    if (!c)
        return mpj_fail_memory(err, "a stored function's description", sizeof *c);
    c->memory = memory;
    c->packing.plain = true;
    mpj_list_function_of(folder, reference->function);
    int status = mpj_shelf_open(&c->shelf, memory->store, reference->function, err);
    if (status == MPIJOB_OK)
        status = mpj_list_description(&text, &bytes, memory->store, folder, reference->version, err);
    if (status == MPIJOB_OK) {
        status = mpj_signature_read(&c->signature, text, bytes, folder, err);
        if (status == MPIJOB_OK &&
            (strcmp(c->signature.name, reference->function) != 0 ||
             mpj_signature_prove(&c->signature, text, NULL, 0, reference->version) == MPIJOB_ECORRUPT))
            status = mpj_fail(err, MPIJOB_ECORRUPT, "%s: a description is of another function or version", folder);
        mpj_free(text);
    }
    if (status == MPIJOB_OK)
        status = mpj_packing_init(&c->packing, &c->signature.result, err);
    if (status != MPIJOB_OK) {
        mpj_signature_dispose(&c->signature);
        mpj_free(c);
        return status == MPIJOB_ENOMEM ? status : MPIJOB_ENOTFOUND;
    }
    mpj_cached_list(memory, c);
    *found = c;
    return MPIJOB_OK;
}

static int gone(const mpijob_reference *reference, mpijob_error *err)
{
    char key[MPIJOB_DIGEST_TEXT_BYTES];
    mpijob_digest_text(key, &reference->key);
    return mpj_fail(err, MPIJOB_ENOTFOUND,
                    "the result %s of %s is not in Memory (any more, or not to be seen here yet)", key,
                    reference->function);
}

/* With the lock, which is given back for a large result. */
static int get(mpijob_array *result, const mpijob_cached *c, const mpijob_reference *reference, mpijob_error *err)
{
    mpj_hit hit;
    mpijob_error why;
    const mpj_name name = {reference->key, reference->check, reference->version};
    if (mpj_cached_find(c, &name, &hit, false) != 1) {
        mpj_shelf_refresh_now(c->shelf);
        if (mpj_cached_find(c, &name, &hit, false) != 1)
            return gone(reference, err);
    }
    if (!hit.large)
        return mpj_cached_load(c, &hit, result, err);
    mpj_cached_unlock(c);
    int status = mpj_cached_load(c, &hit, result, &why);
    mpj_cached_lock(c);
    if (status == MPIJOB_OK || status == MPIJOB_ENOMEM)
        return status == MPIJOB_OK ? status : mpj_told(err, status, &why);
    mpj_cached_lost(c, &hit, &why);
    return gone(reference, err);
}

int mpj_reference_check(const mpijob_reference *reference, const mpijob_memory *memory, mpijob_error *err)
{
    if (!reference || !memory)
        return mpj_fail(err, MPIJOB_EINVAL, "%s is NULL", reference ? "memory" : "reference");
    if (memchr(reference->function, '\0', sizeof reference->function) == NULL || !reference->function[0])
        return mpj_fail(err, MPIJOB_EINVAL, "this is no reference: it names no function");
    return MPIJOB_OK;
}

int mpijob_reference_get(mpijob_array *result, const mpijob_reference *reference, mpijob_memory *memory,
                         mpijob_error *err)
{
    mpijob_cached *c;
    int status = result ? mpj_reference_check(reference, memory, err) : mpj_fail(err, MPIJOB_EINVAL, "result is NULL");
    if (status != MPIJOB_OK)
        return status;
    if (reference->value && !holds(reference))
        return mpj_fail(err, MPIJOB_EINVAL, "the reference holds its result in another process: it is not portable");
    if (reference->value)
        return copy_held(result, reference->value, err);
    if (!memory->store)
        return mpj_fail(err, MPIJOB_EINVAL, "the reference is to a result in Memory, and no location is open");
    pthread_mutex_lock(&memory->lock);
    status = mpj_cached_describe(&c, memory, reference, err);
    if (status == MPIJOB_OK)
        status = get(result, c, reference, err);
    else if (status == MPIJOB_ENOTFOUND)
        gone(reference, err);
    pthread_mutex_unlock(&memory->lock);
    return status;
}
