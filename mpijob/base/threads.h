/* Helper threads of one call, which has to join them before it returns. */
#ifndef MPJ_BASE_THREADS_H
#define MPJ_BASE_THREADS_H

#include <pthread.h>

#define MPJ_MAX_THREADS 256 /* of one call, the caller's own among them */

typedef struct mpj_crew {
    pthread_t thread[MPJ_MAX_THREADS - 1];
    int count;
} mpj_crew;

/* Starts up to `wanted` threads that call main(payload), with all signals blocked: the program's handlers run in the
 * program's own threads. Fewer, also none, where the system gives no more. */
void mpj_crew_start(mpj_crew *crew, int wanted, void *(*main)(void *payload), void *payload);

/* Waits for their ends. */
void mpj_crew_join(mpj_crew *crew);

#endif
