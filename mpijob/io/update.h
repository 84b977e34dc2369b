/* Files that are changed in place, through a map. */
#ifndef MPJ_IO_UPDATE_H
#define MPJ_IO_UPDATE_H

#include "io/file.h"

/* As mpj_file_open, for reading and writing. */
int mpj_file_open_update(int *fd, const char *path, uint64_t *bytes, mpijob_error *err);

#endif
