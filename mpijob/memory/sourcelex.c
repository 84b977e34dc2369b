#include "memory/sourcelex.h"

#include <string.h>

#define NO_BYTE (-1)
#define RAW_DELIMITER_MAX 16

/* ---- Bytes, line splices passed over --------------------------------------------------------------------------- */

/* Behind a splice that begins here, else 0. Compilers allow spaces between the backslash and the end of the line. */
static size_t splice_end(const char *text, size_t bytes, size_t at)
{
    if (text[at] != '\\')
        return 0;
    for (at++; at < bytes && (text[at] == ' ' || text[at] == '\t' || text[at] == '\r'); at++)
        ;
    return at < bytes && text[at] == '\n' ? at + 1 : 0;
}

static size_t pass_splices(const mpj_lexer *l, size_t at)
{
    size_t end;
    while (at < l->bytes && (end = splice_end(l->text, l->bytes, at)) > 0)
        at = end;
    return at;
}

static int byte_at(const mpj_lexer *l, size_t at)
{
    at = pass_splices(l, at);
    return at < l->bytes ? (unsigned char)l->text[at] : NO_BYTE;
}

static int byte_here(const mpj_lexer *l)
{
    return byte_at(l, l->at);
}

/* Behind the byte that stands there. */
static size_t behind(const mpj_lexer *l, size_t at)
{
    at = pass_splices(l, at);
    return at < l->bytes ? at + 1 : at;
}

static void step(mpj_lexer *l)
{
    l->at = behind(l, l->at);
}

static int byte_next(const mpj_lexer *l)
{
    return byte_at(l, behind(l, l->at));
}

static bool is_digit(int c)
{
    return c >= '0' && c <= '9';
}

/* All above ASCII counts as letters. */
static bool is_letter(int c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$' || c >= 0x80;
}

/* ---- What separates tokens ------------------------------------------------------------------------------------- */

static void pass_line_comment(mpj_lexer *l)
{
    for (int c; (c = byte_here(l)) != NO_BYTE && c != '\n';)
        step(l);
}

static void pass_block_comment(mpj_lexer *l)
{
    step(l);
    step(l);
    for (int c; (c = byte_here(l)) != NO_BYTE; step(l)) {
        if (c == '*' && byte_next(l) == '/') {
            step(l);
            step(l);
            return;
        }
    }
}

/* Spaces, comments and ends of lines; stops before an end of line that ends a directive. */
static void pass_space(mpj_lexer *l)
{
    for (int c; (c = byte_here(l)) != NO_BYTE;) {
        if (c == '\n' && l->place > 0)
            return;
        if (c == '\n')
            l->line_begins = true;
        if (c == '/' && byte_next(l) == '/')
            pass_line_comment(l);
        else if (c == '/' && byte_next(l) == '*')
            pass_block_comment(l);
        else if (c == ' ' || (c >= '\t' && c <= '\r'))
            step(l);
        else
            return;
    }
}

/* ---- Tokens ---------------------------------------------------------------------------------------------------- */

/* From the quote on. A text that does not end ends with its line. */
static mpj_lex_kind pass_text(mpj_lexer *l)
{
    int quote = byte_here(l);
    step(l);
    for (int c; (c = byte_here(l)) != NO_BYTE && c != '\n';) {
        step(l);
        if (c == quote)
            break;
        if (c == '\\' && byte_here(l) != '\n')
            step(l);
    }
    return MPJ_LEX_TEXT;
}

/* From the quote on. One that does not end takes all that follows, as it would for the compiler. */
static mpj_lex_kind pass_raw(mpj_lexer *l)
{
    char end[RAW_DELIMITER_MAX + 2] = ")";
    const char *begin = l->text + l->at + 1;
    size_t left = l->bytes - l->at - 1, length = 0;
    while (length < left && length <= RAW_DELIMITER_MAX && strchr(" ()\\\t\v\f\r\n\"", begin[length]) == NULL)
        length++;
    if (length >= left || length > RAW_DELIMITER_MAX || begin[length] != '(')
        return pass_text(l);
    memcpy(end + 1, begin, length);
    end[length + 1] = '"';
    const char *found = memmem(begin + length, left - length, end, length + 2);
    l->at = found == NULL ? l->bytes : (size_t)(found - l->text) + length + 2;
    return MPJ_LEX_RAW;
}

static bool is_one_of(const mpj_lexer *l, const mpj_lexeme *token, const char *const *spellings)
{
    while (*spellings != NULL && !mpj_lex_is(l, token, *spellings))
        spellings++;
    return *spellings != NULL;
}

static mpj_lex_kind pass_name(mpj_lexer *l, mpj_lexeme *token)
{
    static const char *const prefixes[] = {"L", "u", "U", "u8", NULL};
    static const char *const raw_prefixes[] = {"R", "LR", "uR", "UR", "u8R", NULL};
    while (is_letter(byte_here(l)) || is_digit(byte_here(l)))
        step(l);
    token->end = l->at;
    int c = byte_here(l);
    if (c == '"' && is_one_of(l, token, raw_prefixes)) {
        l->at = pass_splices(l, l->at);
        return pass_raw(l);
    }
    if ((c == '"' || c == '\'') && is_one_of(l, token, prefixes))
        return pass_text(l);
    return MPJ_LEX_NAME;
}

static mpj_lex_kind pass_number(mpj_lexer *l)
{
    for (int before = 0;;) {
        int c = byte_here(l);
        bool exponent = (c == '+' || c == '-') && before != 0 && strchr("eEpP", before) != NULL;
        bool separator = c == '\'' && (is_digit(byte_next(l)) || is_letter(byte_next(l)));
        if (!is_digit(c) && !is_letter(c) && c != '.' && !exponent && !separator)
            return MPJ_LEX_NUMBER;
        before = c;
        step(l);
    }
}

static mpj_lex_kind pass_header(mpj_lexer *l)
{
    for (int c; (c = byte_here(l)) != NO_BYTE && c != '\n';) {
        step(l);
        if (c == '>')
            break;
    }
    return MPJ_LEX_TEXT;
}

/* The longest that fits; one byte where none does. */
static mpj_lex_kind pass_sign(mpj_lexer *l)
{
    static const char signs[][5] = {
        "%:%:", "<<=", ">>=", "...", "->*", "<=>", "->", "++", "--", "<<", ">>", "<=", ">=", "==", "!=", "&&", "||",
        "*=",   "/=",  "%=",  "+=",  "-=",  "&=",  "^=", "|=", "##", "::", ".*", "<:", ":>", "<%", "%>", "%:"};
    for (size_t i = 0; i < sizeof signs / sizeof signs[0]; i++) {
        size_t at = l->at, k = 0;
        for (; signs[i][k] != '\0' && byte_at(l, at) == signs[i][k]; k++)
            at = behind(l, at);
        if (signs[i][k] == '\0') {
            l->at = at;
            return MPJ_LEX_SIGN;
        }
    }
    step(l);
    return MPJ_LEX_SIGN;
}

static mpj_lex_kind pass_token(mpj_lexer *l, mpj_lexeme *token)
{
    int c = byte_here(l);
    if (is_letter(c))
        return pass_name(l, token);
    if (is_digit(c) || (c == '.' && is_digit(byte_next(l))))
        return pass_number(l);
    if (c == '"' || c == '\'')
        return pass_text(l);
    if (c == '<' && l->header_comes)
        return pass_header(l);
    bool directive = l->line_begins && l->place == 0 && (c == '#' || (c == '%' && byte_next(l) == ':'));
    (void)pass_sign(l);
    return directive ? MPJ_LEX_DIRECTIVE : MPJ_LEX_SIGN;
}

static void settle(mpj_lexer *l, mpj_lexeme *token)
{
    static const char *const with_headers[] = {"include", "include_next", "import", "embed", NULL};
    token->end = l->at;
    token->place = l->place > 0 || token->kind == MPJ_LEX_DIRECTIVE ? l->place : -1;
    l->header_comes = token->place == 1 && is_one_of(l, token, with_headers);
    if (token->place >= 0 && l->place < 1000) /* only the first few are asked for */
        l->place++;
    l->line_begins = false;
}

mpj_lex_kind mpj_lex_next(mpj_lexer *l, mpj_lexeme *token)
{
    size_t before = l->at;
    pass_space(l);
    *token = (mpj_lexeme){.begin = pass_splices(l, l->at), .place = -1};
    token->glued = before == l->at && before > 0;
    int c = byte_here(l);
    if (l->place > 0 && (c == NO_BYTE || c == '\n')) {
        token->place = l->place;
        l->place = 0;
        l->header_comes = false;
        l->at = token->begin = token->end = pass_splices(l, l->at);
        return token->kind = MPJ_LEX_DIRECTIVE_END;
    }
    if (c == NO_BYTE) {
        token->end = token->begin;
        return token->kind = MPJ_LEX_END;
    }
    token->kind = pass_token(l, token);
    settle(l, token);
    return token->kind;
}

/* ---- Spellings ------------------------------------------------------------------------------------------------- */

void mpj_lex_spell(const mpj_lexer *l, const mpj_lexeme *token,
                   void (*take)(void *payload, const char *piece, size_t bytes), void *payload)
{
    size_t from = token->begin, at = from;
    while (at < token->end && token->kind != MPJ_LEX_RAW) {
        const char *found = memchr(l->text + at, '\\', token->end - at);
        if (found == NULL)
            break;
        at = (size_t)(found - l->text);
        size_t end = splice_end(l->text, l->bytes, at);
        if (end > 0)
            take(payload, l->text + from, at - from);
        at = end > 0 ? end : at + 1;
        from = end > 0 ? end : from;
    }
    if (from < token->end)
        take(payload, l->text + from, token->end - from);
}

bool mpj_lex_is(const mpj_lexer *l, const mpj_lexeme *token, const char *spelling)
{
    size_t at = token->begin;
    for (; *spelling != '\0'; spelling++) {
        at = pass_splices(l, at);
        if (at >= token->end || l->text[at] != *spelling)
            return false;
        at++;
    }
    return pass_splices(l, at) >= token->end;
}
