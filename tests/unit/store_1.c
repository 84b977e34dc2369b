#include "store_1.h"

#include <mpijob/core.h>

#include "memo.h"

#include <math.h>
#include <sys/wait.h>
#include <unistd.h>

#define LARGE_BYTES 8192
#define FITS 8    /* of each version and process */
#define ENGINE 40 /* entries of "f", without the layers above: test_store_files.c reads them */
#define CLEARED 3 /* which of the fits, and of "f", was cleared */

/* ---- The functions ----------------------------------------------------------------------------------------------- */

typedef struct fit_args {
    double c;
    int64_t step;
    int32_t counts[2];
    int8_t deep;
    const char *name;
    int32_t verbose; /* ignored */
} fit_args;

static const mpijob_field fit_fields[] = {
    MPIJOB_FIELD(fit_args, c, MPIJOB_FLOAT64),
    MPIJOB_FIELD(fit_args, step, MPIJOB_INT64),
    MPIJOB_FIELD_ARRAY(fit_args, counts, MPIJOB_INT32, int32_t),
    MPIJOB_FIELD(fit_args, deep, MPIJOB_INT8),
    MPIJOB_FIELD_STRING(fit_args, name),
    MPIJOB_FIELD(fit_args, verbose, MPIJOB_INT32),
};
static const mpijob_record fit_record = MPIJOB_RECORD_OF(fit_args, fit_fields);
static const char *const ignored[] = {"verbose", NULL};

typedef struct table_args {
    int64_t rows;
    uint64_t seed;
} table_args;

static const mpijob_field table_fields[] = {
    MPIJOB_FIELD(table_args, rows, MPIJOB_INT64),
    MPIJOB_FIELD(table_args, seed, MPIJOB_UINT64),
};
static const mpijob_record table_record = MPIJOB_RECORD_OF(table_args, table_fields);

typedef struct point {
    int16_t label; /* padding behind it */
    double at[2];
} point;

static const mpijob_field point_fields[] = {
    MPIJOB_FIELD(point, label, MPIJOB_INT16),
    MPIJOB_FIELD_ARRAY(point, at, MPIJOB_FLOAT64, double),
};
static const mpijob_record point_record = MPIJOB_RECORD_OF(point, point_fields);

static int calls;

static int fit_call(void *result, const void *args, mpijob_job *job)
{
    const fit_args *a = args;
    (void)job;
    calls++;
    *(double *)result = a->c * 4 + (double)a->step + a->counts[1] + a->deep + (double)strlen(a->name);
    return 0;
}

/* Whole numbers: compressible, and the same on every machine. */
static int32_t element_of(const table_args *a, size_t i)
{
    return (int32_t)(a->seed * 1000 + i * i % 97);
}

static int table_call(void *result, const void *args, mpijob_job *job)
{
    const table_args *a = args;
    const size_t shape[2] = {(size_t)a->rows, 4};
    (void)result;
    calls++;
    int32_t *values = mpijob_job_result_array(job, 2, shape);
    if (!values)
        return mpijob_job_fail(job, "no memory");
    for (size_t i = 0; i < shape[0] * 4; i++)
        values[i] = element_of(a, i);
    return 0;
}

static int points_call(void *result, const void *args, mpijob_job *job)
{
    const table_args *a = args;
    const size_t rows = (size_t)a->rows;
    (void)result;
    calls++;
    point *values = mpijob_job_result_array(job, 1, &rows);
    if (!values)
        return mpijob_job_fail(job, "no memory");
    for (size_t i = 0; i < rows; i++)
        values[i] = (point){(int16_t)i, {(double)a->seed, (double)element_of(a, i) / 8}};
    return 0;
}

/* By its index alone: bytes. */
static int bytes_call(void *result, const void *args, mpijob_job *job)
{
    (void)args;
    calls++;
    memset(result, (int)job->index + 65, 24);
    return 0;
}

static const mpijob_type float64 = {.kind = MPIJOB_FLOAT64}, int32 = {.kind = MPIJOB_INT32};
static const mpijob_source source = {
    .file = "points.c", .text = "#define SCALE 8 /* of all */\nint points(int i)\n{\n    return i / SCALE;\n}\n"};

enum {
    FIT,
    FIT_2, /* another version of the same */
    SMALL,
    LARGE,
    ZIPPED,
    POINTS,
    BYTES,
    FUNCTIONS
};

typedef struct functions {
    mpijob_memory *memory;
    mpijob_function all[FUNCTIONS];
    mpijob_type point;
} functions;

static mpijob_function plain(const functions *f, int which)
{
    mpijob_function made = {.name = which <= FIT_2 ? "fit" : which == ZIPPED ? "zipped \xc3\xa9/.." : "table"};
    if (which <= FIT_2) {
        made.call = fit_call;
        made.args_size = sizeof(fit_args);
        made.args = &fit_record;
        made.result_size = sizeof(double);
        made.result = &float64;
        made.version = (uint64_t)which;
    } else if (which <= POINTS) {
        made.name = which == POINTS ? "points" : made.name;
        made.call = which == POINTS ? points_call : table_call;
        made.args_size = sizeof(table_args);
        made.args = &table_record;
        made.result_size = MPIJOB_ANY_SIZE;
        made.result = which == POINTS ? &f->point : &int32;
        made.source = which == POINTS ? &source : NULL;
    } else {
        made.name = "bytes";
        made.call = bytes_call;
        made.result_size = 24;
    }
    return made;
}

static void open_functions(functions *f, const char *location)
{
    const mpijob_memory_options options = {.large_bytes = LARGE_BYTES, .verbose = 0};
    mpijob_error err = {.text = ""};
    f->point = mpijob_type_record(&point_record);
    memo_must(mpijob_memory_open(&f->memory, location, &options, &err) == MPIJOB_OK);
    for (int i = 0; i < FUNCTIONS; i++) {
        const mpijob_cache_options how = {.ignore = i <= FIT_2 ? ignored : NULL, .compress = i == ZIPPED ? 5 : 0};
        const mpijob_function function = plain(f, i);
        if (i != LARGE)
            memo_must(mpijob_memory_cache(&f->all[i], f->memory, &function, &how, &err) == MPIJOB_OK);
    }
    f->all[LARGE] = f->all[SMALL]; /* the rows decide */
}

/* ---- Its calls: by the first process (0), and by the second, which is killed (1) ---------------------------------- */

static fit_args fit_of(int process, int i)
{
    return (fit_args){.c = i / 4.0,
                      .step = (int64_t)process << 40,
                      .counts = {i, -i},
                      .deep = (int8_t)-process,
                      .name = i % 2 ? "\"odd\" \xe2\x82\xac" : "",
                      .verbose = i};
}

static table_args table_of(int process, int which, int i)
{
    const int64_t rows[] = {[SMALL] = 3 + 200 * i, [LARGE] = 600, [ZIPPED] = 700, [POINTS] = 1 + 150 * i};
    return (table_args){.rows = rows[which], .seed = (uint64_t)(process * 10 + i)};
}

static int rounds_of(int which)
{
    return which <= FIT_2 ? FITS : which == LARGE || which == ZIPPED ? 1 : which == BYTES ? 5 : 2;
}

/* Of args made anew: the result must not come from there. */
static void check_fit(const functions *f, int which, int process, int i)
{
    fit_args a = fit_of(process, i);
    mpijob_error err = {.text = ""};
    double got = NAN, wanted = a.c * 4 + (double)a.step + a.counts[1] + a.deep + (double)strlen(a.name);
    a.verbose = -1;
    memo_must(mpijob_function_call(&got, &f->all[which], &a, NULL, &err) == MPIJOB_OK);
    memo_must(got == wanted);
}

static void check_array(const functions *f, int which, int process, int i)
{
    const table_args a = table_of(process, which, i);
    mpijob_error err = {.text = ""};
    mpijob_array array;
    memo_must(mpijob_function_call_array(&array, &f->all[which], &a, NULL, &err) == MPIJOB_OK);
    memo_must(array.ndim == (which == POINTS ? 1 : 2) && array.shape[0] == (size_t)a.rows);
    const int32_t *numbers = array.data;
    const point *points = array.data;
    for (size_t k = 0; which != POINTS && k < (size_t)a.rows * 4; k++)
        memo_must(numbers[k] == element_of(&a, k));
    for (size_t k = 0; which == POINTS && k < (size_t)a.rows; k++)
        memo_must(points[k].label == (int16_t)k && points[k].at[0] == (double)a.seed &&
                  points[k].at[1] == (double)element_of(&a, k) / 8);
    mpijob_array_free(&array);
}

static void check_bytes(const functions *f, int process, int i)
{
    mpijob_job job = {.index = (uint64_t)(process * 100 + i)};
    mpijob_error err = {.text = ""};
    char got[24], wanted[24];
    memset(got, 0, sizeof got);
    memset(wanted, (int)job.index + 65, sizeof wanted);
    memo_must(mpijob_function_call(got, &f->all[BYTES], NULL, &job, &err) == MPIJOB_OK);
    memo_must(memcmp(got, wanted, sizeof got) == 0);
}

static void call_one(const functions *f, int which, int process, int i)
{
    if (which <= FIT_2)
        check_fit(f, which, process, i);
    else if (which == BYTES)
        check_bytes(f, process, i);
    else
        check_array(f, which, process, i);
}

/* cleared: also what was cleared. How many calls that were. */
static int call_all(const functions *f, int process, bool cleared)
{
    int count = 0;
    for (int which = 0; which < FUNCTIONS; which++)
        for (int i = 0; i < rounds_of(which); i++)
            if (cleared || which != FIT || i != CLEARED) {
                call_one(f, which, process, i);
                count++;
            }
    return count;
}

/* ---- Making ------------------------------------------------------------------------------------------------------ */

static void make_part(const char *location, int process)
{
    functions f;
    mpijob_error err;
    memo m;
    const fit_args cleared = fit_of(process, CLEARED);
    open_functions(&f, location);
    memo_open(&m, location);
    call_all(&f, process, true);
    memo_must(mpijob_function_clear_call(&f.all[FIT], &cleared, NULL, NULL, &err) == MPIJOB_OK);
    for (uint64_t i = 0; i < ENGINE; i++)
        if ((i % 2 == 1) == (process == 1))
            memo_must(memo_put(&m, i, (size_t)(i * 37 % 900), 1) == MPIJOB_OK);
    if (process == CLEARED % 2)
        memo_must(memo_clear(&m, CLEARED, 2) == MPIJOB_OK);
    if (process == 1) { /* killed: what was written is there, and nothing sealed */
        memo_must(mpijob_memory_sync(f.memory, &err) == MPIJOB_OK);
        memo_must(mpj_store_flush(m.store, true, &err) == MPIJOB_OK);
        _exit(0);
    }
    call_all(&f, process, false); /* records of use */
    mpijob_memory_close(f.memory);
    memo_close(&m);
}

void store_1_make(const char *location)
{
    for (int process = 0; process < 2; process++) {
        int state;
        pid_t child = fork();
        memo_must(child >= 0);
        if (child == 0) {
            make_part(location, process);
            _exit(0);
        }
        memo_must(waitpid(child, &state, 0) == child && WIFEXITED(state) && WEXITSTATUS(state) == 0);
    }
}

/* ---- Checking ---------------------------------------------------------------------------------------------------- */

void store_1_check(const char *location)
{
    functions f;
    mpijob_memory_stats stats;
    open_functions(&f, location);
    calls = 0;
    int count = call_all(&f, 0, false) + call_all(&f, 1, false);
    mpijob_memory_get_stats(f.memory, &stats);
    ck_assert_int_eq(calls, 0);
    ck_assert_int_eq(count, STORE_1_RESULTS);
    ck_assert_uint_eq(stats.hits, STORE_1_RESULTS);
    ck_assert_uint_eq(stats.misses, 0);
    ck_assert_uint_eq(stats.damaged, 0);
    for (int process = 0; process < 2; process++)
        call_one(&f, FIT, process, CLEARED);
    ck_assert_int_eq(calls, 2);
    mpijob_memory_close(f.memory);
}
