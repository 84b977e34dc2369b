/* Hashing 160 MB of float64 in memory. Rates are relative to bare calls of MurmurHash3 x64 128, right before, and right
 * after: 1 is as fast.
 *   hash            one thread, against one bare call over all of it
 *   hash-threads    as many threads as the library chooses, against one
 *   hash-transposed a transposed view of a matrix with every second column, one thread, against the same bare call:
 *                   what gathering costs
 * The seconds of hash-threads, the default, are compared with those of the peer joblib (peers/joblib_hash.py). */
#include "bench.h"

#include <murmurhash.h>
#include <stdlib.h>

#define REPEATS 9
#define ROWS ((size_t)4000)
#define COLUMNS ((size_t)5000)

typedef struct data {
    double *elements;
    size_t count;
    mpijob_array line, view;
} data;

static void make_data(data *d, bool quick)
{
    size_t rows = quick ? ROWS / 10 : ROWS;
    uint64_t state = 1;
    double walk = 0;
    d->count = rows * COLUMNS;
    d->elements = bench_memory(2 * d->count * sizeof *d->elements);
    for (size_t i = 0; i < 2 * d->count; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        walk += (double)(state >> 11) / 9007199254740992.0 - 0.5;
        d->elements[i] = walk;
    }
    mpijob_type type = mpijob_type_of(MPIJOB_FLOAT64);
    d->line = mpijob_array_of(d->elements, type, 1, &d->count);
    d->view = mpijob_array_of(d->elements, type, 2, (size_t[]){COLUMNS, rows});
    d->view.strides[0] = 2 * sizeof(double);
    d->view.strides[1] = 2 * (ptrdiff_t)COLUMNS * (ptrdiff_t)sizeof(double);
}

static double bare_s(const data *d)
{
    uint64_t out[2];
    double began = MPI_Wtime();
    lmmh_x64_128(d->elements, (unsigned)(d->count * sizeof(double)), 0, out);
    double seconds = MPI_Wtime() - began;
    bench_keep(out[0] ^ out[1]);
    return seconds;
}

static double hash_s(const mpijob_array *array, int threads)
{
    mpijob_error err;
    mpijob_digest digest;
    double began = MPI_Wtime();
    bench_require(mpijob_hash_array(&digest, array, &(mpijob_hash_options){.threads = threads}, &err), &err, "hash");
    double seconds = MPI_Wtime() - began;
    bench_keep(digest.bytes[0]);
    return seconds;
}

typedef struct row {
    const char *name;
    bool view;
    int threads;
    bench_sense sense;
    double target;
} row;

static void measure(const bench *b, const data *d, const row *r)
{
    double ratios[REPEATS], seconds[REPEATS], others[REPEATS];
    const mpijob_array *array = r->view ? &d->view : &d->line;
    int repeats = bench_repeats(b, REPEATS);
    bool bare = r->threads == 1;
    bare_s(d);
    for (int i = 0; i < repeats; i++) {
        double before = bare ? bare_s(d) : hash_s(array, 1);
        seconds[i] = hash_s(array, r->threads);
        others[i] = (before + (bare ? bare_s(d) : hash_s(array, 1))) / 2;
        ratios[i] = others[i] / seconds[i];
    }
    bench_print(b, &(bench_result){r->name, "ratio", ratios, repeats, r->sense, r->target},
                "seconds=%.4g %s_s=%.4g threads=%s mb=%.4g", bench_median(seconds, repeats),
                bare ? "bare" : "one_thread", bench_median(others, repeats), r->threads == 1 ? "1" : "auto",
                (double)d->count * sizeof(double) / 1e6);
}

int main(int argc, char **argv)
{
    static const row rows[] = {
        {"hash", false, 1, BENCH_AT_LEAST, 0.95},
        {"hash-threads", false, 0, BENCH_NO_TARGET, 0},
        {"hash-transposed", true, 1, BENCH_NO_TARGET, 0},
    };
    bench b;
    data d;
    bench_start_alone(&b, argc, argv);
    make_data(&d, b.quick);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (bench_wants(&b, rows[i].name))
            measure(&b, &d, &rows[i]);
    }
    free(d.elements);
    return bench_end();
}
