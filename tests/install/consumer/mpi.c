/* A program with MPI, valid as C11 and as C++. */
#include <mpijob.h>
#include <stdio.h>
#include <string.h>

#define JOBS 100

static int square(void *result, const void *args, mpijob_job *job)
{
    (void)args;
    *(double *)result = (double)job->index * (double)job->index;
    return 0;
}

static int check(const double *results)
{
    for (int i = 0; i < JOBS; i++)
        if (results[i] != (double)i * i) {
            fprintf(stderr, "job %d gave %g\n", i, results[i]);
            return 1;
        }
    printf("%d results are right\n", JOBS);
    return 0;
}

/* One row of one number a rank, dumped by all and loaded by all. */
static int exchange_rows(const char *program, int rank)
{
    char path[4096];
    mpijob_error err;
    mpijob_array loaded;
    size_t first = 0, shape[] = {1};
    double number = rank;
    mpijob_array mine = mpijob_array_of(&number, mpijob_type_of(MPIJOB_FLOAT64), 1, shape);
    snprintf(path, sizeof path, "%s.npy", program);
    int status = mpijob_dump_rows(&mine, path, MPI_COMM_WORLD, NULL, &err);
    if (status == MPIJOB_OK)
        status = mpijob_load_rows(&loaded, &first, path, MPI_COMM_WORLD, NULL, &err);
    if (status != MPIJOB_OK) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    int failed = first != (size_t)rank || *(const double *)loaded.data != number;
    mpijob_array_free(&loaded);
    return failed;
}

int main(int argc, char **argv)
{
    double results[JOBS];
    mpijob_error err;
    mpijob_function function;
    mpijob_inputs inputs = mpijob_range(JOBS);
    int rank = 0;

    memset(&function, 0, sizeof function);
    function.name = "square";
    function.call = square;
    function.result_size = sizeof(double);
    if (mpijob_init(&argc, &argv, 0, &err) != MPIJOB_OK) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    int failed = mpijob_parallel(results, &function, &inputs, MPI_COMM_WORLD, NULL, &err) != MPIJOB_OK;
    if (failed)
        fprintf(stderr, "%s\n", err.text);
    else if (rank == 0)
        failed = check(results);
    failed |= exchange_rows(argv[0], rank);
    return mpijob_finalize(NULL) != MPIJOB_OK || failed;
}
