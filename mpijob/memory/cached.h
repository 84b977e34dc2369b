/* Cached functions: what calls (call.c) and runs (mpi/) do with one. Page: doc/memory.md. */
#ifndef MPJ_MEMORY_CACHED_H
#define MPJ_MEMORY_CACHED_H

#include "memory/key.h"

#include <mpijob/memory.h>
#include <stdatomic.h>
#include <stdbool.h>

/* ---- Any thread ------------------------------------------------------------------------------------------------- */

/* Whether results are kept: there is a location. */
bool mpj_cached_keeps(const mpijob_cached *cached);
const mpj_signature *mpj_cached_signature(const mpijob_cached *cached);
mpijob_memory *mpj_cached_memory(const mpijob_cached *cached);
/* From how many bytes on a result gets a file of its own. */
size_t mpj_cached_large_bytes(const mpijob_cached *cached);
/* Whether files of the location are this host's alone, as far as that is known. */
bool mpj_cached_is_local(const mpijob_cached *cached);
/* Of this name, cached in the location, with a signature of this version; NULL: none. */
const mpijob_cached *mpj_memory_find_cached(mpijob_memory *memory, const char *name, uint64_t version);

/* What the layer of runs keeps with a location; close is called with it when the location is closed, before it is, and
 * finish, without the lock, to have stored what was given to its threads. */
void **mpj_memory_runs(mpijob_memory *memory, void (*close)(void *kept), void (*finish)(void *kept));
/* Has that done. */
void mpj_memory_finish_runs(mpijob_memory *memory);

/* Everything below is called with this lock held, but for what says otherwise. */
void mpj_cached_lock(const mpijob_cached *cached);
void mpj_cached_unlock(const mpijob_cached *cached);

/* ---- Looking up ------------------------------------------------------------------------------------------------- */

/* A result that is there and may be used. Plain data: it outlives the lock, but for the payload. */
typedef struct mpj_hit {
    mpj_name name;
    bool large;
    const unsigned char *payload; /* not large: packed elements; until the next call that looks up or stores */
    size_t payload_bytes;
    uint64_t bytes; /* of the result in memory */
    int ndim;
    size_t shape[MPIJOB_MAX_DIMS];
    char file[MPJ_LARGE_FILE_BYTES]; /* large: below large/; else "" */
    bool summed;                     /* large: its checksum is known ... */
    uint64_t sum;
    double compute_s;
    int64_t time_ns;
    bool has_others; /* none: something may be there that cannot be used, of another version perhaps */
} mpj_hit;

/* 1 and *hit; 0: none that may be used: not there, expired, refused by the validity callback, or not of this function's
 * shape. quiet: nothing is counted, no use noted. */
int mpj_cached_find(const mpijob_cached *cached, const mpj_name *name, mpj_hit *hit, bool quiet);

/* After a miss: looks what others stored, if it pays; whether it looked. */
bool mpj_cached_refresh(const mpijob_cached *cached);

/* How long it took in another version, or when it was computed last; negative: not known. */
double mpj_cached_recorded(const mpijob_cached *cached, const mpj_name *name);

/* The result's elements to memory of hit->bytes bytes. Of a large one without the lock; *beats (may be NULL) grows while
 * it is read. MPIJOB_ECORRUPT,
 * MPIJOB_ENOTFOUND and whatever else its file may say: a miss, to be told by mpj_cached_lost. */
int mpj_cached_read(const mpijob_cached *cached, const mpj_hit *hit, void *to, atomic_ullong *beats, mpijob_error *err);

/* The same as an array of its own, or mapped as the function's options say. */
int mpj_cached_load(const mpijob_cached *cached, const mpj_hit *hit, mpijob_array *array, mpijob_error *err);

/* A hit whose file turned out to be damaged or gone: it counts as a miss from now on (until it is stored again). */
void mpj_cached_lost(const mpijob_cached *cached, const mpj_hit *hit, const mpijob_error *why);

void mpj_cached_refer(const mpijob_cached *cached, const mpj_hit *hit, mpijob_reference *reference);

/* ---- Storing ---------------------------------------------------------------------------------------------------- */

/* For storing several: looking at the clocks for each would cost as much as the rest. */
typedef struct mpj_moment {
    double now;      /* mpj_now() */
    int64_t wall_ns; /* since 1970 */
} mpj_moment;
mpj_moment mpj_this_moment(void);

/* A computed result. */
typedef struct mpj_made {
    const mpj_name *name;
    const void *args;   /* for people; the struct that the name is of, NULL without */
    uint64_t index;     /* likewise, without arguments */
    const void *result; /* its elements, C order; of one with its own file NULL */
    size_t bytes;
    const void *meta;  /* its shape, made by mpj_cached_shape_of or mpj_cached_dump ... */
    size_t meta_bytes; /* ... 0: as the function says, else of one dimension */
    const char *file;  /* its own file; NULL: none */
    double compute_s;
    const mpj_moment *at;   /* when it is stored; NULL: now */
    atomic_ullong *written; /* mpj_cached_dump: grows while something is written; NULL: nobody wants to know */
} mpj_made;

/* A shape as it travels and is stored: the bytes used of `meta`. ndim: -1: as the function says, else one dimension of
 * `bytes`. Any thread. */
#define MPJ_META_BYTES (24 + 8 * MPIJOB_MAX_DIMS)
size_t mpj_cached_shape_of(const mpijob_cached *cached, unsigned char meta[MPJ_META_BYTES], int ndim,
                           const size_t *shape, size_t bytes);

/* Gives a result of large_bytes or more its own file: dumps it below large/. Without the lock; by any rank. file: its
 * name, for mpj_made, and *meta: made->meta with its checksum and the bytes of its file behind it. An error: it is
 * not there, and the store has said so once. */
int mpj_cached_dump(const mpijob_cached *cached, const mpj_made *made, char file[MPJ_LARGE_FILE_BYTES],
                    unsigned char meta[MPJ_META_BYTES], size_t *meta_bytes, mpijob_error *err);

/* Stores it. Failing is counted, warned about once by the store, and no failure of the call: *hit says how it is found
 * (hit may be NULL). 1: stored; 0: not. */
int mpj_cached_store(const mpijob_cached *cached, const mpj_made *made, mpj_hit *hit);

/* Counts a result that was computed, for the refresh rule and the statistics. Any thread, with the lock or without. */
void mpj_cached_computed(const mpijob_cached *cached, double compute_s);

/* ---- Calls inside jobs of a run ---------------------------------------------------------------------------------- */

typedef enum mpj_dumped {
    MPJ_NOT_DUMPED, /* nor will it be */
    MPJ_DUMPED,
    MPJ_DUMPED_LATER /* and stored then */
} mpj_dumped;

/* What the run that a job is in does for cached calls inside it (data/job.h); the first member of what the layer of
 * runs has. Called by the job's thread, without the lock. */
typedef struct mpj_job_run {
    /* 1 and *hit (payload: until the thread's next call), 0: compute; -1: the run does not know this function: look
     * it up and store it as outside of runs. */
    int (*find)(struct mpj_job_run *run, const mpijob_cached *cached, const mpj_name *name, mpj_hit *hit, bool quiet);
    /* Takes a result, which it copies. 1: it will be stored if the location allows; 0: store it yourself. */
    int (*store)(struct mpj_job_run *run, const mpijob_cached *cached, const mpj_made *made);
    /* As mpj_cached_dump, but does not wait for files that do not answer. */
    mpj_dumped (*dump)(const mpijob_cached *cached, const mpj_made *made, char file[MPJ_LARGE_FILE_BYTES],
                       unsigned char meta[MPJ_META_BYTES], size_t *meta_bytes);
} mpj_job_run;

/* The seed of a cached function's job: made from the key. */
static inline uint64_t mpj_cached_seed(const mpj_name *name)
{
    uint64_t seed = 0;
    for (int i = 7; i >= 0; i--)
        seed = seed << 8 | name->key.bytes[i];
    return seed;
}

/* ---- What is said ----------------------------------------------------------------------------------------------- */

/* joblib's messages, where the function's verbose wants them. args: the struct, NULL: `index`. */
int mpj_cached_verbose(const mpijob_cached *cached);
void mpj_say_querying(const mpijob_cached *cached, const mpj_name *name, const void *args, uint64_t index);
void mpj_say_computing(const mpijob_cached *cached, const mpj_name *name, const void *args, uint64_t index);
void mpj_say_computed(const mpijob_cached *cached, const mpj_name *name, double seconds);
void mpj_say_loading(const mpijob_cached *cached, const mpj_name *name, const void *args, uint64_t index, bool shelved);
void mpj_say_loaded(const mpijob_cached *cached, double seconds);
void mpj_say_changed(const mpijob_cached *cached);
void mpj_say_clearing(const mpijob_cached *cached);
void mpj_say_flushing(const mpijob_memory *memory);
/* function: its folder below the location. */
void mpj_say_deleting(const mpj_store *store, const char *function, const mpj_name *name, uint64_t bytes,
                      int64_t used_ns);

#endif
