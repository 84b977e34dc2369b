/* Descriptions of versions (func.json, func_code.c) as they stand in a folder: are they what was published? */
#ifndef MPJ_MEMORY_DESCRIBED_H
#define MPJ_MEMORY_DESCRIBED_H

#include "memory/list.h"

/* Of a function's folder, "mpijob/<folder>". *file: the name of the one that `err` speaks of; *bytes: that were read.
 * MPIJOB_OK; MPIJOB_ENOTFOUND: the version has no folder; MPIJOB_ECORRUPT: one is damaged or missing; MPIJOB_EOS,
 * MPIJOB_ENOMEM: it cannot be told. */
int mpj_described_check(const mpj_store *store, const char *function, uint64_t version, const char **file,
                        uint64_t *bytes, mpijob_error *err);

#endif
