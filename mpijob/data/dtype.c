/* numpy's descr as a type. */
#include "data/dtype.h"

#include "base/alloc.h"
#include "base/error.h"
#include "data/arena.h"
#include "data/dtypeentry.h"
#include "data/leaves.h"
#include "data/limits.h"
#include "data/names.h"
#include "data/scalar.h"

#include <string.h>

typedef struct parser {
    mpj_dtype *dtype;
    const char *what;
    mpijob_error *err;
    char *orders; /* of the leaves so far */
    size_t leaves, capacity;
} parser;

static int no_memory(const parser *p)
{
    return mpj_fail_memory(p->err, "the type of the elements", sizeof(mpijob_field));
}

static int add_leaf(parser *p, char order)
{
    if (mpj_grow((void **)&p->orders, &p->capacity, p->leaves + 1, 1) != 0)
        return no_memory(p);
    p->orders[p->leaves++] = order;
    return MPIJOB_OK;
}

static int parse_scalar(parser *p, mpijob_type *type, const json_t *descr)
{
    mpj_scalar scalar;
    const char *why = "neither a text nor a list of fields";
    const char *text = mpj_dtype_plain_text(descr);
    int status = text ? mpj_scalar_parse(&scalar, text, &why) : MPIJOB_ECORRUPT;
    if (status != MPIJOB_OK)
        return mpj_fail(p->err, status, "%s: elements of type '%.60s': %s", p->what, text ? text : "?", why);
    *type = (mpijob_type){scalar.kind, 0, scalar.bytes, NULL, NULL};
    if (scalar.kind == MPIJOB_OPAQUE) {
        type->dtype = mpj_arena_text(&p->dtype->own, scalar.text);
        if (!type->dtype)
            return no_memory(p);
    }
    return add_leaf(p, scalar.order);
}

static int parse_record(parser *p, mpijob_type *type, const json_t *descr, int depth);

static int parse_type(parser *p, mpijob_type *type, const json_t *descr, int depth)
{
    return json_is_array(descr) ? parse_record(p, type, descr, depth) : parse_scalar(p, type, descr);
}

/* ---- Structs --------------------------------------------------------------------------------------------------- */

/* name NULL: padding. */
static int parse_field(parser *p, mpijob_field *field, const mpj_dtype_entry *from, int depth)
{
    *field = (mpijob_field){.count = from->count};
    int status = parse_type(p, &field->type, from->type, depth);
    if (status != MPIJOB_OK)
        return status;
    if (from->name[0] != '\0') {
        field->name = mpj_arena_text(&p->dtype->own, from->name);
        return field->name ? MPIJOB_OK : no_memory(p);
    }
    if (field->type.kind != MPIJOB_OPAQUE || field->type.dtype[1] != 'V')
        return mpj_dtype_corrupt(p->what, p->err, "has a field without a name");
    p->leaves--;
    return MPIJOB_OK;
}

/* Padding of no bytes is no error: numpy describes an empty struct with it. */
static int is_nothing(const mpj_dtype_entry *from)
{
    const char *text = json_string_value(from->type);
    return from->name[0] == '\0' && text && (strcmp(text, "|V0") == 0 || strcmp(text, "V0") == 0);
}

/* Appends to the record; padding only moves its end. */
static int add_field(parser *p, mpijob_record *record, mpijob_field *fields, const json_t *descr, int depth)
{
    mpj_dtype_entry from;
    mpijob_field field;
    int status = mpj_dtype_entry_take(&from, descr, p->what, p->err);
    if (status != MPIJOB_OK || is_nothing(&from))
        return status;
    status = parse_field(p, &field, &from, depth);
    if (status != MPIJOB_OK)
        return status;
    size_t bytes = mpijob_type_size(&field.type), count = field.count ? field.count : 1;
    if (count > (MPJ_MAX_ELEMENT_BYTES - record->bytes) / bytes)
        return mpj_dtype_corrupt(p->what, p->err, "has more than 2^31 - 1 bytes");
    field.offset = record->bytes;
    record->bytes += count * bytes;
    if (field.name)
        fields[record->field_count++] = field;
    return MPIJOB_OK;
}

static int check_fields(const parser *p, const mpijob_field *fields, size_t count)
{
    if (count == 0)
        return mpj_fail(p->err, MPIJOB_EUNSUPPORTED, "%s: structs without fields cannot be held", p->what);
    size_t twice = mpj_names_twice(fields, count);
    if (twice != SIZE_MAX)
        return mpj_fail(p->err, MPIJOB_ECORRUPT, "%s: two fields have the name '%.80s'", p->what, fields[twice].name);
    return MPIJOB_OK;
}

static int parse_record(parser *p, mpijob_type *type, const json_t *descr, int depth)
{
    if (depth >= MPJ_MAX_RECORD_DEPTH)
        return mpj_fail(p->err, MPIJOB_EUNSUPPORTED, "%s: more than 32 structs are inside each other", p->what);
    size_t most = json_array_size(descr);
    mpijob_record *record = mpj_arena_alloc(&p->dtype->own, 1, sizeof *record);
    mpijob_field *fields = mpj_arena_alloc(&p->dtype->own, most, sizeof *fields);
    if (!record || !fields)
        return no_memory(p);
    int status = MPIJOB_OK;
    for (size_t i = 0; i < most && status == MPIJOB_OK; i++)
        status = add_field(p, record, fields, json_array_get(descr, i), depth + 1);
    if (status == MPIJOB_OK)
        status = check_fields(p, fields, record->field_count);
    record->name = "";
    record->fields = fields;
    *type = mpijob_type_record(record);
    return status;
}

/* ---- The whole ------------------------------------------------------------------------------------------------- */

/* Turns orders into flags. Opaque leaves stay as they are: their order is part of their text. */
static void mark(const parser *p, const mpijob_type *type, size_t *leaf)
{
    if (type->kind != MPIJOB_RECORD) {
        char order = p->orders[(*leaf)++];
        p->dtype->swapped[*leaf - 1] = type->kind != MPIJOB_OPAQUE && order != '|' && order != MPJ_NATIVE_ORDER;
        return;
    }
    for (size_t i = 0; i < type->record->field_count; i++)
        mark(p, &type->record->fields[i].type, leaf);
}

static char common_order(const char *orders, size_t count)
{
    char common = '|';
    for (size_t i = 0; i < count; i++) {
        if (orders[i] != '|' && common != '|' && orders[i] != common)
            return '=';
        if (orders[i] != '|')
            common = orders[i];
    }
    return common;
}

static int finish(parser *p)
{
    size_t leaf = 0;
    if (mpj_leaves_make(p->dtype) != 0)
        return no_memory(p);
    mark(p, &p->dtype->type, &leaf);
    p->dtype->byte_order = common_order(p->orders, p->leaves);
    return MPIJOB_OK;
}

int mpj_dtype_parse(mpj_dtype *dtype, const json_t *descr, const char *what, mpijob_error *err)
{
    parser p = {.dtype = dtype, .what = what, .err = err};
    *dtype = (mpj_dtype){0};
    int status = parse_type(&p, &dtype->type, descr, 0);
    if (status == MPIJOB_OK)
        status = finish(&p);
    mpj_free(p.orders);
    if (status != MPIJOB_OK)
        mpj_dtype_free(dtype);
    return status;
}
