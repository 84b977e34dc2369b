#include "array/zarrpart.h"

#include "base/alloc.h"
#include "base/error.h"

#include <string.h>

static int refuse_pointers(const mpijob_array *array, mpijob_error *err)
{
    if (array->type.kind != MPIJOB_RECORD || mpijob_record_is_flat(array->type.record))
        return MPIJOB_OK;
    return mpj_fail(err, MPIJOB_EUNSUPPORTED,
                    "the struct %s has strings or pointers, which an array in a file cannot have; "
                    "mpijob_dump_record writes one such struct",
                    array->type.record->name);
}

static int take_chunks(const mpj_zarr_part *part, const mpj_dump_plan *plan, size_t *chunk, mpijob_error *err)
{
    const mpijob_array *array = &part->array;
    if (!plan->chunks) {
        mpj_grid_choose(chunk, array->ndim, array->shape, part->meta.element_bytes, part->meta.order,
                        mpj_grid_target_bytes(part->bytes, plan->cache_bytes));
        return MPIJOB_OK;
    }
    for (int i = 0; i < array->ndim; i++) {
        if (plan->chunks[i] == 0)
            return mpj_fail(err, MPIJOB_EINVAL, "option chunks: the length along dimension %d is 0", i);
        chunk[i] = plan->chunks[i];
    }
    return MPIJOB_OK;
}

static int set_grid(mpj_zarr_part *part, const mpj_dump_plan *plan, mpijob_error *err)
{
    mpj_zarr_meta *meta = &part->meta;
    const mpijob_array *array = &part->array;
    size_t chunk[MPIJOB_MAX_DIMS];
    int status = take_chunks(part, plan, chunk, err);
    if (status != MPIJOB_OK)
        return status;
    if (mpj_shape_bytes(&meta->chunk_bytes, array->ndim, chunk, meta->element_bytes) != 0 ||
        meta->chunk_bytes > MPJ_CODEC_MAX_BYTES)
        return mpj_fail(err, MPIJOB_EINVAL,
                        plan->chunks ? "option chunks: a chunk would be larger than Blosc's 2 GiB"
                                     : "an element is larger than Blosc's 2 GiB");
    if (mpj_grid_init(&meta->grid, array->ndim, array->shape, chunk) != 0)
        return mpj_fail(err, MPIJOB_EINVAL, "option chunks: there would be more chunks than can be counted");
    mpj_strides(part->chunk_strides, array->ndim, chunk, meta->element_bytes, meta->order);
    return MPIJOB_OK;
}

static int blosc_shuffle(int shuffle, size_t element_bytes)
{
    switch (shuffle) {
    case MPIJOB_SHUFFLE_NONE:
        return 0;
    case MPIJOB_SHUFFLE_BYTE:
        return 1;
    case MPIJOB_SHUFFLE_BIT:
        return 2;
    default:
        return element_bytes == 1 ? 2 : 1;
    }
}

static void set_codec(mpj_zarr_part *part, const mpj_dump_plan *plan)
{
    mpj_zarr_meta *meta = &part->meta;
    meta->compressed = plan->codec.level > 0;
    meta->codec = plan->codec;
    meta->codec.type_bytes = meta->element_bytes;
    meta->codec.shuffle = blosc_shuffle(plan->shuffle, meta->element_bytes);
}

/* Elements of one index, and so lengths of 1, may have any stride. */
static void find_straight(mpj_zarr_part *part)
{
    const mpj_grid *grid = &part->meta.grid;
    int clipped = 0;
    part->straight = part->convert.plain;
    for (int i = 0; i < grid->ndim; i++) {
        if (grid->chunk[i] > 1 && part->array.strides[i] != part->chunk_strides[i])
            part->straight = 0;
        clipped |= grid->shape[i] % grid->chunk[i] != 0;
    }
    part->gathers = clipped || !part->straight;
}

static int init_parts(mpj_zarr_part *part, const mpj_dump_plan *plan, mpijob_error *err)
{
    mpj_zarr_meta *meta = &part->meta;
    int status = mpj_dtype_copy(&meta->dtype, &part->array.type, 1, err);
    if (status != MPIJOB_OK)
        return status;
    meta->element_bytes = mpijob_type_size(&meta->dtype.type);
    meta->order = plan->order ? plan->order : mpj_array_order(&part->array);
    if (!meta->order)
        meta->order = 'C';
    meta->separator = '.';
    set_codec(part, plan);
    status = set_grid(part, plan, err);
    if (status == MPIJOB_OK)
        status = mpj_convert_init(&part->convert, &part->array.type, NULL, &meta->dtype.type, err);
    if (status == MPIJOB_OK)
        find_straight(part);
    return status;
}

int mpj_zarr_part_init(mpj_zarr_part *part, const mpijob_array *array, const mpj_dump_plan *plan, mpijob_error *err)
{
    size_t bytes;
    memset(part, 0, sizeof *part);
    int status = mpj_array_check(array, &bytes, err);
    if (status == MPIJOB_OK)
        status = refuse_pointers(array, err);
    if (status != MPIJOB_OK)
        return status;
    part->array = *array;
    part->bytes = bytes;
    status = init_parts(part, plan, err);
    if (status != MPIJOB_OK)
        mpj_zarr_part_dispose(part);
    return status;
}

void mpj_zarr_part_dispose(mpj_zarr_part *part)
{
    mpj_convert_dispose(&part->convert);
    mpj_zarr_meta_free(&part->meta);
    memset(part, 0, sizeof *part);
}

/* ---- Buffers --------------------------------------------------------------------------------------------------- */

static size_t packed_bytes(const mpj_zarr_part *part)
{
    return part->meta.compressed ? mpj_codec_bound(part->meta.chunk_bytes) : 0;
}

size_t mpj_zarr_scratch_bytes(const mpj_zarr_part *part)
{
    return packed_bytes(part) + (part->gathers ? part->meta.chunk_bytes : 0);
}

size_t mpj_zarr_scratch_count(const mpj_zarr_part *part, size_t cache_bytes, uint64_t wanted)
{
    size_t each = mpj_zarr_scratch_bytes(part);
    size_t room = each ? cache_bytes / each : SIZE_MAX;
    if (room > wanted)
        room = (size_t)wanted;
    return room ? room : 1;
}

int mpj_zarr_scratch_make(mpj_zarr_scratch *scratch, const mpj_zarr_part *part, mpijob_error *err)
{
    size_t packed = packed_bytes(part);
    *scratch = (mpj_zarr_scratch){0};
    if (packed)
        scratch->packed = mpj_alloc(packed);
    if (part->gathers)
        scratch->gathered = mpj_alloc(part->meta.chunk_bytes);
    if ((!packed || scratch->packed) && (!part->gathers || scratch->gathered))
        return MPIJOB_OK;
    mpj_zarr_scratch_free(scratch);
    return mpj_fail_memory(err, "the making of a chunk", mpj_zarr_scratch_bytes(part));
}

void mpj_zarr_scratch_free(mpj_zarr_scratch *scratch)
{
    mpj_free(scratch->gathered);
    mpj_free(scratch->packed);
    *scratch = (mpj_zarr_scratch){0};
}

/* ---- Chunks ---------------------------------------------------------------------------------------------------- */

static void gather(const mpj_zarr_part *part, void *to, const void *from, const size_t *length, int clipped)
{
    mpj_block block = {.ndim = part->array.ndim};
    for (int i = 0; i < block.ndim; i++) {
        block.count[i] = length[i];
        block.from_strides[i] = part->array.strides[i];
        block.to_strides[i] = part->chunk_strides[i];
    }
    if (clipped)
        memset(to, 0, part->meta.chunk_bytes);
    mpj_block_copy(&block, to, from, part->meta.element_bytes, part->convert.plain ? NULL : &part->convert);
}

/* A chunk's elements as the file has them, before compression. */
static const void *elements_of(const mpj_zarr_part *part, uint64_t number, mpj_zarr_scratch *scratch)
{
    size_t at[MPIJOB_MAX_DIMS], start[MPIJOB_MAX_DIMS], length[MPIJOB_MAX_DIMS];
    mpj_grid_position(&part->meta.grid, number, at);
    int clipped = mpj_grid_extent(&part->meta.grid, at, start, length);
    const char *from = part->array.data;
    for (int i = 0; i < part->array.ndim; i++)
        from += (ptrdiff_t)start[i] * part->array.strides[i];
    if (part->straight && !clipped)
        return from;
    gather(part, scratch->gathered, from, length, clipped);
    return scratch->gathered;
}

int mpj_zarr_encode(const mpj_zarr_part *part, uint64_t number, mpj_zarr_scratch *scratch, const void **content,
                    size_t *bytes, mpijob_error *err)
{
    const void *elements = elements_of(part, number, scratch);
    *content = elements;
    *bytes = part->meta.chunk_bytes;
    if (!part->meta.compressed)
        return MPIJOB_OK;
    *content = scratch->packed;
    *bytes = packed_bytes(part);
    return mpj_codec_compress(scratch->packed, bytes, elements, part->meta.chunk_bytes, &part->meta.codec, err);
}
