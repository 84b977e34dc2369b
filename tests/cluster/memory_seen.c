/* How long it takes until a result that one host stored is found by another: memory_seen LOCATION store|look COUNT
 *
 * `store` computes a result each second, `look` asks for one after the other until it is there; both print, a line each,
 * when that was. The hosts of a scenario share one clock. Exit status 3: one was not found within a minute. */
#include "base/clock.h"

#include <mpijob/core.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LOOK_S 0.01
#define PATIENCE_S 60

typedef struct point {
    int64_t number;
} point;

static const mpijob_field fields[] = {MPIJOB_FIELD(point, number, MPIJOB_INT64)};
static const mpijob_record record = MPIJOB_RECORD_OF(point, fields);
static const mpijob_type real = {.kind = MPIJOB_FLOAT64};

static int half(void *result, const void *args, mpijob_job *job)
{
    double value = (double)((const point *)args)->number / 2;
    (void)job;
    memcpy(result, &value, sizeof value);
    return 0;
}

static const mpijob_function half_function = {.name = "half",
                                              .call = half,
                                              .args_size = sizeof(point),
                                              .args = &record,
                                              .result_size = sizeof(double),
                                              .result = &real};

static void print_time(double at)
{
    printf("%.3f\n", at);
    fflush(stdout);
}

static int store(const mpijob_function *cached, int64_t count)
{
    mpijob_error err;
    for (int64_t i = 0; i < count; i++) {
        const point args = {i};
        double value;
        sleep(1);
        if (mpijob_function_call(&value, cached, &args, NULL, &err) != MPIJOB_OK) {
            fprintf(stderr, "memory_seen: %s\n", err.text);
            return 1;
        }
        print_time(mpj_now());
    }
    sleep(PATIENCE_S); /* what is found is not what closing wrote */
    return 0;
}

static int look(const mpijob_function *cached, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        const point args = {i};
        double until = mpj_now() + PATIENCE_S;
        while (mpijob_function_check_call_in_cache(cached, &args, NULL, NULL) != 1) {
            if (mpj_now() > until)
                return 3;
            usleep((useconds_t)(1e6 * LOOK_S));
        }
        print_time(mpj_now());
    }
    return 0;
}

int main(int argc, char **argv)
{
    mpijob_memory *memory;
    mpijob_function cached;
    mpijob_error err;
    if (argc != 4)
        return 2;
    if (mpijob_memory_open(&memory, argv[1], NULL, &err) != MPIJOB_OK ||
        mpijob_memory_cache(&cached, memory, &half_function, NULL, &err) != MPIJOB_OK) {
        fprintf(stderr, "memory_seen: %s\n", err.text);
        return 1;
    }
    int64_t count = strtoll(argv[3], NULL, 10);
    int failed = strcmp(argv[2], "store") == 0 ? store(&cached, count) : look(&cached, count);
    mpijob_memory_close(memory);
    return failed;
}
