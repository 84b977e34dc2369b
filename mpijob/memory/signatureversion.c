/* The digest of all that makes a function another one, save its name. */
#include "array/jsontext.h"
#include "base/alloc.h"
#include "base/error.h"
#include "data/hash.h"
#include "memory/jsonbytes.h"
#include "memory/signature.h"
#include "memory/source.h"

#include <jansson.h>
#include <stddef.h>
#include <string.h>

#define MAGIC "mpjfunc\1"
#define BETWEEN_PARTS "\n\n"

/* ---- Descriptions ---------------------------------------------------------------------------------------------- */

static void put_text(mpj_hash_bytes *b, const char *text, size_t bytes)
{
    mpj_hash_put_u64(b, bytes);
    mpj_hash_put(b, text, bytes);
}

static void put_fields(mpj_hash_bytes *b, const mpijob_record *record);

/* As in hash.md, with the fields that are ignored, and whether they are. */
static void put_type(mpj_hash_bytes *b, const mpijob_type *type)
{
    mpj_hash_put_u8(b, (unsigned)type->kind);
    if (type->kind == MPIJOB_BYTES || type->kind == MPIJOB_OPAQUE)
        mpj_hash_put_u64(b, type->bytes);
    if (type->kind == MPIJOB_OPAQUE)
        put_text(b, type->dtype, strlen(type->dtype));
    if (type->kind == MPIJOB_RECORD)
        put_fields(b, type->record);
}

static void put_field(mpj_hash_bytes *b, const mpijob_field *field)
{
    unsigned holding = field->holding == MPIJOB_POINTER ? 2 : field->count > 0;
    put_text(b, field->name, strlen(field->name));
    mpj_hash_put_u8(b, field->flags & MPIJOB_IGNORED);
    mpj_hash_put_u8(b, holding);
    if (holding == 1)
        mpj_hash_put_u64(b, field->count);
    put_type(b, &field->type);
}

static void put_fields(mpj_hash_bytes *b, const mpijob_record *record)
{
    mpj_hash_put_u64(b, record->field_count);
    for (size_t i = 0; i < record->field_count; i++)
        put_field(b, &record->fields[i]);
}

static void put_args(mpj_hash_bytes *b, const mpj_signature *s)
{
    mpj_hash_put_u8(b, s->args != NULL);
    if (s->args == NULL)
        return;
    put_text(b, s->args->name, strlen(s->args->name));
    mpj_hash_put_u8(b, MPIJOB_RECORD);
    put_fields(b, s->args);
}

static void put_result(mpj_hash_bytes *b, const mpj_signature *s)
{
    put_type(b, &s->result);
    mpj_hash_put_u8(b, (unsigned)s->result_ndim & 255u);
    for (int i = 0; i < s->result_ndim; i++)
        mpj_hash_put_u64(b, s->result_shape[i]);
}

/* ---- The source ------------------------------------------------------------------------------------------------ */

static size_t code_bytes(const mpj_source_cut *cut)
{
    size_t bytes = 1;
    for (size_t i = 0; i < cut->count; i++)
        bytes += cut->parts[i].bytes + (i > 0 ? strlen(BETWEEN_PARTS) : 0);
    return bytes;
}

static int keep_code(mpj_signature *s, const mpj_source_cut *cut, mpijob_error *err)
{
    char *to = s->code = mpj_alloc(code_bytes(cut));
    if (to == NULL)
        return mpj_fail_memory(err, "the text of a function", code_bytes(cut));
    for (size_t i = 0; i < cut->count; i++) {
        if (i > 0)
            to = memcpy(to, BETWEEN_PARTS, strlen(BETWEEN_PARTS)), to += strlen(BETWEEN_PARTS);
        if (cut->parts[i].bytes > 0)
            memcpy(to, cut->parts[i].text, cut->parts[i].bytes);
        to += cut->parts[i].bytes;
    }
    if (!cut->whole)
        *to++ = '\n';
    s->code_bytes = (size_t)(to - s->code);
    return MPIJOB_OK;
}

static void take_piece(void *payload, const char *piece, size_t bytes)
{
    mpj_hash_append(payload, piece, bytes);
}

static int add_source(mpj_hash_stream *stream, mpj_signature *s, const mpijob_source *source, mpijob_error *err)
{
    mpj_source_cut cut;
    mpj_source_find(&cut, source->text, source->bytes > 0 ? source->bytes : strlen(source->text), source->function);
    s->whole_file = cut.whole && source->function != NULL;
    for (size_t i = 0; i < cut.count; i++) {
        mpj_source_tokens(cut.parts[i].text, cut.parts[i].bytes, take_piece, stream);
        mpj_hash_append(stream, "", 1);
    }
    return stream->status == MPIJOB_OK ? keep_code(s, &cut, err) : stream->status;
}

/* ---- Together -------------------------------------------------------------------------------------------------- */

static uint64_t first_number(const mpijob_digest *digest)
{
    uint64_t number = 0;
    for (int i = 0; i < 8; i++)
        number |= (uint64_t)digest->bytes[i] << 8 * i;
    return number;
}

int mpj_signature_version(mpj_signature *s, const mpijob_source *source, mpijob_error *err)
{
    mpj_hash_stream stream;
    mpijob_digest digest;
    int tracked = source != NULL && source->text != NULL, status = MPIJOB_OK;
    mpj_hash_stream_init(&stream, err);
    mpj_hash_put(&stream.outer, MAGIC, sizeof MAGIC - 1);
    put_args(&stream.outer, s);
    put_result(&stream.outer, s);
    mpj_hash_put_u64(&stream.outer, s->number);
    mpj_hash_put_u8(&stream.outer, (unsigned)tracked);
    if (stream.outer.no_memory)
        status = mpj_fail_memory(err, "the version of a function", stream.outer.used);
    if (status == MPIJOB_OK && tracked)
        status = add_source(&stream, s, source, err);
    if (status == MPIJOB_OK)
        status = mpj_hash_stream_digest(&digest, &stream);
    if (status == MPIJOB_OK)
        s->version = first_number(&digest);
    mpj_hash_stream_dispose(&stream);
    return status;
}

/* MPIJOB_OK: it is this version; MPIJOB_ECORRUPT: it is another; MPIJOB_ENOMEM. */
static int gives(mpj_signature *s, const mpijob_source *source, uint64_t version)
{
    mpj_free(s->code);
    s->code = NULL;
    int status = mpj_signature_version(s, source, NULL);
    return status == MPIJOB_OK && s->version != version ? MPIJOB_ECORRUPT : status;
}

/* The name of the function that was cut out; "": none. NULL: no memory. */
static char *function_of(const json_t *source)
{
    const json_t *name = json_object_get(source, "function");
    ptrdiff_t room = name ? mpj_json_bytes_room(name) : 0;
    char *text = mpj_alloc(room > 0 ? (size_t)room + 1 : 1);
    ptrdiff_t bytes = text && room > 0 ? mpj_json_bytes_get(text, (size_t)room, name) : 0;
    if (text)
        text[bytes > 0 ? bytes : 0] = '\0';
    return text;
}

/* What was cut out are definitions, one behind the other: the only one, or each found again. */
static int gives_with_code(mpj_signature *s, const json_t *described, const char *code, size_t code_bytes,
                           uint64_t version)
{
    mpijob_source source = {.text = code, .bytes = code_bytes};
    int status = gives(s, &source, version);
    if (status != MPIJOB_ECORRUPT)
        return status;
    char *function = function_of(described);
    if (!function)
        return MPIJOB_ENOMEM;
    source.function = function;
    if (*function)
        status = gives(s, &source, version);
    mpj_free(function);
    return status;
}

bool mpj_signature_is_tracked(const char *text)
{
    json_t *object = NULL;
    mpj_json_parse_object(&object, text, strlen(text), "func.json", NULL);
    bool tracked = json_is_object(json_object_get(object, "source"));
    json_decref(object);
    return tracked;
}

int mpj_signature_prove(mpj_signature *s, const char *text, const char *code, size_t code_bytes, uint64_t version)
{
    if (s->version != version)
        return MPIJOB_ECORRUPT;
    json_t *object = NULL;
    int status = mpj_json_parse_object(&object, text, strlen(text), "func.json", NULL);
    const json_t *source = json_object_get(object, "source");
    if (status != MPIJOB_OK)
        return status;
    if (json_is_null(source))
        status = gives(s, NULL, version);
    else if (json_is_object(source) && code)
        status = gives_with_code(s, source, code, code_bytes, version);
    json_decref(object);
    return status;
}
