/** @file
 * Memory: keep a function's results in a folder and never compute them twice (joblib's Memory).
 *
 *     mpijob_memory *memory;
 *     mpijob_function cached;
 *     mpijob_memory_open(&memory, "cache", NULL, &err);
 *     mpijob_memory_cache(&cached, memory, &fit, NULL, &err);
 *     mpijob_function_call(&score, &cached, &args, NULL, &err);          // computed once, found from then on
 *     mpijob_parallel(scores, &cached, &inputs, MPI_COMM_WORLD, NULL, &err);   // likewise, by any rank
 *
 * **What a cached function sees.** Only what its key covers: its argument struct (without the ignored fields), in a run
 * without arguments the job's index, and the run's shared inputs, through their digests (share.h). A result that depends
 * on anything else (a file, the time, a global) is the caller's own risk; a context needs the promise `context_free`.
 *
 * **When a result is found again.** When name, descriptions of arguments and result, the list of ignored fields,
 * version, tracked source and key are equal. Functions of one name that differ in one of these share nothing, and the old
 * one's results stay. Functions that differ in none of them cannot be told apart. What is not seen even with tracked
 * source: headers, libraries, compiler flags.
 *
 * **Who finds it, and when.** The same program at once; other programs on the same machine within 0.5 s; on other
 * machines usually within 2 s (GlusterFS), but as late as the mount's caching time (60 s with NFS defaults, 20 s with
 * sshfs) plus 0.2 s. Until then it may be computed again. A run finds it as well for jobs that it drew before, as long
 * as they are in no batch. A wrong or half result is never returned: what is damaged counts as missing, and is computed
 * again.
 *
 * **Memory never fails a job.** A full disk, a folder without permission, a file server that is gone: one warning, and
 * results are computed as if there were no Memory.
 *
 * Any number of processes on any hosts may use one location at once. There are no locks. A mpijob_memory and the
 * functions cached in it may be used by any thread of a process, and not after a fork by the child, which opens its own.
 * Needs no MPI; what it does in a run says parallel.h. Looking after a location (listing, verifying, trimming by hand):
 * store.h. The files: the pages memory.md and store.md.
 */
#ifndef MPIJOB_MEMORY_H
#define MPIJOB_MEMORY_H

#include <mpijob/array.h>
#include <mpijob/error.h>
#include <mpijob/export.h>
#include <mpijob/function.h>
#include <mpijob/hash.h>
#include <mpijob/log.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- A location ------------------------------------------------------------------------------------------------ */

/** A location, opened. Opaque. */
typedef struct mpijob_memory mpijob_memory;

/** When a stored result is written and forced to the disk. */
typedef enum mpijob_durability {
    MPIJOB_DURABLE_PUBLISH = 0, /**< written at most 0.2 s later (at once when it took 0.2 s or more to compute), and on
                                     a file system of several machines forced to the server at most once a second */
    MPIJOB_DURABLE_NONE = 1,    /**< written at most 0.2 s later, never forced */
    MPIJOB_DURABLE_EACH = 2     /**< on the disk before the call that stored it returns */
} mpijob_durability;

/** For mpijob_memory_options.compress: nothing is compressed. */
#define MPIJOB_UNCOMPRESSED (-1)

/** How to open. NULL or all zero: the defaults. */
typedef struct mpijob_memory_options {
    int verbose;           /**< joblib's levels: 0 silent; 1 calls that are computed; 2 also those that are found; more
                                above 4, 10 and 19. To standard output, as joblib's. In
                                a run: by the rank that computes, and by rank 0, which looks up */
    int compress;          /**< 0: results of 512 bytes and more that gain by it, but not those with a file of their own,
                                which can be mapped; 1 (fast) to 9 (small): those too, as Zarr; MPIJOB_UNCOMPRESSED */
    const char *codec;     /**< as mpijob_dump_options.codec */
    const char *mmap_mode; /**< for results with a file of their own: NULL: copied to memory; "r" mapped; "c" mapped, writable
                                copy-on-write; "r+" and "w+" are taken as "c", and say so once */
    size_t large_bytes;    /**< results of so many bytes get a file of their own; 0: 1 MiB; at most 1 GiB */
    int durability;        /**< a mpijob_durability */
    int check_mapped;      /**< 1: the values of a mapped result are checked too, on each hit; 0: only by verification */
    unsigned int umask;    /**< permission bits that files and folders do not get; 0: 022 and those of the process's umask.
                                For a group's location: 07 */
    const char *group;     /**< name or number of the group that files and folders are given to; NULL: the system's choice */
    uint64_t max_bytes;    /**< automatic limits: checked now and then while storing, by at most one process at a time ... */
    uint64_t max_items;    /**< ... the least recently used results beyond it are removed; 0: no limit */
    double max_age_s;      /**< ... and those not used for so long; 0: no limit */
    mpijob_log_fn *log;    /**< takes warnings, perhaps in a thread of the library's, and one note when a function has
                                changed since results of it were stored; NULL: warnings go to standard error, and that
                                a function has changed is said with `verbose` above 10 alone. Must not call anything of
                                the same mpijob_memory or of a function cached in it */
    void *log_payload;
    uint64_t reserved[8];  /**< zero, else MPIJOB_EINVAL */
} mpijob_memory_options;

/**
 * Opens a location, and makes its folder when something is first stored. Not collective: each process that calls cached
 * functions, or takes part in a run over one, opens it for itself.
 *
 * @param memory    set on success; release it with mpijob_memory_close
 * @param location  a folder; what mpijob keeps is in `<location>/mpijob`. NULL, "", or the environment variable
 *                  MPIJOB_MEMORY with the value "off": no Memory. Every call then works and computes
 *
 * A location that cannot be used (no permission, a full disk, a file in its place) is no error: one warning, and nothing
 * is cached.
 *
 * @return MPIJOB_OK; MPIJOB_EINVAL (options); MPIJOB_ENOMEM; MPIJOB_EVERSION: the location was made by a later version
 * of this library.
 */
MPIJOB_API int mpijob_memory_open(mpijob_memory **memory, const char *location, const mpijob_memory_options *options,
                                  mpijob_error *err);

/** Writes what is not written yet, and releases the location and the functions cached in it. NULL is allowed. */
MPIJOB_API void mpijob_memory_close(mpijob_memory *memory);

/** Writes what is not written yet, and forces it to the disk. MPIJOB_OK; MPIJOB_EOS; MPIJOB_EINVAL: NULL. */
MPIJOB_API int mpijob_memory_sync(mpijob_memory *memory, mpijob_error *err);

/** The folder, as given; NULL: no Memory. Valid until it is closed. */
MPIJOB_API const char *mpijob_memory_location(const mpijob_memory *memory);

/* ---- Cached functions ------------------------------------------------------------------------------------------ */

/** A stored result, as a validity callback sees it. */
typedef struct mpijob_entry {
    mpijob_digest key;
    const char *function;  /**< its name */
    const char *args_json; /**< the arguments, ignored ones included */
    double age_s;          /**< since it was stored, by this machine's clock */
    double compute_s;      /**< how long it took */
    uint64_t bytes;        /**< of the result */
    uint64_t stored_bytes; /**< as it is stored */
} mpijob_entry;

/** Whether a stored result may still be used: nonzero: yes; 0: it counts as missing and is computed again. Must not call
 * anything of the same mpijob_memory or of a function cached in it: they wait for it. */
typedef int mpijob_valid_fn(const mpijob_entry *entry, void *payload);

/** How to cache. NULL or all zero: the defaults. */
typedef struct mpijob_cache_options {
    const char *const *ignore;  /**< names of fields of the arguments that the key does not cover, besides those that are
                                     MPIJOB_IGNORED; NULL-terminated; NULL: none. Inner fields: "outer.inner" */
    int verbose;                /**< as in mpijob_memory_options; 0: the location's; -1: silent */
    int compress;               /**< likewise; 0: the location's */
    const char *mmap_mode;      /**< likewise; NULL: the location's; "": copied to memory */
    mpijob_valid_fn *cache_validation_callback; /**< NULL: every result is valid */
    void *validation_payload;
    double expires_after_s;     /**< a result stored longer ago counts as missing; 0: never */
    uint64_t reserved[8];       /**< zero, else MPIJOB_EINVAL */
} mpijob_cache_options;

/**
 * Makes a function whose calls, direct or in a run, first look whether the result is there.
 *
 * @param cached    set on success (may be `function` itself), to be used by this process until the location is closed: a copy of
 *                  `function` with `cached` set. It needs no release
 * @param function  with the descriptions Memory needs (function.h). Its name, records, type and source stay the
 *                  caller's and must outlive the location
 *
 * @return MPIJOB_OK; MPIJOB_EINVAL: a description is missing or wrong, `ignore` names no field, the function is cached
 * already; MPIJOB_ENOMEM.
 */
MPIJOB_API int mpijob_memory_cache(mpijob_function *cached, mpijob_memory *memory, const mpijob_function *function,
                                   const mpijob_cache_options *options, mpijob_error *err);

/**
 * Calls a function with a result of fixed size: through Memory if it is cached, else plainly.
 *
 * @param result    result_size bytes
 * @param function  cached or not
 * @param args      args_size bytes; NULL when args_size is 0
 * @param job       inside a job: that job (the called function sees its rank and shared inputs, and in a run new
 *                  results travel to rank 0 and looking up asks rank 0, without waiting for a result that another job is
 *                  just computing); else NULL
 *
 * @return MPIJOB_OK; MPIJOB_EJOB: the function failed, err has its text, nothing is stored; MPIJOB_EINVAL;
 * MPIJOB_ENOMEM.
 */
MPIJOB_API int mpijob_function_call(void *result, const mpijob_function *function, const void *args, mpijob_job *job,
                                    mpijob_error *err);

/** The same for a result of any size, or one to be mapped: set on success; release it with mpijob_array_free. */
MPIJOB_API int mpijob_function_call_array(mpijob_array *result, const mpijob_function *function, const void *args,
                                          mpijob_job *job, mpijob_error *err);

/** Computes, whether a result is there or not, and stores the new result (joblib's `call`). */
MPIJOB_API int mpijob_function_recompute(void *result, const mpijob_function *function, const void *args,
                                         mpijob_job *job, mpijob_error *err);

/** The same for a result of any size: set on success; release it with mpijob_array_free. */
MPIJOB_API int mpijob_function_recompute_array(mpijob_array *result, const mpijob_function *function, const void *args,
                                               mpijob_job *job, mpijob_error *err);

/** 1: a call would find its result; 0: it would compute; negative: as mpijob_function_call. Nothing is computed, and
 * nothing counted as a hit or miss. */
MPIJOB_API int mpijob_function_check_call_in_cache(const mpijob_function *function, const void *args, mpijob_job *job,
                                                   mpijob_error *err);

/** mpijob_memory_cache and mpijob_function_call in one. */
MPIJOB_API int mpijob_memory_eval(void *result, mpijob_memory *memory, const mpijob_function *function,
                                  const void *args, mpijob_error *err);

/** mpijob_memory_cache and mpijob_function_call_array in one. */
MPIJOB_API int mpijob_memory_eval_array(mpijob_array *result, mpijob_memory *memory, const mpijob_function *function,
                                        const void *args, mpijob_error *err);

/** The key of a call: what `mpijob cache show` takes. MPIJOB_OK; MPIJOB_EINVAL: not cached, or the
 * job has shared inputs and its run began before Memory was open, so that no key covers them; MPIJOB_ENOMEM. */
MPIJOB_API int mpijob_function_key(mpijob_digest *key, const mpijob_function *function, const void *args,
                                   mpijob_job *job, mpijob_error *err);

/* ---- References ------------------------------------------------------------------------------------------------ */

#define MPIJOB_REFERENCE_FUNCTION_BYTES 208
#define MPIJOB_REFERENCE_FILE_BYTES 64

/**
 * Where a result lies (joblib's call_and_shelve): plain data, which may be copied and sent to another rank or program that
 * has the same location open. Without Memory, or when the result could not be stored, it holds the result itself, in
 * this process alone: then mpijob_reference_is_portable says 0.
 */
typedef struct mpijob_reference {
    mpijob_digest key;
    mpijob_digest check;
    uint64_t version;   /**< which description, version and source the function had */
    uint64_t bytes;     /**< of the result */
    int64_t stored_ns;  /**< when it was stored, nanoseconds since 1970 */
    double compute_s;
    void *value;        /**< the library's; NULL: the result is in Memory */
    char function[MPIJOB_REFERENCE_FUNCTION_BYTES]; /**< its name */
    char file[MPIJOB_REFERENCE_FILE_BYTES];         /**< its own file; "": it has none */
    uint64_t reserved[4];
} mpijob_reference;

/** Calls, and gives a reference instead of the result. Release it with mpijob_reference_free. Errors as
 * mpijob_function_call. */
MPIJOB_API int mpijob_function_call_and_shelve(mpijob_reference *reference, const mpijob_function *function,
                                               const void *args, mpijob_job *job, mpijob_error *err);

/** 1: may be sent elsewhere; 0: holds the result itself. */
MPIJOB_API int mpijob_reference_is_portable(const mpijob_reference *reference);

/**
 * The result.
 *
 * @param result  set on success; release it with mpijob_array_free
 * @return MPIJOB_OK; MPIJOB_ENOTFOUND: it is gone (cleared, trimmed, or damaged) or not to be seen here yet (see above);
 * MPIJOB_EINVAL: no reference, or one that holds its result in another process, or no location is open; MPIJOB_ENOMEM.
 */
MPIJOB_API int mpijob_reference_get(mpijob_array *result, const mpijob_reference *reference, mpijob_memory *memory,
                                    mpijob_error *err);

/** Removes the result from Memory. MPIJOB_OK, also when it is gone or the reference holds it itself; MPIJOB_EINVAL: no
 * reference; MPIJOB_EOS; MPIJOB_ENOMEM. */
MPIJOB_API int mpijob_reference_clear(const mpijob_reference *reference, mpijob_memory *memory, mpijob_error *err);

/** Releases what the reference itself holds, and zeroes it. NULL is allowed. */
MPIJOB_API void mpijob_reference_free(mpijob_reference *reference);

/* ---- Clearing and trimming ------------------------------------------------------------------------------------- */

/** What was removed. */
typedef struct mpijob_removed {
    uint64_t items;       /**< results */
    uint64_t bytes_now;   /**< free at once */
    uint64_t bytes_later; /**< free when nobody can be reading them any more: in `later_s` seconds, by whoever has the
                               location open then, or by the next call of this kind */
    double later_s;
} mpijob_removed;

/** Removes the stored result of one call. @param removed  may be NULL. MPIJOB_OK, also when there is none; MPIJOB_EINVAL,
 * MPIJOB_EOS, MPIJOB_ENOMEM. */
MPIJOB_API int mpijob_function_clear_call(const mpijob_function *function, const void *args, mpijob_job *job,
                                          mpijob_removed *removed, mpijob_error *err);

/** Removes all results of a function's name, of all its versions. `now`: 1: frees at once; a program elsewhere that is
 * reading one then computes it again, or, if it has it mapped, may be killed by SIGBUS. `removed` may be NULL; it is filled with
 * MPIJOB_EOS and MPIJOB_ENOMEM too. MPIJOB_OK; MPIJOB_EINVAL (not cached), MPIJOB_EOS, MPIJOB_ENOMEM. */
MPIJOB_API int mpijob_function_clear(const mpijob_function *function, int now, mpijob_removed *removed,
                                     mpijob_error *err);

/** Removes all results in the location, likewise. What is said of functions (func.json) stays. */
MPIJOB_API int mpijob_memory_clear(mpijob_memory *memory, int now, mpijob_removed *removed, mpijob_error *err);

/** To what to trim. */
typedef struct mpijob_reduce_options {
    uint64_t bytes_limit; /**< on disk, of what stays: what waits to be freed is there besides, for `later_s` seconds;
                               UINT64_MAX: no limit. 0 removes everything */
    uint64_t items_limit; /**< results; UINT64_MAX: no limit */
    double age_limit_s;   /**< those not used for so long; negative: no limit */
    int now;              /**< 1: frees at once (see mpijob_function_clear), and what was waiting before */
    int reserved_int;
    uint64_t reserved[4]; /**< zero, else MPIJOB_EINVAL */
} mpijob_reduce_options;

/** No limit at all, to set one's own in. */
#define MPIJOB_REDUCE_NOTHING {UINT64_MAX, UINT64_MAX, -1, 0, 0, {0, 0, 0, 0}}

/**
 * Removes the least recently used results until the limits hold (joblib's reduce_size). Use is recorded by Memory itself, to
 * about an hour, when a process closes the location. Safe while others read and write.
 *
 * @return MPIJOB_OK; MPIJOB_EINVAL; MPIJOB_ENOMEM; MPIJOB_EOS; MPIJOB_ECANCELED: another process is at it.
 */
MPIJOB_API int mpijob_memory_reduce_size(mpijob_memory *memory, const mpijob_reduce_options *options,
                                         mpijob_removed *removed, mpijob_error *err);

/* ---- Statistics ------------------------------------------------------------------------------------------------ */

/** What happened in this process since the location was opened. */
typedef struct mpijob_memory_stats {
    uint64_t hits;
    uint64_t misses;         /**< never stored, expired, invalid, damaged, trimmed, or stored too recently elsewhere */
    uint64_t stored;         /**< results */
    uint64_t stored_bytes;   /**< as they are stored */
    uint64_t not_stored;     /**< computed, but storing failed */
    uint64_t damaged;        /**< entries that were found damaged */
    uint64_t refreshes;      /**< times it was looked what others stored */
    double seconds_saved;    /**< computing times of the hits */
    double seconds_computed; /**< of the misses */
    uint64_t reserved[7];
} mpijob_memory_stats;

/** What happened so far. */
MPIJOB_API void mpijob_memory_get_stats(const mpijob_memory *memory, mpijob_memory_stats *stats);

/** A few lines for people. */
MPIJOB_API void mpijob_memory_stats_print(FILE *stream, const mpijob_memory *memory);

#ifdef __cplusplus
}
#endif

#endif
