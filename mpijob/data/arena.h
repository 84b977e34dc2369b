/* Many small blocks that are freed together. */
#ifndef MPJ_DATA_ARENA_H
#define MPJ_DATA_ARENA_H

#include <stddef.h>

/* Zeroed, aligned for pointers and sizes; NULL: no memory. arena: begins as NULL. */
void *mpj_arena_alloc(void **arena, size_t count, size_t bytes);
char *mpj_arena_text(void **arena, const char *text);
void mpj_arena_free(void **arena);

#endif
