#include "base/alloc.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>

#define LARGE_PAGE ((size_t)2 << 20)

static atomic_uint_fast64_t made;
/* Those from the first of these numbers up to before the second fail. */
static atomic_uint_fast64_t fail_from = UINT64_MAX;
static atomic_uint_fast64_t fail_until = UINT64_MAX;

static int must_fail(void)
{
    uint64_t number = atomic_fetch_add_explicit(&made, 1, memory_order_relaxed);
    return number >= atomic_load_explicit(&fail_from, memory_order_relaxed) &&
           number < atomic_load_explicit(&fail_until, memory_order_relaxed);
}

static uint64_t fail_between(uint64_t from, uint64_t until)
{
    atomic_store(&fail_from, UINT64_MAX);
    uint64_t count = atomic_exchange(&made, 0);
    atomic_store(&fail_until, until);
    atomic_store(&fail_from, from);
    return count;
}

uint64_t mpj_alloc_fail_after(uint64_t n)
{
    return fail_between(n, n < UINT64_MAX ? n + 1 : n);
}

uint64_t mpj_alloc_fail_from(uint64_t n)
{
    return fail_between(n, UINT64_MAX);
}

void *mpj_alloc(size_t bytes)
{
    return must_fail() ? NULL : malloc(bytes ? bytes : 1);
}

void *mpj_calloc(size_t count, size_t bytes)
{
    if (must_fail())
        return NULL;
    return count && bytes ? calloc(count, bytes) : calloc(1, 1);
}

void *mpj_realloc(void *block, size_t bytes)
{
    return must_fail() ? NULL : realloc(block, bytes ? bytes : 1);
}

/* Without large pages it works as well, only slower: a processor remembers where few thousands of pages are. */
void *mpj_calloc_table(size_t count, size_t bytes)
{
    void *block = mpj_calloc(count, bytes);
    size_t total = count * bytes;
    if (!block || total < 2 * LARGE_PAGE)
        return block;
    uintptr_t begin = ((uintptr_t)block + LARGE_PAGE - 1) & ~(LARGE_PAGE - 1);
    madvise((void *)begin, ((uintptr_t)block + total - begin) & ~(LARGE_PAGE - 1), MADV_HUGEPAGE);
    return block;
}

void mpj_free(void *block)
{
    free(block);
}

int mpj_grow_array(void **array, size_t *capacity, size_t need, size_t bytes)
{
    size_t wanted = *capacity > SIZE_MAX / 2 ? need : *capacity * 2;
    if (wanted < need)
        wanted = need;
    if (wanted < 16)
        wanted = 16;
    if (bytes && wanted > SIZE_MAX / bytes)
        return -1;
    void *grown = mpj_realloc(*array, wanted * bytes);
    if (!grown)
        return -1;
    *array = grown;
    *capacity = wanted;
    return 0;
}
