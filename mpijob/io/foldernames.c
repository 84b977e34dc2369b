#include "io/foldernames.h"

#include "base/alloc.h"
#include "base/error.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct named {
    char *name; /* of a folder: with '/' at its end */
    uint64_t bytes;
} named;

typedef struct names {
    named *items;
    size_t count, capacity;
} names;

static int compare(const void *left, const void *right)
{
    return strcmp(((const named *)left)->name, ((const named *)right)->name);
}

static int add(names *all, const char *name, const struct stat *info, mpijob_error *err)
{
    size_t length = strlen(name);
    void *items = all->items;
    char *copy = mpj_alloc(length + 2);
    if (!copy || mpj_grow(&items, &all->capacity, all->count + 1, sizeof *all->items) != 0) {
        mpj_free(copy);
        return mpj_fail_memory(err, "the names in a folder", length + 2);
    }
    all->items = items;
    memcpy(copy, name, length + 1);
    if (S_ISDIR(info->st_mode))
        memcpy(copy + length, "/", 2);
    all->items[all->count++] = (named){copy, S_ISREG(info->st_mode) ? (uint64_t)info->st_size : 0};
    return MPIJOB_OK;
}

static int collect(names *all, DIR *listing, const char *path, mpijob_error *err)
{
    for (;;) {
        errno = 0;
        struct dirent *entry = readdir(listing);
        if (!entry)
            return errno ? mpj_fail_os(err, errno, "cannot list %s", path) : MPIJOB_OK;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        struct stat info;
        if (fstatat(dirfd(listing), entry->d_name, &info, AT_SYMLINK_NOFOLLOW) != 0) {
            if (errno == ENOENT)
                continue;
            return mpj_fail_os(err, errno, "%s: cannot look at %s", path, entry->d_name);
        }
        int status = add(all, entry->d_name, &info, err);
        if (status != MPIJOB_OK)
            return status;
    }
}

int mpj_folder_names(int fd, int root, const char *path, mpj_tree_each_fn *each, void *payload, mpijob_error *err)
{
    DIR *listing = fdopendir(fd);
    if (!listing) {
        int why = errno;
        close(fd);
        return mpj_fail_os(err, why, "cannot list %s", path);
    }
    names all = {0};
    int status = collect(&all, listing, path, err);
    closedir(listing);
    if (status == MPIJOB_OK && !mpj_folder_same(root, path))
        status = mpj_fail_os(err, ESTALE, "%s was replaced or removed while it was read", path);
    if (status == MPIJOB_OK && all.count > 0)
        qsort(all.items, all.count, sizeof *all.items, compare);
    for (size_t i = 0; i < all.count && status == MPIJOB_OK; i++)
        if (each(all.items[i].name, all.items[i].bytes, payload))
            break;
    for (size_t i = 0; i < all.count; i++)
        mpj_free(all.items[i].name);
    mpj_free(all.items);
    return status;
}
