/* Writing func.json. */
#include "memory/funcjson.h"

#include "data/jsonvalue.h"
#include "data/textbuf.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define INDENT_MAX 64

static void put(mpj_textbuf *out, const char *text)
{
    mpj_textbuf_puts(out, text);
}

static void put_number(mpj_textbuf *out, uint64_t number)
{
    char text[32];
    snprintf(text, sizeof text, "%" PRIu64, number);
    put(out, text);
}

/* "key": of what may be no UTF-8 */
static void put_name(mpj_textbuf *out, const char *key, const char *name)
{
    put(out, "\"");
    put(out, key);
    put(out, "\": ");
    mpj_json_bytes(out, name, strlen(name));
}

static void new_line(mpj_textbuf *out, int depth)
{
    char spaces[INDENT_MAX + 1];
    int count = 2 * depth < INDENT_MAX ? 2 * depth : INDENT_MAX;
    snprintf(spaces, sizeof spaces, "%*s", count, "");
    put(out, "\n");
    put(out, spaces);
}

/* ---- Arguments ------------------------------------------------------------------------------------------------- */

static void put_fields(mpj_textbuf *out, const mpijob_record *record, int depth);

static void put_type(mpj_textbuf *out, const mpijob_type *type, int depth)
{
    put(out, ", \"type\": \"");
    put(out, mpijob_kind_name(type->kind));
    put(out, "\"");
    if (type->kind == MPIJOB_BYTES) {
        put(out, ", \"bytes\": ");
        put_number(out, type->bytes);
    }
    if (type->kind == MPIJOB_OPAQUE) {
        put(out, ", ");
        put_name(out, "dtype", type->dtype);
    }
    if (type->kind == MPIJOB_RECORD) {
        put(out, ", ");
        put_fields(out, type->record, depth);
    }
}

static void put_field(mpj_textbuf *out, const mpijob_field *field, int depth)
{
    put(out, "{");
    put_name(out, "name", field->name);
    if (field->count > 0) {
        put(out, ", \"count\": ");
        put_number(out, field->count);
    }
    put(out, field->holding == MPIJOB_POINTER ? ", \"pointer\": true" : "");
    put(out, (field->flags & MPIJOB_IGNORED) != 0 ? ", \"ignored\": true" : "");
    put_type(out, &field->type, depth);
    put(out, "}");
}

static void put_fields(mpj_textbuf *out, const mpijob_record *record, int depth)
{
    put_name(out, "struct", record->name);
    put(out, ", \"fields\": [");
    for (size_t i = 0; i < record->field_count && !out->failed; i++) {
        put(out, i > 0 ? "," : "");
        new_line(out, depth + 1);
        put_field(out, &record->fields[i], depth + 1);
    }
    new_line(out, depth);
    put(out, "]");
}

static void put_args(mpj_textbuf *out, const mpj_signature *s)
{
    put(out, "  \"args\": ");
    put(out, s->args != NULL ? "{" : "null");
    if (s->args != NULL)
        put_fields(out, s->args, 1);
    put(out, s->args != NULL ? "},\n" : ",\n");
}

/* ---- Results and source ---------------------------------------------------------------------------------------- */

static void put_result(mpj_textbuf *out, const mpj_signature *s)
{
    put(out, "  \"result\": {\"shape\": ");
    put(out, s->result_ndim < 0 ? "null" : "[");
    for (int i = 0; i < s->result_ndim; i++) {
        put(out, i > 0 ? ", " : "");
        put_number(out, s->result_shape[i]);
    }
    put(out, s->result_ndim < 0 ? "" : "]");
    put_type(out, &s->result, 1);
    put(out, "},\n");
}

static void put_source(mpj_textbuf *out, const mpj_signature *s, const mpijob_source *source)
{
    put(out, "  \"source\": ");
    if (source == NULL || source->text == NULL) {
        put(out, "null\n");
        return;
    }
    put(out, "{");
    put_name(out, "file", source->file != NULL ? source->file : "");
    if (source->function != NULL) {
        put(out, ", ");
        put_name(out, "function", source->function);
    }
    put(out, s->whole_file || source->function == NULL ? ", \"whole_file\": true}\n" : "}\n");
}

char *mpj_func_json_print(const mpj_signature *signature, const mpijob_source *source)
{
    mpj_textbuf out = {0};
    char version[64];
    put(&out, "{\n  \"format\": ");
    put_number(&out, MPJ_FUNC_FORMAT);
    put(&out, ",\n  ");
    put_name(&out, "name", signature->name);
    put(&out, ",\n  \"number\": ");
    put_number(&out, signature->number);
    snprintf(version, sizeof version, ",\n  \"version\": \"%016" PRIx64 "\",\n", signature->version);
    put(&out, version);
    put_args(&out, signature);
    put_result(&out, signature);
    put_source(&out, signature, source);
    put(&out, "}\n");
    return mpj_textbuf_finish(&out);
}
