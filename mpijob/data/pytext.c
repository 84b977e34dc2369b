#include "data/pytext.h"

#include "data/utf8.h"

#include <stdio.h>
#include <string.h>

typedef struct reader {
    mpj_textbuf *out;
    const char *text;
    size_t bytes, at;
    const char *why; /* NULL: all is well so far */
} reader;

int mpj_pytext_begins(const char *text, size_t bytes)
{
    size_t quote = bytes > 1 && (text[0] == 'u' || text[0] == 'U');
    return bytes > quote && (text[quote] == '\'' || text[quote] == '"');
}

static int digit(char c, int base)
{
    int value = c >= '0' && c <= '9'   ? c - '0'
                : c >= 'a' && c <= 'f' ? c - 'a' + 10
                : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                       : 99;
    return value < base ? value : -1;
}

static void add_character(reader *r, uint32_t character)
{
    char encoded[4];
    size_t length = character ? mpj_utf8_put(encoded, character) : 0;
    if (length == 0)
        r->why = "a text has an escape for something that is no character";
    else
        mpj_textbuf_add(r->out, encoded, length);
}

/* From `fewest` to `most` digits. */
static void take_number(reader *r, int base, int fewest, int most)
{
    uint32_t number = 0;
    int count = 0;
    for (; count < most && r->at < r->bytes && digit(r->text[r->at], base) >= 0; count++, r->at++)
        number = number * (uint32_t)base + (uint32_t)digit(r->text[r->at], base);
    if (count < fewest)
        r->why = "a text has an escape with too few digits";
    else
        add_character(r, number);
}

/* Behind a backslash. What Python does not know it leaves as it is, backslash included; so does this. */
static void take_escape(reader *r)
{
    static const char plain[] = "\\'\"abfnrtv", meant[] = "\\'\"\a\b\f\n\r\t\v";
    if (r->at == r->bytes) {
        r->why = "a text has no end";
        return;
    }
    char c = r->text[r->at];
    const char *known = c ? strchr(plain, c) : NULL;
    if (digit(c, 8) >= 0) {
        take_number(r, 8, 1, 3);
        return;
    }
    if (!known && !(c && strchr("xuUN\n", c))) {
        mpj_textbuf_puts(r->out, "\\");
        return;
    }
    r->at++;
    if (known)
        mpj_textbuf_add(r->out, meant + (known - plain), 1);
    else if (c == 'x' || c == 'u' || c == 'U')
        take_number(r, 16, c == 'x' ? 2 : c == 'u' ? 4 : 8, c == 'x' ? 2 : c == 'u' ? 4 : 8);
    else if (c == 'N')
        r->why = "a text names a character, which is not understood here";
}

static void take_run(reader *r, char quote)
{
    const char stops[] = {quote, '\\', '\n', '\r', '\0'};
    size_t first = r->at;
    while (r->at < r->bytes && !memchr(stops, r->text[r->at], sizeof stops))
        r->at++;
    mpj_textbuf_add(r->out, r->text + first, r->at - first);
}

const char *mpj_pytext_read(mpj_textbuf *out, const char *text, size_t bytes, size_t *at)
{
    reader r = {out, text, bytes, *at, NULL};
    r.at += text[r.at] == 'u' || text[r.at] == 'U';
    char quote = text[r.at++];
    while (!r.why) {
        take_run(&r, quote);
        if (r.at == bytes || !(text[r.at] == quote || text[r.at] == '\\')) {
            r.why = "a text has no end";
        } else if (text[r.at++] == quote) {
            break;
        } else {
            take_escape(&r);
        }
    }
    *at = r.at;
    return r.why;
}

void mpj_pytext_write(mpj_textbuf *out, const char *text, size_t bytes)
{
    mpj_textbuf_puts(out, "'");
    for (size_t i = 0; i < bytes; i++) {
        char escaped[8];
        unsigned char c = (unsigned char)text[i];
        if (c == '\'' || c == '\\')
            snprintf(escaped, sizeof escaped, "\\%c", c);
        else if (c < 0x20 || c == 0x7F)
            snprintf(escaped, sizeof escaped, "\\x%02x", c);
        else
            snprintf(escaped, sizeof escaped, "%c", c);
        mpj_textbuf_puts(out, escaped);
    }
    mpj_textbuf_puts(out, "'");
}
