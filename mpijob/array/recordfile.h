/* One struct in a file: how its fields are named there. Table in npy.md. */
#ifndef MPJ_ARRAY_RECORDFILE_H
#define MPJ_ARRAY_RECORDFILE_H

#include <mpijob/array.h>
#include <mpijob/error.h>
#include <mpijob/type.h>
#include <stddef.h>

#define MPJ_RECORD_ATTRIBUTE "mpijob" /* of the group; an object with: */
#define MPJ_RECORD_NAME "record"
#define MPJ_RECORD_FIELDS "fields"
#define MPJ_RECORD_COUNTS "counts"

/* Is the field held as a group for each of its elements? */
static inline int mpj_field_is_groups(const mpijob_field *field)
{
    int is_array = field->count > 0 || field->holding == MPIJOB_POINTER;
    return field->type.kind == MPIJOB_RECORD && is_array && !mpijob_record_is_flat(field->type.record);
}

/* ... and as one group? */
static inline int mpj_field_is_group(const mpijob_field *field)
{
    return field->type.kind == MPIJOB_RECORD && field->count == 0 && field->holding == MPIJOB_INLINE;
}

/* outer + name, and outer + name + "/" + index. New texts (mpj_free), NULL: no memory. */
char *mpj_record_path(const char *outer, const char *name, const char *end);
char *mpj_record_path_at(const char *outer, const char *name, size_t index);

/* Elements of a file to elements in memory, which must be the same: MPIJOB_EINVAL says what differs. name: of the field. */
int mpj_record_convert(void *to, const mpijob_type *type, const mpijob_array *from, size_t count, const char *path,
                       const char *name, mpijob_error *err);

/* Room for `count` elements behind a pointer of the struct at `value`, zeros, and its length set. NULL for none.
 * MPIJOB_EINVAL: the length cannot say so many, or another pointer that shares it has another number. */
int mpj_record_point(char **elements, char *value, const mpijob_record *record, const mpijob_field *field, size_t count,
                     const char *path, const char *name, mpijob_error *err);

/* Described members, with what lies behind pointers, from one struct to another; the others stay as they are. */
void mpj_record_hand_over(char *to, const char *from, const mpijob_record *record);

#endif
