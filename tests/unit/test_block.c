/* Blocks between strided places, against a loop over all indices. */
#include "data/convert.h"
#include "data/layout.h"
#include "unit.h"

#include <mpijob/random.h>
#include <string.h>

#define ARENA 200000
#define ROUNDS 4000

static unsigned char from_arena[ARENA], to_arena[ARENA], expected[ARENA];
static mpijob_random rng;

static void setup(void)
{
    mpijob_random_init(&rng, 20240607, 0);
    for (size_t i = 0; i < ARENA; i++)
        from_arena[i] = (unsigned char)mpijob_random_below(&rng, 256);
}

static size_t below(size_t bound)
{
    return (size_t)mpijob_random_below(&rng, bound);
}

/* Strides of a place where no two elements overlap: dimensions in random order, with random gaps, some backwards.
 * Returns the offset of the first element; `extent`: of all. */
static size_t random_place(ptrdiff_t *strides, const mpj_block *b, size_t bytes, size_t *extent)
{
    int dims[MPIJOB_MAX_DIMS];
    size_t step = bytes + (below(3) == 0 ? below(9) : 0), first = 0;
    for (int i = 0; i < b->ndim; i++) {
        int other = (int)below((size_t)i + 1);
        dims[i] = dims[other];
        dims[other] = i;
    }
    for (int i = 0; i < b->ndim; i++) {
        int dim = dims[i];
        size_t count = b->count[dim] == 0 ? 1 : b->count[dim];
        strides[dim] = (ptrdiff_t)step;
        if (below(4) == 0) {
            strides[dim] = -strides[dim];
            first += (count - 1) * step;
        }
        step = step * count + (below(3) == 0 ? below(20) : 0);
    }
    *extent = step + bytes;
    return first;
}

static void random_block(mpj_block *b)
{
    b->ndim = (int)below(6);
    for (int i = 0; i < b->ndim; i++)
        b->count[i] = below(20) == 0 ? below(2) : 1 + below(b->ndim <= 2 ? 90 : 6);
}

static void copy_element(unsigned char *to, const unsigned char *from, size_t bytes, const mpj_convert *convert)
{
    if (convert != NULL)
        mpj_convert_elements(convert, to, from, 1);
    else
        memcpy(to, from, bytes);
}

static void naive(const mpj_block *b, int dim, unsigned char *to, const unsigned char *from, size_t bytes,
                  const mpj_convert *convert)
{
    if (dim == b->ndim) {
        copy_element(to, from, bytes, convert);
        return;
    }
    for (size_t i = 0; i < b->count[dim]; i++)
        naive(b, dim + 1, to + (ptrdiff_t)i * b->to_strides[dim], from + (ptrdiff_t)i * b->from_strides[dim], bytes,
              convert);
}

static void clear(void)
{
    memset(to_arena, 0xa5, ARENA);
    memset(expected, 0xa5, ARENA);
}

/* One random block, copied or filled both ways; the bytes between the elements must not change. */
static void one_round(size_t bytes, const mpj_convert *convert, int fill)
{
    size_t from_bytes = convert == NULL ? bytes : convert->from_bytes;
    size_t to_bytes = convert == NULL ? bytes : convert->to_bytes;
    size_t from_extent, to_extent, from, to;
    mpj_block b = {0};
    do {
        random_block(&b);
        from = random_place(b.from_strides, &b, from_bytes, &from_extent);
        to = random_place(b.to_strides, &b, to_bytes, &to_extent);
    } while (from_extent >= ARENA || to_extent >= ARENA);
    if (below(10) == 0 || fill)
        for (int i = 0; i < b.ndim; i++)
            b.from_strides[i] = fill || below(2) == 0 ? 0 : b.from_strides[i];
    clear();
    naive(&b, 0, expected + to, from_arena + from, bytes, convert);
    if (fill)
        mpj_block_fill(&b, to_arena + to, from_arena + from, bytes);
    else
        mpj_block_copy(&b, to_arena + to, from_arena + from, bytes, convert);
    ck_assert_mem_eq(to_arena, expected, ARENA);
}

static const size_t sizes[] = {1, 2, 3, 4, 8, 12, 16, 40};

START_TEST(copies_as_the_naive_loop)
{
    for (int i = 0; i < ROUNDS / UNIT_COUNT(sizes); i++)
        one_round(sizes[_i], NULL, 0);
}
END_TEST

START_TEST(fills_as_the_naive_loop)
{
    for (int i = 0; i < ROUNDS / UNIT_COUNT(sizes); i++)
        one_round(sizes[_i], NULL, 1);
}
END_TEST

/* Swapped; and structs packed, small and larger than what is gathered at a time. */
static void make_convert(mpj_convert *convert, int which)
{
    mpj_convert_builder builder = {.convert = convert};
    size_t rest = which == 2 ? 3000 : 4;
    *convert = which == 0 ? (mpj_convert){.from_bytes = 8, .to_bytes = 8}
                          : (mpj_convert){.from_bytes = 16 + rest, .to_bytes = 8 + rest};
    mpj_convert_leaf(&builder, 0, 0, 8, 8);
    if (which > 0)
        mpj_convert_leaf(&builder, 16, 8, rest, 1);
    ck_assert_int_eq(mpj_convert_finish(&builder, NULL), MPIJOB_OK);
}

START_TEST(converts_on_the_way)
{
    mpj_convert convert;
    make_convert(&convert, _i);
    for (int i = 0; i < (_i == 2 ? 100 : 500); i++)
        one_round(0, &convert, 0);
    mpj_convert_dispose(&convert);
}
END_TEST

static const size_t lengths[][2] = {{301, 77}, {64, 64}, {3, 1000}, {1000, 3}};

/* Large enough for whole strips and a rest. */
START_TEST(transposes)
{
    size_t rows = lengths[_i % 4][0], columns = lengths[_i % 4][1], bytes = (size_t)1 << _i / 4;
    mpj_block b = {.ndim = 2, .count = {rows, columns}};
    mpj_strides(b.from_strides, 2, b.count, bytes, 'C');
    mpj_strides(b.to_strides, 2, b.count, bytes, 'F');
    clear();
    naive(&b, 0, expected, from_arena, bytes, NULL);
    mpj_block_copy(&b, to_arena, from_arena, bytes, NULL);
    ck_assert_mem_eq(to_arena, expected, ARENA);
}
END_TEST

START_TEST(most_dimensions)
{
    mpj_block b = {.ndim = MPIJOB_MAX_DIMS};
    for (int i = 0; i < b.ndim; i++)
        b.count[i] = i % 3 == 0 ? 2 : 1;
    mpj_strides(b.from_strides, b.ndim, b.count, 4, 'F');
    mpj_strides(b.to_strides, b.ndim, b.count, 4, 'C');
    clear();
    naive(&b, 0, expected, from_arena, 4, NULL);
    mpj_block_copy(&b, to_arena, from_arena, 4, NULL);
    ck_assert_mem_eq(to_arena, expected, ARENA);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("block");
    TCase *cases = tcase_create("block");
    tcase_add_checked_fixture(cases, setup, NULL);
    tcase_add_loop_test(cases, copies_as_the_naive_loop, 0, UNIT_COUNT(sizes));
    tcase_add_loop_test(cases, fills_as_the_naive_loop, 0, UNIT_COUNT(sizes));
    tcase_add_loop_test(cases, converts_on_the_way, 0, 3);
    tcase_add_loop_test(cases, transposes, 0, 16);
    tcase_add_test(cases, most_dimensions);
    suite_add_tcase(suite, cases);
    return unit_run(suite);
}
