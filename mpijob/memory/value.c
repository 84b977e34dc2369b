/* Results as they are stored: shape, and elements packed and little-endian. */
#include "memory/memory.h"

#include "data/convert.h"
#include "data/layout.h"

#include <string.h>

static void put_u64(unsigned char *to, uint64_t number)
{
    for (int i = 0; i < 8; i++)
        to[i] = (unsigned char)(number >> 8 * i);
}

static uint64_t get_u64(const unsigned char *from)
{
    uint64_t number = 0;
    for (int i = 7; i >= 0; i--)
        number = number << 8 | from[i];
    return number;
}

size_t mpj_meta_put(unsigned char meta[MPJ_META_BYTES], int ndim, const size_t *shape, const uint64_t *sum,
                    uint64_t file_bytes)
{
    unsigned char *at = meta;
    put_u64(at, (uint64_t)ndim);
    for (int i = 0; i < ndim; i++)
        put_u64(at += 8, shape[i]);
    if (sum) {
        put_u64(at += 8, *sum);
        put_u64(at += 8, file_bytes);
    }
    return (size_t)(at + 8 - meta);
}

int mpj_meta_get(const unsigned char *meta, size_t bytes, int *ndim, size_t shape[MPIJOB_MAX_DIMS], bool *summed,
                 uint64_t *sum)
{
    if (bytes < 8 || get_u64(meta) > MPIJOB_MAX_DIMS)
        return -1;
    *ndim = (int)get_u64(meta);
    size_t end = 8 + 8 * (size_t)*ndim;
    if (bytes != end && bytes != end + 16)
        return -1;
    for (int i = 0; i < *ndim; i++) {
        uint64_t length = get_u64(meta + 8 + 8 * i);
        if (length > SIZE_MAX)
            return -1;
        shape[i] = (size_t)length;
    }
    *summed = bytes > end;
    *sum = *summed ? get_u64(meta + end) : 0;
    return 0;
}

uint64_t mpj_meta_file_bytes(const unsigned char *meta, size_t bytes)
{
    return bytes >= 24 && bytes > 8 + 8 * get_u64(meta) ? get_u64(meta + bytes - 8) : 0;
}

static bool is_little(void)
{
    const uint16_t one = 1;
    unsigned char first;
    memcpy(&first, &one, 1);
    return first == 1;
}

static int init_converts(mpj_packing *p, const mpijob_type *type, mpijob_error *err)
{
    memset(p->dtype.swapped, !is_little(), p->dtype.swap_count);
    int status = mpj_convert_init(&p->pack, type, p->dtype.swapped, &p->dtype.type, err);
    if (status != MPIJOB_OK)
        return status;
    status = mpj_convert_init(&p->unpack, &p->dtype.type, p->dtype.swapped, type, err);
    if (status != MPIJOB_OK)
        mpj_convert_dispose(&p->pack);
    return status;
}

int mpj_packing_init(mpj_packing *p, const mpijob_type *type, mpijob_error *err)
{
    *p = (mpj_packing){.bytes = mpijob_type_size(type), .packed_bytes = mpijob_type_size(type)};
    p->plain = type->kind != MPIJOB_RECORD && (is_little() || mpj_swap_unit(type) == 1);
    if (p->plain)
        return MPIJOB_OK;
    int status = mpj_dtype_copy(&p->dtype, type, 1, err);
    if (status != MPIJOB_OK)
        return status;
    p->packed_bytes = mpijob_type_size(&p->dtype.type);
    status = init_converts(p, type, err);
    if (status != MPIJOB_OK)
        mpj_dtype_free(&p->dtype);
    return status;
}

void mpj_packing_dispose(mpj_packing *p)
{
    if (!p->plain) {
        mpj_convert_dispose(&p->pack);
        mpj_convert_dispose(&p->unpack);
        mpj_dtype_free(&p->dtype);
    }
    *p = (mpj_packing){.plain = true};
}

void mpj_pack(const mpj_packing *p, void *to, const void *elements, size_t n)
{
    if (!p->plain)
        mpj_convert_elements(&p->pack, to, elements, n);
    else if (n)
        memcpy(to, elements, n * p->bytes);
}

void mpj_unpack(const mpj_packing *p, void *elements, const void *packed, size_t n)
{
    if (!p->plain)
        mpj_convert_elements(&p->unpack, elements, packed, n);
    else if (n)
        memcpy(elements, packed, n * p->bytes);
}
