/* Files and folders whose content says which version they are, and whether they are whole. */
#ifndef MPJ_TESTS_VERSIONS_H
#define MPJ_TESTS_VERSIONS_H

#include "io/publish.h"

#include "unit.h"

#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define VERSION_WORDS 1000 /* of a file, each the version's number */
#define VERSION_FILES 6    /* of a folder */

static inline int version_write(int fd, uint64_t version)
{
    uint64_t words[VERSION_WORDS];
    for (int i = 0; i < VERSION_WORDS; i++)
        words[i] = version;
    return mpj_file_write(fd, "version", words, sizeof words, 0, NULL);
}

/* The version of an open file; UINT64_MAX: it is not whole. */
static inline uint64_t version_of_fd(int fd)
{
    uint64_t words[VERSION_WORDS + 1];
    if (pread(fd, words, sizeof words, 0) != (ssize_t)(VERSION_WORDS * sizeof words[0]))
        return UINT64_MAX;
    for (int i = 1; i < VERSION_WORDS; i++)
        if (words[i] != words[0])
            return UINT64_MAX;
    return words[0];
}

static inline uint64_t version_of_entry(int folder, int file)
{
    char name[16];
    snprintf(name, sizeof name, "0.%d", file);
    int fd = openat(folder, name, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return UINT64_MAX;
    uint64_t version = version_of_fd(fd);
    close(fd);
    return version;
}

/* As a reader has to: one folder, of which a missing part is believed only while it is still in its place. */
static inline uint64_t version_of_folder(int folder, const char *path, int *replaced)
{
    uint64_t version = version_of_entry(folder, 0);
    for (int i = 1; i < VERSION_FILES && version != UINT64_MAX; i++)
        if (version_of_entry(folder, i) != version)
            version = UINT64_MAX;
    *replaced = version == UINT64_MAX && !mpj_folder_same(folder, path);
    return version;
}

/* Of what is at a path, file or folder; 0: there is nothing. */
static inline uint64_t version_at(const char *path)
{
    char found[MPJ_PATH_BYTES];
    for (;;) {
        int fd = open(path, O_RDONLY | O_CLOEXEC), replaced = 0;
        if (fd < 0 && !mpj_publish_recover(path, found))
            return 0;
        if (fd < 0)
            fd = open(found, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
            continue;
        struct stat info;
        int is_folder = fstat(fd, &info) == 0 && S_ISDIR(info.st_mode);
        uint64_t version = is_folder ? version_of_folder(fd, path, &replaced) : version_of_fd(fd);
        close(fd);
        if (!replaced)
            return version;
    }
}

static inline int version_fill(mpj_publish *publish, uint64_t version)
{
    uint64_t words[VERSION_WORDS];
    char path[MPJ_PATH_BYTES + 16];
    if (!publish->folder)
        return version_write(publish->fd, version);
    for (int i = 0; i < VERSION_WORDS; i++)
        words[i] = version;
    int status = MPIJOB_OK;
    for (int i = 0; i < VERSION_FILES && status == MPIJOB_OK; i++) {
        snprintf(path, sizeof path, "%s/0.%d", publish->path, i);
        status = mpj_file_write_all(path, words, sizeof words, 0, NULL);
    }
    return status;
}

static inline int version_yes(const char *path)
{
    (void)path;
    return 1;
}

/* Publishes a version as a file or folder, over anything. */
static inline int version_publish(const char *target, int folder, uint64_t version, int durable, mpijob_error *err)
{
    mpj_publish publish;
    int status = folder ? mpj_publish_folder(&publish, target, err) : mpj_publish_file(&publish, target, err);
    if (status != MPIJOB_OK)
        return status;
    status = version_fill(&publish, version);
    if (status == MPIJOB_OK)
        return mpj_publish_commit(&publish, durable, version_yes, err);
    mpj_publish_abandon(&publish);
    return status;
}

#endif
