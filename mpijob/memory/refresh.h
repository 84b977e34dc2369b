/* When it pays to look what others stored. Pure: time comes in as a number. The rule and its reasons: store.md. */
#ifndef MPJ_MEMORY_REFRESH_H
#define MPJ_MEMORY_REFRESH_H

#include <stdbool.h>

typedef struct mpj_refresh {
    double last;   /* when one ended */
    double cost_s; /* running mean of what one takes; 0: none yet */
} mpj_refresh;

/* With d the seconds since the last one, c the mean compute time of the function (INFINITY: unknown) and r the cost:
 * d >= max(10 ms, 10 r) and d + c >= 100 r. */
bool mpj_refresh_pays(const mpj_refresh *refresh, double now, double compute_s);

/* One took place. The first sets the mean, later ones count a quarter. */
void mpj_refresh_done(mpj_refresh *refresh, double began, double ended);

#endif
