/* Types as numpy's descr, and descr as text. */
#include "data/dtype.h"
#include "data/scalar.h"
#include "data/utf8.h"

#include <stdio.h>
#include <string.h>

static json_t *describe_record(const mpijob_record *record, int padded);

static json_t *describe(const mpijob_type *type, int padded)
{
    char text[MPJ_SCALAR_TEXT_BYTES];
    if (type->kind == MPIJOB_RECORD)
        return describe_record(type->record, padded);
    mpj_scalar_text(text, type);
    return json_string(text);
}

static json_t *describe_field(const mpijob_field *field, int padded)
{
    json_t *type = describe(&field->type, padded);
    if (!type || field->count == 0)
        return type ? json_pack("[s, o]", field->name, type) : NULL;
    return json_pack("[s, o, [I]]", field->name, type, (json_int_t)field->count);
}

/* Takes over `entry`; 0 or -1. */
static int append(json_t *list, json_t *entry)
{
    return entry ? json_array_append_new(list, entry) : -1;
}

static int append_padding(json_t *list, size_t bytes)
{
    char text[MPJ_SCALAR_TEXT_BYTES];
    if (bytes == 0)
        return 0;
    snprintf(text, sizeof text, "|V%zu", bytes);
    return append(list, json_pack("[s, s]", "", text));
}

static int describe_fields(json_t *list, const mpijob_record *record, int padded)
{
    size_t end = 0;
    for (size_t i = 0; i < record->field_count; i++) {
        const mpijob_field *field = &record->fields[i];
        if (padded && append_padding(list, field->offset - end) != 0)
            return -1;
        if (append(list, describe_field(field, padded)) != 0)
            return -1;
        end = field->offset + mpijob_type_size(&field->type) * (field->count ? field->count : 1);
    }
    return padded ? append_padding(list, record->bytes - end) : 0;
}

static json_t *describe_record(const mpijob_record *record, int padded)
{
    json_t *list = json_array();
    if (list && describe_fields(list, record, padded) != 0) {
        json_decref(list);
        return NULL;
    }
    return list;
}

json_t *mpj_dtype_descr(const mpijob_type *type, int padded)
{
    return describe(type, padded);
}

/* ---- As text --------------------------------------------------------------------------------------------------- */

typedef struct line {
    char *text;
    size_t used, room;
} line;

/* Ends the dump when the room is full. */
static int add_to_line(const char *text, size_t bytes, void *payload)
{
    line *out = payload;
    size_t fits = mpj_utf8_cut(text, bytes, out->room - out->used);
    memcpy(out->text + out->used, text, fits);
    out->used += fits;
    return fits < bytes ? -1 : 0;
}

void mpj_dtype_text(char *out, size_t out_bytes, const json_t *descr)
{
    if (out_bytes == 0)
        return;
    line rest = {out, 0, out_bytes - 1};
    if (json_is_string(descr))
        (void)add_to_line(json_string_value(descr), json_string_length(descr), &rest);
    else
        (void)json_dump_callback(descr, add_to_line, &rest, JSON_ENCODE_ANY);
    out[rest.used] = '\0';
}
