/* Files in memory. */
#ifndef MPJ_IO_MAPPING_H
#define MPJ_IO_MAPPING_H

#include <mpijob/error.h>
#include <stddef.h>
#include <stdint.h>

typedef enum mpj_mapping_mode {
    MPJ_MAP_READ,
    MPJ_MAP_WRITE,
    MPJ_MAP_COPY
} mpj_mapping_mode; /* r; r+, w+; c */

typedef struct mpj_mapping {
    void *base; /* what was mapped (page-aligned) */
    size_t base_bytes;
    void *data; /* the byte at `offset` */
} mpj_mapping;

/* bytes 0: nothing is mapped, data points to a byte of no use. The range must lie in the file (MPIJOB_ECORRUPT else).
 * */
int mpj_mapping_open(mpj_mapping *mapping, int fd, const char *path, uint64_t offset, size_t bytes,
                     mpj_mapping_mode mode, mpijob_error *err);
/* Waits until changes are on the disk. */
int mpj_mapping_sync(const mpj_mapping *mapping, const char *path, mpijob_error *err);
/* Zeroed, or failed to open: without effect. */
void mpj_mapping_close(mpj_mapping *mapping);

#endif
