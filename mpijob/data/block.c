/* Copying blocks between strided places: the loops are ordered by the strides, and those that can be are joined. */
#include "data/block.h"

#include <stdlib.h>
#include <string.h>

#define PIECE_BYTES 4096 /* of elements gathered for a conversion */
#define TILE_ROW_BYTES                                                                                                 \
    128 /* two cache lines written at once; few enough lines read at once to stay in the first cache */
#define TILE_SIDE_MIN 8
#define TILE_SIDE_MAX 64

/* How rows are copied. */
typedef struct copier {
    size_t from_bytes, to_bytes; /* of an element */
    const mpj_convert *convert;  /* NULL: bytes as they are */
} copier;

/* Sizes that are known when compiling become single instructions. */
#define COPY_EACH(bytes)                                                                                               \
    for (size_t i = 0; i < n; i++, to += to_step, from += from_step)                                                   \
    memcpy(to, from, bytes)

void mpj_copy_row(unsigned char *to, ptrdiff_t to_step, const unsigned char *from, ptrdiff_t from_step, size_t n,
                  size_t bytes)
{
    if (to_step == (ptrdiff_t)bytes && from_step == (ptrdiff_t)bytes)
        memcpy(to, from, n * bytes);
    else if (bytes == 1)
        COPY_EACH(1);
    else if (bytes == 2)
        COPY_EACH(2);
    else if (bytes == 4)
        COPY_EACH(4);
    else if (bytes == 8)
        COPY_EACH(8);
    else if (bytes == 16)
        COPY_EACH(16);
    else
        COPY_EACH(bytes);
}

/* Elements are converted many at a time: gathered before and scattered afterwards where they do not lie so. */
static void convert_pieces(const copier *c, unsigned char *to, ptrdiff_t to_step, const unsigned char *from,
                           ptrdiff_t from_step, size_t n, size_t piece)
{
    unsigned char gathered[PIECE_BYTES], made[PIECE_BYTES];
    for (size_t done = 0; done < n; done += piece) {
        size_t now = n - done < piece ? n - done : piece;
        mpj_copy_row(gathered, (ptrdiff_t)c->from_bytes, from + (ptrdiff_t)done * from_step, from_step, now,
                     c->from_bytes);
        mpj_convert_elements(c->convert, made, gathered, now);
        mpj_copy_row(to + (ptrdiff_t)done * to_step, to_step, made, (ptrdiff_t)c->to_bytes, now, c->to_bytes);
    }
}

static void convert_row(const copier *c, unsigned char *to, ptrdiff_t to_step, const unsigned char *from,
                        ptrdiff_t from_step, size_t n)
{
    size_t largest = c->from_bytes > c->to_bytes ? c->from_bytes : c->to_bytes;
    if (to_step == (ptrdiff_t)c->to_bytes && from_step == (ptrdiff_t)c->from_bytes)
        mpj_convert_elements(c->convert, to, from, n);
    else if (largest <= PIECE_BYTES / 2)
        convert_pieces(c, to, to_step, from, from_step, n, PIECE_BYTES / largest);
    else
        for (size_t i = 0; i < n; i++)
            mpj_convert_elements(c->convert, to + (ptrdiff_t)i * to_step, from + (ptrdiff_t)i * from_step, 1);
}

static void row(const copier *c, unsigned char *to, ptrdiff_t to_step, const unsigned char *from, ptrdiff_t from_step,
                size_t n)
{
    if (c->convert != NULL)
        convert_row(c, to, to_step, from, from_step, n);
    else
        mpj_copy_row(to, to_step, from, from_step, n, c->to_bytes);
}

static size_t tile_side(const copier *c)
{
    size_t side = TILE_ROW_BYTES / c->to_bytes;
    if (side < TILE_SIDE_MIN)
        return TILE_SIDE_MIN;
    return side > TILE_SIDE_MAX ? TILE_SIDE_MAX : side;
}

/* Two dimensions, of which one is dense in `to` and the other in `from`: in strips, so that each cache line of `from`
 * is used up before it is lost. */
static void tiles(const copier *c, const mpj_block *b, int outer, unsigned char *to, const unsigned char *from)
{
    int inner = b->ndim - 1;
    size_t side = tile_side(c);
    for (size_t j = 0; j < b->count[inner]; j += side) {
        size_t width = b->count[inner] - j < side ? b->count[inner] - j : side;
        unsigned char *out = to + (ptrdiff_t)j * b->to_strides[inner];
        const unsigned char *in = from + (ptrdiff_t)j * b->from_strides[inner];
        for (size_t i = 0; i < b->count[outer]; i++)
            row(c, out + (ptrdiff_t)i * b->to_strides[outer], b->to_strides[inner],
                in + (ptrdiff_t)i * b->from_strides[outer], b->from_strides[inner], width);
    }
}

static void copy_dims(const copier *c, const mpj_block *b, int dim, unsigned char *to, const unsigned char *from)
{
    int inner = b->ndim - 1;
    if (dim == inner) {
        row(c, to, b->to_strides[dim], from, b->from_strides[dim], b->count[dim]);
        return;
    }
    if (dim == inner - 1 && b->from_strides[dim] != 0 && llabs(b->from_strides[dim]) < llabs(b->from_strides[inner])) {
        tiles(c, b, dim, to, from);
        return;
    }
    for (size_t i = 0; i < b->count[dim]; i++)
        copy_dims(c, b, dim + 1, to + (ptrdiff_t)i * b->to_strides[dim], from + (ptrdiff_t)i * b->from_strides[dim]);
}

void mpj_block_copy(const mpj_block *block, void *to, const void *from, size_t bytes, const mpj_convert *convert)
{
    copier c = {bytes, bytes, NULL};
    if (convert != NULL)
        c = (copier){convert->from_bytes, convert->to_bytes, convert->plain ? NULL : convert};
    mpj_block ordered;
    unsigned char *out = to;
    const unsigned char *in = from;
    if (c.to_bytes > 0 && mpj_block_order(&ordered, block, &out, &in) == 0)
        copy_dims(&c, &ordered, 0, out, in);
}
