/* Hashing an array part by part. */
#include "data/hash.h"

#include "base/alloc.h"
#include "base/error.h"

#define PIECE_BYTES 4096

struct mpijob_hasher {
    mpj_hash_stream stream;
    mpj_convert convert;
    mpijob_type type;
    size_t left; /* elements to come */
};

/* An array that is contiguous in both orders counts as C, also here. */
static int normal_order(const mpijob_type *type, int ndim, const size_t *shape, int order)
{
    mpijob_array array =
        order == 'F' ? mpijob_array_fortran(NULL, *type, ndim, shape) : mpijob_array_of(NULL, *type, ndim, shape);
    return mpj_array_order(&array);
}

static int check_arguments(const mpijob_hasher *const *hasher, const mpijob_type *type, int ndim, const size_t *shape,
                           int order, size_t *count, mpijob_error *err)
{
    if (hasher == NULL || type == NULL || (ndim > 0 && shape == NULL))
        return mpj_fail(err, MPIJOB_EINVAL, "%s is NULL", hasher == NULL ? "hasher" : type == NULL ? "type" : "shape");
    if (order != 'C' && order != 'F')
        return mpj_fail(err, MPIJOB_EINVAL, "the order is 'C' or 'F', not %d", order);
    static unsigned char somewhere; /* the elements come later */
    mpijob_array array = mpijob_array_of(&somewhere, *type, ndim, shape);
    *count = mpijob_array_count(&array);
    return mpj_array_check(&array, NULL, err);
}

int mpijob_hasher_create(mpijob_hasher **hasher, const mpijob_type *type, int ndim, const size_t *shape, int order,
                         mpijob_error *err)
{
    size_t count;
    int status = check_arguments((const mpijob_hasher *const *)hasher, type, ndim, shape, order, &count, err);
    if (status != MPIJOB_OK)
        return status;
    mpijob_hasher *h = mpj_calloc(1, sizeof *h);
    if (h == NULL)
        return mpj_fail_memory(err, "a hasher", sizeof *h);
    size_t element;
    if (mpj_canonical_bytes(type, &element) == 0 && element <= PIECE_BYTES)
        status = mpj_canonical_convert(&h->convert, type, err);
    if (status != MPIJOB_OK) {
        mpj_free(h);
        return status;
    }
    h->type = *type;
    h->left = count;
    mpj_hash_stream_init(&h->stream, err);
    mpj_hash_header_array(&h->stream.outer, type, ndim, shape, normal_order(type, ndim, shape, order));
    *hasher = h;
    return MPIJOB_OK;
}

static void append_converted(mpijob_hasher *h, const unsigned char *at, size_t count)
{
    unsigned char made[PIECE_BYTES];
    size_t piece = sizeof made / h->convert.to_bytes;
    for (size_t done = 0; done < count && h->stream.status == MPIJOB_OK; done += piece) {
        size_t now = count - done < piece ? count - done : piece;
        mpj_convert_elements(&h->convert, made, at + done * h->convert.from_bytes, now);
        mpj_hash_append(&h->stream, made, now * h->convert.to_bytes);
    }
}

int mpijob_hasher_update(mpijob_hasher *hasher, const void *data, size_t count, mpijob_error *err)
{
    if (hasher == NULL || (data == NULL && count > 0))
        return mpj_fail(err, MPIJOB_EINVAL, "%s is NULL", hasher == NULL ? "hasher" : "data");
    if (hasher->stream.status != MPIJOB_OK)
        return mpj_fail(err, hasher->stream.status, "an earlier part could not be hashed");
    if (count > hasher->left)
        return mpj_fail(err, MPIJOB_EINVAL, "%zu elements, but only %zu are left of the shape", count, hasher->left);
    hasher->stream.err = err;
    if (hasher->convert.plain)
        mpj_hash_append(&hasher->stream, data, count * hasher->convert.to_bytes);
    else if (hasher->convert.to_bytes > 0)
        append_converted(hasher, data, count);
    else
        mpj_hash_values(&hasher->stream, &hasher->type, data, count);
    hasher->left -= count;
    return hasher->stream.status;
}

int mpijob_hasher_finish(mpijob_digest *digest, mpijob_hasher *hasher, mpijob_error *err)
{
    if (digest == NULL || hasher == NULL)
        return mpj_fail(err, MPIJOB_EINVAL, "%s is NULL", digest == NULL ? "digest" : "hasher");
    if (hasher->stream.status != MPIJOB_OK)
        return mpj_fail(err, hasher->stream.status, "an earlier part could not be hashed");
    if (hasher->left > 0)
        return mpj_fail(err, MPIJOB_EINVAL, "%zu elements of the shape were not given yet", hasher->left);
    hasher->stream.err = err;
    return mpj_hash_stream_digest(digest, &hasher->stream);
}

void mpijob_hasher_free(mpijob_hasher *hasher)
{
    if (hasher == NULL)
        return;
    mpj_hash_stream_dispose(&hasher->stream);
    mpj_convert_dispose(&hasher->convert);
    mpj_free(hasher);
}
