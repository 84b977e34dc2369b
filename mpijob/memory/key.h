/* Names for results: what a cached function is (its signature, made once), and the key of each call. Page:
 * doc/memory.md. Nothing here writes a file; nothing changes a signature once it is made, so any thread may use it. */
#ifndef MPJ_MEMORY_KEY_H
#define MPJ_MEMORY_KEY_H

#include "data/dtype.h"
#include "data/layout.h"
#include "memory/store.h"

#include <mpijob/function.h>

typedef struct mpj_signature {
    const char *name;          /* of the function; never NULL */
    const mpijob_record *args; /* own copy, with what is ignored flagged; NULL: calls have an index only */
    mpijob_type result;  /* own copy; of an element; uint8 where the function gives none. Read from func.json: packed */
    size_t result_bytes; /* of all of it; MPIJOB_ANY_SIZE */
    int result_ndim;     /* of a result of fixed size; -1: any shape */
    size_t result_shape[MPIJOB_MAX_DIMS];
    uint64_t number;  /* mpijob_function.version */
    uint64_t version; /* digest of descriptions, ignored fields, version number and source: mpj_name.version */
    char *json;       /* func.json, zero-terminated */
    size_t json_bytes;
    char *code; /* func_code.c; NULL: the source is not tracked */
    size_t code_bytes;
    int whole_file; /* 1: the function was asked for but not found in its source (say so once): the whole file counts */

    /* Of key.c alone. */
    unsigned char *head; /* what all keys begin with */
    size_t head_bytes;
    mpj_convert convert; /* of arguments without strings and pointers ... */
    size_t stream_bytes; /* ... to so many bytes; SIZE_MAX: others */
    void *own;           /* arena of the names and descriptions */
    mpj_dtype args_own, result_own;
} mpj_signature;

/* Of a function as the caller describes it, and names of fields to ignore (NULL-terminated; may be NULL). Copies all it
 * keeps. MPIJOB_EINVAL: a description that Memory needs is missing or wrong (of arguments when args_size is not 0; a
 * result with strings; a shape that is not the size; a source with reserved members set), or `ignore` has a name that
 * is no field; MPIJOB_ENOMEM. On failure there is nothing to dispose of. */
int mpj_signature_init(mpj_signature *signature, const mpijob_function *function, const char *const *ignore,
                       mpijob_error *err);

/* The same from the text of a func.json: to compute keys without the program. json is that text, code is NULL, and
 * `args` has a layout of its own (see memory/argsjson.h for values of it). `what` begins messages. MPIJOB_ECORRUPT,
 * MPIJOB_EVERSION, MPIJOB_ENOMEM. */
int mpj_signature_read(mpj_signature *signature, const char *text, size_t bytes, const char *what, mpijob_error *err);

void mpj_signature_dispose(mpj_signature *signature);

/* The name of the result of a call. args: the struct (NULL without arguments: then `index` counts instead); shared: the
 * digests of the shared inputs, in their order. MPIJOB_EINVAL: args hold a pointer without its elements, or are NULL;
 * MPIJOB_ENOMEM (never for arguments of fixed size up to about 500 bytes). */
int mpj_key(mpj_name *name, const mpj_signature *signature, const void *args, uint64_t index,
            const mpijob_digest *shared, size_t shared_count, mpijob_error *err);

#endif
