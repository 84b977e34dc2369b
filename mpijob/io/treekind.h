/* What a folder and a zip file each do for tree.h. Names given to them are known to be sound. */
#ifndef MPJ_IO_TREEKIND_H
#define MPJ_IO_TREEKIND_H

#include "io/tree.h"

typedef int mpj_tree_each_fn(const char *name, uint64_t bytes, void *payload);

typedef struct mpj_tree_kind {
    int is_zip;
    void (*close)(mpj_tree *tree); /* frees it */
    int (*stat)(mpj_tree *tree, const char *name, uint64_t *bytes, mpijob_error *err);
    int (*read)(mpj_tree *tree, const char *name, mpj_tree_buffer *buffer, uint64_t limit, mpijob_error *err);
    int (*read_at)(mpj_tree *tree, const char *name, void *to, size_t bytes, uint64_t offset, mpijob_error *err);
    /* folder: "" or with a '/' at its end. */
    int (*list)(mpj_tree *tree, const char *folder, mpj_tree_each_fn *each, void *payload, mpijob_error *err);
} mpj_tree_kind;

struct mpj_tree { /* the first member of each kind's own */
    const mpj_tree_kind *kind;
    char path[MPJ_PATH_BYTES];
};

int mpj_tree_folder_open(mpj_tree **tree, const char *path, mpijob_error *err);
int mpj_tree_zip_open(mpj_tree **tree, const char *path, mpijob_error *err);

/* Relative, no empty part, no "." or "..", and short enough to stand behind a path. */
int mpj_tree_name_is_sound(const char *name);

/* Makes room for `bytes` bytes, at least one; what is in it stays (as far as buffer->bytes). */
int mpj_tree_buffer_reserve(mpj_tree_buffer *buffer, uint64_t bytes, mpijob_error *err);

int mpj_tree_too_long(const mpj_tree *tree, const char *name, uint64_t bytes, uint64_t limit, mpijob_error *err);
int mpj_tree_not_found(const mpj_tree *tree, const char *name, mpijob_error *err);

#endif
