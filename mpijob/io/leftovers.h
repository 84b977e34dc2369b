/* What publishing and its repair share. Page: publishing.md. */
#ifndef MPJ_IO_LEFTOVERS_H
#define MPJ_IO_LEFTOVERS_H

#include "io/file.h"

/* The path that a target really has: without '/' at its end, symbolic links at its end followed, also to where nothing
 * is yet. MPIJOB_EINVAL for what names no file ("", "/", ".."). */
int mpj_publish_resolve(char resolved[MPJ_PATH_BYTES], const char *target, mpijob_error *err);

/* Removes what earlier publishing of the target left. own_path: just made in the same folder; its time is the present
 * of that file system. */
void mpj_leftovers_remove(const char *target, const char *own_path);

#endif
