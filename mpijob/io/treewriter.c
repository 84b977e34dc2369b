#include "base/alloc.h"
#include "base/error.h"
#include "io/treekind.h"
#include "io/zipwriter.h"

#include <string.h>

struct mpj_tree_writer {
    mpj_publish publish;
    int is_zip;
    int durable; /* each file by itself: the commit is another process's */
    mpj_zip_writer zip;
};

static int wants_zip(const char *path)
{
    size_t length = strlen(path);
    return length >= 4 && strcmp(path + length - 4, ".zip") == 0;
}

static int begin_zip(mpj_tree_writer *writer, const char *path, mpijob_error *err)
{
    int status = mpj_publish_file(&writer->publish, path, err);
    if (status != MPIJOB_OK)
        return status;
    status = mpj_zip_writer_open(&writer->zip, writer->publish.fd, writer->publish.target, err);
    if (status != MPIJOB_OK)
        mpj_publish_abandon(&writer->publish);
    return status;
}

int mpj_tree_create(mpj_tree_writer **out, const char *path, mpijob_error *err)
{
    *out = NULL;
    mpj_tree_writer *writer = mpj_calloc(1, sizeof *writer);
    if (!writer)
        return mpj_fail_memory(err, "writing files", sizeof *writer);
    writer->is_zip = wants_zip(path);
    int status = writer->is_zip ? begin_zip(writer, path, err) : mpj_publish_folder(&writer->publish, path, err);
    if (status != MPIJOB_OK)
        mpj_free(writer);
    else
        *out = writer;
    return status;
}

int mpj_tree_join(mpj_tree_writer **out, const char *path, int durable, mpijob_error *err)
{
    mpj_tree_writer *writer = mpj_calloc(1, sizeof *writer);
    if (!writer)
        return mpj_fail_memory(err, "writing files", sizeof *writer);
    writer->durable = durable;
    int status = mpj_publish_join(&writer->publish, path, 1, err);
    if (status != MPIJOB_OK)
        mpj_free(writer);
    else
        *out = writer;
    return status;
}

int mpj_tree_writes_zip(const mpj_tree_writer *writer)
{
    return writer->is_zip;
}

const char *mpj_tree_writer_path(const mpj_tree_writer *writer)
{
    return writer->publish.path;
}

/* ---- Adding ------------------------------------------------------------------------------------------------------ */

static int check_name(const mpj_tree_writer *writer, const char *name, mpijob_error *err)
{
    if (mpj_tree_name_is_sound(name))
        return MPIJOB_OK;
    return mpj_fail(err, MPIJOB_EINVAL, "\"%.200s\" is no name for a file inside %s", name, writer->publish.target);
}

/* The folders in `name`, below a path that ends where name begins. */
static int make_folders(char *path, char *name, mpijob_error *err)
{
    for (char *slash = strchr(name, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        int status = mpj_folder_create(path, err);
        *slash = '/';
        if (status != MPIJOB_OK)
            return status;
    }
    return MPIJOB_OK;
}

static int put_in_folder(mpj_tree_writer *writer, const char *name, const void *content, size_t bytes,
                         mpijob_error *err)
{
    char path[MPJ_PATH_BYTES];
    int status = mpj_path_join(path, writer->publish.path, name, err);
    if (status == MPIJOB_OK)
        status = make_folders(path, path + strlen(path) - strlen(name), err);
    return status == MPIJOB_OK ? mpj_file_write_all(path, content, bytes, writer->durable, err) : status;
}

int mpj_tree_put(mpj_tree_writer *writer, const char *name, const void *content, size_t bytes, mpijob_error *err)
{
    int status = check_name(writer, name, err);
    if (status != MPIJOB_OK)
        return status;
    return writer->is_zip ? mpj_zip_writer_put(&writer->zip, name, content, bytes, err)
                          : put_in_folder(writer, name, content, bytes, err);
}

int mpj_tree_put_later(mpj_tree_writer *writer, const char *name, uint64_t item, mpj_tree_give_fn *give,
                       mpj_tree_done_fn *done, void *payload, mpijob_error *err)
{
    int status = check_name(writer, name, err);
    if (status != MPIJOB_OK)
        return status;
    if (writer->is_zip)
        return mpj_zip_writer_put_later(&writer->zip, name, item, give, done, payload, err);
    const void *data;
    size_t bytes;
    status = give(payload, item, &data, &bytes, err);
    if (status != MPIJOB_OK)
        return status;
    status = put_in_folder(writer, name, data, bytes, err);
    if (done)
        done(payload, item);
    return status;
}

/* ---- The end ----------------------------------------------------------------------------------------------------- */

int mpj_tree_commit(mpj_tree_writer *writer, int durable, int (*may_replace)(const char *path), mpijob_error *err)
{
    int status = writer->is_zip ? mpj_zip_writer_finish(&writer->zip, err) : MPIJOB_OK;
    if (status == MPIJOB_OK)
        status = mpj_publish_commit(&writer->publish, durable, may_replace, err);
    mpj_publish_abandon(&writer->publish);
    mpj_free(writer);
    return status;
}

void mpj_tree_abandon(mpj_tree_writer *writer)
{
    if (!writer)
        return;
    if (writer->is_zip)
        mpj_zip_writer_abandon(&writer->zip);
    mpj_publish_abandon(&writer->publish);
    mpj_free(writer);
}
