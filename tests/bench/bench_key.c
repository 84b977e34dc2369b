/* bench_key [--quick]: what naming a call costs, in nanoseconds; the median of 21 repeats, each right behind one of
 * mpijob_hash_record of the same struct.
 *   key          three numbers: two doubles and an int32
 *   key-shared   the same with two shared inputs
 *   key-text     three numbers and a short text: no plan, the general way
 *   key-index    no arguments */
#include "base/clock.h"
#include "memory/key.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REPEATS 21
#define CALLS 100000
#define TARGET_NS 300

typedef struct fit {
    double c, gamma;
    int32_t fold;
    const char *kernel;
} fit;

static const mpijob_field fields[] = {
    MPIJOB_FIELD(fit, c, MPIJOB_FLOAT64),
    MPIJOB_FIELD(fit, gamma, MPIJOB_FLOAT64),
    MPIJOB_FIELD(fit, fold, MPIJOB_INT32),
    MPIJOB_FIELD_STRING(fit, kernel),
};
static const mpijob_record numbers = {"fit", sizeof(fit), 3, fields};
static const mpijob_record with_text = {"fit", sizeof(fit), 4, fields};
static volatile uint8_t sink;

static int call(void *result, const void *args, mpijob_job *job)
{
    (void)result, (void)args, (void)job;
    return 0;
}

static double hash_ns(const mpijob_record *record, int calls)
{
    fit args = {10.0, 0.1, 0, "radial"};
    mpijob_digest digest = {{0}};
    double began = mpj_now();
    for (int i = 0; i < calls; i++) {
        args.fold = i;
        (void)mpijob_hash_record(&digest, &args, record, NULL);
        sink = digest.bytes[0];
    }
    return (mpj_now() - began) * 1e9 / calls;
}

static double key_ns(const mpj_signature *s, size_t shared_count, int calls)
{
    static const mpijob_digest shared[2] = {{{1}}, {{2}}};
    fit args = {10.0, 0.1, 0, "radial"};
    mpj_name name;
    double began = mpj_now();
    for (int i = 0; i < calls; i++) {
        args.fold = i;
        if (mpj_key(&name, s, s->args != NULL ? &args : NULL, (uint64_t)i, shared, shared_count, NULL) != MPIJOB_OK)
            abort();
        sink = name.key.bytes[0] ^ name.check.bytes[0];
    }
    return (mpj_now() - began) * 1e9 / calls;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void row(const char *name, const mpijob_record *record, size_t shared_count, double target, int calls)
{
    const mpijob_function function = {
        .name = "fit", .call = call, .args = record, .args_size = record ? sizeof(fit) : 0, .result_size = 8};
    double keys[REPEATS], hashes[REPEATS];
    mpj_signature s;
    if (mpj_signature_init(&s, &function, NULL, NULL) != MPIJOB_OK)
        abort();
    for (int i = 0; i < REPEATS; i++) {
        hashes[i] = record ? hash_ns(record, calls) : 0;
        keys[i] = key_ns(&s, shared_count, calls);
    }
    qsort(keys, REPEATS, sizeof *keys, ascending);
    qsort(hashes, REPEATS, sizeof *hashes, ascending);
    printf("row=%s ns=%.4g low=%.4g high=%.4g repeats=%d", name, keys[REPEATS / 2], keys[0], keys[REPEATS - 1],
           REPEATS);
    if (target > 0)
        printf(" target=%.4g met=%s", target, keys[REPEATS / 2] <= target ? "yes" : "no");
    if (record)
        printf(" hash_record_ns=%.4g", hashes[REPEATS / 2]);
    printf("\n");
    mpj_signature_dispose(&s);
}

int main(int argc, char **argv)
{
    int calls = argc > 1 && strcmp(argv[1], "--quick") == 0 ? CALLS / 10 : CALLS;
    row("key", &numbers, 0, TARGET_NS, calls);
    row("key-shared", &numbers, 2, 0, calls);
    row("key-text", &with_text, 0, 0, calls);
    row("key-index", NULL, 0, 0, calls);
    return 0;
}
