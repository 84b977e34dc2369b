/* What has to be done to make elements of one type of those of another. */
#include "data/convert.h"

#include "base/error.h"
#include "data/leaves.h"

#include <string.h>

typedef struct planner {
    mpj_convert_builder builder;
    const unsigned char *swapped; /* of from's scalars, depth-first; NULL: none */
    mpijob_error *err;
} planner;

/* Where the search for the next field begins, since most structs have their fields in the same order. */
typedef struct cursor {
    size_t field, scalar;
} cursor;

static void advance(cursor *at, const mpijob_record *record)
{
    at->scalar += mpj_leaf_count(&record->fields[at->field].type);
    at->field++;
    if (at->field == record->field_count)
        *at = (cursor){0};
}

static const mpijob_field *find_field(const mpijob_record *record, const char *name, cursor *at)
{
    for (size_t tried = 0; tried < record->field_count; tried++) {
        const mpijob_field *field = &record->fields[at->field];
        if (strcmp(field->name, name) == 0)
            return field;
        advance(at, record);
    }
    return NULL;
}

static int same_dtype(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static int same_scalar(const mpijob_type *from, const mpijob_type *to)
{
    return from->kind == to->kind && from->kind != MPIJOB_STRING && mpijob_type_size(from) == mpijob_type_size(to) &&
           (from->kind != MPIJOB_OPAQUE || same_dtype(from->dtype, to->dtype));
}

static int plan_record(planner *p, const mpijob_record *from, size_t from_at, const mpijob_record *to, size_t to_at,
                       size_t scalar);

/* `count` elements, one behind the other at both ends; name: of the field, NULL outside of structs. */
static int plan_elements(planner *p, const mpijob_type *from, size_t from_at, const mpijob_type *to, size_t to_at,
                         size_t scalar, size_t count, const char *name)
{
    size_t from_step = mpijob_type_size(from), to_step = mpijob_type_size(to);
    if (from->kind == MPIJOB_RECORD && to->kind == MPIJOB_RECORD) {
        if (count == 1)
            return plan_record(p, from->record, from_at, to->record, to_at, scalar);
        mpj_convert_loop loop = mpj_convert_loop_begin(&p->builder, from_at, to_at, count);
        int status = plan_record(p, from->record, 0, to->record, 0, scalar);
        mpj_convert_loop_end(&p->builder, loop, from_step, to_step);
        return status;
    }
    if (!same_scalar(from, to))
        return mpj_fail(p->err, MPIJOB_EINVAL, "%s%s%s: %s of %zu bytes is wanted, but it is %s of %zu bytes",
                        name == NULL ? "the elements" : "field '", name == NULL ? "" : name, name == NULL ? "" : "'",
                        mpijob_kind_name(to->kind), to_step, mpijob_kind_name(from->kind), from_step);
    int swap = p->swapped != NULL && p->swapped[scalar];
    mpj_convert_leaf(&p->builder, from_at, to_at, count * to_step, swap ? mpj_swap_unit(to) : 1);
    return MPIJOB_OK;
}

static int plan_field(planner *p, const mpijob_field *from, size_t from_at, const mpijob_field *to, size_t to_at,
                      size_t scalar)
{
    if (from->holding != MPIJOB_INLINE || to->holding != MPIJOB_INLINE)
        return mpj_fail(p->err, MPIJOB_EINVAL, "field '%s' is held behind a pointer, which has no place in an element",
                        to->name);
    if (from->count != to->count)
        return mpj_fail(p->err, MPIJOB_EINVAL, "field '%s': %zu elements are wanted, but it has %zu (0: no array)",
                        to->name, to->count, from->count);
    return plan_elements(p, &from->type, from_at, &to->type, to_at, scalar, to->count == 0 ? 1 : to->count, to->name);
}

static int plan_record(planner *p, const mpijob_record *from, size_t from_at, const mpijob_record *to, size_t to_at,
                       size_t scalar)
{
    cursor at = {0};
    for (size_t i = 0; i < to->field_count; i++) {
        const mpijob_field *wanted = &to->fields[i];
        const mpijob_field *found = find_field(from, wanted->name, &at);
        if (found == NULL)
            return mpj_fail(p->err, MPIJOB_EINVAL, "there is no field '%s'", wanted->name);
        int status = plan_field(p, found, from_at + found->offset, wanted, to_at + wanted->offset, scalar + at.scalar);
        if (status != MPIJOB_OK)
            return status;
        advance(&at, from);
    }
    return MPIJOB_OK;
}

int mpj_convert_init(mpj_convert *convert, const mpijob_type *from, const unsigned char *from_swapped,
                     const mpijob_type *to, mpijob_error *err)
{
    *convert = (mpj_convert){.from_bytes = mpijob_type_size(from), .to_bytes = mpijob_type_size(to)};
    planner p = {.builder = {.convert = convert}, .swapped = from_swapped, .err = err};
    int status = plan_elements(&p, from, 0, to, 0, 0, 1, NULL);
    if (status != MPIJOB_OK) {
        mpj_convert_dispose(convert);
        return status;
    }
    return mpj_convert_finish(&p.builder, err);
}
