/* Reading func.json, whatever stands in it. */
#include "memory/funcjson.h"

#include "array/jsontext.h"
#include "base/error.h"
#include "memory/funcreader.h"

#include <string.h>

/* ---- Arguments --------------------------------------------------------------------------------------------------- */

static int read_args(const mpj_func_reader *r, const json_t *value)
{
    const mpijob_record *record;
    if (json_is_null(value))
        return MPIJOB_OK;
    int status = mpj_func_struct(r, &record, value, 0);
    if (status != MPIJOB_OK)
        return status;
    mpijob_type type = mpijob_type_record(record);
    status = mpj_dtype_copy(&r->s->args_own, &type, 0, r->err);
    r->s->args = r->s->args_own.type.record;
    return mpj_func_as_corrupt(r, status);
}

/* ---- Results --------------------------------------------------------------------------------------------------- */

static int read_shape(const mpj_func_reader *r, const json_t *list)
{
    mpj_signature *s = r->s;
    uint64_t length;
    s->result_ndim = -1;
    s->result_bytes = MPIJOB_ANY_SIZE;
    if (json_is_null(list))
        return MPIJOB_OK;
    if (!json_is_array(list) || json_array_size(list) > MPIJOB_MAX_DIMS)
        return mpj_func_corrupt(r, "the result has no shape, or one of more than 32 dimensions");
    s->result_ndim = (int)json_array_size(list);
    for (int i = 0; i < s->result_ndim; i++) {
        if (mpj_func_number(&length, json_array_get(list, (size_t)i)) != 0 || length > PTRDIFF_MAX)
            return mpj_func_corrupt(r, "a length in the result's shape is none");
        s->result_shape[i] = (size_t)length;
    }
    if (mpj_shape_bytes(&s->result_bytes, s->result_ndim, s->result_shape, mpijob_type_size(&s->result)) != 0)
        return mpj_func_corrupt(r, "the result is larger than memory");
    return MPIJOB_OK;
}

/* Without padding, as results are stored. */
static int read_result(const mpj_func_reader *r, const json_t *value)
{
    mpijob_type type;
    int status = mpj_func_type(r, &type, value, -1);
    if (status == MPIJOB_OK)
        status = mpj_dtype_copy(&r->s->result_own, &type, 1, r->err);
    if (status != MPIJOB_OK)
        return mpj_func_as_corrupt(r, status);
    r->s->result = r->s->result_own.type;
    return read_shape(r, json_object_get(value, "shape"));
}

/* ---- All of it ------------------------------------------------------------------------------------------------- */

static int read_version(const mpj_func_reader *r, const json_t *value)
{
    static const char digits[] = "0123456789abcdef";
    const char *text = json_string_value(value);
    if (text == NULL || strlen(text) != 16 || strspn(text, digits) != 16)
        return mpj_func_corrupt(r, "the version is not 16 hexadecimal digits");
    for (; *text != '\0'; text++)
        r->s->version = r->s->version << 4 | (uint64_t)(strchr(digits, *text) - digits);
    return MPIJOB_OK;
}

static int read_format(const mpj_func_reader *r, const json_t *value)
{
    if (!json_is_integer(value) || json_integer_value(value) < 1)
        return mpj_func_corrupt(r, "it does not say which format it has");
    if (json_integer_value(value) > MPJ_FUNC_FORMAT)
        return mpj_fail(r->err, MPIJOB_EVERSION, "%s: it was written by a later version of this library", r->what);
    return MPIJOB_OK;
}

static int read_all(const mpj_func_reader *r, const json_t *object)
{
    int status = read_format(r, json_object_get(object, "format"));
    if (status == MPIJOB_OK)
        status = mpj_func_text(r, &r->s->name, json_object_get(object, "name"), "the function has no name");
    if (status == MPIJOB_OK && mpj_func_number(&r->s->number, json_object_get(object, "number")) != 0)
        status = mpj_func_corrupt(r, "the version number is none");
    if (status == MPIJOB_OK)
        status = read_version(r, json_object_get(object, "version"));
    if (status == MPIJOB_OK)
        status = read_args(r, json_object_get(object, "args"));
    return status == MPIJOB_OK ? read_result(r, json_object_get(object, "result")) : status;
}

int mpj_func_json_parse(mpj_signature *signature, const char *text, size_t bytes, const char *what, mpijob_error *err)
{
    json_t *object;
    const mpj_func_reader r = {signature, what, err};
    int status = mpj_json_parse_object(&object, text, bytes, what, err);
    if (status != MPIJOB_OK)
        return status;
    status = read_all(&r, object);
    json_decref(object);
    return status;
}
