/* Results that this rank has seen lately, by name. */
#ifndef MPJ_MPI_RECENT_H
#define MPJ_MPI_RECENT_H

#include "memory/cached.h"

typedef struct mpj_seen {
    mpj_hit hit; /* its payload lies behind it */
    size_t bytes;
    struct mpj_seen *next; /* in its chain */
    struct mpj_seen *newer;
} mpj_seen;

#define MPJ_RECENT_PLACES 4096

/* Zeroed: none. */
typedef struct mpj_recent {
    mpj_seen *places[MPJ_RECENT_PLACES];
    mpj_seen *oldest, *newest;
    size_t bytes;
} mpj_recent;

/* NULL: not seen, or too long ago. */
const mpj_hit *mpj_recent_find(const mpj_recent *recent, const mpj_name *name);
/* Without memory it is not kept. */
void mpj_recent_add(mpj_recent *recent, const mpj_hit *hit);
void mpj_recent_free(mpj_recent *recent);

#endif
