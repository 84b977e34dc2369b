/* UTF-8, as the Unicode standard has it. */
#ifndef MPJ_DATA_UTF8_H
#define MPJ_DATA_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* Bytes of the character that the text begins with, 1 to 4; 0: it begins with none (cut off, too long, a surrogate). */
size_t mpj_utf8_next(const char *text, size_t bytes);

/* Is all of it UTF-8? Zero bytes are characters too. */
int mpj_utf8_valid(const char *text, size_t bytes);

/* The longest beginning of a valid text that has at most `limit` bytes and cuts no character. */
size_t mpj_utf8_cut(const char *text, size_t bytes, size_t limit);

/* Writes a character; returns its bytes, or 0 for a number that is none. */
size_t mpj_utf8_put(char out[4], uint32_t character);

#endif
