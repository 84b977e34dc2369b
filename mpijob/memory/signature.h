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

/* Read from `text` by mpj_signature_read, does it give this version again? Of a tracked source not all is in it: with
 * `code`, the text of func_code.c, that counts too; with NULL it only has to say so. MPIJOB_OK; MPIJOB_ECORRUPT: no;
 * MPIJOB_ENOMEM. */
int mpj_signature_prove(mpj_signature *signature, const char *text, const char *code, size_t code_bytes,
                        uint64_t version);
/* Whether `text`, likewise, says that the source is tracked. Without memory: no. */
bool mpj_signature_is_tracked(const char *text);

#endif
