#include "array/jsontext.h"

#include "base/alloc.h"
#include "base/error.h"

#include <stdint.h>
#include <string.h>

#define SMALLEST_ROOM ((size_t)4096)

/* Length of a text in quotes, both included; to the end where it does not end. */
static size_t quoted_length(const char *text, size_t bytes)
{
    for (size_t i = 1; i < bytes; i++) {
        if (text[i] == '\\')
            i++;
        else if (text[i] == '"')
            return i + 1;
    }
    return bytes;
}

static int is_word_byte(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '.' || c == '+' ||
           c == '-';
}

static size_t word_length(const char *text, size_t bytes)
{
    size_t length = 0;
    while (length < bytes && is_word_byte(text[length]))
        length++;
    return length;
}

static int is_word(const char *text, size_t length, const char *word)
{
    return length == strlen(word) && memcmp(text, word, length) == 0;
}

/* Digits and nothing else, of a number that 63 bits and a sign do not hold. */
static int is_long_integer(const char *text, size_t length)
{
    size_t sign = length > 0 && text[0] == '-';
    const char *limit = sign ? "9223372036854775808" : "9223372036854775807";
    size_t digits = length - sign;
    if (digits < strlen(limit) || text[sign] == '0')
        return 0;
    for (size_t i = sign; i < length; i++) {
        if (text[i] < '0' || text[i] > '9')
            return 0;
    }
    return digits > strlen(limit) || memcmp(text + sign, limit, digits) > 0;
}

static int needs_quotes(const char *text, size_t length)
{
    return is_word(text, length, "NaN") || is_word(text, length, "Infinity") || is_word(text, length, "-Infinity") ||
           is_long_integer(text, length);
}

/* out NULL: only counts. */
static size_t rewrite(char *out, const char *text, size_t bytes)
{
    size_t used = 0;
    for (size_t i = 0; i < bytes;) {
        size_t word = word_length(text + i, bytes - i);
        size_t length = word ? word : text[i] == '"' ? quoted_length(text + i, bytes - i) : 1;
        size_t quotes = word && needs_quotes(text + i, word);
        if (length > bytes - i)
            length = bytes - i;
        if (out) {
            if (quotes)
                out[used] = out[used + length + 1] = '"';
            memcpy(out + used + quotes, text + i, length);
        }
        used += length + 2 * quotes;
        i += length;
    }
    return used;
}

char *mpj_json_strict(const char *text, size_t bytes, size_t *out_bytes)
{
    *out_bytes = rewrite(NULL, text, bytes);
    char *out = mpj_alloc(*out_bytes + 1);
    if (!out)
        return NULL;
    rewrite(out, text, bytes);
    out[*out_bytes] = '\0';
    return out;
}

/* jansson collects a token in memory that doubles, without asking whether it got it: bytes would be missing, or the program
 * would end. So ask for as much first. */
static int token_has_room(size_t bytes)
{
    void *room = bytes < SIZE_MAX / 8 ? mpj_alloc(4 * bytes + SMALLEST_ROOM) : NULL;
    mpj_free(room);
    return room != NULL;
}

static int begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

/* jansson sets no text when it fails before the first byte, which takes memory alone. And where it cannot copy a text that is
 * sound, it says that a text is expected, not this one. */
static int says_no_memory(const json_error_t *why)
{
    return json_error_code(why) == json_error_out_of_memory || !why->text[0] ||
           begins(why->text, "string or '}' expected near '\"") || begins(why->text, "invalid token near '\"");
}

/* Read twice: what is read once so and once otherwise lacked memory, which may come again between two tokens. */
static int parse(json_t **value, const char *text, size_t bytes, json_error_t *why)
{
    json_error_t again;
    *value = NULL;
    if (!token_has_room(bytes))
        return MPIJOB_ENOMEM;
    json_t *first = json_loadb(text, bytes, JSON_REJECT_DUPLICATES, why);
    json_t *second = json_loadb(text, bytes, JSON_REJECT_DUPLICATES, &again);
    int same = first && second ? json_equal(first, second) : first == second && !says_no_memory(why);
    json_decref(second);
    if (same)
        *value = first;
    else
        json_decref(first);
    return same ? MPIJOB_OK : MPIJOB_ENOMEM;
}

int mpj_json_check_attributes(const char *text, const char *what, mpijob_error *err)
{
    json_t *value;
    json_error_t why;
    if (!text)
        return MPIJOB_OK;
    if (parse(&value, text, strlen(text), &why) != MPIJOB_OK)
        return mpj_fail_memory(err, what, strlen(text));
    if (!value)
        return mpj_fail(err, MPIJOB_EINVAL, "%.250s: no JSON: %s (line %d)", what, why.text, why.line);
    int is_object = json_is_object(value);
    json_decref(value);
    return is_object ? MPIJOB_OK : mpj_fail(err, MPIJOB_EINVAL, "%.250s: JSON, but no object", what);
}

int mpj_json_parse_object(json_t **object, const char *text, size_t bytes, const char *what, mpijob_error *err)
{
    size_t strict_bytes;
    json_error_t why;
    json_t *value;
    char *strict = mpj_json_strict(text, bytes, &strict_bytes);
    int status = strict ? parse(&value, strict, strict_bytes, &why) : MPIJOB_ENOMEM;
    mpj_free(strict);
    if (status != MPIJOB_OK)
        return mpj_fail_memory(err, what, bytes);
    if (!value)
        return mpj_fail(err, MPIJOB_ECORRUPT, "%s is no JSON: %s (line %d)", what, why.text, why.line);
    if (!json_is_object(value)) {
        json_decref(value);
        return mpj_fail(err, MPIJOB_ECORRUPT, "%s is no JSON object", what);
    }
    *object = value;
    return MPIJOB_OK;
}
