/* A program with MPI, valid as C11 and as C++. */
#include <mpijob.h>
#include <stdio.h>

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

int main(int argc, char **argv)
{
    double results[JOBS];
    mpijob_error err;
    mpijob_function function = {"square", square, 0, sizeof(double), {0, 0, 0, 0}};
    mpijob_inputs inputs = mpijob_range(JOBS);
    int rank = 0;

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
    return mpijob_finalize(NULL) != MPIJOB_OK || failed;
}
