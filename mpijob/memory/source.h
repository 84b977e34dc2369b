/* Tracked source: a function's own text cut out of its file, and what of a text counts. Page: doc/memory.md. */
#ifndef MPJ_MEMORY_SOURCE_H
#define MPJ_MEMORY_SOURCE_H

#include <stddef.h>

#define MPJ_SOURCE_PARTS 8

typedef struct mpj_source_cut {
    int whole;    /* 1: all of the text, since no function was asked for or it was not found for certain */
    size_t count; /* parts: as many as the function has definitions (in branches of #if) */
    struct {
        const char *text; /* in the text given */
        size_t bytes;
    } parts[MPJ_SOURCE_PARTS];
} mpj_source_cut;

/* function: the C function whose definition is wanted; NULL: the whole text. */
void mpj_source_find(mpj_source_cut *cut, const char *text, size_t bytes, const char *function);

/* What counts: the spellings of the tokens, without comments and spaces, each followed by a newline; a directive begins
 * with its # and ends with an empty line. Given piece by piece. */
void mpj_source_tokens(const char *text, size_t bytes, void (*take)(void *payload, const char *piece, size_t bytes),
                       void *payload);

#endif
