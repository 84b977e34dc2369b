/* A folder for a fuzzer's input, in memory where the system has that, emptied after each. */
#ifndef MPJ_TESTS_FUZZ_FOLDER_H
#define MPJ_TESTS_FUZZ_FOLDER_H

#include <stddef.h>

/* A path that there is nothing at. */
const char *folder_new(void);

/* A file below it, with the folders that it lies in. */
void folder_put(const char *name, const void *bytes, size_t size);

/* All of it. */
void folder_remove(void);

#endif
