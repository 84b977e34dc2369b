/* What the fuzzers share: memory that is counted and fails when told to, and buffers between forbidden pages. */
#ifndef MPJ_TESTS_FUZZ_H
#define MPJ_TESTS_FUZZ_H

#include <mpijob/error.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* What libFuzzer and standalone.c call. 0; -1: an input that is not to be kept. */
int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* As assert, in every build. */
#define FUZZ_CHECK(condition)                                                                                          \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);                                    \
            abort();                                                                                                   \
        }                                                                                                              \
    } while (0)

/* An input without what is meant for the fuzzer itself: when its first byte is 1 (no format here begins so), its second
 * is the number of the allocation that fails. */
typedef struct fuzz_input {
    const uint8_t *data;
    size_t size;
    int fails; /* an allocation is to fail, if there are as many */
} fuzz_input;

/* From here on memory is counted. */
fuzz_input fuzz_begin(const uint8_t *data, size_t size);
/* All of it must have been freed, and there must never have been more than `base` and `per_byte` for each byte of the input. */
void fuzz_end(const fuzz_input *input, size_t base, size_t per_byte);

/* Is it a status that a parser may give, with its reason in err, and memory missing only where an allocation may fail?
 * Returns whether it is success. */
int fuzz_good(const fuzz_input *input, int status, const mpijob_error *err);

/* Before jansson parses: 1, allocations of its own never fail from here on. */
void fuzz_keep_json_safe(int safe);

/* Memory of which the byte before (parity odd) or the byte behind (even) cannot be touched, not even by libraries that no
 * sanitizer looks into. `room`: which of two places. NULL: larger than FUZZ_ROOM_BYTES. */
#define FUZZ_ROOM_BYTES ((size_t)1 << 20)
void *fuzz_room(int room, size_t size, int parity);

/* A file with this content, without a name in any folder. */
const char *fuzz_file(const void *data, size_t size);

#endif
