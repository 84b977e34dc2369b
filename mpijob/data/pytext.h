/* Python's texts: 'abc', "abc", u'\u00e9'. */
#ifndef MPJ_DATA_PYTEXT_H
#define MPJ_DATA_PYTEXT_H

#include "data/textbuf.h"

int mpj_pytext_begins(const char *text, size_t bytes);

/* Reads the text that begins at *at, which moves behind it (or to what is wrong). NULL, or why it is none. A zero byte
 * inside is refused: nothing that is read here could hold it. */
const char *mpj_pytext_read(mpj_textbuf *out, const char *text, size_t bytes, size_t *at);

/* As Python's repr has it. */
void mpj_pytext_write(mpj_textbuf *out, const char *text, size_t bytes);

#endif
