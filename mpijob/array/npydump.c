#include "array/npy.h"
#include "array/own.h"
#include "array/rowparts.h"
#include "base/alloc.h"
#include "base/error.h"

#include <string.h>

#define PIECE_BYTES ((size_t)16 << 20)
#define BUFFER_BYTES ((size_t)8 << 20)

/* A dump in progress. */
typedef struct dump {
    const mpijob_array *array;
    const mpj_dump_plan *plan;
    int order;
    size_t element, bytes; /* of an element, of all */
    mpj_convert convert;   /* of structs: leaves padding out */
    int raw;               /* the elements in memory are the bytes of the file */
    mpj_publish publish;
    const char *path; /* of the target, for messages */
    void *header;
    size_t header_bytes; /* where the elements begin */
} dump;

static int write_at(const dump *work, const void *from, size_t bytes, uint64_t done, mpijob_error *err)
{
    int status = mpj_file_write(work->publish.fd, work->path, from, bytes, work->header_bytes + done, err);
    if (status != MPIJOB_OK)
        return status;
    return mpj_tell_progress(work->plan->progress, work->plan->progress_payload, done + bytes, work->bytes, err);
}

/* Pieces let progress be told; they are too large for their number to cost anything. */
static int write_raw(const dump *work, mpijob_error *err)
{
    int status = MPIJOB_OK;
    for (size_t done = 0; status == MPIJOB_OK && done < work->bytes;) {
        size_t bytes = work->bytes - done < PIECE_BYTES ? work->bytes - done : PIECE_BYTES;
        status = write_at(work, (const char *)work->array->data + done, bytes, done, err);
        done += bytes;
    }
    return status;
}

/* ---- Through a buffer ------------------------------------------------------------------------------------------ */

/* The array is gone through in blocks that lie in one piece in the file: dimension `split` (in the file's order) by
 * `rows` at a time, the faster ones whole, the slower ones one by one. */
typedef struct walk {
    int split;
    size_t rows, inner; /* inner: elements below dimension split */
    size_t index[MPIJOB_MAX_DIMS];
} walk;

static size_t length_of(const dump *work, int i)
{
    return work->array->shape[mpj_file_dim(i, work->array->ndim, work->order)];
}

static void walk_begin(walk *at, const dump *work, size_t elements)
{
    *at = (walk){.split = work->array->ndim, .rows = 1, .inner = 1};
    while (at->split > 0 && length_of(work, at->split - 1) <= elements / at->inner)
        at->inner *= length_of(work, --at->split);
    at->split--; /* -1: all of it is one block */
    at->rows = elements / at->inner;
}

/* The block at `at`, and how many elements it has. */
static size_t walk_block(const walk *at, const dump *work, mpj_block *block, const char **from)
{
    const mpijob_array *array = work->array;
    size_t elements = 1;
    ptrdiff_t to_stride = (ptrdiff_t)work->element;
    *block = (mpj_block){.ndim = array->ndim};
    *from = array->data;
    for (int i = array->ndim - 1; i >= 0; i--) {
        int dim = mpj_file_dim(i, array->ndim, work->order);
        size_t left = array->shape[dim] - at->index[i];
        size_t count = i > at->split ? array->shape[dim] : i < at->split ? 1 : left < at->rows ? left : at->rows;
        block->count[dim] = count;
        block->from_strides[dim] = array->strides[dim];
        block->to_strides[dim] = to_stride;
        to_stride *= (ptrdiff_t)count;
        elements *= count;
        *from += (ptrdiff_t)at->index[i] * array->strides[dim];
    }
    return elements;
}

static void walk_on(walk *at, const dump *work)
{
    size_t step = at->rows;
    for (int i = at->split; i >= 0 && i < work->array->ndim; i--, step = 1) {
        at->index[i] += step;
        if (at->index[i] < length_of(work, i))
            return;
        at->index[i] = 0;
    }
}

static int write_through(const dump *work, char *buffer, size_t elements, mpijob_error *err)
{
    walk at;
    walk_begin(&at, work, elements);
    int status = MPIJOB_OK;
    for (size_t done = 0; status == MPIJOB_OK && done < work->bytes; walk_on(&at, work)) {
        mpj_block block;
        const char *from;
        size_t bytes = walk_block(&at, work, &block, &from) * work->element;
        mpj_block_copy(&block, buffer, from, work->element, work->convert.plain ? NULL : &work->convert);
        status = write_at(work, buffer, bytes, done, err);
        done += bytes;
    }
    return status;
}

static int write_strided(const dump *work, mpijob_error *err)
{
    size_t bytes = work->bytes < BUFFER_BYTES ? work->bytes : BUFFER_BYTES;
    bytes = bytes < work->plan->cache_bytes ? bytes : work->plan->cache_bytes;
    bytes = bytes > work->element ? bytes : work->element;
    char *buffer = mpj_alloc(bytes);
    if (!buffer)
        return mpj_fail_memory(err, "the buffer of a dump", bytes);
    int status = write_through(work, buffer, bytes / work->element, err);
    mpj_free(buffer);
    return status;
}

/* ---- The file -------------------------------------------------------------------------------------------------- */

static int write_file(dump *work, mpijob_error *err)
{
    int status = mpj_publish_file(&work->publish, work->path, err);
    if (status == MPIJOB_OK)
        status = mpj_file_write(work->publish.fd, work->path, work->header, work->header_bytes, 0, err);
    if (status == MPIJOB_OK && work->bytes)
        status = work->raw ? write_raw(work, err) : write_strided(work, err);
    if (status == MPIJOB_OK)
        status = mpj_publish_commit(&work->publish, work->plan->durable, mpj_may_replace, err);
    mpj_publish_abandon(&work->publish);
    return status;
}

static int prepare(dump *work, mpijob_error *err)
{
    const mpijob_array *array = work->array;
    int own = mpj_array_order(array);
    work->element = mpijob_type_size(&array->type);
    work->order = work->plan->order ? work->plan->order : own ? own : 'C';
    int status = mpj_shape_bytes(&work->bytes, array->ndim, array->shape, work->element) == 0
                     ? mpj_convert_init(&work->convert, &array->type, NULL, &array->type, err)
                     : mpj_fail(err, MPIJOB_EINVAL, "the array is larger than the address space");
    if (status != MPIJOB_OK)
        return status;
    /* C stands for an array that is both, of one dimension say. */
    ptrdiff_t strides[MPIJOB_MAX_DIMS];
    mpj_strides(strides, array->ndim, array->shape, work->element, work->order);
    int in_order =
        own == work->order || (own && memcmp(strides, array->strides, (size_t)array->ndim * sizeof *strides) == 0);
    work->raw = in_order && work->convert.plain;
    return MPIJOB_OK;
}

int mpj_npy_write_rows(const mpijob_array *rows, int fd, const char *path, uint64_t offset, const mpj_dump_plan *plan,
                       mpijob_error *err)
{
    mpj_dump_plan in_c_order = *plan;
    in_c_order.order = 'C';
    dump work = {.array = rows, .plan = &in_c_order, .publish.fd = fd, .path = path, .header_bytes = (size_t)offset};
    int status = prepare(&work, err);
    if (status == MPIJOB_OK && work.bytes)
        status = work.raw ? write_raw(&work, err) : write_strided(&work, err);
    mpj_convert_dispose(&work.convert);
    return status;
}

int mpj_npy_dump(const mpijob_array *array, const char *path, const mpj_dump_plan *plan, mpijob_error *err)
{
    dump work = {.array = array, .plan = plan, .publish.fd = -1, .path = path};
    int status = prepare(&work, err);
    if (status == MPIJOB_OK)
        status = mpj_npy_header_make(&work.header, &work.header_bytes, &array->type, array->ndim, array->shape,
                                     work.order, err);
    if (status == MPIJOB_OK)
        status = write_file(&work, err);
    mpj_convert_dispose(&work.convert);
    mpj_free(work.header);
    return status;
}
