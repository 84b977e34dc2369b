/** @file
 * Looking after a location of Memory: what is in it, reading single results, verifying, trimming, merging. The
 * program `mpijob cache` does all of this from a shell.
 *
 *     mpijob_store *store;
 *     mpijob_store_stats stats;
 *     mpijob_store_open(&store, "cache", NULL, &err);
 *     mpijob_store_get_stats(&stats, store, NULL, &err);
 *     mpijob_store_close(store);
 *
 * Nothing here needs the program whose results they are: a location describes its functions itself. Everything is safe
 * while others read and write, on any host; what is listed is then as it was at one moment or another. Any thread may
 * use a store, one at a time. Needs no MPI.
 */
#ifndef MPIJOB_STORE_H
#define MPIJOB_STORE_H

#include <mpijob/array.h>
#include <mpijob/error.h>
#include <mpijob/export.h>
#include <mpijob/hash.h>
#include <mpijob/memory.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A location that is looked after. Opaque. */
typedef struct mpijob_store mpijob_store;

/**
 * Opens a location that is there. The environment variable MPIJOB_MEMORY does not count here.
 *
 * @param store     set on success; release it with mpijob_store_close
 * @param location  the folder that programs give to mpijob_memory_open
 * @param options   `umask`, `group` and `log` count, for what the calls below write; without the first two files get the
 *                  group of the location's folder, and may be written by it if the folder may. Without `log` nothing
 *                  is said. May be NULL
 *
 * @return MPIJOB_OK; MPIJOB_ENOTFOUND: nothing was ever stored there; MPIJOB_EVERSION: by a later version of this
 * library; MPIJOB_EOS: it cannot be read; MPIJOB_EINVAL; MPIJOB_ENOMEM.
 */
MPIJOB_API int mpijob_store_open(mpijob_store **store, const char *location, const mpijob_memory_options *options,
                                 mpijob_error *err);

/** Releases it. NULL is allowed. */
MPIJOB_API void mpijob_store_close(mpijob_store *store);

/* ---- Listing --------------------------------------------------------------------------------------------------- */

/** A function that has results in the location, or had. */
typedef struct mpijob_store_function {
    const char *name;
    const char *folder;     /**< below `<location>/mpijob` */
    uint64_t entries;       /**< results */
    uint64_t versions;      /**< of the function that have some */
    uint64_t stored_bytes;  /**< of the results, as they are stored */
    double compute_s;       /**< that computing them took, together */
    double newest_age_s;    /**< since the last was stored; negative: there is none */
    uint64_t reserved[4];   /**< zero */
} mpijob_store_function;

/** Told of each function. Returns 0 to go on; anything else ends the listing, with success. */
typedef int mpijob_store_function_fn(const mpijob_store_function *function, void *payload);

/** Lists the functions, by the names of their folders. MPIJOB_OK, MPIJOB_EINVAL, MPIJOB_EOS,
 * MPIJOB_ENOMEM. */
MPIJOB_API int mpijob_store_functions(mpijob_store *store, mpijob_store_function_fn *each, void *payload,
                                      mpijob_error *err);

/** A result. The texts are valid during the call that it is told to. */
typedef struct mpijob_stored {
    mpijob_digest key;
    mpijob_digest check;
    uint64_t version;      /**< of the function: its folder below versions/, in hexadecimal */
    const char *function;  /**< its name */
    const char *args_json; /**< the arguments */
    uint64_t bytes;        /**< in memory; 0: not known */
    uint64_t stored_bytes; /**< as it is stored */
    double age_s;          /**< since it was stored, by this machine's clock */
    double unused_s;       /**< since it was last found, to an hour; never: since it was stored */
    double compute_s;      /**< that computing it took */
    int32_t ndim;          /**< -1: not known */
    int32_t reserved_int;
    size_t shape[MPIJOB_MAX_DIMS];
    const char *file;      /**< its own file, below the function's folder; "": it has none */
    const char *segment;   /**< the file that has the entry, likewise ... */
    uint64_t offset;       /**< ... and where in it */
    uint64_t reserved[4];
} mpijob_stored;

/** Told of each result. Returns 0 to go on; anything else ends the listing, with success. */
typedef int mpijob_stored_fn(const mpijob_stored *entry, void *payload);

/**
 * Lists results, by function, those stored last first.
 *
 * @param function  its name; NULL: all
 * @return MPIJOB_OK; MPIJOB_ENOTFOUND: there is no function of this name; MPIJOB_EOS; MPIJOB_ENOMEM.
 */
MPIJOB_API int mpijob_store_list(mpijob_store *store, const char *function, mpijob_stored_fn *each, void *payload,
                                 mpijob_error *err);

/**
 * The result of a key: one for each version of the function that has it.
 *
 * @param key  as mpijob_digest_text has it; fewer digits, if only one key begins so
 * @return MPIJOB_OK; MPIJOB_ENOTFOUND; MPIJOB_EINVAL: no key, or several begin so; MPIJOB_EOS; MPIJOB_ENOMEM.
 */
MPIJOB_API int mpijob_store_show(mpijob_store *store, const char *key, mpijob_stored_fn *each, void *payload,
                                 mpijob_error *err);

/**
 * Reads a result: the elements' type is that of the function's description (structs packed).
 *
 * @param result  set on success; release it with mpijob_array_free
 * @param entry   its `function`, `key`, `check` and `version` count
 * @return MPIJOB_OK; MPIJOB_ENOTFOUND: it is gone, or damaged, or its description is; MPIJOB_ENOMEM.
 */
MPIJOB_API int mpijob_store_get(mpijob_array *result, mpijob_store *store, const mpijob_stored *entry,
                                mpijob_error *err);

/* ---- Statistics ------------------------------------------------------------------------------------------------ */

/** What a location, or a function, holds. */
typedef struct mpijob_store_stats {
    uint64_t functions;
    uint64_t entries;       /**< results */
    uint64_t large;         /**< of these, those with a file of their own */
    uint64_t dead;          /**< entries that nothing finds any more: cleared, or stored again */
    uint64_t bytes;         /**< of all files, those in the trash included */
    uint64_t trash_bytes;   /**< of these, what waits to be freed */
    uint64_t files;
    uint64_t folders;
    uint64_t segments;
    uint64_t hits;          /**< that closed programs recorded */
    double hit_rate;        /**< of these and of the results that are there; negative: nothing is known */
    double compute_s;       /**< that computing the results took */
    double saved_s;         /**< that the hits would have taken */
    uint64_t reserved[8];   /**< zero */
} mpijob_store_stats;

/** @param function  NULL: all of the location. MPIJOB_OK, MPIJOB_ENOTFOUND, MPIJOB_EOS, MPIJOB_ENOMEM. */
MPIJOB_API int mpijob_store_get_stats(mpijob_store_stats *stats, mpijob_store *store, const char *function,
                                      mpijob_error *err);

/* ---- Verifying ------------------------------------------------------------------------------------------------- */

/** What a verification came upon. */
typedef enum mpijob_finding_kind {
    MPIJOB_FINDING_DAMAGED = 1,    /**< not as it was written, or missing: a look-up computes again */
    MPIJOB_FINDING_UNFINISHED = 2, /**< a file ends in half an entry: its writer was killed there, or is just writing */
    MPIJOB_FINDING_ORPHAN = 3      /**< the file of a large result without an entry, which is just being written, or else
                                        compacting removes the file after two days */
} mpijob_finding_kind;

typedef struct mpijob_finding {
    int32_t kind;          /**< a mpijob_finding_kind */
    int32_t has_key;       /**< 1: `key` is that of the result which is lost by it */
    mpijob_digest key;
    const char *function;  /**< its name */
    const char *file;      /**< path */
    uint64_t offset;       /**< in it; 0 also for the file as a whole */
    const char *reason;
    uint64_t reserved[4];
} mpijob_finding;

/** Told of each finding. */
typedef void mpijob_finding_fn(const mpijob_finding *finding, void *payload);

typedef struct mpijob_store_verified {
    uint64_t functions, segments, entries, large; /**< that were read; large: files of large results */
    uint64_t bytes;                               /**< likewise */
    uint64_t damaged, unfinished, orphans;        /**< findings */
    uint64_t reserved[4];
} mpijob_store_verified;

/**
 * Reads everything and checks all checksums: segments, indexes, entries, values and files of large results, records of
 * use, descriptions. Changes nothing.
 *
 * @param verified  filled also when MPIJOB_ECORRUPT is returned
 * @param each      may be NULL
 * @param progress  bytes read so far of about so many; may be NULL
 *
 * @return MPIJOB_OK; MPIJOB_ECORRUPT: something is damaged; MPIJOB_ECANCELED (by progress); MPIJOB_EOS; MPIJOB_ENOMEM.
 */
MPIJOB_API int mpijob_store_verify(mpijob_store_verified *verified, mpijob_store *store, mpijob_finding_fn *each,
                                   void *payload, mpijob_bytes_fn *progress, void *progress_payload,
                                   mpijob_error *err);

/* ---- Changing -------------------------------------------------------------------------------------------------- */

/** What a compaction did. */
typedef struct mpijob_store_compacted {
    uint64_t segments_before; /**< that were merged ... */
    uint64_t segments_after;  /**< ... into so many */
    uint64_t entries;         /**< that were copied */
    uint64_t damaged;         /**< that were damaged, and left out */
    mpijob_removed removed;
    uint64_t reserved[4];     /**< zero */
} mpijob_store_compacted;

/**
 * Merges segments, without entries that nothing finds any more; seals those of programs that were killed; removes files
 * without a use, and what has waited long enough in the trash. Files that a living program writes to are left alone.
 *
 * @param now  1: the merged files are removed at once (see mpijob_function_clear)
 * @return MPIJOB_OK; MPIJOB_ECANCELED: another process is at it; MPIJOB_EOS; MPIJOB_ENOMEM.
 */
MPIJOB_API int mpijob_store_compact(mpijob_store_compacted *compacted, mpijob_store *store, int now, mpijob_error *err);

/** What a merging did. */
typedef struct mpijob_store_merged {
    uint64_t entries;     /**< that were added */
    uint64_t large;       /**< of these, those with a file of their own */
    uint64_t known;       /**< that were there already */
    uint64_t damaged;     /**< that were damaged where they came from, and left out */
    uint64_t bytes;       /**< that were added */
    uint64_t reserved[4]; /**< zero */
} mpijob_store_merged;

/**
 * Adds the results of another location that are missing here, with their descriptions; the other one is only read.
 *
 * @param merged  filled on failure too; may be NULL
 * @param from    a location
 * @return MPIJOB_OK; as mpijob_store_open for `from`; MPIJOB_EINVAL: it is the same; MPIJOB_EOS; MPIJOB_ENOMEM. What
 * was added until then stays.
 */
MPIJOB_API int mpijob_store_merge(mpijob_store_merged *merged, mpijob_store *store, const char *from,
                                  mpijob_error *err);

/** Removes all results of a function's name, or, with NULL, of all, as mpijob_function_clear. `now`: what was removed
 * before is freed too. MPIJOB_ENOTFOUND: there is no function of this name. */
MPIJOB_API int mpijob_store_clear(mpijob_store *store, const char *function, int now, mpijob_removed *removed,
                                  mpijob_error *err);

/** Removes one result, as mpijob_function_clear_call: `function`, `key`, `check` and `version` of the entry count.
 * MPIJOB_OK, also when it is gone; MPIJOB_EINVAL, MPIJOB_EOS, MPIJOB_ENOMEM. */
MPIJOB_API int mpijob_store_clear_entry(mpijob_store *store, const mpijob_stored *entry, mpijob_removed *removed,
                                        mpijob_error *err);

/** As mpijob_memory_reduce_size. */
MPIJOB_API int mpijob_store_reduce(mpijob_store *store, const mpijob_reduce_options *options, mpijob_removed *removed,
                                   mpijob_error *err);

/* ---- Why a call is computed ------------------------------------------------------------------------------------ */

/** Why a call finds no result. */
typedef enum mpijob_why {
    MPIJOB_WHY_STORED = 0,  /**< it finds one */
    MPIJOB_WHY_NEVER = 1,   /**< none was ever stored, or so long ago that no trace is left */
    MPIJOB_WHY_VERSION = 2, /**< one of another version of the function is there */
    MPIJOB_WHY_EXPIRED = 3, /**< it is older than `expires_after_s` */
    MPIJOB_WHY_CLEARED = 4, /**< it was cleared by a call */
    MPIJOB_WHY_TRIMMED = 5, /**< it was trimmed, or cleared with all of its function, a short while ago */
    MPIJOB_WHY_DAMAGED = 6  /**< it is damaged, or its file is gone */
} mpijob_why;

/** What is asked. NULL or all zero: the newest version, no shared inputs, never expired. */
typedef struct mpijob_why_options {
    uint64_t version;            /**< of the function; 0: the one that stored last */
    double expires_after_s;      /**< as in mpijob_cache_options */
    const mpijob_digest *shared; /**< of a call in a run: the digests of its shared inputs, in their order */
    size_t shared_count;
    uint64_t reserved[4];        /**< zero, else MPIJOB_EINVAL */
} mpijob_why_options;

#define MPIJOB_WHY_TEXT_BYTES 1024

/** The answer. */
typedef struct mpijob_answer {
    int32_t why;            /**< a mpijob_why */
    int32_t reserved_int;
    mpijob_digest key;      /**< of the call */
    uint64_t version;       /**< that was looked for */
    uint64_t other_version; /**< that has a result; 0: none */
    double age_s;           /**< of the result; negative: there is none */
    char text[MPIJOB_WHY_TEXT_BYTES]; /**< for people: a few lines */
    uint64_t reserved[4];
} mpijob_answer;

/**
 * Says why a call is computed, or that it is not.
 *
 * @param function   its name
 * @param args_json  its arguments as they are listed; ignored fields may be missing. Of a function without arguments
 *                   the job's index
 *
 * @return MPIJOB_OK; MPIJOB_ENOTFOUND: the location knows no function of this name, or not this version;
 * MPIJOB_EINVAL: these cannot be arguments of it; MPIJOB_ECORRUPT: its description; MPIJOB_EOS; MPIJOB_ENOMEM.
 */
MPIJOB_API int mpijob_store_why(mpijob_answer *answer, mpijob_store *store, const char *function,
                                const char *args_json, const mpijob_why_options *options, mpijob_error *err);

#ifdef __cplusplus
}
#endif

#endif
