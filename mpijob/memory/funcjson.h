/* func.json: what is said of a version of a function, for people and for programs that have only the location.
 * Page: doc/memory.md. */
#ifndef MPJ_MEMORY_FUNCJSON_H
#define MPJ_MEMORY_FUNCJSON_H

#include "memory/key.h"

#define MPJ_FUNC_FORMAT 1

/* The text of a signature whose other members are set; source: may be NULL. Free with mpj_free; NULL: no memory. */
char *mpj_func_json_print(const mpj_signature *signature, const mpijob_source *source);

/* Members of a zeroed signature: name, args, result..., number, version. What begins the messages. MPIJOB_ECORRUPT,
 * MPIJOB_EVERSION, MPIJOB_ENOMEM; `own`, args_own and result_own are to be released then too. */
int mpj_func_json_parse(mpj_signature *signature, const char *text, size_t bytes, const char *what, mpijob_error *err);

#endif
