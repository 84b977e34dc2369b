/* The grid of chunks: every number against a count of single elements. */
#include "array/chunkgrid.h"

#include "unit.h"

#include <string.h>

typedef struct grid_case {
    int ndim;
    size_t shape[4], chunk[4];
    uint64_t total;
} grid_case;

static const grid_case cases[] = {
    {0, {0}, {0}, 1},
    {1, {10}, {3}, 4},
    {1, {9}, {3}, 3},
    {1, {0}, {3}, 0},
    {1, {1}, {100}, 1},
    {2, {5, 7}, {2, 3}, 9},
    {2, {5, 0}, {2, 3}, 0},
    {3, {4, 5, 6}, {4, 1, 4}, 10},
    {4, {2, 3, 2, 5}, {1, 2, 2, 2}, 12},
};

START_TEST(test_positions_and_names)
{
    const grid_case *c = &cases[_i];
    mpj_grid grid;
    ck_assert_int_eq(mpj_grid_init(&grid, c->ndim, c->shape, c->chunk), 0);
    ck_assert_uint_eq(grid.total, c->total);
    size_t elements = 0, all = 1;
    for (int i = 0; i < c->ndim; i++)
        all *= c->shape[i];
    for (uint64_t n = 0; n < grid.total; n++) {
        size_t at[MPIJOB_MAX_DIMS], start[MPIJOB_MAX_DIMS], length[MPIJOB_MAX_DIMS], inside = 1, whole = 1;
        char name[MPJ_GRID_NAME_BYTES];
        uint64_t back = UINT64_MAX;
        mpj_grid_position(&grid, n, at);
        ck_assert_uint_eq(mpj_grid_number(&grid, at), n);
        int clipped = mpj_grid_extent(&grid, at, start, length);
        for (int i = 0; i < c->ndim; i++) {
            ck_assert_uint_le(start[i] + length[i], c->shape[i]);
            inside *= length[i];
            whole *= c->chunk[i];
        }
        ck_assert_int_eq(clipped, inside < whole);
        elements += inside;
        mpj_grid_name(&grid, at, n % 2 ? '/' : '.', name);
        ck_assert_int_eq(mpj_grid_parse_name(&grid, name, n % 2 ? '/' : '.', &back), 0);
        ck_assert_uint_eq(back, n);
    }
    ck_assert_uint_eq(elements, all);
}
END_TEST

START_TEST(test_touched_chunks)
{
    const size_t shape[] = {5, 7}, chunk[] = {2, 3};
    mpj_grid grid;
    ck_assert_int_eq(mpj_grid_init(&grid, 2, shape, chunk), 0);
    for (int n = 0; n < 5 * 7 * 6 * 8; n++) {
        size_t start[] = {(size_t)n % 5, (size_t)n / 5 % 7};
        size_t length[] = {(size_t)n / 35 % 6, (size_t)n / 210};
        if (start[0] + length[0] > 5 || start[1] + length[1] > 7)
            continue;
        char touched[9] = {0}, listed[9] = {0};
        for (size_t i = start[0]; i < start[0] + length[0]; i++)
            for (size_t k = start[1]; k < start[1] + length[1]; k++)
                touched[i / 2 * 3 + k / 3] = 1;
        mpj_grid_window window;
        mpj_grid_touched(&grid, start, length, &window);
        for (uint64_t w = 0; w < window.total; w++) {
            size_t at[MPIJOB_MAX_DIMS];
            mpj_grid_at(&grid, &window, w, at);
            listed[mpj_grid_number(&grid, at)]++;
        }
        ck_assert_mem_eq(touched, listed, sizeof touched);
    }
}
END_TEST

START_TEST(test_names_that_are_none)
{
    static const char *const none[] = {"",     "0",   "0.",   ".0",   "0.0.0", "00.0",
                                       "0.01", "5.0", "0.3",  "-0.0", "0.0 ",  " 0.0",
                                       "a.b",  "0/0", "0.0/", "+0.0", "0..0",  "0.18446744073709551616"};
    const size_t shape[] = {10, 9}, chunk[] = {2, 3};
    uint64_t number;
    mpj_grid grid;
    ck_assert_int_eq(mpj_grid_init(&grid, 2, shape, chunk), 0);
    ck_assert_int_eq(mpj_grid_parse_name(&grid, "4.2", '.', &number), 0);
    for (int i = 0; i < UNIT_COUNT(none); i++)
        ck_assert_msg(mpj_grid_parse_name(&grid, none[i], '.', &number) == -1, "\"%s\"", none[i]);
}
END_TEST

START_TEST(test_too_many_chunks)
{
    const size_t shape[] = {(size_t)1 << 33, (size_t)1 << 33, 0}, chunk[] = {1, 1, 1};
    mpj_grid grid;
    ck_assert_int_eq(mpj_grid_init(&grid, 2, shape, chunk), -1);
    ck_assert_int_eq(mpj_grid_init(&grid, 3, shape, chunk), -1); /* the 0 hides nothing */
}
END_TEST

/* The longest name there can be. */
START_TEST(test_longest_name)
{
    size_t shape[MPIJOB_MAX_DIMS], chunk[MPIJOB_MAX_DIMS], at[MPIJOB_MAX_DIMS], back[MPIJOB_MAX_DIMS];
    char name[MPJ_GRID_NAME_BYTES];
    uint64_t number;
    mpj_grid grid;
    for (int i = 0; i < MPIJOB_MAX_DIMS; i++) {
        shape[i] = i < 18 ? 11 : 1;
        chunk[i] = 1;
        at[i] = shape[i] - 1;
    }
    ck_assert_int_eq(mpj_grid_init(&grid, MPIJOB_MAX_DIMS, shape, chunk), 0);
    mpj_grid_name(&grid, at, '.', name);
    ck_assert_uint_eq(strlen(name), 18 * 2 + 14 + 31);
    ck_assert_int_eq(mpj_grid_parse_name(&grid, name, '.', &number), 0);
    mpj_grid_position(&grid, number, back);
    ck_assert_mem_eq(at, back, sizeof at);
}
END_TEST

typedef struct choice {
    int ndim, order;
    size_t shape[3], element, target, chunk[3];
} choice;

static const choice choices[] = {
    {1, 'C', {20000000}, 8, 4 << 20, {512821}},
    {1, 'C', {100}, 8, 4 << 20, {100}},
    {2, 'C', {1000, 2000}, 8, 4 << 20, {250, 2000}},
    {2, 'F', {1000, 2000}, 8, 4 << 20, {1000, 500}},
    {2, 'C', {10, 1000000}, 8, 4 << 20, {1, 500000}},
    {3, 'C', {100, 100, 100}, 8, 1 << 20, {13, 100, 100}},
    {3, 'F', {100, 100, 100}, 8, 1 << 20, {100, 100, 13}},
    {2, 'C', {0, 5}, 8, 4 << 20, {1, 5}},
    {2, 'C', {3, 3}, 8 << 20, 4 << 20, {1, 1}},
};

START_TEST(test_default_chunks)
{
    const choice *c = &choices[_i];
    size_t chunk[3];
    mpj_grid_choose(chunk, c->ndim, c->shape, c->element, c->order, c->target);
    for (int i = 0; i < c->ndim; i++)
        ck_assert_uint_eq(chunk[i], c->chunk[i]);
}
END_TEST

START_TEST(test_target)
{
    const size_t mib = 1 << 20;
    ck_assert_uint_eq(mpj_grid_target_bytes(100, 64 * mib), 2 * mib);
    ck_assert_uint_eq(mpj_grid_target_bytes(24 * 1024 * mib, 64 * mib), 6 * mib);
    ck_assert_uint_eq(mpj_grid_target_bytes(1024 * 1024 * mib, 64 * mib), 8 * mib);
    ck_assert_uint_eq(mpj_grid_target_bytes(1024 * 1024 * mib, 4096 * mib), 256 * mib);
    ck_assert_uint_eq(mpj_grid_target_bytes(100, 8 * mib), mib);
    ck_assert_uint_eq(mpj_grid_target_bytes(100, 1), mib / 16);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("chunkgrid");
    TCase *tests = tcase_create("grid");
    tcase_add_loop_test(tests, test_positions_and_names, 0, UNIT_COUNT(cases));
    tcase_add_test(tests, test_touched_chunks);
    tcase_add_test(tests, test_names_that_are_none);
    tcase_add_test(tests, test_too_many_chunks);
    tcase_add_test(tests, test_longest_name);
    tcase_add_loop_test(tests, test_default_chunks, 0, UNIT_COUNT(choices));
    tcase_add_test(tests, test_target);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
