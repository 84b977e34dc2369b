#include "array/npy.h"
#include "array/own.h"
#include "base/error.h"

#include <string.h>

/* ---- May these bytes be seen as elements? ---------------------------------------------------------------------- */

static int same_field(const mpijob_field *a, const mpijob_field *b);

static int same_type(const mpijob_type *a, const mpijob_type *b)
{
    if (a->kind != b->kind || mpijob_type_size(a) != mpijob_type_size(b))
        return 0;
    if (a->kind == MPIJOB_OPAQUE)
        return strcmp(a->dtype, b->dtype) == 0;
    if (a->kind != MPIJOB_RECORD)
        return 1;
    if (a->record->field_count != b->record->field_count)
        return 0;
    for (size_t i = 0; i < a->record->field_count; i++) {
        if (!same_field(&a->record->fields[i], &b->record->fields[i]))
            return 0;
    }
    return 1;
}

static int same_field(const mpijob_field *a, const mpijob_field *b)
{
    return strcmp(a->name, b->name) == 0 && a->offset == b->offset && a->count == b->count &&
           same_type(&a->type, &b->type);
}

static const mpijob_field *find_field(const mpijob_record *record, const char *name)
{
    for (size_t i = 0; i < record->field_count; i++) {
        if (strcmp(record->fields[i].name, name) == 0)
            return &record->fields[i];
    }
    return NULL;
}

/* The struct that the caller wants to see must lie in the file as in memory; what only the file has is no harm. */
static int check_record(const mpj_npy_file *file, const mpijob_record *record, mpijob_error *err)
{
    const mpijob_type *type = &file->header.dtype.type;
    if (type->kind != MPIJOB_RECORD)
        return mpj_fail(err, MPIJOB_EINVAL, "option record: %s holds %s, no structs", file->path,
                        mpijob_kind_name(type->kind));
    for (size_t i = 0; i < record->field_count; i++) {
        const mpijob_field *wanted = &record->fields[i];
        const mpijob_field *found = find_field(type->record, wanted->name);
        if (!found)
            return mpj_fail(err, MPIJOB_EINVAL, "option record: %s has no field \"%s\"", file->path, wanted->name);
        if (!same_field(wanted, found))
            return mpj_fail(err, MPIJOB_EINVAL,
                            "option record: field \"%s\" has another type or place in %s than in the struct %s; "
                            "load it without mmap_mode, which converts it",
                            wanted->name, file->path, record->name);
    }
    if (record->bytes != type->record->bytes)
        return mpj_fail(err, MPIJOB_EINVAL,
                        "option record: an element has %zu bytes in %s, and the struct %s has %zu; load it without "
                        "mmap_mode, which converts it",
                        type->record->bytes, file->path, record->name, record->bytes);
    return MPIJOB_OK;
}

static int is_swapped(const mpj_dtype *dtype)
{
    for (size_t i = 0; i < dtype->swap_count; i++) {
        if (dtype->swapped[i])
            return 1;
    }
    return 0;
}

/* What C asks of an address at most: the largest power of two in the size, up to 8. Texts may lie anywhere. */
static size_t alignment_of(const mpijob_type *type)
{
    size_t bytes = mpijob_type_size(type);
    if (type->kind == MPIJOB_BYTES || type->kind == MPIJOB_OPAQUE)
        return 1;
    return bytes % 8 == 0 ? 8 : bytes % 4 == 0 ? 4 : bytes % 2 == 0 ? 2 : 1;
}

static int check_mappable(const mpj_npy_file *file, const mpijob_record *record, mpijob_error *err)
{
    const mpj_npy_header *header = &file->header;
    if (is_swapped(&header->dtype))
        return mpj_fail(err, MPIJOB_EUNSUPPORTED,
                        "%s is in another byte order than this machine's, so it cannot be mapped; load it without "
                        "mmap_mode, or write it anew with dump",
                        file->path);
    if (header->data_offset % alignment_of(&header->dtype.type))
        return mpj_fail(err, MPIJOB_EUNSUPPORTED,
                        "the elements in %s begin at byte %llu, where C cannot use them in place; load it without "
                        "mmap_mode, or write it anew with dump",
                        file->path, (unsigned long long)header->data_offset);
    return record ? check_record(file, record, err) : MPIJOB_OK;
}

/* ---- Mapping --------------------------------------------------------------------------------------------------- */

static mpj_mapping_mode mode_of(int mmap_mode)
{
    return mmap_mode == 'r' ? MPJ_MAP_READ : mmap_mode == 'c' ? MPJ_MAP_COPY : MPJ_MAP_WRITE;
}

/* The bytes from the region's first element to behind its last. */
static void find_span(const mpijob_region *part, const ptrdiff_t *strides, size_t element, uint64_t *begin,
                      size_t *bytes)
{
    *begin = 0;
    *bytes = element;
    for (int i = 0; i < part->ndim; i++) {
        if (part->count[i] == 0) {
            *begin = 0;
            *bytes = 0;
            return;
        }
        *begin += part->start[i] * (uint64_t)strides[i];
        *bytes += (part->count[i] - 1) * (size_t)strides[i];
    }
}

static int map_part(mpijob_array *array, const mpj_npy_file *file, const mpijob_region *part, int mmap_mode,
                    mpijob_error *err)
{
    const mpj_npy_header *header = &file->header;
    mpj_own *own = array->own;
    uint64_t begin;
    size_t bytes;
    find_span(part, array->strides, mpijob_type_size(&array->type), &begin, &bytes);
    int status = mpj_mapping_open(&own->mapping, file->fd, file->path, header->data_offset + begin, bytes,
                                  mode_of(mmap_mode), err);
    if (status != MPIJOB_OK)
        return status;
    array->data = own->mapping.data;
    memcpy(array->shape, part->count, sizeof array->shape);
    if (mode_of(mmap_mode) != MPJ_MAP_WRITE)
        return MPIJOB_OK;
    own->path = mpj_copy_text(file->path);
    return own->path ? MPIJOB_OK : mpj_fail_memory(err, "a path", strlen(file->path));
}

int mpj_npy_map(mpijob_array *array, mpj_npy_file *file, const mpj_load_plan *plan, mpijob_error *err)
{
    const mpj_npy_header *header = &file->header;
    const mpijob_record *record = plan->options.record;
    mpijob_type type = record ? mpijob_type_record(record) : header->dtype.type;
    mpijob_region part;
    int status = mpj_npy_region(&part, file, plan->options.region, err);
    if (status == MPIJOB_OK)
        status = check_mappable(file, record, err);
    if (status == MPIJOB_OK)
        status = mpj_own_begin(array, &type, header->ndim, header->shape, header->order, err);
    if (status != MPIJOB_OK)
        return status;
    status = map_part(array, file, &part, plan->mmap_mode, err);
    if (status != MPIJOB_OK)
        mpijob_array_free(array);
    return status;
}
