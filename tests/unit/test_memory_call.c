/* Memory: calling cached functions. */
#include "memory_functions.h"

#include <sys/wait.h>
#include <unistd.h>

static scratch area;

static void make_area(void)
{
    scratch_make(&area);
}

static void remove_area(void)
{
    scratch_remove(&area);
}

START_TEST(computed_once)
{
    mpijob_memory *memory = open_memory(area.folder, NULL);
    mpijob_function cached = cache(memory, &fit, NULL), copy = cached;
    fit_args args = {.c = 10, .gamma = 0.5, .fold = 3};
    ck_assert(computes(&cached, args));
    ck_assert(!computes(&cached, args));
    ck_assert(!computes(&copy, args));
    args.fold = 4;
    ck_assert(computes(&copy, args));
    ck_assert(computes(&fit, args)); /* not cached */
    mpijob_memory_stats stats;
    mpijob_memory_get_stats(memory, &stats);
    ck_assert_uint_eq(stats.hits, 2);
    ck_assert_uint_eq(stats.misses, 2);
    ck_assert_uint_eq(stats.stored, 2);
    mpijob_memory_close(memory);
}
END_TEST

START_TEST(found_by_a_later_program)
{
    fit_args args = {.c = 1, .gamma = 2, .fold = 3};
    for (int round = 0; round < 3; round++) {
        mpijob_memory *memory = open_memory(area.folder, NULL);
        mpijob_function cached = cache(memory, &fit, NULL);
        ck_assert_int_eq(computes(&cached, args), round == 0);
        mpijob_memory_close(memory);
    }
}
END_TEST

START_TEST(without_a_location)
{
    fit_args args = {.c = 1};
    if (_i == 2)
        setenv("MPIJOB_MEMORY", "off", 1);
    mpijob_memory *memory = open_memory(_i == 0 ? NULL : _i == 1 ? "" : area.folder, NULL);
    unsetenv("MPIJOB_MEMORY");
    mpijob_function cached = cache(memory, &fit, NULL);
    ck_assert(computes(&cached, args));
    ck_assert(computes(&cached, args));
    ck_assert_ptr_null(mpijob_memory_location(memory));
    ck_assert_int_eq(mpijob_function_check_call_in_cache(&cached, &args, NULL, NULL), 0);
    mpijob_memory_close(memory);
    ck_assert_int_eq(scratch_names(&area), 0);
}
END_TEST

START_TEST(failures_are_not_stored)
{
    mpijob_memory *memory = open_memory(area.folder, NULL);
    mpijob_function cached = cache(memory, &fit, NULL);
    fit_args args = {.fold = -1};
    double result;
    mpijob_error err;
    int before = fit_calls;
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(mpijob_function_call(&result, &cached, &args, NULL, &err), MPIJOB_EJOB);
    ck_assert_int_eq(fit_calls, before + 2);
    ck_assert_str_eq(err.text, "fit: fold -1 is negative");
    mpijob_memory_close(memory);
}
END_TEST

START_TEST(ignored_fields)
{
    const char *names[] = {"verbose", NULL};
    mpijob_cache_options options = {.ignore = names};
    mpijob_memory *memory = open_memory(area.folder, NULL);
    mpijob_function cached = cache(memory, &fit, &options), strict = cache(memory, &fit, NULL);
    ck_assert(computes(&cached, (fit_args){.c = 1, .verbose = 1}));
    ck_assert(!computes(&cached, (fit_args){.c = 1, .verbose = 2}));
    ck_assert(computes(&strict, (fit_args){.c = 1, .verbose = 1}));
    ck_assert(computes(&strict, (fit_args){.c = 1, .verbose = 2}));
    mpijob_memory_close(memory);
}
END_TEST

START_TEST(versions_never_share)
{
    mpijob_memory *memory = open_memory(area.folder, NULL);
    mpijob_function second = fit;
    second.version = 2;
    fit_args args = {.c = 5};
    mpijob_function one = cache(memory, &fit, NULL), two = cache(memory, &second, NULL);
    ck_assert(computes(&one, args));
    ck_assert(computes(&two, args));
    ck_assert(!computes(&one, args));
    ck_assert(!computes(&two, args));
    mpijob_memory_close(memory);
}
END_TEST

static int refuse_at(const mpijob_entry *entry, void *payload)
{
    ck_assert_str_eq(entry->function, "fit");
    ck_assert_ptr_nonnull(strstr(entry->args_json, "\"gamma\""));
    ck_assert_uint_eq(entry->bytes, sizeof(double));
    return *(int *)payload;
}

START_TEST(validity)
{
    int valid = 1;
    mpijob_cache_options options = {.cache_validation_callback = refuse_at, .validation_payload = &valid};
    mpijob_cache_options short_lived = {.expires_after_s = 1e-9}, long_lived = {.expires_after_s = 1e6};
    mpijob_memory *memory = open_memory(area.folder, NULL);
    mpijob_function asked = cache(memory, &fit, &options), expires = cache(memory, &fit, &short_lived),
                    lasts = cache(memory, &fit, &long_lived);
    fit_args args = {.c = 7};
    ck_assert(computes(&asked, args));
    ck_assert(!computes(&asked, args));
    valid = 0;
    ck_assert(computes(&asked, args));
    ck_assert(computes(&expires, args));
    ck_assert(!computes(&lasts, args));
    mpijob_memory_close(memory);
}
END_TEST

START_TEST(forced_and_asked)
{
    mpijob_memory *memory = open_memory(area.folder, NULL);
    mpijob_function cached = cache(memory, &fit, NULL);
    fit_args args = {.c = 2};
    double result = 0;
    ck_assert_int_eq(mpijob_function_check_call_in_cache(&cached, &args, NULL, NULL), 0);
    ck_assert(computes(&cached, args));
    ck_assert_int_eq(mpijob_function_check_call_in_cache(&cached, &args, NULL, NULL), 1);
    int before = fit_calls;
    ck_assert_int_eq(mpijob_function_recompute(&result, &cached, &args, NULL, NULL), MPIJOB_OK);
    ck_assert_int_eq(fit_calls, before + 1);
    ck_assert(!computes(&cached, args));
    mpijob_removed removed;
    ck_assert_int_eq(mpijob_function_clear_call(&cached, &args, NULL, &removed, NULL), MPIJOB_OK);
    ck_assert_uint_eq(removed.items, 1);
    ck_assert_int_eq(mpijob_function_check_call_in_cache(&cached, &args, NULL, NULL), 0);
    ck_assert(computes(&cached, args));
    ck_assert(!computes(&cached, args));
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(mpijob_memory_eval(&result, memory, &fit, &args, NULL), MPIJOB_OK);
    ck_assert_int_eq(fit_calls, before + 2);
    mpijob_memory_close(memory);
}
END_TEST

START_TEST(arrays_forced_and_evaluated)
{
    mpijob_memory *memory = open_memory(area.folder, NULL);
    mpijob_function cached = cache(memory, &table, NULL);
    const fit_args args = {.c = 2, .fold = 4};
    mpijob_array array;
    table_calls = 0;
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(mpijob_memory_eval_array(&array, memory, &table, &args, NULL), MPIJOB_OK);
        ck_assert(array.ndim == 2 && array.shape[0] == 4 && ((double *)array.data)[11] == 13);
        mpijob_array_free(&array);
    }
    ck_assert_int_eq(table_calls, 1);
    ck_assert_int_eq(mpijob_function_recompute_array(&array, &cached, &args, NULL, NULL), MPIJOB_OK);
    ck_assert(array.ndim == 2 && array.shape[0] == 4 && ((double *)array.data)[11] == 13);
    mpijob_array_free(&array);
    ck_assert_int_eq(table_calls, 2);
    ck_assert_int_eq(mpijob_function_check_call_in_cache(&cached, &args, NULL, NULL), 1);
    double result;
    ck_assert_int_eq(mpijob_function_recompute(&result, &cached, &args, NULL, NULL), MPIJOB_EINVAL);
    ck_assert_int_eq(mpijob_memory_eval(&result, memory, &table, &args, NULL), MPIJOB_EINVAL);
    ck_assert_int_eq(mpijob_function_recompute_array(NULL, &cached, &args, NULL, NULL), MPIJOB_EINVAL);
    ck_assert_int_eq(mpijob_memory_eval_array(&array, NULL, &table, &args, NULL), MPIJOB_EINVAL);
    mpijob_memory_close(memory);
}
END_TEST

/* Another process stores; this one, which has looked before, sees it. */
START_TEST(two_processes)
{
    int to_child[2], to_parent[2];
    char byte = 'x';
    ck_assert_int_eq(pipe(to_child) | pipe(to_parent), 0);
    fit_args args = {.c = 3};
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        if (read(to_child[0], &byte, 1) != 1)
            _exit(1);
        mpijob_memory *memory = open_memory(area.folder, NULL);
        mpijob_function cached = cache(memory, &fit, NULL);
        bool computed = computes(&cached, args);
        mpijob_memory_sync(memory, NULL);
        if (write(to_parent[1], &byte, 1) != 1 || read(to_child[0], &byte, 1) != 1)
            _exit(2);
        mpijob_memory_close(memory);
        _exit(computed ? 0 : 3);
    }
    mpijob_memory *memory = open_memory(area.folder, NULL);
    mpijob_function cached = cache(memory, &fit, NULL);
    ck_assert(computes(&cached, (fit_args){.c = 4}));
    ck_assert_int_eq(write(to_child[1], &byte, 1), 1);
    ck_assert_int_eq(read(to_parent[0], &byte, 1), 1);
    /* Looking is rationed by what it costs: within 0.5 s, by the promise; a test may wait longer. */
    int seen = 0;
    for (int i = 0; i < 3000 && !seen; i++) {
        seen = mpijob_function_check_call_in_cache(&cached, &args, NULL, NULL);
        usleep(seen ? 0 : 10000);
    }
    ck_assert_int_eq(seen, 1);
    ck_assert(!computes(&cached, args));
    ck_assert_int_eq(write(to_child[1], &byte, 1), 1);
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    mpijob_memory_close(memory);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("memory_call");
    TCase *group = tcase_create("calls");
    tcase_add_checked_fixture(group, make_area, remove_area);
    tcase_set_timeout(group, 120);
    tcase_add_test(group, computed_once);
    tcase_add_test(group, found_by_a_later_program);
    tcase_add_loop_test(group, without_a_location, 0, 3);
    tcase_add_test(group, failures_are_not_stored);
    tcase_add_test(group, ignored_fields);
    tcase_add_test(group, versions_never_share);
    tcase_add_test(group, validity);
    tcase_add_test(group, forced_and_asked);
    tcase_add_test(group, arrays_forced_and_evaluated);
    tcase_add_test(group, two_processes);
    suite_add_tcase(suite, group);
    return unit_run(suite);
}
