/* The one door to memory: so that a test can fail the n-th allocation, for every n. */
#ifndef MPJ_BASE_ALLOC_H
#define MPJ_BASE_ALLOC_H

#include <stddef.h>
#include <stdint.h>

/* As malloc, calloc, realloc and free, except that a size of 0 gives a block of its own all the same (never NULL for
 * that reason), and that count * bytes is checked for overflow (NULL). */
void *mpj_alloc(size_t bytes);
void *mpj_calloc(size_t count, size_t bytes);
void *mpj_realloc(void *block, size_t bytes);
void mpj_free(void *block);

/* As mpj_calloc, for what is read at random, as a hash table is: a large block has large pages, if the system has
 * some. */
void *mpj_calloc_table(size_t count, size_t bytes);

/* A growing array: makes room for at least `need` elements of `bytes` each, at least doubling. Returns 0, or -1 with
 * the array as it was. */
int mpj_grow_array(void **array, size_t *capacity, size_t need, size_t bytes);
static inline int mpj_grow(void **array, size_t *capacity, size_t need, size_t bytes)
{
    return need <= *capacity ? 0 : mpj_grow_array(array, capacity, need, bytes);
}

/* For tests: the allocation after `n` further ones fails, once, in this process; UINT64_MAX: none fails. Returns how
 * many allocations were made since the last call. */
uint64_t mpj_alloc_fail_after(uint64_t n);
/* The same, and all allocations after it fail too. */
uint64_t mpj_alloc_fail_from(uint64_t n);

#endif
