/* The arguments of jobs drawn from a generator, from drawing to the end of the job. */
#ifndef MPJ_MPI_ARGSTORE_H
#define MPJ_MPI_ARGSTORE_H

#include <stddef.h>
#include <stdint.h>

/* A ring over the indices from the lowest unfinished one to the last drawn one. Zeroed but for size: empty. */
typedef struct mpj_argstore {
    size_t size; /* bytes a job, > 0 */
    uint64_t base;
    uint64_t count;
    uint64_t capacity; /* a power of two, or 0 */
    unsigned char *data;
    unsigned char *finished; /* a flag a slot */
} mpj_argstore;

void mpj_argstore_free(mpj_argstore *store);

/* Arguments for the next `count` indices. 0, or -1: no memory, nothing changed. */
int mpj_argstore_add(mpj_argstore *store, const unsigned char *args, uint64_t count);

/* Those of a job that is drawn and not finished. */
const unsigned char *mpj_argstore_get(const mpj_argstore *store, uint64_t index);

void mpj_argstore_finish(mpj_argstore *store, uint64_t index);

#endif
