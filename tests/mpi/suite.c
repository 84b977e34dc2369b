#include "suite.h"

#include "mpi/link.h"
#include "mpi/transfer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

int suite_rank, suite_size;

int suite_run(Suite *suite)
{
    MPI_Comm_rank(MPI_COMM_WORLD, &suite_rank);
    MPI_Comm_size(MPI_COMM_WORLD, &suite_size);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, suite_rank == 0 ? CK_NORMAL : CK_SILENT);
    int failed = srunner_ntests_failed(runner);
    int run_tests = srunner_ntests_run(runner);
    srunner_free(runner);
    return failed || run_tests == 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

int suite_main(int argc, char **argv, Suite *suite)
{
    mpijob_error err;
    if (mpijob_init(&argc, &argv, 0, &err) != MPIJOB_OK) {
        fprintf(stderr, "%s\n", err.text);
        return EXIT_FAILURE;
    }
    int result = suite_run(suite);
    return mpijob_finalize(NULL) == MPIJOB_OK ? result : EXIT_FAILURE;
}

/* The end of a collective that was begun. */
static void await(MPI_Request *request)
{
    mpijob_error err;
    if (mpj_wait(request, "a test", &err) != MPIJOB_OK) {
        fprintf(stderr, "%s\n", err.text);
        MPI_Abort(MPI_COMM_WORLD, EXIT_FAILURE);
    }
}

int suite_least(int value)
{
    int least = 0;
    MPI_Request request;
    MPI_Iallreduce(&value, &least, 1, MPI_INT, MPI_MIN, MPI_COMM_WORLD, &request);
    await(&request);
    return least;
}

void suite_spread(void *data, size_t bytes, int from)
{
    MPI_Request request;
    MPI_Ibcast(data, (int)bytes, MPI_BYTE, from, MPI_COMM_WORLD, &request);
    await(&request);
}

int suite_same(int status, const mpijob_error *err)
{
    int least = suite_least(status);
    int most = -suite_least(-status);
    ck_assert_msg(least == most, "ranks returned different statuses: %d to %d", least, most);
    mpijob_error first = *err;
    suite_spread(&first, sizeof first, 0);
    everyone(memcmp(err, &first, sizeof first) == 0);
    return status;
}

static void meet(MPI_Comm comm)
{
    MPI_Request request;
    MPI_Ibarrier(comm, &request);
    await(&request);
}

bool suite_is_quiet(MPI_Comm comm)
{
    const mpj_link *link = mpj_link_known(comm);
    int found = 0;
    /* Whatever another rank sent before this is here after it, or soon. */
    meet(comm);
    for (int i = 0; link && i < 20 && !found; i++)
        MPI_Iprobe(MPI_ANY_SOURCE, MPI_ANY_TAG, link->comm, &found, MPI_STATUS_IGNORE);
    return !found;
}

static void check_quiet(void)
{
    everyone(suite_is_quiet(MPI_COMM_WORLD));
}

TCase *suite_group(Suite *suite, const char *name)
{
    TCase *group = tcase_create(name);
    tcase_add_checked_fixture(group, NULL, check_quiet);
    suite_add_tcase(suite, group);
    return group;
}

bool suite_everyone(bool condition, const char *text, const char *file, int line)
{
    if (!condition)
        fprintf(stderr, "%s:%d: rank %d: not true: %s\n", file, line, suite_rank, text);
    return suite_least(condition) != 0;
}

int run(void *results, const mpijob_function *function, const mpijob_inputs *inputs,
        const mpijob_parallel_options *options, mpijob_error *err)
{
    mpijob_error own;
    memset(&own, 0, sizeof own);
    int status = mpijob_parallel(results, function, inputs, MPI_COMM_WORLD, options, &own);
    suite_same(status, &own);
    everyone(own.status == status);
    if (err)
        *err = own;
    return status;
}

void suite_listen(int level, const char *text, void *payload)
{
    (void)level;
    suite_log *log = payload;
    log->messages++;
    snprintf(log->last, sizeof log->last, "%s", text);
}

void suite_capture_begin(suite_capture *capture, int descriptor)
{
    char name[] = "/tmp/mpijob-test-XXXXXX";
    fflush(NULL);
    *capture = (suite_capture){.descriptor = descriptor, .kept = dup(descriptor), .file = mkstemp(name)};
    if (capture->kept < 0 || capture->file < 0 || dup2(capture->file, descriptor) < 0)
        abort();
    unlink(name);
}

char *suite_capture_end(suite_capture *capture)
{
    struct stat about;
    fflush(NULL);
    if (dup2(capture->kept, capture->descriptor) < 0 || fstat(capture->file, &about) != 0)
        abort();
    size_t bytes = (size_t)about.st_size;
    char *text = calloc(1, bytes + 1);
    if (!text || pread(capture->file, text, bytes, 0) != about.st_size)
        abort();
    close(capture->kept);
    close(capture->file);
    return text;
}

void suite_sleep(double seconds)
{
    struct timespec rest = {(time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9)};
    while (nanosleep(&rest, &rest) != 0 && errno == EINTR)
        continue;
}

unsigned char pattern_at(uint64_t number, size_t at)
{
    return (unsigned char)(number * 131 + number / 256 + at * 7 + at / 251);
}

void pattern_fill(void *data, size_t bytes, uint64_t number)
{
    unsigned char *to = data;
    for (size_t i = 0; i < bytes; i++)
        to[i] = pattern_at(number, i);
}

bool pattern_is(const void *data, size_t bytes, uint64_t number)
{
    const unsigned char *from = data;
    for (size_t i = 0; i < bytes; i++)
        if (from[i] != pattern_at(number, i))
            return false;
    return true;
}

uint64_t pattern_hash(const void *data, size_t bytes)
{
    const unsigned char *from = data;
    uint64_t hash = UINT64_C(14695981039346656037);
    for (size_t i = 0; i < bytes; i++)
        hash = (hash ^ from[i]) * UINT64_C(1099511628211);
    return hash;
}
