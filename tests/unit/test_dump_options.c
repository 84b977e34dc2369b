#include "array/forms.h"

#include "unit.h"

#include <string.h>

/* ---- Dump ------------------------------------------------------------------------------------------------------ */

static const size_t some_chunks[] = {10};

static const struct {
    mpijob_dump_options options;
    const char *named; /* in the message; NULL: fine */
} dumps[] = {
    {{.compress = 0}, NULL},
    {{.compress = 9}, NULL},
    {{.compress = -1}, "compress"},
    {{.compress = 10}, "compress"},
    {{.format = MPIJOB_NPY}, NULL},
    {{.format = MPIJOB_ZARR}, NULL},
    {{.format = MPIJOB_ZARR, .compress = 3}, NULL},
    {{.format = MPIJOB_NPY, .compress = 3}, "compress"},
    {{.format = 3}, "format"},
    {{.format = -1}, "format"},
    {{.codec = "lz4"}, NULL},
    {{.compress = 1, .codec = "zstd"}, NULL},
    {{.compress = 1, .codec = "blosclz"}, NULL},
    {{.compress = 1, .codec = "lz4hc"}, NULL},
    {{.compress = 1, .codec = "zlib"}, NULL},
    {{.compress = 1, .codec = "gzip"}, "codec"},
    {{.codec = ""}, "codec"},
    {{.compress = 1, .codec = "a name that is so long that it is cut in the message, somewhere behind its middle"},
     "codec"},
    {{.shuffle = MPIJOB_SHUFFLE_BIT}, NULL},
    {{.shuffle = 4}, "shuffle"},
    {{.shuffle = -1}, "shuffle"},
    {{.order = 'C'}, NULL},
    {{.order = 'F'}, NULL},
    {{.order = 'f'}, "order"},
    {{.order = 'K'}, "order"},
    {{.chunks = some_chunks, .compress = 1}, NULL},
    {{.chunks = some_chunks, .format = MPIJOB_ZARR}, NULL},
    {{.chunks = some_chunks}, "chunks"},
    {{.attributes = "{}", .compress = 1}, NULL},
    {{.attributes = " {\"a\": [1, 2, {\"b\": null}]} ", .compress = 1}, NULL},
    {{.attributes = "{}"}, "attributes"},
    {{.attributes = "[]", .compress = 1}, "attributes"},
    {{.attributes = "3", .compress = 1}, "attributes"},
    {{.attributes = "", .compress = 1}, "attributes"},
    {{.attributes = "{", .compress = 1}, "attributes"},
    {{.attributes = "{} x", .compress = 1}, "attributes"},
    {{.attributes = "{\"a\": 1, \"a\": 2}", .compress = 1}, "attributes"},
    {{.cache_size_bytes = 1}, NULL},
    {{.cache_size_bytes = SIZE_MAX}, NULL},
    {{.threads = 1}, NULL},
    {{.threads = -1}, "threads"},
    {{.threads = 4097}, "threads"},
    {{.durable = 1}, NULL},
    {{.durable = 2}, "durable"},
    {{.reserved = {1, 0, 0, 0}}, "reserved"},
    {{.reserved = {0, 0, 0, 1}}, "reserved"},
};

START_TEST(dump_options_are_checked)
{
    mpj_dump_plan plan;
    mpijob_error err = {0};
    int status = mpj_dump_plan_make(&plan, "a", &dumps[_i].options, &err);
    ck_assert_msg(status == (dumps[_i].named ? MPIJOB_EINVAL : MPIJOB_OK), "case %d: %d %s", _i, status, err.text);
    if (dumps[_i].named)
        ck_assert_msg(strstr(err.text, dumps[_i].named) != NULL, "%s", err.text);
}
END_TEST

START_TEST(dump_defaults)
{
    mpj_dump_plan plan;
    ck_assert_int_eq(mpj_dump_plan_make(&plan, "a", NULL, NULL), MPIJOB_OK);
    ck_assert_int_eq(plan.format, MPIJOB_NPY);
    ck_assert_int_eq(plan.codec.codec, MPJ_LZ4);
    ck_assert_int_eq(plan.codec.level, 0);
    ck_assert_uint_eq(plan.cache_bytes, 64 << 20);
    ck_assert_int_ge(plan.threads, 1);
    ck_assert_int_eq(plan.order, 0);
    ck_assert_int_eq(mpj_dump_plan_make(&plan, "a", &(mpijob_dump_options){.compress = 2, .threads = 3}, NULL),
                     MPIJOB_OK);
    ck_assert_int_eq(plan.format, MPIJOB_ZARR);
    ck_assert_int_eq(plan.codec.level, 2);
    ck_assert_int_eq(plan.threads, 3);
}
END_TEST

START_TEST(a_path_is_needed)
{
    mpj_dump_plan plan;
    mpijob_array array = {0};
    mpijob_array_info info;
    mpijob_verify_result result;
    ck_assert_int_eq(mpj_dump_plan_make(&plan, NULL, NULL, NULL), MPIJOB_EINVAL);
    ck_assert_int_eq(mpj_dump_plan_make(&plan, "", NULL, NULL), MPIJOB_EINVAL);
    ck_assert_int_eq(mpijob_load(&array, NULL, NULL, NULL), MPIJOB_EINVAL);
    ck_assert_int_eq(mpijob_load(&array, "", NULL, NULL), MPIJOB_EINVAL);
    ck_assert_int_eq(mpijob_load(NULL, "a", NULL, NULL), MPIJOB_EINVAL);
    ck_assert_int_eq(mpijob_array_inspect(&info, "", NULL, NULL), MPIJOB_EINVAL);
    ck_assert_int_eq(mpijob_array_inspect(NULL, "a", NULL, NULL), MPIJOB_EINVAL);
    ck_assert_int_eq(mpijob_verify(&result, "", NULL, NULL, NULL, NULL, NULL), MPIJOB_EINVAL);
    ck_assert_int_eq(mpijob_verify(NULL, "a", NULL, NULL, NULL, NULL, NULL), MPIJOB_EINVAL);
}
END_TEST

START_TEST(a_sound_array_is_needed)
{
    double x = 1;
    mpijob_array good = mpijob_array_of(&x, mpijob_type_of(MPIJOB_FLOAT64), 0, NULL), bad = good;
    ck_assert_int_eq(mpijob_dump(NULL, "a", NULL, NULL), MPIJOB_EINVAL);
    bad.ndim = 33;
    ck_assert_int_eq(mpijob_dump(&bad, "a", NULL, NULL), MPIJOB_EINVAL);
    bad = good;
    bad.data = NULL;
    ck_assert_int_eq(mpijob_dump(&bad, "a", NULL, NULL), MPIJOB_EINVAL);
    bad = good;
    bad.type.kind = 99;
    ck_assert_int_eq(mpijob_dump(&bad, "a", NULL, NULL), MPIJOB_EINVAL);
}
END_TEST

/* ---- Load ------------------------------------------------------------------------------------------------------ */

static char memory[8];
static const mpijob_array like = {.type = {MPIJOB_FLOAT64, 0, 0, NULL, NULL}};
static const mpijob_region rows = {.ndim = 1, .count = {1}};
static const mpijob_region no_region = {.ndim = 33};
static const mpijob_region negative_region = {.ndim = -1};
static const mpijob_region reserved_region = {.reserved = 1};

typedef struct text {
    char *s;
} text;
static const mpijob_field text_fields[] = {MPIJOB_FIELD_STRING(text, s)};
static const mpijob_record text_record = MPIJOB_RECORD_OF(text, text_fields);
static const mpijob_field flat_fields[] = {{.name = "x", .type = {MPIJOB_FLOAT64, 0, 0, NULL, NULL}}};
static const mpijob_record flat_record = {"flat", 8, 1, flat_fields};
static const mpijob_record wrong_record = {"wrong", 4, 1, flat_fields};

static const struct {
    mpijob_load_options options;
    const char *named;
} loads[] = {
    {{.mmap_mode = "r"}, NULL},
    {{.mmap_mode = "c"}, NULL},
    {{.mmap_mode = "r+"}, NULL},
    {{.mmap_mode = "w+", .like = &like}, NULL},
    {{.mmap_mode = ""}, "mmap_mode"},
    {{.mmap_mode = "w"}, "mmap_mode"},
    {{.mmap_mode = "rw"}, "mmap_mode"},
    {{.mmap_mode = "w+"}, "like"},
    {{.like = &like}, "like"},
    {{.mmap_mode = "r", .like = &like}, "like"},
    {{.mmap_mode = "w+", .like = &like, .region = &rows}, "region"},
    {{.mmap_mode = "w+", .like = &like, .record = &flat_record}, "record"},
    {{.mmap_mode = "w+", .like = &like, .name = "a"}, "name"},
    {{.mmap_mode = "w+", .like = &like, .into = memory, .into_bytes = 8}, "into"},
    {{.mmap_mode = "r", .into = memory, .into_bytes = 8}, "into"},
    {{.into = memory, .into_bytes = 8}, NULL},
    {{.into_bytes = 8}, "into_bytes"},
    {{.region = &rows}, NULL},
    {{.region = &no_region}, "region"},
    {{.region = &negative_region}, "region"},
    {{.region = &reserved_region}, "region"},
    {{.record = &flat_record}, NULL},
    {{.record = &text_record}, "record"},
    {{.record = &wrong_record}, "wrong"},
    {{.name = "a"}, NULL},
    {{.name = ""}, NULL},
    {{.name = "inner/a.b"}, NULL},
    {{.name = "/a"}, "name"},
    {{.name = "a/"}, "name"},
    {{.name = "a//b"}, "name"},
    {{.name = "."}, "name"},
    {{.name = "../a"}, "name"},
    {{.name = "a/.."}, "name"},
    {{.threads = 2}, NULL},
    {{.threads = -2}, "threads"},
    {{.reserved_int = 1}, "reserved"},
    {{.reserved = {0, 1, 0, 0}}, "reserved"},
};

START_TEST(load_options_are_checked)
{
    mpj_load_plan plan;
    mpijob_error err = {0};
    int status = mpj_load_plan_make(&plan, &loads[_i].options, &err);
    ck_assert_msg(status == (loads[_i].named ? MPIJOB_EINVAL : MPIJOB_OK), "case %d: %d %s", _i, status, err.text);
    if (loads[_i].named)
        ck_assert_msg(strstr(err.text, loads[_i].named) != NULL, "%s", err.text);
}
END_TEST

START_TEST(load_defaults)
{
    mpj_load_plan plan;
    ck_assert_int_eq(mpj_load_plan_make(&plan, NULL, NULL), MPIJOB_OK);
    ck_assert_int_eq(plan.mmap_mode, 0);
    ck_assert_uint_eq(plan.options.cache_size_bytes, 64 << 20);
    ck_assert_int_ge(plan.options.threads, 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("dump_options");
    TCase *group = tcase_create("dump_options");
    tcase_add_loop_test(group, dump_options_are_checked, 0, UNIT_COUNT(dumps));
    tcase_add_test(group, dump_defaults);
    tcase_add_test(group, a_path_is_needed);
    tcase_add_test(group, a_sound_array_is_needed);
    tcase_add_loop_test(group, load_options_are_checked, 0, UNIT_COUNT(loads));
    tcase_add_test(group, load_defaults);
    suite_add_tcase(suite, group);
    return unit_run(suite);
}
