/* C and C++ cut into tokens, as far as is needed to find a function and to see whether a text was only reformatted.
 * Any bytes may be given; what is no C is tokens all the same. */
#ifndef MPJ_MEMORY_SOURCELEX_H
#define MPJ_MEMORY_SOURCELEX_H

#include <stdbool.h>
#include <stddef.h>

typedef enum mpj_lex_kind {
    MPJ_LEX_END,
    MPJ_LEX_NAME,
    MPJ_LEX_NUMBER,
    MPJ_LEX_TEXT,         /* string or character, with what is in front of its quote */
    MPJ_LEX_RAW,          /* raw string: line splices are part of it */
    MPJ_LEX_SIGN,         /* punctuator, or a byte that C has no use for */
    MPJ_LEX_DIRECTIVE,    /* the # that begins one */
    MPJ_LEX_DIRECTIVE_END /* of no bytes */
} mpj_lex_kind;

typedef struct mpj_lexeme {
    mpj_lex_kind kind;
    size_t begin, end; /* in the text, line splices included */
    bool glued;        /* nothing stands between it and the one before */
    int place;         /* in a directive: its number, the # being 0; else -1 */
} mpj_lexeme;

/* Begin with text and bytes, line_begins true and everything else zero. */
typedef struct mpj_lexer {
    const char *text;
    size_t bytes, at;
    bool line_begins;  /* nothing but space since the last line */
    int place;         /* of the next token in a directive; 0: in none */
    bool header_comes; /* <...> is one token */
} mpj_lexer;

/* Returns its kind. After the end: the end again. */
mpj_lex_kind mpj_lex_next(mpj_lexer *lexer, mpj_lexeme *token);

/* The token's spelling, line splices taken out, piece by piece. */
void mpj_lex_spell(const mpj_lexer *lexer, const mpj_lexeme *token,
                   void (*take)(void *payload, const char *piece, size_t bytes), void *payload);

/* Is it spelled so? */
bool mpj_lex_is(const mpj_lexer *lexer, const mpj_lexeme *token, const char *spelling);

#endif
