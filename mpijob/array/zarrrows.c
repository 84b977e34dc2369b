#include "array/rowparts.h"

#include "base/alloc.h"
#include "base/error.h"

#include <string.h>

int mpj_zarr_rows_describe(mpj_zarr_writing *whole, const mpijob_array *like, size_t rows, const mpj_dump_plan *plan,
                           mpj_meter *meter, mpijob_error *err)
{
    static char nowhere;
    size_t shape[MPIJOB_MAX_DIMS];
    memcpy(shape, like->shape, sizeof shape);
    shape[0] = rows;
    mpijob_array array = mpijob_array_of(&nowhere, like->type, like->ndim, shape);
    return mpj_zarr_writing_init(whole, &array, "", plan->attributes, plan, meter, err);
}

int mpj_zarr_rows_write(mpj_sum *sums, const mpj_zarr_writing *whole, const mpijob_array *rows, size_t first,
                        const char *path, mpijob_error *err)
{
    const mpj_grid *grid = &whole->part.meta.grid;
    mpj_dump_plan plan = *whole->plan;
    mpj_zarr_writing part;
    mpj_tree_writer *folder;
    plan.chunks = grid->chunk;
    plan.order = whole->part.meta.order;
    const uint64_t total = whole->meter->total; /* which counts these rows already */
    int status = mpj_zarr_writing_init(&part, rows, "", NULL, &plan, whole->meter, err);
    whole->meter->total = total;
    if (status != MPIJOB_OK)
        return status;
    part.first_chunk_row = first / grid->chunk[0];
    status = mpj_tree_join(&folder, path, plan.durable, err);
    if (status == MPIJOB_OK) {
        status = mpj_zarr_write_chunks(&part, folder, err);
        mpj_tree_abandon(folder);
    }
    whole->meter->done += part.part.bytes;
    if (status == MPIJOB_OK && part.part.meta.grid.total > 0)
        memcpy(sums, part.sums, (size_t)part.part.meta.grid.total * sizeof *sums);
    mpj_zarr_writing_dispose(&part);
    return status;
}

int mpj_zarr_rows_finish(mpj_zarr_writing *whole, mpj_tree_writer *writer, mpijob_error *err)
{
    return mpj_zarr_write_listed(whole, writer, err);
}

/* ---- Into a zip file --------------------------------------------------------------------------------------------- */

typedef struct packing {
    const mpj_zarr_writing *whole;
    mpj_tree *folder;
    mpj_tree_buffer chunk;
} packing;

static int give(void *payload, uint64_t number, const void **content, size_t *bytes, mpijob_error *err)
{
    packing *p = payload;
    char name[MPJ_GRID_NAME_BYTES];
    const mpj_sum *sum = &p->whole->sums[number];
    mpj_zarr_chunk_name(p->whole, number, name);
    int status = mpj_tree_read(p->folder, name, &p->chunk, sum->bytes, err);
    if (status != MPIJOB_OK)
        return status;
    mpj_sum seen = mpj_sum_of(p->chunk.data, p->chunk.bytes);
    if (seen.sum != sum->sum || seen.bytes != sum->bytes)
        return mpj_fail(err, MPIJOB_ECORRUPT,
                        "%s: chunk %s is not what its rank wrote; is the file system shared and sound?",
                        mpj_tree_path(p->folder), name);
    *content = p->chunk.data;
    *bytes = p->chunk.bytes;
    return MPIJOB_OK;
}

int mpj_zarr_rows_pack(mpj_zarr_writing *whole, mpj_tree_writer *zip, const char *path, mpijob_error *err)
{
    packing p = {.whole = whole};
    int status = mpj_tree_open(&p.folder, path, err);
    if (status != MPIJOB_OK) {
        mpj_tree_abandon(zip);
        return status;
    }
    status = mpj_zarr_promise(whole, zip, give, NULL, &p, err);
    if (status == MPIJOB_OK)
        status = mpj_tree_commit(zip, whole->plan->durable, mpj_may_replace, err);
    else
        mpj_tree_abandon(zip);
    mpj_tree_close(p.folder);
    mpj_free(p.chunk.data);
    return status;
}
