/* numpy's names for types: "<f8", "|S16", [["a", "<f8"], ["b", "<i4", [3]]], both ways; and how a type lies in a
 * file. */
#ifndef MPJ_DATA_DTYPE_H
#define MPJ_DATA_DTYPE_H

#include <jansson.h>
#include <mpijob/type.h>

/* A type as a file has it. Owned: records, names and texts in it belong to it and go with mpj_dtype_free. `type`
 * describes the elements as they lie in the file (offsets included) and passes mpijob_type_check. Opaque elements are
 * never swapped: their byte order is part of their text. Structs have the name "", since no file names them. swapped:
 * one flag a leaf, whether it is in the other byte order. Leaves are the fields that are no structs, depth-first in
 * the order of the fields, a fixed array counting once; a plain type is one leaf. */
typedef struct mpj_dtype {
    mpijob_type type;
    unsigned char *swapped; /* swap_count flags */
    size_t swap_count;
    char byte_order; /* '<', '>', '|' (does not matter), '=' (both occur) */
    void *own;
} mpj_dtype;

/* From numpy's descr: a text, or a list of fields [name, descr] or [name, descr, shape]; a descr may also be [descr,
 * shape], a name [title, name]. Fields of type V with an empty name are padding (as in NPY); several dimensions of a
 * field become one. Object types and elements without bytes: MPIJOB_EUNSUPPORTED; anything else that is not
 * understood: MPIJOB_ECORRUPT. Sizes are checked against overflow, nesting is limited. `what` (a file's name) begins
 * the messages. On failure dtype is zeroed. */
int mpj_dtype_parse(mpj_dtype *dtype, const json_t *descr, const char *what, mpijob_error *err);

/* A type as the descr of a file in this machine's byte order. padded: as in memory, the struct's padding as ["",
 * "|V4"] (NPY: elements can be mapped as they are); else packed, without padding (Zarr). NULL: no memory. New
 * reference. The type has passed mpijob_type_check and is flat. */
json_t *mpj_dtype_descr(const mpijob_type *type, int padded);

/* Makes an owned deep copy of a caller's type, or the packed one of the same fields (`packed`). Checks the type;
 * MPIJOB_EUNSUPPORTED for the packed one of a struct with strings or pointers. On failure dtype is zeroed. */
int mpj_dtype_copy(mpj_dtype *dtype, const mpijob_type *type, int packed, mpijob_error *err);

void mpj_dtype_free(mpj_dtype *dtype); /* zeroed: without effect */

/* descr as one line of text ("<f8" without quotes, a list as JSON), cut to fit. */
void mpj_dtype_text(char *out, size_t out_bytes, const json_t *descr);

/* A Python literal (of an NPY header) as JSON: dict, list, tuple (an array in JSON), text, integer, True, False,
 * None. The whole text, UTF-8, must be one literal (spaces around, comments not allowed); nesting and length are
 * limited. MPIJOB_ECORRUPT says where and why. On failure *value is NULL. */
int mpj_pyliteral_parse(json_t **value, const char *text, size_t bytes, const char *what, mpijob_error *err);

/* The other way, as UTF-8; free with mpj_free, NULL: no memory. An array whose first element is an array is a list, any
 * other a tuple: so a descr becomes what numpy takes for one, and a shape a tuple. */
char *mpj_pyliteral_text(const json_t *value);

#endif
