/* Single values out of JSON. */
#ifndef MPJ_MEMORY_ARGSNUMBER_H
#define MPJ_MEMORY_ARGSNUMBER_H

#include <jansson.h>
#include <stdint.h>

/* One element of a kind from bool to complex128 to `place`, aligned or not. NULL, or what is wrong with it. */
const char *mpj_json_get_number(void *place, int kind, const json_t *value);

/* A number of elements to a member of an integer kind; 0, or -1: it does not fit. */
int mpj_put_length(void *place, int kind, uint64_t length);

#endif
