#include "array/own.h"

#include "array/forms.h"
#include "base/alloc.h"
#include "base/error.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Less than two large pages may hold none that is aligned. */
#define HUGE_FROM_BYTES ((size_t)4 << 20)

/* Filling fresh memory costs a page fault for each 4 KiB, about as much as the copying itself. Larger pages make that
 * a five-hundredth; where the system has none, nothing changes. */
static void prefer_huge_pages(void *block, size_t bytes)
{
    if (bytes < HUGE_FROM_BYTES)
        return;
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    uintptr_t first = ((uintptr_t)block + page - 1) & ~(page - 1);
    uintptr_t end = ((uintptr_t)block + bytes) & ~(page - 1);
    madvise((void *)first, end - first, MADV_HUGEPAGE);
}

char *mpj_copy_text(const char *text)
{
    size_t bytes = strlen(text) + 1;
    char *copy = mpj_alloc(bytes);
    return copy ? memcpy(copy, text, bytes) : NULL;
}

int mpj_own_begin(mpijob_array *array, const mpijob_type *type, int ndim, const size_t *shape, int order,
                  mpijob_error *err)
{
    *array = (mpijob_array){0};
    mpj_own *own = mpj_calloc(1, sizeof *own);
    if (!own)
        return mpj_fail_memory(err, "an array", sizeof *own);
    int status = mpj_dtype_copy(&own->dtype, type, 0, err);
    if (status != MPIJOB_OK) {
        mpj_free(own);
        return status;
    }
    array->own = own;
    array->type = own->dtype.type;
    array->ndim = ndim;
    if (ndim)
        memcpy(array->shape, shape, (size_t)ndim * sizeof *shape);
    mpj_strides(array->strides, ndim, shape, mpijob_type_size(type), order);
    return MPIJOB_OK;
}

static int make_room(mpijob_array *array, size_t bytes, const mpj_load_plan *plan, mpijob_error *err)
{
    mpj_own *own = array->own;
    if (plan->options.into) {
        array->data = plan->options.into;
        return MPIJOB_OK;
    }
    own->block = mpj_alloc(bytes);
    if (!own->block)
        return mpj_fail_memory(err, "the array's elements", bytes);
    prefer_huge_pages(own->block, bytes);
    array->data = own->block;
    return MPIJOB_OK;
}

int mpj_array_make(mpijob_array *array, const mpijob_type *type, int ndim, const size_t *shape, int order,
                   const mpj_load_plan *plan, mpijob_error *err)
{
    size_t bytes;
    *array = (mpijob_array){0};
    if (mpj_shape_bytes(&bytes, ndim, shape, mpijob_type_size(type)) != 0)
        return mpj_fail(err, MPIJOB_EINVAL, "the array is larger than the address space");
    if (plan->options.into && plan->options.into_bytes < bytes)
        return mpj_fail(err, MPIJOB_EINVAL, "option into_bytes is %zu, and the elements need %zu",
                        plan->options.into_bytes, bytes);
    int status = mpj_own_begin(array, type, ndim, shape, order, err);
    if (status == MPIJOB_OK)
        status = make_room(array, bytes, plan, err);
    if (status != MPIJOB_OK)
        mpijob_array_free(array);
    return status;
}

void mpijob_array_free(mpijob_array *array)
{
    if (!array)
        return;
    mpj_own *own = array->own;
    *array = (mpijob_array){0};
    if (!own)
        return;
    mpj_mapping_close(&own->mapping);
    mpj_free(own->block);
    mpj_free(own->path);
    mpj_dtype_free(&own->dtype);
    mpj_free(own);
}

int mpijob_array_sync(const mpijob_array *array, mpijob_error *err)
{
    const mpj_own *own = array ? array->own : NULL;
    return own && own->path ? mpj_mapping_sync(&own->mapping, own->path, err) : MPIJOB_OK;
}

int mpj_tell_progress(mpijob_bytes_fn *fn, void *payload, uint64_t done, uint64_t total, mpijob_error *err)
{
    if (!fn || fn(done, total, payload) == 0)
        return MPIJOB_OK;
    return mpj_fail(err, MPIJOB_ECANCELED, "stopped by the progress function after %llu of %llu bytes",
                    (unsigned long long)done, (unsigned long long)total);
}
