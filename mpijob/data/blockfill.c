/* Setting a block to one element. */
#include "data/block.h"

#include <string.h>

#define PATTERN_BYTES 4096 /* repeated from the first cache */

static void fill_dense(unsigned char *to, const unsigned char *element, size_t bytes, size_t n)
{
    size_t all = n * bytes, made = bytes;
    size_t longest = bytes < PATTERN_BYTES ? PATTERN_BYTES / bytes * bytes : bytes;
    memcpy(to, element, bytes);
    while (made < all) {
        size_t now = made < longest ? made : longest;
        if (now > all - made)
            now = all - made;
        memcpy(to + made, to, now);
        made += now;
    }
}

static void fill_row(unsigned char *to, ptrdiff_t step, const unsigned char *element, size_t bytes, size_t n)
{
    if (bytes == 1 && step == 1)
        memset(to, *element, n);
    else if (step == (ptrdiff_t)bytes)
        fill_dense(to, element, bytes, n);
    else
        mpj_copy_row(to, step, element, 0, n, bytes);
}

static void fill_dims(const mpj_block *b, int dim, unsigned char *to, const unsigned char *element, size_t bytes)
{
    if (dim == b->ndim - 1) {
        fill_row(to, b->to_strides[dim], element, bytes, b->count[dim]);
        return;
    }
    for (size_t i = 0; i < b->count[dim]; i++)
        fill_dims(b, dim + 1, to + (ptrdiff_t)i * b->to_strides[dim], element, bytes);
}

void mpj_block_fill(const mpj_block *block, void *to, const void *element, size_t bytes)
{
    mpj_block still = *block, ordered;
    unsigned char *out = to;
    const unsigned char *in = element;
    for (int dim = 0; dim < still.ndim; dim++)
        still.from_strides[dim] = 0;
    if (bytes > 0 && mpj_block_order(&ordered, &still, &out, &in) == 0)
        fill_dims(&ordered, 0, out, element, bytes);
}
