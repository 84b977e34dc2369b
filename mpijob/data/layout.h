/* Moving elements between layouts: byte order, packed and padded structs, strides. Pure: memory only. */
#ifndef MPJ_DATA_LAYOUT_H
#define MPJ_DATA_LAYOUT_H

#include "data/dtype.h"
#include <mpijob/array.h>

/* How an element of one type becomes one of another: runs of bytes, swapped in units of 1, 2, 4, 8 or 16 (complex: per part). */
typedef struct mpj_convert {
    struct mpj_convert_run *runs;
    size_t run_count;
    size_t from_bytes, to_bytes; /* of an element */
    int plain;                   /* 1: a copy of whole elements does it, with no run looked at */
    int gaps;                    /* 1: `to` has bytes that no run fills (padding): they are set to zero */
} mpj_convert;

/* Both types must hold the same values: same kind, or records with the same field names, found by name, and types (what
 * `to` has and `from` has not: MPIJOB_EINVAL, naming it; what only `from` has is left out). from_swapped: as in mpj_dtype,
 * NULL for none; to: this machine's byte order. A swap is its own inverse: `to` in the other order is had by flags too. */
int mpj_convert_init(mpj_convert *convert, const mpijob_type *from, const unsigned char *from_swapped,
                     const mpijob_type *to, mpijob_error *err);
void mpj_convert_dispose(mpj_convert *convert);

/* n elements, one behind the other at both ends; from and to do not overlap. */
void mpj_convert_elements(const mpj_convert *convert, void *to, const void *from, size_t n);

/* A block of elements inside an array of any strides. */
typedef struct mpj_block {
    int ndim;
    size_t count[MPIJOB_MAX_DIMS];
    ptrdiff_t from_strides[MPIJOB_MAX_DIMS];
    ptrdiff_t to_strides[MPIJOB_MAX_DIMS];
} mpj_block;

/* Copies a block from one strided place to another, converting (convert NULL: elements of `bytes` bytes as they are).
 * Chooses the order of loops by the strides, joins dimensions that are contiguous in both, and goes in cache-sized tiles when
 * one side is C and the other F. */
void mpj_block_copy(const mpj_block *block, void *to, const void *from, size_t bytes, const mpj_convert *convert);

/* Sets a block (to_strides) to one element. */
void mpj_block_fill(const mpj_block *block, void *to, const void *element, size_t bytes);

/* Strides of a contiguous array, order 'C' or 'F'. */
void mpj_strides(ptrdiff_t *strides, int ndim, const size_t *shape, size_t bytes, int order);

/* 'C' or 'F' where the array is contiguous (C first where it is both: one dimension or fewer elements), else 0. */
int mpj_array_order(const mpijob_array *array);

/* Is the array itself sound (type, dimensions, product of the shape in bytes below PTRDIFF_MAX, data where there are
 * elements)? MPIJOB_EINVAL with the reason. bytes: of all elements, may be NULL. */
int mpj_array_check(const mpijob_array *array, size_t *bytes, mpijob_error *err);

/* product of shape times bytes, or -1 when above PTRDIFF_MAX; 0 with *out set else. */
int mpj_shape_bytes(size_t *out, int ndim, const size_t *shape, size_t bytes);

#endif
