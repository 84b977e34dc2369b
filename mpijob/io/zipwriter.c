#include "io/zipwriter.h"

#include "base/alloc.h"
#include "base/error.h"
#include "io/zipsource.h"

#include <string.h>

/* 1 January 1980, the first that a zip knows: equal content makes equal files. */
#define DOS_DATE 0x21
#define DOS_TIME 0

typedef enum state {
    WAITING,
    GIVEN,
    DONE
} state;

/* A file to be written: libzip's input for it, freed by libzip. */
typedef struct file_source {
    mpj_zip_writer *writer;
    mpj_tree_give_fn *give;
    mpj_tree_done_fn *done;
    void *payload;
    uint64_t item;
    state state;
    const void *data;
    size_t bytes, at;
    zip_error_t error;
    unsigned char copy[];
} file_source;

/* ---- What libzip asks -------------------------------------------------------------------------------------------- */

static void release(file_source *file)
{
    if (file->state == GIVEN && file->done)
        file->done(file->payload, file->item);
    if (file->state == GIVEN)
        file->state = DONE;
}

/* Asked for its length just before it is written: a length that is known makes no zip64 header where none is needed. */
static zip_int64_t describe(file_source *file, zip_stat_t *out)
{
    mpj_zip_writer *writer = file->writer;
    if (file->state == WAITING && writer->finishing) {
        int status = file->give(file->payload, file->item, &file->data, &file->bytes, writer->err);
        if (status != MPIJOB_OK) {
            writer->status = status;
            zip_error_set(&file->error, ZIP_ER_CANCELLED, 0);
            return -1;
        }
        file->state = GIVEN;
    }
    zip_stat_init(out);
    if (file->state != WAITING) {
        out->valid = ZIP_STAT_SIZE;
        out->size = file->bytes;
    }
    return sizeof *out;
}

static zip_int64_t read_some(file_source *file, void *to, zip_uint64_t bytes)
{
    if (file->state != GIVEN) {
        zip_error_set(&file->error, ZIP_ER_INTERNAL, 0);
        return -1;
    }
    size_t count = file->bytes - file->at < bytes ? file->bytes - file->at : (size_t)bytes;
    if (count > 0)
        memcpy(to, (const unsigned char *)file->data + file->at, count);
    file->at += count;
    return (zip_int64_t)count;
}

static zip_int64_t answer(void *payload, void *data, zip_uint64_t bytes, zip_source_cmd_t command)
{
    file_source *file = payload;
    switch (command) {
    case ZIP_SOURCE_STAT:
        return describe(file, data);
    case ZIP_SOURCE_OPEN:
        file->at = 0;
        return 0;
    case ZIP_SOURCE_READ:
        return read_some(file, data, bytes);
    case ZIP_SOURCE_CLOSE:
        release(file);
        return 0;
    case ZIP_SOURCE_FREE:
        release(file);
        mpj_free(file);
        return 0;
    case ZIP_SOURCE_ERROR:
        return zip_error_to_data(&file->error, data, bytes);
    case ZIP_SOURCE_SUPPORTS:
        return ZIP_SOURCE_SUPPORTS_READABLE;
    default:
        zip_error_set(&file->error, ZIP_ER_OPNOTSUPP, 0);
        return -1;
    }
}

/* ---- Adding ------------------------------------------------------------------------------------------------------ */

static int refused(mpj_zip_writer *writer, zip_error_t *why, const char *name, mpijob_error *err)
{
    int code = zip_error_code_zip(why);
    if (code == ZIP_ER_EXISTS || code == ZIP_ER_INVAL)
        return mpj_fail(err, MPIJOB_EINVAL, "%s: %s %s", writer->sink.path, name,
                        code == ZIP_ER_EXISTS ? "is in it already"
                                              : "is no name for a file in a zip (UTF-8 is wanted)");
    return mpj_zip_fail(err, why, writer->sink.path, name);
}

static int add(mpj_zip_writer *writer, const char *name, file_source *file, mpijob_error *err)
{
    zip_t *zip = writer->zip;
    zip_source_t *source = zip_source_function(zip, answer, file);
    if (!source) {
        mpj_free(file);
        return mpj_zip_fail(err, zip_get_error(zip), writer->sink.path, name);
    }
    zip_int64_t number = zip_file_add(zip, name, source, ZIP_FL_ENC_UTF_8);
    if (number < 0) {
        int status = refused(writer, zip_get_error(zip), name, err);
        zip_source_free(source);
        return status;
    }
    if (zip_set_file_compression(zip, (zip_uint64_t)number, ZIP_CM_STORE, 0) != 0 ||
        zip_file_set_dostime(zip, (zip_uint64_t)number, DOS_TIME, DOS_DATE, 0) != 0)
        return mpj_zip_fail(err, zip_get_error(zip), writer->sink.path, name);
    return MPIJOB_OK;
}

static int new_file(mpj_zip_writer *writer, size_t bytes, file_source **out, mpijob_error *err)
{
    if (bytes > SIZE_MAX - sizeof **out || !(*out = mpj_alloc(sizeof **out + bytes)))
        return mpj_fail_memory(err, "a file to be written", bytes);
    **out = (file_source){.writer = writer};
    zip_error_init(&(*out)->error);
    return MPIJOB_OK;
}

int mpj_zip_writer_put(mpj_zip_writer *writer, const char *name, const void *content, size_t bytes, mpijob_error *err)
{
    file_source *file;
    int status = new_file(writer, bytes, &file, err);
    if (status != MPIJOB_OK)
        return status;
    if (bytes > 0)
        memcpy(file->copy, content, bytes);
    file->data = file->copy;
    file->bytes = bytes;
    file->state = GIVEN;
    return add(writer, name, file, err);
}

int mpj_zip_writer_put_later(mpj_zip_writer *writer, const char *name, uint64_t item, mpj_tree_give_fn *give,
                             mpj_tree_done_fn *done, void *payload, mpijob_error *err)
{
    file_source *file;
    int status = new_file(writer, 0, &file, err);
    if (status != MPIJOB_OK)
        return status;
    file->give = give;
    file->done = done;
    file->payload = payload;
    file->item = item;
    return add(writer, name, file, err);
}

/* ---- Beginning and end ------------------------------------------------------------------------------------------- */

int mpj_zip_writer_open(mpj_zip_writer *writer, int fd, const char *path, mpijob_error *err)
{
    *writer = (mpj_zip_writer){0};
    return mpj_zip_sink_open(&writer->sink, &writer->zip, fd, path, err);
}

void mpj_zip_writer_abandon(mpj_zip_writer *writer)
{
    if (writer->zip)
        zip_discard(writer->zip);
    writer->zip = NULL;
    mpj_zip_sink_close(&writer->sink);
}

int mpj_zip_writer_finish(mpj_zip_writer *writer, mpijob_error *err)
{
    int status = MPIJOB_OK;
    writer->finishing = 1;
    writer->err = writer->sink.err = err;
    if (zip_get_num_entries(writer->zip, 0) == 0)
        status = mpj_fail(err, MPIJOB_EINVAL, "%s: a zip file without any file in it", writer->sink.path);
    else if (zip_close(writer->zip) == 0)
        writer->zip = NULL;
    else if (writer->status != MPIJOB_OK)
        status = writer->status;
    else if (writer->sink.status != MPIJOB_OK)
        status = writer->sink.status;
    else
        status = mpj_zip_fail(err, zip_get_error(writer->zip), writer->sink.path, NULL);
    mpj_zip_writer_abandon(writer);
    return status;
}
