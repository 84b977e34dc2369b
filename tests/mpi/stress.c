/* stress [SEED [RUNS [MICROSECONDS]]]: runs with random options, sizes, durations (up to so many) and failures, on random
 * sub-communicators, and checks every result. Prints the seed of the run that went wrong. */
#include <mpijob.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MOST_JOBS 600
#define MOST_BYTES 9000

/* What a run is: the same on all its ranks. */
typedef struct trial {
    uint64_t seed;
    uint64_t jobs;
    size_t args_bytes;   /* 0, or at least 8 */
    size_t result_bytes; /* MPIJOB_ANY_SIZE */
    int inputs;          /* 0: range or array, 1: generator, 2: of unknown count */
    uint64_t fail_one_in; /* 0: none */
    unsigned most_us;
    bool reduces;
    mpijob_parallel_options options;
} trial;

/* What rank 0 saw. */
typedef struct seen {
    const trial *t;
    uint64_t calls, holes, folded;
    unsigned char got[MOST_JOBS];
    bool wrong;
} seen;

static uint64_t mix(uint64_t a, uint64_t b)
{
    uint64_t x = a + b * UINT64_C(0x9E3779B97F4A7C15);
    x = (x ^ x >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    x = (x ^ x >> 27) * UINT64_C(0x94D049BB133111EB);
    return x ^ x >> 31;
}

static bool must_fail(const trial *t, uint64_t index)
{
    return t->fail_one_in && mix(t->seed, index + 1000000) % t->fail_one_in == 0;
}

static size_t result_bytes_of(const trial *t, uint64_t index)
{
    return t->result_bytes != MPIJOB_ANY_SIZE ? t->result_bytes : mix(t->seed, index + 2000000) % MOST_BYTES;
}

static void fill(const trial *t, uint64_t index, unsigned char *to, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        to[i] = (unsigned char)(t->seed + index * 13 + i);
}

static bool is_filled(const trial *t, uint64_t index, const unsigned char *from, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        if (from[i] != (unsigned char)(t->seed + index * 13 + i))
            return false;
    return true;
}

static bool is_zero(const unsigned char *from, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        if (from[i])
            return false;
    return true;
}

static int work(void *result, const void *args, mpijob_job *job)
{
    const trial *t = job->context;
    size_t bytes = result_bytes_of(t, job->index);
    unsigned char *to = t->result_bytes == MPIJOB_ANY_SIZE ? mpijob_job_result(job, bytes) : result;
    struct timespec pause = {0, t->most_us ? (long)(mix(t->seed, job->index) % t->most_us % 1000000) * 1000 : 0};
    if (pause.tv_nsec)
        nanosleep(&pause, NULL);
    if (t->args_bytes && !is_filled(t, job->index, args, t->args_bytes))
        return mpijob_job_fail(job, "wrong arguments");
    if (to)
        fill(t, job->index, to, bytes);
    return must_fail(t, job->index) ? mpijob_job_fail(job, "meant to") : 0;
}

static int give(void *args, double *cost, uint64_t index, void *payload, mpijob_error *err)
{
    const trial *t = payload;
    (void)err;
    if (index >= t->jobs)
        return MPIJOB_END;
    if (args)
        fill(t, index, args, t->args_bytes);
    *cost = (double)(mix(t->seed, index) % 7);
    return MPIJOB_MORE;
}

static int take(const void *result, size_t bytes, uint64_t index, const mpijob_error *failure, void *payload,
                mpijob_error *err)
{
    seen *s = payload;
    const trial *t = s->t;
    (void)err;
    bool ordered = t->reduces || t->options.return_as == MPIJOB_GENERATOR;
    s->wrong = s->wrong || index >= t->jobs || s->got[index]++ || (failure != NULL) != must_fail(t, index) ||
               (ordered && !t->reduces && index != s->calls) || (ordered && index < s->calls);
    s->wrong = s->wrong || (!failure && (bytes != result_bytes_of(t, index) || !is_filled(t, index, result, bytes)));
    s->calls++;
    s->holes += failure != NULL;
    return MPIJOB_GO_ON;
}

static int fold(void *accumulator, const void *result, size_t bytes, uint64_t index, void *payload, mpijob_error *err)
{
    uint64_t *sum = accumulator;
    *sum = mix(*sum, index);
    return take(result, bytes, index, NULL, payload, err);
}

/* -- A random run -- */

static uint64_t pick(uint64_t *state, uint64_t below)
{
    *state = mix(*state, 1);
    return *state % below;
}

static uint64_t longest_us = 1000;

static void choose(trial *t, uint64_t seed)
{
    static const size_t sizes[] = {0, 1, 8, 24, 300, MOST_BYTES};
    static const size_t args[] = {0, 0, 8, 40, 5000};
    static const char *const windows[] = {NULL, NULL, "all", "2*n_jobs", "1", "17"};
    static const uint64_t batches[] = {0, 0, 0, 1, 2, 19};
    uint64_t s = seed;
    memset(t, 0, sizeof *t);
    t->seed = seed;
    t->jobs = pick(&s, 4) ? pick(&s, MOST_JOBS) : pick(&s, 5);
    t->args_bytes = args[pick(&s, 5)];
    t->inputs = (int)pick(&s, 3);
    t->fail_one_in = pick(&s, 3) ? 0 : 1 + pick(&s, 200);
    t->most_us = pick(&s, 2) ? 0 : (unsigned)pick(&s, longest_us);
    t->options.return_as = (int)pick(&s, 3);
    t->reduces = t->options.return_as == MPIJOB_LIST && pick(&s, 3) == 0;
    bool list = t->options.return_as == MPIJOB_LIST && !t->reduces;
    t->result_bytes = !list && pick(&s, 3) == 0 ? MPIJOB_ANY_SIZE : sizes[pick(&s, 6)];
    if (list && t->inputs == 2)
        t->inputs = 1;
    t->options.on_error = (int)pick(&s, 2);
    t->options.rank0 = (int)pick(&s, 3);
    t->options.n_jobs = (int)pick(&s, 4) - 2;
    t->options.batch_size = batches[pick(&s, 6)];
    t->options.max_batch_size = pick(&s, 4) ? 0 : 1 + pick(&s, 9);
    t->options.pre_dispatch = windows[pick(&s, 6)];
    t->options.everywhere = t->reduces || (list && t->result_bytes > 0) ? (int)pick(&s, 2) : 0;
    t->options.accumulator_size = t->reduces ? sizeof(uint64_t) : 0;
    t->options.jobs_call_mpi = pick(&s, 4) == 0;
}

static unsigned char results[(size_t)MOST_JOBS * MOST_BYTES];
static unsigned char array[(size_t)MOST_JOBS * MOST_BYTES];

static bool list_is_right(const trial *t, const int8_t *statuses, bool all_run)
{
    for (uint64_t i = 0; i < t->jobs; i++) {
        const unsigned char *result = results + i * t->result_bytes;
        if (statuses[i] == MPIJOB_ECANCELED ? all_run || !is_zero(result, t->result_bytes)
            : must_fail(t, i)               ? statuses[i] != MPIJOB_EJOB || !is_zero(result, t->result_bytes)
                                            : statuses[i] != MPIJOB_OK || !is_filled(t, i, result, t->result_bytes))
            return false;
    }
    return true;
}

static bool go(const trial *t, MPI_Comm comm)
{
    static int8_t statuses[MOST_JOBS];
    static double costs[MOST_JOBS];
    seen s = {.t = t};
    mpijob_stats stats = {.jobs = 0};
    mpijob_error err = {.text = ""};
    mpijob_inputs inputs = mpijob_range(t->jobs);
    mpijob_parallel_options options = t->options;
    mpijob_function function = {
        .name = "work", .call = work, .args_size = t->args_bytes, .result_size = t->result_bytes};
    uint64_t sum = 0;
    int rank;
    MPI_Comm_rank(comm, &rank);
    bool list = t->options.return_as == MPIJOB_LIST && !t->reduces;
    memset(results, 0, t->jobs * (list ? t->result_bytes : 0));
    if (t->inputs > 0)
        inputs = mpijob_generator(give, (void *)(uintptr_t)t, t->inputs == 1 ? t->jobs : MPIJOB_UNKNOWN);
    else if (t->args_bytes)
        inputs.array = array;
    for (uint64_t i = 0; t->inputs == 0 && i < t->jobs; i++) {
        fill(t, i, array + i * t->args_bytes, t->args_bytes);
        costs[i] = (double)(mix(t->seed, i) % 1000);
    }
    if (t->inputs == 0 && t->seed % 2)
        inputs.costs = costs;
    options.context = (void *)(uintptr_t)t;
    options.stats = &stats;
    options.consume = list || t->reduces ? NULL : take;
    options.consume_payload = options.reduce_payload = &s;
    options.reduce = t->reduces ? fold : NULL;
    options.statuses = list ? statuses : NULL;
    int status = mpijob_parallel(t->reduces ? (void *)&sum : results, &function, &inputs, comm, &options, &err);

    uint64_t failing = 0;
    for (uint64_t i = 0; i < t->jobs; i++)
        failing += must_fail(t, i);
    bool all_run = failing == 0 || t->options.on_error == MPIJOB_CONTINUE;
    bool right = status == (failing ? MPIJOB_EJOB : MPIJOB_OK) &&
                 (!failing || (must_fail(t, (uint64_t)err.job) && strstr(err.text, "meant to")));
    if (rank == 0 || (t->options.everywhere && list))
        right = right && (!list || list_is_right(t, statuses, all_run));
    if (rank == 0) {
        uint64_t handed = t->reduces ? t->jobs - failing : t->jobs;
        right = right && !s.wrong && (!all_run || stats.jobs == t->jobs) && (!all_run || list || s.calls == handed) &&
                (!all_run || stats.failed == failing);
    }
    if (!right)
        fprintf(stderr, "stress: rank %d: status %d, '%s', %d jobs, %d failing, %d calls, wrong %d\n", rank, status,
                err.text, (int)t->jobs, (int)failing, (int)s.calls, s.wrong);
    /* Each result in `results` reached all. */
    uint64_t sums[2] = {sum, ~sum};
    MPI_Allreduce(MPI_IN_PLACE, sums, 2, MPI_UINT64_T, MPI_MIN, comm);
    return right && (!t->options.everywhere || !t->reduces || sums[0] == ~sums[1]);
}

/* One trial of this seed: on a part of the ranks, or on several parts at the same time. */
static bool try(uint64_t seed)
{
    int rank;
    trial t;
    MPI_Comm comm = MPI_COMM_WORLD;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    uint64_t colour = mix(seed, 77) % 3 ? 0 : mix(seed, (uint64_t)rank) % 2;
    bool splits = mix(seed, 77) % 3 == 0;
    if (splits)
        MPI_Comm_split(MPI_COMM_WORLD, (int)colour, (int)(mix(seed, (uint64_t)rank + 50) % 100), &comm);
    choose(&t, mix(seed, colour));
    int right = go(&t, comm);
    if (splits)
        MPI_Comm_free(&comm);
    MPI_Allreduce(MPI_IN_PLACE, &right, 1, MPI_INT, MPI_MIN, MPI_COMM_WORLD);
    if (!right && rank == 0)
        fprintf(stderr, "stress: seed %llu went wrong: repeat it by `stress %llu 1`\n", (unsigned long long)seed,
                (unsigned long long)seed);
    return right != 0;
}

int main(int argc, char **argv)
{
    if (mpijob_init(&argc, &argv, 0, NULL) != MPIJOB_OK)
        return EXIT_FAILURE;
    uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
    uint64_t runs = argc > 2 ? strtoull(argv[2], NULL, 10) : 100;
    longest_us = argc > 3 ? strtoull(argv[3], NULL, 10) : longest_us;
    int wrong = 0;
    for (uint64_t i = 0; i < runs; i++)
        wrong += !try(seed + i);
    return mpijob_finalize(NULL) == MPIJOB_OK && wrong == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
