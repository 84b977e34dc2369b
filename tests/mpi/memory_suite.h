/* What the suites of Memory in runs share: a location for each test, made anew. */
#ifndef MPJ_TESTS_MEMORY_SUITE_H
#define MPJ_TESTS_MEMORY_SUITE_H

#include "suite.h"

#include <mpijob/memory.h>

extern char memory_folder[256];
extern mpijob_memory *memory;
extern mpijob_memory_options memory_options; /* for opening; zeroed before each test */
extern int computed;                         /* by this rank: jobs count themselves */
extern bool memory_on_network;               /* files seem to be on a file system of several machines */

/* As suite_main; with the argument `network` all files seem to be on such a file system. */
int memory_main(int argc, char **argv, Suite *suite);

/* Fixtures of each test. Nobody is impatient with files or with rank 0 in it, until mpj_patience_more_s is set to 0. */
void memory_set_up(void);
void memory_tear_down(void);

/* As another program would: what this one has in memory is forgotten. Collective. */
void memory_reopen(void);

void memory_cache(mpijob_function *cached, const mpijob_function *function);

/* How often jobs were computed on all ranks since the last call. Collective. */
int computed_by_all(void);

/* How many files in the location have names that end so. Collective: as rank 0 sees it. */
int memory_files(const char *suffix);
/* How many bytes these have. Collective. */
long memory_bytes(const char *suffix);

#endif
