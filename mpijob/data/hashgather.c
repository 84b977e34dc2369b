/* The elements of an array in the order of the stream, whatever its strides. */
#include "data/hash.h"

#include "base/error.h"

static size_t count_below(const mpijob_array *array, int dim)
{
    size_t count = 1;
    for (int i = dim; i < array->ndim; i++)
        count *= array->shape[i];
    return count;
}

static void gather_rows(unsigned char *to, const mpijob_array *array, int dim, const unsigned char *from, size_t rows,
                        const mpj_convert *convert)
{
    mpj_block block = {.ndim = array->ndim - dim};
    for (int i = dim; i < array->ndim; i++) {
        block.count[i - dim] = i == dim ? rows : array->shape[i];
        block.from_strides[i - dim] = array->strides[i];
    }
    mpj_strides(block.to_strides, block.ndim, block.count, convert->to_bytes, 'C');
    mpj_block_copy(&block, to, from, convert->from_bytes, convert);
}

/* A range of the elements below `from`: the end of a row, whole rows, the beginning of a row. */
static void gather_range(unsigned char *to, const mpijob_array *array, int dim, const unsigned char *from, size_t first,
                         size_t count, const mpj_convert *convert)
{
    size_t below = count_below(array, dim + 1);
    size_t row = first / below, skip = first % below;
    if (skip > 0) {
        size_t now = count < below - skip ? count : below - skip;
        gather_range(to, array, dim + 1, from + (ptrdiff_t)row * array->strides[dim], skip, now, convert);
        to += now * convert->to_bytes;
        count -= now;
        row++;
    }
    size_t rows = count / below;
    if (rows > 0)
        gather_rows(to, array, dim, from + (ptrdiff_t)row * array->strides[dim], rows, convert);
    to += rows * below * convert->to_bytes;
    row += rows;
    if (count % below > 0)
        gather_range(to, array, dim + 1, from + (ptrdiff_t)row * array->strides[dim], 0, count % below, convert);
}

void mpj_hash_gather(unsigned char *to, const mpijob_array *array, size_t first, size_t count,
                     const mpj_convert *convert)
{
    const unsigned char *data = array->data;
    if (mpj_array_order(array) != 0)
        mpj_convert_elements(convert, to, data + first * convert->from_bytes, count);
    else
        gather_range(to, array, 0, data, first, count, convert);
}

/* ---- One by one ---- */

typedef struct walk {
    mpj_hash_stream *stream;
    const mpijob_array *array;
    const mpijob_hash_options *options;
    size_t bytes; /* of an element */
    uint64_t done, total, told;
} walk;

static void tell(walk *w)
{
    if (w->options->progress == NULL || w->stream->status != MPIJOB_OK ||
        (w->done < w->total && w->done - w->told < MPJ_HASH_BLOCK))
        return;
    w->told = w->done;
    if (w->options->progress(w->done, w->total, w->options->progress_payload) != 0)
        w->stream->status = mpj_fail(w->stream->err, MPIJOB_ECANCELED, "hashing was stopped by the progress function");
}

static void walk_dense(walk *w, const unsigned char *at, size_t count)
{
    size_t piece = MPJ_HASH_BLOCK / w->bytes + 1;
    for (size_t done = 0; done < count && w->stream->status == MPIJOB_OK; done += piece) {
        size_t now = count - done < piece ? count - done : piece;
        mpj_hash_values(w->stream, &w->array->type, at + done * w->bytes, now);
        w->done += now * w->bytes;
        tell(w);
    }
}

static void walk_dim(walk *w, int dim, const unsigned char *at)
{
    if (dim == w->array->ndim) {
        walk_dense(w, at, 1);
        return;
    }
    for (size_t i = 0; i < w->array->shape[dim] && w->stream->status == MPIJOB_OK; i++)
        walk_dim(w, dim + 1, at + (ptrdiff_t)i * w->array->strides[dim]);
}

void mpj_hash_array_values(mpj_hash_stream *s, const mpijob_array *array, const mpijob_hash_options *options)
{
    size_t count = mpijob_array_count(array);
    walk w = {.stream = s, .array = array, .options = options, .bytes = mpijob_type_size(&array->type)};
    w.total = (uint64_t)count * w.bytes;
    if (count > 0 && mpj_array_order(array) != 0)
        walk_dense(&w, array->data, count);
    else if (count > 0)
        walk_dim(&w, 0, array->data);
}
