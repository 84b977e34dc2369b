/* The locations that are open in this process. */
#ifndef MPJ_MEMORY_OPENED_H
#define MPJ_MEMORY_OPENED_H

#include "memory/cached.h"

/* memory.c: when a location was opened, and before it is closed. */
void mpj_memory_register(mpijob_memory *memory);
void mpj_memory_unregister(mpijob_memory *memory);

/* Whether there is any. */
bool mpj_memory_is_any_open(void);

/* One that was opened by this name; NULL: none. By the thread that opens and closes locations, or while it does neither. */
mpijob_memory *mpj_memory_at(const char *location);

#endif
