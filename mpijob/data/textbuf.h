/* A text that grows while it is written. */
#ifndef MPJ_DATA_TEXTBUF_H
#define MPJ_DATA_TEXTBUF_H

#include <stddef.h>

/* Begin with all zero. Once there is no memory, `failed` is set and nothing more is added. */
typedef struct mpj_textbuf {
    char *text;
    size_t used, capacity;
    int failed;
} mpj_textbuf;

void mpj_textbuf_add(mpj_textbuf *out, const char *text, size_t bytes);
void mpj_textbuf_puts(mpj_textbuf *out, const char *text);

/* Ends it with a zero byte and hands the text over, to be freed with mpj_free. NULL: there was no memory. */
char *mpj_textbuf_finish(mpj_textbuf *out);

#endif
