#include "base/alloc.h"
#include "data/limits.h"
#include "data/walk.h"

#include <string.h>

/* The depth is limited, since the description may not have been checked. */
static int is_flat(const mpijob_record *record, int depth)
{
    if (!record || !record->fields || depth > MPJ_MAX_RECORD_DEPTH)
        return 0;
    for (size_t i = 0; i < record->field_count; i++) {
        const mpijob_field *field = &record->fields[i];
        if (field->holding != MPIJOB_INLINE || field->type.kind == MPIJOB_STRING)
            return 0;
        if (field->type.kind == MPIJOB_RECORD && !is_flat(field->type.record, depth + 1))
            return 0;
    }
    return record->field_count > 0;
}

int mpijob_record_is_flat(const mpijob_record *record)
{
    return is_flat(record, 1);
}

void mpijob_text_free(char *text)
{
    mpj_free(text);
}

/* ---- Releasing what was loaded --------------------------------------------------------------------------------- */

static void dispose_record(char *value, const mpijob_record *record);

static void dispose_elements(char *elements, const mpijob_type *type, size_t count)
{
    size_t bytes = mpijob_type_size(type);
    if (type->kind == MPIJOB_RECORD && mpijob_record_is_flat(type->record))
        return;
    for (size_t i = 0; i < count; i++) {
        char *element = elements + i * bytes;
        if (type->kind == MPIJOB_RECORD)
            dispose_record(element, type->record);
        if (type->kind == MPIJOB_STRING) {
            mpj_free(mpj_pointer_at(element));
            memset(element, 0, bytes);
        }
    }
}

static void dispose_field(char *value, const mpijob_field *field)
{
    char *place = value + field->offset;
    size_t length;
    if (field->holding == MPIJOB_INLINE) {
        dispose_elements(place, &field->type, field->count ? field->count : 1);
        return;
    }
    if (mpj_field_length(&length, value, field, NULL) == MPIJOB_OK && length > 0)
        dispose_elements(mpj_pointer_at(place), &field->type, length);
    mpj_free(mpj_pointer_at(place));
    memset(place, 0, sizeof(void *));
}

static void dispose_record(char *value, const mpijob_record *record)
{
    for (size_t i = 0; i < record->field_count; i++)
        dispose_field(value, &record->fields[i]);
    /* Lengths last: two pointers may share one. */
    for (size_t i = 0; i < record->field_count; i++) {
        const mpijob_field *field = &record->fields[i];
        const mpijob_type length = mpijob_type_of(field->length_kind);
        if (field->holding == MPIJOB_POINTER)
            memset(value + field->length_offset, 0, mpijob_type_size(&length));
    }
}

void mpijob_record_dispose(void *value, const mpijob_record *record)
{
    const mpijob_type type = mpijob_type_record(record);
    if (value && mpijob_type_check(&type, NULL) == MPIJOB_OK)
        dispose_record(value, record);
}
