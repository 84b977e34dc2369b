#include "memory/trimrule.h"

#include <stdlib.h>

#define ROOM_SHARE 10 /* a tenth */

static int by_use(const void *left, const void *right)
{
    const mpj_trim_item *a = left, *b = right;
    if (a->used_ns != b->used_ns)
        return a->used_ns < b->used_ns ? -1 : 1;
    return a->tie < b->tie ? -1 : a->tie > b->tie;
}

static bool is_too_old(const mpj_trim_item *item, const mpj_trim_limits *limits, int64_t now_ns)
{
    return limits->age_s >= 0 && ((double)now_ns - (double)item->used_ns) / 1e9 > limits->age_s;
}

void mpj_trim_choose(mpj_trim_bound *bound, mpj_trim_item *items, size_t count, const mpj_trim_limits *limits,
                     int64_t now_ns)
{
    uint64_t bytes = 0, left = count;
    *bound = (mpj_trim_bound){.any = false};
    for (size_t i = 0; i < count; i++)
        bytes += items[i].bytes;
    if (count > 1)
        qsort(items, count, sizeof *items, by_use);
    for (size_t i = 0; i < count; i++) {
        bool same = bound->any && items[i].used_ns == bound->used_ns && items[i].tie == bound->tie;
        if (!same && left <= limits->items && bytes <= limits->bytes && !is_too_old(&items[i], limits, now_ns))
            return;
        *bound =
            (mpj_trim_bound){true, items[i].used_ns, items[i].tie, bound->items + 1, bound->bytes + items[i].bytes};
        left--;
        bytes -= items[i].bytes;
    }
}

bool mpj_trim_goes(const mpj_trim_bound *bound, const mpj_trim_item *item)
{
    const mpj_trim_item last = {bound->used_ns, bound->tie, 0};
    return bound->any && by_use(item, &last) <= 0;
}

mpj_trim_limits mpj_trim_with_room(const mpj_trim_limits *limits)
{
    mpj_trim_limits roomier = *limits;
    if (limits->bytes != UINT64_MAX)
        roomier.bytes -= limits->bytes / ROOM_SHARE;
    if (limits->items != UINT64_MAX)
        roomier.items -= limits->items / ROOM_SHARE;
    return roomier;
}
