/* The memo store: a location with one folder a function ("shelf"), entries in segments, large results in files of their
 * own. Bytes in, bytes out: it knows nothing of functions, types or calls. Page: doc/store.md.
 *
 * One thread at a time uses a store and its shelves (the layer above has the mutex, or the one store thread of a run).
 * No call fails for what is wrong with the location: damage, foreign bytes and missing files are misses; a location that
 * cannot be written to is warned about once, and then not written to. */
#ifndef MPJ_MEMORY_STORE_H
#define MPJ_MEMORY_STORE_H

#include <mpijob/error.h>
#include <mpijob/hash.h>
#include <mpijob/log.h>
#include <mpijob/memory.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

typedef struct mpj_store mpj_store;
typedef struct mpj_shelf mpj_shelf;

typedef struct mpj_store_options {
    int durability;    /* mpijob_durability */
    mode_t umask;      /* bits that are not given */
    gid_t group;       /* (gid_t)-1: the system's choice */
    bool read_only;    /* makes and changes nothing */
    mpijob_log_fn *log;
    void *log_payload;
} mpj_store_options;

/* Reads format.json; makes nothing before something is stored. MPIJOB_ENOMEM, MPIJOB_EVERSION (by a later version). */
int mpj_store_open(mpj_store **store, const char *location, const mpj_store_options *options, mpijob_error *err);
/* Flushes, seals the own segments, writes the records of use. */
void mpj_store_close(mpj_store *store);
/* Trouble with files other than what was told last; it counts as told from now on. So the same trouble is told once,
 * whether it was met in reading or in writing, in segments or in files of their own. */
bool mpj_store_is_news(mpj_store *store, const mpijob_error *why);
const char *mpj_store_root(const mpj_store *store); /* <location>/mpijob */

/* ---- One function's folder ---- */

/* The shelf of a function, opened once and kept by the store: sealed indexes are read (head and fan-out), segments
 * without are scanned. name: the function's, unescaped. */
int mpj_shelf_open(mpj_shelf **shelf, mpj_store *store, const char *name, mpijob_error *err);
const char *mpj_shelf_path(const mpj_shelf *shelf);

/* What is said of a version of the function, published once as versions/<16 hex>/func.json and func_code.c (NULL: none),
 * with the first entry that is stored of it. */
int mpj_shelf_describe(mpj_shelf *shelf, uint64_t version, const char *func_json, const char *func_code,
                       size_t func_code_bytes, mpijob_error *err);

/* ---- Entries ---- */

/* A name for a result: equal only if both digests and the version are. `key` alone (name, arguments, shared inputs)
 * finds the entries of all versions. */
typedef struct mpj_name {
    mpijob_digest key;
    mpijob_digest check; /* XXH3-128 of the same bytes */
    uint64_t version;
} mpj_name;

/* The first bytes of a key as a number: keys in order have these in order. */
static inline uint64_t mpj_key_first(const mpijob_digest *key)
{
    uint64_t first = 0;
    for (int i = 0; i < 8; i++)
        first = first << 8 | key->bytes[i];
    return first;
}

typedef enum mpj_entry_kind {
    MPJ_ENTRY_VALUE = 1,    /* the payload is the result */
    MPJ_ENTRY_LARGE = 2,    /* the payload is the name of its file below large/ */
    MPJ_ENTRY_TOMBSTONE = 3 /* the result of this name was cleared */
} mpj_entry_kind;

/* What is stored. `shape`: of the result, in elements of type_bytes. */
typedef struct mpj_put {
    mpj_name name;
    int kind;
    const void *payload; /* raw */
    size_t bytes;
    size_t type_bytes;   /* of an element, for compression */
    int compress;        /* -1: never; 0: where it gains; 1..9: level */
    int codec;           /* mpj_codec */
    const char *json;    /* arguments for people; "" */
    size_t json_bytes;
    const void *meta;    /* for the layer above (the shape): comes back with the entry */
    size_t meta_bytes;   /* at most 512 */
    uint64_t large_bytes; /* MPJ_ENTRY_LARGE: on disk */
    double compute_s;
    int64_t time_ns;     /* since 1970 */
} mpj_put;

/* What is found. The pointers belong to the shelf, until the next call for it or its store; the payload is raw again. */
typedef struct mpj_entry {
    mpj_name name;
    int kind;
    const unsigned char *payload;
    size_t bytes;
    const char *json;
    size_t json_bytes;
    const unsigned char *meta;
    size_t meta_bytes;
    uint64_t stored_bytes; /* of the payload, or of the large file */
    uint64_t entry_bytes;  /* of all of it in its segment */
    double compute_s;
    int64_t time_ns;
    uint64_t segment;      /* id of its segment ... */
    uint64_t offset;       /* ... and where in it */
} mpj_entry;

/* The newest good entry of this name: 1 and *entry; 0: none (a tombstone is none). Looks in what is not written yet, the
 * sealed indexes and what has been scanned of the others; reads no folder. Damaged entries are passed over, counted, and
 * not read again. */
int mpj_shelf_find(mpj_shelf *shelf, const mpj_name *name, mpj_entry *entry);

/* Whether its files are this host's alone, as far as that is known. Any thread. */
bool mpj_shelf_is_local(const mpj_shelf *shelf);

/* A name that will be looked up or stored soon, after others: what is in memory of it need not be waited for then. */
void mpj_shelf_touch(const mpj_shelf *shelf, const mpijob_digest *key);
/* Look-ups of several names cost less if they are announced: first all of these, then mpj_shelf_read_ahead until it says
 * false, each a read of files at most, then the look-ups, then mpj_shelf_expect_nothing. */
void mpj_shelf_expect(mpj_shelf *shelf, const mpj_name *name);
bool mpj_shelf_read_ahead(mpj_shelf *shelf);
void mpj_shelf_expect_nothing(mpj_shelf *shelf);

/* The newest entry of this key, whatever its version, without its payload: 1 or 0. For recorded durations and for
 * explaining a miss. Tombstones too. */
int mpj_shelf_find_any(mpj_shelf *shelf, const mpijob_digest *key, mpj_entry *entry);

/* Whether the last search met anything that may be of its key, of whatever version. */
bool mpj_shelf_met(const mpj_shelf *shelf);

/* Adds an entry: into memory, and written when the batch is full (64 KiB), 0.2 s old (mpj_store_tick), or at once with
 * durability each or compute_s >= 0.2. Found at once by mpj_shelf_find. MPIJOB_OK; MPIJOB_EOS: nothing can be stored
 * any more (warned about once); MPIJOB_ENOMEM; MPIJOB_EINVAL: more than 2^32-1 bytes of payload. */
int mpj_shelf_put(mpj_shelf *shelf, const mpj_put *put, mpijob_error *err);

/* ---- Time ---- */

/* To be called now and then (each store or look-up by a busy process; a run's store thread): writes batches that are
 * 0.2 s old, forces to the server what the durability asks for. */
void mpj_store_tick(mpj_store *store, double now);
/* All of it, now; synced: on the disk. */
int mpj_store_flush(mpj_store *store, bool synced, mpijob_error *err);

/* After a miss of a function whose mean compute time is `compute_s` (INFINITY: unknown): looks what others stored, if the
 * rule of doc/store.md says that it pays. Returns 1: looked, so look up again; 0: not. */
int mpj_shelf_refresh(mpj_shelf *shelf, double now, double compute_s);
/* In any case. */
void mpj_shelf_refresh_now(mpj_shelf *shelf);

/* Keys of entries that other processes stored, as they come to be known: for who waits for results. Begins zeroed.
 * Guarded by what guards the shelf, as any of its calls may add to it; the keys are the owner's to take away, and to
 * free. Without memory some are left out. */
typedef struct mpj_news {
    mpijob_digest *keys;
    size_t count, capacity;
    struct mpj_news *next;
} mpj_news;
void mpj_shelf_listen(mpj_shelf *shelf, mpj_news *news);
void mpj_shelf_stop_listening(mpj_shelf *shelf, mpj_news *news);

/* ---- Large results ---- */

/* A path for a new large result of this name: large/<2 hex>/<key>-<8 hex><suffix>, with the folders made; the caller
 * dumps there (dump publishes by rename), then puts MPJ_ENTRY_LARGE with `file` as payload. */
#define MPJ_LARGE_FILE_BYTES 64
int mpj_shelf_large_name(mpj_shelf *shelf, const mpj_name *name, const char *suffix, char file[MPJ_LARGE_FILE_BYTES],
                         char path[4096], mpijob_error *err);
/* What was dumped there gets the location's rights. */
void mpj_shelf_large_made(const mpj_shelf *shelf, const char *path);
/* The path of one that an entry names; MPIJOB_ECORRUPT: a name that none can have (it could lead out of the location). */
int mpj_shelf_large_path(const mpj_shelf *shelf, const char *file, size_t file_bytes, char path[4096],
                         mpijob_error *err);

/* ---- Use and counts ---- */

/* An entry was used: for trimming; written when the store is closed. */
void mpj_shelf_used(mpj_shelf *shelf, const mpj_name *name, int64_t time_ns);
/* What computing it had taken. */
void mpj_shelf_saved(mpj_shelf *shelf, double compute_s);

typedef struct mpj_store_counts {
    uint64_t stored, stored_bytes, not_stored, damaged, refreshes;
    uint64_t segments_made, files_made;
    uint64_t disk_bytes; /* of all entries put: in their segments, in the indexes, and their files */
} mpj_store_counts;
void mpj_store_count(const mpj_store *store, mpj_store_counts *counts);

#endif
