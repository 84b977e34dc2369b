/* Results that cached calls inside jobs computed, on their way to the store thread of their location. */
#ifndef MPJ_MPI_CALLS_H
#define MPJ_MPI_CALLS_H

#include "mpi/entries.h"

typedef struct mpj_calls mpj_calls;

/* Of this location. NULL: no memory. */
mpj_calls *mpj_calls_new(mpijob_memory *memory);
/* Copies it: MPJ_OF_A_CALL, with location and function. 0, or -1: no memory. */
int mpj_calls_add(mpj_calls *calls, const mpj_entry_note *note);
mpijob_memory *mpj_calls_memory(const mpj_calls *calls);
/* All of them are the store thread's from here on. How many; 0: too much waits there already, or no thread can be had:
 * they are dropped. */
uint64_t mpj_calls_give(mpj_calls *calls);

#endif
