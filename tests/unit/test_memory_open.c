/* Memory: opening locations, their options, and locations that cannot be used. */
#include "io/codec.h"

#include "memory_functions.h"

#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>

static scratch area;
static int warnings;
static char last_warning[1000];

static void make_area(void)
{
    scratch_make(&area);
    warnings = 0;
}

static void remove_area(void)
{
    scratch_remove(&area);
}

static void take_warning(int level, const char *text, void *payload)
{
    (void)payload;
    warnings += level == MPIJOB_LOG_WARNING;
    snprintf(last_warning, sizeof last_warning, "%s", text);
}

/* ---- Options that are refused ------------------------------------------------------------------------------------ */

static const struct {
    mpijob_memory_options options;
    const char *text; /* part of the message */
} bad_options[] = {
    {{.verbose = -1}, "verbose"},       {{.compress = 10}, "compress"},
    {{.compress = -2}, "compress"},     {{.codec = "gzip"}, "codec"},
    {{.mmap_mode = "w"}, "mmap_mode"},  {{.durability = 3}, "durability"},
    {{.durability = -1}, "durability"}, {{.check_mapped = 2}, "check_mapped"},
    {{.umask = 01000}, "umask"},        {{.group = "no such group here"}, "group"},
    {{.max_age_s = -1}, "max_age_s"},   {{.reserved = {0, 0, 0, 0, 0, 0, 0, 1}}, "reserved"},
};

START_TEST(options_are_checked)
{
    mpijob_memory *memory = (mpijob_memory *)&area;
    mpijob_error err = {.text = ""};
    ck_assert_int_eq(mpijob_memory_open(&memory, area.folder, &bad_options[_i].options, &err), MPIJOB_EINVAL);
    ck_assert_msg(strstr(err.text, bad_options[_i].text) != NULL, "%s", err.text);
    ck_assert_ptr_eq(memory, (mpijob_memory *)&area);
}
END_TEST

static const struct {
    mpijob_cache_options options;
    const char *text;
} bad_cache_options[] = {
    {{.verbose = -2}, "verbose"},      {{.compress = 10}, "compress"},
    {{.mmap_mode = "x"}, "mmap_mode"}, {{.expires_after_s = -1}, "expires_after_s"},
    {{.reserved = {1}}, "reserved"},   {{.ignore = (const char *const[]){"gama", NULL}}, "gama"},
};

START_TEST(cache_options_are_checked)
{
    mpijob_memory *memory = open_memory(area.folder, NULL);
    mpijob_function cached;
    mpijob_error err = {.text = ""};
    ck_assert_int_eq(mpijob_memory_cache(&cached, memory, &fit, &bad_cache_options[_i].options, &err), MPIJOB_EINVAL);
    ck_assert_msg(strstr(err.text, bad_cache_options[_i].text) != NULL, "%s", err.text);
    mpijob_memory_close(memory);
}
END_TEST

static const struct {
    mpijob_function function;
    const char *text;
} bad_functions[] = {
    {{.name = "f", .call = fit_call, .args_size = 8, .result_size = 8}, "args"},
    {{.name = "f", .call = fit_call, .args_size = 8, .args = &fit_record, .result_size = 8}, "args_size"},
    {{.name = "f", .call = fit_call, .result_size = 9, .result = &float64}, "result_size"},
    {{.name = "f", .call = fit_call, .result_size = 8, .result_ndim = 1}, "result_ndim"},
    {{.name = "f", .result_size = 8}, "call"},
    {{.name = "f", .call = fit_call, .result_size = 8, .reserved = {0, 0, 0, 1}}, "reserved"},
};

START_TEST(functions_are_checked)
{
    mpijob_memory *memory = open_memory(area.folder, NULL);
    mpijob_function cached;
    mpijob_error err = {.text = ""};
    ck_assert_int_eq(mpijob_memory_cache(&cached, memory, &bad_functions[_i].function, NULL, &err), MPIJOB_EINVAL);
    ck_assert_msg(strstr(err.text, bad_functions[_i].text) != NULL, "%s", err.text);
    mpijob_memory_close(memory);
}
END_TEST

START_TEST(calls_are_checked)
{
    mpijob_memory *memory = open_memory(area.folder, NULL);
    mpijob_function cached = cache(memory, &fit, NULL), sized = cache(memory, &table, NULL), again;
    fit_args args = {.c = 1};
    double result;
    mpijob_digest key;
    mpijob_reference reference;
    mpijob_array array;
    char name[300];
    ck_assert_int_eq(mpijob_memory_cache(&again, memory, &cached, NULL, NULL), MPIJOB_EINVAL);
    ck_assert_int_eq(mpijob_memory_cache(NULL, memory, &fit, NULL, NULL), MPIJOB_EINVAL);
    ck_assert_int_eq(mpijob_memory_cache(&again, NULL, &fit, NULL, NULL), MPIJOB_EINVAL);
    ck_assert_int_eq(mpijob_memory_cache(&again, memory, NULL, NULL, NULL), MPIJOB_EINVAL);
    ck_assert_int_eq(mpijob_memory_open(NULL, area.folder, NULL, NULL), MPIJOB_EINVAL);
    ck_assert_int_eq(mpijob_memory_sync(NULL, NULL), MPIJOB_EINVAL);
    ck_assert_int_eq(mpijob_memory_clear(NULL, 0, NULL, NULL), MPIJOB_EINVAL);
    ck_assert_int_eq(mpijob_memory_eval(&result, NULL, &fit, &args, NULL), MPIJOB_EINVAL);
    ck_assert_int_eq(mpijob_function_call(&result, NULL, &args, NULL, NULL), MPIJOB_EINVAL);
    ck_assert_int_eq(mpijob_function_call(NULL, &cached, &args, NULL, NULL), MPIJOB_EINVAL);
    ck_assert_int_eq(mpijob_function_call(&result, &cached, NULL, NULL, NULL), MPIJOB_EINVAL);
    ck_assert_int_eq(mpijob_function_call(&result, &sized, &args, NULL, NULL), MPIJOB_EINVAL);
    ck_assert_int_eq(mpijob_function_recompute(&result, &sized, &args, NULL, NULL), MPIJOB_EINVAL);
    ck_assert_int_eq(mpijob_function_call_array(NULL, &sized, &args, NULL, NULL), MPIJOB_EINVAL);
    ck_assert_int_eq(mpijob_function_call_and_shelve(NULL, &sized, &args, NULL, NULL), MPIJOB_EINVAL);
    ck_assert_int_eq(mpijob_function_key(&key, &fit, &args, NULL, NULL), MPIJOB_EINVAL);
    ck_assert_int_eq(mpijob_function_key(NULL, &cached, &args, NULL, NULL), MPIJOB_EINVAL);
    ck_assert_int_eq(mpijob_function_clear_call(&fit, &args, NULL, NULL, NULL), MPIJOB_EINVAL);
    ck_assert_int_eq(mpijob_function_clear(&fit, 0, NULL, NULL), MPIJOB_EINVAL);
    ck_assert_int_eq(mpijob_function_check_call_in_cache(&fit, &args, NULL, NULL), 0);
    memset(&reference, 0, sizeof reference);
    ck_assert_int_eq(mpijob_reference_get(&array, &reference, memory, NULL), MPIJOB_EINVAL);
    ck_assert_int_eq(mpijob_reference_get(&array, NULL, memory, NULL), MPIJOB_EINVAL);
    ck_assert_int_eq(mpijob_reference_clear(&reference, memory, NULL), MPIJOB_EINVAL);
    mpijob_reference_free(NULL);
    mpijob_memory_close(NULL);
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    mpijob_function long_name = fit;
    long_name.name = name;
    ck_assert_int_eq(mpijob_memory_cache(&again, memory, &long_name, NULL, NULL), MPIJOB_EINVAL);
    ck_assert_int_eq(scratch_names(&area), 0);
    mpijob_memory_close(memory);
}
END_TEST

/* ---- Locations --------------------------------------------------------------------------------------------------- */

START_TEST(nothing_is_made_before_a_result_is_stored)
{
    mpijob_memory *memory = open_memory(scratch_path(&area, "a/b"), NULL);
    mpijob_function cached = cache(memory, &fit, NULL);
    fit_args args = {.c = 1};
    ck_assert_int_eq(mpijob_function_check_call_in_cache(&cached, &args, NULL, NULL), 0);
    ck_assert_int_eq(scratch_names(&area), 0);
    ck_assert(computes(&cached, args));
    ck_assert_int_eq(mpijob_memory_sync(memory, NULL), MPIJOB_OK);
    ck_assert_int_eq(access(scratch_path(&area, "a/b/mpijob/fit"), F_OK), 0);
    ck_assert_str_eq(mpijob_memory_location(memory), scratch_path(&area, "a/b"));
    mpijob_memory_close(memory);
}
END_TEST

enum {
    A_FILE_IN_PLACE,
    A_FILE_ABOVE,
    NOT_WRITABLE
};

/* Results are right, and one warning says why nothing is kept. */
START_TEST(unusable_locations)
{
    const char *location = scratch_path(&area, _i == A_FILE_ABOVE ? "f/l" : "f");
    if (_i != NOT_WRITABLE)
        fclose(fopen(_i == A_FILE_ABOVE ? scratch_path(&area, "f") : location, "w"));
    else
        location = "/proc/no/such/place";
    mpijob_memory_options options = {.log = take_warning};
    mpijob_memory *memory = open_memory(_i == A_FILE_ABOVE ? scratch_path(&area, "f/l") : location, &options);
    mpijob_function cached = cache(memory, &fit, NULL), sized = cache(memory, &table, NULL);
    fit_args args = {.c = 1, .fold = 100000};
    for (int i = 0; i < 3; i++) {
        mpijob_array array;
        ck_assert(computes(&cached, args));
        ck_assert_int_eq(mpijob_function_call_array(&array, &sized, &args, NULL, NULL), MPIJOB_OK);
        ck_assert_double_eq(((double *)array.data)[7], 8);
        mpijob_array_free(&array);
    }
    mpijob_reference reference;
    ck_assert_int_eq(mpijob_function_call_and_shelve(&reference, &cached, &args, NULL, NULL), MPIJOB_OK);
    ck_assert_int_eq(mpijob_reference_is_portable(&reference), 0);
    mpijob_reference_free(&reference);
    ck_assert_int_eq(mpijob_function_clear_call(&cached, &args, NULL, NULL, NULL), MPIJOB_OK);
    ck_assert_msg(warnings == 1, "%d warnings, the last: %s", warnings, last_warning);
    mpijob_memory_stats stats;
    mpijob_memory_get_stats(memory, &stats);
    ck_assert_uint_eq(stats.stored, 0);
    ck_assert_uint_eq(stats.not_stored, 7);
    ck_assert_uint_eq(stats.misses, 7);
    mpijob_memory_close(memory);
    ck_assert_int_eq(warnings, 1);
}
END_TEST

/* The folder goes while it is used: what is computed next is stored in a new one. */
START_TEST(vanished_location)
{
    mpijob_memory_options options = {.log = take_warning, .durability = MPIJOB_DURABLE_EACH};
    mpijob_memory *memory = open_memory(scratch_path(&area, "l"), &options);
    mpijob_function cached = cache(memory, &fit, NULL);
    ck_assert(computes(&cached, (fit_args){.c = 1}));
    ck_assert_int_eq(mpj_folder_remove(scratch_path(&area, "l"), NULL), MPIJOB_OK);
    for (int i = 0; i < 3; i++)
        ck_assert(computes(&cached, (fit_args){.c = 2 + i}));
    mpijob_memory_close(memory);
    ck_assert_int_eq(warnings, 0);
    memory = open_memory(scratch_path(&area, "l"), &options);
    cached = cache(memory, &fit, NULL);
    computes(&cached, (fit_args){.c = 9});
    mpijob_memory_close(memory);
}
END_TEST

/* Says that a location has this format: its sum makes the difference to a flipped digit. */
static void write_format(unsigned format, bool sound)
{
    char text[64];
    int length = snprintf(text, sizeof text, "mpijob memo store %u", format);
    uint64_t check = mpj_checksum(text, (size_t)length) ^ !sound;
    FILE *file = fopen(scratch_path(&area, "mpijob/format.json"), "w");
    fprintf(file, "{\"kind\": \"mpijob memo store\", \"format\": %u, \"check\": \"%016" PRIx64 "\"}\n", format, check);
    fclose(file);
}

START_TEST(later_format)
{
    mpijob_memory *memory = open_memory(area.folder, NULL);
    mpijob_function cached = cache(memory, &fit, NULL);
    mpijob_error err = {.text = ""};
    ck_assert(computes(&cached, (fit_args){.c = 1}));
    mpijob_memory_close(memory);
    write_format(9, true);
    ck_assert_int_eq(mpijob_memory_open(&memory, area.folder, NULL, &err), MPIJOB_EVERSION);
    ck_assert_ptr_nonnull(strstr(err.text, "format 9"));
    write_format(9, false);
    memory = open_memory(area.folder, NULL);
    cached = cache(memory, &fit, NULL);
    ck_assert(!computes(&cached, (fit_args){.c = 1}));
    mpijob_memory_close(memory);
}
END_TEST

/* Rights are those of the option, whatever the process's umask. */
START_TEST(rights)
{
    static const struct {
        unsigned option, process;
        mode_t file;
    } cases[] = {{0, 022, 0644}, {0, 077, 0600}, {0, 0, 0644}, {07, 077, 0660}, {077, 022, 0600}, {02, 022, 0664}};
    struct stat info;
    mode_t before = umask(cases[_i].process);
    mpijob_memory_options options = {.umask = cases[_i].option};
    mpijob_memory *memory = open_memory(area.folder, &options);
    mpijob_function cached = cache(memory, &table, NULL);
    mpijob_array array;
    fit_args args = {.fold = 100000};
    ck_assert_int_eq(mpijob_function_call_array(&array, &cached, &args, NULL, NULL), MPIJOB_OK);
    mpijob_array_free(&array);
    mpijob_memory_close(memory);
    umask(before);
    ck_assert_int_eq(stat(scratch_path(&area, "mpijob/format.json"), &info), 0);
    ck_assert_int_eq((int)(info.st_mode & 0777), (int)cases[_i].file);
    ck_assert_int_eq(stat(scratch_path(&area, "mpijob/table"), &info), 0);
    ck_assert_int_eq((int)(info.st_mode & 0666), (int)cases[_i].file);
    char command[MPJ_PATH_BYTES + 200];
    snprintf(command, sizeof command, "test $(find %s/mpijob -type f ! -perm %o | wc -l) = 0", area.folder,
             (unsigned)cases[_i].file);
    ck_assert_msg(system(command) == 0, "%s", command);
}
END_TEST

static void store_one(const char *location, const mpijob_memory_options *options, double c)
{
    mpijob_memory *memory = open_memory(location, options);
    mpijob_function small = cache(memory, &fit, NULL), large = cache(memory, &table, NULL);
    mpijob_array array;
    ck_assert(computes(&small, (fit_args){.c = c}));
    ck_assert_int_eq(mpijob_function_call_array(&array, &large, &(fit_args){.c = c, .fold = 100}, NULL, NULL), 0);
    mpijob_array_free(&array);
    mpijob_memory_close(memory);
}

/* What is merged into a group's location is the group's; into a private one, private. */
START_TEST(who_looks_after_a_location_keeps_its_rights)
{
    static const struct {
        unsigned option;
        mode_t file;
    } cases[] = {{0, 0644}, {07, 0660}, {02, 0664}, {077, 0600}};
    const bool root = geteuid() == 0; /* who may give any group */
    char group[16], other[MPJ_PATH_BYTES], command[2 * MPJ_PATH_BYTES + 200];
    snprintf(group, sizeof group, "%u", root ? 54321 : (unsigned)getegid());
    mpijob_memory_options options = {.umask = cases[_i].option, .group = group, .large_bytes = 400};
    mpijob_store *store;
    mpijob_store_merged merged;
    strcpy(other, scratch_path(&area, "other"));
    mode_t before = umask(022);
    store_one(other, &(mpijob_memory_options){.large_bytes = 400}, 1);
    mpijob_memory *memory = open_memory(area.folder, &options);
    mpijob_function small = cache(memory, &fit, NULL);
    ck_assert(computes(&small, (fit_args){.c = 2}));
    mpijob_memory_close(memory);
    ck_assert_int_eq(mpijob_store_open(&store, area.folder, NULL, NULL), MPIJOB_OK);
    ck_assert_int_eq(mpijob_store_merge(&merged, store, other, NULL), MPIJOB_OK);
    ck_assert_uint_eq(merged.entries, 2);
    ck_assert_int_eq(mpijob_store_compact(NULL, store, 1, NULL), MPIJOB_OK);
    mpijob_store_close(store);
    umask(before);
    snprintf(command, sizeof command, "test $(find %s/mpijob '(' -type f ! -perm %o ')' -o ! -gid %s | wc -l) = 0",
             area.folder, (unsigned)cases[_i].file, group);
    ck_assert_msg(system(command) == 0, "%s", command);
}
END_TEST

START_TEST(texts_of_the_options_need_not_last)
{
    char mode[] = "r", codec[] = "zstd", group[16];
    snprintf(group, sizeof group, "%u", (unsigned)getegid());
    mpijob_memory_options options = {.mmap_mode = mode, .codec = codec, .group = group, .log = take_warning};
    mpijob_memory *memory = open_memory(area.folder, &options);
    memset(mode, 'x', 1);
    memset(codec, 'x', 4);
    memset(group, 'x', sizeof group - 1);
    mpijob_function cached = cache(memory, &table, NULL);
    mpijob_array array;
    fit_args args = {.fold = 100000};
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(mpijob_function_call_array(&array, &cached, &args, NULL, NULL), MPIJOB_OK);
        mpijob_array_free(&array);
    }
    mpijob_memory_close(memory);
    ck_assert_int_eq(warnings, 0); /* of a mode that is taken as "c" */
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("memory_open");
    TCase *group = tcase_create("opening");
    tcase_add_checked_fixture(group, make_area, remove_area);
    tcase_set_timeout(group, 120);
    tcase_add_loop_test(group, options_are_checked, 0, UNIT_COUNT(bad_options));
    tcase_add_loop_test(group, cache_options_are_checked, 0, UNIT_COUNT(bad_cache_options));
    tcase_add_loop_test(group, functions_are_checked, 0, UNIT_COUNT(bad_functions));
    tcase_add_test(group, calls_are_checked);
    tcase_add_test(group, nothing_is_made_before_a_result_is_stored);
    tcase_add_loop_test(group, unusable_locations, 0, 3);
    tcase_add_test(group, vanished_location);
    tcase_add_test(group, later_format);
    tcase_add_loop_test(group, rights, 0, 6);
    tcase_add_loop_test(group, who_looks_after_a_location_keeps_its_rights, 0, 4);
    tcase_add_test(group, texts_of_the_options_need_not_last);
    suite_add_tcase(suite, group);
    return unit_run(suite);
}
