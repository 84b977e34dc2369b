#include "memory/election.h"

#include <stdlib.h>

#define DIGITS "0123456789"

uint64_t mpj_election_next(const mpj_election_view *view)
{
    bool vacant = view->highest == 0 || view->free || view->holder == MPJ_PROCESS_GONE ||
                  view->unchanged_s >= MPJ_ELECTION_DEAD_S;
    return vacant && view->highest < UINT64_MAX ? view->highest + 1 : 0;
}

bool mpj_election_is_old(uint64_t generation, uint64_t highest)
{
    return highest > MPJ_ELECTION_KEPT && generation < highest - MPJ_ELECTION_KEPT;
}

uint64_t mpj_election_generation(const char *name, const char *prefix)
{
    size_t length = strlen(prefix);
    if (strncmp(name, prefix, length) != 0)
        return 0;
    const char *digits = name + length;
    size_t count = strlen(digits);
    if (count == 0 || count > 18 || digits[0] == '0' || strspn(digits, DIGITS) != count)
        return 0;
    return strtoull(digits, NULL, 10);
}
