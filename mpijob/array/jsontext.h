/* JSON as Python writes it. */
#ifndef MPJ_ARRAY_JSONTEXT_H
#define MPJ_ARRAY_JSONTEXT_H

#include <jansson.h>
#include <mpijob/error.h>
#include <stddef.h>

/* Parses an object. Bare NaN, Infinity and -Infinity, and integers that do not fit into 63 bits, become texts ("NaN",
 * "18446744073709551615"). MPIJOB_ECORRUPT for anything else that is no JSON object; what begins the message. *object
 * is set on success only. */
int mpj_json_parse_object(json_t **object, const char *text, size_t bytes, const char *what, mpijob_error *err);

/* What a caller gives as attributes: MPIJOB_EINVAL unless it is a JSON object; NULL is none. what: whose, for messages. */
int mpj_json_check_attributes(const char *text, const char *what, mpijob_error *err);

/* The same text made strict JSON; free with mpj_free. NULL: no memory. */
char *mpj_json_strict(const char *text, size_t bytes, size_t *out_bytes);

#endif
