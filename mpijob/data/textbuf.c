#include "data/textbuf.h"

#include "base/alloc.h"

#include <stdint.h>

#define FIRST_BYTES 128

void mpj_textbuf_add_growing(mpj_textbuf *out, const char *text, size_t bytes)
{
    if (out->failed)
        return;
    size_t need = out->used + bytes < FIRST_BYTES ? FIRST_BYTES : out->used + bytes;
    if (bytes > SIZE_MAX - out->used || mpj_grow((void **)&out->text, &out->capacity, need, 1) != 0) {
        out->failed = 1;
        out->capacity = out->used;
        return;
    }
    if (bytes)
        memcpy(out->text + out->used, text, bytes);
    out->used += bytes;
}

char *mpj_textbuf_finish(mpj_textbuf *out)
{
    mpj_textbuf_add(out, "", 1);
    char *text = out->text;
    if (out->failed) {
        mpj_free(text);
        text = NULL;
    }
    *out = (mpj_textbuf){0};
    return text;
}
