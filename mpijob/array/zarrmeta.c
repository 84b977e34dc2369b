#include "array/zarrmeta.h"

#include "array/jsontext.h"
#include "base/alloc.h"
#include "base/error.h"

#include <string.h>

#define FREE_ELEMENT_BYTES ((size_t)64 << 10)

/* What is being read. */
typedef struct source {
    const json_t *object;
    const char *what;
    mpijob_error *err;
} source;

static int corrupt(const source *from, const char *why)
{
    return mpj_fail(from->err, MPIJOB_ECORRUPT, "%s: %s", from->what, why);
}

static int read_version(const source *from)
{
    const json_t *version = json_object_get(from->object, "zarr_format");
    if (!json_is_integer(version))
        return corrupt(from, "zarr_format is missing, or no number");
    if (json_integer_value(version) == 2)
        return MPIJOB_OK;
    return mpj_fail(from->err, json_integer_value(version) > 2 ? MPIJOB_EVERSION : MPIJOB_EUNSUPPORTED,
                    "%s: Zarr version %lld; version 2 can be read", from->what, (long long)json_integer_value(version));
}

/* A list of lengths. */
static int read_lengths(const source *from, const char *key, size_t *lengths, size_t *count)
{
    const json_t *list = json_object_get(from->object, key);
    if (!json_is_array(list) || json_array_size(list) > MPIJOB_MAX_DIMS)
        return mpj_fail(from->err, MPIJOB_ECORRUPT, "%s: %s is missing, no list, or longer than %d", from->what, key,
                        MPIJOB_MAX_DIMS);
    *count = json_array_size(list);
    for (size_t i = 0; i < *count; i++) {
        const json_t *length = json_array_get(list, i);
        if (!json_is_integer(length) || json_integer_value(length) < 0)
            return mpj_fail(from->err, MPIJOB_ECORRUPT, "%s: %s has an entry that is no length", from->what, key);
        lengths[i] = (size_t)json_integer_value(length);
    }
    return MPIJOB_OK;
}

/* A length of 0 allows a chunk of 0, which no other does. */
static int check_chunks(const source *from, const size_t *shape, size_t *chunk, size_t ndim)
{
    for (size_t i = 0; i < ndim; i++) {
        if (chunk[i] == 0 && shape[i] > 0)
            return corrupt(from, "chunks has a length of 0");
        if (chunk[i] == 0)
            chunk[i] = 1;
    }
    return MPIJOB_OK;
}

static int read_grid(mpj_zarr_meta *meta, const source *from)
{
    size_t shape[MPIJOB_MAX_DIMS], chunk[MPIJOB_MAX_DIMS];
    size_t ndim = 0, chunk_ndim = 0, all_bytes;
    int status = read_lengths(from, "shape", shape, &ndim);
    if (status == MPIJOB_OK)
        status = read_lengths(from, "chunks", chunk, &chunk_ndim);
    if (status == MPIJOB_OK && ndim != chunk_ndim)
        status = corrupt(from, "shape and chunks differ in length");
    if (status == MPIJOB_OK)
        status = check_chunks(from, shape, chunk, ndim);
    if (status != MPIJOB_OK)
        return status;
    if (mpj_shape_bytes(&all_bytes, (int)ndim, shape, meta->element_bytes) != 0)
        return corrupt(from, "shape is larger than any memory");
    if (mpj_shape_bytes(&meta->chunk_bytes, (int)ndim, chunk, meta->element_bytes) != 0)
        return corrupt(from, "chunks is larger than any memory");
    if (mpj_grid_init(&meta->grid, (int)ndim, shape, chunk) != 0)
        return corrupt(from, "there are more chunks than can be counted");
    return MPIJOB_OK;
}

static int read_dtype(mpj_zarr_meta *meta, const source *from)
{
    const json_t *descr = json_object_get(from->object, "dtype");
    if (!descr)
        return corrupt(from, "dtype is missing");
    int status = mpj_dtype_parse(&meta->dtype, descr, from->what, from->err);
    if (status != MPIJOB_OK)
        return status;
    mpj_dtype_text(meta->dtype_text, sizeof meta->dtype_text, descr);
    meta->element_bytes = mpijob_type_size(&meta->dtype.type);
    return meta->element_bytes ? MPIJOB_OK : corrupt(from, "elements of no bytes");
}

static int read_order(mpj_zarr_meta *meta, const source *from)
{
    const char *order = json_string_value(json_object_get(from->object, "order"));
    if (!order || (strcmp(order, "C") != 0 && strcmp(order, "F") != 0))
        return corrupt(from, "order is neither \"C\" nor \"F\"");
    meta->order = order[0];
    return MPIJOB_OK;
}

static int read_separator(mpj_zarr_meta *meta, const source *from)
{
    const json_t *value = json_object_get(from->object, "dimension_separator");
    const char *text = json_string_value(value);
    meta->separator = '.';
    if (!value || json_is_null(value))
        return MPIJOB_OK;
    if (!text || (strcmp(text, ".") != 0 && strcmp(text, "/") != 0))
        return corrupt(from, "dimension_separator is neither \".\" nor \"/\"");
    meta->separator = text[0];
    return MPIJOB_OK;
}

/* A filter's or compressor's name; "?" where it has none. */
static const char *codec_id(const json_t *codec)
{
    const char *id = json_string_value(json_object_get(codec, "id"));
    return id ? id : "?";
}

static int read_filters(const source *from)
{
    const json_t *filters = json_object_get(from->object, "filters");
    if (!filters || json_is_null(filters) || (json_is_array(filters) && json_array_size(filters) == 0))
        return MPIJOB_OK;
    if (!json_is_array(filters))
        return corrupt(from, "filters is neither a list nor null");
    return mpj_fail(
        from->err, MPIJOB_EUNSUPPORTED,
        "%s: the array was written through filters (%.100s, %zu in all), which only numcodecs undoes; write it "
        "without filters",
        from->what, codec_id(json_array_get(filters, 0)), json_array_size(filters));
}

/* An integer of the compressor; absent: as numcodecs has it by default. */
static int read_setting(const source *from, const json_t *compressor, const char *key, json_int_t low, json_int_t high,
                        int *setting)
{
    const json_t *value = json_object_get(compressor, key);
    if (!value)
        return MPIJOB_OK;
    if (!json_is_integer(value) || json_integer_value(value) < low || json_integer_value(value) > high)
        return mpj_fail(from->err, MPIJOB_ECORRUPT, "%s: the compressor's %s is none that Blosc has", from->what, key);
    *setting = (int)json_integer_value(value);
    return MPIJOB_OK;
}

static int read_codec_name(mpj_zarr_meta *meta, const source *from, const json_t *compressor)
{
    const json_t *value = json_object_get(compressor, "cname");
    const char *name = value ? json_string_value(value) : "lz4";
    if (!name)
        return corrupt(from, "the compressor's cname is no text");
    meta->codec.codec = mpj_codec_find(name);
    if (meta->codec.codec >= 0)
        return MPIJOB_OK;
    return mpj_fail(from->err, MPIJOB_EUNSUPPORTED, "%s: Blosc's codec \"%.40s\" is not built into this library",
                    from->what, name);
}

/* blosclz's numbers are Blosc's; -1 is numcodecs' "by the element". */
static int read_blosc(mpj_zarr_meta *meta, const source *from, const json_t *compressor)
{
    int shuffle = 1, level = 5, block = 0;
    int status = read_codec_name(meta, from, compressor);
    if (status == MPIJOB_OK)
        status = read_setting(from, compressor, "clevel", 0, 9, &level);
    if (status == MPIJOB_OK)
        status = read_setting(from, compressor, "shuffle", -1, 2, &shuffle);
    if (status == MPIJOB_OK)
        status = read_setting(from, compressor, "blocksize", 0, INT32_MAX, &block);
    if (status == MPIJOB_OK && meta->chunk_bytes > MPJ_CODEC_MAX_BYTES)
        status = corrupt(from, "chunks larger than Blosc's 2 GiB");
    meta->compressed = 1;
    meta->codec.level = level;
    meta->codec.shuffle = shuffle >= 0 ? shuffle : meta->element_bytes == 1 ? 2 : 1;
    meta->codec.block_bytes = (size_t)block;
    meta->codec.type_bytes = meta->element_bytes;
    return status;
}

static int read_compressor(mpj_zarr_meta *meta, const source *from)
{
    const json_t *compressor = json_object_get(from->object, "compressor");
    if (json_is_null(compressor))
        return MPIJOB_OK;
    if (!json_is_object(compressor))
        return corrupt(from, "compressor is missing, or neither an object nor null");
    if (strcmp(codec_id(compressor), "blosc") == 0)
        return read_blosc(meta, from, compressor);
    return mpj_fail(
        from->err, MPIJOB_EUNSUPPORTED,
        "%s: compressed by \"%.100s\"; chunks by Blosc or without compression can be read. In Python, zarr.copy "
        "with compressor=numcodecs.Blosc() rewrites the array",
        from->what, codec_id(compressor));
}

/* Does a file's text justify the memory of an element? numpy's elements have up to 2 GiB, whatever the text says of them. */
static int justifies_element(const json_t *value, size_t element_bytes)
{
    return element_bytes <= FREE_ELEMENT_BYTES || element_bytes / 4 <= json_string_length(value);
}

/* As zarr and numpy write it. */
static int is_zero(const json_t *value)
{
    return json_is_null(value) || (json_is_integer(value) && json_integer_value(value) == 0) ||
           (json_is_string(value) && json_string_length(value) == 0);
}

static int read_fill(mpj_zarr_meta *meta, const source *from)
{
    const json_t *value = json_object_get(from->object, "fill_value");
    if (!value)
        return corrupt(from, "fill_value is missing");
    if (!justifies_element(value, meta->element_bytes)) {
        if (is_zero(value))
            return MPIJOB_OK;
        return mpj_fail(from->err, MPIJOB_EUNSUPPORTED,
                        "%s: fill_value is neither zero nor as long as its element of %zu bytes", from->what,
                        meta->element_bytes);
    }
    meta->fill = mpj_calloc(1, meta->element_bytes);
    if (!meta->fill)
        return mpj_fail_memory(from->err, "a fill value", meta->element_bytes);
    return mpj_zarr_fill_read(meta->fill, &meta->dtype, meta->element_bytes, value, from->what, from->err);
}

/* Filters come before the type: what the type then is would mislead. */
static int read_all(mpj_zarr_meta *meta, const source *from)
{
    int status = read_version(from);
    if (status == MPIJOB_OK)
        status = read_filters(from);
    if (status == MPIJOB_OK)
        status = read_dtype(meta, from);
    if (status == MPIJOB_OK)
        status = read_grid(meta, from);
    if (status == MPIJOB_OK)
        status = read_order(meta, from);
    if (status == MPIJOB_OK)
        status = read_separator(meta, from);
    if (status == MPIJOB_OK)
        status = read_compressor(meta, from);
    return status == MPIJOB_OK ? read_fill(meta, from) : status;
}

int mpj_zarr_meta_parse(mpj_zarr_meta *meta, const char *text, size_t bytes, const char *what, mpijob_error *err)
{
    json_t *object;
    memset(meta, 0, sizeof *meta);
    int status = mpj_json_parse_object(&object, text, bytes, what, err);
    if (status != MPIJOB_OK)
        return status;
    status = read_all(meta, &(source){object, what, err});
    json_decref(object);
    if (status != MPIJOB_OK)
        mpj_zarr_meta_free(meta);
    return status;
}

void mpj_zarr_meta_free(mpj_zarr_meta *meta)
{
    mpj_dtype_free(&meta->dtype);
    mpj_free(meta->fill);
    memset(meta, 0, sizeof *meta);
}

/* ---- Printing -------------------------------------------------------------------------------------------------- */

static json_t *lengths_json(const size_t *lengths, int ndim)
{
    json_t *list = json_array();
    for (int i = 0; i < ndim && list; i++) {
        if (json_array_append_new(list, json_integer((json_int_t)lengths[i])) != 0) {
            json_decref(list);
            list = NULL;
        }
    }
    return list;
}

static json_t *compressor_json(const mpj_zarr_meta *meta)
{
    if (!meta->compressed)
        return json_null();
    return json_pack("{s:s, s:s, s:i, s:i, s:I}", "id", "blosc", "cname", mpj_codec_name(meta->codec.codec), "clevel",
                     meta->codec.level, "shuffle", meta->codec.shuffle, "blocksize",
                     (json_int_t)meta->codec.block_bytes);
}

/* Steals the values; a NULL among them makes the whole fail. */
static json_t *meta_json(const mpj_zarr_meta *meta)
{
    const mpj_grid *grid = &meta->grid;
    char order[2] = {(char)meta->order, '\0'};
    json_t *object = json_object();
    int bad = json_object_set_new(object, "zarr_format", json_integer(2)) |
              json_object_set_new(object, "shape", lengths_json(grid->shape, grid->ndim)) |
              json_object_set_new(object, "chunks", lengths_json(grid->chunk, grid->ndim)) |
              json_object_set_new(object, "dtype", mpj_dtype_descr(&meta->dtype.type, 0)) |
              json_object_set_new(object, "compressor", compressor_json(meta)) |
              json_object_set_new(object, "fill_value", mpj_zarr_fill_zero(&meta->dtype.type, meta->element_bytes)) |
              json_object_set_new(object, "order", json_string(order)) |
              json_object_set_new(object, "filters", json_null());
    if (!bad)
        return object;
    json_decref(object);
    return NULL;
}

int mpj_zarr_meta_print(char **text, size_t *bytes, const mpj_zarr_meta *meta, mpijob_error *err)
{
    const size_t flags = JSON_INDENT(4) | JSON_SORT_KEYS;
    json_t *object = meta_json(meta);
    size_t need = object ? json_dumpb(object, NULL, 0, flags) : 0;
    char *out = need ? mpj_alloc(need) : NULL;
    int good = out && json_dumpb(object, out, need, flags) == need;
    json_decref(object);
    if (!good) {
        mpj_free(out);
        return mpj_fail_memory(err, "a .zarray", need);
    }
    *text = out;
    *bytes = need;
    return MPIJOB_OK;
}
