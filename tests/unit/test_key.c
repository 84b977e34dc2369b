/* Signatures of functions and keys of calls. */
#include "base/alloc.h"
#include "data/check.h"
#include "failing.h"
#include "hash_page.h"
#include "memory/key.h"
#include "unit.h"

#include <inttypes.h>
#include <string.h>

typedef struct fit_args {
    double c, gamma;
    int32_t fold;
} fit_args;

static const mpijob_field fit_fields[] = {
    MPIJOB_FIELD(fit_args, c, MPIJOB_FLOAT64),
    MPIJOB_FIELD(fit_args, gamma, MPIJOB_FLOAT64),
    MPIJOB_FIELD(fit_args, fold, MPIJOB_INT32),
};
static const mpijob_record fit_record = MPIJOB_RECORD_OF(fit_args, fit_fields);
static const mpijob_type float64 = {MPIJOB_FLOAT64, 0, 8, NULL, NULL};
static const mpijob_type int16 = {MPIJOB_INT16, 0, 2, NULL, NULL};

/* hash.md's structs. */
typedef struct centre {
    point at[2];
} centre;

static const mpijob_field centre_fields[] = {MPIJOB_FIELD_RECORD_ARRAY(centre, at, &point_record, point)};
static const mpijob_record centre_record = MPIJOB_RECORD_OF(centre, centre_fields);

typedef struct arguments {
    const char *name, *none, *comment;
    const double *rates;
    int16_t rate_count;
    uint64_t point_count;
    const point *points;
    centre centre;
    const int8_t *empty;
    int32_t empty_count;
} arguments;

static const mpijob_field arguments_fields[] = {
    MPIJOB_FIELD_STRING(arguments, name),
    MPIJOB_FIELD_STRING(arguments, none),
    {"comment", {MPIJOB_STRING, 0, 0, NULL, NULL}, offsetof(arguments, comment), 0, 0, 0, 0, MPIJOB_IGNORED, 0},
    MPIJOB_FIELD_POINTER(arguments, rates, MPIJOB_FLOAT64, rate_count, MPIJOB_INT16),
    MPIJOB_FIELD_POINTER_RECORD(arguments, points, &point_record, point_count, MPIJOB_UINT64),
    MPIJOB_FIELD_RECORD(arguments, centre, &centre_record),
    MPIJOB_FIELD_POINTER(arguments, empty, MPIJOB_INT8, empty_count, MPIJOB_INT32),
};
static const mpijob_record arguments_record = MPIJOB_RECORD_OF(arguments, arguments_fields);

static const char source_text[] = "#define K(x) (x)\nint fit(int a) /* why */ {\n  return K(a) + 1; // one\n}\n";

static int call(void *result, const void *args, mpijob_job *job)
{
    (void)result, (void)args, (void)job;
    return 0;
}

static mpijob_function fit_function(void)
{
    return (mpijob_function){.name = "fit",
                             .call = call,
                             .args_size = sizeof(fit_args),
                             .args = &fit_record,
                             .result_size = sizeof(double),
                             .result = &float64,
                             .version = 1};
}

static mpj_signature signature;
static point points[2];
static const double rates[] = {0.25, 4.0};
static arguments value;

static void setup(void)
{
    make_points(points);
    memset(&value, 0xee, sizeof value);
    value = (arguments){"first", NULL, "ignored", rates, 2, 2, points, value.centre, NULL, 0};
    memcpy(value.centre.at, points, sizeof points);
    memset(&signature, 0, sizeof signature);
}

static void teardown(void)
{
    mpj_signature_dispose(&signature);
}

static void sign(const mpijob_function *function, const char *const *ignore)
{
    mpijob_error err;
    mpj_signature_dispose(&signature);
    ck_assert_msg(mpj_signature_init(&signature, function, ignore, &err) == MPIJOB_OK, "%s", err.text);
}

static mpj_name name_of(const void *args, uint64_t index, const mpijob_digest *shared, size_t shared_count)
{
    mpj_name name;
    mpijob_error err;
    ck_assert_msg(mpj_key(&name, &signature, args, index, shared, shared_count, &err) == MPIJOB_OK, "%s", err.text);
    return name;
}

static int same_key(const mpj_name *a, const mpj_name *b)
{
    int key = memcmp(&a->key, &b->key, sizeof a->key) == 0;
    ck_assert_int_eq(memcmp(&a->check, &b->check, sizeof a->check) == 0, key);
    return key;
}

/* ---- The page -------------------------------------------------------------------------------------------------- */

static void page_key(const char *what, const mpj_name *name)
{
    char row[64];
    snprintf(row, sizeof row, "%s-key", what);
    hash_page_assert(row, &name->key);
    snprintf(row, sizeof row, "%s-check", what);
    hash_page_assert(row, &name->check);
}

static void page_version(const char *what)
{
    char row[64], text[32];
    snprintf(row, sizeof row, "%s-version", what);
    snprintf(text, sizeof text, "%016" PRIx64, signature.version);
    hash_page_assert_text(row, text);
}

static const fit_args three = {10.0, 0.1, 3};

START_TEST(calls_of_the_page)
{
    mpijob_function fit = fit_function();
    mpijob_digest shared;
    for (int i = 0; i < 16; i++)
        shared.bytes[i] = (uint8_t)i;
    sign(&fit, NULL);
    mpj_name name = name_of(&three, 0, NULL, 0);
    ck_assert_uint_eq(name.version, signature.version);
    page_key("fit", &name);
    page_version("fit");
    name = name_of(&three, 0, &shared, 1);
    page_key("shared", &name);
    sign(&fit, (const char *const[]){"gamma", NULL});
    name = name_of(&three, 0, NULL, 0);
    page_key("ignored", &name);
    page_version("ignored");
}
END_TEST

START_TEST(indexes_of_the_page)
{
    const mpijob_function roots = {.name = "roots", .call = call, .result_size = MPIJOB_ANY_SIZE};
    sign(&roots, NULL);
    mpj_name name = name_of(NULL, 41, NULL, 0);
    page_key("index", &name);
    page_version("index");
}
END_TEST

START_TEST(arguments_of_the_page)
{
    const mpijob_source source = {"fit.c", source_text, sizeof source_text - 1, "fit", {0, 0}};
    const mpijob_function work = {.name = "Work::er",
                                  .call = call,
                                  .args_size = sizeof(arguments),
                                  .args = &arguments_record,
                                  .result_size = 12,
                                  .result = &int16,
                                  .result_ndim = 2,
                                  .result_shape = (const size_t[]){2, 3},
                                  .version = UINT64_MAX,
                                  .source = &source};
    sign(&work, NULL);
    mpj_name name = name_of(&value, 7, NULL, 0);
    page_key("arguments", &name);
    page_version("arguments");
}
END_TEST

/* Given at once, and byte by byte. */
START_TEST(the_check_of_the_page)
{
    const char text[] = "hello, world, hello, world";
    mpijob_digest at_once, in_pieces;
    mpj_check check;
    mpj_check_of(&at_once, text, sizeof text - 1);
    mpj_check_begin(&check);
    for (size_t i = 0; i < sizeof text - 1; i++)
        mpj_check_add(&check, text + i, 1);
    mpj_check_end(&in_pieces, &check);
    hash_page_assert("xxh3-hello", &at_once);
    ck_assert_mem_eq(&in_pieces, &at_once, sizeof at_once);
}
END_TEST

/* ---- Keys ------------------------------------------------------------------------------------------------------ */

/* The way without a plan gives the same, whatever the number of shared inputs. */
START_TEST(both_ways_are_one)
{
    mpijob_digest shared[80];
    memset(shared, 0x5a, sizeof shared);
    for (int indexed = 0; indexed < 2; indexed++) {
        mpijob_function fit = fit_function();
        if (indexed)
            fit.args = NULL, fit.args_size = 0;
        sign(&fit, NULL);
        size_t stream_bytes = signature.stream_bytes;
        for (size_t count = 0; count <= 80; count++) {
            mpj_name planned = name_of(&three, 5, shared, count);
            signature.stream_bytes = SIZE_MAX;
            mpj_name plain = name_of(&three, 5, shared, count);
            signature.stream_bytes = stream_bytes;
            ck_assert(same_key(&planned, &plain));
        }
    }
}
END_TEST

START_TEST(what_matters_in_a_call)
{
    mpijob_function fit = fit_function();
    mpijob_digest shared[2];
    memset(&shared[0], 1, sizeof shared[0]);
    memset(&shared[1], 2, sizeof shared[1]);
    const mpijob_digest turned[] = {shared[1], shared[0]};
    const fit_args others[] = {{11.0, 0.1, 3}, {10.0, 0.2, 3}, {10.0, 0.1, 4}, {0.1, 10.0, 3}};
    sign(&fit, NULL);
    mpj_name names[9] = {name_of(&three, 0, NULL, 0), name_of(&three, 0, shared, 1), name_of(&three, 0, shared, 2),
                         name_of(&three, 0, turned, 1), name_of(&three, 0, turned, 2)};
    for (size_t i = 0; i < 4; i++)
        names[5 + i] = name_of(&others[i], 0, NULL, 0);
    for (int i = 0; i < UNIT_COUNT(names); i++) {
        for (int j = 0; j < i; j++)
            ck_assert(!same_key(&names[i], &names[j]));
    }
    mpj_name again = name_of(&three, 99, NULL, 0); /* the index does not count where there are arguments */
    ck_assert(same_key(&names[0], &again));
}
END_TEST

START_TEST(padding_and_ignored_fields_do_not_matter)
{
    mpijob_function function = fit_function();
    fit_args padded;
    memset(&padded, 0xff, sizeof padded);
    padded.c = three.c, padded.gamma = three.gamma, padded.fold = three.fold;
    sign(&function, NULL);
    mpj_name one = name_of(&three, 0, NULL, 0), other = name_of(&padded, 0, NULL, 0);
    ck_assert(same_key(&one, &other));
    sign(&function, (const char *const[]){"gamma", "c", NULL});
    padded.c = 0, padded.gamma = -1;
    one = name_of(&three, 0, NULL, 0), other = name_of(&padded, 0, NULL, 0);
    ck_assert(same_key(&one, &other));
    padded.fold++;
    other = name_of(&padded, 0, NULL, 0);
    ck_assert(!same_key(&one, &other));
}
END_TEST

START_TEST(all_fields_may_be_ignored)
{
    mpijob_function function = fit_function();
    const fit_args other = {1, 2, 4};
    sign(&function, (const char *const[]){"gamma", "c", "fold", NULL});
    mpj_name a = name_of(&three, 0, NULL, 0), b = name_of(&other, 1, NULL, 0);
    ck_assert(same_key(&a, &b));
    signature.stream_bytes = SIZE_MAX;
    b = name_of(&other, 1, NULL, 0);
    ck_assert(same_key(&a, &b));
}
END_TEST

START_TEST(inner_fields_can_be_ignored)
{
    mpijob_function function = fit_function();
    function.args = &arguments_record;
    function.args_size = sizeof value;
    point changed[2];
    memcpy(changed, points, sizeof points);
    changed[1].n++;
    sign(&function, (const char *const[]){"points.n", NULL});
    mpj_name before = name_of(&value, 0, NULL, 0);
    value.points = changed;
    mpj_name after = name_of(&value, 0, NULL, 0);
    ck_assert(same_key(&before, &after));
    value.centre.at[1].n++; /* the same field of another member */
    after = name_of(&value, 0, NULL, 0);
    ck_assert(!same_key(&before, &after));
    sign(&function, (const char *const[]){"points.n", "centre.at.n", NULL});
    before = name_of(&value, 0, NULL, 0);
    value.centre.at[1].n++;
    after = name_of(&value, 0, NULL, 0);
    ck_assert(same_key(&before, &after));
    ck_assert_uint_eq(point_record.fields[1].flags, 0); /* the caller's own description stays */
}
END_TEST

typedef struct dotted {
    fit_args a;
    int32_t b;
} dotted;

/* A field's own name may have a dot. */
START_TEST(dots_in_names)
{
    const mpijob_field fields[] = {
        MPIJOB_FIELD_RECORD(dotted, a, &fit_record),
        {"a.c", {MPIJOB_INT32, 0, 4, NULL, NULL}, offsetof(dotted, b), 0, 0, 0, 0, 0, 0},
    };
    const mpijob_record record = {"dotted", sizeof(dotted), 2, fields};
    mpijob_function function = fit_function();
    function.args = &record;
    function.args_size = sizeof(dotted);
    sign(&function, (const char *const[]){"a.c", NULL});
    ck_assert_uint_eq(signature.args->fields[0].type.record->fields[0].flags | (signature.args->fields[1].flags << 1),
                      3);
}
END_TEST

START_TEST(long_and_many_arguments)
{
    char bytes[3000];
    memset(bytes, 'x', sizeof bytes);
    const mpijob_field field = {"text", mpijob_type_bytes(sizeof bytes), 0, 0, 0, 0, 0, 0, 0};
    const mpijob_record record = {"long", sizeof bytes, 1, &field};
    mpijob_function function = fit_function();
    function.args = &record;
    function.args_size = sizeof bytes;
    sign(&function, NULL);
    mpj_name one = name_of(bytes, 0, NULL, 0);
    bytes[2999] = 'y';
    mpj_name other = name_of(bytes, 0, NULL, 0);
    ck_assert(!same_key(&one, &other));
}
END_TEST

START_TEST(short_arguments_allocate_nothing)
{
    mpijob_function function = fit_function();
    sign(&function, NULL);
    (void)mpj_alloc_fail_after(UINT64_MAX);
    (void)name_of(&three, 0, NULL, 0);
    ck_assert_uint_eq(mpj_alloc_fail_after(UINT64_MAX), 0);
}
END_TEST

START_TEST(calls_that_have_no_key)
{
    mpj_name name;
    mpijob_error err;
    mpijob_function function = fit_function();
    sign(&function, NULL);
    ck_assert_int_eq(mpj_key(&name, &signature, NULL, 0, NULL, 0, &err), MPIJOB_EINVAL);
    function.args = &arguments_record;
    function.args_size = sizeof value;
    sign(&function, NULL);
    value.rates = NULL;
    ck_assert_int_eq(mpj_key(&name, &signature, &value, 0, NULL, 0, &err), MPIJOB_EINVAL);
    ck_assert_ptr_nonnull(strstr(err.text, "rates"));
}
END_TEST

/* ---- Versions -------------------------------------------------------------------------------------------------- */

static uint64_t version_of(const mpijob_function *function, const char *const *ignore)
{
    sign(function, ignore);
    return signature.version;
}

static const mpijob_field ignored_fields[] = {
    MPIJOB_FIELD(fit_args, c, MPIJOB_FLOAT64),
    {"gamma", {MPIJOB_FLOAT64, 0, 8, NULL, NULL}, offsetof(fit_args, gamma), 0, 0, 0, 0, MPIJOB_IGNORED, 0},
    MPIJOB_FIELD(fit_args, fold, MPIJOB_INT32),
};
static const mpijob_record ignored_record = {"fit_args", sizeof(fit_args), 3, ignored_fields};

START_TEST(flags_and_names_ignore_alike)
{
    mpijob_function function = fit_function();
    uint64_t named = version_of(&function, (const char *const[]){"gamma", NULL});
    mpj_name one = name_of(&three, 0, NULL, 0);
    function.args = &ignored_record;
    ck_assert_uint_eq(version_of(&function, NULL), named);
    mpj_name other = name_of(&three, 0, NULL, 0);
    ck_assert(same_key(&one, &other));
    ck_assert_uint_eq(version_of(&function, (const char *const[]){"gamma", NULL}), named);
}
END_TEST

START_TEST(what_matters_in_a_description)
{
    static const mpijob_type uint16 = {MPIJOB_UINT16, 0, 2, NULL, NULL};
    static const size_t flat[] = {4}, square[] = {2, 2};
    uint64_t versions[12];
    mpijob_function f = fit_function();
    versions[0] = version_of(&f, NULL);
    f.version = 2;
    versions[1] = version_of(&f, NULL);
    f = fit_function();
    f.args = &ignored_record;
    versions[2] = version_of(&f, NULL);
    f.args = NULL, f.args_size = 0;
    versions[3] = version_of(&f, NULL);
    f = fit_function();
    f.result = NULL;
    versions[4] = version_of(&f, NULL);
    f.result = &int16;
    versions[5] = version_of(&f, NULL);
    f.result = &uint16;
    versions[6] = version_of(&f, NULL);
    f.result_shape = square, f.result_ndim = 2;
    versions[7] = version_of(&f, NULL);
    f.result_shape = NULL, f.result_ndim = 0, f.result_size = MPIJOB_ANY_SIZE;
    versions[8] = version_of(&f, NULL);
    f.result_size = 16;
    versions[9] = version_of(&f, NULL);
    const mpijob_source source = {"f.c", "int x;", 0, NULL, {0, 0}};
    f = fit_function();
    f.source = &source;
    versions[10] = version_of(&f, NULL);
    const mpijob_source nothing = {"f.c", "", 0, NULL, {0, 0}};
    f.source = &nothing;
    versions[11] = version_of(&f, NULL);
    for (int i = 0; i < UNIT_COUNT(versions); i++) {
        for (int j = 0; j < i; j++)
            ck_assert_uint_ne(versions[i], versions[j]);
    }
    f = fit_function();
    f.result = &uint16, f.result_shape = flat, f.result_ndim = 1; /* what the lengths would be by themselves */
    ck_assert_uint_eq(version_of(&f, NULL), versions[6]);
    f = fit_function();
    f.name = "other";
    ck_assert_uint_eq(version_of(&f, NULL), versions[0]);
}
END_TEST

/* The text of a version of the source, the function in it, and which of the versions so far is equal to it; -1: none.
 * */
static const struct {
    const char *text, *function;
    int equal, whole;
} sources[] = {
    {"int k; int fit(int a) { return a; }", "fit", -1, 0},
    {"int k; int fit(int a)\n{\n    return a; // why\n}\n", "fit", 0, 0},
    {"int k = 2; int other; int fit(int a) { return a; }", "fit", 0, 0},
    {"int k; int fit(int a) { return -a; }", "fit", -1, 0},
    {"int k; int fit(int a) { return a; }", NULL, -1, 0},
    {"int  k; /* */ int fit(int a) { return a; }", NULL, 4, 0},
    {"int k = 2; int fit(int a) { return a; }", NULL, -1, 0},
    {"int k; int fit(int a) { return a; }", "fitted", 4, 1},
    {NULL, "fit", -1, 0},
};

START_TEST(versions_of_the_source)
{
    uint64_t versions[UNIT_COUNT(sources)];
    for (int i = 0; i < UNIT_COUNT(sources); i++) {
        mpijob_function f = fit_function();
        const mpijob_source source = {"f.c", sources[i].text, 0, sources[i].function, {0, 0}};
        f.source = &source;
        versions[i] = version_of(&f, NULL);
        ck_assert_int_eq(signature.whole_file, sources[i].whole);
        ck_assert_int_eq(signature.code != NULL, sources[i].text != NULL);
        for (int j = 0; j < i; j++)
            ck_assert_msg(
                (versions[i] == versions[j]) ==
                    (j == sources[i].equal || (sources[i].equal >= 0 && versions[sources[i].equal] == versions[j])),
                "%d and %d", i, j);
    }
    mpijob_function f = fit_function(); /* a source without text is none */
    ck_assert_uint_eq(version_of(&f, NULL), versions[UNIT_COUNT(sources) - 1]);
}
END_TEST

START_TEST(the_code_that_is_kept)
{
    mpijob_function f = fit_function();
    const mpijob_source source = {"f.c", source_text, 0, "fit", {0, 0}};
    const char *wanted = "int fit(int a) /* why */ {\n  return K(a) + 1; // one\n}\n";
    f.source = &source;
    sign(&f, NULL);
    ck_assert_uint_eq(signature.code_bytes, strlen(wanted));
    ck_assert_mem_eq(signature.code, wanted, strlen(wanted));
    const mpijob_source twice = {
        "f.c", "#if A\nint fit(void) { }\n#else\nint fit(int a) { }\n#endif\n", 0, "fit", {0, 0}};
    f.source = &twice;
    sign(&f, NULL);
    wanted = "int fit(void) { }\n\nint fit(int a) { }\n";
    ck_assert_uint_eq(signature.code_bytes, strlen(wanted));
    ck_assert_mem_eq(signature.code, wanted, strlen(wanted));
    const mpijob_source whole = {"f.c", source_text, 0, NULL, {0, 0}};
    f.source = &whole;
    sign(&f, NULL);
    ck_assert_uint_eq(signature.code_bytes, strlen(source_text));
    ck_assert_mem_eq(signature.code, source_text, strlen(source_text));
}
END_TEST

START_TEST(results_of_a_signature)
{
    mpijob_function f = fit_function();
    sign(&f, NULL);
    ck_assert(signature.result.kind == MPIJOB_FLOAT64 && signature.result_ndim == 0 && signature.result_bytes == 8);
    f.result = NULL;
    f.result_size = 0;
    sign(&f, NULL);
    ck_assert(signature.result.kind == MPIJOB_UINT8 && signature.result_ndim == 1 && signature.result_shape[0] == 0);
    f.result_size = MPIJOB_ANY_SIZE;
    f.result = &float64;
    f.name = NULL;
    sign(&f, NULL);
    ck_assert(signature.result_ndim == -1 && signature.result_bytes == MPIJOB_ANY_SIZE);
    ck_assert_str_eq(signature.name, "function");
}
END_TEST

/* ---- What is refused ------------------------------------------------------------------------------------------- */

static void refuse(const mpijob_function *f, const char *const *ignore, const char *wanted)
{
    mpijob_error err;
    mpj_signature s;
    ck_assert_int_eq(mpj_signature_init(&s, f, ignore, &err), MPIJOB_EINVAL);
    ck_assert_msg(strstr(err.text, wanted) != NULL, "'%s' is not in: %s", wanted, err.text);
}

START_TEST(wrong_arguments)
{
    mpijob_function f = fit_function();
    refuse(&f, (const char *const[]){"gamma", "delta", NULL}, "delta");
    refuse(&f, (const char *const[]){"gamma.x", NULL}, "gamma.x");
    refuse(&f, (const char *const[]){"", NULL}, "''");
    f.args_size = 4;
    refuse(&f, NULL, "args_size");
    f.args = NULL;
    refuse(&f, NULL, "args");
    f.args_size = 0;
    refuse(&f, (const char *const[]){"x", NULL}, "no arguments");
    f.args = &fit_record;
    refuse(&f, NULL, "args_size");
    const mpijob_record broken = {"broken", sizeof(fit_args), 0, fit_fields};
    f.args = &broken;
    f.args_size = sizeof(fit_args);
    refuse(&f, NULL, "broken");
}
END_TEST

START_TEST(wrong_results)
{
    const mpijob_type text = {MPIJOB_STRING, 0, 0, NULL, NULL}, pointers = mpijob_type_record(&arguments_record);
    const size_t shape[] = {2, 3};
    mpijob_function f = fit_function();
    f.result_size = 9;
    refuse(&f, NULL, "result_size 9");
    f.result_ndim = 1;
    refuse(&f, NULL, "result_ndim");
    f.result_shape = shape;
    refuse(&f, NULL, "result_shape");
    f.result_ndim = 33;
    refuse(&f, NULL, "32");
    f.result_ndim = 2;
    f.result_size = MPIJOB_ANY_SIZE;
    refuse(&f, NULL, "fixed size");
    f = fit_function();
    f.result = &text;
    refuse(&f, NULL, "string");
    f.result = &pointers;
    f.result_size = sizeof value;
    refuse(&f, NULL, "pointers");
    const mpijob_source source = {"f.c", "x", 0, NULL, {0, 1}};
    f = fit_function();
    f.source = &source;
    refuse(&f, NULL, "reserved");
}
END_TEST

START_TEST(every_allocation_may_fail)
{
    const mpijob_source source = {"fit.c", source_text, 0, "fit", {0, 0}};
    mpijob_function f = fit_function();
    mpijob_digest shared[80] = {{{0}}};
    mpj_name name, wanted;
    f.args = &arguments_record;
    f.args_size = sizeof value;
    f.source = &source;
    sign(&f, NULL);
    wanted = name_of(&value, 0, shared, 80);
    for (failing fail = failing_begin(); failing_next(&fail);) {
        mpijob_error err;
        mpj_signature s;
        int status = mpj_signature_init(&s, &f, (const char *const[]){"points.n", NULL}, &err);
        int key = status == MPIJOB_OK ? mpj_key(&name, &s, &value, 0, shared, 80, &err) : status;
        failing_stop(&fail);
        ck_assert_int_eq(key, fail.failed ? MPIJOB_ENOMEM : MPIJOB_OK);
        if (status == MPIJOB_OK)
            mpj_signature_dispose(&s);
    }
    ck_assert(!same_key(&name, &wanted));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("key");
    TCase *cases = tcase_create("page");
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, calls_of_the_page);
    tcase_add_test(cases, indexes_of_the_page);
    tcase_add_test(cases, arguments_of_the_page);
    tcase_add_test(cases, the_check_of_the_page);
    suite_add_tcase(suite, cases);
    cases = tcase_create("keys");
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, both_ways_are_one);
    tcase_add_test(cases, what_matters_in_a_call);
    tcase_add_test(cases, padding_and_ignored_fields_do_not_matter);
    tcase_add_test(cases, all_fields_may_be_ignored);
    tcase_add_test(cases, inner_fields_can_be_ignored);
    tcase_add_test(cases, dots_in_names);
    tcase_add_test(cases, long_and_many_arguments);
    tcase_add_test(cases, short_arguments_allocate_nothing);
    tcase_add_test(cases, calls_that_have_no_key);
    suite_add_tcase(suite, cases);
    cases = tcase_create("versions");
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, flags_and_names_ignore_alike);
    tcase_add_test(cases, what_matters_in_a_description);
    tcase_add_test(cases, versions_of_the_source);
    tcase_add_test(cases, the_code_that_is_kept);
    tcase_add_test(cases, results_of_a_signature);
    suite_add_tcase(suite, cases);
    cases = tcase_create("refused");
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, wrong_arguments);
    tcase_add_test(cases, wrong_results);
    tcase_add_test(cases, every_allocation_may_fail);
    suite_add_tcase(suite, cases);
    return unit_run(suite);
}
