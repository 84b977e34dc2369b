/* Memory: removing results of one call, of a function, of a location; what waits in the trash. */
#include "memory_functions.h"

#include "memory/trash.h"

#include <glob.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define LARGE_ROWS 100000

static scratch area;
static mpijob_memory *memory;
static mpijob_function cached, sized;

static void make_area(void)
{
    scratch_make(&area);
    memory = open_memory(area.folder, NULL);
    cached = cache(memory, &fit, NULL);
    sized = cache(memory, &table, NULL);
}

static void remove_area(void)
{
    mpijob_memory_close(memory);
    scratch_remove(&area);
}

/* How many names match below mpijob/. path: the last, or NULL. */
static int matching(const char *pattern, char *path)
{
    char whole[MPJ_PATH_BYTES];
    glob_t found;
    snprintf(whole, sizeof whole, "%s/mpijob/%s", area.folder, pattern);
    int count = glob(whole, 0, NULL, &found) == 0 ? (int)found.gl_pathc : 0;
    if (count && path)
        snprintf(path, MPJ_PATH_BYTES, "%s", found.gl_pathv[count - 1]);
    if (count)
        globfree(&found);
    return count;
}

static bool computes_table(const mpijob_function *function, double c, int rows)
{
    fit_args args = {.c = c, .fold = rows};
    mpijob_array array;
    int before = table_calls;
    ck_assert_int_eq(mpijob_function_call_array(&array, function, &args, NULL, NULL), MPIJOB_OK);
    ck_assert_uint_eq(array.shape[0], (size_t)rows);
    ck_assert_double_eq(((double *)array.data)[3 * rows - 1], c + 3 * rows - 1);
    mpijob_array_free(&array);
    return table_calls > before;
}

/* Five small results, one of them stored twice and one cleared; two large ones. */
static void fill(void)
{
    double result;
    for (int i = 0; i < 5; i++)
        ck_assert(computes(&cached, (fit_args){.c = i}));
    ck_assert_int_eq(mpijob_function_recompute(&result, &cached, &(fit_args){.c = 2}, NULL, NULL), MPIJOB_OK);
    ck_assert_int_eq(mpijob_function_clear_call(&cached, &(fit_args){.c = 4}, NULL, NULL, NULL), MPIJOB_OK);
    for (int i = 0; i < 2; i++)
        ck_assert(computes_table(&sized, i, LARGE_ROWS));
}

/* ---- One call ---------------------------------------------------------------------------------------------------- */

START_TEST(one_call)
{
    mpijob_removed removed;
    const fit_args args = {.c = 0, .fold = LARGE_ROWS};
    fill();
    ck_assert_int_eq(matching("table/large/*/*", NULL), 2);
    ck_assert_int_eq(mpijob_function_clear_call(&sized, &args, NULL, &removed, NULL), MPIJOB_OK);
    ck_assert_uint_eq(removed.items, 1);
    ck_assert_uint_gt(removed.bytes_later, LARGE_ROWS * 24);
    ck_assert_uint_eq(removed.bytes_now, 0);
    ck_assert_double_gt(removed.later_s, 0);
    ck_assert_int_eq(matching("table/large/*/*", NULL), 1);
    ck_assert_int_eq(matching("table/trash/*.npy", NULL), 1);
    ck_assert_int_eq(mpijob_function_clear_call(&sized, &args, NULL, &removed, NULL), MPIJOB_OK);
    ck_assert_uint_eq(removed.items, 0);
    ck_assert(computes_table(&sized, 0, LARGE_ROWS));
    ck_assert(!computes_table(&sized, 0, LARGE_ROWS));
    ck_assert(!computes_table(&sized, 1, LARGE_ROWS));
}
END_TEST

/* A later program finds what was not cleared, and nothing else. */
START_TEST(cleared_call_stays_cleared)
{
    fill();
    for (int i = 0; i < 2; i++) {
        mpijob_memory_close(memory);
        memory = open_memory(area.folder, NULL);
        cached = cache(memory, &fit, NULL);
        ck_assert(!computes(&cached, (fit_args){.c = 3}));
        ck_assert_int_eq(computes(&cached, (fit_args){.c = 4}), i == 0);
    }
}
END_TEST

/* ---- A function -------------------------------------------------------------------------------------------------- */

START_TEST(one_function)
{
    const int now = _i;
    mpijob_removed removed;
    fill();
    ck_assert_int_eq(mpijob_function_clear(&cached, now, &removed, NULL), MPIJOB_OK);
    ck_assert_uint_eq(removed.items, 4);
    ck_assert_int_eq(removed.bytes_now > 500, now);
    ck_assert_int_eq(removed.bytes_later > 500, !now);
    ck_assert_double_eq(removed.later_s, now ? 0 : MPJ_TRASH_S);
    ck_assert_int_eq(matching("fit/segments/*", NULL), 0);
    ck_assert_int_eq(matching("fit/trash/*.segments", NULL), !now);
    ck_assert_int_eq(matching("fit/versions/*/func.json", NULL), 1);
    for (int i = 0; i < 5; i++) {
        ck_assert(computes(&cached, (fit_args){.c = i}));
        ck_assert(!computes(&cached, (fit_args){.c = i}));
    }
    ck_assert(!computes_table(&sized, 1, LARGE_ROWS));
    ck_assert_int_eq(mpijob_function_clear(&sized, now, &removed, NULL), MPIJOB_OK);
    ck_assert_uint_eq(removed.items, 2);
    ck_assert_uint_gt(now ? removed.bytes_now : removed.bytes_later, 2 * LARGE_ROWS * 24);
    ck_assert_double_eq(removed.later_s, now ? 0 : MPJ_TRASH_LARGE_S);
    ck_assert(computes_table(&sized, 1, LARGE_ROWS));
    ck_assert(!computes_table(&sized, 1, LARGE_ROWS));
}
END_TEST

START_TEST(all_versions_of_a_name)
{
    mpijob_function second = fit;
    mpijob_removed removed;
    second.version = 2;
    mpijob_function other = cache(memory, &second, NULL);
    ck_assert(computes(&cached, (fit_args){.c = 1}));
    ck_assert(computes(&other, (fit_args){.c = 1}));
    ck_assert_int_eq(mpijob_function_clear(&other, 0, &removed, NULL), MPIJOB_OK);
    ck_assert_uint_eq(removed.items, 2);
    ck_assert(computes(&cached, (fit_args){.c = 1}));
    ck_assert(computes(&other, (fit_args){.c = 1}));
}
END_TEST

START_TEST(nothing_to_clear)
{
    mpijob_removed removed = {.items = 7, .later_s = 7};
    ck_assert_int_eq(mpijob_function_clear(&cached, 0, &removed, NULL), MPIJOB_OK);
    ck_assert_uint_eq(removed.items, 0);
    ck_assert_double_eq(removed.later_s, 0);
    removed.items = 7;
    ck_assert_int_eq(mpijob_memory_clear(memory, 1, &removed, NULL), MPIJOB_OK);
    ck_assert_uint_eq(removed.items, 0);
    ck_assert_int_eq(scratch_names(&area), 0);
    mpijob_memory *off = open_memory(NULL, NULL);
    mpijob_function plain = cache(off, &fit, NULL);
    ck_assert_int_eq(mpijob_function_clear(&plain, 0, &removed, NULL), MPIJOB_OK);
    ck_assert_int_eq(mpijob_memory_clear(off, 0, NULL, NULL), MPIJOB_OK);
    mpijob_memory_close(off);
}
END_TEST

/* ---- A location -------------------------------------------------------------------------------------------------- */

/* Also of functions that this program never cached, and of those whose names are escaped. */
START_TEST(whole_location)
{
    const int now = _i;
    mpijob_removed removed;
    fill();
    mpijob_memory_close(memory);
    memory = open_memory(area.folder, NULL);
    mpijob_function odd = fit;
    odd.name = "A::b/../c";
    mpijob_function other = cache(memory, &odd, NULL);
    ck_assert(computes(&other, (fit_args){.c = 1}));
    ck_assert_int_eq(mpijob_memory_clear(memory, now, &removed, NULL), MPIJOB_OK);
    ck_assert_uint_eq(removed.items, 4 + 2 + 1);
    ck_assert_uint_gt(now ? removed.bytes_now : removed.bytes_later, 2 * LARGE_ROWS * 24);
    ck_assert_int_eq(matching("*/segments", NULL) + matching("*/large", NULL) + matching("*/use", NULL), 0);
    ck_assert_int_eq(matching("*/trash/*", NULL) == 0, now);
    cached = cache(memory, &fit, NULL);
    ck_assert(computes(&cached, (fit_args){.c = 1}));
    ck_assert(computes(&other, (fit_args){.c = 1}));
    ck_assert_int_eq(mpijob_memory_sync(memory, NULL), MPIJOB_OK);
    mpijob_memory_close(memory);
    memory = open_memory(area.folder, NULL);
    cached = cache(memory, &fit, NULL);
    ck_assert(!computes(&cached, (fit_args){.c = 1}));
}
END_TEST

/* ---- Others ------------------------------------------------------------------------------------------------------ */

/* Another program has it all open meanwhile: it goes on, and what it stores later is found. */
START_TEST(while_others_have_it_open)
{
    int to_child[2], to_parent[2], status;
    char byte = 'x';
    ck_assert_int_eq(pipe(to_child) | pipe(to_parent), 0);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        mpijob_memory *own = open_memory(area.folder, NULL);
        mpijob_function mine = cache(own, &fit, NULL), my_table = cache(own, &table, NULL);
        bool right = computes(&mine, (fit_args){.c = 1}) && computes_table(&my_table, 1, LARGE_ROWS);
        mpijob_memory_sync(own, NULL);
        if (write(to_parent[1], &byte, 1) != 1 || read(to_child[0], &byte, 1) != 1)
            _exit(1);
        right &= computes(&mine, (fit_args){.c = 2}) && computes_table(&my_table, 2, LARGE_ROWS);
        computes(&mine, (fit_args){.c = 1});
        computes_table(&my_table, 1, LARGE_ROWS);
        mpijob_memory_close(own);
        _exit(right ? 0 : 2);
    }
    ck_assert_int_eq(read(to_parent[0], &byte, 1), 1);
    ck_assert_int_eq(mpijob_memory_clear(memory, _i, NULL, NULL), MPIJOB_OK);
    ck_assert_int_eq(write(to_child[1], &byte, 1), 1);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    /* What it stored after the clear is there, or (it had not noticed yet) is computed again: never wrong. */
    computes(&cached, (fit_args){.c = 2});
    computes_table(&sized, 2, LARGE_ROWS);
    ck_assert(!computes(&cached, (fit_args){.c = 2}));
    ck_assert(!computes_table(&sized, 2, LARGE_ROWS));
}
END_TEST

/* A mapped result stays readable: its file waits in the trash. */
START_TEST(mapped_results_stay)
{
    mpijob_memory_options options = {.mmap_mode = "r"};
    const fit_args args = {.c = 1, .fold = LARGE_ROWS};
    mpijob_array array;
    mpijob_memory *mapping = open_memory(area.folder, &options);
    mpijob_function mapped = cache(mapping, &table, NULL);
    computes_table(&mapped, 1, LARGE_ROWS);
    ck_assert_int_eq(mpijob_function_call_array(&array, &mapped, &args, NULL, NULL), MPIJOB_OK);
    ck_assert_int_eq(mpijob_memory_clear(mapping, 0, NULL, NULL), MPIJOB_OK);
    for (int i = 0; i < 3 * LARGE_ROWS; i++)
        ck_assert_double_eq(((double *)array.data)[i], 1 + i);
    mpijob_array_free(&array);
    mpijob_memory_close(mapping);
}
END_TEST

/* ---- The trash --------------------------------------------------------------------------------------------------- */

START_TEST(trash_is_emptied_in_time)
{
    mpj_store *store;
    const mpj_store_options options = {.umask = 022, .group = (gid_t)-1};
    char path[MPJ_PATH_BYTES];
    int64_t since_s;
    fill();
    ck_assert_int_eq(mpijob_memory_clear(memory, 0, NULL, NULL), MPIJOB_OK);
    ck_assert_int_eq(matching("table/trash/*.segments", path), 1);
    int64_t grace_s = mpj_trash_grace(strrchr(path, '/') + 1, &since_s);
    ck_assert_int_eq(grace_s, MPJ_TRASH_S);
    ck_assert_int_eq(mpj_store_open(&store, area.folder, &options, NULL), MPIJOB_OK);
    mpj_trash_sweep(store, "mpijob/table", since_s + MPJ_TRASH_S - 60);
    ck_assert_int_eq(matching("table/trash/*.segments", NULL), 1);
    mpj_trash_sweep(store, "mpijob/table", since_s + MPJ_TRASH_S + 60);
    ck_assert_int_eq(matching("table/trash/*.segments", NULL), 0);
    ck_assert_int_eq(matching("table/trash/*.large", NULL), 1);
    mpj_trash_sweep(store, "mpijob/table", since_s + MPJ_TRASH_LARGE_S + 60);
    ck_assert_int_eq(matching("table/trash/*", NULL), 0);
    ck_assert_int_eq(matching("fit/trash/*.segments", NULL), 1);
    mpj_store_close(store);
}
END_TEST

START_TEST(names_in_the_trash)
{
    static const struct {
        const char *name;
        int64_t grace_s;
    } names[] = {
        {"1700000000-0123456789abcdef.segments", MPJ_TRASH_S},
        {"1700000000-0123456789abcdef.x.seg", MPJ_TRASH_S},
        {"1700000000-0123456789abcdef.large", MPJ_TRASH_LARGE_S},
        {"1700000000-0123456789abcdef.00-1.npy", MPJ_TRASH_LARGE_S},
        {"1700000000-0123456789abcdef.00-1.zarr.zip", MPJ_TRASH_LARGE_S},
        {"170000000-0123456789abcdef.large", -1},
        {"1700000000-0123456789abcde.large", -1},
        {"1700000000-0123456789abcdeg.large", -1},
        {"1700000000.large", -1},
        {"", -1},
    };
    int64_t since_s = 0;
    ck_assert_int_eq(mpj_trash_grace(names[_i].name, &since_s), names[_i].grace_s);
    ck_assert_int_eq(since_s, names[_i].grace_s < 0 ? 0 : 1700000000);
}
END_TEST

/* Somebody who may write there must not have us remove what is elsewhere. */
START_TEST(links_are_not_followed)
{
    char outside[MPJ_PATH_BYTES], link[MPJ_PATH_BYTES], inside[MPJ_PATH_BYTES];
    mpijob_removed removed;
    mpj_store *store;
    const mpj_store_options options = {.umask = 022, .group = (gid_t)-1};
    strcpy(outside, scratch_path(&area, "outside"));
    ck_assert_int_eq(mkdir(outside, 0777), 0);
    strcpy(inside, scratch_path(&area, "outside/1700000000-0123456789abcdef.segments"));
    ck_assert_int_eq(mkdir(inside, 0777), 0);
    ck_assert(computes(&cached, (fit_args){.c = 1}));
    strcpy(link, scratch_path(&area, "mpijob/fit/trash"));
    ck_assert_int_eq(symlink(outside, link), 0);
    ck_assert_int_eq(mpijob_function_clear(&cached, 1, &removed, NULL), MPIJOB_EOS);
    ck_assert_int_eq(mpj_store_open(&store, area.folder, &options, NULL), MPIJOB_OK);
    mpj_trash_sweep(store, "mpijob/fit", INT64_C(4000000000));
    mpj_store_close(store);
    ck_assert_int_eq(access(inside, F_OK), 0);
    computes(&cached, (fit_args){.c = 1});
    ck_assert(!computes(&cached, (fit_args){.c = 1}));
    ck_assert_int_eq(unlink(link), 0);
    ck_assert_int_eq(rename(scratch_path(&area, "mpijob/fit/segments"), inside), 0);
    ck_assert_int_eq(symlink(inside, scratch_path(&area, "mpijob/fit/segments")), 0);
    ck_assert_int_eq(mpijob_function_clear(&cached, 1, &removed, NULL), MPIJOB_OK);
    ck_assert_uint_eq(removed.items, 0);
    ck_assert_int_eq(access(inside, F_OK), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("memory_clear");
    TCase *group = tcase_create("clearing");
    tcase_add_checked_fixture(group, make_area, remove_area);
    tcase_set_timeout(group, 120);
    tcase_add_test(group, one_call);
    tcase_add_test(group, cleared_call_stays_cleared);
    tcase_add_loop_test(group, one_function, 0, 2);
    tcase_add_test(group, all_versions_of_a_name);
    tcase_add_test(group, nothing_to_clear);
    tcase_add_loop_test(group, whole_location, 0, 2);
    tcase_add_loop_test(group, while_others_have_it_open, 0, 2);
    tcase_add_test(group, mapped_results_stay);
    tcase_add_test(group, trash_is_emptied_in_time);
    tcase_add_loop_test(group, names_in_the_trash, 0, 10);
    tcase_add_test(group, links_are_not_followed);
    suite_add_tcase(suite, group);
    return unit_run(suite);
}
