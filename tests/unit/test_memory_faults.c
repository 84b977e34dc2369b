/* Memory with each allocation of a call failing in turn. A result is right or there is none for want of memory; storing
 * fails for itself alone; the location works afterwards as if nothing had been. */
#include "failing.h"
#include "memory_functions.h"

#define LARGE_ROWS 1000

static scratch area;
static mpijob_memory *memory;
static mpijob_function cached, sized;
static const fit_args small_args = {.c = 3, .fold = 5}, large_args = {.c = 3, .fold = LARGE_ROWS};

static void open_it(const mpijob_memory_options *options)
{
    memory = open_memory(area.folder, options);
    cached = cache(memory, &fit, NULL);
    sized = cache(memory, &table, NULL);
}

static void say_nothing(int level, const char *text, void *payload)
{
    (void)level, (void)text, (void)payload;
}

static const mpijob_memory_options quiet = {.log = say_nothing, .large_bytes = 4096};

static void make_area(void)
{
    scratch_make(&area);
    open_it(&quiet);
}

static void remove_area(void)
{
    mpijob_memory_close(memory);
    scratch_remove(&area);
}

/* ---- The calls --------------------------------------------------------------------------------------------------- */

typedef int call(mpijob_error *err);

static int open_and_cache(mpijob_error *err)
{
    mpijob_memory *other = NULL;
    mpijob_function function;
    const char *ignore[] = {"verbose", NULL};
    mpijob_cache_options options = {.ignore = ignore};
    mpijob_memory_options own = {.log = say_nothing, .mmap_mode = "r", .group = "root"};
    int status = mpijob_memory_open(&other, area.folder, &own, err);
    if (status == MPIJOB_OK)
        status = mpijob_memory_cache(&function, other, &fit, &options, err);
    mpijob_memory_close(other);
    return status;
}

static int call_small(mpijob_error *err)
{
    double result = -1;
    int status = mpijob_function_call(&result, &cached, &small_args, NULL, err);
    ck_assert(status != MPIJOB_OK || result == fit_value(&small_args));
    return status;
}

static int recompute(mpijob_error *err)
{
    double result = -1;
    int status = mpijob_function_recompute(&result, &cached, &small_args, NULL, err);
    ck_assert(status != MPIJOB_OK || result == fit_value(&small_args));
    return status;
}

static int call_fresh(mpijob_error *err)
{
    static double c = 1000;
    fit_args args = {.c = ++c};
    double result = -1;
    int status = mpijob_function_call(&result, &cached, &args, NULL, err);
    ck_assert(status != MPIJOB_OK || result == fit_value(&args));
    return status;
}

static int check_array(const mpijob_array *array, int rows)
{
    ck_assert_int_eq(array->ndim, 2);
    ck_assert_uint_eq(array->shape[0], (size_t)rows);
    for (int i = 0; i < 3 * rows; i += 7)
        ck_assert_double_eq(((double *)array->data)[i], 3 + i);
    return MPIJOB_OK;
}

static int call_array(const mpijob_function *function, const fit_args *args, mpijob_error *err)
{
    mpijob_array array;
    int status = mpijob_function_call_array(&array, function, args, NULL, err);
    if (status == MPIJOB_OK) {
        check_array(&array, args->fold);
        mpijob_array_free(&array);
    }
    return status;
}

static int call_sized(mpijob_error *err)
{
    return call_array(&sized, &small_args, err);
}

static int call_large(mpijob_error *err)
{
    return call_array(&sized, &large_args, err);
}

/* Compressed, and computed each time. */
static int call_packed(mpijob_error *err)
{
    mpijob_cache_options options = {.compress = 1, .expires_after_s = 1e-9};
    mpijob_function packed;
    int status = mpijob_memory_cache(&packed, memory, &table, &options, err);
    return status == MPIJOB_OK ? call_array(&packed, &large_args, err) : status;
}

static int as_array(mpijob_error *err)
{
    mpijob_array array;
    int status = mpijob_function_call_array(&array, &cached, &small_args, NULL, err);
    if (status == MPIJOB_OK) {
        ck_assert_double_eq(*(double *)array.data, fit_value(&small_args));
        mpijob_array_free(&array);
    }
    return status;
}

static int shelve(mpijob_error *err)
{
    static double c = 2000;
    const fit_args fresh = {.c = ++c, .fold = 5};
    for (int i = 0; i < 3; i++) {
        mpijob_reference reference;
        mpijob_array array;
        const mpijob_function *function = i == 0 ? &table : &sized;
        int status = mpijob_function_call_and_shelve(&reference, function, i == 1 ? &fresh : &small_args, NULL, err);
        if (status != MPIJOB_OK)
            return status;
        status = mpijob_reference_get(&array, &reference, memory, err);
        if (status == MPIJOB_OK)
            mpijob_array_free(&array);
        mpijob_reference_free(&reference);
        if (status != MPIJOB_OK && status != MPIJOB_ENOTFOUND)
            return status;
    }
    return MPIJOB_OK;
}

/* By a program that never cached the function. */
static int get_elsewhere(mpijob_error *err)
{
    static mpijob_reference reference;
    mpijob_array array;
    mpijob_memory *other = NULL;
    if (!reference.function[0])
        ck_assert_int_eq(mpijob_function_call_and_shelve(&reference, &sized, &small_args, NULL, NULL), MPIJOB_OK);
    ck_assert_int_eq(mpijob_memory_sync(memory, NULL), MPIJOB_OK);
    int status = mpijob_memory_open(&other, area.folder, &quiet, err);
    if (status == MPIJOB_OK)
        status = mpijob_reference_get(&array, &reference, other, err);
    if (status == MPIJOB_OK) {
        check_array(&array, small_args.fold);
        mpijob_array_free(&array);
    }
    mpijob_memory_close(other);
    return status == MPIJOB_ENOTFOUND ? MPIJOB_ENOMEM : status;
}

static int evaluate(mpijob_error *err)
{
    double result = -1;
    int status = mpijob_memory_eval(&result, memory, &fit, &small_args, err);
    ck_assert(status != MPIJOB_OK || result == fit_value(&small_args));
    return status;
}

static int clear_call(mpijob_error *err)
{
    mpijob_removed removed;
    return mpijob_function_clear_call(&cached, &small_args, NULL, &removed, err);
}

static int clear_function(mpijob_error *err)
{
    mpijob_removed removed;
    return mpijob_function_clear(&sized, 0, &removed, err);
}

static int clear_all(mpijob_error *err)
{
    mpijob_removed removed;
    return mpijob_memory_clear(memory, 1, &removed, err);
}

static const struct {
    const char *name;
    call *call;
} calls[] = {
    {"open", open_and_cache},  {"hit", call_small},      {"recompute", recompute}, {"miss", call_fresh},
    {"sized", call_sized},     {"large", call_large},    {"packed", call_packed},  {"array", as_array},
    {"shelve", shelve},        {"get", get_elsewhere},   {"eval", evaluate},       {"clear call", clear_call},
    {"clear", clear_function}, {"clear all", clear_all},
};

/* Everything is in memory or on the disk before, so that each round takes the same way. */
static void warm_up(void)
{
    call_small(NULL);
    call_sized(NULL);
    call_large(NULL);
    ck_assert_int_eq(mpijob_memory_sync(memory, NULL), MPIJOB_OK);
}

START_TEST(allocations)
{
    warm_up();
    for (failing f = failing_begin(); failing_next(&f);) {
        mpijob_error err = {.text = ""};
        int status = calls[_i].call(&err);
        failing_stop(&f);
        ck_assert_msg(status == MPIJOB_OK || (f.failed && status == MPIJOB_ENOMEM) ||
                          (f.failed && status == MPIJOB_EJOB && strstr(err.text, "no memory")),
                      "%s, allocation %d: %d %s", calls[_i].name, (int)f.n, status, err.text);
        warm_up();
    }
    mpijob_memory_close(memory);
    open_it(&quiet);
    warm_up();
}
END_TEST

/* The first results of a location: its files are made meanwhile. */
START_TEST(first_results)
{
    for (failing f = failing_begin(); failing_next(&f);) {
        mpijob_error err = {.text = ""};
        mpijob_memory_close(memory);
        ck_assert_int_eq(mpj_folder_remove(scratch_path(&area, "mpijob"), NULL), MPIJOB_OK);
        mpj_alloc_fail_after(UINT64_MAX);
        open_it(&quiet);
        mpj_alloc_fail_after(f.n);
        int status = _i == 0 ? call_small(&err) : call_large(&err);
        failing_stop(&f);
        ck_assert_msg(status == MPIJOB_OK || (f.failed && status == MPIJOB_ENOMEM) ||
                          (f.failed && status == MPIJOB_EJOB && strstr(err.text, "no memory")),
                      "allocation %d: %d %s", (int)f.n, status, err.text);
        warm_up();
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("memory_faults");
    TCase *group = tcase_create("faults");
    tcase_add_checked_fixture(group, make_area, remove_area);
    tcase_set_timeout(group, 240);
    tcase_add_loop_test(group, allocations, 0, UNIT_COUNT(calls));
    tcase_add_loop_test(group, first_results, 0, 2);
    suite_add_tcase(suite, group);
    return unit_run(suite);
}
