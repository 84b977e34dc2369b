/* What a function's folder holds, read from its files alone: every segment, whole or damaged, sealed or not. For those
 * who look after a location; look-ups have their own way (shelf.h). Changes nothing. */
#ifndef MPJ_MEMORY_LIST_H
#define MPJ_MEMORY_LIST_H

#include "memory/segment.h"
#include "memory/shelf.h"

#define MPJ_FUNCTION_BYTES (MPJ_ESCAPED_BYTES + 8) /* "mpijob/<folder>" */

/* Where a segment is not as it was written. */
typedef enum mpj_flaw_kind {
    MPJ_FLAW_DAMAGED,
    MPJ_FLAW_UNFINISHED /* its last entry is cut, and no index covers it: its writer was killed there, or is at it */
} mpj_flaw_kind;

typedef struct mpj_flaw {
    int kind;
    char file[MPJ_WRITER_BYTES + 32]; /* below the function's folder */
    uint64_t offset;
    mpijob_digest key; /* of the entry that is lost ... */
    bool has_key;      /* ... where its index tells it */
    const char *reason;
} mpj_flaw;
typedef void mpj_flaw_fn(const mpj_flaw *flaw, void *payload);

typedef struct mpj_listed_segment {
    char writer[MPJ_WRITER_BYTES];
    uint64_t id, bytes;        /* of the file */
    uint64_t entry_bytes;      /* of its whole entries */
    uint64_t index_bytes;      /* of its index, damaged or not; 0: it has none */
    uint64_t covered;          /* by its index; 0: it has none that is good */
    mpj_segment_header header; /* of its writer; zero where it cannot be read */
    bool foreign;              /* it, or its index, is of a later version of the library */
    bool torn;                 /* the header of an entry is damaged, and only the index leads to those behind it */
    bool closed;               /* nobody writes to it any more (mpj_list_close) */
    bool source, failed;       /* of who merges */
} mpj_listed_segment;

typedef struct mpj_listed {
    mpj_name name;
    int64_t time_ns;
    double compute_s;
    uint64_t offset, total_bytes;
    uint64_t large_bytes; /* of its file; 0: it has none */
    uint32_t segment;     /* which of the list's */
    uint8_t kind;
    bool live;         /* what a look-up of this name finds, if it is whole */
    bool drop, copied; /* of who merges: to be removed; done */
} mpj_listed;

typedef struct mpj_list {
    mpj_store *store;
    char function[MPJ_FUNCTION_BYTES];
    char path[MPJ_PATH_BYTES]; /* of its segments */
    int folder;                /* likewise; -1: there is none */
    mpj_listed_segment *segments;
    size_t segment_count, segment_capacity;
    mpj_listed *entries; /* by name, of one name the newest first */
    size_t count, capacity;
    mpj_flaw_fn *flaw;
    void *flaw_payload;
    bool whole_indexes;
    int fd; /* of the segment that was read last */
    size_t fd_segment;
} mpj_list;

/* Which segments to read, of so many bytes; NULL: all. */
typedef bool mpj_list_want_fn(const char *writer, uint64_t bytes, void *payload);

typedef struct mpj_list_options {
    mpj_list_want_fn *want;
    void *want_payload;
    mpj_flaw_fn *flaw; /* NULL: flaws are passed over */
    void *flaw_payload;
    bool whole_indexes; /* one with a damaged record covers nothing, so that it is made anew; always so with `flaw` */
} mpj_list_options;

/* MPIJOB_OK, also where there is no such folder; MPIJOB_ENOMEM, MPIJOB_EOS. Release it in any case. */
int mpj_list_read(mpj_list *list, mpj_store *store, const char *function, const mpj_list_options *options,
                  mpijob_error *err);
void mpj_list_free(mpj_list *list);

/* All of an entry, proven: 1; 0: damaged; MPIJOB_ENOTFOUND: its file is gone; MPIJOB_EOS, MPIJOB_ENOMEM. */
int mpj_list_entry(mpj_list *list, const mpj_listed *entry, mpj_room *room, mpj_entry_header *header,
                   mpijob_error *err);

/* The name of its own file: as mpj_list_entry, with 0 also for what can be none. */
int mpj_list_large_file(mpj_list *list, const mpj_listed *entry, mpj_room *room, char file[MPJ_LARGE_FILE_BYTES],
                        mpijob_error *err);

/* Whether it is there, with some bytes: 1, 0; -1: that cannot be told now. */
int mpj_list_large_look(const mpj_list *list, const char *file, uint64_t *bytes);
/* On disk; 0: it is not there, or cannot be looked at. */
uint64_t mpj_list_large_bytes(const mpj_list *list, const char *file);

/* For listsegment.c: reads one segment; and opens one as list->fd. */
int mpj_list_segment(mpj_list *list, size_t number, mpijob_error *err);
int mpj_list_open(mpj_list *list, size_t segment, mpijob_error *err);

/* Which of the entries of its name comes next: the index behind `at`, or SIZE_MAX. */
size_t mpj_list_next_of_name(const mpj_list *list, size_t at);

/* ---- Functions --------------------------------------------------------------------------------------------------- */

/* Each folder of a function in the location: "mpijob/<folder>", and the function's name (where that cannot be told, the
 * folder's). nonzero ends it, and is returned. MPIJOB_OK, MPIJOB_EOS, MPIJOB_ENOMEM. */
typedef int mpj_list_function_fn(const char *function, const char *name, void *payload);
int mpj_list_functions(mpj_store *store, mpj_list_function_fn *each, void *payload, mpijob_error *err);

/* "mpijob/<folder>" of a function's name. */
void mpj_list_function_of(char function[MPJ_FUNCTION_BYTES], const char *name);

/* Is there such a folder? */
bool mpj_list_has(const mpj_store *store, const char *function);

/* The text of a version's func.json; free with mpj_free. */
int mpj_list_description(char **text, size_t *bytes, const mpj_store *store, const char *function, uint64_t version,
                         mpijob_error *err);
/* The same of its func_code.c. MPIJOB_ENOTFOUND: its source is not tracked. */
int mpj_list_code(char **text, size_t *bytes, const mpj_store *store, const char *function, uint64_t version,
                  mpijob_error *err);

/* The versions that are described. nonzero ends it, and is returned. */
typedef int mpj_list_version_fn(uint64_t version, void *payload);
int mpj_list_versions(const mpj_store *store, const char *function, mpj_list_version_fn *each, void *payload,
                      mpijob_error *err);

#endif
