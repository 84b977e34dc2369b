/** @file
 * Arrays: dump and load them, compressed or mapped, in forms that numpy and zarr open.
 *
 *     double x[1000][20];
 *     size_t shape[] = {1000, 20};
 *     mpijob_array a = mpijob_array_of(x, mpijob_type_of(MPIJOB_FLOAT64), 2, shape);
 *     mpijob_dump(&a, "x.npy", NULL, &err);                                             (numpy.load opens it)
 *     mpijob_dump(&a, "x.zarr", &(mpijob_dump_options){.compress = 5}, &err);           (zarr.open opens it)
 *
 *     mpijob_array b;
 *     if (mpijob_load(&b, "x.zarr", NULL, &err) == MPIJOB_OK) {
 *         const double *data = b.data;
 *         ...
 *         mpijob_array_free(&b);
 *     }
 *
 * Needs no MPI. No shared state: any thread may call any function, on its own objects, at any time. Arrays that lie
 * distributed over ranks: rows.h.
 *
 * A dump appears under its name whole or not at all, whatever happens to the process. Reading checks what it reads: a
 * damaged or hostile file is MPIJOB_ECORRUPT with the file and, in compressed ones, the chunk. (The values in NPY files
 * carry no checksum; their header and length are checked.)
 */
#ifndef MPIJOB_ARRAY_H
#define MPIJOB_ARRAY_H

#include <mpijob/error.h>
#include <mpijob/export.h>
#include <mpijob/type.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Arrays in memory ------------------------------------------------------------------------------------------ */

#define MPIJOB_MAX_DIMS 32

/**
 * An array in memory: a view of the caller's elements, or loaded by this library. Any strides are allowed (negative and
 * 0 too), 0 dimensions (one element) and lengths of 0.
 */
typedef struct mpijob_array {
    void *data;                         /**< the first element (index 0 in each dimension) */
    mpijob_type type;                   /**< of an element; MPIJOB_STRING is not for arrays */
    int32_t ndim;                       /**< 0 to MPIJOB_MAX_DIMS */
    int32_t reserved;                   /**< zero, else MPIJOB_EINVAL */
    size_t shape[MPIJOB_MAX_DIMS];      /**< elements along each dimension */
    ptrdiff_t strides[MPIJOB_MAX_DIMS]; /**< bytes from an element to the next along each dimension */
    void *own;                          /**< the library's: NULL for the caller's own elements */
} mpijob_array;

/** A view of elements that lie one behind the other, the last index varying fastest (C order). */
MPIJOB_API mpijob_array mpijob_array_of(const void *data, mpijob_type type, int ndim, const size_t *shape);

/** The same, the first index varying fastest (Fortran order). */
MPIJOB_API mpijob_array mpijob_array_fortran(const void *data, mpijob_type type, int ndim, const size_t *shape);

/** How many elements; SIZE_MAX where the product overflows. */
MPIJOB_API size_t mpijob_array_count(const mpijob_array *array);

/** Releases what load made, maps included, and zeroes the array. The caller's own elements are left alone. Changes made
 * through an "r+" or "w+" map are in the file at the latest now (written by the system, not forced to the disk). NULL is allowed. */
MPIJOB_API void mpijob_array_free(mpijob_array *array);

/**
 * For an array mapped "r+" or "w+": waits until the changes made so far are on the disk. Without effect for others.
 * @return MPIJOB_OK or MPIJOB_EOS.
 */
MPIJOB_API int mpijob_array_sync(const mpijob_array *array, mpijob_error *err);

/* ---- Dump ------------------------------------------------------------------------------------------------------ */

/** Told how far a long call is: bytes of elements done, of all; at the end of a call that succeeds the two are equal. Called
 * by the calling thread; must not call the library on the same array. Returns 0 to go on; anything else ends the call with
 * MPIJOB_ECANCELED. (Loading begins again when the folder that it reads is replaced meanwhile.) */
typedef int mpijob_bytes_fn(uint64_t done_bytes, uint64_t total_bytes, void *payload);

/** Form of a dump. */
typedef enum mpijob_format {
    MPIJOB_NPY = 1, /**< numpy's own: one file, not compressed; can be mapped */
    MPIJOB_ZARR =
        2 /**< Zarr version 2: chunks, compressed by Blosc; a folder, or one file if the name ends in ".zip" */
} mpijob_format;

/** What is done to bytes before they are compressed. */
typedef enum mpijob_shuffle {
    MPIJOB_SHUFFLE_AUTO = 0, /**< by byte for elements of more than one byte, by bit for elements of one byte */
    MPIJOB_SHUFFLE_NONE = 1,
    MPIJOB_SHUFFLE_BYTE = 2,
    MPIJOB_SHUFFLE_BIT = 3
} mpijob_shuffle;

/** How to dump. NULL or all zero: the defaults. */
typedef struct mpijob_dump_options {
    int compress;      /**< 0: not; 1 (fast) to 9 (small): Blosc's level */
    int format;        /**< a mpijob_format; 0: NPY when compress is 0, else Zarr. Compressed NPY is MPIJOB_EINVAL */
    const char *codec; /**< "blosclz", "lz4", "lz4hc", "zlib" or "zstd"; NULL: "lz4" */
    int shuffle;       /**< a mpijob_shuffle */
    int order; /**< 'C' or 'F': how the file holds the elements; 0: as the array does ('C' where it is neither) */
    const size_t
        *chunks; /**< elements of a chunk along each dimension; NULL: chosen (about 2 MiB, whole rows if they fit) */
    const char *attributes;  /**< Zarr: a JSON object to keep with the array; NULL: none. With NPY: MPIJOB_EINVAL */
    size_t cache_size_bytes; /**< bound of the memory used on top of the array; 0: 64 MiB */
    int threads; /**< that compress at the same time; 0: as many as cores are allowed to this process, at most 8 */
    int durable; /**< 1: back only when all is on the disk (survives a power failure); 0: survives the process */
    mpijob_bytes_fn *progress; /**< NULL: none */
    void *progress_payload;
    uint64_t reserved[4]; /**< zero, else MPIJOB_EINVAL */
} mpijob_dump_options;

/**
 * Writes an array to a file or folder. Something of the same name is replaced, at once, when the new is complete; until
 * then, and after a failure, it is as it was. A file does not replace a folder that is not a dump.
 *
 * @return MPIJOB_OK, MPIJOB_EINVAL, MPIJOB_ENOMEM, MPIJOB_EOS (which file, errno), MPIJOB_ECANCELED (by progress),
 * MPIJOB_EUNSUPPORTED (a struct with strings or pointers: see mpijob_dump_record).
 */
MPIJOB_API int mpijob_dump(const mpijob_array *array, const char *path, const mpijob_dump_options *options,
                           mpijob_error *err);

/* ---- Load ------------------------------------------------------------------------------------------------------ */

/** A part of an array: a block, `start[i]` to `start[i] + count[i] - 1` in dimension i. */
typedef struct mpijob_region {
    int32_t ndim; /**< how many of the first dimensions are limited; the others are whole. 1: rows */
    int32_t reserved;
    size_t start[MPIJOB_MAX_DIMS];
    size_t count[MPIJOB_MAX_DIMS];
} mpijob_region;

/** How to load. NULL or all zero: all of it, into memory. */
typedef struct mpijob_load_options {
    /**
     * NULL: into memory. NPY files can be mapped instead, without reading them, as numpy.memmap does:
     * "r"  read-only (writing is a segmentation fault); "c" writable, changes stay in this process (copy-on-write);
     * "r+" writable, changes reach the file;
     * "w+" a new file of the type and shape of `like`, zeros, replacing what was there; changes reach it.
     */
    const char *mmap_mode;
    const mpijob_array *like; /**< "w+": type, shape and order (by its strides) of the file to be made; `data` unused */
    const mpijob_record
        *record; /**< the struct to load elements into, field by field by name; NULL: as the file has them */
    const mpijob_region *region; /**< NULL: the whole array */
    const char *name;            /**< the array of a group to load, "a" or "inner/a"; NULL: the file's only array */
    void *into;                  /**< memory for the elements; NULL: the library's own */
    size_t into_bytes;           /**< of `into`; less than needed is MPIJOB_EINVAL */
    size_t cache_size_bytes;     /**< bound of the memory used on top of the array; 0: 64 MiB */
    int threads;                 /**< as for dump */
    int reserved_int;
    mpijob_bytes_fn *progress; /**< NULL: none */
    void *progress_payload;
    uint64_t reserved[4]; /**< zero, else MPIJOB_EINVAL */
} mpijob_load_options;

/**
 * Reads an array that mpijob, numpy or zarr wrote. The form is recognised by content: NPY 1 to 3, Zarr version 2 folders
 * and zip files with Blosc or no compressor. Values are in this machine's byte order afterwards.
 *
 * @param array  set on success, in the order (C or Fortran) that the file has; release it with mpijob_array_free
 *
 * @return MPIJOB_OK; MPIJOB_ENOTFOUND (no such file or folder, or no array of that name in the group);
 * MPIJOB_ECORRUPT (damaged: file, chunk, reason); MPIJOB_EUNSUPPORTED (what it is and what to do: Python objects, filters,
 * other compressors, mapping a compressed array or foreign byte order, a group where an array is wanted);
 * MPIJOB_EVERSION (a later NPY or Zarr version); MPIJOB_EINVAL (options; a region outside the array; fields of `record`
 * that the file has not, or has with another type); MPIJOB_ENOMEM; MPIJOB_EOS; MPIJOB_ECANCELED.
 */
MPIJOB_API int mpijob_load(mpijob_array *array, const char *path, const mpijob_load_options *options,
                           mpijob_error *err);

/* ---- Groups: several named arrays ------------------------------------------------------------------------------ */

/** An array of a group, and its attributes. */
typedef struct mpijob_member {
    const char *name; /**< "a", or "inner/a" in a group inside: parts of 1 to 200 bytes that do not begin with '.', in at most
                         64 groups */
    mpijob_array array;
    const char *attributes; /**< a JSON object, or NULL */
} mpijob_member;

/**
 * Writes several arrays as one Zarr group (a folder, or one file if `path` ends in ".zip"), which appears whole or not at all.
 *
 * @param attributes  the group's own, a JSON object, or NULL
 * @param options     as for mpijob_dump, for all of them; format NPY, chunks and attributes are MPIJOB_EINVAL
 *
 * @return as mpijob_dump; MPIJOB_EINVAL for two equal names.
 */
MPIJOB_API int mpijob_dump_group(const mpijob_member *members, size_t count, const char *attributes, const char *path,
                                 const mpijob_dump_options *options, mpijob_error *err);

/** Several arrays, loaded or listed. Opaque. */
typedef struct mpijob_group mpijob_group;

/**
 * Reads all arrays of a group (groups inside it too: their arrays are named "inner/a"), sorted by name.
 * @return as mpijob_load; mmap_mode, into, region and name are MPIJOB_EINVAL here.
 */
MPIJOB_API int mpijob_load_group(mpijob_group **group, const char *path, const mpijob_load_options *options,
                                 mpijob_error *err);

/** Reads what arrays there are, but not their elements: `data` is NULL. A single array is a group of one, named "". */
MPIJOB_API int mpijob_list_group(mpijob_group **group, const char *path, mpijob_error *err);

/** How many arrays. */
MPIJOB_API size_t mpijob_group_count(const mpijob_group *group);

/** One of them, valid until mpijob_group_free; NULL for an index that is too large. */
MPIJOB_API const mpijob_member *mpijob_group_member(const mpijob_group *group, size_t index);

/** The one of that name; NULL: there is none. */
MPIJOB_API const mpijob_member *mpijob_group_find(const mpijob_group *group, const char *name);

/** The group's own attributes, a JSON object; never NULL. */
MPIJOB_API const char *mpijob_group_attributes(const mpijob_group *group);

/** Releases all of it, arrays included. NULL is allowed. */
MPIJOB_API void mpijob_group_free(mpijob_group *group);

/* ---- One struct ------------------------------------------------------------------------------------------------ */

/**
 * Writes one struct: a flat one (mpijob_record_is_flat) as a structured array of 0 dimensions, one with strings or
 * pointers as a group, a member a field (nested structs: groups inside it; strings: numpy's S; pointers: arrays).
 * A group is always Zarr; with compress 0 its chunks are not compressed.
 *
 * @return as mpijob_dump.
 */
MPIJOB_API int mpijob_dump_record(const void *value, const mpijob_record *record, const char *path,
                                  const mpijob_dump_options *options, mpijob_error *err);

/**
 * Reads one struct, as mpijob_dump_record wrote it. What lies behind its pointers is made by the library: release it with
 * mpijob_record_dispose. `value` is untouched on failure.
 * @return as mpijob_load; MPIJOB_EINVAL for a file whose fields differ from the record's.
 */
MPIJOB_API int mpijob_load_record(void *value, const mpijob_record *record, const char *path,
                                  const mpijob_load_options *options, mpijob_error *err);

/* ---- Looking into files ---------------------------------------------------------------------------------------- */

/** What a file says of one array. */
typedef struct mpijob_array_info {
    int32_t format;     /**< a mpijob_format */
    int32_t version;    /**< NPY: 1, 2 or 3; Zarr: 2 */
    int32_t zip;        /**< 1: in one zip file */
    int32_t order;      /**< 'C' or 'F' */
    int32_t byte_order; /**< '<' or '>'; '|' where it does not matter; '=' for structs that have both */
    int32_t compress;   /**< level, 0: not compressed */
    int32_t shuffle;    /**< a mpijob_shuffle, 0 when not compressed */
    int32_t ndim;
    size_t shape[MPIJOB_MAX_DIMS];
    size_t chunks[MPIJOB_MAX_DIMS]; /**< Zarr; for NPY the shape */
    uint64_t elements_bytes;        /**< of all elements in memory */
    uint64_t stored_bytes;          /**< on disk, of the elements */
    uint64_t chunk_count;           /**< that the grid has */
    uint64_t chunks_stored;         /**< that exist; the others have the fill value */
    uint64_t checksums;             /**< of how many stored chunks a checksum is known */
    char codec[16];                 /**< "lz4" say; "" when not compressed */
    char dtype[4096];               /**< numpy's text: "<f8", or a list for structs; cut when longer */
} mpijob_array_info;

/** Reads what a file says of an array, not its elements. `name`: of a group's array, else NULL. Errors as mpijob_load. */
MPIJOB_API int mpijob_array_inspect(mpijob_array_info *info, const char *path, const char *name, mpijob_error *err);

/** How a verification went. */
typedef struct mpijob_verify_result {
    uint64_t arrays;   /**< that were looked at */
    uint64_t chunks;   /**< that were read and decompressed (an NPY file is one) */
    uint64_t unsummed; /**< of these, how many carry no checksum: damage inside may go unseen */
    uint64_t damaged;  /**< of these, how many are damaged */
    uint64_t bytes;    /**< of elements */
} mpijob_verify_result;

/** Told of each damaged place: the file, the chunk ("" for the file as a whole) and why. */
typedef void mpijob_damage_fn(const char *file, const char *chunk, const char *reason, void *payload);

/**
 * Reads everything in a file or folder, checks all checksums and decompresses all chunks, going on after damage.
 *
 * @param result  filled also when MPIJOB_ECORRUPT is returned
 * @param damage  NULL: the first one is in err only
 *
 * @return MPIJOB_OK; MPIJOB_ECORRUPT: something is damaged; else as mpijob_load.
 */
MPIJOB_API int mpijob_verify(mpijob_verify_result *result, const char *path, mpijob_damage_fn *damage, void *payload,
                             mpijob_bytes_fn *progress, void *progress_payload, mpijob_error *err);

#ifdef __cplusplus
}
#endif

#endif
