/* joblib's pre_dispatch texts: arithmetic in n_jobs. Pure. */
#ifndef MPJ_SCHED_EXPRESSION_H
#define MPJ_SCHED_EXPRESSION_H

#include "sched/span.h"
#include <mpijob/error.h>

/* "all" gives MPJ_UNKNOWN; otherwise arithmetic with + - * / // % **, unary minus and plus, parentheses, decimal
 * numbers and the name n_jobs, with Python's precedence and meaning (** binds tighter than unary minus on its left,
 * groups to the right; // and % round towards minus infinity), rounded down. The value must be at least 1, and no
 * intermediate one beyond 1e15 on either side of 0 (joblib: 1e6). At most 30 characters. 0, or MPIJOB_EINVAL with a
 * text that shows the place, and *value as it was. */
int mpj_expression_pre_dispatch(const char *text, int n_jobs, uint64_t *value, mpijob_error *err);

#endif
