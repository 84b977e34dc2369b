/* Single values as JSON text. */
#ifndef MPJ_DATA_JSONVALUE_H
#define MPJ_DATA_JSONVALUE_H

#include "data/textbuf.h"

#include <mpijob/type.h>

/* As mpijob_record_to_json, of a description that was checked. */
int mpj_record_json(char **text, const void *value, const mpijob_record *record, mpijob_error *err);

/* UTF-8, in quotes. */
void mpj_json_text(mpj_textbuf *out, const char *text, size_t bytes);

/* A text where it is UTF-8 without zero bytes, else {"base64": ...}. */
void mpj_json_bytes(mpj_textbuf *out, const void *bytes, size_t count);

void mpj_json_base64(mpj_textbuf *out, const void *bytes, size_t count);

/* The element of one of the kinds bool to complex128 that lies at `place`, aligned or not. */
void mpj_json_number(mpj_textbuf *out, const void *place, int kind);

/* A finite number as printf's %g wrote it: the current locale may have another decimal point, of several bytes too;
 * JSON has one, and a real number always has it or an exponent here. */
void mpj_json_real_text(mpj_textbuf *out, const char *text);

#endif
