/*
 * The best C and gamma of a support-vector machine, by cross-validation: a grid search over all ranks.
 *
 * Rank 0 reads the data and shares it. A first run computes the kernel matrix of each gamma, some rows a job; its
 * results lie in memory that is then shared too, once per node. A second run makes all fits: one job for each C, gamma
 * and fold. With --memory their scores are kept, and what was computed once is not computed again; when no fit is
 * missing, no matrix is computed either.
 */
#include "digits/arguments.h"
#include "digits/kernel.h"
#include "digits/scores.h"

#include <mpijob.h>
#include <mpijob/memory.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Exit statuses; 75 is what sysexits.h calls EX_TEMPFAIL: a job script can start the search again. */
enum {
    FOUND = 0,
    FAILED = 1,
    WRONG_OPTION = 2,
    STOPPED = 75
};

/* The shared inputs, in their order. */
enum {
    DATASET,
    KERNELS,
    INPUTS
};

struct search {
    int rank;
    struct arguments arguments;
    mpijob_shared *shared[INPUTS];
    mpijob_memory *memory;
    mpijob_function fit;
    char data[MPIJOB_DIGEST_TEXT_BYTES]; /* digest of the data, as they are scaled and divided into folds; rank 0's */
    FILE *counts;                        /* rank 0's; NULL: not wanted */
};

/* ---- The jobs ---- */

static int compute_kernels(void *slab, const void *args, mpijob_job *job)
{
    const struct search *search = job->context;
    const struct axis *gamma = &search->arguments.gamma;
    (void)args;
    kernel_fill_slab(slab, (int)job->index, mpijob_shared_data(job->shared[DATASET]), gamma->values, gamma->count);
    return 0;
}

/* What a score depends on: all of it is in the key of a stored one. */
struct cell {
    double c;
    double gamma;
    int32_t fold;
    char data[MPIJOB_DIGEST_TEXT_BYTES];
};

static const mpijob_field cell_fields[] = {
    MPIJOB_FIELD(struct cell, c, MPIJOB_FLOAT64),
    MPIJOB_FIELD(struct cell, gamma, MPIJOB_FLOAT64),
    MPIJOB_FIELD(struct cell, fold, MPIJOB_INT32),
    MPIJOB_FIELD(struct cell, data, MPIJOB_BYTES),
};
static const mpijob_record cell_record = MPIJOB_RECORD_OF(struct cell, cell_fields);

static const mpijob_field score_fields[] = {
    MPIJOB_FIELD(struct fit_score, correct, MPIJOB_INT32),
    MPIJOB_FIELD(struct fit_score, tested, MPIJOB_INT32),
};
static const mpijob_record score_record = MPIJOB_RECORD_OF(struct fit_score, score_fields);
static const mpijob_type score_type = {.kind = MPIJOB_RECORD, .record = &score_record};

/* Job number `index`: C by C, in these gamma by gamma, in these fold by fold. */
static struct cell cell_of(const struct search *search, uint64_t index)
{
    const struct arguments *arguments = &search->arguments;
    uint64_t folds = (uint64_t)arguments->folds;
    uint64_t gammas = (uint64_t)arguments->gamma.count;
    struct cell cell = {.c = arguments->c.values[index / folds / gammas],
                        .gamma = arguments->gamma.values[index / folds % gammas],
                        .fold = (int32_t)(index % folds)};
    memcpy(cell.data, search->data, sizeof cell.data);
    return cell;
}

static int number_of(const struct axis *gamma, double value)
{
    int number = 0;
    while (number + 1 < gamma->count && gamma->values[number] != value)
        number++;
    return number;
}

static int fit(void *score, const void *args, mpijob_job *job)
{
    const struct search *search = job->context;
    const struct cell *cell = args;
    if (!search->shared[KERNELS])
        return mpijob_job_fail(job, "a score went away while it was looked for: start the search again");
    const struct dataset *dataset = mpijob_shared_data(search->shared[DATASET]);
    struct kernel kernel = {.slabs = mpijob_shared_data(search->shared[KERNELS]),
                            .samples = dataset->samples,
                            .gammas = search->arguments.gamma.count,
                            .gamma = number_of(&search->arguments.gamma, cell->gamma)};
    struct problem problem;
    if (fit_fold(score, dataset, &kernel, cell->c, cell->fold, &problem) != 0)
        return mpijob_job_fail(job, "the fit with C = %g failed: %s", cell->c, problem.text);
    return 0;
}

/* The context only holds what the arguments stand for: the data, by their digest. */
static const mpijob_function fit_function = {.name = "fit",
                                             .call = fit,
                                             .args_size = sizeof(struct cell),
                                             .args = &cell_record,
                                             .result_size = sizeof(struct fit_score),
                                             .result = &score_type,
                                             .context_free = 1,
                                             .version = 1};

/* ---- The two runs ---- */

static mpijob_parallel_options run_options(struct search *search, size_t shared_count)
{
    const struct arguments *arguments = &search->arguments;
    return (mpijob_parallel_options){.n_jobs = arguments->n_jobs,
                                     .verbose = arguments->verbose,
                                     .progress = arguments->progress,
                                     .print_stats = arguments->stats,
                                     .context = search,
                                     .shared = (const mpijob_shared *const *)search->shared,
                                     .shared_count = shared_count};
}

/* Every rank has the same status and error record, so one of them speaks for all. */
static int explain(int status, const mpijob_error *err, const struct search *search)
{
    if (status != MPIJOB_OK && search->rank == 0)
        fprintf(stderr, "gridsearch: %s\n", err->text);
    return status == MPIJOB_OK ? FOUND : status == MPIJOB_ECANCELED ? STOPPED : FAILED;
}

static int share_kernels(struct search *search)
{
    const struct dataset *dataset = mpijob_shared_data(search->shared[DATASET]);
    mpijob_function function = {.name = "kernels",
                                .call = compute_kernels,
                                .result_size = kernel_slab_bytes(dataset->samples, search->arguments.gamma.count)};
    mpijob_inputs inputs = mpijob_range((uint64_t)kernel_slabs(dataset->samples));
    mpijob_parallel_options options = run_options(search, 1);
    size_t bytes = inputs.count * function.result_size;
    void *kernels;

    mpijob_error err;
    int status = mpijob_share_begin(&search->shared[KERNELS], &kernels, bytes, MPI_COMM_WORLD, NULL, &err);
    if (status == MPIJOB_OK)
        status = mpijob_parallel(kernels, &function, &inputs, MPI_COMM_WORLD, &options, &err);
    if (status == MPIJOB_OK)
        status = mpijob_share_seal(search->shared[KERNELS], &err);
    return explain(status, &err, search);
}

static void report(const struct search *search, const struct fit_score *fits)
{
    const struct arguments *arguments = &search->arguments;
    struct scores scores = {&arguments->c, &arguments->gamma, arguments->folds, fits};
    scores_print(stdout, &scores);
    if (search->counts)
        scores_write(search->counts, &scores);
}

/* A narrow kernel or a weak C makes most samples support vectors, and such a fit takes about four times as long. */
static double expected_cost(double c, double gamma)
{
    return gamma > 0.5 || c * gamma < 0.005 ? 4 : 1;
}

/* NULL, without memory, is fine: then the jobs start in index order. */
static double *expected_costs(const struct cell *cells, uint64_t jobs)
{
    double *costs = malloc(jobs * sizeof *costs);
    for (uint64_t i = 0; costs && i < jobs; i++)
        costs[i] = expected_cost(cells[i].c, cells[i].gamma);
    return costs;
}

static uint64_t count_jobs(const struct arguments *arguments)
{
    return (uint64_t)arguments->c.count * (uint64_t)arguments->gamma.count * (uint64_t)arguments->folds;
}

static struct cell *all_cells(const struct search *search)
{
    uint64_t jobs = count_jobs(&search->arguments);
    struct cell *cells = malloc(jobs * sizeof *cells);
    for (uint64_t i = 0; cells && i < jobs; i++)
        cells[i] = cell_of(search, i);
    return cells;
}

static int fit_all(struct search *search)
{
    uint64_t jobs = count_jobs(&search->arguments);
    struct cell *cells = search->rank == 0 ? all_cells(search) : NULL;
    double *costs = cells ? expected_costs(cells, jobs) : NULL;
    struct fit_score *fits = search->rank == 0 ? malloc(jobs * sizeof *fits) : NULL;
    mpijob_inputs inputs = mpijob_arguments(cells, jobs);
    mpijob_parallel_options options = run_options(search, 0);
    inputs.costs = costs;

    mpijob_error err;
    int status = mpijob_parallel(fits, &search->fit, &inputs, MPI_COMM_WORLD, &options, &err);
    if (status == MPIJOB_OK && search->rank == 0)
        report(search, fits);
    free(fits);
    free(costs);
    free(cells);
    return explain(status, &err, search);
}

/* Whether some score is not in Memory: then all ranks compute the kernels. */
static int something_is_missing(const struct search *search)
{
    int missing = search->arguments.memory == NULL;
    for (uint64_t i = 0; search->rank == 0 && !missing && i < count_jobs(&search->arguments); i++) {
        struct cell cell = cell_of(search, i);
        missing = mpijob_function_check_call_in_cache(&search->fit, &cell, NULL, NULL) != 1;
    }
    MPI_Bcast(&missing, 1, MPI_INT, 0, MPI_COMM_WORLD);
    return missing;
}

/* ---- Before and after ---- */

static int prepare(struct search *search, struct dataset **dataset, size_t *bytes, struct problem *problem)
{
    const struct arguments *arguments = &search->arguments;
    if (arguments->counts && scores_open(&search->counts, arguments->counts, problem) != 0)
        return -1;
    return dataset_read(dataset, bytes, arguments->data, arguments->scale, arguments->folds, problem);
}

/* That rank 0 has no data is told to the others by sharing 0 bytes. */
static int share_dataset(struct search *search)
{
    struct problem problem;
    struct dataset *dataset = NULL;
    size_t bytes = 0;
    if (search->rank == 0 && prepare(search, &dataset, &bytes, &problem) != 0)
        fprintf(stderr, "gridsearch: %s\n", problem.text);
    mpijob_error err;
    mpijob_digest digest;
    mpijob_array block = mpijob_array_of(dataset, (mpijob_type){.kind = MPIJOB_UINT8}, 1, &bytes);
    if (dataset && mpijob_hash_array(&digest, &block, NULL, &err) == MPIJOB_OK)
        mpijob_digest_text(search->data, &digest);
    int status = mpijob_share(&search->shared[DATASET], dataset, bytes, MPI_COMM_WORLD, NULL, &err);
    free(dataset);
    if (status != MPIJOB_OK)
        return explain(status, &err, search);
    return mpijob_shared_bytes(search->shared[DATASET]) > 0 ? FOUND : FAILED;
}

/* Every rank opens the location, if there is one. What is wrong with it is told, and keeps nobody from searching. */
static int open_memory(struct search *search)
{
    mpijob_error err;
    int status = mpijob_memory_open(&search->memory, search->arguments.memory, NULL, &err);
    if (status == MPIJOB_OK)
        status = mpijob_memory_cache(&search->fit, search->memory, &fit_function, NULL, &err);
    return explain(status, &err, search);
}

static int search_grid(struct search *search)
{
    double began = MPI_Wtime();
    int status = share_dataset(search);
    if (status == FOUND)
        status = open_memory(search);
    if (status == FOUND && something_is_missing(search))
        status = share_kernels(search);
    if (status == FOUND)
        status = fit_all(search);
    if (scores_close(search->counts) != 0 || fflush(stdout) != 0) {
        perror("gridsearch: writing the results");
        status = FAILED;
    }
    if (status == FOUND && search->rank == 0 && search->arguments.stats)
        fprintf(stderr, "Search     in %.2f s, from reading the data to the table\n", MPI_Wtime() - began);
    mpijob_memory_close(search->memory);
    mpijob_share_free(search->shared[KERNELS]);
    mpijob_share_free(search->shared[DATASET]);
    return status;
}

static void stop(int number)
{
    (void)number;
    mpijob_request_stop();
}

static void stop_on_signals(void)
{
    struct sigaction action = {.sa_handler = stop, .sa_flags = SA_RESTART};
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGUSR1, &action, NULL);
}

int main(int argc, char **argv)
{
    mpijob_error err;
    if (mpijob_init(&argc, &argv, 0, &err) != MPIJOB_OK) {
        fprintf(stderr, "gridsearch: %s\n", err.text);
        return FAILED;
    }
    stop_on_signals();

    struct search search = {.counts = NULL};
    MPI_Comm_rank(MPI_COMM_WORLD, &search.rank);
    struct problem problem;
    int status = FOUND;
    if (arguments_parse(&search.arguments, argc, argv, &problem) != 0) {
        if (search.rank == 0)
            fprintf(stderr, "gridsearch: %s\n", problem.text);
        status = WRONG_OPTION;
    } else if (search.arguments.help) {
        if (search.rank == 0)
            fputs(arguments_help, stdout);
    } else {
        status = search_grid(&search);
    }
    mpijob_finalize(NULL);
    return status;
}
