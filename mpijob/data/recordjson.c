/* A struct as JSON text. Written as it goes, since a tree of values would need many times the memory. */
#include "base/error.h"
#include "data/jsonvalue.h"
#include "data/walk.h"

#include <string.h>

static int add_record(mpj_textbuf *out, const char *value, const mpijob_record *record, mpijob_error *err);

static int add_element(mpj_textbuf *out, const char *place, const mpijob_type *type, mpijob_error *err)
{
    const char *string;
    switch (type->kind) {
    case MPIJOB_RECORD:
        return add_record(out, place, type->record, err);
    case MPIJOB_BYTES:
        mpj_json_bytes(out, place, type->bytes);
        break;
    case MPIJOB_OPAQUE:
        mpj_json_base64(out, place, type->bytes);
        break;
    case MPIJOB_STRING:
        string = mpj_pointer_at(place);
        mpj_json_bytes(out, string ? string : "", string ? strlen(string) : 0);
        break;
    default:
        mpj_json_number(out, place, type->kind);
    }
    return MPIJOB_OK;
}

static int add_list(mpj_textbuf *out, const char *elements, const mpijob_type *type, size_t count, mpijob_error *err)
{
    size_t bytes = mpijob_type_size(type);
    int status = MPIJOB_OK;
    mpj_textbuf_puts(out, "[");
    for (size_t i = 0; i < count && status == MPIJOB_OK && !out->failed; i++) {
        mpj_textbuf_puts(out, i > 0 ? ", " : "");
        status = add_element(out, elements + i * bytes, type, err);
    }
    mpj_textbuf_puts(out, "]");
    return status;
}

static int add_field(mpj_textbuf *out, const char *value, const mpijob_field *field, mpijob_error *err)
{
    const char *place = value + field->offset;
    size_t length;
    if (field->holding == MPIJOB_INLINE && field->count == 0)
        return add_element(out, place, &field->type, err);
    if (field->holding == MPIJOB_INLINE)
        return add_list(out, place, &field->type, field->count, err);
    int status = mpj_field_length(&length, value, field, err);
    return status == MPIJOB_OK ? add_list(out, mpj_pointer_at(place), &field->type, length, err) : status;
}

static int add_record(mpj_textbuf *out, const char *value, const mpijob_record *record, mpijob_error *err)
{
    int status = MPIJOB_OK;
    mpj_textbuf_puts(out, "{");
    for (size_t i = 0; i < record->field_count && status == MPIJOB_OK && !out->failed; i++) {
        const mpijob_field *field = &record->fields[i];
        mpj_textbuf_puts(out, i > 0 ? ", " : "");
        mpj_json_text(out, field->name, strlen(field->name));
        mpj_textbuf_puts(out, ": ");
        status = add_field(out, value, field, err);
    }
    mpj_textbuf_puts(out, "}");
    return status;
}

int mpj_record_json(char **text, const void *value, const mpijob_record *record, mpijob_error *err)
{
    mpj_textbuf out = {0};
    int status = add_record(&out, value, record, err);
    size_t bytes = out.used;
    char *made = mpj_textbuf_finish(&out);
    if (status == MPIJOB_OK && made) {
        *text = made;
        return MPIJOB_OK;
    }
    mpijob_text_free(made);
    return status == MPIJOB_OK ? mpj_fail_memory(err, "a JSON text", bytes) : status;
}

int mpijob_record_to_json(char **text, const void *value, const mpijob_record *record, mpijob_error *err)
{
    const mpijob_type type = mpijob_type_record(record);
    if (!text || !value)
        return mpj_fail(err, MPIJOB_EINVAL, "`text` or `value` is NULL");
    int status = mpijob_type_check(&type, err);
    return status == MPIJOB_OK ? mpj_record_json(text, value, record, err) : status;
}
