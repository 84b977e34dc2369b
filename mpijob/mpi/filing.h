/* Large results to files of their own, beside the jobs that computed them. Page: doc/memory-runs.md, When files do not
 * answer. */
#ifndef MPJ_MPI_FILING_H
#define MPJ_MPI_FILING_H

#include "memory/cached.h"

/* As mpj_cached_dump, but where the location's files are not this host's alone by the location's file thread, which is
 * waited for only while it gets anywhere. MPJ_DUMPED_LATER: it has a copy of all, and will store the result. By the
 * thread that executes jobs. */
mpj_dumped mpj_file_large(const mpijob_cached *cached, const mpj_made *made, char file[MPJ_LARGE_FILE_BYTES],
                          unsigned char meta[MPJ_META_BYTES], size_t *meta_bytes);

#endif
