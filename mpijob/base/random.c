#include <mpijob/random.h>

#include <math.h>
#include <Random123/philox.h>

#define WORDS 4
#define TWO_PI 6.283185307179586476925286766559

__extension__ typedef unsigned __int128 uint128;

static uint32_t low(uint64_t number)
{
    return (uint32_t)(number & UINT32_MAX);
}

static uint32_t high(uint64_t number)
{
    return (uint32_t)(number >> 32);
}

static void next_block(mpijob_random *random)
{
    philox4x32_key_t key = {{low(random->seed), high(random->seed)}};
    philox4x32_ctr_t counter = {{low(random->block), high(random->block), low(random->stream), high(random->stream)}};
    philox4x32_ctr_t made = philox4x32_R(10, counter, key);
    for (int i = 0; i < WORDS; i++)
        random->words[i] = made.v[i];
    random->block++;
    random->used = 0;
}

void mpijob_random_init(mpijob_random *random, uint64_t seed, uint64_t stream)
{
    *random = (mpijob_random){.seed = seed, .stream = stream, .used = WORDS};
}

uint64_t mpijob_random_u64(mpijob_random *random)
{
    if (random->used + 2 > WORDS)
        next_block(random);
    const uint32_t *pair = random->words + random->used;
    random->used += 2;
    return pair[0] | (uint64_t)pair[1] << 32;
}

double mpijob_random_double(mpijob_random *random)
{
    return (double)(mpijob_random_u64(random) >> 11) * 0x1p-53;
}

uint64_t mpijob_random_below(mpijob_random *random, uint64_t bound)
{
    if (bound < 2)
        return 0;
    uint128 product = (uint128)mpijob_random_u64(random) * bound;
    /* The remainder costs a division, so it is made only where a rejection is possible at all. */
    if ((uint64_t)product < bound) {
        uint64_t surplus = (0 - bound) % bound;
        while ((uint64_t)product < surplus)
            product = (uint128)mpijob_random_u64(random) * bound;
    }
    return (uint64_t)(product >> 64);
}

double mpijob_random_normal(mpijob_random *random)
{
    /* 1 - u lies in (0, 1], where the logarithm is finite. */
    double u = mpijob_random_double(random);
    double v = mpijob_random_double(random);
    return sqrt(-2 * log(1 - u)) * cos(TWO_PI * v);
}
