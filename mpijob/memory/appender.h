/* Writing one segment: entries are collected in memory and written at offsets of our own, in order, one write a batch.
 * What has been written stays in memory until it is known to be on the disk, but not more than 1 MiB of it, so that it
 * can be written again elsewhere after an error. */
#ifndef MPJ_MEMORY_APPENDER_H
#define MPJ_MEMORY_APPENDER_H

#include "io/below.h"
#include "memory/index.h"
#include "memory/segment.h"

#define MPJ_BATCH_BYTES ((size_t)64 << 10)
#define MPJ_BATCH_S 0.2
#define MPJ_KEPT_BYTES ((uint64_t)1 << 20)
#define MPJ_SEGMENT_MOST_BYTES ((uint64_t)256 << 20)
#define MPJ_SEGMENT_MOST_ENTRIES ((size_t)1 << 20)
#define MPJ_SUSPENDED_S 300

typedef struct mpj_appender {
    char writer[MPJ_WRITER_BYTES];
    uint64_t id, function;
    long pid;
    int fd;                   /* -1: the file is not made yet */
    uint64_t end;             /* where the next entry begins */
    uint64_t written, synced; /* all before is written; is on the disk */
    unsigned char *kept;      /* the bytes from kept_at to end */
    uint64_t kept_at;         /* where an entry begins, or 0 */
    size_t capacity;
    mpj_index_content index;  /* of all entries */
    double pending_since;     /* mpj_now() when the batch began */
    double last_write;        /* of the clock that goes on while the machine sleeps */
    double last_sync, sync_cost;
    bool named_durably; /* the folder was synced too */
} mpj_appender;

/* function: checksum of its name. Makes no file. */
void mpj_appender_begin(mpj_appender *appender, uint64_t function);
void mpj_appender_free(mpj_appender *appender); /* closes; writes nothing */

/* What an entry is made of, besides its header. */
typedef struct mpj_parts {
    const void *json, *meta, *payload;
} mpj_parts;

/* The entry at appender->end: completes the header (total_bytes, offset, rest_sum). An entry that is kept is only in
 * memory until mpj_appender_write; a longer one (mpj_appender_keeps says 0) needs an empty batch and is written here.
 * MPIJOB_ENOMEM: nothing happened; MPIJOB_EOS: as mpj_appender_write. */
bool mpj_appender_keeps(const mpj_entry_header *header);
int mpj_appender_add(mpj_appender *appender, int folder, const char *path, const mpj_rights *rights,
                     mpj_entry_header *header, const mpj_parts *parts, mpijob_error *err);
/* An entry as it stands in another segment, with another offset and seed. */
int mpj_appender_copy(mpj_appender *appender, const mpj_entry_header *header, const unsigned char *rest,
                      mpijob_error *err);

/* Writes the batch; makes the file first. MPIJOB_EOS: this segment must not be written to any more. */
int mpj_appender_write(mpj_appender *appender, int folder, const char *path, const mpj_rights *rights,
                       mpijob_error *err);
int mpj_appender_sync(mpj_appender *appender, int folder, const char *path, mpijob_error *err);

/* Is its file, which was made, still under its name? (Who cannot tell says yes.) */
bool mpj_appender_is_there(const mpj_appender *appender, int folder);
/* After a long time without a write: is the file still there, and not sealed by somebody else? */
bool mpj_appender_may_go_on(const mpj_appender *appender, int folder);

/* The index. All has to be written. */
int mpj_appender_seal(mpj_appender *appender, int folder, const char *path, const mpj_rights *rights, bool durable,
                      mpijob_error *err);

/* The bytes of an entry, if they are still in memory; else NULL. */
static inline const unsigned char *mpj_appender_entry(const mpj_appender *appender, uint64_t offset,
                                                      uint64_t total_bytes)
{
    if (offset < appender->kept_at || offset > appender->end || total_bytes > appender->end - offset)
        return NULL;
    return appender->kept + (offset - appender->kept_at);
}

/* Seconds of a clock that goes on while the machine sleeps. */
double mpj_boot_time(void);

#endif
