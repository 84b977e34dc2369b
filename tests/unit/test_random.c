#include <mpijob/random.h>

#include "unit.h"

#include <math.h>
#include <string.h>

#define SEED 20240229
#define DRAWS 100000

/* The published answers of Philox4x32-10: Random123's tests/kat_vectors. Digits of pi in the last. */
static const struct {
    uint64_t seed;
    uint64_t stream;
    uint64_t block;
    uint32_t words[4];
} known[] = {
    {0, 0, 0, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
    {UINT64_MAX, UINT64_MAX, UINT64_MAX, {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
    {0x299f31d0a4093822, 0x0370734413198a2e, 0x85a308d3243f6a88, {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
};

static mpijob_random at(uint64_t seed, uint64_t stream, uint64_t block)
{
    mpijob_random random;
    mpijob_random_init(&random, seed, stream);
    random.block = block;
    return random;
}

/* A stream whose next two words are given: to try the numbers at the ends of the range. */
static mpijob_random with_words(uint64_t first, uint64_t second)
{
    mpijob_random random = at(SEED, 0, 0);
    random.words[0] = (uint32_t)first;
    random.words[1] = (uint32_t)(first >> 32);
    random.words[2] = (uint32_t)second;
    random.words[3] = (uint32_t)(second >> 32);
    random.used = 0;
    return random;
}

START_TEST(gives_the_published_words)
{
    mpijob_random random = at(known[_i].seed, known[_i].stream, known[_i].block);
    const uint32_t *words = known[_i].words;
    ck_assert_uint_eq(mpijob_random_u64(&random), words[0] | (uint64_t)words[1] << 32);
    ck_assert_uint_eq(mpijob_random_u64(&random), words[2] | (uint64_t)words[3] << 32);
}
END_TEST

START_TEST(begins_at_block_0_and_goes_on_block_by_block)
{
    mpijob_random random;
    memset(&random, 0xff, sizeof random);
    mpijob_random_init(&random, SEED, 7);
    for (uint64_t block = 0; block < 100; block++) {
        mpijob_random alone = at(SEED, 7, block);
        ck_assert_uint_eq(mpijob_random_u64(&random), mpijob_random_u64(&alone));
        ck_assert_uint_eq(mpijob_random_u64(&random), mpijob_random_u64(&alone));
    }
}
END_TEST

START_TEST(block_numbers_use_all_64_bits)
{
    mpijob_random last_low = at(SEED, 7, UINT32_MAX);
    mpijob_random first_high = at(SEED, 7, 1ULL << 32);
    mpijob_random_u64(&last_low);
    mpijob_random_u64(&last_low);
    uint64_t number = mpijob_random_u64(&last_low);
    ck_assert_uint_eq(number, mpijob_random_u64(&first_high));
    mpijob_random zero = at(SEED, 7, 0);
    ck_assert_uint_ne(number, mpijob_random_u64(&zero));
}
END_TEST

START_TEST(a_copy_goes_on_alike_and_alone)
{
    mpijob_random random = at(SEED, 1, 0);
    for (int ahead = 0; ahead < 5; ahead++, mpijob_random_u64(&random)) {
        mpijob_random copy = random;
        mpijob_random second = random;
        uint64_t first_number = mpijob_random_u64(&copy);
        mpijob_random_u64(&copy);
        ck_assert_uint_eq(mpijob_random_u64(&second), first_number);
    }
}
END_TEST

START_TEST(a_double_is_53_bits_of_a_number)
{
    mpijob_random random = at(SEED, 2, 0);
    mpijob_random same = random;
    for (int i = 0; i < 1000; i++) {
        double value = mpijob_random_double(&random);
        ck_assert(value == ldexp((double)(mpijob_random_u64(&same) >> 11), -53));
        ck_assert(value >= 0 && value < 1);
    }
    mpijob_random ends = with_words(0, UINT64_MAX);
    ck_assert(mpijob_random_double(&ends) == 0.0);
    ck_assert(mpijob_random_double(&ends) == 1 - ldexp(1, -53));
}
END_TEST

/* ---- Below ------------------------------------------------------------------------------------------------------ */

static const uint64_t bounds[] = {1,          2,         3,       6,          7,          10,         100,
                                  255,        256,       1000003, 1ULL << 32, UINT32_MAX, 1ULL << 63, (1ULL << 63) + 1,
                                  3ULL << 62, UINT64_MAX};

START_TEST(below_stays_below)
{
    mpijob_random random = at(SEED, 3, 0);
    uint64_t largest = 0;
    for (int i = 0; i < 20000; i++) {
        uint64_t value = mpijob_random_below(&random, bounds[_i]);
        ck_assert_uint_lt(value, bounds[_i]);
        largest = value > largest ? value : largest;
    }
    ck_assert_uint_ge(largest, bounds[_i] - 1 - bounds[_i] / 1000);
}
END_TEST

START_TEST(below_nothing_takes_nothing)
{
    mpijob_random random = at(SEED, 3, 0);
    mpijob_random untouched = random;
    ck_assert_uint_eq(mpijob_random_below(&random, 0), 0);
    ck_assert_uint_eq(mpijob_random_below(&random, 1), 0);
    ck_assert_uint_eq(mpijob_random_u64(&random), mpijob_random_u64(&untouched));
}
END_TEST

START_TEST(below_a_power_of_two_is_the_highest_bits)
{
    mpijob_random random = at(SEED, 4, 0);
    mpijob_random same = random;
    for (int bits = 1; bits < 64; bits++)
        ck_assert_uint_eq(mpijob_random_below(&random, 1ULL << bits), mpijob_random_u64(&same) >> (64 - bits));
}
END_TEST

/* Of the 2^64 numbers, those whose product with the bound has a low half under 2^64 mod bound are passed over: for the
 * bound 3 that is the number 0 alone; the next one decides. */
START_TEST(below_rejects_exactly_the_surplus)
{
    mpijob_random rejected = with_words(0, UINT64_MAX);
    ck_assert_uint_eq(mpijob_random_below(&rejected, 3), 2);
    mpijob_random accepted = with_words(1, UINT64_MAX);
    ck_assert_uint_eq(mpijob_random_below(&accepted, 3), 0);
    ck_assert_uint_eq(mpijob_random_u64(&accepted), UINT64_MAX);
    /* 2^64 mod 7 is 2: of 0 (low half 0) and of the smallest number beyond 2^64 / 7 (low half 5) only 0 goes. */
    mpijob_random seven = with_words(0, UINT64_MAX / 7 + 1);
    ck_assert_uint_eq(mpijob_random_below(&seven, 7), 1);
    /* 2^64 mod (2^63 + 1) is 2^63 - 1; 1 has the low half 2^63 + 1, which stays; 2 has 2, which goes. */
    mpijob_random half = with_words(2, 1);
    ck_assert_uint_eq(mpijob_random_below(&half, (1ULL << 63) + 1), 0);
    ck_assert_uint_eq(half.used, 4);
}
END_TEST

/* Without the rejection every third number of this bound would come twice as often. */
START_TEST(below_is_even_where_plain_scaling_is_not)
{
    mpijob_random random = at(SEED, 5, 0);
    int counts[3] = {0};
    for (int i = 0; i < 30000; i++)
        counts[mpijob_random_below(&random, 3ULL << 62) % 3]++;
    for (int i = 0; i < 3; i++)
        ck_assert_int_lt(abs(counts[i] - 10000), 400);
}
END_TEST

/* ---- Distribution: seeds are fixed, so the outcome is too. The limits are about six standard deviations. --------- */

static double chi_square(const int *counts, int cells, double expected)
{
    double sum = 0;
    for (int i = 0; i < cells; i++)
        sum += (counts[i] - expected) * (counts[i] - expected) / expected;
    return sum;
}

START_TEST(a_stream_is_uniform)
{
    int doubles[100] = {0};
    int dice[6] = {0};
    int bits[64] = {0};
    mpijob_random random = at(SEED, (uint64_t)_i, 0);
    for (int i = 0; i < DRAWS; i++) {
        doubles[(int)(mpijob_random_double(&random) * 100)]++;
        dice[mpijob_random_below(&random, 6)]++;
        uint64_t number = mpijob_random_u64(&random);
        for (int bit = 0; bit < 64; bit++)
            bits[bit] += (int)(number >> bit & 1);
    }
    ck_assert_double_lt(chi_square(doubles, 100, DRAWS / 100.0), 99 + 6 * sqrt(2 * 99));
    ck_assert_double_lt(chi_square(dice, 6, DRAWS / 6.0), 5 + 6 * sqrt(2 * 5));
    for (int bit = 0; bit < 64; bit++)
        ck_assert_double_lt(abs(bits[bit] - DRAWS / 2), 6 * sqrt(DRAWS / 4.0));
}
END_TEST

/* Jobs often take one number each: so the first numbers of neighbouring streams must be as good as one stream. */
START_TEST(first_numbers_of_streams_are_uniform_and_independent)
{
    int counts[100] = {0};
    double products = 0;
    double before = 0;
    for (uint64_t stream = 0; stream < DRAWS; stream++) {
        mpijob_random random = at(SEED, stream, 0);
        double value = mpijob_random_double(&random);
        counts[(int)(value * 100)]++;
        products += (value - 0.5) * before;
        before = value - 0.5;
    }
    ck_assert_double_lt(chi_square(counts, 100, DRAWS / 100.0), 99 + 6 * sqrt(2 * 99));
    ck_assert_double_lt(fabs(products), 6 * sqrt(DRAWS) / 12);
}
END_TEST

static int by_value(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left;
    uint64_t b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

/* Streams, seeds, and the same number as stream and as seed: 64-bit numbers that do not meet in 40,000 draws. */
START_TEST(streams_and_seeds_do_not_meet)
{
    static uint64_t numbers[40000];
    int count = 0;
    for (uint64_t seed = 0; seed < 100; seed++)
        for (uint64_t stream = 0; stream < 100; stream++) {
            mpijob_random random = at(seed << (seed % 2 * 32), stream << (stream % 2 * 32), 0);
            for (int i = 0; i < 4; i++)
                numbers[count++] = mpijob_random_u64(&random);
        }
    qsort(numbers, (size_t)count, sizeof numbers[0], by_value);
    for (int i = 1; i < count; i++)
        ck_assert_uint_ne(numbers[i - 1], numbers[i]);
}
END_TEST

START_TEST(normal_numbers_have_the_moments)
{
    mpijob_random random = at(SEED, 6, 0);
    double sums[5] = {0};
    for (int i = 0; i < DRAWS; i++) {
        double value = mpijob_random_normal(&random);
        double power = value;
        for (int moment = 1; moment < 5; moment++, power *= value)
            sums[moment] += power / DRAWS;
    }
    static const double expected[] = {0, 0, 1, 0, 3};
    static const double variance[] = {0, 1, 2, 15, 96};
    for (int moment = 1; moment < 5; moment++)
        ck_assert_double_lt(fabs(sums[moment] - expected[moment]), 6 * sqrt(variance[moment] / DRAWS));
}
END_TEST

START_TEST(normal_takes_two_doubles_and_is_finite_at_the_ends)
{
    mpijob_random random = at(SEED, 8, 0);
    mpijob_random same = random;
    double u = mpijob_random_double(&same);
    double v = mpijob_random_double(&same);
    ck_assert_double_eq_tol(mpijob_random_normal(&random), sqrt(-2 * log(1 - u)) * cos(2 * acos(-1.0) * v), 1e-12);
    ck_assert_uint_eq(mpijob_random_u64(&random), mpijob_random_u64(&same));
    mpijob_random smallest = with_words(0, 0);
    ck_assert(fabs(mpijob_random_normal(&smallest)) == 0.0);
    mpijob_random largest = with_words(UINT64_MAX, 0);
    ck_assert_double_eq_tol(mpijob_random_normal(&largest), sqrt(106 * log(2)), 1e-12);
}
END_TEST

static TCase *numbers_group(void)
{
    TCase *group = tcase_create("numbers");
    tcase_add_loop_test(group, gives_the_published_words, 0, UNIT_COUNT(known));
    tcase_add_test(group, begins_at_block_0_and_goes_on_block_by_block);
    tcase_add_test(group, block_numbers_use_all_64_bits);
    tcase_add_test(group, a_copy_goes_on_alike_and_alone);
    tcase_add_test(group, a_double_is_53_bits_of_a_number);
    tcase_add_loop_test(group, below_stays_below, 0, UNIT_COUNT(bounds));
    tcase_add_test(group, below_nothing_takes_nothing);
    tcase_add_test(group, below_a_power_of_two_is_the_highest_bits);
    tcase_add_test(group, below_rejects_exactly_the_surplus);
    tcase_add_test(group, below_is_even_where_plain_scaling_is_not);
    return group;
}

static TCase *distribution_group(void)
{
    TCase *group = tcase_create("distribution");
    tcase_set_timeout(group, 60);
    tcase_add_loop_test(group, a_stream_is_uniform, 0, 3);
    tcase_add_test(group, first_numbers_of_streams_are_uniform_and_independent);
    tcase_add_test(group, streams_and_seeds_do_not_meet);
    tcase_add_test(group, normal_numbers_have_the_moments);
    tcase_add_test(group, normal_takes_two_doubles_and_is_finite_at_the_ends);
    return group;
}

int main(void)
{
    Suite *suite = suite_create("random");
    suite_add_tcase(suite, numbers_group());
    suite_add_tcase(suite, distribution_group());
    return unit_run(suite);
}
