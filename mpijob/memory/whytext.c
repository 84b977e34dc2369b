/* Differences between two versions of a function, in words (why.h). */
#include "array/jsontext.h"
#include "base/alloc.h"
#include "memory/why.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

void mpj_why_duration(char *out, size_t bytes, double seconds)
{
    static const struct {
        double length;
        const char *name;
    } units[] = {{86400 * 365.25, "years"}, {86400, "days"}, {3600, "hours"}, {60, "minutes"}, {1, "seconds"}};
    size_t unit = 0;
    while (unit < 4 && seconds < 2 * units[unit].length)
        unit++;
    snprintf(out, bytes, "%.3g %s", seconds / units[unit].length, units[unit].name);
}

static json_t *description(const mpj_store *store, const char *function, uint64_t version)
{
    char *text;
    size_t bytes;
    if (mpj_list_description(&text, &bytes, store, function, version, NULL) != MPIJOB_OK)
        return NULL;
    json_t *object = NULL;
    mpj_json_parse_object(&object, text, bytes, function, NULL);
    mpj_free(text);
    return object;
}

static void add(mpj_textbuf *out, const char *what)
{
    mpj_textbuf_puts(out, out->used ? "; " : "");
    mpj_textbuf_puts(out, what);
}

/* What jansson made is released by its own function. */
static void release(char *text)
{
    json_malloc_t allocate;
    json_free_t let_go;
    json_get_alloc_funcs(&allocate, &let_go);
    let_go(text);
}

static void compare_numbers(mpj_textbuf *out, const json_t *there, const json_t *here)
{
    char text[96];
    char *a = json_dumps(json_object_get(there, "number"), JSON_ENCODE_ANY);
    char *b = json_dumps(json_object_get(here, "number"), JSON_ENCODE_ANY);
    if (a && b && strcmp(a, b) != 0) {
        snprintf(text, sizeof text, "its version number (%.30s there, %.30s here)", a, b);
        add(out, text);
    }
    release(a);
    release(b);
}

static bool differs(const json_t *there, const json_t *here, const char *member)
{
    return !json_equal(json_object_get(there, member), json_object_get(here, member));
}

/* 1: they are the same, 0: not, -1: one of them is not known. */
static int same_code(const mpj_store *store, const char *function, uint64_t version, uint64_t other)
{
    char *a = NULL, *b = NULL;
    size_t a_bytes, b_bytes;
    int same = -1;
    if (mpj_list_code(&a, &a_bytes, store, function, version, NULL) == MPIJOB_OK &&
        mpj_list_code(&b, &b_bytes, store, function, other, NULL) == MPIJOB_OK)
        same = a_bytes == b_bytes && memcmp(a, b, a_bytes) == 0;
    mpj_free(a);
    mpj_free(b);
    return same;
}

static void compare_sources(mpj_textbuf *out, const json_t *there, const json_t *here, int same)
{
    bool tracked_there = json_is_object(json_object_get(there, "source"));
    bool tracked_here = json_is_object(json_object_get(here, "source"));
    if (tracked_there != tracked_here)
        add(out, tracked_there ? "its source, which is tracked there only" : "its source, which is tracked here only");
    else if (same == 0)
        add(out, "its source (func_code.c)");
}

void mpj_why_differences(mpj_textbuf *out, const mpj_store *store, const char *function, uint64_t version,
                         uint64_t other)
{
    json_t *here = description(store, function, version), *there = description(store, function, other);
    if (here && there) {
        if (differs(there, here, "args"))
            add(out, "the description of its arguments, or which of them are ignored");
        if (differs(there, here, "result"))
            add(out, "the description of its result");
        compare_numbers(out, there, here);
        compare_sources(out, there, here, same_code(store, function, version, other));
    }
    if (out->used == 0)
        add(out, "what its descriptions do not tell");
    json_decref(here);
    json_decref(there);
}
