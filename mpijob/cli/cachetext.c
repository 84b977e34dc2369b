/* What the commands for caches print, and take. */
#include "cli/cache.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    double seconds;
} units[] = {{"s", 1}, {"min", 60}, {"h", 3600}, {"d", 86400}, {"w", 7 * 86400.0}};

bool mpj_parse_seconds(double *seconds, const char *text)
{
    char *end;
    if (!isdigit((unsigned char)text[0]))
        return false;
    double value = strtod(text, &end);
    double unit = *end == '\0' ? 1 : 0;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (strcmp(end, units[i].name) == 0)
            unit = units[i].seconds;
    *seconds = value * unit;
    return unit > 0 && *seconds < 1e15;
}

void mpj_format_seconds(char *out, size_t out_bytes, double seconds)
{
    size_t unit = 0;
    while (unit < 3 && seconds >= 2 * units[unit + 1].seconds)
        unit++;
    double value = (seconds > 0 ? seconds : 0) / units[unit].seconds;
    snprintf(out, out_bytes, value < 10 ? "%.1f %s" : "%.0f %s", value, units[unit].name);
}

void mpj_format_version(char out[17], uint64_t version)
{
    snprintf(out, 17, "%016" PRIx64, version);
}

bool mpj_parse_version(uint64_t *version, const char *text)
{
    if (strlen(text) != 16 || strspn(text, "0123456789abcdefABCDEF") != 16)
        return false;
    *version = strtoull(text, NULL, 16);
    return true;
}

/* ---- JSON -------------------------------------------------------------------------------------------------------- */

/* What is no UTF-8 is shown byte by byte, as Latin-1; a very long text is cut. */
json_t *mpj_json_text(const char *text)
{
    char wide[8192], *to = wide;
    json_t *made = json_string(text);
    if (made)
        return made;
    for (const char *from = text; *from && to < wide + sizeof wide - 3; from++) {
        unsigned char byte = (unsigned char)*from;
        if (byte >= 0x80)
            *to++ = (char)(0xc0 | byte >> 6);
        *to++ = (char)(byte >= 0x80 ? 0x80 | (byte & 0x3f) : byte);
    }
    *to = '\0';
    return json_string(wide);
}

static json_t *arguments(const char *text)
{
    json_t *parsed = json_loads(text, JSON_DECODE_ANY, NULL);
    return parsed ? parsed : mpj_json_text(text);
}

static json_t *shape(const mpijob_stored *entry)
{
    if (entry->ndim < 0)
        return json_null();
    json_t *list = json_array();
    for (int i = 0; i < entry->ndim; i++)
        json_array_append_new(list, json_integer((json_int_t)entry->shape[i]));
    return list;
}

json_t *mpj_json_stored(const mpijob_stored *entry)
{
    char key[MPIJOB_DIGEST_TEXT_BYTES], version[17];
    mpijob_digest_text(key, &entry->key);
    mpj_format_version(version, entry->version);
    return json_pack("{s:s, s:o, s:s, s:o, s:o, s:I, s:I, s:f, s:f, s:f, s:o, s:o, s:I}", "key", key, "function",
                     mpj_json_text(entry->function), "version", version, "args", arguments(entry->args_json), "shape",
                     shape(entry), "bytes", (json_int_t)entry->bytes, "stored_bytes", (json_int_t)entry->stored_bytes,
                     "age_s", entry->age_s, "unused_s", entry->unused_s, "compute_s", entry->compute_s, "file",
                     entry->file[0] ? mpj_json_text(entry->file) : json_null(), "segment",
                     mpj_json_text(entry->segment), "offset", (json_int_t)entry->offset);
}

json_t *mpj_json_removed(const mpijob_removed *removed)
{
    return json_pack("{s:I, s:I, s:I, s:f}", "items", (json_int_t)removed->items, "bytes_now",
                     (json_int_t)removed->bytes_now, "bytes_later", (json_int_t)removed->bytes_later, "later_s",
                     removed->later_s);
}

int mpj_print_json(json_t *object)
{
    bool good = object && json_dumpf(object, stdout, JSON_COMPACT) == 0;
    json_decref(object);
    if (!good) {
        fprintf(stderr,
                "mpijob: something cannot be shown as JSON: there is no memory, or no room on standard output\n");
        return MPJ_EXIT_FAILED;
    }
    putchar('\n');
    return MPJ_EXIT_OK;
}

/* ---- For people -------------------------------------------------------------------------------------------------- */

void mpj_print_removed(const mpijob_removed *removed)
{
    char now[32], later[32], wait[32];
    mpj_format_bytes(now, sizeof now, removed->bytes_now);
    mpj_format_bytes(later, sizeof later, removed->bytes_later);
    mpj_format_seconds(wait, sizeof wait, removed->later_s);
    printf("%llu results removed: %s freed", (unsigned long long)removed->items, now);
    if (removed->bytes_later > 0)
        printf(", %s to be freed in %s (--now does it at once)", later, wait);
    putchar('\n');
}
