/* A folder as a tree. Files are opened below the folder's descriptor, part by part, and no symbolic link below it is
 * followed: so nothing outside is read, and a folder that is replaced meanwhile is noticed. */
#include "base/alloc.h"
#include "base/error.h"
#include "io/foldernames.h"
#include "io/treekind.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct folder_tree {
    mpj_tree tree;
    int root;
} folder_tree;

static int root_of(const mpj_tree *tree)
{
    return ((const folder_tree *)tree)->root;
}

/* ---- Walking down ------------------------------------------------------------------------------------------------ */

static int open_part(int parent, const char *part, int flags)
{
    return mpj_open_at(parent, part, flags | O_RDONLY | O_NOFOLLOW);
}

static int look_at_part(int parent, const char *part, struct stat *info)
{
    int failed, tries = 0;
    do
        failed = fstatat(parent, part, info, AT_SYMLINK_NOFOLLOW);
    while (failed && mpj_stale_try_again(parent, part, &tries));
    return failed;
}

static int is_link(int parent, const char *part)
{
    struct stat info;
    return fstatat(parent, part, &info, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(info.st_mode);
}

static int link_not_followed(const mpj_tree *tree, const char *name, mpijob_error *err)
{
    return mpj_fail(err, MPIJOB_EUNSUPPORTED,
                    "%s: %s is, or leads through, a symbolic link; links inside are not followed", tree->path, name);
}

/* `why`: errno of opening or looking at a part of `name`. */
static int cannot_reach(const mpj_tree *tree, const char *name, int parent, const char *part, int why,
                        mpijob_error *err)
{
    if ((why == ELOOP || why == ENOTDIR || why == EMLINK) && is_link(parent, part))
        return link_not_followed(tree, name, err);
    if (why != ENOENT && why != ENOTDIR)
        return mpj_fail_os(err, why, "%s: cannot open %s", tree->path, name);
    if (!mpj_folder_same(root_of(tree), tree->path))
        return mpj_fail_os(err, ESTALE, "%s was replaced or removed while it was read", tree->path);
    return mpj_tree_not_found(tree, name, err);
}

static void leave(const mpj_tree *tree, int parent)
{
    if (parent != root_of(tree))
        close(parent);
}

/* The folder of `name`, to be left with leave(), and the last part of `name`. Or a status. */
static int enter(const mpj_tree *tree, const char *name, int *parent, const char **last, mpijob_error *err)
{
    char part[MPJ_PATH_BYTES];
    *parent = root_of(tree);
    *last = name;
    for (const char *slash; (slash = strchr(*last, '/')); *last = slash + 1) {
        size_t length = (size_t)(slash - *last);
        memcpy(part, *last, length);
        part[length] = '\0';
        int fd = open_part(*parent, part, O_DIRECTORY);
        if (fd < 0) {
            int status = cannot_reach(tree, name, *parent, part, errno, err);
            leave(tree, *parent);
            return status;
        }
        leave(tree, *parent);
        *parent = fd;
    }
    return MPIJOB_OK;
}

static int check_regular(const mpj_tree *tree, const char *name, const struct stat *info, mpijob_error *err)
{
    if (S_ISLNK(info->st_mode))
        return link_not_followed(tree, name, err);
    if (!S_ISREG(info->st_mode))
        return mpj_fail(err, MPIJOB_ECORRUPT, "%s: %s is %s where a file should be", tree->path, name,
                        S_ISDIR(info->st_mode) ? "a folder" : "a pipe or device");
    return MPIJOB_OK;
}

static int open_file(const mpj_tree *tree, const char *name, int *fd, uint64_t *bytes, mpijob_error *err)
{
    int parent;
    const char *last;
    int status = enter(tree, name, &parent, &last, err);
    if (status != MPIJOB_OK)
        return status;
    *fd = open_part(parent, last, 0);
    if (*fd < 0)
        status = cannot_reach(tree, name, parent, last, errno, err);
    leave(tree, parent);
    if (status != MPIJOB_OK)
        return status;
    struct stat info;
    status = fstat(*fd, &info) == 0 ? check_regular(tree, name, &info, err)
                                    : mpj_fail_os(err, errno, "%s: cannot look at %s", tree->path, name);
    if (status != MPIJOB_OK)
        mpj_file_close(fd);
    else
        *bytes = (uint64_t)info.st_size;
    return status;
}

/* ---- The kind ---------------------------------------------------------------------------------------------------- */

static int folder_stat(mpj_tree *tree, const char *name, uint64_t *bytes, mpijob_error *err)
{
    int parent;
    const char *last;
    int status = enter(tree, name, &parent, &last, err);
    if (status != MPIJOB_OK)
        return status;
    struct stat info;
    status = look_at_part(parent, last, &info) == 0 ? check_regular(tree, name, &info, err)
                                                    : cannot_reach(tree, name, parent, last, errno, err);
    leave(tree, parent);
    if (status == MPIJOB_OK)
        *bytes = (uint64_t)info.st_size;
    return status;
}

static int folder_read(mpj_tree *tree, const char *name, mpj_tree_buffer *buffer, uint64_t limit, mpijob_error *err)
{
    char path[MPJ_PATH_BYTES];
    int fd;
    uint64_t bytes;
    int status = mpj_path_join(path, tree->path, name, err);
    if (status == MPIJOB_OK)
        status = open_file(tree, name, &fd, &bytes, err);
    if (status != MPIJOB_OK)
        return status;
    status =
        bytes > limit ? mpj_tree_too_long(tree, name, bytes, limit, err) : mpj_tree_buffer_reserve(buffer, bytes, err);
    if (status == MPIJOB_OK)
        status = mpj_file_read(fd, path, buffer->data, (size_t)bytes, 0, err);
    if (status == MPIJOB_OK)
        buffer->bytes = (size_t)bytes;
    mpj_file_close(&fd);
    return status;
}

static int folder_read_at(mpj_tree *tree, const char *name, void *to, size_t bytes, uint64_t offset, mpijob_error *err)
{
    char path[MPJ_PATH_BYTES];
    int fd;
    uint64_t all;
    int status = mpj_path_join(path, tree->path, name, err);
    if (status == MPIJOB_OK)
        status = open_file(tree, name, &fd, &all, err);
    if (status != MPIJOB_OK)
        return status;
    status = mpj_file_read(fd, path, to, bytes, offset, err);
    mpj_file_close(&fd);
    return status;
}

static int folder_list(mpj_tree *tree, const char *folder, mpj_tree_each_fn *each, void *payload, mpijob_error *err)
{
    char name[MPJ_PATH_BYTES + 2];
    int parent;
    const char *last;
    size_t length = strlen(folder);
    memcpy(name, folder, length);
    strcpy(name + length, "."); /* the folder itself: what enter() walks down to is its parent */
    int status = enter(tree, name, &parent, &last, err);
    if (status != MPIJOB_OK)
        return status;
    int fd = open_part(parent, last, O_DIRECTORY);
    status = fd < 0 ? cannot_reach(tree, folder, parent, last, errno, err)
                    : mpj_folder_names(fd, root_of(tree), tree->path, each, payload, err);
    leave(tree, parent);
    return status;
}

static void folder_close(mpj_tree *tree)
{
    close(root_of(tree));
    mpj_free(tree);
}

static const mpj_tree_kind folder_kind = {
    .close = folder_close,
    .stat = folder_stat,
    .read = folder_read,
    .read_at = folder_read_at,
    .list = folder_list,
};

int mpj_tree_folder_open(mpj_tree **tree, const char *path, mpijob_error *err)
{
    folder_tree *opened = mpj_alloc(sizeof *opened);
    if (!opened)
        return mpj_fail_memory(err, "an open folder", sizeof *opened);
    opened->tree.kind = &folder_kind;
    memcpy(opened->tree.path, path, strlen(path) + 1);
    opened->root = mpj_open_at(AT_FDCWD, path, O_RDONLY | O_DIRECTORY);
    if (opened->root < 0) {
        int why = errno;
        mpj_free(opened);
        return mpj_fail_os(err, why, "cannot open the folder %s", path);
    }
    *tree = &opened->tree;
    return MPIJOB_OK;
}
