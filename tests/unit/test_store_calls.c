/* The calls that look after a location: each without memory at any place, and what they say. */
#include "memory_functions.h"

#include "failing.h"
#include "files.h"

#include <mpijob/store.h>

#define FITS 5

static char location[MPJ_PATH_BYTES], colleague[MPJ_PATH_BYTES];

static void fill(const char *where, int from, int to, uint64_t version)
{
    const mpijob_memory_options options = {.large_bytes = 400};
    mpijob_function one = fit;
    one.version = version;
    mpijob_memory *memory = open_memory(where, &options);
    mpijob_function f = cache(memory, &one, NULL), t = cache(memory, &table, NULL);
    for (int i = from; i < to; i++) {
        mpijob_array array;
        computes(&f, (fit_args){.c = i, .fold = 1});
        ck_assert_int_eq(mpijob_function_call_array(&array, &t, &(fit_args){.c = i, .fold = 30}, NULL, NULL), 0);
        mpijob_array_free(&array);
    }
    mpijob_memory_close(memory);
}

static void begin(void)
{
    files_begin();
    strcpy(location, scratch_path(&files, "location"));
    strcpy(colleague, scratch_path(&files, "colleague"));
    fill(location, 0, FITS, 1);
    fill(location, 0, 1, 2);
    fill(colleague, 3, 8, 1);
}

/* ---- What is told ------------------------------------------------------------------------------------------------ */

typedef struct told {
    int count, stop_at;
    mpijob_stored last;
    char function[64], args[128], file[128];
    double age_s;
} told;

static int take(const mpijob_stored *entry, void *payload)
{
    told *t = payload;
    ck_assert(t->count == 0 || strcmp(t->function, entry->function) != 0 || entry->age_s >= t->age_s);
    t->count++;
    t->last = *entry;
    t->age_s = entry->age_s;
    snprintf(t->function, sizeof t->function, "%s", entry->function);
    snprintf(t->args, sizeof t->args, "%s", entry->args_json);
    snprintf(t->file, sizeof t->file, "%s", entry->file);
    return t->count == t->stop_at;
}

static int take_function(const mpijob_store_function *function, void *payload)
{
    told *t = payload;
    t->count++;
    ck_assert(function->entries > 0 && function->versions > 0 && function->stored_bytes > 0);
    return t->count == t->stop_at;
}

static mpijob_store *opened(const char *where)
{
    mpijob_store *store = NULL;
    mpijob_error err = {.text = ""};
    ck_assert_msg(mpijob_store_open(&store, where, NULL, &err) == MPIJOB_OK, "%s", err.text);
    return store;
}

START_TEST(what_there_is_is_told)
{
    mpijob_store *store = opened(location);
    told t = {.count = 0};
    ck_assert_int_eq(mpijob_store_list(store, NULL, take, &t, NULL), MPIJOB_OK);
    ck_assert_int_eq(t.count, 2 * FITS + 1);
    t = (told){.stop_at = 3};
    ck_assert_int_eq(mpijob_store_list(store, "table", take, &t, NULL), MPIJOB_OK);
    ck_assert(t.count == 3 && strcmp(t.function, "table") == 0 && t.last.ndim == 2 && t.last.shape[0] == 30);
    ck_assert(t.last.bytes == 720 && t.last.stored_bytes > 720 && strncmp(t.file, "large/", 6) == 0);
    t = (told){.count = 0};
    ck_assert_int_eq(mpijob_store_list(store, "cook", take, &t, NULL), MPIJOB_ENOTFOUND);
    ck_assert_int_eq(mpijob_store_functions(store, take_function, &t, NULL), MPIJOB_OK);
    ck_assert_int_eq(t.count, 2);
    t = (told){.stop_at = 1};
    ck_assert_int_eq(mpijob_store_functions(store, take_function, &t, NULL), MPIJOB_OK);
    ck_assert_int_eq(t.count, 1);
    mpijob_store_close(store);
    mpijob_store_close(NULL);
}
END_TEST

START_TEST(a_result_is_read_back)
{
    mpijob_store *store = opened(location);
    mpijob_array array;
    told t = {.stop_at = 1};
    ck_assert_int_eq(mpijob_store_list(store, "table", take, &t, NULL), MPIJOB_OK);
    t.last.function = t.function;
    ck_assert_int_eq(mpijob_store_get(&array, store, &t.last, NULL), MPIJOB_OK);
    ck_assert(array.ndim == 2 && array.type.kind == MPIJOB_FLOAT64);
    mpijob_array_free(&array);
    t.last.key.bytes[3] ^= 1;
    ck_assert_int_eq(mpijob_store_get(&array, store, &t.last, NULL), MPIJOB_ENOTFOUND);
    mpijob_store_close(store);
}
END_TEST

START_TEST(no_location_is_told)
{
    mpijob_store *store;
    mpijob_error err;
    char path[MPJ_PATH_BYTES];
    ck_assert_int_eq(mpijob_store_open(&store, scratch_path(&files, "nothing"), NULL, &err), MPIJOB_ENOTFOUND);
    ck_assert_ptr_nonnull(strstr(err.text, "nothing"));
    ck_assert_int_eq(mpijob_store_open(&store, "", NULL, &err), MPIJOB_EINVAL);
    ck_assert_int_eq(mpijob_store_open(&store, NULL, NULL, &err), MPIJOB_EINVAL);
    ck_assert_int_eq(mpj_path_join(path, location, "mpijob/format.json", NULL), 0);
    ck_assert_int_eq(setenv("MPIJOB_MEMORY", "off", 1), 0);
    store = opened(location); /* that is about programs which compute */
    mpijob_store_close(store);
    unsetenv("MPIJOB_MEMORY");
}
END_TEST

START_TEST(wrong_arguments_are_refused)
{
    mpijob_store *store = opened(location);
    mpijob_answer answer;
    told t = {.count = 0};
    const mpijob_why_options reserved = {.reserved = {0, 1}}, negative = {.expires_after_s = -1};
    ck_assert_int_eq(mpijob_store_show(store, "", take, &t, NULL), MPIJOB_EINVAL);
    ck_assert_int_eq(mpijob_store_show(store, "0g", take, &t, NULL), MPIJOB_EINVAL);
    ck_assert_int_eq(mpijob_store_show(store, "000000000000000000000000000000000", take, &t, NULL), MPIJOB_EINVAL);
    ck_assert_int_eq(mpijob_store_why(&answer, store, "fit", "{}", &reserved, NULL), MPIJOB_EINVAL);
    ck_assert_int_eq(mpijob_store_why(&answer, store, "fit", "{}", &negative, NULL), MPIJOB_EINVAL);
    ck_assert_int_eq(mpijob_store_why(&answer, store, "fit", "{}", NULL, NULL), MPIJOB_EINVAL);
    ck_assert_int_eq(mpijob_store_merge(NULL, store, location, NULL), MPIJOB_EINVAL);
    mpijob_store_close(store);
}
END_TEST

/* ---- Without memory ---------------------------------------------------------------------------------------------- */

static int list(mpijob_store *store, mpijob_error *err)
{
    told t = {.count = 0};
    return mpijob_store_list(store, NULL, take, &t, err);
}

static int functions(mpijob_store *store, mpijob_error *err)
{
    told t = {.count = 0};
    return mpijob_store_functions(store, take_function, &t, err);
}

static int stats(mpijob_store *store, mpijob_error *err)
{
    mpijob_store_stats s;
    int status = mpijob_store_get_stats(&s, store, NULL, err);
    ck_assert(status != MPIJOB_OK || s.entries >= FITS);
    return status;
}

static int verify(mpijob_store *store, mpijob_error *err)
{
    return mpijob_store_verify(NULL, store, NULL, NULL, NULL, NULL, err);
}

static int why(mpijob_store *store, mpijob_error *err)
{
    mpijob_answer answer;
    return mpijob_store_why(&answer, store, "fit", "{\"c\": 3, \"gamma\": 0, \"fold\": 1, \"verbose\": 0}", NULL, err);
}

static int merge(mpijob_store *store, mpijob_error *err)
{
    return mpijob_store_merge(NULL, store, colleague, err);
}

static int reduce(mpijob_store *store, mpijob_error *err)
{
    mpijob_reduce_options options = MPIJOB_REDUCE_NOTHING;
    options.items_limit = FITS;
    return mpijob_store_reduce(store, &options, NULL, err);
}

static int compact(mpijob_store *store, mpijob_error *err)
{
    return mpijob_store_compact(NULL, store, 1, err);
}

static int (*const calls[])(mpijob_store *store, mpijob_error *err) = {list, functions, stats,  verify,
                                                                       why,  merge,     reduce, compact};

START_TEST(every_failing_allocation_is_told)
{
    int good = 0, refused = 0;
    for (failing f = failing_begin(); failing_next(&f);) {
        mpijob_store *store;
        mpijob_error err = {.text = ""};
        int status = mpijob_store_open(&store, location, NULL, &err);
        if (status == MPIJOB_OK) {
            status = calls[_i](store, &err);
            mpijob_store_close(store);
        }
        failing_stop(&f);
        ck_assert_msg(status == MPIJOB_OK || status == MPIJOB_ENOMEM || status == MPIJOB_ENOTFOUND, "%d: %s", status,
                      err.text);
        ck_assert(status == MPIJOB_OK || f.failed);
        good += status == MPIJOB_OK;
        refused += status != MPIJOB_OK;
    }
    ck_assert(good > 0 && refused > 0);
    mpijob_store *store = opened(location);
    mpijob_error err = {.text = ""};
    ck_assert_msg(mpijob_store_verify(NULL, store, NULL, NULL, NULL, NULL, &err) == MPIJOB_OK, "%s", err.text);
    mpijob_store_close(store);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("store calls");
    TCase *all = tcase_create("all");
    tcase_add_checked_fixture(all, begin, files_end);
    tcase_add_test(all, what_there_is_is_told);
    tcase_add_test(all, a_result_is_read_back);
    tcase_add_test(all, no_location_is_told);
    tcase_add_test(all, wrong_arguments_are_refused);
    tcase_add_loop_test(all, every_failing_allocation_is_told, 0, UNIT_COUNT(calls));
    suite_add_tcase(suite, all);
    return unit_run(suite);
}
