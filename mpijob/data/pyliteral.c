/* Python literals as NPY headers have them: read without Python, from anybody. */
#include "base/alloc.h"
#include "base/error.h"
#include "data/dtype.h"
#include "data/limits.h"
#include "data/pytext.h"
#include "data/utf8.h"

#include <stdint.h>
#include <string.h>

typedef struct parser {
    const char *text;
    size_t bytes, at;
    const char *what;
    mpijob_error *err;
    int status;
    int depth;
} parser;

static json_t *fail(parser *p, const char *why)
{
    if (p->status == MPIJOB_OK)
        p->status = mpj_fail(p->err, MPIJOB_ECORRUPT, "%s: the header is no Python literal: %s (at byte %zu)", p->what,
                             why, p->at);
    return NULL;
}

static json_t *no_memory(parser *p)
{
    if (p->status == MPIJOB_OK)
        p->status = mpj_fail_memory(p->err, "a header", p->bytes);
    return NULL;
}

/* '\0' at the end; a zero byte in the text is no character of the grammar either. */
static char next(const parser *p)
{
    return p->at < p->bytes ? p->text[p->at] : '\0';
}

static void skip_space(parser *p)
{
    while (p->at < p->bytes && memchr(" \t\r\n\f", p->text[p->at], 5))
        p->at++;
}

static int take(parser *p, char c)
{
    skip_space(p);
    if (next(p) != c)
        return 0;
    p->at++;
    return 1;
}

static int is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static int is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/* ---- Single values --------------------------------------------------------------------------------------------- */

static json_t *parse_text(parser *p)
{
    mpj_textbuf out = {0};
    const char *why = mpj_pytext_read(&out, p->text, p->bytes, &p->at);
    size_t bytes = out.used;
    char *text = mpj_textbuf_finish(&out);
    json_t *value = NULL;
    if (why)
        fail(p, why);
    else if (text)
        value = json_stringn_nocheck(text, bytes);
    mpj_free(text);
    return value ? value : no_memory(p);
}

/* Digits with a value of at most INT64_MAX; -1: none, or more. */
static int64_t take_digits(parser *p)
{
    int64_t value = 0;
    size_t first = p->at;
    for (; is_digit(next(p)); p->at++) {
        int digit = next(p) - '0';
        if (value > (INT64_MAX - digit) / 10)
            return -1;
        value = 10 * value + digit;
    }
    int is_octal = p->at > first + 1 && p->text[first] == '0';
    return p->at == first || is_octal ? -1 : value;
}

static json_t *parse_integer(parser *p)
{
    int negative = next(p) == '-';
    p->at += (size_t)negative;
    int64_t value = take_digits(p);
    if (value < 0)
        return fail(p, "a number is not a decimal integer of at most 63 bits");
    if (next(p) == 'L') /* Python 2's long */
        p->at++;
    if (is_letter(next(p)) || is_digit(next(p)) || next(p) == '.')
        return fail(p, "a number is no integer");
    json_t *number = json_integer(negative ? -value : value);
    return number ? number : no_memory(p);
}

static json_t *parse_word(parser *p)
{
    size_t length = 0;
    const char *word = p->text + p->at;
    while (p->at + length < p->bytes && (is_letter(word[length]) || is_digit(word[length])))
        length++;
    p->at += length;
    if (length == 4 && memcmp(word, "True", 4) == 0)
        return json_true();
    if (length == 5 && memcmp(word, "False", 5) == 0)
        return json_false();
    if (length == 4 && memcmp(word, "None", 4) == 0)
        return json_null();
    return fail(p, "a word is none of True, False and None");
}

/* ---- Lists, tuples, dicts -------------------------------------------------------------------------------------- */

static json_t *parse_value(parser *p);

/* Values up to `close`; *commas: how many commas there were. */
static int parse_items(parser *p, json_t *list, char close, size_t *commas)
{
    for (*commas = 0; !take(p, close);) {
        if (*commas < json_array_size(list)) {
            fail(p, "a comma is missing");
            return -1;
        }
        json_t *item = parse_value(p);
        if (!item)
            return -1;
        if (json_array_append_new(list, item) != 0) {
            no_memory(p);
            return -1;
        }
        *commas += (size_t)take(p, ',');
    }
    return 0;
}

static json_t *parse_list(parser *p, char close)
{
    size_t commas;
    json_t *list = json_array();
    p->at++;
    if (!list)
        return no_memory(p);
    if (parse_items(p, list, close, &commas) != 0) {
        json_decref(list);
        return NULL;
    }
    if (close == ')' && commas == 0 && json_array_size(list) == 1) { /* (x) is x, (x,) a tuple */
        json_t *item = json_incref(json_array_get(list, 0));
        json_decref(list);
        return item;
    }
    return list;
}

static int parse_entry(parser *p, json_t *dict)
{
    json_t *key = parse_value(p);
    const char *name = key ? json_string_value(key) : NULL;
    int added = -1;
    if (key && !name)
        fail(p, "a key of a dict is no text");
    else if (key && json_object_get(dict, name))
        fail(p, "a key of a dict is given twice");
    else if (key && !take(p, ':'))
        fail(p, "a colon is missing");
    json_t *value = p->status == MPIJOB_OK ? parse_value(p) : NULL;
    if (value && (added = json_object_set_new_nocheck(dict, name, value)) != 0)
        no_memory(p);
    json_decref(key);
    return added;
}

static json_t *parse_dict(parser *p)
{
    json_t *dict = json_object();
    p->at++;
    if (!dict)
        return no_memory(p);
    int comma = 1;
    while (!take(p, '}')) {
        if (!comma)
            fail(p, "a comma is missing");
        if (p->status != MPIJOB_OK || parse_entry(p, dict) != 0) {
            json_decref(dict);
            return NULL;
        }
        comma = take(p, ',');
    }
    return dict;
}

static json_t *parse_nested(parser *p)
{
    if (p->depth == MPJ_MAX_LITERAL_DEPTH)
        return fail(p, "more than 64 lists, tuples and dicts are inside each other");
    p->depth++;
    char open = next(p);
    json_t *value = open == '{' ? parse_dict(p) : parse_list(p, open == '[' ? ']' : ')');
    p->depth--;
    return value;
}

static json_t *parse_value(parser *p)
{
    skip_space(p);
    char c = next(p);
    if (c == '{' || c == '[' || c == '(')
        return parse_nested(p);
    if (mpj_pytext_begins(p->text + p->at, p->bytes - p->at))
        return parse_text(p);
    if (c == '-' || is_digit(c))
        return parse_integer(p);
    if (is_letter(c))
        return parse_word(p);
    return fail(p, p->at == p->bytes ? "it ends too early" : "a value is missing");
}

int mpj_pyliteral_parse(json_t **value, const char *text, size_t bytes, const char *what, mpijob_error *err)
{
    parser p = {.text = text, .bytes = bytes, .what = what, .err = err};
    *value = NULL;
    if (bytes > MPJ_MAX_LITERAL_BYTES)
        return mpj_fail(err, MPIJOB_EUNSUPPORTED, "%s: its header has %zu bytes as UTF-8; at most 2 MiB are read", what,
                        bytes);
    if (!mpj_utf8_valid(text, bytes))
        return mpj_fail(err, MPIJOB_ECORRUPT, "%s: the header is not UTF-8", what);
    json_t *parsed = parse_value(&p);
    skip_space(&p);
    if (parsed && p.at < bytes) {
        fail(&p, "something follows");
        json_decref(parsed);
        parsed = NULL;
    }
    *value = parsed;
    return p.status;
}
