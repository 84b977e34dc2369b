#include "peers/master_worker.h"

#include <mpi.h>

enum {
    TAG_JOB = 1,
    TAG_RESULT,
    TAG_STOP
};

typedef struct answer {
    uint64_t index, result;
} answer;

static uint64_t hand_out(uint64_t next, uint64_t jobs, int worker)
{
    MPI_Send(&next, 1, MPI_UINT64_T, worker, next < jobs ? TAG_JOB : TAG_STOP, MPI_COMM_WORLD);
    return next < jobs ? next + 1 : next;
}

static void lead(uint64_t *results, uint64_t jobs, int ranks)
{
    uint64_t next = 0;
    for (int worker = 1; worker < ranks; worker++) {
        next = hand_out(next, jobs, worker);
    }
    for (uint64_t done = 0; done < jobs; done++) {
        answer a;
        MPI_Status status;
        MPI_Recv(&a, 2, MPI_UINT64_T, MPI_ANY_SOURCE, TAG_RESULT, MPI_COMM_WORLD, &status);
        results[a.index] = a.result;
        next = hand_out(next, jobs, status.MPI_SOURCE);
    }
}

static void follow(const mpijob_function *function, void *context, int rank)
{
    mpijob_job job = {.rank = rank, .attempt = 1, .context = context};
    for (;;) {
        MPI_Status status;
        MPI_Recv(&job.index, 1, MPI_UINT64_T, 0, MPI_ANY_TAG, MPI_COMM_WORLD, &status);
        if (status.MPI_TAG == TAG_STOP) {
            return;
        }
        answer a = {job.index, 0};
        function->call(&a.result, NULL, &job);
        MPI_Send(&a, 2, MPI_UINT64_T, 0, TAG_RESULT, MPI_COMM_WORLD);
    }
}

double master_worker(const mpijob_function *function, void *context, uint64_t *results, uint64_t jobs)
{
    int rank, ranks;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    MPI_Barrier(MPI_COMM_WORLD);
    double began = MPI_Wtime();
    if (rank == 0) {
        lead(results, jobs, ranks);
    } else {
        follow(function, context, rank);
    }
    double seconds = MPI_Wtime() - began;
    MPI_Bcast(&seconds, 1, MPI_DOUBLE, 0, MPI_COMM_WORLD);
    return seconds;
}
