/* Converting elements: the runs of a mpj_convert, done for many elements at a time. */
#include "data/convert.h"

#include <string.h>

#define BATCH_BYTES 16384 /* so that elements stay in the first cache while run after run goes over them */

static void swap_groups(unsigned char *to, const unsigned char *from, size_t bytes, size_t unit)
{
    switch (unit) {
    case 2:
        for (size_t i = 0; i + 2 <= bytes; i += 2) {
            uint16_t value;
            memcpy(&value, from + i, 2);
            value = __builtin_bswap16(value);
            memcpy(to + i, &value, 2);
        }
        break;
    case 4:
        for (size_t i = 0; i + 4 <= bytes; i += 4) {
            uint32_t value;
            memcpy(&value, from + i, 4);
            value = __builtin_bswap32(value);
            memcpy(to + i, &value, 4);
        }
        break;
    default:
        for (size_t i = 0; i + 8 <= bytes; i += 8) {
            uint64_t value;
            memcpy(&value, from + i, 8);
            value = __builtin_bswap64(value);
            memcpy(to + i, &value, 8);
        }
    }
}

static void copy_leaf(unsigned char *to, const unsigned char *from, size_t bytes, size_t unit)
{
    if (unit == 1)
        memcpy(to, from, bytes);
    else
        swap_groups(to, from, bytes, unit);
}

/* Sizes that are known when compiling become single instructions. */
#define COPY_EACH(copy)                                                                                                \
    for (size_t i = 0; i < count; i++, to += to_step, from += from_step)                                               \
    copy

static void leaf_each(unsigned char *to, size_t to_step, const unsigned char *from, size_t from_step,
                      const mpj_convert_run *leaf, size_t count)
{
    size_t bytes = leaf->bytes, unit = leaf->unit;
    if (to_step == bytes && from_step == bytes)
        copy_leaf(to, from, bytes * count, unit);
    else if (unit == 1 && bytes == 4)
        COPY_EACH(memcpy(to, from, 4));
    else if (unit == 1 && bytes == 8)
        COPY_EACH(memcpy(to, from, 8));
    else if (unit == 1 && bytes == 16)
        COPY_EACH(memcpy(to, from, 16));
    else if (unit == 4 && bytes == 4)
        COPY_EACH(swap_groups(to, from, 4, 4));
    else if (unit == 8 && bytes == 8)
        COPY_EACH(swap_groups(to, from, 8, 8));
    else
        COPY_EACH(copy_leaf(to, from, bytes, unit));
}

static void run_each(const mpj_convert_run *runs, size_t run_count, unsigned char *to, size_t to_step,
                     const unsigned char *from, size_t from_step, size_t count)
{
    for (size_t r = 0; r < run_count; r++) {
        const mpj_convert_run *run = runs + r;
        if (run->count == 0) {
            leaf_each(to + run->to, to_step, from + run->from, from_step, run, count);
            continue;
        }
        for (size_t i = 0; i < count; i++)
            run_each(run + 1, run->body, to + i * to_step + run->to, run->to_step, from + i * from_step + run->from,
                     run->from_step, run->count);
        r += run->body;
    }
}

static size_t batch_size(const mpj_convert *convert)
{
    size_t bytes = convert->from_bytes + convert->to_bytes;
    return bytes == 0 || bytes > BATCH_BYTES ? 1 : BATCH_BYTES / bytes;
}

void mpj_convert_elements(const mpj_convert *convert, void *to, const void *from, size_t n)
{
    unsigned char *out = to;
    const unsigned char *in = from;
    if (n == 0 || convert->to_bytes == 0)
        return;
    if (convert->plain) {
        memcpy(out, in, n * convert->to_bytes);
        return;
    }
    size_t batch = batch_size(convert);
    for (size_t done = 0; done < n; done += batch) {
        size_t now = n - done < batch ? n - done : batch;
        unsigned char *at = out + done * convert->to_bytes;
        if (convert->gaps)
            memset(at, 0, now * convert->to_bytes);
        run_each(convert->runs, convert->run_count, at, convert->to_bytes, in + done * convert->from_bytes,
                 convert->from_bytes, now);
    }
}
