/* The inside of mpj_convert: a program of runs. */
#ifndef MPJ_DATA_CONVERT_H
#define MPJ_DATA_CONVERT_H

#include "data/layout.h"

/* A leaf copies `bytes` bytes, swapping each group of `unit` (1: as they are). A loop does the `body` runs behind it
 * `count` times, moving on by its steps each time; offsets in its body are relative to those of the turn. So a fixed
 * array of structs costs no more runs than one struct, whatever its length. */
typedef struct mpj_convert_run {
    size_t from, to; /* offsets */
    size_t bytes;
    size_t unit;
    size_t count; /* 0: a leaf */
    size_t body;
    size_t from_step, to_step;
} mpj_convert_run;

/* Building: set `convert` with its sizes of elements, add runs, finish. What is added behind one another joins where it
 * can. No memory is noticed at the end. */
typedef struct mpj_convert_builder {
    mpj_convert *convert;
    size_t capacity;
    size_t open; /* runs from this one on may be joined */
    int no_memory;
} mpj_convert_builder;

void mpj_convert_leaf(mpj_convert_builder *builder, size_t from, size_t to, size_t bytes, size_t unit);

/* What is added between begin and end is done `count` times. */
typedef struct mpj_convert_loop {
    size_t place, open;
} mpj_convert_loop;
mpj_convert_loop mpj_convert_loop_begin(mpj_convert_builder *builder, size_t from, size_t to, size_t count);
void mpj_convert_loop_end(mpj_convert_builder *builder, mpj_convert_loop loop, size_t from_step, size_t to_step);

/* Settles plain and gaps. MPIJOB_ENOMEM: what was made is released. */
int mpj_convert_finish(mpj_convert_builder *builder, mpijob_error *err);

/* Bytes that are swapped together in a scalar of this kind; 1 where byte order does not matter. */
size_t mpj_swap_unit(const mpijob_type *type);

#endif
