/* Reading a segment: its header, its entries one after the other, or one of them. */
#ifndef MPJ_MEMORY_SEGMENT_H
#define MPJ_MEMORY_SEGMENT_H

#include "memory/format.h"

#define MPJ_WRITER_BYTES 96 /* a writer's name, without suffix, with its zero byte */

/* A name that nobody else has: host, process, its start, 64 random bits. */
void mpj_writer_name(char out[MPJ_WRITER_BYTES]);
/* "<writer>.seg" (or another suffix). */
void mpj_writer_file(char out[MPJ_WRITER_BYTES + 8], const char *writer, const char *suffix);
/* Is the file "<writer><suffix>"? Then its writer. */
bool mpj_writer_of(char out[MPJ_WRITER_BYTES], const char *file, const char *suffix);

/* MPIJOB_OK; MPIJOB_ECORRUPT (also: not there yet); MPIJOB_EVERSION; MPIJOB_EOS. */
int mpj_segment_read_header(mpj_segment_header *header, int fd, const char *path, mpijob_error *err);

/* Calls back for each entry from *good on, headers only, in the order of writing; *good: where the next one would
 * begin. Ends at the first that is not whole (its sum, or its end beyond `size`): with a living writer that is "not
 * yet". nonzero from `each` ends it and is returned. Reads blocks of 1 MiB, into memory of its own. */
typedef int mpj_segment_each_fn(const mpj_entry_header *header, void *payload);
int mpj_segment_scan(int fd, const char *path, uint64_t segment, uint64_t *good, uint64_t size,
                     mpj_segment_each_fn *each, void *payload, mpijob_error *err);

/* A buffer that grows as needed. Begin with zero; free `bytes` with mpj_free. */
typedef struct mpj_room {
    unsigned char *bytes;
    size_t capacity;
} mpj_room;
int mpj_room_reserve(mpj_room *room, uint64_t bytes); /* what is in it is lost. 0, or -1 */

/* A whole entry, checked: header, sums, lengths. total_bytes: as the index or a scan said; size: of the segment, what
 * is claimed beyond is refused. 1: good, room holds its bytes. 0: damaged. MPIJOB_EOS, MPIJOB_ENOMEM: cannot tell. */
int mpj_segment_read_entry(mpj_room *room, mpj_entry_header *header, int fd, const char *path, uint64_t segment,
                           uint64_t offset, uint64_t total_bytes, mpijob_error *err);
/* The same of bytes that were read already: 1 or 0. */
int mpj_segment_entry_is_whole(mpj_entry_header *header, const unsigned char *bytes, uint64_t segment, uint64_t offset,
                               uint64_t total_bytes);
/* Its header only. */
int mpj_segment_read_entry_header(mpj_entry_header *header, int fd, const char *path, uint64_t segment, uint64_t offset,
                                  mpijob_error *err);

/* The payload of an entry in memory, raw: *raw points into the entry or to `plain`. 1; 0: damaged; MPIJOB_ENOMEM. */
int mpj_entry_payload(const unsigned char **raw, size_t *raw_bytes, mpj_room *plain, const mpj_entry_header *header,
                      const unsigned char *entry);

#endif
