/* Reading members of a struct as its description says. */
#ifndef MPJ_DATA_WALK_H
#define MPJ_DATA_WALK_H

#include <mpijob/type.h>

/* Is it a kind that can hold a length? */
int mpj_is_integer_kind(int kind);

/* The number of elements that a pointer field of this struct has. MPIJOB_EINVAL: negative, too large, or not 0 behind
 * NULL. */
int mpj_field_length(size_t *length, const void *value, const mpijob_field *field, mpijob_error *err);

/* The pointer that lies at a place which need not be aligned for one. */
void *mpj_pointer_at(const void *place);

#endif
