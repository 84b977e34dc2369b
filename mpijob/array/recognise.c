#include "array/forms.h"

#include "base/error.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define FIRST_BYTES 512
#define MAX_TRIES 10 /* while a folder is replaced all the time */
#define NPY_MAGIC "\x93NUMPY"
#define NPY_MAGIC_BYTES 6

/* How files begin that people may take for arrays, and what can be done with them. */
typedef struct beginning {
    const char *bytes;
    size_t count;
    size_t at;
    const char *advice;
} beginning;

static const beginning others[] = {
    {"\x89HDF\r\n\x1a\n", 8, 0, "an HDF5 file; read it with h5py and save it with numpy.save"},
    {"CDF\x01", 4, 0, "a NetCDF file; read it with xarray and save it with numpy.save or to_zarr"},
    {"CDF\x02", 4, 0, "a NetCDF file; read it with xarray and save it with numpy.save or to_zarr"},
    {"CDF\x05", 4, 0, "a NetCDF file; read it with xarray and save it with numpy.save or to_zarr"},
    {"\x1f\x8b", 2, 0, "compressed by gzip (joblib's compress=('gzip', ...) also does that); uncompress it first"},
    {"BZh", 3, 0, "compressed by bzip2; uncompress it first"},
    {"\xfd"
     "7zXZ\0",
     6, 0, "compressed by xz; uncompress it first"},
    {"\x5d\0\0", 3, 0, "compressed by lzma; uncompress it first"},
    {"\x04\x22\x4d\x18", 4, 0,
     "compressed by lz4 (joblib's compress=('lz4', ...) does that); load it with joblib and save "
     "it with numpy.save"},
    {"\x28\xb5\x2f\xfd", 4, 0, "compressed by zstd; uncompress it first"},
    {"\x78\x01", 2, 0,
     "compressed by zlib (joblib's compress=1 to 9 does that); load it with joblib and save it with "
     "numpy.save"},
    {"\x78\x5e", 2, 0,
     "compressed by zlib (joblib's compress=1 to 9 does that); load it with joblib and save it with "
     "numpy.save"},
    {"\x78\x9c", 2, 0,
     "compressed by zlib (joblib's compress=1 to 9 does that); load it with joblib and save it with "
     "numpy.save"},
    {"\x78\xda", 2, 0,
     "compressed by zlib (joblib's compress=1 to 9 does that); load it with joblib and save it with "
     "numpy.save"},
    {"\x80\x02", 2, 0, "a Python pickle (joblib.dump writes that); load it with joblib and save it with numpy.save"},
    {"\x80\x03", 2, 0, "a Python pickle (joblib.dump writes that); load it with joblib and save it with numpy.save"},
    {"\x80\x04", 2, 0, "a Python pickle (joblib.dump writes that); load it with joblib and save it with numpy.save"},
    {"\x80\x05", 2, 0, "a Python pickle (joblib.dump writes that); load it with joblib and save it with numpy.save"},
    {"PAR1", 4, 0, "a Parquet file; read it with pandas and save its columns with numpy.save"},
    {"ustar", 5, 257, "a tar archive; unpack it first"},
    {"MATLAB 5.0", 10, 0, "a MATLAB file; read it with scipy.io.loadmat and save it with numpy.save"},
};

static int begins_as(const beginning *known, const char *bytes, size_t count)
{
    return count >= known->at + known->count && memcmp(bytes + known->at, known->bytes, known->count) == 0;
}

static int fail_other(const char *path, const char *bytes, size_t count, mpijob_error *err)
{
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        if (begins_as(&others[i], bytes, count))
            return mpj_fail(err, MPIJOB_EUNSUPPORTED, "%s holds no NPY or Zarr array: it seems to be %s", path,
                            others[i].advice);
    }
    return mpj_fail(err, MPIJOB_EUNSUPPORTED,
                    "%s holds no array that this library knows: it begins neither as NPY nor as "
                    "zip, and is no folder",
                    path);
}

/* ---- Zarr ------------------------------------------------------------------------------------------------------ */

static int has(mpj_tree *tree, const char *name, int *found, mpijob_error *err)
{
    int status = mpj_tree_stat(tree, name, NULL, err);
    *found = status == MPIJOB_OK;
    return status == MPIJOB_ENOTFOUND ? MPIJOB_OK : status;
}

/* What else a folder or zip file may be. */
static int note_npz(const char *name, uint64_t bytes, void *payload)
{
    size_t length = strlen(name);
    (void)bytes;
    if (length > 4 && strcmp(name + length - 4, ".npy") == 0)
        *(int *)payload = 1;
    return *(int *)payload;
}

static int fail_tree(mpj_tree *tree, mpijob_error *err)
{
    static const struct {
        const char *name;
        int status;
        const char *advice;
    } known[] = {
        {"zarr.json", MPIJOB_EVERSION,
         "is a Zarr store of version 3; version 2 is known (zarr.convert, or write it with zarr_format=2)"},
        {"attributes.json", MPIJOB_EUNSUPPORTED, "seems to be an N5 store; copy it to Zarr version 2 with zarr.copy"},
        {"dataset_info.json", MPIJOB_EUNSUPPORTED, "seems to be a dataset of another library"},
    };
    const char *path = mpj_tree_path(tree);
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        int found;
        int status = has(tree, known[i].name, &found, err);
        if (status != MPIJOB_OK)
            return status;
        if (found)
            return mpj_fail(err, known[i].status, "%s %s", path, known[i].advice);
    }
    int npz = 0;
    int status = mpj_tree_is_zip(tree) ? mpj_tree_list(tree, "", note_npz, &npz, err) : MPIJOB_OK;
    if (status != MPIJOB_OK)
        return status;
    if (npz)
        return mpj_fail(err, MPIJOB_EUNSUPPORTED,
                        "%s is numpy's .npz, several NPY files in a zip; unpack it and load them one "
                        "by one",
                        path);
    return mpj_fail(err, MPIJOB_EUNSUPPORTED, "%s is a %s without .zarray or .zgroup: no Zarr array or group", path,
                    mpj_tree_is_zip(tree) ? "zip file" : "folder");
}

static int recognise_tree(mpj_form *form, mpj_tree **tree, const char *path, mpijob_error *err)
{
    int array = 0, group = 0;
    int status = mpj_tree_open(tree, path, err);
    if (status != MPIJOB_OK) {
        *tree = NULL;
        return status;
    }
    status = has(*tree, ".zarray", &array, err);
    if (status == MPIJOB_OK && !array)
        status = has(*tree, ".zgroup", &group, err);
    if (status == MPIJOB_OK && !array && !group)
        status = fail_tree(*tree, err);
    *form = array ? MPJ_FORM_ZARR_ARRAY : MPJ_FORM_ZARR_GROUP;
    if (status != MPIJOB_OK) {
        mpj_tree_close(*tree);
        *tree = NULL;
    }
    return status;
}

/* ---- Files ----------------------------------------------------------------------------------------------------- */

static int read_beginning(const char *path, char *bytes, size_t *count, mpijob_error *err)
{
    int fd;
    uint64_t length;
    int status = mpj_file_open(&fd, path, &length, err);
    if (status != MPIJOB_OK)
        return status;
    *count = length < FIRST_BYTES ? (size_t)length : FIRST_BYTES;
    status = mpj_file_read(fd, path, bytes, *count, 0, err);
    mpj_file_close(&fd);
    return status;
}

static int recognise_file(mpj_form *form, mpj_tree **tree, const char *path, mpijob_error *err)
{
    char bytes[FIRST_BYTES];
    size_t count;
    int status = read_beginning(path, bytes, &count, err);
    if (status != MPIJOB_OK)
        return status;
    size_t magic = count < NPY_MAGIC_BYTES ? count : NPY_MAGIC_BYTES;
    if (memcmp(bytes, NPY_MAGIC, magic) == 0) {
        *form = MPJ_FORM_NPY;
        return magic == NPY_MAGIC_BYTES
                   ? MPIJOB_OK
                   : mpj_fail(err, MPIJOB_ECORRUPT, "%s is cut short: it has %zu bytes, less than any array file", path,
                              count);
    }
    /* "PK" and the kind of the first record: a file in the zip, or the end of an empty one. */
    if (count >= 4 && (memcmp(bytes, "PK\3\4", 4) == 0 || memcmp(bytes, "PK\5\6", 4) == 0))
        return recognise_tree(form, tree, path, err);
    return fail_other(path, bytes, count, err);
}

static int recognise(mpj_form *form, const char *found, mpj_tree **tree, mpijob_error *err)
{
    return mpj_path_is_folder(found) == 1 ? recognise_tree(form, tree, found, err)
                                          : recognise_file(form, tree, found, err);
}

int mpj_recognise(mpj_form *form, char *found, mpj_tree **tree, const char *path, mpijob_error *err)
{
    *tree = NULL;
    if (!path || !*path)
        return mpj_fail(err, MPIJOB_EINVAL, "the path to load from is %s", path ? "empty" : "NULL");
    if (strlen(path) >= MPJ_PATH_BYTES)
        return mpj_fail(err, MPIJOB_EINVAL, "the path to load from has more than %d bytes", MPJ_PATH_BYTES - 1);
    memcpy(found, path, strlen(path) + 1);
    int status = recognise(form, found, tree, err);
    if (status != MPIJOB_ENOTFOUND)
        return status;
    /* A replacement in progress or interrupted takes the name away for a moment. */
    mpj_publish_recover(path, found);
    return recognise(form, found, tree, err);
}

int mpj_replaced_meanwhile(int status, const mpijob_error *err, int *tries)
{
    return status == MPIJOB_EOS && err->os_errno == ESTALE && ++*tries < MAX_TRIES;
}

/* ---- What a dump may replace ----------------------------------------------------------------------------------- */

static int note_any(const char *name, uint64_t bytes, void *payload)
{
    (void)name;
    (void)bytes;
    return *(int *)payload = 1;
}

/* Or an empty one. -1: no memory to look. */
static int is_zarr_folder(const char *path)
{
    mpj_tree *tree = NULL;
    int array = 0, group = 0, any = 0;
    int status = mpj_tree_open(&tree, path, NULL);
    if (status == MPIJOB_OK)
        status = has(tree, ".zarray", &array, NULL);
    if (status == MPIJOB_OK)
        status = has(tree, ".zgroup", &group, NULL);
    if (status == MPIJOB_OK)
        status = mpj_tree_list(tree, "", note_any, &any, NULL);
    if (tree)
        mpj_tree_close(tree);
    if (status == MPIJOB_ENOMEM)
        return -1;
    return status == MPIJOB_OK && (array || group || !any);
}

int mpj_may_replace(const char *path)
{
    return mpj_path_is_folder(path) == 1 ? is_zarr_folder(path) : 1;
}
