/* Cached functions: making them, and what they are. */
#include "memory/cleaner.h"
#include "memory/described.h"
#include "memory/memory.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"

#include <string.h>
#include <unistd.h>

/* ---- Making ---- */

static int check_options(const mpijob_cache_options *o, mpijob_error *err)
{
    for (size_t i = 0; i < sizeof o->reserved / sizeof o->reserved[0]; i++)
        if (o->reserved[i] != 0)
            return mpj_fail(err, MPIJOB_EINVAL, "a reserved member of the cache options is set: zero the struct first");
    if (o->verbose < -1)
        return mpj_fail(err, MPIJOB_EINVAL, "option verbose is %d; it is -1 (silent), 0 (the location's) or more",
                        o->verbose);
    if (o->compress < MPIJOB_UNCOMPRESSED || o->compress > 9)
        return mpj_fail(err, MPIJOB_EINVAL, "option compress is %d; it is -1 (not), 0 (the location's) or 1 to 9",
                        o->compress);
    if (!(o->expires_after_s >= 0))
        return mpj_fail(err, MPIJOB_EINVAL, "option expires_after_s is %g; it is 0 or more", o->expires_after_s);
    return mpj_check_mmap_mode(o->mmap_mode, err);
}

/* "r+" and "w+" would write into what others read. */
static const char *mapping_of(mpijob_memory *memory, const char *mode)
{
    if (!mode || !*mode)
        return NULL;
    if (strcmp(mode, "r") == 0)
        return "r";
    if (strcmp(mode, "c") != 0 && !memory->told_mapping) {
        memory->told_mapping = true;
        mpj_memory_warn(memory,
                        "mmap_mode \"%s\" is taken as \"c\": changes to a stored result stay in this process (to "
                        "write through a map, dump the array and load it with that mode)",
                        mode);
    }
    return "c";
}

static void take_options(mpijob_cached *c, const mpijob_cache_options *options)
{
    mpijob_memory *memory = c->memory;
    if (options)
        c->options = *options;
    if (c->options.verbose == 0)
        c->options.verbose = memory->options.verbose;
    if (c->options.compress == 0)
        c->options.compress = memory->options.compress;
    c->mmap_mode = mapping_of(memory, c->options.mmap_mode ? c->options.mmap_mode : memory->options.mmap_mode);
    c->options.mmap_mode = NULL;
    c->options.ignore = NULL;
}

static void dispose(mpijob_cached *c)
{
    mpj_packing_dispose(&c->packing);
    mpj_signature_dispose(&c->signature);
    mpj_free(c);
}

static int open_cached(mpijob_cached *c, const mpijob_function *function, const mpijob_cache_options *options,
                       mpijob_error *err)
{
    int status = mpj_signature_init(&c->signature, function, options ? options->ignore : NULL, err);
    if (status != MPIJOB_OK)
        return status;
    status = mpj_packing_init(&c->packing, &c->signature.result, err);
    if (status == MPIJOB_OK && c->memory->store)
        status = mpj_shelf_open(&c->shelf, c->memory->store, c->signature.name, err);
    if (status == MPIJOB_OK && c->shelf)
        mpj_cleaner_at_opening(c->shelf);
    if (status != MPIJOB_OK) {
        mpj_packing_dispose(&c->packing);
        mpj_signature_dispose(&c->signature);
    }
    return status;
}

void mpj_cached_list(mpijob_memory *memory, mpijob_cached *c)
{
    pthread_mutex_lock(&memory->brief_lock);
    c->next = memory->functions;
    memory->functions = c;
    pthread_mutex_unlock(&memory->brief_lock);
}

static int make(mpijob_cached **made, mpijob_memory *memory, const mpijob_function *function,
                const mpijob_cache_options *options, mpijob_error *err)
{
    mpijob_cached *c = mpj_calloc(1, sizeof *c);
    if (!c)
        return mpj_fail_memory(err, "a cached function", sizeof *c);
    c->memory = memory;
    c->function = *function;
    c->packing.plain = true;
    c->since = mpj_now();
    take_options(c, options);
    int status = open_cached(c, function, options, err);
    if (status != MPIJOB_OK) {
        mpj_free(c);
        return status;
    }
    mpj_cached_list(memory, c);
    *made = c;
    return MPIJOB_OK;
}

int mpijob_memory_cache(mpijob_function *cached, mpijob_memory *memory, const mpijob_function *function,
                        const mpijob_cache_options *options, mpijob_error *err)
{
    mpijob_cached *c = NULL;
    if (!cached || !memory || !function || !function->call)
        return mpj_fail(err, MPIJOB_EINVAL, "mpijob_memory_cache: %s is NULL",
                        !cached     ? "cached"
                        : !memory   ? "memory"
                        : !function ? "function"
                                    : "function->call");
    if (function->cached)
        return mpj_fail(err, MPIJOB_EINVAL, "%s is cached already", function->name ? function->name : "function");
    int status = options ? check_options(options, err) : MPIJOB_OK;
    for (size_t i = 0; i < sizeof function->reserved / sizeof function->reserved[0]; i++)
        if (status == MPIJOB_OK && function->reserved[i] != 0)
            status = mpj_fail(err, MPIJOB_EINVAL, "a reserved member of the function is set: zero the struct first");
    if (status == MPIJOB_OK && function->name && strlen(function->name) >= MPIJOB_REFERENCE_FUNCTION_BYTES)
        status = mpj_fail(err, MPIJOB_EINVAL, "the function's name has %zu bytes; a cached one has %d at most",
                          strlen(function->name), MPIJOB_REFERENCE_FUNCTION_BYTES - 1);
    if (status != MPIJOB_OK)
        return status;
    pthread_mutex_lock(&memory->lock);
    status = make(&c, memory, function, options, err);
    pthread_mutex_unlock(&memory->lock);
    if (status != MPIJOB_OK)
        return status;
    if (c->signature.whole_file)
        mpj_memory_warn(memory, "%s: the function '%s' was not found in %s, so the whole file counts as its source",
                        c->signature.name, function->source->function, function->source->file);
    *cached = *function;
    cached->cached = c;
    return MPIJOB_OK;
}

/* Of a function that is only known by its description there is nothing to make it from. */
void mpj_cached_mend(mpijob_cached *c)
{
    const char *file;
    char function[MPJ_FUNCTION_BYTES];
    uint64_t bytes;
    mpj_store *store = c->memory->store;
    if (!c->shelf || !c->function.call || (!c->found && !c->described) || !mpj_store_writes(store) ||
        store->pid != getpid())
        return;
    if (mpj_location_mend(store) != MPIJOB_OK)
        return;
    mpj_list_function_of(function, c->signature.name);
    int status = mpj_described_check(store, function, c->signature.version, &file, &bytes, NULL);
    if (status == MPIJOB_ECORRUPT || (status == MPIJOB_ENOTFOUND && mpj_list_has(store, function)))
        mpj_versions_replace(c->shelf, c->signature.version, c->signature.json, c->signature.code,
                             c->signature.code_bytes, NULL);
}

void mpj_cached_free_first(mpijob_memory *memory)
{
    mpijob_cached *c = memory->functions;
    memory->functions = c->next;
    dispose(c);
}

/* ---- What it is ---- */

bool mpj_cached_keeps(const mpijob_cached *cached)
{
    return cached->shelf != NULL;
}

const mpj_signature *mpj_cached_signature(const mpijob_cached *cached)
{
    return &cached->signature;
}

mpijob_memory *mpj_cached_memory(const mpijob_cached *cached)
{
    return cached->memory;
}

size_t mpj_cached_large_bytes(const mpijob_cached *cached)
{
    return cached->memory->options.large_bytes;
}

bool mpj_cached_is_local(const mpijob_cached *cached)
{
    return cached->shelf && mpj_shelf_is_local(cached->shelf);
}

const mpijob_cached *mpj_memory_find_cached(mpijob_memory *memory, const char *name, uint64_t version)
{
    const mpijob_cached *c;
    pthread_mutex_lock(&memory->brief_lock);
    for (c = memory->functions; c; c = c->next)
        if (c->function.call && c->signature.version == version && strcmp(c->signature.name, name) == 0)
            break;
    pthread_mutex_unlock(&memory->brief_lock);
    return c;
}

void mpj_cached_lock(const mpijob_cached *cached)
{
    pthread_mutex_lock(&cached->memory->lock);
}

void mpj_cached_unlock(const mpijob_cached *cached)
{
    pthread_mutex_unlock(&cached->memory->lock);
}
