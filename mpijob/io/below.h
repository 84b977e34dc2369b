/* Files and folders below a root that somebody else may have filled: symbolic links in it are never followed. A folder
 * is held open, and its files are named relative to it. `path`: of the folder, for messages only. */
#ifndef MPJ_IO_BELOW_H
#define MPJ_IO_BELOW_H

#include "io/file.h"

#include <stdbool.h>

/* What new files and folders get. */
typedef struct mpj_rights {
    mode_t
        umask; /* permission bits that they do not get; those that they do get, they get whatever the process's umask */
    gid_t group; /* (gid_t)-1: the system's choice */
} mpj_rights;

/* Opens the folder top/below ("a/b/c", "" for top itself). Links are followed in `top`, not below it. make: what is
 * missing is made, with these rights (folders above `top` with the process's own); NULL: MPIJOB_ENOTFOUND. A link or a
 * file in the place of a folder is MPIJOB_EOS (ELOOP, ENOTDIR). */
int mpj_below_walk(int *fd, const char *top, const char *below, const mpj_rights *make, mpijob_error *err);

/* For reading. A link, a folder, a pipe, a device: MPIJOB_EINVAL. ESTALE: the folder is listed, and it is tried again.
 */
int mpj_below_open(int *fd, int folder, const char *path, const char *name, uint64_t *bytes, mpijob_error *err);

/* A new file, for reading and writing. */
int mpj_below_create(int *fd, int folder, const char *path, const char *name, const mpj_rights *rights,
                     mpijob_error *err);

/* Gives a file that somebody else made (a link: not) the rights of a new one, as far as that is allowed. */
void mpj_below_give_rights(int folder, const char *path, const char *name, const mpj_rights *rights);

/* A whole file in one go, under a temporary name ("<name>.<8 hex>.tmp") and then renamed. durable: on the disk first.
 * An existing file is replaced. */
int mpj_below_publish(int folder, const char *path, const char *name, const void *const *parts,
                      const size_t *part_bytes, int part_count, const mpj_rights *rights, bool durable,
                      mpijob_error *err);

/* Each name in the folder, in no order, without "." and ".."; nonzero ends it, and is returned. MPIJOB_OK, MPIJOB_EOS.
 */
typedef int mpj_below_each_fn(const char *name, void *payload);
int mpj_below_list(int folder, const char *path, mpj_below_each_fn *each, void *payload, mpijob_error *err);

/* Of a file, not following links: 1: there is one, and *bytes; 0: none; -1: unknown (errno). */
int mpj_below_look(int folder, const char *name, uint64_t *bytes);
/* Is this name still the open file? 1, 0, or -1: unknown. */
int mpj_below_same(int folder, const char *name, int fd);

/* Renames from one folder into another. MPIJOB_ENOTFOUND: there is none of that name. */
int mpj_below_rename(int from_folder, const char *from, int to_folder, const char *to, mpijob_error *err);
int mpj_below_unlink(int folder, const char *name, mpijob_error *err);
/* A second name, in the same folder. MPIJOB_EOS: errno is EEXIST: there is such a name, or whatever else. */
int mpj_below_link(int folder, const char *name, const char *other, mpijob_error *err);

/* Gives a file made by other means these rights, as far as that can be. */
void mpj_below_give(const char *path, const mpj_rights *rights);

/* Which names there are in an open folder reaches the disk. */
int mpj_below_sync(int folder);

/* As many bytes as there are, at most `bytes`; negative: -errno. */
long mpj_file_read_some(int fd, void *to, size_t bytes, uint64_t offset);
/* The length of an open file; negative: -errno. */
int64_t mpj_file_length(int fd);
/* What was written reaches the disk, or the server. */
int mpj_file_sync(int fd, const char *path, mpijob_error *err);

#endif
