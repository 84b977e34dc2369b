/* Looking up results of cached functions. */
#include "memory/memory.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "data/layout.h"
#include "memory/format.h"

#include <math.h>
#include <string.h>

static bool is_lost(const mpijob_cached *c, const mpj_name *name)
{
    unsigned known = c->lost_count < 8 ? c->lost_count : 8;
    for (unsigned i = 0; i < known; i++)
        if (mpj_name_equal(&c->lost[i], name))
            return true;
    return false;
}

static bool has_this_shape(const mpj_signature *s, const mpj_hit *hit)
{
    return s->result_ndim < 0 || (s->result_ndim == hit->ndim &&
                                  memcmp(s->result_shape, hit->shape, (size_t)hit->ndim * sizeof *hit->shape) == 0);
}

static bool is_sound(const mpijob_cached *c, const mpj_entry *entry, mpj_hit *hit)
{
    size_t bytes;
    if (mpj_meta_get(entry->meta, entry->meta_bytes, &hit->ndim, hit->shape, &hit->summed, &hit->sum) != 0 ||
        !has_this_shape(&c->signature, hit) || mpj_shape_bytes(&bytes, hit->ndim, hit->shape, c->packing.bytes) != 0)
        return false;
    hit->bytes = bytes;
    hit->large = entry->kind == MPJ_ENTRY_LARGE;
    if (!hit->large)
        return entry->bytes == bytes / c->packing.bytes * c->packing.packed_bytes;
    if (entry->bytes >= sizeof hit->file || is_lost(c, &hit->name))
        return false;
    memcpy(hit->file, entry->payload, entry->bytes);
    hit->file[entry->bytes] = '\0';
    return true;
}

/* The arguments in the entry have no end of their own. Without memory: not valid. */
static bool is_valid_by_callback(const mpijob_cached *c, const mpj_entry *entry, const mpj_hit *hit, double age_s)
{
    char *json = mpj_alloc(entry->json_bytes + 1);
    if (!json)
        return false;
    memcpy(json, entry->json, entry->json_bytes);
    json[entry->json_bytes] = '\0';
    const mpijob_entry seen = {.key = hit->name.key,
                               .function = c->signature.name,
                               .args_json = json,
                               .age_s = age_s,
                               .compute_s = entry->compute_s,
                               .bytes = hit->bytes,
                               .stored_bytes = entry->stored_bytes};
    int valid = c->options.cache_validation_callback(&seen, c->options.validation_payload);
    mpj_free(json);
    return valid != 0;
}

static bool is_valid(const mpijob_cached *c, const mpj_entry *entry, const mpj_hit *hit)
{
    const mpijob_cache_options *o = &c->options;
    if (o->expires_after_s == 0 && !o->cache_validation_callback)
        return true;
    double age_s = 1e-9 * (double)(mpj_wall_ns() - entry->time_ns);
    if (o->expires_after_s > 0 && age_s > o->expires_after_s)
        return false;
    return !o->cache_validation_callback || is_valid_by_callback(c, entry, hit, age_s);
}

int mpj_cached_find(const mpijob_cached *cached, const mpj_name *name, mpj_hit *hit, bool quiet)
{
    mpijob_memory *memory = cached->memory;
    mpj_entry entry;
    *hit = (mpj_hit){.name = *name};
    bool found = cached->shelf && mpj_shelf_find(cached->shelf, name, &entry) == 1 && is_sound(cached, &entry, hit) &&
                 is_valid(cached, &entry, hit);
    hit->has_others = !found && cached->shelf && mpj_shelf_met(cached->shelf);
    if (!found)
        return 0;
    hit->payload = entry.payload;
    hit->payload_bytes = entry.bytes;
    hit->compute_s = entry.compute_s;
    hit->time_ns = entry.time_ns;
    if (quiet)
        return 1;
    mpj_cached_mutable(cached)->found = true;
    memory->stats.hits++;
    memory->stats.seconds_saved += entry.compute_s;
    mpj_shelf_used(cached->shelf, name, mpj_wall_ns());
    mpj_shelf_saved(cached->shelf, entry.compute_s);
    return 1;
}

bool mpj_cached_refresh(const mpijob_cached *cached)
{
    pthread_mutex_lock(&cached->memory->brief_lock);
    double mean = cached->computed ? cached->computed_s / (double)cached->computed : INFINITY;
    pthread_mutex_unlock(&cached->memory->brief_lock);
    return cached->shelf && mpj_shelf_refresh(cached->shelf, mpj_now(), mean) == 1;
}

double mpj_cached_recorded(const mpijob_cached *cached, const mpj_name *name)
{
    mpj_entry entry;
    if (!cached->shelf || mpj_shelf_find_any(cached->shelf, &name->key, &entry) != 1 ||
        entry.kind == MPJ_ENTRY_TOMBSTONE)
        return -1;
    return entry.compute_s;
}

void mpj_cached_lost(const mpijob_cached *cached, const mpj_hit *hit, const mpijob_error *why)
{
    mpijob_cached *c = mpj_cached_mutable(cached);
    if (is_lost(c, &hit->name))
        return;
    c->memory->stats.hits -= c->memory->stats.hits > 0;
    c->memory->stats.seconds_saved -= hit->compute_s;
    if (why->status == MPIJOB_ENOMEM)
        return;
    c->lost[c->lost_count++ % 8] = hit->name;
    if (why->status == MPIJOB_ENOTFOUND)
        return;
    c->memory->stats.damaged++;
    if (c->memory->told_damage || (why->status == MPIJOB_EOS && !mpj_store_is_news(c->memory->store, why)))
        return;
    mpj_memory_warn(c->memory, "a stored result of %s cannot be read, and is computed again (this is said once): %s",
                    c->signature.name, why->text);
    c->memory->told_damage = true;
}

void mpj_cached_found_again(mpijob_cached *c, const mpj_name *name)
{
    for (unsigned i = 0; i < 8; i++)
        if (mpj_name_equal(&c->lost[i], name))
            c->lost[i] = (mpj_name){.version = 0};
}
