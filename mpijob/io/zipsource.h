/* An open file as libzip's input: any number of archives read one descriptor, each at a place of its own. */
#ifndef MPJ_IO_ZIPSOURCE_H
#define MPJ_IO_ZIPSOURCE_H

#include <mpijob/error.h>
#include <stddef.h>
#include <stdint.h>
#include <zip.h>

/* Closed together with the archive that it was opened with. */
typedef struct mpj_zip_input {
    int fd;
    uint64_t bytes, position;
    zip_error_t error;
    uint64_t ahead_at; /* where in the file `ahead` begins */
    size_t ahead_bytes;
    unsigned char ahead[4096];
} mpj_zip_input;

/* For the life of `input`, which the caller keeps at its place. NULL: error says why. */
zip_t *mpj_zip_open(mpj_zip_input *input, int fd, uint64_t bytes, int flags, zip_error_t *error);

/* Describes libzip's error: MPIJOB_ECORRUPT for a damaged file, MPIJOB_ENOMEM, MPIJOB_EUNSUPPORTED or MPIJOB_EOS.
 * name: of the file inside, or NULL. */
int mpj_zip_fail(mpijob_error *err, zip_error_t *why, const char *path, const char *name);

#endif
