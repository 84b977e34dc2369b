#include <math.h>
#include <mpijob.h>
#include <stdio.h>

static int root(void *result, const void *args, mpijob_job *job)
{
    (void)args;
    *(double *)result = sqrt((double)job->index);
    return 0;
}

int main(int argc, char **argv)
{
    double roots[1000], sum = 0;
    int rank;
    mpijob_error err;
    mpijob_init(&argc, &argv, 0, NULL);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);

    mpijob_function function = {.name = "root", .call = root, .result_size = sizeof(double)};
    mpijob_memory *memory = NULL;
    mpijob_memory_open(&memory, "cache", NULL, NULL);
    mpijob_memory_cache(&function, memory, &function, NULL, NULL);
    mpijob_inputs inputs = mpijob_range(1000);
    int status = mpijob_parallel(roots, &function, &inputs, MPI_COMM_WORLD, NULL, &err);

    for (int i = 0; status == MPIJOB_OK && i < 1000; i++)
        sum += roots[i];
    if (rank == 0)
        status == MPIJOB_OK ? printf("%.3f\n", sum) : fprintf(stderr, "%s\n", err.text);
    mpijob_memory_close(memory);
    mpijob_finalize(NULL);
    return status != MPIJOB_OK;
}
