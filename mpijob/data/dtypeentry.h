/* A field of numpy's descr, taken apart. */
#ifndef MPJ_DATA_DTYPEENTRY_H
#define MPJ_DATA_DTYPEENTRY_H

#include <jansson.h>
#include <mpijob/error.h>

typedef struct mpj_dtype_entry {
    const char *name;   /* lies in the JSON */
    const json_t *type; /* without its shape */
    size_t count;       /* 0: no shape; at most 2^31 - 1 */
} mpj_dtype_entry;

/* [name, descr] or [name, descr, shape], where descr may be [descr, shape]. */
int mpj_dtype_entry_take(mpj_dtype_entry *entry, const json_t *field, const char *what, mpijob_error *err);

/* A text without zero bytes inside; NULL: it is none. */
const char *mpj_dtype_plain_text(const json_t *value);

int mpj_dtype_corrupt(const char *what, mpijob_error *err, const char *why);

#endif
