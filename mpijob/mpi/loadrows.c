#include "base/error.h"
#include "mpi/rows.h"

#include <mpijob/rows.h>
#include <string.h>

/* What rank 0 tells of the file. */
enum {
    NDIM,
    ROWS
};

static int check_options(const mpijob_load_options *options, mpijob_error *err)
{
    mpj_load_plan plan;
    int status = mpj_load_plan_make(&plan, options, err);
    if (status == MPIJOB_OK && plan.mmap_mode == 'w')
        return mpj_fail(err, MPIJOB_EINVAL, "mmap_mode \"w+\" makes a new file; mpijob_load_rows reads one");
    return status;
}

/* Options that must be equal everywhere; `into`, the region and its own progress are each rank's. */
static uint64_t digest_of(const char *path, const mpijob_load_options *options)
{
    uint64_t digest = mpj_rows_digest(0, path, strlen(path));
    if (!options)
        return digest;
    int given[] = {options->region != NULL, options->record != NULL, options->name != NULL && options->name[0] != '\0'};
    digest = mpj_rows_digest(digest, given, sizeof given);
    if (options->name)
        digest = mpj_rows_digest(digest, options->name, strlen(options->name));
    if (options->mmap_mode)
        digest = mpj_rows_digest(digest, options->mmap_mode, strlen(options->mmap_mode));
    return digest;
}

static int inspect(mpj_vote *vote, const char *path, const char *name, mpijob_error *err)
{
    mpijob_array_info info;
    int status = mpijob_array_inspect(&info, path, name, err);
    if (status != MPIJOB_OK)
        return status;
    if (info.ndim == 0)
        return mpj_fail(err, MPIJOB_EINVAL, "%s: an array of 0 dimensions has no rows", path);
    vote->root[NDIM] = info.ndim;
    vote->root[ROWS] = (int64_t)info.shape[0];
    return MPIJOB_OK;
}

static int open_call(mpj_rows_call *call, mpj_vote *vote, const char *path, MPI_Comm comm,
                     const mpijob_load_options *options, mpijob_error *err)
{
    vote->status = call->problem;
    if (vote->status == MPIJOB_OK && !path)
        vote->status = mpj_fail(err, MPIJOB_EINVAL, "mpijob_load_rows: path is NULL");
    if (vote->status == MPIJOB_OK)
        vote->status = check_options(options, err);
    if (vote->status == MPIJOB_OK)
        vote->digest = digest_of(path, options);
    if (vote->status == MPIJOB_OK && call->link->rank == 0)
        vote->status = inspect(vote, path, options ? options->name : NULL, err);
    return mpj_rows_open(call, vote, comm, err);
}

/* Without overflow: n * rank / size. */
static size_t even_share(size_t n, int rank, int size)
{
    return n / (size_t)size * (size_t)rank + n % (size_t)size * (size_t)rank / (size_t)size;
}

static int load_part(mpijob_array *rows, size_t *first, const mpj_rows_call *call, const mpj_vote *vote,
                     const char *path, const mpijob_load_options *options, mpijob_error *err)
{
    mpijob_load_options mine = {0};
    mpijob_region even = {.ndim = 1};
    if (options)
        mine = *options;
    if (!mine.region) {
        even.start[0] = even_share((size_t)vote->root[ROWS], call->link->rank, call->link->size);
        even.count[0] = even_share((size_t)vote->root[ROWS], call->link->rank + 1, call->link->size) - even.start[0];
        mine.region = &even;
    }
    *first = mine.region->ndim > 0 ? mine.region->start[0] : 0;
    return mpijob_load(rows, path, &mine, err);
}

int mpijob_load_rows(mpijob_array *rows, size_t *first, const char *path, MPI_Comm comm,
                     const mpijob_load_options *options, mpijob_error *err)
{
    mpj_rows_call call;
    mpj_vote vote = {0};
    mpijob_array loaded;
    mpijob_error record;
    size_t from = 0;
    int status = mpj_rows_begin(&call, "mpijob_load_rows", comm, &record);
    if (status == MPIJOB_OK)
        status = open_call(&call, &vote, path, comm, options, &record);
    if (status == MPIJOB_OK) {
        int mine = load_part(&loaded, &from, &call, &vote, path, options, &record);
        status = mpj_rows_agree(&call, mine, &record);
        if (status != MPIJOB_OK && mine == MPIJOB_OK)
            mpijob_array_free(&loaded);
    }
    if (status != MPIJOB_OK) {
        if (err)
            *err = record;
        return status;
    }
    *rows = loaded;
    if (first)
        *first = from;
    return MPIJOB_OK;
}
