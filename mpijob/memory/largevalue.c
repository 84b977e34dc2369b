/* Results with a file of their own: NPY, which can be mapped, or Zarr in one zip file where they are compressed. */
#include "memory/memory.h"

#include "base/alloc.h"
#include "base/error.h"
#include "io/codec.h"
#include "io/file.h"

#include <errno.h>
#include <string.h>

#define TRIES 10 /* to put a file into a folder that others clear again and again */

/* Of elements in memory, C order. Structs have bytes between their members that files need not keep. */
static int sum_of(const mpijob_cached *c, const mpijob_array *array, size_t bytes, uint64_t *sum, mpijob_error *err)
{
    mpijob_digest digest;
    if (c->packing.plain) {
        *sum = mpj_checksum(array->data, bytes);
        return MPIJOB_OK;
    }
    int status = mpijob_hash_array(&digest, array, NULL, err);
    if (status == MPIJOB_OK)
        memcpy(sum, digest.bytes, sizeof *sum);
    return status;
}

static int count_beat(uint64_t done, uint64_t total, void *beats)
{
    (void)done;
    (void)total;
    atomic_fetch_add((atomic_ullong *)beats, 1);
    return 0;
}

static int dump(const mpijob_cached *c, const mpijob_array *array, const char *path, atomic_ullong *written,
                mpijob_error *err)
{
    mpijob_dump_options options = {.compress = c->options.compress > 0 ? c->options.compress : 0,
                                   .codec = c->options.compress > 0 ? c->memory->options.codec : NULL,
                                   .order = 'C',
                                   .durable = c->memory->options.durability == MPIJOB_DURABLE_EACH,
                                   .progress = written ? count_beat : NULL,
                                   .progress_payload = written};
    return mpijob_dump(array, path, &options, err);
}

static int length_of(uint64_t *bytes, const char *path, mpijob_error *err)
{
    int fd;
    int status = mpj_file_open(&fd, path, bytes, err);
    if (status == MPIJOB_OK)
        mpj_file_close(&fd);
    return status;
}

/* A path of its own, and the array there. Its folder may be cleared by somebody else between the two: again. told:
 * the store has said what is wrong. */
static int dump_somewhere(const mpijob_cached *c, const mpj_made *made, const mpijob_array *array,
                          char file[MPJ_LARGE_FILE_BYTES], char path[MPJ_PATH_BYTES], uint64_t *file_bytes, bool *told,
                          mpijob_error *err)
{
    const char *suffix = c->options.compress > 0 ? ".zarr.zip" : ".npy";
    mpijob_error own = {0};
    int status = MPIJOB_OK;
    for (int i = 0; i < TRIES; i++) {
        mpj_cached_lock(c);
        status = mpj_shelf_large_name(c->shelf, made->name, suffix, file, path, &own);
        mpj_cached_unlock(c);
        *told = status != MPIJOB_OK;
        if (status == MPIJOB_OK)
            status = dump(c, array, path, made->written, &own);
        if (status == MPIJOB_OK)
            status = length_of(file_bytes, path, &own);
        if (status != MPIJOB_ENOTFOUND && (status != MPIJOB_EOS || own.os_errno != ENOENT))
            break;
    }
    return mpj_told(err, status, &own);
}

/* A failure here is none of the call's. */
static int tell_once(const mpijob_cached *c, bool told, int status, const mpijob_error *err)
{
    mpijob_memory *memory = c->memory;
    mpj_cached_lock(c);
    bool first = !memory->told_dump && !told && (status != MPIJOB_EOS || mpj_store_is_news(memory->store, err));
    memory->stats.not_stored++;
    memory->told_dump |= first;
    mpj_cached_unlock(c);
    if (first)
        mpj_memory_warn(memory, "a large result of %s could not be stored (this is said once): %s", c->signature.name,
                        err->text);
    return status;
}

int mpj_cached_dump(const mpijob_cached *cached, const mpj_made *made, char file[MPJ_LARGE_FILE_BYTES],
                    unsigned char meta[MPJ_META_BYTES], size_t *meta_bytes, mpijob_error *err)
{
    char path[MPJ_PATH_BYTES];
    int ndim;
    size_t shape[MPIJOB_MAX_DIMS];
    bool summed, told = false;
    uint64_t sum = 0, file_bytes = 0;
    mpijob_error own = {0};
    unsigned char plain[MPJ_META_BYTES];
    size_t plain_bytes = made->meta_bytes;
    if (plain_bytes)
        memcpy(plain, made->meta, plain_bytes);
    else
        plain_bytes = mpj_cached_shape_of(cached, plain, -1, NULL, made->bytes);
    if (mpj_meta_get(plain, plain_bytes, &ndim, shape, &summed, &sum) != 0)
        return mpj_fail(err, MPIJOB_EINTERNAL, "%s: a result without a shape", cached->signature.name);
    mpijob_array array = mpijob_array_of(made->result, cached->signature.result, ndim, shape);
    if (!cached->shelf)
        return mpj_fail(err, MPIJOB_EOS, "there is no Memory");
    int status = dump_somewhere(cached, made, &array, file, path, &file_bytes, &told, &own);
    if (status == MPIJOB_OK)
        status = sum_of(cached, &array, made->bytes, &sum, &own);
    if (status != MPIJOB_OK)
        return mpj_told(err, tell_once(cached, told, status, &own), &own);
    mpj_shelf_large_made(cached->shelf, path);
    *meta_bytes = mpj_meta_put(meta, ndim, shape, &sum, file_bytes);
    return MPIJOB_OK;
}

/* ---- Reading ---- */

static int check_sum(const mpijob_cached *c, const mpj_hit *hit, const mpijob_array *array, const char *path,
                     mpijob_error *err)
{
    uint64_t sum;
    if (!hit->summed)
        return MPIJOB_OK;
    int status = sum_of(c, array, (size_t)hit->bytes, &sum, err);
    if (status == MPIJOB_OK && sum != hit->sum)
        status = mpj_fail(err, MPIJOB_ECORRUPT, "%s: its elements do not have the checksum that they were stored with",
                          path);
    return status;
}

static int check_form(const mpj_hit *hit, const mpijob_array *array, const char *path, mpijob_error *err)
{
    bool same = array->ndim == hit->ndim && mpj_array_order(array) == 'C';
    if (mpijob_array_count(array) == 0)
        same = array->ndim == hit->ndim;
    for (int i = 0; same && i < hit->ndim; i++)
        same = array->shape[i] == hit->shape[i];
    return same ? MPIJOB_OK : mpj_fail(err, MPIJOB_ECORRUPT, "%s: it does not have the shape that was stored", path);
}

/* The array, in `into` where that is given, else in memory of its own or mapped. */
static int load(const mpijob_cached *c, const mpj_hit *hit, void *into, const char *mode, atomic_ullong *beats,
                mpijob_array *array, mpijob_error *err)
{
    char path[MPJ_PATH_BYTES];
    int status = mpj_shelf_large_path(c->shelf, hit->file, strlen(hit->file), path, err);
    if (status != MPIJOB_OK)
        return status;
    const bool is_zip = strstr(hit->file, ".zip") != NULL;
    mpijob_load_options options = {.into = into,
                                   .into_bytes = into ? (size_t)hit->bytes : 0,
                                   .mmap_mode = is_zip ? NULL : mode,
                                   .progress = beats ? count_beat : NULL,
                                   .progress_payload = beats};
    if (c->signature.result.kind == MPIJOB_RECORD)
        options.record = c->signature.result.record;
    status = mpijob_load(array, path, &options, err);
    if (status != MPIJOB_OK)
        return status;
    if (array->type.kind != c->signature.result.kind ||
        mpijob_type_size(&array->type) != mpijob_type_size(&c->signature.result))
        status = mpj_fail(err, MPIJOB_ECORRUPT, "%s: it does not have the type that was stored", path);
    if (status == MPIJOB_OK)
        status = check_form(hit, array, path, err);
    /* Each chunk in a zip file has been checked against its CRC. */
    if (status == MPIJOB_OK && !is_zip && (!options.mmap_mode || c->memory->options.check_mapped))
        status = check_sum(c, hit, array, path, err);
    if (status != MPIJOB_OK)
        mpijob_array_free(array);
    return status;
}

int mpj_cached_read(const mpijob_cached *cached, const mpj_hit *hit, void *to, atomic_ullong *beats, mpijob_error *err)
{
    mpijob_array array;
    if (!hit->large) {
        mpj_unpack(&cached->packing, to, hit->payload, (size_t)hit->bytes / cached->packing.bytes);
        return MPIJOB_OK;
    }
    int status = load(cached, hit, to, NULL, beats, &array, err);
    if (status == MPIJOB_OK)
        mpijob_array_free(&array);
    return status;
}

int mpj_cached_load(const mpijob_cached *cached, const mpj_hit *hit, mpijob_array *array, mpijob_error *err)
{
    if (hit->large)
        return load(cached, hit, NULL, cached->mmap_mode, NULL, array, err);
    int status = mpj_array_own(array, &cached->signature.result, hit->ndim, hit->shape, err);
    if (status == MPIJOB_OK)
        mpj_unpack(&cached->packing, array->data, hit->payload, (size_t)hit->bytes / cached->packing.bytes);
    return status;
}
