/* Calls of a cached function, whose result is one float64 and whose arguments are two float64 and an int32, page cache
 * warm; and of one whose result is 80 MB. Each repeat measures right before what it is compared with ("floor").
 *   hit            a result stored by another process           floor: the name of the call, and a pread of 192 bytes
 *   hit-array      the same through mpijob_function_call_array  floor: the same
 *   miss           asked for and not there                      floor: the name of the call
 *   store          computed at once and stored (recompute)      floor: the function itself
 *   call           asked for, not there, computed and stored    floor: the function itself
 *   large-mapped   80 MB, mmap_mode r                           floor: load of the same file, mmap_mode r
 *   large-copied   80 MB, copied to memory                      floor: load of the same file
 *   large-packed   80 MB, compressed                            floor: load of the same file
 * us: per call. The large rows tell the ratio floor / value too. usage: bench_memory [--quick] [ROW ...]; in TMPDIR. */
#include "base/clock.h"
#include "io/file.h"

#include <mpijob/core.h>

#include <fcntl.h>
#include <glob.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define REPEATS 9
#define CALLS ((size_t)100000)
#define LARGE_CALLS ((size_t)9)
#define LARGE_ELEMENTS ((size_t)10000000)
#define ENTRY_BYTES 192

typedef struct measured {
    double value, floor;
} measured;

static char folder[256], location[MPJ_PATH_BYTES];
static bool quick;
static char **rows;
static int row_count;

static void require(bool good, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "bench_memory: %s failed\n", what);
    exit(1);
}

/* ---- The functions ----------------------------------------------------------------------------------------------- */

typedef struct point {
    double c, gamma;
    int32_t fold;
} point;

static const mpijob_field fields[] = {
    MPIJOB_FIELD(point, c, MPIJOB_FLOAT64),
    MPIJOB_FIELD(point, gamma, MPIJOB_FLOAT64),
    MPIJOB_FIELD(point, fold, MPIJOB_INT32),
};
static const mpijob_record record = MPIJOB_RECORD_OF(point, fields);
static const mpijob_type float64 = {.kind = MPIJOB_FLOAT64};

static int score(void *result, const void *args, mpijob_job *job)
{
    (void)job;
    const point *p = args;
    *(double *)result = p->c + 3 * p->gamma;
    return 0;
}

static int fill(void *result, const void *args, mpijob_job *job)
{
    (void)result;
    const point *p = args;
    size_t count = (size_t)p->fold;
    double *values = mpijob_job_result_array(job, 1, &count);
    if (!values)
        return mpijob_job_fail(job, "no memory");
    uint64_t state = 1;
    for (size_t i = 0; i < count; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        values[i] = sin((double)i * 1e-4) + (double)(state >> 44) * 1e-9;
    }
    return 0;
}

static const mpijob_function small = {.name = "score",
                                      .call = score,
                                      .args_size = sizeof(point),
                                      .args = &record,
                                      .result_size = sizeof(double),
                                      .result = &float64};
static const mpijob_function large = {.name = "fill",
                                      .call = fill,
                                      .args_size = sizeof(point),
                                      .args = &record,
                                      .result_size = MPIJOB_ANY_SIZE,
                                      .result = &float64};

static point point_of(size_t number)
{
    return (point){(double)number, 1.0 / (double)(number + 1), (int32_t)(number % 5)};
}

static mpijob_memory *open_memory(mpijob_function *cached, const mpijob_function *function,
                                  const mpijob_memory_options *options)
{
    mpijob_memory *memory = NULL;
    require(mpijob_memory_open(&memory, location, options, NULL) == MPIJOB_OK, "opening a location");
    require(mpijob_memory_cache(cached, memory, function, NULL, NULL) == MPIJOB_OK, "caching");
    return memory;
}

static void call(const mpijob_function *function, size_t number)
{
    point args = point_of(number);
    double value = -1;
    require(mpijob_function_call(&value, function, &args, NULL, NULL) == MPIJOB_OK, "a call");
    require(value == args.c + 3 * args.gamma, "a value");
}

/* By another process, which has closed the location. */
static void stored_by_another(size_t count)
{
    int state;
    pid_t child = fork();
    require(child >= 0, "fork");
    if (child == 0) {
        mpijob_function cached;
        mpijob_memory *memory = open_memory(&cached, &small, NULL);
        for (size_t i = 0; i < count; i++)
            call(&cached, i);
        mpijob_memory_close(memory);
        _exit(0);
    }
    require(waitpid(child, &state, 0) == child && WIFEXITED(state) && WEXITSTATUS(state) == 0, "the other process");
}

static void remove_location(void)
{
    require(mpj_folder_remove(location, NULL) == MPIJOB_OK, "removing");
}

/* In an order that no index is in. */
static size_t shuffled(size_t i, size_t count)
{
    return (size_t)((i * (uint64_t)2654435761u + 12345) % count);
}

/* ---- Floors ------------------------------------------------------------------------------------------------------ */

static double names_alone(const mpijob_function *cached, size_t count)
{
    mpijob_digest key;
    double began = mpj_now();
    for (size_t i = 0; i < count; i++) {
        point args = point_of(i);
        require(mpijob_function_key(&key, cached, &args, NULL, NULL) == MPIJOB_OK, "a key");
    }
    return (mpj_now() - began) / (double)count * 1e6;
}

static double function_alone(size_t count)
{
    double began = mpj_now();
    for (size_t i = 0; i < count; i++)
        call(&small, i);
    return (mpj_now() - began) / (double)count * 1e6;
}

static void only_file(char path[MPJ_PATH_BYTES], const char *pattern)
{
    char whole[MPJ_PATH_BYTES];
    glob_t found;
    require(mpj_path_join(whole, location, pattern, NULL) == MPIJOB_OK, "a path");
    require(glob(whole, 0, NULL, &found) == 0 && found.gl_pathc == 1, "finding the file");
    snprintf(path, MPJ_PATH_BYTES, "%s", found.gl_pathv[0]);
    globfree(&found);
}

static double reads_alone(size_t count)
{
    char path[MPJ_PATH_BYTES], bytes[ENTRY_BYTES];
    only_file(path, "mpijob/score/segments/*.seg");
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    require(fd >= 0, "opening a segment");
    off_t length = lseek(fd, 0, SEEK_END) - ENTRY_BYTES;
    double began = mpj_now();
    for (size_t i = 0; i < count; i++)
        require(pread(fd, bytes, sizeof bytes, (off_t)(shuffled(i, count) * ENTRY_BYTES) % length) == ENTRY_BYTES,
                "pread");
    double seconds = mpj_now() - began;
    close(fd);
    return seconds / (double)count * 1e6;
}

/* ---- Small results ----------------------------------------------------------------------------------------------- */

static measured hit_row(size_t count, bool as_array)
{
    mpijob_function cached;
    stored_by_another(count);
    mpijob_memory *memory = open_memory(&cached, &small, NULL);
    measured m = {.floor = names_alone(&cached, count) + reads_alone(count)};
    for (size_t i = 0; i < count / 10; i++)
        call(&cached, shuffled(i, count));
    double began = mpj_now();
    for (size_t i = 0; i < count && !as_array; i++)
        call(&cached, shuffled(i, count));
    for (size_t i = 0; i < count && as_array; i++) {
        point args = point_of(shuffled(i, count));
        mpijob_array array;
        require(mpijob_function_call_array(&array, &cached, &args, NULL, NULL) == MPIJOB_OK, "a call");
        require(*(double *)array.data == args.c + 3 * args.gamma, "a value");
        mpijob_array_free(&array);
    }
    m.value = (mpj_now() - began) / (double)count * 1e6;
    mpijob_memory_stats stats;
    mpijob_memory_get_stats(memory, &stats);
    require(stats.misses == 0, "finding all results");
    mpijob_memory_close(memory);
    remove_location();
    return m;
}

static measured measure_hit(size_t count)
{
    return hit_row(count, false);
}

static measured measure_hit_array(size_t count)
{
    return hit_row(count, true);
}

static measured measure_miss(size_t count)
{
    mpijob_function cached;
    stored_by_another(count);
    mpijob_memory *memory = open_memory(&cached, &small, NULL);
    measured m = {.floor = names_alone(&cached, count)};
    double began = mpj_now();
    for (size_t i = 0; i < count; i++) {
        point args = point_of(count + i);
        require(mpijob_function_check_call_in_cache(&cached, &args, NULL, NULL) == 0, "a miss");
    }
    m.value = (mpj_now() - began) / (double)count * 1e6;
    mpijob_memory_close(memory);
    remove_location();
    return m;
}

static measured store_row(size_t count, bool look)
{
    mpijob_function cached;
    mpijob_memory *memory = open_memory(&cached, &small, NULL);
    measured m = {.floor = function_alone(count)};
    double began = mpj_now();
    for (size_t i = 0; i < count && look; i++)
        call(&cached, i);
    for (size_t i = 0; i < count && !look; i++) {
        point args = point_of(i);
        double value;
        require(mpijob_function_recompute(&value, &cached, &args, NULL, NULL) == MPIJOB_OK, "a call");
    }
    m.value = (mpj_now() - began) / (double)count * 1e6;
    mpijob_memory_stats stats;
    mpijob_memory_get_stats(memory, &stats);
    require(stats.stored == count, "storing all results");
    mpijob_memory_close(memory);
    remove_location();
    return m;
}

static measured measure_store(size_t count)
{
    return store_row(count, false);
}

static measured measure_call(size_t count)
{
    return store_row(count, true);
}

/* ---- Large results ----------------------------------------------------------------------------------------------- */

static double median(double *values, size_t count);

static double load_alone(const char *path, const char *mode)
{
    mpijob_array array;
    double began = mpj_now();
    require(mpijob_load(&array, path, &(mpijob_load_options){.mmap_mode = mode}, NULL) == MPIJOB_OK, "loading");
    double seconds = mpj_now() - began;
    mpijob_array_free(&array);
    return seconds * 1e6;
}

static double call_large(const mpijob_function *cached)
{
    point args = {1, 2, (int32_t)(LARGE_ELEMENTS / (quick ? 10 : 1))};
    mpijob_array array;
    double began = mpj_now();
    require(mpijob_function_call_array(&array, cached, &args, NULL, NULL) == MPIJOB_OK, "a call");
    double seconds = mpj_now() - began;
    mpijob_array_free(&array);
    return seconds * 1e6;
}

static measured large_row(size_t count, const char *mode, int compress)
{
    mpijob_function cached;
    char path[MPJ_PATH_BYTES];
    double values[LARGE_CALLS], floors[LARGE_CALLS];
    mpijob_memory *memory =
        open_memory(&cached, &large, &(mpijob_memory_options){.mmap_mode = mode, .compress = compress});
    call_large(&cached);
    only_file(path, "mpijob/fill/large/*/*");
    call_large(&cached);
    for (size_t i = 0; i < count; i++) {
        floors[i] = load_alone(path, mode);
        values[i] = call_large(&cached);
    }
    mpijob_memory_stats stats;
    mpijob_memory_get_stats(memory, &stats);
    require(stats.hits == count + 1, "finding the result");
    mpijob_memory_close(memory);
    remove_location();
    return (measured){median(values, count), median(floors, count)};
}

static measured measure_mapped(size_t count)
{
    return large_row(count, "r", 0);
}

static measured measure_copied(size_t count)
{
    return large_row(count, NULL, 0);
}

static measured measure_packed(size_t count)
{
    return large_row(count, NULL, 1);
}

/* ---- Rows -------------------------------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    measured (*measure)(size_t count);
    size_t count;
    int repeats;
    double target, ratio; /* us at most; floor / value at least */
} table[] = {
    {"hit", measure_hit, CALLS, REPEATS, 2, 0},
    {"hit-array", measure_hit_array, CALLS, REPEATS, INFINITY, 0},
    {"miss", measure_miss, CALLS, REPEATS, 2, 0},
    {"store", measure_store, CALLS, REPEATS, 4, 0},
    {"call", measure_call, CALLS, REPEATS, INFINITY, 0},
    {"large-mapped", measure_mapped, LARGE_CALLS, 1, 100, 0},
    {"large-copied", measure_copied, LARGE_CALLS, 1, INFINITY, 0},
    {"large-packed", measure_packed, LARGE_CALLS, 1, INFINITY, 0.9},
};

static int compare(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return a < b ? -1 : a > b;
}

static double median(double *values, size_t count)
{
    qsort(values, count, sizeof *values, compare);
    return values[count / 2];
}

static void run_row(size_t row)
{
    int repeats = quick && table[row].repeats > 3 ? 3 : table[row].repeats;
    size_t count = table[row].count > 1000 && quick ? table[row].count / 10 : table[row].count;
    double values[REPEATS], floors[REPEATS];
    for (int i = 0; i < repeats; i++) {
        measured m = table[row].measure(count);
        values[i] = m.value;
        floors[i] = m.floor;
    }
    double value = median(values, (size_t)repeats), floor = median(floors, (size_t)repeats);
    printf("row=%s us=%.3f low=%.3f high=%.3f floor=%.3f repeats=%d calls=%zu", table[row].name, value, values[0],
           values[repeats - 1], floor, repeats, count);
    if (isfinite(table[row].target))
        printf(" target=%g met=%s", table[row].target, value <= table[row].target ? "yes" : "no");
    if (table[row].ratio > 0)
        printf(" ratio=%.3f target=%g met=%s", floor / value, table[row].ratio,
               floor / value >= table[row].ratio ? "yes" : "no");
    printf("\n");
    fflush(stdout);
}

static bool wanted(const char *name)
{
    for (int i = 0; i < row_count; i++)
        if (strcmp(rows[i], name) == 0)
            return true;
    return row_count == 0;
}

int main(int argc, char **argv)
{
    const char *parent = getenv("TMPDIR");
    rows = argv + 1;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--quick") == 0)
            quick = true;
        else
            rows[row_count++] = argv[i];
    }
    snprintf(folder, sizeof folder, "%s/mpijob-bench-XXXXXX", parent && *parent ? parent : "/tmp");
    require(mkdtemp(folder) != NULL, "making a folder");
    require(mpj_path_join(location, folder, "location", NULL) == MPIJOB_OK, "a path");
    for (size_t row = 0; row < sizeof table / sizeof table[0]; row++)
        if (wanted(table[row].name))
            run_row(row);
    require(mpj_folder_remove(folder, NULL) == MPIJOB_OK, "removing");
    return 0;
}
