#include "array/zarrread.h"

#include "base/error.h"

#include <stdio.h>
#include <string.h>

typedef struct counting {
    mpijob_array_info *info;
    const mpj_zarr_reading *reading;
} counting;

static int count_chunk(uint64_t number, uint64_t file_bytes, void *payload)
{
    const counting *c = payload;
    const mpj_zarr_meta *meta = &c->reading->meta;
    char name[MPJ_GRID_NAME_BYTES];
    size_t at[MPIJOB_MAX_DIMS];
    mpj_grid_position(&meta->grid, number, at);
    mpj_grid_name(&meta->grid, at, meta->separator, name);
    c->info->chunks_stored++;
    c->info->stored_bytes += file_bytes;
    c->info->checksums += mpj_tree_is_zip(c->reading->tree) || mpj_sums_find(&c->reading->sums, name);
    return 0;
}

static int public_shuffle(int shuffle)
{
    return shuffle == 2 ? MPIJOB_SHUFFLE_BIT : shuffle == 1 ? MPIJOB_SHUFFLE_BYTE : MPIJOB_SHUFFLE_NONE;
}

static void describe(mpijob_array_info *info, const mpj_zarr_meta *meta)
{
    size_t bytes = 0;
    info->format = MPIJOB_ZARR;
    info->version = 2;
    info->order = meta->order;
    info->byte_order = meta->dtype.byte_order;
    info->ndim = meta->grid.ndim;
    for (int i = 0; i < meta->grid.ndim; i++) {
        info->shape[i] = meta->grid.shape[i];
        info->chunks[i] = meta->grid.chunk[i];
    }
    mpj_shape_bytes(&bytes, meta->grid.ndim, meta->grid.shape, meta->element_bytes);
    info->elements_bytes = bytes;
    info->chunk_count = meta->grid.total;
    snprintf(info->dtype, sizeof info->dtype, "%s", meta->dtype_text);
    if (!meta->compressed)
        return;
    info->compress = meta->codec.level;
    info->shuffle = public_shuffle(meta->codec.shuffle);
    snprintf(info->codec, sizeof info->codec, "%s", mpj_codec_name(meta->codec.codec));
}

int mpj_zarr_inspect(mpijob_array_info *info, mpj_tree *tree, const char *prefix, mpijob_error *err)
{
    mpj_zarr_reading reading;
    mpijob_array_info found = {0};
    int status = mpj_zarr_open(&reading, tree, prefix, err);
    if (status != MPIJOB_OK)
        return status;
    describe(&found, &reading.meta);
    found.zip = mpj_tree_is_zip(tree);
    status = mpj_zarr_list_chunks(&reading, count_chunk, &(counting){&found, &reading}, err);
    mpj_zarr_close(&reading);
    if (status == MPIJOB_OK)
        *info = found;
    return status;
}
