/* Bytes as they stand in JSON: a text, or {"base64": "..."}. */
#ifndef MPJ_MEMORY_JSONBYTES_H
#define MPJ_MEMORY_JSONBYTES_H

#include <jansson.h>
#include <stddef.h>

/* How many bytes there are at most; -1: the value is neither. */
ptrdiff_t mpj_json_bytes_room(const json_t *value);

/* Puts them into `room` bytes and returns how many there are; -1: too many, or no base64. */
ptrdiff_t mpj_json_bytes_get(void *out, size_t room, const json_t *value);

#endif
