/* numpy's texts for types that are no structs: "<f8", "|S16", "<M8[ns]". */
#ifndef MPJ_DATA_SCALAR_H
#define MPJ_DATA_SCALAR_H

#include <mpijob/type.h>

/* This machine's byte order. */
#define MPJ_NATIVE_ORDER (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? '<' : '>')

#define MPJ_SCALAR_TEXT_BYTES 64

typedef struct mpj_scalar {
    int kind;
    size_t bytes;
    char order;                       /* '<', '>', or '|' where it does not matter */
    char text[MPJ_SCALAR_TEXT_BYTES]; /* with that order in front */
} mpj_scalar;

/* MPIJOB_OK; MPIJOB_ECORRUPT: no such type; MPIJOB_EUNSUPPORTED: one that is refused. *why is set then. */
int mpj_scalar_parse(mpj_scalar *scalar, const char *text, const char **why);

/* The text of a type that is no struct and no string, in this machine's byte order (opaque ones as they are). */
void mpj_scalar_text(char out[MPJ_SCALAR_TEXT_BYTES], const mpijob_type *type);

#endif
