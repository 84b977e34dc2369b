/* A text that grows while it is written. */
#ifndef MPJ_DATA_TEXTBUF_H
#define MPJ_DATA_TEXTBUF_H

#include <stddef.h>
#include <string.h>

/* Begin with all zero. Once there is no memory, `failed` is set and nothing more is added. */
typedef struct mpj_textbuf {
    char *text;
    size_t used, capacity;
    int failed;
} mpj_textbuf;

void mpj_textbuf_add_growing(mpj_textbuf *out, const char *text, size_t bytes);
static inline void mpj_textbuf_add(mpj_textbuf *out, const char *text, size_t bytes)
{
    if (bytes > out->capacity - out->used || bytes == 0) {
        mpj_textbuf_add_growing(out, text, bytes);
        return;
    }
    memcpy(out->text + out->used, text, bytes);
    out->used += bytes;
}
static inline void mpj_textbuf_puts(mpj_textbuf *out, const char *text)
{
    mpj_textbuf_add(out, text, strlen(text));
}

/* Ends it with a zero byte and hands the text over, to be freed with mpj_free. NULL: there was no memory. */
char *mpj_textbuf_finish(mpj_textbuf *out);

#endif
