/* The names in an open folder, sorted. */
#ifndef MPJ_IO_FOLDERNAMES_H
#define MPJ_IO_FOLDERNAMES_H

#include "io/treekind.h"

/* Of fd, which is closed; an error if `path` does not name the folder `root` any more, since names may then be missing.
 * What is neither a file nor a folder is named with 0 bytes: reading it says what it is. */
int mpj_folder_names(int fd, int root, const char *path, mpj_tree_each_fn *each, void *payload, mpijob_error *err);

#endif
