/* Storing results of cached functions. */
#include "memory/memory.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "data/jsonvalue.h"
#include "io/file.h"
#include "memory/shelf.h"

#include <stdio.h>
#include <string.h>

#define SLOW_S 0.5 /* joblib's */

char *mpj_cached_args_json(const mpijob_cached *cached, const void *args, uint64_t index)
{
    char *text = NULL;
    if (args)
        return mpj_record_json(&text, args, cached->signature.args, NULL) == MPIJOB_OK ? text : NULL;
    text = mpj_alloc(40);
    if (text)
        snprintf(text, 40, "{\"index\": %llu}", (unsigned long long)index);
    return text;
}

size_t mpj_cached_shape_of(const mpijob_cached *cached, unsigned char meta[MPJ_META_BYTES], int ndim,
                           const size_t *shape, size_t bytes)
{
    const mpj_signature *s = &cached->signature;
    const size_t length = bytes / cached->packing.bytes;
    if (s->result_ndim >= 0)
        return mpj_meta_put(meta, s->result_ndim, s->result_shape, NULL, 0);
    return ndim >= 0 ? mpj_meta_put(meta, ndim, shape, NULL, 0) : mpj_meta_put(meta, 1, &length, NULL, 0);
}

static void fill_put(const mpijob_cached *c, const mpj_made *made, const mpj_hit *hit, mpj_put *put)
{
    *put = (mpj_put){.name = *made->name,
                     .kind = made->file ? MPJ_ENTRY_LARGE : MPJ_ENTRY_VALUE,
                     .payload = made->file ? (const void *)made->file : made->result,
                     .bytes = made->file ? strlen(made->file) : made->bytes,
                     .type_bytes = c->packing.packed_bytes,
                     .compress = c->options.compress,
                     .codec = c->memory->codec,
                     .compute_s = made->compute_s,
                     .time_ns = hit->time_ns};
}

/* Arguments without pointers are short. */
static char *describe_args(mpijob_cached *c, const mpj_made *made)
{
    bool flat = !made->args || c->signature.stream_bytes != SIZE_MAX;
    double began = flat ? 0 : mpj_now();
    char *json = mpj_cached_args_json(c, made->args, made->index);
    double took = flat ? 0 : mpj_now() - began;
    if (took > SLOW_S && !c->told_slow) {
        c->told_slow = true;
        mpj_memory_warn(c->memory,
                        "%s: it took %.1f s to describe the arguments of a call for people (this is said once): they "
                        "are large; results are right all the same. Give large inputs by mpijob_share, or as a name",
                        c->signature.name, took);
    }
    return json;
}

static int put(mpijob_cached *c, const mpj_made *made, mpj_hit *hit)
{
    unsigned char meta[MPJ_META_BYTES];
    mpj_put entry;
    mpijob_error err;
    void *packed = NULL;
    fill_put(c, made, hit, &entry);
    entry.meta = made->meta_bytes ? made->meta : meta;
    entry.meta_bytes = made->meta_bytes ? made->meta_bytes : mpj_cached_shape_of(c, meta, -1, NULL, made->bytes);
    if (mpj_meta_get(entry.meta, entry.meta_bytes, &hit->ndim, hit->shape, &hit->summed, &hit->sum) != 0)
        return MPIJOB_EINTERNAL;
    entry.large_bytes = mpj_meta_file_bytes(entry.meta, entry.meta_bytes);
    if (!made->file && !c->packing.plain) {
        size_t n = made->bytes / c->packing.bytes;
        entry.bytes = n * c->packing.packed_bytes;
        entry.payload = packed = mpj_alloc(entry.bytes);
        if (!packed)
            return MPIJOB_ENOMEM;
        mpj_pack(&c->packing, packed, made->result, n);
    }
    char *json = describe_args(c, made);
    entry.json = json ? json : "";
    entry.json_bytes = strlen(entry.json);
    int status = mpj_shelf_put(c->shelf, &entry, &err);
    mpj_free(json);
    mpj_free(packed);
    return status;
}

static void describe(mpijob_cached *c)
{
    mpijob_error err;
    if (c->described)
        return;
    c->described = true;
    mpj_tell_changed(c);
    mpj_shelf_describe(c->shelf, c->signature.version, c->signature.json, c->signature.code, c->signature.code_bytes,
                       &err);
}

/* Somebody may have cleared the function after its file was written. An entry that refers to nothing is taken back;
 * it is written before one looks, and who clears moves the files before the entries: so no such entry is left. */
static bool has_its_file(mpijob_cached *c, const mpj_hit *hit)
{
    char path[MPJ_PATH_BYTES];
    int fd;
    mpj_shelf_write(c->shelf);
    int status = mpj_shelf_large_path(c->shelf, hit->file, strlen(hit->file), path, NULL);
    if (status == MPIJOB_OK)
        status = mpj_file_open(&fd, path, NULL, NULL);
    if (status == MPIJOB_OK)
        mpj_file_close(&fd);
    if (status == MPIJOB_ENOTFOUND)
        mpj_shelf_bury(c->shelf, &hit->name, hit->time_ns, NULL);
    return status != MPIJOB_ENOTFOUND;
}

mpj_moment mpj_this_moment(void)
{
    return (mpj_moment){mpj_now(), mpj_wall_ns()};
}

int mpj_cached_store(const mpijob_cached *cached, const mpj_made *made, mpj_hit *hit)
{
    mpijob_cached *c = mpj_cached_mutable(cached);
    if (!c->shelf)
        return 0;
    const mpj_moment at = made->at ? *made->at : mpj_this_moment();
    mpj_hit own = {.name = *made->name, .large = made->file != NULL, .bytes = made->bytes, .time_ns = at.wall_ns};
    own.compute_s = made->compute_s;
    if (made->file)
        snprintf(own.file, sizeof own.file, "%s", made->file);
    describe(c);
    uint64_t before = c->memory->store->counts.disk_bytes;
    if (put(c, made, &own) != MPIJOB_OK || (made->file && !has_its_file(c, &own)))
        return 0;
    if (c->lost_count)
        mpj_cached_found_again(c, made->name);
    if (hit)
        *hit = own;
    mpj_store_tick(c->memory->store, at.now);
    mpj_ticker_wake(c->memory);
    mpj_memory_limits(c->memory, c->memory->store->counts.disk_bytes - before);
    return 1;
}

void mpj_cached_computed(const mpijob_cached *cached, double compute_s)
{
    mpijob_cached *c = mpj_cached_mutable(cached);
    pthread_mutex_lock(&c->memory->brief_lock);
    c->computed++;
    c->computed_s += compute_s;
    c->memory->stats.misses++;
    c->memory->stats.seconds_computed += compute_s;
    pthread_mutex_unlock(&c->memory->brief_lock);
}

void mpj_cached_refer(const mpijob_cached *cached, const mpj_hit *hit, mpijob_reference *reference)
{
    *reference = (mpijob_reference){.key = hit->name.key,
                                    .check = hit->name.check,
                                    .version = hit->name.version,
                                    .bytes = hit->bytes,
                                    .stored_ns = hit->time_ns,
                                    .compute_s = hit->compute_s};
    snprintf(reference->function, sizeof reference->function, "%s", cached->signature.name);
    memcpy(reference->file, hit->file, sizeof reference->file);
}
