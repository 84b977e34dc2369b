/* Limits of descriptions, wherever they come from. */
#ifndef MPJ_DATA_LIMITS_H
#define MPJ_DATA_LIMITS_H

#include <stddef.h>
#include <stdint.h>

#define MPJ_MAX_ELEMENT_BYTES ((size_t)INT32_MAX) /* numpy's */
#define MPJ_MAX_RECORD_DEPTH 32
#define MPJ_MAX_NAME_BYTES 1023
#define MPJ_MAX_LITERAL_BYTES ((size_t)1 << 20)
#define MPJ_MAX_LITERAL_DEPTH 64

#endif
