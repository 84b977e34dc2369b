#include "array/npy.h"
#include "array/own.h"
#include "base/alloc.h"
#include "base/error.h"
#include "base/pool.h"

#include <string.h>

#define PIECE_BYTES ((size_t)4 << 20)  /* that one thread reads at a time */
#define BUFFER_BYTES ((size_t)1 << 20) /* of one thread, where bytes cannot be read to where they belong */
#define NEAR_BYTES 4096                /* runs that begin at most so far apart are read at once */

/*
 * What a region needs lies in the file as `run_count` runs of `run` elements, and one behind the other in memory. A
 * piece of work is a part of a run or several whole runs; pieces are counted run by run.
 */
typedef struct reading {
    const mpj_npy_file *file;
    const mpj_load_plan *plan;
    char *to;
    size_t from_bytes, to_bytes; /* of an element in the file, in memory */
    mpj_convert convert;
    size_t run, run_count;
    uint64_t first;                        /* byte of the file where the first run begins */
    int outer;                             /* dimensions that count the runs, in the order of the file */
    size_t count[MPIJOB_MAX_DIMS];         /* of these */
    uint64_t step[MPIJOB_MAX_DIMS];        /* bytes in the file from one to the next */
    size_t piece;                          /* elements of a part, or (where runs are short) runs of a piece */
    size_t pieces_per_run, runs_per_piece; /* one of them is 1 */
    size_t piece_count;
    char *buffers;
    size_t buffer_bytes;
} reading;

/* ---- Where things are ------------------------------------------------------------------------------------------ */

/* The dimensions, from the fastest varying one, that are read whole make a run together with the next slower one. */
static void find_runs(reading *work, const mpijob_region *part)
{
    const mpj_npy_header *header = &work->file->header;
    uint64_t stride = work->from_bytes;
    int whole = 1;
    work->run = work->run_count = 1;
    work->first = header->data_offset;
    for (int i = header->ndim - 1; i >= 0; i--) {
        int dim = mpj_file_dim(i, header->ndim, header->order);
        work->first += part->start[dim] * stride;
        if (whole) {
            work->run *= part->count[dim];
        } else {
            work->count[work->outer] = part->count[dim];
            work->step[work->outer++] = stride;
            work->run_count *= part->count[dim];
        }
        whole = whole && part->count[dim] == header->shape[dim];
        stride *= header->shape[dim];
    }
}

static uint64_t run_place(const reading *work, size_t run)
{
    uint64_t place = work->first;
    for (int i = 0; i < work->outer; i++) {
        place += run % work->count[i] * work->step[i];
        run /= work->count[i];
    }
    return place;
}

static void find_pieces(reading *work)
{
    size_t per_piece = PIECE_BYTES / work->from_bytes;
    if (per_piece == 0)
        per_piece = 1;
    work->runs_per_piece = work->pieces_per_run = 1;
    if (work->run < per_piece) {
        work->piece = work->run;
        work->runs_per_piece = per_piece / work->run;
        work->piece_count = (work->run_count - 1) / work->runs_per_piece + 1;
    } else {
        work->piece = per_piece;
        work->pieces_per_run = (work->run - 1) / per_piece + 1;
        work->piece_count = work->pieces_per_run * work->run_count;
    }
}

/* ---- Reading --------------------------------------------------------------------------------------------------- */

static int read_at(const reading *work, void *to, size_t bytes, uint64_t place, mpijob_error *err)
{
    return mpj_file_read(work->file->fd, work->file->path, to, bytes, place, err);
}

/* Elements that lie in one piece in the file. */
static int read_elements(const reading *work, char *buffer, char *to, size_t count, uint64_t place, mpijob_error *err)
{
    if (work->convert.plain)
        return read_at(work, to, count * work->from_bytes, place, err);
    size_t at_once = work->buffer_bytes / work->from_bytes;
    int status = MPIJOB_OK;
    while (status == MPIJOB_OK && count) {
        size_t now = count < at_once ? count : at_once;
        status = read_at(work, buffer, now * work->from_bytes, place, err);
        if (status == MPIJOB_OK)
            mpj_convert_elements(&work->convert, to, buffer, now);
        place += now * work->from_bytes;
        to += now * work->to_bytes;
        count -= now;
    }
    return status;
}

/* How many of the runs from this one on lie so close together that one read for all is cheaper than one for each. */
static size_t runs_at_once(const reading *work, size_t run, size_t most)
{
    size_t near = 1;
    uint64_t begin = run_place(work, run);
    uint64_t before = begin;
    for (; near < most; near++) {
        uint64_t place = run_place(work, run + near);
        if (place - before > NEAR_BYTES || place - begin + work->run * work->from_bytes > work->buffer_bytes)
            break;
        before = place;
    }
    return near;
}

static void pick(const reading *work, char *to, const char *from, size_t elements)
{
    if (work->convert.plain)
        memcpy(to, from, elements * work->from_bytes);
    else
        mpj_convert_elements(&work->convert, to, from, elements);
}

static int read_runs(const reading *work, char *buffer, size_t run, size_t count, mpijob_error *err)
{
    size_t run_to = work->run * work->to_bytes;
    while (count) {
        uint64_t begin = run_place(work, run);
        size_t near = runs_at_once(work, run, count);
        char *to = work->to + run * run_to;
        int status;
        if (near == 1) {
            status = read_elements(work, buffer, to, work->run, begin, err);
        } else {
            uint64_t end = run_place(work, run + near - 1) + work->run * work->from_bytes;
            status = read_at(work, buffer, (size_t)(end - begin), begin, err);
            for (size_t i = 0; status == MPIJOB_OK && i < near; i++)
                pick(work, to + i * run_to, buffer + (run_place(work, run + i) - begin), work->run);
        }
        if (status != MPIJOB_OK)
            return status;
        run += near;
        count -= near;
    }
    return MPIJOB_OK;
}

static int read_piece(uint64_t item, int worker, void *payload, mpijob_error *err)
{
    const reading *work = payload;
    char *buffer = work->buffers ? work->buffers + (size_t)worker * work->buffer_bytes : NULL;
    if (work->pieces_per_run == 1) {
        size_t run = (size_t)item * work->runs_per_piece;
        size_t left = work->run_count - run;
        return read_runs(work, buffer, run, left < work->runs_per_piece ? left : work->runs_per_piece, err);
    }
    size_t run = (size_t)item / work->pieces_per_run;
    size_t element = (size_t)item % work->pieces_per_run * work->piece;
    size_t left = work->run - element;
    return read_elements(work, buffer, work->to + (run * work->run + element) * work->to_bytes,
                         left < work->piece ? left : work->piece, run_place(work, run) + element * work->from_bytes,
                         err);
}

static int tick(uint64_t done, uint64_t count, void *payload)
{
    reading *work = payload;
    const mpijob_load_options *options = &work->plan->options;
    uint64_t total = (uint64_t)work->run * work->run_count * work->to_bytes;
    uint64_t bytes = done == count ? total : total / count * done;
    return options->progress ? options->progress(bytes, total, options->progress_payload) : 0;
}

/* ---- The whole ------------------------------------------------------------------------------------------------- */

/* Threads pay where there is more than one piece each; their buffers share the cache. */
static int make_buffers(reading *work, int *threads, mpijob_error *err)
{
    const mpijob_load_options *options = &work->plan->options;
    *threads = (uint64_t)options->threads > work->piece_count ? (int)work->piece_count : options->threads;
    if (work->convert.plain && (work->outer == 0 || work->run * work->from_bytes > BUFFER_BYTES))
        return MPIJOB_OK;
    size_t share = options->cache_size_bytes / (size_t)*threads;
    work->buffer_bytes = share < BUFFER_BYTES ? share : BUFFER_BYTES;
    if (work->buffer_bytes < work->from_bytes)
        work->buffer_bytes = work->from_bytes;
    if (work->buffer_bytes > SIZE_MAX / (size_t)*threads)
        *threads = 1;
    work->buffers = mpj_alloc(work->buffer_bytes * (size_t)*threads);
    return work->buffers ? MPIJOB_OK : mpj_fail_memory(err, "the buffers of a load", work->buffer_bytes);
}

static int read_all(reading *work, mpijob_error *err)
{
    int threads;
    find_pieces(work);
    int status = make_buffers(work, &threads, err);
    if (status == MPIJOB_OK)
        status = mpj_pool_run(work->piece_count, threads, read_piece, tick, work, err);
    mpj_free(work->buffers);
    return status;
}

static int load(mpijob_array *array, reading *work, mpijob_error *err)
{
    const mpj_npy_header *header = &work->file->header;
    const mpijob_load_options *options = &work->plan->options;
    mpijob_type type = options->record ? mpijob_type_record(options->record) : header->dtype.type;
    mpijob_region part;
    int status = mpj_npy_region(&part, work->file, options->region, err);
    if (status == MPIJOB_OK)
        status = mpj_convert_init(&work->convert, &header->dtype.type, header->dtype.swapped, &type, err);
    if (status == MPIJOB_OK)
        status = mpj_array_make(array, &type, header->ndim, part.count, header->order, work->plan, err);
    if (status != MPIJOB_OK)
        return status;
    work->to = array->data;
    work->from_bytes = mpijob_type_size(&header->dtype.type);
    work->to_bytes = mpijob_type_size(&type);
    find_runs(work, &part);
    if (work->run && work->run_count)
        status = read_all(work, err);
    if (status != MPIJOB_OK)
        mpijob_array_free(array);
    return status;
}

int mpj_npy_load(mpijob_array *array, const char *path, const mpj_load_plan *plan, mpijob_error *err)
{
    mpj_npy_file file;
    *array = (mpijob_array){0};
    int status = mpj_npy_open(&file, path, plan->mmap_mode == '+', err);
    if (status != MPIJOB_OK)
        return status;
    reading work = {.file = &file, .plan = plan};
    status = plan->mmap_mode ? mpj_npy_map(array, &file, plan, err) : load(array, &work, err);
    mpj_convert_dispose(&work.convert);
    mpj_npy_close(&file);
    return status;
}
