/* What of a text counts: its tokens. */
#include "memory/source.h"

#include "memory/sourcelex.h"

/* Between a macro's name and its parameters a space makes another macro. */
static bool is_parameter_list(const mpj_lexer *l, const mpj_lexeme *token, bool defines)
{
    return defines && token->place == 3 && token->glued && mpj_lex_is(l, token, "(");
}

void mpj_source_tokens(const char *text, size_t bytes,
                       void (*take_piece)(void *payload, const char *piece, size_t bytes), void *payload)
{
    mpj_lexer lexer = {.text = text, .bytes = bytes, .line_begins = true};
    mpj_lexeme token;
    bool defines = false, begun = false;
    while (mpj_lex_next(&lexer, &token) != MPJ_LEX_END) {
        if (begun && !is_parameter_list(&lexer, &token, defines))
            take_piece(payload, "\n", 1);
        if (token.place == 1)
            defines = mpj_lex_is(&lexer, &token, "define");
        mpj_lex_spell(&lexer, &token, take_piece, payload);
        begun = true;
    }
    if (begun)
        take_piece(payload, "\n", 1);
}
