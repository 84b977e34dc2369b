#include "io/zipsource.h"

#include "base/error.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static ssize_t read_file(mpj_zip_input *input, void *to, size_t bytes)
{
    ssize_t got;
    do
        got = pread(input->fd, to, bytes, (off_t)input->position);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        zip_error_set(&input->error, ZIP_ER_READ, errno);
    return got;
}

/* libzip reads lists and headers in small pieces, five for each file. */
static ssize_t read_ahead(mpj_zip_input *input, void *to, size_t bytes)
{
    uint64_t skip = input->position - input->ahead_at;
    if (input->position < input->ahead_at || skip > input->ahead_bytes || bytes > input->ahead_bytes - skip) {
        ssize_t got = read_file(input, input->ahead, sizeof input->ahead);
        if (got < 0)
            return got;
        input->ahead_at = input->position;
        input->ahead_bytes = (size_t)got;
        skip = 0;
    }
    size_t count = input->ahead_bytes - (size_t)skip < bytes ? input->ahead_bytes - (size_t)skip : bytes;
    memcpy(to, input->ahead + skip, count);
    return (ssize_t)count;
}

static zip_int64_t read_some(mpj_zip_input *input, void *to, zip_uint64_t bytes)
{
    ssize_t got = bytes < sizeof input->ahead ? read_ahead(input, to, bytes) : read_file(input, to, bytes);
    if (got > 0)
        input->position += (uint64_t)got;
    return got;
}

static zip_int64_t seek(mpj_zip_input *input, void *arguments, zip_uint64_t bytes)
{
    zip_int64_t to = zip_source_seek_compute_offset(input->position, input->bytes, arguments, bytes, &input->error);
    if (to < 0)
        return -1;
    input->position = (uint64_t)to;
    return 0;
}

static zip_int64_t describe(const mpj_zip_input *input, zip_stat_t *out)
{
    zip_stat_init(out);
    out->valid = ZIP_STAT_SIZE;
    out->size = input->bytes;
    return sizeof *out;
}

static zip_int64_t answer(void *input, void *data, zip_uint64_t bytes, zip_source_cmd_t command)
{
    switch (command) {
    case ZIP_SOURCE_OPEN:
        ((mpj_zip_input *)input)->position = 0;
        return 0;
    case ZIP_SOURCE_READ:
        return read_some(input, data, bytes);
    case ZIP_SOURCE_SEEK:
        return seek(input, data, bytes);
    case ZIP_SOURCE_TELL:
        return (zip_int64_t)((mpj_zip_input *)input)->position;
    case ZIP_SOURCE_STAT:
        return describe(input, data);
    case ZIP_SOURCE_ERROR:
        return zip_error_to_data(&((mpj_zip_input *)input)->error, data, bytes);
    case ZIP_SOURCE_SUPPORTS:
        return ZIP_SOURCE_SUPPORTS_SEEKABLE;
    case ZIP_SOURCE_CLOSE:
    case ZIP_SOURCE_FREE:
        return 0;
    default:
        zip_error_set(&((mpj_zip_input *)input)->error, ZIP_ER_OPNOTSUPP, 0);
        return -1;
    }
}

zip_t *mpj_zip_open(mpj_zip_input *input, int fd, uint64_t bytes, int flags, zip_error_t *error)
{
    input->fd = fd;
    input->bytes = bytes;
    input->position = input->ahead_at = 0;
    input->ahead_bytes = 0;
    zip_error_init(&input->error);
    zip_source_t *source = zip_source_function_create(answer, input, error);
    if (!source)
        return NULL;
    zip_t *zip = zip_open_from_source(source, flags | ZIP_RDONLY, error);
    if (!zip)
        zip_source_free(source);
    return zip;
}

/* ---- Errors ------------------------------------------------------------------------------------------------------ */

static int status_of(int code)
{
    switch (code) {
    case ZIP_ER_MEMORY:
        return MPIJOB_ENOMEM;
    case ZIP_ER_COMPNOTSUPP:
    case ZIP_ER_ENCRNOTSUPP:
    case ZIP_ER_NOPASSWD:
    case ZIP_ER_MULTIDISK:
        return MPIJOB_EUNSUPPORTED;
    case ZIP_ER_READ:
    case ZIP_ER_WRITE:
        return MPIJOB_EOS;
    case ZIP_ER_INTERNAL:
        return MPIJOB_EINTERNAL;
    default:
        return MPIJOB_ECORRUPT;
    }
}

static const char *reason_of(int code, zip_error_t *why)
{
    switch (code) {
    case ZIP_ER_NOZIP:
        return "no zip file, or one that is cut short or damaged";
    case ZIP_ER_CRC:
        return "the zip's checksum does not fit: damaged data";
    case ZIP_ER_EOF:
        return "the zip file is cut short";
    default:
        return zip_error_strerror(why);
    }
}

int mpj_zip_fail(mpijob_error *err, zip_error_t *why, const char *path, const char *name)
{
    int code = zip_error_code_zip(why);
    int status = status_of(code);
    if (status == MPIJOB_EOS)
        return mpj_fail_os(err, zip_error_code_system(why), "cannot %s %s", code == ZIP_ER_WRITE ? "write" : "read",
                           path);
    return mpj_fail(err, status, "%s%s%s: %s", path, name ? ": " : "", name ? name : "", reason_of(code, why));
}
