/* Arguments as JSON text, back to a struct in memory: the inverse of mpijob_record_to_json. Page: doc/memory.md. */
#ifndef MPJ_MEMORY_ARGSJSON_H
#define MPJ_MEMORY_ARGSJSON_H

#include "memory/key.h"

/* Makes a struct as `record` lays it out. Ignored fields may be missing (then they are zero); any other one that is
 * missing, of another type, out of range, or unknown is MPIJOB_EINVAL with its name, as is a text that is no JSON
 * object. MPIJOB_ENOMEM. Release *value with mpj_args_free. */
int mpj_args_from_json(void **value, const mpijob_record *record, const char *text, size_t bytes, mpijob_error *err);

/* NULL is allowed. */
void mpj_args_free(void *value, const mpijob_record *record);

/* The key of a call from its arguments as JSON; of a function without arguments the text is the index, a number. */
int mpj_key_from_json(mpj_name *name, const mpj_signature *signature, const char *text, size_t bytes,
                      const mpijob_digest *shared, size_t shared_count, mpijob_error *err);

#endif
