/* Mapping with "w+": a new file. */
#include "array/npy.h"
#include "array/own.h"
#include "base/alloc.h"
#include "base/error.h"

#include <string.h>

/* What is asked for, as an array that can be checked like any other: its elements are never looked at. */
static int check_like(const mpijob_array *like, size_t *bytes, mpijob_error *err)
{
    static char nothing;
    mpijob_array shape_of = *like;
    if (!shape_of.data)
        shape_of.data = &nothing;
    int status = mpj_array_check(&shape_of, bytes, err);
    if (status == MPIJOB_OK && like->type.kind == MPIJOB_RECORD && !mpijob_record_is_flat(like->type.record))
        status = mpj_fail(err, MPIJOB_EUNSUPPORTED,
                          "option like: %s has strings or pointers, which no file can hold in place",
                          like->type.record->name);
    return status;
}

/* A file of zeros behind the header, all its room reserved, complete before anyone sees it. */
static int write_zeros(mpj_publish *publish, const char *path, const void *header, size_t header_bytes, size_t bytes,
                       mpijob_error *err)
{
    int status = mpj_publish_file(publish, path, err);
    if (status == MPIJOB_OK)
        status = mpj_file_reserve(publish->fd, path, (uint64_t)header_bytes + bytes, err);
    if (status == MPIJOB_OK)
        status = mpj_file_write(publish->fd, path, header, header_bytes, 0, err);
    return status;
}

static int create(mpijob_array *array, const char *path, const void *header, size_t header_bytes, size_t bytes,
                  mpijob_error *err)
{
    mpj_own *own = array->own;
    mpj_publish publish = {.fd = -1};
    int status = write_zeros(&publish, path, header, header_bytes, bytes, err);
    if (status == MPIJOB_OK)
        status = mpj_mapping_open(&own->mapping, publish.fd, path, header_bytes, bytes, MPJ_MAP_WRITE, err);
    if (status == MPIJOB_OK) {
        array->data = own->mapping.data;
        own->path = mpj_copy_text(path);
        status = own->path ? mpj_publish_commit(&publish, 0, mpj_may_replace, err)
                           : mpj_fail_memory(err, "a path", strlen(path));
    }
    mpj_publish_abandon(&publish);
    return status;
}

int mpj_npy_create(mpijob_array *array, const char *path, const mpj_load_plan *plan, mpijob_error *err)
{
    const mpijob_array *like = plan->options.like;
    void *header = NULL;
    size_t header_bytes, bytes;
    *array = (mpijob_array){0};
    int status = check_like(like, &bytes, err);
    if (status != MPIJOB_OK)
        return status;
    int order = mpj_array_order(like) == 'F' ? 'F' : 'C';
    status = mpj_npy_header_make(&header, &header_bytes, &like->type, like->ndim, like->shape, order, err);
    if (status == MPIJOB_OK)
        status = mpj_own_begin(array, &like->type, like->ndim, like->shape, order, err);
    if (status == MPIJOB_OK)
        status = create(array, path, header, header_bytes, bytes, err);
    if (status != MPIJOB_OK)
        mpijob_array_free(array);
    mpj_free(header);
    return status;
}
