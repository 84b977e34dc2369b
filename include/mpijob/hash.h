/** @file
 * Hash: a 128-bit digest of typed values, as joblib.hash. Equal values of equal type, shape and order have equal
 * digests, in any run, on any host; the bytes between the members of a struct do not count.
 *
 * The digest is a tree of MurmurHash3 x64 128, specified with test vectors in the page hash.md. It finds equal values; it
 * is no protection against someone who wants two values to collide. Floats count by their bits: 0.0 and -0.0 differ, and
 * a NaN is equal to a NaN of the same bits.
 *
 * Needs no MPI. No shared state: any thread may call any function, on its own objects, at any time.
 */
#ifndef MPIJOB_HASH_H
#define MPIJOB_HASH_H

#include <mpijob/array.h>
#include <mpijob/error.h>
#include <mpijob/export.h>
#include <mpijob/type.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A digest; its text is the bytes in this order, two hexadecimal digits each. */
typedef struct mpijob_digest {
    uint8_t bytes[16];
} mpijob_digest;

#define MPIJOB_DIGEST_TEXT_BYTES 33

/** The digest as 32 hexadecimal digits and a zero byte. */
MPIJOB_API void mpijob_digest_text(char text[MPIJOB_DIGEST_TEXT_BYTES], const mpijob_digest *digest);

/** The other way. MPIJOB_OK, or MPIJOB_EINVAL when the text is not 32 hexadecimal digits. */
MPIJOB_API int mpijob_digest_parse(mpijob_digest *digest, const char *text, mpijob_error *err);

/** How to hash. NULL or all zero: the defaults. */
typedef struct mpijob_hash_options {
    int threads; /**< that hash at the same time; 0: as many as cores are allowed to this process, at most 8 */
    int reserved_int;
    mpijob_bytes_fn *progress; /**< NULL: none */
    void *progress_payload;
    uint64_t reserved[4]; /**< zero, else MPIJOB_EINVAL */
} mpijob_hash_options;

/**
 * Of an array: type, shape, order and elements. An array that is contiguous in Fortran order only hashes as such; any
 * other, however strided, as its copy in C order does, without one being made.
 *
 * @return MPIJOB_OK, MPIJOB_EINVAL (the array, its type or the options), MPIJOB_ENOMEM, MPIJOB_ECANCELED.
 */
MPIJOB_API int mpijob_hash_array(mpijob_digest *digest, const mpijob_array *array, const mpijob_hash_options *options,
                                 mpijob_error *err);

/**
 * Of a struct: its name, and name, type, length and elements of each field that is not MPIJOB_IGNORED, what lies behind
 * strings and pointers included. NULL for a string is "", and a NULL pointer needs the length 0. Of MPIJOB_BYTES all bytes
 * count, those behind a text's terminating zero too.
 *
 * @return MPIJOB_OK, MPIJOB_EINVAL, MPIJOB_ENOMEM.
 */
MPIJOB_API int mpijob_hash_record(mpijob_digest *digest, const void *value, const mpijob_record *record,
                                  mpijob_error *err);

/** An array that is hashed part by part. Opaque. */
typedef struct mpijob_hasher mpijob_hasher;

/**
 * Begins. The digest will be that of an array of this type, shape and order ('C' or 'F') whose elements follow.
 * @param hasher  set on success; release it with mpijob_hasher_free
 * @return MPIJOB_OK, MPIJOB_EINVAL, MPIJOB_ENOMEM.
 */
MPIJOB_API int mpijob_hasher_create(mpijob_hasher **hasher, const mpijob_type *type, int ndim, const size_t *shape,
                                    int order, mpijob_error *err);

/**
 * The next `count` elements, one behind the other at `data`.
 * @return MPIJOB_OK; MPIJOB_EINVAL: more than the shape has (none is taken); MPIJOB_ENOMEM, or MPIJOB_EINVAL for a struct's
 * pointer that is NULL though its length is not 0: the hasher stays failed, later calls return the same, and all that is
 * left is to free it.
 */
MPIJOB_API int mpijob_hasher_update(mpijob_hasher *hasher, const void *data, size_t count, mpijob_error *err);

/**
 * The digest.
 * @return MPIJOB_OK; MPIJOB_EINVAL: not all elements were given yet; MPIJOB_ENOMEM; that of an update that failed.
 */
MPIJOB_API int mpijob_hasher_finish(mpijob_digest *digest, mpijob_hasher *hasher, mpijob_error *err);

/** Releases it. NULL is allowed. */
MPIJOB_API void mpijob_hasher_free(mpijob_hasher *hasher);

#ifdef __cplusplus
}
#endif

#endif
