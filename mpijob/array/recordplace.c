#include "array/recordfile.h"

#include "array/forms.h"
#include "base/alloc.h"
#include "base/error.h"
#include "data/walk.h"

#include <stdint.h>
#include <string.h>

/* That the file has all that the struct has, a conversion sees; here: that it has nothing else. */
static int check_nothing_else(const mpijob_record *found, const mpijob_record *wanted, const char *path,
                              mpijob_error *err)
{
    for (size_t i = 0; i < found->field_count; i++) {
        const mpijob_field *field = &found->fields[i];
        const mpijob_field *same = NULL;
        for (size_t j = 0; !same && j < wanted->field_count; j++)
            same = strcmp(wanted->fields[j].name, field->name) == 0 ? &wanted->fields[j] : NULL;
        if (!same)
            return mpj_fail(err, MPIJOB_EINVAL, "%s has a field \"%s\" that the struct %s has not", path, field->name,
                            wanted->name);
        if (field->type.kind != MPIJOB_RECORD)
            continue;
        int status = check_nothing_else(field->type.record, same->type.record, path, err);
        if (status != MPIJOB_OK)
            return status;
    }
    return MPIJOB_OK;
}

int mpj_record_convert(void *to, const mpijob_type *type, const mpijob_array *from, size_t count, const char *path,
                       const char *name, mpijob_error *err)
{
    mpj_convert how;
    mpijob_error why = {0};
    int status = mpj_convert_init(&how, &from->type, NULL, type, &why);
    if (status == MPIJOB_EINVAL)
        return mpj_fail(err, status, "%s: field \"%s\" differs: %.600s", path, name, why.text);
    if (status != MPIJOB_OK)
        return mpj_fail_memory(err, "the fields of a struct", 0);
    if (type->kind == MPIJOB_RECORD)
        status = check_nothing_else(from->type.record, type->record, path, err);
    if (status == MPIJOB_OK)
        mpj_convert_elements(&how, to, from->data, count);
    mpj_convert_dispose(&how);
    return status;
}

static int store_length(char *value, const mpijob_field *field, size_t length)
{
    static const uint64_t most[] = {
        [MPIJOB_INT8] = INT8_MAX,     [MPIJOB_INT16] = INT16_MAX,  [MPIJOB_INT32] = INT32_MAX,
        [MPIJOB_INT64] = INT64_MAX,   [MPIJOB_UINT8] = UINT8_MAX,  [MPIJOB_UINT16] = UINT16_MAX,
        [MPIJOB_UINT32] = UINT32_MAX, [MPIJOB_UINT64] = UINT64_MAX};
    if (length > most[field->length_kind])
        return -1;
    uint8_t as8 = (uint8_t)length;
    uint16_t as16 = (uint16_t)length;
    uint32_t as32 = (uint32_t)length;
    uint64_t as64 = length;
    mpijob_type type = mpijob_type_of(field->length_kind);
    size_t bytes = mpijob_type_size(&type);
    const void *number = bytes == 1   ? (void *)&as8
                         : bytes == 2 ? (void *)&as16
                         : bytes == 4 ? (void *)&as32
                                      : (void *)&as64;
    memcpy(value + field->length_offset, number, bytes);
    return 0;
}

/* What another pointer that shares the length said, which was set before; else `count`. */
static size_t shared_length(const char *value, const mpijob_record *record, const mpijob_field *field, size_t count)
{
    size_t before = count;
    for (const mpijob_field *other = record->fields; other < field && before == count; other++) {
        if (other->holding == MPIJOB_POINTER && other->length_offset == field->length_offset)
            mpj_field_length(&before, value, other, NULL);
    }
    return before;
}

int mpj_record_point(char **elements, char *value, const mpijob_record *record, const mpijob_field *field, size_t count,
                     const char *path, const char *name, mpijob_error *err)
{
    size_t before = shared_length(value, record, field, count);
    if (before != count)
        return mpj_fail(err, MPIJOB_EINVAL,
                        "%s: field \"%s\" has %zu elements, and another that shares its length in the struct %zu", path,
                        name, count, before);
    *elements = count ? mpj_calloc(count, mpijob_type_size(&field->type)) : NULL;
    if (count && !*elements)
        return mpj_fail_memory(err, "the elements of a field", count);
    if (store_length(value, field, count) != 0) {
        mpj_free(*elements);
        return mpj_fail(err, MPIJOB_EINVAL, "%s: field \"%s\" has %zu elements, more than its length can say", path,
                        name, count);
    }
    memcpy(value + field->offset, elements, sizeof *elements);
    return MPIJOB_OK;
}

void mpj_record_hand_over(char *to, const char *from, const mpijob_record *record)
{
    for (size_t i = 0; i < record->field_count; i++) {
        const mpijob_field *field = &record->fields[i];
        size_t bytes = mpijob_type_size(&field->type);
        size_t count = field->count ? field->count : 1;
        if (field->holding == MPIJOB_POINTER) {
            mpijob_type length = mpijob_type_of(field->length_kind);
            memcpy(to + field->offset, from + field->offset, sizeof(void *));
            memcpy(to + field->length_offset, from + field->length_offset, mpijob_type_size(&length));
        } else if (field->type.kind == MPIJOB_RECORD) {
            for (size_t j = 0; j < count; j++)
                mpj_record_hand_over(to + field->offset + j * bytes, from + field->offset + j * bytes,
                                     field->type.record);
        } else {
            memcpy(to + field->offset, from + field->offset, count * bytes);
        }
    }
}
