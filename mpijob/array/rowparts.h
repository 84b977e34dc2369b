/* Parts of an array that several processes write into one file or folder, by rows. */
#ifndef MPJ_ARRAY_ROWPARTS_H
#define MPJ_ARRAY_ROWPARTS_H

#include "array/zarrdump.h"

/* ---- NPY ---- */
/* Writes rows of an array in C order into an open file, from `offset` on. (npydump.c) */
int mpj_npy_write_rows(const mpijob_array *rows, int fd, const char *path, uint64_t offset, const mpj_dump_plan *plan,
                       mpijob_error *err);

/* ---- Zarr (zarrrows.c) ---- */
/* A writing that describes the whole array of `rows` rows; `like` has its type and other dimensions. Its elements are not
 * looked at. The meter's total is for the caller to set afterwards, to the bytes of the rows that this process writes. */
int mpj_zarr_rows_describe(mpj_zarr_writing *whole, const mpijob_array *like, size_t rows, const mpj_dump_plan *plan,
                           mpj_meter *meter, mpijob_error *err);

/* Writes the chunks of `rows`, which begin with row number `first` of the whole, a multiple of the chunk's, into the folder
 * being made at `path`. sums: of these chunks, in the grid's order. */
int mpj_zarr_rows_write(mpj_sum *sums, const mpj_zarr_writing *whole, const mpijob_array *rows, size_t first,
                        const char *path, mpijob_error *err);

/* When all chunks are in the folder: the other files, whole->sums being those of all chunks. */
int mpj_zarr_rows_finish(mpj_zarr_writing *whole, mpj_tree_writer *writer, mpijob_error *err);

/* The same into a zip file: takes the chunks out of the folder they were written to. */
int mpj_zarr_rows_pack(mpj_zarr_writing *whole, mpj_tree_writer *zip, const char *path, mpijob_error *err);

#endif
