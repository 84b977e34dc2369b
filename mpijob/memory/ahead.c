#include "memory/ahead.h"

#include "base/alloc.h"

#include <stdlib.h>

#define ENTRY_MOST_BYTES 4096 /* longer ones have reads of their own */
#define GAP_MOST_BYTES 4096   /* so much that nobody asked for is read with what was */
#define PIECE_MOST_BYTES ((size_t)256 << 10)
#define MOST_BYTES ((size_t)4 << 20)

void mpj_ahead_free(mpj_ahead *ahead)
{
    mpj_free(ahead->list);
    mpj_free(ahead->bytes);
    *ahead = (mpj_ahead){0};
}

void mpj_ahead_clear(mpj_ahead *ahead)
{
    ahead->count = ahead->kept = ahead->next = ahead->used = 0;
    ahead->sorted = false;
}

void mpj_ahead_add(mpj_ahead *ahead, uint32_t segment, uint64_t offset, uint64_t bytes)
{
    if (bytes > ENTRY_MOST_BYTES || offset > INT64_MAX - PIECE_MOST_BYTES || ahead->sorted ||
        mpj_grow((void **)&ahead->list, &ahead->capacity, ahead->count + 1, sizeof *ahead->list) != 0)
        return;
    ahead->list[ahead->count++] = (mpj_near){.offset = offset, .bytes = bytes, .segment = segment};
}

static int by_place(const void *left, const void *right)
{
    const mpj_near *a = left, *b = right;
    if (a->segment != b->segment)
        return a->segment < b->segment ? -1 : 1;
    return a->offset < b->offset ? -1 : a->offset > b->offset;
}

static uint64_t end_of(const mpj_near *entry)
{
    return entry->offset + entry->bytes;
}

/* Which entries belong to the piece that begins with `first`, and where it ends: *end. */
static size_t piece_from(const mpj_ahead *ahead, size_t first, uint64_t *end)
{
    const mpj_near *list = ahead->list;
    size_t last = first;
    *end = end_of(&list[first]);
    while (last + 1 < ahead->count && list[last + 1].segment == list[first].segment &&
           list[last + 1].offset <= *end + GAP_MOST_BYTES &&
           end_of(&list[last + 1]) - list[first].offset <= PIECE_MOST_BYTES) {
        last++;
        if (end_of(&list[last]) > *end)
            *end = end_of(&list[last]);
    }
    return last + 1;
}

/* One alone gains nothing. */
static size_t next_piece(mpj_ahead *ahead, uint64_t *end)
{
    size_t behind = ahead->next;
    while (ahead->next < ahead->count) {
        behind = piece_from(ahead, ahead->next, end);
        if (behind - ahead->next > 1)
            break;
        ahead->next = behind;
    }
    return behind;
}

unsigned char *mpj_ahead_next(mpj_ahead *ahead, uint32_t *segment, uint64_t *offset, size_t *bytes)
{
    uint64_t end = 0;
    if (!ahead->sorted && ahead->count > 1)
        qsort(ahead->list, ahead->count, sizeof *ahead->list, by_place);
    ahead->sorted = true;
    next_piece(ahead, &end);
    if (ahead->next == ahead->count)
        return NULL;
    *segment = ahead->list[ahead->next].segment;
    *offset = ahead->list[ahead->next].offset;
    *bytes = (size_t)(end - *offset);
    if (ahead->used + *bytes > MOST_BYTES ||
        mpj_grow((void **)&ahead->bytes, &ahead->bytes_capacity, ahead->used + *bytes, 1) != 0)
        return NULL;
    return ahead->bytes + ahead->used;
}

void mpj_ahead_came(mpj_ahead *ahead, size_t bytes)
{
    uint64_t end, begin = ahead->list[ahead->next].offset;
    size_t behind = next_piece(ahead, &end);
    for (size_t i = ahead->next; i < behind; i++) {
        mpj_near entry = ahead->list[i];
        entry.at = ahead->used + (size_t)(entry.offset - begin);
        if (end_of(&entry) - begin <= bytes)
            ahead->list[ahead->kept++] = entry;
    }
    ahead->next = behind;
    ahead->used += (bytes + 15) & ~(size_t)15;
}

const unsigned char *mpj_ahead_find(const mpj_ahead *ahead, uint32_t segment, uint64_t offset, uint64_t bytes)
{
    const mpj_near wanted = {.segment = segment, .offset = offset};
    const mpj_near *entry = ahead->kept ? bsearch(&wanted, ahead->list, ahead->kept, sizeof wanted, by_place) : NULL;
    return entry && entry->bytes == bytes ? ahead->bytes + entry->at : NULL;
}
