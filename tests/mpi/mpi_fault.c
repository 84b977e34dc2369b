/* mpi_fault FOLDER FUNCTION N RANK [always]: makes the N-th call (from 0) of that MPI function on that rank fail, once
 * or from then on, in the middle of a few runs. Ends with status 0 when all ranks then returned the same, 3 when not;
 * the library may also end it by MPI_Abort. Status 4: there were fewer calls. What a rank says goes to
 * FOLDER/said.RANK. */
#include <mpijob.h>

#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define JOBS 40
#define LARGE 5000

static const char *function_name;
static int fail_at;
static bool always, mine;
static atomic_bool armed;
static atomic_int calls;

static bool must_fail(const char *function)
{
    if (!mine || !atomic_load(&armed) || strcmp(function, function_name) != 0)
        return false;
    int call = atomic_fetch_add(&calls, 1);
    return call == fail_at || (always && call > fail_at);
}

#define FAULTY(name, parameters, arguments)                                                                            \
    int MPI_##name parameters                                                                                          \
    {                                                                                                                  \
        return must_fail(#name) ? MPI_ERR_OTHER : PMPI_##name arguments;                                               \
    }

FAULTY(Isend, (const void *b, int n, MPI_Datatype d, int to, int tag, MPI_Comm c, MPI_Request *r),
       (b, n, d, to, tag, c, r))
FAULTY(Irecv, (void *b, int n, MPI_Datatype d, int from, int tag, MPI_Comm c, MPI_Request *r),
       (b, n, d, from, tag, c, r))
FAULTY(Improbe, (int from, int tag, MPI_Comm c, int *found, MPI_Message *m, MPI_Status *s), (from, tag, c, found, m, s))
FAULTY(Mrecv, (void *b, int n, MPI_Datatype d, MPI_Message *m, MPI_Status *s), (b, n, d, m, s))
FAULTY(Test, (MPI_Request * r, int *done, MPI_Status *s), (r, done, s))
FAULTY(Ibcast, (void *b, int n, MPI_Datatype d, int root, MPI_Comm c, MPI_Request *r), (b, n, d, root, c, r))
FAULTY(Iallreduce, (const void *in, void *out, int n, MPI_Datatype d, MPI_Op op, MPI_Comm c, MPI_Request *r),
       (in, out, n, d, op, c, r))
FAULTY(Comm_idup, (MPI_Comm c, MPI_Comm *out, MPI_Request *r), (c, out, r))
FAULTY(Comm_set_attr, (MPI_Comm c, int keyval, void *value), (c, keyval, value))
FAULTY(Ibarrier, (MPI_Comm c, MPI_Request *r), (c, r))
FAULTY(Comm_split_type, (MPI_Comm c, int type, int key, MPI_Info info, MPI_Comm *out), (c, type, key, info, out))

/* Results and arguments that fit into no message. */
static int reverse(void *result, const void *args, mpijob_job *job)
{
    const unsigned char *from = args;
    unsigned char *to = mpijob_job_result(job, LARGE);
    (void)result;
    for (int i = 0; to && i < LARGE; i++)
        to[i] = from[LARGE - 1 - i];
    return to ? 0 : mpijob_job_fail(job, "no room");
}

static int ignore(const void *result, size_t bytes, uint64_t index, const mpijob_error *failure, void *payload,
                  mpijob_error *err)
{
    (void)result, (void)bytes, (void)index, (void)failure, (void)payload, (void)err;
    return MPIJOB_GO_ON;
}

/* Whether all ranks have this status. */
static bool all_the_same(int status)
{
    int both[2] = {status, -status};
    PMPI_Allreduce(MPI_IN_PLACE, both, 2, MPI_INT, MPI_MIN, MPI_COMM_WORLD);
    return both[0] == -both[1];
}

static int work(int rank)
{
    static unsigned char array[JOBS][LARGE];
    const mpijob_function function = {.call = reverse, .args_size = LARGE, .result_size = MPIJOB_ANY_SIZE};
    mpijob_parallel_options options = {.return_as = MPIJOB_GENERATOR, .consume = ignore, .verbose = 0, .batch_size = 2};
    mpijob_inputs inputs = mpijob_arguments(array, JOBS);
    mpijob_shared *shared = NULL;
    mpijob_error err;
    bool same = true;
    for (int run = 0; run < 2; run++) {
        int status = mpijob_parallel(NULL, &function, &inputs, MPI_COMM_WORLD, &options, &err);
        same = same && all_the_same(status) && (status == MPIJOB_OK || status == MPIJOB_EMPI);
        if (status != MPIJOB_OK && rank == 0)
            fprintf(stderr, "agreed: %s\n", err.text);
    }
    int status = mpijob_share(&shared, "x", 1, MPI_COMM_WORLD, NULL, &err);
    same = same && all_the_same(status);
    if (status == MPIJOB_OK)
        mpijob_share_free(shared);
    /* Every rank must complain for what the others say to be heard. */
    options.verbose = -1;
    return same && all_the_same(mpijob_parallel(NULL, &function, &inputs, MPI_COMM_WORLD, &options, NULL)) ? 0 : 3;
}

static bool speak_to_file(const char *folder, int rank)
{
    char path[600];
    snprintf(path, sizeof path, "%s/said.%d", folder, rank);
    return freopen(path, "w", stderr) && setvbuf(stderr, NULL, _IONBF, 0) == 0;
}

int main(int argc, char **argv)
{
    int rank;
    if (argc < 5 || mpijob_init(&argc, &argv, 0, NULL) != MPIJOB_OK)
        return 2;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    if (!speak_to_file(argv[1], rank))
        return 2;
    function_name = argv[2];
    fail_at = atoi(argv[3]);
    mine = rank == atoi(argv[4]);
    always = argc > 5;
    /* The library must cope by itself. */
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
    atomic_store(&armed, true);
    int result = work(rank);
    int finalised = mpijob_finalize(NULL);
    if (mine && atomic_load(&calls) <= fail_at)
        result = result ? result : 4;
    return finalised == MPIJOB_OK ? result : 5;
}
