/* The parts of a signature. */
#ifndef MPJ_MEMORY_SIGNATURE_H
#define MPJ_MEMORY_SIGNATURE_H

#include "memory/key.h"

#include <stdbool.h>

/* Flags the fields of these names (NULL-terminated), "outer.inner" meaning one inside a struct that is a field. The
 * record is the caller's own copy. MPIJOB_EINVAL: no such field. */
int mpj_ignore_fields(const mpijob_record *record, const char *const *names, mpijob_error *err);

/* result...: of the function, checked. */
int mpj_signature_result(mpj_signature *signature, const mpijob_function *function, mpijob_error *err);

/* code, whole_file and version: with all that the version depends on set, and `text` of the source or NULL. */
int mpj_signature_version(mpj_signature *signature, const mpijob_source *source, mpijob_error *err);

/* Read from `text`, does it give this version again? Of a tracked source not all is in it: then it only has to say so. */
bool mpj_signature_is_of(mpj_signature *signature, const char *text, uint64_t version);

#endif
