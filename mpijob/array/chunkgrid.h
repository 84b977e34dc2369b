/* The grid of chunks over an array. Pure: numbers only. */
#ifndef MPJ_ARRAY_CHUNKGRID_H
#define MPJ_ARRAY_CHUNKGRID_H

#include <mpijob/array.h>
#include <stddef.h>
#include <stdint.h>

typedef struct mpj_grid {
    int ndim;
    size_t shape[MPIJOB_MAX_DIMS];
    size_t chunk[MPIJOB_MAX_DIMS];
    size_t count[MPIJOB_MAX_DIMS]; /* chunks along each dimension */
    uint64_t total;                /* chunks; 0 where a length is 0, 1 for 0 dimensions */
} mpj_grid;

/* Chunk lengths must not be 0. -1: more chunks than 64 bits count. */
int mpj_grid_init(mpj_grid *grid, int ndim, const size_t *shape, const size_t *chunk);

/* Which chunks a region (start, length in every dimension, inside the array) touches: a smaller grid of them. */
typedef struct mpj_grid_window {
    size_t first[MPIJOB_MAX_DIMS];
    size_t count[MPIJOB_MAX_DIMS];
    uint64_t total;
} mpj_grid_window;
void mpj_grid_touched(const mpj_grid *grid, const size_t *start, const size_t *length, mpj_grid_window *window);

/* The chunk with this number in the window, the last index varying fastest. */
void mpj_grid_at(const mpj_grid *grid, const mpj_grid_window *window, uint64_t number, size_t *at);
/* The same over the whole grid, and back. */
void mpj_grid_position(const mpj_grid *grid, uint64_t number, size_t *at);
uint64_t mpj_grid_number(const mpj_grid *grid, const size_t *at);

/* Where a chunk begins in the array, and how much of it lies inside. Returns 1 when it is clipped by an edge, else 0. */
int mpj_grid_extent(const mpj_grid *grid, const size_t *at, size_t *start, size_t *length);

/* "2.0.11"; 0 dimensions: "0". Fits, since the product of the counts fits into 64 bits. */
#define MPJ_GRID_NAME_BYTES 128
void mpj_grid_name(const mpj_grid *grid, const size_t *at, char separator, char name[MPJ_GRID_NAME_BYTES]);
/* Back; -1 for what is no chunk of this grid, leading zeros included. */
int mpj_grid_parse_name(const mpj_grid *grid, const char *name, char separator, uint64_t *number);

/* The default chunk (arrays.md): at most target_bytes if an element is. */
void mpj_grid_choose(size_t *chunk, int ndim, const size_t *shape, size_t element_bytes, int order,
                     size_t target_bytes);
size_t mpj_grid_target_bytes(size_t array_bytes, size_t cache_bytes);

#endif
