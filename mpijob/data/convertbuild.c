/* Building the runs of a mpj_convert. */
#include "data/convert.h"

#include "base/alloc.h"
#include "base/error.h"

static mpj_convert_run *add(mpj_convert_builder *builder)
{
    mpj_convert *convert = builder->convert;
    void *runs = convert->runs;
    if (builder->no_memory || mpj_grow(&runs, &builder->capacity, convert->run_count + 1, sizeof *convert->runs) != 0) {
        builder->no_memory = 1;
        return NULL;
    }
    convert->runs = runs;
    return &convert->runs[convert->run_count++];
}

void mpj_convert_leaf(mpj_convert_builder *builder, size_t from, size_t to, size_t bytes, size_t unit)
{
    mpj_convert *convert = builder->convert;
    if (convert->run_count > builder->open) {
        mpj_convert_run *last = &convert->runs[convert->run_count - 1];
        if (last->from + last->bytes == from && last->to + last->bytes == to && last->unit == unit) {
            last->bytes += bytes;
            return;
        }
    }
    mpj_convert_run *run = add(builder);
    if (run != NULL)
        *run = (mpj_convert_run){.from = from, .to = to, .bytes = bytes, .unit = unit};
}

mpj_convert_loop mpj_convert_loop_begin(mpj_convert_builder *builder, size_t from, size_t to, size_t count)
{
    mpj_convert_loop loop = {builder->convert->run_count, builder->open};
    mpj_convert_run *run = add(builder);
    if (run != NULL)
        *run = (mpj_convert_run){.from = from, .to = to, .count = count};
    builder->open = builder->convert->run_count;
    return loop;
}

/* A loop over one leaf that fills each turn is a longer leaf. */
static int is_one_leaf(const mpj_convert_run *loop, size_t body, size_t from_step, size_t to_step)
{
    const mpj_convert_run *leaf = loop + 1;
    return body == 1 && leaf->from == 0 && leaf->to == 0 && leaf->bytes == from_step && leaf->bytes == to_step;
}

void mpj_convert_loop_end(mpj_convert_builder *builder, mpj_convert_loop loop, size_t from_step, size_t to_step)
{
    mpj_convert *convert = builder->convert;
    if (builder->no_memory)
        return;
    mpj_convert_run *run = &convert->runs[loop.place];
    size_t body = convert->run_count - loop.place - 1;
    if (body == 0 || is_one_leaf(run, body, from_step, to_step)) {
        mpj_convert_run begun = run[0];
        mpj_convert_run leaf = body == 0 ? begun : run[1];
        convert->run_count = loop.place;
        builder->open = loop.open;
        if (body > 0)
            mpj_convert_leaf(builder, begun.from, begun.to, leaf.bytes * begun.count, leaf.unit);
        return;
    }
    run->body = body;
    run->from_step = from_step;
    run->to_step = to_step;
    builder->open = convert->run_count;
}

/* Do the runs fill all bytes of an element, one run behind the other? */
static int fills(const mpj_convert_run *runs, size_t run_count, size_t bytes)
{
    size_t filled = 0;
    for (size_t r = 0; r < run_count; r++) {
        const mpj_convert_run *run = runs + r;
        if (run->to != filled || (run->count > 0 && !fills(run + 1, run->body, run->to_step)))
            return 0;
        filled += run->count > 0 ? run->count * run->to_step : run->bytes;
        r += run->body;
    }
    return filled == bytes;
}

int mpj_convert_finish(mpj_convert_builder *builder, mpijob_error *err)
{
    mpj_convert *convert = builder->convert;
    if (builder->no_memory) {
        mpj_convert_dispose(convert);
        return mpj_fail_memory(err, "the description of a conversion", sizeof *convert->runs);
    }
    convert->gaps = !fills(convert->runs, convert->run_count, convert->to_bytes);
    convert->plain = convert->run_count == 1 && convert->runs[0].count == 0 && convert->runs[0].unit == 1 &&
                     !convert->gaps && convert->runs[0].from == 0 && convert->from_bytes == convert->to_bytes;
    return MPIJOB_OK;
}

void mpj_convert_dispose(mpj_convert *convert)
{
    mpj_free(convert->runs);
    *convert = (mpj_convert){0};
}

size_t mpj_swap_unit(const mpijob_type *type)
{
    switch (type->kind) {
    case MPIJOB_BOOL:
    case MPIJOB_BYTES:
    case MPIJOB_OPAQUE:
        return 1;
    case MPIJOB_COMPLEX64:
    case MPIJOB_COMPLEX128:
        return mpijob_type_size(type) / 2;
    default:
        return mpijob_type_size(type);
    }
}
