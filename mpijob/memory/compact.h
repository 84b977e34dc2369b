/* Merging segments: what lives in the sources goes into a new segment under an own name, which is synced and sealed;
 * only then do the sources go to the trash. So it is right with two cleaners at once, and whenever it is killed: an
 * entry then stands in two segments, which is harmless. */
#ifndef MPJ_MEMORY_COMPACT_H
#define MPJ_MEMORY_COMPACT_H

#include "memory/election.h"
#include "memory/list.h"

#define MPJ_TOMBSTONE_KEPT_S 3600 /* somebody may just be copying what it is about */

/* ---- Deciding: pure ---------------------------------------------------------------------------------------------- */

/* Is this entry of a source to be copied? complete: the list has all segments of the function. */
bool mpj_compact_keeps(const mpj_list *list, size_t entry, int64_t now_ns, bool complete);

/* ---- Doing ------------------------------------------------------------------------------------------------------- */

typedef struct mpj_compact_options {
    bool complete; /* the list has all segments of the function: large files that nothing refers to can be told */
    bool now;      /* sources are removed at once: else they wait in the trash */
    double until;  /* mpj_now() at which no more sources are begun; INFINITY */
} mpj_compact_options;

typedef struct mpj_compacted {
    uint64_t sources, made;             /* segments */
    uint64_t kept;                      /* entries that were copied */
    uint64_t dropped;                   /* live ones that were to be dropped */
    uint64_t damaged;                   /* that could not be copied */
    uint64_t bytes_before, bytes_after; /* of the sources, and of what they became */
    uint64_t bytes_now, bytes_later;    /* that were freed */
    double later_s;
} mpj_compacted;

/* Merges the list's sources (segment->source, all of them closed), without the entries marked drop. Adds to *done.
 * election: held. MPIJOB_OK; MPIJOB_EOS; MPIJOB_ENOMEM; MPIJOB_ECANCELED: it is not held any more. */
int mpj_compact(mpj_list *list, mpj_election *election, const mpj_compact_options *options, mpj_compacted *done,
                mpijob_error *err);

/* ---- compactlarge.c: files of large results ---------------------------------------------------------------------- */

typedef struct mpj_large_names {
    char (*all)[MPJ_LARGE_FILE_BYTES];
    size_t count, capacity;
} mpj_large_names;

typedef struct mpj_large_files {
    mpj_large_names live, dead; /* which entries of a complete list refer to; live: sorted */
    bool unknown;               /* an entry that stays could not be read */
} mpj_large_files;

/* As long as the list's segments are there. */
int mpj_large_collect(mpj_large_files *files, mpj_list *list, mpijob_error *err);
/* Puts into the trash what no live entry refers to, among that what has lain there for two days without any entry. */
int mpj_large_remove(const mpj_large_files *files, mpj_list *list, mpj_election *election, bool now,
                     mpj_compacted *done, mpijob_error *err);
void mpj_large_free(mpj_large_files *files);

/* ---- The new segments -------------------------------------------------------------------------------------------- */

/* Entries that are copied as they are, into as many segments as it takes. Begin with mpj_output_begin. */
typedef struct mpj_output {
    mpj_appender own;
    bool begun;
    int folder; /* of segments: the caller's */
    const char *path;
    const mpj_rights *rights;
    uint64_t function; /* checksum of its name */
    uint64_t made, bytes;
} mpj_output;

void mpj_output_begin(mpj_output *out, int folder, const char *path, const mpj_rights *rights, uint64_t function);
/* entry: all of it, as it stands in its segment. */
int mpj_output_add(mpj_output *out, const mpj_entry_header *header, const unsigned char *entry, mpijob_error *err);
/* All of it is on the disk and sealed. */
int mpj_output_end(mpj_output *out, mpijob_error *err);
/* Gives up what is not sealed. */
void mpj_output_free(mpj_output *out);

/* Removes what a function's folder has to the trash, or, now, for good, and counts its bytes. MPIJOB_OK also where
 * there is nothing of that name. */
int mpj_compact_remove(const mpj_list *list, const char *name, bool now, mpj_compacted *done, mpijob_error *err);

#endif
