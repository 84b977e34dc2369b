#include "data/dtypeentry.h"

#include "base/error.h"
#include "data/limits.h"

#include <string.h>

int mpj_dtype_corrupt(const char *what, mpijob_error *err, const char *why)
{
    return mpj_fail(err, MPIJOB_ECORRUPT, "%s: the type of the elements %s", what, why);
}

const char *mpj_dtype_plain_text(const json_t *value)
{
    const char *text = json_string_value(value);
    return text && strlen(text) == json_string_length(value) ? text : NULL;
}

/* Multiplies *count by a length of a shape. */
static int take_length(size_t *count, const json_t *length, const char *what, mpijob_error *err)
{
    json_int_t number = json_integer_value(length);
    if (!json_is_integer(length) || number < 0)
        return mpj_dtype_corrupt(what, err, "has a field whose shape is not made of lengths");
    if (number == 0)
        return mpj_fail(err, MPIJOB_EUNSUPPORTED, "%s: a field whose shape has a 0 has no bytes, and cannot be held",
                        what);
    if ((unsigned long long)number > MPJ_MAX_ELEMENT_BYTES / *count)
        return mpj_dtype_corrupt(what, err, "has more than 2^31 - 1 bytes");
    *count *= (size_t)number;
    return MPIJOB_OK;
}

/* "()" is one element, and no array. */
static int take_shape(size_t *count, const json_t *shape, const char *what, mpijob_error *err)
{
    size_t product = *count ? *count : 1;
    if (json_is_array(shape) && json_array_size(shape) == 0)
        return MPIJOB_OK;
    int status = MPIJOB_OK;
    if (!json_is_array(shape))
        status = take_length(&product, shape, what, err);
    for (size_t i = 0; i < json_array_size(shape) && status == MPIJOB_OK; i++)
        status = take_length(&product, json_array_get(shape, i), what, err);
    *count = product;
    return status;
}

/* [descr, shape], as opposed to a list of fields. */
static int has_shape(const json_t *descr)
{
    if (!json_is_array(descr) || json_array_size(descr) != 2)
        return 0;
    const json_t *second = json_array_get(descr, 1);
    return json_is_integer(second) ||
           (json_is_array(second) && (json_array_size(second) == 0 || json_is_integer(json_array_get(second, 0))));
}

static int take_descr(mpj_dtype_entry *entry, const json_t *descr, const char *what, mpijob_error *err)
{
    int status = MPIJOB_OK;
    entry->type = descr;
    while (status == MPIJOB_OK && has_shape(entry->type)) {
        status = take_shape(&entry->count, json_array_get(entry->type, 1), what, err);
        entry->type = json_array_get(entry->type, 0);
    }
    return status;
}

/* name, or [title, name]: the title is left out. */
static int take_name(mpj_dtype_entry *entry, const json_t *name, const char *what, mpijob_error *err)
{
    if (json_is_array(name)) {
        if (json_array_size(name) != 2 || !json_is_string(json_array_get(name, 0)))
            return mpj_dtype_corrupt(what, err, "has a field with something else than a title and a name");
        name = json_array_get(name, 1);
    }
    entry->name = mpj_dtype_plain_text(name);
    if (!entry->name)
        return mpj_dtype_corrupt(what, err, "has a field whose name is no text");
    if (strlen(entry->name) > MPJ_MAX_NAME_BYTES)
        return mpj_dtype_corrupt(what, err, "has a field whose name is longer than 1023 bytes");
    return MPIJOB_OK;
}

int mpj_dtype_entry_take(mpj_dtype_entry *entry, const json_t *field, const char *what, mpijob_error *err)
{
    size_t size = json_array_size(field); /* 0 for what is no array */
    *entry = (mpj_dtype_entry){0};
    if (size != 2 && size != 3)
        return mpj_dtype_corrupt(what, err, "has a field that is not [name, type] or [name, type, shape]");
    int status = take_name(entry, json_array_get(field, 0), what, err);
    if (status == MPIJOB_OK && size == 3)
        status = take_shape(&entry->count, json_array_get(field, 2), what, err);
    if (status == MPIJOB_OK)
        status = take_descr(entry, json_array_get(field, 1), what, err);
    return status;
}
