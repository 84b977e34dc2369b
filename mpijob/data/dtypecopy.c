/* Types of our own, and what lasts as long as they do. */
#include "base/error.h"
#include "data/arena.h"
#include "data/leaves.h"
#include "data/scalar.h"

size_t mpj_leaf_count(const mpijob_type *type)
{
    if (type->kind != MPIJOB_RECORD)
        return 1;
    size_t count = 0;
    for (size_t i = 0; i < type->record->field_count; i++)
        count += mpj_leaf_count(&type->record->fields[i].type);
    return count;
}

/* '|' where the order does not matter. */
static char order_of(const mpijob_type *type)
{
    char text[MPJ_SCALAR_TEXT_BYTES];
    if (type->kind == MPIJOB_STRING)
        return '|';
    if (type->kind != MPIJOB_RECORD) {
        mpj_scalar_text(text, type);
        return text[0];
    }
    char order = '|';
    for (size_t i = 0; i < type->record->field_count; i++) {
        char one = order_of(&type->record->fields[i].type);
        if (one != '|' && order != '|' && one != order)
            return '=';
        if (one != '|')
            order = one;
    }
    return order;
}

int mpj_leaves_make(mpj_dtype *dtype)
{
    dtype->swap_count = mpj_leaf_count(&dtype->type);
    dtype->swapped = mpj_arena_alloc(&dtype->own, dtype->swap_count, 1);
    dtype->byte_order = order_of(&dtype->type);
    return dtype->swapped ? 0 : -1;
}

void mpj_dtype_free(mpj_dtype *dtype)
{
    mpj_arena_free(&dtype->own);
    *dtype = (mpj_dtype){0};
}

/* ---- Copies ---------------------------------------------------------------------------------------------------- */

static const mpijob_record *copy_record(void **arena, const mpijob_record *from, int packed);

static int copy_type(void **arena, mpijob_type *to, const mpijob_type *from, int packed)
{
    *to = *from;
    if (from->kind == MPIJOB_RECORD) {
        to->record = copy_record(arena, from->record, packed);
        to->bytes = 0;
        return to->record ? 0 : -1;
    }
    if (from->dtype)
        to->dtype = mpj_arena_text(arena, from->dtype);
    return from->dtype && !to->dtype ? -1 : 0;
}

static int copy_field(void **arena, mpijob_field *to, const mpijob_field *from, int packed)
{
    *to = *from;
    to->name = mpj_arena_text(arena, from->name);
    return to->name ? copy_type(arena, &to->type, &from->type, packed) : -1;
}

static const mpijob_record *copy_record(void **arena, const mpijob_record *from, int packed)
{
    mpijob_record *to = mpj_arena_alloc(arena, 1, sizeof *to);
    mpijob_field *fields = mpj_arena_alloc(arena, from->field_count, sizeof *fields);
    const char *name = mpj_arena_text(arena, from->name);
    if (!to || !fields || !name)
        return NULL;
    size_t end = 0;
    for (size_t i = 0; i < from->field_count; i++) {
        if (copy_field(arena, &fields[i], &from->fields[i], packed) != 0)
            return NULL;
        if (packed)
            fields[i].offset = end;
        end += mpijob_type_size(&fields[i].type) * (fields[i].count ? fields[i].count : 1);
    }
    *to = (mpijob_record){name, packed ? end : from->bytes, from->field_count, fields};
    return to;
}

int mpj_dtype_copy(mpj_dtype *dtype, const mpijob_type *type, int packed, mpijob_error *err)
{
    *dtype = (mpj_dtype){0};
    int status = mpijob_type_check(type, err);
    if (status != MPIJOB_OK)
        return status;
    if (packed && type->kind == MPIJOB_RECORD && !mpijob_record_is_flat(type->record))
        return mpj_fail(err, MPIJOB_EUNSUPPORTED,
                        "struct '%.80s' has strings or pointers, so it is no element of a file: see mpijob_dump_record",
                        type->record->name);
    if (copy_type(&dtype->own, &dtype->type, type, packed) == 0 && mpj_leaves_make(dtype) == 0)
        return MPIJOB_OK;
    mpj_dtype_free(dtype);
    return mpj_fail_memory(err, "the description of a type", sizeof(mpijob_field));
}
