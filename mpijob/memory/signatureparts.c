/* What a function's description says of ignored fields and of its result. */
#include "base/error.h"
#include "memory/signature.h"

#include <string.h>

/* ---- Ignored fields -------------------------------------------------------------------------------------------- */

/* Names may have dots in them, so every way to read one is tried. 1: found. */
static int flag(const mpijob_record *record, const char *name)
{
    int found = 0;
    for (size_t i = 0; i < record->field_count; i++) {
        const mpijob_field *field = &record->fields[i];
        size_t length = strlen(field->name);
        if (strcmp(field->name, name) == 0) {
            ((mpijob_field *)field)->flags |= MPIJOB_IGNORED; /* of a copy of ours */
            return 1;
        }
        if (field->type.kind == MPIJOB_RECORD && strncmp(field->name, name, length) == 0 && name[length] == '.')
            found |= flag(field->type.record, name + length + 1);
    }
    return found;
}

int mpj_ignore_fields(const mpijob_record *record, const char *const *names, mpijob_error *err)
{
    for (; *names != NULL; names++) {
        if (!flag(record, *names))
            return mpj_fail(err, MPIJOB_EINVAL, "struct '%.80s' has no field '%.80s' to ignore", record->name, *names);
    }
    return MPIJOB_OK;
}

/* ---- The result ------------------------------------------------------------------------------------------------ */

static int take_type(mpj_signature *s, const mpijob_type *given, mpijob_error *err)
{
    const mpijob_type plain = mpijob_type_of(MPIJOB_UINT8);
    const mpijob_type *type = given != NULL ? given : &plain;
    int status = mpj_dtype_copy(&s->result_own, type, 0, err);
    if (status != MPIJOB_OK)
        return status;
    s->result = s->result_own.type;
    if (type->kind == MPIJOB_RECORD && !mpijob_record_is_flat(s->result.record))
        return mpj_fail(err, MPIJOB_EINVAL, "%s: a result cannot have strings or pointers", s->name);
    return MPIJOB_OK;
}

static int wrong_shape(const mpj_signature *s, const char *why, mpijob_error *err)
{
    return mpj_fail(err, MPIJOB_EINVAL, "%s: result_shape %s", s->name, why);
}

static int take_shape(mpj_signature *s, const mpijob_function *f, mpijob_error *err)
{
    size_t bytes;
    if (f->result_ndim < 0 || f->result_ndim > MPIJOB_MAX_DIMS)
        return wrong_shape(s, "has more than 32 dimensions, or fewer than none", err);
    if (f->result_size == MPIJOB_ANY_SIZE)
        return wrong_shape(s, "is for results of fixed size", err);
    if (mpj_shape_bytes(&bytes, f->result_ndim, f->result_shape, mpijob_type_size(&s->result)) != 0 ||
        bytes != f->result_size)
        return wrong_shape(s, "times the size of an element is not result_size", err);
    s->result_ndim = f->result_ndim;
    if (f->result_ndim > 0)
        memcpy(s->result_shape, f->result_shape, (size_t)f->result_ndim * sizeof *f->result_shape);
    return MPIJOB_OK;
}

static int default_shape(mpj_signature *s, const mpijob_function *f, mpijob_error *err)
{
    size_t element = mpijob_type_size(&s->result), count = f->result_size / element;
    if (f->result_ndim != 0)
        return mpj_fail(err, MPIJOB_EINVAL, "%s: result_ndim without result_shape", s->name);
    if (f->result_size == MPIJOB_ANY_SIZE) {
        s->result_ndim = -1;
        return MPIJOB_OK;
    }
    if (count * element != f->result_size)
        return mpj_fail(err, MPIJOB_EINVAL, "%s: result_size %zu is not a multiple of the element's %zu bytes", s->name,
                        f->result_size, element);
    s->result_ndim = count != 1;
    s->result_shape[0] = count;
    return MPIJOB_OK;
}

int mpj_signature_result(mpj_signature *signature, const mpijob_function *function, mpijob_error *err)
{
    int status = take_type(signature, function->result, err);
    signature->result_bytes = function->result_size;
    if (status != MPIJOB_OK)
        return status;
    return function->result_shape != NULL ? take_shape(signature, function, err)
                                          : default_shape(signature, function, err);
}
