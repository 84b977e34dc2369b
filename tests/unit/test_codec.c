#include "base/alloc.h"
#include "io/codec.h"

#include "unit.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define HEADER 16

static int less(void)
{
    return getenv("MPIJOB_TEST_LESS") != NULL;
}

/* Ends where the memory ends, so that a sanitizer sees one byte too many. */
static unsigned char *exact_copy(const void *from, size_t bytes)
{
    unsigned char *copy = mpj_alloc(bytes);
    ck_assert_ptr_nonnull(copy);
    if (bytes > 0)
        memcpy(copy, from, bytes);
    return copy;
}

static uint32_t next_random(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

/* 0: zeros; 1: a walk of 64-bit integers; 2: noise. */
static unsigned char *make_data(size_t bytes, int kind)
{
    unsigned char *data = mpj_calloc(1, bytes);
    uint32_t random = 1;
    int64_t walk = 0;
    ck_assert_ptr_nonnull(data);
    for (size_t i = 0; i < bytes; i++) {
        if (i % 8 == 0)
            walk += (int64_t)(next_random(&random) % 200) - 100;
        if (kind == 1)
            data[i] = (unsigned char)((uint64_t)walk >> (8 * (i % 8)));
        else if (kind == 2)
            data[i] = (unsigned char)next_random(&random);
    }
    return data;
}

/* A buffer of its exact length. */
static unsigned char *compress(const void *data, size_t bytes, const mpj_codec_options *options, size_t *made)
{
    mpijob_error err;
    size_t bound = mpj_codec_bound(bytes);
    unsigned char *out = mpj_alloc(bound);
    *made = bound;
    int status = mpj_codec_compress(out, made, data, bytes, options, &err);
    ck_assert_msg(status == MPIJOB_OK, "codec %d level %d shuffle %d type %zu, %zu bytes: %s", options->codec,
                  options->level, options->shuffle, options->type_bytes, bytes, err.text);
    ck_assert_uint_le(*made, bound);
    unsigned char *exact = exact_copy(out, *made);
    mpj_free(out);
    return exact;
}

/* ---- Round trips ------------------------------------------------------------------------------------------------- */

static void check_round_trip(const void *data, size_t bytes, const mpj_codec_options *options)
{
    mpijob_error err;
    size_t made;
    mpj_codec_header header;
    unsigned char *buffer = compress(data, bytes, options, &made);
    ck_assert_int_eq(mpj_codec_inspect(&header, buffer, made, "x", &err), MPIJOB_OK);
    ck_assert_uint_eq(header.bytes, bytes);
    size_t type = options->type_bytes;
    ck_assert_uint_eq(header.type_bytes, type > 255 || type == 0 ? 1 : type);
    if (!header.stored)
        ck_assert_int_eq(header.codec, options->codec == MPJ_LZ4HC ? MPJ_LZ4 : options->codec);
    if (options->level == 0 || bytes == 0)
        ck_assert(header.stored);
    unsigned char *back = mpj_alloc(bytes);
    int status = mpj_codec_decompress(back, bytes, buffer, made, "x", &err);
    ck_assert_msg(status == MPIJOB_OK, "codec %d level %d shuffle %d type %zu, %zu bytes: %s", options->codec,
                  options->level, options->shuffle, options->type_bytes, bytes, err.text);
    ck_assert(bytes == 0 || memcmp(back, data, bytes) == 0);
    mpj_free(back);
    mpj_free(buffer);
}

START_TEST(every_codec_level_and_shuffle_comes_back)
{
    static const size_t lengths[] = {0, 1, 15, 127, 128, 129, 254, 255, 1000, 40000};
    static const size_t types[] = {0, 1, 2, 3, 4, 8, 16, 17, 255, 256};
    for (int level = 0; level <= 9; level += less() ? 3 : 1)
        for (int shuffle = 0; shuffle <= 2; shuffle++)
            for (int kind = 0; kind < 3; kind++)
                for (int length = 0; length < UNIT_COUNT(lengths); length++) {
                    unsigned char *data = make_data(lengths[length], kind);
                    for (int type = 0; type < UNIT_COUNT(types); type++) {
                        mpj_codec_options options = {_i, level, shuffle, types[type], 0};
                        check_round_trip(data, lengths[length], &options);
                    }
                    mpj_free(data);
                }
}
END_TEST

START_TEST(many_blocks_come_back)
{
    size_t bytes = less() ? 300001 : 3000001;
    unsigned char *data = make_data(bytes, 1);
    for (size_t block = 0; block <= 100000; block += 50000)
        for (int shuffle = 0; shuffle <= 2; shuffle++) {
            mpj_codec_options options = {_i, 4, shuffle, 8, block};
            check_round_trip(data, bytes, &options);
        }
    mpj_free(data);
}
END_TEST

START_TEST(what_does_not_compress_is_stored)
{
    unsigned char *data = make_data(100000, 2);
    mpj_codec_options options = {_i, 9, 1, 8, 0};
    size_t made;
    unsigned char *buffer = compress(data, 100000, &options, &made);
    ck_assert_uint_le(made, 100000 + HEADER);
    mpj_free(buffer);
    mpj_free(data);
}
END_TEST

START_TEST(what_compresses_gets_small)
{
    unsigned char *data = make_data(100000, 1);
    mpj_codec_options options = {_i, 5, 1, 8, 0};
    size_t made;
    unsigned char *buffer = compress(data, 100000, &options, &made);
    ck_assert_uint_lt(made, 40000);
    mpj_free(buffer);
    mpj_free(data);
}
END_TEST

START_TEST(names_and_numbers)
{
    static const char *const names[] = {"blosclz", "lz4", "lz4hc", "zlib", "zstd"};
    for (int codec = 0; codec < MPJ_CODEC_COUNT; codec++) {
        ck_assert_int_eq(mpj_codec_find(names[codec]), codec);
        ck_assert_str_eq(mpj_codec_name(codec), names[codec]);
    }
    ck_assert_int_eq(mpj_codec_find("snappy"), -1);
    ck_assert_int_eq(mpj_codec_find("LZ4"), -1);
    ck_assert_int_eq(mpj_codec_find(""), -1);
    ck_assert_ptr_null(mpj_codec_name(-1));
    ck_assert_ptr_null(mpj_codec_name(MPJ_CODEC_COUNT));
}
END_TEST

START_TEST(checksum_is_xxh3)
{
    ck_assert_uint_eq(mpj_checksum("", 0), UINT64_C(0x2D06800538D394C2));
    ck_assert_uint_ne(mpj_checksum("a", 1), mpj_checksum("b", 1));
}
END_TEST

/* ---- Refused ----------------------------------------------------------------------------------------------------- */

START_TEST(wrong_options_are_refused)
{
    static const struct {
        mpj_codec_options options;
        size_t bytes;
        const char *text;
    } cases[] = {
        {{MPJ_CODEC_COUNT, 5, 1, 8, 0}, 8, "compressor 5"},
        {{-1, 5, 1, 8, 0}, 8, "compressor -1"},
        {{MPJ_LZ4, -1, 1, 8, 0}, 8, "level -1"},
        {{MPJ_LZ4, 10, 1, 8, 0}, 8, "level 10"},
        {{MPJ_LZ4, 5, -1, 8, 0}, 8, "shuffle -1"},
        {{MPJ_LZ4, 5, 3, 8, 0}, 8, "shuffle 3"},
        {{MPJ_LZ4, 5, 1, 8, SIZE_MAX}, 8, "block"},
        {{MPJ_LZ4, 5, 1, 8, 0}, MPJ_CODEC_MAX_BYTES + 1, "smaller chunks"},
        {{MPJ_LZ4, 0, 1, 8, 0}, SIZE_MAX, "smaller chunks"},
    };
    mpijob_error err;
    unsigned char from[8] = {0}, out[64];
    size_t made = sizeof out;
    ck_assert_int_eq(mpj_codec_compress(out, &made, from, cases[_i].bytes, &cases[_i].options, &err), MPIJOB_EINVAL);
    ck_assert_ptr_nonnull(strstr(err.text, cases[_i].text));
}
END_TEST

START_TEST(too_little_room_is_an_error)
{
    mpijob_error err;
    unsigned char *data = make_data(1000, 1);
    mpj_codec_options options = {_i, 5, 1, 8, 0};
    static const size_t rooms[] = {0, 1, 15, 16, 17, 500, 1015};
    for (int i = 0; i < UNIT_COUNT(rooms); i++) {
        size_t made = rooms[i];
        unsigned char *out = mpj_alloc(rooms[i]);
        ck_assert_int_eq(mpj_codec_compress(out, &made, data, 1000, &options, &err), MPIJOB_EINVAL);
        ck_assert_ptr_nonnull(strstr(err.text, "room"));
        mpj_free(out);
    }
    mpj_free(data);
}
END_TEST

START_TEST(no_memory_is_an_error)
{
    unsigned char *data = make_data(1000, 1);
    mpj_codec_options options = {MPJ_ZSTD, 5, 1, 8, 0};
    unsigned char out[1016];
    size_t made;
    unsigned char *buffer = compress(data, 1000, &options, &made);
    size_t room = sizeof out;
    mpj_alloc_fail_after(0);
    ck_assert_int_eq(mpj_codec_compress(out, &room, data, 1000, &options, NULL), MPIJOB_ENOMEM);
    mpj_alloc_fail_after(0);
    ck_assert_int_eq(mpj_codec_decompress(out, 1000, buffer, made, "x", NULL), MPIJOB_ENOMEM);
    mpj_alloc_fail_after(UINT64_MAX);
    mpj_free(buffer);
    mpj_free(data);
}
END_TEST

/* ---- Damaged buffers --------------------------------------------------------------------------------------------- */

/* Zstandard: three blocks, the last one shorter. The others: one block, of a stream for each byte of an element. */
static unsigned char *sample(int codec, int shuffle, size_t *made)
{
    mpj_codec_options options = {codec, 5, shuffle, 4, 2048};
    unsigned char *data = make_data(5000, 1);
    unsigned char *buffer = compress(data, 5000, &options, made);
    ck_assert_uint_lt(*made, 5000);
    mpj_free(data);
    return buffer;
}

/* Into memory of exactly the right size: a sanitizer sees the rest. */
static int decompress_copy(const unsigned char *buffer, size_t bytes, size_t expected)
{
    mpijob_error err = {.text = ""};
    unsigned char *copy = exact_copy(buffer, bytes);
    unsigned char *out = mpj_alloc(expected);
    int status = mpj_codec_decompress(out, expected, copy, bytes, "the chunk", &err);
    if (status != MPIJOB_OK)
        ck_assert_ptr_nonnull(strstr(err.text, "the chunk"));
    mpj_free(out);
    mpj_free(copy);
    return status;
}

START_TEST(cut_short_anywhere_is_an_error)
{
    size_t made;
    unsigned char *buffer = sample(_i, 1, &made);
    for (size_t bytes = 0; bytes < made; bytes++) {
        ck_assert_int_eq(decompress_copy(buffer, bytes, 5000), MPIJOB_ECORRUPT);
        if (bytes >= HEADER) { /* and with a header that knows of it */
            unsigned char *copy = exact_copy(buffer, bytes);
            for (int i = 0; i < 4; i++)
                copy[12 + i] = (unsigned char)(bytes >> (8 * i));
            ck_assert_int_eq(decompress_copy(copy, bytes, 5000), MPIJOB_ECORRUPT);
            mpj_free(copy);
        }
    }
    mpj_free(buffer);
}
END_TEST

START_TEST(another_length_than_expected_is_an_error)
{
    size_t made;
    unsigned char *buffer = sample(_i, 1, &made);
    ck_assert_int_eq(decompress_copy(buffer, made, 5000), MPIJOB_OK);
    static const size_t others[] = {0, 1, 2048, 4999, 5001, 10000};
    for (int i = 0; i < UNIT_COUNT(others); i++)
        ck_assert_int_eq(decompress_copy(buffer, made, others[i]), MPIJOB_ECORRUPT);
    mpj_free(buffer);
}
END_TEST

/* Flags and type length only turn bytes about: a checksum around the buffer sees that. All else is noticed here. */
START_TEST(a_flipped_bit_in_the_header)
{
    size_t made;
    unsigned char *buffer = sample(_i / 3, _i % 3, &made);
    for (int bit = 0; bit < 8 * HEADER; bit++) {
        buffer[bit / 8] ^= (unsigned char)(1 << bit % 8);
        int status = decompress_copy(buffer, made, 5000);
        if (bit / 8 == 2 || bit / 8 == 3)
            ck_assert(status == MPIJOB_OK || status == MPIJOB_ECORRUPT);
        else if (bit / 8 < 8 || bit / 8 >= 12)
            ck_assert_int_eq(status, MPIJOB_ECORRUPT);
        else /* a block length of which as many blocks begin at the same places */
            ck_assert(status == MPIJOB_OK || status == MPIJOB_ECORRUPT);
        buffer[bit / 8] ^= (unsigned char)(1 << bit % 8);
    }
    mpj_free(buffer);
}
END_TEST

START_TEST(damage_anywhere_stays_inside)
{
    size_t made;
    uint32_t random = (uint32_t)_i;
    unsigned char *buffer = sample(_i / 3, _i % 3, &made);
    int rounds = less() ? 2 : 20;
    for (int round = 0; round < rounds; round++)
        for (size_t at = HEADER; at < made; at++) {
            unsigned char *copy = exact_copy(buffer, made);
            copy[at] = (unsigned char)next_random(&random);
            if (round % 2)
                copy[HEADER + next_random(&random) % (made - HEADER)] = 255;
            int status = decompress_copy(copy, made, 5000);
            ck_assert(status == MPIJOB_OK || status == MPIJOB_ECORRUPT);
            mpj_free(copy);
        }
    mpj_free(buffer);
}
END_TEST

static void store_32(unsigned char *at, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        at[i] = (unsigned char)(value >> (8 * i));
}

/* In a sample of 5000 bytes in blocks of 2048. bytes: 1 or 4. */
static const struct {
    int at, bytes;
    uint32_t value;
    int status;
    const char *text;
} hostile[] = {
    {0, 1, 0, MPIJOB_ECORRUPT, "version is 0"},
    {0, 1, 1, MPIJOB_ECORRUPT, "version is 1"},
    {0, 1, 5, MPIJOB_ECORRUPT, "Blosc 2"},
    {1, 1, 0, MPIJOB_ECORRUPT, "version of its compressor"},
    {1, 1, 2, MPIJOB_ECORRUPT, "version of its compressor"},
    {2, 1, 0x98, MPIJOB_ECORRUPT, "flags"},
    {2, 1, 0x95, MPIJOB_ECORRUPT, "two ways"},
    {2, 1, 0x93, MPIJOB_ECORRUPT, "another length"},
    {2, 1, 0xb1, MPIJOB_ECORRUPT, "unknown compressor"},
    {2, 1, 0xf1, MPIJOB_ECORRUPT, "unknown compressor"},
    {3, 1, 0, MPIJOB_ECORRUPT, "elements of 0 bytes"},
    {4, 4, 0, MPIJOB_ECORRUPT, "holds 0 bytes"},
    {4, 4, 0x7fffffff, MPIJOB_ECORRUPT, "more than 2 GiB"},
    {4, 4, 0x7fffffef, MPIJOB_ECORRUPT, "more blocks"},
    {4, 4, 0x80000000, MPIJOB_ECORRUPT, "more than 2 GiB"},
    {4, 4, 0xffffffff, MPIJOB_ECORRUPT, "more than 2 GiB"},
    {4, 4, 2047, MPIJOB_ECORRUPT, "block length"},
    {8, 4, 0, MPIJOB_ECORRUPT, "block length"},
    {8, 4, 1, MPIJOB_ECORRUPT, "more blocks"},
    {8, 4, 5001, MPIJOB_ECORRUPT, "block length"},
    {8, 4, 0x7fffffff, MPIJOB_ECORRUPT, "block length"},
    {8, 4, 0x80000000, MPIJOB_ECORRUPT, "block length"},
    {8, 4, 0xffffffff, MPIJOB_ECORRUPT, "block length"},
    {12, 4, 0, MPIJOB_ECORRUPT, "was written with 0"},
    {12, 4, 16, MPIJOB_ECORRUPT, "was written with 16"},
    {12, 4, 0xffffffff, MPIJOB_ECORRUPT, "was written with 4294967295"},
    {16, 4, 0, MPIJOB_ECORRUPT, "begins outside"},
    {16, 4, 27, MPIJOB_ECORRUPT, "begins outside"},
    {20, 4, 0x7fffffff, MPIJOB_ECORRUPT, "begins outside"},
    {20, 4, 0x80000000, MPIJOB_ECORRUPT, "begins outside"},
    {24, 4, 0xfffffffc, MPIJOB_ECORRUPT, "begins outside"},
    {24, 4, 0xffffffff, MPIJOB_ECORRUPT, "begins outside"},
    {28, 4, 0xffffffff, MPIJOB_ECORRUPT, "cannot be read"},
    {28, 4, 0x7fffffff, MPIJOB_ECORRUPT, "cannot be read"},
    {28, 4, 0, MPIJOB_ECORRUPT, "cannot be read"},
};

START_TEST(a_hostile_header_is_refused)
{
    mpijob_error err;
    size_t made;
    unsigned char out[5000];
    unsigned char *buffer = sample(MPJ_ZSTD, 1, &made);
    if (hostile[_i].bytes == 1)
        buffer[hostile[_i].at] = (unsigned char)hostile[_i].value;
    else
        store_32(buffer + hostile[_i].at, hostile[_i].value);
    ck_assert_int_eq(mpj_codec_decompress(out, sizeof out, buffer, made, "x", &err), hostile[_i].status);
    ck_assert_msg(strstr(err.text, hostile[_i].text) != NULL, "%s", err.text);
    mpj_free(buffer);
}
END_TEST

START_TEST(the_last_place_for_a_block)
{
    size_t made;
    mpj_codec_header header;
    unsigned char *buffer = sample(MPJ_ZSTD, 1, &made);
    store_32(buffer + 24, (uint32_t)made - 3);
    ck_assert_int_eq(mpj_codec_inspect(&header, buffer, made, "x", NULL), MPIJOB_ECORRUPT);
    store_32(buffer + 24, (uint32_t)made - 4);
    ck_assert_int_eq(mpj_codec_inspect(&header, buffer, made, "x", NULL), MPIJOB_OK);
    ck_assert_int_eq(decompress_copy(buffer, made, 5000), MPIJOB_ECORRUPT);
    mpj_free(buffer);
}
END_TEST

/* ---- Long matches of BloscLZ ------------------------------------------------------------------------------------- */

#define LONG_BLOCK ((size_t)24 << 20)

/* One block, one stream: a literal, then a match whose length is `count` bytes of 255. */
static unsigned char *long_match(size_t count, size_t *bytes)
{
    *bytes = HEADER + 4 + 4 + 3 + count + 16;
    unsigned char *buffer = mpj_calloc(1, *bytes);
    ck_assert_ptr_nonnull(buffer);
    memcpy(buffer, (unsigned char[]){2, 1, 0x10, 1}, 4);
    store_32(buffer + 4, LONG_BLOCK);
    store_32(buffer + 8, LONG_BLOCK);
    store_32(buffer + 12, (uint32_t)*bytes);
    store_32(buffer + 16, HEADER + 4);
    store_32(buffer + 20, (uint32_t)(*bytes - HEADER - 8));
    unsigned char *stream = buffer + HEADER + 8;
    stream[1] = 'x';
    stream[2] = 7 << 5;
    memset(stream + 3, 255, count);
    return buffer;
}

START_TEST(a_match_that_overflows_is_refused)
{
    static const size_t counts[] = {8000000, 8421503, 8421504, 8421505, 8421506, 8500000, 16900000};
    mpijob_error err;
    size_t bytes;
    unsigned char *buffer = long_match(counts[_i], &bytes);
    unsigned char *out = mpj_alloc(LONG_BLOCK);
    ck_assert_int_eq(mpj_codec_decompress(out, LONG_BLOCK, buffer, bytes, "x", &err), MPIJOB_ECORRUPT);
    ck_assert_ptr_nonnull(strstr(err.text, "data longer than their block"));
    mpj_free(out);
    mpj_free(buffer);
}
END_TEST

/* Stored streams may hold as many bytes of 255 as they like. */
START_TEST(long_runs_of_255_come_back)
{
    unsigned char *data = make_data(LONG_BLOCK, 2);
    memset(data + LONG_BLOCK / 4, 255, LONG_BLOCK / 4 * 3);
    for (int level = 1; level <= 9; level += 4)
        for (size_t type = 1; type <= 2; type++) {
            mpj_codec_options options = {MPJ_BLOSCLZ, level, (int)type - 1, type, LONG_BLOCK};
            check_round_trip(data, LONG_BLOCK, &options);
        }
    mpj_free(data);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("codec");
    TCase *group = tcase_create("codec");
    tcase_add_loop_test(group, every_codec_level_and_shuffle_comes_back, 0, MPJ_CODEC_COUNT);
    tcase_add_loop_test(group, many_blocks_come_back, 0, MPJ_CODEC_COUNT);
    tcase_add_loop_test(group, what_does_not_compress_is_stored, 0, MPJ_CODEC_COUNT);
    tcase_add_loop_test(group, what_compresses_gets_small, 0, MPJ_CODEC_COUNT);
    tcase_add_test(group, names_and_numbers);
    tcase_add_test(group, checksum_is_xxh3);
    tcase_add_loop_test(group, wrong_options_are_refused, 0, 9);
    tcase_add_loop_test(group, too_little_room_is_an_error, 0, MPJ_CODEC_COUNT);
    tcase_add_test(group, no_memory_is_an_error);
    tcase_add_loop_test(group, cut_short_anywhere_is_an_error, 0, MPJ_CODEC_COUNT);
    tcase_add_loop_test(group, another_length_than_expected_is_an_error, 0, MPJ_CODEC_COUNT);
    tcase_add_loop_test(group, a_flipped_bit_in_the_header, 0, 3 * MPJ_CODEC_COUNT);
    tcase_add_loop_test(group, damage_anywhere_stays_inside, 0, 3 * MPJ_CODEC_COUNT);
    tcase_add_loop_test(group, a_hostile_header_is_refused, 0, UNIT_COUNT(hostile));
    tcase_add_test(group, the_last_place_for_a_block);
    tcase_add_loop_test(group, a_match_that_overflows_is_refused, 0, 7);
    tcase_add_test(group, long_runs_of_255_come_back);
    suite_add_tcase(suite, group);
    return unit_run(suite);
}
