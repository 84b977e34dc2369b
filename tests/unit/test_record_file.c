#include "array/forms.h"
#include "base/alloc.h"

#include "files.h"

#include <complex.h>
#include <mpijob/array.h>
#include <stdbool.h>

/* ---- A flat struct --------------------------------------------------------------------------------------------- */

typedef struct fit {
    double c, gamma;
    int32_t folds;
    char name[6];
    bool ok;
    float complex z[2];
    int secret; /* not described */
} fit;
static const mpijob_field fit_fields[] = {
    MPIJOB_FIELD(fit, c, MPIJOB_FLOAT64),   MPIJOB_FIELD(fit, gamma, MPIJOB_FLOAT64),
    MPIJOB_FIELD(fit, folds, MPIJOB_INT32), MPIJOB_FIELD(fit, name, MPIJOB_BYTES),
    MPIJOB_FIELD(fit, ok, MPIJOB_BOOL),     MPIJOB_FIELD_ARRAY(fit, z, MPIJOB_COMPLEX64, float complex),
};
static const mpijob_record fit_record = MPIJOB_RECORD_OF(fit, fit_fields);

static const fit one_fit = {10, 0.25, 5, "first", true, {1, 2 * I}, 99};

static void dump(const void *value, const mpijob_record *record, const char *path, const mpijob_dump_options *options)
{
    mpijob_error err = {0};
    ck_assert_msg(mpijob_dump_record(value, record, path, options, &err) == MPIJOB_OK, "%s", err.text);
}

static void load(void *value, const mpijob_record *record, const char *path)
{
    mpijob_error err = {0};
    ck_assert_msg(mpijob_load_record(value, record, path, NULL, &err) == MPIJOB_OK, "%s", err.text);
}

static const struct {
    const char *name;
    mpijob_dump_options options;
} forms[] = {
    {"a.npy", {0}},
    {"a.zarr", {.compress = 1}},
    {"a.zip", {.compress = 1}},
    {"b.zarr", {.format = MPIJOB_ZARR}},
};

START_TEST(flat_structs_come_back)
{
    const char *path = scratch_path(&files, forms[_i].name);
    fit back = {.secret = 7};
    mpijob_array array;
    dump(&one_fit, &fit_record, path, &forms[_i].options);
    load(&back, &fit_record, path);
    ck_assert(back.c == 10 && back.gamma == 0.25 && back.folds == 5 && back.ok && back.z[1] == 2 * I);
    ck_assert_str_eq(back.name, "first");
    ck_assert_int_eq(back.secret, 7);
    ck_assert_int_eq(mpijob_load(&array, path, NULL, NULL), MPIJOB_OK);
    ck_assert_int_eq(array.ndim, 0);
    ck_assert_uint_eq(array.type.record->field_count, 6);
    mpijob_array_free(&array);
}
END_TEST

/* ---- One with everything --------------------------------------------------------------------------------------- */

typedef struct point {
    int8_t tag;
    double x;
} point;
static const mpijob_field point_fields[] = {MPIJOB_FIELD(point, tag, MPIJOB_INT8),
                                            MPIJOB_FIELD(point, x, MPIJOB_FLOAT64)};
static const mpijob_record point_record = MPIJOB_RECORD_OF(point, point_fields);

typedef struct note {
    const char *text;
    int16_t *values;
    uint8_t value_count;
} note;
static const mpijob_field note_fields[] = {MPIJOB_FIELD_STRING(note, text),
                                           MPIJOB_FIELD_POINTER(note, values, MPIJOB_INT16, value_count, MPIJOB_UINT8)};
static const mpijob_record note_record = MPIJOB_RECORD_OF(note, note_fields);

typedef struct study {
    int64_t id;
    char *title;
    char *empty;
    char *words[3];
    double *weights, *errors; /* share a length */
    size_t weight_count;
    point corner;
    point corners[2];
    point *path;
    int path_count;
    note first;
    note pair[2];
    note *notes;
    uint32_t note_count;
    char **lines;
    int line_count;
} study;
static const mpijob_field study_fields[] = {
    MPIJOB_FIELD(study, id, MPIJOB_INT64),
    MPIJOB_FIELD_STRING(study, title),
    MPIJOB_FIELD_STRING(study, empty),
    {.name = "words", .type = {MPIJOB_STRING, 0, 0, NULL, NULL}, .offset = offsetof(study, words), .count = 3},
    MPIJOB_FIELD_POINTER(study, weights, MPIJOB_FLOAT64, weight_count, MPIJOB_UINT64),
    MPIJOB_FIELD_POINTER(study, errors, MPIJOB_FLOAT64, weight_count, MPIJOB_UINT64),
    MPIJOB_FIELD_RECORD(study, corner, &point_record),
    {.name = "corners",
     .type = {MPIJOB_RECORD, 0, 0, &point_record, NULL},
     .offset = offsetof(study, corners),
     .count = 2},
    MPIJOB_FIELD_POINTER_RECORD(study, path, &point_record, path_count, MPIJOB_INT32),
    MPIJOB_FIELD_RECORD(study, first, &note_record),
    {.name = "pair", .type = {MPIJOB_RECORD, 0, 0, &note_record, NULL}, .offset = offsetof(study, pair), .count = 2},
    MPIJOB_FIELD_POINTER_RECORD(study, notes, &note_record, note_count, MPIJOB_UINT32),
    {.name = "lines",
     .type = {MPIJOB_STRING, 0, 0, NULL, NULL},
     .offset = offsetof(study, lines),
     .holding = MPIJOB_POINTER,
     .length_kind = MPIJOB_INT32,
     .length_offset = offsetof(study, line_count)},
};
static const mpijob_record study_record = MPIJOB_RECORD_OF(study, study_fields);

static double weights[] = {1, 2.5, -3}, errors[] = {0.1, 0.2, 0.3};
static int16_t values[] = {-1, 2, 300};
static point corners[] = {{1, 1.5}, {2, 2.5}};
static note notes[] = {{"n0", values, 3}, {"a longer note", NULL, 0}};
static char *lines[] = {"x", "", "three"};

static study full_study(void)
{
    return (study){.id = -5,
                   .title = "gr\xc3\xbc\xc3\x9f"
                            "e",
                   .words = {"a", "bcd", NULL},
                   .weights = weights,
                   .errors = errors,
                   .weight_count = 3,
                   .corner = {3, 3.5},
                   .corners = {{4, 4.5}, {5, 5.5}},
                   .path = corners,
                   .path_count = 2,
                   .first = {"one", values, 2},
                   .pair = {{"p", values, 1}, {"q", NULL, 0}},
                   .notes = notes,
                   .note_count = 2,
                   .lines = lines,
                   .line_count = 3};
}

static const struct {
    const char *name;
    mpijob_dump_options options;
} groups[] = {
    {"a.zarr", {0}},
    {"b.zarr", {.compress = 3}},
    {"c.zip", {.compress = 3, .codec = "zstd"}},
};

static void assert_full(const study *s)
{
    ck_assert_int_eq(s->id, -5);
    ck_assert_str_eq(s->title, "gr\xc3\xbc\xc3\x9f"
                               "e");
    ck_assert_str_eq(s->empty, "");
    ck_assert_str_eq(s->words[0], "a");
    ck_assert_str_eq(s->words[1], "bcd");
    ck_assert_str_eq(s->words[2], "");
    ck_assert_uint_eq(s->weight_count, 3);
    ck_assert_mem_eq(s->weights, weights, sizeof weights);
    ck_assert_mem_eq(s->errors, errors, sizeof errors);
    ck_assert(s->corner.tag == 3 && s->corner.x == 3.5);
    ck_assert(s->corners[1].tag == 5 && s->corners[1].x == 5.5);
    ck_assert_int_eq(s->path_count, 2);
    ck_assert(s->path[0].tag == 1 && s->path[1].x == 2.5);
    ck_assert_str_eq(s->first.text, "one");
    ck_assert_uint_eq(s->first.value_count, 2);
    ck_assert_int_eq(s->first.values[1], 2);
    ck_assert_str_eq(s->pair[1].text, "q");
    ck_assert_uint_eq(s->pair[1].value_count, 0);
    ck_assert_uint_eq(s->note_count, 2);
    ck_assert_str_eq(s->notes[1].text, "a longer note");
    ck_assert_int_eq(s->notes[0].values[2], 300);
    ck_assert_int_eq(s->line_count, 3);
    ck_assert_str_eq(s->lines[1], "");
    ck_assert_str_eq(s->lines[2], "three");
}

START_TEST(structs_with_strings_and_pointers_come_back)
{
    const char *path = scratch_path(&files, groups[_i].name);
    study s = full_study(), back;
    memset(&back, 0xee, sizeof back);
    dump(&s, &study_record, path, &groups[_i].options);
    load(&back, &study_record, path);
    assert_full(&back);
    mpijob_record_dispose(&back, &study_record);
    ck_assert_ptr_null(back.title);
    ck_assert_uint_eq(back.weight_count, 0);
}
END_TEST

START_TEST(empty_ones_come_back)
{
    const char *path = scratch_path(&files, groups[_i].name);
    study s = {.id = 1}, back;
    dump(&s, &study_record, path, &groups[_i].options);
    load(&back, &study_record, path);
    ck_assert_str_eq(back.title, "");
    ck_assert_uint_eq(back.weight_count, 0);
    ck_assert_uint_eq(back.note_count, 0);
    ck_assert_int_eq(back.line_count, 0);
    mpijob_record_dispose(&back, &study_record);
}
END_TEST

START_TEST(the_group_is_what_the_page_says)
{
    static const struct {
        const char *name;
        int kind, ndim;
        size_t length, bytes;
    } members[] = {
        {"id", MPIJOB_INT64, 0, 0, 8},
        {"title", MPIJOB_BYTES, 0, 0, 7},
        {"empty", MPIJOB_BYTES, 0, 0, 1},
        {"words", MPIJOB_BYTES, 1, 3, 3},
        {"weights", MPIJOB_FLOAT64, 1, 3, 8},
        {"corner/tag", MPIJOB_INT8, 0, 0, 1},
        {"corners", MPIJOB_RECORD, 1, 2, 9},
        {"path", MPIJOB_RECORD, 1, 2, 9},
        {"first/text", MPIJOB_BYTES, 0, 0, 3},
        {"pair/1/values", MPIJOB_INT16, 1, 0, 2},
        {"notes/0/values", MPIJOB_INT16, 1, 3, 2},
        {"lines", MPIJOB_BYTES, 1, 3, 5},
    };
    const char *path = scratch_path(&files, "a.zarr");
    study s = full_study();
    mpijob_group *group;
    dump(&s, &study_record, path, NULL);
    ck_assert_int_eq(mpijob_load_group(&group, path, NULL, NULL), MPIJOB_OK);
    for (int i = 0; i < UNIT_COUNT(members); i++) {
        const mpijob_member *member = mpijob_group_find(group, members[i].name);
        ck_assert_msg(member != NULL, "%s", members[i].name);
        ck_assert_int_eq(member->array.type.kind, members[i].kind);
        ck_assert_int_eq(member->array.ndim, members[i].ndim);
        ck_assert_uint_eq(mpijob_type_size(&member->array.type), members[i].bytes);
        if (members[i].ndim)
            ck_assert_uint_eq(member->array.shape[0], members[i].length);
    }
    json_t *attributes = json_loads(mpijob_group_attributes(group), 0, NULL);
    const json_t *own = json_object_get(attributes, "mpijob");
    ck_assert_str_eq(json_string_value(json_object_get(own, "record")), "study");
    const json_t *names = json_object_get(own, "fields");
    ck_assert_uint_eq(json_array_size(names), mpijob_group_count(group));
    ck_assert_str_eq(json_string_value(json_array_get(names, 0)), "id");
    ck_assert_str_eq(json_string_value(json_array_get(names, 1)), "title");
    ck_assert_int_eq(json_integer_value(json_object_get(json_object_get(own, "counts"), "notes")), 2);
    json_decref(attributes);
    mpijob_group_free(group);
}
END_TEST

/* ---- What is refused when dumping ------------------------------------------------------------------------------- */

static void assert_dump_fails(const void *value, const mpijob_record *record, const mpijob_dump_options *options,
                              const char *named)
{
    mpijob_error err = {0};
    const char *path = scratch_path(&files, "a.zarr");
    ck_assert_int_eq(mpijob_dump_record(value, record, path, options, &err), MPIJOB_EINVAL);
    ck_assert_msg(strstr(err.text, named) != NULL, "%s", err.text);
    ck_assert_int_eq(scratch_names(&files), 0);
}

START_TEST(wrong_dumps_are_refused)
{
    static const size_t chunks[] = {1};
    static const mpijob_field slash_fields[] = {{.name = "a/b", .type = {MPIJOB_STRING, 0, 0, NULL, NULL}}};
    static const mpijob_record slash_record = {"slash", sizeof(char *), 1, slash_fields};
    char *string = "x";
    study s = full_study();
    assert_dump_fails(NULL, &fit_record, NULL, "NULL");
    assert_dump_fails(&one_fit, NULL, NULL, "NULL");
    assert_dump_fails(&s, &study_record, &(mpijob_dump_options){.format = MPIJOB_NPY}, "format");
    assert_dump_fails(&s, &study_record, &(mpijob_dump_options){.chunks = chunks}, "chunks");
    assert_dump_fails(&s, &study_record, &(mpijob_dump_options){.attributes = "{}"}, "attributes");
    assert_dump_fails(&s, &study_record, &(mpijob_dump_options){.compress = 11}, "compress");
    assert_dump_fails(&string, &slash_record, NULL, "a/b");
    s.path_count = -1;
    assert_dump_fails(&s, &study_record, NULL, "path");
    s = full_study();
    s.weights = NULL;
    assert_dump_fails(&s, &study_record, NULL, "weights");
}
END_TEST

/* ---- What is refused when loading ------------------------------------------------------------------------------- */

/* The record with one field changed; returns its status, and the message in err. */
static int load_with(const mpijob_record *record, size_t field, const mpijob_field *instead, const char *path,
                     mpijob_error *err)
{
    mpijob_field fields[16];
    char value[512], before[512];
    mpijob_record changed = *record;
    memcpy(fields, record->fields, record->field_count * sizeof *fields);
    changed.fields = fields;
    if (instead)
        fields[field] = *instead;
    else
        changed.field_count--,
            memmove(fields + field, fields + field + 1, (changed.field_count - field) * sizeof *fields);
    memset(value, 0x55, sizeof value);
    memcpy(before, value, sizeof value);
    int status = mpijob_load_record(value, &changed, path, NULL, err);
    ck_assert_mem_eq(value, before, sizeof value);
    return status;
}

static void assert_differs(const mpijob_record *record, size_t field, const mpijob_field *instead, const char *path,
                           const char *named)
{
    mpijob_error err = {0};
    ck_assert_int_eq(load_with(record, field, instead, path, &err), MPIJOB_EINVAL);
    ck_assert_msg(strstr(err.text, named) != NULL, "%s", err.text);
}

START_TEST(other_fields_are_refused_and_named)
{
    const char *flat = scratch_path(&files, "a.npy");
    char group[MPJ_PATH_BYTES];
    study s = full_study();
    mpijob_field field;
    dump(&one_fit, &fit_record, flat, NULL);
    strcpy(group, flat);
    flat = group;
    assert_differs(&fit_record, 1, NULL, flat, "gamma");
    field = fit_fields[1];
    field.name = "delta";
    assert_differs(&fit_record, 1, &field, flat, "delta");
    field.name = "gamma";
    field.type.kind = MPIJOB_INT64;
    assert_differs(&fit_record, 1, &field, flat, "gamma");
    field = fit_fields[5];
    field.count = 1;
    assert_differs(&fit_record, 5, &field, flat, "z");

    const char *path = scratch_path(&files, "b.zarr");
    dump(&s, &study_record, path, NULL);
    for (size_t i = 0; i < study_record.field_count; i++) {
        assert_differs(&study_record, i, NULL, path, study_fields[i].name);
        field = study_fields[i];
        field.name = "renamed";
        assert_differs(&study_record, i, &field, path, "renamed");
    }
    field = study_fields[0];
    field.type.kind = MPIJOB_UINT64;
    assert_differs(&study_record, 0, &field, path, "id");
    field = study_fields[1];
    field.type = mpijob_type_of(MPIJOB_UINT64);
    assert_differs(&study_record, 1, &field, path, "title");
    field = study_fields[3];
    field.count = 2;
    assert_differs(&study_record, 3, &field, path, "words");
    field = study_fields[4];
    field.type.kind = MPIJOB_INT64;
    assert_differs(&study_record, 4, &field, path, "weights");
    field = study_fields[3];
    field.count = 0;
    assert_differs(&study_record, 3, &field, path, "dimensions");
    field = study_fields[0];
    field.type = (mpijob_type){MPIJOB_STRING, 0, 0, NULL, NULL};
    assert_differs(&study_record, 0, &field, path, "string");
    field = study_fields[10];
    field.count = 1;
    assert_differs(&study_record, 10, &field, path, "pair");
}
END_TEST

START_TEST(structs_inside_are_compared_too)
{
    typedef struct line {
        point from, to;
    } line;
    static const mpijob_field line_fields[] = {MPIJOB_FIELD_RECORD(line, from, &point_record),
                                               MPIJOB_FIELD_RECORD(line, to, &point_record)};
    static const mpijob_record line_record = MPIJOB_RECORD_OF(line, line_fields);
    static const mpijob_record half_point = {"point", sizeof(point), 1, point_fields};
    const char *path = scratch_path(&files, "a.npy");
    line value = {{1, 1.5}, {2, 2.5}}, back = {{0, 0}, {0, 0}};
    mpijob_field field = line_fields[1];
    dump(&value, &line_record, path, NULL);
    load(&back, &line_record, path);
    ck_assert(back.from.x == 1.5 && back.to.tag == 2);
    field.type.record = &half_point;
    assert_differs(&line_record, 1, &field, path, "\"x\"");
}
END_TEST

START_TEST(lengths_must_fit_and_agree)
{
    typedef struct few {
        char *name;
        double *a, *b;
        int8_t count, other;
    } few;
    static const mpijob_field apart[] = {MPIJOB_FIELD_STRING(few, name),
                                         MPIJOB_FIELD_POINTER(few, a, MPIJOB_FLOAT64, count, MPIJOB_INT8),
                                         MPIJOB_FIELD_POINTER(few, b, MPIJOB_FLOAT64, other, MPIJOB_INT8)};
    static const mpijob_field together[] = {MPIJOB_FIELD_STRING(few, name),
                                            MPIJOB_FIELD_POINTER(few, a, MPIJOB_FLOAT64, count, MPIJOB_INT8),
                                            MPIJOB_FIELD_POINTER(few, b, MPIJOB_FLOAT64, count, MPIJOB_INT8)};
    static const mpijob_record two_lengths = MPIJOB_RECORD_OF(few, apart), one_length = MPIJOB_RECORD_OF(few, together);
    const char *path = scratch_path(&files, "a.zarr");
    few value = {NULL, weights, weights, 3, 2};
    mpijob_error err = {0};
    dump(&value, &two_lengths, path, NULL);
    ck_assert_int_eq(mpijob_load_record(&value, &one_length, path, NULL, &err), MPIJOB_EINVAL);
    ck_assert_msg(strstr(err.text, "\"b\"") != NULL, "%s", err.text);

    static double many[200];
    mpijob_member members[] = {
        {.name = "name", .array = mpijob_array_of("x", mpijob_type_bytes(1), 0, NULL)},
        {.name = "a", .array = mpijob_array_of(many, mpijob_type_of(MPIJOB_FLOAT64), 1, (size_t[]){128})},
        {.name = "b", .array = mpijob_array_of(many, mpijob_type_of(MPIJOB_FLOAT64), 1, (size_t[]){127})}};
    ck_assert_int_eq(mpijob_dump_group(members, 3, NULL, path, NULL, NULL), MPIJOB_OK);
    ck_assert_int_eq(mpijob_load_record(&value, &two_lengths, path, NULL, &err), MPIJOB_EINVAL);
    ck_assert_msg(strstr(err.text, "\"a\"") != NULL, "%s", err.text);
}
END_TEST

/* As many structs inside each other as there may be, each a group with a group for its one element. */
START_TEST(the_deepest_structs_come_back)
{
    enum {
        DEPTH = 32
    };
    static mpijob_field fields[DEPTH];
    static mpijob_record records[DEPTH];
    char *text = "in the middle", *back = NULL;
    mpijob_error err = {0};
    const char *path = scratch_path(&files, _i ? "deep.zip" : "deep.zarr");
    for (int i = 0; i < DEPTH; i++) {
        int last = i == DEPTH - 1;
        fields[i] = (mpijob_field){.name = "f", .count = last ? 0 : 1};
        fields[i].type = last ? mpijob_type_of(MPIJOB_STRING) : mpijob_type_record(&records[i + 1]);
        records[i] = (mpijob_record){"deep", sizeof text, 1, &fields[i]};
    }
    ck_assert_msg(mpijob_dump_record(&text, &records[0], path, NULL, &err) == MPIJOB_OK, "%s", err.text);
    ck_assert_msg(mpijob_load_record(&back, &records[0], path, NULL, &err) == MPIJOB_OK, "%s", err.text);
    ck_assert_str_eq(back, text);
    mpijob_record_dispose(&back, &records[0]);
}
END_TEST

START_TEST(other_files_are_refused)
{
    const char *path = scratch_path(&files, "a.npy");
    fit f;
    study s = full_study();
    double x[2] = {0};
    mpijob_error err = {0};
    mpijob_array array = mpijob_array_of(x, mpijob_type_of(MPIJOB_FLOAT64), 0, NULL);
    ck_assert_int_eq(mpijob_load_record(&f, &fit_record, path, NULL, &err), MPIJOB_ENOTFOUND);
    ck_assert_int_eq(mpijob_dump(&array, path, NULL, NULL), MPIJOB_OK);
    ck_assert_int_eq(mpijob_load_record(&f, &fit_record, path, NULL, &err), MPIJOB_EINVAL);
    ck_assert_int_eq(mpijob_load_record(&s, &study_record, path, NULL, &err), MPIJOB_EINVAL);
    array = mpijob_array_of(&one_fit, mpijob_type_record(&fit_record), 1, (size_t[]){1});
    ck_assert_int_eq(mpijob_dump(&array, path, NULL, NULL), MPIJOB_OK);
    ck_assert_int_eq(mpijob_load_record(&f, &fit_record, path, NULL, &err), MPIJOB_EINVAL);
    path = scratch_path(&files, "b.zarr");
    dump(&s, &study_record, path, NULL);
    ck_assert_int_eq(mpijob_load_record(&f, &fit_record, path, NULL, &err), MPIJOB_EINVAL);
    ck_assert_ptr_nonnull(strstr(err.text, "group"));
}
END_TEST

START_TEST(options_that_make_no_sense_are_refused)
{
    static const mpijob_region all = {.ndim = 0};
    const mpijob_load_options wrong[] = {
        {.mmap_mode = "r"}, {.record = &fit_record}, {.region = &all}, {.name = "a"}, {.threads = -1}};
    const char *path = scratch_path(&files, "a.npy");
    fit f;
    dump(&one_fit, &fit_record, path, NULL);
    for (int i = 0; i < UNIT_COUNT(wrong); i++)
        ck_assert_int_eq(mpijob_load_record(&f, &fit_record, path, &wrong[i], NULL), MPIJOB_EINVAL);
    ck_assert_int_eq(mpijob_load_record(NULL, &fit_record, path, NULL, NULL), MPIJOB_EINVAL);
    ck_assert_int_eq(mpijob_load_record(&f, NULL, path, NULL, NULL), MPIJOB_EINVAL);
}
END_TEST

/* ---- Memory ---------------------------------------------------------------------------------------------------- */

START_TEST(no_memory_leaves_nothing)
{
    const char *path = scratch_path(&files, "a.zip");
    study s = full_study(), back;
    int status;
    uint64_t n = 0;
    do {
        mpj_alloc_fail_after(n++);
        status = mpijob_dump_record(&s, &study_record, path, &(mpijob_dump_options){.compress = 1, .threads = 1}, NULL);
        mpj_alloc_fail_after(UINT64_MAX);
        ck_assert(status == MPIJOB_OK || status == MPIJOB_ENOMEM);
        ck_assert_int_eq(scratch_names(&files), status == MPIJOB_OK);
    } while (status != MPIJOB_OK);
    n = 0;
    do {
        mpijob_error err = {0};
        mpj_alloc_fail_after(n++);
        status = mpijob_load_record(&back, &study_record, path, &(mpijob_load_options){.threads = 1}, &err);
        mpj_alloc_fail_after(UINT64_MAX);
        ck_assert_msg(status == MPIJOB_OK || status == MPIJOB_ENOMEM, "%s", err.text);
    } while (status != MPIJOB_OK);
    assert_full(&back);
    mpijob_record_dispose(&back, &study_record);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("record_file");
    TCase *group = tcase_create("record_file");
    tcase_add_checked_fixture(group, files_begin, files_end);
    tcase_add_loop_test(group, flat_structs_come_back, 0, UNIT_COUNT(forms));
    tcase_add_loop_test(group, structs_with_strings_and_pointers_come_back, 0, UNIT_COUNT(groups));
    tcase_add_loop_test(group, empty_ones_come_back, 0, UNIT_COUNT(groups));
    tcase_add_test(group, the_group_is_what_the_page_says);
    tcase_add_test(group, wrong_dumps_are_refused);
    tcase_add_test(group, other_fields_are_refused_and_named);
    tcase_add_test(group, structs_inside_are_compared_too);
    tcase_add_test(group, lengths_must_fit_and_agree);
    tcase_add_loop_test(group, the_deepest_structs_come_back, 0, 2);
    tcase_add_test(group, other_files_are_refused);
    tcase_add_test(group, options_that_make_no_sense_are_refused);
    tcase_add_test(group, no_memory_leaves_nothing);
    suite_add_tcase(suite, group);
    return unit_run(suite);
}
