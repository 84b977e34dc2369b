#include "memory/refresh.h"

#define LEAST_S 0.010
#define PAUSE_COSTS 10
#define WORTH_COSTS 100
#define NEW_SHARE 0.25

bool mpj_refresh_pays(const mpj_refresh *refresh, double now, double compute_s)
{
    double since = now - refresh->last, cost = refresh->cost_s;
    return since >= LEAST_S && since >= PAUSE_COSTS * cost && since + compute_s >= WORTH_COSTS * cost;
}

void mpj_refresh_done(mpj_refresh *refresh, double began, double ended)
{
    double cost = ended > began ? ended - began : 0;
    refresh->last = ended;
    refresh->cost_s = refresh->cost_s > 0 ? refresh->cost_s + NEW_SHARE * (cost - refresh->cost_s) : cost;
}
