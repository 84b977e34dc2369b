#include "array/zarrdump.h"

#include "base/alloc.h"
#include "base/error.h"

#include <stdio.h>
#include <string.h>

/* ---- Small files ----------------------------------------------------------------------------------------------- */

int mpj_zarr_put(mpj_tree_writer *writer, const char *prefix, const char *name, const void *content, size_t bytes,
                 mpj_sums_text *sums, mpijob_error *err)
{
    char path[MPJ_PATH_BYTES];
    if ((size_t)snprintf(path, sizeof path, "%s%s", prefix, name) >= sizeof path)
        return mpj_fail(err, MPIJOB_EINVAL, "%.200s...: the name is too long", prefix);
    if (sums)
        mpj_sums_add(sums, name, mpj_sum_of(content, bytes));
    return mpj_tree_put(writer, path, content, bytes, err);
}

int mpj_zarr_put_sums(mpj_tree_writer *writer, const char *prefix, mpj_sums_text *sums, mpj_sum *sum, mpijob_error *err)
{
    int status = mpj_sums_finish(sums, err);
    if (status == MPIJOB_OK) {
        *sum = mpj_sum_of(sums->text, sums->used);
        status = mpj_zarr_put(writer, prefix, MPJ_SUMS_NAME, sums->text, sums->used, NULL, err);
    }
    mpj_sums_text_free(sums);
    return status;
}

static int put_metadata(mpj_zarr_writing *w, mpj_sums_text *sums, mpijob_error *err)
{
    char *text;
    size_t bytes;
    int status = mpj_zarr_meta_print(&text, &bytes, &w->part.meta, err);
    if (status != MPIJOB_OK)
        return status;
    status = mpj_zarr_put(w->writer, w->prefix, MPJ_ZARRAY, text, bytes, sums, err);
    mpj_free(text);
    if (status == MPIJOB_OK && w->attributes)
        status = mpj_zarr_put(w->writer, w->prefix, MPJ_ZATTRS, w->attributes, strlen(w->attributes), sums, err);
    return status;
}

void mpj_zarr_chunk_name(const mpj_zarr_writing *w, uint64_t number, char name[MPJ_GRID_NAME_BYTES])
{
    size_t at[MPIJOB_MAX_DIMS];
    mpj_grid_position(&w->part.meta.grid, number, at);
    if (w->first_chunk_row)
        at[0] += w->first_chunk_row;
    mpj_grid_name(&w->part.meta.grid, at, w->part.meta.separator, name);
}

static int tell(const mpj_zarr_writing *w, uint64_t done, mpijob_error *err)
{
    return mpj_meter_tell(w->meter, w->part.bytes, done, w->part.meta.grid.total, err);
}

static int tick(uint64_t done, uint64_t count, void *payload)
{
    (void)count;
    return tell(payload, done, NULL) != MPIJOB_OK;
}

/* ---- Folders: each thread writes the files it makes -------------------------------------------------------------- */

static int write_chunk(uint64_t number, int worker, void *payload, mpijob_error *err)
{
    mpj_zarr_writing *w = payload;
    char name[MPJ_GRID_NAME_BYTES], path[MPJ_PATH_BYTES];
    const void *content;
    size_t bytes;
    int status = mpj_zarr_encode(&w->part, number, &w->scratch[worker], &content, &bytes, err);
    if (status != MPIJOB_OK)
        return status;
    w->sums[number] = mpj_sum_of(content, bytes);
    mpj_zarr_chunk_name(w, number, name);
    snprintf(path, sizeof path, "%s%s", w->prefix, name);
    return mpj_tree_put(w->writer, path, content, bytes, err);
}

static int make_scratch(mpj_zarr_writing *w, size_t count, mpijob_error *err)
{
    w->scratch = mpj_calloc(count, sizeof *w->scratch);
    if (!w->scratch)
        return mpj_fail_memory(err, "the making of chunks", count * sizeof *w->scratch);
    int status = MPIJOB_OK;
    for (size_t i = 0; i < count && status == MPIJOB_OK; i++) {
        status = mpj_zarr_scratch_make(&w->scratch[i], &w->part, err);
        w->scratch_count = i + 1;
    }
    return status;
}

static void free_scratch(mpj_zarr_writing *w)
{
    for (size_t i = 0; i < w->scratch_count; i++)
        mpj_zarr_scratch_free(&w->scratch[i]);
    mpj_free(w->scratch);
    w->scratch = NULL;
    w->scratch_count = 0;
}

int mpj_zarr_write_chunks(mpj_zarr_writing *w, mpj_tree_writer *writer, mpijob_error *err)
{
    uint64_t total = w->part.meta.grid.total;
    w->writer = writer;
    if (total == 0)
        return MPIJOB_OK;
    uint64_t wanted = total < (uint64_t)w->plan->threads ? total : (uint64_t)w->plan->threads;
    size_t threads = mpj_zarr_scratch_count(&w->part, w->plan->cache_bytes, wanted);
    w->sums = total < SIZE_MAX / sizeof *w->sums ? mpj_calloc((size_t)total, sizeof *w->sums) : NULL;
    if (!w->sums)
        return mpj_fail_memory(err, "checksums", total * sizeof *w->sums);
    int status = make_scratch(w, threads, err);
    if (status == MPIJOB_OK)
        status = mpj_pool_run(total, (int)threads, write_chunk, w->meter->progress ? tick : NULL, w, err);
    free_scratch(w);
    return status;
}

static void list_chunks(const mpj_zarr_writing *w, mpj_sums_text *sums)
{
    char name[MPJ_GRID_NAME_BYTES];
    for (uint64_t i = 0; i < w->part.meta.grid.total; i++) {
        mpj_zarr_chunk_name(w, i, name);
        mpj_sums_add(sums, name, w->sums[i]);
    }
}

int mpj_zarr_write_listed(mpj_zarr_writing *w, mpj_tree_writer *writer, mpijob_error *err)
{
    mpj_sums_text sums = {0};
    w->writer = writer;
    int status = put_metadata(w, &sums, err);
    if (status != MPIJOB_OK) {
        mpj_sums_text_free(&sums);
        return status;
    }
    list_chunks(w, &sums);
    return mpj_zarr_put_sums(w->writer, w->prefix, &sums, &w->list_sum, err);
}

/* ---- Zip files: threads make chunks ahead, the tree takes them in order ------------------------------------------ */

struct mpj_zarr_product {
    const void *content;
    size_t bytes;
};

static int make_product(uint64_t number, size_t slot, void *payload, mpijob_error *err)
{
    mpj_zarr_writing *w = payload;
    mpj_zarr_product *product = &w->products[slot];
    return mpj_zarr_encode(&w->part, number, &w->scratch[slot], &product->content, &product->bytes, err);
}

/* One slot more than threads, so that all can work while one chunk is written. */
static int open_pipe(mpj_zarr_writing *w, mpijob_error *err)
{
    uint64_t total = w->part.meta.grid.total;
    uint64_t wanted = (uint64_t)w->plan->threads + 1;
    size_t slots = mpj_zarr_scratch_count(&w->part, w->plan->cache_bytes, total < wanted ? total : wanted);
    w->products = mpj_calloc(slots, sizeof *w->products);
    if (!w->products)
        return mpj_fail_memory(err, "the making of chunks", slots * sizeof *w->products);
    int status = make_scratch(w, slots, err);
    if (status == MPIJOB_OK)
        status = mpj_pipe_open(&w->pipe, total, w->plan->threads, slots, make_product, w, err);
    return status;
}

static void close_pipe(mpj_zarr_writing *w)
{
    mpj_pipe_close(w->pipe);
    w->pipe = NULL;
    free_scratch(w);
    mpj_free(w->products);
    w->products = NULL;
}

/* The threads of an array start with its first chunk and end with its last, so that arrays of a group take turns. */
static int give_chunk(void *payload, uint64_t number, const void **content, size_t *bytes, mpijob_error *err)
{
    mpj_zarr_writing *w = payload;
    int status = number == 0 ? open_pipe(w, err) : MPIJOB_OK;
    if (status == MPIJOB_OK)
        status = mpj_pipe_next(w->pipe, &w->slot, err);
    if (status == MPIJOB_OK)
        status = tell(w, number + 1, err);
    if (status != MPIJOB_OK) {
        close_pipe(w);
        return status;
    }
    *content = w->products[w->slot].content;
    *bytes = w->products[w->slot].bytes;
    return MPIJOB_OK;
}

static void chunk_written(void *payload, uint64_t number)
{
    mpj_zarr_writing *w = payload;
    if (!w->pipe)
        return;
    mpj_pipe_release(w->pipe, w->slot);
    if (number + 1 < w->part.meta.grid.total)
        return;
    close_pipe(w);
    w->meter->done += w->part.bytes;
}

int mpj_zarr_promise(mpj_zarr_writing *w, mpj_tree_writer *writer, mpj_tree_give_fn *give, mpj_tree_done_fn *done,
                     void *payload, mpijob_error *err)
{
    w->writer = writer;
    int status = put_metadata(w, NULL, err);
    for (uint64_t i = 0; i < w->part.meta.grid.total && status == MPIJOB_OK; i++) {
        char name[MPJ_GRID_NAME_BYTES], path[MPJ_PATH_BYTES];
        mpj_zarr_chunk_name(w, i, name);
        snprintf(path, sizeof path, "%s%s", w->prefix, name);
        status = mpj_tree_put_later(w->writer, path, i, give, done, payload, err);
    }
    return status;
}

/* ---- An array -------------------------------------------------------------------------------------------------- */

int mpj_zarr_writing_init(mpj_zarr_writing *w, const mpijob_array *array, const char *prefix, const char *attributes,
                          const mpj_dump_plan *plan, mpj_meter *meter, mpijob_error *err)
{
    memset(w, 0, sizeof *w);
    w->plan = plan;
    w->prefix = prefix;
    w->attributes = attributes;
    w->meter = meter;
    int status = mpj_zarr_part_init(&w->part, array, plan, err);
    if (status == MPIJOB_OK)
        meter->total += w->part.bytes;
    return status;
}

int mpj_zarr_write(mpj_zarr_writing *w, mpj_tree_writer *writer, mpijob_error *err)
{
    if (mpj_tree_writes_zip(writer))
        return mpj_zarr_promise(w, writer, give_chunk, chunk_written, w, err);
    int status = mpj_zarr_write_chunks(w, writer, err);
    if (status == MPIJOB_OK)
        status = mpj_zarr_write_listed(w, writer, err);
    w->meter->done += w->part.bytes;
    return status;
}

void mpj_zarr_writing_dispose(mpj_zarr_writing *w)
{
    close_pipe(w);
    mpj_free(w->sums);
    mpj_zarr_part_dispose(&w->part);
    memset(w, 0, sizeof *w);
}

static int write_and_commit(mpj_zarr_writing *w, const char *path, const mpj_dump_plan *plan, mpijob_error *err)
{
    mpj_tree_writer *writer;
    int status = mpj_tree_create(&writer, path, err);
    if (status != MPIJOB_OK)
        return status;
    status = mpj_zarr_write(w, writer, err);
    if (status == MPIJOB_OK)
        return mpj_tree_commit(writer, plan->durable, mpj_may_replace, err);
    mpj_tree_abandon(writer);
    return status;
}

int mpj_zarr_dump(const mpijob_array *array, const char *path, const mpj_dump_plan *plan, mpijob_error *err)
{
    mpj_zarr_writing writing;
    mpj_meter meter = {.progress = plan->progress, .payload = plan->progress_payload};
    int status = mpj_zarr_writing_init(&writing, array, "", plan->attributes, plan, &meter, err);
    if (status != MPIJOB_OK)
        return status;
    status = write_and_commit(&writing, path, plan, err);
    mpj_zarr_writing_dispose(&writing);
    return status;
}
