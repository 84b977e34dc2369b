/*
 * A stream of jobs whose end nobody knows: numbers are read from a file while the ranks factorise those before, and
 * the factors are printed in the order of the file, as soon as they and all before them are there.
 *
 *     mpirun -n 4 stream numbers.txt
 */
#include <errno.h>
#include <inttypes.h>
#include <mpijob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_FACTORS 64

/* The generator: one line, one job. */
static int next_number(void *args, double *cost, uint64_t index, void *payload, mpijob_error *err)
{
    (void)cost;
    if (!payload)
        return mpijob_callback_fail(err, "name one file of numbers, a line each, that can be read");
    char line[64];
    if (!fgets(line, sizeof line, payload))
        return ferror(payload) ? mpijob_callback_fail(err, "reading failed: %s", strerror(errno)) : MPIJOB_END;
    char *end;
    errno = 0;
    uint64_t number = strtoull(line, &end, 10);
    if (line[strspn(line, "0123456789\n")] != '\0' || end == line || errno != 0)
        return mpijob_callback_fail(err, "line %" PRIu64 " is not a whole number below 2^64; correct it", index + 1);
    *(uint64_t *)args = number;
    return MPIJOB_MORE;
}

/* The job: its result is as many numbers as there are factors, the number itself in front. */
static int factorise(void *result, const void *args, mpijob_job *job)
{
    (void)result;
    uint64_t found[1 + MOST_FACTORS] = {*(const uint64_t *)args};
    size_t count = 1;
    uint64_t left = found[0];
    for (uint64_t divisor = 2; divisor <= left / divisor; divisor++) {
        for (; left % divisor == 0; left /= divisor)
            found[count++] = divisor;
    }
    if (left > 1)
        found[count++] = left;
    void *room = mpijob_job_result(job, count * sizeof *found);
    if (!room)
        return mpijob_job_fail(job, "no memory for %zu factors", count - 1);
    memcpy(room, found, count * sizeof *found);
    return 0;
}

/* The consumer. */
static int print_factors(const void *result, size_t bytes, uint64_t index, const mpijob_error *failure, void *payload,
                         mpijob_error *err)
{
    (void)index, (void)failure;
    const uint64_t *factors = result;
    fprintf(payload, "%" PRIu64 ":", factors[0]);
    for (size_t i = 1; i < bytes / sizeof *factors; i++)
        fprintf(payload, " %" PRIu64, factors[i]);
    if (fputc('\n', payload) == EOF)
        return mpijob_callback_fail(err, "writing failed: %s", strerror(errno));
    return MPIJOB_GO_ON;
}

int main(int argc, char **argv)
{
    mpijob_error err;
    int rank;
    mpijob_init(&argc, &argv, 0, NULL);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);

    FILE *numbers = rank == 0 && argc == 2 ? fopen(argv[1], "r") : NULL;
    mpijob_function function = {
        .name = "factorise", .call = factorise, .args_size = sizeof(uint64_t), .result_size = MPIJOB_ANY_SIZE};
    mpijob_inputs inputs = mpijob_generator(next_number, numbers, MPIJOB_UNKNOWN);
    mpijob_parallel_options options = {
        .return_as = MPIJOB_GENERATOR, .consume = print_factors, .consume_payload = stdout};
    int status = mpijob_parallel(NULL, &function, &inputs, MPI_COMM_WORLD, &options, &err);

    if (rank == 0 && status != MPIJOB_OK)
        fprintf(stderr, "stream: %s\n", err.text);
    if (numbers)
        fclose(numbers);
    mpijob_finalize(NULL);
    return status != MPIJOB_OK;
}
