/* Which results go, so that limits hold. Pure: sizes and times in, a bound out. */
#ifndef MPJ_MEMORY_TRIMRULE_H
#define MPJ_MEMORY_TRIMRULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct mpj_trim_item {
    int64_t used_ns; /* when it was used last, nanoseconds since 1970 */
    uint64_t tie;    /* any number that is the item's own: an order of those used at the same time */
    uint64_t bytes;
} mpj_trim_item;

typedef struct mpj_trim_limits {
    uint64_t bytes, items; /* UINT64_MAX: no limit */
    double age_s;          /* negative: no limit */
} mpj_trim_limits;

/* What is not used later than this goes. */
typedef struct mpj_trim_bound {
    bool any; /* false: nothing goes */
    int64_t used_ns;
    uint64_t tie;
    uint64_t items, bytes; /* how much goes */
} mpj_trim_bound;

/* The least recently used go first, until all limits hold. The items are sorted in place. */
void mpj_trim_choose(mpj_trim_bound *bound, mpj_trim_item *items, size_t count, const mpj_trim_limits *limits,
                     int64_t now_ns);
bool mpj_trim_goes(const mpj_trim_bound *bound, const mpj_trim_item *item);

/* Limits that are met by themselves, now and then, leave room for a while. */
mpj_trim_limits mpj_trim_with_room(const mpj_trim_limits *limits);

#endif
