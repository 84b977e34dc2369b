#include "data/arena.h"

#include "base/alloc.h"

#include <stdint.h>
#include <string.h>

/* Structs of a thousand fields need thousands of texts of a few bytes. */
#define CHUNK_BYTES 1024
#define ALIGNMENT sizeof(uint64_t)

typedef struct chunk {
    struct chunk *next;
    size_t used, capacity;
    uint64_t bytes[];
} chunk;

static chunk *add_chunk(void **arena, size_t bytes)
{
    size_t capacity = bytes < CHUNK_BYTES ? CHUNK_BYTES : bytes;
    chunk *added = capacity <= SIZE_MAX - sizeof *added ? mpj_calloc(1, sizeof *added + capacity) : NULL;
    if (!added)
        return NULL;
    added->capacity = capacity;
    added->next = *arena;
    *arena = added;
    return added;
}

void *mpj_arena_alloc(void **arena, size_t count, size_t bytes)
{
    if (bytes && count > (SIZE_MAX - ALIGNMENT) / bytes)
        return NULL;
    size_t need = (count * bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    chunk *last = *arena;
    if (!last || last->capacity - last->used < need)
        last = add_chunk(arena, need);
    if (!last)
        return NULL;
    void *block = (char *)last->bytes + last->used;
    last->used += need;
    return block;
}

char *mpj_arena_text(void **arena, const char *text)
{
    size_t bytes = strlen(text) + 1;
    char *copy = mpj_arena_alloc(arena, bytes, 1);
    if (copy)
        memcpy(copy, text, bytes);
    return copy;
}

void mpj_arena_free(void **arena)
{
    chunk *next;
    for (chunk *at = *arena; at; at = next) {
        next = at->next;
        mpj_free(at);
    }
    *arena = NULL;
}
