#include "memory/jsonbytes.h"

#include "array/base64.h"

#include <string.h>

/* NULL: it is no such object. */
static const json_t *base64_of(const json_t *value)
{
    const json_t *text = json_object_get(value, "base64");
    return json_is_string(text) && json_object_size(value) == 1 ? text : NULL;
}

ptrdiff_t mpj_json_bytes_room(const json_t *value)
{
    if (json_is_string(value))
        return (ptrdiff_t)json_string_length(value);
    const json_t *text = base64_of(value);
    return text == NULL ? -1 : (ptrdiff_t)(json_string_length(text) / 4 * 3);
}

ptrdiff_t mpj_json_bytes_get(void *out, size_t room, const json_t *value)
{
    if (json_is_string(value)) {
        size_t bytes = json_string_length(value);
        if (bytes > room)
            return -1;
        if (bytes > 0)
            memcpy(out, json_string_value(value), bytes);
        return (ptrdiff_t)bytes;
    }
    const json_t *text = base64_of(value);
    return text == NULL ? -1 : mpj_base64_decode(out, room, json_string_value(text), json_string_length(text));
}
