#include "array/rowparts.h"
#include "base/alloc.h"
#include "base/error.h"
#include "mpi/rows.h"
#include "mpi/transfer.h"

#include <mpijob/rows.h>
#include <stdio.h>
#include <string.h>

typedef struct dump_rows {
    mpj_rows_call call;
    const mpijob_array *rows;
    const char *path;
    mpj_dump_plan plan;
    size_t *starts; /* size + 1: the first row of each rank, and the number of rows */
    size_t total;
} dump_rows;

/* ---- Opening ----------------------------------------------------------------------------------------------------- */

static int check(dump_rows *d, const mpijob_dump_options *options, mpijob_error *err)
{
    if (!d->rows)
        return mpj_fail(err, MPIJOB_EINVAL, "mpijob_dump_rows: rows is NULL");
    int status = mpj_dump_plan_make(&d->plan, d->path, options, err);
    if (status == MPIJOB_OK)
        status = mpj_array_check(d->rows, NULL, err);
    if (status != MPIJOB_OK)
        return status;
    if (d->rows->ndim == 0)
        return mpj_fail(err, MPIJOB_EINVAL, "mpijob_dump_rows: an array of 0 dimensions has no rows");
    if (d->rows->type.kind == MPIJOB_RECORD && !mpijob_record_is_flat(d->rows->type.record))
        return mpj_fail(err, MPIJOB_EUNSUPPORTED,
                        "structs with strings or pointers cannot be elements of an array on disk");
    if (d->plan.format == MPIJOB_NPY && d->plan.order == 'F')
        return mpj_fail(
            err, MPIJOB_EUNSUPPORTED,
            "mpijob_dump_rows: the rows of an NPY file in Fortran order lie all over it; use order 'C', or Zarr");
    d->plan.order = d->plan.order ? d->plan.order : 'C';
    return MPIJOB_OK;
}

/* What must be equal on all ranks: the path, the type as it will be in the file, dimensions but the first, options. */
static int digest_of(uint64_t *digest, const dump_rows *d, mpijob_error *err)
{
    const mpj_dump_plan *plan = &d->plan;
    json_t *descr = mpj_dtype_descr(&d->rows->type, 1);
    char *text = descr ? mpj_pyliteral_text(descr) : NULL;
    json_decref(descr);
    if (!text)
        return mpj_fail_memory(err, "the description of a type", 0);
    const uint64_t numbers[] = {(uint64_t)plan->format,      (uint64_t)plan->codec.codec,
                                (uint64_t)plan->codec.level, (uint64_t)plan->shuffle,
                                (uint64_t)plan->order,       plan->cache_bytes,
                                (uint64_t)d->rows->ndim,     plan->chunks != NULL,
                                (uint64_t)plan->durable,     mpijob_type_size(&d->rows->type)};
    *digest = mpj_rows_digest(0, d->path, strlen(d->path));
    *digest = mpj_rows_digest(*digest, text, strlen(text));
    *digest = mpj_rows_digest(*digest, numbers, sizeof numbers);
    *digest = mpj_rows_digest(*digest, d->rows->shape + 1, (size_t)(d->rows->ndim - 1) * sizeof *d->rows->shape);
    if (plan->chunks)
        *digest = mpj_rows_digest(*digest, plan->chunks, (size_t)d->rows->ndim * sizeof *plan->chunks);
    if (plan->attributes)
        *digest = mpj_rows_digest(*digest, plan->attributes, strlen(plan->attributes));
    mpj_free(text);
    return MPIJOB_OK;
}

static int open_call(dump_rows *d, MPI_Comm comm, const mpijob_dump_options *options, mpijob_error *err)
{
    mpj_vote vote = {.status = d->call.problem};
    size_t starts_bytes = ((size_t)d->call.link->size + 1) * sizeof *d->starts;
    if (vote.status == MPIJOB_OK)
        vote.status = check(d, options, err);
    if (vote.status == MPIJOB_OK)
        vote.status = digest_of(&vote.digest, d, err);
    if (vote.status == MPIJOB_OK && !(d->starts = mpj_alloc(starts_bytes)))
        vote.status = mpj_fail_memory(err, "the numbers of rows of all ranks", starts_bytes);
    return mpj_rows_open(&d->call, &vote, comm, err);
}

static int find_starts(dump_rows *d, mpijob_error *err)
{
    mpj_link *link = d->call.link;
    uint64_t mine = d->rows->shape[0];
    size_t sum = 0, bytes;
    MPI_Request request;
    _Static_assert(sizeof(size_t) == sizeof(uint64_t), "starts are gathered as 64-bit numbers");
    int code = MPI_Iallgather(&mine, 1, MPI_UINT64_T, d->starts, 1, MPI_UINT64_T, link->comm, &request);
    int status =
        code == MPI_SUCCESS ? mpj_wait(&request, "counting rows", err) : mpj_fail_mpi(err, code, "counting rows");
    if (status != MPIJOB_OK)
        mpj_abort(link->comm, err);
    for (int q = 0; q < link->size; q++) {
        size_t rows = d->starts[q];
        d->starts[q] = sum;
        if (rows > SIZE_MAX - sum)
            return mpj_fail(err, MPIJOB_EINVAL, "mpijob_dump_rows: the ranks have more rows than can be counted");
        sum += rows;
    }
    d->starts[link->size] = d->total = sum;
    size_t shape[MPIJOB_MAX_DIMS];
    memcpy(shape, d->rows->shape, sizeof shape);
    shape[0] = sum;
    if (mpj_shape_bytes(&bytes, d->rows->ndim, shape, mpijob_type_size(&d->rows->type)) != 0)
        return mpj_fail(err, MPIJOB_EINVAL, "mpijob_dump_rows: the whole array is larger than the address space");
    return MPIJOB_OK;
}

/* ---- NPY --------------------------------------------------------------------------------------------------------- */

static int begin_npy(const dump_rows *d, mpj_publish *publish, int64_t *offset, mpijob_error *err)
{
    size_t shape[MPIJOB_MAX_DIMS], bytes;
    void *header;
    memcpy(shape, d->rows->shape, sizeof shape);
    shape[0] = d->total;
    int status = mpj_npy_header_make(&header, &bytes, &d->rows->type, d->rows->ndim, shape, 'C', err);
    if (status != MPIJOB_OK)
        return status;
    status = mpj_publish_file(publish, d->path, err);
    if (status == MPIJOB_OK)
        status = mpj_file_write(publish->fd, publish->path, header, bytes, 0, err);
    mpj_free(header);
    *offset = (int64_t)bytes;
    return status;
}

static int write_npy(const dump_rows *d, mpj_publish *publish, const char *path, uint64_t offset, mpijob_error *err)
{
    size_t row = mpijob_type_size(&d->rows->type);
    for (int i = 1; i < d->rows->ndim; i++)
        row *= d->rows->shape[i];
    int status = d->call.link->rank == 0 ? MPIJOB_OK : mpj_publish_join(publish, path, 0, err);
    if (status == MPIJOB_OK)
        status =
            mpj_npy_write_rows(d->rows, publish->fd, path, offset + d->starts[d->call.link->rank] * row, &d->plan, err);
    if (status == MPIJOB_OK && d->call.link->rank != 0)
        status = mpj_publish_leave(publish, d->plan.durable, err);
    return status;
}

static int dump_npy(dump_rows *d, mpijob_error *err)
{
    mpj_publish publish = {.fd = -1};
    mpj_vote vote = {0};
    char path[MPJ_PATH_BYTES] = "";
    if (d->call.link->rank == 0)
        vote.status = begin_npy(d, &publish, &vote.root[0], err);
    int status = mpj_agree(d->call.link, &vote, err);
    if (status == MPIJOB_OK) {
        memcpy(path, publish.path, sizeof path);
        mpj_spread(d->call.link, path, sizeof path);
        status = mpj_rows_agree(&d->call, write_npy(d, &publish, path, (uint64_t)vote.root[0], err), err);
    }
    if (status == MPIJOB_OK)
        status = mpj_rows_agree(
            &d->call,
            d->call.link->rank == 0 ? mpj_publish_commit(&publish, d->plan.durable, mpj_may_replace, err) : MPIJOB_OK,
            err);
    mpj_publish_abandon(&publish);
    return status;
}

/* ---- Zarr -------------------------------------------------------------------------------------------------------- */

typedef struct zarr_rows {
    mpj_zarr_writing whole;
    mpj_meter meter;
    mpj_rows_share share;
    size_t chunk_rows;
    uint64_t row_chunks;     /* chunks of one row of them */
    void *mixed;             /* the rows of the chunk that later ranks have a part of */
    size_t *counts;          /* chunks that each rank writes */
    mpj_sum *sums;           /* of those of this rank */
    mpj_tree_writer *writer; /* rank 0: the result */
    mpj_publish chunks;      /* rank 0, zip: where the chunks are until they are packed */
} zarr_rows;

static size_t chunks_of(const dump_rows *d, const zarr_rows *z, int rank)
{
    mpj_rows_share share;
    mpj_rows_shares(&share, d->starts, d->call.link->size, rank, z->chunk_rows);
    size_t rows = share.own_end - share.own_first;
    size_t own = rows / z->chunk_rows + (rows % z->chunk_rows != 0);
    return (own + (share.mixed_end > share.mixed_first)) * (size_t)z->row_chunks;
}

static int make_room(const dump_rows *d, zarr_rows *z, mpijob_error *err)
{
    const mpj_link *link = d->call.link;
    size_t row_bytes = mpijob_type_size(&d->rows->type);
    for (int i = 1; i < d->rows->ndim; i++)
        row_bytes *= d->rows->shape[i];
    size_t mixed_bytes = (z->share.mixed_end - z->share.mixed_first) * row_bytes;
    z->meter.total = (uint64_t)(z->share.own_end - z->share.own_first) * row_bytes + mixed_bytes;
    z->counts = mpj_alloc((size_t)link->size * sizeof *z->counts);
    if (!z->counts)
        return mpj_fail_memory(err, "the numbers of chunks of all ranks", (size_t)link->size * sizeof *z->counts);
    for (int q = 0; q < link->size; q++)
        z->counts[q] = chunks_of(d, z, q);
    z->sums = mpj_calloc(z->counts[link->rank], sizeof *z->sums);
    z->mixed = mpj_alloc(mixed_bytes);
    if (link->rank == 0)
        z->whole.sums = mpj_calloc((size_t)z->whole.part.meta.grid.total, sizeof *z->sums);
    if (!z->sums || !z->mixed || (link->rank == 0 && !z->whole.sums))
        return mpj_fail_memory(err, "the chunks that this rank writes", mixed_bytes);
    return MPIJOB_OK;
}

static int begin_zarr(const dump_rows *d, zarr_rows *z, mpijob_error *err)
{
    if (d->call.link->rank != 0)
        return MPIJOB_OK;
    int status = mpj_tree_create(&z->writer, d->path, err);
    if (status == MPIJOB_OK && mpj_tree_writes_zip(z->writer))
        status = mpj_publish_folder(&z->chunks, d->path, err);
    return status;
}

static int prepare_zarr(const dump_rows *d, zarr_rows *z, mpijob_error *err)
{
    const mpj_link *link = d->call.link;
    int status = mpj_zarr_rows_describe(&z->whole, d->rows, d->total, &d->plan, &z->meter, err);
    if (status != MPIJOB_OK)
        return status;
    const mpj_grid *grid = &z->whole.part.meta.grid;
    z->chunk_rows = grid->chunk[0];
    z->row_chunks = grid->count[0] > 0 ? grid->total / grid->count[0] : 0;
    mpj_rows_shares(&z->share, d->starts, link->size, link->rank, z->chunk_rows);
    status = make_room(d, z, err);
    return status == MPIJOB_OK ? begin_zarr(d, z, err) : status;
}

/* This rank's chunks: those that are all its own, and the one that later ranks have a part of. */
static int write_chunks(const dump_rows *d, zarr_rows *z, const char *folder, mpijob_error *err)
{
    const mpj_rows_share *share = &z->share;
    mpijob_array own = *d->rows;
    size_t own_rows = share->own_end - share->own_first;
    int status = MPIJOB_OK;
    if (own_rows > 0) {
        own.data = (char *)own.data + (ptrdiff_t)(share->own_first - share->first) * own.strides[0];
        own.shape[0] = own_rows;
        status = mpj_zarr_rows_write(z->sums, &z->whole, &own, share->own_first, folder, err);
    }
    if (status == MPIJOB_OK && share->mixed_end > share->mixed_first) {
        size_t shape[MPIJOB_MAX_DIMS];
        memcpy(shape, d->rows->shape, sizeof shape);
        shape[0] = share->mixed_end - share->mixed_first;
        mpijob_array mixed = mpijob_array_of(z->mixed, d->rows->type, d->rows->ndim, shape);
        mpj_sum *sums = z->sums + (own_rows / z->chunk_rows) * (size_t)z->row_chunks;
        status = mpj_zarr_rows_write(sums, &z->whole, &mixed, share->mixed_first, folder, err);
    }
    return status;
}

/* Rank 0: the rest of the files, and the name. Takes z->writer. */
static int finish_zarr(dump_rows *d, zarr_rows *z, mpijob_error *err)
{
    mpj_tree_writer *writer = z->writer;
    z->writer = NULL;
    if (mpj_tree_writes_zip(writer))
        return mpj_zarr_rows_pack(&z->whole, writer, z->chunks.path, err);
    int status = mpj_zarr_rows_finish(&z->whole, writer, err);
    if (status == MPIJOB_OK)
        return mpj_tree_commit(writer, d->plan.durable, mpj_may_replace, err);
    mpj_tree_abandon(writer);
    return status;
}

static int write_zarr(dump_rows *d, zarr_rows *z, mpijob_error *err)
{
    char folder[MPJ_PATH_BYTES] = "";
    mpj_link *link = d->call.link;
    if (link->rank == 0)
        snprintf(folder, sizeof folder, "%s",
                 mpj_tree_writes_zip(z->writer) ? z->chunks.path : mpj_tree_writer_path(z->writer));
    mpj_spread(link, folder, sizeof folder);
    int status = mpj_rows_exchange(&d->call, z->mixed, &z->share, d->starts, d->rows, z->chunk_rows, err);
    if (status == MPIJOB_OK)
        status = mpj_rows_agree(&d->call, write_chunks(d, z, folder, err), err);
    if (status != MPIJOB_OK)
        return status;
    mpj_rows_gather(&d->call, z->whole.sums, z->sums, z->counts, sizeof *z->sums);
    return mpj_rows_agree(&d->call, link->rank == 0 ? finish_zarr(d, z, err) : MPIJOB_OK, err);
}

static int dump_zarr(dump_rows *d, mpijob_error *err)
{
    zarr_rows z = {.meter = {.progress = d->plan.progress, .payload = d->plan.progress_payload}, .chunks.fd = -1};
    int status = mpj_rows_agree(&d->call, prepare_zarr(d, &z, err), err);
    if (status == MPIJOB_OK)
        status = write_zarr(d, &z, err);
    mpj_tree_abandon(z.writer);
    mpj_publish_abandon(&z.chunks);
    mpj_free(z.mixed);
    mpj_free(z.counts);
    mpj_free(z.sums);
    mpj_zarr_writing_dispose(&z.whole);
    return status;
}

/* ---- The public call --------------------------------------------------------------------------------------------- */

int mpijob_dump_rows(const mpijob_array *rows, const char *path, MPI_Comm comm, const mpijob_dump_options *options,
                     mpijob_error *err)
{
    dump_rows d = {.rows = rows, .path = path};
    mpijob_error record;
    int status = mpj_rows_begin(&d.call, "mpijob_dump_rows", comm, &record);
    if (status == MPIJOB_OK)
        status = open_call(&d, comm, options, &record);
    if (status == MPIJOB_OK)
        status = mpj_rows_agree(&d.call, find_starts(&d, &record), &record);
    if (status == MPIJOB_OK)
        status = d.plan.format == MPIJOB_NPY ? dump_npy(&d, &record) : dump_zarr(&d, &record);
    mpj_free(d.starts);
    if (status != MPIJOB_OK && err)
        *err = record;
    return status;
}
