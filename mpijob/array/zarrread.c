#include "array/zarrread.h"

#include "base/alloc.h"
#include "base/error.h"

#include <stdio.h>
#include <string.h>

#define BYTES_A_BYTE 65536                   /* zstd's densest frame has 32768 */
#define FILE_ROOM_BYTES ((uint64_t)16 << 20) /* above, room is made as files turn out to need it */

void mpj_zarr_what(char what[MPJ_WHAT_BYTES], const mpj_tree *tree, const char *prefix, const char *name)
{
    snprintf(what, MPJ_WHAT_BYTES, "%s/%s%s", mpj_tree_path(tree), prefix, name);
}

static int join(char name[MPJ_PATH_BYTES], const char *prefix, const char *rest, mpijob_error *err)
{
    if ((size_t)snprintf(name, MPJ_PATH_BYTES, "%s%s", prefix, rest) < MPJ_PATH_BYTES)
        return MPIJOB_OK;
    return mpj_fail(err, MPIJOB_EINVAL, "%.200s...: the name is too long", prefix);
}

/* ---- Small files ----------------------------------------------------------------------------------------------- */

/* Makes room for a zero behind a buffer's content. */
static int terminate(mpj_tree_buffer *buffer, mpijob_error *err)
{
    char *text = mpj_realloc(buffer->data, buffer->bytes + 1);
    if (!text)
        return mpj_fail_memory(err, "a file's content", buffer->bytes);
    text[buffer->bytes] = '\0';
    buffer->data = text;
    return MPIJOB_OK;
}

int mpj_zarr_read_text(char **text, size_t *bytes, mpj_tree *tree, const char *prefix, const char *name, uint64_t limit,
                       const mpj_sums *sums, mpijob_error *err)
{
    char path[MPJ_PATH_BYTES], what[MPJ_WHAT_BYTES];
    mpj_tree_buffer buffer = {0};
    mpj_zarr_what(what, tree, prefix, name);
    int status = join(path, prefix, name, err);
    if (status == MPIJOB_OK)
        status = mpj_tree_read(tree, path, &buffer, limit, err);
    if (status == MPIJOB_OK)
        status = mpj_sums_check(sums, name, buffer.data, buffer.bytes, what, err);
    else if (status == MPIJOB_ENOTFOUND && mpj_sums_check_missing(sums, name, what, err) != MPIJOB_OK)
        status = MPIJOB_ECORRUPT;
    if (status == MPIJOB_OK)
        status = terminate(&buffer, err);
    if (status != MPIJOB_OK) {
        mpj_free(buffer.data);
        return status;
    }
    *text = buffer.data;
    *bytes = buffer.bytes;
    return MPIJOB_OK;
}

/* ---- Opening --------------------------------------------------------------------------------------------------- */

/* What this library writes lists every chunk, so a shorter list is not of this array; and that every chunk is listed
 * bounds the work on chunks that are missing by the list's own length. */
static int check_list(const mpj_zarr_reading *reading, const char *what, mpijob_error *err)
{
    if (!reading->sums.known || reading->sums.count > reading->meta.grid.total)
        return MPIJOB_OK;
    return mpj_fail(err, MPIJOB_ECORRUPT,
                    "%s has more chunks than the list of checksums beside it: damaged, or changed by "
                    "another program (if so, remove " MPJ_SUMS_NAME " to accept the change)",
                    what);
}

static int read_meta(mpj_zarr_reading *reading, mpijob_error *err)
{
    char what[MPJ_WHAT_BYTES];
    char *text;
    size_t bytes;
    mpj_zarr_what(what, reading->tree, reading->prefix, MPJ_ZARRAY);
    int status = mpj_zarr_read_text(&text, &bytes, reading->tree, reading->prefix, MPJ_ZARRAY, MPJ_ZARRAY_LIMIT,
                                    &reading->sums, err);
    if (status != MPIJOB_OK)
        return status;
    status = mpj_zarr_meta_parse(&reading->meta, text, bytes, what, err);
    mpj_free(text);
    return status == MPIJOB_OK ? check_list(reading, what, err) : status;
}

int mpj_zarr_open(mpj_zarr_reading *reading, mpj_tree *tree, const char *prefix, mpijob_error *err)
{
    memset(reading, 0, sizeof *reading);
    reading->tree = tree;
    reading->prefix = prefix;
    int status = mpj_sums_read(&reading->sums, tree, prefix, err);
    if (status == MPIJOB_OK)
        status = read_meta(reading, err);
    if (status != MPIJOB_OK) {
        mpj_zarr_close(reading);
        return status;
    }
    const mpj_zarr_meta *meta = &reading->meta;
    mpj_strides(reading->chunk_strides, meta->grid.ndim, meta->grid.chunk, meta->element_bytes, meta->order);
    return MPIJOB_OK;
}

void mpj_zarr_close(mpj_zarr_reading *reading)
{
    mpj_zarr_meta_free(&reading->meta);
    mpj_sums_free(&reading->sums);
}

/* ---- Chunks ---------------------------------------------------------------------------------------------------- */

void mpj_zarr_buffers_free(mpj_zarr_buffers *buffers)
{
    mpj_free(buffers->file.data);
    mpj_free(buffers->elements);
    *buffers = (mpj_zarr_buffers){0};
}

static uint64_t file_limit(const mpj_zarr_meta *meta)
{
    return meta->compressed ? mpj_codec_bound(meta->chunk_bytes) : meta->chunk_bytes;
}

size_t mpj_zarr_buffers_count(const mpj_zarr_reading *reading, size_t cache_bytes, int scatters, uint64_t wanted)
{
    const mpj_zarr_meta *meta = &reading->meta;
    size_t each = (meta->compressed ? mpj_codec_bound(meta->chunk_bytes) : 0) + (scatters ? meta->chunk_bytes : 0);
    size_t room = each ? cache_bytes / each : SIZE_MAX;
    if (room > wanted)
        room = (size_t)wanted;
    return room ? room : 1;
}

uint64_t mpj_zarr_justified(const mpj_zarr_reading *reading, uint64_t file_bytes)
{
    uint64_t most =
        reading->meta.compressed && file_bytes < UINT64_MAX / BYTES_A_BYTE ? file_bytes * BYTES_A_BYTE : file_bytes;
    return most < reading->meta.chunk_bytes ? most : reading->meta.chunk_bytes;
}

/* Only once the file is known to be long enough for what is claimed. */
static int make_elements(const mpj_zarr_reading *reading, mpj_zarr_buffers *buffers, uint64_t file_bytes,
                         const char *what, mpijob_error *err)
{
    if (mpj_zarr_justified(reading, file_bytes) < reading->meta.chunk_bytes)
        return mpj_fail(err, MPIJOB_ECORRUPT, "%s has %llu bytes, which cannot hold a chunk of %zu", what,
                        (unsigned long long)file_bytes, reading->meta.chunk_bytes);
    if (!buffers->elements)
        buffers->elements = mpj_alloc(reading->meta.chunk_bytes);
    return buffers->elements ? MPIJOB_OK : mpj_fail_memory(err, "a chunk", reading->meta.chunk_bytes);
}

static int check_length(const mpj_zarr_reading *reading, size_t bytes, const char *what, mpijob_error *err)
{
    if (bytes == reading->meta.chunk_bytes)
        return MPIJOB_OK;
    return mpj_fail(err, MPIJOB_ECORRUPT, "%s has %zu bytes; an uncompressed chunk has %zu", what, bytes,
                    reading->meta.chunk_bytes);
}

/* An uncompressed chunk is read to where it belongs: the buffer is given that place, with no room to grow. */
static int read_plain(const mpj_zarr_reading *reading, const char *path, const char *name, void *to, const char *what,
                      mpijob_error *err)
{
    mpj_tree_buffer there = {.data = to, .capacity = reading->meta.chunk_bytes};
    int status = mpj_tree_read(reading->tree, path, &there, reading->meta.chunk_bytes, err);
    if (status == MPIJOB_OK)
        status = mpj_sums_check(&reading->sums, name, there.data, there.bytes, what, err);
    return status == MPIJOB_OK ? check_length(reading, there.bytes, what, err) : status;
}

static int read_plain_chunk(const mpj_zarr_reading *reading, const char *path, const char *name, void *to,
                            mpj_zarr_buffers *buffers, const char *what, mpijob_error *err)
{
    if (!to) {
        uint64_t bytes;
        int status = mpj_tree_stat(reading->tree, path, &bytes, err);
        if (status == MPIJOB_OK)
            status = make_elements(reading, buffers, bytes, what, err);
        if (status != MPIJOB_OK)
            return status;
    }
    return read_plain(reading, path, name, to ? to : buffers->elements, what, err);
}

/* Room for any chunk at once: sizes differ a little, and growing with each would have the system give and take memory for
 * every file. Pages that are not used cost nothing. */
static int make_file_room(const mpj_zarr_reading *reading, mpj_tree_buffer *file, mpijob_error *err)
{
    uint64_t limit = file_limit(&reading->meta);
    if (file->data || limit > FILE_ROOM_BYTES)
        return MPIJOB_OK;
    file->data = mpj_alloc((size_t)limit);
    file->capacity = (size_t)limit;
    return file->data ? MPIJOB_OK : mpj_fail_memory(err, "a chunk's file", limit);
}

static int read_packed_chunk(const mpj_zarr_reading *reading, const char *path, const char *name, void *to,
                             mpj_zarr_buffers *buffers, const char *what, mpijob_error *err)
{
    mpj_tree_buffer *file = &buffers->file;
    int status = make_file_room(reading, file, err);
    if (status == MPIJOB_OK)
        status = mpj_tree_read(reading->tree, path, file, file_limit(&reading->meta), err);
    if (status == MPIJOB_OK)
        status = mpj_sums_check(&reading->sums, name, file->data, file->bytes, what, err);
    if (status == MPIJOB_OK && !to)
        status = make_elements(reading, buffers, file->bytes, what, err);
    if (status != MPIJOB_OK)
        return status;
    return mpj_codec_decompress(to ? to : buffers->elements, reading->meta.chunk_bytes, file->data, file->bytes, what,
                                err);
}

int mpj_zarr_read_chunk(const mpj_zarr_reading *reading, const size_t *at, void *to, mpj_zarr_buffers *buffers,
                        mpijob_error *err)
{
    char name[MPJ_GRID_NAME_BYTES], path[MPJ_PATH_BYTES], what[MPJ_WHAT_BYTES];
    mpj_grid_name(&reading->meta.grid, at, reading->meta.separator, name);
    mpj_zarr_what(what, reading->tree, reading->prefix, name);
    int status = join(path, reading->prefix, name, err);
    if (status != MPIJOB_OK)
        return status;
    status = reading->meta.compressed ? read_packed_chunk(reading, path, name, to, buffers, what, err)
                                      : read_plain_chunk(reading, path, name, to, buffers, what, err);
    if (status != MPIJOB_ENOTFOUND)
        return status;
    status = mpj_sums_check_missing(&reading->sums, name, what, err);
    return status == MPIJOB_OK ? MPIJOB_ENOTFOUND : status;
}

/* ---- Which chunks there are -------------------------------------------------------------------------------------- */

typedef struct walk {
    const mpj_zarr_reading *reading;
    mpj_zarr_each_fn *each;
    void *payload;
    mpijob_error *err;
    int status;
    int ended;
    int depth;         /* folders inside the array's own: separator '/' */
    const char *inner; /* where it is: "" or "3/7/" */
} walk;

static int list_folder(walk *w);

static int enter_folder(walk *w, const char *inner)
{
    walk below = *w;
    below.inner = inner;
    below.depth++;
    int ended = list_folder(&below);
    w->status = below.status;
    w->ended = below.ended;
    return ended;
}

static int see(const char *name, uint64_t bytes, void *payload)
{
    walk *w = payload;
    const mpj_zarr_meta *meta = &w->reading->meta;
    char inner[MPJ_GRID_NAME_BYTES];
    uint64_t number;
    if ((size_t)snprintf(inner, sizeof inner, "%s%s", w->inner, name) >= sizeof inner)
        return 0;
    if (name[strlen(name) - 1] == '/')
        return meta->separator == '/' && w->depth + 1 < meta->grid.ndim ? enter_folder(w, inner) : 0;
    if (mpj_grid_parse_name(&meta->grid, inner, meta->separator, &number) != 0)
        return 0;
    w->ended = w->each(number, bytes, w->payload);
    return w->ended;
}

static int list_folder(walk *w)
{
    char folder[MPJ_PATH_BYTES];
    w->status = join(folder, w->reading->prefix, w->inner, w->err);
    if (w->status == MPIJOB_OK) {
        int status = mpj_tree_list(w->reading->tree, folder, see, w, w->err);
        if (w->status == MPIJOB_OK)
            w->status = status;
    }
    return w->ended || w->status != MPIJOB_OK;
}

int mpj_zarr_list_chunks(const mpj_zarr_reading *reading, mpj_zarr_each_fn *each, void *payload, mpijob_error *err)
{
    walk w = {.reading = reading, .each = each, .payload = payload, .err = err, .inner = ""};
    list_folder(&w);
    return w.status;
}
