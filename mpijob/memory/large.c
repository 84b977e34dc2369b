/* Results with a file of their own: names below large/, and who may be one. */
#include "base/error.h"
#include "io/identity.h"
#include "memory/shelf.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#define FOLDER_BYTES 3 /* "ab/" */
#define STEM_BYTES (FOLDER_BYTES + 32 + 1 + 8)
#define HEX "0123456789abcdef"

static int path_of(const mpj_shelf *shelf, const char *file, char path[MPJ_PATH_BYTES], mpijob_error *err)
{
    char below[sizeof MPJ_LARGE_FOLDER + 1 + MPJ_LARGE_FILE_BYTES];
    snprintf(below, sizeof below, "%s/%s", MPJ_LARGE_FOLDER, file);
    return mpj_path_join(path, shelf->path, below, err);
}

static int make_folder(mpj_shelf *shelf, const char *file, mpijob_error *err)
{
    char below[sizeof shelf->below + 16];
    int folder;
    int status = mpj_location_prepare(shelf->store, err);
    if (status != MPIJOB_OK)
        return status;
    snprintf(below, sizeof below, "%.*s/%s/%.2s", (int)shelf->below_function, shelf->below, MPJ_LARGE_FOLDER, file);
    status = mpj_below_walk(&folder, shelf->store->location, below, &shelf->store->rights, err);
    if (status == MPIJOB_OK)
        mpj_file_close(&folder);
    return status;
}

int mpj_shelf_large_name(mpj_shelf *shelf, const mpj_name *name, const char *suffix, char file[MPJ_LARGE_FILE_BYTES],
                         char path[4096], mpijob_error *err)
{
    char key[MPIJOB_DIGEST_TEXT_BYTES], made[MPJ_LARGE_FILE_BYTES];
    mpijob_error own = {0};
    mpijob_digest_text(key, &name->key);
    int length = snprintf(made, sizeof made, "%.2s/%s-%08" PRIx32 "%s", key, key, (uint32_t)mpj_random_token(), suffix);
    if (length >= (int)sizeof made)
        return mpj_fail(err, MPIJOB_EINVAL, "too long a suffix: %s", suffix);
    if (!mpj_store_writes(shelf->store))
        return mpj_fail(err, MPIJOB_EOS, "no results are stored in %s", shelf->store->location);
    int status = make_folder(shelf, made, &own);
    if (status != MPIJOB_OK && mpj_shelf_make_room(shelf, &own))
        status = make_folder(shelf, made, &own);
    if (status != MPIJOB_OK) {
        mpj_store_cannot_write(shelf->store, &own);
        return mpj_told(err, MPIJOB_EOS, &own);
    }
    status = path_of(shelf, made, path, err);
    if (status == MPIJOB_OK)
        memcpy(file, made, sizeof made);
    return status;
}

void mpj_shelf_large_made(const mpj_shelf *shelf, const char *path)
{
    mpj_below_give(path, &shelf->store->rights);
}

/* ---- Names out of entries ---------------------------------------------------------------------------------------- */

bool mpj_large_is_name(const char *file)
{
    const char *stem = file + FOLDER_BYTES;
    if (strlen(file) <= STEM_BYTES || strspn(file, HEX) != 2 || file[2] != '/' || strspn(stem, HEX) != 32 ||
        stem[32] != '-' || strspn(stem + 33, HEX) != 8 || memcmp(file, stem, 2) != 0)
        return false;
    const char *suffix = file + STEM_BYTES;
    size_t length = strlen(suffix);
    return suffix[0] == '.' && suffix[length - 1] != '.' && !strstr(suffix, "..") &&
           strspn(suffix, "abcdefghijklmnopqrstuvwxyz.") == length;
}

/* Of an entry's payload: false, if it is not a name that it could have. */
static bool copy_name(char name[MPJ_LARGE_FILE_BYTES], const void *file, size_t file_bytes)
{
    if (file_bytes >= MPJ_LARGE_FILE_BYTES)
        return false;
    memcpy(name, file, file_bytes);
    name[file_bytes] = '\0';
    return strlen(name) == file_bytes && mpj_large_is_name(name);
}

static int open_folder(const mpj_shelf *shelf, int *folder, const char *file, mpijob_error *err)
{
    char below[sizeof shelf->below + 16];
    snprintf(below, sizeof below, "%.*s/%s/%.2s", (int)shelf->below_function, shelf->below, MPJ_LARGE_FOLDER, file);
    return mpj_below_walk(folder, shelf->store->location, below, NULL, err);
}

void mpj_large_give_rights(mpj_shelf *shelf, const void *file, size_t file_bytes)
{
    char name[MPJ_LARGE_FILE_BYTES];
    int folder;
    if (!copy_name(name, file, file_bytes) || open_folder(shelf, &folder, name, NULL) != MPIJOB_OK)
        return;
    mpj_below_give_rights(folder, shelf->path, name + FOLDER_BYTES, &shelf->store->rights);
    mpj_file_close(&folder);
}

/* A link in the place of the folder or the file would lead out of the location. One that is not there at all, or cannot
 * be looked at, is not known here: opening it says so. */
static bool is_linked(const mpj_shelf *shelf, const char *file)
{
    int folder, fd;
    mpijob_error err = {0};
    int status = open_folder(shelf, &folder, file, &err);
    if (status != MPIJOB_OK)
        return err.os_errno == ELOOP || err.os_errno == ENOTDIR;
    status = mpj_below_open(&fd, folder, shelf->path, file + FOLDER_BYTES, NULL, NULL);
    if (status == MPIJOB_OK)
        mpj_file_close(&fd);
    mpj_file_close(&folder);
    return status == MPIJOB_EINVAL;
}

int mpj_shelf_large_path(const mpj_shelf *shelf, const char *file, size_t file_bytes, char path[4096],
                         mpijob_error *err)
{
    char name[MPJ_LARGE_FILE_BYTES];
    if (!copy_name(name, file, file_bytes) || is_linked(shelf, name))
        return mpj_fail(err, MPIJOB_ECORRUPT, "an entry of %s names a file that cannot be its own", shelf->name);
    return path_of(shelf, name, path, err);
}
