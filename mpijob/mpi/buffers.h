/* A few large buffers that are used again: fresh memory of that size costs more in page faults than the message that
 * fills it. */
#ifndef MPJ_MPI_BUFFERS_H
#define MPJ_MPI_BUFFERS_H

#include <stddef.h>

#define MPJ_SPARE_BUFFERS 2 /* so much more memory than what is in use, at most */

typedef struct mpj_buffer {
    unsigned char *data;
    size_t capacity;
} mpj_buffer;

/* Zeroed: none is spare. */
typedef struct mpj_buffers {
    mpj_buffer spare[MPJ_SPARE_BUFFERS];
} mpj_buffers;

/* A buffer of at least `bytes` bytes; data NULL: no memory. */
mpj_buffer mpj_buffers_take(mpj_buffers *buffers, size_t bytes);

/* A spare one of any size, or an empty one. */
mpj_buffer mpj_buffers_take_any(mpj_buffers *buffers);

/* Keeps it for the next one, or frees it. */
void mpj_buffers_give(mpj_buffers *buffers, mpj_buffer buffer);

void mpj_buffers_free(mpj_buffers *buffers);

#endif
