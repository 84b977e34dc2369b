/* What the files behind store.h share. */
#ifndef MPJ_MEMORY_SHELF_H
#define MPJ_MEMORY_SHELF_H

#include "memory/ahead.h"
#include "memory/appender.h"
#include "memory/descriptors.h"
#include "memory/escape.h"
#include "memory/index.h"
#include "memory/refresh.h"
#include "memory/slots.h"
#include "memory/store.h"

#include <stdatomic.h>

/* One segment as this process knows it. Its number is its place in shelf->segments, for ever. */
typedef struct mpj_known {
    char writer[MPJ_WRITER_BYTES];
    uint64_t id;     /* valid once its header was read (started) */
    uint64_t good;   /* entries before this are in the slots or the index */
    uint64_t bytes;  /* of the file, when last looked at */
    uint64_t slots;  /* how many of its entries are in the slots */
    mpj_index index; /* zero: its entries are all in the slots */
    int fd, index_fd;
    int hopeless;    /* looks at the same bad tail */
    double grown;    /* when it last grew, or was first seen */
    bool started;    /* its header was read */
    bool index_seen; /* its index was read, or is no use */
    bool sealed;     /* will not grow: it ends where its index says */
    bool own;        /* being written by this process */
    bool gone;       /* file removed: nothing of it is found any more */
    bool seen;       /* in the listing at hand */
    uint32_t number; /* its place in shelf->known */
} mpj_known;

typedef struct mpj_found {
    uint32_t segment;
    uint64_t offset, total_bytes;
    int64_t time_ns;
} mpj_found;

/* What is known of a version, until it is published. */
typedef struct mpj_version {
    uint64_t version;
    char *json, *code; /* NULL once published; code also: there is none */
    size_t code_bytes;
    bool published;
} mpj_version;

typedef struct mpj_use_table {
    mpj_use_record *records; /* a power of two; hour 0: empty */
    size_t capacity, used;
    uint64_t hits;
    double saved_s;
} mpj_use_table;

struct mpj_shelf {
    mpj_store *store;
    mpj_shelf *next;
    char *name;
    char path[MPJ_PATH_BYTES];          /* <location>/mpijob/<function> */
    char segments[MPJ_PATH_BYTES];      /* ... /segments */
    char below[MPJ_ESCAPED_BYTES + 32]; /* "mpijob/<function>/segments", to walk from the location */
    size_t below_function;              /* length of "mpijob/<function>" in it */
    uint64_t checksum;                  /* of the name */
    int folder;                         /* segments; -1: there is none yet */

    mpj_known **known;
    size_t known_count, known_capacity;
    mpj_known **sorted; /* the same, by writer */
    size_t sorted_capacity;
    mpj_slots slots, bad; /* bad: offsets of damaged entries */
    uint64_t stale_slots; /* slots of segments that are gone or have an index by now */
    size_t held_bytes;    /* of records of indexes that may be in memory */
    uint32_t *indexed;    /* numbers of the segments with an index */
    size_t indexed_count, indexed_capacity;
    size_t reopened; /* where the turn of reopening is */

    mpj_appender own;
    mpj_known *writing; /* its segment; NULL: none begun */
    double pending_due; /* when the batch has to be written; INFINITY: nothing is pending */
    mpj_refresh refresh;

    mpj_ahead ahead;      /* entries that are about to be looked up */
    mpj_room room, plain; /* an entry, and its payload decompressed */
    mpj_room packed;      /* a payload, compressed */
    mpj_found *found;     /* candidates */
    size_t found_count, found_capacity;
    bool met; /* there was something with the first bytes of the key */
    mpj_news *news; /* who listens */
    mpj_version *versions;
    size_t version_count, version_capacity;
    mpj_use_table use;
};

struct mpj_store {
    char location[MPJ_PATH_BYTES]; /* absolute */
    char root[MPJ_PATH_BYTES];
    mpj_store_options options;
    mpj_rights rights;
    pid_t pid;
    bool no_writing; /* it failed, and was warned about */
    bool warned_reading;
    int warned_errno; /* of what was warned about; 0: nothing yet */
    bool prepared;    /* format.json is there */
    atomic_bool local; /* the file system is this host's alone, as far as a folder of it was open; any thread's */
    double restarted; /* when a segment was begun anew after an error; 0: never */
    double due;       /* the first of the shelves' */
    mpj_descriptors descriptors;
    mpj_store_counts counts;
    mpj_shelf *shelves;
};

/* ---- store.c ----------------------------------------------------------------------------------------------------- */

void mpj_store_warn(const mpj_store *store, const char *format, ...) MPIJOB_PRINTF(2, 3);
/* Nothing more is stored; warns, once. Returns MPIJOB_EOS. */
int mpj_store_give_up(mpj_store *store, const mpijob_error *why);
/* The same, but too many open files are a passing trouble: this result is not stored, and it is told once. */
int mpj_store_cannot_write(mpj_store *store, const mpijob_error *why);
/* Reading failed for a reason other than that something is not there: warns, once. */
void mpj_store_cannot_read(mpj_store *store, const mpijob_error *why);
static inline bool mpj_store_writes(const mpj_store *store)
{
    return !store->no_writing && !store->options.read_only;
}

/* ---- location.c: format.json and CACHEDIR.TAG -------------------------------------------------------------------- */

int mpj_location_check(mpj_store *store, mpijob_error *err);
int mpj_location_prepare(mpj_store *store, mpijob_error *err);
/* Where there is a location whose format.json was damaged, or missing. */
int mpj_location_mend(mpj_store *store);
/* Notes what kind of file system a folder of it is on. */
void mpj_location_is_on(mpj_store *store, int folder);

/* ---- shelf.c: segments and their descriptors --------------------------------------------------------------------- */

void mpj_shelf_close(mpj_shelf *shelf);
/* NULL: no memory. */
mpj_known *mpj_shelf_add_known(mpj_shelf *shelf, const char *writer);
/* The descriptor of its file, opened if need be; -1: it cannot be (gone, or warned about). */
int mpj_shelf_segment_fd(mpj_shelf *shelf, mpj_known *known);
int mpj_shelf_index_fd(mpj_shelf *shelf, mpj_known *known);
/* Opens a file of the folder and holds it; closes others where there are too many. */
int mpj_shelf_open_file(mpj_shelf *shelf, int *fd, const char *writer, const char *suffix, uint64_t *bytes,
                        mpijob_error *err);
void mpj_shelf_lose(mpj_shelf *shelf, mpj_known *known); /* its file is gone */
/* Room for one slot more: 0 or -1. */
int mpj_shelf_reserve_slot(mpj_shelf *shelf);
/* An entry of another process is known. */
void mpj_shelf_tell(mpj_shelf *shelf, const mpijob_digest *key);
int mpj_shelf_add_slot(mpj_shelf *shelf, mpj_known *known, const mpijob_digest *key, uint64_t offset,
                       uint64_t total_bytes); /* 0, or -1: no memory */
bool mpj_shelf_slot_counts(const mpj_shelf *shelf, const mpj_slot *slot);

/* ---- shelfscan.c: what segments hold ----------------------------------------------------------------------------- */

/* Lists the folder; segments and indexes that are new are read, those that are gone are forgotten. */
int mpj_shelf_list(mpj_shelf *shelf, mpijob_error *err);
/* Reads on from the last good offset. */
void mpj_shelf_scan(mpj_shelf *shelf, mpj_known *known);
/* Its index, from now on instead of slots. */
bool mpj_shelf_adopt_index(mpj_shelf *shelf, mpj_known *known);

/* ---- shelfwrite.c: the own segment ------------------------------------------------------------------------------- */

/* Writes the batch. On an error what is kept goes into a new segment, once. MPIJOB_OK or MPIJOB_EOS (given up). */
int mpj_shelf_write(mpj_shelf *shelf);
int mpj_shelf_sync(mpj_shelf *shelf);
/* What others have sealed, or removed, is not written to any more. */
void mpj_shelf_leave_sealed(mpj_shelf *shelf);
/* Whether another try may succeed: there were too many open files, and some of them were the store's. */
bool mpj_shelf_make_room(mpj_shelf *shelf, const mpijob_error *why);
/* The same for an error that the caller met: *why is filled again if that fails too. */
int mpj_shelf_elsewhere(mpj_shelf *shelf, mpijob_error *why);
void mpj_shelf_seal(mpj_shelf *shelf);
/* The own segment is ready for another entry: of this process, still there, not too long. Whether it is, and making it
 * so. */
bool mpj_shelf_is_ready(const mpj_shelf *shelf);
int mpj_shelf_ready(mpj_shelf *shelf, mpijob_error *err);
/* Begins another segment with the entries from this offset on, which are in memory. */
int mpj_shelf_restart(mpj_shelf *shelf, uint64_t from, mpijob_error *err);
void mpj_shelf_set_due(mpj_shelf *shelf);
/* Nothing of the own segment is written or sealed any more by this process. */
void mpj_shelf_abandon(mpj_shelf *shelf);

/* ---- large.c --------------------------------------------------------------------------------------------------------
 */

/* Can it be the name of a large result's file, below large/? */
bool mpj_large_is_name(const char *file);
/* The file that an entry names was made by the layer above: it gets the location's rights. */
void mpj_large_give_rights(mpj_shelf *shelf, const void *file, size_t file_bytes);

/* ---- versions.c, use.c ------------------------------------------------------------------------------------------- */

int mpj_versions_publish(mpj_shelf *shelf, uint64_t version, mpijob_error *err);
/* Nothing is left to publish of it. */
bool mpj_versions_is_published(const mpj_shelf *shelf, uint64_t version);
/* Publishes a version in place of one that is damaged, which goes to the trash, or of none. */
int mpj_versions_replace(mpj_shelf *shelf, uint64_t version, const char *func_json, const char *func_code,
                         size_t func_code_bytes, mpijob_error *err);
void mpj_versions_free(mpj_shelf *shelf);
void mpj_use_write(mpj_shelf *shelf);
/* The later of the two hours of this name counts. 0, or -1: no memory. */
int mpj_use_add(mpj_use_table *use, const mpj_use_record *record);
/* The place of this key will be needed soon. */
void mpj_use_expect(const mpj_use_table *use, const mpijob_digest *key);
/* NULL: there is none of this name. */
const mpj_use_record *mpj_use_find(const mpj_use_table *use, const mpj_name *name);
/* A new file of them in an open folder. */
int mpj_use_publish(const mpj_use_table *use, int folder, const char *path, const mpj_rights *rights,
                    mpijob_error *err);

#endif
