/* Memory that several processes of one node share: a file that is mapped and has no name any more. */
#ifndef MPJ_IO_NODEFILE_H
#define MPJ_IO_NODEFILE_H

#include <mpijob/error.h>
#include <stddef.h>

#define MPJ_NODEFILE_NAME_BYTES 512

typedef struct mpj_nodefile {
    void *data; /* page-aligned */
    size_t bytes;
} mpj_nodefile;

/* Makes a file of its own in `folder`, reserves all its bytes (so that a full disk shows here, not as SIGBUS later), and
 * maps it for writing. name: MPJ_NODEFILE_NAME_BYTES, for the others. MPIJOB_OK or MPIJOB_EOS. */
int mpj_nodefile_create(mpj_nodefile *file, const char *folder, size_t bytes, char *name, mpijob_error *err);

/* Maps another process's file for reading. */
int mpj_nodefile_open(mpj_nodefile *file, const char *name, size_t bytes, mpijob_error *err);

/* Has the system clear and map every page now, where a first use of each would otherwise interrupt the user of the
 * memory. The processes of a node, process `part` of `parts`, begin at different pages and so share the clearing. */
void mpj_nodefile_touch(const mpj_nodefile *file, int part, int parts);

/* When everyone has opened it. */
void mpj_nodefile_forget_name(const char *name);

/* Nothing is written any more. */
void mpj_nodefile_seal(mpj_nodefile *file);

/* Zeroed or closed: without effect. */
void mpj_nodefile_close(mpj_nodefile *file);

#endif
