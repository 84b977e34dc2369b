/** @file
 * Describing data: element types and structs.
 *
 * A C struct is described once, field by field. The description serves everything that is done with such structs:
 * hashing them (hash.h), writing them to files and reading them back (array.h), and showing them as JSON.
 *
 *     typedef struct { double c, gamma; int32_t folds; char name[16]; } fit;
 *     static const mpijob_field fit_fields[] = {
 *         MPIJOB_FIELD(fit, c, MPIJOB_FLOAT64),
 *         MPIJOB_FIELD(fit, gamma, MPIJOB_FLOAT64),
 *         MPIJOB_FIELD(fit, folds, MPIJOB_INT32),
 *         MPIJOB_FIELD(fit, name, MPIJOB_BYTES),
 *     };
 *     static const mpijob_record fit_record = MPIJOB_RECORD_OF(fit, fit_fields);
 *
 * Needs no MPI. No function here keeps state: any thread may call it at any time.
 */
#ifndef MPIJOB_TYPE_H
#define MPIJOB_TYPE_H

#include <mpijob/error.h>
#include <mpijob/export.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Element types --------------------------------------------------------------------------------------------- */

/** What an element is. X(name, number, bytes in memory (0: given with the type), name as numpy has it). */
#define MPIJOB_KIND_LIST(X)                                                                                            \
    X(MPIJOB_BOOL, 1, 1, "bool")                                                                                       \
    X(MPIJOB_INT8, 2, 1, "int8")                                                                                       \
    X(MPIJOB_INT16, 3, 2, "int16")                                                                                     \
    X(MPIJOB_INT32, 4, 4, "int32")                                                                                     \
    X(MPIJOB_INT64, 5, 8, "int64")                                                                                     \
    X(MPIJOB_UINT8, 6, 1, "uint8")                                                                                     \
    X(MPIJOB_UINT16, 7, 2, "uint16")                                                                                   \
    X(MPIJOB_UINT32, 8, 4, "uint32")                                                                                   \
    X(MPIJOB_UINT64, 9, 8, "uint64")                                                                                   \
    X(MPIJOB_FLOAT32, 10, 4, "float32")                                                                                \
    X(MPIJOB_FLOAT64, 11, 8, "float64")                                                                                \
    X(MPIJOB_COMPLEX64, 12, 8, "complex64")                                                                            \
    X(MPIJOB_COMPLEX128, 13, 16, "complex128")                                                                         \
    X(MPIJOB_BYTES, 14, 0, "bytes")                                                                                    \
    X(MPIJOB_RECORD, 15, 0, "record")                                                                                  \
    X(MPIJOB_STRING, 16, 0, "string")                                                                                  \
    X(MPIJOB_OPAQUE, 17, 0, "opaque")

/**
 * - MPIJOB_BOOL: one byte, 0 or 1 (C's `bool`).
 * - MPIJOB_COMPLEX64, MPIJOB_COMPLEX128: two floats or doubles, real part first (C's `float complex`, `double complex`).
 * - MPIJOB_BYTES: a fixed number of bytes, `char name[16]` say (numpy's S16): a text there may end early with zero bytes.
 *   All bytes are hashed and written, those behind a text's terminating zero too: clear the member before writing a text.
 * - MPIJOB_RECORD: a struct described by a mpijob_record.
 * - MPIJOB_STRING: `char *`, zero-terminated; only as a field. NULL is hashed and written as "".
 * - MPIJOB_OPAQUE: what numpy has and C has not (float16, unicode, datetime64, timedelta64, long double, void): a fixed
 *   number of bytes, read and written as they are, with numpy's name for them kept in `dtype`.
 */
typedef enum mpijob_kind {
#define MPIJOB_KIND_ENUM(name, number, bytes, text) name = number,
    MPIJOB_KIND_LIST(MPIJOB_KIND_ENUM)
#undef MPIJOB_KIND_ENUM
} mpijob_kind;

struct mpijob_record;

/** The type of an element. Best made by mpijob_type_of, mpijob_type_bytes or mpijob_type_record. */
typedef struct mpijob_type {
    int32_t kind;                       /**< a mpijob_kind */
    int32_t reserved;                   /**< zero, else MPIJOB_EINVAL */
    size_t bytes;                       /**< of one element in memory; 0: what the kind has, or the record's size */
    const struct mpijob_record *record; /**< of MPIJOB_RECORD, else NULL */
    const char *dtype;                  /**< of MPIJOB_OPAQUE: numpy's text, "<f2" say; else NULL */
} mpijob_type;

/** Type of a kind whose size is fixed, MPIJOB_FLOAT64 say. */
MPIJOB_API mpijob_type mpijob_type_of(int kind);

/** MPIJOB_BYTES of that length. */
MPIJOB_API mpijob_type mpijob_type_bytes(size_t bytes);

/** Structs. */
MPIJOB_API mpijob_type mpijob_type_record(const struct mpijob_record *record);

/** Bytes of one element in memory; 0 for a type that is none (see mpijob_type_check). */
MPIJOB_API size_t mpijob_type_size(const mpijob_type *type);

/** "float64" and so on; "?" for a number that is no kind. Never NULL. */
MPIJOB_API const char *mpijob_kind_name(int kind);

/**
 * Is the type, with all that it refers to, complete and free of contradictions? Names are UTF-8 of 1 to 1023 bytes,
 * given once in a struct. Fields lie inside their struct, in the order of its members, without overlap; the length of a
 * pointer is no field of its own, but two pointers may share one. At most 32 structs are inside each other, none inside
 * itself, not behind a pointer either. An element has at most 2^31 - 1 bytes. Every call that takes a type checks this by
 * itself.
 *
 * @return MPIJOB_OK, or MPIJOB_EINVAL with the field and the reason in err.
 */
MPIJOB_API int mpijob_type_check(const mpijob_type *type, mpijob_error *err);

/* ---- Structs --------------------------------------------------------------------------------------------------- */

/** Flags of a field. */
enum {
    MPIJOB_IGNORED = 1u /**< left out of hashes (joblib's `ignore`); still written and shown */
};

/** How a field's elements are held. */
typedef enum mpijob_holding {
    MPIJOB_INLINE = 0, /**< in the struct itself: one element, or a fixed array */
    MPIJOB_POINTER = 1 /**< behind a pointer in the struct, as many as another member of the struct says */
} mpijob_holding;

/** One member of a struct. Best made by the MPIJOB_FIELD macros. */
typedef struct mpijob_field {
    const char *name;     /**< not empty; unique within its struct */
    mpijob_type type;     /**< of one element */
    size_t offset;        /**< of the member (inline: the elements; pointer: the pointer) in the struct */
    size_t count;         /**< inline: elements of a fixed array; 0: one element, no array */
    int32_t holding;      /**< a mpijob_holding */
    int32_t length_kind;  /**< pointer: kind of the member that holds the number of elements (an integer kind) */
    size_t length_offset; /**< pointer: where that member is in the struct */
    uint32_t flags;       /**< MPIJOB_IGNORED or 0 */
    uint32_t reserved;    /**< zero, else MPIJOB_EINVAL */
} mpijob_field;

/** A struct. Must outlive all that refers to it. Best made by MPIJOB_RECORD_OF. */
typedef struct mpijob_record {
    const char *name;           /**< of the struct, for messages and hashes */
    size_t bytes;               /**< sizeof the struct */
    size_t field_count;         /**< at least 1 */
    const mpijob_field *fields; /**< in the order in which they are hashed, written and shown */
} mpijob_record;

/** A scalar member. With MPIJOB_BYTES: a member `char name[N]`, N being its size. */
#define MPIJOB_FIELD(structure, member, kind)                                                                          \
    {                                                                                                                  \
#member, {kind, 0, sizeof(((structure *)0)->member), NULL, NULL }, offsetof(structure, member), 0, 0, 0, 0, 0, \
                  0                                                                                                    \
    }

/** A member that is a fixed array of scalars: `double x[3]`. Several dimensions count as one: `double x[2][3]` has 6. */
#define MPIJOB_FIELD_ARRAY(structure, member, kind, element)                                                           \
    {                                                                                                                  \
#member, {kind, 0, sizeof(element), NULL, NULL }, offsetof(structure, member),                                 \
                  sizeof(((structure *)0)->member) / sizeof(element), 0, 0, 0, 0, 0                                    \
    }

/** A member `char *` or `const char *`. */
#define MPIJOB_FIELD_STRING(structure, member)                                                                         \
    {                                                                                                                  \
#member, {MPIJOB_STRING, 0, 0, NULL, NULL }, offsetof(structure, member), 0, 0, 0, 0, 0, 0                     \
    }

/** A member that is a struct itself, described by the mpijob_record at `record`. */
#define MPIJOB_FIELD_RECORD(structure, member, record)                                                                 \
    {                                                                                                                  \
#member, {MPIJOB_RECORD, 0, 0, record, NULL }, offsetof(structure, member), 0, 0, 0, 0, 0, 0                   \
    }

/** A member that is a fixed array of structs: `point corners[4]`. */
#define MPIJOB_FIELD_RECORD_ARRAY(structure, member, record, element)                                                  \
    {                                                                                                                  \
#member, {MPIJOB_RECORD, 0, 0, record, NULL }, offsetof(structure, member),                                    \
                  sizeof(((structure *)0)->member) / sizeof(element), 0, 0, 0, 0, 0                                    \
    }

/** A member that is a fixed array of strings: `char *names[3]`. */
#define MPIJOB_FIELD_STRING_ARRAY(structure, member)                                                                   \
    {                                                                                                                  \
#member, {MPIJOB_STRING, 0, 0, NULL, NULL }, offsetof(structure, member),                                      \
                  sizeof(((structure *)0)->member) / sizeof(char *), 0, 0, 0, 0, 0                                     \
    }

/**
 * A member that points to elements whose number is in the member `length` of kind `length_kind` (size_t is
 * MPIJOB_UINT64 where it has 8 bytes). The length is not described a second time, as a field of its own.
 */
#define MPIJOB_FIELD_POINTER(structure, member, kind, length, length_kind)                                             \
    {                                                                                                                  \
#member, {kind, 0, sizeof(*((structure *)0)->member), NULL, NULL }, offsetof(structure, member), 0, 1,         \
                  length_kind, offsetof(structure, length), 0, 0                                                       \
    }

/** The same for a member that points to structs. */
#define MPIJOB_FIELD_POINTER_RECORD(structure, member, record, length, length_kind)                                    \
    {                                                                                                                  \
#member, {MPIJOB_RECORD, 0, 0, record, NULL }, offsetof(structure, member), 0, 1, length_kind,                 \
                  offsetof(structure, length), 0, 0                                                                    \
    }

/** A struct with an array of fields. */
#define MPIJOB_RECORD_OF(structure, field_array)                                                                       \
    {                                                                                                                  \
#structure, sizeof(structure), sizeof(field_array) / sizeof((field_array)[0]), field_array                     \
    }

/** Do all fields lie in the struct itself (no strings, no pointers, in nested structs neither)? Then an array of such
 * structs is written as numpy's structured array. */
MPIJOB_API int mpijob_record_is_flat(const mpijob_record *record);

/**
 * A struct as JSON text: {"c": 10.0, "gamma": 0.1, "folds": 5, "name": "first"}.
 *
 * Numbers that JSON has not are the strings "NaN", "Infinity", "-Infinity"; complex numbers are [real, imaginary];
 * MPIJOB_BYTES and MPIJOB_STRING are texts where they are UTF-8, else {"base64": "..."}, as MPIJOB_OPAQUE always is.
 *
 * @param text  set on success, zero-terminated; release it with mpijob_text_free
 *
 * @return MPIJOB_OK, MPIJOB_EINVAL (the description), MPIJOB_ENOMEM.
 */
MPIJOB_API int mpijob_record_to_json(char **text, const void *value, const mpijob_record *record, mpijob_error *err);

/** Releases a text that this library made. NULL is allowed. */
MPIJOB_API void mpijob_text_free(char *text);

/**
 * Releases what loading a struct made behind its strings and pointers (nested ones too), and sets those to NULL and the
 * lengths to 0. `value` itself is the caller's.
 */
MPIJOB_API void mpijob_record_dispose(void *value, const mpijob_record *record);

#ifdef __cplusplus
}
#endif

#endif
