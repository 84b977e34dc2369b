/* Finding a function's definition: one pass over the tokens, with the depth of braces, and where declarations begin. */
#include "memory/source.h"

#include "memory/sourcelex.h"

#define NESTED_CONDITIONS 64
#define NOWHERE ((size_t)-1)

/* Where a declaration at the top of the file stands. */
typedef enum where {
    OUTSIDE,
    NAMED,      /* behind the function's name */
    PARAMETERS, /* in the parentheses behind it */
    BEHIND,     /* between these and the body, or whatever comes */
    BODY
} where;

typedef struct depth {
    size_t braces, parens; /* parens: at the top only */
} depth;

typedef struct condition {
    depth before;
    depth after_first; /* of the first branch, when another one has begun */
    bool another;
} condition;

typedef struct scan {
    mpj_lexer lexer;
    const char *function;
    mpj_source_cut *cut;
    bool sound; /* all that opened was closed, as far as seen */
    depth at;
    size_t open; /* braces of extern "C" and namespaces, which are no depth */
    where where;
    size_t begin;      /* of this declaration; NOWHERE: it has no token yet */
    size_t definition; /* where the definition begins, if it is one: behind NAMED */
    bool old_style;    /* a ';' came BEHIND: a prototype, unless a '{' follows the last one (K&R) */
    bool after_semicolon;
    int tokens; /* of this declaration so far, as far as counted */
    bool is_extern, is_linkage, is_namespace;
    condition conditions[NESTED_CONDITIONS];
    size_t nested;    /* conditions, those with no place for them too */
    int zero_if;      /* tokens of an #if 0 so far that may be one: if, 0 */
    size_t dead_from; /* nested when a part that is never compiled began; 0: none */
} scan;

static void end_declaration(scan *s)
{
    s->begin = NOWHERE;
    s->tokens = 0;
    s->is_extern = s->is_linkage = s->is_namespace = false;
}

/* ---- Conditions: each branch begins where the first one did ---------------------------------------------------- */

static void begin_condition(scan *s)
{
    if (s->nested < NESTED_CONDITIONS)
        s->conditions[s->nested] = (condition){.before = s->at};
    s->nested++;
}

static condition *innermost(scan *s)
{
    return s->nested > 0 && s->nested <= NESTED_CONDITIONS ? &s->conditions[s->nested - 1] : NULL;
}

static void next_branch(scan *s)
{
    condition *c = innermost(s);
    if (s->dead_from == s->nested)
        s->dead_from = 0;
    if (c == NULL)
        return;
    if (!c->another)
        c->after_first = s->at;
    c->another = true;
    s->at = c->before;
}

static void end_condition(scan *s)
{
    condition *c = innermost(s);
    if (s->dead_from == s->nested)
        s->dead_from = 0;
    if (c != NULL && c->another)
        s->at = c->after_first;
    if (s->nested > 0)
        s->nested--;
}

static void take_directive(scan *s, const mpj_lexeme *token)
{
    const mpj_lexer *l = &s->lexer;
    if (token->kind == MPJ_LEX_DIRECTIVE_END && s->zero_if == 2 && s->dead_from == 0)
        s->dead_from = s->nested;
    s->zero_if = s->zero_if == 1 && mpj_lex_is(l, token, "0") ? 2 : 0;
    if (token->place != 1 || token->kind == MPJ_LEX_DIRECTIVE_END)
        return;
    bool plain_if = mpj_lex_is(l, token, "if");
    if (plain_if || mpj_lex_is(l, token, "ifdef") || mpj_lex_is(l, token, "ifndef"))
        begin_condition(s);
    else if (mpj_lex_is(l, token, "else") || mpj_lex_is(l, token, "elif") || mpj_lex_is(l, token, "elifdef") ||
             mpj_lex_is(l, token, "elifndef"))
        next_branch(s);
    else if (mpj_lex_is(l, token, "endif"))
        end_condition(s);
    s->zero_if = plain_if;
}

/* ---- Braces ---------------------------------------------------------------------------------------------------- */

static bool begins_body(const scan *s)
{
    return s->where == BEHIND && s->at.parens == 0 && (!s->old_style || s->after_semicolon);
}

static void open_brace(scan *s)
{
    bool top = s->at.braces == 0 && s->where != BODY;
    if (top && s->at.parens == 0 && (s->is_linkage || s->is_namespace) && !begins_body(s)) {
        s->open++;
        s->where = OUTSIDE;
        end_declaration(s);
        return;
    }
    if (top)
        s->where = begins_body(s) ? BODY : OUTSIDE;
    s->at.braces++;
}

static void add_part(scan *s, size_t end)
{
    mpj_source_cut *cut = s->cut;
    if (cut->count == MPJ_SOURCE_PARTS) {
        s->sound = false;
        return;
    }
    cut->parts[cut->count].text = s->lexer.text + s->definition;
    cut->parts[cut->count].bytes = end - s->definition;
    cut->count++;
}

static void close_brace(scan *s, const mpj_lexeme *token)
{
    if (s->at.braces == 0) {
        s->sound &= s->open > 0;
        s->open -= s->open > 0;
        s->where = OUTSIDE;
        end_declaration(s);
        return;
    }
    s->at.braces--;
    if (s->at.braces > 0)
        return;
    if (s->where == BODY) {
        add_part(s, token->end);
        s->where = OUTSIDE;
        s->at.parens = 0;
    }
    if (s->at.parens == 0)
        end_declaration(s);
}

/* ---- Tokens at the top ----------------------------------------------------------------------------------------- */

static void take_paren(scan *s, bool opens)
{
    if (opens) {
        s->at.parens++;
        s->where = s->where == NAMED ? PARAMETERS : s->where;
        return;
    }
    s->sound &= s->at.parens > 0;
    s->at.parens -= s->at.parens > 0;
    if (s->where == PARAMETERS && s->at.parens == 0) {
        s->where = BEHIND;
        s->old_style = false;
    }
}

static void take_semicolon(scan *s)
{
    if (s->at.parens > 0)
        return;
    if (s->where == BEHIND)
        s->old_style = true;
    else
        s->where = OUTSIDE;
    end_declaration(s);
}

/* What extern "C" { and namespace { begin with. */
static void note_beginning(scan *s, const mpj_lexeme *token)
{
    bool was_extern = s->is_extern && s->tokens == 1;
    s->tokens += s->tokens < 3;
    s->is_extern = s->tokens == 1 && mpj_lex_is(&s->lexer, token, "extern");
    s->is_linkage = was_extern && token->kind == MPJ_LEX_TEXT;
    s->is_namespace |= s->tokens <= 2 && mpj_lex_is(&s->lexer, token, "namespace");
}

static void take_name(scan *s, const mpj_lexeme *token)
{
    if (s->at.parens > 0 || s->where == NAMED || !mpj_lex_is(&s->lexer, token, s->function))
        return;
    s->where = NAMED;
    s->definition = s->begin;
}

static void take_top(scan *s, const mpj_lexeme *token)
{
    const mpj_lexer *l = &s->lexer;
    if (s->begin == NOWHERE)
        s->begin = token->begin;
    note_beginning(s, token);
    bool opens = mpj_lex_is(l, token, "(");
    if (s->where == NAMED && !opens)
        s->where = OUTSIDE;
    if (opens || mpj_lex_is(l, token, ")"))
        take_paren(s, opens);
    else if (mpj_lex_is(l, token, ";"))
        take_semicolon(s);
    else if (mpj_lex_is(l, token, "=") && s->at.parens == 0)
        s->where = OUTSIDE;
    else if (token->kind == MPJ_LEX_NAME)
        take_name(s, token);
    s->after_semicolon = s->at.parens == 0 && mpj_lex_is(l, token, ";");
}

static void take(scan *s, const mpj_lexeme *token)
{
    if (token->place >= 0) {
        take_directive(s, token);
        return;
    }
    if (s->dead_from > 0)
        return;
    if (token->kind == MPJ_LEX_SIGN && (mpj_lex_is(&s->lexer, token, "{") || mpj_lex_is(&s->lexer, token, "<%")))
        open_brace(s);
    else if (token->kind == MPJ_LEX_SIGN && (mpj_lex_is(&s->lexer, token, "}") || mpj_lex_is(&s->lexer, token, "%>")))
        close_brace(s, token);
    else if (s->at.braces == 0 && s->where != BODY)
        take_top(s, token);
}

static void use_whole(mpj_source_cut *cut, const char *text, size_t bytes)
{
    cut->whole = 1;
    cut->count = 1;
    cut->parts[0].text = text;
    cut->parts[0].bytes = bytes;
}

/* Braces that come out of macros could end a function too early: then an edit of its rest would not be seen. So a file
 * whose braces do not match counts as a whole. */
void mpj_source_find(mpj_source_cut *cut, const char *text, size_t bytes, const char *function)
{
    scan s = {
        .lexer = {.text = text, .bytes = bytes, .line_begins = true}, .function = function, .cut = cut, .sound = true};
    mpj_lexeme token;
    *cut = (mpj_source_cut){0};
    end_declaration(&s);
    while (function != NULL && mpj_lex_next(&s.lexer, &token) != MPJ_LEX_END)
        take(&s, &token);
    bool closed = s.at.braces == 0 && s.at.parens == 0 && s.open == 0 && s.nested == 0 && s.where != BODY;
    if (cut->count == 0 || !s.sound || !closed)
        use_whole(cut, text, bytes);
}
