/* Any text as C: the function cut out of it lies in it, and its tokens are what they are when taken again. */
#include "fuzz.h"
#include "memory/source.h"
#include "memory/sourcelex.h"

#include <string.h>

typedef struct collected {
    char *text;
    size_t used, room;
} collected;

static void collect(void *payload, const char *piece, size_t bytes)
{
    collected *c = payload;
    FUZZ_CHECK(bytes <= c->room - c->used);
    memcpy(c->text + c->used, piece, bytes);
    c->used += bytes;
}

/* A newline behind each token, and one more for each directive. */
static collected tokens_of(const char *text, size_t bytes)
{
    collected c = {.room = 3 * bytes + 2};
    c.text = malloc(c.room);
    FUZZ_CHECK(c.text != NULL);
    mpj_source_tokens(text, bytes, collect, &c);
    return c;
}

static void check_parts(const mpj_source_cut *cut, const char *text, size_t bytes)
{
    const char *end = text;
    FUZZ_CHECK(cut->count >= 1 && cut->count <= MPJ_SOURCE_PARTS && (!cut->whole || cut->count == 1));
    for (size_t i = 0; i < cut->count; i++) {
        FUZZ_CHECK(cut->parts[i].text >= end && cut->parts[i].text + cut->parts[i].bytes <= text + bytes);
        end = cut->parts[i].text + cut->parts[i].bytes;
        FUZZ_CHECK(cut->whole || (cut->parts[i].bytes >= strlen("f(){}") && (end[-1] == '}' || end[-1] == '>')));
    }
    if (cut->whole)
        FUZZ_CHECK(cut->parts[0].text == text && cut->parts[0].bytes == bytes);
}

/* Tokens lie one behind the other, each with at least one byte, save the ends of directives. */
static void check_order(const char *text, size_t bytes)
{
    mpj_lexer lexer = {.text = text, .bytes = bytes, .line_begins = true};
    mpj_lexeme token;
    for (size_t end = 0; mpj_lex_next(&lexer, &token) != MPJ_LEX_END; end = token.end) {
        FUZZ_CHECK(token.begin >= end && token.end <= bytes);
        FUZZ_CHECK(token.end > token.begin || token.kind == MPJ_LEX_DIRECTIVE_END);
    }
    FUZZ_CHECK(mpj_lex_next(&lexer, &token) == MPJ_LEX_END);
}

/* Nothing is left in the tokens that could be left out. Where nothing of the preprocessor's is in it, they are their
 * own tokens. (A backslash at the end of one could splice it to the next, a raw string that does not end takes the
 * newline behind it.) */
static void check_again(const collected *tokens)
{
    if (memchr(tokens->text, '#', tokens->used) != NULL || memchr(tokens->text, '%', tokens->used) != NULL ||
        memchr(tokens->text, '\\', tokens->used) != NULL || memmem(tokens->text, tokens->used, "R\"", 2) != NULL)
        return;
    collected again = tokens_of(tokens->text, tokens->used);
    FUZZ_CHECK(again.used == tokens->used && memcmp(again.text, tokens->text, again.used) == 0);
    free(again.text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    mpj_source_cut cut;
    fuzz_input input = fuzz_begin(data, size);
    const char *text = (const char *)input.data;
    mpj_source_find(&cut, text, input.size, "fit");
    check_parts(&cut, text, input.size);
    check_order(text, input.size);
    fuzz_end(&input, 0, 0);
    collected tokens = tokens_of(text, input.size);
    check_again(&tokens);
    free(tokens.text);
    return 0;
}
