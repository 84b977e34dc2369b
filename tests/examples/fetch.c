/*
 * Jobs that wait more than they compute: each reads a file, behind a simulated delay of 20 ms as of a far server.
 * A rank that waits needs no core, so start more ranks than there are cores, about three for every two:
 *
 *     mpirun --oversubscribe -n 12 fetch FILE...        (on 8 cores)
 *
 * Prints each file's CRC-32, size and name. A file that cannot be read is a hole in the results, not the end.
 */
#include <errno.h>
#include <inttypes.h>
#include <mpijob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zlib.h>

#define DELAY_NS 20000000

struct file {
    uint64_t bytes;
    uint64_t crc;
};

static int fetch(void *result, const void *args, mpijob_job *job)
{
    (void)args;
    nanosleep(&(struct timespec){.tv_nsec = DELAY_NS}, NULL);
    char *const *names = job->context;
    FILE *stream = fopen(names[job->index], "rb");
    if (!stream)
        return mpijob_job_fail(job, "%s: %s", names[job->index], strerror(errno));
    struct file *file = result;
    *file = (struct file){.bytes = 0, .crc = crc32(0, NULL, 0)};
    unsigned char buffer[1 << 14];
    for (size_t got; (got = fread(buffer, 1, sizeof buffer, stream)) > 0; file->bytes += got)
        file->crc = crc32(file->crc, buffer, (unsigned)got);
    int failed = ferror(stream);
    fclose(stream);
    return failed ? mpijob_job_fail(job, "%s: reading failed", names[job->index]) : 0;
}

static int print_file(const void *result, size_t bytes, uint64_t index, const mpijob_error *failure, void *payload,
                      mpijob_error *err)
{
    (void)bytes, (void)err;
    char *const *names = payload;
    const struct file *file = result;
    if (failure)
        fprintf(stderr, "fetch: %s\n", failure->text);
    else
        printf("%08" PRIx64 " %8" PRIu64 " %s\n", file->crc, file->bytes, names[index]);
    return MPIJOB_GO_ON;
}

int main(int argc, char **argv)
{
    mpijob_error err;
    int rank;
    mpijob_init(&argc, &argv, 0, NULL);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);

    /* Every rank has the command line, so the names need not travel; each job finds them in its own rank's context. */
    mpijob_function function = {.name = "fetch", .call = fetch, .result_size = sizeof(struct file)};
    mpijob_inputs inputs = mpijob_range((uint64_t)(argc - 1));
    mpijob_parallel_options options = {.return_as = MPIJOB_GENERATOR,
                                       .consume = print_file,
                                       .consume_payload = argv + 1,
                                       .on_error = MPIJOB_CONTINUE,
                                       .context = argv + 1};
    int status = mpijob_parallel(NULL, &function, &inputs, MPI_COMM_WORLD, &options, &err);

    if (rank == 0 && status != MPIJOB_OK && status != MPIJOB_EJOB)
        fprintf(stderr, "fetch: %s\n", err.text);
    mpijob_finalize(NULL);
    return status != MPIJOB_OK;
}
