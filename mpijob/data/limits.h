/* Limits of descriptions, wherever they come from. */
#ifndef MPJ_DATA_LIMITS_H
#define MPJ_DATA_LIMITS_H

#include <stddef.h>
#include <stdint.h>

#define MPJ_MAX_ELEMENT_BYTES ((size_t)INT32_MAX) /* numpy's */
#define MPJ_MAX_RECORD_DEPTH 32
#define MPJ_MAX_NAME_BYTES 1023
#define MPJ_MAX_HEADER_BYTES ((size_t)1 << 20)           /* of NPY files */
#define MPJ_MAX_LITERAL_BYTES (2 * MPJ_MAX_HEADER_BYTES) /* Latin-1 as UTF-8 has up to twice the bytes */
#define MPJ_MAX_LITERAL_DEPTH 64
#define MPJ_MAX_GROUP_DEPTH 64 /* a struct's fields make two groups for each struct that it is inside of */

#endif
