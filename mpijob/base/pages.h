/* Elements by a number that counts up from 0, held in pages that go when all of their elements are done: what one
 * element that stays for long keeps in memory is its page, whatever the number of those after it. */
#ifndef MPJ_BASE_PAGES_H
#define MPJ_BASE_PAGES_H

#include <stddef.h>
#include <stdint.h>

typedef struct mpj_page mpj_page;

/* Zeroed but for size: empty. */
typedef struct mpj_pages {
    size_t size;    /* bytes an element, > 0 */
    uint64_t end;   /* the number that the next element gets */
    uint64_t first; /* the number of the first page that is there, or would be next */
    unsigned shift; /* a page has 2^shift elements */
    mpj_page **pages;
    size_t head, count, capacity; /* pages[head] to pages[head + count - 1]; NULL: it went */
    mpj_page *spare;
} mpj_pages;

void mpj_pages_free(mpj_pages *pages);

/* A new element, not initialized, aligned for any type. NULL: no memory, nothing changed. */
void *mpj_pages_add(mpj_pages *pages);

/* The next `count` elements, with these values. 0, or -1: no memory; some of them may be there. */
int mpj_pages_append(mpj_pages *pages, const void *values, uint64_t count);

/* One that was added; it stays where it is until its page goes. NULL: it was not added yet, or its page went. */
void *mpj_pages_at(const mpj_pages *pages, uint64_t number);

/* An element that was added is done. Once for each. */
void mpj_pages_done(mpj_pages *pages, uint64_t number);

/* The first number, from this one on, that has a page; `end`: none has. */
uint64_t mpj_pages_next(const mpj_pages *pages, uint64_t number);

#endif
