/* Named files below one root: a folder, or one zip file. Zarr stores are written and read through this. Names are
 * relative, "a/0.0" say; a name with a part "..", "." or without a letter is never followed (reading:
 * MPIJOB_ECORRUPT; writing: MPIJOB_EINVAL), nor is a symbolic link below the root (MPIJOB_EUNSUPPORTED). Page:
 * trees.md. */
#ifndef MPJ_IO_TREE_H
#define MPJ_IO_TREE_H

#include "io/publish.h"

typedef struct mpj_tree mpj_tree; /* reading */

/* A folder, or a zip file (recognised by content). MPIJOB_ENOTFOUND, MPIJOB_ECORRUPT, ... Of a zip all headers are
 * read and compared. A folder that is replaced while it is read gives MPIJOB_EOS (ESTALE) instead of a file that
 * seems not to be there; a zip goes on to be read. */
int mpj_tree_open(mpj_tree **tree, const char *path, mpijob_error *err);
void mpj_tree_close(mpj_tree *tree);
int mpj_tree_is_zip(const mpj_tree *tree);
const char *mpj_tree_path(const mpj_tree *tree);

/* Is there such a file, and of how many bytes (a zip's: claimed)? MPIJOB_OK, MPIJOB_ENOTFOUND, ... Any thread. A
 * folder of that name is MPIJOB_ECORRUPT. */
int mpj_tree_stat(mpj_tree *tree, const char *name, uint64_t *bytes, mpijob_error *err);
/* A whole file into a buffer (of mpj_alloc, enlarged as needed and kept between calls; free data with mpj_free).
 * More than `limit` bytes, or fewer than it says: MPIJOB_ECORRUPT; a zip's CRC is checked. After success data is not
 * NULL, after failure bytes is 0. Any thread, each with its own buffer. */
typedef struct mpj_tree_buffer {
    void *data;
    size_t bytes, capacity;
} mpj_tree_buffer;
int mpj_tree_read(mpj_tree *tree, const char *name, mpj_tree_buffer *buffer, uint64_t limit, mpijob_error *err);
/* A range of a file that is not compressed (folder, or stored in a zip; else MPIJOB_EUNSUPPORTED), without reading the
 * rest; not checked against a CRC. Any thread. */
int mpj_tree_read_at(mpj_tree *tree, const char *name, void *to, size_t bytes, uint64_t offset, mpijob_error *err);
/* Names directly below `folder` ("" is the root; with or without a '/' at its end): files and folders (folders end in
 * '/'), sorted by their bytes. Calls back; nonzero ends the listing, with success. What is neither file nor folder is
 * named with 0 bytes. MPIJOB_ENOTFOUND: no such folder. */
int mpj_tree_list(mpj_tree *tree, const char *folder, int (*each)(const char *name, uint64_t bytes, void *payload),
                  void *payload, mpijob_error *err);

typedef struct mpj_tree_writer mpj_tree_writer;
/* Begins a folder (path does not end in ".zip") or zip file that appears at commit (publish.h). */
int mpj_tree_create(mpj_tree_writer **writer, const char *path, mpijob_error *err);
/* Takes part in writing a folder that another process has begun, and will commit; abandoning only lets go of it. durable: each
 * file is on the disk when put, which the other process could not bring about. */
int mpj_tree_join(mpj_tree_writer **writer, const char *path, int durable, mpijob_error *err);
int mpj_tree_writes_zip(const mpj_tree_writer *writer);
const char *mpj_tree_writer_path(const mpj_tree_writer *writer); /* where it is being made */
/* Adds a small file whose content is copied. Folders in the name are made. Any thread for a folder; one thread for a
 * zip. A name that is there already: MPIJOB_EINVAL (zip) or MPIJOB_EOS (folder). */
int mpj_tree_put(mpj_tree_writer *writer, const char *name, const void *content, size_t bytes, mpijob_error *err);
/* Adds a file whose content is asked for at commit, in the order of adding: give(payload, item, &data, &bytes, err)
 * once, by the committing thread, then done(payload, item) (may be NULL) when data is not needed any more, after a
 * failure too if give had succeeded. The next item is asked for after done with the one before. Not asked for:
 * commit failed before, or abandon. The zip is stored (not deflated), zip64 where needed. A folder asks and writes
 * at once. */
typedef int mpj_tree_give_fn(void *payload, uint64_t item, const void **data, size_t *bytes, mpijob_error *err);
typedef void mpj_tree_done_fn(void *payload, uint64_t item);
int mpj_tree_put_later(mpj_tree_writer *writer, const char *name, uint64_t item, mpj_tree_give_fn *give,
                       mpj_tree_done_fn *done, void *payload, mpijob_error *err);
/* Makes it appear (publish.h). Frees the writer, also on failure. A zip without any file: MPIJOB_EINVAL. */
int mpj_tree_commit(mpj_tree_writer *writer, int durable, int (*may_replace)(const char *path), mpijob_error *err);
void mpj_tree_abandon(mpj_tree_writer *writer); /* NULL is allowed */

#endif
