/** @file
 * A large read-only input that every rank reads: given once, kept once per node.
 */
#ifndef MPIJOB_SHARE_H
#define MPIJOB_SHARE_H

#include <mpi.h>
#include <mpijob/error.h>
#include <mpijob/export.h>
#include <mpijob/log.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Where a node's ranks read a shared input from. */
typedef enum mpijob_share_kind {
    MPIJOB_SHARE_MEMORY = 1, /**< one copy in the node's shared memory (/dev/shm) */
    MPIJOB_SHARE_FILE = 2,   /**< one copy in an unlinked file in TMPDIR (else /tmp), mapped by the node's ranks */
    MPIJOB_SHARE_COPY = 3    /**< a copy in each rank: neither of the above had room */
} mpijob_share_kind;

/** A shared input. Made by mpijob_share or mpijob_share_begin, released by mpijob_share_free; opaque but for what the
 * functions below tell. */
typedef struct mpijob_shared mpijob_shared;

/** How to share. NULL or all zero: the defaults. */
typedef struct mpijob_share_options {
    int kind;           /**< a mpijob_share_kind to start from (2: not in memory, 3: copies); 0: the first with room */
    mpijob_log_fn *log; /**< takes the warning that copies had to be made; NULL: standard error */
    void *log_payload;
    const char *version; /**< (rank 0) for runs over cached functions: a text that stands for the data in their keys, to
                              be changed whenever the data changes. NULL: their digest, computed by rank 0 at the first
                              such run, at several GB/s; with a text nothing is read. Kept, not copied, until the call
                              returns */
    uint64_t reserved[4]; /**< zero, else MPIJOB_EINVAL */
} mpijob_share_options;

/**
 * Gives `bytes` bytes at `data` on rank 0 to every rank of `comm`. Collective; while rank 0 is still preparing the data
 * the others sleep.
 *
 * @param shared  set on success; release it with mpijob_share_free
 * @param data    significant on rank 0 only, which may free it afterwards
 * @param bytes   significant on rank 0 only; 0 is allowed
 * @param comm    an intra-communicator. In serving mode (mpijob_serve) rank 0 alone calls this.
 *
 * Room is reserved before anything is copied, and all nodes agree on one kind: the node's shared memory if every
 * node has room there, else a file in TMPDIR, else a copy per rank, with one warning that names the bytes missing.
 * The memory is read-only: writing to it is a segmentation fault (kinds 1 and 2).
 *
 * @return the same on every rank: MPIJOB_OK, MPIJOB_EINVAL, MPIJOB_EMISMATCH (options differ), MPIJOB_ENOMEM,
 * MPIJOB_EOS, MPIJOB_EMPI.
 */
MPIJOB_API int mpijob_share(mpijob_shared **shared, const void *data, size_t bytes, MPI_Comm comm,
                            const mpijob_share_options *options, mpijob_error *err);

/**
 * Makes a shared input that rank 0 fills in place, so that large results of a run need not be copied:
 *
 *     void *results;
 *     mpijob_share_begin(&shared, &results, bytes, MPI_COMM_WORLD, NULL, &err);
 *     mpijob_parallel(results, &function, &inputs, MPI_COMM_WORLD, NULL, &err);
 *     mpijob_share_seal(shared, &err);
 *
 * Collective, and like mpijob_share in all that is not said here.
 *
 * @param shared  set on success; seal it with mpijob_share_seal, or release it at once with mpijob_share_free
 * @param memory  set on success: on rank 0 `bytes` bytes (their values are not specified) that it may read and write
 *                until it seals the input, aligned to 64 bytes at least, never NULL; on the other ranks NULL
 * @param bytes   significant on rank 0 only; 0 is allowed
 *
 * Until the input is sealed the other ranks must not read it, and it cannot be the shared input of a run
 * (MPIJOB_EINVAL).
 *
 * @return as mpijob_share
 */
MPIJOB_API int mpijob_share_begin(mpijob_shared **shared, void **memory, size_t bytes, MPI_Comm comm,
                                  const mpijob_share_options *options, mpijob_error *err);

/**
 * Gives what rank 0 has written since mpijob_share_begin to every rank, and makes the memory read-only. Collective over
 * the communicator of mpijob_share_begin, which must still exist. Bytes travel only to other nodes, and to ranks that
 * keep copies (kind 3). In serving mode rank 0 alone calls this, in the same stretch of serving in which it called
 * mpijob_share_begin.
 *
 * After an error the input is still not sealed (it may be tried again), unless it was before.
 *
 * @return the same on every rank: MPIJOB_OK; MPIJOB_EINVAL: NULL, not one of mpijob_share_begin, sealed already, its
 * communicator is freed, called inside a run, or begun before serving or in an earlier stretch of it (of one
 * rank there are no stretches: then sealing succeeds); MPIJOB_EMISMATCH: the ranks seal different inputs.
 */
MPIJOB_API int mpijob_share_seal(mpijob_shared *shared, mpijob_error *err);

/** The first byte, aligned to 64 bytes at least; valid until mpijob_share_free. Never NULL, also for 0 bytes. */
MPIJOB_API const void *mpijob_shared_data(const mpijob_shared *shared);

/** How many bytes. */
MPIJOB_API size_t mpijob_shared_bytes(const mpijob_shared *shared);

/** Which way was found, a mpijob_share_kind; the same on every rank. */
MPIJOB_API int mpijob_shared_kind(const mpijob_shared *shared);

/** Releases this rank's part, sealed or not. Not collective; NULL is allowed. In serving mode, rank 0's call releases
 * the others' too. */
MPIJOB_API void mpijob_share_free(mpijob_shared *shared);

#ifdef __cplusplus
}
#endif

#endif
