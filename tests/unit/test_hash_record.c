/* Digests of structs. */
#include "base/alloc.h"
#include "hash_page.h"
#include "unit.h"

#include <string.h>

typedef struct centre {
    point at[2];
} centre;

static const mpijob_field centre_fields[] = {
    {"at", {MPIJOB_RECORD, 0, 0, &point_record, NULL}, offsetof(centre, at), 2, 0, 0, 0, 0, 0},
};
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

static point points[2];
static double rates[] = {0.25, 4.0};
static arguments value;

static void setup(void)
{
    make_points(points);
    rates[1] = 4;
    memset(&value, 0xee, sizeof value);
    value.name = "first";
    value.none = NULL;
    value.comment = "not looked at";
    value.rates = rates;
    value.rate_count = 2;
    value.point_count = 2;
    value.points = points;
    memcpy(value.centre.at, points, sizeof points);
    value.empty = NULL;
    value.empty_count = 0;
}

static mpijob_digest hash(const void *of, const mpijob_record *record)
{
    mpijob_digest digest;
    mpijob_error err;
    ck_assert_msg(mpijob_hash_record(&digest, of, record, &err) == MPIJOB_OK, "%s", err.text);
    return digest;
}

static void assert_different(const mpijob_digest *a, const mpijob_digest *b)
{
    ck_assert_mem_ne(a->bytes, b->bytes, sizeof a->bytes);
}

START_TEST(structs_of_the_page)
{
    mpijob_digest digest = hash(&points[0], &point_record);
    hash_page_assert("one-record", &digest);
    digest = hash(&value, &arguments_record);
    hash_page_assert("arguments", &digest);
}
END_TEST

START_TEST(what_is_not_described_does_not_matter)
{
    char name[] = "first";
    mpijob_digest before = hash(&value, &arguments_record), after;
    value.comment = NULL;
    value.none = "";
    value.name = name;
    value.centre.at[0].before++;
    value.centre.at[1].counter++;
    value.empty = (const int8_t *)"something";
    after = hash(&value, &arguments_record);
    ck_assert_mem_eq(after.bytes, before.bytes, sizeof after.bytes);
}
END_TEST

static void change(int which)
{
    switch (which) {
    case 0:
        value.name = "First";
        break;
    case 1:
        value.name = "firs";
        break;
    case 2:
        value.none = "x";
        break;
    case 3:
        rates[1] = 5;
        break;
    case 4:
        value.rate_count = 1;
        break;
    case 5:
        value.point_count = 1;
        break;
    case 6:
        points[1].tag[1]++;
        break;
    case 7:
        value.centre.at[1].w[1] = 0;
        break;
    case 8:
        value.empty_count = 1, value.empty = (const int8_t *)"x";
        break;
    default:
        value.name = NULL;
        break;
    }
}

START_TEST(each_value_matters)
{
    mpijob_digest before = hash(&value, &arguments_record);
    change(_i);
    mpijob_digest after = hash(&value, &arguments_record);
    assert_different(&before, &after);
}
END_TEST

/* Texts of two fields that make the same bytes together. */
START_TEST(where_a_text_ends_matters)
{
    value.name = "ab";
    value.none = "c";
    mpijob_digest one = hash(&value, &arguments_record);
    value.name = "a";
    value.none = "bc";
    mpijob_digest other = hash(&value, &arguments_record);
    assert_different(&one, &other);
}
END_TEST

typedef struct pair {
    int32_t first, second;
    int32_t both[2];
} pair;

#define PAIR_FIELD(name, member, flags)                                                                                \
    {                                                                                                                  \
        name, {MPIJOB_INT32, 0, 4, NULL, NULL}, offsetof(pair, member), 0, 0, 0, 0, flags, 0                           \
    }

static const mpijob_field descriptions[][2] = {
    {PAIR_FIELD("a", first, 0), PAIR_FIELD("b", second, 0)},
    {PAIR_FIELD("a", first, 0), PAIR_FIELD("c", second, 0)},
    {PAIR_FIELD("b", first, 0), PAIR_FIELD("a", second, 0)},
    {PAIR_FIELD("a", first, 0), PAIR_FIELD("b", second, MPIJOB_IGNORED)},
    {PAIR_FIELD("a", first, MPIJOB_IGNORED), PAIR_FIELD("b", second, 0)},
    {PAIR_FIELD("a", first, 0), {"b", {MPIJOB_UINT32, 0, 4, NULL, NULL}, offsetof(pair, second), 0, 0, 0, 0, 0, 0}},
    {PAIR_FIELD("a", first, 0), {"b", {MPIJOB_INT32, 0, 4, NULL, NULL}, offsetof(pair, second), 1, 0, 0, 0, 0, 0}},
    {PAIR_FIELD("a", first, 0), {"b", {MPIJOB_INT32, 0, 4, NULL, NULL}, offsetof(pair, second), 2, 0, 0, 0, 0, 0}},
    {PAIR_FIELD("a", first, 0), {"b", {MPIJOB_BYTES, 0, 4, NULL, NULL}, offsetof(pair, second), 0, 0, 0, 0, 0, 0}},
};

START_TEST(the_description_matters)
{
    const pair zeros = {0};
    mpijob_digest seen[UNIT_COUNT(descriptions) + 1];
    for (int i = 0; i < UNIT_COUNT(descriptions); i++) {
        mpijob_record record = {"pair", sizeof(pair), 2, descriptions[i]};
        seen[i] = hash(&zeros, &record);
    }
    mpijob_record other_name = {"couple", sizeof(pair), 2, descriptions[0]};
    seen[UNIT_COUNT(descriptions)] = hash(&zeros, &other_name);
    for (int i = 0; i < UNIT_COUNT(seen); i++)
        for (int j = 0; j < i; j++)
            assert_different(&seen[i], &seen[j]);
}
END_TEST

/* Two fields at other offsets, with another name of the struct around them in an array. */
START_TEST(offsets_do_not_matter_and_names_of_structs_not_in_arrays)
{
    const size_t one = 1;
    const pair here = {.first = 5, .second = 6}, there = {.second = 5, .both = {0, 6}};
    const mpijob_field moved[] = {PAIR_FIELD("a", second, 0), PAIR_FIELD("b", both[1], 0)};
    const mpijob_record a = {"pair", sizeof(pair), 2, descriptions[0]}, b = {"pair", sizeof(pair), 2, moved};
    const mpijob_record unnamed = {"other", sizeof(pair), 2, moved};
    mpijob_digest left = hash(&here, &a), right = hash(&there, &b);
    ck_assert_mem_eq(left.bytes, right.bytes, sizeof left.bytes);
    mpijob_array array = mpijob_array_of(&here, mpijob_type_record(&a), 1, &one);
    ck_assert_int_eq(mpijob_hash_array(&left, &array, NULL, NULL), MPIJOB_OK);
    array = mpijob_array_of(&there, mpijob_type_record(&unnamed), 1, &one);
    ck_assert_int_eq(mpijob_hash_array(&right, &array, NULL, NULL), MPIJOB_OK);
    ck_assert_mem_eq(left.bytes, right.bytes, sizeof left.bytes);
}
END_TEST

/* Strings behind the elements of an array: given at once, strided, and in parts. */
START_TEST(arrays_of_structs_with_strings)
{
    const mpijob_type type = mpijob_type_record(&arguments_record);
    const size_t count = 3, part = 2;
    arguments values[6];
    for (int i = 0; i < 6; i++) {
        values[i] = value;
        values[i].name = i % 2 == 0 ? "even" : "odd";
    }
    arguments evens[] = {values[0], values[2], values[4]};
    mpijob_digest dense, strided, parts;
    mpijob_hasher *hasher;
    mpijob_array array = mpijob_array_of(evens, type, 1, &count);
    ck_assert_int_eq(mpijob_hash_array(&dense, &array, NULL, NULL), MPIJOB_OK);
    array = mpijob_array_of(values, type, 1, &count);
    array.strides[0] *= 2;
    ck_assert_int_eq(mpijob_hash_array(&strided, &array, NULL, NULL), MPIJOB_OK);
    ck_assert_mem_eq(strided.bytes, dense.bytes, sizeof dense.bytes);
    ck_assert_int_eq(mpijob_hasher_create(&hasher, &type, 1, &count, 'C', NULL), MPIJOB_OK);
    ck_assert_int_eq(mpijob_hasher_update(hasher, evens, part, NULL), MPIJOB_OK);
    ck_assert_int_eq(mpijob_hasher_update(hasher, evens + part, 1, NULL), MPIJOB_OK);
    ck_assert_int_eq(mpijob_hasher_finish(&parts, hasher, NULL), MPIJOB_OK);
    mpijob_hasher_free(hasher);
    ck_assert_mem_eq(parts.bytes, dense.bytes, sizeof dense.bytes);
    evens[2].name = "odd";
    array = mpijob_array_of(evens, type, 1, &count);
    ck_assert_int_eq(mpijob_hash_array(&strided, &array, NULL, NULL), MPIJOB_OK);
    assert_different(&strided, &dense);
}
END_TEST

START_TEST(only_ignored_fields)
{
    const mpijob_field ignored[] = {PAIR_FIELD("a", first, MPIJOB_IGNORED)};
    const mpijob_record record = {"pair", sizeof(pair), 1, ignored};
    const size_t two = 2, three = 3;
    const pair pairs[3] = {{.first = 1}, {.first = 2}, {.first = 3}};
    mpijob_digest one = hash(&pairs[0], &record), other = hash(&pairs[1], &record);
    ck_assert_mem_eq(one.bytes, other.bytes, sizeof one.bytes);
    mpijob_array array = mpijob_array_of(pairs, mpijob_type_record(&record), 1, &two);
    ck_assert_int_eq(mpijob_hash_array(&one, &array, NULL, NULL), MPIJOB_OK);
    array.shape[0] = three;
    ck_assert_int_eq(mpijob_hash_array(&other, &array, NULL, NULL), MPIJOB_OK);
    assert_different(&one, &other);
    mpijob_hasher *hasher;
    ck_assert_int_eq(mpijob_hasher_create(&hasher, &array.type, 1, &three, 'C', NULL), MPIJOB_OK);
    ck_assert_int_eq(mpijob_hasher_update(hasher, pairs, three, NULL), MPIJOB_OK);
    ck_assert_int_eq(mpijob_hasher_finish(&one, hasher, NULL), MPIJOB_OK);
    mpijob_hasher_free(hasher);
    ck_assert_mem_eq(one.bytes, other.bytes, sizeof one.bytes);
}
END_TEST

static void assert_refused(const char *word)
{
    mpijob_digest digest;
    mpijob_error err;
    ck_assert_int_eq(mpijob_hash_record(&digest, &value, &arguments_record, &err), MPIJOB_EINVAL);
    ck_assert_msg(strstr(err.text, word) != NULL, "'%s' is not in: %s", word, err.text);
}

START_TEST(wrong_values)
{
    mpijob_digest digest;
    ck_assert_int_eq(mpijob_hash_record(NULL, &value, &arguments_record, NULL), MPIJOB_EINVAL);
    ck_assert_int_eq(mpijob_hash_record(&digest, NULL, &arguments_record, NULL), MPIJOB_EINVAL);
    ck_assert_int_eq(mpijob_hash_record(&digest, &value, NULL, NULL), MPIJOB_EINVAL);
    value.rate_count = -1;
    assert_refused("'rates': its length is negative");
    setup();
    value.rates = NULL;
    assert_refused("'rates' is NULL");
    setup();
    value.point_count = UINT64_MAX / 2;
    assert_refused("'points': its length is negative or larger");
}
END_TEST

/* Large enough for digests and a block that do not fit where small ones do. */
START_TEST(every_allocation_may_fail)
{
    enum {
        COUNT = 3 << 20
    };
    double *many = calloc(COUNT, sizeof *many);
    ck_assert_ptr_nonnull(many);
    const mpijob_field fields[] = {MPIJOB_FIELD_STRING(arguments, name),
                                   MPIJOB_FIELD_POINTER(arguments, rates, MPIJOB_FLOAT64, point_count, MPIJOB_UINT64)};
    const mpijob_record record = {"arguments", sizeof(arguments), 2, fields};
    value.rates = many;
    value.point_count = COUNT;
    mpijob_digest expected = hash(&value, &record), digest;
    int status = MPIJOB_ENOMEM;
    uint64_t n = 0;
    for (; status == MPIJOB_ENOMEM; n++) {
        mpj_alloc_fail_after(n);
        status = mpijob_hash_record(&digest, &value, &record, NULL);
        mpj_alloc_fail_after(UINT64_MAX);
    }
    ck_assert_int_eq(status, MPIJOB_OK);
    ck_assert_mem_eq(digest.bytes, expected.bytes, sizeof digest.bytes);
    ck_assert_uint_gt(n, 1);
    free(many);
}
END_TEST

START_TEST(small_structs_need_no_memory)
{
    mpj_alloc_fail_after(UINT64_MAX);
    hash(&points[0], &point_record);
    ck_assert_uint_eq(mpj_alloc_fail_after(UINT64_MAX), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("hash_record");
    TCase *cases = tcase_create("hash_record");
    tcase_add_checked_fixture(cases, setup, NULL);
    tcase_add_test(cases, structs_of_the_page);
    tcase_add_test(cases, what_is_not_described_does_not_matter);
    tcase_add_loop_test(cases, each_value_matters, 0, 10);
    tcase_add_test(cases, where_a_text_ends_matters);
    tcase_add_test(cases, the_description_matters);
    tcase_add_test(cases, offsets_do_not_matter_and_names_of_structs_not_in_arrays);
    tcase_add_test(cases, arrays_of_structs_with_strings);
    tcase_add_test(cases, only_ignored_fields);
    tcase_add_test(cases, wrong_values);
    tcase_add_test(cases, every_allocation_may_fail);
    tcase_add_test(cases, small_structs_need_no_memory);
    suite_add_tcase(suite, cases);
    return unit_run(suite);
}
