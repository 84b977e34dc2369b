#include "array/npy.h"

#include "array/own.h"
#include "base/alloc.h"
#include "base/error.h"
#include "io/file.h"

#include <inttypes.h>
#include <stdio.h>

#define FIRST_READ_BYTES 4096
#define VERIFY_BYTES ((size_t)1 << 20)

/* ---- Opening --------------------------------------------------------------------------------------------------- */

/* A header longer than what was read at first. */
static int read_long_header(mpj_npy_file *file, size_t need, int *complete, mpijob_error *err)
{
    size_t again;
    void *text = mpj_alloc(need);
    if (!text)
        return mpj_fail_memory(err, "an NPY header", need);
    int status = mpj_file_read(file->fd, file->path, text, need, 0, err);
    if (status == MPIJOB_OK)
        status = mpj_npy_header_parse(&file->header, text, need, complete, &again, file->path, err);
    mpj_free(text);
    return status;
}

static int read_header(mpj_npy_file *file, mpijob_error *err)
{
    char text[FIRST_READ_BYTES];
    size_t bytes = file->bytes < sizeof text ? (size_t)file->bytes : sizeof text;
    size_t need = 0;
    int complete = 0;
    int status = mpj_file_read(file->fd, file->path, text, bytes, 0, err);
    if (status == MPIJOB_OK)
        status = mpj_npy_header_parse(&file->header, text, bytes, &complete, &need, file->path, err);
    if (status == MPIJOB_OK && !complete && need > file->bytes)
        return mpj_fail(err, MPIJOB_ECORRUPT, "%s is cut short: %" PRIu64 " bytes, and its header needs %zu",
                        file->path, file->bytes, need);
    if (status == MPIJOB_OK && !complete)
        status = read_long_header(file, need, &complete, err);
    return status;
}

static int check_length(const mpj_npy_file *file, mpijob_error *err)
{
    const mpj_npy_header *header = &file->header;
    if (file->bytes - header->data_offset >= header->data_bytes)
        return MPIJOB_OK;
    return mpj_fail(err, MPIJOB_ECORRUPT, "%s is cut short: %" PRIu64 " bytes, and header and elements need %" PRIu64,
                    file->path, file->bytes, header->data_offset + header->data_bytes);
}

int mpj_npy_open(mpj_npy_file *file, const char *path, int update, mpijob_error *err)
{
    *file = (mpj_npy_file){.fd = -1, .path = path};
    int status = update ? mpj_file_open_update(&file->fd, path, &file->bytes, err)
                        : mpj_file_open(&file->fd, path, &file->bytes, err);
    if (status != MPIJOB_OK)
        return status;
    status = read_header(file, err);
    if (status == MPIJOB_OK)
        status = check_length(file, err);
    if (status != MPIJOB_OK)
        mpj_npy_close(file);
    return status;
}

void mpj_npy_close(mpj_npy_file *file)
{
    mpj_npy_header_free(&file->header);
    mpj_file_close(&file->fd);
}

/* ---- Regions --------------------------------------------------------------------------------------------------- */

int mpj_npy_region(mpijob_region *whole, const mpj_npy_file *file, const mpijob_region *region, mpijob_error *err)
{
    const mpj_npy_header *header = &file->header;
    *whole = (mpijob_region){.ndim = header->ndim};
    int limited = region ? region->ndim : 0;
    if (limited > header->ndim)
        return mpj_fail(err, MPIJOB_EINVAL, "option region has %d dimensions, and the array in %s has %d", limited,
                        file->path, header->ndim);
    for (int i = 0; i < header->ndim; i++) {
        size_t length = header->shape[i];
        whole->start[i] = i < limited ? region->start[i] : 0;
        whole->count[i] = i < limited ? region->count[i] : length;
        if (whole->start[i] > length || whole->count[i] > length - whole->start[i])
            return mpj_fail(err, MPIJOB_EINVAL,
                            "option region begins at %zu with %zu in dimension %d, and %s has %zu there",
                            whole->start[i], whole->count[i], i, file->path, length);
    }
    return MPIJOB_OK;
}

/* ---- Looking into it ------------------------------------------------------------------------------------------- */

int mpj_npy_inspect(mpijob_array_info *info, const char *path, mpijob_error *err)
{
    mpj_npy_file file;
    int status = mpj_npy_open(&file, path, 0, err);
    if (status != MPIJOB_OK)
        return status;
    const mpj_npy_header *header = &file.header;
    *info = (mpijob_array_info){.format = MPIJOB_NPY,
                                .version = header->version,
                                .order = header->order,
                                .byte_order = header->dtype.byte_order,
                                .ndim = header->ndim,
                                .elements_bytes = header->data_bytes,
                                .stored_bytes = header->data_bytes,
                                .chunk_count = 1,
                                .chunks_stored = 1};
    for (int i = 0; i < header->ndim; i++)
        info->chunks[i] = info->shape[i] = header->shape[i];
    snprintf(info->dtype, sizeof info->dtype, "%s", header->descr);
    mpj_npy_close(&file);
    return MPIJOB_OK;
}

/* Reads the elements, for the errors that the disk may have. */
static int read_through(const mpj_npy_file *file, mpijob_bytes_fn *progress, void *payload, mpijob_error *err)
{
    size_t total = file->header.data_bytes;
    char *buffer = mpj_alloc(VERIFY_BYTES);
    if (!buffer)
        return mpj_fail_memory(err, "reading a file", VERIFY_BYTES);
    int status = MPIJOB_OK;
    for (size_t done = 0; status == MPIJOB_OK && done < total;) {
        size_t bytes = total - done < VERIFY_BYTES ? total - done : VERIFY_BYTES;
        status = mpj_file_read(file->fd, file->path, buffer, bytes, file->header.data_offset + done, err);
        done += bytes;
        if (status == MPIJOB_OK)
            status = mpj_tell_progress(progress, payload, done, total, err);
    }
    mpj_free(buffer);
    return status;
}

int mpj_npy_verify(mpijob_verify_result *result, const char *path, mpijob_damage_fn *damage, void *payload,
                   mpijob_bytes_fn *progress, void *progress_payload, mpijob_error *err)
{
    mpijob_error why = {0};
    mpj_npy_file file;
    *result = (mpijob_verify_result){.arrays = 1, .chunks = 1, .unsummed = 1};
    int status = mpj_npy_open(&file, path, 0, &why);
    if (status == MPIJOB_OK) {
        result->bytes = file.header.data_bytes;
        status = read_through(&file, progress, progress_payload, &why);
        mpj_npy_close(&file);
    }
    if (status == MPIJOB_ECORRUPT) {
        result->damaged = 1;
        if (damage)
            damage(path, "", why.text, payload);
    }
    if (status != MPIJOB_OK && err)
        *err = why;
    return status;
}
