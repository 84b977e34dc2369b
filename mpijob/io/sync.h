/* What was written reaches the disk, or at least the file server. */
#ifndef MPJ_IO_SYNC_H
#define MPJ_IO_SYNC_H

#include <mpijob/error.h>

/* Closes a file that was written, so that every error of writing it is known afterwards: a network file system tells
 * some only when it is synchronised or closed. durable: waits until it is on the disk, everywhere. *fd is -1
 * afterwards. */
int mpj_sync_close(int *fd, const char *path, int durable, mpijob_error *err);

/* Of an open file or folder: is it on a file system that only this host uses, where write(2) itself reports a full
 * disk? 1 or 0. */
int mpj_file_is_local(int fd);

/* The entries of a folder (which names there are): what a rename changed. */
int mpj_sync_folder(const char *path, mpijob_error *err);

/* A folder with all files and folders below it. */
int mpj_sync_tree(const char *path, mpijob_error *err);

#endif
