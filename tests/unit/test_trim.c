/* Which results go, so that limits hold. */
#include "memory_functions.h"

#include "base/clock.h"
#include "files.h"
#include "memory/trimrule.h"

/* ---- The rule ---------------------------------------------------------------------------------------------------- */

#define NS INT64_C(1000000000)
#define NOW 1000000
#define ANY UINT64_MAX

typedef struct item {
    int64_t used_s;
    uint64_t bytes;
} item;

/* Used 100, 200, ... seconds ago, the last one last. */
static const item five[] = {{NOW - 500, 10}, {NOW - 100, 20}, {NOW - 400, 30}, {NOW - 200, 40}, {NOW - 300, 50}};

static const struct {
    mpj_trim_limits limits;
    int goes[5];
} cases[] = {
    {{ANY, ANY, -1}, {0, 0, 0, 0, 0}},  {{150, 5, 500}, {0, 0, 0, 0, 0}}, /* they just hold */
    {{149, ANY, -1}, {1, 0, 0, 0, 0}},  {{140, ANY, -1}, {1, 0, 0, 0, 0}},  {{139, ANY, -1}, {1, 0, 1, 0, 0}},
    {{20, ANY, -1}, {1, 0, 1, 1, 1}},   {{19, ANY, -1}, {1, 1, 1, 1, 1}},   {{0, ANY, -1}, {1, 1, 1, 1, 1}},
    {{ANY, 5, -1}, {0, 0, 0, 0, 0}},    {{ANY, 3, -1}, {1, 0, 1, 0, 0}},    {{ANY, 0, -1}, {1, 1, 1, 1, 1}},
    {{ANY, ANY, 499}, {1, 0, 0, 0, 0}}, {{ANY, ANY, 250}, {1, 0, 1, 0, 1}}, {{ANY, ANY, 0}, {1, 1, 1, 1, 1}},
    {{139, 4, 250}, {1, 0, 1, 0, 1}}, /* the strictest counts */
    {{61, 4, 450}, {1, 0, 1, 0, 1}},
};

START_TEST(the_least_recently_used_go)
{
    mpj_trim_item items[5];
    mpj_trim_bound bound;
    uint64_t count = 0, bytes = 0;
    for (int i = 0; i < 5; i++)
        items[i] = (mpj_trim_item){five[i].used_s * NS, (uint64_t)i, five[i].bytes};
    mpj_trim_choose(&bound, items, 5, &cases[_i].limits, NOW * NS);
    for (int i = 0; i < 5; i++) {
        const mpj_trim_item one = {five[i].used_s * NS, (uint64_t)i, five[i].bytes};
        ck_assert_int_eq(mpj_trim_goes(&bound, &one), cases[_i].goes[i]);
        count += (uint64_t)cases[_i].goes[i];
        bytes += cases[_i].goes[i] ? five[i].bytes : 0;
    }
    ck_assert_uint_eq(bound.items, count);
    ck_assert_uint_eq(bound.bytes, bytes);
    ck_assert_int_eq(bound.any, count > 0);
}
END_TEST

/* Of those that were used in the same hour some go, and the same ones whoever asks; equals go together. */
START_TEST(ties_are_broken_the_same_way)
{
    mpj_trim_item items[100], again[100];
    mpj_trim_bound bound, other;
    for (uint64_t i = 0; i < 100; i++) {
        items[i] = (mpj_trim_item){3600 * NS, (i * 37) % 50, 1};
        again[99 - i] = items[i];
    }
    const mpj_trim_limits limits = {ANY, 61, -1};
    mpj_trim_choose(&bound, items, 100, &limits, NOW * NS);
    mpj_trim_choose(&other, again, 100, &limits, NOW * NS);
    ck_assert_uint_eq(bound.tie, other.tie);
    ck_assert_uint_eq(bound.items, 40); /* 39 would leave one of two equals */
}
END_TEST

START_TEST(nothing_is_no_trouble)
{
    mpj_trim_bound bound;
    const mpj_trim_limits limits = {0, 0, 0};
    const mpj_trim_item one = {0, 0, 0};
    mpj_trim_choose(&bound, NULL, 0, &limits, NOW * NS);
    ck_assert(!bound.any && !mpj_trim_goes(&bound, &one));
    const mpj_trim_limits roomy = mpj_trim_with_room(&(mpj_trim_limits){1000, ANY, -1});
    ck_assert(roomy.bytes == 900 && roomy.items == ANY && roomy.age_s < 0);
}
END_TEST

/* ---- A location -------------------------------------------------------------------------------------------------- */

static char location[MPJ_PATH_BYTES];

static void begin(void)
{
    files_begin();
    strcpy(location, scratch_path(&files, "location"));
    fit_calls = 0;
}

static uint64_t bytes_below(const char *path)
{
    char inner[MPJ_PATH_BYTES];
    struct stat info;
    uint64_t bytes = 0;
    DIR *listing = opendir(path);
    for (struct dirent *entry; listing && (entry = readdir(listing));) {
        if (entry->d_name[0] == '.' || mpj_path_join(inner, path, entry->d_name, NULL) != 0 || lstat(inner, &info) != 0)
            continue;
        bytes += S_ISDIR(info.st_mode) ? bytes_below(inner) : (uint64_t)info.st_size;
    }
    if (listing)
        closedir(listing);
    return bytes;
}

static void store_fits(int from, int to)
{
    mpijob_memory *memory = open_memory(location, NULL);
    mpijob_function f = cache(memory, &fit, NULL);
    for (int i = from; i < to; i++)
        ck_assert(computes(&f, (fit_args){.c = i, .fold = 1}));
    mpijob_memory_close(memory);
}

/* How many of these are there; without a trace of looking. */
static int count_fits(int from, int to)
{
    mpijob_memory *memory = open_memory(location, NULL);
    mpijob_function f = cache(memory, &fit, NULL);
    int found = 0;
    for (int i = from; i < to; i++)
        found += mpijob_function_check_call_in_cache(&f, &(fit_args){.c = i, .fold = 1}, NULL, NULL) == 1;
    mpijob_memory_close(memory);
    return found;
}

static mpijob_removed reduce(mpijob_reduce_options options)
{
    mpijob_removed removed;
    mpijob_error err = {.text = ""};
    mpijob_memory *memory = open_memory(location, NULL);
    ck_assert_msg(mpijob_memory_reduce_size(memory, &options, &removed, &err) == MPIJOB_OK, "%s", err.text);
    mpijob_memory_close(memory);
    return removed;
}

START_TEST(items_go_until_the_limit_holds)
{
    mpijob_reduce_options options = MPIJOB_REDUCE_NOTHING;
    for (int i = 0; i < 5; i++)
        store_fits(i * 20, i * 20 + 20);
    ck_assert_uint_eq(reduce(options).items, 0);
    options.items_limit = 30;
    mpijob_removed removed = reduce(options);
    ck_assert_uint_eq(removed.items, 70);
    ck_assert(removed.bytes_now == 0 && removed.bytes_later > 70 * 128 && removed.later_s == 3600);
    ck_assert_int_eq(count_fits(0, 100), 30);
    ck_assert_int_eq(count_fits(80, 100), 20); /* stored last */
    ck_assert_uint_eq(reduce(options).items, 0);
    store_fits(0, 10);
    ck_assert_int_eq(count_fits(0, 100), 40);
}
END_TEST

START_TEST(bytes_are_freed_at_once_if_asked)
{
    mpijob_reduce_options options = MPIJOB_REDUCE_NOTHING;
    store_fits(0, 1000);
    uint64_t before = bytes_below(location);
    options.bytes_limit = before / 4;
    options.now = 1;
    mpijob_removed removed = reduce(options);
    uint64_t after = bytes_below(location);
    ck_assert(removed.bytes_later == 0 && removed.bytes_now > before / 2 && removed.later_s == 0);
    ck_assert_uint_lt(after, before / 4 + 4096); /* what the location itself takes */
    int left = count_fits(0, 1000);
    ck_assert(left > 200 && left < 260);
    ck_assert_uint_eq(removed.items, 1000 - (uint64_t)left);
    options.bytes_limit = 0;
    reduce(options);
    ck_assert_int_eq(count_fits(0, 1000), 0);
    ck_assert_uint_lt(bytes_below(location), 4096);
}
END_TEST

START_TEST(large_results_go_with_their_files)
{
    const mpijob_memory_options small = {.large_bytes = 1000};
    mpijob_reduce_options options = MPIJOB_REDUCE_NOTHING;
    mpijob_memory *memory = open_memory(location, &small);
    mpijob_function f = cache(memory, &table, NULL);
    for (int i = 0; i < 5; i++) {
        mpijob_array array;
        ck_assert_int_eq(mpijob_function_call_array(&array, &f, &(fit_args){.c = i, .fold = 1000}, NULL, NULL), 0);
        mpijob_array_free(&array);
    }
    options.bytes_limit = 60000; /* of five of 24 kB */
    options.now = 1;
    mpijob_removed removed;
    ck_assert_int_eq(mpijob_memory_reduce_size(memory, &options, &removed, NULL), MPIJOB_OK); /* those of its own too */
    ck_assert_uint_eq(removed.items, 3);
    ck_assert_uint_lt(bytes_below(location), 55000);
    table_calls = 0;
    for (int i = 0; i < 5; i++) {
        mpijob_array array;
        ck_assert_int_eq(mpijob_function_call_array(&array, &f, &(fit_args){.c = i, .fold = 1000}, NULL, NULL), 0);
        ck_assert_double_eq(((double *)array.data)[2], i + 2);
        mpijob_array_free(&array);
    }
    ck_assert_int_eq(table_calls, 3);
    mpijob_memory_close(memory);
}
END_TEST

START_TEST(age_counts_from_the_last_use)
{
    mpijob_reduce_options options = MPIJOB_REDUCE_NOTHING;
    store_fits(0, 10);
    options.age_limit_s = 3000;
    ck_assert_uint_eq(reduce(options).items, 0);
    mpj_sleep(1.1);
    mpijob_memory *memory = open_memory(location, NULL);
    mpijob_function f = cache(memory, &fit, NULL);
    ck_assert(!computes(&f, (fit_args){.c = 3, .fold = 1})); /* used: in this hour */
    mpijob_memory_close(memory);
    options.age_limit_s = 0.5;
    ck_assert_uint_eq(reduce(options).items, 9);
    ck_assert_int_eq(count_fits(3, 4), 1);
    ck_assert_int_eq(count_fits(0, 10), 1);
}
END_TEST

/* In two files: only the one with the newer result would be merged for its sake. */
START_TEST(what_was_computed_twice_goes_twice)
{
    mpijob_reduce_options options = MPIJOB_REDUCE_NOTHING;
    const fit_args args = {.c = 1, .fold = 1};
    double result;
    for (int i = 0; i < 2; i++) {
        mpijob_memory *memory = open_memory(location, NULL);
        mpijob_function f = cache(memory, &fit, NULL);
        ck_assert_int_eq(mpijob_function_recompute(&result, &f, &args, NULL, NULL), MPIJOB_OK);
        for (int k = 0; k < 100 && i == 0; k++)
            ck_assert(computes(&f, (fit_args){.c = 100 + k, .fold = 1}));
        mpijob_memory_close(memory);
    }
    for (int k = 0; k < 2; k++) { /* the others are used later */
        mpijob_memory *memory = open_memory(location, NULL);
        mpijob_function f = cache(memory, &fit, NULL);
        for (int i = 0; i < 100; i++)
            computes(&f, (fit_args){.c = 100 + i, .fold = 1});
        mpijob_memory_close(memory);
    }
    options.items_limit = 100;
    ck_assert_uint_eq(reduce(options).items, 1);
    ck_assert_int_eq(count_fits(1, 2), 0);
    ck_assert_int_eq(count_fits(100, 200), 100);
}
END_TEST

/* Written to by a living process: its file stays, what it holds is cleared. */
START_TEST(results_of_a_living_writer_can_go_too)
{
    mpijob_reduce_options options = MPIJOB_REDUCE_NOTHING;
    options.items_limit = 0;
    mpijob_memory *writer = open_memory(location, NULL);
    mpijob_function f = cache(writer, &fit, NULL);
    for (int i = 0; i < 10; i++)
        ck_assert(computes(&f, (fit_args){.c = i, .fold = 1}));
    ck_assert_int_eq(mpijob_memory_sync(writer, NULL), MPIJOB_OK);
    ck_assert_uint_eq(reduce(options).items, 10);
    ck_assert_int_eq(count_fits(0, 10), 0);
    ck_assert(computes(&f, (fit_args){.c = 100, .fold = 1}));
    ck_assert(!computes(&f, (fit_args){.c = 100, .fold = 1}));
    mpijob_memory_close(writer);
    ck_assert_int_eq(count_fits(0, 200), 1);
}
END_TEST

/* About 200 results: each has 224 bytes in its segment, and 32 in the index. */
static const mpijob_memory_options automatic[] = {
    {.max_items = 200, .durability = MPIJOB_DURABLE_NONE},
    {.max_bytes = UINT64_C(200) * 256, .durability = MPIJOB_DURABLE_NONE}};

START_TEST(limits_are_met_by_themselves)
{
    const mpijob_memory_options options = automatic[_i];
    int most = 0;
    for (int i = 0; i < 10; i++) {
        mpijob_memory *memory = open_memory(location, &options);
        mpijob_function f = cache(memory, &fit, NULL);
        for (int k = 0; k < 100; k++)
            ck_assert(computes(&f, (fit_args){.c = i * 100 + k, .fold = 1}));
        mpijob_memory_close(memory);
        int there = count_fits(0, 1000);
        most = there > most ? there : most;
    }
    ck_assert_int_lt(most, 400); /* that 200 are stored without a look: e^-16 */
    ck_assert_int_gt(count_fits(0, 1000), 100);
}
END_TEST

/* After 256 results, on the average, it is looked. */
START_TEST(an_age_is_met_by_itself)
{
    const mpijob_memory_options options = {.max_age_s = 1e-9, .durability = MPIJOB_DURABLE_NONE};
    mpijob_memory *memory = open_memory(location, &options);
    mpijob_function f = cache(memory, &fit, NULL);
    for (int k = 0; k < 6000; k++)
        ck_assert(computes(&f, (fit_args){.c = k, .fold = 1}));
    mpijob_memory_close(memory);
    ck_assert_int_lt(count_fits(0, 6000), 5000); /* no look at all: e^-23 */
}
END_TEST

START_TEST(wrong_options_are_refused)
{
    mpijob_reduce_options options = MPIJOB_REDUCE_NOTHING;
    mpijob_memory *memory = open_memory(NULL, NULL);
    mpijob_removed removed = {.items = 9};
    ck_assert_int_eq(mpijob_memory_reduce_size(memory, &options, &removed, NULL),
                     MPIJOB_OK); /* no Memory, nothing to do */
    ck_assert_uint_eq(removed.items, 0);
    ck_assert_int_eq(mpijob_memory_reduce_size(NULL, &options, &removed, NULL), MPIJOB_EINVAL);
    ck_assert_int_eq(mpijob_memory_reduce_size(memory, NULL, &removed, NULL), MPIJOB_EINVAL);
    options.reserved[3] = 1;
    ck_assert_int_eq(mpijob_memory_reduce_size(memory, &options, &removed, NULL), MPIJOB_EINVAL);
    options.reserved[3] = 0;
    options.now = 2;
    ck_assert_int_eq(mpijob_memory_reduce_size(memory, &options, &removed, NULL), MPIJOB_EINVAL);
    mpijob_memory_close(memory);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("trim");
    TCase *rule = tcase_create("rule"), *whole = tcase_create("location");
    tcase_add_loop_test(rule, the_least_recently_used_go, 0, UNIT_COUNT(cases));
    tcase_add_test(rule, ties_are_broken_the_same_way);
    tcase_add_test(rule, nothing_is_no_trouble);
    suite_add_tcase(suite, rule);
    tcase_add_checked_fixture(whole, begin, files_end);
    tcase_add_test(whole, items_go_until_the_limit_holds);
    tcase_add_test(whole, bytes_are_freed_at_once_if_asked);
    tcase_add_test(whole, large_results_go_with_their_files);
    tcase_add_test(whole, age_counts_from_the_last_use);
    tcase_add_test(whole, what_was_computed_twice_goes_twice);
    tcase_add_test(whole, results_of_a_living_writer_can_go_too);
    tcase_add_loop_test(whole, limits_are_met_by_themselves, 0, UNIT_COUNT(automatic));
    tcase_add_test(whole, an_age_is_met_by_itself);
    tcase_add_test(whole, wrong_options_are_refused);
    suite_add_tcase(suite, whole);
    return unit_run(suite);
}
