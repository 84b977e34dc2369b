#include "base/alloc.h"
#include "unit.h"

#include <mpijob/type.h>
#include <stdio.h>
#include <string.h>

/* ---- Checking -------------------------------------------------------------------------------------------------- */

typedef struct part {
    int32_t a, b;
} part;

static const mpijob_field part_fields[] = {MPIJOB_FIELD(part, a, MPIJOB_INT32), MPIJOB_FIELD(part, b, MPIJOB_INT32)};
static const mpijob_record part_record = MPIJOB_RECORD_OF(part, part_fields);

/* Every way to hold something. */
typedef struct whole {
    double x;
    float v[2][3];
    char name[16];
    char tags[2][8];
    part inner;
    part inners[2];
    char *text;
    char *texts[2];
    int8_t n;
    double *weights;
    double *more_weights; /* of the same length */
    size_t part_count;
    part *parts;
    uint16_t string_count;
    char **strings;
    uint32_t left_out;
} whole;

static const mpijob_field whole_fields[] = {
    MPIJOB_FIELD(whole, x, MPIJOB_FLOAT64),
    MPIJOB_FIELD_ARRAY(whole, v, MPIJOB_FLOAT32, float),
    MPIJOB_FIELD(whole, name, MPIJOB_BYTES),
    MPIJOB_FIELD_ARRAY(whole, tags, MPIJOB_BYTES, char[8]),
    MPIJOB_FIELD_RECORD(whole, inner, &part_record),
    MPIJOB_FIELD_RECORD_ARRAY(whole, inners, &part_record, part),
    MPIJOB_FIELD_STRING(whole, text),
    MPIJOB_FIELD_STRING_ARRAY(whole, texts),
    MPIJOB_FIELD_POINTER(whole, weights, MPIJOB_FLOAT64, n, MPIJOB_INT8),
    MPIJOB_FIELD_POINTER(whole, more_weights, MPIJOB_FLOAT64, n, MPIJOB_INT8),
    MPIJOB_FIELD_POINTER_RECORD(whole, parts, &part_record, part_count, MPIJOB_UINT64),
    MPIJOB_FIELD_POINTER(whole, strings, MPIJOB_STRING, string_count, MPIJOB_UINT16),
};
static const mpijob_record whole_record = MPIJOB_RECORD_OF(whole, whole_fields);

START_TEST(what_the_macros_make_is_sound)
{
    mpijob_error err;
    const mpijob_type type = mpijob_type_record(&whole_record);
    ck_assert_msg(mpijob_type_check(&type, &err) == MPIJOB_OK, "%s", err.text);
    ck_assert_uint_eq(whole_record.field_count, 12);
    ck_assert_uint_eq(whole_fields[1].count, 6);
    ck_assert_uint_eq(whole_fields[5].count, 2);
    ck_assert_uint_eq(whole_fields[7].count, 2);
    ck_assert_str_eq(whole_record.name, "whole");
}
END_TEST

typedef struct pair {
    double x;
    int32_t n;
    int32_t m;
    double *p;
} pair;

/* Two fields, of which a case changes some members. */
#define X                                                                                                              \
    {                                                                                                                  \
        "x", {MPIJOB_FLOAT64, 0, 8, NULL, NULL}, 0, 0, 0, 0, 0, 0, 0                                                   \
    }
#define N                                                                                                              \
    {                                                                                                                  \
        "n", {MPIJOB_INT32, 0, 4, NULL, NULL}, offsetof(pair, n), 0, 0, 0, 0, 0, 0                                     \
    }
#define P(kind, offset)                                                                                                \
    {                                                                                                                  \
        "p", {MPIJOB_FLOAT64, 0, 8, NULL, NULL}, offsetof(pair, p), 0, MPIJOB_POINTER, kind, offset, 0, 0              \
    }
static char long_name[1100]; /* filled in main with 1024 letters */
static char longest_name[1024];

static const struct {
    mpijob_field fields[2];
    const char *reason; /* NULL: sound */
} checks[] = {
    {{X, N}, NULL},
    {{X, P(MPIJOB_INT32, offsetof(pair, n))}, NULL},
    {{{longest_name, {MPIJOB_FLOAT64, 0, 8, NULL, NULL}, 0, 0, 0, 0, 0, 0, 0}, N}, NULL},
    {{{"größe", {MPIJOB_FLOAT64, 0, 8, NULL, NULL}, 0, 0, 0, 0, 0, MPIJOB_IGNORED, 0}, N}, NULL},
    {{{"x", {MPIJOB_INT32, 0, 4, NULL, NULL}, 0, 2, 0, 0, 0, 0, 0}, N}, NULL},
    {{X, X}, "field 'x': it begins before the end"},
    {{X, {"x", {MPIJOB_INT32, 0, 4, NULL, NULL}, 8, 0, 0, 0, 0, 0, 0}}, "field 'x': its name is given twice"},
    {{N, X}, "field 'x': it begins before the end"},
    {{{"x", {MPIJOB_INT32, 0, 4, NULL, NULL}, 0, 3, 0, 0, 0, 0, 0}, N}, "field 'n': it begins before the end"},
    {{X, {NULL, {MPIJOB_INT32, 0, 4, NULL, NULL}, 8, 0, 0, 0, 0, 0, 0}}, "a field has no name"},
    {{X, {"", {MPIJOB_INT32, 0, 4, NULL, NULL}, 8, 0, 0, 0, 0, 0, 0}}, "a field has no name"},
    {{X, {"\xff", {MPIJOB_INT32, 0, 4, NULL, NULL}, 8, 0, 0, 0, 0, 0, 0}}, "not UTF-8"},
    {{X, {"\xc0\x80", {MPIJOB_INT32, 0, 4, NULL, NULL}, 8, 0, 0, 0, 0, 0, 0}}, "not UTF-8"},
    {{X, {"\xed\xa0\x80", {MPIJOB_INT32, 0, 4, NULL, NULL}, 8, 0, 0, 0, 0, 0, 0}}, "not UTF-8"},
    {{X, {long_name, {MPIJOB_INT32, 0, 4, NULL, NULL}, 8, 0, 0, 0, 0, 0, 0}}, "longer than 1023"},
    {{X, {"n", {MPIJOB_INT32, 0, 8, NULL, NULL}, 8, 0, 0, 0, 0, 0, 0}}, "field 'n': int32 has 4 bytes, not 8"},
    {{X, {"n", {MPIJOB_INT32, 7, 4, NULL, NULL}, 8, 0, 0, 0, 0, 0, 0}}, "field 'n': `reserved` of the type"},
    {{X, {"n", {99, 0, 4, NULL, NULL}, 8, 0, 0, 0, 0, 0, 0}}, "no mpijob_kind"},
    {{X, {"n", {MPIJOB_INT32, 0, 4, NULL, NULL}, 8, 0, 0, 0, 0, 2, 0}}, "`flags`"},
    {{X, {"n", {MPIJOB_INT32, 0, 4, NULL, NULL}, 8, 0, 0, 0, 0, 0, 1}}, "`reserved`"},
    {{X, {"n", {MPIJOB_INT32, 0, 4, NULL, NULL}, 8, 0, 2, 0, 0, 0, 0}}, "`holding`"},
    {{X, {"n", {MPIJOB_INT32, 0, 4, NULL, NULL}, 8, 0, -1, 0, 0, 0, 0}}, "`holding`"},
    {{X, {"n", {MPIJOB_INT32, 0, 4, NULL, NULL}, 8, 0, 0, MPIJOB_INT32, 0, 0, 0}}, "a length is for pointers"},
    {{X, {"n", {MPIJOB_INT32, 0, 4, NULL, NULL}, 8, 0, 0, 0, 8, 0, 0}}, "a length is for pointers"},
    {{X, {"n", {MPIJOB_INT32, 0, 4, NULL, NULL}, sizeof(pair), 0, 0, 0, 0, 0, 0}}, "outside of the struct"},
    {{X, {"n", {MPIJOB_INT32, 0, 4, NULL, NULL}, sizeof(pair) - 3, 0, 0, 0, 0, 0, 0}}, "outside of the struct"},
    {{X, {"n", {MPIJOB_INT32, 0, 4, NULL, NULL}, SIZE_MAX - 1, 0, 0, 0, 0, 0, 0}}, "outside of the struct"},
    {{X, {"n", {MPIJOB_INT32, 0, 4, NULL, NULL}, 8, 5, 0, 0, 0, 0, 0}}, "outside of the struct"},
    {{X, {"n", {MPIJOB_INT32, 0, 4, NULL, NULL}, 8, SIZE_MAX, 0, 0, 0, 0, 0}}, "outside of the struct"},
    {{X, {"n", {MPIJOB_INT32, 0, 4, NULL, NULL}, 8, SIZE_MAX / 4 + 2, 0, 0, 0, 0, 0}}, "outside of the struct"},
    {{X, {"p", {MPIJOB_FLOAT64, 0, 8, NULL, NULL}, sizeof(pair) - 7, 0, 1, MPIJOB_INT32, 8, 0, 0}},
     "outside of the struct"},
    {{X, {"p", {MPIJOB_FLOAT64, 0, 8, NULL, NULL}, 16, 3, 1, MPIJOB_INT32, 8, 0, 0}}, "`count` is for"},
    {{X, P(0, 8)}, "`length_kind`"},
    {{X, P(MPIJOB_FLOAT64, 8)}, "`length_kind`"},
    {{X, P(MPIJOB_BOOL, 8)}, "`length_kind`"},
    {{X, P(MPIJOB_INT32, sizeof(pair) - 3)}, "its length lies outside"},
    {{X, P(MPIJOB_INT32, SIZE_MAX)}, "its length lies outside"},
    {{X, P(MPIJOB_INT32, 4)}, "field 'p': its length is described a second time"},
    {{X, P(MPIJOB_INT32, offsetof(pair, p))}, "its length is described a second time"},
    {{N, P(MPIJOB_INT32, offsetof(pair, n))}, "its length is described a second time"},
    {{N, P(MPIJOB_INT32, offsetof(pair, m))}, NULL},
};

static void expect(const mpijob_record *record, const char *reason)
{
    mpijob_error err = {0};
    const mpijob_type type = mpijob_type_record(record);
    int status = mpijob_type_check(&type, &err);
    ck_assert_msg(status == (reason ? MPIJOB_EINVAL : MPIJOB_OK), "%d '%s'", status, err.text);
    if (reason)
        ck_assert_msg(strstr(err.text, reason) != NULL, "'%s'", err.text);
}

START_TEST(a_field_is_checked)
{
    const mpijob_record record = {"pair", sizeof(pair), 2, checks[_i].fields};
    expect(&record, checks[_i].reason);
}
END_TEST

START_TEST(a_struct_is_checked)
{
    const mpijob_field fields[] = {X};
    expect(&(mpijob_record){"pair", sizeof(pair), 1, fields}, NULL);
    expect(&(mpijob_record){"", sizeof(pair), 1, fields}, NULL);
    expect(&(mpijob_record){NULL, sizeof(pair), 1, fields}, "name of a struct");
    expect(&(mpijob_record){long_name, sizeof(pair), 1, fields}, "name of a struct");
    expect(&(mpijob_record){"\x80", sizeof(pair), 1, fields}, "name of a struct");
    expect(&(mpijob_record){"pair", 0, 1, fields}, "struct 'pair': its size");
    expect(&(mpijob_record){"pair", (size_t)INT32_MAX + 1, 1, fields}, "struct 'pair': its size");
    expect(&(mpijob_record){"pair", INT32_MAX, 1, fields}, NULL);
    expect(&(mpijob_record){"pair", 7, 1, fields}, "outside of the struct");
    expect(&(mpijob_record){"pair", sizeof(pair), 0, fields}, "it has no fields");
    expect(&(mpijob_record){"pair", sizeof(pair), 1, NULL}, "it has no fields");
}
END_TEST

/* `levels` structs inside each other. */
static void expect_levels(int levels, const char *reason)
{
    mpijob_record records[40];
    mpijob_field fields[40] = {X};
    records[0] = (mpijob_record){"innermost", 8, 1, fields};
    for (int i = 1; i < levels; i++) {
        fields[i] = (mpijob_field){.name = "inner", .type = mpijob_type_record(&records[i - 1])};
        records[i] = (mpijob_record){"outer", 8, 1, &fields[i]};
    }
    expect(&records[levels - 1], reason);
    ck_assert_int_eq(mpijob_record_is_flat(&records[levels - 1]), reason == NULL);
}

START_TEST(nesting_is_limited)
{
    expect_levels(1, NULL);
    expect_levels(32, NULL);
    expect_levels(33, "more than 32 structs");
    expect_levels(40, "more than 32 structs");
}
END_TEST

START_TEST(a_struct_does_not_contain_itself)
{
    typedef struct node {
        int64_t count;
        struct node *children;
    } node;
    mpijob_record record;
    mpijob_field field = MPIJOB_FIELD_POINTER_RECORD(node, children, &record, count, MPIJOB_INT64);
    record = (mpijob_record){"node", sizeof(node), 1, &field};
    expect(&record, "struct 'node': it contains itself");
    field = (mpijob_field){.name = "node", .type = mpijob_type_record(&record)};
    expect(&record, "struct 'node': it contains itself");
    ck_assert_int_eq(mpijob_record_is_flat(&record), 0);
}
END_TEST

#define MANY 3000

/* Also when there is no memory to sort them. */
START_TEST(names_are_compared_among_many_fields)
{
    mpijob_field *fields = calloc(MANY, sizeof *fields);
    char(*names)[16] = calloc(MANY, sizeof *names);
    for (int i = 0; i < MANY; i++) {
        snprintf(names[i], sizeof names[i], "f%d", i);
        fields[i] = (mpijob_field){.name = names[i], .type = mpijob_type_of(MPIJOB_INT8), .offset = (size_t)i};
    }
    const mpijob_record record = {"many", MANY, MANY, fields};
    for (uint64_t fail = 0; fail < 2; fail++) {
        strcpy(names[MANY - 1], "last");
        mpj_alloc_fail_after(fail);
        expect(&record, NULL);
        strcpy(names[MANY - 1], "f7");
        mpj_alloc_fail_after(fail);
        expect(&record, "field 'f7': its name is given twice");
    }
    mpj_alloc_fail_after(UINT64_MAX);
    free(names);
    free(fields);
}
END_TEST

/* ---- Flat ------------------------------------------------------------------------------------------------------ */

START_TEST(flat_is_without_strings_and_pointers)
{
    typedef struct holder {
        whole w;
        part p;
    } holder;
    const mpijob_field with_pointers[] = {MPIJOB_FIELD_RECORD(holder, w, &whole_record)};
    const mpijob_field without[] = {MPIJOB_FIELD_RECORD(holder, p, &part_record)};
    const mpijob_record not_flat = MPIJOB_RECORD_OF(holder, with_pointers), flat = MPIJOB_RECORD_OF(holder, without);
    ck_assert_int_eq(mpijob_record_is_flat(&part_record), 1);
    ck_assert_int_eq(mpijob_record_is_flat(&flat), 1);
    ck_assert_int_eq(mpijob_record_is_flat(&whole_record), 0);
    ck_assert_int_eq(mpijob_record_is_flat(&not_flat), 0);
    for (size_t i = 0; i < whole_record.field_count; i++) {
        const mpijob_record one = {"one", sizeof(whole), 1, &whole_fields[i]};
        ck_assert_int_eq(mpijob_record_is_flat(&one), i < 6);
    }
    ck_assert_int_eq(mpijob_record_is_flat(NULL), 0);
    ck_assert_int_eq(mpijob_record_is_flat(&(mpijob_record){"none", 8, 0, NULL}), 0);
}
END_TEST

/* ---- Releasing ------------------------------------------------------------------------------------------------- */

static char *made_text(const char *text)
{
    char *copy = mpj_alloc(strlen(text) + 1);
    return strcpy(copy, text);
}

static void *made(size_t bytes)
{
    void *block = mpj_alloc(bytes);
    return memset(block, 1, bytes);
}

static void fill(whole *w)
{
    memset(w, 0x55, sizeof *w);
    w->text = made_text("text");
    w->texts[0] = made_text("first");
    w->texts[1] = NULL;
    w->n = 3;
    w->weights = made(3 * sizeof *w->weights);
    w->more_weights = made(3 * sizeof *w->weights);
    w->part_count = 2;
    w->parts = made(2 * sizeof *w->parts);
    w->string_count = 2;
    w->strings = made(2 * sizeof *w->strings);
    w->strings[0] = made_text("a");
    w->strings[1] = NULL;
}

static void assert_disposed(const whole *w)
{
    ck_assert_ptr_null(w->text);
    ck_assert_ptr_null(w->texts[0]);
    ck_assert_ptr_null(w->weights);
    ck_assert_ptr_null(w->more_weights);
    ck_assert_ptr_null(w->parts);
    ck_assert_ptr_null(w->strings);
    ck_assert_int_eq(w->n, 0);
    ck_assert_uint_eq(w->part_count, 0);
    ck_assert_uint_eq(w->string_count, 0);
    ck_assert_uint_eq(w->left_out, 0x55555555);
    ck_assert_int_eq(w->inner.b, 0x55555555);
    ck_assert_int_eq(w->name[15], 0x55);
}

/* What is not freed is found by the leak checker. */
START_TEST(disposing_frees_and_zeroes)
{
    whole w;
    fill(&w);
    mpijob_record_dispose(&w, &whole_record);
    assert_disposed(&w);
    mpijob_record_dispose(&w, &whole_record);
    assert_disposed(&w);
}
END_TEST

START_TEST(disposing_goes_into_structs_and_behind_pointers)
{
    typedef struct holder {
        whole one;
        whole two[2];
        int64_t count;
        whole *more;
    } holder;
    const mpijob_field fields[] = {
        MPIJOB_FIELD_RECORD(holder, one, &whole_record),
        {"two", {MPIJOB_RECORD, 0, 0, &whole_record, NULL}, offsetof(holder, two), 2, 0, 0, 0, 0, 0},
        MPIJOB_FIELD_POINTER_RECORD(holder, more, &whole_record, count, MPIJOB_INT64),
    };
    const mpijob_record record = MPIJOB_RECORD_OF(holder, fields);
    holder h = {.count = 2, .more = made(2 * sizeof(whole))};
    fill(&h.one);
    fill(&h.two[0]);
    fill(&h.two[1]);
    fill(&h.more[0]);
    fill(&h.more[1]);
    mpijob_record_dispose(&h, &record);
    assert_disposed(&h.one);
    assert_disposed(&h.two[0]);
    assert_disposed(&h.two[1]);
    ck_assert_ptr_null(h.more);
    ck_assert_int_eq(h.count, 0);
}
END_TEST

START_TEST(disposing_nothing_does_nothing)
{
    pair p = {.x = 1, .n = 7};
    const mpijob_field broken[] = {P(MPIJOB_INT32, SIZE_MAX)};
    const mpijob_record record = MPIJOB_RECORD_OF(pair, broken);
    mpijob_record_dispose(NULL, &part_record);
    mpijob_record_dispose(&p, NULL);
    mpijob_record_dispose(&p, &record);
    ck_assert_int_eq(p.n, 7);
    mpijob_text_free(NULL);
}
END_TEST

int main(void)
{
    memset(long_name, 'n', 1024);
    memset(longest_name, 'n', 1023);
    Suite *suite = suite_create("record");
    TCase *group = tcase_create("record");
    tcase_add_test(group, what_the_macros_make_is_sound);
    tcase_add_loop_test(group, a_field_is_checked, 0, UNIT_COUNT(checks));
    tcase_add_test(group, a_struct_is_checked);
    tcase_add_test(group, nesting_is_limited);
    tcase_add_test(group, a_struct_does_not_contain_itself);
    tcase_add_test(group, names_are_compared_among_many_fields);
    tcase_add_test(group, flat_is_without_strings_and_pointers);
    tcase_add_test(group, disposing_frees_and_zeroes);
    tcase_add_test(group, disposing_goes_into_structs_and_behind_pointers);
    tcase_add_test(group, disposing_nothing_does_nothing);
    suite_add_tcase(suite, group);
    return unit_run(suite);
}
