/* The two forms of array files behind the public calls: what dump.c and load.c choose between. */
#ifndef MPJ_ARRAY_FORMS_H
#define MPJ_ARRAY_FORMS_H

#include "data/dtype.h"
#include "data/layout.h"
#include "io/codec.h"
#include "io/tree.h"

/* The caller's dump options, checked, with the defaults filled in (options.c). */
typedef struct mpj_dump_plan {
    int format;              /* a mpijob_format */
    mpj_codec_options codec; /* level 0: not compressed; type_bytes 0 until the array is known */
    int shuffle;             /* a mpijob_shuffle as given; codec.shuffle is settled for each array */
    int order;               /* 'C', 'F' or 0 */
    const size_t *chunks;    /* or NULL */
    const char *attributes;  /* or NULL; known to be a JSON object */
    size_t cache_bytes;
    int threads;
    int durable;
    mpijob_bytes_fn *progress;
    void *progress_payload;
} mpj_dump_plan;

/* path: its end decides about zip; MPIJOB_EINVAL says which option and why. */
int mpj_dump_plan_make(mpj_dump_plan *plan, const char *path, const mpijob_dump_options *options, mpijob_error *err);

/* The caller's load options, checked; NULL is the defaults. */
typedef struct mpj_load_plan {
    int mmap_mode;               /* 0, 'r', 'c', '+' (r+), 'w' (w+) */
    mpijob_load_options options; /* a copy with cache_size_bytes and threads filled in */
} mpj_load_plan;
int mpj_load_plan_make(mpj_load_plan *plan, const mpijob_load_options *options, mpijob_error *err);

/* Parts of a path inside a group: "a", "inner/a". NULL and "" are the file's only array. */
int mpj_name_check(const char *name, mpijob_error *err);

/* ---- What is at a path (recognise.c) ---- */
typedef enum mpj_form {
    MPJ_FORM_NPY = 1,
    MPJ_FORM_ZARR_ARRAY,
    MPJ_FORM_ZARR_GROUP
} mpj_form;

/* By content. Restores an interrupted replacement first (publish.h); `found` (MPJ_PATH_BYTES): the path to read. tree: opened for
 * the Zarr forms (folder or zip), NULL for NPY. MPIJOB_ENOTFOUND; MPIJOB_EUNSUPPORTED / MPIJOB_EVERSION with what it seems to be
 * instead (HDF5, Zarr 3, gzip, pickle, ...) and what to do. */
int mpj_recognise(mpj_form *form, char *found, mpj_tree **tree, const char *path, mpijob_error *err);

/* Did a call fail because the folder that it read was replaced meanwhile? Then it is worth another try. tries: 0 before the
 * first. */
int mpj_replaced_meanwhile(int status, const mpijob_error *err, int *tries);

/* For publish's may_replace: is it a file, a folder that is a Zarr array or group, or an empty folder? -1: there is no memory to look. */
int mpj_may_replace(const char *path);

/* ---- NPY (npyheader.c, npy*.c) ---- */
typedef struct mpj_npy_header {
    int version; /* 1, 2, 3 */
    mpj_dtype dtype;
    char *descr; /* numpy's text of the type */
    int order;   /* 'C' or 'F' */
    int ndim;
    size_t shape[MPIJOB_MAX_DIMS];
    uint64_t data_offset;
    size_t data_bytes; /* of all elements in the file; data_offset + data_bytes fits */
} mpj_npy_header;

/* Parses what stands in front of the data. `bytes`: at least the first 12 (else all there is); *need: set with MPIJOB_OK and *complete 0
 * when more bytes are needed to go on. Hostile input: error, never more than `bytes` looked at. what: the file, for messages. */
int mpj_npy_header_parse(mpj_npy_header *header, const void *text, size_t bytes, int *complete, size_t *need,
                         const char *what, mpijob_error *err);
void mpj_npy_header_free(mpj_npy_header *header);
/* Writes magic, version, header, padding to a multiple of 64. Free with mpj_free. */
int mpj_npy_header_make(void **text, size_t *bytes, const mpijob_type *type, int ndim, const size_t *shape, int order,
                        mpijob_error *err);

int mpj_npy_dump(const mpijob_array *array, const char *path, const mpj_dump_plan *plan, mpijob_error *err);
int mpj_npy_load(mpijob_array *array, const char *path, const mpj_load_plan *plan, mpijob_error *err);
int mpj_npy_create(mpijob_array *array, const char *path, const mpj_load_plan *plan, mpijob_error *err); /* "w+" */
int mpj_npy_inspect(mpijob_array_info *info, const char *path, mpijob_error *err);
/* result: filled also on failure. Damage is told and counted, and makes the status MPIJOB_ECORRUPT. */
int mpj_npy_verify(mpijob_verify_result *result, const char *path, mpijob_damage_fn *damage, void *payload,
                   mpijob_bytes_fn *progress, void *progress_payload, mpijob_error *err);

/* ---- Memory of loaded arrays (own.c) ---- */
/* Room for the elements: the caller's `into` if given and large enough, else the library's. Sets array's data, type (owned
 * copy of `type`), ndim, shape, strides of `order`, own. */
int mpj_array_make(mpijob_array *array, const mpijob_type *type, int ndim, const size_t *shape, int order,
                   const mpj_load_plan *plan, mpijob_error *err);

/* ---- Zarr (zarrmeta.c, chunkgrid.c, zarrdump.c, zarrload.c, sums.c, group.c) ---- */
/* Names in a tree: prefix "" for the root, "a/" for the array or group a. */
int mpj_zarr_dump(const mpijob_array *array, const char *path, const mpj_dump_plan *plan, mpijob_error *err);
int mpj_zarr_load(mpijob_array *array, mpj_tree *tree, const char *prefix, const mpj_load_plan *plan,
                  mpijob_error *err);
int mpj_zarr_inspect(mpijob_array_info *info, mpj_tree *tree, const char *prefix, mpijob_error *err);
int mpj_zarr_verify(mpijob_verify_result *result, mpj_tree *tree, mpijob_damage_fn *damage, void *payload,
                    mpijob_bytes_fn *progress, void *progress_payload, mpijob_error *err);

/* mpijob_dump_group, where names "inner/a" are allowed too and make groups inside it (groupdump.c; recordfile.c needs it). */
int mpj_group_dump(const mpijob_member *members, size_t count, const char *attributes, const char *path,
                   const mpijob_dump_options *options, mpijob_error *err);

#endif
