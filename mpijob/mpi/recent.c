#include "mpi/recent.h"

#include "base/alloc.h"

#include <string.h>

#define MOST_BYTES ((size_t)16 << 20)

static mpj_seen **place_of(mpj_recent *recent, const mpj_name *name)
{
    uint64_t hash;
    memcpy(&hash, name->key.bytes, sizeof hash);
    return &recent->places[hash % MPJ_RECENT_PLACES];
}

static bool same(const mpj_name *a, const mpj_name *b)
{
    return a->version == b->version && memcmp(&a->key, &b->key, sizeof a->key) == 0 &&
           memcmp(&a->check, &b->check, sizeof a->check) == 0;
}

/* The newest of this name comes first in its chain. */
const mpj_hit *mpj_recent_find(const mpj_recent *recent, const mpj_name *name)
{
    const mpj_seen *seen = *place_of((mpj_recent *)recent, name);
    while (seen && !same(&seen->hit.name, name))
        seen = seen->next;
    return seen ? &seen->hit : NULL;
}

static void forget_oldest(mpj_recent *recent)
{
    mpj_seen *gone = recent->oldest;
    mpj_seen **at = place_of(recent, &gone->hit.name);
    while (*at != gone)
        at = &(*at)->next;
    *at = gone->next;
    recent->oldest = gone->newer;
    if (!recent->oldest)
        recent->newest = NULL;
    recent->bytes -= gone->bytes;
    mpj_free(gone);
}

void mpj_recent_add(mpj_recent *recent, const mpj_hit *hit)
{
    size_t bytes = sizeof(mpj_seen) + hit->payload_bytes;
    if (bytes > MOST_BYTES / 4)
        return;
    while (recent->oldest && recent->bytes + bytes > MOST_BYTES)
        forget_oldest(recent);
    mpj_seen *seen = mpj_alloc(bytes);
    if (!seen)
        return;
    mpj_seen **place = place_of(recent, &hit->name);
    *seen = (mpj_seen){.hit = *hit, .bytes = bytes, .next = *place};
    seen->hit.payload = (unsigned char *)(seen + 1);
    if (hit->payload_bytes > 0)
        memcpy(seen + 1, hit->payload, hit->payload_bytes);
    *place = seen;
    if (recent->newest)
        recent->newest->newer = seen;
    else
        recent->oldest = seen;
    recent->newest = seen;
    recent->bytes += bytes;
}

void mpj_recent_free(mpj_recent *recent)
{
    while (recent->oldest)
        forget_oldest(recent);
}
