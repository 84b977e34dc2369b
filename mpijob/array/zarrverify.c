/* Reads everything, and goes on after damage. */
#include "array/meter.h"
#include "array/zarrread.h"
#include "array/zarrwalk.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/pool.h"

#include <stdlib.h>
#include <string.h>

#define CACHE_BYTES ((size_t)64 << 20)
#define BATCH 256 /* chunks whose errors are kept until they are told, in order */

typedef struct verifying {
    mpj_tree *tree;
    mpijob_verify_result *result;
    mpijob_damage_fn *damage;
    void *damage_payload;
    mpj_meter meter;
    mpijob_error *err; /* the first damage */
} verifying;

/* ---- Telling of damage ----------------------------------------------------------------------------------------- */

static void tell(verifying *v, const char *prefix, const char *chunk, const mpijob_error *why)
{
    char file[MPJ_WHAT_BYTES];
    mpj_zarr_what(file, v->tree, prefix, "");
    file[strlen(file) - 1] = '\0';
    v->result->chunks++;
    if (v->result->damaged++ == 0 && v->err)
        *v->err = *why;
    if (v->damage)
        v->damage(file, chunk, why->text, v->damage_payload);
}

/* What is no damage ends the verification. */
static int take(verifying *v, const char *prefix, int status, const mpijob_error *why)
{
    if (status == MPIJOB_ECORRUPT) {
        tell(v, prefix, "", why);
        return MPIJOB_OK;
    }
    if (status != MPIJOB_OK && v->err)
        *v->err = *why;
    return status;
}

/* ---- One array's chunks ------------------------------------------------------------------------------------------ */

typedef struct chunk_list {
    uint64_t *numbers;
    size_t count, capacity;
    int no_memory;
} chunk_list;

typedef struct array_check {
    verifying *v;
    mpj_zarr_reading reading;
    chunk_list chunks;
    size_t first; /* of this batch, in the list */
    mpj_zarr_buffers *buffers;
    size_t threads;
    int status[BATCH];
    mpijob_error why[BATCH];
} array_check;

static int add_number(chunk_list *list, uint64_t number)
{
    void *numbers = list->numbers;
    if (mpj_grow(&numbers, &list->capacity, list->count + 1, sizeof *list->numbers) != 0)
        return list->no_memory = 1;
    list->numbers = numbers;
    list->numbers[list->count++] = number;
    return 0;
}

static int add_stored(uint64_t number, uint64_t file_bytes, void *payload)
{
    (void)file_bytes;
    return add_number(payload, number);
}

static int by_number(const void *a, const void *b)
{
    uint64_t first = *(const uint64_t *)a, second = *(const uint64_t *)b;
    return first < second ? -1 : first > second;
}

/* Chunks that exist, and those that the list of checksums says should. */
static int find_chunks(array_check *c, mpijob_error *err)
{
    const mpj_zarr_meta *meta = &c->reading.meta;
    chunk_list *list = &c->chunks;
    int status = mpj_zarr_list_chunks(&c->reading, add_stored, list, err);
    for (size_t i = 0; i < c->reading.sums.count && status == MPIJOB_OK && !list->no_memory; i++) {
        uint64_t number;
        if (mpj_grid_parse_name(&meta->grid, c->reading.sums.entries[i].name, meta->separator, &number) == 0)
            add_number(list, number);
    }
    if (list->no_memory)
        return mpj_fail_memory(err, "a list of chunks", list->count * sizeof *list->numbers);
    if (status != MPIJOB_OK || list->count == 0)
        return status;
    qsort(list->numbers, list->count, sizeof *list->numbers, by_number);
    size_t kept = 1;
    for (size_t i = 1; i < list->count; i++) {
        if (list->numbers[i] != list->numbers[kept - 1])
            list->numbers[kept++] = list->numbers[i];
    }
    list->count = kept;
    return MPIJOB_OK;
}

static int check_chunk(uint64_t item, int worker, void *payload, mpijob_error *err)
{
    array_check *c = payload;
    size_t at[MPIJOB_MAX_DIMS];
    mpj_grid_position(&c->reading.meta.grid, c->chunks.numbers[c->first + item], at);
    int status = mpj_zarr_read_chunk(&c->reading, at, NULL, &c->buffers[worker], &c->why[item]);
    c->status[item] = status;
    if (status == MPIJOB_OK || status == MPIJOB_ECORRUPT || status == MPIJOB_ENOTFOUND)
        return MPIJOB_OK;
    if (err)
        *err = c->why[item];
    return status;
}

/* A chunk that vanished meanwhile is one that may be missing. */
static void tell_batch(array_check *c, const char *prefix, size_t count)
{
    const mpj_zarr_meta *meta = &c->reading.meta;
    for (size_t i = 0; i < count; i++) {
        char name[MPJ_GRID_NAME_BYTES];
        size_t at[MPIJOB_MAX_DIMS];
        mpj_grid_position(&meta->grid, c->chunks.numbers[c->first + i], at);
        mpj_grid_name(&meta->grid, at, meta->separator, name);
        if (c->status[i] == MPIJOB_ECORRUPT) {
            tell(c->v, prefix, name, &c->why[i]);
        } else if (c->status[i] == MPIJOB_OK) {
            c->v->result->chunks++;
            c->v->result->unsummed += !c->reading.sums.known && !mpj_tree_is_zip(c->reading.tree);
        }
    }
}

static int check_batches(array_check *c, const char *prefix, uint64_t bytes, mpijob_error *err)
{
    int status = MPIJOB_OK;
    while (c->first < c->chunks.count && status == MPIJOB_OK) {
        size_t count = c->chunks.count - c->first < BATCH ? c->chunks.count - c->first : BATCH;
        status = mpj_pool_run(count, (int)c->threads, check_chunk, NULL, c, err);
        if (status != MPIJOB_OK)
            return status;
        tell_batch(c, prefix, count);
        c->first += count;
        status = mpj_meter_tell(&c->v->meter, bytes, c->first, c->chunks.count, err);
    }
    return status;
}

static int check_chunks(array_check *c, const char *prefix, uint64_t bytes, mpijob_error *err)
{
    int status = find_chunks(c, err);
    if (status == MPIJOB_OK && c->chunks.count == 0)
        return mpj_meter_tell(&c->v->meter, bytes, 0, 0, err);
    if (status != MPIJOB_OK)
        return status;
    c->threads = mpj_zarr_buffers_count(&c->reading, CACHE_BYTES, 1, (uint64_t)mpj_threads(0));
    c->buffers = mpj_calloc(c->threads, sizeof *c->buffers);
    if (!c->buffers)
        return mpj_fail_memory(err, "the reading of chunks", c->threads * sizeof *c->buffers);
    status = check_batches(c, prefix, bytes, err);
    for (size_t i = 0; i < c->threads; i++)
        mpj_zarr_buffers_free(&c->buffers[i]);
    mpj_free(c->buffers);
    return status;
}

/* ---- One array --------------------------------------------------------------------------------------------------- */

static uint64_t elements_bytes(const mpj_zarr_meta *meta)
{
    size_t bytes = 0;
    mpj_shape_bytes(&bytes, meta->grid.ndim, meta->grid.shape, meta->element_bytes);
    return bytes;
}

static int check_attributes(verifying *v, const char *prefix)
{
    char *text;
    mpijob_error why = {0};
    int status = mpj_zarr_attributes(&text, v->tree, prefix, &why);
    mpj_free(text);
    return take(v, prefix, status, &why);
}

static int check_opened(array_check *c, const char *prefix, mpijob_error *why)
{
    uint64_t bytes = elements_bytes(&c->reading.meta);
    int status = check_chunks(c, prefix, bytes, why);
    c->v->result->bytes += bytes;
    c->v->meter.done += bytes;
    mpj_free(c->chunks.numbers);
    mpj_zarr_close(&c->reading);
    return status;
}

static int check_array(const char *prefix, void *payload, mpijob_error *err)
{
    verifying *v = payload;
    mpijob_error why = {0};
    array_check *c = mpj_calloc(1, sizeof *c);
    if (!c)
        return mpj_fail_memory(err, "a verification", sizeof *c);
    c->v = v;
    v->result->arrays++;
    int status = mpj_zarr_open(&c->reading, v->tree, prefix, &why);
    if (status == MPIJOB_OK)
        status = check_opened(c, prefix, &why);
    mpj_free(c);
    status = take(v, prefix, status, &why);
    return status == MPIJOB_OK ? check_attributes(v, prefix) : status;
}

/* ---- All --------------------------------------------------------------------------------------------------------- */

static int group_damage(const char *prefix, const mpijob_error *why, void *payload)
{
    tell(payload, prefix, "", why);
    return MPIJOB_OK;
}

/* What cannot be opened adds nothing here, and is told of later. */
static int add_bytes(const char *prefix, void *payload, mpijob_error *err)
{
    verifying *v = payload;
    mpj_zarr_reading reading;
    (void)err;
    if (mpj_zarr_open(&reading, v->tree, prefix, NULL) != MPIJOB_OK)
        return MPIJOB_OK;
    v->meter.total += elements_bytes(&reading.meta);
    mpj_zarr_close(&reading);
    return MPIJOB_OK;
}

static int pass_over(const char *prefix, const mpijob_error *why, void *payload)
{
    (void)prefix;
    (void)why;
    (void)payload;
    return MPIJOB_OK;
}

int mpj_zarr_verify(mpijob_verify_result *result, mpj_tree *tree, mpijob_damage_fn *damage, void *payload,
                    mpijob_bytes_fn *progress, void *progress_payload, mpijob_error *err)
{
    mpijob_error first = {0};
    verifying v = {tree, result, damage, payload, {.progress = progress, .payload = progress_payload}, &first};
    *result = (mpijob_verify_result){0};
    int status = progress ? mpj_zarr_walk(tree, add_bytes, pass_over, &v, &first) : MPIJOB_OK;
    if (status == MPIJOB_OK)
        status = mpj_zarr_walk(tree, check_array, group_damage, &v, &first);
    if (status == MPIJOB_OK && result->damaged > 0)
        status = MPIJOB_ECORRUPT;
    if (status != MPIJOB_OK && err)
        *err = first;
    return status;
}
