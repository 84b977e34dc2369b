#include "array/zarrload.h"

#include "array/zarrread.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/pool.h"

#include <stdlib.h>
#include <string.h>

/* Elements that a shape may claim without a chunk that justifies them; and, above, how many for one that is justified. */
#define FREE_BYTES ((uint64_t)256 << 20)
#define CLAIMS_A_BYTE 64
/* From so many chunks on, which ones exist is looked up beforehand. */
#define MANY_CHUNKS 1024

typedef struct loading {
    mpj_zarr_reading reading;
    const mpj_load_plan *plan;
    mpijob_array *array;
    mpj_convert convert;
    size_t start[MPIJOB_MAX_DIMS], length[MPIJOB_MAX_DIMS]; /* the region, every dimension limited */
    uint64_t file_bytes;                                    /* of the region's elements, as in the file */
    uint64_t bytes;                                         /* and in memory */
    mpj_grid_window window;
    int straight;         /* a whole chunk lies in the array as it does in the file */
    int scatters;         /* some chunks have to be decompressed into a buffer first */
    void *fill;           /* an element in memory */
    size_t element_bytes; /* in memory */
    int listed;           /* read only what is in `stored`; else every chunk of the window */
    uint64_t *stored;     /* chunks that exist, by number in the grid */
    size_t stored_count, stored_capacity;
    int no_memory;            /* `stored` is not complete */
    uint64_t justified_bytes; /* of the elements of these, by their files */
    mpj_zarr_buffers *buffers;
    mpj_meter *meter;
} loading;

/* ---- What is asked for ----------------------------------------------------------------------------------------- */

static int take_region(loading *l, mpijob_error *err)
{
    const mpj_grid *grid = &l->reading.meta.grid;
    const mpijob_region *region = l->plan->options.region;
    if (region && (region->ndim < 0 || region->ndim > grid->ndim))
        return mpj_fail(err, MPIJOB_EINVAL, "the region has %d dimensions, the array %d", (int)region->ndim,
                        grid->ndim);
    for (int i = 0; i < grid->ndim; i++) {
        int limited = region && i < region->ndim;
        l->start[i] = limited ? region->start[i] : 0;
        l->length[i] = limited ? region->count[i] : grid->shape[i];
        if (l->start[i] > grid->shape[i] || l->length[i] > grid->shape[i] - l->start[i])
            return mpj_fail(err, MPIJOB_EINVAL,
                            "the region is outside of the array: %zu elements from %zu on, of %zu in "
                            "dimension %d",
                            l->length[i], l->start[i], grid->shape[i], i);
    }
    mpj_grid_touched(grid, l->start, l->length, &l->window);
    return MPIJOB_OK;
}

static mpijob_type wanted_type(const loading *l)
{
    const mpijob_record *record = l->plan->options.record;
    return record ? mpijob_type_record(record) : l->reading.meta.dtype.type;
}

/* ---- Which chunks there are -------------------------------------------------------------------------------------- */

/* Where a chunk and the region meet. Returns 1 when that is the whole chunk, 0 for a part, -1 for nothing. */
static int meet(const loading *l, const size_t *at, size_t *start, size_t *length)
{
    const mpj_grid *grid = &l->reading.meta.grid;
    int whole = !mpj_grid_extent(grid, at, start, length);
    for (int i = 0; i < grid->ndim; i++) {
        size_t end = start[i] + length[i];
        size_t wanted_end = l->start[i] + l->length[i];
        size_t first = start[i] > l->start[i] ? start[i] : l->start[i];
        size_t last = end < wanted_end ? end : wanted_end;
        if (last <= first)
            return -1;
        whole = whole && first == start[i] && last == end;
        start[i] = first;
        length[i] = last - first;
    }
    return whole;
}

static int note_stored(uint64_t number, uint64_t file_bytes, void *payload)
{
    loading *l = payload;
    const mpj_zarr_meta *meta = &l->reading.meta;
    size_t at[MPIJOB_MAX_DIMS], start[MPIJOB_MAX_DIMS], length[MPIJOB_MAX_DIMS];
    size_t bytes = 0;
    mpj_grid_position(&meta->grid, number, at);
    if (meet(l, at, start, length) < 0)
        return 0;
    void *stored = l->stored;
    if (mpj_grow(&stored, &l->stored_capacity, l->stored_count + 1, sizeof *l->stored) != 0)
        return l->no_memory = 1;
    l->stored = stored;
    l->stored[l->stored_count++] = number;
    mpj_shape_bytes(&bytes, meta->grid.ndim, length, meta->element_bytes);
    uint64_t justified = mpj_zarr_justified(&l->reading, file_bytes);
    l->justified_bytes += justified < bytes ? justified : bytes;
    return 0;
}

static int by_number(const void *a, const void *b)
{
    uint64_t first = *(const uint64_t *)a, second = *(const uint64_t *)b;
    return first < second ? -1 : first > second;
}

static int check_claim(const loading *l, mpijob_error *err)
{
    uint64_t open = l->file_bytes - l->justified_bytes;
    if (l->plan->options.into || open <= FREE_BYTES || open / CLAIMS_A_BYTE <= l->justified_bytes)
        return MPIJOB_OK;
    return mpj_fail(
        err, MPIJOB_EUNSUPPORTED,
        "%s/%s: %llu of the %llu bytes that the shape claims are missing chunks, or more than the chunks' files "
        "can hold; give memory for them (into), or load regions",
        mpj_tree_path(l->reading.tree), l->reading.prefix, (unsigned long long)open, (unsigned long long)l->file_bytes);
}

/* Few chunks are simply tried. With a list of checksums they are tried too, so that one that should be there is missed. */
static int find_stored(loading *l, mpijob_error *err)
{
    int large = l->file_bytes > FREE_BYTES && !l->plan->options.into;
    l->listed = !l->reading.sums.known && l->window.total > MANY_CHUNKS;
    if (!large && !l->listed)
        return MPIJOB_OK;
    int status = mpj_zarr_list_chunks(&l->reading, note_stored, l, err);
    if (l->no_memory)
        return mpj_fail_memory(err, "a list of chunks", (l->stored_count + 1) * sizeof *l->stored);
    if (status != MPIJOB_OK)
        return status;
    if (l->stored_count > 0)
        qsort(l->stored, l->stored_count, sizeof *l->stored, by_number);
    return check_claim(l, err);
}

/* ---- Chunks ---------------------------------------------------------------------------------------------------- */

static char *place_of(const loading *l, const size_t *start)
{
    char *place = l->array->data;
    for (int i = 0; i < l->array->ndim; i++)
        place += (ptrdiff_t)(start[i] - l->start[i]) * l->array->strides[i];
    return place;
}

static void scatter(const loading *l, const size_t *at, const size_t *start, const size_t *length, const void *elements)
{
    mpj_block block = {.ndim = l->array->ndim};
    const char *from = elements;
    for (int i = 0; i < block.ndim; i++) {
        block.count[i] = length[i];
        block.from_strides[i] = l->reading.chunk_strides[i];
        block.to_strides[i] = l->array->strides[i];
        from += (ptrdiff_t)(start[i] - at[i] * l->reading.meta.grid.chunk[i]) * block.from_strides[i];
    }
    mpj_block_copy(&block, place_of(l, start), from, l->element_bytes, l->convert.plain ? NULL : &l->convert);
}

static void fill_block(const loading *l, const size_t *start, const size_t *length)
{
    mpj_block block = {.ndim = l->array->ndim};
    for (int i = 0; i < block.ndim; i++) {
        block.count[i] = length[i];
        block.to_strides[i] = l->array->strides[i];
    }
    mpj_block_fill(&block, place_of(l, start), l->fill, l->element_bytes);
}

static int load_chunk(uint64_t item, int worker, void *payload, mpijob_error *err)
{
    loading *l = payload;
    size_t at[MPIJOB_MAX_DIMS], start[MPIJOB_MAX_DIMS], length[MPIJOB_MAX_DIMS];
    if (l->listed)
        mpj_grid_position(&l->reading.meta.grid, l->stored[item], at);
    else
        mpj_grid_at(&l->reading.meta.grid, &l->window, item, at);
    int to_place = meet(l, at, start, length) == 1 && l->straight;
    mpj_zarr_buffers *buffers = &l->buffers[worker];
    int status = mpj_zarr_read_chunk(&l->reading, at, to_place ? place_of(l, start) : NULL, buffers, err);
    if (status == MPIJOB_ENOTFOUND) {
        fill_block(l, start, length);
        return MPIJOB_OK;
    }
    if (status == MPIJOB_OK && !to_place)
        scatter(l, at, start, length, buffers->elements);
    return status;
}

static int tick(uint64_t done, uint64_t count, void *payload)
{
    const loading *l = payload;
    return mpj_meter_tell(l->meter, l->bytes, done, count, NULL) != MPIJOB_OK;
}

static void free_buffers(loading *l, size_t count)
{
    for (size_t i = 0; i < count && l->buffers; i++)
        mpj_zarr_buffers_free(&l->buffers[i]);
    mpj_free(l->buffers);
    l->buffers = NULL;
}

static int load_chunks(loading *l, mpijob_error *err)
{
    const mpijob_load_options *options = &l->plan->options;
    uint64_t items = l->listed ? l->stored_count : l->window.total;
    uint64_t wanted = items < (uint64_t)options->threads ? items : (uint64_t)options->threads;
    size_t threads = mpj_zarr_buffers_count(&l->reading, options->cache_size_bytes, l->scatters, wanted);
    if (l->listed && l->stored_count < l->window.total)
        fill_block(l, l->start, l->length);
    l->buffers = mpj_calloc(threads, sizeof *l->buffers);
    if (!l->buffers)
        return mpj_fail_memory(err, "the reading of chunks", threads * sizeof *l->buffers);
    int status = mpj_pool_run(items, (int)threads, load_chunk, l->meter->progress ? tick : NULL, l, err);
    free_buffers(l, threads);
    return status;
}

/* ---- All of it ------------------------------------------------------------------------------------------------- */

static int prepare_types(loading *l, const mpijob_type *type, mpijob_error *err)
{
    const mpj_dtype *dtype = &l->reading.meta.dtype;
    int status = mpj_convert_init(&l->convert, &dtype->type, dtype->swapped, type, err);
    if (status != MPIJOB_OK)
        return status;
    l->element_bytes = mpijob_type_size(type);
    return MPIJOB_OK;
}

/* Once the array's own memory is justified, that of one element is. */
static int make_fill(loading *l, mpijob_error *err)
{
    const void *fill = l->reading.meta.fill;
    l->fill = mpj_calloc(1, l->element_bytes);
    if (!l->fill)
        return mpj_fail_memory(err, "a fill value", l->element_bytes);
    if (fill)
        mpj_convert_elements(&l->convert, l->fill, fill, 1);
    return MPIJOB_OK;
}

static int measure(loading *l, mpijob_error *err)
{
    const mpj_zarr_meta *meta = &l->reading.meta;
    size_t in_file, in_memory;
    if (mpj_shape_bytes(&in_file, meta->grid.ndim, l->length, meta->element_bytes) != 0 ||
        mpj_shape_bytes(&in_memory, meta->grid.ndim, l->length, l->element_bytes) != 0)
        return mpj_fail(err, MPIJOB_EINVAL, "the array is larger than the address space");
    l->file_bytes = in_file;
    l->bytes = in_memory;
    if (!l->meter->total)
        l->meter->total = in_memory;
    return MPIJOB_OK;
}

static void find_straight(loading *l)
{
    const mpj_grid *grid = &l->reading.meta.grid;
    int clipped = 0;
    l->straight = l->convert.plain;
    for (int i = 0; i < grid->ndim; i++) {
        if (grid->chunk[i] > 1 && l->array->strides[i] != l->reading.chunk_strides[i])
            l->straight = 0;
        clipped |= l->start[i] % grid->chunk[i] != 0 || l->length[i] % grid->chunk[i] != 0;
    }
    l->scatters = clipped || !l->straight;
}

static int load_opened(loading *l, mpijob_error *err)
{
    const mpj_zarr_meta *meta = &l->reading.meta;
    mpijob_type type = wanted_type(l);
    int status = take_region(l, err);
    if (status == MPIJOB_OK)
        status = prepare_types(l, &type, err);
    if (status == MPIJOB_OK)
        status = measure(l, err);
    if (status == MPIJOB_OK)
        status = find_stored(l, err);
    if (status == MPIJOB_OK)
        status = mpj_array_make(l->array, &type, meta->grid.ndim, l->length, meta->order, l->plan, err);
    if (status != MPIJOB_OK)
        return status;
    find_straight(l);
    if (l->window.total > 0)
        status = make_fill(l, err);
    if (status == MPIJOB_OK && l->window.total > 0)
        status = load_chunks(l, err);
    if (status != MPIJOB_OK)
        mpijob_array_free(l->array);
    return status;
}

int mpj_zarr_load_metered(mpijob_array *array, mpj_tree *tree, const char *prefix, const mpj_load_plan *plan,
                          mpj_meter *meter, mpijob_error *err)
{
    mpijob_array made = {0};
    loading l = {.plan = plan, .array = &made, .meter = meter};
    int status = mpj_zarr_open(&l.reading, tree, prefix, err);
    if (status != MPIJOB_OK)
        return status;
    status = load_opened(&l, err);
    mpj_convert_dispose(&l.convert);
    mpj_free(l.fill);
    mpj_free(l.stored);
    mpj_zarr_close(&l.reading);
    if (status != MPIJOB_OK)
        return status;
    meter->done += l.bytes;
    *array = made;
    return MPIJOB_OK;
}

int mpj_zarr_load(mpijob_array *array, mpj_tree *tree, const char *prefix, const mpj_load_plan *plan, mpijob_error *err)
{
    mpj_meter meter = {.progress = plan->options.progress, .payload = plan->options.progress_payload};
    return mpj_zarr_load_metered(array, tree, prefix, plan, &meter, err);
}
