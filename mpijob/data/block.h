/* What copying and filling blocks share. */
#ifndef MPJ_DATA_BLOCK_H
#define MPJ_DATA_BLOCK_H

#include "data/layout.h"

/* The same elements in the order in which they are best visited: `to` ascending with the last dimension the densest,
 * dimensions joined where both sides allow it, and the densest dimension of `from` beside the last one. At least one
 * dimension is left. Moves to and from to the first element visited. Returns 0, or -1 for a block without elements. */
int mpj_block_order(mpj_block *ordered, const mpj_block *block, unsigned char **to, const unsigned char **from);

/* n elements of `bytes` bytes at any steps. */
void mpj_copy_row(unsigned char *to, ptrdiff_t to_step, const unsigned char *from, ptrdiff_t from_step, size_t n,
                  size_t bytes);

#endif
