#include "base/threads.h"

#include "base/pool.h"

#include <sched.h>
#include <signal.h>
#include <unistd.h>

#define DEFAULT_THREADS 8
#define STACK_BYTES ((size_t)1 << 20) /* codecs keep tables of up to 64 KiB on it; sanitizers multiply that */

/* The mask is wider than cpu_set_t on machines with more than 1024 cores; then the number of cores that are there. */
static long allowed_cores(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0)
        return CPU_COUNT(&set);
    return sysconf(_SC_NPROCESSORS_ONLN);
}

int mpj_threads(int option)
{
    long count = option;
    if (option == 0) {
        count = allowed_cores();
        if (count > DEFAULT_THREADS)
            count = DEFAULT_THREADS;
    }
    if (count > MPJ_MAX_THREADS)
        count = MPJ_MAX_THREADS;
    return count < 1 ? 1 : (int)count;
}

static void start(mpj_crew *crew, const pthread_attr_t *attributes, int wanted, void *(*main)(void *), void *payload)
{
    while (crew->count < wanted && pthread_create(&crew->thread[crew->count], attributes, main, payload) == 0)
        crew->count++;
}

void mpj_crew_start(mpj_crew *crew, int wanted, void *(*main)(void *payload), void *payload)
{
    crew->count = 0;
    if (wanted > MPJ_MAX_THREADS - 1)
        wanted = MPJ_MAX_THREADS - 1;
    pthread_attr_t attributes;
    if (wanted <= 0 || pthread_attr_init(&attributes) != 0)
        return;
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    start(crew, &attributes, wanted, main, payload);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
}

void mpj_crew_join(mpj_crew *crew)
{
    for (int i = 0; i < crew->count; i++)
        pthread_join(crew->thread[i], NULL);
    crew->count = 0;
}
