/* Taking a target's place. Page: publishing.md. */
#ifndef MPJ_IO_REPLACE_H
#define MPJ_IO_REPLACE_H

#include "io/file.h"

/* Renames what is complete at `path` (a hidden name, which may be changed) to the target, and removes what was there.
 * durable: only the order of the steps; the parent folder is the caller's to sync at the end. On failure the target is
 * as it was, or another writer's, and `path` is the caller's to remove; "": not even the old could be renamed back, and
 * what is there has to stay for mpj_publish_recover. */
int mpj_replace(char *path, const char *target, int durable, int (*may_replace)(const char *path), mpijob_error *err);

/* Removes something hidden; what cannot be removed stays. First it gets a name that nobody restores. */
void mpj_discard(const char *path, const char *target);

#endif
