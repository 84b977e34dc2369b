#include "peers/static_split.h"

#include "bench.h"

#include <stdlib.h>

static uint64_t block_start(uint64_t jobs, int rank, int ranks)
{
    uint64_t whole = jobs / (uint64_t)ranks, rest = jobs % (uint64_t)ranks;
    uint64_t longer = (uint64_t)rank < rest ? (uint64_t)rank : rest;
    return (uint64_t)rank * whole + longer;
}

static void execute(const mpijob_function *function, void *context, uint64_t *mine, uint64_t first, uint64_t end,
                    int rank)
{
    mpijob_job job = {.rank = rank, .attempt = 1, .context = context};
    for (job.index = first; job.index < end; job.index++) {
        function->call(&mine[job.index - first], NULL, &job);
    }
}

double static_split_compute(const mpijob_function *function, void *context, uint64_t *mine, uint64_t jobs, int rank,
                            int ranks)
{
    MPI_Barrier(MPI_COMM_WORLD);
    double began = MPI_Wtime();
    execute(function, context, mine, block_start(jobs, rank, ranks), block_start(jobs, rank + 1, ranks), rank);
    return MPI_Wtime() - began;
}

double static_split(const mpijob_function *function, void *context, uint64_t *results, uint64_t jobs)
{
    int rank, ranks;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    uint64_t first = block_start(jobs, rank, ranks), end = block_start(jobs, rank + 1, ranks);
    uint64_t *mine = rank == 0 ? results : bench_memory((end - first) * sizeof *mine);
    int *counts = bench_memory((size_t)ranks * sizeof *counts), *places = bench_memory((size_t)ranks * sizeof *places);
    for (int i = 0; i < ranks; i++) {
        places[i] = (int)block_start(jobs, i, ranks);
        counts[i] = (int)block_start(jobs, i + 1, ranks) - places[i];
    }
    MPI_Barrier(MPI_COMM_WORLD);
    double began = MPI_Wtime();
    execute(function, context, mine, first, end, rank);
    const void *send = rank == 0 ? MPI_IN_PLACE : mine;
    MPI_Gatherv(send, (int)(end - first), MPI_UINT64_T, results, counts, places, MPI_UINT64_T, 0, MPI_COMM_WORLD);
    double seconds = MPI_Wtime() - began;
    MPI_Bcast(&seconds, 1, MPI_DOUBLE, 0, MPI_COMM_WORLD);
    if (rank != 0) {
        free(mine);
    }
    free(counts);
    free(places);
    return seconds;
}
