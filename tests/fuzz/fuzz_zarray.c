/* .zarray: read from anything, and written again. */
#include "array/zarrmeta.h"
#include "base/alloc.h"
#include "fuzz.h"

#include <string.h>

static void check_no_name(const mpj_grid *grid, const char *front, const char *name, const char *end)
{
    char wrong[MPJ_GRID_NAME_BYTES + 64];
    uint64_t number;
    snprintf(wrong, sizeof wrong, "%s%s%s", front, name, end);
    FUZZ_CHECK(mpj_grid_parse_name(grid, wrong, '.', &number) == -1);
}

/* The last chunk's name leads to its number. */
static void check_names(const mpj_grid *grid, const size_t *at)
{
    char name[MPJ_GRID_NAME_BYTES];
    uint64_t number;
    mpj_grid_name(grid, at, '.', name);
    FUZZ_CHECK(mpj_grid_parse_name(grid, name, '.', &number) == 0 && number == grid->total - 1);
    check_no_name(grid, "0", name, "");
    check_no_name(grid, "", name, ".0");
    check_no_name(grid, "", name, "99999999999999999999");
    check_no_name(grid, ".", name, "");
}

static void check_window(const mpj_grid *grid, const size_t *at)
{
    size_t start[MPIJOB_MAX_DIMS], length[MPIJOB_MAX_DIMS], again[MPIJOB_MAX_DIMS];
    mpj_grid_window window;
    (void)mpj_grid_extent(grid, at, start, length);
    for (int i = 0; i < grid->ndim; i++)
        FUZZ_CHECK(length[i] > 0 && start[i] + length[i] == grid->shape[i]);
    mpj_grid_touched(grid, start, length, &window);
    FUZZ_CHECK(window.total == 1);
    mpj_grid_at(grid, &window, 0, again);
    FUZZ_CHECK(mpj_grid_number(grid, again) == grid->total - 1);
}

static void check_choice(const mpj_zarr_meta *meta)
{
    const mpj_grid *grid = &meta->grid;
    size_t chunk[MPIJOB_MAX_DIMS], bytes, target = mpj_grid_target_bytes(meta->chunk_bytes, meta->element_bytes);
    mpj_grid_choose(chunk, grid->ndim, grid->shape, meta->element_bytes, meta->order, target);
    for (int i = 0; i < grid->ndim; i++)
        FUZZ_CHECK(chunk[i] > 0 && (chunk[i] <= grid->shape[i] || chunk[i] == 1));
    FUZZ_CHECK(mpj_shape_bytes(&bytes, grid->ndim, chunk, meta->element_bytes) == 0);
    FUZZ_CHECK(bytes <= target || bytes == meta->element_bytes);
}

static void check_grid(const mpj_grid *grid)
{
    size_t at[MPIJOB_MAX_DIMS] = {0};
    if (grid->total == 0)
        return;
    mpj_grid_position(grid, grid->total - 1, at);
    check_names(grid, at);
    check_window(grid, at);
}

static void check_same(const mpj_zarr_meta *a, const mpj_zarr_meta *b)
{
    FUZZ_CHECK(memcmp(&a->grid, &b->grid, sizeof a->grid) == 0);
    FUZZ_CHECK(a->element_bytes == b->element_bytes && a->chunk_bytes == b->chunk_bytes && a->order == b->order);
    FUZZ_CHECK(a->compressed == b->compressed && a->dtype.swap_count == b->dtype.swap_count);
    if (a->compressed)
        FUZZ_CHECK(memcmp(&a->codec, &b->codec, sizeof a->codec) == 0);
}

/* What is written is of this machine's byte order and packed, which all that is read is, its fill value zero. */
static void check_rewritten(const fuzz_input *input, const mpj_zarr_meta *meta)
{
    mpj_zarr_meta again;
    mpijob_error err;
    char *text;
    size_t bytes;
    int padded = meta->dtype.type.kind == MPIJOB_RECORD; /* what lies between fields is left out */
    fuzz_keep_json_safe(0);
    int good = fuzz_good(input, mpj_zarr_meta_print(&text, &bytes, meta, &err), &err);
    fuzz_keep_json_safe(1);
    if (!good)
        return;
    if (fuzz_good(input, mpj_zarr_meta_parse(&again, text, bytes, "fuzz", &err), &err)) {
        if (!padded)
            check_same(meta, &again);
        mpj_zarr_meta_free(&again);
    }
    mpj_free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    mpj_zarr_meta meta;
    mpijob_error err;
    fuzz_input input = fuzz_begin(data, size);
    fuzz_keep_json_safe(1);
    if (fuzz_good(&input, mpj_zarr_meta_parse(&meta, (const char *)input.data, input.size, "fuzz", &err), &err)) {
        FUZZ_CHECK(mpijob_type_check(&meta.dtype.type, &err) == MPIJOB_OK);
        FUZZ_CHECK(meta.element_bytes == mpijob_type_size(&meta.dtype.type) && meta.chunk_bytes <= PTRDIFF_MAX);
        check_grid(&meta.grid);
        check_choice(&meta);
        check_rewritten(&input, &meta);
        mpj_zarr_meta_free(&meta);
    }
    fuzz_end(&input, 262144, 192);
    return 0;
}
