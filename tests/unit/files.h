/* Files of a test, in a folder that goes with it: whole files in and out. */
#ifndef MPJ_TESTS_FILES_H
#define MPJ_TESTS_FILES_H

#include "scratch.h"

#include <stdlib.h>
#include <sys/stat.h>

static scratch files;

/* As a checked fixture: also right where Check does not fork. */
static inline void files_begin(void)
{
    scratch_make(&files);
}

static inline void files_end(void)
{
    scratch_remove(&files);
}

static inline void files_write(const char *path, const void *bytes, size_t count)
{
    FILE *file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, count, file), count);
    ck_assert_int_eq(fclose(file), 0);
}

/* free() it. */
static inline unsigned char *files_read(const char *path, size_t *count)
{
    FILE *file = fopen(path, "rb");
    ck_assert_msg(file != NULL, "cannot open %s", path);
    ck_assert_int_eq(fseek(file, 0, SEEK_END), 0);
    *count = (size_t)ftell(file);
    rewind(file);
    unsigned char *bytes = malloc(*count + 1);
    ck_assert_ptr_nonnull(bytes);
    ck_assert_uint_eq(fread(bytes, 1, *count, file), *count);
    fclose(file);
    return bytes;
}

#endif
