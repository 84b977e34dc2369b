/* Reading entries ahead: pieces hold what lies close together, and what came of them is found, nothing else. */
#include "unit.h"

#include "base/alloc.h"
#include "memory/ahead.h"

#include <stdlib.h>
#include <string.h>

static mpj_ahead ahead;

static void begin(void)
{
    ahead = (mpj_ahead){0};
}

static void end(void)
{
    mpj_ahead_free(&ahead);
}

/* Byte i of segment s. */
static unsigned char byte_of(uint32_t segment, uint64_t at)
{
    return (unsigned char)(at / 16 * 7 + segment * 31 + at % 16);
}

static bool is_there(uint32_t segment, uint64_t offset, uint64_t bytes)
{
    const unsigned char *found = mpj_ahead_find(&ahead, segment, offset, bytes);
    for (uint64_t i = 0; found && i < bytes; i++)
        ck_assert_uint_eq(found[i], byte_of(segment, offset + i));
    return found != NULL;
}

/* Reads all pieces, of each `share` hundredths; how many there were. */
static size_t read_all(unsigned share)
{
    uint32_t segment;
    uint64_t offset;
    size_t bytes, pieces = 0;
    for (unsigned char *to; (to = mpj_ahead_next(&ahead, &segment, &offset, &bytes)) != NULL; pieces++) {
        ck_assert_uint_le(bytes, 256 << 10);
        size_t came = bytes * share / 100;
        for (size_t i = 0; i < came; i++)
            to[i] = byte_of(segment, offset + i);
        mpj_ahead_came(&ahead, came);
    }
    return pieces;
}

START_TEST(what_is_close_is_read_together)
{
    for (uint64_t i = 500; i-- > 0;)
        mpj_ahead_add(&ahead, (uint32_t)(i % 2), 128 + i * 208, 208);
    mpj_ahead_add(&ahead, 7, 128, 208); /* alone */
    ck_assert(!is_there(0, 128, 208));
    ck_assert_uint_eq(read_all(100), 2);
    for (uint64_t i = 0; i < 500; i++) {
        ck_assert(is_there((uint32_t)(i % 2), 128 + i * 208, 208));
        ck_assert(!is_there((uint32_t)(i % 2), 128 + i * 208, 224));
        ck_assert(!is_there((uint32_t)(i % 2) + 2, 128 + i * 208, 208));
    }
    ck_assert(!is_there(0, 128 + 208, 208));
    ck_assert(!is_there(7, 128, 208));
    mpj_ahead_clear(&ahead);
    ck_assert(!is_there(0, 128, 208));
    ck_assert_uint_eq(read_all(100), 0);
}
END_TEST

START_TEST(what_is_far_or_long_is_left_out)
{
    mpj_ahead_add(&ahead, 0, 0, 160);
    mpj_ahead_add(&ahead, 0, 160, 4112);
    mpj_ahead_add(&ahead, 0, 160 + 4112, 160);
    mpj_ahead_add(&ahead, 0, UINT64_MAX - 15, 160);
    mpj_ahead_add(&ahead, 0, INT64_MAX, 160);
    ck_assert_uint_eq(read_all(100), 0);
    mpj_ahead_clear(&ahead);
    for (uint64_t i = 0; i < 400; i++)
        mpj_ahead_add(&ahead, 3, i * 4096, 4096);
    ck_assert_uint_eq(read_all(100), 7); /* of 64 at most */
    for (uint64_t i = 0; i < 400; i++)
        ck_assert(is_there(3, i * 4096, 4096));
    mpj_ahead_clear(&ahead);
    for (uint64_t i = 0; i < 2000; i++)
        mpj_ahead_add(&ahead, 3, i * 4096, 4096);
    ck_assert_uint_eq(read_all(100), 16); /* 4 MiB */
    ck_assert(is_there(3, UINT64_C(1023) * 4096, 4096));
    ck_assert(!is_there(3, UINT64_C(1024) * 4096, 4096));
}
END_TEST

START_TEST(what_did_not_come_is_not_there)
{
    for (uint64_t i = 0; i < 100; i++)
        mpj_ahead_add(&ahead, (uint32_t)(i / 50), i % 50 * 160, 160);
    mpj_ahead_add(&ahead, 1, 0, 160); /* asked for twice */
    ck_assert_uint_eq(read_all(51), 2);
    for (uint64_t i = 0; i < 100; i++)
        ck_assert_int_eq(is_there((uint32_t)(i / 50), i % 50 * 160, 160), i % 50 < 25);
    mpj_ahead_clear(&ahead);
    mpj_ahead_add(&ahead, 0, 0, 160);
    mpj_ahead_add(&ahead, 0, 160, 160);
    ck_assert_uint_eq(read_all(0), 1);
    ck_assert(!is_there(0, 0, 160));
}
END_TEST

START_TEST(without_memory_less_is_read)
{
    mpj_alloc_fail_after((uint64_t)_i);
    for (uint64_t i = 0; i < 100; i++)
        mpj_ahead_add(&ahead, 0, i * 160, 160);
    size_t pieces = read_all(100);
    mpj_alloc_fail_after(UINT64_MAX);
    for (uint64_t i = 0; i < 100; i++)
        if (!is_there(0, i * 160, 160))
            ck_assert_int_lt(_i, 5); /* allocations in all */
    ck_assert_uint_le(pieces, 2);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ahead");
    TCase *tcase = tcase_create("ahead");
    tcase_add_checked_fixture(tcase, begin, end);
    tcase_add_test(tcase, what_is_close_is_read_together);
    tcase_add_test(tcase, what_is_far_or_long_is_left_out);
    tcase_add_test(tcase, what_did_not_come_is_not_there);
    tcase_add_loop_test(tcase, without_memory_less_is_read, 0, 8);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
