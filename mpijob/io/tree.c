#include "base/alloc.h"
#include "base/error.h"
#include "io/treekind.h"

#include <string.h>

/* ---- Names ------------------------------------------------------------------------------------------------------- */

static int part_is_sound(const char *part, size_t length)
{
    if (length == 0)
        return 0;
    return !(part[0] == '.' && (length == 1 || (length == 2 && part[1] == '.')));
}

int mpj_tree_name_is_sound(const char *name)
{
    if (strlen(name) >= MPJ_PATH_BYTES)
        return 0;
    for (;;) {
        size_t length = strcspn(name, "/");
        if (!part_is_sound(name, length))
            return 0;
        if (name[length] == '\0')
            return 1;
        name += length + 1;
    }
}

static int check_name(const mpj_tree *tree, const char *name, mpijob_error *err)
{
    if (mpj_tree_name_is_sound(name))
        return MPIJOB_OK;
    return mpj_fail(err, MPIJOB_ECORRUPT, "\"%.200s\" is no name of a file inside %s", name, tree->path);
}

/* ---- For both kinds ---------------------------------------------------------------------------------------------- */

int mpj_tree_buffer_reserve(mpj_tree_buffer *buffer, uint64_t bytes, mpijob_error *err)
{
    if (buffer->data && bytes <= buffer->capacity)
        return MPIJOB_OK;
    if (bytes > SIZE_MAX)
        return mpj_fail_memory(err, "a file's content", bytes);
    if (buffer->bytes == 0) {
        mpj_free(buffer->data);
        *buffer = (mpj_tree_buffer){0};
    }
    void *data = mpj_realloc(buffer->data, (size_t)bytes);
    if (!data)
        return mpj_fail_memory(err, "a file's content", bytes);
    buffer->data = data;
    buffer->capacity = (size_t)bytes;
    return MPIJOB_OK;
}

int mpj_tree_too_long(const mpj_tree *tree, const char *name, uint64_t bytes, uint64_t limit, mpijob_error *err)
{
    return mpj_fail(err, MPIJOB_ECORRUPT, "%s: %s has %llu bytes; at most %llu were expected", tree->path, name,
                    (unsigned long long)bytes, (unsigned long long)limit);
}

int mpj_tree_not_found(const mpj_tree *tree, const char *name, mpijob_error *err)
{
    return mpj_fail(err, MPIJOB_ENOTFOUND, "%s: there is no %s in it", tree->path, name);
}

/* ---- tree.h ------------------------------------------------------------------------------------------------------ */

int mpj_tree_open(mpj_tree **tree, const char *path, mpijob_error *err)
{
    *tree = NULL;
    if (strlen(path) >= MPJ_PATH_BYTES)
        return mpj_fail(err, MPIJOB_EINVAL, "a path is longer than %d bytes: %.200s...", MPJ_PATH_BYTES - 1, path);
    return mpj_path_is_folder(path) == 1 ? mpj_tree_folder_open(tree, path, err) : mpj_tree_zip_open(tree, path, err);
}

void mpj_tree_close(mpj_tree *tree)
{
    if (tree)
        tree->kind->close(tree);
}

int mpj_tree_is_zip(const mpj_tree *tree)
{
    return tree->kind->is_zip;
}

const char *mpj_tree_path(const mpj_tree *tree)
{
    return tree->path;
}

int mpj_tree_stat(mpj_tree *tree, const char *name, uint64_t *bytes, mpijob_error *err)
{
    uint64_t unused;
    int status = check_name(tree, name, err);
    return status == MPIJOB_OK ? tree->kind->stat(tree, name, bytes ? bytes : &unused, err) : status;
}

int mpj_tree_read(mpj_tree *tree, const char *name, mpj_tree_buffer *buffer, uint64_t limit, mpijob_error *err)
{
    buffer->bytes = 0;
    int status = check_name(tree, name, err);
    return status == MPIJOB_OK ? tree->kind->read(tree, name, buffer, limit, err) : status;
}

int mpj_tree_read_at(mpj_tree *tree, const char *name, void *to, size_t bytes, uint64_t offset, mpijob_error *err)
{
    int status = check_name(tree, name, err);
    return status == MPIJOB_OK ? tree->kind->read_at(tree, name, to, bytes, offset, err) : status;
}

int mpj_tree_list(mpj_tree *tree, const char *folder, mpj_tree_each_fn *each, void *payload, mpijob_error *err)
{
    char name[MPJ_PATH_BYTES + 1] = "";
    size_t length = strlen(folder);
    if (length > 1 && folder[length - 1] == '/')
        length--;
    if (length >= MPJ_PATH_BYTES)
        return check_name(tree, folder, err);
    if (length > 0) {
        memcpy(name, folder, length);
        int status = check_name(tree, name, err);
        if (status != MPIJOB_OK)
            return status;
        name[length] = '/';
    }
    return tree->kind->list(tree, name, each, payload, err);
}
