/* A zip file as a tree. */
#include "base/alloc.h"
#include "base/error.h"
#include "io/treekind.h"
#include "io/ziphandles.h"
#include "io/zipindex.h"

#include <string.h>

typedef struct zip_tree {
    mpj_tree tree;
    int fd;
    uint64_t bytes;
    mpj_zip_handles handles;
    mpj_zip_index index;
} zip_tree;

/* ---- Reading ----------------------------------------------------------------------------------------------------- */

/* A failed read of the file itself looks to libzip like its end. */
static int read_failed(mpj_zip_handle *from, zip_error_t *why, const zip_tree *tree, const char *name,
                       mpijob_error *err)
{
    if (zip_error_code_zip(&from->input.error) == ZIP_ER_READ)
        why = &from->input.error;
    return mpj_zip_fail(err, why, tree->tree.path, name);
}

static int find(const zip_tree *tree, const char *name, const mpj_zip_entry **out, mpijob_error *err)
{
    *out = mpj_zip_index_find(&tree->index, name);
    if (*out)
        return MPIJOB_OK;
    if (mpj_zip_index_has_folder(&tree->index, name))
        return mpj_fail(err, MPIJOB_ECORRUPT, "%s: %s is a folder where a file should be", tree->tree.path, name);
    return mpj_tree_not_found(&tree->tree, name, err);
}

static int check_entry(const zip_tree *tree, const mpj_zip_entry *entry, mpijob_error *err)
{
    const char *path = tree->tree.path;
    if (entry->encryption != ZIP_EM_NONE)
        return mpj_fail(err, MPIJOB_EUNSUPPORTED, "%s: %s is encrypted", path, entry->name);
    if (!zip_compression_method_supported(entry->method, 0))
        return mpj_fail(err, MPIJOB_EUNSUPPORTED, "%s: %s is packed by method %d, which libzip does not know", path,
                        entry->name, entry->method);
    if (entry->packed_bytes > tree->bytes || (entry->method == ZIP_CM_STORE && entry->packed_bytes != entry->bytes) ||
        (entry->packed_bytes == 0 && entry->bytes > 0))
        return mpj_fail(err, MPIJOB_ECORRUPT, "%s: %s has an impossible length", path, entry->name);
    return MPIJOB_OK;
}

/* At once what the file justifies: all of a stored entry; of a packed one some, and more as it turns out to be
 * there. */
static uint64_t first_room(const mpj_zip_entry *entry)
{
    uint64_t room = 65536 + 4 * entry->packed_bytes;
    return entry->method == ZIP_CM_STORE || entry->bytes < room ? entry->bytes : room;
}

/* libzip compares the checksum when it is asked for more than there is. */
static int read_end(zip_file_t *file, mpj_zip_handle *from, const zip_tree *tree, const char *name, mpijob_error *err)
{
    char more;
    zip_int64_t got = zip_fread(file, &more, 1);
    if (got < 0)
        return read_failed(from, zip_file_get_error(file), tree, name, err);
    if (got > 0)
        return mpj_fail(err, MPIJOB_ECORRUPT, "%s: %s is longer than it says", tree->tree.path, name);
    return MPIJOB_OK;
}

static int read_content(zip_file_t *file, mpj_zip_handle *from, const zip_tree *tree, const mpj_zip_entry *entry,
                        mpj_tree_buffer *buffer, mpijob_error *err)
{
    uint64_t room = first_room(entry);
    int status = mpj_tree_buffer_reserve(buffer, room, err);
    while (status == MPIJOB_OK && buffer->bytes < entry->bytes) {
        if (buffer->bytes == room) {
            room = entry->bytes - room < room ? entry->bytes : 2 * room;
            status = mpj_tree_buffer_reserve(buffer, room, err);
            if (status != MPIJOB_OK)
                break;
        }
        zip_int64_t got = zip_fread(file, (char *)buffer->data + buffer->bytes, room - buffer->bytes);
        if (got < 0)
            return read_failed(from, zip_file_get_error(file), tree, entry->name, err);
        if (got == 0)
            return mpj_fail(err, MPIJOB_ECORRUPT, "%s: %s is cut short", tree->tree.path, entry->name);
        buffer->bytes += (size_t)got;
    }
    return status == MPIJOB_OK ? read_end(file, from, tree, entry->name, err) : status;
}

static int open_entry(zip_tree *tree, const mpj_zip_entry *entry, mpj_zip_handle **from, zip_file_t **file,
                      mpijob_error *err)
{
    int status = mpj_zip_handles_borrow(&tree->handles, from, err);
    if (status != MPIJOB_OK)
        return status;
    zip_error_set(&(*from)->input.error, ZIP_ER_OK, 0);
    *file = zip_fopen_index((*from)->zip, entry->number, 0);
    if (*file)
        return MPIJOB_OK;
    status = read_failed(*from, zip_get_error((*from)->zip), tree, entry->name, err);
    mpj_zip_handles_give_back(&tree->handles, *from);
    return status;
}

static void close_entry(zip_tree *tree, mpj_zip_handle *from, zip_file_t *file)
{
    zip_fclose(file);
    mpj_zip_handles_give_back(&tree->handles, from);
}

/* ---- The kind ---------------------------------------------------------------------------------------------------- */

static int zip_kind_stat(mpj_tree *tree, const char *name, uint64_t *bytes, mpijob_error *err)
{
    const mpj_zip_entry *entry;
    int status = find((zip_tree *)tree, name, &entry, err);
    if (status == MPIJOB_OK)
        *bytes = entry->bytes;
    return status;
}

static int zip_kind_read(mpj_tree *base, const char *name, mpj_tree_buffer *buffer, uint64_t limit, mpijob_error *err)
{
    zip_tree *tree = (zip_tree *)base;
    const mpj_zip_entry *entry;
    mpj_zip_handle *from;
    zip_file_t *file;
    int status = find(tree, name, &entry, err);
    if (status == MPIJOB_OK)
        status = entry->bytes > limit ? mpj_tree_too_long(base, name, entry->bytes, limit, err)
                                      : check_entry(tree, entry, err);
    if (status == MPIJOB_OK)
        status = open_entry(tree, entry, &from, &file, err);
    if (status != MPIJOB_OK)
        return status;
    status = read_content(file, from, tree, entry, buffer, err);
    if (status != MPIJOB_OK)
        buffer->bytes = 0;
    close_entry(tree, from, file);
    return status;
}

static int read_range(zip_file_t *file, mpj_zip_handle *from, const zip_tree *tree, const char *name, void *to,
                      size_t bytes, uint64_t offset, mpijob_error *err)
{
    if (zip_fseek(file, (zip_int64_t)offset, SEEK_SET) != 0)
        return read_failed(from, zip_file_get_error(file), tree, name, err);
    zip_int64_t got = zip_fread(file, to, bytes);
    if (got < 0)
        return read_failed(from, zip_file_get_error(file), tree, name, err);
    return (size_t)got == bytes ? MPIJOB_OK
                                : mpj_fail(err, MPIJOB_ECORRUPT, "%s: %s is cut short", tree->tree.path, name);
}

static int zip_kind_read_at(mpj_tree *base, const char *name, void *to, size_t bytes, uint64_t offset,
                            mpijob_error *err)
{
    zip_tree *tree = (zip_tree *)base;
    const mpj_zip_entry *entry;
    mpj_zip_handle *from;
    zip_file_t *file;
    int status = find(tree, name, &entry, err);
    if (status == MPIJOB_OK)
        status = check_entry(tree, entry, err);
    if (status != MPIJOB_OK)
        return status;
    if (entry->method != ZIP_CM_STORE)
        return mpj_fail(err, MPIJOB_EUNSUPPORTED, "%s: %s is packed: it cannot be read in part", base->path, name);
    if (offset > entry->bytes || bytes > entry->bytes - offset)
        return mpj_fail(err, MPIJOB_ECORRUPT, "%s: %s is cut short at byte %llu", base->path, name,
                        (unsigned long long)entry->bytes);
    if (bytes == 0)
        return MPIJOB_OK;
    status = open_entry(tree, entry, &from, &file, err);
    if (status != MPIJOB_OK)
        return status;
    status = read_range(file, from, tree, name, to, bytes, offset, err);
    close_entry(tree, from, file);
    return status;
}

static int zip_kind_list(mpj_tree *tree, const char *folder, mpj_tree_each_fn *each, void *payload, mpijob_error *err)
{
    if (mpj_zip_index_list(&((zip_tree *)tree)->index, folder, each, payload))
        return MPIJOB_OK;
    return mpj_tree_not_found(tree, folder, err);
}

static void zip_kind_close(mpj_tree *base)
{
    zip_tree *tree = (zip_tree *)base;
    mpj_zip_index_free(&tree->index);
    mpj_zip_handles_close(&tree->handles);
    mpj_file_close(&tree->fd);
    mpj_free(tree);
}

static const mpj_tree_kind zip_kind = {
    .is_zip = 1,
    .close = zip_kind_close,
    .stat = zip_kind_stat,
    .read = zip_kind_read,
    .read_at = zip_kind_read_at,
    .list = zip_kind_list,
};

static int read_index(zip_tree *tree, mpijob_error *err)
{
    mpj_zip_handle *first;
    int status = mpj_zip_handles_borrow(&tree->handles, &first, err);
    if (status != MPIJOB_OK)
        return status;
    status = mpj_zip_index_make(&tree->index, first->zip, tree->tree.path, err);
    mpj_zip_handles_give_back(&tree->handles, first); /* where the names stay as long as the tree is open */
    return status;
}

int mpj_tree_zip_open(mpj_tree **out, const char *path, mpijob_error *err)
{
    zip_tree *tree = mpj_calloc(1, sizeof *tree);
    if (!tree)
        return mpj_fail_memory(err, "an open zip file", sizeof *tree);
    tree->tree.kind = &zip_kind;
    memcpy(tree->tree.path, path, strlen(path) + 1);
    int status = mpj_file_open(&tree->fd, path, &tree->bytes, err);
    if (status == MPIJOB_OK) {
        status = mpj_zip_handles_open(&tree->handles, tree->fd, tree->bytes, tree->tree.path, err);
        if (status != MPIJOB_OK)
            mpj_file_close(&tree->fd);
    }
    if (status != MPIJOB_OK) {
        mpj_free(tree);
        return status;
    }
    status = read_index(tree, err);
    if (status != MPIJOB_OK)
        zip_kind_close(&tree->tree);
    else
        *out = &tree->tree;
    return status;
}
