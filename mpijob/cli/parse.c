#include "cli/cli.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool mpj_parse_bytes(uint64_t *bytes, const char *text)
{
    static const char units[] = "KMGT";
    char *end;
    if (!isdigit((unsigned char)text[0]))
        return false;
    double value = strtod(text, &end);
    if (*end != '\0') {
        const char *unit = strchr(units, toupper((unsigned char)*end));
        if (unit == NULL || (strcmp(end + 1, "") != 0 && strcmp(end + 1, "B") != 0 && strcmp(end + 1, "iB") != 0))
            return false;
        for (const char *u = units; u <= unit; u++)
            value *= 1024;
    }
    if (!(value < 9e18))
        return false;
    *bytes = (uint64_t)value;
    return true;
}

bool mpj_parse_number(uint64_t *number, const char *text, uint64_t max)
{
    char *end;
    if (!isdigit((unsigned char)text[0]))
        return false;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (errno != 0 || *end != '\0' || value > max)
        return false;
    *number = value;
    return true;
}

bool mpj_parse_shape(size_t *shape, int *ndim, const char *text)
{
    const char *at = text;
    *ndim = 0;
    for (;;) {
        char *end;
        errno = 0;
        unsigned long long value = isdigit((unsigned char)*at) ? strtoull(at, &end, 10) : 0;
        if (value == 0 || errno != 0 || value > SIZE_MAX || *ndim == MPIJOB_MAX_DIMS)
            return false;
        shape[(*ndim)++] = (size_t)value;
        if (*end == '\0')
            return true;
        if (*end != ',')
            return false;
        at = end + 1;
    }
}

void mpj_format_bytes(char *out, size_t out_bytes, uint64_t bytes)
{
    static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    double value = (double)bytes;
    size_t unit = 0;
    for (; value >= 1024 && unit < 6; unit++)
        value /= 1024;
    snprintf(out, out_bytes, unit == 0 ? "%.0f %s" : "%.1f %s", value, units[unit]);
}

void mpj_format_place(char *out, size_t out_bytes, const char *path, const char *name)
{
    bool named = name != NULL && name[0] != '\0';
    snprintf(out, out_bytes, "%s%s%s", path, named ? ":" : "", named ? name : "");
}
