/* func.json: written, read back, and refused. */
#include "base/alloc.h"
#include "failing.h"
#include "memory/funcjson.h"
#include "unit.h"

#include <stdio.h>
#include <string.h>

typedef struct inner {
    float w[3];
    char tag[5];
    int64_t note;
} inner;

typedef struct outer {
    _Bool flag;
    inner one;
    inner more[2];
    const char *text;
    const char *texts[2];
    const inner *many;
    uint32_t many_count;
    unsigned char half[2];
} outer;

static const mpijob_field inner_fields[] = {
    MPIJOB_FIELD_ARRAY(inner, w, MPIJOB_FLOAT32, float),
    MPIJOB_FIELD(inner, tag, MPIJOB_BYTES),
    {"note", {MPIJOB_INT64, 0, 8, NULL, NULL}, offsetof(inner, note), 0, 0, 0, 0, MPIJOB_IGNORED, 0},
};
static const mpijob_record inner_record = MPIJOB_RECORD_OF(inner, inner_fields);
static const mpijob_field outer_fields[] = {
    MPIJOB_FIELD(outer, flag, MPIJOB_BOOL),
    MPIJOB_FIELD_RECORD(outer, one, &inner_record),
    MPIJOB_FIELD_RECORD_ARRAY(outer, more, &inner_record, inner),
    MPIJOB_FIELD_STRING(outer, text),
    MPIJOB_FIELD_STRING_ARRAY(outer, texts),
    MPIJOB_FIELD_POINTER_RECORD(outer, many, &inner_record, many_count, MPIJOB_UINT32),
    {"half \"\303\251\"", {MPIJOB_OPAQUE, 0, 2, NULL, "<f2"}, offsetof(outer, half), 0, 0, 0, 0, 0, 0},
};
static const mpijob_record outer_record = MPIJOB_RECORD_OF(outer, outer_fields);

typedef struct padded {
    int8_t a;
    double b;
} padded;

static const mpijob_field padded_fields[] = {
    MPIJOB_FIELD(padded, a, MPIJOB_INT8),
    MPIJOB_FIELD(padded, b, MPIJOB_FLOAT64),
};
static const mpijob_record padded_record = MPIJOB_RECORD_OF(padded, padded_fields);
static const mpijob_type padded_type = {MPIJOB_RECORD, 0, 0, &padded_record, NULL};
static const mpijob_source source = {"/home/me/\xff.c", "int fit(int a) { return a; }", 0, "fit", {0, 0}};

static int call(void *result, const void *args, mpijob_job *job)
{
    (void)result, (void)args, (void)job;
    return 0;
}

static const size_t rich_shape[] = {2, 3};

static mpijob_function rich(void)
{
    return (mpijob_function){.name = "ns::f\xff",
                             .call = call,
                             .args_size = sizeof(outer),
                             .args = &outer_record,
                             .result_size = 6 * sizeof(padded),
                             .result = &padded_type,
                             .result_ndim = 2,
                             .result_shape = rich_shape,
                             .version = UINT64_MAX,
                             .source = &source};
}

static void sign(mpj_signature *s, const mpijob_function *f)
{
    mpijob_error err;
    ck_assert_msg(mpj_signature_init(s, f, NULL, &err) == MPIJOB_OK, "%s", err.text);
}

static void read_back(mpj_signature *s, const char *text)
{
    mpijob_error err;
    ck_assert_msg(mpj_signature_read(s, text, strlen(text), "func.json", &err) == MPIJOB_OK, "%s", err.text);
}

START_TEST(a_text_for_people)
{
    const mpijob_field fields[] = {
        {"c", {MPIJOB_FLOAT64, 0, 8, NULL, NULL}, 0, 0, 0, 0, 0, 0, 0},
        {"gamma", {MPIJOB_FLOAT64, 0, 8, NULL, NULL}, 8, 0, 0, 0, 0, MPIJOB_IGNORED, 0},
    };
    const mpijob_record record = {"fit_args", 16, 2, fields};
    const mpijob_type result = {MPIJOB_INT8, 0, 1, NULL, NULL};
    const mpijob_function f = {
        .name = "fit", .call = call, .args_size = 16, .args = &record, .result_size = 3, .result = &result};
    char wanted[1024];
    mpj_signature s;
    sign(&s, &f);
    snprintf(wanted, sizeof wanted,
             "{\n  \"format\": 1,\n  \"name\": \"fit\",\n  \"number\": 0,\n  \"version\": \"%016llx\",\n"
             "  \"args\": {\"struct\": \"fit_args\", \"fields\": [\n    {\"name\": \"c\", \"type\": \"float64\"},\n"
             "    {\"name\": \"gamma\", \"ignored\": true, \"type\": \"float64\"}\n  ]},\n"
             "  \"result\": {\"shape\": [3], \"type\": \"int8\"},\n  \"source\": null\n}\n",
             (unsigned long long)s.version);
    ck_assert_str_eq(s.json, wanted);
    ck_assert_uint_eq(s.json_bytes, strlen(wanted));
    mpj_signature_dispose(&s);
}
END_TEST

START_TEST(all_is_there_again)
{
    mpijob_function f = rich();
    mpj_signature s, again;
    sign(&s, &f);
    json_t *parsed = json_loads(s.json, JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL, NULL);
    ck_assert_ptr_nonnull(parsed);
    json_decref(parsed);
    char *with_long_number = s.json; /* 2^64 - 1 is read though JSON libraries often stop at 63 bits */
    ck_assert_ptr_nonnull(strstr(with_long_number, "18446744073709551615"));
    read_back(&again, s.json);
    ck_assert_str_eq(again.name, s.name);
    ck_assert(again.number == s.number && again.version == s.version && again.code == NULL);
    ck_assert(again.result_ndim == 2 && again.result_shape[0] == 2 && again.result_shape[1] == 3);
    ck_assert_uint_eq(again.result_bytes, 6 * 9); /* packed */
    ck_assert_uint_eq(again.result.record->fields[1].offset, 1);
    ck_assert_uint_eq(again.head_bytes, s.head_bytes); /* what keys begin with: names, types, counts, ignored fields */
    ck_assert_mem_eq(again.head, s.head, s.head_bytes);
    ck_assert_str_eq(again.json, s.json);
    mpj_signature_dispose(&s);
    mpj_signature_dispose(&again);
}
END_TEST

/* What is ignored is in no key, but is described. */
START_TEST(ignored_fields_are_there_again)
{
    mpijob_function f = rich();
    mpj_signature s, again;
    mpijob_error err;
    ck_assert_int_eq(mpj_signature_init(&s, &f, (const char *const[]){"more.tag", "text", NULL}, &err), MPIJOB_OK);
    read_back(&again, s.json);
    const mpijob_field *fields = again.args->fields;
    ck_assert_uint_eq(fields[3].flags, MPIJOB_IGNORED);
    ck_assert_uint_eq(fields[2].type.record->fields[1].flags, MPIJOB_IGNORED);
    ck_assert_uint_eq(fields[1].type.record->fields[1].flags, 0);
    ck_assert_uint_eq(fields[1].type.record->fields[2].flags, MPIJOB_IGNORED);
    ck_assert_mem_eq(again.head, s.head, s.head_bytes);
    mpj_signature_dispose(&s);
    mpj_signature_dispose(&again);
}
END_TEST

START_TEST(functions_without_arguments)
{
    const mpijob_function f = {.call = call, .result_size = MPIJOB_ANY_SIZE};
    mpj_signature s, again;
    mpj_name one, other;
    sign(&s, &f);
    read_back(&again, s.json);
    ck_assert_ptr_null(again.args);
    ck_assert_int_eq(again.result_ndim, -1);
    ck_assert_int_eq(mpj_key(&one, &s, NULL, 3, NULL, 0, NULL), MPIJOB_OK);
    ck_assert_int_eq(mpj_key(&other, &again, NULL, 3, NULL, 0, NULL), MPIJOB_OK);
    ck_assert_mem_eq(&one, &other, sizeof one);
    mpj_signature_dispose(&s);
    mpj_signature_dispose(&again);
}
END_TEST

/* ---- What is refused ------------------------------------------------------------------------------------------- */

#define HEAD "\"format\": 1, \"name\": \"f\", \"number\": 1, \"version\": \"0123456789abcdef\", "
#define TAIL ", \"result\": {\"type\": \"float64\", \"shape\": []}, \"source\": null}"
#define ARGS(fields) "{" HEAD "\"args\": {\"struct\": \"s\", \"fields\": [" fields "]}" TAIL

static const struct {
    int status;
    const char *text, *why;
} wrong[] = {
    {MPIJOB_ECORRUPT, "", "JSON"},
    {MPIJOB_ECORRUPT, "[]", "object"},
    {MPIJOB_ECORRUPT, "{}", "format"},
    {MPIJOB_ECORRUPT, "{\"format\": \"1\"}", "format"},
    {MPIJOB_EVERSION, "{\"format\": 2}", "later"},
    {MPIJOB_ECORRUPT, "{\"format\": 1}", "name"},
    {MPIJOB_ECORRUPT, "{\"format\": 1, \"name\": {\"base64\": \"AGE=\"}}", "name"},
    {MPIJOB_ECORRUPT, "{\"format\": 1, \"name\": {\"base64\": \"A\"}}", "name"},
    {MPIJOB_ECORRUPT, "{\"format\": 1, \"name\": \"f\"}", "number"},
    {MPIJOB_ECORRUPT, "{\"format\": 1, \"name\": \"f\", \"number\": -1}", "number"},
    {MPIJOB_ECORRUPT, "{\"format\": 1, \"name\": \"f\", \"number\": 18446744073709551616}", "number"},
    {MPIJOB_ECORRUPT, "{\"format\": 1, \"name\": \"f\", \"number\": 1, \"version\": \"0123456789ABCDEF\"}",
     "hexadecimal"},
    {MPIJOB_ECORRUPT, "{\"format\": 1, \"name\": \"f\", \"number\": 1, \"version\": 5}", "hexadecimal"},
    {MPIJOB_ECORRUPT, "{" HEAD "\"args\": 5" TAIL, "fields"},
    {MPIJOB_ECORRUPT, "{" HEAD "\"x\": 5" TAIL, "fields"},
    {MPIJOB_ECORRUPT, ARGS(""), "fields"},
    {MPIJOB_ECORRUPT, "{" HEAD "\"args\": {\"fields\": [{}]}" TAIL, "name"},
    {MPIJOB_ECORRUPT, ARGS("5"), "name"},
    {MPIJOB_ECORRUPT, ARGS("{\"name\": \"a\"}"), "type"},
    {MPIJOB_ECORRUPT, ARGS("{\"name\": \"a\", \"type\": \"float65\"}"), "type"},
    {MPIJOB_ECORRUPT, ARGS("{\"name\": \"\", \"type\": \"float64\"}"), "name"},
    {MPIJOB_ECORRUPT, ARGS("{\"name\": \"a\", \"type\": \"int8\"}, {\"name\": \"a\", \"type\": \"int8\"}"), "twice"},
    {MPIJOB_ECORRUPT, ARGS("{\"name\": \"a\", \"type\": \"int8\", \"count\": 0}"), "count"},
    {MPIJOB_ECORRUPT, ARGS("{\"name\": \"a\", \"type\": \"int8\", \"count\": 2147483648}"), "count"},
    {MPIJOB_ECORRUPT, ARGS("{\"name\": \"a\", \"type\": \"float64\", \"count\": 2147483647}"), "2^31"},
    {MPIJOB_ECORRUPT, ARGS("{\"name\": \"a\", \"type\": \"int8\", \"count\": 3, \"pointer\": true}"), "count"},
    {MPIJOB_ECORRUPT, ARGS("{\"name\": \"a\", \"type\": \"int8\", \"pointer\": 1}"), "flag"},
    {MPIJOB_ECORRUPT, ARGS("{\"name\": \"a\", \"type\": \"int8\", \"ignored\": \"yes\"}"), "flag"},
    {MPIJOB_ECORRUPT, ARGS("{\"name\": \"a\", \"type\": \"bytes\"}"), "length"},
    {MPIJOB_ECORRUPT, ARGS("{\"name\": \"a\", \"type\": \"bytes\", \"bytes\": 0}"), "size is 0"},
    {MPIJOB_ECORRUPT, ARGS("{\"name\": \"a\", \"type\": \"bytes\", \"bytes\": 4294967296}"), "length"},
    {MPIJOB_ECORRUPT, ARGS("{\"name\": \"a\", \"type\": \"opaque\"}"), "dtype"},
    {MPIJOB_ECORRUPT, ARGS("{\"name\": \"a\", \"type\": \"opaque\", \"dtype\": \"<f8\"}"), "dtype"},
    {MPIJOB_ECORRUPT, ARGS("{\"name\": \"a\", \"type\": \"opaque\", \"dtype\": \"O\"}"), ""},
    {MPIJOB_ECORRUPT, ARGS("{\"name\": \"a\", \"type\": \"record\"}"), "fields"},
    {MPIJOB_ECORRUPT, "{" HEAD "\"args\": null}", ""},
    {MPIJOB_ECORRUPT, "{" HEAD "\"args\": null, \"result\": {\"type\": \"float64\"}}", "shape"},
    {MPIJOB_ECORRUPT, "{" HEAD "\"args\": null, \"result\": {\"type\": \"string\", \"shape\": null}}", ""},
    {MPIJOB_ECORRUPT, "{" HEAD "\"args\": null, \"result\": {\"type\": \"float64\", \"shape\": [-1]}}", "length"},
    {MPIJOB_ECORRUPT,
     "{" HEAD "\"args\": null, \"result\": {\"type\": \"record\", \"shape\": null, \"struct\": \"s\", \"fields\": "
     "[{\"name\": \"a\", \"type\": \"int8\", \"pointer\": true}]}}",
     "pointers"},
    {MPIJOB_ECORRUPT,
     "{" HEAD "\"args\": null, \"result\": {\"type\": \"float64\", \"shape\": [9000000000000000000, 2]}}", "larger"},
    {MPIJOB_ECORRUPT, "{" HEAD "\"args\": null, \"args\": null" TAIL, "JSON"},
};

START_TEST(wrong_texts)
{
    mpj_signature s;
    mpijob_error err;
    size_t bytes = strlen(wrong[_i].text);
    char *exact = mpj_alloc(bytes);
    memcpy(exact, wrong[_i].text, bytes);
    ck_assert_int_eq(mpj_signature_read(&s, exact, bytes, "func.json", &err), wrong[_i].status);
    ck_assert_int_eq(err.status, wrong[_i].status);
    ck_assert_msg(strstr(err.text, wrong[_i].why) != NULL, "'%s' is not in: %s", wrong[_i].why, err.text);
    mpj_free(exact);
}
END_TEST

/* Structs inside each other, one more than are allowed. */
START_TEST(too_deep)
{
    for (int depth = 31; depth <= 40; depth++) {
        char text[8192] = "{" HEAD "\"args\": {\"struct\": \"s\", \"fields\": [";
        for (int i = 1; i < depth; i++)
            strcat(text, "{\"name\": \"a\", \"type\": \"record\", \"struct\": \"s\", \"fields\": [");
        strcat(text, "{\"name\": \"a\", \"type\": \"int8\"}");
        for (int i = 1; i < depth; i++)
            strcat(text, "]}");
        strcat(text, "]}" TAIL);
        mpj_signature s;
        mpijob_error err;
        int status = mpj_signature_read(&s, text, strlen(text), "func.json", &err);
        ck_assert_int_eq(status, depth <= 32 ? MPIJOB_OK : MPIJOB_ECORRUPT);
        if (status == MPIJOB_OK)
            mpj_signature_dispose(&s);
    }
}
END_TEST

START_TEST(every_allocation_may_fail)
{
    mpijob_function f = rich();
    mpj_signature s;
    sign(&s, &f);
    for (failing fail = failing_begin(); failing_next(&fail);) {
        mpj_signature again;
        mpijob_error err = {0};
        int status = mpj_signature_read(&again, s.json, s.json_bytes, "func.json", &err);
        failing_stop(&fail);
        /* jansson, out of memory in the middle of a text, calls it a fault of the text. Names are compared without
         * memory, too. */
        ck_assert_msg(status == MPIJOB_OK || (fail.failed && (status == MPIJOB_ENOMEM || strstr(err.text, "no JSON"))),
                      "%d: %s", (int)fail.n, err.text);
        if (status != MPIJOB_OK)
            continue;
        ck_assert_uint_eq(again.head_bytes, s.head_bytes);
        ck_assert_mem_eq(again.head, s.head, s.head_bytes);
        mpj_signature_dispose(&again);
    }
    mpj_signature_dispose(&s);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("funcjson");
    TCase *cases = tcase_create("written and read");
    tcase_add_test(cases, a_text_for_people);
    tcase_add_test(cases, all_is_there_again);
    tcase_add_test(cases, ignored_fields_are_there_again);
    tcase_add_test(cases, functions_without_arguments);
    suite_add_tcase(suite, cases);
    cases = tcase_create("refused");
    tcase_add_loop_test(cases, wrong_texts, 0, UNIT_COUNT(wrong));
    tcase_add_test(cases, too_deep);
    tcase_add_test(cases, every_allocation_may_fail);
    suite_add_tcase(suite, cases);
    return unit_run(suite);
}
