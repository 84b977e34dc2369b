/* Single values out of func.json. */
#include "memory/funcreader.h"

#include "base/error.h"
#include "data/arena.h"
#include "memory/jsonbytes.h"

#include <string.h>

int mpj_func_corrupt(const mpj_func_reader *r, const char *why)
{
    return mpj_fail(r->err, MPIJOB_ECORRUPT, "%s: %s", r->what, why);
}

int mpj_func_as_corrupt(const mpj_func_reader *r, int status)
{
    if (status == MPIJOB_OK || status == MPIJOB_ENOMEM)
        return status;
    if (r->err != NULL)
        r->err->status = MPIJOB_ECORRUPT;
    return MPIJOB_ECORRUPT;
}

int mpj_func_no_memory(const mpj_func_reader *r)
{
    return mpj_fail_memory(r->err, r->what, sizeof(mpijob_field));
}

int mpj_func_text(const mpj_func_reader *r, const char **text, const json_t *value, const char *why)
{
    ptrdiff_t room = mpj_json_bytes_room(value);
    if (room < 0)
        return mpj_func_corrupt(r, why);
    char *to = mpj_arena_alloc(&r->s->own, (size_t)room + 1, 1);
    if (to == NULL)
        return mpj_func_no_memory(r);
    ptrdiff_t bytes = mpj_json_bytes_get(to, (size_t)room, value);
    if (bytes < 0 || memchr(to, '\0', (size_t)bytes) != NULL)
        return mpj_func_corrupt(r, why);
    *text = to;
    return MPIJOB_OK;
}

int mpj_func_number(uint64_t *number, const json_t *value)
{
    const char *text = json_string_value(value);
    *number = 0;
    if (json_is_integer(value)) {
        *number = (uint64_t)json_integer_value(value);
        return json_integer_value(value) >= 0 ? 0 : -1;
    }
    if (text == NULL || *text == '\0')
        return -1;
    for (; *text != '\0'; text++) {
        if (*text < '0' || *text > '9' || __builtin_mul_overflow(*number, 10u, number) ||
            __builtin_add_overflow(*number, (uint64_t)(*text - '0'), number))
            return -1;
    }
    return 0;
}
