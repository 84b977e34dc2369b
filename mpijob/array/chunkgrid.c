#include "array/chunkgrid.h"

#include <stdio.h>
#include <string.h>

#define KIB ((size_t)1 << 10)
#define MIB ((size_t)1 << 20)

int mpj_grid_init(mpj_grid *grid, int ndim, const size_t *shape, const size_t *chunk)
{
    *grid = (mpj_grid){.ndim = ndim, .total = 1};
    uint64_t product = 1; /* lengths of 0 left out, so that it cannot hide an overflow */
    for (int i = 0; i < ndim; i++) {
        grid->shape[i] = shape[i];
        grid->chunk[i] = chunk[i];
        grid->count[i] = shape[i] / chunk[i] + (shape[i] % chunk[i] != 0);
        if (grid->count[i] == 0)
            grid->total = 0;
        else if (__builtin_mul_overflow(product, (uint64_t)grid->count[i], &product))
            return -1;
    }
    grid->total = grid->total ? product : 0;
    return 0;
}

void mpj_grid_touched(const mpj_grid *grid, const size_t *start, const size_t *length, mpj_grid_window *window)
{
    *window = (mpj_grid_window){.total = 1};
    for (int i = 0; i < grid->ndim; i++) {
        window->first[i] = start[i] / grid->chunk[i];
        window->count[i] = length[i] ? (start[i] + length[i] - 1) / grid->chunk[i] - window->first[i] + 1 : 0;
        window->total *= window->count[i];
    }
}

static void unravel(int ndim, const size_t *count, uint64_t number, size_t *at)
{
    for (int i = ndim - 1; i >= 0; i--) {
        at[i] = (size_t)(number % count[i]);
        number /= count[i];
    }
}

void mpj_grid_at(const mpj_grid *grid, const mpj_grid_window *window, uint64_t number, size_t *at)
{
    unravel(grid->ndim, window->count, number, at);
    for (int i = 0; i < grid->ndim; i++)
        at[i] += window->first[i];
}

void mpj_grid_position(const mpj_grid *grid, uint64_t number, size_t *at)
{
    unravel(grid->ndim, grid->count, number, at);
}

uint64_t mpj_grid_number(const mpj_grid *grid, const size_t *at)
{
    uint64_t number = 0;
    for (int i = 0; i < grid->ndim; i++)
        number = number * grid->count[i] + at[i];
    return number;
}

int mpj_grid_extent(const mpj_grid *grid, const size_t *at, size_t *start, size_t *length)
{
    int clipped = 0;
    for (int i = 0; i < grid->ndim; i++) {
        start[i] = at[i] * grid->chunk[i];
        size_t left = grid->shape[i] - start[i];
        length[i] = left < grid->chunk[i] ? left : grid->chunk[i];
        clipped |= length[i] < grid->chunk[i];
    }
    return clipped;
}

void mpj_grid_name(const mpj_grid *grid, const size_t *at, char separator, char name[MPJ_GRID_NAME_BYTES])
{
    size_t used = 0;
    memcpy(name, "0", 2);
    for (int i = 0; i < grid->ndim && used < MPJ_GRID_NAME_BYTES; i++) {
        char before[2] = {separator, '\0'};
        used += (size_t)snprintf(name + used, MPJ_GRID_NAME_BYTES - used, "%s%zu", i ? before : "", at[i]);
    }
}

/* A number without sign or leading zeros, below limit. Returns what follows, or NULL. */
static const char *read_index(const char *text, size_t limit, size_t *index)
{
    size_t value = 0;
    const char *end = text;
    for (; *end >= '0' && *end <= '9'; end++) {
        if (end > text && value == 0)
            return NULL;
        if (__builtin_mul_overflow(value, 10u, &value) || __builtin_add_overflow(value, (size_t)(*end - '0'), &value))
            return NULL;
    }
    *index = value;
    return end > text && value < limit ? end : NULL;
}

int mpj_grid_parse_name(const mpj_grid *grid, const char *name, char separator, uint64_t *number)
{
    size_t at[MPIJOB_MAX_DIMS] = {0};
    size_t none;
    const char *rest = name;
    if (grid->ndim == 0)
        rest = read_index(rest, 1, &none);
    for (int i = 0; i < grid->ndim && rest; i++) {
        if (i > 0)
            rest = *rest == separator ? rest + 1 : NULL;
        if (rest)
            rest = read_index(rest, grid->count[i], &at[i]);
    }
    if (!rest || *rest)
        return -1;
    *number = mpj_grid_number(grid, at);
    return 0;
}

size_t mpj_grid_target_bytes(size_t array_bytes, size_t cache_bytes)
{
    size_t target = array_bytes / 4096 > 2 * MIB ? array_bytes / 4096 : 2 * MIB;
    if (target > cache_bytes / 8)
        target = cache_bytes / 8;
    return target > 64 * KIB ? target : 64 * KIB;
}

void mpj_grid_choose(size_t *chunk, int ndim, const size_t *shape, size_t element_bytes, int order, size_t target_bytes)
{
    size_t room = target_bytes > element_bytes ? target_bytes / element_bytes : 1; /* elements that still fit */
    for (int i = 0; i < ndim; i++) {
        int dim = order == 'F' ? i : ndim - 1 - i;
        size_t length = shape[dim] ? shape[dim] : 1;
        size_t parts = length / room + (length % room != 0);
        chunk[dim] = length / parts + (length % parts != 0);
        room = parts > 1 ? 1 : room / length;
    }
}
