/* An array that lies over the ranks by rows: dumped and loaded by all of them together. */
#include <mpijob.h>
#include <stdio.h>
#include <stdlib.h>

#define ROWS 100000
#define COLUMNS 20

/* An error is the same on every rank: all come here or none. */
static void check(int status, const mpijob_error *err)
{
    int rank;
    if (status == MPIJOB_OK)
        return;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    if (rank == 0)
        fprintf(stderr, "rows: %s\n", err->text);
    mpijob_finalize(NULL);
    exit(1);
}

/* Rank r of p has the rows from r * ROWS / p on. */
static size_t first_row(int rank, int ranks)
{
    return (size_t)rank * ROWS / (size_t)ranks;
}

static void dump(const char *path, int rank, int ranks)
{
    mpijob_error err;
    size_t first = first_row(rank, ranks), count = first_row(rank + 1, ranks) - first;
    double(*values)[COLUMNS] = malloc(count * sizeof *values);
    if (values == NULL)
        MPI_Abort(MPI_COMM_WORLD, 1);
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < COLUMNS; j++)
            values[i][j] = (double)((first + i) * j);

    size_t shape[] = {count, COLUMNS};
    mpijob_array mine = mpijob_array_of(values, mpijob_type_of(MPIJOB_FLOAT64), 2, shape);
    check(mpijob_dump_rows(&mine, path, MPI_COMM_WORLD, &(mpijob_dump_options){.compress = 5}, &err), &err);
    free(values);
}

/* Each rank reads its part, and knows by `first` where that lies. */
static unsigned long long wrong_elements(const char *path)
{
    mpijob_error err;
    mpijob_array mine;
    size_t first;
    unsigned long long wrong = 0;
    check(mpijob_load_rows(&mine, &first, path, MPI_COMM_WORLD, NULL, &err), &err);
    const double(*values)[COLUMNS] = mine.data;
    for (size_t i = 0; i < mine.shape[0]; i++)
        for (size_t j = 0; j < COLUMNS; j++)
            wrong += values[i][j] != (double)((first + i) * j);
    mpijob_array_free(&mine);
    MPI_Allreduce(MPI_IN_PLACE, &wrong, 1, MPI_UNSIGNED_LONG_LONG, MPI_SUM, MPI_COMM_WORLD);
    return wrong;
}

int main(int argc, char **argv)
{
    int rank, ranks;
    const char *path = argc > 1 ? argv[1] : "rows.zarr";
    mpijob_init(&argc, &argv, 0, NULL);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);

    dump(path, rank, ranks);
    unsigned long long wrong = wrong_elements(path);
    if (rank == 0)
        printf("%d rows of %d elements, %llu wrong\n", ROWS, COLUMNS, wrong);
    return mpijob_finalize(NULL) != MPIJOB_OK || wrong > 0;
}
