/* What the files of Memory share: a location and its cached functions. */
#ifndef MPJ_MEMORY_MEMORY_H
#define MPJ_MEMORY_MEMORY_H

#include "memory/cached.h"
#include "memory/store.h"

#include <pthread.h>
#include <time.h>

/* value.c: results as they are stored. The result type packed, in the order of bytes of segments (little). */
/* sum: of one with a file of its own, as are file_bytes; NULL: none. */
size_t mpj_meta_put(unsigned char meta[MPJ_META_BYTES], int ndim, const size_t *shape, const uint64_t *sum,
                    uint64_t file_bytes);
uint64_t mpj_meta_file_bytes(const unsigned char *meta, size_t bytes); /* of what mpj_meta_get takes */
/* 0, or -1: no shape. *summed: whether there is a checksum. */
int mpj_meta_get(const unsigned char *meta, size_t bytes, int *ndim, size_t shape[MPIJOB_MAX_DIMS], bool *summed,
                 uint64_t *sum);
/* How elements of a type become stored ones, and back. */
typedef struct mpj_packing {
    bool plain;                 /* they are stored as they are in memory */
    size_t bytes, packed_bytes; /* of an element */
    mpj_dtype dtype;            /* of the stored ones */
    mpj_convert pack, unpack;
} mpj_packing;
/* MPIJOB_ENOMEM, MPIJOB_EINVAL, MPIJOB_EUNSUPPORTED (strings, pointers). On failure there is nothing to dispose of. */
int mpj_packing_init(mpj_packing *packing, const mpijob_type *type, mpijob_error *err);
void mpj_packing_dispose(mpj_packing *packing);
void mpj_pack(const mpj_packing *packing, void *to, const void *elements, size_t n);
void mpj_unpack(const mpj_packing *packing, void *elements, const void *packed, size_t n);

/* ticker.c: a thread that writes, in time, what is not written yet, while nobody calls. */
typedef struct mpj_ticker {
    pthread_t thread;
    pthread_cond_t wake;
    pid_t pid; /* of the process that started it; 0: not started */
    bool stop, idle, failed;
    double until; /* when it wakes by itself, while it sleeps */
} mpj_ticker;
/* After something was stored; with the memory's lock. */
void mpj_ticker_wake(mpijob_memory *memory);
void mpj_ticker_stop(mpijob_memory *memory);

struct mpijob_memory {
    char *location;                /* as given; NULL: no Memory */
    mpijob_memory_options options; /* with the defaults filled in; its texts are own copies */
    int codec;                     /* mpj_codec */
    mpj_store *store;              /* NULL: no Memory */
    pthread_mutex_t lock;          /* the store, the functions and the counts */
    mpijob_cached *functions;      /* also those that are only described: see shelve.c */
    pthread_mutex_t brief_lock;    /* that list, and the counts of what was computed: never held for long */
    mpj_ticker ticker;
    mpijob_memory *next_opened;    /* opened.c's */
    mpijob_memory_stats stats;     /* without what the store counts */
    bool told_mapping;             /* that r+ and w+ are c */
    bool told_dump;                /* that a large result could not be stored */
    bool told_damage;              /* that a stored result could not be read */
    double limits_left, limits_at; /* trim.c: until the automatic limits are looked at; when they were */
    void *runs;                    /* of the layer of runs */
    void (*close_runs)(void *kept);
    void (*finish_runs)(void *kept);
};

struct mpijob_cached {
    mpijob_cached *next;
    mpijob_memory *memory;
    mpijob_function function; /* the plain one */
    mpj_signature signature;
    mpj_packing packing;
    mpj_shelf *shelf;             /* NULL: no Memory */
    mpijob_cache_options options; /* with the location's where the caller gave none */
    const char *mmap_mode;        /* NULL, "r" or "c" */
    double since;                 /* mpj_now() */
    double computed_s;            /* in all ... */
    uint64_t computed;            /* ... of so many */
    mpj_name lost[8];             /* names whose files are damaged, until stored again; in turn */
    unsigned lost_count;
    bool described; /* its version is given to the store */
    bool found;     /* some of its results were */
    bool told_slow; /* that describing arguments took long */
};

/* memory.c */
/* As mpijob_memory_open, but for the environment's say. location: NULL: no Memory. */
int mpj_memory_open(mpijob_memory **memory, const char *location, const mpijob_memory_options *options,
                    mpijob_error *err);
int mpj_check_mmap_mode(const char *mode, mpijob_error *err); /* MPIJOB_OK or MPIJOB_EINVAL */
void mpj_memory_warn(const mpijob_memory *memory, const char *format, ...) MPIJOB_PRINTF(2, 3);

/* compute.c: room for an array's elements, C order; to be freed by mpijob_array_free. */
int mpj_array_own(mpijob_array *array, const mpijob_type *type, int ndim, const size_t *shape, mpijob_error *err);

/* The same for a function's result of fixed size. */
int mpj_array_for(mpijob_array *array, const mpijob_function *function, mpijob_error *err);

/* Computes and stores; `into`: of results of fixed size, or NULL. value: the result's own memory where `into` is
 * NULL, else untouched. hit: how it is found, where *stored. */
typedef struct mpj_computing {
    const mpijob_function *function;
    const void *args;
    mpijob_job *job; /* the calling one, or NULL */
    void *into;
    mpijob_array value;
    bool stored;
    mpj_hit hit;
} mpj_computing;
int mpj_compute(mpj_computing *computing, const mpj_name *name, mpijob_error *err);

/* The name of a call, checked. */
int mpj_name_call(mpj_name *name, const mpijob_function *function, const void *args, mpijob_job *job,
                  mpijob_error *err);
/* The function itself; or a copy in *plain that is not cached, where no key would cover the job's shared inputs: Memory
 * was not open when its run began. */
const mpijob_function *mpj_keyed(const mpijob_function *function, const mpijob_job *job, mpijob_function *plain);
/* 1 and *hit; 0. *locked: the lock is held then, as it is not where the job's run knew the answer. */
int mpj_look(const mpijob_cached *cached, const mpj_name *name, mpijob_job *job, mpj_hit *hit, bool quiet, bool *locked);

/* What changes with use, behind a function object that the caller may copy. */
static inline mpijob_cached *mpj_cached_mutable(const mpijob_cached *cached)
{
    return (mpijob_cached *)cached;
}

/* Nanoseconds since 1970. */
static inline int64_t mpj_wall_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* shelve.c: MPIJOB_EINVAL: it is none. */
int mpj_reference_check(const mpijob_reference *reference, const mpijob_memory *memory, mpijob_error *err);

/* clearcall.c: what was stored of this name until then is not found any more; written at once. */
int mpj_shelf_bury(mpj_shelf *shelf, const mpj_name *name, int64_t after_ns, mpijob_error *err);

/* cachedfind.c: it is stored anew. */
void mpj_cached_found_again(mpijob_cached *cached, const mpj_name *name);

/* cached.c */
void mpj_cached_list(mpijob_memory *memory, mpijob_cached *cached);
/* Takes the first cached function off the list and releases it. */
void mpj_cached_free_first(mpijob_memory *memory);

/* The arguments for people, to be freed with mpj_free; NULL: no memory. */
char *mpj_cached_args_json(const mpijob_cached *cached, const void *args, uint64_t index);

/* shelve.c: the function as it was when the result that is referred to was stored (its name and version count). With
 * the lock. MPIJOB_ENOTFOUND, MPIJOB_ENOMEM. */
int mpj_cached_describe(mpijob_cached **found, mpijob_memory *memory, const mpijob_reference *reference,
                        mpijob_error *err);

/* clear.c: all results of a function. With the lock. */
int mpj_clear_shelf(const mpj_store *store, mpj_shelf *shelf, int now, mpijob_removed *removed, mpijob_error *err);

/* cached.c: when the location is closed: the description of a version whose results were found or stored is made good
 * if it is damaged. */
void mpj_cached_mend(mpijob_cached *cached);

/* changed.c: before the first result of a version is stored by this process. */
void mpj_tell_changed(const mpijob_cached *cached);

/* shelve.c: the reference holds the result itself, an array of this process that is its own from here on. name: NULL:
 * the function is not cached. */
void mpj_reference_hold(mpijob_reference *reference, const mpijob_function *function, const mpj_name *name,
                        mpijob_array *array);

/* trim.c: after a result of so many bytes was stored; with the lock. Now and then it looks whether the location's
 * limits hold. */
void mpj_memory_limits(mpijob_memory *memory, uint64_t stored_bytes);
/* When the location is closed: a look that was put off takes place. */
void mpj_memory_limits_at_end(mpijob_memory *memory);

#endif
