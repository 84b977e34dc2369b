/* Shapes and strides of arrays in memory. */
#include "data/layout.h"

#include "base/error.h"

static int multiply(size_t *product, size_t factor)
{
    return __builtin_mul_overflow(*product, factor, product) || *product > PTRDIFF_MAX ? -1 : 0;
}

/* Lengths of 0 do not hide an overflow of the others (as in numpy), so that strides always fit too. */
int mpj_shape_bytes(size_t *out, int ndim, const size_t *shape, size_t bytes)
{
    size_t product = bytes;
    int empty = 0;
    if (product > PTRDIFF_MAX)
        return -1;
    for (int i = 0; i < ndim; i++) {
        if (shape[i] == 0)
            empty = 1;
        else if (multiply(&product, shape[i]) != 0)
            return -1;
    }
    *out = empty ? 0 : product;
    return 0;
}

/* Unsigned, since the shape may be one that mpj_array_check refuses later. */
void mpj_strides(ptrdiff_t *strides, int ndim, const size_t *shape, size_t bytes, int order)
{
    size_t step = bytes;
    for (int i = 0; i < ndim; i++) {
        int dim = order == 'F' ? i : ndim - 1 - i;
        strides[dim] = (ptrdiff_t)step;
        step *= shape[dim] == 0 ? 1 : shape[dim];
    }
}

static mpijob_array array_in_order(const void *data, mpijob_type type, int ndim, const size_t *shape, int order)
{
    mpijob_array array = {.data = (void *)(uintptr_t)data, .type = type, .ndim = ndim};
    if (ndim < 0 || ndim > MPIJOB_MAX_DIMS)
        return array;
    for (int i = 0; i < ndim; i++)
        array.shape[i] = shape[i];
    mpj_strides(array.strides, ndim, shape, mpijob_type_size(&type), order);
    return array;
}

mpijob_array mpijob_array_of(const void *data, mpijob_type type, int ndim, const size_t *shape)
{
    return array_in_order(data, type, ndim, shape, 'C');
}

mpijob_array mpijob_array_fortran(const void *data, mpijob_type type, int ndim, const size_t *shape)
{
    return array_in_order(data, type, ndim, shape, 'F');
}

size_t mpijob_array_count(const mpijob_array *array)
{
    size_t count = 1;
    int overflow = 0;
    for (int i = 0; i < array->ndim && i < MPIJOB_MAX_DIMS; i++) {
        if (array->shape[i] == 0)
            return 0;
        overflow |= __builtin_mul_overflow(count, array->shape[i], &count);
    }
    return overflow ? SIZE_MAX : count;
}

static int is_contiguous(const mpijob_array *array, int order)
{
    size_t expected = mpijob_type_size(&array->type);
    for (int i = 0; i < array->ndim; i++) {
        int dim = order == 'F' ? i : array->ndim - 1 - i;
        if (array->shape[dim] == 1)
            continue;
        if (array->strides[dim] != (ptrdiff_t)expected)
            return 0;
        expected *= array->shape[dim];
    }
    return 1;
}

int mpj_array_order(const mpijob_array *array)
{
    if (mpijob_array_count(array) <= 1 || is_contiguous(array, 'C'))
        return 'C';
    return is_contiguous(array, 'F') ? 'F' : 0;
}

static int check_type(const mpijob_type *type, mpijob_error *err)
{
    int status = mpijob_type_check(type, err);
    if (status != MPIJOB_OK)
        return status;
    if (type->kind == MPIJOB_STRING)
        return mpj_fail(err, MPIJOB_EINVAL, "an array of strings: only fields of a struct can be strings");
    return MPIJOB_OK;
}

int mpj_array_check(const mpijob_array *array, size_t *bytes, mpijob_error *err)
{
    size_t all;
    if (array == NULL)
        return mpj_fail(err, MPIJOB_EINVAL, "the array is NULL");
    if (array->reserved != 0)
        return mpj_fail(err, MPIJOB_EINVAL, "the array's reserved member is not zero");
    if (array->ndim < 0 || array->ndim > MPIJOB_MAX_DIMS)
        return mpj_fail(err, MPIJOB_EINVAL, "an array has 0 to %d dimensions, not %d", MPIJOB_MAX_DIMS,
                        (int)array->ndim);
    int status = check_type(&array->type, err);
    if (status != MPIJOB_OK)
        return status;
    if (mpj_shape_bytes(&all, array->ndim, array->shape, mpijob_type_size(&array->type)) != 0)
        return mpj_fail(err, MPIJOB_EINVAL, "the array's shape says more bytes than any memory has");
    if (array->data == NULL && all > 0)
        return mpj_fail(err, MPIJOB_EINVAL, "the array has elements, but its data is NULL");
    if (bytes != NULL)
        *bytes = all;
    return MPIJOB_OK;
}
