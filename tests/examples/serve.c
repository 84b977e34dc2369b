/*
 * A main written for one process, with a few new lines: the estimate of pi by random points, refined until it is
 * good enough. Rank 0 runs the loop; the other ranks take part in each run without knowing of it.
 */
#include <math.h>
#include <mpijob.h>
#include <stdio.h>

#define POINTS 20000
#define JOBS 100

/* How many of the job's random points lie in the quarter of a circle. */
static int throw_points(void *result, const void *args, mpijob_job *job)
{
    (void)args;
    uint64_t *inside = result;
    mpijob_random random;
    mpijob_job_random(job, &random);
    *inside = 0;
    for (int i = 0; i < POINTS; i++) {
        double x = mpijob_random_double(&random);
        double y = mpijob_random_double(&random);
        *inside += x * x + y * y < 1;
    }
    return 0;
}

static int add(void *accumulator, const void *result, size_t bytes, uint64_t index, void *payload, mpijob_error *err)
{
    (void)bytes, (void)index, (void)payload, (void)err;
    *(uint64_t *)accumulator += *(const uint64_t *)result;
    return MPIJOB_GO_ON;
}

static const mpijob_function throwing = {.name = "throw_points", .call = throw_points, .result_size = sizeof(uint64_t)};

int main(int argc, char **argv)
{
    const mpijob_function *functions[] = {&throwing, NULL};
    mpijob_init(&argc, &argv, 0, NULL);
    int role = mpijob_serve(functions, NULL, MPI_COMM_WORLD, NULL);
    if (role != MPIJOB_LEADS)
        return mpijob_finalize(NULL) != MPIJOB_OK || role != MPIJOB_SERVED;

    mpijob_error err;
    int status = MPIJOB_OK;
    uint64_t inside = 0;
    double error = 1;
    for (uint64_t round = 1; status == MPIJOB_OK && error > 5e-4; round++) {
        mpijob_inputs inputs = mpijob_range(JOBS);
        mpijob_parallel_options options = {.reduce = add, .seed = round};
        status = mpijob_parallel(&inside, &throwing, &inputs, MPI_COMM_WORLD, &options, &err);
        double points = (double)round * JOBS * POINTS;
        double pi = 4 * (double)inside / points;
        error = sqrt(pi * (4 - pi) / points);
        if (status == MPIJOB_OK)
            printf("%2d million points: pi = %.4f, give or take %.4f\n", (int)(points / 1e6), pi, error);
    }
    if (status != MPIJOB_OK)
        fprintf(stderr, "%s\n", err.text);
    return mpijob_finalize(NULL) != MPIJOB_OK || status != MPIJOB_OK;
}
