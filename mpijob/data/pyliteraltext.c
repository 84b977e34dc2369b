/* JSON as a Python literal. */
#include "data/dtype.h"
#include "data/pytext.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

static void write_value(mpj_textbuf *out, const json_t *value);

/* A tuple of one element needs its comma. */
static void write_array(mpj_textbuf *out, const json_t *array)
{
    size_t count = json_array_size(array);
    int is_list = json_is_array(json_array_get(array, 0));
    mpj_textbuf_puts(out, is_list ? "[" : "(");
    for (size_t i = 0; i < count; i++) {
        mpj_textbuf_puts(out, i > 0 ? ", " : "");
        write_value(out, json_array_get(array, i));
    }
    mpj_textbuf_puts(out, is_list ? "]" : count == 1 ? ",)" : ")");
}

/* The comma at the end is numpy's way. */
static void write_dict(mpj_textbuf *out, const json_t *dict)
{
    mpj_textbuf_puts(out, "{");
    for (void *at = json_object_iter((json_t *)(uintptr_t)dict); at;
         at = json_object_iter_next((json_t *)(uintptr_t)dict, at)) {
        const char *key = json_object_iter_key(at);
        mpj_pytext_write(out, key, strlen(key));
        mpj_textbuf_puts(out, ": ");
        write_value(out, json_object_iter_value(at));
        mpj_textbuf_puts(out, ", ");
    }
    mpj_textbuf_puts(out, "}");
}

static void write_value(mpj_textbuf *out, const json_t *value)
{
    char number[32];
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        write_dict(out, value);
        break;
    case JSON_ARRAY:
        write_array(out, value);
        break;
    case JSON_STRING:
        mpj_pytext_write(out, json_string_value(value), json_string_length(value));
        break;
    case JSON_INTEGER:
        snprintf(number, sizeof number, "%lld", (long long)json_integer_value(value));
        mpj_textbuf_puts(out, number);
        break;
    default:
        mpj_textbuf_puts(out, json_is_true(value) ? "True" : json_is_false(value) ? "False" : "None");
    }
}

char *mpj_pyliteral_text(const json_t *value)
{
    mpj_textbuf out = {0};
    write_value(&out, value);
    return mpj_textbuf_finish(&out);
}
