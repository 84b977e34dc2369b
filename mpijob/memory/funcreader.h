/* The parts of what reads func.json. */
#ifndef MPJ_MEMORY_FUNCREADER_H
#define MPJ_MEMORY_FUNCREADER_H

#include "memory/key.h"

typedef struct mpj_func_reader {
    mpj_signature *s; /* being made */
    const char *what;
    mpijob_error *err;
} mpj_func_reader;

/* ---- Values (funcvalue.c) ---- */
int mpj_func_corrupt(const mpj_func_reader *r, const char *why);
int mpj_func_no_memory(const mpj_func_reader *r);
/* What is wrong with a description is damage here. */
int mpj_func_as_corrupt(const mpj_func_reader *r, int status);
/* A text without zero bytes, of a string or base64, which lasts as long as the signature. */
int mpj_func_text(const mpj_func_reader *r, const char **text, const json_t *value, const char *why);
/* An integer from 0 on; above 2^63 - 1 it is a text. 0, or -1: none. */
int mpj_func_number(uint64_t *number, const json_t *value);

/* ---- Types (funcfields.c) ---- */
/* Of an object with the members of a field, at this depth of structs. */
int mpj_func_type(const mpj_func_reader *r, mpijob_type *type, const json_t *value, int depth);
int mpj_func_struct(const mpj_func_reader *r, const mpijob_record **record, const json_t *value, int depth);

#endif
