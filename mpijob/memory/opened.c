#include "memory/opened.h"

#include "memory/memory.h"

#include <string.h>

/* Per process, since a question of another rank names a location, not an address. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static mpijob_memory *opened;

void mpj_memory_register(mpijob_memory *memory)
{
    pthread_mutex_lock(&lock);
    memory->next_opened = opened;
    opened = memory;
    pthread_mutex_unlock(&lock);
}

void mpj_memory_unregister(mpijob_memory *memory)
{
    pthread_mutex_lock(&lock);
    for (mpijob_memory **at = &opened; *at; at = &(*at)->next_opened)
        if (*at == memory) {
            *at = memory->next_opened;
            break;
        }
    pthread_mutex_unlock(&lock);
}

bool mpj_memory_is_any_open(void)
{
    pthread_mutex_lock(&lock);
    bool any = opened != NULL;
    pthread_mutex_unlock(&lock);
    return any;
}

mpijob_memory *mpj_memory_at(const char *location)
{
    pthread_mutex_lock(&lock);
    mpijob_memory *at = opened;
    while (at && strcmp(at->location, location) != 0)
        at = at->next_opened;
    pthread_mutex_unlock(&lock);
    return at;
}
