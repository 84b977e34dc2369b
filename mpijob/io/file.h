/* Files: reading and writing whole ranges, with errors that name the file. Nobody outside io/ calls write(2) and its
 * kin. */
#ifndef MPJ_IO_FILE_H
#define MPJ_IO_FILE_H

#include <mpijob/error.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Opens for reading (O_CLOEXEC). MPIJOB_ENOTFOUND when there is none, MPIJOB_EINVAL for something that is no regular
 * file (a pipe, a device: never blocks), MPIJOB_EOS. bytes: its length, may be NULL. */
int mpj_file_open(int *fd, const char *path, uint64_t *bytes, mpijob_error *err);
/* The same for reading and writing, for what is changed in place through a map. */
int mpj_file_open_update(int *fd, const char *path, uint64_t *bytes, mpijob_error *err);
void mpj_file_close(int *fd); /* -1: without effect; sets -1 */

/* open(2) with O_CLOEXEC, not ended by a signal. */
int mpj_open(const char *path, int flags, mode_t mode);
/* openat(2) with O_CLOEXEC that never waits; of a stale file (ESTALE, of file servers) after listing its folder, again. */
int mpj_open_at(int folder, const char *name, int flags);
/* After a call about `name` failed: is it worth another try? tries: 0 before the first. */
int mpj_stale_try_again(int folder, const char *name, int *tries);

/* All bytes or an error; short reads at the end of the file: MPIJOB_ECORRUPT ("... is cut short at byte N"). */
int mpj_file_read(int fd, const char *path, void *to, size_t bytes, uint64_t offset, mpijob_error *err);
int mpj_file_write(int fd, const char *path, const void *from, size_t bytes, uint64_t offset, mpijob_error *err);
int mpj_file_writev(int fd, const char *path, const void *const *parts, const size_t *part_bytes, int part_count,
                    uint64_t offset, mpijob_error *err);

/* Gives an empty file its length, zeros, and room on the disk where the file system can: so that a full disk shows
 * here, not as SIGBUS when a map of it is written to. */
int mpj_file_reserve(int fd, const char *path, uint64_t bytes, mpijob_error *err);

/* A small file as a whole, zero-terminated for convenience; longer than `limit`: MPIJOB_ECORRUPT. Free with mpj_free.
 * */
int mpj_file_read_all(char **text, size_t *bytes, const char *path, size_t limit, mpijob_error *err);
/* Makes a file in one go (exclusive: must not exist); durable: it is on the disk afterwards. */
int mpj_file_write_all(const char *path, const void *from, size_t bytes, int durable, mpijob_error *err);

int mpj_folder_create(const char *path, mpijob_error *err); /* exists already: fine if a folder */
int mpj_folder_remove(const char *path,
                      mpijob_error *err); /* with all below; symbolic links are removed, not followed */
int mpj_folder_remove_at(int folder, const char *name,
                         mpijob_error *err); /* the same for a name in an open folder; a file too */
int mpj_path_is_folder(const char *path); /* 1, 0, or -1 when there is nothing (errno) */

/* Does the path still name the folder that was opened? One that was replaced meanwhile is being emptied: who reads
 * several files of it opens them below the folder's descriptor (openat), and believes that one is missing only if this
 * says 1. */
int mpj_folder_same(int folder_fd, const char *path);

/* dir + "/" + name, into a buffer; MPIJOB_EINVAL when it does not fit. */
#define MPJ_PATH_BYTES 4096
int mpj_path_join(char out[MPJ_PATH_BYTES], const char *folder, const char *name, mpijob_error *err);

#endif
