#include "array/forms.h"
#include "array/npytext.h"
#include "base/alloc.h"
#include "base/error.h"
#include "data/limits.h"

#include <string.h>

#define MAGIC "\x93NUMPY"
#define MAGIC_BYTES 6
#define DESCR_BYTES sizeof(((mpijob_array_info *)0)->dtype)

/* What stands in front of the dict: its length has 2 bytes in version 1, else 4. */
typedef struct preamble {
    int version;
    size_t bytes;
    size_t dict_bytes;
} preamble;

static size_t little_endian(const unsigned char *bytes, size_t count)
{
    size_t value = 0;
    for (size_t i = count; i-- > 0;)
        value = value << 8 | bytes[i];
    return value;
}

/* MPIJOB_OK with *need set above `bytes`: more bytes are needed. */
static int read_preamble(preamble *out, const unsigned char *text, size_t bytes, size_t *need, const char *what,
                         mpijob_error *err)
{
    size_t magic = bytes < MAGIC_BYTES ? bytes : MAGIC_BYTES;
    if (memcmp(text, MAGIC, magic) != 0)
        return mpj_fail(err, MPIJOB_ECORRUPT, "%s does not begin as an NPY file does", what);
    *need = 12;
    if (bytes < 8)
        return MPIJOB_OK;
    out->version = text[6];
    if (out->version < 1 || out->version > 3 || text[7] != 0)
        return mpj_fail(err, MPIJOB_EVERSION, "%s is an NPY file of version %d.%d; versions 1.0, 2.0 and 3.0 are known",
                        what, text[6], text[7]);
    size_t length_bytes = out->version == 1 ? 2 : 4;
    out->bytes = 8 + length_bytes;
    if (bytes < out->bytes)
        return MPIJOB_OK;
    out->dict_bytes = little_endian(text + 8, length_bytes);
    if (out->dict_bytes > MPJ_MAX_HEADER_BYTES)
        return mpj_fail(err, MPIJOB_ECORRUPT, "%s says that its header has %zu bytes; 1 MiB is the most that is read",
                        what, out->dict_bytes);
    *need = out->bytes + out->dict_bytes;
    return MPIJOB_OK;
}

/* ---- The dict -------------------------------------------------------------------------------------------------- */

static int fail_key(mpijob_error *err, const char *what, const char *key, const char *why)
{
    return mpj_fail(err, MPIJOB_ECORRUPT, "%s: the NPY header's %s %s", what, key, why);
}

static int read_shape(mpj_npy_header *header, const json_t *shape, const char *what, mpijob_error *err)
{
    if (!json_is_array(shape))
        return fail_key(err, what, "shape", "is no tuple");
    size_t ndim = json_array_size(shape);
    if (ndim > MPIJOB_MAX_DIMS)
        return mpj_fail(err, MPIJOB_EUNSUPPORTED, "%s has %zu dimensions; %d is the most that is read", what, ndim,
                        MPIJOB_MAX_DIMS);
    for (size_t i = 0; i < ndim; i++) {
        const json_t *length = json_array_get(shape, i);
        if (!json_is_integer(length) || json_integer_value(length) < 0)
            return fail_key(err, what, "shape", "has something else than lengths");
        header->shape[i] = (size_t)json_integer_value(length);
    }
    header->ndim = (int)ndim;
    return MPIJOB_OK;
}

static int read_size(mpj_npy_header *header, const char *what, mpijob_error *err)
{
    size_t element = mpijob_type_size(&header->dtype.type);
    if (mpj_shape_bytes(&header->data_bytes, header->ndim, header->shape, element) != 0 ||
        header->data_bytes > (size_t)PTRDIFF_MAX - (size_t)header->data_offset)
        return fail_key(err, what, "shape", "says more elements than fit into memory");
    return MPIJOB_OK;
}

static int read_values(mpj_npy_header *header, const json_t *dict, const char *what, mpijob_error *err)
{
    const json_t *descr = json_object_get(dict, "descr");
    const json_t *fortran = json_object_get(dict, "fortran_order");
    const json_t *shape = json_object_get(dict, "shape");
    if (!descr || !fortran || !shape || json_object_size(dict) != 3)
        return mpj_fail(err, MPIJOB_ECORRUPT,
                        "%s: the NPY header has not exactly the keys descr, fortran_order and shape", what);
    if (!json_is_boolean(fortran))
        return fail_key(err, what, "fortran_order", "is neither True nor False");
    header->order = json_is_true(fortran) ? 'F' : 'C';
    int status = read_shape(header, shape, what, err);
    if (status == MPIJOB_OK)
        status = mpj_dtype_parse(&header->dtype, descr, what, err);
    if (status != MPIJOB_OK)
        return status;
    mpj_dtype_text(header->descr, DESCR_BYTES, descr);
    return read_size(header, what, err);
}

static int read_dict(mpj_npy_header *header, const char *text, size_t bytes, const char *what, mpijob_error *err)
{
    char *utf8 = NULL;
    if (header->version < 3) {
        utf8 = mpj_latin1_to_utf8(text, bytes, &bytes);
        if (!utf8)
            return mpj_fail_memory(err, "an NPY header", 2 * bytes);
        text = utf8;
    }
    json_t *dict = NULL;
    int status = mpj_pyliteral_parse(&dict, text, bytes, what, err);
    mpj_free(utf8);
    if (status == MPIJOB_OK)
        status = read_values(header, dict, what, err);
    json_decref(dict);
    return status;
}

int mpj_npy_header_parse(mpj_npy_header *header, const void *text, size_t bytes, int *complete, size_t *need,
                         const char *what, mpijob_error *err)
{
    preamble front = {0};
    *header = (mpj_npy_header){0};
    *complete = 0;
    int status = read_preamble(&front, text, bytes, need, what, err);
    if (status != MPIJOB_OK || *need > bytes)
        return status;
    header->version = front.version;
    header->data_offset = *need;
    header->descr = mpj_calloc(1, DESCR_BYTES);
    status = header->descr ? read_dict(header, (const char *)text + front.bytes, front.dict_bytes, what, err)
                           : mpj_fail_memory(err, "an NPY header", DESCR_BYTES);
    if (status != MPIJOB_OK)
        mpj_npy_header_free(header);
    *complete = status == MPIJOB_OK;
    return status;
}

void mpj_npy_header_free(mpj_npy_header *header)
{
    mpj_dtype_free(&header->dtype);
    mpj_free(header->descr);
    *header = (mpj_npy_header){0};
}

/* ---- Making one ------------------------------------------------------------------------------------------------ */

/* The dict, then spaces and a line feed up to where the elements begin. */
static void assemble(unsigned char *out, size_t bytes, int version, const char *dict, size_t dict_bytes)
{
    size_t front = version == 1 ? 10 : 12;
    size_t length = bytes - front;
    memset(out, ' ', bytes);
    memcpy(out, MAGIC, MAGIC_BYTES);
    out[6] = (unsigned char)version;
    out[7] = 0;
    for (size_t i = 8; i < front; i++, length >>= 8)
        out[i] = (unsigned char)length;
    memcpy(out + front, dict, dict_bytes);
    out[bytes - 1] = '\n';
}

static size_t header_bytes(int version, size_t dict_bytes)
{
    size_t front = version == 1 ? 10 : 12;
    return (front + dict_bytes + 1 + 63) / 64 * 64;
}

static char *make_dict(const mpijob_type *type, int ndim, const size_t *shape, int order)
{
    json_t *lengths = json_array();
    for (int i = 0; lengths && i < ndim; i++) {
        if (json_array_append_new(lengths, json_integer((json_int_t)shape[i])) != 0) {
            json_decref(lengths);
            return NULL;
        }
    }
    json_t *dict = json_pack("{s:o, s:b, s:o}", "descr", mpj_dtype_descr(type, 1), "fortran_order", order == 'F',
                             "shape", lengths);
    char *text = dict ? mpj_pyliteral_text(dict) : NULL;
    json_decref(dict);
    return text;
}

static int choose_version(char *dict, size_t *dict_bytes)
{
    if (!mpj_utf8_to_latin1(dict, dict_bytes))
        return 3;
    return header_bytes(1, *dict_bytes) - 10 <= UINT16_MAX ? 1 : 2;
}

int mpj_npy_header_make(void **text, size_t *bytes, const mpijob_type *type, int ndim, const size_t *shape, int order,
                        mpijob_error *err)
{
    *text = NULL;
    char *dict = make_dict(type, ndim, shape, order);
    if (!dict)
        return mpj_fail_memory(err, "an NPY header", 0);
    size_t dict_bytes = strlen(dict);
    int version = choose_version(dict, &dict_bytes);
    *bytes = header_bytes(version, dict_bytes);
    int too_long = *bytes > MPJ_MAX_HEADER_BYTES;
    if (!too_long && (*text = mpj_alloc(*bytes)))
        assemble(*text, *bytes, version, dict, dict_bytes);
    mpj_free(dict);
    if (too_long)
        return mpj_fail(err, MPIJOB_EINVAL, "the description of the elements has more than 1 MiB");
    return *text ? MPIJOB_OK : mpj_fail_memory(err, "an NPY header", *bytes);
}
