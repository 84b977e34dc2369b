/* Files and folders that appear under their name whole or not at all. Page: publishing.md. */
#ifndef MPJ_IO_PUBLISH_H
#define MPJ_IO_PUBLISH_H

#include "io/file.h"

/* What is being made. `path` is where to write meanwhile: a hidden name beside the final one, in the same folder. */
typedef struct mpj_publish {
    char path[MPJ_PATH_BYTES];
    char target[MPJ_PATH_BYTES]; /* as it really is: symbolic links followed */
    int fd;                      /* a file's, opened for reading and writing; -1 for a folder */
    int folder;
    int begun;
    mode_t mode; /* of what is to be replaced; 0: there is nothing */
} mpj_publish;

/* Makes an empty file (mode 0666 less umask; of the file it replaces, where there is one) or folder under a name of its
 * own; restores an interrupted replacement of the target; removes what dead processes left for the same target. A
 * symbolic link at the target: what it points to is replaced. */
int mpj_publish_file(mpj_publish *publish, const char *target, mpijob_error *err);
int mpj_publish_folder(mpj_publish *publish, const char *target, mpijob_error *err);

/* Another process's publish in progress (ranks that write parts of one file): its path, opened, without ownership. */
int mpj_publish_join(mpj_publish *publish, const char *path, int folder, mpijob_error *err);

/* Who joined is done: closes the file, with every error of writing it known (io/sync.h). To be called by all who joined
 * before the owner commits. */
int mpj_publish_leave(mpj_publish *publish, int durable, mpijob_error *err);

/* Renames to the target, replacing what is there (file by file: rename; folder: exchange in one step where the system
 * can, else the old one is put aside first, to be found by mpj_publish_recover); durable: fsync of the file(s), then of
 * the parent folder. Pipes and devices are not replaced. A folder replaces what `may_replace` (NULL: anything) says yes
 * to, a file replaces a folder only if may_replace is given and says yes. The publish is over afterwards, also on
 * failure: what was made is then removed. Only when the last fsync, of the parent folder, fails is the target new and
 * the status an error. */
int mpj_publish_commit(mpj_publish *publish, int durable, int (*may_replace)(const char *path), mpijob_error *err);

/* Removes what was made; who joined closes only. After commit, or zeroed: without effect. */
void mpj_publish_abandon(mpj_publish *publish);

/* For a reader or writer that finds nothing at `target`: was a replacement interrupted? Restores the new folder, which
 * is complete at that point. 1: there is something at target now; 0: there is nothing. `found` (MPJ_PATH_BYTES): where
 * it can be read: target, or where the folder may not be written, where the new one lies. */
int mpj_publish_recover(const char *target, char *found);

#endif
