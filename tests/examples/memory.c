/* Computes once, ever: the number below `limit` from which it takes longest to get to 1, by halving even numbers and
 * taking odd ones times 3 plus 1. Run it a second time: everything is found.
 *
 *     ./memory [folder]
 */
#include <inttypes.h>
#include <mpijob/core.h>
#include <stdio.h>

typedef struct {
    uint64_t limit;
} search;

typedef struct {
    uint64_t start;
    uint64_t steps;
} path;

static int longest(void *result, const void *args, mpijob_job *job)
{
    (void)job;
    const search *s = args;
    path best = {0, 0};
    for (uint64_t start = 1; start < s->limit; start++) {
        uint64_t steps = 0;
        for (uint64_t n = start; n != 1; n = n % 2 ? 3 * n + 1 : n / 2)
            steps++;
        if (steps > best.steps)
            best = (path){start, steps};
    }
    *(path *)result = best;
    return 0;
}

/* What the two structs hold: the key of a call is made of it, and numpy reads it. */
static const mpijob_field search_fields[] = {MPIJOB_FIELD(search, limit, MPIJOB_UINT64)};
static const mpijob_record search_record = MPIJOB_RECORD_OF(search, search_fields);
static const mpijob_field path_fields[] = {
    MPIJOB_FIELD(path, start, MPIJOB_UINT64),
    MPIJOB_FIELD(path, steps, MPIJOB_UINT64),
};
static const mpijob_record path_record = MPIJOB_RECORD_OF(path, path_fields);

int main(int argc, char **argv)
{
    mpijob_memory *memory;
    mpijob_error err;
    const mpijob_type path_type = mpijob_type_record(&path_record);
    mpijob_function function = {.name = "longest",
                                .call = longest,
                                .args_size = sizeof(search),
                                .args = &search_record,
                                .result_size = sizeof(path),
                                .result = &path_type};

    if (mpijob_memory_open(&memory, argc > 1 ? argv[1] : "cache", NULL, &err) != MPIJOB_OK ||
        mpijob_memory_cache(&function, memory, &function, NULL, &err) != MPIJOB_OK) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    for (uint64_t limit = 100; limit <= 1000000; limit *= 10) {
        search args = {limit};
        path best;
        if (mpijob_function_call(&best, &function, &args, NULL, &err) != MPIJOB_OK) {
            fprintf(stderr, "%s\n", err.text);
            return 1;
        }
        printf("below %7" PRIu64 ": from %6" PRIu64 " in %3" PRIu64 " steps\n", limit, best.start, best.steps);
    }
    mpijob_memory_stats_print(stderr, memory);
    mpijob_memory_close(memory);
    return 0;
}
