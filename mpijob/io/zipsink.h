/* An open file as libzip's output. libzip writes 8 KiB at a time, and goes back to the header of each file: a buffer
 * turns that into few, large writes. */
#ifndef MPJ_IO_ZIPSINK_H
#define MPJ_IO_ZIPSINK_H

#include <mpijob/error.h>
#include <stddef.h>
#include <stdint.h>
#include <zip.h>

typedef struct mpj_zip_sink {
    int fd;
    const char *path;
    unsigned char *buffer; /* holds the bytes base .. base + used of the file */
    uint64_t base;
    size_t used;
    uint64_t position;
    int status;        /* of the first write that failed */
    mpijob_error *err; /* what it fills; may be NULL */
    zip_error_t error;
} mpj_zip_sink;

/* A new archive that writes to `sink`, which the caller keeps at its place as long as the archive is there. */
int mpj_zip_sink_open(mpj_zip_sink *sink, zip_t **zip, int fd, const char *path, mpijob_error *err);
void mpj_zip_sink_close(mpj_zip_sink *sink); /* after the archive */

#endif
