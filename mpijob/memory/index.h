/* The index of a sealed segment: head, fan-out and filter in memory; the records are read bucket by bucket, by one
 * pread, and after many of these by pieces that stay in memory. A hint only: every entry that it leads to proves
 * itself. */
#ifndef MPJ_MEMORY_INDEX_H
#define MPJ_MEMORY_INDEX_H

#include "io/below.h"
#include "memory/format.h"

typedef struct mpj_index {
    mpj_index_head head;
    unsigned char *tables; /* fan-out; at a multiple of 64 behind it: the filter */
    const unsigned char *filter;
    unsigned char *recent; /* the records read last: look-ups in the order of keys ask for the same again */
    uint64_t recent_from;
    size_t recent_count;
    uint64_t reads;      /* of buckets, so far */
    unsigned char *held; /* room for all records; NULL: none are held */
    bool *pieces;        /* which pieces of it have been read */
} mpj_index;

/* Reads head and tables, and checks them. MPIJOB_OK; MPIJOB_ECORRUPT, MPIJOB_EVERSION, MPIJOB_EOS, MPIJOB_ENOMEM: it is
 * as if there were none. bytes: of the file. */
int mpj_index_load(mpj_index *index, int fd, uint64_t bytes, const char *path, mpijob_error *err);
void mpj_index_free(mpj_index *index); /* zero: without effect */

/* Whether so many look-ups had to read that it pays to hold the records that are asked for. */
bool mpj_index_should_hold(const mpj_index *index);
/* From now on they are held: as many bytes as this at most. false: no memory, all is as it was. */
size_t mpj_index_held_bytes(const mpj_index *index);
bool mpj_index_hold(mpj_index *index);

/* No need to read anything: the key is not there. */
static inline bool mpj_index_lacks(const mpj_index *index, const mpijob_digest *key)
{
    return !mpj_filter_may_have(index->filter, index->head.filter_blocks, key);
}

/* This key will be looked up soon. The records are held. */
void mpj_index_expect(const mpj_index *index, const mpijob_digest *key);

/* Calls back for each record of a key, the one written last first; mpj_index_walk: for every record of the index.
 * nonzero ends it and is returned. */
typedef int mpj_index_each_fn(const mpj_index_record *record, void *payload);
int mpj_index_find(mpj_index *index, int fd, const char *path, const mpijob_digest *key, mpj_index_each_fn *each,
                   void *payload, mpijob_error *err);
int mpj_index_walk(const mpj_index *index, int fd, const char *path, mpj_index_each_fn *each, void *payload,
                   mpijob_error *err);
/* For verification: are the records as they were written? 1, 0, MPIJOB_EOS, MPIJOB_ENOMEM. */
int mpj_index_records_are_whole(const mpj_index *index, int fd, const char *path, mpijob_error *err);

/* What an index is made of: entries in any order. Zeroed but for the first two: empty; `records` are the owner's to
 * free. */
typedef struct mpj_index_content {
    uint64_t segment, covered_bytes;
    int64_t oldest_ns, newest_ns;
    mpj_coded_record *records;
    size_t count, capacity;
} mpj_index_content;

/* Room for one entry more: MPIJOB_OK or MPIJOB_ENOMEM. */
int mpj_index_reserve(mpj_index_content *content, mpijob_error *err);
/* Needs room. */
void mpj_index_add(mpj_index_content *content, const mpj_entry_header *header);

/* Publishes "<writer>.idx" in the folder. durable: the segment's and the index's bytes are on the disk before; the
 * segment's are the caller's to sync. */
int mpj_index_write(int folder, const char *path, const char *writer, const mpj_index_content *content,
                    const mpj_rights *rights, bool durable, mpijob_error *err);

#endif
