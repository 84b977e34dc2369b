/* Copying an open file into a folder. */
#ifndef MPJ_IO_COPY_H
#define MPJ_IO_COPY_H

#include "io/below.h"

/* All of it, under a temporary name, on the disk, and then renamed. MPIJOB_OK, MPIJOB_EOS, MPIJOB_ENOMEM;
 * MPIJOB_ECORRUPT: it became shorter meanwhile. */
int mpj_below_copy(int from, uint64_t bytes, int folder, const char *path, const char *name, const mpj_rights *rights,
                   mpijob_error *err);

#endif
