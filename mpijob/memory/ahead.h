/* Entries that are about to be looked up, read before: those that lie close together by one pread. A hint only: what is
 * not here, or is not whole, is read as ever. Page: store.md, Looking up. */
#ifndef MPJ_MEMORY_AHEAD_H
#define MPJ_MEMORY_AHEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct mpj_near {
    uint64_t offset, bytes;
    size_t at; /* of its first byte in memory */
    uint32_t segment;
} mpj_near;

/* Zeroed: nothing. */
typedef struct mpj_ahead {
    mpj_near *list; /* the first `kept` are in memory, by place; those from `next` on are still to be read */
    size_t count, capacity;
    size_t kept, next;
    bool sorted;
    unsigned char *bytes;
    size_t used, bytes_capacity;
} mpj_ahead;

void mpj_ahead_free(mpj_ahead *ahead);
/* Forgets all, but not the memory. */
void mpj_ahead_clear(mpj_ahead *ahead);
/* An entry that will be read. Long ones, and those that there is no memory for, are left out. */
void mpj_ahead_add(mpj_ahead *ahead, uint32_t segment, uint64_t offset, uint64_t bytes);

/* The next piece to be read: whole entries of one segment, from *offset on, into the memory that is returned. NULL: there
 * is none left. Then, in any case: how many bytes of it came. */
unsigned char *mpj_ahead_next(mpj_ahead *ahead, uint32_t *segment, uint64_t *offset, size_t *bytes);
void mpj_ahead_came(mpj_ahead *ahead, size_t bytes);

/* The bytes of an entry of this length at this place; NULL: not read. They stay until something is added or cleared. */
const unsigned char *mpj_ahead_find(const mpj_ahead *ahead, uint32_t segment, uint64_t offset, uint64_t bytes);

#endif
