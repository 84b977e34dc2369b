/* In which order the dimensions of a block are visited. */
#include "data/block.h"

#include <stdlib.h>

static void put_dim(mpj_block *b, int at, size_t count, ptrdiff_t from_stride, ptrdiff_t to_stride)
{
    b->count[at] = count;
    b->from_strides[at] = from_stride;
    b->to_strides[at] = to_stride;
}

static void copy_dim(mpj_block *b, int at, const mpj_block *other, int dim)
{
    put_dim(b, at, other->count[dim], other->from_strides[dim], other->to_strides[dim]);
}

static int is_outside(const mpj_block *b, int dim, ptrdiff_t from_stride, ptrdiff_t to_stride)
{
    if (b->to_strides[dim] != to_stride)
        return b->to_strides[dim] > to_stride;
    return llabs(b->from_strides[dim]) >= llabs(from_stride);
}

static void insert_dim(mpj_block *b, size_t count, ptrdiff_t from_stride, ptrdiff_t to_stride)
{
    int at = b->ndim++;
    for (; at > 0 && !is_outside(b, at - 1, from_stride, to_stride); at--)
        copy_dim(b, at, b, at - 1);
    put_dim(b, at, count, from_stride, to_stride);
}

/* Backwards in `to` is forwards from the other end. */
static void insert_forwards(mpj_block *b, const mpj_block *given, int dim, unsigned char **to,
                            const unsigned char **from)
{
    ptrdiff_t steps = (ptrdiff_t)given->count[dim] - 1;
    ptrdiff_t from_stride = given->from_strides[dim], to_stride = given->to_strides[dim];
    if (to_stride < 0) {
        *to += steps * to_stride;
        *from += steps * from_stride;
        from_stride = -from_stride;
        to_stride = -to_stride;
    }
    insert_dim(b, given->count[dim], from_stride, to_stride);
}

static int are_one(const mpj_block *b, int outer, int inner)
{
    ptrdiff_t count = (ptrdiff_t)b->count[inner];
    return b->to_strides[outer] == b->to_strides[inner] * count &&
           b->from_strides[outer] == b->from_strides[inner] * count;
}

static void join_dims(mpj_block *b)
{
    int last = 0;
    for (int dim = 1; dim < b->ndim; dim++) {
        size_t count = b->count[dim];
        if (are_one(b, last, dim))
            count *= b->count[last];
        else
            last++;
        put_dim(b, last, count, b->from_strides[dim], b->to_strides[dim]);
    }
    b->ndim = last + 1;
}

static void move_beside_last(mpj_block *b, int dim)
{
    mpj_block before = *b;
    for (int at = dim; at < b->ndim - 2; at++)
        copy_dim(b, at, &before, at + 1);
    copy_dim(b, b->ndim - 2, &before, dim);
}

static int densest_in_from(const mpj_block *b)
{
    int densest = b->ndim - 1;
    for (int dim = b->ndim - 2; dim >= 0; dim--)
        if (b->from_strides[dim] != 0 && llabs(b->from_strides[dim]) < llabs(b->from_strides[densest]))
            densest = dim;
    return densest;
}

int mpj_block_order(mpj_block *ordered, const mpj_block *block, unsigned char **to, const unsigned char **from)
{
    ordered->ndim = 0;
    for (int dim = 0; dim < block->ndim; dim++) {
        if (block->count[dim] == 0)
            return -1;
        if (block->count[dim] > 1)
            insert_forwards(ordered, block, dim, to, from);
    }
    if (ordered->ndim == 0)
        insert_dim(ordered, 1, 0, 0);
    join_dims(ordered);
    int densest = densest_in_from(ordered);
    if (densest < ordered->ndim - 1)
        move_beside_last(ordered, densest);
    return 0;
}
