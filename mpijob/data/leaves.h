/* The leaves of a type: its scalars, whose byte order matters. */
#ifndef MPJ_DATA_LEAVES_H
#define MPJ_DATA_LEAVES_H

#include "data/dtype.h"

size_t mpj_leaf_count(const mpijob_type *type);

/* Makes the flags of an owned type, all 0, and its byte order that of this machine. 0, or -1: no memory. */
int mpj_leaves_make(mpj_dtype *dtype);

#endif
