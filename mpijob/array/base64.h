/* Base64 as fill values have it: the standard alphabet, padded, no line breaks. */
#ifndef MPJ_ARRAY_BASE64_H
#define MPJ_ARRAY_BASE64_H

#include <stddef.h>

/* Decodes into at most `room` bytes, and returns how many there are; -1: no base64, or more than that. */
ptrdiff_t mpj_base64_decode(void *out, size_t room, const char *text, size_t length);

#endif
