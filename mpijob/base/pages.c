#include "base/pages.h"

#include "base/alloc.h"

#include <stddef.h>
#include <string.h>

#define PAGE_BYTES ((size_t)1 << 16)
#define MOST_SHIFT 12

struct mpj_page {
    uint64_t left; /* elements that are not done, those that are still to be added among them */
    _Alignas(max_align_t) unsigned char elements[];
};

void mpj_pages_free(mpj_pages *pages)
{
    for (size_t i = 0; i < pages->count; i++)
        mpj_free(pages->pages[pages->head + i]);
    mpj_free(pages->pages);
    mpj_free(pages->spare);
    *pages = (mpj_pages){.size = pages->size};
}

static uint64_t page_of(const mpj_pages *pages, uint64_t number)
{
    return number >> pages->shift;
}

static size_t place_in(const mpj_pages *pages, uint64_t number)
{
    return (size_t)(number & ((UINT64_C(1) << pages->shift) - 1)) * pages->size;
}

static void choose_shift(mpj_pages *pages)
{
    while (pages->shift < MOST_SHIFT && pages->size <= PAGE_BYTES >> (pages->shift + 1))
        pages->shift++;
}

/* Room for one more page in the list. */
static int make_room(mpj_pages *pages)
{
    if (pages->head + pages->count < pages->capacity)
        return 0;
    if (pages->head >= pages->count && pages->head > 0) {
        memcpy(pages->pages, pages->pages + pages->head, pages->count * sizeof *pages->pages);
        pages->head = 0;
        return 0;
    }
    return mpj_grow((void **)&pages->pages, &pages->capacity, pages->head + pages->count + 1, sizeof *pages->pages);
}

static int add_page(mpj_pages *pages)
{
    if (make_room(pages) != 0)
        return -1;
    mpj_page *page = pages->spare;
    pages->spare = NULL;
    if (!page && pages->size <= (SIZE_MAX - sizeof *page) >> pages->shift)
        page = mpj_alloc(sizeof *page + (pages->size << pages->shift));
    if (!page)
        return -1;
    page->left = UINT64_C(1) << pages->shift;
    pages->pages[pages->head + pages->count++] = page;
    return 0;
}

void *mpj_pages_add(mpj_pages *pages)
{
    if (pages->end == 0)
        choose_shift(pages);
    if (page_of(pages, pages->end) == pages->first + pages->count && add_page(pages) != 0)
        return NULL;
    return mpj_pages_at(pages, pages->end++);
}

int mpj_pages_append(mpj_pages *pages, const void *values, uint64_t count)
{
    const unsigned char *from = values;
    for (uint64_t i = 0; i < count; i++, from += pages->size) {
        void *element = mpj_pages_add(pages);
        if (!element)
            return -1;
        memcpy(element, from, pages->size);
    }
    return 0;
}

void *mpj_pages_at(const mpj_pages *pages, uint64_t number)
{
    if (number >= pages->end || page_of(pages, number) < pages->first)
        return NULL;
    mpj_page *page = pages->pages[pages->head + (size_t)(page_of(pages, number) - pages->first)];
    return page ? page->elements + place_in(pages, number) : NULL;
}

void mpj_pages_done(mpj_pages *pages, uint64_t number)
{
    mpj_page **at = &pages->pages[pages->head + (size_t)(page_of(pages, number) - pages->first)];
    if (--(*at)->left > 0)
        return;
    if (pages->spare)
        mpj_free(*at);
    else
        pages->spare = *at;
    *at = NULL;
    while (pages->count > 0 && !pages->pages[pages->head]) {
        pages->head++;
        pages->count--;
        pages->first++;
    }
}

uint64_t mpj_pages_next(const mpj_pages *pages, uint64_t number)
{
    uint64_t page = page_of(pages, number) < pages->first ? pages->first : page_of(pages, number);
    while (page < pages->first + pages->count && !pages->pages[pages->head + (size_t)(page - pages->first)])
        page++;
    uint64_t begin = page << pages->shift;
    if (begin > pages->end)
        return pages->end;
    return number > begin ? number : begin;
}
