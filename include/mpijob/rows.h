/** @file
 * Arrays that lie distributed over ranks by rows: dumped and loaded by all ranks together, each its own part.
 *
 *     mpijob_array mine = mpijob_array_of(data, mpijob_type_of(MPIJOB_FLOAT64), 2, (size_t[]){my_rows, 20});
 *     mpijob_dump_rows(&mine, "x.zarr", MPI_COMM_WORLD, &(mpijob_dump_options){.compress = 5}, &err);
 *
 * The file is the one that mpijob_dump would write of the whole array, whatever the number of ranks; any number of
 * ranks, mpijob_load, numpy and zarr read it. The folder must be one that all ranks see (a shared file system).
 */
#ifndef MPIJOB_ROWS_H
#define MPIJOB_ROWS_H

#include <mpi.h>
#include <mpijob/array.h>
#include <mpijob/error.h>
#include <mpijob/export.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Writes an array whose rows (first dimension) follow one another in the order of ranks. Collective over `comm`.
 *
 * @param rows     this rank's rows, any number of them, 0 too; type and the other dimensions must be the same on every rank
 * @param path     the same on every rank
 * @param options  the same on every rank (but progress, which each rank may have); NULL: the defaults. cache_size_bytes and
 *                 threads count for each rank. The order of NPY is 'C' here: 'F' is MPIJOB_EUNSUPPORTED
 *
 * Each rank writes its own rows, or the chunks that begin in its rows; rows of a chunk that begins on an earlier rank are sent
 * there first. One zip file is put together by rank 0 from chunks that all ranks have compressed.
 *
 * @return the same on every rank, with the same record in err: as mpijob_dump, or MPIJOB_EMISMATCH (types, shapes or
 * options differ), MPIJOB_EMPI. After a failure what was at `path` is as it was.
 */
MPIJOB_API int mpijob_dump_rows(const mpijob_array *rows, const char *path, MPI_Comm comm,
                                const mpijob_dump_options *options, mpijob_error *err);

/**
 * Reads an array, each rank its rows. Collective over `comm`.
 *
 * @param rows     set on success; release it with mpijob_array_free
 * @param first    set on success to the index, in the whole array, of this rank's first row; may be NULL
 * @param path     the same on every rank
 * @param options  as for mpijob_load. region: this rank's own part, on every rank or on none; without, rank r of p gets the
 *                 rows from r * n / p to (r + 1) * n / p. mmap_mode "w+" is MPIJOB_EINVAL
 *
 * @return the same on every rank, with the same record in err: as mpijob_load, or MPIJOB_EMISMATCH, MPIJOB_EMPI;
 * MPIJOB_EINVAL for an array of 0 dimensions. After a failure no rank holds anything.
 */
MPIJOB_API int mpijob_load_rows(mpijob_array *rows, size_t *first, const char *path, MPI_Comm comm,
                                const mpijob_load_options *options, mpijob_error *err);

#ifdef __cplusplus
}
#endif

#endif
