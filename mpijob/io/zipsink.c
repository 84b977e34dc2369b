#include "io/zipsink.h"

#include "base/alloc.h"
#include "base/error.h"
#include "io/file.h"
#include "io/zipsource.h"

#include <string.h>

#define ROOM ((size_t)256 * 1024)

static int write_out(mpj_zip_sink *sink, const void *from, size_t bytes, uint64_t offset)
{
    int status = mpj_file_write(sink->fd, sink->path, from, bytes, offset, sink->err);
    if (status == MPIJOB_OK)
        return 0;
    sink->status = status;
    zip_error_set(&sink->error, ZIP_ER_INTERNAL, 0); /* the status says more */
    return -1;
}

static int flush(mpj_zip_sink *sink)
{
    if (sink->used > 0 && write_out(sink, sink->buffer, sink->used, sink->base) != 0)
        return -1;
    sink->base = sink->position;
    sink->used = 0;
    return 0;
}

static int continues_buffer(const mpj_zip_sink *sink, zip_uint64_t bytes)
{
    return sink->position >= sink->base && sink->position <= sink->base + sink->used && bytes <= ROOM &&
           sink->position - sink->base <= ROOM - bytes;
}

static zip_int64_t put(mpj_zip_sink *sink, const void *from, zip_uint64_t bytes)
{
    if (!continues_buffer(sink, bytes) && flush(sink) != 0)
        return -1;
    if (bytes > ROOM) {
        if (write_out(sink, from, bytes, sink->position) != 0)
            return -1;
        sink->base += bytes;
    } else {
        size_t at = (size_t)(sink->position - sink->base);
        memcpy(sink->buffer + at, from, bytes);
        if (at + bytes > sink->used)
            sink->used = at + bytes;
    }
    sink->position += bytes;
    return (zip_int64_t)bytes;
}

/* The file's end is not kept: libzip goes to places by their number only. */
static zip_int64_t seek(mpj_zip_sink *sink, void *arguments, zip_uint64_t bytes)
{
    zip_source_args_seek_t *to = ZIP_SOURCE_GET_ARGS(zip_source_args_seek_t, arguments, bytes, &sink->error);
    if (!to)
        return -1;
    if (to->whence != SEEK_SET || to->offset < 0) {
        zip_error_set(&sink->error, ZIP_ER_SEEK, 0);
        return -1;
    }
    sink->position = (uint64_t)to->offset;
    return 0;
}

static zip_int64_t describe(zip_stat_t *out)
{
    zip_stat_init(out);
    out->valid = ZIP_STAT_SIZE;
    out->size = 0;
    return sizeof *out;
}

/* Reading is asked for by libzip when it opens an archive, never done: the archive is new. */
static zip_int64_t answer(void *payload, void *data, zip_uint64_t bytes, zip_source_cmd_t command)
{
    mpj_zip_sink *sink = payload;
    switch (command) {
    case ZIP_SOURCE_WRITE:
        return put(sink, data, bytes);
    case ZIP_SOURCE_SEEK_WRITE:
        return seek(sink, data, bytes);
    case ZIP_SOURCE_TELL_WRITE:
        return (zip_int64_t)sink->position;
    case ZIP_SOURCE_COMMIT_WRITE:
        return flush(sink);
    case ZIP_SOURCE_STAT:
        return describe(data);
    case ZIP_SOURCE_ERROR:
        return zip_error_to_data(&sink->error, data, bytes);
    case ZIP_SOURCE_SUPPORTS:
        return ZIP_SOURCE_SUPPORTS_WRITABLE;
    case ZIP_SOURCE_READ:
    case ZIP_SOURCE_SEEK:
    case ZIP_SOURCE_TELL:
    case ZIP_SOURCE_OPEN:
    case ZIP_SOURCE_CLOSE:
    case ZIP_SOURCE_BEGIN_WRITE:
    case ZIP_SOURCE_ROLLBACK_WRITE:
    case ZIP_SOURCE_REMOVE:
    case ZIP_SOURCE_FREE:
        return 0;
    default:
        zip_error_set(&sink->error, ZIP_ER_OPNOTSUPP, 0);
        return -1;
    }
}

static zip_t *open_archive(mpj_zip_sink *sink, zip_error_t *why)
{
    zip_source_t *source = zip_source_function_create(answer, sink, why);
    if (!source)
        return NULL;
    zip_t *zip = zip_open_from_source(source, ZIP_CREATE | ZIP_TRUNCATE, why);
    if (!zip)
        zip_source_free(source);
    return zip;
}

int mpj_zip_sink_open(mpj_zip_sink *sink, zip_t **zip, int fd, const char *path, mpijob_error *err)
{
    *sink = (mpj_zip_sink){.fd = fd, .path = path, .buffer = mpj_alloc(ROOM)};
    zip_error_init(&sink->error);
    if (!sink->buffer)
        return mpj_fail_memory(err, "writing a zip file", ROOM);
    zip_error_t why;
    zip_error_init(&why);
    *zip = open_archive(sink, &why);
    int status = *zip ? MPIJOB_OK : mpj_zip_fail(err, &why, path, NULL);
    zip_error_fini(&why);
    if (status != MPIJOB_OK)
        mpj_zip_sink_close(sink);
    return status;
}

void mpj_zip_sink_close(mpj_zip_sink *sink)
{
    mpj_free(sink->buffer);
    sink->buffer = NULL;
}
