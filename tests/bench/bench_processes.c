/* Ten thousand processes, one after the other, of which each computes and stores one result, as a job array does that calls
 * a program for each of its members: what they leave in the location, and what that costs who looks up.
 *   processes-files  files and folders in the location afterwards
 *   processes-hit    us for one of these results, in random order    floor: a hit where one process stored them all
 *   processes-miss   us for what none of them stored                 floor: a miss there
 *   processes-store  us a process: opening, storing, closing         floor: a process that does nothing
 * usage: bench_processes [--quick]; works in TMPDIR. */
#include "base/clock.h"
#include "io/file.h"

#include <mpijob/core.h>

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROCESSES 10000
#define REPEATS 9

typedef struct point {
    double number;
} point;

static const mpijob_field fields[] = {MPIJOB_FIELD(point, number, MPIJOB_FLOAT64)};
static const mpijob_record record = MPIJOB_RECORD_OF(point, fields);
static const mpijob_type float64 = {.kind = MPIJOB_FLOAT64};

static int twice(void *result, const void *args, mpijob_job *job)
{
    (void)job;
    *(double *)result = 2 * ((const point *)args)->number;
    return 0;
}

static const mpijob_function plain = {.name = "twice",
                                      .call = twice,
                                      .args_size = sizeof(point),
                                      .args = &record,
                                      .result_size = sizeof(double),
                                      .result = &float64};

static char folder[256], many[MPJ_PATH_BYTES], one[MPJ_PATH_BYTES];

static void require(bool good, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "bench_processes: %s failed\n", what);
    exit(1);
}

static mpijob_memory *open_at(const char *location, mpijob_function *cached)
{
    mpijob_memory *memory = NULL;
    require(mpijob_memory_open(&memory, location, NULL, NULL) == MPIJOB_OK, "opening a location");
    require(mpijob_memory_cache(cached, memory, &plain, NULL, NULL) == MPIJOB_OK, "caching");
    return memory;
}

static void call(const mpijob_function *cached, int number)
{
    const point args = {number};
    double value = -1;
    require(mpijob_function_call(&value, cached, &args, NULL, NULL) == MPIJOB_OK && value == 2 * args.number, "a call");
}

static void store(const char *location, int from, int to)
{
    mpijob_function cached;
    mpijob_memory *memory = open_at(location, &cached);
    for (int i = from; i < to; i++)
        call(&cached, i);
    mpijob_memory_close(memory);
}

/* In a process of its own; location NULL: one that does nothing. */
static void store_apart(const char *location, int from, int to)
{
    int state;
    pid_t child = fork();
    require(child >= 0, "fork");
    if (child == 0) {
        if (location)
            store(location, from, to);
        _exit(0);
    }
    require(waitpid(child, &state, 0) == child && WIFEXITED(state) && WEXITSTATUS(state) == 0, "a process");
}

static double us_a_process(const char *location, int processes)
{
    double began = mpj_now();
    for (int i = 0; i < processes; i++)
        store_apart(location, i, i + 1);
    return 1e6 * (mpj_now() - began) / processes;
}

static int compare(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return a < b ? -1 : a > b;
}

static void print(const char *row, const char *unit, double *values, double *floors, int repeats, double target,
                  int processes)
{
    qsort(values, (size_t)repeats, sizeof *values, compare);
    printf("row=%s %s=%.3f low=%.3f high=%.3f repeats=%d processes=%d", row, unit, values[repeats / 2], values[0],
           values[repeats - 1], repeats, processes);
    if (floors) {
        qsort(floors, (size_t)repeats, sizeof *floors, compare);
        printf(" floor=%.3f", floors[repeats / 2]);
    }
    if (isfinite(target))
        printf(" target=%g met=%s", target, values[repeats / 2] <= target ? "yes" : "no");
    printf("\n");
    fflush(stdout);
}

static double us_a_hit(const char *location, int count)
{
    mpijob_function cached;
    mpijob_memory_stats stats;
    mpijob_memory *memory = open_at(location, &cached);
    call(&cached, 0);
    double began = mpj_now();
    for (int i = 0; i < count; i++)
        call(&cached, (int)((i * INT64_C(2654435761)) % count));
    double us = 1e6 * (mpj_now() - began) / count;
    mpijob_memory_get_stats(memory, &stats);
    require(stats.misses == 0, "finding all results");
    mpijob_memory_close(memory);
    return us;
}

static double us_a_miss(const char *location, int count)
{
    mpijob_function cached;
    mpijob_memory *memory = open_at(location, &cached);
    call(&cached, 0);
    double began = mpj_now();
    for (int i = 0; i < count; i++) {
        const point args = {-1 - i};
        require(mpijob_function_check_call_in_cache(&cached, &args, NULL, NULL) == 0, "a miss");
    }
    double us = 1e6 * (mpj_now() - began) / count;
    mpijob_memory_close(memory);
    return us;
}

static void look_up(const char *row, double (*us)(const char *, int), int processes)
{
    double values[REPEATS], floors[REPEATS];
    for (int i = 0; i < REPEATS; i++) {
        floors[i] = us(one, processes);
        values[i] = us(many, processes);
    }
    print(row, "us", values, floors, REPEATS, 5, processes);
}

int main(int argc, char **argv)
{
    const char *parent = getenv("TMPDIR");
    int processes = argc > 1 && strcmp(argv[1], "--quick") == 0 ? PROCESSES / 20 : PROCESSES;
    mpijob_store *looked;
    mpijob_store_stats stats;
    snprintf(folder, sizeof folder, "%s/mpijob-bench-XXXXXX", parent && *parent ? parent : "/tmp");
    require(mkdtemp(folder) != NULL, "making a folder");
    require(mpj_path_join(many, folder, "many", NULL) == MPIJOB_OK &&
                mpj_path_join(one, folder, "one", NULL) == MPIJOB_OK,
            "a path");

    double floor = us_a_process(NULL, processes);
    double cost = us_a_process(many, processes);
    print("processes-store", "us", &cost, &floor, 1, INFINITY, processes);
    store_apart(one, 0, processes);
    require(mpijob_store_open(&looked, many, NULL, NULL) == MPIJOB_OK, "opening the store");
    require(mpijob_store_get_stats(&stats, looked, NULL, NULL) == MPIJOB_OK, "counting");
    require(stats.entries == (uint64_t)processes, "keeping all results");
    mpijob_store_close(looked);
    double files = (double)(stats.files + stats.folders);
    print("processes-files", "count", &files, NULL, 1, 200, processes);
    look_up("processes-hit", us_a_hit, processes);
    look_up("processes-miss", us_a_miss, processes);
    require(mpj_folder_remove(folder, NULL) == MPIJOB_OK, "removing");
    return 0;
}
