/* Open files, not more than so many at once: a location may have thousands of segments, a process only so many
 * descriptors. Any of them may be closed (and set to -1) when another one is opened. */
#ifndef MPJ_MEMORY_DESCRIPTORS_H
#define MPJ_MEMORY_DESCRIPTORS_H

#define MPJ_DESCRIPTORS_MOST 384

typedef struct mpj_descriptors {
    int *held[MPJ_DESCRIPTORS_MOST];
    int hand;
} mpj_descriptors;

/* *fd is open, and stays at its place until it is dropped. */
void mpj_descriptors_hold(mpj_descriptors *descriptors, int *fd);
/* Closes it, if it is open. */
void mpj_descriptors_drop(mpj_descriptors *descriptors, int *fd);
/* When there are too many in the process. Returns how many were closed. */
int mpj_descriptors_drop_all(mpj_descriptors *descriptors);

#endif
