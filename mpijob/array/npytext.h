/* The two encodings of NPY headers. */
#ifndef MPJ_ARRAY_NPYTEXT_H
#define MPJ_ARRAY_NPYTEXT_H

#include <stddef.h>

/* A new text (mpj_free), not terminated; NULL: no memory. */
char *mpj_latin1_to_utf8(const char *text, size_t bytes, size_t *out_bytes);

/* In place, where every character allows it: 1. Else 0, with nothing changed. The text is UTF-8. */
int mpj_utf8_to_latin1(char *text, size_t *bytes);

#endif
