/* Functions cut out of their files, and what of a text counts. */
#include "memory/source.h"
#include "unit.h"

#include <stdio.h>
#include <string.h>

/* ---- Definitions that are found -------------------------------------------------------------------------------- */

/* What stands between [[ and ]] is the definition of `fit`; several: its parts. */
static const char *const found[] = {
    "[[int fit(int a) { return a; }]]",
    "#include <x.h>\n[[int fit(int a)\n{\n    return a;\n}]]\nint other(void) { return 1; }\n",
    "/* fit(int) { */ [[static inline double\nfit(const void *a, char *b)\n{ /* } */ return '}' + \"}\\\"}\"[0]; }]] "
    "// }\n",
    "int fit(int a);\n[[int fit(int a) { return fit(a - 1); }]]",
    "int fit(int a) __attribute__((pure));\nint other(int a) { return fit(a); }\n[[int fit(int a) { return a; }]]",
    "[[__attribute__((noinline, section(\"x\"))) int fit(int a) __attribute_maybe__(2) { return a; }]]",
    "[[STATIC EXPORT(int) fit(int (*call)(int), int b[static 3]) { return call(b[0]); }]]",
    "[[int fit(a, b)\n    int a;\n    double b[2], c;\n{ return a; }]]",
    "[[int fit() { return 1; }]]; int x = 3;",
    "struct s { int a; };\n[[struct s fit(int a) { struct s x = {a}; return x; }]]",
    "int table[] = {1, 2}; [[int fit(int a) { return table[a]; }]]",
    "enum { A, B } x; typedef struct { int f; } t; [[t fit(t a) { return a; }]]",
    "#define OTHER fit(x) {\n#define fit2(a) { \\\n  fit(a) { \\\n}\n[[int fit(int a) { return a; }]]",
    "[[int fit(int a) {\n#if X\n    if (a) {\n#else\n    if (!a) {\n#endif\n        a++;\n    }\n    return a; "
    "}]]\nint z;",
    "#ifdef A\n[[int fit(int a) { return a; }]]\n#else\n[[int fit(long a) { return 2; }]]\n#endif\n",
    "#ifdef A\n[[int fit(int a) {\n#else\nint fit(long a) {\n#endif\n    return 1;\n}]]\n",
    "#if 0\n don't look { ( \n#if 1\n { \n#endif\n#else\n[[int fit(int a) { return a; }]]\n#endif\n",
    "int x;\n#if 0\n }}} \n#endif\n[[int fit(int a) { return a; }]]",
    "[[int fit(int a) {\n#if 0\n }}} isn't\n#endif\n return a; }]]",
    "#if 0 || 1\n[[int fit(int a) { return 1; }]]\n#endif\n",
    "extern \"C\" {\nint x;\n[[int fit(int a) { return a; }]]\n}\n",
    "int fit(int);\nextern \"C\" {\n[[int fit(int a) { return a; }]]\n}\n",
    "namespace a { namespace b::c {\n[[int fit(int a) { return a; }]]\n} int y; }\n",
    "[[extern \"C\" int fit(int a) { return a; }]]",
    "[[auto fit(int a) -> int { return R\"x(})\")\" } )x\"[a]; }]]",
    "[[int fi\\\nt(int a) { return 1; }]]",
    "int call(int, int); int a = sizeof(fit); int (*p)(int) = fit; [[int fit(int a) { return a; }]]",
    "[[int fit(int a) <% return a; %>]]",
    "int other(void) { int fit(int); return fit(1); }\n[[int fit(int a) { return a; }]]",
    "[[int fit(int a) { return 'x' + '\\'' + '{'; }]]",
    "[[int fit(int a) { return a; }]] /* not closed } ",
    "int g(int x) { return x; } int fit(int), h(int);\n[[int fit(int a) { return 1'000 + a; }]]",
    "[[int fit(int a)\r\n{\r\n    return a; // } \\\r\n }\r\n}]]\r\n",
};

/* Takes the marks out; returns the number of parts. */
static size_t take_marks(const char *marked, char *plain, size_t begins[MPJ_SOURCE_PARTS],
                         size_t ends[MPJ_SOURCE_PARTS])
{
    size_t used = 0, count = 0;
    for (; *marked != '\0'; marked++) {
        int is_mark = (marked[0] == '[' && marked[1] == '[') || (marked[0] == ']' && marked[1] == ']');
        if (!is_mark) {
            plain[used++] = *marked;
            continue;
        }
        if (*marked++ == '[')
            begins[count] = used;
        else
            ends[count++] = used;
    }
    plain[used] = '\0';
    return count;
}

START_TEST(definitions_are_found)
{
    char text[1024];
    size_t begins[MPJ_SOURCE_PARTS], ends[MPJ_SOURCE_PARTS];
    mpj_source_cut cut;
    size_t count = take_marks(found[_i], text, begins, ends);
    mpj_source_find(&cut, text, strlen(text), "fit");
    ck_assert_msg(!cut.whole, "not found: %s", text);
    ck_assert_uint_eq(cut.count, count);
    for (size_t i = 0; i < count; i++) {
        ck_assert_msg(cut.parts[i].text == text + begins[i] && cut.parts[i].bytes == ends[i] - begins[i],
                      "part %zu is '%.*s'", i, (int)cut.parts[i].bytes, cut.parts[i].text);
    }
}
END_TEST

/* ---- The whole file instead ------------------------------------------------------------------------------------ */

static const char *const not_found[] = {
    "",
    "int fit(int a);",
    "int other(int a) { return fit(a); }",
    "JOB(fit) { return 1; }",
    "int fitter(int a) { return a; }",
    "#define DEFINE int fit(int a) { return a; }\nDEFINE\n",
    "int fit(int a) { return a;",                      /* not closed */
    "int fit(int a) { FOR_EACH(a) a++; } return a; }", /* a brace out of a macro: it would end too early */
    "int fit(int a) { return a; }\nint other(void) { BEGIN } }\n",
    "int other(void) { { END }\nint fit(int a) { return a; }\n",
    "int fit(int a) { return a; }\n#if 1\n",
    "int fit = 3; struct fit { int a; };",
    "int fit(int a) = {1};",
    "\"int fit(int a) { return a; }\"",
    "/* int fit(int a) { return a; } */",
    "int fit(int a) { return a; } )",
    "int x = R\"(int fit(int a) { return a; }",
};

START_TEST(what_is_not_found_counts_as_a_whole)
{
    mpj_source_cut cut;
    mpj_source_find(&cut, not_found[_i], strlen(not_found[_i]), "fit");
    ck_assert_msg(cut.whole, "found: %s", not_found[_i]);
    ck_assert_uint_eq(cut.count, 1);
    ck_assert_ptr_eq(cut.parts[0].text, not_found[_i]);
    ck_assert_uint_eq(cut.parts[0].bytes, strlen(not_found[_i]));
}
END_TEST

START_TEST(no_function_is_the_whole_file)
{
    const char *text = "int fit(int a) { return a; }";
    mpj_source_cut cut;
    mpj_source_find(&cut, text, strlen(text), NULL);
    ck_assert(cut.whole && cut.count == 1 && cut.parts[0].bytes == strlen(text));
}
END_TEST

START_TEST(more_definitions_than_there_is_room_for)
{
    char text[2048] = "";
    mpj_source_cut cut;
    for (int i = 0; i <= MPJ_SOURCE_PARTS; i++)
        strcat(text, "int fit(int a) { return 1; }\n");
    mpj_source_find(&cut, text, strlen(text), "fit");
    ck_assert(cut.whole);
    mpj_source_find(&cut, text, strlen(text) - strlen("int fit(int a) { return 1; }\n"), "fit");
    ck_assert(!cut.whole && cut.count == MPJ_SOURCE_PARTS);
}
END_TEST

/* ---- Tokens ---------------------------------------------------------------------------------------------------- */

typedef struct collected {
    char text[4096];
    size_t used;
} collected;

static void collect(void *payload, const char *piece, size_t bytes)
{
    collected *c = payload;
    ck_assert_uint_lt(c->used + bytes, sizeof c->text);
    memcpy(c->text + c->used, piece, bytes);
    c->used += bytes;
    c->text[c->used] = '\0';
}

static const char *tokens_of(collected *c, const char *text)
{
    c->used = 0;
    c->text[0] = '\0';
    mpj_source_tokens(text, strlen(text), collect, c);
    return c->text;
}

static const struct {
    const char *one, *other;
} equal[] = {
    {"int f(int a){return a+1;}", "int  f ( int a )\n{\n\treturn a + 1; // more\n}\n"},
    {"a /* b */ c", "a\nc"},
    {"a/**/b", "a b"},
    {"x = \"a b\";", "x=\"a b\" ;"},
    {"long \\\nname", "long name"},
    {"na\\\nme", "name"},
    {"\"te\\\nxt\"", "\"text\""},
    {"// a \\\n b\nc", "c"},
    {"#define F(a) b\nc", "#  define F( a )  b // d\nc"},
    {"#define F(a) \\\n b", "#define F(a) b"},
    {"#include <a/b.h>\n", "# include <a/b.h> /* why */\n"},
    {"a\r\nb", "a\nb"},
    {"1.5e+3f", "\n1.5e+3f"},
    {"", " /* nothing */ "},
};

static const struct {
    const char *one, *other;
} different[] = {
    {"a + +b", "a ++ b"},
    {"a+ ++b", "a++ +b"},
    {"a - -b", "a--b"},
    {"a > > b", "a >> b"},
    {"ab", "a b"},
    {"1.5", "1 .5"},
    {"\"a b\"", "\"a  b\""},
    {"\"a\" \"b\"", "\"ab\""},
    {"'a'", "'b'"},
    {"#define F (a)", "#define F(a)"},
    {"#define A b\nc", "#define A b c"},
    {"#define A\nb", "#define A b"},
    {"R\"(a\nb)\"", "R\"(a b)\""},
    {"R\"(a\\\nb)\"", "R\"(ab)\""},
    {"R\"x(/* a */)x\"", "R\"x()x\""},
    {"L\"a\"", "L \"a\""},
    {"\"/* a */\"", "\"\""},
    {"'\"' /* a */ '\"'", "'\"' '\"' b"},
    {"#include <a b.h>", "#include <ab.h>"},
    {"a // b\nc", "a"},
    {"return 1;", "return 2;"},
    {"x", ""},
    {"# if 1", "% if 1"},
};

START_TEST(reformatting_does_not_matter)
{
    collected one, other;
    ck_assert_str_eq(tokens_of(&one, equal[_i].one), tokens_of(&other, equal[_i].other));
}
END_TEST

START_TEST(everything_else_matters)
{
    collected one, other;
    ck_assert_str_ne(tokens_of(&one, different[_i].one), tokens_of(&other, different[_i].other));
}
END_TEST

START_TEST(tokens_as_the_page_has_them)
{
    collected c;
    ck_assert_str_eq(tokens_of(&c, "#define F(a) -a\nint x = y->z; /* why */"),
                     "#\ndefine\nF(\na\n)\n-\na\n\nint\nx\n=\ny\n->\nz\n;\n");
    ck_assert_str_eq(tokens_of(&c, ""), "");
}
END_TEST

/* Tokens of tokens: what is written has no comment left, and only what is spelled in it. */
START_TEST(tokens_again)
{
    collected one, other;
    for (int i = 0; i < UNIT_COUNT(found); i++) {
        if (strchr(found[i], '#') == NULL && strstr(found[i], "/* not closed") == NULL) {
            tokens_of(&one, found[i]);
            ck_assert_str_eq(tokens_of(&other, one.text), one.text);
        }
    }
}
END_TEST

/* Every beginning of every text here, at the end of memory that a sanitizer watches. */
START_TEST(texts_that_break_off)
{
    for (int i = 0; i < UNIT_COUNT(found); i++) {
        for (size_t bytes = 0; bytes <= strlen(found[i]); bytes++) {
            collected c = {.used = 0};
            mpj_source_cut cut;
            char *exact = malloc(bytes + 1);
            ck_assert_ptr_nonnull(exact);
            exact = realloc(exact, bytes > 0 ? bytes : 1);
            memcpy(exact, found[i], bytes);
            mpj_source_find(&cut, exact, bytes, "fit");
            ck_assert_uint_ge(cut.count, 1);
            mpj_source_tokens(exact, bytes, collect, &c);
            free(exact);
        }
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("source");
    TCase *cases = tcase_create("functions");
    tcase_add_loop_test(cases, definitions_are_found, 0, UNIT_COUNT(found));
    tcase_add_loop_test(cases, what_is_not_found_counts_as_a_whole, 0, UNIT_COUNT(not_found));
    tcase_add_test(cases, no_function_is_the_whole_file);
    tcase_add_test(cases, more_definitions_than_there_is_room_for);
    suite_add_tcase(suite, cases);
    cases = tcase_create("tokens");
    tcase_add_loop_test(cases, reformatting_does_not_matter, 0, UNIT_COUNT(equal));
    tcase_add_loop_test(cases, everything_else_matters, 0, UNIT_COUNT(different));
    tcase_add_test(cases, tokens_as_the_page_has_them);
    tcase_add_test(cases, tokens_again);
    tcase_add_test(cases, texts_that_break_off);
    suite_add_tcase(suite, cases);
    return unit_run(suite);
}
