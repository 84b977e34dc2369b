/* Writing one array below a prefix of a tree; dump and group dump are made of this. */
#ifndef MPJ_ARRAY_ZARRDUMP_H
#define MPJ_ARRAY_ZARRDUMP_H

#include "array/meter.h"
#include "array/zarrpart.h"
#include "base/pool.h"

typedef struct mpj_zarr_product mpj_zarr_product;

typedef struct mpj_zarr_writing {
    mpj_zarr_part part;
    const mpj_dump_plan *plan;
    const char *prefix;     /* "" or "a/"; the caller's */
    const char *attributes; /* or NULL; the caller's */
    mpj_meter *meter;
    mpj_tree_writer *writer;
    mpj_zarr_scratch *scratch; /* a thread's each, or for zip: a slot's each */
    size_t scratch_count;
    mpj_sum *sums;              /* of the chunks, in the grid's order; NULL for zip */
    mpj_sum list_sum;           /* of the list of checksums, when written */
    mpj_pipe *pipe;             /* zip */
    mpj_zarr_product *products; /* zip: a slot's each */
    size_t slot;                /* zip: of the chunk that is being written */
    size_t first_chunk_row;     /* of the whole array, where the array is a part of its rows */
} mpj_zarr_writing;

/* Checks the array. On failure there is nothing to dispose. All pointers must outlive the writing. */
int mpj_zarr_writing_init(mpj_zarr_writing *writing, const mpijob_array *array, const char *prefix,
                          const char *attributes, const mpj_dump_plan *plan, mpj_meter *meter, mpijob_error *err);
/* Folder: writes all files. Zip: promises them; they are made at the tree's commit, and the writing must live until then. */
int mpj_zarr_write(mpj_zarr_writing *writing, mpj_tree_writer *writer, mpijob_error *err);
void mpj_zarr_writing_dispose(mpj_zarr_writing *writing);

/* The steps of it, where several processes write one array. */
/* Folder: makes all chunks; sums is set. */
int mpj_zarr_write_chunks(mpj_zarr_writing *writing, mpj_tree_writer *writer, mpijob_error *err);
/* Folder: the files besides the chunks; sums must be set. */
int mpj_zarr_write_listed(mpj_zarr_writing *writing, mpj_tree_writer *writer, mpijob_error *err);
/* Zip: metadata, and the promise of all chunks, which `give` will give. */
int mpj_zarr_promise(mpj_zarr_writing *writing, mpj_tree_writer *writer, mpj_tree_give_fn *give, mpj_tree_done_fn *done,
                     void *payload, mpijob_error *err);
void mpj_zarr_chunk_name(const mpj_zarr_writing *writing, uint64_t number, char name[MPJ_GRID_NAME_BYTES]);

/* Puts a small file, and adds it to the list of checksums of its folder (NULL: there is none). */
int mpj_zarr_put(mpj_tree_writer *writer, const char *prefix, const char *name, const void *content, size_t bytes,
                 mpj_sums_text *sums, mpijob_error *err);
/* Ends the list and writes it; sum: of the list itself. Frees it in any case. */
int mpj_zarr_put_sums(mpj_tree_writer *writer, const char *prefix, mpj_sums_text *sums, mpj_sum *sum,
                      mpijob_error *err);

#endif
