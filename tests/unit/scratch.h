/* A folder of a test's own, which goes with all in it. */
#ifndef MPJ_TESTS_SCRATCH_H
#define MPJ_TESTS_SCRATCH_H

#include "io/file.h"

#include "unit.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

typedef struct scratch {
    char folder[256];
    char path[MPJ_PATH_BYTES]; /* of the name that was asked for last */
} scratch;

static inline void scratch_make(scratch *s)
{
    const char *parent = getenv("TMPDIR");
    snprintf(s->folder, sizeof s->folder, "%s/mpijob-test-XXXXXX", parent && *parent ? parent : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(s->folder));
}

/* A path in it, kept until it is asked for the next. */
static inline const char *scratch_path(scratch *s, const char *name)
{
    ck_assert_int_eq(mpj_path_join(s->path, s->folder, name, NULL), 0);
    return s->path;
}

/* How many names there are in it. */
static inline int scratch_names(const scratch *s)
{
    int count = 0;
    DIR *listing = opendir(s->folder);
    ck_assert_ptr_nonnull(listing);
    for (struct dirent *entry; (entry = readdir(listing));)
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    closedir(listing);
    return count;
}

static inline void scratch_remove(scratch *s)
{
    ck_assert_int_eq(mpj_folder_remove(s->folder, NULL), 0);
}

#endif
