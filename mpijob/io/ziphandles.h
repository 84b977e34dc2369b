/* libzip's handles of one zip file. Each is for one thread at a time, so every thread that reads borrows one; all read
 * through one descriptor, so that a file which is replaced meanwhile stays the one that was opened. */
#ifndef MPJ_IO_ZIPHANDLES_H
#define MPJ_IO_ZIPHANDLES_H

#include "io/zipsource.h"

#include <pthread.h>

typedef struct mpj_zip_handle {
    zip_t *zip;
    mpj_zip_input input;
    struct mpj_zip_handle *next;
} mpj_zip_handle;

typedef struct mpj_zip_handles {
    const char *path;
    int fd; /* the caller's */
    uint64_t bytes;
    pthread_mutex_t lock; /* covers idle */
    mpj_zip_handle *idle;
} mpj_zip_handles;

/* Opens the first, which compares all local headers with the list of names: else a flipped bit in a name would look
 * like a file that is not there, which for a chunk means "all elements have the fill value". On failure nothing is
 * left. */
int mpj_zip_handles_open(mpj_zip_handles *handles, int fd, uint64_t bytes, const char *path, mpijob_error *err);
void mpj_zip_handles_close(mpj_zip_handles *handles); /* all are given back */

int mpj_zip_handles_borrow(mpj_zip_handles *handles, mpj_zip_handle **out, mpijob_error *err);
void mpj_zip_handles_give_back(mpj_zip_handles *handles, mpj_zip_handle *borrowed);

#endif
