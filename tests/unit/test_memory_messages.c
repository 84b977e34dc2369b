/* Memory: what it says, compared with what joblib 1.2 and 1.5 say for the same calls. */
#include "memory_functions.h"

#include <ctype.h>
#include <fcntl.h>
#include <unistd.h>

#define MOST_BYTES 8192

static scratch area;

static void make_area(void)
{
    scratch_make(&area);
}

static void remove_area(void)
{
    scratch_remove(&area);
}

/* ---- Standard output --------------------------------------------------------------------------------------------- */

static int kept_output;

static void catch_output(void)
{
    fflush(stdout);
    kept_output = dup(STDOUT_FILENO);
    int fd = open(scratch_path(&area, "output"), O_RDWR | O_CREAT | O_TRUNC, 0666);
    ck_assert_int_eq(dup2(fd, STDOUT_FILENO), STDOUT_FILENO);
    close(fd);
}

static void replace_all(char *text, const char *what, const char *by)
{
    for (char *at = text; (at = strstr(at, what)); at += strlen(by)) {
        memmove(at + strlen(by), at + strlen(what), strlen(at + strlen(what)) + 1);
        memcpy(at, by, strlen(by));
    }
}

/* Durations have the same number of digits below 10 s: each digit becomes a #. Keys are K, the location is L. */
static void caught_output(char text[MOST_BYTES], const char *location, const mpijob_digest *keys, int key_count)
{
    fflush(stdout);
    dup2(kept_output, STDOUT_FILENO);
    close(kept_output);
    FILE *file = fopen(scratch_path(&area, "output"), "r");
    text[fread(text, 1, MOST_BYTES - 1, file)] = '\0';
    fclose(file);
    for (int i = 0; i < key_count; i++) {
        char key[MPIJOB_DIGEST_TEXT_BYTES];
        mpijob_digest_text(key, &keys[i]);
        replace_all(text, key, "K");
    }
    replace_all(text, location, "L");
    for (char *at = text; (at = strstr(at, "min")); at++)
        for (char *digit = at - 1; digit > text && (isdigit((unsigned char)*digit) || strchr("., s", *digit)); digit--)
            if (isdigit((unsigned char)*digit))
                *digit = '#';
}

/* ---- The calls --------------------------------------------------------------------------------------------------- */

typedef struct f_args {
    int32_t x, y;
} f_args;

static const mpijob_field f_fields[] = {
    MPIJOB_FIELD(f_args, x, MPIJOB_INT32),
    MPIJOB_FIELD(f_args, y, MPIJOB_INT32),
};
static const mpijob_record f_record = MPIJOB_RECORD_OF(f_args, f_fields);

static int f_call(void *result, const void *args, mpijob_job *job)
{
    (void)job;
    const f_args *a = args;
    *(double *)result = a->x + a->y;
    return 0;
}

static const mpijob_function f = {.name = "f",
                                  .call = f_call,
                                  .args_size = sizeof(f_args),
                                  .args = &f_record,
                                  .result_size = sizeof(double),
                                  .result = &float64};

/* A call that computes, one that finds it, the same shelved, one shelved that computes, and clearing. */
static void make_calls(mpijob_memory *memory, mpijob_function *cached, mpijob_digest keys[2])
{
    const f_args three = {3, 2}, five = {5, 2};
    mpijob_reference reference;
    double result;
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(mpijob_function_call(&result, cached, &three, NULL, NULL), MPIJOB_OK);
    ck_assert_int_eq(mpijob_function_call_and_shelve(&reference, cached, &three, NULL, NULL), MPIJOB_OK);
    ck_assert_int_eq(mpijob_function_call_and_shelve(&reference, cached, &five, NULL, NULL), MPIJOB_OK);
    mpijob_function_key(&keys[0], cached, &three, NULL, NULL);
    mpijob_function_key(&keys[1], cached, &five, NULL, NULL);
    ck_assert_int_eq(mpijob_function_clear(cached, 0, NULL, NULL), MPIJOB_OK);
    ck_assert_int_eq(mpijob_memory_clear(memory, 0, NULL, NULL), MPIJOB_OK);
}

#define LINE "________________________________________________________________________________\n"
#define CALLING(arguments) LINE "[Memory] Calling f...\nf(" arguments ")\n"
#define DONE "________________________________________________________________f - #.#s, #.#min\n"
#define LOADED "___________________________________________________f cache loaded - #.#s, #.#min\n"
#define LOADING "[Memory]#.#s, #.#min    : Loading "
#define COMPUTING "Computing func f, argument hash K in location L/mpijob/f\n"
#define PERSISTING "Persisting in L/mpijob/f/K\n"
#define QUERYING(arguments) "Querying f with signature f(" arguments "), argument hash K in location L/mpijob/f\n"
#define CLEARING                                                                                                       \
    "[MemorizedFunc(func=f, location=L)]: Clearing function cache identified by f\n"                                   \
    "[Memory(location=L)]: Flushing completely the cache\n"

static const struct {
    int verbose;
    const char *said;
} levels[] = {
    {0, ""},
    {1, CALLING("x=3, y=2") DONE CALLING("x=5, y=2") DONE CLEARING},
    {2, CALLING("x=3, y=2") DONE LOADING "f...\n" LOADING "f(x=3, y=2)...\n" CALLING("x=5, y=2") DONE CLEARING},
    {5, CALLING("x=3, y=2") DONE LOADING "f...\n" LOADED LOADING "f(x=3, y=2)...\n" CALLING("x=5, y=2") DONE CLEARING},
    {11, COMPUTING CALLING("x=3, y=2") PERSISTING DONE LOADING
     "f from L/mpijob/f/K\n" LOADED LOADING "f(x=3, y=2) from L/mpijob/f/K\n" COMPUTING CALLING("x=5, y=2")
         PERSISTING DONE CLEARING},
    {20, QUERYING("x=3, y=2") COMPUTING CALLING("x=3, y=2") PERSISTING DONE QUERYING("x=3, y=2") LOADING
     "f from L/mpijob/f/K\n" LOADED QUERYING("x=3, y=2") LOADING "f(x=3, y=2) from L/mpijob/f/K\n" QUERYING("x=5, y=2")
         COMPUTING CALLING("x=5, y=2") PERSISTING DONE CLEARING},
};

START_TEST(as_joblib)
{
    char said[MOST_BYTES], location[MPJ_PATH_BYTES];
    mpijob_digest keys[2];
    strcpy(location, scratch_path(&area, "location"));
    mpijob_memory_options options = {.verbose = levels[_i].verbose};
    mpijob_memory *memory = open_memory(location, &options);
    mpijob_function cached = cache(memory, &f, NULL);
    catch_output();
    make_calls(memory, &cached, keys);
    caught_output(said, location, keys, 2);
    ck_assert_str_eq(said, levels[_i].said);
    mpijob_memory_close(memory);
}
END_TEST

/* A function's own level counts before the location's. */
START_TEST(levels_of_functions)
{
    char said[MOST_BYTES];
    const f_args args = {3, 2};
    double result;
    mpijob_memory_options options = {.verbose = _i == 0 ? 20 : 0};
    mpijob_cache_options own = {.verbose = _i == 0 ? -1 : 1};
    mpijob_memory *memory = open_memory(scratch_path(&area, "location"), &options);
    mpijob_function cached = cache(memory, &f, &own);
    catch_output();
    ck_assert_int_eq(mpijob_function_call(&result, &cached, &args, NULL, NULL), MPIJOB_OK);
    caught_output(said, "none", NULL, 0);
    ck_assert_str_eq(said, _i == 0 ? "" : CALLING("x=3, y=2") DONE);
    mpijob_memory_close(memory);
}
END_TEST

/* ---- A changed function ------------------------------------------------------------------------------------------ */

static int notes;

static void count_notes(int level, const char *text, void *payload)
{
    (void)payload;
    ck_assert_int_eq(level, MPIJOB_LOG_NOTE);
    ck_assert_ptr_nonnull(strstr(text, "f has changed"));
    notes++;
}

/* Told once, with the first result of the new version: not again by a later program, and not for going back. */
START_TEST(changed_function)
{
    static const struct {
        uint64_t version;
        int notes;
    } programs[] = {{1, 0}, {1, 0}, {2, 1}, {2, 0}, {1, 0}, {3, 1}};
    char said[MOST_BYTES], location[MPJ_PATH_BYTES];
    strcpy(location, scratch_path(&area, "location"));
    for (int i = 0; i < UNIT_COUNT(programs); i++) {
        mpijob_memory_options options = {.log = count_notes, .verbose = 11};
        mpijob_memory *memory = open_memory(location, &options);
        mpijob_function function = f;
        function.version = programs[i].version;
        mpijob_function cached = cache(memory, &function, NULL);
        catch_output();
        notes = 0;
        for (int x = 0; x < 2; x++) {
            const f_args args = {i, x};
            double result;
            ck_assert_int_eq(mpijob_function_call(&result, &cached, &args, NULL, NULL), MPIJOB_OK);
        }
        caught_output(said, location, NULL, 0);
        ck_assert_int_eq(notes, programs[i].notes);
        const char *told = strstr(said, "Function f (identified by f) has changed.\n");
        ck_assert_int_eq(told != NULL, programs[i].notes);
        mpijob_memory_close(memory);
    }
}
END_TEST

/* The same with tracked source: what is edited is told, what is only written differently is not, nor is going back. */
START_TEST(changed_source)
{
    static const struct {
        const char *text;
        int notes;
    } programs[] = {
        {"int f(int x, int y)\n{\n    return x + y;\n}\n", 0},
        {"/* Adds. */\nint f(int x,\n      int y) { return x   + y; } // done\n", 0},
        {"int f(int x, int y)\n{\n    return x - y;\n}\n", 1},
        {"int f(int x, int y) { /* less */ return x - y; }\n", 0},
        {"int f(int x, int y) { return x + y; }\n", 0},
    };
    mpijob_memory_options options = {.log = count_notes};
    for (int i = 0; i < UNIT_COUNT(programs); i++) {
        const mpijob_source source = {.file = "f.c", .text = programs[i].text, .function = _i ? "f" : NULL};
        const f_args args = {i, 1};
        double result;
        mpijob_memory *memory = open_memory(scratch_path(&area, "location"), &options);
        mpijob_function function = f;
        function.source = &source;
        mpijob_function cached = cache(memory, &function, NULL);
        notes = 0;
        ck_assert_int_eq(mpijob_function_call(&result, &cached, &args, NULL, NULL), MPIJOB_OK);
        ck_assert_msg(notes == programs[i].notes, "program %d: %d notes", i, notes);
        mpijob_memory_close(memory);
    }
}
END_TEST

typedef struct g_args {
    uint64_t seed;
} g_args;

static const mpijob_field g_fields[] = {MPIJOB_FIELD(g_args, seed, MPIJOB_UINT64)};
static const mpijob_record g_record = MPIJOB_RECORD_OF(g_args, g_fields);

static int g_call(void *result, const void *args, mpijob_job *job)
{
    (void)job;
    *(double *)result = (double)((const g_args *)args)->seed;
    return 0;
}

/* JSON's readers have no such integers. */
START_TEST(very_large_integers)
{
    char output[MOST_BYTES];
    const g_args args = {UINT64_MAX};
    const mpijob_memory_options options = {.verbose = 2};
    const mpijob_function g = {.name = "g",
                               .call = g_call,
                               .args_size = sizeof(g_args),
                               .args = &g_record,
                               .result_size = sizeof(double),
                               .result = &float64};
    double value;
    mpijob_memory *memory = open_memory(area.folder, &options);
    mpijob_function cached = cache(memory, &g, NULL);
    catch_output();
    ck_assert_int_eq(mpijob_function_call(&value, &cached, &args, NULL, NULL), MPIJOB_OK);
    caught_output(output, area.folder, NULL, 0);
    ck_assert_msg(strstr(output, "g(seed=\"18446744073709551615\")") != NULL, "%s", output);
    mpijob_memory_close(memory);
}
END_TEST

/* ---- Trimming ---------------------------------------------------------------------------------------------------- */

START_TEST(what_is_trimmed)
{
    char said[MOST_BYTES];
    char location[MPJ_PATH_BYTES];
    mpijob_memory_options options = {.verbose = _i};
    mpijob_reduce_options reduce = MPIJOB_REDUCE_NOTHING;
    mpijob_cache_options silent = {.verbose = -1};
    strcpy(location, scratch_path(&area, "location"));
    mpijob_memory *memory = open_memory(location, &options);
    mpijob_function cached = cache(memory, &f, &silent);
    const f_args args = {3, 2};
    mpijob_digest key;
    double result;
    ck_assert_int_eq(mpijob_function_call(&result, &cached, &args, NULL, NULL), MPIJOB_OK);
    ck_assert_int_eq(mpijob_function_key(&key, &cached, &args, NULL, NULL), MPIJOB_OK);
    reduce.items_limit = 0;
    catch_output();
    ck_assert_int_eq(mpijob_memory_reduce_size(memory, &reduce, NULL, NULL), MPIJOB_OK);
    caught_output(said, location, &key, 1);
    int year, month, day, hour, minute, second, size, end = 0;
    sscanf(said,
           "Deleting item CacheItemInfo(path='L/mpijob/f/K', size=%d, "
           "last_access=datetime.datetime(%d, %d, %d, %d, %d, %d))%n",
           &size, &year, &month, &day, &hour, &minute, &second, &end);
    ck_assert_msg(_i > 10 ? end > 0 && strcmp(said + end, "\n") == 0 : !said[0], "%s", said);
    ck_assert(_i <= 10 || (size >= 128 && year > 2000));
    mpijob_memory_close(memory);
}
END_TEST

/* ---- Statistics -------------------------------------------------------------------------------------------------- */

START_TEST(statistics)
{
    char said[MOST_BYTES];
    mpijob_memory *memory = open_memory(scratch_path(&area, "location"), NULL);
    mpijob_function cached = cache(memory, &f, NULL);
    const f_args args = {3, 2};
    double result;
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(mpijob_function_call(&result, &cached, &args, NULL, NULL), MPIJOB_OK);
    catch_output();
    mpijob_memory_stats_print(stdout, memory);
    caught_output(said, "none", NULL, 0);
    ck_assert_str_eq(said, "Memory     3 hits, 1 misses (75.0 % found), 0.0 s saved, 0.0 s computed\n"
                           "           1 results stored, 0.0 MB\n");
    mpijob_memory_close(memory);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("memory_messages");
    TCase *group = tcase_create("messages");
    tcase_add_checked_fixture(group, make_area, remove_area);
    tcase_set_timeout(group, 120);
    tcase_add_loop_test(group, as_joblib, 0, UNIT_COUNT(levels));
    tcase_add_loop_test(group, levels_of_functions, 0, 2);
    tcase_add_test(group, changed_function);
    tcase_add_loop_test(group, changed_source, 0, 2);
    tcase_add_test(group, very_large_integers);
    tcase_add_loop_test(group, what_is_trimmed, 10, 12);
    tcase_add_test(group, statistics);
    suite_add_tcase(suite, group);
    return unit_run(suite);
}
